// What the codec remembers of a row beside its current values, one record a row: on the server the
// baseline, which are the values at the last publish; and, in tables of the packed tier, the
// history that predictions rest on.
//
// History is a function of the published changes of a row since it entered its cell, in integers,
// and reaches back kHistoryPublishes publishes of the cell that changed it; so a snapshot can carry
// it, and whoever holds it can decode every block that follows.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "ecsdb/schema/schema.h"

namespace ecsdb {

using RowIndex = uint32_t;
inline constexpr RowIndex kNoRow = 0xffffffff;

/// A row's history is forgotten when the cell was published so many times without a change of the
/// row.
inline constexpr uint32_t kHistoryPublishes = 8;
/// LaneState::magnitude of a lane that has not changed within its row's history.
inline constexpr uint8_t kMagnitudeNone = 255;
/// In quarters of a bit; the largest that is not kMagnitudeNone.
inline constexpr uint8_t kMagnitudeMax = 4 * 63;
inline constexpr int8_t kTrendMax = 2;

/// How well a lane was predicted of late.
struct LaneState {
  uint8_t magnitude = kMagnitudeNone;  // running mean of the residuals' bit lengths, in quarters
  int8_t trend = 0;                    // above zero: "as the last time" predicts better than "hold"
  bool operator==(const LaneState&) const = default;
};

/// Both ends call this after each published change. `hold` and `repeat` are the bit lengths of the
/// change itself and of the change minus the last one, zigzagged; `predicted` is the one that was
/// coded.
inline LaneState next_lane_state(LaneState state, unsigned hold, unsigned repeat,
                                 unsigned predicted) {
  const unsigned bits = 4 * (predicted < 63 ? predicted : 63);
  if (state.magnitude == kMagnitudeNone) return {static_cast<uint8_t>(bits), 0};
  const int trend = state.trend + (repeat < hold ? 1 : 0) - (repeat > hold ? 1 : 0);
  return {static_cast<uint8_t>((state.magnitude + bits) / 2),
          static_cast<int8_t>(trend > kTrendMax    ? kTrendMax
                              : trend < -kTrendMax ? -kTrendMax
                                                   : trend)};
}

/// Maps a float's bits to a signed integer of the same width so that order is kept, and back.
inline constexpr uint32_t float_order(uint32_t bits) {
  return bits ^ (static_cast<uint32_t>(static_cast<int32_t>(bits) >> 31) & 0x7fffffffu);
}
inline constexpr uint64_t float_order(uint64_t bits) {
  return bits ^ (static_cast<uint64_t>(static_cast<int64_t>(bits) >> 63) & 0x7fffffffffffffffu);
}

/// The records of a table, by row. Not thread-safe.
class RowRecords {
 public:
  /// Where a replicated lane's parts stand in a record, in bytes. Lanes of up to four bytes have
  /// four-byte slots, others eight.
  struct LanePlace {
    uint16_t baseline = 0;
    uint16_t delta = 0;
    uint16_t state = 0;
    bool is_wide = false;
  };
  /// First in a record that has history.
  struct Head {
    uint32_t stamp = 0;  // number of the cell's publish that last changed or entered the row
    bool is_live = false;
    bool is_steady = false;  // the publish before that one changed the row too
    uint64_t fields = 0;     // replicated bits of the fields that changed then,
    uint64_t before = 0;     // and at the change before
  };

  RowRecords(const TableLayout& layout, bool with_baseline, bool with_history);

  bool has_baseline() const { return with_baseline_; }
  bool has_history() const { return with_history_; }
  void push() { data_.resize(data_.size() + stride_); }
  /// Moves the last record into `row` and drops the last.
  void swap_erase(RowIndex row);

  const LanePlace& place(uint16_t lane) const { return places_[lane]; }
  uint8_t* at(RowIndex row) { return reinterpret_cast<uint8_t*>(&data_[size_t{row} * stride_]); }
  const uint8_t* at(RowIndex row) const {
    return reinterpret_cast<const uint8_t*>(&data_[size_t{row} * stride_]);
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

  // Baseline.
  uint64_t baseline(RowIndex row, uint16_t lane) const;
  void set_baseline(RowIndex row, uint16_t lane, uint64_t value);

  // History. `publish` is the number of the cell's publish that the history is about to predict:
  // one more than the cell has had.
  const Head& head(RowIndex row) const { return *reinterpret_cast<const Head*>(at(row)); }
  Head& head(RowIndex row) { return *reinterpret_cast<Head*>(at(row)); }
  /// Publishes since the row's last change, from 1; 0: it has no history, or none any more.
  uint32_t age(RowIndex row, uint32_t publish) const { return age_of(head(row), publish); }
  static uint32_t age_of(const Head& head, uint32_t publish) {
    const uint32_t age = publish - head.stamp;
    return head.is_live && age - 1 < kHistoryPublishes ? age : 0;
  }
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
  /// The lane's last change, modulo 2^32 or 2^64; meaningful for fields in repeatable() only.
  uint64_t delta(RowIndex row, uint16_t lane) const;
  /// Fields of which the last change may repeat: those that changed in the publish just before.
  static uint64_t repeatable(const Head& head, uint32_t publish) {
    return age_of(head, publish) == 1 ? head.fields : 0;
  }

  /// The row entered its cell with `publish`: it has changed, and nothing is known of how.
  void enter(RowIndex row, uint32_t publish);
  /// The row never changed, as far as anybody may know.
  void forget(RowIndex row) {
    if (with_history_) head(row) = Head{};
  }
  void set_history(RowIndex row, const Head& head);
  void set_lane_history(RowIndex row, uint16_t lane, uint64_t delta, LaneState state);
  /// `publish` changes the `fields` of the row: its head moves on; advance_lane() must follow for
  /// each of their lanes. Returns the fields whose last change may have been repeated.
  uint64_t advance(RowIndex row, uint64_t fields, uint32_t publish);
  /// `may_repeat`: the lane's field is in what advance() returned. S as for load().
  template <class S>
  static void advance_lane(uint8_t* record, const LanePlace& place, bool may_repeat, S delta);
  /// The lane was coded without a prediction (quaternions whose largest component changed).
  static void interrupt_lane(uint8_t* record, const LanePlace& place);

 private:
  void forget_lanes(RowIndex row);

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
void RowRecords::advance_lane(uint8_t* record, const LanePlace& place, bool may_repeat, S delta) {
  const LaneState state = load_state(record, place.state);
  const S last = may_repeat ? load<S>(record, place.delta) : S{0};
  const unsigned hold = zigzag_bits(delta);
  const unsigned repeat = zigzag_bits(static_cast<S>(delta - last));
  const unsigned predicted = may_repeat && state.trend > 0 ? repeat : hold;
  store_state(record, place.state, next_lane_state(state, hold, repeat, predicted));
  store(record, place.delta, delta);
}

/// The history of a cell as a whole.
struct CellHistory {
  uint32_t publishes = 0;  // that changed the cell, modulo 2^32
  /// Entity indices, rising: every row that has a history, and others that had one.
  std::vector<uint32_t> recent;

  /// Adds entity indices, rising, to `recent`.
  void add_recent(std::span<const uint32_t> indices);
  /// True when `recent` is due to be freed of rows without a history.
  bool is_pruning_due() const { return publishes % (kHistoryPublishes / 2) == 0; }
};

}  // namespace ecsdb
