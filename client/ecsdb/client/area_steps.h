// From areas in an application's units to steps, the one place where they become integers.
#pragma once

#include "ecsdb/base/result.h"
#include "ecsdb/client/areas.h"
#include "ecsdb/wire/area.h"

namespace ecsdb {

/// An area as it was asked for, in the application's units.
struct AreaSpec {
  SelectorKind kind = SelectorKind::kBall;
  AreaPoint center;
  AreaPoint extent;  // ball: x is the radius; range: half of each edge
  AreaOptions options;
};

/// The same in steps of a table's positions.
struct StepArea {
  AreaGrid grid;
  Area area;
};
/// kTypeMismatch where the table has no grid; kValueOutOfRange for what is no number, a negative
/// length, or a centre where no position can be. Lengths beyond all positions are cut.
Result<StepArea> area_in_steps(const Schema& schema, uint16_t table, const AreaSpec& spec);

/// The place of a position in steps.
AreaPoint area_point(const Schema& schema, const AreaGrid& grid, const GridPoint& at);

}  // namespace ecsdb
