#include "ecsdb/server/interest_areas.h"

#include <algorithm>

#include "ecsdb/base/mutant.h"
#include "ecsdb/server/interest.h"

namespace ecsdb {

void InterestAreas::add(const Schema& schema, uint16_t table, const Subscription& subscription) {
  const SubscriptionArea& area = subscription.area[0];
  Held& held = areas_.emplace_back();
  held.id = subscription.id;
  held.table = table;
  held.grid = *area_grid(schema, table);
  held.follow = area.follow;
  held.area = {subscription.kind, area.center, area.extent, area.margin};
  if (!held.follow.is_none()) ++following_;
}

void InterestAreas::remove(SubscriptionId id) {
  std::erase_if(areas_, [&](const Held& held) {
    if (held.id != id) return false;
    if (!held.follow.is_none()) --following_;
    return true;
  });
}

Status InterestAreas::move(SubscriptionId id, const GridPoint& center) {
  const auto found =
      std::find_if(areas_.begin(), areas_.end(), [&](const Held& held) { return held.id == id; });
  if (found == areas_.end()) {
    return fail(ErrorCode::kTypeMismatch, "only a ball or a range can be moved");
  }
  if (!found->follow.is_none()) {
    return fail(ErrorCode::kTypeMismatch, "the area follows an entity");
  }
  if (!found->grid.has_z() && center.z != 0) {
    return fail(ErrorCode::kTypeMismatch, "the grid is flat: z of a centre is 0");
  }
  found->area.center = center;
  return {};
}

void InterestAreas::follow(const Database& db, const Identity& identity) {
  for (Held& held : areas_) {
    if (held.follow.is_none()) continue;
    const Table& table = db.table(held.grid.table);
    const RowIndex row = db.find_row(held.grid.table, held.follow);
    if (row == kNoRow) continue;
    const CellKey& key = db.cell({held.grid.table, table.row(row).cell}).key;
    if (!may_read(db.schema().table(held.grid.table), identity, key)) continue;
    held.area.center = held.grid.position(table, row);
  }
}

bool InterestAreas::touch(uint16_t table, const CellKey& key, AreaReach reach) const {
  return std::any_of(areas_.begin(), areas_.end(), [&](const Held& held) {
    return held.table == table && held.area.touches(key, held.grid.steps, reach);
  });
}

/// A range touches all cells between its outermost keys; of a ball those do not tell which.
bool InterestAreas::is_moved(const Held& held) {
  if (held.is_new) return true;
  if (held.area.center == held.settled.center) return false;
  if (held.area.kind == SelectorKind::kBall) return true;
  const int64_t steps = held.grid.steps;
  return held.area.keys(steps, AreaReach::kArea) != held.settled.keys(steps, AreaReach::kArea) ||
         held.area.keys(steps, AreaReach::kWithMargin) !=
             held.settled.keys(steps, AreaReach::kWithMargin);
}

void InterestAreas::settled() {
  for (Held& held : areas_) {
    if (!is_moved(held)) continue;
    held.settled = held.area;
    held.is_new = false;
  }
}

void InterestAreas::start_over() {
  for (Held& held : areas_) held.is_new = true;
}

// ---- Interest ----

bool Interest::keeps(const Database& db, const Identity& identity, uint16_t table,
                     const CellKey& key) const {
  return wants(db, identity, table, key) || (areas_.touch(table, key, AreaReach::kWithMargin) &&
                                             may_read(db.schema().table(table), identity, key));
}

Status Interest::move_area(SubscriptionId id, const GridPoint& center) {
  const bool known = std::any_of(subscriptions_.begin(), subscriptions_.end(),
                                 [&](const Subscription& s) { return s.id == id; });
  if (!known) return fail(ErrorCode::kUnknownSubscription, "id " + std::to_string(id.value));
  return areas_.move(id, center);
}

void Interest::follow_entities(const Database& db, const Identity& identity) {
  if (ECSDB_MUTANT(area_stays_behind) && db.head().value % 16 == 0) return;
  areas_.follow(db, identity);
  settle_areas(db, identity);
}

/// Cells that no area reaches any more go before others come: the limit counts what is held after.
void Interest::settle_areas(const Database& db, const Identity& identity) {
  if (importing_) return;
  areas_.for_each_moved([&](const AreaWalk& walk) { release_beyond(db, identity, walk); });
  drop_released_pending();
  areas_.for_each_moved([&](const AreaWalk& walk) { hold_inside(db, identity, walk); });
  areas_.settled();
}

void Interest::release_beyond(const Database& db, const Identity& identity, const AreaWalk& walk) {
  if (walk.before == nullptr || ECSDB_MUTANT(area_keeps_cells)) return;
  const Area::Keys keys = walk.before->keys(walk.steps, AreaReach::kWithMargin);
  for_each_cell_between(db.cells(walk.table).by_key(), keys,
                        [&](const CellKey& key, CellIndex cell) {
                          if (walk.now->touches(key, walk.steps, AreaReach::kWithMargin)) return;
                          const auto held = handle_of_.find({walk.table, cell});
                          if (held == handle_of_.end() || keeps(db, identity, walk.table, key))
                            return;
                          release(held->second);
                        });
}

/// What the area touched before is held already, or will be when it is first published.
void Interest::hold_inside(const Database& db, const Identity& identity, const AreaWalk& walk) {
  const TableDef& def = db.schema().table(walk.table);
  const Area::Keys keys = walk.now->keys(walk.steps, AreaReach::kArea);
  for_each_cell_between(
      db.cells(walk.table).by_key(), keys, [&](const CellKey& key, CellIndex cell) {
        if (!walk.now->touches(key, walk.steps, AreaReach::kArea)) return;
        if (walk.before != nullptr && walk.before->touches(key, walk.steps, AreaReach::kArea))
          return;
        if (may_read(def, identity, key)) hold({walk.table, cell});
      });
}

}  // namespace ecsdb
