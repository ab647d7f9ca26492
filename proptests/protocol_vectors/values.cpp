// Lanes and what they stand for, texts, and the hashes of rows.
#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/field_lanes.h"
#include "ecsdb/schema/schema_builder.h"

#include "groups.h"
#include "rows_json.h"

namespace ecsdb::vectors {
namespace {

LaneValues lanes_from_json(const Json& json) {
  LaneValues out;
  for (size_t i = 0; i < json.items().size() && i < kLanesPerFieldMax; ++i) {
    out.lane[i] = lane_from_json(json.items()[i]);
  }
  return out;
}

Json lanes_json(const FieldDef& def, const LaneValues& lanes) {
  const FieldLanes layout = field_lanes(def);
  Json out = Json::array();
  for (size_t i = 0; i < layout.count; ++i) out.add(lane_json(layout.lane[i], lanes.lane[i]));
  return out;
}

Json play_value(const Json& input) {
  const FieldDef def = field_from_json(input.at("field"));
  const LaneValues lanes = lanes_from_json(input.at("lanes"));
  if (is_text(def.type)) return {};
  if (!lanes_are_canonical(def, lanes)) {
    return error_outcome(fail(ErrorCode::kValueOutOfRange), false);
  }
  return expect_outcome(value_json(from_lanes(def, lanes)));
}

Json play_quantise(const Json& input) {
  const FieldDef def = field_from_json(input.at("field"));
  if (is_text(def.type)) return {};
  const Result<LaneValues> lanes = to_lanes(def, value_from_json(def, input.at("value")));
  if (!lanes.ok()) return error_outcome(lanes.error(), false);
  return expect_outcome(Json::object({{"lanes", lanes_json(def, *lanes)}}));
}

Json play_text(const Json& input) {
  const FieldDef def = field_from_json(input.at("field"));
  if (!is_text(def.type)) return {};
  const Bytes bytes = bytes_of(input.at("bytes"));
  const Result<std::string> text = to_text(def, from_text(def, as_text(bytes)));
  if (!text.ok()) return error_outcome(text.error(), false);
  return expect_outcome(value_json(from_text(def, *text)));
}

Json play_row_hash(const Group& group, const Json& input) {
  const Result<Schema> schema = group.schema(input.at("schema"));
  if (!schema.ok()) return error_outcome(schema.error(), true);
  const auto index = schema->table_index(TableId{static_cast<uint16_t>(input.at("table").u64())});
  if (!index) return {};
  const TableDef& def = schema->table(*index);
  Table table(def, schema->layout(*index), false);
  Json hashes = Json::array();
  Digest sum;
  for (const Json& row : input.at("rows").items()) {
    add_row(def, table, row);
    const Digest hash = table.row_digest(table.row_count() - 1);
    sum += hash;
    hashes.add(digest_json(hash));
  }
  return expect_outcome(Json::object({{"hashes", hashes}, {"digest", digest_json(sum)}}));
}

Json play(const Group& group, const Json& input) {
  const std::string& kind = input.at("kind").text();
  if (kind == "value") return play_value(input);
  if (kind == "quantise") return play_quantise(input);
  if (kind == "text") return play_text(input);
  if (kind == "row_hash") return play_row_hash(group, input);
  return Json::object({{"problem", "unknown kind"}});
}

Json type(const char* name) { return Json::object({{"type", name}}); }
Json precision(const char* name, const char* step) {
  return type(name).set("quantise",
                        Json::object({{"kind", "precision"}, {"precision", Json::number(step)}}));
}
Json range(const char* name, const char* min, const char* max, int bits) {
  return type(name).set("quantise", Json::object({{"kind", "range"},
                                                  {"min", Json::number(min)},
                                                  {"max", Json::number(max)},
                                                  {"bits", bits}}));
}
Json quaternion(int bits) {
  return type("quatf").set("quantise", Json::object({{"kind", "quaternion"}, {"bits", bits}}));
}
Json strings(std::initializer_list<const char*> items) {
  Json out = Json::array();
  for (const char* item : items) out.add(item);
  return out;
}

class ValueMaker {
 public:
  explicit ValueMaker(Maker& to) : to_(to) {}
  void good(const char* name, const char* note, Json field,
            std::initializer_list<const char*> lanes) {
    to_.accept(name, note, input(std::move(field), lanes));
  }
  void bad(const char* name, const char* note, Json field,
           std::initializer_list<const char*> lanes) {
    to_.reject(name, note, input(std::move(field), lanes), "value_out_of_range");
  }

 private:
  static Json input(Json field, std::initializer_list<const char*> lanes) {
    return Json::object(
        {{"kind", "value"}, {"field", std::move(field)}, {"lanes", strings(lanes)}});
  }
  Maker& to_;
};

void make_integers(ValueMaker to) {
  to.good("value-bool-false", "A bool is one lane.", type("bool"), {"0"});
  to.good("value-bool-true", "1 is true.", type("bool"), {"1"});
  to.good("value-u8-most", "An unsigned lane of 8 bits.", type("u8"), {"255"});
  to.good("value-u16-most", "An unsigned lane of 16 bits.", type("u16"), {"65535"});
  to.good("value-u32-most", "An unsigned lane of 32 bits.", type("u32"), {"4294967295"});
  to.good("value-u64-most", "An unsigned lane of 64 bits.", type("u64"), {"18446744073709551615"});
  to.good("value-i8-least", "A signed lane of 8 bits.", type("i8"), {"-128"});
  to.good("value-i16-most", "A signed lane of 16 bits.", type("i16"), {"32767"});
  to.good("value-i32-least", "A signed lane of 32 bits.", type("i32"), {"-2147483648"});
  to.good("value-i64-least", "A signed lane of 64 bits.", type("i64"), {"-9223372036854775808"});
  to.good("value-enum", "The number of an enum's value.", type("enum"), {"2"});
  to.good("value-enum-unknown",
          "An enum's number may be beyond its values: it is kept as it is, up to 255.",
          type("enum"), {"255"});
  to.good("value-bits", "A bit set of 5 bits.", type("bits").set("bits", 5), {"31"});
  to.good("value-bits-64", "A bit set of 64 bits.", type("bits").set("bits", 64),
          {"18446744073709551615"});
  to.good("value-entity", "Index 7, epoch 1, reuse count 3.", type("entity"), {"30064836611"});
  to.good("value-entity-none", "Zero names no entity.", type("entity"), {"0"});
  to.good("value-principal", "Principals have 64 bits.", type("principal"),
          {"18446744073709551615"});
  to.bad("value-bool-two", "A bool is 0 or 1.", type("bool"), {"2"});
  to.bad("value-u8-256", "Beyond 8 bits.", type("u8"), {"256"});
  to.bad("value-u16-65536", "Beyond 16 bits.", type("u16"), {"65536"});
  to.bad("value-u32-beyond", "Beyond 32 bits.", type("u32"), {"4294967296"});
  to.bad("value-i8-128", "Beyond the signed range of 8 bits.", type("i8"), {"128"});
  to.bad("value-i16-below", "Below the signed range of 16 bits.", type("i16"), {"-32769"});
  to.bad("value-i32-beyond", "Beyond the signed range of 32 bits.", type("i32"), {"2147483648"});
  to.bad("value-enum-256", "Enum numbers have 8 bits.", type("enum"), {"256"});
  to.bad("value-bits-beyond", "The sixth bit of a bit set of 5.", type("bits").set("bits", 5),
         {"32"});
}

void make_floats(ValueMaker to) {
  to.good("value-f32", "Lane of an unquantised float: its bits.", type("f32"), {"1069547520"});
  to.good("value-f32-minus-zero", "Minus zero is not zero.", type("f32"), {"2147483648"});
  to.good("value-f32-nan", "A NaN keeps its payload.", type("f32"), {"2143289345"});
  to.good("value-f32-infinity", "Infinity is a value like others.", type("f32"), {"2139095040"});
  to.good("value-f64", "The bits of 0.1.", type("f64"), {"4591870180066957722"});
  to.good("value-vec2f", "One lane for each component.", type("vec2f"), {"1065353216", "0"});
  to.good("value-vec3f", "Three lanes.", type("vec3f"), {"1065353216", "3212836864", "1056964608"});
  to.good("value-quatf", "An unquantised quaternion has four lanes of bits: x, y, z, w.",
          type("quatf"), {"0", "0", "0", "1065353216"});
  to.good("value-f32-precision", "12 steps of 0.01, rounded to 32 bits.", precision("f32", "0.01"),
          {"12"});
  to.good("value-f64-precision", "-3 steps of 0.001, in 64 bits.", precision("f64", "0.001"),
          {"-3"});
  to.good("value-vec2f-precision", "Steps of half a unit.", precision("vec2f", "0.5"),
          {"-2147483648", "2147483647"});
  to.good("value-vec3f-precision", "Steps of a third are rounded to floats.",
          precision("vec3f", "0.3333333333333333"), {"1", "2", "-7"});
  to.good("value-f32-range-ends", "Seven bits from -1 to 1: the least.", range("f32", "-1", "1", 7),
          {"0"});
  to.good("value-f32-range-most", "Seven bits from -1 to 1: the greatest.",
          range("f32", "-1", "1", 7), {"127"});
  to.good("value-f32-range-middle", "Seven bits have no step at 0.", range("f32", "-1", "1", 7),
          {"64"});
  to.good("value-f64-range-32-bits", "32 bits from 0 to 1 in 64-bit floats.",
          range("f64", "0", "1", 32), {"2147483648"});
  to.good("value-vec3f-range", "12 bits from 0 to 360 for each component.",
          range("vec3f", "0", "360", 12), {"0", "1", "4095"});
  to.bad("value-f32-beyond", "The bits of a 32-bit float have 32 bits.", type("f32"),
         {"4294967296"});
  to.bad("value-vec2f-precision-beyond", "Steps of vectors have 32 bits.",
         precision("vec2f", "0.5"), {"0", "2147483648"});
  to.bad("value-range-beyond", "Seven bits end at 127.", range("f32", "-1", "1", 7), {"128"});
}

void make_quaternions(ValueMaker to) {
  to.good("value-quaternion-identity-near", "Largest is w; the middle of 10 bits is not quite 0.",
          quaternion(10), {"3", "512", "512", "512"});
  to.good("value-quaternion-x-largest", "Largest is x; the others are y, z, w.", quaternion(10),
          {"0", "512", "0", "700"});
  to.good("value-quaternion-16-bits", "16 bits for each component.", quaternion(16),
          {"2", "1", "32768", "65535"});
  to.good("value-quaternion-two-bits", "The fewest bits there are.", quaternion(2),
          {"1", "0", "3", "2"});
  to.good("value-quaternion-no-rotation",
          "Three components that no rotation has together are scaled to length 1.", quaternion(10),
          {"0", "1023", "1023", "1023"});
  to.bad("value-quaternion-component-beyond", "10 bits end at 1023.", quaternion(10),
         {"0", "1024", "0", "0"});
  to.bad("value-quaternion-fifth-component", "The largest is one of four.", quaternion(10),
         {"4", "0", "0", "0"});
}

Json text_input(const char* type_name, int max, std::string hex) {
  return Json::object(
      {{"kind", "text"}, {"field", type(type_name).set("max", max)}, {"bytes", std::move(hex)}});
}

void make_texts(Maker& to) {
  to.accept("text-str", "A text is its UTF-8 bytes.", text_input("str", 8, "c3bc62"));
  to.accept("text-str-empty", "The empty text.", text_input("str", 8, ""));
  to.accept("text-str-longest", "The limit counts bytes.", text_input("str", 4, "c3bcc3bc"));
  to.accept("text-bytes", "Bytes need not be UTF-8.", text_input("bytes", 4, "ff00fe"));
  to.reject("text-str-too-long", "Five bytes where four fit.", text_input("str", 4, "6161616161"),
            "text_too_long");
  to.reject("text-bytes-too-long", "Two bytes where one fits.", text_input("bytes", 1, "0000"),
            "text_too_long");
  to.reject("text-str-not-utf8", "A byte that is no UTF-8.", text_input("str", 4, "61ff"),
            "bad_text");
}

Json quantise_input(Json field, Json value) {
  return Json::object(
      {{"kind", "quantise"}, {"field", std::move(field)}, {"value", std::move(value)}});
}
Json numbers(std::initializer_list<const char*> items) {
  Json out = Json::array();
  for (const char* item : items) out.add(Json::number(item));
  return out;
}

void make_quantised(Maker& to) {
  auto good = [&](const char* name, const char* note, Json field, Json value) {
    to.accept(name, note, quantise_input(std::move(field), std::move(value)));
  };
  const Json half = precision("f32", "0.5");
  good("quantise-precision-half-up", "0.25 is half a step: rounded up.", half,
       Json::number("0.25"));
  good("quantise-precision-negative-half", "-0.25 is rounded up to 0.", half,
       Json::number("-0.25"));
  good("quantise-precision-negative", "-0.26 is nearer to -1 step.", half, Json::number("-0.26"));
  good("quantise-range", "0.1 of -1 to 1 in seven bits.", range("f32", "-1", "1", 7),
       Json::number("0.1"));
  good("quantise-vec3f-range", "Both ends and the middle.", range("vec3f", "0", "360", 12),
       numbers({"0", "360", "180"}));
  good("quantise-quaternion-identity", "No rotation.", quaternion(10),
       numbers({"0", "0", "0", "1"}));
  good("quantise-quaternion-negative", "A negative largest component turns all signs.",
       quaternion(10), numbers({"0.5", "-0.25", "0.25", "-2"}));
  good("quantise-quaternion-equals", "Of equal components the first is the largest.",
       quaternion(10), numbers({"1", "1", "1", "1"}));
  auto bad = [&](const char* name, const char* note, Json field, Json value) {
    to.reject(name, note, quantise_input(std::move(field), std::move(value)), "value_out_of_range");
  };
  bad("quantise-precision-beyond", "2^31 steps of half a unit.", half, Json::number("1073741824"));
  bad("quantise-range-beyond", "1.5 is outside of -1 to 1.", range("f32", "-1", "1", 7),
      Json::number("1.5"));
  bad("quantise-quaternion-zero", "The zero quaternion is no rotation.", quaternion(10),
      numbers({"0", "0", "0", "0"}));
  bad("quantise-u8-beyond", "256 is no u8.", type("u8"), "256");
  bad("quantise-i8-beyond", "-129 is no i8.", type("i8"), "-129");
}

Schema types_schema() {
  using enum FieldType;
  SchemaBuilder b("types");
  b.enumeration("team", {"none", "red", "blue"});
  b.table(1, "ints").field(1, "flag", kBool).field(2, "u8", kU8).field(3, "u16", kU16);
  b.field(4, "u32", kU32).field(5, "u64", kU64).field(6, "i8", kI8).field(7, "i16", kI16);
  b.field(8, "i32", kI32).field(9, "i64", kI64).enum_field(10, "team", "team");
  b.bits_field(11, "few", 5).bits_field(12, "many", 40);
  b.table(2, "floats").field(1, "f32", kF32).field(2, "f64", kF64).field(3, "vec2f", kVec2f);
  b.field(4, "vec3f", kVec3f).field(5, "quatf", kQuatf);
  b.field(6, "steps", kF32).precision(0.01).field(7, "wide_steps", kF64).precision(0.01);
  b.field(8, "share", kF32).range(0, 1, 8).field(9, "turn", kQuatf).quaternion_bits(10);
  b.table(3, "others").field(1, "entity", kEntity).field(2, "principal", kPrincipal);
  b.text(3, "name", 64).bytes(4, "blob", 64).field(900, "hidden", kU32).server_only();
  b.field(1000, "last", kU8);
  b.table(65535, "last_table").field(65535, "last_field", kI64);
  return b.build().value();
}

Json hash_input(int table, const char* rows) {
  std::string problem;
  const std::optional<Json> parsed = Json::parse(rows, problem);
  ECSDB_CHECK(parsed.has_value());
  return Json::object(
      {{"kind", "row_hash"}, {"schema", "types"}, {"table", table}, {"rows", *parsed}});
}

void make_row_hashes(Maker& to) {
  to.add_schema("types", types_schema());
  to.accept("row-hash-integers", "Every integer type; signed lanes are sign-extended.",
            hash_input(1, R"([{"entity": "4295032833", "values": {"flag": ["1"], "u8": ["255"],
                "u16": ["65535"], "u32": ["4294967295"], "u64": ["18446744073709551615"],
                "i8": ["-128"], "i16": ["-1"], "i32": ["-2147483648"], "i64": ["-2"],
                "team": ["2"], "few": ["21"], "many": ["1099511627775"]}}])"));
  to.accept("row-hash-zeros", "A row of zeros has a hash that is not zero.",
            hash_input(1, R"([{"entity": "65537", "values": {"flag": ["0"], "u8": ["0"],
                "u16": ["0"], "u32": ["0"], "u64": ["0"], "i8": ["0"], "i16": ["0"], "i32": ["0"],
                "i64": ["0"], "team": ["0"], "few": ["0"], "many": ["0"]}}])"));
  to.accept("row-hash-floats", "Floats by their bits, quantised ones by their steps.",
            hash_input(2, R"([{"entity": "65537", "values": {"f32": ["1069547520"],
                "f64": ["13830554455654793216"], "vec2f": ["1065353216", "2147483648"],
                "vec3f": ["0", "1065353216", "3212836864"],
                "quatf": ["0", "0", "0", "1065353216"], "steps": ["-12"],
                "wide_steps": ["-5000000000"], "share": ["255"],
                "turn": ["3", "512", "511", "510"]}}])"));
  to.accept(
      "row-hash-texts", "Texts by their length and bytes; server_only fields do not count.",
      hash_input(3,
                 R"([{"entity": "65537", "values": {"entity": ["30064836611"], "principal": ["12"],
                "name": "anna", "blob": "00ff00", "last": ["7"]}}])"));
  to.accept("row-hash-text-lengths", "Lengths 0 to 5: whole groups of four bytes and the rest.",
            hash_input(3, R"([
                {"entity": "65537", "values": {"entity": ["0"], "principal": ["0"], "name": "",
                 "blob": "00", "last": ["0"]}},
                {"entity": "4295032833", "values": {"entity": ["0"], "principal": ["0"],
                 "name": "ab", "blob": "000000", "last": ["0"]}},
                {"entity": "8590000129", "values": {"entity": ["0"], "principal": ["0"],
                 "name": "abcd", "blob": "0000000000", "last": ["0"]}}])"));
  to.accept("row-hash-largest-ids", "The largest table and field ids, the largest entity index.",
            hash_input(65535, R"([{"entity": "72057594037927935",
                "values": {"last_field": ["-1"]}}])"));
  to.accept("row-hash-sum", "A cell's digest is the sum of its rows' hashes, lane by lane.",
            hash_input(65535, R"([{"entity": "65537", "values": {"last_field": ["1"]}},
                {"entity": "4295032833", "values": {"last_field": ["1"]}},
                {"entity": "8590000129", "values": {"last_field": ["9223372036854775807"]}}])"));
}

}  // namespace

const GroupKind& values_group() {
  static const GroupKind kGroup = {
      "values", "Lanes and the values that they stand for, texts, and hashes of rows.",
      [](Maker& to) {
        make_integers(ValueMaker(to));
        make_floats(ValueMaker(to));
        make_quaternions(ValueMaker(to));
        make_texts(to);
        make_quantised(to);
        make_row_hashes(to);
      },
      play};
  return kGroup;
}

}  // namespace ecsdb::vectors
