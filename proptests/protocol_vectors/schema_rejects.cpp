// Schemas that must be refused: bytes that are no schema, other forms than the canonical one, and
// definitions that break a rule.
#include <bit>
#include <limits>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/schema_builder.h"

#include "groups.h"

namespace ecsdb::vectors {
namespace {

/// Bytes of a schema, written by hand.
class Raw {
 public:
  Raw& u8(unsigned value) {
    bytes_.push_back(static_cast<uint8_t>(value));
    return *this;
  }
  Raw& varint(uint64_t value) {
    ByteWriter(bytes_).varint(value);
    return *this;
  }
  Raw& real(double value) {
    ByteWriter(bytes_).u64(std::bit_cast<uint64_t>(value));
    return *this;
  }
  Raw& single(float value) {
    ByteWriter(bytes_).u32(std::bit_cast<uint32_t>(value));
    return *this;
  }
  Raw& name(std::string_view text) {
    varint(text.size());
    ByteWriter(bytes_).bytes(as_bytes(text));
    return *this;
  }
  Raw& raw(const Raw& other) {
    ByteWriter(bytes_).bytes(other.bytes_);
    return *this;
  }
  Raw& list(std::initializer_list<Raw> items) {
    varint(items.size());
    for (const Raw& item : items) raw(item);
    return *this;
  }
  Raw& drop(size_t bytes) {
    bytes_.resize(bytes_.size() - bytes);
    return *this;
  }
  const Bytes& bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

Raw head() { return Raw().u8(1).name("s").varint(1); }
Raw field(unsigned id, const char* name) {  // u8, server policy
  return Raw().varint(id).name(name).u8(2).u8(0).u8(0).u8(0).varint(1);
}
/// A field of that type without quantisation; `details` follow the type.
Raw field_of(unsigned type, const Raw& details, unsigned flags, const Raw& rest) {
  return Raw().varint(1).name("a").u8(type).u8(0).raw(details).u8(flags).u8(0).varint(1).raw(rest);
}
Raw table(unsigned id, const char* name, std::initializer_list<Raw> fields) {
  return Raw().varint(id).name(name).u8(0).u8(0).u8(0).u8(1).u8(0).list(fields);
}
Raw event(unsigned id, const char* name) {
  return Raw().varint(id).name(name).u8(0).list({field(1, "a")});
}
Raw schema_of(const Raw& one_table) { return head().u8(0).list({one_table}).u8(0); }
Raw schema_of_field(const Raw& one_field) { return schema_of(table(1, "t", {one_field})); }
Raw schema_of_cell(const Raw& cell) {
  return schema_of(
      Raw().varint(1).name("t").raw(cell).u8(0).u8(0).u8(1).u8(0).list({field(1, "a")}));
}

class Rejects {
 public:
  explicit Rejects(Maker& to) : to_(to) {}
  void add(const char* name, const char* note, const Raw& raw, const char* error) {
    to_.reject(name, note, Json::object({{"bytes", to_hex(raw.bytes())}}), error);
  }
  void invalid(const char* name, const char* note, const SchemaBuilder& builder) {
    to_.reject(name, note, Json::object({{"bytes", to_hex(encode_schema(builder.def()))}}),
               "schema_invalid");
  }

 private:
  Maker& to_;
};

constexpr const char* kMalformed = "frame_malformed";
constexpr const char* kNotCanonical = "not_canonical";
constexpr const char* kLimit = "limit_exceeded";

void make_malformed(Rejects to) {
  const Raw good = schema_of_field(field(1, "a"));
  to.add("schema-no-bytes", "There is nothing.", Raw(), kMalformed);
  to.add("schema-format-2", "The first byte is 1 in this protocol.",
         Raw().u8(2).name("s").varint(1).u8(0).u8(0).u8(0), kMalformed);
  to.add("schema-cut-short", "The list of events is missing.", Raw(good).drop(1), kMalformed);
  to.add("schema-name-cut-short", "A name of two bytes that has one.",
         Raw().u8(1).varint(2).u8('s'), kMalformed);
  to.add("schema-name-not-utf8", "A name is bytes; FF is no legal one.",
         Raw().u8(1).name("\xff").varint(1).u8(0).list({table(1, "t", {field(1, "a")})}).u8(0),
         "schema_invalid");
  to.add("schema-bytes-behind", "One byte follows the schema.", Raw(good).u8(0), kMalformed);
  to.add("schema-version-not-minimal", "Version 1 in two bytes.",
         Raw().u8(1).name("s").u8(0x81).u8(0).u8(0).u8(0).u8(0), kMalformed);
  to.add("schema-version-beyond", "A version of 33 bits.",
         Raw().u8(1).name("s").varint(uint64_t{1} << 32).u8(0).u8(0).u8(0), kMalformed);
  to.add("schema-table-id-beyond", "Table ids have 16 bits.",
         schema_of(table(65536, "t", {field(1, "a")})), kMalformed);
  to.add("schema-field-id-beyond", "Field ids have 16 bits.", schema_of_field(field(65536, "a")),
         kMalformed);
  to.add("schema-unknown-codec", "Codecs are 0 and 1.",
         schema_of(Raw().varint(1).name("t").u8(0).u8(0).u8(0).u8(2).u8(0).list({field(1, "a")})),
         kMalformed);
  to.add("schema-unknown-cell", "Kinds of cells are 0 to 4.", schema_of_cell(Raw().u8(5)),
         kMalformed);
  to.add("schema-unknown-where", "Conditions of access are 0 to 2.",
         schema_of(Raw()
                       .varint(1)
                       .name("t")
                       .u8(0)
                       .list({Raw().name("").u8(3)})
                       .u8(0)
                       .u8(1)
                       .u8(0)
                       .list({field(1, "a")})),
         kMalformed);
  to.add("schema-unknown-type", "Field types end at 20.",
         schema_of_field(field_of(21, Raw(), 0, Raw())), kMalformed);
  to.add("schema-unknown-quantisation", "Quantisations are 0 to 3.",
         schema_of_field(Raw().varint(1).name("a").u8(10).u8(4).u8(0).u8(0).varint(1)), kMalformed);
  to.add("schema-cell-with-write", "Only an event's cell tells of a write list.",
         schema_of_cell(Raw().u8(128)), kMalformed);
  to.add("schema-event-unknown-cell", "Kinds of cells are 0 to 4 there, too.",
         head().u8(0).u8(0).list({Raw().varint(1).name("e").u8(32).list({field(1, "a")})}),
         kMalformed);
  to.add("schema-cell-with-place", "Only an event has a place.",
         schema_of_cell(Raw().u8(64).name("a")), kMalformed);
  to.add("schema-unknown-flags", "A field has three flags.",
         schema_of_field(field_of(2, Raw(), 8, Raw())), kMalformed);
  to.add("schema-field-write-unknown-where", "Conditions of access are 0 to 2 there, too.",
         schema_of_field(field_of(2, Raw(), 4, Raw().list({Raw().name("").u8(3)}))), kMalformed);
  to.add("schema-unknown-policy", "Policies are 0 to 2.",
         schema_of_field(Raw().varint(1).name("a").u8(2).u8(0).u8(0).u8(3).varint(1)), kMalformed);
  to.add("schema-unknown-default", "Kinds of defaults are 1 to 13.",
         schema_of_field(field_of(2, Raw(), 2, Raw().u8(14))), kMalformed);
  to.add("schema-default-zero", "Kind 0 of a default is none.",
         schema_of_field(field_of(2, Raw(), 2, Raw().u8(0))), kMalformed);
  to.add("schema-default-cut-short", "A default of 8 bytes that has 7.",
         head().u8(0).varint(1).raw(
             table(1, "t", {field_of(11, Raw(), 2, Raw().u8(4).real(0).drop(1))})),
         kMalformed);
}

void make_not_canonical(Rejects to) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Raw enum_a = Raw().name("a").list({Raw().name("x")});
  const Raw enum_b = Raw().name("b").list({Raw().name("x")});
  to.add("schema-enums-out-of-order", "Enums rise by name.",
         head().list({enum_b, enum_a}).u8(0).u8(0), kNotCanonical);
  to.add("schema-enum-twice", "An enum stands once.", head().list({enum_a, enum_a}).u8(0).u8(0),
         kNotCanonical);
  to.add("schema-tables-out-of-order", "Tables rise by id.",
         head().u8(0).list({table(2, "t", {field(1, "a")}), table(1, "u", {field(1, "a")})}).u8(0),
         kNotCanonical);
  to.add("schema-table-id-twice", "A table id stands once.",
         head().u8(0).list({table(1, "t", {field(1, "a")}), table(1, "u", {field(1, "a")})}).u8(0),
         kNotCanonical);
  to.add("schema-fields-out-of-order", "Fields rise by id.",
         schema_of(table(1, "t", {field(2, "a"), field(1, "b")})), kNotCanonical);
  to.add("schema-field-id-twice", "A field id stands once.",
         schema_of(table(1, "t", {field(1, "a"), field(1, "b")})), kNotCanonical);
  to.add("schema-events-out-of-order", "Events rise by id.",
         head().u8(0).u8(0).list({event(2, "e"), event(1, "f")}), kNotCanonical);
  to.add("schema-transient-2", "Transient is 0 or 1.",
         schema_of(Raw().varint(1).name("t").u8(0).u8(0).u8(0).u8(1).u8(2).list({field(1, "a")})),
         kNotCanonical);
  to.add("schema-default-bool-2", "A bool is 0 or 1.",
         schema_of_field(field_of(1, Raw(), 2, Raw().u8(1).u8(2))), kNotCanonical);
  to.add("schema-default-nan", "No number of a schema is NaN.",
         schema_of_field(field_of(11, Raw(), 2, Raw().u8(4).real(nan))), kNotCanonical);
  to.add("schema-default-component-nan", "Neither is a component of a vector.",
         schema_of_field(field_of(
             12, Raw(), 2, Raw().u8(5).single(0).single(std::numeric_limits<float>::quiet_NaN()))),
         kNotCanonical);
  to.add("schema-precision-nan", "Neither is a precision.",
         schema_of_field(Raw().varint(1).name("a").u8(10).u8(1).real(nan).u8(0).u8(0).varint(1)),
         kNotCanonical);
}

void make_not_canonical_writes(Rejects to) {
  to.add("schema-field-write-empty", "A write list of a field that is there has a rule.",
         schema_of_field(field_of(2, Raw(), 4, Raw().u8(0))), kNotCanonical);
  to.add("schema-event-place-empty", "A place that is there has a name.",
         head().u8(0).u8(0).list({Raw().varint(1).name("e").u8(64).name("").list({field(1, "a")})}),
         kNotCanonical);
  to.add("schema-event-write-empty", "A write list of an event that is there has a rule.",
         head().u8(0).u8(0).list({Raw().varint(1).name("e").u8(128).list({field(1, "a")}).u8(0)}),
         kNotCanonical);
}

void make_over_limits(Rejects to) {
  to.add("schema-name-too-long", "A name of 65 bytes.",
         Raw().u8(1).name(std::string(65, 'n')).varint(1).u8(0).u8(0).u8(0), kLimit);
  Raw fields = Raw().varint(1).name("t").u8(0).u8(0).u8(0).u8(1).u8(0).varint(65);
  for (unsigned i = 1; i <= 65; ++i) fields.raw(field(i, ("f" + std::to_string(i)).c_str()));
  to.add("schema-too-many-fields", "65 fields in a table.", schema_of(fields), kLimit);
  Raw values = head().varint(1).name("e").varint(257);
  for (unsigned i = 0; i < 257; ++i) values.name("v" + std::to_string(i));
  to.add("schema-too-many-enum-values", "257 values of an enum.", values.u8(0).u8(0), kLimit);
  Raw enums = head().varint(257);
  for (unsigned i = 0; i < 257; ++i) {
    enums.name("e" + std::to_string(1000 + i)).list({Raw().name("v")});
  }
  to.add("schema-too-many-enums", "257 enums.", enums.u8(0).u8(0), kLimit);
  Raw rules = Raw().varint(1).name("t").u8(0).varint(33);
  for (unsigned i = 0; i < 33; ++i) rules.name("").u8(0);
  to.add("schema-too-many-rules", "33 rules of access.",
         schema_of(rules.u8(0).u8(1).u8(0).list({field(1, "a")})), kLimit);
  Raw field_rules = Raw().varint(33);
  for (unsigned i = 0; i < 33; ++i) field_rules.name("").u8(0);
  to.add("schema-field-write-too-many-rules", "33 rules for writing a field.",
         schema_of_field(field_of(2, Raw(), 4, field_rules)), kLimit);
}

SchemaBuilder one(FieldType type) { return SchemaBuilder("s").table(1, "t").field(1, "a", type); }

void make_invalid_fields(Rejects to) {
  using enum FieldType;
  to.invalid("schema-field-type-0", "No field type has number 0.", one(FieldType{0}));
  to.invalid("schema-field-id-0", "Ids start at 1.",
             SchemaBuilder("s").table(1, "t").field(0, "a", kU8));
  to.invalid("schema-field-name-twice", "Two fields of one name.", one(kU8).field(2, "a", kU8));
  to.invalid("schema-field-name-upper-case", "Names are lower-case.",
             SchemaBuilder("s").table(1, "t").field(1, "Name", kU8));
  to.invalid("schema-unknown-enum", "A field names an enum that there is not.",
             SchemaBuilder("s").table(1, "t").enum_field(1, "a", "team"));
  to.invalid("schema-bits-0", "A bit set has 1 bit at least.",
             SchemaBuilder("s").table(1, "t").bits_field(1, "a", 0));
  to.invalid("schema-bits-65", "A bit set has 64 bits at most.",
             SchemaBuilder("s").table(1, "t").bits_field(1, "a", 65));
  to.invalid("schema-text-max-0", "A text needs its greatest length.",
             SchemaBuilder("s").table(1, "t").text(1, "a", 0));
  to.invalid("schema-text-max-65537", "Texts have 65536 bytes at most.",
             SchemaBuilder("s").table(1, "t").text(1, "a", 65537));
  to.invalid(
      "schema-row-texts-too-long", "The texts of a row have 131072 bytes at most.",
      SchemaBuilder("s").table(1, "t").text(1, "a", 65536).text(2, "b", 65536).bytes(3, "c", 1));
  to.invalid("schema-precision-of-u8", "Precision is for floats.", one(kU8).precision(1));
  to.invalid("schema-precision-0", "A precision is above zero.", one(kF32).precision(0));
  to.invalid("schema-precision-too-fine", "A precision is 1e-30 at least.",
             one(kF32).precision(1e-31));
  to.invalid("schema-range-empty", "A range's end is above its begin.", one(kF32).range(1, 1, 8));
  to.invalid("schema-range-bits-0", "A range takes 1 bit at least.", one(kF32).range(0, 1, 0));
  to.invalid("schema-range-bits-33", "A range takes 32 bits at most.", one(kF32).range(0, 1, 33));
  to.invalid("schema-range-too-wide", "Ends of 32-bit floats lie within 1e38.",
             one(kVec2f).range(-2e38, 1, 8));
  to.invalid("schema-quaternion-bits-1", "A quaternion takes 2 bits at least.",
             one(kQuatf).quaternion_bits(1));
  to.invalid("schema-quaternion-bits-17", "A quaternion takes 16 bits at most.",
             one(kQuatf).quaternion_bits(17));
  to.invalid("schema-quaternion-of-f32", "Only quaternions have their three components.",
             one(kF32).quaternion_bits(10));
  to.invalid("schema-merge-sum-of-bool", "Sums are for numbers.", one(kBool).merge("sum"));
  to.invalid("schema-merge-without-name", "A merge has a name.", one(kU8).merge(""));
  to.invalid("schema-server-only-lww", "Clients do not write what they never see.",
             one(kU8).field(2, "b", kU8).server_only().lww());
  to.invalid("schema-since-beyond", "A field cannot be newer than the schema.", one(kU8).since(2));
  to.invalid("schema-since-0", "Versions start at 1.", one(kU8).since(0));
}

void make_invalid_field_writes(Rejects to) {
  using enum FieldType;
  const auto where = AccessRule::Where::kOwnerIsMe;
  to.invalid("schema-field-write-alone", "A table that nobody writes has no field to narrow it.",
             one(kU8).field_write(""));
  to.invalid("schema-field-write-server-only", "Clients do not write what they never see.",
             one(kU8).write("").field(2, "b", kU8).server_only().field_write(""));
  to.invalid("schema-field-write-of-event", "An event is sent as a whole.",
             SchemaBuilder("s").event(1, "e").field(1, "a", kU8).field_write(""));
  to.invalid("schema-event-write-owner", "Who may send an event is told by roles alone.",
             SchemaBuilder("s").event(1, "e").write("", where).field(1, "a", kU8));
  to.invalid("schema-event-write-role-upper-case", "Names of roles are lower-case.",
             SchemaBuilder("s").event(1, "e").write("Guest").field(1, "a", kU8));
  to.invalid("schema-field-write-owner-without-owner", "Nobody owns the row.",
             one(kU8).write("").field_write("", where));
  to.invalid("schema-field-write-claim-of-one-cell", "One cell has no key to compare a claim with.",
             one(kU8).write("").field_write("", AccessRule::Where::kCellIsClaim, "room"));
  to.invalid("schema-field-write-role-upper-case", "Names of roles are lower-case.",
             one(kU8).write("").field_write("Guest"));
}

void make_invalid_defaults(Rejects to) {
  using enum FieldType;
  to.invalid("schema-default-of-other-type", "A default is of the field's type.",
             one(kU8).default_value(int64_t{1}));
  to.invalid("schema-default-beyond", "256 is no u8.", one(kU8).default_value(uint64_t{256}));
  to.invalid("schema-default-outside-range", "2 is outside of 0 to 1.",
             one(kF32).range(0, 1, 8).default_value(2.0));
  to.invalid("schema-default-unknown-enum-value", "An enum of one value has no number 1.",
             SchemaBuilder("s")
                 .enumeration("e", {"x"})
                 .table(1, "t")
                 .enum_field(1, "a", "e")
                 .default_value(EnumValue{1}));
  to.invalid("schema-default-entity", "An entity field starts as none.",
             one(kEntity).default_value(EntityId{65537}));
  to.invalid("schema-default-text-too-long", "A default obeys the greatest length.",
             SchemaBuilder("s").table(1, "t").text(1, "a", 2).default_value("abc"));
  to.invalid("schema-default-text-not-utf8", "A default is UTF-8.",
             SchemaBuilder("s").table(1, "t").text(1, "a", 2).default_value("\xff"));
}

void make_invalid_tables(Rejects to) {
  using enum FieldType;
  to.invalid("schema-without-name", "A schema has a name.", SchemaBuilder(""));
  to.invalid("schema-version-0", "Versions start at 1.", SchemaBuilder("s", 0));
  to.invalid("schema-table-id-0", "Ids start at 1.",
             SchemaBuilder("s").table(0, "t").field(1, "a", kU8));
  to.invalid("schema-table-name-twice", "Two tables of one name.",
             one(kU8).table(2, "t").field(1, "a", kU8));
  to.invalid("schema-table-without-fields", "A table has a field at least.",
             SchemaBuilder("s").table(1, "t"));
  to.invalid("schema-table-server-only", "A table replicates something.", one(kU8).server_only());
  to.invalid("schema-enum-without-values", "An enum has a value at least.",
             SchemaBuilder("s").enumeration("e", {}));
  to.invalid("schema-enum-value-twice", "Two values of one name.",
             SchemaBuilder("s").enumeration("e", {"x", "x"}));
  to.invalid("schema-event-without-fields", "An event has a field at least.",
             SchemaBuilder("s").event(1, "e"));
  to.invalid("schema-event-server-only", "Every field of an event is sent.",
             SchemaBuilder("s").event(1, "e").field(1, "a", kU8).server_only());
  to.invalid("schema-event-policy", "Nothing is merged into an event.",
             SchemaBuilder("s").event(1, "e").field(1, "a", kU8).lww());
}

void make_invalid_cells(Rejects to) {
  using enum FieldType;
  to.invalid("schema-cell-unknown-field", "A cell rule names a field that there is not.",
             one(kU8).by("b"));
  to.invalid("schema-cell-by-float", "Cells by value are not made of floats.", one(kF32).by("a"));
  to.invalid("schema-cell-by-principal", "A principal makes cells by owner.",
             one(kPrincipal).by("a"));
  to.invalid("schema-cell-owner-of-u64", "An owner is a principal.", one(kU64).owner("a"));
  to.invalid("schema-cell-server-only", "Rows cannot move by what is not replicated.",
             one(kU8).field(2, "b", kU8).server_only().by("b"));
  to.invalid("schema-grid-of-unquantised", "A grid needs a precision.", one(kVec2f).grid("a", 64));
  to.invalid("schema-grid-of-range", "A grid needs a precision, not a range.",
             one(kVec2f).range(0, 1, 8).grid("a", 0.5));
  to.invalid("schema-grid-of-f32", "A grid lies over a vector.",
             one(kF32).precision(1).grid("a", 64));
  to.invalid("schema-grid-size-not-whole", "A grid's size is a multiple of the precision.",
             one(kVec2f).precision(0.5).grid("a", 1.75));
  to.invalid("schema-grid-size-0", "A grid's size is one step at least.",
             one(kVec2f).precision(0.5).grid("a", 0));
  const auto event = [] {
    return one(kVec2f)
        .precision(0.5)
        .grid("a", 2)
        .event(1, "e")
        .field(1, "p", kVec2f)
        .precision(0.5);
  };
  to.invalid("schema-event-grid", "An event has no cells of its own.", event().grid("p", 2));
  to.invalid("schema-event-place-unknown", "A place is a field that there is not.",
             event().follow("t").at("q"));
  to.invalid("schema-event-place-precision", "A place has the precision of the grid.",
             event().precision(0.25).follow("t").at("p"));
  to.invalid("schema-event-place-type", "A place has the type of the grid's field.",
             event().field(2, "q", kVec3f).precision(0.5).follow("t").at("q"));
  to.invalid("schema-event-place-without-follow", "A place is in the cells of a table.",
             event().at("p"));
  to.invalid("schema-follow-unknown", "A table follows one that there is not.",
             one(kU8).follow("u"));
  to.invalid("schema-follow-one-cell", "A table follows one with cells of its own.",
             one(kU8).table(2, "u").follow("t").field(1, "a", kU8));
  to.invalid("schema-follow-follower", "A table does not follow a follower.",
             one(kU8)
                 .by("a")
                 .table(2, "u")
                 .follow("t")
                 .field(1, "a", kU8)
                 .table(3, "v")
                 .follow("u")
                 .field(1, "a", kU8));
  to.invalid("schema-read-owner-without-owner", "Reading by owner needs cells by owner.",
             one(kPrincipal).read("", AccessRule::Where::kOwnerIsMe));
  to.invalid("schema-write-owner-of-two", "Writing by owner needs one principal field.",
             one(kPrincipal).field(2, "b", kPrincipal).write("", AccessRule::Where::kOwnerIsMe));
  to.invalid("schema-claim-of-one-cell", "One cell has no key to compare a claim with.",
             one(kU8).read("", AccessRule::Where::kCellIsClaim, "room"));
  to.invalid("schema-role-upper-case", "Names of roles are lower-case.", one(kU8).read("Guest"));
}

}  // namespace

void make_schema_rejects(Maker& to) {
  const Rejects rejects(to);
  make_malformed(rejects);
  make_not_canonical(rejects);
  make_not_canonical_writes(rejects);
  make_over_limits(rejects);
  make_invalid_fields(rejects);
  make_invalid_field_writes(rejects);
  make_invalid_defaults(rejects);
  make_invalid_tables(rejects);
  make_invalid_cells(rejects);
}

}  // namespace ecsdb::vectors
