#include "ecsdb/sim/client_interest.h"

#include <algorithm>

namespace ecsdb::sim {
namespace {

bool in_range(int64_t value, int64_t low, int64_t high) { return low <= value && value <= high; }

bool rule_allows(const AccessRule& rule, const ClientIdentity& identity, const CellKey& key) {
  if (!rule.role.empty() &&
      std::count(identity.roles.begin(), identity.roles.end(), rule.role) == 0)
    return false;
  if (rule.where == AccessRule::Where::kAny) return true;
  if (rule.where == AccessRule::Where::kOwnerIsMe) {
    return key.kind == CellKey::Kind::kOwner &&
           static_cast<uint64_t>(key.x) == identity.principal.value;
  }
  const std::pair<std::string, int64_t> wanted{rule.claim, key.x};
  return key.kind == CellKey::Kind::kValue &&
         std::count(identity.claims.begin(), identity.claims.end(), wanted) > 0;
}

}  // namespace

bool identity_may_read(const TableDef& table, const ClientIdentity& identity, const CellKey& key) {
  if (table.read.empty()) return true;
  for (const AccessRule& rule : table.read) {
    if (rule_allows(rule, identity, key)) return true;
  }
  return false;
}

bool InterestEntry::covers(const CellKey& key) const {
  if (kind == Kind::kAll) return true;
  if (kind == Kind::kKeys) return std::count(keys.begin(), keys.end(), key) > 0;
  return key.kind == CellKey::Kind::kGrid && in_range(key.x, keys[0].x, keys[1].x) &&
         in_range(key.y, keys[0].y, keys[1].y) && in_range(key.z, keys[0].z, keys[1].z);
}

void ClientInterest::show(const Schema& schema, const ClientIdentity& identity) {
  schema_ = &schema;
  identity_ = identity;
  ++revision_;
}

void ClientInterest::add(SubscriptionId id, InterestEntry entry) {
  Entry& added = entries_.emplace_back();
  added.id = id;
  added.what = std::move(entry);
  added.asked = ++requests_;
  ++revision_;
}

void ClientInterest::remove(SubscriptionId id) {
  ++requests_;
  for (Entry& entry : entries_) {
    if (entry.id != id) continue;
    entry.asked = requests_;
    entry.removed = true;
    // The next connection will not ask for it at all.
    entry.answered = !connected_;
    entry.answered_at = Version{};
    entry.settled = false;
  }
  ++revision_;
}

void ClientInterest::forget() {
  entries_.clear();
  connected_ = synced_ = false;
  ++revision_;
}

void ClientInterest::on_reply(SubscriptionId id, ErrorCode code, Version head) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.id == id && !entry.removed;
  });
  if (found == entries_.end()) return;
  found->refused = code != ErrorCode::kOk;
  const uint64_t asked = found->asked;
  for (Entry& entry : entries_) {
    // Requests are answered in order: this answers what was asked to end before it, too.
    if (entry.answered || (entry.id != id && !(entry.removed && entry.asked < asked))) continue;
    entry.answered = true;
    entry.answered_at = head;
  }
  ++revision_;
}

void ClientInterest::on_unknown_table(SubscriptionId id) {
  for (Entry& entry : entries_) {
    if (entry.id == id && !entry.removed) entry.refused = entry.answered = true;
  }
  ++revision_;
}

void ClientInterest::on_disconnected() {
  connected_ = synced_ = false;
  for (Entry& entry : entries_) {
    entry.settled = false;
    if (!entry.removed) continue;
    entry.answered = true;
    entry.answered_at = Version{};
  }
  ++revision_;
}

void ClientInterest::on_synced(Version head) {
  synced_ = true;
  synced_at_ = head;
}

void ClientInterest::on_cut(Version cut) {
  if (!synced_ || cut <= synced_at_) return;
  bool changed = false;
  for (Entry& entry : entries_) {
    if (entry.settled || !entry.answered || cut <= entry.answered_at) continue;
    entry.settled = changed = true;
  }
  if (!changed) return;
  std::erase_if(entries_, [](const Entry& entry) { return entry.removed && entry.settled; });
  ++revision_;
}

bool ClientInterest::may_cover(uint16_t table, const CellKey& key) const {
  if (!identity_may_read(schema_->table(table), identity_, key)) return false;
  for (const Entry& entry : entries_) {
    if (!entry.refused && entry.what.table == table && entry.what.covers(key)) return true;
  }
  return false;
}

bool ClientInterest::must_cover(uint16_t table, const CellKey& key) const {
  if (!identity_may_read(schema_->table(table), identity_, key)) return false;
  for (const Entry& entry : entries_) {
    if (entry.refused || entry.removed || !entry.settled) continue;
    if (entry.what.table == table && entry.what.covers(key)) return true;
  }
  return false;
}

bool ClientInterest::wants(uint16_t table, const CellKey& key) const {
  if (!identity_may_read(schema_->table(table), identity_, key)) return false;
  for (const Entry& entry : entries_) {
    if (entry.refused || entry.removed) continue;
    if (entry.what.table == table && entry.what.covers(key)) return true;
  }
  return false;
}

}  // namespace ecsdb::sim
