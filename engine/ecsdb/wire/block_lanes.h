// What the encoders and decoders of all tiers share: ranges of rows, bitmaps, lane arithmetic.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "ecsdb/wire/block.h"

namespace ecsdb {

/// First byte of a lane's presence.
enum Presence : uint8_t { kNobody = 0, kEverybody = 1, kBitmap = 2 };

/// Places [first, last) of those rows, in order of entity index, that lie in a range.
inline std::pair<size_t, size_t> rows_in_range(const Table& table, std::span<const RowIndex> rows,
                                               IndexRange range) {
  if (range.is_all()) return {0, rows.size()};
  auto place = [&](uint32_t index) {
    const auto at = std::lower_bound(
        rows.begin(), rows.end(), index,
        [&](RowIndex row, uint32_t wanted) { return table.row(row).entity.index() < wanted; });
    return static_cast<size_t>(at - rows.begin());
  };
  return {place(range.begin), place(range.end)};
}

inline std::span<const Tombstone> gone_in_range(std::span<const Tombstone> gone, IndexRange range) {
  if (range.is_all()) return gone;
  auto is_before = [](const Tombstone& at, uint32_t index) { return at.entity.index() < index; };
  const auto first = std::lower_bound(gone.begin(), gone.end(), range.begin, is_before);
  const auto last = std::lower_bound(first, gone.end(), range.end, is_before);
  return gone.subspan(static_cast<size_t>(first - gone.begin()), static_cast<size_t>(last - first));
}

/// The row of an entity index in the block's cell, or kNoRow.
inline RowIndex held_row(const BlockTarget& target, uint32_t index) {
  const RowIndex row = target.table->find_index(index);
  return row != kNoRow && target.table->row(row).cell == target.cell ? row : kNoRow;
}

inline bool is_in_gone(const DecodedBlock& block, EntityId entity) {
  auto is_before = [](const DecodedBlock::Gone& gone, EntityId e) { return gone.entity < e; };
  const auto at = std::lower_bound(block.gone.begin(), block.gone.end(), entity, is_before);
  return at != block.gone.end() && at->entity == entity;
}

inline Error unknown_row(uint32_t index) {
  return fail(ErrorCode::kUnknownRow, "entity index " + std::to_string(index));
}
inline Error duplicate_row(uint32_t index) {
  return fail(ErrorCode::kDuplicateRow, "entity index " + std::to_string(index));
}

/// The part of a cell's recent rows that lies in a range.
inline std::span<const uint32_t> recent_in_range(const CellHistory& history, IndexRange range) {
  const std::span<const uint32_t> all(history.recent);
  if (range.is_all()) return all;
  const auto first = std::lower_bound(all.begin(), all.end(), range.begin);
  const auto last = std::lower_bound(first, all.end(), range.end);
  return all.subspan(static_cast<size_t>(first - all.begin()), static_cast<size_t>(last - first));
}

/// A field of one bit: where it has changed it has flipped.
inline bool is_flag(const Lane& lane) { return !lane.is_predicted && lane.max == 1; }

inline uint32_t zigzag_of(uint32_t delta) { return (delta << 1) ^ (0 - (delta >> 31)); }
inline uint64_t zigzag_of(uint64_t delta) { return (delta << 1) ^ (0 - (delta >> 63)); }
template <class S>
S unzigzag_of(S value) {
  return (value >> 1) ^ (0 - (value & 1));
}

inline unsigned value_bits(uint64_t value) {
  return value == 0 ? 0 : 64 - static_cast<unsigned>(__builtin_clzll(value));
}

/// True if the low bits that a lane's slot holds are a canonical value of it. T is the column's
/// type.
template <class T, class S>
bool slot_fits(const Lane& lane, S value) {
  if constexpr (sizeof(T) == sizeof(S)) {
    return lane.kind != LaneKind::kUnsigned || value <= lane.max;
  } else if constexpr (std::is_signed_v<T>) {
    return static_cast<S>(static_cast<T>(value)) == value;
  } else {
    return value <= lane.max;
  }
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
    set += static_cast<size_t>(__builtin_popcountll(value));
  }
  return set;
}

template <class Call>
void for_each_bit(std::span<const uint64_t> bits, Call&& call) {
  for (size_t word = 0; word < bits.size(); ++word) {
    uint64_t rest = bits[word];
    for (; rest != 0; rest &= rest - 1) {
      call(word * 64 + static_cast<size_t>(__builtin_ctzll(rest)));
    }
  }
}

}  // namespace ecsdb
