#include "ecsdb/schema/schema_builder.h"

#include <gtest/gtest.h>

namespace ecsdb {
namespace {

TEST(SchemaBuilder, CallsApplyToWhatWasBegunLast) {
  SchemaBuilder b("tidepool", 3);
  b.enumeration("team", {"none", "red"});
  b.table(1, "ship").grid("pos", 64).read("player").codec(CodecTier::kPlain).transient();
  b.field(1, "pos", FieldType::kVec2f).precision(0.01).since(2);
  b.enum_field(2, "side", "team").default_value(EnumValue{1});
  b.write("player").field(3, "gold", FieldType::kI64);
  b.field_write("admin").field_write("", AccessRule::Where::kCellIsClaim, "room");
  b.event(1, "boom").follow("ship").field(1, "power", FieldType::kF32).range(0, 1, 8);
  const SchemaDef& def = b.def();
  ASSERT_EQ(def.tables.size(), 1u);
  EXPECT_EQ(def.tables[0].cell, (CellRule{CellKind::kGrid, "pos", 64}));
  EXPECT_TRUE(def.tables[0].transient);
  EXPECT_EQ(def.tables[0].codec, CodecTier::kPlain);
  EXPECT_EQ(def.tables[0].fields[0].since, 2u);
  EXPECT_EQ(def.tables[0].fields[1].enum_name, "team");
  EXPECT_TRUE(def.tables[0].fields[1].write.empty());
  EXPECT_EQ(def.tables[0].fields[2].write,
            (std::vector<AccessRule>{{"admin", AccessRule::Where::kAny, ""},
                                     {"", AccessRule::Where::kCellIsClaim, "room"}}));
  ASSERT_EQ(def.events.size(), 1u);
  EXPECT_EQ(def.events[0].cell.kind, CellKind::kFollow);
  EXPECT_EQ(def.events[0].fields[0].quantise, (Quantise{QuantiseKind::kRange, 0, 0, 1, 8}));
  EXPECT_TRUE(b.build().ok());
}

TEST(SchemaBuilder, MistakesComeOutOfBuild) {
  EXPECT_EQ(SchemaBuilder("s").table(1, "t").build().code(), ErrorCode::kSchemaInvalid);
}

TEST(SchemaBuilderDeathTest, AttributeWithoutAFieldIsAProgrammersError) {
  EXPECT_DEATH(SchemaBuilder("s").table(1, "t").precision(1), "check failed");
  EXPECT_DEATH(SchemaBuilder("s").table(1, "t").field_write("a"), "check failed");
  EXPECT_DEATH(SchemaBuilder("s").grid("a", 1), "check failed");
}

}  // namespace
}  // namespace ecsdb
