#include "ecsdb/toml/schema_field_toml.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/field_lanes.h"
#include "ecsdb/toml/schema_access_toml.h"

namespace ecsdb {
namespace {

constexpr const char* kFieldKeys[] = {"id",     "type",    "precision", "min",
                                      "max",    "bits",    "since",     "server_only",
                                      "policy", "default", "write"};
constexpr double kNoLimit = std::numeric_limits<double>::infinity();

std::vector<std::string> type_choices() {
  std::vector<std::string> out;
  for (int i = 1; i <= static_cast<int>(FieldType::kBytes); ++i) {
    out.emplace_back(field_type_name(static_cast<FieldType>(i)));
  }
  return out;
}

class FieldReader {
 public:
  FieldReader(TomlTable table, const SchemaPlace& place, const std::vector<EnumDef>& enums,
              SchemaPlaces& places, std::vector<TextProblem>* problems)
      : table_(std::move(table)),
        place_(place),
        enums_(enums),
        places_(places),
        problems_(problems) {}

  void read(FieldDef& def) {
    for (const char* key : kFieldKeys) {
      if (table_.has(key)) places_.set(at(key), table_.position(key));
      table_.node(key);  // known, whether or not the type has a use for it
    }
    if (auto id = table_.integer("id", 1, 65535)) def.id.value = static_cast<uint16_t>(*id);
    read_type(def);
    if (auto since = table_.integer("since", 1, UINT32_MAX)) {
      def.since = static_cast<uint32_t>(*since);
    }
    if (auto flag = table_.boolean("server_only")) def.server_only = *flag;
    read_policy(def);
    read_access_toml(table_, place_, "write", places_, def.write, problems_);
    if (def.type != FieldType{}) {
      read_numbers(def);
      read_default(def);
    }
    table_.finish();
  }

 private:
  SchemaPlace at(const char* attribute) const {
    SchemaPlace out = place_;
    out.attribute = attribute;
    return out;
  }

  void read_type(FieldDef& def) {
    def.type = FieldType{};
    const std::optional<std::string> text = table_.string("type");
    if (!text) {
      if (!table_.has("type"))
        table_.problem("type", "the field needs a type, like type = \"u32\"");
      return places_.mark_reported(at("type"));
    }
    const size_t colon = text->find(':');
    const std::string base = text->substr(0, colon);
    const std::string detail = colon == std::string::npos ? "" : text->substr(colon + 1);
    const auto type = field_type_from_name(base);
    if (!type) {
      table_.problem("type",
                     "unknown type " + json_quote(base) +
                         ": types are bool, u8 to u64, i8 to i64, f32, f64, vec2f, vec3f, "
                         "quatf, enum:<name>, bits:<count>, entity, principal, str, bytes",
                     nearest_name(base, type_choices()).value_or(""));
      return;
    }
    if (*type == FieldType::kEnum) return read_enum_type(def, detail);
    if (*type == FieldType::kBits) return read_bits_type(def, detail);
    if (colon != std::string::npos) {
      table_.problem("type", "only enum and bits have something after a colon", base);
      return;
    }
    def.type = *type;
  }

  void read_enum_type(FieldDef& def, const std::string& detail) {
    if (detail.empty()) {
      table_.problem("type", "an enum field names its enum: type = \"enum:team\"");
      return;
    }
    def.type = FieldType::kEnum;
    def.enum_name = detail;
  }

  void read_bits_type(FieldDef& def, const std::string& detail) {
    unsigned count = 0;
    const char* end = detail.data() + detail.size();
    const auto parsed = std::from_chars(detail.data(), end, count);
    if (parsed.ec != std::errc() || parsed.ptr != end || count < 1 || count > 64) {
      table_.problem("type", "a bit set says how many bits it has, 1 to 64: type = \"bits:12\"");
      return;
    }
    def.type = FieldType::kBits;
    def.bit_count = static_cast<uint8_t>(count);
  }

  void read_policy(FieldDef& def) {
    const std::optional<std::string> text = table_.string("policy");
    if (!text) return;
    if (text->rfind("merge:", 0) == 0) {
      def.policy = Policy::kMerge;
      def.merge_name = text->substr(6);
      return;
    }
    const auto choice = table_.choice("policy", {"server", "lww", "merge:sum", "merge:min",
                                                 "merge:max", "merge:union", "merge:append"});
    if (choice && *choice == "lww") def.policy = Policy::kLww;
  }

  /// Reports a key that the field's type has no use for.
  void refuse(const char* key, const FieldDef& def, const char* fitting) {
    if (!table_.has(key)) return;
    table_.problem(key, std::string(key) + " is for " + fitting + ", but this field is " +
                            std::string(field_type_name(def.type)) + ": remove it");
  }

  void read_numbers(FieldDef& def) {
    if (is_scalar_float(def.type)) return read_float_quantise(def);
    refuse("precision", def, "f32, f64, vec2f and vec3f");
    refuse("min", def, "f32, f64, vec2f and vec3f");
    if (def.type == FieldType::kQuatf) {
      read_quaternion_bits(def);
    } else {
      refuse("bits", def, "quatf, f32, f64, vec2f and vec3f");
    }
    if (!is_text(def.type)) return refuse("max", def, "str, bytes, f32, f64, vec2f and vec3f");
    if (auto max = table_.integer("max", 1, kTextBytesMax)) {
      def.bytes_max = static_cast<uint32_t>(*max);
    }
  }

  void read_quaternion_bits(FieldDef& def) {
    if (!table_.has("bits")) return;
    if (auto bits = table_.integer("bits", 2, 16)) {
      def.quantise = Quantise{QuantiseKind::kQuat, 0, 0, 0, static_cast<uint8_t>(*bits)};
    }
  }

  void read_float_quantise(FieldDef& def) {
    const bool ranged = table_.has("min") || table_.has("max") || table_.has("bits");
    if (table_.has("precision")) {
      if (ranged) {
        table_.problem("precision", "quantise by precision, or by min, max and bits: not by both");
      } else if (auto step = table_.number("precision", kPrecisionMin, kPrecisionMax)) {
        def.quantise = Quantise{QuantiseKind::kPrecision, *step, 0, 0, 0};
      }
      return;
    }
    if (!ranged) return;
    for (const char* key : {"min", "max", "bits"}) {
      if (table_.has(key)) continue;
      table_.problem(key, "min, max and bits go together: " + std::string(key) + " is missing");
      return;
    }
    const auto min = table_.number("min", -kNoLimit, kNoLimit);
    const auto max = table_.number("max", -kNoLimit, kNoLimit);
    const auto bits = table_.integer("bits", 1, 32);
    if (!min || !max || !bits) return;
    def.quantise = Quantise{QuantiseKind::kRange, 0, *min, *max, static_cast<uint8_t>(*bits)};
  }

  void read_default(FieldDef& def) {
    const TomlNode* node = table_.node("default");
    if (node == nullptr) return;
    std::string wanted;
    def.default_value = value_of(def, *node, wanted);
    if (!def.default_value) {
      table_.problem("default",
                     "the default must be " + wanted + ", but this is " + node->kind_text());
    }
  }

  /// The value, or nothing and what would be one.
  std::optional<Value> value_of(const FieldDef& def, const TomlNode& node, std::string& wanted) {
    switch (def.type) {
      case FieldType::kBool:
        wanted = "true or false";
        if (node.kind == TomlNode::Kind::kBool) return node.flag;
        return std::nullopt;
      case FieldType::kU8:
      case FieldType::kU16:
      case FieldType::kU32:
      case FieldType::kU64:
      case FieldType::kPrincipal:
        return unsigned_of(def, node, wanted);
      case FieldType::kI8:
      case FieldType::kI16:
      case FieldType::kI32:
      case FieldType::kI64:
        wanted = "an integer";
        if (node.kind == TomlNode::Kind::kInteger) return node.integer;
        return std::nullopt;
      case FieldType::kF32:
      case FieldType::kF64:
        wanted = "a number";
        if (auto number = number_of(node)) return *number;
        return std::nullopt;
      case FieldType::kVec2f:
      case FieldType::kVec3f:
      case FieldType::kQuatf:
        return vector_of(def, node, wanted);
      case FieldType::kEnum:
        return enum_of(def, node, wanted);
      case FieldType::kBits:
        return bits_of(def, node, wanted);
      case FieldType::kEntity:
        return EntityId{};  // validate() refuses it
      case FieldType::kStr:
        wanted = "text in quotes";
        if (node.kind == TomlNode::Kind::kString) return node.text;
        return std::nullopt;
      case FieldType::kBytes:
        return blob_of(node, wanted);
    }
    return std::nullopt;
  }

  static std::optional<Value> unsigned_of(const FieldDef& def, const TomlNode& node,
                                          std::string& wanted) {
    wanted = "an integer that is not negative";
    if (node.kind != TomlNode::Kind::kInteger || node.integer < 0) return std::nullopt;
    const auto number = static_cast<uint64_t>(node.integer);
    if (def.type == FieldType::kPrincipal) return PrincipalId{number};
    return number;
  }

  static std::optional<double> number_of(const TomlNode& node) {
    if (node.kind == TomlNode::Kind::kInteger) return static_cast<double>(node.integer);
    if (node.kind == TomlNode::Kind::kFloat) return node.number;
    return std::nullopt;
  }

  static std::optional<Value> vector_of(const FieldDef& def, const TomlNode& node,
                                        std::string& wanted) {
    const size_t count = def.type == FieldType::kVec2f ? 2 : def.type == FieldType::kVec3f ? 3 : 4;
    wanted = "a list of " + std::to_string(count) + " numbers that fit 32-bit floats";
    if (node.kind != TomlNode::Kind::kArray || node.items.size() != count) return std::nullopt;
    float part[4] = {0, 0, 0, 0};
    for (size_t i = 0; i < count; ++i) {
      const std::optional<double> number = number_of(node.items[i]);
      if (!number || std::fabs(*number) > static_cast<double>(std::numeric_limits<float>::max())) {
        return std::nullopt;
      }
      part[i] = static_cast<float>(*number);
    }
    if (count == 2) return Vec2f{part[0], part[1]};
    if (count == 3) return Vec3f{part[0], part[1], part[2]};
    return Quatf{part[0], part[1], part[2], part[3]};
  }

  std::optional<Value> enum_of(const FieldDef& def, const TomlNode& node, std::string& wanted) {
    wanted = "one of the names of enum " + json_quote(def.enum_name);
    if (node.kind != TomlNode::Kind::kString) return std::nullopt;
    for (const EnumDef& candidate : enums_) {
      if (candidate.name != def.enum_name) continue;
      const auto at = std::find(candidate.values.begin(), candidate.values.end(), node.text);
      if (at == candidate.values.end()) {
        table_.problem(
            "default",
            "enum " + json_quote(def.enum_name) + " has no value " + json_quote(node.text),
            nearest_name(node.text, candidate.values).value_or(""));
        return EnumValue{};
      }
      return EnumValue{static_cast<uint8_t>(at - candidate.values.begin())};
    }
    return EnumValue{};  // the missing enum is reported at the type
  }

  static std::optional<Value> bits_of(const FieldDef& def, const TomlNode& node,
                                      std::string& wanted) {
    wanted = "a list of bit numbers from 0 to " + std::to_string(def.bit_count - 1);
    if (node.kind != TomlNode::Kind::kArray) return std::nullopt;
    BitSet out;
    for (const TomlNode& item : node.items) {
      if (item.kind != TomlNode::Kind::kInteger || item.integer < 0 ||
          item.integer >= def.bit_count) {
        return std::nullopt;
      }
      out.bits |= uint64_t{1} << item.integer;
    }
    return out;
  }

  static std::optional<Value> blob_of(const TomlNode& node, std::string& wanted) {
    wanted = "hexadecimal digits in quotes, two for each byte";
    if (node.kind != TomlNode::Kind::kString || node.text.size() % 2 != 0) return std::nullopt;
    Blob out;
    for (size_t i = 0; i < node.text.size(); i += 2) {
      const char* begin = node.text.data() + i;
      uint8_t byte = 0;
      const auto parsed = std::from_chars(begin, begin + 2, byte, 16);
      if (parsed.ec != std::errc() || parsed.ptr != begin + 2) return std::nullopt;
      out.push_back(byte);
    }
    return out;
  }

  TomlTable table_;
  const SchemaPlace& place_;
  const std::vector<EnumDef>& enums_;
  SchemaPlaces& places_;
  std::vector<TextProblem>* problems_;
};

}  // namespace

FieldDef read_field_toml(const TomlMember& member, const std::string& path,
                         const SchemaPlace& place, const std::vector<EnumDef>& enums,
                         SchemaPlaces& places, std::vector<TextProblem>* problems) {
  FieldDef def;
  def.name = member.key;
  places.set(place, TextPosition{member.line, member.column});
  if (member.value.kind != TomlNode::Kind::kTable) {
    problems->push_back({member.value.line, member.value.column,
                         "a field is a table, like { id = 1, type = \"u32\" }, but this is " +
                             std::string(member.value.kind_text()),
                         ""});
    def.type = FieldType{};
    for (const char* key : kFieldKeys) {
      SchemaPlace at = place;
      at.attribute = key;
      places.mark_reported(at);
    }
    return def;
  }
  FieldReader(TomlTable(member.value, path, problems), place, enums, places, problems).read(def);
  return def;
}

}  // namespace ecsdb
