// Canonical forms: of a value (its lanes and text) and of a whole schema (its bytes).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "ecsdb/base/bytes.h"
#include "ecsdb/schema/schema.h"

namespace ecsdb {

/// Lanes of a field's value; a field has at most four.
struct LaneValues {
  uint64_t lane[4] = {0, 0, 0, 0};
  bool operator==(const LaneValues&) const = default;
};

// What from_lanes gives goes back through to_lanes unchanged, with two exceptions. Where a step is
// finer than the value's own resolution (f32 and vector components of more than 23 significant
// bits, say |k| >= 2^23 steps from zero, and f64 of more than 52), a neighbouring step may come
// back. And of a quaternion whose two largest components are within a few steps of each other,
// another one may come out as the largest; the rotation is then the same within the precision.

/// Quantises and range-checks. NaN, infinity and out-of-range values of quantised fields, integers
/// beyond the field's width, unknown enum numbers: kValueOutOfRange. Another alternative than the
/// field's: kTypeMismatch. `field` and `def` describe the same non-text field.
Result<LaneValues> to_lanes(const FieldDef& def, const Value& value);

/// The same without a reason: false where to_lanes fails, and `lanes` is undefined then. Success
/// and failure cost no allocation.
bool try_to_lanes(const FieldDef& def, const Value& value, LaneValues& lanes);
// For a value whose type is known to be the one that the field takes, see Value.
bool encode_lanes(const FieldDef& def, bool value, LaneValues& lanes);
bool encode_lanes(const FieldDef& def, uint64_t value, LaneValues& lanes);
bool encode_lanes(const FieldDef& def, int64_t value, LaneValues& lanes);
bool encode_lanes(const FieldDef& def, double value, LaneValues& lanes);
bool encode_lanes(const FieldDef& def, const Vec2f& value, LaneValues& lanes);
bool encode_lanes(const FieldDef& def, const Vec3f& value, LaneValues& lanes);
bool encode_lanes(const FieldDef& def, const Quatf& value, LaneValues& lanes);
bool encode_lanes(const FieldDef& def, EnumValue value, LaneValues& lanes);
bool encode_lanes(const FieldDef& def, BitSet value, LaneValues& lanes);
bool encode_lanes(const FieldDef& def, EntityId value, LaneValues& lanes);
bool encode_lanes(const FieldDef& def, PrincipalId value, LaneValues& lanes);
/// The same for many values of a field with one lane; false if any of them is refused. There is
/// room for their lanes.
bool encode_many(const FieldDef& def, std::span<const uint64_t> values, std::span<uint64_t> lanes);
bool encode_many(const FieldDef& def, std::span<const int64_t> values, std::span<uint64_t> lanes);
bool encode_many(const FieldDef& def, std::span<const double> values, std::span<uint64_t> lanes);

/// The value that the lanes stand for. Lanes must be canonical. Three quaternion components that no
/// rotation has together (a peer may send them) come back scaled to length one.
Value from_lanes(const FieldDef& def, const LaneValues& lanes);

/// Checks a str (UTF-8, length) or bytes (length) value. kTextTooLong, kBadText, kTypeMismatch.
Result<std::string> to_text(const FieldDef& def, const Value& value);
/// The same without a reason; the text is that of `value`.
bool try_to_text(const FieldDef& def, const Value& value, std::string_view& text);
Value from_text(const FieldDef& def, std::string_view text);

/// True if lanes from a peer are canonical for the field: within width and range; quaternion
/// components within `bits`; enum numbers may be unknown, they are kept raw.
bool lanes_are_canonical(const FieldDef& def, const LaneValues& lanes);
/// The part of it that concerns one lane alone, which is all there is but for the unused lanes.
inline bool lane_is_canonical(const Lane& lane, uint64_t value) {
  const unsigned unused_bits = 64 - 8u * lane.width;
  switch (lane.kind) {
    case LaneKind::kUnsigned:
      return value <= lane.max;
    case LaneKind::kSigned:
      return static_cast<uint64_t>(static_cast<int64_t>(value << unused_bits) >> unused_bits) ==
             value;
    case LaneKind::kFloat:
      return (value << unused_bits >> unused_bits) == value;
  }
  return false;
}
bool text_is_canonical(const FieldDef& def, std::string_view text);

/// The default as lanes or text. Without one in the schema: zero, false, none, empty; the identity
/// for a quaternion; the step nearest to 0 for a range, or its `min` if 0 is outside of it.
LaneValues default_lanes(const FieldDef& def);
std::string default_text(const FieldDef& def);

/// Steps of quantised floats, shared with typed bindings. `quantise` is kPrecision or kRange. Ends
/// of a range that a float cannot hold exactly admit the nearest float of f32 and vector
/// components.
Result<int64_t> quantise_scalar(const Quantise& quantise, FieldType type, double value);
bool try_quantise_scalar(const Quantise& quantise, FieldType type, double value, int64_t& steps);
double dequantise_scalar(const Quantise& quantise, int64_t steps);

bool is_utf8(std::string_view text);

/// One encoding per schema: sections in order, ids rising, minimal varints.
/// encode_schema(decode_schema(b)) == b for every accepted b.
Bytes encode_schema(const SchemaDef& def);
/// kFrameMalformed, kNotCanonical, kLimitExceeded, or kSchemaInvalid with the first problem.
Result<Schema> decode_schema(ByteSpan bytes);

/// A value as text for tools and logs: 12.5, (1, 2), "name", red.
std::string format_value(const Schema& schema, const FieldDef& def, const Value& value);
/// The same as one JSON value (numbers, strings, arrays; entity ids as strings).
std::string format_json(const Schema& schema, const FieldDef& def, const Value& value);
std::string json_quote(std::string_view text);

}  // namespace ecsdb
