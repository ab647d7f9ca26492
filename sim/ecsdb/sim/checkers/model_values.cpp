#include "ecsdb/sim/checkers/model_values.h"

#include <bit>
#include <cmath>
#include <vector>

#include "ecsdb/base/check.h"

namespace ecsdb::sim {
namespace {

const double kRoot2 = std::sqrt(2.0);

bool is_quantised(const FieldDef& field) { return field.quantise.kind != QuantiseKind::kNone; }

/// Bits of an integer type, 0 for others.
unsigned integer_bits(FieldType type) {
  switch (type) {
    case FieldType::kU8:
    case FieldType::kI8:
      return 8;
    case FieldType::kU16:
    case FieldType::kI16:
      return 16;
    case FieldType::kU32:
    case FieldType::kI32:
      return 32;
    case FieldType::kU64:
    case FieldType::kI64:
      return 64;
    default:
      return 0;
  }
}

size_t lane_count(FieldType type) {
  switch (type) {
    case FieldType::kVec2f:
      return 2;
    case FieldType::kVec3f:
      return 3;
    case FieldType::kQuatf:
      return 4;
    case FieldType::kStr:
    case FieldType::kBytes:
      return 0;
    default:
      return 1;
  }
}

/// Whether a lane takes two words of the row hash: it is wider than 32 bits.
bool has_wide_lanes(const FieldDef& field) {
  switch (field.type) {
    case FieldType::kU64:
    case FieldType::kI64:
    case FieldType::kEntity:
    case FieldType::kPrincipal:
      return true;
    case FieldType::kF64:
      return field.quantise.kind != QuantiseKind::kRange;
    case FieldType::kBits:
      return field.bit_count > 32;
    default:
      return false;
  }
}

std::optional<Canonical> one_lane(uint64_t value) { return Canonical{{value, 0, 0, 0}, {}}; }

/// Step of a quantised component, or none.
std::optional<int64_t> step_of(const FieldDef& field, double x) {
  const Quantise& q = field.quantise;
  if (q.kind == QuantiseKind::kPrecision) {
    const double k = std::floor(x / q.precision + 0.5);
    const double end = field.type == FieldType::kF64 ? std::ldexp(1.0, 63) : std::ldexp(1.0, 31);
    if (!(k >= -end && k < end)) return std::nullopt;
    return static_cast<int64_t>(k);
  }
  if (!(x >= q.min && x <= q.max)) return std::nullopt;
  const double top = std::ldexp(1.0, q.bits) - 1;
  const double k = std::floor((x - q.min) * top / (q.max - q.min) + 0.5);
  return static_cast<int64_t>(k < 0 ? 0 : k > top ? top : k);
}

double value_of_step(const FieldDef& field, uint64_t lane) {
  const Quantise& q = field.quantise;
  const double k = static_cast<double>(static_cast<int64_t>(lane));
  if (q.kind == QuantiseKind::kPrecision) return k * q.precision;
  return q.min + k * (q.max - q.min) / (std::ldexp(1.0, q.bits) - 1);
}

std::optional<Canonical> components(const FieldDef& field, const std::array<float, 4>& part) {
  Canonical out;
  for (size_t i = 0; i < lane_count(field.type); ++i) {
    if (!is_quantised(field)) {
      out.lane[i] = std::bit_cast<uint32_t>(part[i]);
      continue;
    }
    const auto step = step_of(field, static_cast<double>(part[i]));
    if (!step) return std::nullopt;
    out.lane[i] = static_cast<uint64_t>(*step);
  }
  return out;
}

/// Smallest three: the sign is chosen so that the largest component is positive.
std::optional<Canonical> smallest_three(const FieldDef& field, const Quatf& q) {
  const std::array<double, 4> part = {static_cast<double>(q.x), static_cast<double>(q.y),
                                      static_cast<double>(q.z), static_cast<double>(q.w)};
  double norm = 0;
  size_t largest = 0;
  for (size_t i = 0; i < 4; ++i) {
    norm += part[i] * part[i];
    if (std::fabs(part[i]) > std::fabs(part[largest])) largest = i;
  }
  if (!(norm > 0) || std::isinf(norm)) return std::nullopt;
  double length = std::sqrt(norm);
  if (part[largest] < 0) length = -length;
  const double top = std::ldexp(1.0, field.quantise.bits) - 1;
  Canonical out;
  out.lane[0] = largest;
  for (size_t i = 0, at = 1; i < 4; ++i) {
    if (i == largest) continue;
    const double k = std::floor((part[i] / length * kRoot2 + 1) / 2 * top + 0.5);
    out.lane[at++] = static_cast<uint64_t>(k < 0 ? 0 : k > top ? top : k);
  }
  return out;
}

std::optional<Canonical> canonical_float(const FieldDef& field, double x) {
  if (is_quantised(field)) {
    const auto step = step_of(field, x);
    return step ? one_lane(static_cast<uint64_t>(*step)) : std::nullopt;
  }
  if (field.type == FieldType::kF64) return one_lane(std::bit_cast<uint64_t>(x));
  return one_lane(std::bit_cast<uint32_t>(static_cast<float>(x)));
}

std::optional<Canonical> canonical_unsigned(FieldType type, uint64_t x) {
  const unsigned bits = integer_bits(type);
  if (bits < 64 && x >> bits != 0) return std::nullopt;
  return one_lane(x);
}

std::optional<Canonical> canonical_signed(FieldType type, int64_t x) {
  const unsigned bits = integer_bits(type);
  if (bits < 64 && (x >> (bits - 1)) != (x < 0 ? -1 : 0)) return std::nullopt;
  return one_lane(static_cast<uint64_t>(x));
}

float component_of(const FieldDef& field, uint64_t lane) {
  if (!is_quantised(field)) return std::bit_cast<float>(static_cast<uint32_t>(lane));
  return static_cast<float>(value_of_step(field, lane));
}

Quatf rotation_of(const FieldDef& field, const Canonical& c) {
  if (!is_quantised(field)) {
    return Quatf{component_of(field, c.lane[0]), component_of(field, c.lane[1]),
                 component_of(field, c.lane[2]), component_of(field, c.lane[3])};
  }
  const double top = std::ldexp(1.0, field.quantise.bits) - 1;
  std::array<double, 4> part{};
  double sum = 0;
  for (size_t i = 0, at = 1; i < 4; ++i) {
    if (i == c.lane[0]) continue;
    part[i] = (static_cast<double>(c.lane[at++]) / top * 2 - 1) / kRoot2;
    sum += part[i] * part[i];
  }
  if (sum > 1) {
    const double length = std::sqrt(sum);
    for (double& p : part) p /= length;
  } else {
    part[static_cast<size_t>(c.lane[0])] = std::sqrt(1 - sum);
  }
  return Quatf{static_cast<float>(part[0]), static_cast<float>(part[1]),
               static_cast<float>(part[2]), static_cast<float>(part[3])};
}

double float_of(const FieldDef& field, uint64_t lane) {
  const bool is_double = field.type == FieldType::kF64;
  if (is_quantised(field)) {
    const double x = value_of_step(field, lane);
    return is_double ? x : static_cast<double>(static_cast<float>(x));
  }
  if (is_double) return std::bit_cast<double>(lane);
  return static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(lane)));
}

bool same_float(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

/// One overload for each alternative of Value.
struct ToCanonical {
  const FieldDef& field;
  bool is(FieldType type) const { return field.type == type; }

  std::optional<Canonical> operator()(bool x) const {
    return is(FieldType::kBool) ? one_lane(x ? 1 : 0) : std::nullopt;
  }
  std::optional<Canonical> operator()(uint64_t x) const {
    const bool fits = field.type >= FieldType::kU8 && field.type <= FieldType::kU64;
    return fits ? canonical_unsigned(field.type, x) : std::nullopt;
  }
  std::optional<Canonical> operator()(int64_t x) const {
    const bool fits = field.type >= FieldType::kI8 && field.type <= FieldType::kI64;
    return fits ? canonical_signed(field.type, x) : std::nullopt;
  }
  std::optional<Canonical> operator()(double x) const {
    const bool fits = is(FieldType::kF32) || is(FieldType::kF64);
    return fits ? canonical_float(field, x) : std::nullopt;
  }
  std::optional<Canonical> operator()(const Vec2f& v) const {
    return is(FieldType::kVec2f) ? components(field, {v.x, v.y, 0, 0}) : std::nullopt;
  }
  std::optional<Canonical> operator()(const Vec3f& v) const {
    return is(FieldType::kVec3f) ? components(field, {v.x, v.y, v.z, 0}) : std::nullopt;
  }
  std::optional<Canonical> operator()(const Quatf& q) const {
    if (!is(FieldType::kQuatf)) return std::nullopt;
    return is_quantised(field) ? smallest_three(field, q) : components(field, {q.x, q.y, q.z, q.w});
  }
  std::optional<Canonical> operator()(EnumValue x) const {
    const bool fits = is(FieldType::kEnum) && (field.enum_size == 0 || x.number < field.enum_size);
    return fits ? one_lane(x.number) : std::nullopt;
  }
  std::optional<Canonical> operator()(BitSet x) const {
    const bool fits =
        is(FieldType::kBits) && (field.bit_count == 64 || x.bits >> field.bit_count == 0);
    return fits ? one_lane(x.bits) : std::nullopt;
  }
  std::optional<Canonical> operator()(EntityId x) const {
    return is(FieldType::kEntity) ? one_lane(x.value) : std::nullopt;
  }
  std::optional<Canonical> operator()(PrincipalId x) const {
    return is(FieldType::kPrincipal) ? one_lane(x.value) : std::nullopt;
  }
  std::optional<Canonical> operator()(const std::string& x) const {
    if (!is(FieldType::kStr) || x.size() > field.bytes_max) return std::nullopt;
    return Canonical{{}, x};
  }
  std::optional<Canonical> operator()(const Blob& x) const {
    if (!is(FieldType::kBytes) || x.size() > field.bytes_max) return std::nullopt;
    return Canonical{{}, std::string(x.begin(), x.end())};
  }
};

}  // namespace

std::optional<Canonical> canonical_of(const FieldDef& field, const Value& value) {
  return std::visit(ToCanonical{field}, value);
}

Canonical canonical_default(const FieldDef& field) {
  if (field.default_value) return *canonical_of(field, *field.default_value);
  if (field.type == FieldType::kQuatf) return *canonical_of(field, Quatf{});
  Canonical out;
  const bool is_range = field.quantise.kind == QuantiseKind::kRange;
  if (const auto zero = is_range ? step_of(field, 0) : std::nullopt) {
    for (size_t i = 0; i < lane_count(field.type); ++i) out.lane[i] = static_cast<uint64_t>(*zero);
  }
  return out;
}

Value readable_of(const FieldDef& field, const Canonical& c) {
  switch (field.type) {
    case FieldType::kBool:
      return c.lane[0] != 0;
    case FieldType::kU8:
    case FieldType::kU16:
    case FieldType::kU32:
    case FieldType::kU64:
      return c.lane[0];
    case FieldType::kI8:
    case FieldType::kI16:
    case FieldType::kI32:
    case FieldType::kI64:
      return static_cast<int64_t>(c.lane[0]);
    case FieldType::kF32:
    case FieldType::kF64:
      return float_of(field, c.lane[0]);
    case FieldType::kVec2f:
      return Vec2f{component_of(field, c.lane[0]), component_of(field, c.lane[1])};
    case FieldType::kVec3f:
      return Vec3f{component_of(field, c.lane[0]), component_of(field, c.lane[1]),
                   component_of(field, c.lane[2])};
    case FieldType::kQuatf:
      return rotation_of(field, c);
    case FieldType::kEnum:
      return EnumValue{static_cast<uint8_t>(c.lane[0])};
    case FieldType::kBits:
      return BitSet{c.lane[0]};
    case FieldType::kEntity:
      return EntityId{c.lane[0]};
    case FieldType::kPrincipal:
      return PrincipalId{c.lane[0]};
    case FieldType::kStr:
      return c.text;
    case FieldType::kBytes:
      return Blob(c.text.begin(), c.text.end());
  }
  ECSDB_CHECK(false);
  return false;
}

int64_t grid_edge_of(const CellRule& rule, const FieldDef& field) {
  return static_cast<int64_t>(rule.size / field.quantise.precision + 0.5);
}

bool same_value(const Value& left, const Value& right) {
  if (left.index() != right.index()) return false;
  if (const auto* a = std::get_if<double>(&left)) {
    return std::bit_cast<uint64_t>(*a) == std::bit_cast<uint64_t>(std::get<double>(right));
  }
  if (const auto* a = std::get_if<Vec2f>(&left)) {
    const Vec2f& b = std::get<Vec2f>(right);
    return same_float(a->x, b.x) && same_float(a->y, b.y);
  }
  if (const auto* a = std::get_if<Vec3f>(&left)) {
    const Vec3f& b = std::get<Vec3f>(right);
    return same_float(a->x, b.x) && same_float(a->y, b.y) && same_float(a->z, b.z);
  }
  if (const auto* a = std::get_if<Quatf>(&left)) {
    const Quatf& b = std::get<Quatf>(right);
    return same_float(a->x, b.x) && same_float(a->y, b.y) && same_float(a->z, b.z) &&
           same_float(a->w, b.w);
  }
  return left == right;
}

namespace {

uint32_t hash_step(uint32_t x, uint32_t multiplier) {
  x ^= x >> 16;
  x *= multiplier;
  x ^= x >> 15;
  return x;
}

uint32_t hash_mix(uint32_t x) {
  x = hash_step(x, 0x7feb352d);
  x *= 0x846ca68b;
  x ^= x >> 16;
  return x;
}

/// Constant `k` of a place: of one table, 5 a place, counted on from place to place.
uint32_t hash_constant(TableId table, uint64_t place, uint64_t k) {
  const uint64_t nth = (place * 5 + k) * 0x9e3779b9u;
  return hash_mix(hash_mix(table.value) + static_cast<uint32_t>(nth));
}

}  // namespace

ModelRowHash::ModelRowHash(TableId table, EntityId entity) : table_(table) {
  add(0, static_cast<uint32_t>(entity.value));
  add(1, static_cast<uint32_t>(entity.value >> 32));
}

void ModelRowHash::add(uint64_t place, uint32_t word) {
  const uint32_t stepped = hash_step(word + hash_constant(table_, place, 4), 0x7feb352d);
  for (size_t lane = 0; lane < 4; ++lane) {
    sum_[lane] += stepped * (hash_constant(table_, place, lane) | 1);
  }
}

void ModelRowHash::add_text(uint64_t place, const std::string& text) {
  static constexpr std::array<uint32_t, 4> kMultiply = {0x239b961b, 0xab0e9789, 0x38b34ae5,
                                                        0xa1e38b93};
  std::vector<uint32_t> taken = {static_cast<uint32_t>(text.size())};
  for (size_t at = 0; at < text.size(); ++at) {
    if (at % 4 == 0) taken.push_back(0);
    taken.back() |= uint32_t{static_cast<uint8_t>(text[at])} << (8 * (at % 4));
  }
  for (size_t j = 0; j < 4; ++j) {
    uint32_t word = 0;
    for (const uint32_t next : taken) word = hash_step(word ^ next, 0x7feb352d) * kMultiply[j];
    add(place + j, word);
  }
}

void ModelRowHash::add_field(const FieldDef& field, const Canonical& canonical) {
  uint64_t place = uint64_t{field.id.value} * 8;
  const size_t lanes = lane_count(field.type);
  if (lanes == 0) return add_text(place, canonical.text);
  for (size_t i = 0; i < lanes; ++i) {
    add(place++, static_cast<uint32_t>(canonical.lane[i]));
    if (has_wide_lanes(field)) add(place++, static_cast<uint32_t>(canonical.lane[i] >> 32));
  }
}

Digest ModelRowHash::finish() const {
  Digest out;
  for (size_t lane = 0; lane < 4; ++lane) out.lane[lane] = hash_mix(sum_[lane]);
  return out;
}

}  // namespace ecsdb::sim
