// What the packed tier remembers of a row beside its current values: how it changed of late. A
// function of the published changes of a row since it entered its cell, in integers, that reaches
// back kHistoryPublishes publishes of the cell. A snapshot can carry it, and whoever holds it can
// decode every block that follows.
//
// Which rows have a history, and since when, stands in the cell (CellHistory); fields and lanes in
// the row's record (RowRecords).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace ecsdb {

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
  int8_t trend = 0;                    // above zero: repeating the last change predicts better
  bool operator==(const LaneState&) const = default;
};

/// Both ends call this after each published change. `hold` and `repeat` are the bit lengths of the
/// change itself and of the change minus the last one, zigzagged; `predicted` is the one that was
/// coded.
inline LaneState next_lane_state(LaneState state, unsigned hold, unsigned repeat,
                                 unsigned predicted) {
  const unsigned bits = 4 * (predicted < 63 ? predicted : 63);
  if (state.magnitude == kMagnitudeNone) return {static_cast<uint8_t>(bits), 0};
  int trend = state.trend + (repeat < hold ? 1 : 0) - (repeat > hold ? 1 : 0);
  trend = trend > kTrendMax ? kTrendMax : trend < -kTrendMax ? -kTrendMax : trend;
  return {static_cast<uint8_t>((state.magnitude + bits) / 2), static_cast<int8_t>(trend)};
}

/// Maps a float's bits to a signed integer of the same width so that order is kept, and back.
inline constexpr uint32_t float_order(uint32_t bits) {
  return bits ^ (static_cast<uint32_t>(static_cast<int32_t>(bits) >> 31) & 0x7fffffffu);
}
inline constexpr uint64_t float_order(uint64_t bits) {
  return bits ^ (static_cast<uint64_t>(static_cast<int64_t>(bits) >> 63) & 0x7fffffffffffffffu);
}

/// A row of a cell that has a history.
struct RecentRow {
  uint32_t index = 0;      // of its entity
  uint32_t stamp = 0;      // number of the cell's publish that last changed or entered the row
  bool is_steady = false;  // age 1: the publish before that one changed the row too
  /// From 1; `publish` is the number of the publish that the history is about to predict.
  uint32_t age(uint32_t publish) const { return publish - stamp; }
  bool operator==(const RecentRow&) const = default;
};

/// The rows of one cell that have a history. A value; not thread-safe.
class CellHistory {
 public:
  /// How many publishes have changed the cell, modulo 2^32; the next one is numbered one more.
  uint32_t publishes() const { return publishes_; }
  void set_publishes(uint32_t publishes) { publishes_ = publishes; }

  /// Rising by entity index; each of an age that the next publish may use.
  std::span<const RecentRow> recent() const { return recent_; }
  /// Null if the row has none.
  const RecentRow* find(uint32_t index) const;

  /// The next publish changes the row at this place of recent().
  void touch(size_t place) {
    RecentRow& row = recent_[place];
    row.is_steady = row.age(publishes_ + 1) == 1;
    row.stamp = publishes_ + 1;
  }
  /// Ends a publish, whose number becomes publishes(): the rows in `added` (rising by index) get
  /// that history whatever they had, those in `removed` (rising indices) lose theirs, and so do
  /// rows that have not changed for too long.
  void finish(uint32_t publish, std::span<const RecentRow> added,
              std::span<const uint32_t> removed);

 private:
  uint32_t publishes_ = 0;
  std::vector<RecentRow> recent_;
};

}  // namespace ecsdb
