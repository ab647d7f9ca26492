// Balls and ranges over the cells of a grid: which points lie in one and which cells it touches.
// Integers only, and exact whatever numbers a peer sends; sums that leave their type are taken to
// its end.
#pragma once

#include <optional>

#include "ecsdb/store/cells.h"
#include "ecsdb/wire/messages.h"

namespace ecsdb {

/// Whether an area is taken as it is, or as what is still kept once it was inside: further out by
/// the margin, a ball in every direction, a range at each of its faces.
enum class AreaReach : uint8_t { kArea, kWithMargin };

/// Kind ball: extent.x is the radius, inside is what is not further away. Kind range: half of each
/// edge, the faces are inside. Extents are not negative. In a plane all z are 0. A value.
struct Area {
  SelectorKind kind = SelectorKind::kBall;
  GridPoint center;
  GridPoint extent;
  uint64_t margin = 0;
  bool operator==(const Area&) const = default;

  bool contains(const GridPoint& point, AreaReach reach) const;
  /// True if some point of the cell is inside; `steps` is the edge of a cell. False for keys that
  /// are no grid keys.
  bool touches(const CellKey& key, int64_t steps, AreaReach reach) const;

  /// Least and greatest grid key of the cells it touches, in each coordinate.
  struct Keys {
    CellKey low;
    CellKey high;
    bool operator==(const Keys&) const = default;
  };
  Keys keys(int64_t steps, AreaReach reach) const;
};

/// Where rows of a table are in space: its own grid, or that of the table it follows.
struct AreaGrid {
  uint16_t table = 0;  // index of the table with the grid
  uint16_t field = 0;  // its field with the position,
  uint16_t lane_first = 0;
  uint16_t lane_count = 0;
  int64_t steps = 1;  // edge of a cell

  GridPoint position(const Table& grid_table, RowIndex row) const;
  bool has_z() const { return lane_count > 2; }
};
/// Nothing if neither has a grid.
std::optional<AreaGrid> area_grid(const Schema& schema, uint16_t table);

/// kTypeMismatch with the reason: an area where there is none to be or no grid, none or several
/// where there should be one, keys beside it, extents that are negative or that the kind or the
/// plane lacks, a centre outside of the plane.
Status check_area(const Schema& schema, uint16_t table, const Subscription& subscription);

}  // namespace ecsdb
