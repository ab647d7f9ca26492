// The canonical binary form of a schema.
//
//   schema  u8 format (1), name, varint version, list of enum, list of table, list of event
//   list    varint count, then the items: enums rising by name, the others rising by id
//   name    varint length, bytes
//   enum    name, list of value names
//   table   varint id, name, cell, list of access (read), list of access (write),
//           u8 codec, u8 transient, list of field
//   event   varint id, name, cell, list of field, list of access (write) of one at least if the
//           cell says so
//   cell    u8 kind, name of the target unless the kind is one, 8 bytes size if it is grid,
//           name of the field if it says so; to an event's kind 64 is added if a field says
//           where it goes, and 128 if there is a write list
//   access  name of the role (may be empty), u8 where, name of the claim if where compares one
//   field   varint id, name, u8 type, u8 quantise kind,
//           precision: 8 bytes; range: 8 bytes min, 8 bytes max, u8 bits; quat: u8 bits
//           enum: name; bits: u8 count; str and bytes: varint longest length
//           u8 flags (1 server_only, 2 has a default, 4 has a write list), u8 policy, name of the
//           merge if it merges, varint since, the default if there is one, list of access (write)
//           of one at least if there is one
//   default u8 place of the alternative in Value, from 1; then bool: u8; unsigned, bit set: varint;
//           signed: zigzag varint; double: 8 bytes; vectors: 4 bytes a component; enum: u8;
//           entity, principal: 8 bytes; string, bytes: varint length, bytes
//
// Numbers of fixed width are little-endian; floats are their IEEE bits and never NaN.
#include <bit>
#include <cmath>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/schema_order.h"

namespace ecsdb {
namespace {

constexpr uint8_t kFormat = 1;
constexpr uint8_t kFlagServerOnly = 1;
constexpr uint8_t kFlagDefault = 2;
constexpr uint8_t kFlagWrite = 4;
constexpr uint8_t kCellFlagAt = 64;  // in the kind of an event's cell, and this:
constexpr uint8_t kCellFlagWrite = 128;

class Encoder {
 public:
  explicit Encoder(Bytes& out) : out_(out) {}

  void schema(const SchemaDef& def) {
    out_.u8(kFormat);
    name(def.name);
    out_.varint(def.version);
    out_.varint(def.enums.size());
    for (const EnumDef& item : def.enums) {
      name(item.name);
      out_.varint(item.values.size());
      for (const std::string& value : item.values) name(value);
    }
    out_.varint(def.tables.size());
    for (const TableDef& item : def.tables) table(item);
    out_.varint(def.events.size());
    for (const EventDef& item : def.events) {
      out_.varint(item.id.value);
      name(item.name);
      const bool has_at = !item.cell.at.empty();
      cell(item.cell, static_cast<uint8_t>((has_at ? kCellFlagAt : 0) |
                                           (item.write.empty() ? 0 : kCellFlagWrite)));
      if (has_at) name(item.cell.at);
      fields(item.fields);
      if (!item.write.empty()) access(item.write);
    }
  }

 private:
  void name(std::string_view text) {
    out_.varint(text.size());
    out_.bytes(as_bytes(text));
  }
  void number(double value) { out_.u64(std::bit_cast<uint64_t>(value)); }
  void number(float value) { out_.u32(std::bit_cast<uint32_t>(value)); }

  void table(const TableDef& def) {
    out_.varint(def.id.value);
    name(def.name);
    cell(def.cell);
    access(def.read);
    access(def.write);
    out_.u8(static_cast<uint8_t>(def.codec));
    out_.u8(def.transient ? 1 : 0);
    fields(def.fields);
  }

  void cell(const CellRule& rule, uint8_t flag = 0) {
    out_.u8(static_cast<uint8_t>(static_cast<uint8_t>(rule.kind) | flag));
    if (rule.kind != CellKind::kOne) name(rule.target);
    if (rule.kind == CellKind::kGrid) number(rule.size);
  }

  void access(const std::vector<AccessRule>& rules) {
    out_.varint(rules.size());
    for (const AccessRule& rule : rules) {
      name(rule.role);
      out_.u8(static_cast<uint8_t>(rule.where));
      if (rule.where == AccessRule::Where::kCellIsClaim) name(rule.claim);
    }
  }

  void fields(const std::vector<FieldDef>& defs) {
    out_.varint(defs.size());
    for (const FieldDef& def : defs) field(def);
  }

  void field(const FieldDef& def) {
    out_.varint(def.id.value);
    name(def.name);
    out_.u8(static_cast<uint8_t>(def.type));
    quantise(def.quantise);
    if (def.type == FieldType::kEnum) name(def.enum_name);
    if (def.type == FieldType::kBits) out_.u8(def.bit_count);
    if (def.type == FieldType::kStr || def.type == FieldType::kBytes) out_.varint(def.bytes_max);
    out_.u8(static_cast<uint8_t>((def.server_only ? kFlagServerOnly : 0) |
                                 (def.default_value ? kFlagDefault : 0) |
                                 (def.write.empty() ? 0 : kFlagWrite)));
    out_.u8(static_cast<uint8_t>(def.policy));
    if (def.policy == Policy::kMerge) name(def.merge_name);
    out_.varint(def.since);
    if (def.default_value) {
      out_.u8(static_cast<uint8_t>(def.default_value->index() + 1));
      std::visit([this](const auto& value) { default_value(value); }, *def.default_value);
    }
    if (!def.write.empty()) access(def.write);
  }

  void quantise(const Quantise& quantise) {
    out_.u8(static_cast<uint8_t>(quantise.kind));
    switch (quantise.kind) {
      case QuantiseKind::kNone:
        return;
      case QuantiseKind::kPrecision:
        return number(quantise.precision);
      case QuantiseKind::kQuat:
        return out_.u8(quantise.bits);
      case QuantiseKind::kRange:
        number(quantise.min);
        number(quantise.max);
        out_.u8(quantise.bits);
    }
  }

  void default_value(bool v) { out_.u8(v ? 1 : 0); }
  void default_value(uint64_t v) { out_.varint(v); }
  void default_value(int64_t v) { out_.varint(zigzag(v)); }
  void default_value(double v) { number(v); }
  void default_value(const Vec2f& v) { numbers({v.x, v.y}); }
  void default_value(const Vec3f& v) { numbers({v.x, v.y, v.z}); }
  void default_value(const Quatf& v) { numbers({v.x, v.y, v.z, v.w}); }
  void default_value(EnumValue v) { out_.u8(static_cast<uint8_t>(v.number)); }
  void default_value(BitSet v) { out_.varint(v.bits); }
  void default_value(EntityId v) { out_.u64(v.value); }
  void default_value(PrincipalId v) { out_.u64(v.value); }
  void default_value(const std::string& v) { name(v); }
  void default_value(const Blob& v) {
    out_.varint(v.size());
    out_.bytes(v);
  }
  void numbers(std::initializer_list<float> values) {
    for (const float value : values) number(value);
  }

  ByteWriter out_;
};

/// Reads into a SchemaDef. The first error sticks and ends every loop.
class Decoder {
 public:
  explicit Decoder(ByteSpan bytes) : in_(bytes) {}

  SchemaDef schema() {
    SchemaDef def;
    if (in_.u8() != kFormat) refuse(ErrorCode::kFrameMalformed, "unknown format of a schema");
    def.name = name();
    def.version = static_cast<uint32_t>(in_.varint_up_to(UINT32_MAX));
    for (size_t n = count(kEnumsMax, "enums"); n > 0 && ok(); --n) {
      def.enums.push_back(enumeration());
      if (def.enums.size() > 1) rising(def.enums.end()[-2].name < def.enums.back().name);
    }
    for (size_t n = count(kTablesMax, "tables"); n > 0 && ok(); --n) {
      def.tables.push_back(table());
      if (def.tables.size() > 1) rising(def.tables.end()[-2].id < def.tables.back().id);
    }
    for (size_t n = count(kEventsMax, "events"); n > 0 && ok(); --n) {
      def.events.push_back(event());
      if (def.events.size() > 1) rising(def.events.end()[-2].id < def.events.back().id);
    }
    if (ok() && !in_.exhausted()) refuse(ErrorCode::kFrameMalformed, "bytes after the schema");
    return def;
  }

  /// kOk if everything was read.
  Error error() const {
    if (error_.code != ErrorCode::kOk || in_.ok()) return error_;
    return fail(ErrorCode::kFrameMalformed, "the schema ends early or has a number too large");
  }

 private:
  bool ok() const { return in_.ok(); }
  void refuse(ErrorCode code, const char* why) {
    if (error_.code == ErrorCode::kOk && in_.ok()) error_ = fail(code, why);
    in_.fail();
  }
  void rising(bool is_so) {
    if (!is_so) refuse(ErrorCode::kNotCanonical, "parts of the schema are not in order");
  }
  size_t count(size_t max, const char* what) {
    const uint64_t n = in_.varint();
    if (n <= max) return static_cast<size_t>(n);
    refuse(ErrorCode::kLimitExceeded, what);
    return 0;
  }
  std::string text(size_t max) {
    const size_t n = count(max, "a text of the schema is too long");
    return std::string(as_text(in_.bytes(n)));
  }
  std::string name() { return text(kNameBytesMax); }

  /// A byte that numbers an enumerator, up to `max`.
  template <class E>
  E numbered(E max, const char* what) {
    return enumerator(in_.u8(), max, what);
  }
  template <class E>
  E enumerator(uint8_t n, E max, const char* what) {
    if (n <= static_cast<uint8_t>(max)) return static_cast<E>(n);
    refuse(ErrorCode::kFrameMalformed, what);
    return E{};
  }
  bool flag() {
    const uint8_t n = in_.u8();
    if (n > 1) refuse(ErrorCode::kNotCanonical, "a flag is neither 0 nor 1");
    return n == 1;
  }
  uint16_t id() { return static_cast<uint16_t>(in_.varint_up_to(UINT16_MAX)); }
  double number() {
    const double value = std::bit_cast<double>(in_.u64());
    if (std::isnan(value)) refuse(ErrorCode::kNotCanonical, "a number of the schema is NaN");
    return value;
  }
  float small_number() {
    const float value = std::bit_cast<float>(in_.u32());
    if (std::isnan(value)) refuse(ErrorCode::kNotCanonical, "a number of the schema is NaN");
    return value;
  }

  EnumDef enumeration() {
    EnumDef def;
    def.name = name();
    for (size_t n = count(kEnumValuesMax, "enum values"); n > 0 && ok(); --n) {
      def.values.push_back(name());
    }
    return def;
  }

  TableDef table() {
    TableDef def;
    def.id.value = id();
    def.name = name();
    def.cell = cell(in_.u8());
    def.read = access();
    def.write = access();
    def.codec = numbered(CodecTier::kPacked, "unknown codec");
    def.transient = flag();
    def.fields = fields();
    return def;
  }

  EventDef event() {
    EventDef def;
    def.id.value = id();
    def.name = name();
    const uint8_t kind = in_.u8();
    def.cell = cell(static_cast<uint8_t>(kind & ~(kCellFlagAt | kCellFlagWrite)));
    if ((kind & kCellFlagAt) != 0) {
      def.cell.at = name();
      if (def.cell.at.empty())
        refuse(ErrorCode::kNotCanonical, "a name of an event's field is empty");
    }
    def.fields = fields();
    if ((kind & kCellFlagWrite) != 0) {
      def.write = access();
      if (def.write.empty()) refuse(ErrorCode::kNotCanonical, "an event's write list is empty");
    }
    return def;
  }

  CellRule cell(uint8_t kind) {
    CellRule rule;
    rule.kind = enumerator(kind, CellKind::kFollow, "unknown kind of cell");
    if (rule.kind != CellKind::kOne) rule.target = name();
    if (rule.kind == CellKind::kGrid) rule.size = number();
    return rule;
  }

  std::vector<AccessRule> access() {
    std::vector<AccessRule> rules;
    for (size_t n = count(kAccessRulesMax, "access rules"); n > 0 && ok(); --n) {
      AccessRule rule;
      rule.role = name();
      rule.where = numbered(AccessRule::Where::kOwnerIsMe, "unknown condition of access");
      if (rule.where == AccessRule::Where::kCellIsClaim) rule.claim = name();
      rules.push_back(std::move(rule));
    }
    return rules;
  }

  std::vector<FieldDef> fields() {
    std::vector<FieldDef> defs;
    for (size_t n = count(kFieldsPerTableMax, "fields"); n > 0 && ok(); --n) {
      defs.push_back(field());
      if (defs.size() > 1) rising(defs.end()[-2].id < defs.back().id);
    }
    return defs;
  }

  FieldDef field() {
    FieldDef def;
    def.id.value = id();
    def.name = name();
    def.type = numbered(FieldType::kBytes, "unknown field type");
    def.quantise = quantise();
    if (def.type == FieldType::kEnum) def.enum_name = name();
    if (def.type == FieldType::kBits) def.bit_count = in_.u8();
    if (def.type == FieldType::kStr || def.type == FieldType::kBytes) {
      def.bytes_max = static_cast<uint32_t>(in_.varint_up_to(UINT32_MAX));
    }
    const uint8_t flags = in_.u8();
    if (flags > (kFlagServerOnly | kFlagDefault | kFlagWrite)) {
      refuse(ErrorCode::kFrameMalformed, "unknown flags of a field");
    }
    def.server_only = (flags & kFlagServerOnly) != 0;
    def.policy = numbered(Policy::kMerge, "unknown policy");
    if (def.policy == Policy::kMerge) def.merge_name = name();
    def.since = static_cast<uint32_t>(in_.varint_up_to(UINT32_MAX));
    if ((flags & kFlagDefault) != 0) def.default_value = default_value();
    if ((flags & kFlagWrite) != 0) {
      def.write = access();
      if (def.write.empty()) refuse(ErrorCode::kNotCanonical, "a field's write list is empty");
    }
    return def;
  }

  Quantise quantise() {
    Quantise out;
    out.kind = numbered(QuantiseKind::kQuat, "unknown quantisation");
    if (out.kind == QuantiseKind::kPrecision) out.precision = number();
    if (out.kind == QuantiseKind::kRange) {
      out.min = number();
      out.max = number();
    }
    if (out.kind == QuantiseKind::kRange || out.kind == QuantiseKind::kQuat) out.bits = in_.u8();
    return out;
  }

  Value default_value() {
    switch (in_.u8()) {
      case 1:
        return flag();
      case 2:
        return in_.varint();
      case 3:
        return unzigzag(in_.varint());
      case 4:
        return number();
      case 5:
        return Vec2f{small_number(), small_number()};
      case 6:
        return Vec3f{small_number(), small_number(), small_number()};
      case 7:
        return Quatf{small_number(), small_number(), small_number(), small_number()};
      case 8:
        return EnumValue{in_.u8()};
      case 9:
        return BitSet{in_.varint()};
      case 10:
        return EntityId{in_.u64()};
      case 11:
        return PrincipalId{in_.u64()};
      case 12:
        return text(kTextBytesMax);
      case 13: {
        const std::string bytes = text(kTextBytesMax);
        return Blob(bytes.begin(), bytes.end());
      }
      default:
        refuse(ErrorCode::kFrameMalformed, "unknown kind of default");
    }
    return false;
  }

  ByteReader in_;
  Error error_;
};

}  // namespace

Bytes encode_schema(const SchemaDef& def) {
  Bytes out;
  SchemaDef sorted = def;
  sort_schema(sorted);
  Encoder(out).schema(sorted);
  return out;
}

Result<Schema> decode_schema(ByteSpan bytes) {
  if (bytes.size() > kSchemaBytesMax) {
    return fail(ErrorCode::kLimitExceeded, "a schema of " + std::to_string(bytes.size()) +
                                               " bytes, at most " +
                                               std::to_string(kSchemaBytesMax) + " are allowed");
  }
  Decoder decoder(bytes);
  SchemaDef def = decoder.schema();
  if (Error error = decoder.error(); error.code != ErrorCode::kOk) return error;
  Result<Schema> schema = Schema::make(std::move(def));
  // Whatever else could be written in two ways shows here: the fingerprint is that of the canonical
  // bytes.
  if (schema.ok() && schema->fingerprint() != hash128(bytes)) {
    return fail(ErrorCode::kNotCanonical, "the schema is not in its canonical form");
  }
  return schema;
}

}  // namespace ecsdb
