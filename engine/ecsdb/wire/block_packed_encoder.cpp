// The relative form; the others are in block_packed_rows_encoder.cpp.
#include <algorithm>

#include "ecsdb/wire/block_lanes.h"
#include "ecsdb/wire/block_packed.h"
#include "ecsdb/wire/block_quaternion.h"

namespace ecsdb {
namespace {

/// For lists of rising numbers and sizes of texts: a parameter near the best for their mean.
unsigned parameter_of_mean(uint64_t sum, size_t count, unsigned most) {
  const unsigned bits = value_bits(count == 0 ? 0 : sum / count);
  return std::min(bits == 0 ? 0 : bits - 1, most);
}

}  // namespace

void PackedEncoder::encode(const BlockSource& source, Bytes& out) {
  source_ = &source;
  table_ = source.table;
  bits_.clear();
  texts_.clear();
  const bool is_relative = source.form == BlockForm::kRelative;
  whole_ = is_relative ? entered_in_range(source) : source.rows;
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
  BitSink out = bits_.open(indices.size() + 2);
  out.magnitude(static_cast<uint32_t>(indices.size() - 1), 0);
  const uint64_t span = indices.back() - next - step * (indices.size() - 1);
  const unsigned k = parameter_of_mean(span, indices.size(), 31);
  out.put(k, 5);
  for (const uint32_t index : indices) {
    out.magnitude(index - next, k);
    next = index + step;
  }
  bits_.close(out);
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
  const std::span<const Tombstone> gone = gone_of(*source_);
  gone_indices_.clear();
  bits_.room(1);
  bits_.flag(!gone.empty());
  if (gone.empty()) return;
  const bool is_net = source_->form == BlockForm::kNet;
  for (const Tombstone& at : gone) gone_indices_.push_back(at.entity.index());
  write_list(gone_indices_, source_->range.begin, is_net ? 0 : 1);
  if (is_net) write_tags(gone.size(), [&](size_t i) { return gone[i].entity; });
  write_flags(gone.size(), [&](size_t i) { return gone[i].left; });
}

void PackedEncoder::write_rows() {
  whole_indices_.clear();
  bits_.room(1);
  bits_.flag(!whole_.empty());
  if (whole_.empty()) return;
  for (const RowIndex row : whole_) whole_indices_.push_back(table_->row(row).entity.index());
  write_list(whole_indices_, source_->range.begin, 1);
  write_tags(whole_.size(), [&](size_t i) { return table_->row(whole_[i]).entity; });
  write_flags(whole_.size(), [&](size_t i) { return table_->born(whole_[i]) > source_->since; });
}

/// The cell's recent rows by class, and the changed rows among them.
void PackedEncoder::sort_candidates() {
  const ChangeSet& changes = *source_->changes;
  refill(change_at_, source_->history->recent().size(), kUnchanged);
  fresh_.clear();
  const auto [begin, end] = places_in_range(changes.indices(), source_->range);
  for (size_t at = begin; at < end; ++at) {
    const uint32_t place = changes.places()[at];
    if (place == ChangeSet::kNoPlace) {
      fresh_.push_back(static_cast<uint32_t>(at));
    } else {
      change_at_[place] = static_cast<uint32_t>(at);
    }
  }
  classes_.sort(*source_->history, source_->range, gone_indices_, whole_indices_);
}

void PackedEncoder::write_candidates() {
  changed_.clear();
  newest_changed_ = 0;
  for (unsigned c = 0; c < kClasses; ++c) {
    const std::span<const uint32_t> places = classes_.places(c);
    if (places.empty()) continue;
    const bool is_expected = class_is_expected(c);
    const size_t before = changed_.size();
    runs_.clear();
    for (const uint32_t place : places) {
      const bool changes = change_at_[place] != kUnchanged;
      runs_.flag(changes == is_expected);
      if (changes) changed_.push_back(change_at_[place]);
    }
    if (is_expected) newest_changed_ = changed_.size();
    const bool is_quiet = changed_.size() == before;
    if (places.size() >= kClassFlagRows) {
      bits_.room(1);
      bits_.flag(is_quiet);
      if (is_quiet) continue;
    }
    runs_.encode(c == 0 ? kSteadyRun : kUnsteadyRun, bits_);
  }
}

void PackedEncoder::write_fresh() {
  bits_.room(1);
  bits_.flag(!fresh_.empty());
  changed_.insert(changed_.end(), fresh_.begin(), fresh_.end());
  if (fresh_.empty()) return;
  indices_.clear();
  for (const uint32_t place : fresh_) indices_.push_back(source_->changes->indices()[place]);
  write_list(indices_, source_->range.begin, 1);
}

// ---- Which fields ----

void PackedEncoder::write_masks() {
  const ChangeSet& changes = *source_->changes;
  const RowRecords& records = table_->records();
  const size_t with_history = changed_.size() - fresh_.size();
  const uint64_t all = table_->layout().replicated_mask();
  rows_.resize(changed_.size());
  runs_.clear();
  unsteady_runs_.clear();
  for (size_t j = 0; j < changed_.size(); ++j) {
    const uint32_t at = changed_[j];
    const RowIndex row = changes.known()[at];
    RowRecords::Fields fields{all, 0};
    if (j < with_history) fields = records.fields(row);
    rows_[j] = {records.at(row), changes.masks()[at], j < newest_changed_ ? fields.last : 0, at};
    const uint64_t unsteady = fields.last ^ fields.before;
    const uint64_t misses = rows_[j].mask ^ fields.last;
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
  for (const uint16_t index : layout.replicated) {
    const uint8_t bit = layout.fields[index].replicated_bit;
    with_field_.clear();
    for (uint32_t j = 0; j < rows_.size(); ++j) {
      if ((rows_[j].mask >> bit & 1) != 0) with_field_.push_back(j);
    }
    if (!with_field_.empty()) write_field(index);
  }
}

void PackedEncoder::write_field(uint16_t index) {
  const FieldLayout& field = table_->layout().fields[index];
  if (field.text != kNoText) {
    text_rows_.clear();
    for (const uint32_t j : with_field_) {
      text_rows_.push_back(source_->changes->known()[rows_[j].at]);
    }
    return write_text(field, text_rows_);
  }
  if (field.is_smallest_three) write_quaternion(field);
  const std::vector<uint32_t>& steady = field.is_smallest_three ? steady_ : with_field_;
  for (uint16_t k = field.is_smallest_three ? 1 : 0; k < field.lane_count; ++k) {
    const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
    if (table_->layout().lanes[lane].is_flag) continue;
    if (table_->records().place(lane).is_wide) {
      write_lane<uint64_t>(lane, field.replicated_bit, steady);
    } else {
      write_lane<uint32_t>(lane, field.replicated_bit, steady);
    }
  }
}

/// Leaves in steady_ the rows whose largest component is the same.
void PackedEncoder::write_quaternion(const FieldLayout& field) {
  const ChangeSet& changes = *source_->changes;
  const std::span<const uint32_t> largest = changes.deltas<uint32_t>(field.lane_first);
  const size_t with_history = changed_.size() - fresh_.size();
  runs_.clear();
  steady_.clear();
  for (const uint32_t j : with_field_) {
    const bool is_same = largest[rows_[j].at] == 0;
    runs_.flag(is_same);
    if (is_same) steady_.push_back(j);
  }
  runs_.encode(kSteadyRun, bits_);
  if (steady_.size() == with_field_.size()) return;
  bits_.room(5 * (with_field_.size() - steady_.size()));
  for (const uint32_t j : with_field_) {
    if (largest[rows_[j].at] == 0) continue;
    const RowIndex row = changes.known()[rows_[j].at];
    SmallestThree before;
    SmallestThree now;
    for (uint16_t k = 0; k < 4; ++k) {
      const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
      before.lane[k] = static_cast<uint32_t>(table_->baseline_lane(row, lane));
      now.lane[k] = static_cast<uint32_t>(table_->lane(row, lane));
    }
    const uint32_t most =
        static_cast<uint32_t>(table_->layout().lanes[field.lane_first + size_t{1}].max);
    const unsigned k = j < with_history
                           ? quaternion_parameter(table_->records(), row, field.lane_first)
                           : kQuaternionParameter;
    write_turn(before, now, most, k, bits_);
  }
}

/// One value of a lane for each of the rows. Rows without a history have no magnitude; they come
/// last.
template <class S>
void PackedEncoder::write_lane(uint16_t lane, uint8_t bit, std::span<const uint32_t> places) {
  const S* deltas = source_->changes->deltas<S>(lane).data();
  const RowRecords::LanePlace place = table_->records().place(lane);
  const size_t with_history = changed_.size() - fresh_.size();
  auto change_of = [&](uint32_t j, int8_t trend) {
    const ChangedRow& row = rows_[j];
    const bool repeats = trend > 0 && (row.repeatable >> bit & 1) != 0;
    const S expected = repeats ? RowRecords::load<S>(row.record, place.delta) : S{0};
    return zigzag_of(static_cast<S>(deltas[row.at] - expected));
  };
  cold_.clear();
  for (const uint32_t j : places) {
    if (j >= with_history || rows_[j].record[place.state] == kMagnitudeNone) cold_.push_back(j);
  }
  ColdParameter cold = ColdParameter::of(table_->layout().lanes[lane]);
  if (!cold_.empty()) choose_cold_parameter<S>(lane, cold);
  BitSink out = bits_.open(places.size() + 1);
  if (!cold_.empty()) {
    out.flag(cold.is_given);
    if (cold.is_given) out.put(cold.parameter, cold.bits);
  }
  for (const uint32_t j : places) {
    const uint8_t* record = rows_[j].record;
    const LaneState state = RowRecords::load_state(record, place.state);
    if (state.magnitude == kMagnitudeNone || j >= with_history) [[unlikely]] {
      out.magnitude(zigzag_of(deltas[rows_[j].at]),
                    cold.k(RowRecords::load<S>(record, place.baseline)));
    } else {
      out.magnitude(change_of(j, state.trend), warm_parameter(state.magnitude));
    }
  }
  bits_.close(out);
}

/// For the values of the rows in cold_: the best of a few near their mean, by their bit lengths.
template <class S>
void PackedEncoder::choose_cold_parameter(uint16_t lane, ColdParameter& cold) {
  const S* deltas = source_->changes->deltas<S>(lane).data();
  const uint16_t baseline = table_->records().place(lane).baseline;
  cold_bits_.clear();
  uint64_t sum = 0;
  for (const uint32_t j : cold_) {
    const S before = RowRecords::load<S>(rows_[j].record, baseline);
    cold_bits_.push_back({value_bits(zigzag_of(deltas[rows_[j].at])), cold.exponent(before)});
    sum += cold_bits_.back().bits + cold_bits_.back().exponent;
  }
  auto cost = [&] {
    uint64_t bits = cold.is_given ? cold.bits : 0;
    for (const auto [value, exponent] : cold_bits_) {
      const unsigned k = cold.k_at(exponent);
      bits += value <= k + 1 ? (value > k ? k + 2 : k + 1) : 2 * value - k + 1;
    }
    return bits;
  };
  const unsigned mean = static_cast<unsigned>(sum / cold_.size());
  ColdParameter best = cold;
  uint64_t least = cost();
  for (const unsigned less : {1u, 2u}) {
    cold.is_given = true;
    cold.parameter = mean > less ? std::min(mean - less, (1u << cold.bits) - 1) : 0;
    const uint64_t bits = cost();
    if (bits >= least) continue;
    least = bits;
    best = cold;
  }
  cold = best;
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
