// What can be wrong with an advance or a chunk; see also BlockDecoder.
#include <algorithm>

#include "ecsdb/base/fuzzing.h"
#include "ecsdb/base/mutant.h"
#include "ecsdb/client/replica.h"

namespace ecsdb {
namespace {

constexpr uint32_t kNoEnter = 0xffffffff;

Error too_many_rows(uint64_t rows_max) {
  return fail(ErrorCode::kClientLimit, "more than " + std::to_string(rows_max) +
                                           " rows; raise rows_max or subscribe to less");
}

/// Planted bugs of the server that the client would refuse at once.
bool accepts_anything() {
  return ECSDB_MUTANT(wrong_baseline) || ECSDB_MUTANT(skip_delta) || ECSDB_MUTANT(old_generation);
}

bool is_newer_than(const ClientDb& replica, const CellEnter& enter) {
  const auto cells = replica.cells();
  return enter.handle >= cells.size() || enter.generation > cells[enter.handle].generation;
}

std::string row_text(const TableDef& def, EntityId entity) {
  return "table " + def.name + ", entity " + std::to_string(entity.value);
}

}  // namespace

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
  const Replica* other = sync_ != nullptr ? sync_ : beside_;  // shares the handles with this one
  const bool joins = sync_ != nullptr && head.kind() == AdvanceKind::kSyncEnd;
  const size_t known = std::max(cells_.size(), other == nullptr ? 0 : other->cells_.size());
  leaving_.assign(known, false);
  enter_of_.assign(known, kNoEnter);
  for (const CellLeave& leave : head.leaves) {
    const Replica* holder = holds(leave.handle) ? this : nullptr;
    if (holder == nullptr && joins && sync_->holds(leave.handle)) holder = sync_;
    if (holder == nullptr || is_leaving(leave.handle) ||
        holder->cells_[leave.handle].generation != leave.generation) {
      return fail(ErrorCode::kUnknownHandle, "leave of handle " + std::to_string(leave.handle));
    }
    leaving_[leave.handle] = true;
  }
  const size_t handles_max = known + head.enters.size();
  for (size_t i = 0; i < head.enters.size(); ++i) {
    const CellEnter& enter = head.enters[i];
    // Handles are given out densely, so that one beyond the rest is a lie about memory.
    if (enter.handle >= handles_max) {
      return fail(ErrorCode::kUnknownHandle, "enter of handle " + std::to_string(enter.handle));
    }
    if (enter.handle >= enter_of_.size()) enter_of_.resize(enter.handle + 1, kNoEnter);
    const bool is_free =
        is_leaving(enter.handle) ||
        (!holds(enter.handle) && (other == nullptr || !other->holds(enter.handle)));
    const bool is_newer =
        is_newer_than(*this, enter) && (other == nullptr || is_newer_than(*other, enter));
    if (!is_free || !is_newer || enter_of_[enter.handle] != kNoEnter) {
      return fail(ErrorCode::kUnknownHandle, "enter of handle " + std::to_string(enter.handle));
    }
    if (!schema_.table_index(enter.table)) {
      return fail(ErrorCode::kUnknownTable, "id " + std::to_string(enter.table.value));
    }
    if (!cell_key_fits(schema_, *schema_.table_index(enter.table), enter.key)) {
      return fail(ErrorCode::kTypeMismatch, "table id " + std::to_string(enter.table.value) +
                                                " has no cell " + enter.key.to_string());
    }
    enter_of_[enter.handle] = static_cast<uint32_t>(i);
  }
  return {};
}

/// Cells and bytes of all blocks, frame by frame.
Status Replica::find_targets(const ReceivedAdvance& advance) {
  const auto& entries = advance.head.blocks;
  targets_.resize(entries.size());
  size_t at = 0;
  size_t i = 0;
  for (const ReceivedAdvance::FrameEnd& frame : advance.frames) {
    for (uint32_t handle = 0; i < frame.blocks; ++i) {
      handle += static_cast<uint32_t>(entries[i].step);
      targets_[i].handle = handle;
      ECSDB_TRY(find_target(targets_[i]));
      if (entries[i].bytes > frame.tail_bytes - at) {
        return fail(ErrorCode::kFrameMalformed, "blocks are longer than the frame's tail");
      }
      targets_[i].bytes = ByteSpan(advance.tail).subspan(at, entries[i].bytes);
      at += entries[i].bytes;
    }
    if (at != frame.tail_bytes) {
      return fail(ErrorCode::kFrameMalformed, "bytes behind the last block");
    }
  }
  return {};
}

Status Replica::find_target(Target& target) const {
  const uint32_t handle = target.handle;
  if (handle < enter_of_.size() && enter_of_[handle] != kNoEnter) {
    const CellEnter& enter = head_->enters[enter_of_[handle]];
    target.entered = true;
    target.in_sync = false;
    target.table = *schema_.table_index(enter.table);
    target.generation = enter.generation;
    return {};
  }
  target.entered = target.in_sync = false;
  const Replica* holder = holds(handle) ? this : nullptr;
  if (holder == nullptr && sync_ != nullptr && head_->kind() == AdvanceKind::kSyncEnd &&
      sync_->holds(handle)) {
    holder = sync_;
    target.in_sync = true;
  }
  if (holder != nullptr && !is_leaving(handle)) {
    target.table = holder->cells_[handle].table;
    target.generation = holder->cells_[handle].generation;
    return {};
  }
  return fail(ErrorCode::kUnknownHandle, "block for handle " + std::to_string(handle));
}

Status Replica::check_headers(const Advance& head, bool is_chunk) {
  ++advance_number_;
  if (blocks_.size() < targets_.size()) blocks_.resize(targets_.size());
  for (size_t i = 0; i < targets_.size(); ++i) {
    Target& target = targets_[i];
    auto header = peek_block_header(target.bytes);
    if (!header.ok()) return header.error();
    ECSDB_TRY(check_header(*header, target, head, is_chunk));
    ECSDB_TRY(check_part(*header, target));
    blocks_[i].header = *header;
    target.publish = header->form == BlockForm::kRelative
                         ? owner(target).cells_[target.handle].history.publishes() + 1
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
  const bool takes_rows = is_chunk || target.entered;
  if (takes_rows && header.form != BlockForm::kRows) {
    return fail(ErrorCode::kWrongBaseline, "a cell that enters takes whole rows");
  }
  ECSDB_TRY(check_publishes(header, target));
  if (takes_rows) return {};
  const HeldCell& cell = owner(target).cells_[target.handle];
  const bool is_relative = header.form == BlockForm::kRelative;
  if (is_relative != (head.kind() == AdvanceKind::kStep)) {
    return fail(ErrorCode::kWrongBaseline, "a block of a form that is not the advance's");
  }
  const Version version = is_relative ? head.to() : header.version;
  const bool follows = !is_relative || header.chain == (cell.history.publishes() & kChainMask);
  const bool is_whole = header.form == BlockForm::kRows;
  const bool fits = !is_whole && follows && version > cell.changed && version <= head.to();
  if (fits || accepts_anything()) return {};
  return fail(ErrorCode::kWrongBaseline,
              "table " + schema_.table(target.table).name + ", cell " + cell.key.to_string() +
                  ": a block to version " + std::to_string(version.value) +
                  " that follows publish " + std::to_string(header.chain) +
                  " (modulo 8) of the cell, on the state of version " +
                  std::to_string(cell.changed.value) + " after publish " +
                  std::to_string(cell.history.publishes()));
}

/// A cell's number of publishes never falls, so that no row's history is of a publish to come.
Status Replica::check_publishes(const BlockHeader& header, const Target& target) const {
  if (header.form == BlockForm::kRelative) return {};
  const uint32_t known = target.entered ? head_->enters[enter_of_[target.handle]].publishes
                                        : owner(target).cells_[target.handle].history.publishes();
  if (static_cast<int32_t>(header.publishes - known) >= 0) return {};
  return fail(ErrorCode::kWrongBaseline, "table " + schema_.table(target.table).name +
                                             ": a block of publish " +
                                             std::to_string(header.publishes) +
                                             " of a cell that had " + std::to_string(known));
}

/// All blocks of a cell in one advance are of one form and one publish, and rise: relative ones by
/// their ranges, others by their rows, see check_rising().
Status Replica::check_part(const BlockHeader& header, const Target& target) {
  if (part_ends_.size() <= target.handle) part_ends_.resize(target.handle + 1);
  PartEnd& last = part_ends_[target.handle];
  const bool is_relative = header.form == BlockForm::kRelative;
  const bool is_first = last.advance != advance_number_;
  const bool follows = header.form == last.form && header.version == last.version &&
                       header.publishes == last.publishes &&
                       (!is_relative || last.index <= header.range.begin);
  if (!is_first && !follows) return not_parts(target);
  last = {advance_number_, header.form, header.version, header.publishes,
          is_relative ? header.range.end : 0};
  return {};
}

Status Replica::check_rising(const DecodedBlock& block, const Target& target) {
  if (block.header.form == BlockForm::kRelative) return {};
  uint32_t& end = part_ends_[target.handle].index;
  uint32_t first = kEntityIndexMax;
  uint32_t last = 0;
  if (!block.gone.empty()) {
    first = block.gone.front().entity.index();
    last = block.gone.back().entity.index();
  }
  if (!block.whole.empty()) {
    first = std::min(first, block.whole.front().index());
    last = std::max(last, block.whole.back().index());
  }
  if (first < end) return not_parts(target);
  end = std::max(end, last + 1);
  return {};
}

Error Replica::not_parts(const Target& target) const {
  return fail(ErrorCode::kNotCanonical, "table " + schema_.table(target.table).name +
                                            ": several blocks of a cell that are no parts of one");
}

/// The version that a block is relative to.
Version Replica::base_of(const Target& target, BlockForm form) const {
  if (form == BlockForm::kRows) return Version{0};
  if (form == BlockForm::kRelative) return owner(target).cells_[target.handle].changed;
  return target.in_sync ? sync_->cut_ : head_->from;
}

/// Every frame's blocks are as they were sent, and meant for these cells in this state.
Status Replica::check_tails(const ReceivedAdvance& advance) const {
  if (accepts_anything()) return {};
  size_t at = 0;
  for (const ReceivedAdvance::FrameEnd& frame : advance.frames) {
    TailChecksum checksum;
    for (; at < frame.blocks; ++at) {
      const Target& target = targets_[at];
      checksum.add(target.handle, target.generation, base_of(target, blocks_[at].header.form),
                   crc32c(target.bytes));
    }
    if (checksum.value() == frame.tail_checksum || !kChecksumsCount) continue;
    return fail(ErrorCode::kChecksumMismatch, "blocks to version " +
                                                  std::to_string(advance.head.to().value) +
                                                  ": damaged, or not meant for the state held");
  }
  return {};
}

/// Whole rows are rows of the replica afterwards. More than it may have are not waited for: blocks
/// of few bytes can have very many of them, and all are held in memory until they are applied.
Status Replica::decode_blocks(const Advance& head) {
  const CellHistory none;
  uint64_t rows = 0;
  for (size_t i = 0; i < targets_.size(); ++i) {
    const Target& target = targets_[i];
    const Replica& holder = owner(target);
    const BlockTarget to{&schema_.table(target.table), &holder.tables_[target.table], target.handle,
                         target.entered ? &none : &holder.cells_[target.handle].history};
    ECSDB_TRY(decoder_.decode(target.bytes, to, head.to(), blocks_[i]));
    ECSDB_TRY(check_rising(blocks_[i], target));
    rows += blocks_[i].whole.size();
    if (rows > rows_max_) return too_many_rows(rows_max_);
  }
  return {};
}

/// Every whole row finds its entity's place free: held by nobody, by a row that goes in this
/// advance, or by the same row in the same cell. And there is room for all of them.
Status Replica::check_rows() {
  ECSDB_TRY(check_rows_of(*this, false));
  uint64_t joining_rows = 0;
  if (sync_ != nullptr) {
    if (head_->kind() == AdvanceKind::kSyncEnd) {
      sync_->leaving_ = leaving_;
      ECSDB_TRY(sync_->check_rows_of(*this, true));
      ECSDB_TRY(check_joining_rows());
    }
    joining_rows = sync_->row_count();
  }
  uint64_t going_rows = going_.size();
  for (const CellLeave& leave : head_->leaves) {
    if (holds(leave.handle)) going_rows += cells_[leave.handle].log.count();
  }
  const uint64_t rows = row_count() - going_rows + coming_.size() - in_place_rows_ + joining_rows;
  return rows <= rows_max_ ? Status() : too_many_rows(rows_max_);
}

bool Replica::goes(uint16_t table, EntityId entity) const {
  return std::binary_search(going_.begin(), going_.end(), RowName{table, entity});
}

/// The rows of this replica's cells, among the targets and blocks that `reader` has decoded.
Status Replica::check_rows_of(const Replica& reader, bool in_sync) {
  going_.clear();
  coming_.clear();
  in_place_rows_ = 0;
  for (size_t i = 0; i < reader.targets_.size(); ++i) {
    const Target& target = reader.targets_[i];
    if (target.in_sync != in_sync) continue;
    for (const DecodedBlock::Gone& gone : reader.blocks_[i].gone) {
      const RowIndex row = tables_[target.table].find(gone.entity);
      if (row == kNoRow || tables_[target.table].row(row).cell != target.handle) continue;
      going_.push_back({target.table, gone.entity});
    }
    for (const EntityId entity : reader.blocks_[i].whole) {
      coming_.push_back({target.table, entity});
    }
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
  for (size_t i = 0; i < reader.targets_.size(); ++i) {
    const Target& target = reader.targets_[i];
    if (target.in_sync != in_sync) continue;
    const Table& table = tables_[target.table];
    const DecodedBlock& block = reader.blocks_[i];
    for (const EntityId entity : block.whole) {
      const RowIndex row = table.find_index(entity.index());
      if (row == kNoRow) continue;
      const Row& held = table.row(row);
      const bool in_place = held.entity == entity && held.cell == target.handle &&
                            !target.entered && block.header.form != BlockForm::kRows;
      if (!in_place && !is_leaving(held.cell) && !goes(target.table, held.entity)) {
        return fail(ErrorCode::kDuplicateRow, row_text(schema_.table(target.table), entity));
      }
      in_place_rows_ += in_place ? 1 : 0;
    }
  }
  return {};
}

/// The rows that the sync will have at its end find their places free here.
Status Replica::check_joining_rows() {
  auto is_taken = [&](uint16_t table, EntityId entity) {
    const auto first = std::lower_bound(coming_.begin(), coming_.end(),
                                        RowName{table, EntityId::make(entity.index(), 0, 0)});
    if (first != coming_.end() && first->table == table &&
        first->entity.index() == entity.index()) {
      return true;
    }
    const RowIndex row = tables_[table].find_index(entity.index());
    if (row == kNoRow) return false;
    const Row& held = tables_[table].row(row);
    return !is_leaving(held.cell) && !goes(table, held.entity);
  };
  for (uint16_t t = 0; t < sync_->tables_.size(); ++t) {
    for (const Row& row : sync_->tables_[t].rows()) {
      if (is_leaving(row.cell) || sync_->goes(t, row.entity)) continue;
      if (is_taken(t, row.entity)) {
        return fail(ErrorCode::kDuplicateRow, row_text(schema_.table(t), row.entity));
      }
    }
  }
  for (const RowName& row : sync_->coming_) {
    if (is_taken(row.table, row.entity)) {
      return fail(ErrorCode::kDuplicateRow, row_text(schema_.table(row.table), row.entity));
    }
  }
  return {};
}

}  // namespace ecsdb
