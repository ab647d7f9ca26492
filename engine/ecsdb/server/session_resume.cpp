// Going on from what a client holds from an earlier connection.
#include <algorithm>

#include "ecsdb/base/mutant.h"
#include "ecsdb/server/session.h"

namespace ecsdb {

Status Session::on_resume(SessionContext& context, ByteSpan head, const Now&) {
  if (!resuming_) return fail(ErrorCode::kUnexpectedMessage, "resume");
  Resume part;
  ECSDB_TRY(decode_message(head, part));
  if (resume_.cells.size() + part.cells.size() > context.options.cells_per_connection_max) {
    return fail(ErrorCode::kLimitExceeded,
                "more than " + std::to_string(context.options.cells_per_connection_max) +
                    " cells; begin without a resume");
  }
  if (resume_.cells.empty()) {
    resume_ = std::move(part);
  } else {
    if (part.database_id != resume_.database_id || part.epoch != resume_.epoch ||
        part.cut != resume_.cut || part.sync_version != resume_.sync_version ||
        part.next_index != resume_.next_index || part.generation != resume_.generation) {
      return fail(ErrorCode::kFrameMalformed, "frames of one resume disagree");
    }
    resume_.is_last = part.is_last;
    resume_.cells.insert(resume_.cells.end(), part.cells.begin(), part.cells.end());
  }
  if (!resume_.is_last) {
    if (!resume_.cells.empty()) return {};
    return fail(ErrorCode::kFrameMalformed, "a part of a resume without cells");
  }
  resuming_ = false;
  const bool with_sync = keeps_sync(context);
  ResetReason reason = judge_position(context);
  const bool is_empty = resume_.cut == Version{} && !with_sync;
  if (reason == ResetReason::kNone && is_empty) reason = ResetReason::kCellsUnknown;
  if (reason == ResetReason::kNone && !import_cells(context, with_sync)) {
    reason = ResetReason::kCellsUnknown;
  }
  if (reason == ResetReason::kNone) {
    go_on(context, with_sync);
  } else {
    reset(context, reason);
  }
  resume_ = Resume{};
  return {};
}

/// Whether versions mean the same to both, and enough of what is held can be gone on from.
ResetReason Session::judge_position(const SessionContext& context) const {
  const Database& db = context.db;
  if (schema_is_other_) return ResetReason::kSchemaBreak;
  if (resume_.database_id != db.options().id) return ResetReason::kOtherDatabase;
  if (rights_changed_) return ResetReason::kRightsChanged;
  if (resume_.epoch != db.options().epoch || resume_.cut > db.published() ||
      resume_.sync_version > db.published()) {
    return ResetReason::kPastFork;
  }
  // Where most rows would have to be sent anew, a sync does it better than one advance.
  uint64_t rows = 0;
  uint64_t lost_rows = 0;
  for (const ResumeCell& held : resume_.cells) {
    const auto table = db.schema().table_index(held.table);
    if (!table) return ResetReason::kCellsUnknown;
    if (held.state != HeldState::kHeld) continue;
    // The reason must not tell how many rows there are that may not be read.
    if (!may_read(db.schema().table(*table), identity_, held.key)) continue;
    const CellIndex index = db.cells(*table).find(held.key);
    if (index == kNoCell) continue;
    const Cell& cell = db.cell({*table, index});
    rows += cell.log.count();
    const bool is_lost =
        cell.published > resume_.cut && cell.horizon > resume_.cut && !ECSDB_MUTANT(stale_resume);
    if (is_lost) lost_rows += cell.log.count();
  }
  return lost_rows * 2 > rows ? ResetReason::kCellsUnknown : ResetReason::kNone;
}

bool Session::is_good_for_sync(const SessionContext& context, const ResumeCell& held) const {
  const Database& db = context.db;
  const auto table = db.schema().table_index(held.table);
  if (held.state == HeldState::kHeld || !table) return false;
  const CellIndex index = db.cells(*table).find(held.key);
  return index != kNoCell && db.cell({*table, index}).horizon <= resume_.sync_version;
}

/// Something of the unfinished sync is of use, and nothing of it is hidden from who is there now: a
/// sync completes what it has named.
bool Session::keeps_sync(const SessionContext& context) const {
  if (resume_.sync_version == Version{} || schema_is_other_) return false;
  const Database& db = context.db;
  bool is_of_use = false;
  for (const ResumeCell& held : resume_.cells) {
    const auto table = db.schema().table_index(held.table);
    if (held.state == HeldState::kHeld || !table) continue;
    // Asked first: that there is such a cell is nothing to be told either.
    if (!may_read(db.schema().table(*table), identity_, held.key)) return false;
    is_of_use |=
        is_good_for_sync(context, held) && interest_.keeps(db, identity_, *table, held.key);
  }
  return is_of_use;
}

/// False if the list of cells is impossible.
bool Session::import_cells(SessionContext& context, bool with_sync) {
  const Database& db = context.db;
  interest_.start_import(resume_.generation);
  std::vector<ResumeCell> staged;
  for (const ResumeCell& held : resume_.cells) {
    const bool is_held = held.state == HeldState::kHeld;
    if (!is_held && !with_sync) continue;
    const bool is_good = is_held || is_good_for_sync(context, held);
    if (!interest_.import_cell(db, identity_, held, is_good)) return false;
    if (!is_held) staged.push_back(held);
  }
  interest_.finish_import(db, identity_);
  if (with_sync) sync_.go_on(db, resume_.sync_version, staged, resume_.next_index);
  return true;
}

void Session::reset(SessionContext& context, ResetReason reason) {
  ++context.stats.resets[static_cast<size_t>(reason)];
  send(MessageType::kResumeReply, ResumeReply{reason, {}, {}, false});
  tell(context, ServerEvent::Kind::kReset, {}, reason);
  interest_.forget_cells();
  interest_.finish_import(context.db, identity_);
  if (interest_.has_subscriptions()) start_sync(context);
}

void Session::go_on(SessionContext& context, bool with_sync) {
  send(MessageType::kResumeReply, ResumeReply{ResetReason::kNone, {}, {}, with_sync});
  if (with_sync) ++context.stats.syncs_resumed;
  if (resume_.cut == Version{}) {
    phase_ = Phase::kSyncing;
    return;
  }
  phase_ = Phase::kLive;
  client_ready_ = true;
  digests_due_ = true;
  sent_cut_ = effective_cut_ = resume_.cut;
  find_events(context);
  ++context.stats.resumes;
  tell(context, ServerEvent::Kind::kResumed);
}

}  // namespace ecsdb
