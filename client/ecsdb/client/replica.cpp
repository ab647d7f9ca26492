#include "ecsdb/client/replica.h"

#include <algorithm>
#include <utility>

#include "ecsdb/base/mutant.h"

namespace ecsdb {

void ReceivedAdvance::clear() {
  head = Advance{};
  tail.clear();
  frames.clear();
  outcomes.clear();
  events.clear();
  events_missed = 0;
  outcome_bytes = 0;
  stream_bytes = 0;
}

void ReceivedAdvance::add(Advance&& frame_head, ByteSpan frame_tail, size_t bytes) {
  if (frames.empty()) {
    head = std::move(frame_head);
  } else {
    head.flags |= frame_head.flags;
    head.leaves.insert(head.leaves.end(), frame_head.leaves.begin(), frame_head.leaves.end());
    head.enters.insert(head.enters.end(), frame_head.enters.begin(), frame_head.enters.end());
    head.blocks.insert(head.blocks.end(), frame_head.blocks.begin(), frame_head.blocks.end());
  }
  tail.insert(tail.end(), frame_tail.begin(), frame_tail.end());
  frames.push_back({head.blocks.size(), tail.size(), frame_head.tail_checksum});
  stream_bytes += bytes;
}

Status Replica::apply_chunk(const ReceivedAdvance& chunk, const Replica* beside) {
  events_ = nullptr;
  sync_ = nullptr;
  beside_ = beside;
  head_ = &chunk.head;
  const Advance& head = chunk.head;
  if (!head.leaves.empty()) return fail(ErrorCode::kUnknownHandle, "leave in a sync chunk");
  if (head.from != cut_ || head.distance != 0 || head.kind() != AdvanceKind::kStep) {
    return fail(ErrorCode::kWrongBaseline,
                "a sync chunk that is not of the scan from version " + std::to_string(cut_.value));
  }
  ECSDB_TRY(stage(chunk, true));
  apply_enters(chunk.head);
  for (size_t i = 0; i < targets_.size(); ++i) {
    apply_whole(targets_[i], blocks_[i], cut_);
    applier_.finish(blocks_[i], tables_[targets_[i].table].has_history(), targets_[i].publish,
                    cells_[targets_[i].handle].history);
  }
  return {};
}

Status Replica::apply(const ReceivedAdvance& advance, std::vector<RowEvent>* events,
                      Replica* sync) {
  const Advance& head = advance.head;
  if (head.from != cut_ || head.to() < head.from) {
    return fail(ErrorCode::kWrongBaseline, "advance from version " +
                                               std::to_string(head.from.value) + " to " +
                                               std::to_string(head.to().value) +
                                               ", but the cut is " + std::to_string(cut_.value));
  }
  const bool joins = sync != nullptr && head.kind() == AdvanceKind::kSyncEnd;
  if (joins && head.to() < sync->cut_) {
    return fail(ErrorCode::kWrongBaseline, "a sync from version " +
                                               std::to_string(sync->cut_.value) + " ends at " +
                                               std::to_string(head.to().value));
  }
  events_ = events;
  head_ = &head;
  sync_ = sync;
  beside_ = nullptr;
  if (ECSDB_MUTANT(cut_before_checks)) cut_ = head.to();
  ECSDB_TRY(stage(advance, false));
  if (ECSDB_MUTANT(half_advance) && targets_.size() > 1) targets_.resize(targets_.size() / 2);
    // Nothing fails from here on.
#if defined(ECSDB_MUTANTS)
  before_again_ = cells_;
#endif
  if (joins) finish_sync(head);
  keep_images(head, joins);
  limbo_.clear();
  apply_leaves(head);
  for (size_t i = 0; i < targets_.size(); ++i) {
    if (!targets_[i].in_sync) apply_gone(targets_[i], blocks_[i]);
  }
  std::sort(limbo_.begin(), limbo_.end(), by_name);
  apply_enters(head);
  apply_rows(targets_, blocks_, head.to(), false);
  for (uint32_t handle = 0; joins && handle < sync->cells_.size(); ++handle) {
    if (sync->cells_[handle].held) join_cell(handle, sync->cells_[handle]);
  }
  finish_limbo();
  sync_ = nullptr;
  cut_ = head.to();
  commit_time_ns_ = head.commit_time_ns;
  return {};
}

#if defined(ECSDB_MUTANTS)
Status Replica::apply_again(const ReceivedAdvance& advance) {
  ReceivedAdvance again = advance;
  again.head.leaves.clear();
  again.head.enters.clear();
  cut_ = again.head.from;
  for (const Target& target : targets_) {
    if (target.handle >= before_again_.size()) continue;
    cells_[target.handle].changed = before_again_[target.handle].changed;
    cells_[target.handle].history = before_again_[target.handle].history;
  }
  return apply(again, nullptr);
}
#endif

/// Values of the rows of own cells, or of those of the sync that this replica is.
void Replica::apply_rows(std::span<const Target> targets, std::span<const DecodedBlock> blocks,
                         Version to, bool in_sync) {
  // Whole rows may move rows in memory, which the changed ones are named by.
  for (size_t i = 0; i < targets.size(); ++i) {
    if (targets[i].in_sync == in_sync) apply_changed(targets[i], blocks[i], to);
  }
  for (size_t i = 0; i < targets.size(); ++i) {
    if (targets[i].in_sync == in_sync) apply_whole(targets[i], blocks[i], to);
  }
  for (size_t i = 0; i < targets.size(); ++i) {
    if (targets[i].in_sync == in_sync) finish_block(targets[i], blocks[i], to);
  }
}

void Replica::apply_leaves(const Advance& head) {
  for (const CellLeave& leave : head.leaves) {
    if (!holds(leave.handle)) continue;  // of the sync
    HeldCell& cell = cells_[leave.handle];
    Table& table = tables_[cell.table];
    for (const RowIndex row : table.rows_of(cell.log)) {
      limbo_.push_back({cell.table, table.row(row).entity, RowEventKind::kLeave});
      table.unlink(cell.log, row);
    }
    cell.log = RowLog();
    cell.held = false;
  }
}

void Replica::apply_gone(const Target& target, const DecodedBlock& block) {
  Table& table = tables_[target.table];
  for (const DecodedBlock::Gone& gone : block.gone) {
    const RowIndex row = table.find(gone.entity);
    if (row == kNoRow || table.row(row).cell != target.handle) continue;
    table.unlink(cells_[target.handle].log, row);
    limbo_.push_back(
        {target.table, gone.entity, gone.left ? RowEventKind::kLeave : RowEventKind::kRemove});
  }
}

void Replica::apply_enters(const Advance& head) {
  for (const CellEnter& enter : head.enters) {
    if (enter.handle >= cells_.size()) cells_.resize(enter.handle + 1);
    HeldCell& cell = cells_[enter.handle];
    ECSDB_CHECK(!cell.held && cell.log.count() == 0);
    cell = HeldCell{};
    cell.held = true;
    cell.generation = enter.generation;
    cell.table = *schema_.table_index(enter.table);
    cell.key = enter.key;
    cell.changed = enter.changed;
    cell.history.set_publishes(enter.publishes);
  }
}

void Replica::apply_changed(const Target& target, const DecodedBlock& block, Version version) {
  if (block.changed.empty()) return;
  HeldCell& cell = cells_[target.handle];
  Table& table = tables_[target.table];
  applier_.apply_changed(block, table, cell.history);
  for (size_t i = 0; i < block.changed.size(); ++i) {
    const RowIndex row = block.changed[i];
    table.touch(cell.log, row);
    table.row(row).changed = version;
    const uint64_t differs = applier_.differs()[i];
    if (differs != 0) emit(RowEventKind::kChange, target.table, table.row(row).entity, differs);
  }
}

void Replica::apply_whole(const Target& target, const DecodedBlock& block, Version version) {
  Table& table = tables_[target.table];
  RowLog& log = cells_[target.handle].log;
  for (size_t i = 0; i < block.whole.size(); ++i) {
    const EntityId entity = block.whole[i];
    RowIndex row = free_place(target.table, entity);
    const bool is_new = row == kNoRow;
    if (is_new) row = table.append(entity);
    const uint64_t differs = BlockApplier::apply_whole(block, i, table, row);
    if (table.row(row).cell == kNoCell) {
      table.link_newest(log, row, target.handle);
    } else {
      table.touch(log, row);
    }
    table.row(row).changed = version;
    if (is_new) {
      const bool inserted = block.inserted[i] != 0;
      emit(inserted ? RowEventKind::kInsert : RowEventKind::kEnter, target.table, entity);
    } else if (differs != 0) {
      emit(RowEventKind::kChange, target.table, entity, differs);
    }
  }
}

/// The entity's row, if it has one. One of another entity that has its index goes first.
RowIndex Replica::free_place(uint16_t table, EntityId entity) {
  const RowIndex row = tables_[table].find_index(entity.index());
  if (row == kNoRow || tables_[table].row(row).entity == entity) return row;
  const EntityId old = tables_[table].row(row).entity;
  const auto entry = std::lower_bound(limbo_.begin(), limbo_.end(),
                                      Limbo{table, old, RowEventKind::kLeave}, by_name);
  ECSDB_CHECK(entry != limbo_.end() && entry->entity == old);  // check_rows saw that it goes
  erase_row(table, old, entry->kind);
  return kNoRow;
}

void Replica::finish_block(const Target& target, const DecodedBlock& block, Version version) {
  HeldCell& cell = cells_[target.handle];
  const bool is_relative = block.header.form == BlockForm::kRelative;
  cell.changed = is_relative ? version : block.header.version;
  applier_.finish(block, tables_[target.table].has_history(), target.publish, cell.history);
}

void Replica::finish_limbo() {
  for (const Limbo& gone : limbo_) {
    const RowIndex row = tables_[gone.table].find(gone.entity);
    if (row == kNoRow || tables_[gone.table].row(row).cell != kNoCell) continue;
    erase_row(gone.table, gone.entity, gone.kind);
  }
}

void Replica::erase_row(uint16_t table, EntityId entity, RowEventKind kind) {
  const RowIndex row = tables_[table].find(entity);
  tables_[table].erase(row, [&](CellIndex cell) -> RowLog& { return cells_[cell].log; });
  emit(kind, table, entity);
}

void Replica::emit(RowEventKind kind, uint16_t table, EntityId entity, uint64_t changed) {
  if (events_ == nullptr) return;
  if (ECSDB_MUTANT(first_field_changed) && kind == RowEventKind::kChange) changed |= 1;
  if (ECSDB_MUTANT(leaves_are_removed) && kind == RowEventKind::kLeave) {
    kind = RowEventKind::kRemove;
  }
  events_->push_back(RowEvent{kind, table, entity, changed});
}

void Replica::adopt(Replica&& fresh, std::vector<RowEvent>* events) {
  events_ = events;
  for (uint16_t t = 0; events != nullptr && t < tables_.size(); ++t) {
    const Table& now = fresh.tables_[t];
    for (const Row& row : tables_[t].rows()) {
      if (now.find(row.entity) != kNoRow) continue;
      emit(RowEventKind::kLeave, t, row.entity);
    }
    for (RowIndex i = 0; i < now.row_count(); ++i) {
      const EntityId entity = now.row(i).entity;
      const RowIndex old = tables_[t].find(entity);
      uint64_t differs = 0;
      if (old == kNoRow) {
        emit(RowEventKind::kEnter, t, entity);
        continue;
      }
      for (const uint16_t field : now.layout().replicated) {
        if (now.field_equals(i, tables_[t], old, field)) continue;
        differs |= uint64_t{1} << now.layout().fields[field].replicated_bit;
      }
      if (differs != 0) emit(RowEventKind::kChange, t, entity, differs);
    }
  }
  images_.clear();
  tables_ = std::move(fresh.tables_);
  cells_ = std::move(fresh.cells_);
  cut_ = fresh.cut_;
  commit_time_ns_ = fresh.commit_time_ns_;
}

void Replica::replace(Replica&& fresh, std::vector<RowEvent>* events) {
  events_ = events;
  for (const Table& table : tables_) {
    const auto index = fresh.schema_.table_index(table.layout().id);
    if (!index) continue;
    for (const Row& row : table.rows()) emit(RowEventKind::kLeave, *index, row.entity);
  }
  const uint64_t rows_max = rows_max_;
  BeforeImages images = std::move(images_);
  *this = std::move(fresh);
  rows_max_ = rows_max;
  images_ = std::move(images);
  images_.clear();
  events_ = events;
  for (uint16_t t = 0; t < tables_.size(); ++t) {
    for (const Row& row : tables_[t].rows()) emit(RowEventKind::kEnter, t, row.entity);
  }
}

void Replica::reset(Schema schema) {
  const uint64_t rows_max = rows_max_;
  const uint32_t features = features_;
  BeforeImages images = std::move(images_);
  *this = Replica(std::move(schema));
  rows_max_ = rows_max;
  features_ = features;
  images_ = std::move(images);
  images_.clear();
}

uint64_t Replica::row_count() const {
  uint64_t rows = 0;
  for (const Table& table : tables_) rows += table.row_count();
  return rows;
}

}  // namespace ecsdb
