// The balls and ranges among the subscriptions of one connection.
#pragma once

#include <map>
#include <vector>

#include "ecsdb/server/auth.h"
#include "ecsdb/store/database.h"
#include "ecsdb/wire/area.h"

namespace ecsdb {

/// An area that is somewhere else than its cells were last looked through for.
struct AreaWalk {
  uint16_t table = 0;
  int64_t steps = 1;
  const Area* now = nullptr;
  const Area* before = nullptr;  // null: it is new
};

/// Knows where areas are and were, not which cells are held. An area has no memory of cells: one
/// that is held stays while it is within the margin, whichever subscription it was held for first,
/// so that what a client holds when it comes back is all there is to know.
class InterestAreas {
 public:
  /// A subscription that check_area() let pass.
  void add(const Schema& schema, uint16_t table, const Subscription& subscription);
  void remove(SubscriptionId id);
  Status move(SubscriptionId id, const GridPoint& center);
  bool follows() const { return following_ > 0; }
  /// Takes over where the followed entities are now. Of one that has no row, or a row in a cell
  /// that the principal may not read, nothing is said: the area stays where it is, so that it tells
  /// no more than the cells themselves would.
  void follow(const Database& db, const Identity& identity);
  /// True if some area of the table touches the cell.
  bool touch(uint16_t table, const CellKey& key, AreaReach reach) const;

  /// Calls `call(const AreaWalk&)` for each area that came to touch other cells since settled().
  template <class Call>
  void for_each_moved(Call&& call) const {
    for (const Held& held : areas_) {
      if (is_moved(held)) call(AreaWalk{held.table, held.grid.steps, &held.area, before(held)});
    }
  }
  void settled();
  /// Every area is looked through anew: what is held is not what it was.
  void start_over();

 private:
  struct Held {
    SubscriptionId id;
    uint16_t table = 0;
    AreaGrid grid;
    EntityId follow;
    Area area;
    Area settled;
    bool is_new = true;
  };
  static const Area* before(const Held& held) { return held.is_new ? nullptr : &held.settled; }
  static bool is_moved(const Held& held);

  std::vector<Held> areas_;
  size_t following_ = 0;
};

/// Calls `call(key, cell)` for the cells of a table with low <= key <= high in each coordinate, in
/// order of key; leaps over the others between them. Keys of cells that exist are far from the ends
/// of their type, because components of positions have 32 bits.
template <class Call>
void for_each_cell_between(const std::map<CellKey, CellIndex>& cells, const Area::Keys& keys,
                           Call&& call) {
  const CellKey& low = keys.low;
  const CellKey& high = keys.high;
  for (auto at = cells.lower_bound(low); at != cells.end() && at->first <= high;) {
    const CellKey& key = at->first;
    if (key.y < low.y) {
      at = cells.lower_bound(CellKey::grid(key.x, low.y, low.z));
    } else if (key.y > high.y) {
      at = cells.lower_bound(CellKey::grid(key.x + 1, low.y, low.z));
    } else if (key.z < low.z) {
      at = cells.lower_bound(CellKey::grid(key.x, key.y, low.z));
    } else if (key.z > high.z) {
      at = cells.lower_bound(CellKey::grid(key.x, key.y + 1, low.z));
    } else {
      call(key, at->second);
      ++at;
    }
  }
}

}  // namespace ecsdb
