// A realm's commits, and what they decide of clients' writes.
#include <algorithm>

#include "ecsdb/server/realm.h"

namespace ecsdb {

Transaction Realm::begin(const ConflictLog& conflicts, const Now& now) {
  if (desk_.is_deciding()) desk_.drop();  // the transaction that they were decided in was dropped
  events_.on_begin();
  Transaction transaction = db_.begin();
  const ServerOptions& options = server_.options;
  const uint64_t wall_ms = static_cast<uint64_t>(std::max<int64_t>(now.wall_ms, 0));
  const uint64_t skew_ms = static_cast<uint64_t>(options.stamp_skew.to_ms());
  const WriteTerms terms{db_.published(),
                         wall_ms,
                         (wall_ms + skew_ms) << kStampCounterBits | kStampCounterMax,
                         options.merges,
                         options.write_rule,
                         conflicts,
                         options.admin_role};
  desk_.decide(transaction, terms, now.steady, options.writes_per_commit_max);
  transaction.start_step(wall_ms << kStampCounterBits);
  return transaction;
}

Version Realm::commit(Transaction&& transaction, const Now& now) {
  ECSDB_CHECK(&transaction.database() == &db_);
  commit_time_ns_ = static_cast<uint64_t>(now.steady.ns);
  const Version version = std::move(transaction).commit();
  events_.on_commit(version);
  if (!desk_.is_deciding()) return version;
  desk_.commit();
  for (const WriteDecision& decision : desk_.decisions()) count(decision);
  stats_.conflicts += desk_.conflicts().size();
  return version;
}

void Realm::count(const WriteDecision& decision) {
  constexpr size_t kToldMax = 256;  // events that wait; these are for logs
  switch (decision.outcome.kind) {
    case OutcomeKind::kApplied:
      ++stats_.writes_applied;
      return;
    case OutcomeKind::kMerged:
      ++stats_.writes_merged;
      return;
    case OutcomeKind::kExpired:
      ++stats_.writes_expired;
      return;
    case OutcomeKind::kRejected:
      break;
  }
  ++stats_.writes_rejected;
  if (server_.events.size() >= kToldMax) return;
  ServerEvent event;
  event.kind = ServerEvent::Kind::kWriteRejected;
  event.client = decision.client;
  event.principal = decision.principal;
  event.code = static_cast<ErrorCode>(decision.outcome.code);
  event.reason = decision.outcome.reason;
  server_.events.push_back(std::move(event));
}

}  // namespace ecsdb
