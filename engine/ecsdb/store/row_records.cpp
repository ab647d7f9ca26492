#include "ecsdb/store/row_records.h"

#include <algorithm>

#include "ecsdb/base/check.h"

namespace ecsdb {
namespace {

constexpr size_t kWordBytes = sizeof(uint64_t);

}  // namespace

/// Fields, eight-byte slots, four-byte slots, states.
RowRecords::RowRecords(const TableLayout& layout, bool with_baseline, bool with_history)
    : with_baseline_(with_baseline),
      with_history_(with_history),
      all_fields_(layout.replicated_mask()),
      places_(layout.lanes.size()) {
  size_t end = with_history ? sizeof(Fields) : 0;
  auto take = [&](size_t bytes) {
    end += bytes;
    return static_cast<uint16_t>(end - bytes);
  };
  auto for_each_lane = [&](auto&& call) {
    for (const uint16_t index : layout.replicated) {
      const FieldLayout& field = layout.fields[index];
      for (uint16_t k = 0; k < field.lane_count; ++k) {
        const size_t lane = field.lane_first + size_t{k};
        places_[lane].is_wide = layout.lanes[lane].width > 4;
        call(places_[lane], layout.lanes[lane].is_predicted);
      }
    }
  };
  for (const bool wide : {true, false}) {
    for_each_lane([&](LanePlace& place, bool is_predicted) {
      if (place.is_wide != wide) return;
      if (with_baseline) place.baseline = take(wide ? 8 : 4);
      if (with_history && is_predicted) place.delta = take(wide ? 8 : 4);
    });
  }
  states_begin_ = static_cast<uint16_t>(end);
  for_each_lane([&](LanePlace& place, bool is_predicted) {
    if (with_history && is_predicted) place.state = take(2);
  });
  states_end_ = static_cast<uint16_t>(end);
  ECSDB_CHECK(end <= 0xffff);
  stride_ = (end + kWordBytes - 1) / kWordBytes;
}

void RowRecords::swap_erase(RowIndex row) {
  const size_t last = data_.size() - stride_;
  const size_t hole = size_t{row} * stride_;
  if (hole != last) std::copy_n(data_.data() + last, stride_, data_.data() + hole);
  data_.resize(last);
}

uint64_t RowRecords::baseline(RowIndex row, uint16_t lane) const {
  const LanePlace& place = places_[lane];
  return place.is_wide ? load<uint64_t>(at(row), place.baseline)
                       : load<uint32_t>(at(row), place.baseline);
}

void RowRecords::set_baseline(RowIndex row, uint16_t lane, uint64_t value) {
  const LanePlace& place = places_[lane];
  if (place.is_wide) return store(at(row), place.baseline, value);
  store(at(row), place.baseline, static_cast<uint32_t>(value));
}

uint64_t RowRecords::delta(RowIndex row, uint16_t lane) const {
  const LanePlace& place = places_[lane];
  return place.is_wide ? load<uint64_t>(at(row), place.delta)
                       : load<uint32_t>(at(row), place.delta);
}

void RowRecords::forget_lanes(RowIndex row) {
  uint8_t* record = at(row);
  for (uint16_t place = states_begin_; place < states_end_; place += 2) {
    store_state(record, place, LaneState{});
  }
}

void RowRecords::set_fields(RowIndex row, Fields fields) {
  ECSDB_CHECK(with_history_);
  store(at(row), 0, fields.last);
  store(at(row), sizeof(fields.last), fields.before);
  forget_lanes(row);
}

void RowRecords::set_lane(RowIndex row, uint16_t lane, uint64_t delta, LaneState state) {
  const LanePlace& place = places_[lane];
  uint8_t* record = at(row);
  store_state(record, place.state, state);
  if (place.is_wide) return store(record, place.delta, delta);
  store(record, place.delta, static_cast<uint32_t>(delta));
}

uint64_t RowRecords::advance(RowIndex row, uint64_t new_fields, uint32_t age) {
  if (age == 0) {
    set_fields(row, {new_fields, new_fields});
    return 0;
  }
  const Fields old = fields(row);
  store(at(row), 0, new_fields);
  store(at(row), sizeof(old.last), old.last);
  return age == 1 ? old.last : 0;
}

void RowRecords::interrupt_lane(uint8_t* record, const LanePlace& place) {
  LaneState state = load_state(record, place.state);
  state.trend = 0;
  store_state(record, place.state, state);
  if (place.is_wide) return store(record, place.delta, uint64_t{0});
  store(record, place.delta, uint32_t{0});
}

}  // namespace ecsdb
