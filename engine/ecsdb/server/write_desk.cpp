#include "ecsdb/server/write_desk.h"

#include <algorithm>
#include <utility>

namespace ecsdb {

ClientWrites& WriteDesk::attach(ClientId client, const Identity& identity,
                                const ServerOptions& options) {
  Entry& entry = entries_[client.value];
  if (entry.writes == nullptr) {
    entry.writes = std::make_unique<ClientWrites>(client, identity, options);
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
  found->second.has_ended = true;
  forget_ended();
}

void WriteDesk::forget_ended() {
  std::erase_if(entries_, [](const auto& item) {
    const Entry& entry = item.second;
    return entry.has_ended && entry.attached == 0 && entry.writes->undecided() == 0;
  });
}

bool WriteDesk::has_undecided() const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [](const auto& item) { return item.second.writes->undecided() > 0; });
}

void WriteDesk::decide(Transaction& transaction, const WriteTerms& terms, Instant now,
                       size_t writes_max) {
  ECSDB_CHECK(!is_deciding());
  decisions_.clear();
  conflicts_.clear();
  round_.clear();
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
  while (!round_.empty() && decisions_.size() < writes_max) {
    const size_t room = writes_max - decisions_.size();
    const size_t turns = std::min(room, round_.size());
    for (size_t i = 0; i < turns; ++i) decide_one(*round_[i], transaction, terms, now);
    std::erase_if(round_, [](const ClientWrites* writes) { return writes->undecided() == 0; });
  }
}

void WriteDesk::decide_one(ClientWrites& writes, Transaction& transaction, const WriteTerms& terms,
                           Instant now) {
  ClientWrites::Next next{write_};
  const uint64_t sequence = writes.next_sequence();
  writes.peek(now, next);
  Outcome outcome;
  static const std::vector<MadeEntity> kNone;
  const std::vector<MadeEntity>* made = &kNone;
  if (!next.is_whole || next.is_expired) {
    outcome.sequence = sequence;
    outcome.version = transaction.database().head().next();
    outcome.kind = next.is_whole ? OutcomeKind::kExpired : OutcomeKind::kRejected;
    outcome.code = static_cast<uint16_t>(next.is_whole ? ErrorCode::kWriteExpired
                                                       : ErrorCode::kFrameMalformed);
    outcome.reason = next.is_whole ? "it came after its deadline" : "the write does not decode";
  } else {
    const std::function<EntityId(uint64_t, uint64_t)> made_by = [&](uint64_t earlier, uint64_t op) {
      return writes.made_by(earlier, op);
    };
    outcome = decider_.decide(transaction, write_, {writes.client(), writes.identity(), made_by},
                              terms, conflicts_);
    made = &decider_.made();
  }
  decisions_.push_back({writes.client(), writes.identity().principal, writes.settled_below(),
                        outcome, writes.next_expires_ns(), writes.next_bytes()});
  writes.decide(std::move(outcome), *made);
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
}

}  // namespace ecsdb
