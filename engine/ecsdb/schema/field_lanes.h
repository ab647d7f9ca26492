// How a field is laid out in lanes; shared by layout, canonical values and checks.
#pragma once

#include <cstdint>
#include <optional>

#include "ecsdb/schema/schema.h"

namespace ecsdb {

inline constexpr size_t kLanesPerFieldMax = 4;

struct FieldLanes {
  Lane lane[kLanesPerFieldMax];  // `field` is 0
  uint16_t count = 0;            // 0 for text fields
};

/// Lanes of a valid field.
FieldLanes field_lanes(const FieldDef& def);

/// Steps of a grid cell's edge: `size` in units of `precision`, if that is a whole number from 1 to
/// 2^31 - 1. Rounding of the two decimal numbers to binary is tolerated (1e-6 relative).
std::optional<int64_t> grid_steps(double size, double precision);

inline bool is_text(FieldType type) { return type == FieldType::kStr || type == FieldType::kBytes; }
inline bool is_integer(FieldType type) { return type >= FieldType::kU8 && type <= FieldType::kI64; }
/// f32, f64 and the vectors: what `precision` and `min/max/bits` apply to.
inline bool is_scalar_float(FieldType type) {
  return type >= FieldType::kF32 && type <= FieldType::kVec3f;
}

}  // namespace ecsdb
