#include "ecsdb/client/area_view.h"

#include <algorithm>
#include <utility>

#include "ecsdb/base/mutant.h"

namespace ecsdb {
void AreaViews::add(SubscriptionId id, std::string table, const AreaSpec& spec) {
  View& view = views_.emplace_back();
  view.id = id;
  view.table_name = std::move(table);
  view.spec = spec;
  resolved_ = false;
  stale_ = true;
}

AreaViews::View* AreaViews::find(SubscriptionId id) {
  const auto found =
      std::find_if(views_.begin(), views_.end(), [&](const View& view) { return view.id == id; });
  return found == views_.end() ? nullptr : &*found;
}

void AreaViews::move(SubscriptionId id, const AreaPoint& center) {
  View* const view = find(id);
  if (view == nullptr || !view->spec.options.follow.is_none() || view->spec.center == center) {
    return;
  }
  view->spec.center = center;
  view->is_stale = view->is_moved = stale_ = true;
}

void AreaViews::remove(SubscriptionId id) {
  std::erase_if(views_, [&](const View& view) { return view.id == id; });
  resolved_ = false;
}

void AreaViews::on_schema_changed() {
  resolved_ = false;
  for (View& view : views_) {
    view.is_stale = true;
    if (view.sighting) view.spec.center = *std::exchange(view.sighting, std::nullopt);
  }
  stale_ = !views_.empty();
}

void AreaViews::resolve(const Schema& schema) {
  const bool all = !std::exchange(resolved_, true);
  if (all) {
    watching_.resize(schema.table_count());
    for (std::vector<uint32_t>& views : watching_) views.clear();
  }
  for (uint32_t i = 0; i < views_.size(); ++i) {
    View& view = views_[i];
    if (!all && !view.is_moved) continue;
    const bool had_shape = view.shape.has_value();
    shape(schema, view);
    if (!view.shape || (!all && had_shape)) continue;
    for (const uint16_t table : {view.table, view.shape->grid.table}) {
      std::vector<uint32_t>& views = watching_[table];
      if (std::find(views.begin(), views.end(), i) == views.end()) views.push_back(i);
    }
  }
}

/// The area in steps; a sighting of the entity that it follows counts more than what was given.
void AreaViews::shape(const Schema& schema, View& view) {
  view.is_moved = false;
  const std::optional<StepArea> old = std::exchange(view.shape, std::nullopt);
  const auto table = schema.table_index(std::string_view(view.table_name));
  if (!table) return;
  auto made = area_in_steps(schema, *table, view.spec);
  if (!made.ok()) return;
  view.table = *table;
  view.shape = *made;
  if (old && view.sighting) view.shape->area.center = old->area.center;
}

void AreaViews::update(const ClientDb& db, std::span<const RowEvent> events,
                       std::vector<AreaEvent>& out) {
  if (db.table_count() == 0) return;
  out_ = &out;
  resolve(db.schema());
  for (View& view : views_) follow(db, view);
  for (const RowEvent& event : events) {
    for (const uint32_t at : watching_[event.table]) {
      if (!views_[at].is_stale) look_at(db, views_[at], event.entity);
    }
  }
  for (View& view : views_) {
    if (std::exchange(view.is_stale, false)) look_through(db, view);
  }
  stale_ = false;
}

/// Takes the centre from the row of the followed entity, if there is one.
void AreaViews::follow(const ClientDb& db, View& view) {
  if (view.spec.options.follow.is_none() || !view.shape) return;
  const AreaGrid& grid = view.shape->grid;
  const RowIndex row = db.find_row(grid.table, view.spec.options.follow);
  if (row == kNoRow) return;
  const GridPoint at = grid.position(db.table(grid.table), row);
  if (view.sighting && at == view.shape->area.center) return;
  view.is_stale |= at != view.shape->area.center;
  view.shape->area.center = at;
  view.sighting = area_point(db.schema(), grid, at);
}

bool AreaViews::is_inside(const ClientDb& db, const View& view, EntityId entity) const {
  if (!view.shape || !db.contains(view.table, entity)) return false;
  const AreaGrid& grid = view.shape->grid;
  const RowIndex row = db.find_row(grid.table, entity);
  if (row == kNoRow) return false;
  const bool was_inside = view.places.find(entity) != kNoRow;
  return view.shape->area.contains(grid.position(db.table(grid.table), row),
                                   was_inside ? AreaReach::kWithMargin : AreaReach::kArea);
}

void AreaViews::look_at(const ClientDb& db, View& view, EntityId entity) {
  const bool was_inside = view.places.find(entity) != kNoRow;
  const bool now_inside = is_inside(db, view, entity);
  if (was_inside == now_inside) return;
  if (now_inside) {
    enter(view, entity);
  } else {
    leave(view, entity);
  }
}

void AreaViews::look_through(const ClientDb& db, View& view) {
  if (!ECSDB_MUTANT(area_keeps_left_behind)) {
    // From the end, because one that leaves is replaced by the last.
    for (size_t i = view.members.size(); i > 0; --i) look_at(db, view, view.members[i - 1]);
  }
  if (!view.shape) return;
  const Table& table = db.table(view.table);
  for (const HeldCell& cell : db.cells()) {
    if (!cell.held || cell.table != view.table) continue;
    if (!view.shape->area.touches(cell.key, view.shape->grid.steps, AreaReach::kArea)) continue;
    for (const RowIndex row : table.rows_of(cell.log)) look_at(db, view, table.row(row).entity);
  }
}

void AreaViews::enter(View& view, EntityId entity) {
  // Whoever had the index before is gone; that its own event comes later makes no difference.
  const RowIndex before = view.places.find_index(entity.index());
  if (before != kNoRow) leave(view, view.members[before]);
  view.places.set(entity, static_cast<RowIndex>(view.members.size()));
  view.members.push_back(entity);
  out_->push_back({AreaEventKind::kEnter, view.id, entity});
}

void AreaViews::leave(View& view, EntityId entity) {
  const RowIndex at = view.places.find(entity);
  view.places.erase(entity);
  const EntityId last = view.members.back();
  view.members.pop_back();
  if (last != entity) {
    view.members[at] = last;
    view.places.set(last, at);
  }
  out_->push_back({AreaEventKind::kLeave, view.id, entity});
}

std::span<const EntityId> AreaViews::inside(SubscriptionId id) const {
  for (const View& view : views_) {
    if (view.id == id) return view.members;
  }
  return {};
}

}  // namespace ecsdb
