// Going back to an earlier cut, and keeping what that takes.
#include "ecsdb/client/replica.h"

namespace ecsdb {

/// Images of all that the advance, which has been checked, changes here. Cells of a sync that it
/// joins are at its end already.
void Replica::keep_images(const Advance& head, bool joins) {
  if (!images_.begin_advance(head.to(), *this)) return;
  for (const CellLeave& leave : head.leaves) {
    if (!holds(leave.handle)) continue;  // of the sync
    const HeldCell& cell = cells_[leave.handle];
    const Table& table = tables_[cell.table];
    images_.keep_cell(leave.handle, cells_);
    for (const RowIndex row : table.rows_of(cell.log)) {
      images_.keep_row(cell.table, table, table.row(row).entity);
    }
  }
  for (const CellEnter& enter : head.enters) images_.keep_cell(enter.handle, cells_);
  for (size_t i = 0; i < targets_.size(); ++i) {
    if (!targets_[i].in_sync) keep_images_of(targets_[i], blocks_[i]);
  }
  for (uint32_t handle = 0; joins && handle < sync_->cells_.size(); ++handle) {
    const HeldCell& cell = sync_->cells_[handle];
    if (!cell.held) continue;
    images_.keep_cell(handle, cells_);
    const Table& source = sync_->tables_[cell.table];
    for (const RowIndex row : source.rows_of(cell.log)) {
      images_.keep_row(cell.table, tables_[cell.table], source.row(row).entity);
    }
  }
}

void Replica::keep_images_of(const Target& target, const DecodedBlock& block) {
  const Table& table = tables_[target.table];
  images_.keep_cell(target.handle, cells_);
  for (const DecodedBlock::Gone& gone : block.gone) {
    if (table.find(gone.entity) != kNoRow) images_.keep_row(target.table, table, gone.entity);
  }
  for (const RowIndex row : block.changed) {
    images_.keep_row(target.table, table, table.row(row).entity);
  }
  for (const EntityId entity : block.whole) images_.keep_row(target.table, table, entity);
}

bool Replica::roll_back(Version fork, std::vector<RowEvent>* events) {
  if (cut_ <= fork) return true;
  const std::optional<BeforeImage> image = images_.take(fork);
  if (!image) return false;
  events_ = events;
  for (uint16_t t = 0; t < tables_.size(); ++t) drop_rows_since(*image, t);
  restore_cells(*image);
  for (uint16_t t = 0; t < tables_.size(); ++t) restore_rows(*image, t);
  cut_ = image->cut;
  commit_time_ns_ = image->commit_time_ns;
  return true;
}

/// Takes rows that have changed out of their cells, and away if the image does not have them.
void Replica::drop_rows_since(const BeforeImage& image, uint16_t table) {
  Table& rows = tables_[table];
  for (const Row& kept : image.tables[table].rows()) {
    const RowIndex at = rows.find_index(kept.entity.index());
    if (at == kNoRow) continue;
    const EntityId entity = rows.row(at).entity;
    rows.unlink(cells_[rows.row(at).cell].log, at);
    const bool stays = kept.cell != kNoCell && kept.entity == entity;
    if (!stays) erase_row(table, entity, RowEventKind::kLeave);
  }
}

void Replica::restore_cells(const BeforeImage& image) {
  for (size_t handle = image.cell_count; handle < cells_.size(); ++handle) {
    ECSDB_CHECK(cells_[handle].log.count() == 0);  // all of its rows came later
  }
  cells_.resize(image.cell_count);
  for (const BeforeImage::KeptCell& kept : image.cells) {
    HeldCell& cell = cells_[kept.handle];
    const bool is_same = cell.held && kept.cell.held && cell.generation == kept.cell.generation;
    RowLog log;
    if (is_same) std::swap(log, cell.log);  // rows that have not changed are in it
    ECSDB_CHECK(is_same || cell.log.count() == 0);
    cell = kept.cell;
    cell.log = std::move(log);
  }
}

void Replica::restore_rows(const BeforeImage& image, uint16_t table) {
  Table& rows = tables_[table];
  const Table& source = image.tables[table];
  for (RowIndex from = 0; from < source.row_count(); ++from) {
    const Row& kept = source.row(from);
    if (kept.cell == kNoCell) continue;
    RowIndex row = rows.find(kept.entity);
    const bool is_new = row == kNoRow;
    if (is_new) row = rows.append(kept.entity);
    const uint64_t differs = rows.copy_row(row, source, from);
    rows.link_newest(cells_[kept.cell].log, row, kept.cell);
    rows.row(row).changed = kept.changed;
    if (is_new) {
      emit(RowEventKind::kEnter, table, kept.entity);
    } else if (differs != 0) {
      emit(RowEventKind::kChange, table, kept.entity, differs);
    }
  }
}

}  // namespace ecsdb
