// One record a row for what the codec needs beside the current values: on the server the baseline,
// which are the values at the last publish; in tables of the packed tier the history of fields and
// lanes. What is read together stands together: a record is one or two cache lines.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "ecsdb/schema/schema.h"
#include "ecsdb/store/history.h"
#include "ecsdb/store/row_log.h"

namespace ecsdb {

/// The records of a table, by row. Not thread-safe.
class RowRecords {
 public:
  /// Where a replicated lane's parts stand in a record, in bytes. Lanes of up to four bytes have
  /// four-byte slots, others eight. Lanes that are not predicted have no delta and no state.
  struct LanePlace {
    uint16_t baseline = 0;
    uint16_t delta = 0;
    uint16_t state = 0;
    bool is_wide = false;
  };
  /// First in a record that has history: replicated bits of fields.
  struct Fields {
    uint64_t last = 0;    // that changed at the row's last published change,
    uint64_t before = 0;  // and at the one before
  };

  RowRecords(const TableLayout& layout, bool with_baseline, bool with_history);

  bool has_baseline() const { return with_baseline_; }
  bool has_history() const { return with_history_; }
  /// Of memory for one record.
  size_t bytes_each() const { return stride_ * sizeof(uint64_t); }
  void push() { data_.resize(data_.size() + stride_); }
  /// Takes over a record of a table of the same layout.
  void copy(RowIndex row, const RowRecords& other, RowIndex other_row) {
    if (stride_ > 0) std::memcpy(at(row), other.at(other_row), stride_ * sizeof(uint64_t));
  }
  /// Moves the last record into `row` and drops the last.
  void swap_erase(RowIndex row);

  const LanePlace& place(uint16_t lane) const { return places_[lane]; }
  uint8_t* at(RowIndex row) {
    return reinterpret_cast<uint8_t*>(data_.data() + size_t{row} * stride_);
  }
  const uint8_t* at(RowIndex row) const {
    return reinterpret_cast<const uint8_t*>(data_.data() + size_t{row} * stride_);
  }
  /// Where the records stand, for loops: unlike the members, no store through a record can change a
  /// copy of it, as the compiler sees.
  template <class Byte>
  struct Base {
    Byte* first;
    size_t bytes_each;
    Byte* at(RowIndex row) const { return first + row * bytes_each; }
  };
  Base<uint8_t> base() { return {at(0), stride_ * sizeof(uint64_t)}; }
  Base<const uint8_t> base() const { return {at(0), stride_ * sizeof(uint64_t)}; }
  /// Calls `call(begin, end)` for groups of those rows, each a multiple of 64 long but for the
  /// last, while the processor fetches the next group's records.
  template <class Call>
  void for_each_group(std::span<const RowIndex> rows, Call&& call) const {
    constexpr size_t kGroup = 64;
    prefetch(rows.first(std::min(kGroup, rows.size())));
    for (size_t begin = 0; begin < rows.size(); begin += kGroup) {
      const size_t end = std::min(begin + kGroup, rows.size());
      prefetch(rows.subspan(end, std::min(kGroup, rows.size() - end)));
      call(begin, end);
    }
  }
  /// S is uint32_t or uint64_t, as the lane's slot.
  template <class S>
  static S load(const uint8_t* record, uint16_t place) {
    S value;
    std::memcpy(&value, record + place, sizeof(S));
    return value;
  }
  template <class S>
  static void store(uint8_t* record, uint16_t place, S value) {
    std::memcpy(record + place, &value, sizeof(S));
  }

  // Baseline: the low bits of a lane, as its slot holds them.
  uint64_t baseline(RowIndex row, uint16_t lane) const;
  void set_baseline(RowIndex row, uint16_t lane, uint64_t value);

  // History; meaningless unless the row's cell says that it has one.
  const Fields& fields(RowIndex row) const { return *reinterpret_cast<const Fields*>(at(row)); }
  LaneState state(RowIndex row, uint16_t lane) const {
    return load_state(at(row), places_[lane].state);
  }
  static LaneState load_state(const uint8_t* record, uint16_t place) {
    return {record[place], static_cast<int8_t>(record[place + 1])};
  }
  static void store_state(uint8_t* record, uint16_t place, LaneState state) {
    record[place] = state.magnitude;
    record[place + 1] = static_cast<uint8_t>(state.trend);
  }
  /// The lane's last change, modulo 2^32 or 2^64; meaningful for repeatable fields only.
  uint64_t delta(RowIndex row, uint16_t lane) const;
  /// The same, narrow ones sign-extended.
  int64_t signed_delta(RowIndex row, uint16_t lane) const {
    const uint64_t value = delta(row, lane);
    return places_[lane].is_wide ? static_cast<int64_t>(value)
                                 : int64_t{static_cast<int32_t>(static_cast<uint32_t>(value))};
  }
  /// Fields of which the last change may repeat: those that changed in the publish just before.
  uint64_t repeatable(RowIndex row, uint32_t age) const { return age == 1 ? fields(row).last : 0; }

  /// The row entered its cell: it has changed, and nothing is known of how.
  void enter(RowIndex row) { set_fields(row, {all_fields_, all_fields_}); }
  /// Replaces the history; that of every lane becomes none.
  void set_fields(RowIndex row, Fields fields);
  void set_lane(RowIndex row, uint16_t lane, uint64_t delta, LaneState state);
  /// A publish changes the `fields` of a row of this age (0: without a history). advance_lane() or
  /// interrupt_lane() must follow for each of their lanes that is predicted. Returns what
  /// repeatable() was.
  uint64_t advance(RowIndex row, uint64_t fields, uint32_t age);
  /// `may_repeat`: the lane's field is in what advance() returned. S as for load().
  template <class S>
  static void advance_lane(uint8_t* record, const LanePlace& place, bool may_repeat, S delta);
  /// The lane was coded without a prediction (quaternions whose largest component changed).
  static void interrupt_lane(uint8_t* record, const LanePlace& place);

 private:
  void forget_lanes(RowIndex row);
  void prefetch(std::span<const RowIndex> rows) const {
    constexpr size_t kLineWords = 8;
    for (const RowIndex row : rows) {
      __builtin_prefetch(at(row));
      if (stride_ > kLineWords) __builtin_prefetch(at(row) + kLineWords * sizeof(uint64_t));
    }
  }

  bool with_baseline_;
  bool with_history_;
  uint64_t all_fields_;
  std::vector<LanePlace> places_;  // by lane; unused for server-only ones
  uint16_t states_begin_ = 0;      // the lanes' states stand together
  uint16_t states_end_ = 0;
  size_t stride_ = 0;           // in words
  std::vector<uint64_t> data_;  // words keep the slots aligned
};

/// Number of significant bits of the zigzagged value.
inline unsigned zigzag_bits(uint32_t delta) {
  const uint32_t z = (delta << 1) ^ (0 - (delta >> 31));
  return z == 0 ? 0 : 32 - static_cast<unsigned>(__builtin_clz(z));
}
inline unsigned zigzag_bits(uint64_t delta) {
  const uint64_t z = (delta << 1) ^ (0 - (delta >> 63));
  return z == 0 ? 0 : 64 - static_cast<unsigned>(__builtin_clzll(z));
}

template <class S>
[[gnu::always_inline]] inline void RowRecords::advance_lane(uint8_t* record, const LanePlace& place,
                                                            bool may_repeat, S delta) {
  const LaneState state = load_state(record, place.state);
  const S last = may_repeat ? load<S>(record, place.delta) : S{0};
  const unsigned hold = zigzag_bits(delta);
  const unsigned repeat = zigzag_bits(static_cast<S>(delta - last));
  const unsigned predicted = may_repeat && state.trend > 0 ? repeat : hold;
  store_state(record, place.state, next_lane_state(state, hold, repeat, predicted));
  store(record, place.delta, delta);
}

}  // namespace ecsdb
