#include "ecsdb/store/directory.h"

namespace ecsdb {

RowIndex Directory::find_from(uint32_t entity_index) const {
  size_t page = entity_index / kPageSlots;
  size_t at = entity_index % kPageSlots;
  for (; page < pages_.size(); ++page, at = 0) {
    if (pages_[page] == 0) continue;
    for (; at < kPageSlots; ++at) {
      const Slot& slot = slots_[pages_[page] + at];
      if (slot.row != kNoRow) return slot.row;
    }
  }
  return kNoRow;
}

void Directory::set(EntityId entity, RowIndex row) {
  ECSDB_CHECK(entity.index() < kEntityIndexMax && entity.tag() != 0);
  const uint32_t page = entity.index() / kPageSlots;
  if (page >= pages_.size()) {
    pages_.resize(page + 1);
    end_ = (page + 1) * kPageSlots;
  }
  if (pages_[page] == 0) {
    pages_[page] = static_cast<uint32_t>(slots_.size());
    slots_.resize(slots_.size() + kPageSlots);
  }
  slots_[pages_[page] + entity.index() % kPageSlots] = Slot{row, entity.tag()};
}

void Directory::erase(EntityId entity) {
  ECSDB_CHECK(find(entity) != kNoRow);
  slots_[pages_[entity.index() / kPageSlots] + entity.index() % kPageSlots] = Slot{};
}

}  // namespace ecsdb
