// The relative form; the others are in block_packed_rows_encoder.cpp.
#include <algorithm>

#include "ecsdb/wire/block_lanes.h"
#include "ecsdb/wire/block_packed.h"
#include "ecsdb/wire/block_quaternion.h"

namespace ecsdb {
namespace {

/// For lists of rising numbers and sizes of texts: a parameter near the best for their mean.
unsigned parameter_of_mean(uint64_t sum, size_t count, unsigned most) {
  const uint64_t mean = count == 0 ? 0 : sum / count;
  const unsigned bits = mean == 0 ? 0 : 64 - static_cast<unsigned>(__builtin_clzll(mean));
  return std::min(bits == 0 ? 0 : bits - 1, most);
}

}  // namespace

void add_masked_flags(uint64_t of, uint64_t misses, RunEncoder& runs) {
  uint32_t before = 0;
  for (uint64_t rest = of & misses; rest != 0; rest &= rest - 1) {
    const uint64_t below = (rest & (0 - rest)) - 1;
    const uint32_t place = static_cast<uint32_t>(__builtin_popcountll(of & below));
    runs.hits(place - before);
    runs.miss();
    before = place + 1;
  }
  runs.hits(static_cast<uint32_t>(__builtin_popcountll(of)) - before);
}

void PackedEncoder::encode(const BlockSource& source, Bytes& out) {
  source_ = &source;
  table_ = source.table;
  bits_.clear();
  texts_.clear();
  const bool is_relative = source.form == BlockForm::kRelative;
  publish_ = source.history->publishes + 1;
  whole_ = source.rows;
  if (is_relative) {
    const auto [first, last] = rows_in_range(*table_, source.changes->entered(), source.range);
    whole_ = source.changes->entered().subspan(first, last - first);
  }
  if (source.form != BlockForm::kRows) write_gone();
  write_rows();
  if (is_relative) {
    sort_candidates();
    write_candidates();
    write_fresh();
    if (!changed_.empty()) {
      write_masks();
      write_fields();
    }
  }
  if (!whole_.empty()) {
    write_columns();
    if (!is_relative) write_history();
  }
  const ByteSpan bits = bits_.finish();
  out.insert(out.end(), bits.begin(), bits.end());
  out.insert(out.end(), texts_.begin(), texts_.end());
}

// ---- Which rows ----

/// `indices` are in order, the first at or above `next`, and each `step` or more above the last.
void PackedEncoder::write_list(std::span<const uint32_t> indices, uint32_t next, uint32_t step) {
  bits_.room(indices.size() + 2);
  bits_.magnitude(static_cast<uint32_t>(indices.size() - 1), 0);
  const uint64_t span = indices.back() - next - step * (indices.size() - 1);
  const unsigned k = parameter_of_mean(span, indices.size(), 31);
  bits_.put(k, 5);
  for (const uint32_t index : indices) {
    bits_.magnitude(index - next, k);
    next = index + step;
  }
}

void PackedEncoder::write_tags(size_t count, auto&& entity_of) {
  runs_.clear();
  uint32_t before = kFirstTag;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t tag = entity_of(i).tag();
    runs_.flag(tag == before);
    before = tag;
  }
  runs_.encode(kSteadyRun, bits_);
  bits_.room(2 * count);
  before = kFirstTag;
  for (size_t i = 0; i < count; ++i) {
    const EntityId entity = entity_of(i);
    const uint32_t tag = entity.tag();
    if (tag == before) continue;
    const bool other_epoch = tag >> 16 != before >> 16;
    bits_.flag(other_epoch);
    if (other_epoch) bits_.put(tag >> 16, 16);
    bits_.magnitude(static_cast<uint32_t>(entity.reuse() - 1), 2);
    before = tag;
  }
}

void PackedEncoder::write_gone() {
  const std::span<const Tombstone> gone = gone_in_range(source_->gone, source_->range);
  bits_.room(1);
  bits_.flag(!gone.empty());
  if (gone.empty()) return;
  const bool is_net = source_->form == BlockForm::kNet;
  indices_.clear();
  for (const Tombstone& at : gone) indices_.push_back(at.entity.index());
  write_list(indices_, source_->range.begin, is_net ? 0 : 1);
  if (is_net) write_tags(gone.size(), [&](size_t i) { return gone[i].entity; });
  write_flags(gone.size(), [&](size_t i) { return gone[i].left; });
}

void PackedEncoder::write_rows() {
  bits_.room(1);
  bits_.flag(!whole_.empty());
  if (whole_.empty()) return;
  indices_.clear();
  for (const RowIndex row : whole_) indices_.push_back(table_->row(row).entity.index());
  write_list(indices_, source_->range.begin, 1);
  write_tags(whole_.size(), [&](size_t i) { return table_->row(whole_[i]).entity; });
  write_flags(whole_.size(),
              [&](size_t i) { return table_->row(whole_[i]).born > source_->since; });
}

/// Walks the cell's recent rows and the changed ones together, both in order of entity index.
void PackedEncoder::sort_candidates() {
  const ChangeSet& changes = *source_->changes;
  const RowRecords& records = table_->records();
  for (unsigned c = 0; c < kClasses; ++c) {
    class_runs_[c].clear();
    class_changed_[c].clear();
    class_rows_[c] = 0;
  }
  fresh_.clear();
  const auto [first, last] = rows_in_range(*table_, changes.known(), source_->range);
  size_t at = first;
  auto index_at = [&] { return table_->row(changes.known()[at]).entity.index(); };
  auto pass_fresh = [&] {
    if (changes.masks()[at] != 0) fresh_.push_back(static_cast<uint32_t>(at));
    ++at;
  };
  for (const uint32_t index : recent_in_range(*source_->history, source_->range)) {
    while (at < last && index_at() < index) pass_fresh();
    const RowIndex row = table_->find_index(index);
    if (row == kNoRow) continue;
    const Row& held = table_->row(row);
    const uint32_t age = records.age(row, publish_);
    // A row that the client does not hold here, or has in the gone or the entered, is no candidate.
    if (age == 0 || held.cell != source_->cell || held.published_cell != source_->cell) continue;
    const bool is_known = at < last && changes.known()[at] == row;
    const bool changes_now = is_known && changes.masks()[at] != 0;
    const unsigned c = candidate_class(records.head(row), age);
    ++class_rows_[c];
    class_runs_[c].flag(changes_now == class_is_expected(c));
    if (changes_now) class_changed_[c].push_back(static_cast<uint32_t>(at));
    if (is_known) ++at;
  }
  while (at < last) pass_fresh();
}

void PackedEncoder::write_candidates() {
  changed_.clear();
  for (unsigned c = 0; c < kClasses; ++c) {
    if (class_rows_[c] == 0) continue;
    changed_.insert(changed_.end(), class_changed_[c].begin(), class_changed_[c].end());
    if (class_rows_[c] >= kClassFlagRows) {
      bits_.room(1);
      bits_.flag(class_changed_[c].empty());
      if (class_changed_[c].empty()) continue;
    }
    class_runs_[c].encode(c == 0 ? kSteadyRun : kUnsteadyRun, bits_);
  }
}

void PackedEncoder::write_fresh() {
  bits_.room(1);
  bits_.flag(!fresh_.empty());
  changed_.insert(changed_.end(), fresh_.begin(), fresh_.end());
  if (fresh_.empty()) return;
  indices_.clear();
  for (const uint32_t place : fresh_) {
    indices_.push_back(table_->row(source_->changes->known()[place]).entity.index());
  }
  write_list(indices_, source_->range.begin, 1);
}

// ---- Which fields ----

void PackedEncoder::write_masks() {
  const ChangeSet& changes = *source_->changes;
  const RowRecords& records = table_->records();
  const size_t known = changed_.size() - fresh_.size();
  const uint64_t all = table_->layout().replicated_mask();
  repeatable_.resize(changed_.size());
  runs_.clear();
  unsteady_runs_.clear();
  for (size_t j = 0; j < changed_.size(); ++j) {
    const bool is_fresh = j >= known;
    const RowRecords::Head& head = records.head(changes.known()[changed_[j]]);
    repeatable_[j] = is_fresh ? 0 : RowRecords::repeatable(head, publish_);
    const uint64_t expected = is_fresh ? all : head.fields;
    const uint64_t unsteady = is_fresh ? all : head.fields ^ head.before;
    const uint64_t misses = changes.masks()[changed_[j]] ^ expected;
    add_masked_flags(all & ~unsteady, misses, runs_);
    add_masked_flags(unsteady, misses, unsteady_runs_);
  }
  if ((all & (all - 1)) == 0) return;
  runs_.encode(kSteadyRun, bits_);
  unsteady_runs_.encode(kUnsteadyRun, bits_);
}

// ---- Their values ----

void PackedEncoder::write_fields() {
  const TableLayout& layout = table_->layout();
  const std::span<const uint64_t> masks = source_->changes->masks();
  for (const uint16_t index : layout.replicated) {
    const FieldLayout& field = layout.fields[index];
    with_field_.clear();
    for (uint32_t j = 0; j < changed_.size(); ++j) {
      if ((masks[changed_[j]] >> field.replicated_bit & 1) != 0) with_field_.push_back(j);
    }
    if (!with_field_.empty()) write_field(index);
  }
}

void PackedEncoder::write_field(uint16_t index) {
  const FieldLayout& field = table_->layout().fields[index];
  if (field.text != kNoText) {
    text_rows_.clear();
    for (const uint32_t j : with_field_) {
      text_rows_.push_back(source_->changes->known()[changed_[j]]);
    }
    return write_text(field, text_rows_);
  }
  steady_ = with_field_;
  if (field.is_smallest_three) write_quaternion(field);
  for (uint16_t k = field.is_smallest_three ? 1 : 0; k < field.lane_count; ++k) {
    const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
    if (is_flag(table_->layout().lanes[lane])) continue;
    if (table_->records().place(lane).is_wide) {
      write_lane<uint64_t>(lane, field.replicated_bit);
    } else {
      write_lane<uint32_t>(lane, field.replicated_bit);
    }
  }
}

/// Leaves in steady_ the rows whose largest component is the same.
void PackedEncoder::write_quaternion(const FieldLayout& field) {
  const ChangeSet& changes = *source_->changes;
  const std::span<const uint32_t> largest = changes.deltas<uint32_t>(field.lane_first);
  const size_t known = changed_.size() - fresh_.size();
  runs_.clear();
  steady_.clear();
  for (const uint32_t j : with_field_) {
    const bool is_same = largest[changed_[j]] == 0;
    runs_.flag(is_same);
    if (is_same) steady_.push_back(j);
  }
  runs_.encode(kSteadyRun, bits_);
  if (steady_.size() == with_field_.size()) return;
  bits_.room(5 * (with_field_.size() - steady_.size()));
  for (const uint32_t j : with_field_) {
    if (largest[changed_[j]] == 0) continue;
    const RowIndex row = changes.known()[changed_[j]];
    SmallestThree before;
    SmallestThree now;
    for (uint16_t k = 0; k < 4; ++k) {
      const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
      before.lane[k] = static_cast<uint32_t>(table_->baseline_lane(row, lane));
      now.lane[k] = static_cast<uint32_t>(table_->lane(row, lane));
    }
    const uint32_t most =
        static_cast<uint32_t>(table_->layout().lanes[field.lane_first + size_t{1}].max);
    const unsigned k = j < known ? quaternion_parameter(table_->records(), row, field.lane_first)
                                 : kQuaternionParameter;
    write_turn(before, now, most, k, bits_);
  }
}

template <class S>
void PackedEncoder::write_lane(uint16_t lane, uint8_t bit) {
  const ChangeSet& changes = *source_->changes;
  const std::span<const S> deltas = changes.deltas<S>(lane);
  const RowIndex* rows = changes.known().data();
  const RowRecords& records = table_->records();
  const RowRecords::LanePlace& place = records.place(lane);
  const size_t known = changed_.size() - fresh_.size();
  coded_.resize(steady_.size());
  cold_.clear();
  for (size_t i = 0; i < steady_.size(); ++i) {
    const uint32_t j = steady_[i];
    const uint32_t at = changed_[j];
    const uint8_t* record = records.at(rows[at]);
    const LaneState state = RowRecords::load_state(record, place.state);
    const bool repeats = state.trend > 0 && (repeatable_[j] >> bit & 1) != 0;
    const S expected = repeats ? RowRecords::load<S>(record, place.delta) : S{0};
    const bool is_cold = state.magnitude == kMagnitudeNone || j >= known;
    const S change = is_cold ? deltas[at] : static_cast<S>(deltas[at] - expected);
    coded_[i] = {zigzag_of(change), is_cold ? 0 : warm_parameter(state.magnitude)};
    if (is_cold) cold_.push_back(static_cast<uint32_t>(i));
  }
  if (!cold_.empty()) write_cold_parameter<S>(lane);
  bits_.room(coded_.size());
  for (const Coded& coded : coded_) bits_.magnitude(static_cast<S>(coded.value), coded.k);
}

/// Chooses the parameter of the values in cold_, writes it, and sets their k.
template <class S>
void PackedEncoder::write_cold_parameter(uint16_t lane) {
  const ColdParameter cold = ColdParameter::of(table_->layout().lanes[lane]);
  auto before_of = [&](uint32_t i) {
    const RowIndex row = source_->changes->known()[changed_[steady_[i]]];
    return cold.exponent_shift == 0 ? 0 : table_->records().baseline(row, lane);
  };
  uint64_t sum = 0;
  uint64_t absent_bits = 0;
  for (const uint32_t i : cold_) {
    const S value = static_cast<S>(coded_[i].value);
    absent_bits += magnitude_bits(value, cold.absent);
    sum += cold.exponent(before_of(i)) + value_bits(value);
  }
  const unsigned mean = static_cast<unsigned>(sum / cold_.size());
  unsigned parameter = 0;
  uint64_t least_bits = absent_bits;
  bool is_given = false;
  for (const unsigned less : {1u, 2u}) {
    const unsigned tried = mean > less ? std::min(mean - less, (1u << cold.bits) - 1) : 0;
    uint64_t bits = cold.bits;
    for (const uint32_t i : cold_) {
      bits += magnitude_bits(static_cast<S>(coded_[i].value), cold.k(tried, before_of(i)));
    }
    if (bits >= least_bits) continue;
    least_bits = bits;
    parameter = tried;
    is_given = true;
  }
  bits_.room(1);
  bits_.flag(is_given);
  if (is_given) bits_.put(parameter, cold.bits);
  for (const uint32_t i : cold_) {
    coded_[i].k = is_given ? cold.k(parameter, before_of(i)) : cold.absent;
  }
}

void PackedEncoder::write_text(const FieldLayout& field, std::span<const RowIndex> rows) {
  uint64_t sum = 0;
  for (const RowIndex row : rows) sum += table_->text(row, field.text).size();
  const unsigned k = parameter_of_mean(sum, rows.size(), 15);
  bits_.room(rows.size() + 1);
  bits_.put(k, 4);
  for (const RowIndex row : rows) {
    const std::string& text = table_->text(row, field.text);
    bits_.magnitude(static_cast<uint32_t>(text.size()), k);
    texts_.insert(texts_.end(), text.begin(), text.end());
  }
}

}  // namespace ecsdb
