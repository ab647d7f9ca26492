// Which entities are exactly inside the areas that a client subscribed to.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ecsdb/client/area_steps.h"
#include "ecsdb/client/client_db.h"
#include "ecsdb/client/events.h"
#include "ecsdb/store/directory.h"

namespace ecsdb {

/// One set of entities an area: of those with a row in the area's table and a position, both shown,
/// the ones that are inside; one that was inside stays until it is beyond the margin. Sets follow
/// the rows, cut by cut, whatever the server makes of the subscription. Not thread-safe.
class AreaViews {
 public:
  void add(SubscriptionId id, std::string table, const AreaSpec& spec);
  /// Harmless for an id that is not here or follows an entity.
  void move(SubscriptionId id, const AreaPoint& center);
  void remove(SubscriptionId id);
  /// Names of tables and steps mean something else from now on.
  void on_schema_changed();

  bool empty() const { return views_.empty(); }
  /// An area was added or moved since update(): sets may change although no row does.
  bool is_stale() const { return stale_; }
  /// Brings the sets to `db`, which differs from what the last call saw by `events`, and appends
  /// what that changed to `out`. Costs the events and, for an area whose centre moved, the rows of
  /// the held cells that it touches and those inside; allocates nothing in the long run.
  void update(const ClientDb& db, std::span<const RowEvent> events, std::vector<AreaEvent>& out);

  /// In no particular order; valid until the next update. Empty for an id that is not here.
  std::span<const EntityId> inside(SubscriptionId id) const;
  /// Where the entity that an area follows was seen last, for each that was.
  template <class Call>
  void for_each_sighting(Call&& call) const {
    for (const View& view : views_) {
      if (view.sighting) call(view.id, *view.sighting);
    }
  }

 private:
  struct View {
    SubscriptionId id;
    std::string table_name;
    AreaSpec spec;
    uint16_t table = 0;
    std::optional<StepArea> shape;  // none: unknown table, or one that it does not fit
    bool is_stale = true;
    bool is_moved = false;              // `shape` is not up to date
    std::optional<AreaPoint> sighting;  // of the followed entity
    std::vector<EntityId> members;
    Directory places;  // in members
  };
  void resolve(const Schema& schema);
  void shape(const Schema& schema, View& view);
  void follow(const ClientDb& db, View& view);
  bool is_inside(const ClientDb& db, const View& view, EntityId entity) const;
  void look_at(const ClientDb& db, View& view, EntityId entity);
  void look_through(const ClientDb& db, View& view);
  void enter(View& view, EntityId entity);
  void leave(View& view, EntityId entity);
  View* find(SubscriptionId id);

  std::vector<View> views_;
  std::vector<std::vector<uint32_t>> watching_;  // by table: views that its rows concern
  bool resolved_ = false;
  bool stale_ = false;
  std::vector<AreaEvent>* out_ = nullptr;
};

}  // namespace ecsdb
