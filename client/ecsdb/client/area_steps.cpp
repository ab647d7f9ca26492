#include "ecsdb/client/area_steps.h"

#include "ecsdb/schema/lane_codec.h"
#include "ecsdb/schema/quantise.h"

namespace ecsdb {
namespace {

/// A length in steps; false for what is none.
bool length_in_steps(double length, double precision, int64_t& steps) {
  if (!(length >= 0)) return false;  // also NaN
  if (!steps_of(length, precision, limit_of_steps(FieldType::kF64), steps)) steps = INT64_MAX;
  return true;
}

}  // namespace

Result<StepArea> area_in_steps(const Schema& schema, uint16_t table, const AreaSpec& spec) {
  const auto grid = area_grid(schema, table);
  if (!grid) {
    return fail(ErrorCode::kTypeMismatch,
                schema.table(table).name + ": it has no grid, and follows no table that has");
  }
  const FieldDef& field = schema.table(grid->table).fields[grid->field];
  StepArea out{*grid, {spec.kind, {}, {}, 0}};
  const bool is_ball = spec.kind == SelectorKind::kBall;
  const auto place = [&](double value, int64_t& steps) -> Status {
    auto quantised = quantise_scalar(field.quantise, field.type, value);
    if (!quantised.ok()) return quantised.error();
    steps = *quantised;
    return {};
  };
  ECSDB_TRY(place(spec.center.x, out.area.center.x));
  ECSDB_TRY(place(spec.center.y, out.area.center.y));
  if (grid->has_z()) ECSDB_TRY(place(spec.center.z, out.area.center.z));
  int64_t margin = 0;
  const double step = field.quantise.precision;
  const bool fits =
      length_in_steps(spec.extent.x, step, out.area.extent.x) &&
      (is_ball || length_in_steps(spec.extent.y, step, out.area.extent.y)) &&
      (is_ball || !grid->has_z() || length_in_steps(spec.extent.z, step, out.area.extent.z)) &&
      length_in_steps(spec.options.margin, step, margin);
  if (!fits) {
    return fail(ErrorCode::kValueOutOfRange,
                schema.table(table).name + ": a length of the area is negative or no number");
  }
  out.area.margin = static_cast<uint64_t>(margin);
  return out;
}

AreaPoint area_point(const Schema& schema, const AreaGrid& grid, const GridPoint& at) {
  const Quantise& steps = schema.table(grid.table).fields[grid.field].quantise;
  return AreaPoint(dequantise_scalar(steps, at.x), dequantise_scalar(steps, at.y),
                   dequantise_scalar(steps, at.z));
}

}  // namespace ecsdb
