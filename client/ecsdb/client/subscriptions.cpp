#include "ecsdb/client/subscriptions.h"

#include <algorithm>
#include <utility>

namespace ecsdb {

SubscriptionId Subscriptions::add(std::string table, SelectorKind kind, std::vector<CellKey> keys) {
  entries_.push_back({SubscriptionId{++last_id_}, std::move(table), kind, std::move(keys)});
  changed_ = true;
  return entries_.back().id;
}

void Subscriptions::remove(SubscriptionId id) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.id == id; });
  if (found == entries_.end()) return;
  if (found->state == State::kSent || found->state == State::kAccepted) {
    removed_.push_back(id);
    changed_ = true;
  }
  entries_.erase(found);
}

void Subscriptions::on_disconnected() {
  removed_.clear();
  for (Entry& entry : entries_) entry.state = State::kNew;
  changed_ = !entries_.empty();
}

Subscribe Subscriptions::take_request(const Schema& schema, std::vector<SubscriptionId>& unknown) {
  Subscribe request;
  request.remove = std::exchange(removed_, {});
  changed_ = false;
  size_t keys = 0;
  for (Entry& entry : entries_) {
    if (entry.state != State::kNew) continue;
    const auto table = schema.table_index(std::string_view(entry.table));
    if (!table) {
      entry.state = State::kRefused;
      unknown.push_back(entry.id);
      continue;
    }
    keys += entry.keys.size();
    if (request.add.size() == kSubscriptionsMax || keys > kSubscriptionKeysMax) {
      changed_ = true;  // the rest goes in a request of its own
      break;
    }
    entry.state = State::kSent;
    Subscription& wanted = request.add.emplace_back();
    wanted.id = entry.id;
    wanted.table = schema.table(*table).id;
    wanted.kind = entry.kind;
    wanted.keys = entry.keys;
  }
  if (!request.add.empty() || !request.remove.empty()) request.request = ++last_request_;
  return request;
}

bool Subscriptions::on_reply(SubscriptionId id, bool accepted) {
  for (Entry& entry : entries_) {
    if (entry.id != id || entry.state != State::kSent) continue;
    entry.state = accepted ? State::kAccepted : State::kRefused;
    return true;
  }
  return false;
}

bool Subscriptions::none_active() const {
  return std::all_of(entries_.begin(), entries_.end(),
                     [](const Entry& entry) { return entry.state == State::kRefused; });
}

std::string Subscriptions::why_none() const {
  if (entries_.empty()) return "nothing is subscribed";
  return "every subscription was refused: see kSubscribed events";
}

std::vector<bool> Subscriptions::whole_tables(const Schema& schema) const {
  std::vector<bool> whole(schema.table_count(), false);
  for (const Entry& entry : entries_) {
    const auto table = schema.table_index(std::string_view(entry.table));
    if (!table || entry.kind != SelectorKind::kAll || entry.state != State::kAccepted) continue;
    // Where rights depend on the cell, a row may also have moved to where it cannot be seen.
    const std::vector<AccessRule>& rules = schema.table(*table).read;
    whole[*table] = std::all_of(rules.begin(), rules.end(), [](const AccessRule& rule) {
      return rule.where == AccessRule::Where::kAny;
    });
  }
  return whole;
}

}  // namespace ecsdb
