// What the encoders and decoders of all tiers share: ranges of rows, bitmaps, lane arithmetic.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "ecsdb/wire/block.h"
#include "ecsdb/wire/limits.h"

namespace ecsdb {

/// First byte of a lane's presence.
enum Presence : uint8_t { kNobody = 0, kEverybody = 1, kBitmap = 2 };

/// Places [first, last) of those rising entity indices that lie in a range.
inline std::pair<size_t, size_t> places_in_range(std::span<const uint32_t> indices,
                                                 IndexRange range) {
  if (range.is_all()) return {0, indices.size()};
  const auto first = std::lower_bound(indices.begin(), indices.end(), range.begin);
  const auto last = std::lower_bound(first, indices.end(), range.end);
  return {static_cast<size_t>(first - indices.begin()),
          static_cast<size_t>(last - indices.begin())};
}

/// The rows of the change set that the last publish did not show, in the source's range.
inline std::span<const RowIndex> entered_in_range(const BlockSource& source) {
  const auto [first, last] = places_in_range(source.changes->entered_indices(), source.range);
  return source.changes->entered().subspan(first, last - first);
}

inline size_t whole_row_count(const BlockSource& source) {
  return source.form == BlockForm::kRelative ? entered_in_range(source).size() : source.rows.size();
}

inline std::span<const Tombstone> gone_in_range(std::span<const Tombstone> gone, IndexRange range) {
  if (range.is_all()) return gone;
  auto is_before = [](const Tombstone& at, uint32_t index) { return at.entity.index() < index; };
  const auto first = std::lower_bound(gone.begin(), gone.end(), range.begin, is_before);
  const auto last = std::lower_bound(first, gone.end(), range.end, is_before);
  return gone.subspan(static_cast<size_t>(first - gone.begin()), static_cast<size_t>(last - first));
}

/// What went, as the source's form has it.
inline std::span<const Tombstone> gone_of(const BlockSource& source) {
  if (source.form != BlockForm::kRelative) return source.gone;
  return gone_in_range(source.changes->gone(), source.range);
}

/// The row of an entity index in the block's cell, or kNoRow.
inline RowIndex held_row(const BlockTarget& target, uint32_t index) {
  return target.table->find_in_cell(index, target.cell);
}

inline bool is_in_gone(const DecodedBlock& block, EntityId entity) {
  auto is_before = [](const DecodedBlock::Gone& gone, EntityId e) { return gone.entity < e; };
  const auto at = std::lower_bound(block.gone.begin(), block.gone.end(), entity, is_before);
  return at != block.gone.end() && at->entity == entity;
}

/// Whole rows that one block may have: their values are held in memory before they are stored.
inline size_t whole_rows_max(const TableLayout& layout) {
  return kBlockValuesMax / layout.replicated_columns();
}
/// kLimitExceeded.
inline Status check_whole_rows(const TableLayout& layout, size_t rows) {
  if (rows <= whole_rows_max(layout)) return {};
  return fail(ErrorCode::kLimitExceeded, std::to_string(rows) + " whole rows; the limit is " +
                                             std::to_string(whole_rows_max(layout)));
}

inline Error unknown_row(uint32_t index) {
  return fail(ErrorCode::kUnknownRow, "entity index " + std::to_string(index));
}
inline Error duplicate_row(uint32_t index) {
  return fail(ErrorCode::kDuplicateRow, "entity index " + std::to_string(index));
}

/// Places [first, last) of the cell's recent rows that lie in a range.
inline std::pair<size_t, size_t> recent_in_range(const CellHistory& history, IndexRange range) {
  const std::span<const RecentRow> all = history.recent();
  if (range.is_all()) return {0, all.size()};
  auto is_before = [](const RecentRow& row, uint32_t index) { return row.index < index; };
  const auto first = std::lower_bound(all.begin(), all.end(), range.begin, is_before);
  const auto last = std::lower_bound(first, all.end(), range.end, is_before);
  return {static_cast<size_t>(first - all.begin()), static_cast<size_t>(last - all.begin())};
}

/// Walks rising entity indices beside another rising list.
class IndexCursor {
 public:
  explicit IndexCursor(std::span<const uint32_t> indices) : indices_(indices) {}
  /// True if `index`, which must not fall from call to call, is in the list.
  bool contains(uint32_t index) {
    while (at_ < indices_.size() && indices_[at_] < index) ++at_;
    return at_ < indices_.size() && indices_[at_] == index;
  }

 private:
  std::span<const uint32_t> indices_;
  size_t at_ = 0;
};

/// Number of bits that are set; without a special instruction.
inline unsigned count_bits(uint64_t v) {
  v -= (v >> 1) & 0x5555555555555555u;
  v = (v & 0x3333333333333333u) + ((v >> 2) & 0x3333333333333333u);
  v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0fu;
  return static_cast<unsigned>((v * 0x0101010101010101u) >> 56);
}

inline uint32_t zigzag_of(uint32_t delta) { return (delta << 1) ^ (0 - (delta >> 31)); }
inline uint64_t zigzag_of(uint64_t delta) { return (delta << 1) ^ (0 - (delta >> 63)); }
template <class S>
S unzigzag_of(S value) {
  return (value >> 1) ^ (0 - (value & 1));
}

inline unsigned value_bits(uint64_t value) {
  return value == 0 ? 0 : 64 - static_cast<unsigned>(__builtin_clzll(value));
}

/// Which low bits of a lane's slot stand for a canonical value of it.
template <class S>
struct SlotRange {
  S offset;  // added, modulo the slot,
  S most;    // they are at most this
  bool contains(S value) const { return static_cast<S>(value + offset) <= most; }
};
/// T is the column's type.
template <class T, class S>
SlotRange<S> slot_range(const Lane& lane) {
  if (lane.kind == LaneKind::kUnsigned) return {0, static_cast<S>(lane.max)};
  if constexpr (sizeof(T) < sizeof(S)) {
    constexpr S half = S{1} << (8 * sizeof(T) - 1);
    return {half, 2 * half - 1};
  }
  return {0, static_cast<S>(~S{0})};
}

/// The 64-bit value that a lane's slot stands for.
template <class T, class S>
uint64_t slot_value(S value) {
  if constexpr (std::is_signed_v<T>) {
    return static_cast<uint64_t>(static_cast<int64_t>(static_cast<T>(value)));
  } else {
    return value;
  }
}

/// True if a 64-bit value is a canonical one of the lane.
inline bool lane_fits(const Lane& lane, uint64_t value) {
  switch (lane.kind) {
    case LaneKind::kUnsigned:
      return value <= lane.max;
    case LaneKind::kSigned:
      return sign_extended(lane, value) == value;
    case LaneKind::kFloat:
      return lane.width == 8 || value <= 0xffffffff;
  }
  return false;
}

/// The new value of a lane from its old one and the change, both as the slot holds them.
template <class S>
S add_delta(bool is_float, S before, S delta) {
  return is_float ? float_order(static_cast<S>(float_order(before) + delta)) : before + delta;
}

/// The n-th bit that is set in `of`, from 0; there must be so many.
inline uint64_t nth_bit(uint64_t of, unsigned n) {
  for (; n > 0; --n) of &= of - 1;
  return of & (0 - of);
}

/// Sets bit i for each i below `count` for which `get(i)`; unused bits are zero. Returns how many.
template <class Get>
size_t fill_bitmap(size_t count, std::vector<uint64_t>& bits, Get&& get) {
  bits.resize((count + 63) / 64);
  size_t set = 0;
  for (size_t word = 0; word < bits.size(); ++word) {
    const size_t begin = word * 64;
    const size_t end = std::min(begin + 64, count);
    uint64_t value = 0;
    for (size_t i = begin; i < end; ++i) value |= uint64_t{get(i)} << (i - begin);
    bits[word] = value;
    set += count_bits(value);
  }
  return set;
}

/// Bits [first, first + count) of a bitmap. Returns how many are set.
inline size_t take_bits(std::span<const uint64_t> from, size_t first, size_t count,
                        std::vector<uint64_t>& bits) {
  bits.resize((count + 63) / 64);
  size_t set = 0;
  for (size_t word = 0; word < bits.size(); ++word) {
    const size_t at = first / 64 + word;
    const unsigned shift = first % 64;
    uint64_t value = from[at] >> shift;
    if (shift != 0 && at + 1 < from.size()) value |= from[at + 1] << (64 - shift);
    const size_t left = count - word * 64;
    if (left < 64) value &= (uint64_t{1} << left) - 1;
    bits[word] = value;
    set += count_bits(value);
  }
  return set;
}

template <class Call>
void for_each_bit(std::span<const uint64_t> bits, Call&& call) {
  for (size_t word = 0; word < bits.size(); ++word) {
    uint64_t rest = bits[word];
    if (rest == ~uint64_t{0}) {
      for (size_t i = 0; i < 64; ++i) call(word * 64 + i);
      continue;
    }
    for (; rest != 0; rest &= rest - 1) {
      call(word * 64 + static_cast<size_t>(__builtin_ctzll(rest)));
    }
  }
}

}  // namespace ecsdb
