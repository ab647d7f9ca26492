#include "ecsdb/sim/area_user.h"

#include <utility>

#include "ecsdb/sim/scenario.h"

namespace ecsdb::sim {
namespace {

constexpr Duration kPauseMean = Duration::ms(400);
constexpr size_t kAreasMax = 4;

}  // namespace

AreaUser::AreaUser(const Model& model, ClientInterest& interest, Prng rng, uint32_t client,
                   ViolationLog& violations)
    : model_(&model),
      interest_(interest),
      rng_(rng),
      is_one_(rng_.chance(1, 2)),
      checker_(model.schema(), client, violations) {}

Duration AreaUser::draw_pause() { return Duration{rng_.exponential(kPauseMean.ns)}; }

InterestEntry AreaUser::draw() {
  InterestEntry entry = draw_area(rng_);
  if (rng_.chance(1, 3)) {
    const EntityId from = EntityId::make(static_cast<uint32_t>(rng_.below(256)), 0, 0);
    const auto found = model_->entity_from(entry.area->grid_table, from);
    if (found) entry.area->follow = *found;
  }
  return entry;
}

std::vector<InterestEntry> AreaUser::first() {
  std::vector<InterestEntry> out;
  for (uint64_t i = 0, count = 1 + rng_.below(kAreasMax - 1); i < count; ++i) out.push_back(draw());
  return out;
}

SubscriptionId AreaUser::subscribe(Client& client, const InterestEntry& entry, const Now& now) {
  const InterestArea& area = *entry.area;
  AreaOptions options;
  options.follow = area.follow;
  options.margin = in_units(area, {area.margin, 0, 0}).x;
  options.nearest_first = area.margin % 2 == 0;
  const std::string& table = model_->schema().table(entry.table).name;
  const AreaPoint center = in_units(area, area.center);
  const AreaPoint extent = in_units(area, area.extent);
  const SubscriptionId id = entry.kind == InterestEntry::Kind::kBall
                                ? client.subscribe_ball(table, center, extent.x, options, now)
                                : client.subscribe_range(table, center, extent, options, now);
  checker_.on_subscribed(client, id, entry);
  return id;
}

AreaUser::Act AreaUser::act(Client& client, const Now& now) {
  std::vector<const ClientInterest::Entry*> areas;
  for (const ClientInterest::Entry& entry : interest_.entries()) {
    if (entry.what.area && !entry.removed) areas.push_back(&entry);
  }
  Act act;
  if (areas.empty() || rng_.chance(1, 12)) {
    if (areas.size() >= kAreasMax || (!areas.empty() && rng_.chance(1, 2))) {
      act.ended = areas[rng_.below(areas.size())]->id;
    } else {
      act.begun = draw();
    }
    return act;
  }
  const ClientInterest::Entry& entry = *areas[rng_.below(areas.size())];
  const InterestArea area = *entry.what.area;
  if (!area.follow.is_none()) return act;
  const SubscriptionId id = entry.id;
  GridPoint center = draw_center(entry.what, rng_);
  if (rng_.chance(7, 8)) {  // not far
    const int64_t far = area.edge / 2;
    const bool in_space = entry.what.table == kOrbTable;
    center = {area.center.x + rng_.between(-far, far), area.center.y + rng_.between(-far, far),
              in_space ? area.center.z + rng_.between(-far, far) : 0};
  }
  interest_.move(id, center);
  checker_.on_moved(id, center);
  const Status moved = client.move(id, in_units(area, center), now);
  ECSDB_CHECK(moved.ok());
  return act;
}

void AreaUser::on_events(const Client& client, Version published) {
  for (const SubscriptionId id : interest_.moving()) {
    if (client.is_settled(id)) interest_.on_settled(id, published);
  }
}

}  // namespace ecsdb::sim
