#include "ecsdb/schema/canonical_value.h"

#include <utility>

namespace ecsdb {

Result<CanonicalValue> to_canonical(const FieldDef& def, const Value& value) {
  CanonicalValue out;
  if (is_text(def.type)) {
    auto text = to_text(def, value);
    if (!text.ok()) return text.error();
    out.kind = CanonicalValue::kText;
    out.text = std::move(text).value();
    return out;
  }
  auto lanes = to_lanes(def, value);
  if (!lanes.ok()) return lanes.error();
  out.kind = static_cast<uint8_t>(field_lanes(def).count);
  out.lanes = *lanes;
  return out;
}

Value from_canonical(const FieldDef& def, const CanonicalValue& value) {
  return value.is_text() ? from_text(def, value.text) : from_lanes(def, value.lanes);
}

Status check_canonical(const FieldDef& def, const CanonicalValue& value) {
  if (value.is_text() != is_text(def.type)) return fail(ErrorCode::kTypeMismatch);
  if (value.is_text()) {
    if (text_is_canonical(def, value.text)) return {};
    if (value.text.size() > def.bytes_max) {
      return fail(ErrorCode::kTextTooLong, std::to_string(value.text.size()) +
                                               " bytes; the limit is " +
                                               std::to_string(def.bytes_max));
    }
    return fail(ErrorCode::kBadText);
  }
  if (value.kind != field_lanes(def).count) return fail(ErrorCode::kTypeMismatch);
  const bool is_unknown =
      def.type == FieldType::kEnum && def.enum_size != 0 && value.lanes.lane[0] >= def.enum_size;
  if (!is_unknown && lanes_are_canonical(def, value.lanes)) return {};
  return fail(ErrorCode::kValueOutOfRange);
}

}  // namespace ecsdb
