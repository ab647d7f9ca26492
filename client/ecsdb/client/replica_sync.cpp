// Cells that were synced beside a replica become part of it.
#include <algorithm>

#include "ecsdb/client/replica.h"

namespace ecsdb {

/// Brings the cells of *sync_ to the end of the advance, which has been checked.
void Replica::finish_sync(const Advance& head) {
  Replica& sync = *sync_;
  sync.events_ = nullptr;
  sync.limbo_.clear();
  sync.apply_leaves(head);
  for (size_t i = 0; i < targets_.size(); ++i) {
    if (targets_[i].in_sync) sync.apply_gone(targets_[i], blocks_[i]);
  }
  std::sort(sync.limbo_.begin(), sync.limbo_.end(), by_name);
  sync.apply_rows(targets_, blocks_, head.to(), true);
  sync.finish_limbo();
}

void Replica::join_cell(uint32_t handle, HeldCell& cell) {
  if (handle >= cells_.size()) cells_.resize(handle + 1);
  HeldCell& own = cells_[handle];
  ECSDB_CHECK(!own.held && own.log.count() == 0);
  RowLog log;
  std::swap(log, own.log);
  own = cell;
  own.log = std::move(log);
  for (const RowIndex from : sync_->tables_[cell.table].rows_of(cell.log)) {
    join_row(handle, cell, from);
  }
}

void Replica::join_row(uint32_t handle, HeldCell& cell, RowIndex from) {
  Table& table = tables_[cell.table];
  const Table& source = sync_->tables_[cell.table];
  const EntityId entity = source.row(from).entity;
  RowIndex row = free_place(cell.table, entity);
  const bool is_new = row == kNoRow;
  if (is_new) row = table.append(entity);
  const uint64_t differs = table.copy_row(row, source, from);
  table.link_newest(cells_[handle].log, row, handle);
  table.row(row).changed = source.row(from).changed;
  if (is_new) {
    emit(RowEventKind::kEnter, cell.table, entity);
  } else if (differs != 0) {
    emit(RowEventKind::kChange, cell.table, entity, differs);
  }
}

void Replica::drop_rows_from(std::span<const uint32_t> handles, uint32_t entity_index) {
  events_ = nullptr;
  for (const uint32_t handle : handles) {
    HeldCell& cell = cells_[handle];
    std::vector<EntityId> dropped;
    for (const RowIndex row : tables_[cell.table].rows_of(cell.log)) {
      const EntityId entity = tables_[cell.table].row(row).entity;
      if (entity.index() >= entity_index) dropped.push_back(entity);
    }
    std::vector<uint32_t> indices;
    for (const EntityId entity : dropped) {
      Table& table = tables_[cell.table];
      table.unlink(cell.log, table.find(entity));
      erase_row(cell.table, entity, RowEventKind::kLeave);
      indices.push_back(entity.index());
    }
    std::sort(indices.begin(), indices.end());
    cell.history.finish(cell.history.publishes(), {}, indices);
  }
}

uint32_t Replica::generation_max() const {
  uint32_t most = 0;
  for (const HeldCell& cell : cells_) most = std::max(most, cell.generation);
  return most;
}

}  // namespace ecsdb
