// From entities to rows of one table.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ecsdb/base/check.h"
#include "ecsdb/base/ids.h"
#include "ecsdb/store/row_log.h"

namespace ecsdb {

/// Entity indices at and above this are refused, on the server as capacity, on a client as a limit:
/// it bounds the directory.
inline constexpr uint32_t kEntityIndexMax = 1u << 24;

/// At most one row an entity index; pages are made on demand. Knows the whole entity, so that a
/// lookup reads nothing else. A value type; not thread-safe.
class Directory {
 public:
  Directory() : slots_(kPageSlots) {}

  /// kNoRow if there is none.
  RowIndex find(EntityId entity) const {
    const Slot slot = at(entity.index());
    return slot.tag == entity.tag() ? slot.row : kNoRow;
  }
  /// Of whatever entity has the index.
  RowIndex find_index(uint32_t entity_index) const { return at(entity_index).row; }
  /// Rows of many entities, up to the first that has none or whose row `accept` refuses; returns
  /// how many were found. `out` has room for all.
  template <class Accept>
  size_t find_many(std::span<const EntityId> entities, std::span<RowIndex> out,
                   Accept&& accept) const {
    return find_each(entities, out, [&](EntityId entity, const Slot& slot) {
      return slot.row != kNoRow && slot.tag == entity.tag() && accept(slot.row);
    });
  }
  /// The same for indices, of whatever entities have them.
  template <class Accept>
  size_t find_many_indices(std::span<const uint32_t> entity_indices, std::span<RowIndex> out,
                           Accept&& accept) const {
    return find_each(entity_indices, out, [&](uint32_t, const Slot& slot) {
      return slot.row != kNoRow && accept(slot.row);
    });
  }
  /// The row with the smallest entity index >= `entity_index`, or kNoRow.
  RowIndex find_from(uint32_t entity_index) const;
  /// Adds an entity or moves its row; the index is below kEntityIndexMax.
  void set(EntityId entity, RowIndex row);
  /// Removes an entity that is there.
  void erase(EntityId entity);
  /// Of memory, without what is in reserve.
  size_t bytes() const { return pages_.size() * sizeof(uint32_t) + slots_.size() * sizeof(Slot); }

 private:
  struct Slot {
    RowIndex row = kNoRow;
    uint32_t tag = 0;  // EntityId::tag(), which is not 0
  };
  static constexpr uint32_t kPageSlots = 256;

  static uint32_t index_of(EntityId entity) { return entity.index(); }
  static uint32_t index_of(uint32_t entity_index) { return entity_index; }
  template <class Key, class Accept>
  size_t find_each(std::span<const Key> keys, std::span<RowIndex> out, Accept&& accept) const;

  Slot at(uint32_t entity_index) const {
    if (entity_index >= end_) return Slot{};
    return slots_[pages_[entity_index / kPageSlots] + entity_index % kPageSlots];
  }

  std::vector<uint32_t> pages_;  // where each begins in slots_; 0: the page that stays empty
  std::vector<Slot> slots_;
  uint32_t end_ = 0;  // entity indices from here on are beyond the pages
};

template <class Key, class Accept>
size_t Directory::find_each(std::span<const Key> keys, std::span<RowIndex> out,
                            Accept&& accept) const {
  // In registers: a store through `out` could change the members for all the compiler knows.
  const uint32_t* const pages = pages_.data();
  const Slot* const slots = slots_.data();
  const uint32_t end = end_;
  for (size_t i = 0; i < keys.size(); ++i) {
    const uint32_t index = index_of(keys[i]);
    if (index >= end) return i;
    const Slot slot = slots[pages[index / kPageSlots] + index % kPageSlots];
    if (!accept(keys[i], slot)) return i;
    out[i] = slot.row;
  }
  return keys.size();
}

}  // namespace ecsdb
