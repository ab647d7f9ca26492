// Going on from what a client holds. Part of messages.h.
#pragma once

#include <tuple>
#include <vector>

#include "ecsdb/wire/describe.h"
#include "ecsdb/wire/limits.h"
#include "ecsdb/wire/reset_reason.h"

namespace ecsdb {

struct SyncMark {
  uint32_t done = 0;
  uint32_t begun = 0;
  uint32_t next_index = 0;
};
template <>
struct Describe<SyncMark> {
  static constexpr const char* name = "sync_mark";
  static constexpr auto fields = std::make_tuple(
      field("done", &SyncMark::done, kCellsPerConnectionMax,
            "so many cells of the sync, in the order of their enters, are complete"),
      field("begun", &SyncMark::begun, kCellsPerConnectionMax,
            "of those behind them, up to this number of cells, some rows have been sent:"),
      field("next_index", &SyncMark::next_index, 0, "those of lower entity indices"));
};

/// What a client holds of a cell.
enum class HeldState : uint8_t { kHeld = 0, kSyncDone = 1, kSyncBegun = 2, kSyncWaits = 3 };

struct ResumeCell {
  uint32_t handle = 0;
  uint32_t generation = 0;
  TableId table;
  CellKey key;
  HeldState state = HeldState::kHeld;
};
template <>
struct Describe<ResumeCell> {
  static constexpr const char* name = "resume_cell";
  static constexpr auto fields = std::make_tuple(
      field("handle", &ResumeCell::handle, kCellsPerConnectionMax, "as the client knows it"),
      field("generation", &ResumeCell::generation, 0, "of its last enter"),
      field("table", &ResumeCell::table, 0, "table id"),
      field("key", &ResumeCell::key, 0, "which cell of the table"),
      field("state", &ResumeCell::state, 3,
            "0 held at the cut; of the unfinished sync: 1 complete, 2 in part, 3 not begun"));
};

struct Resume {
  bool is_last = true;
  DatabaseId database_id;
  Epoch epoch;
  Version cut;
  Version sync_version;
  uint32_t next_index = 0;
  uint32_t generation = 0;
  std::vector<ResumeCell> cells;
};
template <>
struct Describe<Resume> {
  static constexpr const char* name = "resume";
  static constexpr auto fields = std::make_tuple(
      field("is_last", &Resume::is_last, 0, "the cells are complete; else another one follows"),
      field("database_id", &Resume::database_id, 0, "of the position"),
      field("epoch", &Resume::epoch, 0, "of the position"),
      field("cut", &Resume::cut, 0, "of the position; 0: nothing is held"),
      field("sync_version", &Resume::sync_version, 0, "of the unfinished sync; 0: there is none"),
      field("next_index", &Resume::next_index, 0, "of the last sync_mark; for cells held in part"),
      field("generation", &Resume::generation, 0, "the highest that any handle has had"),
      field("cells", &Resume::cells, kCellsPerFrameMax,
            "what is held, then the cells of the unfinished sync in the order of their enters"));
};

struct ResumeReply {
  ResetReason reason = ResetReason::kNone;
  Epoch fork_epoch;
  Version fork_version;
  bool keeps_sync = false;
};
template <>
struct Describe<ResumeReply> {
  static constexpr const char* name = "resume_reply";
  static constexpr auto fields = std::make_tuple(
      field("reason", &ResumeReply::reason, 5,
            "0 go on from the cut; else what is held is void: 1 other database, 2 past the fork, "
            "3 schema break, 4 rights changed, 5 cells unknown"),
      field("fork_epoch", &ResumeReply::fork_epoch, 0,
            "the last position that both histories have"),
      field("fork_version", &ResumeReply::fork_version, 0, "likewise; 0: none"),
      field("keeps_sync", &ResumeReply::keeps_sync, 0, "the unfinished sync goes on, too"));
};

}  // namespace ecsdb
