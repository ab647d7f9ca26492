#include "ecsdb/server/write_desk.h"

#include <algorithm>
#include <utility>

namespace ecsdb {

ClientWrites& WriteDesk::attach(ClientId client, const Identity& identity,
                                const ServerOptions& options) {
  Entry& entry = entries_[client.value];
  if (entry.writes == nullptr) {
    entry.writes = std::make_unique<ClientWrites>(client, identity, options, queued_);
  } else {
    entry.writes->set_identity(identity);
  }
  ++entry.attached;
  return *entry.writes;
}

ClientWrites* WriteDesk::find(ClientId client) {
  const auto found = entries_.find(client.value);
  return found == entries_.end() ? nullptr : found->second.writes.get();
}

void WriteDesk::detach(ClientId client) {
  const auto found = entries_.find(client.value);
  if (found == entries_.end()) return;
  --found->second.attached;
  forget_ended();
}

void WriteDesk::end(ClientId client) {
  const auto found = entries_.find(client.value);
  if (found == entries_.end()) return;
  if (!std::exchange(found->second.has_ended, true)) ++ended_;
  forget_ended();
}

void WriteDesk::forget_ended() {
  if (ended_ == 0) return;
  ended_ -= std::erase_if(entries_, [](const auto& item) {
    const Entry& entry = item.second;
    return entry.has_ended && entry.attached == 0 && !entry.writes->has_queued();
  });
}

bool WriteDesk::has_undecided() const { return queued_ > (is_deciding() ? decisions_.size() : 0); }

void WriteDesk::decide(Transaction& transaction, const WriteTerms& terms, Instant now,
                       size_t writes_max) {
  ECSDB_CHECK(!is_deciding());
  decisions_.clear();
  conflicts_.clear();
  if (conflicts_.capacity() > kConflictsKept) conflicts_ = {};
  conflict_bytes_ = work_ = 0;
  resolutions_.clear();
  round_.clear();
  if (queued_ == 0) return;
  for (auto& [client, entry] : entries_) {
    if (entry.writes->undecided() > 0) round_.push_back(entry.writes.get());
  }
  if (round_.empty()) return;
  const auto begin = std::find_if(round_.begin(), round_.end(), [&](const ClientWrites* writes) {
    return writes->client().value > first_;
  });
  std::rotate(round_.begin(), begin, round_.end());
  first_ = round_.front()->client().value;
  involved_ = round_;
  const auto is_full = [&] {
    return work_ >= writes_max || conflict_bytes_ >= kCommitConflictBytesMax;
  };
  while (!round_.empty() && !is_full()) {
    for (size_t i = 0; i < round_.size() && !is_full(); ++i) {
      decide_one(*round_[i], transaction, terms, now);
      if (is_full()) first_ = round_[i]->client().value;  // the next commit goes on behind it
    }
    std::erase_if(round_, [](const ClientWrites* writes) { return writes->undecided() == 0; });
  }
}

Status WriteDesk::check_resolution(const ClientWrites& writes, const WriteTerms& terms) const {
  const uint64_t number = write_.resolves;
  if (number == 0) return {};
  if (!has_role(writes.identity(), terms.admin_role) || terms.admin_role.empty()) {
    return fail(ErrorCode::kNotPermitted, "conflicts are settled by those with the role " +
                                              (terms.admin_role.empty() ? "of an admin, which "
                                                                          "nobody has"
                                                                        : terms.admin_role));
  }
  const Conflict* conflict = terms.conflicts.find(number);
  const bool is_settled_here =
      std::any_of(resolutions_.begin(), resolutions_.end(),
                  [number](const Resolution& resolution) { return resolution.number == number; });
  if (conflict != nullptr && conflict->resolved_by == 0 && !is_settled_here) return {};
  return fail(ErrorCode::kUnknownConflict, "number " + std::to_string(number));
}

void WriteDesk::decide_one(ClientWrites& writes, Transaction& transaction, const WriteTerms& terms,
                           Instant now) {
  ClientWrites::Next next{write_};
  writes.peek(now, next);
  Outcome outcome;
  outcome.sequence = writes.next_sequence();
  outcome.version = transaction.database().head().next();
  outcome.kind = OutcomeKind::kRejected;
  made_ = nullptr;
  auto reject = [&](ErrorCode code, std::string reason) {
    outcome.code = static_cast<uint16_t>(code);
    outcome.reason = std::move(reason);
  };
  const Status resolution = next.is_whole ? check_resolution(writes, terms) : Status();
  if (!next.is_whole) {
    reject(ErrorCode::kFrameMalformed, "the write does not decode");
  } else if (next.is_expired) {
    reject(ErrorCode::kWriteExpired, "it came after its deadline");
    outcome.kind = OutcomeKind::kExpired;
  } else if (!resolution.ok()) {
    reject(resolution.code(), resolution.error().context);
  } else {
    const std::function<EntityId(uint64_t, uint64_t)> made_by = [&](uint64_t earlier, uint64_t op) {
      return writes.made_by(earlier, op);
    };
    outcome = decider_.decide(transaction, write_, {writes.client(), writes.identity(), made_by},
                              terms, conflicts_);
    made_ = &decider_.made();
    conflict_bytes_ += decider_.conflict_bytes();
    const bool is_done = outcome.kind != OutcomeKind::kRejected;
    if (is_done && write_.resolves != 0) resolutions_.push_back({write_.resolves, writes.client()});
  }
  decisions_.push_back({writes.client(), writes.identity().principal, writes.settled_below(),
                        outcome, writes.next_expires_ns(), writes.next_bytes()});
  work_ += std::max<size_t>(1, (write_.ops.size() + write_.fields.size()) / 2);
  writes.decide(std::move(outcome), made_ == nullptr ? std::vector<MadeEntity>() : *made_);
}

void WriteDesk::commit() {
  for (ClientWrites* writes : involved_) writes->commit();
  involved_.clear();
  forget_ended();
}

void WriteDesk::drop() {
  for (ClientWrites* writes : involved_) writes->drop();
  involved_.clear();
  decisions_.clear();
  conflicts_.clear();
  resolutions_.clear();
}

}  // namespace ecsdb
