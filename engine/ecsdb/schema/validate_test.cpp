// Mistakes that only code can make, and the order and bounds of the list; those that a text can
// make are in toml/schema_toml_test.cpp.
#include <gtest/gtest.h>
#include <limits>

#include "ecsdb/schema/schema_order.h"
#include "ecsdb/schema/test_schemas.h"

namespace ecsdb {
namespace {

/// A schema with one table `t` and one field `f`, which a test then spoils.
SchemaDef small() {
  return SchemaBuilder("small", 2).table(1, "t").field(1, "f", FieldType::kU8).def();
}

void expect_problem(const SchemaDef& def, const char* attribute, const char* fragment) {
  const std::vector<SchemaProblem> problems = validate(def);
  ASSERT_FALSE(problems.empty()) << fragment;
  bool found = false;
  std::string all;
  for (const SchemaProblem& problem : problems) {
    found = found || (problem.place.attribute == attribute &&
                      problem.message.find(fragment) != std::string::npos);
    all += problem.place.attribute + ": " + problem.message + "\n";
  }
  EXPECT_TRUE(found) << attribute << " " << fragment << " not in\n" << all;
  EXPECT_EQ(Schema::make(def).code(), ErrorCode::kSchemaInvalid);
}

TEST(Validate, RichSchemaHasNoProblem) {
  EXPECT_TRUE(validate(rich_schema().def()).empty());
  EXPECT_TRUE(validate(small()).empty());
}

TEST(Validate, NumbersOfNoEnumeratorAreReported) {
  SchemaDef def = small();
  def.tables[0].fields[0].type = FieldType{77};
  expect_problem(def, "type", "type number 77");
  def = small();
  def.tables[0].fields[0].quantise.kind = QuantiseKind{9};
  expect_problem(def, "precision", "unknown kind of quantisation");
  def = small();
  def.tables[0].fields[0].policy = Policy{9};
  expect_problem(def, "policy", "unknown policy");
  def = small();
  def.tables[0].cell.kind = CellKind{9};
  expect_problem(def, "cell", "unknown kind of cell");
  def = small();
  def.tables[0].codec = CodecTier{9};
  expect_problem(def, "codec", "unknown codec");
  def = small();
  def.tables[0].read.push_back(AccessRule{"a", AccessRule::Where{9}, ""});
  expect_problem(def, "read.0.where", "unknown condition");
}

TEST(Validate, AttributesOfOtherTypesAreReported) {
  const auto spoil = [](auto&& change, const char* attribute, const char* fragment) {
    SchemaDef def = small();
    change(def.tables[0].fields[0]);
    expect_problem(def, attribute, fragment);
  };
  spoil([](FieldDef& f) { f.enum_name = "team"; }, "type", "only enum fields");
  spoil([](FieldDef& f) { f.bit_count = 3; }, "type", "only bit sets");
  spoil([](FieldDef& f) { f.bytes_max = 3; }, "max", "only str and bytes");
  spoil([](FieldDef& f) { f.merge_name = "sum"; }, "policy", "only the merge policy");
  spoil([](FieldDef& f) { f.quantise.bits = 3; }, "precision", "not by a mixture");
  spoil(
      [](FieldDef& f) {
        f.quantise = {QuantiseKind::kPrecision, 0.1, 0, 0, 0};
      },
      "precision", "not u8");
  spoil([](FieldDef& f) { f.quantise = {QuantiseKind::kRange, 0, 0, 1, 8}; }, "bits", "not u8");
  spoil([](FieldDef& f) { f.quantise = {QuantiseKind::kQuat, 0, 0, 0, 8}; }, "bits", "not u8");
  spoil([](FieldDef& f) { f.default_value = Value(true); }, "default", "was given a bool");
  spoil([](FieldDef& f) { f.type = FieldType::kBits; }, "type", "1 to 64 bits, not 0");
  spoil([](FieldDef& f) { f.since = 0; }, "since", "use 1 to 2");
  spoil([](FieldDef& f) { f.name = ""; }, "name", "has no name");
  spoil(
      [](FieldDef& f) {
        f.type = FieldType::kStr;
        f.bytes_max = kTextBytesMax + 1;
      },
      "max", "more than the limit");
  spoil(
      [](FieldDef& f) {
        f.server_only = true;
        f.policy = Policy::kLww;
      },
      "policy", "never see");
}

TEST(Validate, TextsOfARowTogetherFitABlock) {
  SchemaDef def = small();
  FieldDef text;
  text.type = FieldType::kStr;
  text.bytes_max = kTextBytesMax;
  for (const uint16_t id : {uint16_t{101}, uint16_t{102}}) {
    text.id = FieldId{id};
    text.name = "text" + std::to_string(id);
    def.tables[0].fields.push_back(text);
  }
  EXPECT_TRUE(validate(def).empty());
  text.id = FieldId{103};
  text.name = "text103";
  text.bytes_max = 1;
  def.tables[0].fields.push_back(text);
  expect_problem(def, "fields", "more than the limit");
}

TEST(Validate, NumbersOfQuantisationAreChecked) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto spoil = [](FieldType type, Quantise quantise, const char* attribute) {
    SchemaDef def = small();
    def.tables[0].fields[0].type = type;
    def.tables[0].fields[0].quantise = quantise;
    const std::vector<SchemaProblem> problems = validate(def);
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_EQ(problems[0].place.attribute, attribute) << problems[0].message;
  };
  for (const double bad : {0.0, -1.0, 1e-31, 1e26, infinity, nan}) {
    spoil(FieldType::kF32, {QuantiseKind::kPrecision, bad, 0, 0, 0}, "precision");
  }
  spoil(FieldType::kF32, {QuantiseKind::kRange, 0, 0, 1, 0}, "bits");
  spoil(FieldType::kF32, {QuantiseKind::kRange, 0, 0, 1, 33}, "bits");
  spoil(FieldType::kF32, {QuantiseKind::kRange, 0, 1, 1, 8}, "max");
  spoil(FieldType::kF32, {QuantiseKind::kRange, 0, nan, 1, 8}, "max");
  spoil(FieldType::kF32, {QuantiseKind::kRange, 0, 0, 2e38, 8}, "max");
  spoil(FieldType::kF64, {QuantiseKind::kRange, 0, -infinity, 1, 8}, "max");
  spoil(FieldType::kQuatf, {QuantiseKind::kQuat, 0, 0, 0, 1}, "bits");
  spoil(FieldType::kQuatf, {QuantiseKind::kQuat, 0, 0, 0, 17}, "bits");
}

TEST(Validate, DefaultOfAWideRangeIsChecked) {
  SchemaDef def = small();
  FieldDef& field = def.tables[0].fields[0];
  field.type = FieldType::kF64;
  field.quantise = {QuantiseKind::kRange, 0, -1e200, 1e200, 32};
  field.default_value = 1e250;
  expect_problem(def, "default", "is outside of");
  field.default_value = 1e199;
  EXPECT_TRUE(Schema::make(def).ok());
}

TEST(Validate, DuplicatesAndLimitsAreReported) {
  SchemaDef def = small();
  def.tables.push_back(def.tables[0]);
  expect_problem(def, "name", "there is already a table \"t\"");
  expect_problem(def, "id", "already that of table");
  def = small();
  def.enums = {EnumDef{"e", {"a"}}, EnumDef{"e", {"b"}}};
  expect_problem(def, "name", "there is already an enum");
  def = small();
  def.tables[0].fields.resize(kFieldsPerTableMax + 1);
  expect_problem(def, "fields", "65 fields are more than the limit of 64");
  def = small();
  def.tables.resize(kTablesMax + 1);
  expect_problem(def, "table", "more than the limit");
  def = small();
  def.enums.resize(kEnumsMax + 1);
  expect_problem(def, "enum", "more than the limit");
  def = small();
  def.events.resize(kEventsMax + 1);
  expect_problem(def, "event", "more than the limit");
  def = small();
  def.tables[0].write.resize(kAccessRulesMax + 1);
  expect_problem(def, "write", "more than the limit");
  def = small();
  def.enums = {EnumDef{"e", std::vector<std::string>(kEnumValuesMax + 1, "a")}};
  expect_problem(def, "", "more than the limit");
  def = small();
  def.version = 0;
  expect_problem(def, "version", "start at 1");
}

TEST(Validate, CellAndAccessLeftoversAreReported) {
  SchemaDef def = small();
  def.tables[0].cell.target = "f";
  expect_problem(def, "cell", "names no field");
  def = small();
  def.tables[0].read.push_back(AccessRule{"a", AccessRule::Where::kAny, "room"});
  expect_problem(def, "read.0.where", "names a claim");
  def = small();
  def.tables[0].write.push_back(AccessRule{"a", AccessRule::Where::kOwnerIsMe, ""});
  expect_problem(def, "write.0.where", "exactly one principal field");
  def = rich_schema().def();
  def.tables[1].cell.target = "world";
  expect_problem(def, "cell.follow", "is one cell");
  def = rich_schema().def();
  def.tables[0].cell.size = 1e300;
  expect_problem(def, "cell.size", "at most 2147483647 times");
}

TEST(Validate, WriteListsOfFieldsAreChecked) {
  using Where = AccessRule::Where;
  const auto with = [](const AccessRule& rule) {
    SchemaDef def = small();
    def.tables[0].write.push_back(AccessRule{});
    def.tables[0].fields[0].write.push_back(rule);
    return def;
  };
  EXPECT_TRUE(validate(with({"player", Where::kAny, ""})).empty());
  expect_problem(with({"Player", Where::kAny, ""}), "write.0.role", "is not legal");
  expect_problem(with({"", Where::kAny, "room"}), "write.0.where", "names a claim");
  expect_problem(with({"", Where::kCellIsClaim, "room"}), "write.0.where", "is one cell");
  expect_problem(with({"", Where::kOwnerIsMe, ""}), "write.0.where", "one principal field");
  expect_problem(with({"", Where{9}, ""}), "write.0.where", "unknown condition");
  SchemaDef def = with({"", Where::kAny, ""});
  def.tables[0].fields[0].write.resize(kAccessRulesMax + 1);
  expect_problem(def, "write", "rules are more than the limit");
  def = with({"", Where::kOwnerIsMe, ""});
  const std::vector<SchemaProblem> problems = validate(def);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problem_text(def, problems[0]).find("table \"t\", field \"f\": \"owner == me\""), 0u);
}

TEST(Validate, WriteListsStandWhereClientsWrite) {
  SchemaDef def = small();
  def.tables[0].fields[0].write.push_back(AccessRule{});
  expect_problem(def, "write", "the table has no write list");
  def = small();
  def.tables[0].write.push_back(AccessRule{});
  def.tables[0].fields.push_back(def.tables[0].fields[0]);
  FieldDef& hidden = def.tables[0].fields.back();
  hidden.id = FieldId{2};
  hidden.name = "g";
  hidden.server_only = true;
  EXPECT_TRUE(validate(def).empty());
  hidden.write.push_back(AccessRule{});
  expect_problem(def, "write", "never see a server_only field");
  def = small();
  EventDef& event = def.events.emplace_back();
  event.id = EventId{1};
  event.name = "e";
  event.fields = def.tables[0].fields;
  EXPECT_TRUE(validate(def).empty());
  event.fields[0].write.push_back(AccessRule{});
  expect_problem(def, "write", "give the event the write list");
}

TEST(Validate, EventsGoToEveryoneOrToCellsOfATable) {
  SchemaBuilder b("s");
  b.table(1, "ship").grid("pos", 64).field(1, "pos", FieldType::kVec2f).precision(0.5);
  b.table(2, "hull").follow("ship").field(1, "n", FieldType::kU8);
  b.event(1, "boom").field(1, "at", FieldType::kVec2f).precision(0.5);
  b.field(2, "n", FieldType::kU8).field(3, "far", FieldType::kVec2f).precision(0.25);
  SchemaDef def = b.def();
  CellRule& cell = def.events[0].cell;
  cell = {CellKind::kFollow, "ship", 0, "at"};
  EXPECT_TRUE(validate(def).empty());
  cell.at = "here";
  expect_problem(def, "cell.at", "there is no field \"here\"");
  cell.at = "n";
  expect_problem(def, "cell.at", "made of its field \"pos\"");
  cell.at = "far";
  expect_problem(def, "cell.at", "give \"far\" the same type, precision and range");
  cell.target = "none";
  expect_problem(def, "cell.follow", "there is no table \"none\"");
  cell = {CellKind::kOne, "", 0, "at"};
  expect_problem(def, "cell.at", "only an event that follows a table");
  cell = {CellKind::kGrid, "at", 64, ""};
  expect_problem(def, "cell.grid", "an event has no cells of its own");
  cell = CellRule{};
  def.tables[1].cell.at = "n";
  expect_problem(def, "cell.at", "only an event");
}

TEST(Validate, WriteListOfAnEventNamesRolesOnly) {
  SchemaDef def = small();
  EventDef& event = def.events.emplace_back();
  event.id = EventId{1};
  event.name = "e";
  event.fields = def.tables[0].fields;
  event.write = {AccessRule{"player", AccessRule::Where::kAny, ""}, AccessRule{}};
  EXPECT_TRUE(validate(def).empty());
  event.write[1].where = AccessRule::Where::kOwnerIsMe;
  expect_problem(def, "write.1.where", "told by roles alone");
  event.write[1] = AccessRule{"", AccessRule::Where::kAny, "room"};
  expect_problem(def, "write.1.where", "told by roles alone");
  event.write[1] = AccessRule{"No", AccessRule::Where::kAny, ""};
  expect_problem(def, "write.1.role", "role");
  event.write.assign(kAccessRulesMax + 1, AccessRule{});
  expect_problem(def, "write", "more than the limit");
}

TEST(Validate, ListIsBoundedAndSuggestionsAreNear) {
  SchemaDef def = small();
  for (int i = 0; i < 300; ++i) def.tables.push_back(TableDef{});
  EXPECT_EQ(validate(def).size(), kSchemaProblemsMax);
  EXPECT_EQ(validate_up_to(def, 1).size(), 1u);
  def = rich_schema().def();
  def.tables[0].fields[7].enum_name = "taem";
  ASSERT_EQ(validate(def).size(), 1u);
  EXPECT_EQ(validate(def)[0].suggestion, "team");
  EXPECT_EQ(problem_text(def, validate(def)[0]),
            "table \"ship\", field \"side\": there is no enum \"taem\": declare it under [enum]; "
            "did you mean \"team\"?");
}

}  // namespace
}  // namespace ecsdb
