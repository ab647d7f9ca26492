#include "ecsdb/client/replica.h"

#include <algorithm>
#include <utility>

#include "ecsdb/base/mutant.h"

namespace ecsdb {
namespace {

constexpr uint32_t kNoEnter = 0xffffffff;

std::string row_text(const TableDef& def, EntityId entity) {
  return "table " + def.name + ", entity " + std::to_string(entity.value);
}

}  // namespace

void ReceivedAdvance::clear() {
  head = Advance{};
  tail.clear();
  frames.clear();
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
  frames.push_back({head.blocks.size(), frame_head.tail_checksum});
  tail.insert(tail.end(), frame_tail.begin(), frame_tail.end());
  stream_bytes += bytes;
}

Status Replica::apply_chunk(const ReceivedAdvance& chunk) {
  events_ = nullptr;
  head_ = &chunk.head;
  if (!chunk.head.leaves.empty()) return fail(ErrorCode::kUnknownHandle, "leave in a sync chunk");
  ECSDB_TRY(stage(chunk, true));
  apply_enters(chunk.head);
  for (size_t i = 0; i < targets_.size(); ++i) {
    apply_whole(targets_[i], blocks_[i], cut_);
    applier_.finish(blocks_[i], tables_[targets_[i].table].has_history(), targets_[i].publish,
                    cells_[targets_[i].handle].history);
  }
  return {};
}

Status Replica::apply(const ReceivedAdvance& advance, std::vector<RowEvent>* events) {
  const Advance& head = advance.head;
  if (head.from != cut_ || head.to() < head.from) {
    return fail(ErrorCode::kWrongBaseline, "advance from version " +
                                               std::to_string(head.from.value) + " to " +
                                               std::to_string(head.to().value) +
                                               ", but the cut is " + std::to_string(cut_.value));
  }
  events_ = events;
  head_ = &head;
  ECSDB_TRY(stage(advance, false));
  // Nothing fails from here on.
#if defined(ECSDB_MUTANTS)
  before_again_ = cells_;
#endif
  limbo_.clear();
  apply_leaves(head);
  for (size_t i = 0; i < targets_.size(); ++i) apply_gone(targets_[i], blocks_[i]);
  std::sort(limbo_.begin(), limbo_.end(), by_name);
  apply_enters(head);
  // Whole rows may move rows in memory, which the changed ones are named by.
  for (size_t i = 0; i < targets_.size(); ++i) apply_changed(targets_[i], blocks_[i], head.to());
  for (size_t i = 0; i < targets_.size(); ++i) apply_whole(targets_[i], blocks_[i], head.to());
  for (size_t i = 0; i < targets_.size(); ++i) finish_block(targets_[i], blocks_[i], head.to());
  finish_limbo();
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

/// Everything that can be wrong with an advance or a chunk is found here, and nothing is changed.
Status Replica::stage(const ReceivedAdvance& advance, bool is_chunk) {
  ECSDB_TRY(check_cells(advance.head));
  ECSDB_TRY(find_targets(advance));
  ECSDB_TRY(check_headers(advance.head, is_chunk));
  ECSDB_TRY(check_tails(advance));
  ECSDB_TRY(decode_blocks(advance.head));
  return check_rows();
}

/// Leaves name held cells; enters name handles that are free then, with a new generation.
Status Replica::check_cells(const Advance& head) {
  leaving_.assign(cells_.size(), false);
  enter_of_.assign(cells_.size(), kNoEnter);
  for (const CellLeave& leave : head.leaves) {
    if (leave.handle >= cells_.size() || !cells_[leave.handle].held || is_leaving(leave.handle) ||
        cells_[leave.handle].generation != leave.generation) {
      return fail(ErrorCode::kUnknownHandle, "leave of handle " + std::to_string(leave.handle));
    }
    leaving_[leave.handle] = true;
  }
  const size_t handles_max = cells_.size() + head.enters.size();
  for (size_t i = 0; i < head.enters.size(); ++i) {
    const CellEnter& enter = head.enters[i];
    // Handles are given out densely, so that one beyond the rest is a lie about memory.
    if (enter.handle >= handles_max) {
      return fail(ErrorCode::kUnknownHandle, "enter of handle " + std::to_string(enter.handle));
    }
    if (enter.handle >= enter_of_.size()) enter_of_.resize(enter.handle + 1, kNoEnter);
    const bool known = enter.handle < cells_.size();
    const bool is_free = !known || !cells_[enter.handle].held || is_leaving(enter.handle);
    const bool is_newer = !known || enter.generation > cells_[enter.handle].generation;
    if (!is_free || !is_newer || enter_of_[enter.handle] != kNoEnter) {
      return fail(ErrorCode::kUnknownHandle, "enter of handle " + std::to_string(enter.handle));
    }
    if (!schema_.table_index(enter.table)) {
      return fail(ErrorCode::kUnknownTable, "id " + std::to_string(enter.table.value));
    }
    enter_of_[enter.handle] = static_cast<uint32_t>(i);
  }
  return {};
}

/// Cells and bytes of all blocks.
Status Replica::find_targets(const ReceivedAdvance& advance) {
  const auto& entries = advance.head.blocks;
  targets_.resize(entries.size());
  size_t at = 0;
  size_t frame = 0;
  uint32_t handle = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    for (; i == advance.frames[frame].blocks; ++frame) handle = 0;  // each frame starts anew
    handle += static_cast<uint32_t>(entries[i].step);
    targets_[i].handle = handle;
    ECSDB_TRY(find_target(targets_[i]));
    if (entries[i].bytes > advance.tail.size() - at) {
      return fail(ErrorCode::kFrameMalformed, "blocks are longer than the frame's tail");
    }
    targets_[i].bytes = ByteSpan(advance.tail).subspan(at, entries[i].bytes);
    at += entries[i].bytes;
  }
  if (at == advance.tail.size()) return {};
  return fail(ErrorCode::kFrameMalformed, "bytes behind the last block");
}

Status Replica::find_target(Target& target) const {
  const uint32_t handle = target.handle;
  if (handle < enter_of_.size() && enter_of_[handle] != kNoEnter) {
    const CellEnter& enter = head_->enters[enter_of_[handle]];
    target.entered = true;
    target.table = *schema_.table_index(enter.table);
    target.generation = enter.generation;
    return {};
  }
  if (handle < cells_.size() && cells_[handle].held && !is_leaving(handle)) {
    target.entered = false;
    target.table = cells_[handle].table;
    target.generation = cells_[handle].generation;
    return {};
  }
  return fail(ErrorCode::kUnknownHandle, "block for handle " + std::to_string(handle));
}

Status Replica::check_headers(const Advance& head, bool is_chunk) {
  if (blocks_.size() < targets_.size()) blocks_.resize(targets_.size());
  for (size_t i = 0; i < targets_.size(); ++i) {
    Target& target = targets_[i];
    auto header = peek_block_header(target.bytes);
    if (!header.ok()) return header.error();
    ECSDB_TRY(check_header(*header, target, head, is_chunk));
    blocks_[i].header = *header;
    target.publish = header->form == BlockForm::kRelative
                         ? cells_[target.handle].history.publishes() + 1
                         : header->publishes;
  }
  return {};
}

Status Replica::check_header(const BlockHeader& header, const Target& target, const Advance& head,
                             bool is_chunk) const {
  if (header.is_compressed && (features_ & kFeatureZstd) == 0) {
    return fail(ErrorCode::kFrameMalformed, "table " + schema_.table(target.table).name +
                                                ": a compressed block, not agreed on");
  }
  if (is_chunk || target.entered) {
    if (header.form == BlockForm::kRows) return {};
    return fail(ErrorCode::kWrongBaseline, "a cell that enters takes whole rows");
  }
  const HeldCell& cell = cells_[target.handle];
  const bool is_relative = header.form == BlockForm::kRelative;
  const Version version = is_relative ? head.to() : header.version;
  const bool follows = !is_relative || header.chain == (cell.history.publishes() & kChainMask);
  const bool fits =
      header.form != BlockForm::kRows && follows && version > cell.changed && version <= head.to();
  if (fits || ECSDB_MUTANT(wrong_baseline) || ECSDB_MUTANT(skip_delta)) return {};
  return fail(ErrorCode::kWrongBaseline,
              "table " + schema_.table(target.table).name + ", cell " + cell.key.to_string() +
                  ": a block to version " + std::to_string(version.value) +
                  " that follows publish " + std::to_string(header.chain) +
                  " (modulo 8) of the cell, on the state of version " +
                  std::to_string(cell.changed.value) + " after publish " +
                  std::to_string(cell.history.publishes()));
}

/// The version that a block is relative to.
Version Replica::base_of(const Target& target, BlockForm form) const {
  if (form == BlockForm::kRows) return Version{0};
  return form == BlockForm::kNet ? head_->from : cells_[target.handle].changed;
}

/// Every frame's blocks are as they were sent, and meant for these cells in this state.
Status Replica::check_tails(const ReceivedAdvance& advance) const {
  if (ECSDB_MUTANT(wrong_baseline) || ECSDB_MUTANT(skip_delta)) return {};
  size_t at = 0;
  for (const ReceivedAdvance::FrameEnd& frame : advance.frames) {
    TailChecksum checksum;
    for (; at < frame.blocks; ++at) {
      const Target& target = targets_[at];
      checksum.add(target.handle, target.generation, base_of(target, blocks_[at].header.form),
                   crc32c(target.bytes));
    }
    if (checksum.value() == frame.tail_checksum) continue;
    return fail(ErrorCode::kChecksumMismatch, "blocks to version " +
                                                  std::to_string(advance.head.to().value) +
                                                  ": damaged, or not meant for the state held");
  }
  return {};
}

Status Replica::decode_blocks(const Advance& head) {
  const CellHistory none;
  for (size_t i = 0; i < targets_.size(); ++i) {
    const Target& target = targets_[i];
    const BlockTarget to{&schema_.table(target.table), &tables_[target.table], target.handle,
                         target.entered ? &none : &cells_[target.handle].history};
    ECSDB_TRY(decoder_.decode(target.bytes, to, head.to(), blocks_[i]));
  }
  return {};
}

/// Every whole row finds its entity's place free: held by nobody, by a row that goes in this
/// advance, or by the same row in the same cell. And there is room for all of them.
Status Replica::check_rows() {
  going_.clear();
  coming_.clear();
  for (size_t i = 0; i < targets_.size(); ++i) {
    const Target& target = targets_[i];
    for (const DecodedBlock::Gone& gone : blocks_[i].gone) {
      const RowIndex row = tables_[target.table].find(gone.entity);
      if (row == kNoRow || tables_[target.table].row(row).cell != target.handle) continue;
      going_.push_back({target.table, gone.entity});
    }
    for (const EntityId entity : blocks_[i].whole) coming_.push_back({target.table, entity});
  }
  std::sort(going_.begin(), going_.end());
  going_.erase(std::unique(going_.begin(), going_.end()), going_.end());
  std::sort(coming_.begin(), coming_.end());
  for (size_t i = 1; i < coming_.size(); ++i) {
    if (coming_[i].table == coming_[i - 1].table &&
        coming_[i].entity.index() == coming_[i - 1].entity.index()) {
      return fail(ErrorCode::kDuplicateRow,
                  row_text(schema_.table(coming_[i].table), coming_[i].entity));
    }
  }
  auto goes = [&](uint16_t table, EntityId entity) {
    return std::binary_search(going_.begin(), going_.end(), RowName{table, entity});
  };
  uint64_t in_place_rows = 0;
  for (size_t i = 0; i < targets_.size(); ++i) {
    const Target& target = targets_[i];
    const Table& table = tables_[target.table];
    const DecodedBlock& block = blocks_[i];
    for (const RowIndex row : block.changed) {
      const EntityId entity = table.row(row).entity;
      if (goes(target.table, entity)) {
        return fail(ErrorCode::kDuplicateRow, row_text(schema_.table(target.table), entity));
      }
    }
    for (const EntityId entity : block.whole) {
      const RowIndex row = table.find_index(entity.index());
      if (row == kNoRow) continue;
      const Row& held = table.row(row);
      const bool in_place = held.entity == entity && held.cell == target.handle &&
                            !target.entered && block.header.form != BlockForm::kRows;
      if (!in_place && !is_leaving(held.cell) && !goes(target.table, held.entity)) {
        return fail(ErrorCode::kDuplicateRow, row_text(schema_.table(target.table), entity));
      }
      in_place_rows += in_place ? 1 : 0;
    }
  }
  uint64_t going_rows = going_.size();
  for (const CellLeave& leave : head_->leaves) going_rows += cells_[leave.handle].log.count();
  if (row_count() - going_rows + coming_.size() - in_place_rows <= rows_max_) return {};
  return fail(ErrorCode::kClientLimit, "more than " + std::to_string(rows_max_) +
                                           " rows; raise rows_max or subscribe to less");
}

void Replica::apply_leaves(const Advance& head) {
  for (const CellLeave& leave : head.leaves) {
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
    RowIndex row = table.find_index(entity.index());
    if (row != kNoRow && table.row(row).entity != entity) {
      const EntityId old = table.row(row).entity;
      const auto entry = std::lower_bound(limbo_.begin(), limbo_.end(),
                                          Limbo{target.table, old, RowEventKind::kLeave}, by_name);
      ECSDB_CHECK(entry != limbo_.end() && entry->entity == old);  // check_rows saw that it goes
      erase_row(target.table, old, entry->kind);
      row = kNoRow;
    }
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
  if (events_ != nullptr) events_->push_back(RowEvent{kind, table, entity, changed});
}

void Replica::adopt(Replica&& fresh, const std::vector<bool>& whole_tables,
                    std::vector<RowEvent>* events) {
  events_ = events;
  for (uint16_t t = 0; events != nullptr && t < tables_.size(); ++t) {
    const Table& now = fresh.tables_[t];
    for (const Row& row : tables_[t].rows()) {
      if (now.find(row.entity) != kNoRow) continue;
      emit(whole_tables[t] ? RowEventKind::kRemove : RowEventKind::kLeave, t, row.entity);
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
  *this = std::move(fresh);
  rows_max_ = rows_max;
  events_ = events;
  for (uint16_t t = 0; t < tables_.size(); ++t) {
    for (const Row& row : tables_[t].rows()) emit(RowEventKind::kEnter, t, row.entity);
  }
}

void Replica::reset(Schema schema) {
  const uint64_t rows_max = rows_max_;
  const uint32_t features = features_;
  *this = Replica(std::move(schema));
  rows_max_ = rows_max;
  features_ = features;
}

uint64_t Replica::row_count() const {
  uint64_t rows = 0;
  for (const Table& table : tables_) rows += table.row_count();
  return rows;
}

}  // namespace ecsdb
