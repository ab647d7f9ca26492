#include "ecsdb/schema/field_lanes.h"

#include <cmath>

namespace ecsdb {
namespace {

uint8_t width_of_bits(unsigned bits) {
  if (bits <= 8) return 1;
  if (bits <= 16) return 2;
  return bits <= 32 ? 4 : 8;
}

uint64_t max_of_bits(unsigned bits) {
  return bits >= 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
}

Lane unsigned_lane(unsigned bits) {
  return Lane{0, width_of_bits(bits), LaneKind::kUnsigned, max_of_bits(bits)};
}

Lane signed_lane(uint8_t width) { return Lane{0, width, LaneKind::kSigned, 0}; }

Lane float_lane(const FieldDef& def, uint8_t width) {
  switch (def.quantise.kind) {
    case QuantiseKind::kPrecision:
      return signed_lane(width);
    case QuantiseKind::kRange:
      return unsigned_lane(def.quantise.bits);
    case QuantiseKind::kNone:
    case QuantiseKind::kQuat:
      break;
  }
  return Lane{0, width, LaneKind::kFloat, 0};
}

FieldLanes repeat(Lane lane, uint16_t count) {
  FieldLanes out;
  out.count = count;
  for (uint16_t i = 0; i < count; ++i) out.lane[i] = lane;
  return out;
}

FieldLanes quaternion_lanes(const FieldDef& def) {
  if (def.quantise.kind != QuantiseKind::kQuat) return repeat(float_lane(def, 4), 4);
  FieldLanes out = repeat(unsigned_lane(def.quantise.bits), 4);
  out.lane[0] = Lane{0, 1, LaneKind::kUnsigned, 3};
  return out;
}

}  // namespace

FieldLanes field_lanes(const FieldDef& def) {
  switch (def.type) {
    case FieldType::kBool:
      return repeat(Lane{0, 1, LaneKind::kUnsigned, 1}, 1);
    case FieldType::kU8:
      return repeat(unsigned_lane(8), 1);
    case FieldType::kU16:
      return repeat(unsigned_lane(16), 1);
    case FieldType::kU32:
      return repeat(unsigned_lane(32), 1);
    case FieldType::kU64:
      return repeat(unsigned_lane(64), 1);
    case FieldType::kI8:
      return repeat(signed_lane(1), 1);
    case FieldType::kI16:
      return repeat(signed_lane(2), 1);
    case FieldType::kI32:
      return repeat(signed_lane(4), 1);
    case FieldType::kI64:
      return repeat(signed_lane(8), 1);
    case FieldType::kF32:
      return repeat(float_lane(def, 4), 1);
    case FieldType::kF64:
      return repeat(float_lane(def, 8), 1);
    case FieldType::kVec2f:
      return repeat(float_lane(def, 4), 2);
    case FieldType::kVec3f:
      return repeat(float_lane(def, 4), 3);
    case FieldType::kQuatf:
      return quaternion_lanes(def);
    case FieldType::kEnum:
      return repeat(unsigned_lane(8), 1);
    case FieldType::kBits:
      return repeat(unsigned_lane(def.bit_count), 1);
    case FieldType::kEntity:
    case FieldType::kPrincipal:
      return repeat(unsigned_lane(64), 1);
    case FieldType::kStr:
    case FieldType::kBytes:
      break;
  }
  return FieldLanes{};
}

std::optional<int64_t> grid_steps(double size, double precision) {
  const double steps = size / precision;
  const double whole = std::floor(steps + 0.5);
  if (!(whole >= 1 && whole <= 2147483647.0)) return std::nullopt;
  if (std::fabs(steps - whole) > 1e-6 * whole) return std::nullopt;
  return static_cast<int64_t>(whole);
}

}  // namespace ecsdb
