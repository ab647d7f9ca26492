#include "ecsdb/wire/event_values.h"

#include <algorithm>
#include <utility>

namespace ecsdb {
namespace {

std::string place_of(const EventDef& def, std::string_view field) {
  return "event \"" + def.name + "\", field \"" + std::string(field) + "\"";
}

Error at_place(Error error, const EventDef& def, const FieldDef& field) {
  error.context = place_of(def, field.name) + (error.context.empty() ? "" : ": " + error.context);
  return error;
}

size_t bytes_of(std::span<const EventValue> values) {
  size_t bytes = 0;
  for (const EventValue& value : values) {
    bytes += varint_size(value.field.value) + canonical_value_bytes(value.value);
  }
  return bytes;
}

Status check_size(const EventDef& def, std::span<const EventValue> values) {
  if (bytes_of(values) <= kEventBytesMax) return {};
  return fail(ErrorCode::kLimitExceeded, "event \"" + def.name + "\" has more than " +
                                             std::to_string(kEventBytesMax) + " bytes");
}

CanonicalValue default_of(const FieldDef& def) {
  CanonicalValue out;
  if (is_text(def.type)) {
    out.kind = CanonicalValue::kText;
    out.text = default_text(def);
    return out;
  }
  out.kind = static_cast<uint8_t>(field_lanes(def).count);
  out.lanes = default_lanes(def);
  return out;
}

}  // namespace

Result<std::vector<EventValue>> make_event_values(const EventDef& def,
                                                  std::span<const FieldValue> values) {
  std::vector<EventValue> out;
  for (const FieldValue& given : values) {
    if (given.field >= def.fields.size()) {
      return fail(ErrorCode::kUnknownField,
                  "event \"" + def.name + "\" has no field number " + std::to_string(given.field));
    }
    const FieldDef& field = def.fields[given.field];
    auto value = to_canonical(field, given.value);
    if (!value.ok()) return at_place(value.error(), def, field);
    out.push_back({field.id, std::move(value).value()});
  }
  std::sort(out.begin(), out.end(),
            [](const EventValue& a, const EventValue& b) { return a.field < b.field; });
  const auto twice = std::adjacent_find(
      out.begin(), out.end(),
      [](const EventValue& a, const EventValue& b) { return a.field == b.field; });
  if (twice != out.end()) {
    return fail(ErrorCode::kLimitExceeded, "event \"" + def.name + "\": field " +
                                               std::to_string(twice->field.value) +
                                               " is given twice");
  }
  ECSDB_TRY(check_size(def, out));
  return out;
}

Status check_event_values(const EventDef& def, std::span<const EventValue> values) {
  auto field = def.fields.begin();
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0 && values[i].field <= values[i - 1].field) {
      return fail(ErrorCode::kNotCanonical, "event \"" + def.name + "\": fields do not rise");
    }
    while (field != def.fields.end() && field->id < values[i].field) ++field;
    if (field == def.fields.end() || field->id != values[i].field) {
      return fail(ErrorCode::kUnknownField, "event \"" + def.name + "\" has no field with the id " +
                                                std::to_string(values[i].field.value));
    }
    const Status status = check_canonical(*field, values[i].value);
    if (!status.ok()) return at_place(status.error(), def, *field);
  }
  return check_size(def, values);
}

CanonicalValue event_value(const EventDef& def, size_t field, std::span<const EventValue> values) {
  const FieldDef& wanted = def.fields[field];
  for (const EventValue& value : values) {
    if (value.field == wanted.id) return value.value;
  }
  return default_of(wanted);
}

std::vector<Value> all_event_values(const EventDef& def, std::span<const EventValue> values) {
  std::vector<Value> out;
  out.reserve(def.fields.size());
  size_t next = 0;
  for (const FieldDef& field : def.fields) {
    const bool is_named = next < values.size() && values[next].field == field.id;
    out.push_back(from_canonical(field, is_named ? values[next++].value : default_of(field)));
  }
  return out;
}

}  // namespace ecsdb
