#include "ecsdb/wire/area.h"

#include <algorithm>
#include <array>

namespace ecsdb {
namespace {

using Wide = unsigned __int128;
constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

struct Span {  // of one coordinate, both ends included
  int64_t low;
  int64_t high;
};

int64_t floor_divide(int64_t value, int64_t by) {
  const int64_t quotient = value / by;
  return quotient - (value % by < 0 ? 1 : 0);
}

/// high - low as a number that always fits; high >= low.
uint64_t distance(int64_t low, int64_t high) {
  return static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
}

uint64_t distance(int64_t from, const Span& to) {
  if (from < to.low) return distance(from, to.low);
  return from > to.high ? distance(to.high, from) : 0;
}

uint64_t add(uint64_t a, uint64_t b) { return a > ~b ? ~uint64_t{0} : a + b; }

Span around(int64_t center, uint64_t reach) {
  Span out{kLeast, kMost};
  if (reach < distance(kLeast, center)) {
    out.low = static_cast<int64_t>(static_cast<uint64_t>(center) - reach);
  }
  if (reach < distance(center, kMost)) {
    out.high = static_cast<int64_t>(static_cast<uint64_t>(center) + reach);
  }
  return out;
}

/// Coordinates in a cell. Exact for every cell that a coordinate can be in, also where the cell
/// reaches beyond the numbers.
Span points_of(int64_t key, int64_t steps) {
  Span out{key < 0 ? kLeast : kMost, key < -1 ? kLeast : kMost};
  int64_t product = 0;
  if (!__builtin_mul_overflow(key, steps, &product)) out.low = product;
  if (key == kMost || __builtin_mul_overflow(key + 1, steps, &product)) return out;
  out.high = product == kLeast ? kLeast : product - 1;
  return out;
}

std::array<int64_t, 3> parts(const GridPoint& point) { return {point.x, point.y, point.z}; }

/// How far the area goes in each coordinate.
std::array<uint64_t, 3> reaches(const Area& area, AreaReach reach) {
  const uint64_t margin = reach == AreaReach::kWithMargin ? area.margin : 0;
  const auto one = [&](int64_t extent) {
    return add(static_cast<uint64_t>(std::max<int64_t>(extent, 0)), margin);
  };
  if (area.kind == SelectorKind::kBall) {
    const uint64_t radius = one(area.extent.x);
    return {radius, radius, radius};
  }
  return {one(area.extent.x), one(area.extent.y), one(area.extent.z)};
}

/// Whether the nearest point of a box, of which `away` are the distances, is inside.
bool reaches_to(const Area& area, const std::array<uint64_t, 3>& away, AreaReach reach) {
  const auto limit = reaches(area, reach);
  Wide left = Wide{limit[0]} * limit[0];
  for (size_t i = 0; i < away.size(); ++i) {
    if (away[i] > limit[i]) return false;
    if (area.kind != SelectorKind::kBall) continue;
    const Wide square = Wide{away[i]} * away[i];
    if (square > left) return false;
    left -= square;
  }
  return true;
}

Status wrong(const Schema& schema, uint16_t table, const char* what) {
  return fail(ErrorCode::kTypeMismatch, schema.table(table).name + ": " + what);
}

}  // namespace

bool Area::contains(const GridPoint& point, AreaReach reach) const {
  const auto at = parts(point);
  const auto from = parts(center);
  std::array<uint64_t, 3> away{};
  for (size_t i = 0; i < away.size(); ++i) away[i] = distance(from[i], Span{at[i], at[i]});
  return reaches_to(*this, away, reach);
}

bool Area::touches(const CellKey& key, int64_t steps, AreaReach reach) const {
  if (key.kind != CellKey::Kind::kGrid) return false;
  const std::array<int64_t, 3> keys{key.x, key.y, key.z};
  const auto from = parts(center);
  std::array<uint64_t, 3> away{};
  for (size_t i = 0; i < away.size(); ++i) away[i] = distance(from[i], points_of(keys[i], steps));
  return reaches_to(*this, away, reach);
}

Area::Keys Area::keys(int64_t steps, AreaReach reach) const {
  const auto limit = reaches(*this, reach);
  const auto from = parts(center);
  std::array<int64_t, 3> low{};
  std::array<int64_t, 3> high{};
  for (size_t i = 0; i < low.size(); ++i) {
    const Span span = around(from[i], limit[i]);
    low[i] = floor_divide(span.low, steps);
    high[i] = floor_divide(span.high, steps);
  }
  return {CellKey::grid(low[0], low[1], low[2]), CellKey::grid(high[0], high[1], high[2])};
}

GridPoint AreaGrid::position(const Table& grid_table, RowIndex row) const {
  const auto part = [&](uint16_t k) {
    return static_cast<int64_t>(grid_table.lane(row, static_cast<uint16_t>(lane_first + k)));
  };
  return {part(0), part(1), has_z() ? part(2) : 0};
}

std::optional<AreaGrid> area_grid(const Schema& schema, uint16_t table) {
  const TableLayout& own = schema.layout(table);
  const bool follows = own.cell_kind == CellKind::kFollow;
  const TableLayout& grid = follows ? schema.layout(own.follow_table) : own;
  if (grid.cell_kind != CellKind::kGrid) return std::nullopt;
  const FieldLayout& field = grid.fields[grid.cell_field];
  return AreaGrid{grid.index, grid.cell_field, field.lane_first, field.lane_count, grid.cell_steps};
}

Status check_area(const Schema& schema, uint16_t table, const Subscription& subscription) {
  const bool wants_area =
      subscription.kind == SelectorKind::kBall || subscription.kind == SelectorKind::kRange;
  if (!wants_area) {
    if (subscription.area.empty()) return {};
    return wrong(schema, table, "an area in a subscription that is neither ball nor range");
  }
  if (!subscription.keys.empty()) return wrong(schema, table, "keys beside an area");
  if (subscription.area.size() != 1) return wrong(schema, table, "a ball or range takes one area");
  const auto grid = area_grid(schema, table);
  if (!grid)
    return wrong(schema, table,
                 "balls and ranges need a table with a grid, or one that "
                 "follows such a table");
  const SubscriptionArea& area = subscription.area[0];
  const GridPoint& extent = area.extent;
  if (extent.x < 0 || extent.y < 0 || extent.z < 0) {
    return wrong(schema, table, "a negative extent");
  }
  if (subscription.kind == SelectorKind::kBall && (extent.y != 0 || extent.z != 0)) {
    return wrong(schema, table, "a ball has its radius in x; y and z of its extent are 0");
  }
  if (!grid->has_z() && (extent.z != 0 || area.center.z != 0)) {
    return wrong(schema, table, "its grid is flat: z of centre and extent are 0");
  }
  return {};
}

}  // namespace ecsdb
