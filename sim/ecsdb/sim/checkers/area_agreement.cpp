#include "ecsdb/sim/checkers/area_agreement.h"

#include <cstdlib>
#include <utility>

#include "ecsdb/sim/checkers/model_values.h"

namespace ecsdb::sim {

void AreaAgreement::on_subscribed(Client& client, SubscriptionId id, const InterestEntry& entry) {
  views_[id].what = entry;
  client.on_area(id, [this](const AreaEvent& event) {
    const auto view = views_.find(event.subscription);
    if (view == views_.end()) return;
    std::set<EntityId>& told = view->second.told;
    const bool is_new = event.kind == AreaEventKind::kEnter ? told.insert(event.entity).second
                                                            : told.erase(event.entity) > 0;
    view->second.told_twice |= !is_new;
  });
}

void AreaAgreement::on_moved(SubscriptionId id, const GridPoint& center) {
  views_.at(id).what.area->center = center;
}

/// As a reader sees it, made steps of by the oracle's own conversion.
std::optional<GridPoint> AreaAgreement::place_of(const ClientDb& db, const InterestArea& area,
                                                 EntityId who) const {
  const auto value = db.value(area.grid_table, who, area.grid_field);
  if (!value.ok()) return std::nullopt;
  const auto steps = canonical_of(schema_->table(area.grid_table).fields[area.grid_field], *value);
  if (!steps) return std::nullopt;
  const auto part = [&](size_t i) { return static_cast<int64_t>(steps->lane[i]); };
  return GridPoint{part(0), part(1), part(2)};
}

bool AreaAgreement::contains(const View& view, const GridPoint& at, bool was_inside) {
  const InterestArea& area = *view.what.area;
  const int64_t more = was_inside ? area.margin : 0;
  const int64_t x = std::abs(at.x - area.center.x);
  const int64_t y = std::abs(at.y - area.center.y);
  const int64_t z = std::abs(at.z - area.center.z);
  if (view.what.kind == InterestEntry::Kind::kBall) {
    return x * x + y * y + z * z <= (area.extent.x + more) * (area.extent.x + more);
  }
  return x <= area.extent.x + more && y <= area.extent.y + more && z <= area.extent.z + more;
}

void AreaAgreement::on_polled(const Client& client, Instant at) {
  const ClientDb& db = client.db();
  if (db.table_count() == 0) return;
  for (auto& [id, view] : views_) {
    InterestArea& area = *view.what.area;
    // Stays where the followed entity was when it is gone.
    if (const auto seen = place_of(db, area, area.follow)) area.center = *seen;
    std::set<EntityId> now;
    for (const Row& row : db.table(view.what.table).rows()) {
      const auto place = place_of(db, area, row.entity);
      if (place && contains(view, *place, view.inside.contains(row.entity))) {
        now.insert(row.entity);
      }
    }
    view.inside = std::move(now);
    compare(client, id, view, at);
  }
}

void AreaAgreement::compare(const Client& client, SubscriptionId id, View& view, Instant at) {
  const auto shown = client.inside(id);
  const std::set<EntityId> said(shown.begin(), shown.end());
  const bool is_right = said == view.inside && said.size() == shown.size();
  if (is_right && view.told == view.inside && !view.told_twice) return;
  const auto count = [](const std::set<EntityId>& set) { return std::to_string(set.size()); };
  std::string which;
  for (const EntityId entity : is_right ? view.told : said) {
    if (!view.inside.contains(entity)) which = ", entity " + std::to_string(entity.value);
  }
  violations_.add({"area_agreement", at, client_,
                   schema_->table(view.what.table).name + ", subscription " +
                       std::to_string(id.value) + " at version " +
                       std::to_string(client.db().cut().value),
                   count(view.inside) + " entities inside",
                   count(said) + " said to be, " + count(view.told) + " told" +
                       (view.told_twice ? ", some twice" : "") + which});
  view.told = view.inside;
  view.told_twice = false;
}

}  // namespace ecsdb::sim
