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

/// The value that the lanes stand for. Lanes must be canonical. Three quaternion components that no
/// rotation has together (a peer may send them) come back scaled to length one.
Value from_lanes(const FieldDef& def, const LaneValues& lanes);

/// Checks a str (UTF-8, length) or bytes (length) value. kTextTooLong, kBadText, kTypeMismatch.
Result<std::string> to_text(const FieldDef& def, const Value& value);
Value from_text(const FieldDef& def, std::string_view text);

/// True if lanes from a peer are canonical for the field: within width and range; quaternion
/// components within `bits`; enum numbers may be unknown, they are kept raw.
bool lanes_are_canonical(const FieldDef& def, const LaneValues& lanes);
bool text_is_canonical(const FieldDef& def, std::string_view text);

/// The default as lanes or text. Without one in the schema: zero, false, none, empty; the identity
/// for a quaternion; the step nearest to 0 for a range, or its `min` if 0 is outside of it.
LaneValues default_lanes(const FieldDef& def);
std::string default_text(const FieldDef& def);

/// Steps of quantised floats, shared with typed bindings. `quantise` is kPrecision or kRange. Ends
/// of a range that a float cannot hold exactly admit the nearest float of f32 and vector
/// components.
Result<int64_t> quantise_scalar(const Quantise& quantise, FieldType type, double value);
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
