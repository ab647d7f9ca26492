// Schemas in their canonical binary form.
#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/schema_builder.h"

#include "groups.h"
#include "rows_json.h"

namespace ecsdb::vectors {
namespace {

Json play(const Group&, const Json& input) {
  const Bytes bytes = bytes_of(input.at("bytes"));
  const Result<Schema> schema = decode_schema(bytes);
  if (!schema.ok()) return error_outcome(schema.error(), false);
  if (encode_schema(schema->def()) != bytes) {
    return Json::object({{"problem", "it is not what the encoder makes of it"}});
  }
  Bytes fingerprint;
  ByteWriter writer(fingerprint);
  writer.u64(schema->fingerprint().high);
  writer.u64(schema->fingerprint().low);
  return expect_outcome(
      Json::object({{"fingerprint", to_hex(fingerprint)}, {"schema", schema_json(schema->def())}}));
}

void add(Maker& to, const char* name, const char* note, const SchemaBuilder& builder) {
  to.accept(name, note, Json::object({{"bytes", to_hex(encode_schema(builder.def()))}}));
}

void make_cells(Maker& to) {
  using enum FieldType;
  add(to, "schema-empty", "A schema without tables.", SchemaBuilder("empty"));
  add(to, "schema-one-table", "One table that is one cell, with one field.",
      SchemaBuilder("small").table(1, "world").field(1, "tick", kU32));
  add(to, "schema-cells", "Every kind of cell: by grid, follow, value and owner.",
      SchemaBuilder("cells", 2)
          .table(1, "ship")
          .grid("pos", 64)
          .field(1, "pos", kVec2f)
          .precision(0.5)
          .table(2, "cargo")
          .follow("ship")
          .field(1, "gold", kI64)
          .table(3, "chat")
          .by("room")
          .field(1, "room", kI32)
          .text(2, "line", 200)
          .table(4, "bag")
          .owner("who")
          .field(1, "who", kPrincipal)
          .field(2, "items", kU32));
  add(to, "schema-order-of-ids", "Tables and fields stand in order of id, however declared.",
      SchemaBuilder("order")
          .table(300, "last")
          .field(200, "b", kU8)
          .field(1, "a", kU8)
          .table(2, "first")
          .field(1, "a", kU8));
  add(to, "schema-codecs", "A plain table that is transient, and a packed one.",
      SchemaBuilder("codecs")
          .table(1, "plain")
          .codec(CodecTier::kPlain)
          .transient()
          .field(1, "a", kU8)
          .table(2, "packed")
          .field(1, "a", kU8));
}

void make_fields(Maker& to) {
  using enum FieldType;
  SchemaBuilder types("types");
  types.enumeration("team", {"none", "red"}).table(1, "all");
  types.field(1, "f1", kBool).field(2, "f2", kU8).field(3, "f3", kU16).field(4, "f4", kU32);
  types.field(5, "f5", kU64).field(6, "f6", kI8).field(7, "f7", kI16).field(8, "f8", kI32);
  types.field(9, "f9", kI64).field(10, "f10", kF32).field(11, "f11", kF64);
  types.field(12, "f12", kVec2f).field(13, "f13", kVec3f).field(14, "f14", kQuatf);
  types.enum_field(15, "f15", "team").bits_field(16, "f16", 64).field(17, "f17", kEntity);
  types.field(18, "f18", kPrincipal).text(19, "f19", 65536).bytes(20, "f20", 1);
  add(to, "schema-all-types", "Every field type.", types);
  add(to, "schema-quantisation", "By precision, by range, and quaternions.",
      SchemaBuilder("steps")
          .table(1, "t")
          .field(1, "a", kF32)
          .precision(0.01)
          .field(2, "b", kF64)
          .range(-1, 1, 32)
          .field(3, "c", kVec3f)
          .range(0, 360, 1)
          .field(4, "d", kQuatf)
          .quaternion_bits(16));
  add(to, "schema-policies", "Every policy, and a field of a later version.",
      SchemaBuilder("policies", 7)
          .table(1, "t")
          .field(1, "a", kU8)
          .field(2, "b", kU8)
          .lww()
          .field(3, "c", kI64)
          .merge("sum")
          .bits_field(4, "d", 3)
          .merge("union")
          .text(5, "e", 9)
          .merge("append")
          .field(6, "f", kF32)
          .merge("of_my_own")
          .since(7)
          .field(7, "g", kF64)
          .server_only());
}

void make_access(Maker& to) {
  using enum FieldType;
  add(to, "schema-access", "Who may read and write, and where.",
      SchemaBuilder("access")
          .table(1, "t")
          .owner("who")
          .read("")
          .read("guest", AccessRule::Where::kCellIsClaim, "room")
          .write("player", AccessRule::Where::kOwnerIsMe)
          .field(1, "who", kPrincipal));
  add(to, "schema-field-access",
      "Fields that fewer may write than their table, one with a default.",
      SchemaBuilder("field_access")
          .table(1, "t")
          .by("room")
          .write("player")
          .write("admin")
          .field(1, "room", kU16)
          .field(2, "gold", kI64)
          .merge("sum")
          .default_value(int64_t{-2})
          .field_write("admin")
          .field_write("player", AccessRule::Where::kCellIsClaim, "bank")
          .field(3, "who", kPrincipal)
          .field_write("", AccessRule::Where::kOwnerIsMe));
}

void make_events(Maker& to) {
  using enum FieldType;
  add(to, "schema-events", "Events for everyone, where an entity is, and where a field says.",
      SchemaBuilder("events")
          .table(1, "ship")
          .grid("pos", 64)
          .field(1, "pos", kVec3f)
          .precision(2)
          .event(1, "boom")
          .follow("ship")
          .field(1, "at", kVec2f)
          .precision(0.1)
          .event(2, "chat")
          .text(1, "line", 200)
          .event(3, "flare")
          .follow("ship")
          .at("where")
          .write("")
          .field(4, "where", kVec3f)
          .precision(2)
          .field(5, "colour", kU8));
  add(to, "schema-event-access", "Events that clients may send: with a role, and everyone.",
      SchemaBuilder("event_access")
          .table(1, "ship")
          .by("room")
          .field(1, "room", kU16)
          .event(1, "honk")
          .follow("ship")
          .write("player")
          .write("")
          .field(1, "how_loud", kU8)
          .event(2, "cheat")
          .write("admin")
          .text(1, "code", 20)
          .event(3, "boom")
          .field(1, "at", kU8));
}

void make_defaults(Maker& to) {
  using enum FieldType;
  SchemaBuilder b("defaults");
  b.enumeration("team", {"none", "red", "blue"}).table(1, "t");
  b.field(1, "a", kBool).default_value(true).field(2, "b", kU64).default_value(~uint64_t{0});
  b.field(3, "c", kI64).default_value(int64_t{-1}).field(4, "d", kF64).default_value(0.1);
  b.field(5, "e", kVec2f).default_value(Vec2f{1, -2});
  b.field(6, "f", kVec3f).range(-1, 1, 12).default_value(Vec3f{0, 1, -1});
  b.field(7, "g", kQuatf).default_value(Quatf{1, 2, 3, 4});
  b.enum_field(8, "h", "team").default_value(EnumValue{2});
  b.bits_field(9, "i", 12).default_value(BitSet{2049});
  b.field(10, "j", kPrincipal).default_value(PrincipalId{5});
  b.text(11, "k", 24).default_value("anon").bytes(12, "l", 8).default_value(Blob{0, 255});
  add(to, "schema-defaults", "A default of every kind that there is.", b);
  SchemaBuilder wide("wide");
  wide.table(1, "t");
  for (uint16_t i = 1; i <= 64; ++i) wide.field(i, "f" + std::to_string(i), kBool);
  add(to, "schema-64-fields", "As many fields as a table may have.", wide);
  add(to, "schema-longest-name", "A name of 64 bytes.",
      SchemaBuilder(std::string(64, 'n')).table(65535, "t").field(65535, "f", kU8));
}

}  // namespace

const GroupKind& schemas_group() {
  static const GroupKind kGroup = {"schemas", "Schemas in their canonical binary form.",
                                   [](Maker& to) {
                                     make_cells(to);
                                     make_fields(to);
                                     make_access(to);
                                     make_events(to);
                                     make_defaults(to);
                                     make_schema_rejects(to);
                                   },
                                   play};
  return kGroup;
}

}  // namespace ecsdb::vectors
