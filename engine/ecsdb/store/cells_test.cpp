#include "ecsdb/store/cells.h"

#include <gtest/gtest.h>

#include "ecsdb/store/test_support.h"

namespace ecsdb::store_test {
namespace {

TEST(CellKey, TextNamesKindAndNumbers) {
  EXPECT_EQ(CellKey::one().to_string(), "one");
  EXPECT_EQ(CellKey::value(-7).to_string(), "value -7");
  EXPECT_EQ(CellKey::owner(PrincipalId{~uint64_t{0}}).to_string(), "owner 18446744073709551615");
  EXPECT_EQ(CellKey::grid(3, -1).to_string(), "grid 3,-1,0");
  EXPECT_EQ(CellKey::none().to_string(), "none");
}

TEST(CellSet, KeysAreFoundAndStandInOrder) {
  CellSet cells;
  const CellIndex b = cells.find_or_create(CellKey::value(2));
  const CellIndex a = cells.find_or_create(CellKey::value(-2));
  EXPECT_NE(a, b);
  EXPECT_EQ(cells.find_or_create(CellKey::value(2)), b);
  EXPECT_EQ(cells.find(CellKey::value(-2)), a);
  EXPECT_EQ(cells.find(CellKey::value(3)), kNoCell);
  EXPECT_EQ(cells.count(), 2u);
  EXPECT_EQ(cells.by_key().begin()->second, a);
}

TEST(CellSet, DestroyedCellIsForgottenUpToItsHorizon) {
  CellSet cells;
  const CellIndex a = cells.find_or_create(CellKey::value(1));
  const CellIndex b = cells.find_or_create(CellKey::value(2));
  cells.at(a).horizon = Version{9};
  cells.at(b).horizon = Version{4};
  cells.at(a).changed = Version{9};
  cells.destroy(a);
  cells.destroy(b);
  EXPECT_EQ(cells.forgotten(), Version{9});
  EXPECT_EQ(cells.count(), 0u);
  const CellIndex again = cells.find_or_create(CellKey::value(1));
  EXPECT_LT(again, 2u);  // the index is used again
  EXPECT_EQ(cells.at(again).changed, Version{});
  EXPECT_EQ(cells.at(again).horizon, Version{9});
}

TEST(CellSetDeathTest, CellWithRowsCannotBeDestroyed) {
  CellSet cells;
  const CellIndex a = cells.find_or_create(CellKey::one());
  std::vector<Row> rows(1);
  cells.at(a).log.link(rows, 0, a);
  EXPECT_DEATH(cells.destroy(a), "check failed");
}

/// Where a ship at `pos` is.
CellKey grid_of(Vec2f pos) {
  Database db = arena();
  const EntityId entity = add_ship(db, pos);
  return db.cells(kShip).at(row_of(db, kShip, entity).cell).key;
}

TEST(CellKeyOf, GridIsFlooredBelowZeroToo) {
  EXPECT_EQ(grid_of({0, 0}), CellKey::grid(0, 0));
  EXPECT_EQ(grid_of({63.5f, 64}), CellKey::grid(0, 1));
  EXPECT_EQ(grid_of({-0.5f, -64}), CellKey::grid(-1, -1));
  EXPECT_EQ(grid_of({-64.5f, -128}), CellKey::grid(-2, -2));
}

TEST(CellKeyOf, GridOfThreeDimensionsUsesAll) {
  const Schema schema = SchemaBuilder("space")
                            .table(1, "star")
                            .grid("at", 10)
                            .field(1, "at", FieldType::kVec3f)
                            .precision(0.1)
                            .build()
                            .value();
  Table table(schema.table(0), schema.layout(0), false);
  const RowIndex row = table.append(EntityId::make(0, 1, 1));
  table.set_field_lanes(row, 0, LaneValues{{99, 100, static_cast<uint64_t>(-101)}});
  EXPECT_EQ(cell_key_of(table, row), CellKey::grid(0, 1, -2));
}

TEST(CellKeyOf, ValueOwnerAndOneComeFromTheirField) {
  Database db = arena();
  Transaction change = db.begin();
  const EntityId entity = change.create().value();
  const FieldValue room{kRoom, int64_t{-3}};
  const FieldValue pilot{kPilot, PrincipalId{1ull << 63}};
  ASSERT_TRUE(change.insert(kChat, entity, std::span(&room, 1)).ok());
  ASSERT_TRUE(change.insert(kBag, entity, std::span(&pilot, 1)).ok());
  ASSERT_TRUE(change.insert(kClock, entity, {}).ok());
  std::move(change).commit();
  EXPECT_NE(find_cell(db, kChat, CellKey::value(-3)), nullptr);
  EXPECT_NE(find_cell(db, kBag, CellKey::owner(PrincipalId{1ull << 63})), nullptr);
  EXPECT_NE(find_cell(db, kClock, CellKey::one()), nullptr);
}

TEST(TombstoneList, ForgetsFromTheFront) {
  TombstoneList list;
  uint64_t oldest = 0;
  for (uint64_t i = 0; i < 100; ++i) {
    list.push_back(Tombstone{EntityId{i + 1}, Version{i}, false, false});
    if (i % 3 == 2) {
      list.forget(2);
      oldest += 2;
    }
    ASSERT_EQ(list.size(), i + 1 - oldest);
    ASSERT_EQ(list[0].version, Version{oldest});
    ASSERT_EQ(list.all().back().version, Version{i});
  }
  for (const Tombstone& tombstone : list) EXPECT_EQ(tombstone.version, Version{oldest++});
  list.forget(list.size());
  EXPECT_TRUE(list.empty());
}

}  // namespace
}  // namespace ecsdb::store_test
