#include <gtest/gtest.h>
#include <limits>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/number_text.h"
#include "ecsdb/schema/test_schemas.h"

namespace ecsdb {
namespace {

struct Case {
  const char* field;
  Value value;
  const char* text;
  const char* json;
};

TEST(FormatValue, EachTypeAsTextAndJson) {
  const Schema schema = *rich_schema().build();
  const uint16_t ship = *schema.table_index("ship");
  const double infinity = std::numeric_limits<double>::infinity();
  const Case cases[] = {
      {"pos", Vec2f{12.5f, -0.01f}, "(12.5, -0.01)", "[12.5, -0.01]"},
      {"home", Vec3f{0, 1, 2}, "(0, 1, 2)", "[0, 1, 2]"},
      {"spin", Quatf{0, 0, 0, 1}, "(0, 0, 0, 1)", "[0, 0, 0, 1]"},
      {"paint", uint64_t{7}, "7", "7"},
      {"gold", std::numeric_limits<int64_t>::min(), "-9223372036854775808", "-9223372036854775808"},
      {"pilot", PrincipalId{~uint64_t{0}}, "18446744073709551615", "\"18446744073709551615\""},
      {"name", std::string("a\"b"), "\"a\\\"b\"", "\"a\\\"b\""},
      {"speed", 0.1, "0.1", "0.1"},
      {"speed", infinity, "inf", "null"},
      {"speed", -infinity, "-inf", "null"},
      {"heat", static_cast<double>(0.1f), "0.1", "0.1"},
      {"heat", std::numeric_limits<double>::quiet_NaN(), "nan", "null"},
      {"side", EnumValue{2}, "blue", "\"blue\""},
      {"side", EnumValue{9}, "unknown(9)", "9"},
      {"marks", BitSet{0x801}, "{0, 11}", "[0, 11]"},
      {"marks", BitSet{0}, "{}", "[]"},
      {"blob", Blob{0, 0xab}, "0x00ab", "\"00ab\""},
      {"on", true, "true", "true"},
      {"peer", EntityId::make(12, 1, 3), "12:1:3", "\"12:1:3\""},
      {"peer", EntityId{}, "none", "\"none\""},
  };
  for (const Case& c : cases) {
    const FieldDef& def = schema.table(ship).fields[*schema.field_index(ship, c.field)];
    EXPECT_EQ(format_value(schema, def, c.value), c.text) << c.field;
    EXPECT_EQ(format_json(schema, def, c.value), c.json) << c.field;
  }
}

TEST(JsonQuote, EscapesAndReplacesWhatIsNoText) {
  EXPECT_EQ(json_quote("a\\b\n\r\t\x01\x7f"), "\"a\\\\b\\n\\r\\t\\u0001\\u007f\"");
  EXPECT_EQ(json_quote("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
            "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
  EXPECT_EQ(json_quote("a\xff"
                       "b\xc3"),
            "\"a\xef\xbf\xbd"
            "b\xef\xbf\xbd\"");
  EXPECT_EQ(json_quote(std::string_view("\0", 1)), "\"\\u0000\"");
}

TEST(NumberText, ShortestThatReadsBack) {
  EXPECT_EQ(number_text(0.1), "0.1");
  EXPECT_EQ(number_text(0.1f), "0.1");
  EXPECT_EQ(number_text(-0.0), "-0");
  EXPECT_EQ(number_text(1e300), "1e+300");
  EXPECT_EQ(number_text_rounded(64.01000000001, 9), "64.01");
}

}  // namespace
}  // namespace ecsdb
