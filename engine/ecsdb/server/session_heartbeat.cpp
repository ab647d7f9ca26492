// A session's clock, heartbeats, and the digests that they carry.
#include <algorithm>

#include "ecsdb/server/session.h"

namespace ecsdb {
namespace {

// A heartbeat samples few cells, so that no tick waits for the digests of many rows.
constexpr size_t kSampleCellsMax = 16;
constexpr uint64_t kSampleRowsMax = 16'384;

}  // namespace

Status Session::on_client_heartbeat(ByteSpan head, const Now& now) {
  ClientHeartbeat heartbeat;
  ECSDB_TRY(decode_message(head, heartbeat));
  heartbeat_.on_heartbeat(heartbeat, now.steady);
  return {};
}

/// A cell whose digest differs at the client is entered anew: at once if it is small and not too
/// many are asked for.
Status Session::on_refetch(SessionContext& context, ByteSpan head, const Now& now) {
  Refetch refetch;
  ECSDB_TRY(decode_message(head, refetch));
  if (phase_ != Phase::kLive) return fail(ErrorCode::kUnexpectedMessage, "refetch before a sync");
  for (const CellName& name : refetch.cells) {
    if (name.handle >= interest_.handle_end()) continue;
    const Interest::Held& held = interest_.at(name.handle);
    const bool is_known = held.state == Interest::State::kTold &&
                          held.generation == name.generation && !held.is_doubted;
    if (!is_known) continue;  // it has left meanwhile, or is asked for already
    ++context.stats.refetches;
    tell(context, ServerEvent::Kind::kDiverged,
         "table " + context.db.schema().table(held.ref.table).name + ", cell " +
             context.db.cell(held.ref).key.to_string());
    if (estimate_cell_bytes(context.db, held.ref) <= context.options.stage_bytes_min &&
        intake_.admit_refetch(now.steady)) {
      interest_.enter_again(name.handle);
    } else {
      interest_.doubt(name.handle);
    }
  }
  return {};
}

void Session::on_live_timer(SessionContext& context, const Now& now) {
  const bool is_silent = heartbeat_.is_due(context.options, now.steady);
  const bool samples = heartbeat_.is_digest_due(context.options, now.steady);
  if (!is_silent && !samples) return;
  if (samples) heartbeat_.on_digest(now.steady);
  if (phase_ == Phase::kLive && is_held_back(now) &&
      !heartbeat_.is_overdue(context.options, now.steady)) {
    return heartbeat_.on_left_out(now.steady);
  }
  heartbeat_.on_sent(now.steady);
  if (is_silent && phase_ == Phase::kLive && client_ready_ && sent_cut_ < effective_cut_ &&
      out_.empty() && effective_cut_ == context.db.published() && has_window(context)) {
    AdvancePlan nothing;  // the cut moves on although nothing changed
    nothing.from = sent_cut_;
    return send_advance(context, nothing, now);
  }
  // A heartbeat behind bytes that wait anyway says nothing.
  if (out_.empty()) send_heartbeat(context, now);
}

void Session::send_heartbeat(SessionContext& context, const Now& now) {
  ServerHeartbeat heartbeat;
  heartbeat.head = context.db.published();
  heartbeat_.fill(heartbeat, now.steady);
  if (may_sample(context)) add_digests(context, heartbeat.digests);
  send(MessageType::kServerHeartbeat, heartbeat);
}

/// What a resume brought up to date is compared at once, as far as that is cheap.
void Session::send_digests(SessionContext& context, const Now& now) {
  digests_due_ = false;
  send_heartbeat(context, now);
}

/// A digest is of the database's head: the client must stand there once it has applied all.
bool Session::may_sample(const SessionContext& context) const {
  return phase_ == Phase::kLive && client_ready_ && !interest_.has_replaced() &&
         context.db.head() == context.db.published() && effective_cut_ == context.db.published();
}

void Session::add_digests(SessionContext& context, std::vector<DigestSample>& samples) {
  uint64_t rows = 0;
  for (uint32_t looked = 0; looked < interest_.handle_end(); ++looked) {
    if (samples.size() == kSampleCellsMax) return;
    if (digest_next_ >= interest_.handle_end()) digest_next_ = 0;
    const uint32_t handle = digest_next_;
    const Interest::Held& held = interest_.at(handle);
    if (held.state == Interest::State::kTold) {
      rows += context.db.cell(held.ref).log.count();
      if (rows > kSampleRowsMax && !samples.empty()) return;
      samples.push_back({handle, held.generation, context.db.digest(held.ref)});
    }
    ++digest_next_;
  }
}

}  // namespace ecsdb
