#include "ecsdb/sim/checkers/no_useless_work.h"

#include <algorithm>

namespace ecsdb::sim {

void NoUselessWork::report(Instant at, std::string where, std::string expected, std::string got) {
  violations_.add(
      {"no_useless_work", at, client_, std::move(where), std::move(expected), std::move(got)});
}

void NoUselessWork::on_launch(const ClientOptions& options) {
  options_ = options;
  may_sync_ = true;
  failures_ = 0;
  late_ = false;
  closed_at_.reset();
}

void NoUselessWork::on_closed(ErrorCode code, Instant at) {
  closed_at_ = at;
  late_ = false;
  if (code == ErrorCode::kClientLeft) return closed_at_.reset();
  if (code == ErrorCode::kShutdown || code == ErrorCode::kKicked) {
    delay_least_ = Duration{};
    delay_most_ = options_.retry_delay_clean;
    return;
  }
  // Doubled with each failure, up to a bound; half of it is jitter.
  int64_t delay = options_.retry_delay_min.ns;
  for (int i = 0; i < failures_ && delay < options_.retry_delay_max.ns; ++i) delay *= 2;
  delay_most_ = Duration{std::min(delay, options_.retry_delay_max.ns)};
  delay_least_ = Duration{delay_most_.ns / 2};
  ++failures_;
}

void NoUselessWork::on_dial(Instant at) {
  if (!closed_at_) return;
  const Duration waited = at - *closed_at_;
  closed_at_.reset();
  if (waited >= delay_least_ && (late_ || waited <= delay_most_)) return;
  report(at, "dial " + std::to_string(failures_) + " since it was live",
         std::to_string(delay_least_.to_ms()) + " to " + std::to_string(delay_most_.to_ms()) +
             " ms after the link was lost",
         std::to_string(waited.to_ms()) + " ms");
}

void NoUselessWork::on_event(const ClientEvent& event, Instant at) {
  switch (event.kind) {
    case ClientEvent::Kind::kSyncing:
      if (!may_sync_ && options_.resume) {
        report(at, "full sync", "to go on from what it holds", "a full sync without a reset");
      }
      return;
    case ClientEvent::Kind::kSynced:
    case ClientEvent::Kind::kLive:
      may_sync_ = false;
      failures_ = 0;
      return;
    case ClientEvent::Kind::kReset:
    case ClientEvent::Kind::kFault:
      may_sync_ = true;
      return;
    case ClientEvent::Kind::kClosed:
      return on_closed(event.code, at);
    case ClientEvent::Kind::kConnecting:
    case ClientEvent::Kind::kConnected:
    case ClientEvent::Kind::kSubscribed:
    case ClientEvent::Kind::kStale:
    case ClientEvent::Kind::kDiverged:
      return;
  }
}

void NoUselessWork::on_reset(ResetReason reason, const Position& position, Instant at) {
  if (may_sync_) return;  // it was void already
  bool is_true = true;
  if (reason == ResetReason::kOtherDatabase) is_true = !position.same_database;
  if (reason == ResetReason::kSchemaBreak) is_true = !position.same_schema;
  if (reason == ResetReason::kCellsUnknown) is_true = !position.within_horizon;
  if (reason == ResetReason::kPastFork) is_true = false;  // no history ever forks here
  if (is_true) return;
  report(at, "reset", "a reset only where what is held is of no use",
         "reason " + std::string(reset_reason_name(reason)));
}

}  // namespace ecsdb::sim
