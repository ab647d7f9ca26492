// Values to and from lanes and canonical text.
#include <bit>
#include <cmath>
#include <limits>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/field_lanes.h"
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

Result<LaneValues> unsigned_to_lane(const FieldDef& def, uint64_t value) {
  const Lane lane = field_lanes(def).lane[0];
  if (value > lane.max) {
    return out_of_range(
        def, std::to_string(value) + " is more than its largest value " + std::to_string(lane.max));
  }
  return LaneValues{{value}};
}

Result<LaneValues> signed_to_lane(const FieldDef& def, int64_t value) {
  const int64_t high =
      std::numeric_limits<int64_t>::max() >> (64 - 8 * field_lanes(def).lane[0].width);
  if (value > high || value < -high - 1) {
    return out_of_range(def, std::to_string(value) + " is not within " + std::to_string(-high - 1) +
                                 " to " + std::to_string(high));
  }
  return LaneValues{{static_cast<uint64_t>(value)}};
}

Result<LaneValues> double_to_lane(const FieldDef& def, double value) {
  if (def.quantise.kind != QuantiseKind::kNone) {
    const Result<int64_t> steps = quantise_scalar(def.quantise, def.type, value);
    if (!steps.ok()) return out_of_range(def, steps.error().context);
    return LaneValues{{static_cast<uint64_t>(*steps)}};
  }
  if (def.type == FieldType::kF64) return LaneValues{{std::bit_cast<uint64_t>(value)}};
  if (std::isfinite(value) && std::fabs(value) > std::numeric_limits<float>::max()) {
    return out_of_range(def, number_text(value) + " is more than a 32-bit float can hold");
  }
  return LaneValues{{float_bits(value)}};
}

Result<LaneValues> floats_to_lanes(const FieldDef& def, std::span<const float> values) {
  LaneValues out;
  for (size_t i = 0; i < values.size(); ++i) {
    if (def.quantise.kind == QuantiseKind::kNone) {
      out.lane[i] = std::bit_cast<uint32_t>(values[i]);
      continue;
    }
    const Result<int64_t> steps =
        quantise_scalar(def.quantise, def.type, static_cast<double>(values[i]));
    if (!steps.ok()) {
      return out_of_range(def, std::string(1, "xyzw"[i]) + ": " + steps.error().context);
    }
    out.lane[i] = static_cast<uint64_t>(*steps);
  }
  return out;
}

Result<LaneValues> quaternion_to_lanes(const FieldDef& def, const Quatf& q) {
  if (def.quantise.kind == QuantiseKind::kNone) {
    const float parts[4] = {q.x, q.y, q.z, q.w};
    return floats_to_lanes(def, parts);
  }
  Result<LaneValues> lanes = quantise_quaternion(def.quantise.bits, q);
  if (!lanes.ok()) return out_of_range(def, lanes.error().context);
  return lanes;
}

Result<LaneValues> enum_to_lane(const FieldDef& def, EnumValue value) {
  if (def.enum_size != 0 && value.number >= def.enum_size) {
    return out_of_range(def, "number " + std::to_string(value.number) + " is not one of the " +
                                 std::to_string(def.enum_size) + " values of enum \"" +
                                 def.enum_name + "\"");
  }
  return LaneValues{{value.number}};
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

Result<LaneValues> to_lanes(const FieldDef& def, const Value& value) {
  switch (def.type) {
    case FieldType::kBool:
      if (const auto* v = std::get_if<bool>(&value)) return LaneValues{{*v ? 1u : 0u}};
      break;
    case FieldType::kU8:
    case FieldType::kU16:
    case FieldType::kU32:
    case FieldType::kU64:
      if (const auto* v = std::get_if<uint64_t>(&value)) return unsigned_to_lane(def, *v);
      break;
    case FieldType::kI8:
    case FieldType::kI16:
    case FieldType::kI32:
    case FieldType::kI64:
      if (const auto* v = std::get_if<int64_t>(&value)) return signed_to_lane(def, *v);
      break;
    case FieldType::kF32:
    case FieldType::kF64:
      if (const auto* v = std::get_if<double>(&value)) return double_to_lane(def, *v);
      break;
    case FieldType::kVec2f:
      if (const auto* v = std::get_if<Vec2f>(&value)) {
        const float parts[2] = {v->x, v->y};
        return floats_to_lanes(def, parts);
      }
      break;
    case FieldType::kVec3f:
      if (const auto* v = std::get_if<Vec3f>(&value)) {
        const float parts[3] = {v->x, v->y, v->z};
        return floats_to_lanes(def, parts);
      }
      break;
    case FieldType::kQuatf:
      if (const auto* v = std::get_if<Quatf>(&value)) return quaternion_to_lanes(def, *v);
      break;
    case FieldType::kEnum:
      if (const auto* v = std::get_if<EnumValue>(&value)) return enum_to_lane(def, *v);
      break;
    case FieldType::kBits:
      if (const auto* v = std::get_if<BitSet>(&value)) return unsigned_to_lane(def, v->bits);
      break;
    case FieldType::kEntity:
      if (const auto* v = std::get_if<EntityId>(&value)) return LaneValues{{v->value}};
      break;
    case FieldType::kPrincipal:
      if (const auto* v = std::get_if<PrincipalId>(&value)) return LaneValues{{v->value}};
      break;
    case FieldType::kStr:
    case FieldType::kBytes:
      break;
  }
  return mismatch(def, value);
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
    const Lane& lane = layout.lane[i];
    const unsigned unused_bits = 64 - 8u * lane.width;
    switch (lane.kind) {
      case LaneKind::kUnsigned:
        if (value > lane.max) return false;
        break;
      case LaneKind::kSigned:
        if (static_cast<uint64_t>(static_cast<int64_t>(value << unused_bits) >> unused_bits) !=
            value) {
          return false;
        }
        break;
      case LaneKind::kFloat:
        if ((value << unused_bits >> unused_bits) != value) return false;
        break;
    }
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

bool is_utf8(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  for (size_t i = 0; i < text.size();) {
    const unsigned char lead = byte(i);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || text.size() - i <= more) return false;
    for (size_t k = 1; k <= more; ++k) {
      if ((byte(i + k) & 0xc0) != 0x80) return false;
    }
    const unsigned char second = byte(i + 1);
    if (lead == 0xe0 && second < 0xa0) return false;   // overlong
    if (lead == 0xed && second >= 0xa0) return false;  // a surrogate
    if (lead == 0xf0 && second < 0x90) return false;   // overlong
    if (lead == 0xf4 && second >= 0x90) return false;  // beyond U+10FFFF
    i += more + 1;
  }
  return true;
}

Result<std::string> to_text(const FieldDef& def, const Value& value) {
  std::string out;
  if (const auto* text = std::get_if<std::string>(&value); text && def.type == FieldType::kStr) {
    out = *text;
  } else if (const auto* blob = std::get_if<Blob>(&value); blob && def.type == FieldType::kBytes) {
    out.assign(blob->begin(), blob->end());
  } else {
    return mismatch(def, value);
  }
  if (out.size() > def.bytes_max) {
    return fail(ErrorCode::kTextTooLong, field_text(def) + ": " + std::to_string(out.size()) +
                                             " bytes, at most " + std::to_string(def.bytes_max) +
                                             " fit");
  }
  if (def.type == FieldType::kStr && !is_utf8(out)) {
    return fail(ErrorCode::kBadText,
                field_text(def) + ": not UTF-8; keep other bytes in a bytes field");
  }
  return out;
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
