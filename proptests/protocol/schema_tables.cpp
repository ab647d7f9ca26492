// Field types and their lanes, and the enumerations of a schema.
#include <string>
#include <variant>

#include "ecsdb/base/check.h"
#include "ecsdb/schema/field_lanes.h"
#include "ecsdb/store/cells.h"
#include "ecsdb/wire/describe.h"

#include "markdown.h"
#include "protocol_tables.h"

namespace ecsdb::protocol {
namespace {

EnumText cell_kind(CellKind kind) {
  switch (kind) {
    case CellKind::kOne:
      return {"one", "the whole table is one cell"};
    case CellKind::kValue:
      return {"value", "rows with the same value of the target field"};
    case CellKind::kOwner:
      return {"owner", "rows with the same principal in the target field"};
    case CellKind::kGrid:
      return {"grid", "rows in the same square or cube of a grid over the target field"};
    case CellKind::kFollow:
      return {"follow", "where the entity's row of the target table is"};
  }
  return {};
}

EnumText condition(AccessRule::Where where) {
  switch (where) {
    case AccessRule::Where::kAny:
      return {"any", "every cell"};
    case AccessRule::Where::kCellIsClaim:
      return {"cell is claim",
              "the cell whose key is of kind value with the number of the principal's claim"};
    case AccessRule::Where::kOwnerIsMe:
      return {"owner is me", "the cell whose key is of kind owner with the principal's number"};
  }
  return {};
}

EnumText quantise_kind(QuantiseKind kind) {
  switch (kind) {
    case QuantiseKind::kNone:
      return {"none", "floats are opaque bits; of other types there is nothing to say"};
    case QuantiseKind::kPrecision:
      return {"precision", "a whole number of steps of this size"};
    case QuantiseKind::kRange:
      return {"range", "one of 2^bits steps from min to max"};
    case QuantiseKind::kQuat:
      return {"quaternion", "the smallest three components, of so many bits each"};
  }
  return {};
}

EnumText policy(Policy kind) {
  switch (kind) {
    case Policy::kServer:
      return {"server", "the server decides"};
    case Policy::kLww:
      return {"lww", "the last writer wins"};
    case Policy::kMerge:
      return {"merge", "a function merges; its name follows"};
  }
  return {};
}

EnumText key_kind(CellKey::Kind kind) {
  switch (kind) {
    case CellKey::Kind::kOne:
      return {"one", "the cell of a table that is one cell"};
    case CellKey::Kind::kValue:
      return {"value", "x: the value"};
    case CellKey::Kind::kOwner:
      return {"owner", "x: the principal"};
    case CellKey::Kind::kGrid:
      return {"grid", "x, y, z"};
    case CellKey::Kind::kNone:
      return {"none", "of a following table: rows whose entity has no row to follow"};
  }
  return {};
}

std::string cell_keys() {
  MarkdownTable table({"key kind", "name", "numbers", "meaning"});
  for (int i = 0; i <= 255; ++i) {
    const auto kind = static_cast<CellKey::Kind>(i);
    const EnumText text = key_kind(kind);
    if (text.name.empty()) continue;
    table.row({std::to_string(i), text.name, std::to_string(cell_key_numbers(kind)), text.text});
  }
  return table.text();
}

constexpr const char* kDefaultForms[] = {"bool, `u8` 0 or 1",
                                         "unsigned integer, varint",
                                         "signed integer, varint, zigzag",
                                         "float, `f64`",
                                         "vec2f, two `f32`",
                                         "vec3f, three `f32`",
                                         "quatf, four `f32`",
                                         "enum, `u8`",
                                         "bits, varint",
                                         "entity, `u64`",
                                         "principal, `u64`",
                                         "text, varint length, the bytes",
                                         "bytes, likewise"};
static_assert(std::size(kDefaultForms) == std::variant_size_v<Value>);

std::string default_kinds() {
  MarkdownTable table({"kind", "value"});
  for (size_t i = 0; i < std::size(kDefaultForms); ++i) {
    table.row({number(i + 1), kDefaultForms[i]});
  }
  return table.text();
}

template <class T>
std::string kind_of_default() {
  return number(Value(T{}).index() + 1);
}

/// Number of the default's kind, as canonical.h says which alternative a type takes.
std::string default_kind(FieldType type) {
  switch (type) {
    case FieldType::kBool:
      return kind_of_default<bool>();
    case FieldType::kU8:
    case FieldType::kU16:
    case FieldType::kU32:
    case FieldType::kU64:
      return kind_of_default<uint64_t>();
    case FieldType::kI8:
    case FieldType::kI16:
    case FieldType::kI32:
    case FieldType::kI64:
      return kind_of_default<int64_t>();
    case FieldType::kF32:
    case FieldType::kF64:
      return kind_of_default<double>();
    case FieldType::kVec2f:
      return kind_of_default<Vec2f>();
    case FieldType::kVec3f:
      return kind_of_default<Vec3f>();
    case FieldType::kQuatf:
      return kind_of_default<Quatf>();
    case FieldType::kEnum:
      return kind_of_default<EnumValue>();
    case FieldType::kBits:
      return kind_of_default<BitSet>();
    case FieldType::kEntity:
      return "";
    case FieldType::kPrincipal:
      return kind_of_default<PrincipalId>();
    case FieldType::kStr:
      return kind_of_default<std::string>();
    case FieldType::kBytes:
      return kind_of_default<Blob>();
  }
  return "";
}

const char* lane_kind(LaneKind kind) {
  switch (kind) {
    case LaneKind::kUnsigned:
      return "unsigned";
    case LaneKind::kSigned:
      return "signed";
    case LaneKind::kFloat:
      return "float";
  }
  return "";
}

/// A type in one of its quantisations; `bits_low` to `bits_high` if it has a number of bits.
struct Variant {
  FieldType type;
  QuantiseKind quantise;
  unsigned bits_low = 0;
  unsigned bits_high = 0;

  FieldLanes lanes(unsigned bits) const {
    FieldDef def;
    def.type = type;
    def.quantise.kind = quantise;
    def.quantise.bits = static_cast<uint8_t>(bits);
    def.bit_count = static_cast<uint8_t>(bits);
    return field_lanes(def);
  }
};

/// "4", or how the width depends on the number of bits n.
std::string width_text(const Variant& variant, uint16_t lane) {
  if (variant.bits_low == variant.bits_high) return number(variant.lanes(0).lane[lane].width);
  std::string out;
  for (unsigned bits = variant.bits_low; bits <= variant.bits_high; ++bits) {
    const unsigned width = variant.lanes(bits).lane[lane].width;
    const bool is_last =
        bits == variant.bits_high || variant.lanes(bits + 1).lane[lane].width != width;
    if (!is_last) continue;
    out += (out.empty() ? "" : ", ") + number(width);
    if (bits != variant.bits_high) out += " (n <= " + number(bits) + ")";
  }
  return out;
}

std::string max_text(const Variant& variant, uint16_t lane) {
  const Lane at_low = variant.lanes(variant.bits_low).lane[lane];
  if (at_low.kind != LaneKind::kUnsigned) return "";
  const Lane at_high = variant.lanes(variant.bits_high).lane[lane];
  if (at_low.max == at_high.max) return number(at_low.max);
  for (unsigned bits = variant.bits_low; bits <= variant.bits_high; ++bits) {
    ECSDB_CHECK(variant.lanes(bits).lane[lane].max == ~uint64_t{0} >> (64 - bits));
  }
  return "2^n - 1";
}

void add_rows(const Variant& variant, MarkdownTable& table) {
  const std::string type = number(static_cast<uint64_t>(variant.type));
  const std::string name(field_type_name(variant.type));
  const std::string quantise = is_scalar_float(variant.type) || variant.type == FieldType::kQuatf
                                   ? number(static_cast<uint64_t>(variant.quantise))
                                   : "";
  const FieldLanes lanes = variant.lanes(variant.bits_high);
  if (lanes.count == 0) {
    table.row({type, name, quantise, "a text", "", "", "", default_kind(variant.type)});
  }
  for (uint16_t first = 0; first < lanes.count;) {
    uint16_t last = first;
    while (last + 1 < lanes.count && lanes.lane[last + 1] == lanes.lane[first]) ++last;
    const std::string range =
        first == last ? number(first + 1u) : number(first + 1u) + " to " + number(last + 1u);
    table.row({type, name, quantise, range, lane_kind(lanes.lane[first].kind),
               width_text(variant, first), max_text(variant, first), default_kind(variant.type)});
    first = static_cast<uint16_t>(last + 1);
  }
}

std::string field_types() {
  MarkdownTable table({"number", "type", "quantise kind", "lanes", "kind", "width in bytes", "max",
                       "kind of default"});
  for (int i = 0; i <= 255; ++i) {
    const auto type = static_cast<FieldType>(i);
    if (field_type_name(type) == "?") continue;
    const bool is_bits = type == FieldType::kBits;
    add_rows({type, QuantiseKind::kNone, is_bits ? 1u : 0u, is_bits ? 64u : 0u}, table);
    if (is_scalar_float(type)) {
      add_rows({type, QuantiseKind::kPrecision}, table);
      add_rows({type, QuantiseKind::kRange, 1, 32}, table);
    }
    if (type == FieldType::kQuatf) add_rows({type, QuantiseKind::kQuat, 2, 16}, table);
  }
  return table.text();
}

}  // namespace

void add_schema_sections(std::vector<Section>& out) {
  out.push_back({"cell-kinds", enum_table(cell_kind)});
  out.push_back({"access-conditions", enum_table(condition)});
  out.push_back({"quantise-kinds", enum_table(quantise_kind)});
  out.push_back({"policies", enum_table(policy)});
  out.push_back({"default-kinds", default_kinds()});
  out.push_back({"field-types", field_types()});
  out.push_back({"cell-keys", cell_keys()});
}

}  // namespace ecsdb::protocol
