#include <gtest/gtest.h>

#include "ecsdb/schema/schema.h"

namespace ecsdb {
namespace {

std::string near(const char* name, std::vector<std::string> candidates) {
  return nearest_name(name, candidates).value_or("-");
}

TEST(NearestName, FindsWhatWasProbablyMeant) {
  EXPECT_EQ(near("polcy", {"type", "policy", "id"}), "policy");
  EXPECT_EQ(near("pso", {"pos", "rot"}), "pos");        // two neighbours swapped are one edit
  EXPECT_EQ(near("Pos", {"rot", "pos"}), "pos");        // case does not count
  EXPECT_EQ(near("roms", {"rams", "rums"}), "rams");    // the first of equals
  EXPECT_EQ(near("velocity", {"volcity"}), "volcity");  // two edits in a long name
}

TEST(NearestName, RefusesWhatIsFar) {
  EXPECT_EQ(near("x", {"y"}), "-");
  EXPECT_EQ(near("ship", {"crystal"}), "-");
  EXPECT_EQ(near("", {"a"}), "-");
  EXPECT_EQ(near("pos", {"pos"}), "-");  // the name itself is no suggestion
  EXPECT_EQ(near("pos", {}), "-");
  const std::string huge(1000, 'a');
  EXPECT_EQ(near(huge.c_str(), {huge + "b"}), "-");
}

TEST(SchemaName, OnlyLowerCaseDigitsAndUnderscore) {
  EXPECT_TRUE(is_schema_name("a"));
  EXPECT_TRUE(is_schema_name("ship_2"));
  EXPECT_TRUE(is_schema_name(std::string(kNameBytesMax, 'a')));
  for (const char* bad : {"", "2a", "_a", "A", "a-b", "a b", "\xc3\xa9"}) {
    EXPECT_FALSE(is_schema_name(bad)) << bad;
  }
  EXPECT_FALSE(is_schema_name(std::string(kNameBytesMax + 1, 'a')));
}

TEST(FieldTypeName, GoesBothWays) {
  for (int i = 1; i <= 20; ++i) {
    const auto type = static_cast<FieldType>(i);
    EXPECT_EQ(field_type_from_name(field_type_name(type)), type);
  }
  EXPECT_EQ(field_type_name(FieldType{0}), "?");
  EXPECT_EQ(field_type_name(FieldType{99}), "?");
  EXPECT_EQ(field_type_from_name("?"), std::nullopt);
  EXPECT_EQ(field_type_from_name("float"), std::nullopt);
}

}  // namespace
}  // namespace ecsdb
