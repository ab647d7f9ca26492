// Values to and from lanes and canonical text.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/field_lanes.h"
#include "ecsdb/schema/lane_codec.h"
#include "ecsdb/schema/number_text.h"
#include "ecsdb/schema/quantise.h"

namespace ecsdb {
namespace {

constexpr const char* kAlternativeNames[] = {
    "a bool",  "an unsigned integer", "a signed integer", "a float",   "a vec2f",     "a vec3f",
    "a quatf", "an enum value",       "a bit set",        "an entity", "a principal", "a string",
    "bytes"};
static_assert(std::size(kAlternativeNames) == std::variant_size_v<Value>);

std::string field_text(const FieldDef& def) {
  return "field \"" + def.name + "\" (" + std::string(field_type_name(def.type)) + ")";
}

Error mismatch(const FieldDef& def, const Value& value) {
  return fail(ErrorCode::kTypeMismatch,
              field_text(def) + " was given " + kAlternativeNames[value.index()]);
}

Error out_of_range(const FieldDef& def, const std::string& why) {
  return fail(ErrorCode::kValueOutOfRange, field_text(def) + ": " + why);
}

// Between double and float bits by hand where the value is NaN: the processor would set the quiet
// bit, and unquantised floats are opaque.
uint32_t float_bits(double value) {
  if (!std::isnan(value)) return std::bit_cast<uint32_t>(static_cast<float>(value));
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  const auto sign = static_cast<uint32_t>(bits >> 32) & 0x80000000u;
  const auto payload = static_cast<uint32_t>(bits >> 29) & 0x7fffffu;
  return sign | 0x7f800000u | (payload == 0 ? 0x400000u : payload);
}

double double_of_float_bits(uint32_t bits) {
  const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
  if (!is_nan) return static_cast<double>(std::bit_cast<float>(bits));
  const uint64_t sign = static_cast<uint64_t>(bits & 0x80000000u) << 32;
  return std::bit_cast<double>(sign | 0x7ff0000000000000u |
                               (static_cast<uint64_t>(bits & 0x7fffffu) << 29));
}

uint64_t unsigned_max(const FieldDef& def) {
  const unsigned bits =
      def.type == FieldType::kBits
          ? def.bit_count
          : 8u << (static_cast<unsigned>(def.type) - static_cast<unsigned>(FieldType::kU8));
  return ~uint64_t{0} >> (64 - bits);
}

int64_t signed_max(const FieldDef& def) {
  const unsigned bits =
      8u << (static_cast<unsigned>(def.type) - static_cast<unsigned>(FieldType::kI8));
  return std::numeric_limits<int64_t>::max() >> (64 - bits);
}

bool encode_double(const FieldDef& def, double value, uint64_t& lane) {
  if (def.quantise.kind != QuantiseKind::kNone) {
    int64_t steps = 0;
    const bool fits = try_quantise_scalar(def.quantise, def.type, value, steps);
    lane = static_cast<uint64_t>(steps);
    return fits;
  }
  if (def.type == FieldType::kF64) {
    lane = std::bit_cast<uint64_t>(value);
    return true;
  }
  if (std::isfinite(value) && std::fabs(value) > std::numeric_limits<float>::max()) return false;
  lane = float_bits(value);
  return true;
}

bool encode_component(const FieldDef& def, float value, uint64_t& lane) {
  if (def.quantise.kind == QuantiseKind::kNone) {
    lane = std::bit_cast<uint32_t>(value);
    return true;
  }
  int64_t steps = 0;
  if (!try_quantise_scalar(def.quantise, def.type, static_cast<double>(value), steps)) return false;
  lane = static_cast<uint64_t>(steps);
  return true;
}

/// Whether it is of the alternative that the field takes.
bool takes(const FieldDef& def, const Value& value) {
  const Value any = is_text(def.type) ? from_text(def, {}) : from_lanes(def, LaneValues{});
  return value.index() == any.index();
}

// Why a value of the right type is out of range.

Error unsigned_error(const FieldDef& def, uint64_t value) {
  return out_of_range(def, std::to_string(value) + " is more than its largest value " +
                               std::to_string(unsigned_max(def)));
}

Error signed_error(const FieldDef& def, int64_t value) {
  const int64_t high = signed_max(def);
  return out_of_range(def, std::to_string(value) + " is not within " + std::to_string(-high - 1) +
                               " to " + std::to_string(high));
}

Error double_error(const FieldDef& def, double value) {
  if (def.quantise.kind != QuantiseKind::kNone) {
    return out_of_range(def, quantise_scalar(def.quantise, def.type, value).error().context);
  }
  return out_of_range(def, number_text(value) + " is more than a 32-bit float can hold");
}

Error components_error(const FieldDef& def, std::span<const float> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    const Result<int64_t> steps =
        quantise_scalar(def.quantise, def.type, static_cast<double>(values[i]));
    if (steps.ok()) continue;
    return out_of_range(def, std::string(1, "xyzw"[i]) + ": " + steps.error().context);
  }
  return out_of_range(def, "?");
}

Error enum_error(const FieldDef& def, EnumValue value) {
  return out_of_range(def, "number " + std::to_string(value.number) + " is not one of the " +
                               std::to_string(def.enum_size) + " values of enum \"" +
                               def.enum_name + "\"");
}

Error lanes_error(const FieldDef& def, const Value& value) {
  if (const auto* v = std::get_if<uint64_t>(&value)) return unsigned_error(def, *v);
  if (const auto* v = std::get_if<BitSet>(&value)) return unsigned_error(def, v->bits);
  if (const auto* v = std::get_if<int64_t>(&value)) return signed_error(def, *v);
  if (const auto* v = std::get_if<double>(&value)) return double_error(def, *v);
  if (const auto* v = std::get_if<EnumValue>(&value)) return enum_error(def, *v);
  if (const auto* v = std::get_if<Quatf>(&value)) {
    return out_of_range(def, quantise_quaternion(def.quantise.bits, *v).error().context);
  }
  if (const auto* v = std::get_if<Vec2f>(&value)) {
    const float parts[2] = {v->x, v->y};
    return components_error(def, parts);
  }
  const Vec3f v = std::get<Vec3f>(value);  // every value of the other types is in range
  const float parts[3] = {v.x, v.y, v.z};
  return components_error(def, parts);
}

float component(const FieldDef& def, uint64_t lane) {
  if (def.quantise.kind == QuantiseKind::kNone) {
    return std::bit_cast<float>(static_cast<uint32_t>(lane));
  }
  return static_cast<float>(dequantise_scalar(def.quantise, static_cast<int64_t>(lane)));
}

Value double_from_lane(const FieldDef& def, uint64_t lane) {
  const bool wide = def.type == FieldType::kF64;
  if (def.quantise.kind != QuantiseKind::kNone) {
    const double value = dequantise_scalar(def.quantise, static_cast<int64_t>(lane));
    return wide ? value : static_cast<double>(static_cast<float>(value));
  }
  return wide ? std::bit_cast<double>(lane) : double_of_float_bits(static_cast<uint32_t>(lane));
}

Value quaternion_from_lanes(const FieldDef& def, const LaneValues& lanes) {
  if (def.quantise.kind == QuantiseKind::kQuat) {
    return dequantise_quaternion(def.quantise.bits, lanes);
  }
  return Quatf{component(def, lanes.lane[0]), component(def, lanes.lane[1]),
               component(def, lanes.lane[2]), component(def, lanes.lane[3])};
}

}  // namespace

bool encode_lanes(const FieldDef&, bool value, LaneValues& lanes) {
  lanes = LaneValues{{value ? 1u : 0u}};
  return true;
}

bool encode_lanes(const FieldDef& def, uint64_t value, LaneValues& lanes) {
  lanes = LaneValues{{value}};
  return value <= unsigned_max(def);
}

bool encode_lanes(const FieldDef& def, int64_t value, LaneValues& lanes) {
  lanes = LaneValues{{static_cast<uint64_t>(value)}};
  const int64_t high = signed_max(def);
  return value <= high && value >= -high - 1;
}

bool encode_lanes(const FieldDef& def, double value, LaneValues& lanes) {
  lanes = LaneValues{};
  return encode_double(def, value, lanes.lane[0]);
}

bool encode_lanes(const FieldDef& def, EnumValue value, LaneValues& lanes) {
  lanes = LaneValues{{value.number}};
  return value.number <= 0xff && (def.enum_size == 0 || value.number < def.enum_size);
}

bool encode_lanes(const FieldDef& def, BitSet value, LaneValues& lanes) {
  return encode_lanes(def, value.bits, lanes);
}

bool encode_lanes(const FieldDef&, EntityId value, LaneValues& lanes) {
  lanes = LaneValues{{value.value}};
  return true;
}

bool encode_lanes(const FieldDef&, PrincipalId value, LaneValues& lanes) {
  lanes = LaneValues{{value.value}};
  return true;
}

bool encode_lanes(const FieldDef& def, const Vec2f& value, LaneValues& lanes) {
  lanes = LaneValues{};
  return encode_component(def, value.x, lanes.lane[0]) &&
         encode_component(def, value.y, lanes.lane[1]);
}

bool encode_lanes(const FieldDef& def, const Vec3f& value, LaneValues& lanes) {
  lanes = LaneValues{};
  return encode_component(def, value.x, lanes.lane[0]) &&
         encode_component(def, value.y, lanes.lane[1]) &&
         encode_component(def, value.z, lanes.lane[2]);
}

bool encode_lanes(const FieldDef& def, const Quatf& value, LaneValues& lanes) {
  if (def.quantise.kind == QuantiseKind::kNone) {
    lanes = LaneValues{{std::bit_cast<uint32_t>(value.x), std::bit_cast<uint32_t>(value.y),
                        std::bit_cast<uint32_t>(value.z), std::bit_cast<uint32_t>(value.w)}};
    return true;
  }
  const Result<LaneValues> quantised = quantise_quaternion(def.quantise.bits, value);
  if (quantised.ok()) lanes = *quantised;
  return quantised.ok();
}

bool encode_many(const FieldDef& def, std::span<const uint64_t> values, std::span<uint64_t> lanes) {
  uint64_t highest = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    highest = std::max(highest, values[i]);
    lanes[i] = values[i];
  }
  return highest <= unsigned_max(def);
}

bool encode_many(const FieldDef& def, std::span<const int64_t> values, std::span<uint64_t> lanes) {
  int64_t lowest = 0;
  int64_t highest = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    lowest = std::min(lowest, values[i]);
    highest = std::max(highest, values[i]);
    lanes[i] = static_cast<uint64_t>(values[i]);
  }
  const int64_t high = signed_max(def);
  return highest <= high && lowest >= -high - 1;
}

bool encode_many(const FieldDef& def, std::span<const double> values, std::span<uint64_t> lanes) {
  const bool is_precise = def.quantise.kind == QuantiseKind::kPrecision;
  const double limit = limit_of_steps(def.type);
  for (size_t i = 0; i < values.size(); ++i) {
    int64_t steps = 0;
    const bool fits = is_precise ? steps_of(values[i], def.quantise.precision, limit, steps)
                                 : encode_double(def, values[i], lanes[i]);
    if (!fits) return false;
    if (is_precise) lanes[i] = static_cast<uint64_t>(steps);
  }
  return true;
}

LaneCodec::LaneCodec(const FieldDef& def) {
  if (is_integer(def.type)) {
    const bool is_signed = def.type >= FieldType::kI8;
    kind_ = is_signed ? Kind::kSigned : Kind::kUnsigned;
    max_ = is_signed ? signed_max(def) : static_cast<int64_t>(unsigned_max(def));
  } else if (def.type == FieldType::kF32 || def.type == FieldType::kF64) {
    if (def.quantise.kind != QuantiseKind::kPrecision) return;
    kind_ = Kind::kSteps;
    precision_ = def.quantise.precision;
    limit_ = limit_of_steps(def.type);
  }
}

bool try_to_lanes(const FieldDef& def, const Value& value, LaneValues& lanes) {
  const auto encode = [&](const auto* v) { return v != nullptr && encode_lanes(def, *v, lanes); };
  switch (def.type) {
    case FieldType::kBool:
      return encode(std::get_if<bool>(&value));
    case FieldType::kU8:
    case FieldType::kU16:
    case FieldType::kU32:
    case FieldType::kU64:
      return encode(std::get_if<uint64_t>(&value));
    case FieldType::kI8:
    case FieldType::kI16:
    case FieldType::kI32:
    case FieldType::kI64:
      return encode(std::get_if<int64_t>(&value));
    case FieldType::kF32:
    case FieldType::kF64:
      return encode(std::get_if<double>(&value));
    case FieldType::kVec2f:
      return encode(std::get_if<Vec2f>(&value));
    case FieldType::kVec3f:
      return encode(std::get_if<Vec3f>(&value));
    case FieldType::kQuatf:
      return encode(std::get_if<Quatf>(&value));
    case FieldType::kEnum:
      return encode(std::get_if<EnumValue>(&value));
    case FieldType::kBits:
      return encode(std::get_if<BitSet>(&value));
    case FieldType::kEntity:
      return encode(std::get_if<EntityId>(&value));
    case FieldType::kPrincipal:
      return encode(std::get_if<PrincipalId>(&value));
    case FieldType::kStr:
    case FieldType::kBytes:
      break;
  }
  return false;
}

Result<LaneValues> to_lanes(const FieldDef& def, const Value& value) {
  LaneValues lanes;
  if (try_to_lanes(def, value, lanes)) return lanes;
  return is_text(def.type) || !takes(def, value) ? mismatch(def, value) : lanes_error(def, value);
}

Value from_lanes(const FieldDef& def, const LaneValues& lanes) {
  const uint64_t first = lanes.lane[0];
  switch (def.type) {
    case FieldType::kBool:
      return first != 0;
    case FieldType::kU8:
    case FieldType::kU16:
    case FieldType::kU32:
    case FieldType::kU64:
      return first;
    case FieldType::kI8:
    case FieldType::kI16:
    case FieldType::kI32:
    case FieldType::kI64:
      return static_cast<int64_t>(first);
    case FieldType::kF32:
    case FieldType::kF64:
      return double_from_lane(def, first);
    case FieldType::kVec2f:
      return Vec2f{component(def, first), component(def, lanes.lane[1])};
    case FieldType::kVec3f:
      return Vec3f{component(def, first), component(def, lanes.lane[1]),
                   component(def, lanes.lane[2])};
    case FieldType::kQuatf:
      return quaternion_from_lanes(def, lanes);
    case FieldType::kEnum:
      return EnumValue{static_cast<uint8_t>(first)};
    case FieldType::kBits:
      return BitSet{first};
    case FieldType::kEntity:
      return EntityId{first};
    case FieldType::kPrincipal:
      return PrincipalId{first};
    case FieldType::kStr:
    case FieldType::kBytes:
      break;
  }
  ECSDB_CHECK(!is_text(def.type));
  return false;
}

bool lanes_are_canonical(const FieldDef& def, const LaneValues& lanes) {
  const FieldLanes layout = field_lanes(def);
  for (size_t i = 0; i < kLanesPerFieldMax; ++i) {
    const uint64_t value = lanes.lane[i];
    if (i >= layout.count) {
      if (value != 0) return false;
      continue;
    }
    if (!lane_is_canonical(layout.lane[i], value)) return false;
  }
  return true;
}

LaneValues default_lanes(const FieldDef& def) {
  if (def.default_value) {
    const Result<LaneValues> lanes = to_lanes(def, *def.default_value);
    ECSDB_CHECK(lanes.ok());
    return *lanes;
  }
  if (def.type == FieldType::kQuatf) return *to_lanes(def, Quatf{});
  if (is_scalar_float(def.type) && def.quantise.kind == QuantiseKind::kRange) {
    const Result<int64_t> zero = quantise_scalar(def.quantise, def.type, 0);
    LaneValues out;
    for (size_t i = 0; zero.ok() && i < field_lanes(def).count; ++i) {
      out.lane[i] = static_cast<uint64_t>(*zero);
    }
    return out;
  }
  return LaneValues{};
}

bool try_to_text(const FieldDef& def, const Value& value, std::string_view& text) {
  if (const auto* str = std::get_if<std::string>(&value); str && def.type == FieldType::kStr) {
    text = *str;
  } else if (const auto* blob = std::get_if<Blob>(&value); blob && def.type == FieldType::kBytes) {
    text = as_text(*blob);
  } else {
    return false;
  }
  return text_is_canonical(def, text);
}

Result<std::string> to_text(const FieldDef& def, const Value& value) {
  std::string_view text;
  if (try_to_text(def, value, text)) return std::string(text);
  if (!is_text(def.type) || !takes(def, value)) return mismatch(def, value);
  if (text.size() > def.bytes_max) {
    return fail(ErrorCode::kTextTooLong, field_text(def) + ": " + std::to_string(text.size()) +
                                             " bytes, at most " + std::to_string(def.bytes_max) +
                                             " fit");
  }
  return fail(ErrorCode::kBadText,
              field_text(def) + ": not UTF-8; keep other bytes in a bytes field");
}

Value from_text(const FieldDef& def, std::string_view text) {
  ECSDB_CHECK(is_text(def.type));
  if (def.type == FieldType::kStr) return std::string(text);
  return Blob(text.begin(), text.end());
}

bool text_is_canonical(const FieldDef& def, std::string_view text) {
  return text.size() <= def.bytes_max && (def.type != FieldType::kStr || is_utf8(text));
}

std::string default_text(const FieldDef& def) {
  if (!def.default_value) return {};
  Result<std::string> text = to_text(def, *def.default_value);
  ECSDB_CHECK(text.ok());
  return *std::move(text);
}

}  // namespace ecsdb
