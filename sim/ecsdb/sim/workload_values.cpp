#include "ecsdb/sim/workload_values.h"

#include <algorithm>
#include <limits>

#include "ecsdb/base/check.h"
#include "ecsdb/sim/scenario.h"

namespace ecsdb::sim {
namespace {

// All drawn floats are small whole numbers of a power of two: the same on every compiler.
float draw_float(Prng& rng, int64_t low, int64_t high) {
  return static_cast<float>(rng.between(low * 16, high * 16)) / 16;
}

std::string draw_text(Prng& rng, size_t bytes_max) {
  // Letters of one, two and three bytes.
  static constexpr const char* kLetters[] = {"a", "e", "n",        "s",
                                             "t", " ", "\xc3\xb6", "\xe2\x82\xac"};
  std::string out;
  const size_t length = static_cast<size_t>(rng.below(bytes_max + 1));
  while (true) {
    const std::string letter = kLetters[rng.below(std::size(kLetters))];
    if (out.size() + letter.size() > length) return out;
    out += letter;
  }
}

Quatf draw_rotation(Prng& rng) {
  return Quatf{draw_float(rng, -4, 4), draw_float(rng, -4, 4), draw_float(rng, -4, 4),
               draw_float(rng, 1, 5)};
}

uint64_t draw_unsigned(Prng& rng, unsigned bits) {
  const uint64_t max = bits >= 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
  if (rng.chance(1, 8)) return max - rng.below(2);
  // Small and large ones alike: varints of every length.
  return rng.next() >> (64 - bits) >> rng.below(bits);
}

int64_t draw_signed(Prng& rng, unsigned bits) {
  const int64_t half = static_cast<int64_t>(draw_unsigned(rng, bits - 1));
  return rng.chance(1, 2) ? half : -half - 1;
}

double draw_double(const FieldDef& field, Prng& rng) {
  if (field.quantise.kind == QuantiseKind::kRange) {
    return static_cast<double>(draw_float(rng, 0, 100));
  }
  if (field.quantise.kind == QuantiseKind::kPrecision) {
    return static_cast<double>(rng.between(-1'000'000, 1'000'000)) / 64;
  }
  if (rng.chance(1, 16)) return field.type == FieldType::kF32 ? -0.0 : -1.0 / 3;
  return static_cast<double>(draw_float(rng, -1000, 1000));
}

Vec2f draw_place(Prng& rng) {
  constexpr int64_t kHalf = kMapSize / 2;
  return Vec2f{draw_float(rng, -kHalf, kHalf - 1), draw_float(rng, -kHalf, kHalf - 1)};
}

Vec3f draw_place_in_space(Prng& rng) {
  constexpr int64_t kHalf = kOrbMapSize / 2;
  return Vec3f{draw_float(rng, -kHalf, kHalf - 1), draw_float(rng, -kHalf, kHalf - 1),
               draw_float(rng, -kHalf, kHalf - 1)};
}

}  // namespace

Vec2f draw_step(const Vec2f& from, Prng& rng) {
  constexpr float kEnd = kMapSize / 2 - 1;
  const float x = from.x + draw_float(rng, -20, 20);
  const float y = from.y + draw_float(rng, -20, 20);
  return Vec2f{std::clamp(x, -kEnd, kEnd), std::clamp(y, -kEnd, kEnd)};
}

Value draw_value(const Schema& schema, uint16_t table, uint16_t index,
                 std::span<const EntityId> people, Prng& rng) {
  const FieldDef& field = schema.table(table).fields[index];
  switch (field.type) {
    case FieldType::kBool:
      return rng.chance(1, 2);
    case FieldType::kU8:
      return draw_unsigned(rng, 8);
    case FieldType::kU16:
      return draw_unsigned(rng, 16);
    case FieldType::kU32:
      return draw_unsigned(rng, 32);
    case FieldType::kU64:
      return draw_unsigned(rng, 64);
    case FieldType::kI8:
      return draw_signed(rng, 8);
    case FieldType::kI16:
      return draw_signed(rng, 16);
    case FieldType::kI32:
      return table == kChatTable ? rng.between(0, kRooms - 1) : draw_signed(rng, 32);
    case FieldType::kI64:
      return draw_signed(rng, 64);
    case FieldType::kF32:
    case FieldType::kF64:
      return draw_double(field, rng);
    case FieldType::kVec2f:
      return draw_place(rng);
    case FieldType::kVec3f:
      return draw_place_in_space(rng);
    case FieldType::kQuatf:
      return draw_rotation(rng);
    case FieldType::kEnum:
      return EnumValue{static_cast<uint8_t>(rng.below(4))};
    case FieldType::kBits:
      return BitSet{draw_unsigned(rng, field.bit_count)};
    case FieldType::kEntity:
      return people[rng.below(people.size())];
    case FieldType::kPrincipal:
      return PrincipalId{1 + rng.below(kPrincipals)};
    case FieldType::kStr:
      return draw_text(rng, field.bytes_max);
    case FieldType::kBytes: {
      const std::string text = draw_text(rng, field.bytes_max);
      return Blob(text.begin(), text.end());
    }
  }
  ECSDB_CHECK(false);
  return false;
}

bool has_illegal_values(const FieldDef& field) {
  switch (field.type) {
    case FieldType::kU8:
    case FieldType::kI16:
    case FieldType::kEnum:
    case FieldType::kStr:
    case FieldType::kVec2f:
      return true;
    default:
      return false;
  }
}

Value draw_illegal_value(const FieldDef& field) {
  switch (field.type) {
    case FieldType::kU8:
      return uint64_t{256};
    case FieldType::kI16:
      return int64_t{-32'769};
    case FieldType::kEnum:
      return EnumValue{4};
    case FieldType::kStr:
      return std::string(field.bytes_max + 1, 'x');
    case FieldType::kVec2f:
      return Vec2f{0, std::numeric_limits<float>::infinity()};
    default:
      break;
  }
  ECSDB_CHECK(false);
  return false;
}

std::vector<FieldValue> draw_change(const Schema& schema, uint16_t table,
                                    std::span<const EntityId> people, Prng& rng) {
  const std::vector<FieldDef>& fields = schema.table(table).fields;
  std::vector<FieldValue> out;
  const size_t first = static_cast<size_t>(rng.below(fields.size()));
  for (size_t i = 0; i < fields.size(); ++i) {
    const auto index = static_cast<uint16_t>((first + i) % fields.size());
    if (fields[index].server_only) continue;
    out.push_back({index, draw_value(schema, table, index, people, rng)});
    if (rng.chance(2, 3)) break;
  }
  return out;
}

std::vector<FieldValue> draw_row(const Schema& schema, uint16_t table,
                                 std::span<const EntityId> people, Prng& rng) {
  const std::vector<FieldDef>& fields = schema.table(table).fields;
  const bool sparse = rng.chance(1, 4);
  std::vector<FieldValue> out;
  for (uint16_t index = 0; index < fields.size(); ++index) {
    if (sparse && rng.chance(1, 2)) continue;
    out.push_back({index, draw_value(schema, table, index, people, rng)});
  }
  return out;
}

}  // namespace ecsdb::sim
