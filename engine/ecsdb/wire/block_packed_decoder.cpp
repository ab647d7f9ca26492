// The relative form; the others are in block_packed_rows_decoder.cpp.
#include <algorithm>

#include "ecsdb/wire/block_lanes.h"
#include "ecsdb/wire/block_packed.h"
#include "ecsdb/wire/block_quaternion.h"

namespace ecsdb {
namespace {

Error malformed(const char* what) { return fail(ErrorCode::kFrameMalformed, what); }

}  // namespace

Status PackedDecoder::decode(ByteSpan body, const BlockTarget& target, DecodedBlock& out) {
  bits_ = BitReader(body);
  target_ = &target;
  table_ = target.table;
  out_ = &out;
  sizes_.clear();
  out.clear();
  Status status = read_body();
  if (status.ok() && !bits_.align()) status = malformed("padding bits are set");
  failed_at_ = bits_.byte();
  if (!bits_.ok()) {  // beyond the end zeros are read; what they seem to say is not what is wrong
    return status.code() == ErrorCode::kFrameMalformed ? status : malformed(bits_.problem());
  }
  if (!status.ok()) return status;
  return read_texts(body.subspan(failed_at_));
}

Status PackedDecoder::read_body() {
  const BlockForm form = out_->header.form;
  const bool is_relative = form == BlockForm::kRelative;
  gone_indices_.clear();
  whole_indices_.clear();
  if (form != BlockForm::kRows) ECSDB_TRY(read_gone());
  ECSDB_TRY(read_rows());
  if (is_relative) {
    classes_.sort(*target_->history, out_->header.range, gone_indices_, whole_indices_);
    ECSDB_TRY(read_candidates());
    ECSDB_TRY(read_fresh());
    if (!out_->changed.empty()) {
      out_->make_room_for_changed(table_->layout());
      ECSDB_TRY(read_masks());
      ECSDB_TRY(read_fields());
    }
  }
  if (out_->whole.empty()) return {};
  out_->make_room_for_whole(table_->layout());
  ECSDB_TRY(read_columns());
  return is_relative ? Status{} : read_history();
}

Error PackedDecoder::bad_part(const char* part) const {
  return fail(ErrorCode::kFrameMalformed, std::string(part) + ": " + bits_.problem());
}

Error PackedDecoder::bad_field(uint16_t field, ErrorCode code, const char* what) const {
  return fail(code, "field " + target_->def->fields[field].name + ": " + what);
}

// ---- Which rows ----

/// Fills indices_. Each takes a bit at least, which bounds the count before memory is taken.
Status PackedDecoder::read_list(uint32_t next, uint32_t step) {
  indices_.clear();
  const uint64_t count = uint64_t{bits_.magnitude<uint32_t>(0)} + 1;
  if (!bits_.ok() || count > bits_.bits_left()) {
    return malformed("row count is larger than the block");
  }
  const unsigned k = static_cast<unsigned>(bits_.take(5));
  const uint32_t end = out_->header.range.end;
  for (uint64_t i = 0; i < count; ++i) {
    const uint32_t gap = bits_.magnitude<uint32_t>(k);
    if (gap >= end || next + gap >= end) return malformed("entity index out of range");
    indices_.push_back(next + gap);
    next += gap + step;
  }
  return bits_.ok() ? Status{} : bad_part("list of rows");
}

/// Gives the indices in indices_ their tags.
Status PackedDecoder::read_tags(std::vector<EntityId>& entities) {
  const size_t count = indices_.size();
  read_misses(kSteadyRun, count);
  const std::vector<uint32_t>& differs = misses_;
  entities.clear();
  uint32_t tag = kFirstTag;
  size_t next = 0;
  for (size_t i = 0; i < count; ++i) {
    if (next < differs.size() && differs[next] == i) {
      const uint32_t before = tag;
      const bool is_other = bits_.flag();
      const uint32_t epoch = is_other ? static_cast<uint32_t>(bits_.take(16)) : before >> 16;
      const uint32_t reuse = bits_.magnitude<uint32_t>(2) + 1;
      tag = epoch << 16 | (reuse & 0xffff);
      ++next;
      if (reuse > 0xffff || reuse == 0) return malformed("entity tag");
      if (tag == before || (is_other && epoch == before >> 16)) {
        return fail(ErrorCode::kNotCanonical, "an entity tag that is repeated");
      }
    }
    entities.push_back(EntityId{(uint64_t{indices_[i]} << 32) | tag});
  }
  return bits_.ok() ? Status{} : bad_part("entity tags");
}

/// Places of the misses among so many flags go to misses_.
void PackedDecoder::read_misses(unsigned state, size_t flags) {
  misses_.clear();
  RunDecoder runs(state, flags);
  for (size_t at = 0; (at = runs.next_miss(bits_)) < flags;) {
    misses_.push_back(static_cast<uint32_t>(at));
  }
}

Status PackedDecoder::read_gone() {
  if (!bits_.flag()) return {};
  const bool is_net = out_->header.form == BlockForm::kNet;
  ECSDB_TRY(read_list(out_->header.range.begin, is_net ? 0 : 1));
  gone_indices_ = indices_;
  if (is_net) {
    ECSDB_TRY(read_tags(entities_));
    for (size_t i = 1; i < entities_.size(); ++i) {
      if (entities_[i - 1] < entities_[i]) continue;
      return fail(ErrorCode::kNotCanonical, "removals out of order");
    }
    for (const EntityId entity : entities_) out_->gone.push_back({entity, false});
  } else {
    for (const uint32_t index : indices_) {
      const RowIndex row = held_row(*target_, index);
      if (row == kNoRow) return unknown_row(index);
      out_->gone.push_back({table_->row(row).entity, false});
    }
  }
  read_flags(out_->gone.size(), [&](size_t i, bool left) { out_->gone[i].left = left; });
  return {};
}

Status PackedDecoder::read_rows() {
  if (!bits_.flag()) return {};
  ECSDB_TRY(read_list(out_->header.range.begin, 1));
  ECSDB_TRY(check_whole_rows(table_->layout(), indices_.size()));
  ECSDB_TRY(read_tags(out_->whole));
  whole_indices_ = indices_;
  out_->inserted.resize(out_->whole.size());
  read_flags(out_->whole.size(), [&](size_t i, bool inserted) { out_->inserted[i] = inserted; });
  for (const EntityId entity : out_->whole) {
    if (is_in_gone(*out_, entity)) return duplicate_row(entity.index());
  }
  return {};
}

Status PackedDecoder::read_candidates() {
  newest_changed_ = 0;
  std::vector<uint32_t>& changed = out_->places;
  for (unsigned c = 0; c < kClasses; ++c) {
    const std::span<const uint32_t> places = classes_.places(c);
    if (places.empty()) continue;
    if (places.size() >= kClassFlagRows && bits_.flag()) continue;
    const size_t before = changed.size();
    const bool is_expected = class_is_expected(c);
    RunDecoder runs(c == 0 ? kSteadyRun : kUnsteadyRun, places.size());
    for (size_t at = 0; at < places.size(); ++at) {
      const size_t miss = runs.next_miss(bits_);
      if (is_expected) {
        changed.insert(changed.end(), places.begin() + static_cast<ptrdiff_t>(at),
                       places.begin() + static_cast<ptrdiff_t>(miss));
      } else if (miss < places.size()) {
        changed.push_back(places[miss]);
      }
      at = miss;
    }
    if (is_expected) newest_changed_ = changed.size();
    if (places.size() >= kClassFlagRows && changed.size() == before) {
      return fail(ErrorCode::kNotCanonical, "a class of rows without a change");
    }
  }
  for (const uint32_t place : changed) {
    const uint32_t index = target_->history->recent()[place].index;
    const RowIndex row = held_row(*target_, index);
    if (row == kNoRow) return unknown_row(index);
    out_->changed.push_back(row);
  }
  return bits_.ok() ? Status{} : bad_part("changed rows");
}

Status PackedDecoder::read_fresh() {
  if (!bits_.flag()) return {};
  ECSDB_TRY(read_list(out_->header.range.begin, 1));
  IndexCursor gone(gone_indices_);
  IndexCursor entered(whole_indices_);
  const std::span<const RecentRow> recent = target_->history->recent();
  size_t place = 0;
  for (const uint32_t index : indices_) {
    const RowIndex row = held_row(*target_, index);
    if (row == kNoRow) return unknown_row(index);
    if (gone.contains(index) || entered.contains(index)) return duplicate_row(index);
    while (place < recent.size() && recent[place].index < index) ++place;
    if (place < recent.size() && recent[place].index == index) {
      return fail(ErrorCode::kNotCanonical,
                  "entity index " + std::to_string(index) + " has a history");
    }
    out_->changed.push_back(row);
  }
  out_->fresh = indices_;
  return {};
}

// ---- Which fields ----

Status PackedDecoder::read_masks() {
  const RowRecords& records = table_->records();
  const uint64_t all = table_->layout().replicated_mask();
  const size_t count = out_->changed.size();
  std::vector<uint64_t>& masks = out_->masks;
  rows_.resize(count);
  make_room(masks, count);
  masks.resize(count);
  make_room(unsteady_, count);
  unsteady_.resize(count);
  size_t flags[2] = {0, 0};
  for (size_t j = 0; j < count; ++j) {
    const RowIndex row = out_->changed[j];
    RowRecords::Fields fields{all, 0};
    if (j < out_->places.size()) fields = records.fields(row);
    rows_[j] = {records.at(row), j < newest_changed_ ? fields.last : 0, row};
    masks[j] = fields.last;
    unsteady_[j] = fields.last ^ fields.before;
    flags[1] += count_bits(unsteady_[j]);
    flags[0] += count_bits(all & ~unsteady_[j]);
  }
  if ((all & (all - 1)) == 0) return {};
  for (const bool of_unsteady : {false, true}) {
    RunDecoder runs(of_unsteady ? kUnsteadyRun : kSteadyRun, flags[of_unsteady]);
    size_t before = 0;  // flags of the rows before
    size_t j = 0;
    for (size_t miss = 0; (miss = runs.next_miss(bits_)) < flags[of_unsteady];) {
      uint64_t of = 0;
      for (;; ++j) {
        of = of_unsteady ? unsteady_[j] : all & ~unsteady_[j];
        const size_t here = count_bits(of);
        if (miss < before + here) break;
        before += here;
      }
      masks[j] ^= nth_bit(of, static_cast<unsigned>(miss - before));
    }
  }
  for (const uint64_t mask : masks) {
    if (mask == 0) return fail(ErrorCode::kNotCanonical, "a changed row without a change");
  }
  return bits_.ok() ? Status{} : bad_part("masks");
}

// ---- Their values ----

Status PackedDecoder::read_fields() {
  const TableLayout& layout = table_->layout();
  for (const uint16_t index : layout.replicated) {
    const uint8_t bit = layout.fields[index].replicated_bit;
    with_field_.clear();
    for (uint32_t j = 0; j < out_->masks.size(); ++j) {
      if ((out_->masks[j] >> bit & 1) != 0) with_field_.push_back(j);
    }
    if (!with_field_.empty()) ECSDB_TRY(read_field(index));
  }
  return {};
}

Status PackedDecoder::read_field(uint16_t index) {
  const FieldLayout& field = table_->layout().fields[index];
  if (field.text != kNoText) {
    TextChanges& changes = out_->text_changes[field.text];
    changes.count = with_field_.size();
    changes.at = with_field_;
    if (changes.values.size() < changes.count) changes.values.resize(changes.count);
    return read_sizes(index, std::span(changes.values).first(changes.count));
  }
  if (field.is_smallest_three) ECSDB_TRY(read_quaternion(index));
  const std::vector<uint32_t>& steady = field.is_smallest_three ? steady_ : with_field_;
  for (uint16_t k = field.is_smallest_three ? 1 : 0; k < field.lane_count; ++k) {
    const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
    if (table_->layout().lanes[lane].is_flag) {
      ECSDB_TRY(read_flips(lane));
    } else if (table_->records().place(lane).is_wide) {
      ECSDB_TRY(read_lane<uint64_t>(index, lane, steady));
    } else {
      ECSDB_TRY(read_lane<uint32_t>(index, lane, steady));
    }
  }
  return {};
}

Status PackedDecoder::read_flips(uint16_t lane) {
  LaneChanges& changes = out_->lane_changes[lane];
  changes.make_room(with_field_.size());
  for (const uint32_t j : with_field_) changes.add(j, 1 - table_->lane(out_->changed[j], lane));
  return {};
}

/// Leaves in steady_ the rows whose largest component is the same; gives the others' lanes, which
/// therefore come before those of steady rows.
Status PackedDecoder::read_quaternion(uint16_t index) {
  const FieldLayout& field = table_->layout().fields[index];
  const uint32_t most =
      static_cast<uint32_t>(table_->layout().lanes[field.lane_first + size_t{1}].max);
  turned_.clear();
  steady_.clear();
  RunDecoder runs(kSteadyRun, with_field_.size());
  for (size_t at = 0; at < with_field_.size(); ++at) {
    const size_t miss = runs.next_miss(bits_);
    for (; at < miss; ++at) steady_.push_back(with_field_[at]);
    if (at < with_field_.size()) turned_.push_back(with_field_[at]);
  }
  for (uint16_t k = 0; k < 4; ++k) {
    out_->lane_changes[field.lane_first + size_t{k}].make_room(with_field_.size());
  }
  for (const uint32_t j : turned_) {
    const RowIndex row = out_->changed[j];
    SmallestThree before;
    for (uint16_t k = 0; k < 4; ++k) {
      before.lane[k] =
          static_cast<uint32_t>(table_->lane(row, static_cast<uint16_t>(field.lane_first + k)));
    }
    const unsigned k = j < out_->places.size()
                           ? quaternion_parameter(table_->records(), row, field.lane_first)
                           : kQuaternionParameter;
    const SmallestThree now = read_turn(before, most, k, bits_);
    for (uint16_t i = 0; i < 4; ++i) {
      if (i > 0 && now.lane[i] > most) {
        return bad_field(index, ErrorCode::kValueOutOfRange, "residual leaves the range");
      }
      out_->lane_changes[field.lane_first + size_t{i}].add(j, now.lane[i]);
    }
  }
  return bits_.ok() ? Status{} : bad_field(index, ErrorCode::kFrameMalformed, bits_.problem());
}

/// One value of a lane for each of the rows.
template <class S>
Status PackedDecoder::read_lane(uint16_t index, uint16_t lane, std::span<const uint32_t> places) {
  const Lane& def = table_->layout().lanes[lane];
  const uint8_t bit = table_->layout().fields[index].replicated_bit;
  const RowRecords::LanePlace place = table_->records().place(lane);
  const size_t with_history = out_->places.size();
  const bool is_float = def.kind == LaneKind::kFloat;
  bool has_cold = !places.empty() && places.back() >= with_history;
  for (const uint32_t j : places) has_cold |= rows_[j].record[place.state] == kMagnitudeNone;
  BitReader in = bits_;
  ColdParameter cold = ColdParameter::of(def);
  if (has_cold) cold.is_given = in.flag();
  if (cold.is_given) cold.parameter = static_cast<unsigned>(in.take(cold.bits));
  LaneChanges& changes = out_->lane_changes[lane];
  changes.make_room(with_field_.size());
  bool fits = true;
  table_->column(lane).visit([&](const auto* values) {
    using T = std::remove_cvref_t<decltype(*values)>;
    const SlotRange<S> range = slot_range<T, S>(def);
    size_t to = changes.count;
    for (const uint32_t j : places) {
      const ChangedRow& row = rows_[j];
      const S before = static_cast<S>(values[row.row]);
      const LaneState state = RowRecords::load_state(row.record, place.state);
      S delta = 0;
      if (state.magnitude == kMagnitudeNone || j >= with_history) [[unlikely]] {
        delta = unzigzag_of(in.magnitude<S>(cold.k(before)));
      } else {
        const bool repeats = state.trend > 0 && (row.repeatable >> bit & 1) != 0;
        const S expected = repeats ? RowRecords::load<S>(row.record, place.delta) : S{0};
        delta = expected + unzigzag_of(in.magnitude<S>(warm_parameter(state.magnitude)));
      }
      const S now = add_delta(is_float, before, delta);
      fits &= range.contains(now);
      changes.at[to] = j;
      changes.values[to++] = slot_value<T>(now);
    }
    changes.count = to;
  });
  bits_ = in;
  if (!bits_.ok()) return bad_field(index, ErrorCode::kFrameMalformed, bits_.problem());
  if (!fits) return bad_field(index, ErrorCode::kValueOutOfRange, "residual leaves the range");
  return {};
}

/// Sizes of texts, whose bytes follow all bits.
Status PackedDecoder::read_sizes(uint16_t index, std::span<std::string> texts) {
  const unsigned k = static_cast<unsigned>(bits_.take(4));
  for (std::string& text : texts) {
    const uint32_t bytes = bits_.magnitude<uint32_t>(k);
    if (bytes > target_->def->fields[index].bytes_max) {
      return bad_field(index, ErrorCode::kTextTooLong, "longer than the schema allows");
    }
    sizes_.push_back({index, &text, bytes});
  }
  return bits_.ok() ? Status{} : bad_field(index, ErrorCode::kFrameMalformed, bits_.problem());
}

Status PackedDecoder::read_texts(ByteSpan bytes) {
  size_t wanted = 0;
  for (const TextSize& size : sizes_) wanted += size.bytes;
  if (wanted != bytes.size()) {
    return malformed(wanted > bytes.size() ? "texts are cut short" : "bytes after the block's end");
  }
  for (const TextSize& size : sizes_) {
    const std::string_view text = as_text(bytes.first(size.bytes));
    bytes = bytes.subspan(size.bytes);
    if (!text_is_canonical(target_->def->fields[size.field], text)) {
      return bad_field(size.field, ErrorCode::kBadText, "not UTF-8");
    }
    *size.text = text;
  }
  return {};
}

}  // namespace ecsdb
