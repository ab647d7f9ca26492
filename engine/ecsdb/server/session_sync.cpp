// A session's cells that enter in chunks: the first full sync, and large cells later on.
#include "ecsdb/base/mutant.h"
#include "ecsdb/server/session.h"

namespace ecsdb {

/// Pending cells are more than one advance should carry at once. Those that the client is to leave
/// and enter in the same advance are small, or there is no other way.
bool Session::pending_is_large(const SessionContext& context) const {
  size_t bytes = 0;
  for (const uint32_t handle : interest_.pending()) {
    if (interest_.at(handle).is_again) continue;
    bytes += estimate_cell_bytes(context.db, interest_.at(handle).ref);
    if (bytes > context.options.stage_bytes_min) return true;
  }
  return false;
}

/// There are leaves, or enters that need no sync.
bool Session::has_news(const SessionContext& context) const {
  return interest_.has_leaves() || (!interest_.pending().empty() && !pending_is_large(context));
}

/// A large cell whose history since the cut is forgotten.
bool Session::is_trimmed(const SessionContext& context, uint32_t handle) const {
  const Interest::Held& held = interest_.at(handle);
  if (held.state != Interest::State::kTold || ECSDB_MUTANT(stale_resume)) return false;
  const Cell& cell = context.db.cell(held.ref);
  return cell.published > sent_cut_ && cell.horizon > sent_cut_ &&
         estimate_cell_bytes(context.db, held.ref) > context.options.stage_bytes_min;
}

/// Something is to enter a live connection in chunks.
bool Session::needs_sync(const SessionContext& context) const {
  if (sync_.active()) return false;
  if (interest_.has_doubted() || pending_is_large(context)) return true;
  if (effective_cut_ >= context.db.published()) return false;
  for (uint32_t handle = 0; handle < interest_.handle_end(); ++handle) {
    if (is_trimmed(context, handle)) return true;
  }
  return false;
}

/// They enter by a sync, under another handle, while the client keeps what it has, as do those that
/// it doubts; small ones are replaced by net_plan().
void Session::replace_trimmed(SessionContext& context) {
  const uint32_t end = interest_.handle_end();
  for (uint32_t handle = 0; handle < end; ++handle) {
    const bool trimmed = is_trimmed(context, handle);
    if (trimmed) ++context.stats.cells_trimmed;
    if (trimmed || interest_.at(handle).is_doubted) interest_.replace_by_sync(handle);
  }
}

void Session::start_sync(SessionContext& context) {
  if (phase_ == Phase::kReady) phase_ = Phase::kSyncing;
  AdvancePlan plan;
  plan.from = plan.to = context.db.published();
  plan.enters = sync_.start(context.db, interest_, plan.from);
  ++context.stats.syncs_begun;
  send(MessageType::kSyncBegin, SyncBegin{plan.from, sync_.rows(), sync_.bytes()});
  context.writer.write(plan, MessageType::kSyncChunk, out_);
}

void Session::pump_sync(SessionContext& context, const Now& now) {
  const size_t chunk_bytes = link_rate_.chunk_bytes(context.options);
  while (!sync_.scan_done() && has_window(context) && out_.bytes() < chunk_bytes &&
         throttle_.admit(context.budget, now.steady)) {
    const AdvancePlan plan =
        sync_.next_chunk(context.db, interest_, context.blocks, features_, chunk_bytes);
    if (!plan.blocks.empty()) context.writer.write(plan, MessageType::kSyncChunk, out_);
    send(MessageType::kSyncMark, sync_.mark());
    count_written(context, now);
  }
}

/// The scan is complete: one advance brings the cells of the sync from its version, and the others
/// from the client's cut, to the published version.
void Session::finish_sync(SessionContext& context, const Now& now) {
  const Database& db = context.db;
  const bool is_first = phase_ == Phase::kSyncing;
  const Version base = sync_.version();
  std::vector<AdvancePlan::PlannedBlock> mended;
  for (uint32_t handle = 0; handle < interest_.handle_end(); ++handle) {
    const Interest::Held& held = interest_.at(handle);
    if (held.state != Interest::State::kStaged) continue;
    const Cell& cell = db.cell(held.ref);
    if (cell.published <= base || ECSDB_MUTANT(sync_without_end)) continue;
    if (cell.horizon > base) {
      ++context.stats.cells_trimmed;
      interest_.enter_again(handle);
      continue;
    }
    for (const BlockPart& part : context.blocks.net(db, held.ref, base)) {
      mended.push_back({handle, held.generation, part.pick(features_)});
    }
  }
  AdvancePlan plan = net_plan(context, AdvanceKind::kSyncEnd, is_first ? base : sent_cut_);
  plan.blocks.insert(plan.blocks.end(), mended.begin(), mended.end());
  interest_.finish_sync(plan.leaves);
  sync_.stop();
  send_advance(context, plan, now);
  phase_ = Phase::kLive;
  if (!is_first) return;
  ++context.stats.full_syncs;
  tell(context, ServerEvent::Kind::kSynced);
}

}  // namespace ecsdb
