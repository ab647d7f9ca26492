// Values as users see them: what a field of each type holds.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "ecsdb/base/ids.h"

namespace ecsdb {

struct Vec2f {
  float x = 0;
  float y = 0;
  bool operator==(const Vec2f&) const = default;
};

struct Vec3f {
  float x = 0;
  float y = 0;
  float z = 0;
  bool operator==(const Vec3f&) const = default;
};

/// A rotation; need not be normalised on the way in. A quantised one comes back normalised.
struct Quatf {
  float x = 0;
  float y = 0;
  float z = 0;
  float w = 1;
  bool operator==(const Quatf&) const = default;
};

/// The number of an enum's value, in the order of the schema. 255 is the largest that there can be;
/// the type is wider, so that a number that is none cannot wrap to another.
struct EnumValue {
  uint16_t number = 0;
  auto operator<=>(const EnumValue&) const = default;
};

/// A bit set of up to 64 bits, bit 0 first.
struct BitSet {
  uint64_t bits = 0;
  auto operator<=>(const BitSet&) const = default;
};

using Blob = std::vector<uint8_t>;

/// A field's value without a static type. Which alternative a field takes: bool -> bool; u8..u64 ->
/// uint64_t; i8..i64 -> int64_t; f32, f64 -> double; the vector types, enum, bit set, entity,
/// principal -> their own; str -> std::string; bytes -> Blob.
using Value = std::variant<bool, uint64_t, int64_t, double, Vec2f, Vec3f, Quatf, EnumValue, BitSet,
                           EntityId, PrincipalId, std::string, Blob>;

}  // namespace ecsdb
