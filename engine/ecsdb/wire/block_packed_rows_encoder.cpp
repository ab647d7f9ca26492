// Columns and history of whole rows.
#include <algorithm>

#include "ecsdb/base/mutant.h"
#include "ecsdb/wire/block_lanes.h"
#include "ecsdb/wire/block_packed.h"
#include "ecsdb/wire/block_packed_history.h"

namespace ecsdb {
namespace {

/// The parameter below `most` that codes the values in the fewest bits, near their mean.
template <class S>
unsigned best_parameter(std::span<const S> values, unsigned most, uint64_t& bits) {
  uint64_t sum = 0;
  for (const S value : values) sum += value_bits(value);
  const unsigned mean = values.empty() ? 0 : static_cast<unsigned>(sum / values.size());
  unsigned best = 0;
  bits = ~uint64_t{0};
  for (unsigned k = mean > 2 ? mean - 2 : 0; k <= std::min(mean, most); ++k) {
    uint64_t cost = 0;
    for (const S value : values) cost += magnitude_bits(value, k);
    if (cost >= bits) continue;
    bits = cost;
    best = k;
  }
  return best;
}

/// Least and greatest; of signed lanes and floats in signed order.
template <class S>
std::pair<S, S> column_span(const Lane& lane, std::span<const S> values) {
  const S sign = lane.kind == LaneKind::kUnsigned ? 0 : S{1} << (8 * sizeof(S) - 1);
  S least = values.front() ^ sign;
  S most = least;
  for (const S value : values) {
    least = std::min<S>(least, value ^ sign);
    most = std::max<S>(most, value ^ sign);
  }
  return {static_cast<S>(least ^ sign), static_cast<S>(most ^ sign)};
}

/// What the first `bits` bits of a value hold.
uint64_t low_bits(uint64_t value, unsigned bits) {
  return bits >= 64 ? value : value & ((uint64_t{1} << bits) - 1);
}

}  // namespace

void PackedEncoder::write_columns() {
  const TableLayout& layout = table_->layout();
  for (const uint16_t index : layout.replicated) {
    const FieldLayout& field = layout.fields[index];
    if (field.text != kNoText) {
      write_text(field, whole_);
      continue;
    }
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
      if (table_->records().place(lane).is_wide) {
        write_column<uint64_t>(lane, wide_column_, wide_steps_);
      } else {
        write_column<uint32_t>(lane, narrow_column_, narrow_steps_);
      }
    }
  }
}

template <class S>
void PackedEncoder::write_column(uint16_t lane, std::vector<S>& column, std::vector<S>& steps) {
  const Lane& def = table_->layout().lanes[lane];
  const unsigned lane_bits = column_bits(def);
  column.clear();
  steps.clear();
  S before = 0;
  for (const RowIndex row : whole_) {
    const S value = column_value(def, static_cast<S>(table_->lane(row, lane)));
    column.push_back(value);
    steps.push_back(zigzag_of(static_cast<S>(value - before)));
    before = value;
  }
  uint64_t step_bits = 0;
  const unsigned k = best_parameter<S>(steps, 8 * sizeof(S) - 1, step_bits);
  const auto [least, most] = column_span(def, std::span<const S>(column));
  const unsigned width = value_bits(static_cast<S>(most - least));
  const uint64_t raw_cost = uint64_t{lane_bits} * column.size();
  const uint64_t span_cost = lane_bits + kWidthBits<S> + uint64_t{width} * column.size();
  const uint64_t step_cost = kParameterBits<S> + step_bits;
  bits_.room(column.size() + 2);
  if (raw_cost <= span_cost && raw_cost <= step_cost) {
    bits_.put(kColumnRaw, 2);
    for (const S value : column) bits_.put_wide(low_bits(value, lane_bits), lane_bits);
  } else if (span_cost <= step_cost) {
    bits_.put(kColumnSpan, 2);
    bits_.put_wide(low_bits(least, lane_bits), lane_bits);
    bits_.put(width, kWidthBits<S>);
    for (const S value : column) bits_.put_wide(static_cast<S>(value - least), width);
  } else {
    bits_.put(kColumnSteps, 2);
    bits_.put(k, kParameterBits<S>);
    for (const S step : steps) bits_.magnitude(step, k);
  }
}

void PackedEncoder::write_history() {
  live_.clear();
  runs_.clear();
  bool before = false;
  for (const RowIndex row : whole_) {
    const RecentRow* recent = source_->history->find(table_->row(row).entity.index());
    if (ECSDB_MUTANT(net_without_history) && source_->form == BlockForm::kNet) recent = nullptr;
    if (recent != nullptr) live_.push_back({row, recent});
    runs_.flag((recent != nullptr) == before);
    before = recent != nullptr;
  }
  runs_.encode(kSteadyRun, bits_);
  if (live_.empty()) return;
  write_history_heads();
  table_->layout().for_each_predicted([&](uint16_t lane, uint64_t field_bit) {
    if (table_->records().place(lane).is_wide) {
      write_history_lane<uint64_t>(lane, field_bit, wide_column_);
    } else {
      write_history_lane<uint32_t>(lane, field_bit, narrow_column_);
    }
  });
}

void PackedEncoder::write_history_heads() {
  const RowRecords& records = table_->records();
  const uint32_t publish = source_->history->publishes() + 1;
  runs_.clear();
  for (const LiveRow& live : live_) runs_.flag(live.recent->age(publish) == 1);
  runs_.encode(kSteadyRun, bits_);
  bits_.room(live_.size());
  runs_.clear();
  for (const LiveRow& live : live_) {
    const uint32_t age = live.recent->age(publish);
    if (age > 1) {
      bits_.put(age - 2, kAgeBits);
    } else {
      runs_.flag(live.recent->is_steady);
    }
  }
  runs_.encode(kSteadyRun, bits_);
  const uint64_t all = table_->layout().replicated_mask();
  if ((all & (all - 1)) == 0) return;
  runs_.clear();
  unsteady_runs_.clear();
  for (const LiveRow& live : live_) {
    const RowRecords::Fields& fields = records.fields(live.row);
    add_masked_flags(all, ~fields.last, runs_);
    add_masked_flags(all, fields.last ^ fields.before, unsteady_runs_);
  }
  runs_.encode(kSteadyRun, bits_);
  unsteady_runs_.encode(kSteadyRun, bits_);
}

template <class S>
void PackedEncoder::write_history_lane(uint16_t lane, uint64_t bit, std::vector<S>& values) {
  const RowRecords& records = table_->records();
  const uint32_t publish = source_->history->publishes() + 1;
  auto with_magnitude = [&](auto&& call) {
    for (const LiveRow& live : live_) {
      LaneState state = records.state(live.row, lane);
      const bool is_oldest = live.recent->age(publish) == kHistoryPublishes;
      if (ECSDB_MUTANT(history_loses_trend) && is_oldest) state.trend = 0;
      if (state.magnitude != kMagnitudeNone) call(live, state);
    }
  };
  runs_.clear();
  for (const LiveRow& live : live_) {
    runs_.flag(records.state(live.row, lane).magnitude != kMagnitudeNone);
  }
  runs_.encode(kSteadyRun, bits_);
  steps_.clear();
  uint32_t before = 0;
  with_magnitude([&](const LiveRow&, LaneState state) {
    steps_.push_back(zigzag_of(state.magnitude - before));
    before = state.magnitude;
  });
  if (steps_.empty()) return;
  write_values<uint32_t>(steps_, kMagnitudeStepBits);
  runs_.clear();
  int8_t trend_before = 0;
  with_magnitude([&](const LiveRow&, LaneState state) {
    runs_.flag(state.trend == trend_before);
    trend_before = state.trend;
  });
  runs_.encode(kSteadyRun, bits_);
  trend_before = 0;
  bits_.room(steps_.size());
  with_magnitude([&](const LiveRow&, LaneState state) {
    if (state.trend != trend_before) {
      bits_.put(static_cast<uint64_t>(state.trend + kTrendMax), kTrendBits);
    }
    trend_before = state.trend;
  });
  values.clear();
  with_magnitude([&](const LiveRow& live, LaneState) {
    if ((records.repeatable(live.row, live.recent->age(publish)) & bit) == 0) return;
    const uint8_t* record = records.at(live.row);
    values.push_back(zigzag_of(RowRecords::load<S>(record, records.place(lane).delta)));
  });
  if (!values.empty()) write_values<S>(values, kParameterBits<S>);
}

/// A parameter, then the values.
template <class S>
void PackedEncoder::write_values(std::span<const S> values, unsigned parameter_bits) {
  uint64_t bits = 0;
  const unsigned most = std::min<unsigned>((1u << parameter_bits) - 1, 8 * sizeof(S) - 1);
  const unsigned k = best_parameter(values, most, bits);
  bits_.room(values.size() + 1);
  bits_.put(k, parameter_bits);
  for (const S value : values) bits_.magnitude(value, k);
}

}  // namespace ecsdb
