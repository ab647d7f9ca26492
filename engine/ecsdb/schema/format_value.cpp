// Values as text for people and as JSON.
#include <cmath>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/number_text.h"

namespace ecsdb {
namespace {

/// Adds "1, 2" piece by piece between brackets.
class ListText {
 public:
  ListText(char open, char close) : out_(1, open), close_(close) {}
  void add(const std::string& item) {
    if (out_.size() > 1) out_ += ", ";
    out_ += item;
  }
  std::string finish() { return out_ + close_; }

 private:
  std::string out_;
  char close_;
};

/// JSON has no NaN and no infinity.
template <class T>
std::string json_number(T value) {
  return std::isfinite(value) ? number_text(value) : "null";
}

std::string hex(const Blob& blob) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(blob.size() * 2);
  for (const uint8_t byte : blob) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::string entity_text(EntityId id) {
  if (id.is_none()) return "none";
  return std::to_string(id.index()) + ":" + std::to_string(id.epoch()) + ":" +
         std::to_string(id.reuse());
}

/// What differs between the two forms.
struct Formatter {
  const Schema& schema;
  const FieldDef& def;
  bool json;

  std::string number(float v) const { return json ? json_number(v) : number_text(v); }
  std::string operator()(bool v) const { return v ? "true" : "false"; }
  std::string operator()(uint64_t v) const { return std::to_string(v); }
  std::string operator()(int64_t v) const { return std::to_string(v); }
  std::string operator()(double v) const {
    if (def.type == FieldType::kF32) return number(static_cast<float>(v));
    return json ? json_number(v) : number_text(v);
  }
  std::string list(std::initializer_list<float> parts) const {
    ListText out(json ? '[' : '(', json ? ']' : ')');
    for (const float part : parts) out.add(number(part));
    return out.finish();
  }
  std::string operator()(const Vec2f& v) const { return list({v.x, v.y}); }
  std::string operator()(const Vec3f& v) const { return list({v.x, v.y, v.z}); }
  std::string operator()(const Quatf& v) const { return list({v.x, v.y, v.z, v.w}); }
  std::string operator()(EnumValue v) const {
    const EnumDef* values = schema.find_enum(def.enum_name);
    if (values != nullptr && v.number < values->values.size()) {
      return json ? json_quote(values->values[v.number]) : values->values[v.number];
    }
    const std::string digits = std::to_string(v.number);
    return json ? digits : "unknown(" + digits + ")";
  }
  std::string operator()(BitSet v) const {
    ListText out(json ? '[' : '{', json ? ']' : '}');
    for (unsigned bit = 0; bit < 64; ++bit) {
      if ((v.bits >> bit & 1) != 0) out.add(std::to_string(bit));
    }
    return out.finish();
  }
  std::string operator()(EntityId v) const {
    return json ? json_quote(entity_text(v)) : entity_text(v);
  }
  std::string operator()(PrincipalId v) const {
    const std::string digits = std::to_string(v.value);
    return json ? json_quote(digits) : digits;
  }
  std::string operator()(const std::string& v) const { return json_quote(v); }
  std::string operator()(const Blob& v) const { return json ? json_quote(hex(v)) : "0x" + hex(v); }
};

/// Bytes of the UTF-8 character at the front of `text`, or 0 if there is none.
size_t character_size(std::string_view text) {
  for (size_t n = 1; n <= 4 && n <= text.size(); ++n) {
    if (is_utf8(text.substr(0, n))) return n;
  }
  return 0;
}

void append_control(std::string& out, char c) {
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  out += "\\u00";
  out += kDigits[static_cast<unsigned char>(c) >> 4];
  out += kDigits[c & 15];
}

}  // namespace

std::string format_value(const Schema& schema, const FieldDef& def, const Value& value) {
  return std::visit(Formatter{schema, def, false}, value);
}

std::string format_json(const Schema& schema, const FieldDef& def, const Value& value) {
  return std::visit(Formatter{schema, def, true}, value);
}

std::string json_quote(std::string_view text) {
  std::string out = "\"";
  for (size_t i = 0; i < text.size();) {
    const size_t n = character_size(text.substr(i));
    if (n == 0) {
      out += "\xef\xbf\xbd";  // U+FFFD for a byte that is no character
      ++i;
      continue;
    }
    const char c = text[i];
    if (n == 1 && (c == '"' || c == '\\')) out += '\\';
    if (n == 1 && (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)) {
      append_control(out, c);
    } else {
      out += text.substr(i, n);
    }
    i += n;
  }
  out += '"';
  return out;
}

}  // namespace ecsdb
