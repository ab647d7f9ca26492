#include "ecsdb/schema/schema.h"

#include <gtest/gtest.h>

#include "ecsdb/schema/test_schemas.h"

namespace ecsdb {
namespace {

TEST(Schema, MakeSortsByIdAndLaysOutLanes) {
  const Result<Schema> made = SchemaBuilder("s")
                                  .table(5, "b")
                                  .field(9, "flag", FieldType::kBool)
                                  .table(2, "a")
                                  .text(4, "name", 10)
                                  .field(3, "pos", FieldType::kVec3f)
                                  .precision(0.5)
                                  .field(1, "hidden", FieldType::kF64)
                                  .server_only()
                                  .bytes(8, "blob", 10)
                                  .field(7, "small", FieldType::kI16)
                                  .build();
  ASSERT_TRUE(made.ok()) << made.error().to_string();
  const Schema& schema = *made;
  EXPECT_EQ(schema.table(0).name, "a");
  const TableLayout& a = schema.layout(0);
  EXPECT_EQ(a.id, TableId{2});
  EXPECT_EQ(a.index, 0);
  ASSERT_EQ(a.lanes.size(), 5u);
  EXPECT_EQ(a.lanes[0], (Lane{0, 8, LaneKind::kFloat, 0}));
  EXPECT_EQ(a.lanes[3], (Lane{1, 4, LaneKind::kSigned, 0}));
  EXPECT_EQ(a.lanes[4], (Lane{3, 2, LaneKind::kSigned, 0}));
  EXPECT_EQ(a.fields[1], (FieldLayout{1, 3, kNoText, false, false, 0}));
  EXPECT_EQ(a.fields[2], (FieldLayout{4, 0, 0, false, false, 1}));
  EXPECT_EQ(a.fields[3], (FieldLayout{4, 1, kNoText, false, false, 2}));
  EXPECT_EQ(a.fields[4], (FieldLayout{5, 0, 1, false, false, 3}));
  EXPECT_EQ(a.text_count, 2);
  EXPECT_EQ(a.replicated, (std::vector<uint16_t>{1, 2, 3, 4}));
  EXPECT_EQ(a.replicated_mask(), 15u);
}

TEST(Schema, CellRulesAreResolved) {
  const Result<Schema> made = rich_schema().build();
  ASSERT_TRUE(made.ok()) << made.error().to_string();
  const Schema& schema = *made;
  const uint16_t ship = *schema.table_index("ship");
  const uint16_t tag = *schema.table_index("tag");
  EXPECT_EQ(schema.layout(ship).cell_kind, CellKind::kGrid);
  EXPECT_EQ(schema.layout(ship).cell_steps, 6400);
  EXPECT_EQ(schema.layout(ship).followers, std::vector<uint16_t>{tag});
  EXPECT_EQ(schema.layout(tag).follow_table, ship);
  EXPECT_EQ(schema.layout(*schema.table_index("purse")).cell_kind, CellKind::kOwner);
  EXPECT_EQ(schema.layout(*schema.table_index("room")).cell_field, 0);
  EXPECT_EQ(schema.layout(*schema.table_index("world")).cell_kind, CellKind::kOne);
}

TEST(Schema, LookupsFindByIdAndName) {
  const Schema schema = *rich_schema().build();
  EXPECT_EQ(schema.table_index(TableId{9}), 4);
  EXPECT_EQ(schema.table_index(TableId{8}), std::nullopt);
  EXPECT_EQ(schema.table_index("shop"), std::nullopt);
  EXPECT_EQ(schema.field_index(4, "paint"), 2);
  EXPECT_EQ(schema.field_index(4, "paints"), std::nullopt);
  ASSERT_NE(schema.find_enum("team"), nullptr);
  EXPECT_EQ(schema.find_enum("team")->values.size(), 3u);
  EXPECT_EQ(schema.find_enum("tea"), nullptr);
  EXPECT_EQ(schema.table(4).fields[7].enum_size, 3);
}

TEST(Schema, FingerprintChangesWithEveryAttribute) {
  const Hash128 base = rich_schema().build()->fingerprint();
  EXPECT_EQ(rich_schema().build()->fingerprint(), base);
  SchemaDef def = rich_schema().def();
  def.tables[0].fields[2].policy = Policy::kServer;
  EXPECT_NE(Schema::make(def)->fingerprint(), base);
  def = rich_schema().def();
  def.tables[0].fields[0].quantise.precision = 0.02;
  EXPECT_NE(Schema::make(def)->fingerprint(), base);
  def = rich_schema().def();
  def.tables[2].transient = false;
  EXPECT_NE(Schema::make(def)->fingerprint(), base);
  def = rich_schema().def();
  def.tables[0].write.push_back({"guest", {}, {}});
  EXPECT_NE(Schema::make(def)->fingerprint(), base);
  def = rich_schema().def();
  def.tables[0].fields[3].write.pop_back();
  EXPECT_NE(Schema::make(def)->fingerprint(), base);
}

TEST(Schema, LargestTableAndIdsFit) {
  SchemaBuilder b("big");
  b.table(65535, "t");
  for (uint16_t i = 0; i < kFieldsPerTableMax; ++i) {
    b.field(static_cast<uint16_t>(65535 - i), "f" + std::to_string(i), FieldType::kQuatf);
  }
  const Result<Schema> made = b.build();
  ASSERT_TRUE(made.ok()) << made.error().to_string();
  EXPECT_EQ(made->layout(0).lanes.size(), 256u);
  EXPECT_EQ(made->layout(0).replicated_mask(), ~uint64_t{0});
  EXPECT_EQ(made->layout(0).fields[63].replicated_bit, 63);
}

TEST(Schema, OverlongCanonicalFormIsRefused) {
  SchemaDef def = rich_schema().def();
  for (int e = 0; e < 100; ++e) {
    EnumDef& added = def.enums.emplace_back();
    added.name = "e" + std::to_string(e);
    for (int v = 0; v < 256; ++v) {
      added.values.push_back("v" + std::to_string(v) + std::string(50, 'x'));
    }
  }
  EXPECT_EQ(Schema::make(def).code(), ErrorCode::kLimitExceeded);
}

TEST(Schema, FirstProblemIsNamedWithItsPlace) {
  const Result<Schema> made =
      SchemaBuilder("s").table(1, "t").by("rom").field(1, "room", FieldType::kU8).build();
  EXPECT_EQ(made.error().to_string(),
            "schema_invalid: table \"t\": there is no field \"rom\" to make cells of; did you mean "
            "\"room\"?");
}

}  // namespace
}  // namespace ecsdb
