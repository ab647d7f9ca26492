// Columns and history of whole rows.
#include "ecsdb/wire/block_lanes.h"
#include "ecsdb/wire/block_packed.h"
#include "ecsdb/wire/block_packed_history.h"

namespace ecsdb {
namespace {

Error malformed(const char* what) { return fail(ErrorCode::kFrameMalformed, what); }

/// A slot from the low bits that a column holds of it.
template <class S>
S from_low_bits(const Lane& lane, uint64_t value, unsigned bits) {
  if (lane.kind == LaneKind::kUnsigned || bits == 8 * sizeof(S)) return static_cast<S>(value);
  const unsigned unused = 64 - bits;
  return static_cast<S>(static_cast<int64_t>(value << unused) >> unused);
}

/// The 64-bit value that a column's value stands for.
template <class S>
uint64_t lane_value(const Lane& lane, S value) {
  if (lane.kind == LaneKind::kFloat) return float_order(value);
  if (lane.kind == LaneKind::kUnsigned || sizeof(S) == 8) return value;
  return static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(value)));
}

}  // namespace

Status PackedDecoder::read_columns() {
  const TableLayout& layout = table_->layout();
  for (const uint16_t index : layout.replicated) {
    const FieldLayout& field = layout.fields[index];
    if (field.text != kNoText) {
      std::vector<std::string>& texts = out_->texts[field.text];
      texts.resize(out_->whole.size());
      ECSDB_TRY(read_sizes(index, texts));
      continue;
    }
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
      ECSDB_TRY(table_->records().place(lane).is_wide ? read_column<uint64_t>(index, lane)
                                                      : read_column<uint32_t>(index, lane));
    }
  }
  return {};
}

template <class S>
Status PackedDecoder::read_column(uint16_t index, uint16_t lane) {
  const Lane& def = table_->layout().lanes[lane];
  const unsigned lane_bits = column_bits(def);
  std::vector<uint64_t>& column = out_->lanes[lane];
  column.resize(out_->whole.size());
  const unsigned mode = static_cast<unsigned>(bits_.take(2));
  bool fits = true;
  auto put = [&](uint64_t& to, S value) {
    to = lane_value(def, value);
    fits &= lane_fits(def, to);
  };
  if (mode == kColumnRaw) {
    for (uint64_t& to : column) {
      put(to, from_low_bits<S>(def, bits_.take_wide(lane_bits), lane_bits));
    }
  } else if (mode == kColumnSpan) {
    const S least = from_low_bits<S>(def, bits_.take_wide(lane_bits), lane_bits);
    const unsigned width = static_cast<unsigned>(bits_.take(kWidthBits<S>));
    if (width > 8 * sizeof(S)) return bad_field(index, ErrorCode::kFrameMalformed, "width");
    for (uint64_t& to : column) put(to, static_cast<S>(least + bits_.take_wide(width)));
  } else if (mode == kColumnSteps) {
    const unsigned k = static_cast<unsigned>(bits_.take(kParameterBits<S>));
    S value = 0;
    for (uint64_t& to : column) {
      value += unzigzag_of(bits_.magnitude<S>(k));
      put(to, value);
    }
  } else {
    return bad_field(index, ErrorCode::kFrameMalformed, "unknown kind of column");
  }
  if (!bits_.ok()) return bad_field(index, ErrorCode::kFrameMalformed, bits_.problem());
  return fits ? Status{} : bad_field(index, ErrorCode::kValueOutOfRange, "value");
}

Status PackedDecoder::read_history() {
  const size_t count = out_->whole.size();
  out_->heads.assign(count, DecodedBlock::Head{});
  for (std::vector<LaneState>& states : out_->states) states.clear();
  live_.clear();
  read_flags(count, [&](size_t i, bool is_live) {
    if (is_live) live_.push_back(static_cast<uint32_t>(i));
  });
  if (!bits_.ok()) return bad_part("history");
  if (live_.empty()) return {};
  ECSDB_TRY(read_history_heads());
  const TableLayout& layout = table_->layout();
  for (const uint16_t index : layout.replicated) {
    const FieldLayout& field = layout.fields[index];
    const uint64_t bit = uint64_t{1} << field.replicated_bit;
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
      if (!layout.lanes[lane].is_predicted) continue;
      ECSDB_TRY(table_->records().place(lane).is_wide
                    ? read_history_lane<uint64_t>(index, lane, bit)
                    : read_history_lane<uint32_t>(index, lane, bit));
    }
  }
  return {};
}

Status PackedDecoder::read_history_heads() {
  std::vector<DecodedBlock::Head>& heads = out_->heads;
  for (const uint32_t i : live_) heads[i].age = 1;
  read_misses(kSteadyRun, live_.size());
  for (const uint32_t at : misses_) {
    uint32_t& age = heads[live_[at]].age;
    age = static_cast<uint32_t>(bits_.take(kAgeBits)) + 2;
    if (age > kHistoryPublishes) return malformed("age of a row's history");
  }
  RunDecoder steady(kSteadyRun, live_.size() - misses_.size());
  size_t at = 0;
  size_t miss = steady.next_miss(bits_);
  for (const uint32_t i : live_) {
    if (heads[i].age > 1) continue;
    heads[i].is_steady = at != miss;
    if (at++ == miss) miss = steady.next_miss(bits_);
  }
  read_history_fields();
  for (const uint32_t i : live_) {
    if (heads[i].fields.last != 0 && heads[i].fields.before != 0) continue;
    return fail(ErrorCode::kNotCanonical, "a history without a change");
  }
  return bits_.ok() ? Status{} : bad_part("history");
}

void PackedDecoder::read_history_fields() {
  std::vector<DecodedBlock::Head>& heads = out_->heads;
  const uint64_t all = table_->layout().replicated_mask();
  const size_t fields = table_->layout().replicated.size();
  for (const uint32_t i : live_) heads[i].fields.last = all;
  auto toggle = [&](uint64_t RowRecords::Fields::*which) {
    if (fields == 1) return;
    read_misses(kSteadyRun, live_.size() * fields);
    for (const uint32_t at : misses_) {
      heads[live_[at / fields]].fields.*which ^= uint64_t{1} << (at % fields);
    }
  };
  toggle(&RowRecords::Fields::last);
  for (const uint32_t i : live_) heads[i].fields.before = heads[i].fields.last;
  toggle(&RowRecords::Fields::before);
}

template <class S>
Status PackedDecoder::read_history_lane(uint16_t index, uint16_t lane, uint64_t bit) {
  std::vector<LaneState>& states = out_->states[lane];
  std::vector<uint64_t>& deltas = out_->deltas[lane];
  states.assign(out_->whole.size(), LaneState{});
  deltas.assign(out_->whole.size(), 0);
  with_magnitude_.clear();
  RunDecoder known(kSteadyRun, live_.size());
  for (size_t at = 0; at < live_.size(); ++at) {
    const size_t miss = known.next_miss(bits_);
    for (; at < miss; ++at) with_magnitude_.push_back(live_[at]);
  }
  if (with_magnitude_.empty()) return {};
  unsigned k = static_cast<unsigned>(bits_.take(kMagnitudeStepBits));
  uint32_t magnitude = 0;
  bool fits = true;
  for (const uint32_t i : with_magnitude_) {
    magnitude += unzigzag_of(bits_.magnitude<uint32_t>(k));
    fits &= magnitude <= 4 * 8 * sizeof(S) && magnitude <= kMagnitudeMax;
    states[i].magnitude = static_cast<uint8_t>(magnitude);
  }
  read_misses(kSteadyRun, with_magnitude_.size());
  int8_t trend = 0;
  size_t next = 0;
  for (uint32_t at = 0; at < with_magnitude_.size(); ++at) {
    if (next < misses_.size() && misses_[next] == at) {
      const int raw = static_cast<int>(bits_.take(kTrendBits)) - kTrendMax;
      fits &= raw <= kTrendMax && raw != trend;
      trend = static_cast<int8_t>(raw);
      ++next;
    }
    states[with_magnitude_[at]].trend = trend;
  }
  bool has_parameter = false;
  for (const uint32_t i : with_magnitude_) {
    if (out_->heads[i].age != 1 || (out_->heads[i].fields.last & bit) == 0) continue;
    if (!has_parameter) k = static_cast<unsigned>(bits_.take(kParameterBits<S>));
    has_parameter = true;
    deltas[i] = unzigzag_of(bits_.magnitude<S>(k));
  }
  if (!bits_.ok()) return bad_field(index, ErrorCode::kFrameMalformed, bits_.problem());
  return fits ? Status{} : bad_field(index, ErrorCode::kFrameMalformed, "history");
}

}  // namespace ecsdb
