#include "ecsdb/sim/client_interest.h"

#include <algorithm>

namespace ecsdb::sim {
namespace {

bool in_range(int64_t value, int64_t low, int64_t high) { return low <= value && value <= high; }

GridPoint place_of(const InterestArea& area, const ModelImage& image) {
  const auto& lane = image.fields[area.grid_field].lane;
  return {static_cast<int64_t>(lane[0]), static_cast<int64_t>(lane[1]),
          static_cast<int64_t>(lane[2])};
}

void keep_once(std::vector<GridPoint>& points) {
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
}

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

bool identity_may_read_some(const TableDef& table, const ClientIdentity& identity) {
  return table.read.empty() ||
         std::any_of(table.read.begin(), table.read.end(), [&](const AccessRule& rule) {
           return rule.role.empty() ||
                  std::count(identity.roles.begin(), identity.roles.end(), rule.role) > 0;
         });
}

bool InterestEntry::covers(const CellKey& key) const {
  if (kind == Kind::kAll) return true;
  if (kind == Kind::kKeys) return std::count(keys.begin(), keys.end(), key) > 0;
  return key.kind == CellKey::Kind::kGrid && in_range(key.x, keys[0].x, keys[1].x) &&
         in_range(key.y, keys[0].y, keys[1].y) && in_range(key.z, keys[0].z, keys[1].z);
}

bool InterestEntry::touches(const CellKey& key, const GridPoint& center, int64_t more) const {
  if (key.kind != CellKey::Kind::kGrid) return false;
  const auto gap = [&](int64_t at, int64_t cell) {
    const int64_t low = cell * area->edge;
    return std::max<int64_t>({low - at, at - (low + area->edge - 1), 0});
  };
  const int64_t x = gap(center.x, key.x);
  const int64_t y = gap(center.y, key.y);
  const int64_t z = gap(center.z, key.z);
  const GridPoint& extent = area->extent;
  if (kind == Kind::kBall) {
    return x * x + y * y + z * z <= (extent.x + more) * (extent.x + more);
  }
  return x <= extent.x + more && y <= extent.y + more && z <= extent.z + more;
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
  if (added.what.area) {
    added.centers = {added.what.area->center};
    added.is_lost = !added.what.area->follow.is_none();
  }
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

void ClientInterest::on_asking() {
  connected_ = true;
  for (Entry& entry : entries_) entry.refused = false;
  ++revision_;
}

void ClientInterest::on_disconnected() {
  connected_ = synced_ = false;
  for (Entry& entry : entries_) {
    entry.settled = entry.moves_answered = false;
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
    if (entry.moves_answered && cut > entry.moves_answered_at) {
      entry.centers = {entry.centers.back()};
      entry.moves_answered = false;
      changed = true;
    }
    if (entry.settled || !entry.answered || cut <= entry.answered_at) continue;
    entry.settled = changed = true;
  }
  if (!changed) return;
  std::erase_if(entries_, [](const Entry& entry) { return entry.removed && entry.settled; });
  ++revision_;
}

// --- areas ---

void ClientInterest::move(SubscriptionId id, const GridPoint& center) {
  for (Entry& entry : entries_) {
    if (entry.id != id || entry.removed) continue;
    entry.what.area->center = center;
    entry.centers.push_back(center);
    entry.moves_answered = false;
  }
  ++revision_;
}

std::vector<SubscriptionId> ClientInterest::moving() const {
  std::vector<SubscriptionId> ids;
  for (const Entry& entry : entries_) {
    const bool follows = entry.what.area && !entry.what.area->follow.is_none();
    if (entry.centers.size() > 1 && !follows && !entry.removed && !entry.moves_answered) {
      ids.push_back(entry.id);
    }
  }
  return ids;
}

void ClientInterest::on_settled(SubscriptionId id, Version head) {
  for (Entry& entry : entries_) {
    if (entry.id != id) continue;
    entry.moves_answered = true;
    entry.moves_answered_at = head;
  }
}

void ClientInterest::see(const Model& model, Version cut) {
  for (Entry& entry : entries_) {
    if (!entry.what.area || entry.what.area->follow.is_none()) continue;
    const InterestArea& area = *entry.what.area;
    const ModelImage* const image = model.row_at(area.grid_table, area.follow, cut);
    if (image == nullptr) continue;
    entry.sightings.push_back(place_of(area, *image));
    keep_once(entry.sightings);
  }
}

void ClientInterest::follow(const Model& model, Version cut, Version published) {
  for (Entry& entry : entries_) {
    if (!entry.what.area || entry.what.area->follow.is_none()) continue;
    const InterestArea& area = *entry.what.area;
    std::vector<GridPoint> centers;
    bool is_lost = model.row_at(area.grid_table, area.follow, cut) == nullptr;
    bool is_first = true;
    const std::span<const ModelImage> images = model.images(area.grid_table, area.follow);
    for (size_t i = images.size(); i > 0 && is_first; --i) {
      const ModelImage& image = images[i - 1];
      if (image.version > published) continue;
      is_first = image.version > cut;
      is_lost |= image.cell == nullptr;
      if (image.cell != nullptr) centers.push_back(place_of(area, image));
    }
    if (is_lost) {  // where it was last known to be, perhaps in the history of an earlier server
      centers = entry.sightings;
      centers.push_back(area.center);
      for (const ModelImage& image : images) {
        if (image.cell != nullptr) centers.push_back(place_of(area, image));
      }
    }
    keep_once(centers);
    if (entry.is_lost == is_lost && entry.centers == centers) continue;
    entry.is_lost = is_lost;
    entry.centers = std::move(centers);
    ++revision_;
  }
}

bool ClientInterest::may_touch(const Entry& entry, const CellKey& key) {
  if (!entry.what.area) return entry.what.covers(key);
  return std::any_of(entry.centers.begin(), entry.centers.end(), [&](const GridPoint& center) {
    return entry.what.touches(key, center, entry.what.area->margin);
  });
}

bool ClientInterest::must_touch(const Entry& entry, const CellKey& key) {
  if (!entry.what.area) return entry.what.covers(key);
  return !entry.is_lost &&
         std::all_of(entry.centers.begin(), entry.centers.end(),
                     [&](const GridPoint& center) { return entry.what.touches(key, center, 0); });
}

// --- what may and must be held ---

bool ClientInterest::may_cover(uint16_t table, const CellKey& key) const {
  if (!identity_may_read(schema_->table(table), identity_, key)) return false;
  for (const Entry& entry : entries_) {
    if (!entry.refused && entry.what.table == table && may_touch(entry, key)) return true;
  }
  return false;
}

bool ClientInterest::must_cover(uint16_t table, const CellKey& key) const {
  if (!identity_may_read(schema_->table(table), identity_, key)) return false;
  for (const Entry& entry : entries_) {
    if (entry.refused || entry.removed || !entry.settled) continue;
    if (entry.what.table == table && must_touch(entry, key)) return true;
  }
  return false;
}

bool ClientInterest::wants(uint16_t table, const CellKey& key) const {
  if (!identity_may_read(schema_->table(table), identity_, key)) return false;
  for (const Entry& entry : entries_) {
    if (entry.refused || entry.removed || entry.what.table != table) continue;
    const bool touches = entry.what.area
                             ? !entry.is_lost && entry.what.touches(key, entry.centers.back(), 0)
                             : entry.what.covers(key);
    if (touches) return true;
  }
  return false;
}

bool ClientInterest::allows(uint16_t table, const CellKey& key) const {
  if (wants(table, key)) return true;
  if (!identity_may_read(schema_->table(table), identity_, key)) return false;
  for (const Entry& entry : entries_) {
    if (entry.refused || entry.removed || entry.what.table != table || !entry.what.area) continue;
    const int64_t margin = entry.what.area->margin;
    if (entry.is_lost ? may_touch(entry, key)
                      : entry.what.touches(key, entry.centers.back(), margin)) {
      return true;
    }
  }
  return false;
}

}  // namespace ecsdb::sim
