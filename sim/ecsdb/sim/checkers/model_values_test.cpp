#include "ecsdb/sim/checkers/model_values.h"

#include <gtest/gtest.h>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/sim/scenario.h"
#include "ecsdb/sim/workload_values.h"

namespace ecsdb::sim {
namespace {

bool is_text(const FieldDef& field) {
  return field.type == FieldType::kStr || field.type == FieldType::kBytes;
}

// Two implementations of one page of the design.
TEST(ModelValues, AgreeWithTheProductOnDrawnValues) {
  Prng rng(11);
  const EntityId people[] = {EntityId::make(1, 1, 1), EntityId::make(9, 1, 3)};
  for (uint16_t table = 0; table < kScenarioTables; ++table) {
    const std::vector<FieldDef>& fields = scenario_schema().table(table).fields;
    for (uint16_t index = 0; index < fields.size(); ++index) {
      const FieldDef& field = fields[index];
      for (int i = 0; i < 200; ++i) {
        const Value value = draw_value(scenario_schema(), table, index, people, rng);
        const auto canonical = canonical_of(field, value);
        ASSERT_TRUE(canonical) << field.name;
        if (is_text(field)) {
          EXPECT_EQ(canonical->text, to_text(field, value).value());
          continue;
        }
        const LaneValues lanes = to_lanes(field, value).value();
        for (size_t k = 0; k < 4; ++k) EXPECT_EQ(canonical->lane[k], lanes.lane[k]) << field.name;
        EXPECT_TRUE(same_value(readable_of(field, *canonical), from_lanes(field, lanes)))
            << field.name;
      }
    }
  }
}

TEST(ModelValues, DefaultsAgreeWithTheProduct) {
  for (uint16_t table = 0; table < kScenarioTables; ++table) {
    for (const FieldDef& field : scenario_schema().table(table).fields) {
      const Canonical canonical = canonical_default(field);
      if (is_text(field)) {
        EXPECT_EQ(canonical.text, default_text(field));
        continue;
      }
      const LaneValues lanes = default_lanes(field);
      for (size_t k = 0; k < 4; ++k) EXPECT_EQ(canonical.lane[k], lanes.lane[k]) << field.name;
    }
  }
}

TEST(ModelValues, RefuseWhatDoesNotFit) {
  size_t tried = 0;
  for (uint16_t table = 0; table < kScenarioTables; ++table) {
    for (const FieldDef& field : scenario_schema().table(table).fields) {
      if (!has_illegal_values(field)) continue;
      EXPECT_FALSE(canonical_of(field, draw_illegal_value(field))) << field.name;
      ++tried;
    }
  }
  EXPECT_GE(tried, 5u);
  EXPECT_FALSE(canonical_of(scenario_schema().table(kClockTable).fields[0], Value{true}));
}

TEST(ModelValues, FloatsCompareByTheirBits) {
  EXPECT_FALSE(same_value(Value{0.0}, Value{-0.0}));
  EXPECT_TRUE(same_value(Value{-0.0}, Value{-0.0}));
  EXPECT_FALSE(same_value(Value{Vec2f{0, 1}}, Value{Vec2f{-0.0f, 1}}));
  EXPECT_FALSE(same_value(Value{uint64_t{1}}, Value{int64_t{1}}));
}

// The worked example of hash_test.cpp.
TEST(ModelRowHash, WorkedExample) {
  FieldDef pos;
  pos.id = FieldId{1};
  pos.type = FieldType::kVec2f;
  pos.quantise.kind = QuantiseKind::kPrecision;
  FieldDef gold;
  gold.id = FieldId{2};
  gold.type = FieldType::kI64;
  FieldDef name;
  name.id = FieldId{4};
  name.type = FieldType::kStr;
  ModelRowHash row(TableId{1}, EntityId::make(9, 1, 1));
  row.add_field(pos, Canonical{{static_cast<uint64_t>(-4), 6, 0, 0}, {}});
  row.add_field(gold, Canonical{{0x100000002, 0, 0, 0}, {}});
  row.add_field(name, Canonical{{}, "anon"});
  EXPECT_EQ(row.finish(), (Digest{{0x12bd492b, 0x7276fab4, 0x68d6c502, 0x0883170a}}));
}

}  // namespace
}  // namespace ecsdb::sim
