#include "ecsdb/toml/schema_toml.h"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

#include "ecsdb/base/prng.h"
#include "ecsdb/schema/canonical.h"
#include "ecsdb/toml/test_schemas.h"

namespace ecsdb {
namespace {

using toml_test::kEverything;
using toml_test::kTidepool;

struct Parsed {
  Result<Schema> schema;
  std::vector<TextProblem> problems;
};

Parsed parse(std::string_view text) {
  std::vector<TextProblem> problems;
  Result<Schema> schema = parse_schema_toml(text, "s.toml", &problems);
  return Parsed{std::move(schema), std::move(problems)};
}

TEST(SchemaToml, DesignExampleParses) {
  const Parsed parsed = parse(kTidepool);
  ASSERT_TRUE(parsed.schema.ok()) << render_problems(kTidepool, "s.toml", parsed.problems);
  const Schema& schema = *parsed.schema;
  EXPECT_EQ(schema.def().name, "tidepool");
  EXPECT_EQ(schema.def().version, 3u);
  ASSERT_EQ(schema.table_count(), 1u);
  const TableDef& ship = schema.table(0);
  EXPECT_EQ(ship.cell, (CellRule{CellKind::kGrid, "pos", 64.0}));
  ASSERT_EQ(ship.read.size(), 2u);
  EXPECT_EQ(ship.read[1], (AccessRule{"guest", AccessRule::Where::kCellIsClaim, "room"}));
  ASSERT_EQ(ship.write.size(), 1u);
  EXPECT_EQ(ship.write[0].where, AccessRule::Where::kOwnerIsMe);
  ASSERT_EQ(ship.fields.size(), 8u);
  EXPECT_EQ(ship.fields[0].quantise.precision, 0.01);
  EXPECT_EQ(ship.fields[1].quantise.kind, QuantiseKind::kQuat);
  EXPECT_EQ(ship.fields[2].policy, Policy::kLww);
  EXPECT_EQ(ship.fields[3].merge_name, "sum");
  EXPECT_EQ(std::get<std::string>(*ship.fields[5].default_value), "anon");
  EXPECT_TRUE(ship.fields[6].server_only);
  EXPECT_EQ(ship.fields[7].enum_size, 3u);
  EXPECT_EQ(schema.layout(0).cell_steps, 6400);
  ASSERT_EQ(schema.def().events.size(), 1u);
  EXPECT_EQ(schema.def().events[0].cell.target, "ship");
}

TEST(SchemaToml, EverythingElseTheFormatHasParses) {
  const Parsed parsed = parse(kEverything);
  ASSERT_TRUE(parsed.schema.ok()) << parsed.schema.error().to_string();
  const Schema& schema = *parsed.schema;
  ASSERT_EQ(schema.table_count(), 4u);
  EXPECT_EQ(schema.table(0).name, "b");
  EXPECT_EQ(schema.layout(0).followers, std::vector<uint16_t>{1});
  EXPECT_EQ(schema.table(0).fields[0].write,
            (std::vector<AccessRule>{{"admin", AccessRule::Where::kAny, ""}, {}}));
  const TableDef& a = schema.table(3);
  EXPECT_TRUE(a.transient);
  EXPECT_EQ(a.codec, CodecTier::kPlain);
  const char* expected[] = {"true",         "3",    "-3",      "1.5", "2", "(1, 2.5)", "(1, 2, 3)",
                            "(0, 0, 1, 0)", "blue", "{0, 11}", "9"};
  for (size_t i = 0; i < std::size(expected); ++i) {
    EXPECT_EQ(format_value(schema, a.fields[i], *a.fields[i].default_value), expected[i]);
  }
  EXPECT_EQ(std::get<Blob>(*a.fields[12].default_value), (Blob{0, 255}));
  EXPECT_EQ(a.fields[13].merge_name, "my_rule");
  ASSERT_EQ(schema.def().events.size(), 1u);
  EXPECT_EQ(schema.def().events[0].write,
            (std::vector<AccessRule>{{"admin", AccessRule::Where::kAny, ""}, {}}));
  EXPECT_EQ(schema.def().events[0].cell, (CellRule{CellKind::kFollow, "d", 0, "room"}));
}

TEST(SchemaToml, ExampleOfThePageIsRead) {
  std::ifstream file(ECSDB_DOCS_DIR "/SCHEMA.md");
  const std::string page{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const size_t begin = page.find("```toml\n");
  ASSERT_NE(begin, std::string::npos);
  const size_t end = page.find("```\n", begin + 8);
  const std::string text = page.substr(begin + 8, end - begin - 8);
  std::vector<TextProblem> problems;
  const Result<Schema> schema = parse_schema_toml(text, "SCHEMA.md", &problems);
  ASSERT_TRUE(schema.ok()) << render_problems(text, "SCHEMA.md", problems);
  EXPECT_EQ(schema->table_count(), 4u);
  EXPECT_EQ(schema->def().events.size(), 2u);
}

/// A schema around one part that is wrong. Lines 1 to 3 are the header, the part starts on line 4.
std::string with_header(std::string_view part) {
  return "[schema]\nname = \"test\"\nversion = 3\n" + std::string(part);
}
/// ... as field `f` of table `t`: the part stands on line 6 from column 8.
std::string with_field(std::string_view part) {
  return with_header("[table.t]\nid = 1\nfields." + std::string(part) + "\n");
}

struct Mistake {
  std::string text;
  int line;
  int column;
  const char* fragment;
  const char* suggestion = "";
};

void expect_one(const Mistake& mistake) {
  const Parsed parsed = parse(mistake.text);
  const std::string shown = render_problems(mistake.text, "s.toml", parsed.problems);
  ASSERT_FALSE(parsed.schema.ok()) << mistake.text;
  ASSERT_EQ(parsed.problems.size(), 1u) << mistake.text << "\n" << shown;
  const TextProblem& problem = parsed.problems[0];
  EXPECT_EQ(problem.line, mistake.line) << shown;
  EXPECT_EQ(problem.column, mistake.column) << shown;
  EXPECT_NE(problem.message.find(mistake.fragment), std::string::npos) << shown;
  EXPECT_EQ(problem.suggestion, mistake.suggestion) << shown;
}

TEST(SchemaToml, MistakesOfFieldsAreReportedAtTheirPlace) {
  const Mistake mistakes[] = {
      {with_field("f = 3"), 6, 12, "a field is a table"},
      {with_field("f = { type = \"u8\" }"), 6, 8, "needs an id"},
      {with_field("f = { id = 0, type = \"u8\" }"), 6, 19, "from 1 to 65535"},
      {with_field("f = { id = 65536, type = \"u8\" }"), 6, 19, "from 1 to 65535, not 65536"},
      {with_field("f = { id = \"1\", type = \"u8\" }"), 6, 19,
       "must be an integer, but this is text"},
      {with_field("f = { id = 1 }"), 6, 12, "needs a type"},
      {with_field("f = { id = 1, type = 8 }"), 6, 29, "must be text in quotes"},
      {with_field("f = { id = 1, type = \"vec2\" }"), 6, 29, "unknown type \"vec2\"", "vec2f"},
      {with_field("f = { id = 1, type = \"u8:3\" }"), 6, 29, "only enum and bits", "u8"},
      {with_field("f = { id = 1, type = \"enum\" }"), 6, 29, "names its enum"},
      {with_field("f = { id = 1, type = \"enum:team\" }"), 6, 29, "there is no enum \"team\""},
      {with_field("f = { id = 1, type = \"bits:65\" }"), 6, 29, "1 to 64"},
      {with_field("f = { id = 1, type = \"bits:x\" }"), 6, 29, "1 to 64"},
      {with_field("f = { id = 1, type = \"u8\", polcy = \"lww\" }"), 6, 35, "unknown key \"polcy\"",
       "policy"},
      {with_field("f = { id = 1, type = \"u8\", policy = \"lw\" }"), 6, 44, "must be one of",
       "lww"},
      {with_field("f = { id = 1, type = \"u8\", policy = \"merge:Sum\" }"), 6, 44,
       "the merge function name", "sum"},
      {with_field("f = { id = 1, type = \"f32\", policy = \"merge:sum\" }"), 6, 45,
       "merge:sum fits integers and quantised floats"},
      {with_field("f = { id = 1, type = \"u8\", policy = \"merge:union\" }"), 6, 44,
       "fits bit sets"},
      {with_field("f = { id = 1, type = \"u8\", policy = \"merge:append\" }"), 6, 44,
       "fits str and bytes"},
      {with_field("f = { id = 1, type = \"u8\", since = 4 }"), 6, 43,
       "since = 4 is not a version of this schema: use 1 to 3"},
      {with_field("f = { id = 1, type = \"u8\", precision = 0.1 }"), 6, 47,
       "precision is for f32, f64, vec2f and vec3f, but this field is u8"},
      {with_field("f = { id = 1, type = \"u8\", bits = 3 }"), 6, 42, "bits is for quatf"},
      {with_field("f = { id = 1, type = \"u8\", max = 3 }"), 6, 41, "max is for str, bytes"},
      {with_field("f = { id = 1, type = \"quatf\", min = 3 }"), 6, 44, "min is for f32"},
      {with_field("f = { id = 1, type = \"quatf\", bits = 17 }"), 6, 45, "from 2 to 16, not 17"},
      {with_field("f = { id = 1, type = \"f32\", precision = 0.0 }"), 6, 48, "must be from 1e-30"},
      {with_field("f = { id = 1, type = \"f32\", precision = \"a\" }"), 6, 48, "must be a number"},
      {with_field("f = { id = 1, type = \"f32\", precision = 0.1, bits = 3 }"), 6, 48,
       "not by both"},
      {with_field("f = { id = 1, type = \"f32\", min = 0, bits = 3 }"), 6, 12, "max is missing"},
      {with_field("f = { id = 1, type = \"f32\", min = 0, max = 0, bits = 3 }"), 6, 51,
       "max 0 must be more than min 0"},
      {with_field("f = { id = 1, type = \"f32\", min = 0, max = 1e39, bits = 3 }"), 6, 51,
       "must be within"},
      {with_field("f = { id = 1, type = \"f32\", min = 0, max = 1, bits = 33 }"), 6, 61,
       "from 1 to 32, not 33"},
      {with_field("f = { id = 1, type = \"str\" }"), 6, 8, "needs its greatest length"},
      {with_field("f = { id = 1, type = \"str\", max = 65537 }"), 6, 42, "from 1 to 65536"},
      {with_field("f = { id = 1, type = \"str\", max = 2, default = \"abc\" }"), 6, 55,
       "3 bytes, at most 2 fit"},
      {with_field("f = { id = 1, type = \"u8\", default = 256 }"), 6, 45, "more than its largest"},
      {with_field("f = { id = 1, type = \"i8\", default = 128 }"), 6, 45, "not within -128 to 127"},
      {with_field("f = { id = 1, type = \"u8\", default = -1 }"), 6, 45, "not negative"},
      {with_field("f = { id = 1, type = \"bool\", default = 1 }"), 6, 47, "true or false"},
      {with_field("f = { id = 1, type = \"f32\", default = \"x\" }"), 6, 46, "must be a number"},
      {with_field("f = { id = 1, type = \"f32\", default = nan }"), 6, 46, "not a number"},
      {with_field("f = { id = 1, type = \"f32\", default = 1e300 }"), 6, 46, "32-bit float"},
      {with_field("f = { id = 1, type = \"f32\", precision = 0.01, default = 1e30 }"), 6, 64,
       "no integer step"},
      {with_field("f = { id = 1, type = \"vec2f\", default = [1] }"), 6, 48, "a list of 2 numbers"},
      {with_field("f = { id = 1, type = \"bits:4\", default = [4] }"), 6, 49, "from 0 to 3"},
      {with_field("f = { id = 1, type = \"bytes\", max = 4, default = \"0\" }"), 6, 57,
       "hexadecimal"},
      {with_field("f = { id = 1, type = \"bytes\", max = 4, default = \"0g\" }"), 6, 57,
       "hexadecimal"},
      {with_field("f = { id = 1, type = \"entity\", default = 1 }"), 6, 49, "starts as none"},
      {with_field("f = { id = 1, type = \"quatf\", bits = 4, default = [0, 0, 0, 0] }"), 6, 58,
       "zero quaternion"},
      {with_field("Pos = { id = 1, type = \"u8\" }"), 6, 8, "the field name", "pos"},
      {with_field("f = { id = 1, type = \"u8\", server_only = 1 }"), 6, 49, "true or false"},
      {with_field("f = { id = 1, type = \"u8\", server_only = true }"), 6, 1, "all fields are"},
  };
  for (const Mistake& mistake : mistakes) expect_one(mistake);
}

TEST(SchemaToml, MistakesOfWriteListsOfFieldsAreReportedAtTheirPlace) {
  const auto field = [](const char* table_write, const std::string& write) {
    return with_header("[table.t]\nid = 1\n" + std::string(table_write) +
                       "\nfields.f = { id = 1, type = \"u8\", write = " + write + " }\n");
  };
  const char* all = "write = [ { } ]";
  const Mistake mistakes[] = {
      {field("", "[ { role = \"a\" } ]"), 7, 43, "the table has no write list"},
      {field("write = []", "[ { role = \"a\" } ]"), 7, 43, "the table has no write list"},
      {field("write = 3", "[ { role = \"a\" } ]"), 6, 9, "write is a list of rules"},
      {field(all, "[]"), 7, 43, "an empty list of a field says nothing"},
      {field(all, "3"), 7, 43, "write is a list of rules"},
      {field(all, "[3]"), 7, 44, "a rule is a table"},
      {field(all, "[ { rule = \"a\" } ]"), 7, 47, "unknown key \"rule\" in write rule", "role"},
      {field(all, "[ { role = \"A\" } ]"), 7, 54, "the role name", "a"},
      {field(all, "[ { role = \"\" } ]"), 7, 54, "leave role out"},
      {field(all, "[ { where = \"all\" } ]"), 7, 55, "where is \"any\""},
      {field(all, "[ { where = \"owner == me\" } ]"), 7, 55, "exactly one principal field"},
      {field(all, "[ { }, { where = \"cell == claim.c\" } ]"), 7, 60, "the table is one cell"},
      {field(all, "[ { } ], server_only = true").append("fields.g = { id = 2, type = \"u8\" }"), 7,
       43, "never see a server_only field"},
      {with_header("[event.e]\nid = 1\nfields.n = { id = 1, type = \"u8\", write = [ { } ] }\n"), 6,
       43, "clients write no fields of events"},
      {with_header(
           "[event.e]\nid = 1\nwrite = [ { where = \"owner == me\" } ]\nfields.n = { id = 1, "
           "type = \"u8\" }\n"),
       6, 21, "told by roles alone"},
      {with_header("[event.e]\nid = 1\ncell = \"none\"\nfields.n = { id = 1, type = \"u8\" }\n"), 6,
       8, "an event's cell is", "one"},
      {with_header(
           "[event.e]\nid = 1\ncell = { by = \"n\" }\nfields.n = { id = 1, type = \"u8\" }\n"),
       6, 15, "an event has no cells of its own"},
      {with_header(
           "[table.t]\nid = 1\ncell = { by = \"n\" }\nfields.n = { id = 1, type = \"u8\" }\n"
           "[event.e]\nid = 1\ncell = { follow = \"t\", at = 3 }\n"
           "fields.n = { id = 1, type = \"u8\" }\n"),
       10, 29, "must be text in quotes"},
  };
  for (const Mistake& mistake : mistakes) expect_one(mistake);
}

TEST(SchemaToml, MistakesOfTablesAreReportedAtTheirPlace) {
  const std::string one = "fields.n = { id = 1, type = \"u8\" }\n";
  const std::string ship =
      "fields.pos = { id = 1, type = \"vec2f\", precision = 0.01 }\n"
      "fields.pilot = { id = 2, type = \"principal\" }\n"
      "fields.heat = { id = 3, type = \"u8\", server_only = true }\n"
      "fields.free = { id = 4, type = \"vec2f\" }\n";
  const auto table = [&](const char* lines) {
    return with_header("[table.t]\nid = 1\n" + std::string(lines) + "\n" + ship);
  };
  const Mistake mistakes[] = {
      {with_header("[table]\nt = 1\n"), 5, 5, "write [table.t]"},
      {"table = 1\n" + with_header(""), 1, 9, "[table] must be a section"},
      {with_header("[table.t]\n" + one), 4, 8, "needs an id"},
      {with_header("[table.t]\nid = 1\n"), 4, 8, "at least one field"},
      {with_header("[table.t]\nid = 1\nfields = 3\n"), 6, 10, "must be a table of fields"},
      {with_header("[table.t]\nid = 1\n" + one + "[table.u]\nid = 1\n" + one), 8, 6,
       "id 1 is already that of table \"t\""},
      {with_header("[table.t]\nid = 1\n" + one + "fields.m = { id = 1, type = \"u8\" }"), 7, 19,
       "id 1 is already that of field \"n\""},
      {table("codec = \"pack\""), 6, 9, "must be one of", "packed"},
      {table("transient = \"yes\""), 6, 13, "must be true or false"},
      {table("sell = \"one\""), 6, 1, "unknown key \"sell\" in table.t", "cell"},
      {table("cell = \"pos\""), 6, 8, "cell is \"one\""},
      {table("cell = 3"), 6, 8, "cell is \"one\""},
      {table("cell = { }"), 6, 8, "cell is \"one\""},
      {table("cell = { by = 3 }"), 6, 15, "must be text"},
      {table("cell = { by = \"heat\", owner = \"pilot\" }"), 6, 8, "one of by, owner, grid"},
      {table("cell = { grid = \"pos\" }"), 6, 8, "needs the size"},
      {table("cell = { grid = \"pos\", size = 0.015 }"), 6, 31, "not a whole multiple"},
      {table("cell = { grid = \"pos\", size = 0 }"), 6, 31, "use 0.01, say"},
      {table("cell = { grid = \"pso\", size = 1 }"), 6, 17, "there is no field \"pso\"", "pos"},
      {table("cell = { grid = \"free\", size = 1 }"), 6, 17, "give field \"free\" a precision"},
      {table("cell = { grid = \"pilot\", size = 1 }"), 6, 17, "vec2f or vec3f"},
      {table("cell = { by = \"pos\" }"), 6, 15, "write cell = { grid"},
      {table("cell = { by = \"pilot\" }"), 6, 15, "write cell = { owner"},
      {table("cell = { by = \"heat\" }"), 6, 15, "server_only"},
      {table("cell = { owner = \"pos\" }"), 6, 18, "an owner is a principal field"},
      {table("cell = { owner = \"pilot\", size = 2 }"), 6, 34, "only grid cells"},
      {table("cell = { follow = \"tt\" }"), 6, 19, "there is no table \"tt\""},
      {table("cell = { follow = \"t\" }"), 6, 19, "follows another table itself"},
      {table("read = []"), 6, 8, "let nobody read"},
      {table("read = 3"), 6, 8, "read is a list of rules"},
      {table("read = [3]"), 6, 9, "a rule is a table"},
      {table("read = [ { rule = \"a\" } ]"), 6, 12, "unknown key \"rule\"", "role"},
      {table("read = [ { role = \"A\" } ]"), 6, 19, "the role name", "a"},
      {table("read = [ { role = \"\" } ]"), 6, 19, "leave role out"},
      {table("read = [ { where = \"owner = me\" } ]"), 6, 20, "where is \"any\"", "owner == me"},
      {table("read = [ { where = \"owner == me\" } ]"), 6, 20, "reading is decided by cell"},
      {table("read = [ { where = \"cell == claim.room\" } ]"), 6, 20, "the table is one cell"},
  };
  for (const Mistake& mistake : mistakes) expect_one(mistake);
}

TEST(SchemaToml, MistakesElsewhereAreReportedAtTheirPlace) {
  const std::string table = "[table.t]\nid = 1\nfields.n = { id = 1, type = \"u8\" }\n";
  const Mistake mistakes[] = {
      {table, 1, 1, "needs a section [schema]"},
      {"schema = 1\n" + table, 1, 10, "schema must be a table"},
      {"[schema]\nversion = 1\n" + table, 1, 1, "needs a name"},
      {"[schema]\nname = \"a\"\n" + table, 1, 1, "needs a version"},
      {"[schema]\nname = \"A b\"\nversion = 1\n" + table, 2, 8, "the schema name", "a_b"},
      {"[schema]\nname = \"a\"\nversion = 0\n" + table, 3, 11, "from 1 to"},
      {"[schema]\nname = \"a\"\nversion = 1\nverson = 1\n" + table, 4, 1, "unknown key", "version"},
      {with_header("[tabel.t]\nid = 1\n"), 4, 2, "unknown key \"tabel\"", "table"},
      {with_header("[enum]\nteam = \"red\"\n" + table), 5, 8, "an enum is a list"},
      {with_header("[enum]\nteam = []\n" + table), 5, 1, "at least one value"},
      {with_header("[enum]\nteam = [\"red\", 3]\n" + table), 5, 16, "a name in quotes"},
      {with_header("[enum]\nteam = [\"red\", \"red\"]\n" + table), 5, 16, "already has a value"},
      {with_header("[enum]\nteam = [\"Red\"]\n" + table), 5, 9, "the enum value name", "red"},
      {with_header("[event.e]\nid = 1\nfields.n = { id = 1, type = \"u8\", policy = \"lww\" }\n"),
       6, 44, "nothing is merged into an event"},
      {with_header("[event.e]\nid = 1\nfields.n = { id = 1, type = \"u8\", server_only = true }\n"),
       6, 49, "every field of an event is sent"},
      {with_header("[event.e]\nid = 1\ntransient = true\nfields.n = { id = 1, type = \"u8\" }\n"),
       6, 1, "unknown key \"transient\" in event.e"},
      {with_header("[table.t]\nid = 1\nfields.n = { id = 1, type = \"enum:team\", default = "
                   "\"read\" }\n[enum]\nteam = [\"red\", \"blue\"]\n"),
       6, 52, "has no value \"read\"", "red"},
  };
  for (const Mistake& mistake : mistakes) expect_one(mistake);
}

TEST(SchemaToml, SyntaxErrorHasPlaceAndAdvice) {
  const Parsed parsed = parse("[schema]\nname = pool\n");
  ASSERT_FALSE(parsed.schema.ok());
  EXPECT_EQ(parsed.schema.code(), ErrorCode::kSyntax);
  ASSERT_EQ(parsed.problems.size(), 1u);
  EXPECT_EQ(parsed.problems[0].line, 2);
  EXPECT_EQ(parsed.problems[0].column, 8);
  EXPECT_NE(parsed.problems[0].message.find("double quotes"), std::string::npos);
}

TEST(SchemaToml, AllMistakesAreReportedInOrderOfTheText) {
  const std::string text = with_header(
      "[table.zebra]\nid = 1\ncell = { by = \"rom\" }\n"
      "fields.room = { id = 1, type = \"u18\" }\n"
      "fields.name = { id = 1, type = \"str\", maxx = 3 }\n"
      "[table.ant]\nid = 1\nfields.n = { id = 1, type = \"u8\" }\n");
  const Parsed parsed = parse(text);
  EXPECT_EQ(parsed.schema.code(), ErrorCode::kSchemaInvalid);
  std::vector<std::pair<int, int>> places;
  for (const TextProblem& problem : parsed.problems)
    places.emplace_back(problem.line, problem.column);
  EXPECT_EQ(places,
            (std::vector<std::pair<int, int>>{{6, 15}, {7, 32}, {8, 8}, {8, 22}, {8, 39}, {10, 6}}))
      << render_problems(text, "s.toml", parsed.problems);
}

TEST(SchemaToml, DamagedTextIsRefusedWithPlacesInsideIt) {
  Prng rng(7);
  static constexpr std::string_view kJunk = "\"'[]{}=.,#\n\t 09azAZ-_:\\\xff\x01";
  for (int round = 0; round < 3000; ++round) {
    std::string text(kTidepool);
    for (uint64_t n = 1 + rng.below(3); n > 0; --n) {
      const size_t at = rng.below(text.size());
      if (rng.chance(1, 3)) {
        text.erase(at, 1 + rng.below(8));
      } else {
        text[at] = kJunk[rng.below(kJunk.size())];
      }
    }
    const Parsed parsed = parse(text);
    ASSERT_EQ(parsed.schema.ok(), parsed.problems.empty()) << text;
    const auto lines = static_cast<int>(std::count(text.begin(), text.end(), '\n')) + 1;
    for (const TextProblem& problem : parsed.problems) {
      ASSERT_TRUE(problem.line >= 1 && problem.line <= lines && problem.column >= 1) << text;
      ASSERT_FALSE(problem.message.empty());
    }
  }
}

TEST(SchemaToml, CanonicalFormDoesNotDependOnOrderOfTheText) {
  const Parsed one =
      parse(with_header("[table.a]\nid = 1\nfields.x = { id = 1, type = \"u8\" }\nfields.y = { id "
                        "= 2, type = \"u8\" }\n"
                        "[table.b]\nid = 2\nfields.x = { id = 1, type = \"u8\" }\n"));
  const Parsed other =
      parse(with_header("[table.b]\nid = 2\nfields.x = { type = \"u8\", id = 1 }\n"
                        "[table.a]\nid = 1\nfields.y = { id = 2, type = \"u8\" }\nfields.x = { id "
                        "= 1, type = \"u8\" }\n"));
  ASSERT_TRUE(one.schema.ok() && other.schema.ok());
  EXPECT_EQ(one.schema->fingerprint(), other.schema->fingerprint());
  EXPECT_EQ(one.schema->def(), other.schema->def());
}

}  // namespace
}  // namespace ecsdb
