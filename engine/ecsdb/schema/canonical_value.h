// A field's value in its canonical form, apart from any row: on the wire, in conflicts, in
// overlays.
#pragma once

#include <string>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/field_lanes.h"

namespace ecsdb {

/// One to four lanes, or a text, or nothing at all. A value.
struct CanonicalValue {
  /// How many lanes it has; kText: it is a text; 0: there is no value.
  uint8_t kind = 0;
  LaneValues lanes;
  std::string text;

  static constexpr uint8_t kText = 5;

  bool has_value() const { return kind != 0; }
  bool is_text() const { return kind == kText; }
  bool operator==(const CanonicalValue&) const = default;
};

/// kTypeMismatch, kValueOutOfRange, kTextTooLong, kBadText, as to_lanes() and to_text().
Result<CanonicalValue> to_canonical(const FieldDef& def, const Value& value);
/// The value that it stands for. It must fit the field.
Value from_canonical(const FieldDef& def, const CanonicalValue& value);
/// True if it is a canonical value of the field, or says why not: kTypeMismatch where it is one of
/// another type, and the codes of to_canonical(). For what a peer has sent. Unlike what the wire
/// lets pass elsewhere, an enum's number must be one of its values.
Status check_canonical(const FieldDef& def, const CanonicalValue& value);

}  // namespace ecsdb
