// What commits do to cells, what publishing and trimming keep, and what reads show. Random
// histories are in database_model_test.cpp.
#include "ecsdb/store/database.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "ecsdb/store/test_support.h"

namespace ecsdb::store_test {
namespace {

const CellKey kHome = CellKey::grid(0, 0);
const CellKey kEast = CellKey::grid(1, 0);

TEST(DatabaseCells, MoveLeavesATombstoneAndEntersWhole) {
  Database db = arena();
  const EntityId entity = add_ship(db, {1, 1});
  set_field(db, kShip, entity, kPos, Vec2f{65, 1});
  const Cell& home = *find_cell(db, kShip, kHome);
  ASSERT_EQ(home.tombstones.size(), 1u);
  EXPECT_EQ(home.tombstones[0].entity, entity);
  EXPECT_EQ(home.tombstones[0].version, Version{2});
  EXPECT_TRUE(home.tombstones[0].left);
  EXPECT_EQ(home.log.count(), 0u);
  EXPECT_EQ(find_cell(db, kShip, kEast)->log.count(), 1u);
  EXPECT_EQ(row_of(db, kShip, entity).changed, Version{2});
  EXPECT_EQ(born_of(db, kShip, entity), Version{1});
}

TEST(DatabaseCells, RemovalIsNotALeave) {
  Database db = arena();
  const EntityId entity = add_ship(db, {1, 1});
  Transaction change = db.begin();
  ASSERT_TRUE(change.remove<Ship>(entity).ok());
  std::move(change).commit();
  ASSERT_EQ(find_cell(db, kShip, kHome)->tombstones.size(), 1u);
  EXPECT_FALSE(find_cell(db, kShip, kHome)->tombstones[0].left);
}

TEST(DatabaseCells, ReentryIsANewVersionAndKeepsTheTombstone) {
  Database db = arena();
  const EntityId entity = add_ship(db, {1, 1});
  set_field(db, kShip, entity, kPos, Vec2f{65, 1});
  set_field(db, kShip, entity, kPos, Vec2f{1, 1});
  const Cell& home = *find_cell(db, kShip, kHome);
  EXPECT_EQ(home.log.count(), 1u);
  EXPECT_EQ(home.changed, Version{3});
  EXPECT_EQ(home.tombstones.size(), 1u);
  EXPECT_EQ(row_of(db, kShip, entity).changed, Version{3});
  db.check_invariants();
}

TEST(DatabaseCells, MoveInsideACellIsAChange) {
  Database db = arena();
  const EntityId entity = add_ship(db, {1, 1});
  set_field(db, kShip, entity, kPos, Vec2f{2, 1});
  EXPECT_EQ(db.cells(kShip).count(), 1u);
  EXPECT_TRUE(find_cell(db, kShip, kHome)->tombstones.empty());
  EXPECT_EQ(row_of(db, kShip, entity).changed, Version{2});
}

TEST(DatabaseCells, FollowerMovesWithTheRowItFollows) {
  Database db = arena();
  const EntityId entity = add_ship(db, {1, 1});
  Transaction change = db.begin();
  ASSERT_TRUE(change.insert(entity, Hull{5, Side::kRed}).ok());
  std::move(change).commit();
  EXPECT_NE(find_cell(db, kHull, kHome), nullptr);
  set_field(db, kShip, entity, kPos, Vec2f{65, 1});
  EXPECT_EQ(find_cell(db, kHull, kEast)->log.count(), 1u);
  EXPECT_TRUE(find_cell(db, kHull, kHome)->tombstones[0].left);
  EXPECT_EQ(row_of(db, kHull, entity).changed, Version{3});
  set_field(db, kShip, entity, kGold, int64_t{9});
  EXPECT_EQ(row_of(db, kHull, entity).changed, Version{3});
}

TEST(DatabaseCells, FollowerWithoutARowToFollowIsInNone) {
  Database db = arena();
  Transaction first = db.begin();
  const EntityId entity = first.create().value();
  ASSERT_TRUE(first.insert(entity, Hull{}).ok());
  std::move(first).commit();
  EXPECT_EQ(find_cell(db, kHull, CellKey::none())->log.count(), 1u);

  Transaction second = db.begin();
  ASSERT_TRUE(second.insert(entity, Ship{{65, 1}, 0, ""}).ok());
  std::move(second).commit();
  EXPECT_EQ(find_cell(db, kHull, kEast)->log.count(), 1u);

  Transaction third = db.begin();
  ASSERT_TRUE(third.remove<Ship>(entity).ok());
  std::move(third).commit();
  EXPECT_EQ(find_cell(db, kHull, CellKey::none())->log.count(), 1u);
  EXPECT_TRUE(find_cell(db, kHull, kEast)->tombstones[0].left);
  db.check_invariants();
}

TEST(DatabaseCells, BothRowsInOneCommitStandTogether) {
  Database db = arena();
  Transaction change = db.begin();
  const EntityId entity = change.create().value();
  ASSERT_TRUE(change.insert(entity, Hull{}).ok());  // before the row that it follows
  ASSERT_TRUE(change.insert(entity, Ship{{65, 1}, 0, ""}).ok());
  std::move(change).commit();
  EXPECT_EQ(db.cells(kHull).count(), 1u);
  EXPECT_EQ(find_cell(db, kHull, kEast)->log.count(), 1u);
}

TEST(DatabaseCells, OwnerAndValueCellsFollowTheirField) {
  Database db = arena();
  Transaction change = db.begin();
  const EntityId entity = change.create().value();
  ASSERT_TRUE(change.insert(kChat, entity, {}).ok());
  ASSERT_TRUE(change.insert(kBag, entity, {}).ok());
  std::move(change).commit();
  set_field(db, kChat, entity, kRoom, int64_t{-8});
  set_field(db, kBag, entity, kPilot, PrincipalId{77});
  EXPECT_EQ(find_cell(db, kChat, CellKey::value(-8))->log.count(), 1u);
  EXPECT_EQ(find_cell(db, kChat, CellKey::value(0))->tombstones.size(), 1u);
  EXPECT_EQ(find_cell(db, kBag, CellKey::owner(PrincipalId{77}))->log.count(), 1u);
}

TEST(DatabaseVersions, MayBeginAnywhere) {
  DatabaseOptions options = arena_options();
  options.first_version = Version{uint64_t{1} << 32};
  Database db = arena(options);
  EXPECT_EQ(db.head(), Version{0xffffffff});
  EXPECT_EQ(db.published(), db.head());
  const EntityId entity = add_ship(db, {1, 1});
  EXPECT_EQ(db.head(), options.first_version);
  EXPECT_EQ(row_of(db, kShip, entity).changed, options.first_version);
  db.check_invariants();
}

TEST(DatabaseDigest, DoesNotDependOnOrderOrHistory) {
  Database a = arena();
  Database b = arena();
  std::vector<EntityId> entities;
  Transaction create_a = a.begin();
  Transaction create_b = b.begin();
  for (int i = 0; i < 6; ++i) {
    entities.push_back(create_a.create().value());
    ASSERT_EQ(create_b.create().value(), entities.back());
  }
  const auto ship = [](int i) { return Ship{{static_cast<float>(i), 0}, i, "ada"}; };
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(create_a.insert(entities[size_t(i)], ship(i)).ok());
  for (int i = 5; i >= 0; --i) ASSERT_TRUE(create_b.insert(entities[size_t(i)], Ship{}).ok());
  std::move(create_a).commit();
  std::move(create_b).commit();
  EXPECT_NE(a.digest(kShip, kHome), b.digest(kShip, kHome));
  for (int i = 0; i < 6; ++i) {
    Transaction change = b.begin();
    ASSERT_TRUE(change.set(entities[size_t(i)], ship(i)).ok());
    std::move(change).commit();
  }
  EXPECT_EQ(a.digest(kShip, kHome), b.digest(kShip, kHome));
  EXPECT_EQ(a.digest(kShip, CellKey::grid(9, 9)), Digest{});
}

TEST(DatabasePublish, DirtyCellsStandInOrderOfFirstChange) {
  Database db = arena();
  const EntityId east = add_ship(db, {65, 1});
  const EntityId home = add_ship(db, {1, 1});
  set_field(db, kShip, east, kGold, int64_t{2});
  ASSERT_EQ(db.dirty_cells().size(), 2u);
  EXPECT_EQ(db.cell(db.dirty_cells()[0]).key, kEast);
  EXPECT_EQ(db.cell(db.dirty_cells()[1]).key, kHome);
  db.finish_publish();
  EXPECT_TRUE(db.dirty_cells().empty());
  set_field(db, kShip, home, kGold, int64_t{2});
  ASSERT_EQ(db.dirty_cells().size(), 1u);
  EXPECT_EQ(db.cell(db.dirty_cells()[0]).key, kHome);
}

TEST(DatabasePublish, EachPublishNamesTheOneBefore) {
  Database db = arena();
  const EntityId entity = add_ship(db, {1, 1});
  const Cell& cell = *find_cell(db, kShip, kHome);
  EXPECT_EQ(cell.published, Version{});
  db.finish_publish();
  EXPECT_EQ(cell.published, Version{1});
  EXPECT_EQ(cell.published_before, Version{});
  db.begin().commit();
  db.finish_publish();  // nothing of the cell: its chain stays
  EXPECT_EQ(db.published(), Version{2});
  EXPECT_EQ(cell.published, Version{1});
  set_field(db, kShip, entity, kGold, int64_t{5});  // version 3
  set_field(db, kShip, entity, kGold, int64_t{6});
  db.finish_publish();
  EXPECT_EQ(cell.published, Version{4});
  EXPECT_EQ(cell.published_before, Version{1});
}

TEST(DatabasePublish, BaselineHasTheValuesOfTheLastPublish) {
  Database db = arena();
  const EntityId entity = add_ship(db, {1, 1}, "ada");
  const FieldLayout& gold = db.schema().layout(kShip).fields[kGold];
  const FieldLayout& name = db.schema().layout(kShip).fields[kName];
  const Table& table = db.table(kShip);
  const RowIndex row = table.find(entity);
  EXPECT_EQ(table.row(row).published_cell, kNoCell);
  db.finish_publish();
  set_field(db, kShip, entity, kGold, int64_t{8});
  set_field(db, kShip, entity, kName, std::string("bob"));
  EXPECT_EQ(table.baseline_lane(row, gold.lane_first), 1u);
  EXPECT_EQ(table.baseline_text(row, name.text), "ada");
  db.finish_publish();
  EXPECT_EQ(table.baseline_lane(row, gold.lane_first), 8u);
  EXPECT_EQ(table.baseline_text(row, name.text), "bob");
  set_field(db, kShip, entity, kPos, Vec2f{65, 1});
  const CellIndex home = db.cells(kShip).find(kHome);
  EXPECT_EQ(table.row(row).published_cell, home);
  EXPECT_TRUE(db.cells(kShip).at(home).tombstones[0].shown);
  db.finish_publish();
  EXPECT_EQ(table.row(row).published_cell, db.cells(kShip).find(kEast));
}

TEST(DatabasePublish, TombstoneOfARowThatWasNeverShownSaysSo) {
  Database db = arena();
  const EntityId entity = add_ship(db, {1, 1});
  set_field(db, kShip, entity, kPos, Vec2f{65, 1});
  EXPECT_FALSE(find_cell(db, kShip, kHome)->tombstones[0].shown);
}

/// One ship that left the home cell at version 2.
struct Left {
  explicit Left(DatabaseOptions options) : db(arena(options)) {
    entity = add_ship(db, {1, 1});
    set_field(db, kShip, entity, kPos, Vec2f{65, 1});
    db.finish_publish();
  }
  void pass(int versions) {
    for (int i = 0; i < versions; ++i) db.begin().commit();
    db.finish_publish();
  }
  Database db;
  EntityId entity;
};

TEST(DatabaseTrim, CellIsDestroyedWhenItsTombstonesAreOver) {
  DatabaseOptions options = arena_options();
  options.horizon_versions_max = 3;
  Left left(options);
  left.pass(3);
  EXPECT_TRUE(left.db.trim().empty());  // exactly at the horizon: still kept
  left.pass(1);
  const auto destroyed = left.db.trim();
  ASSERT_EQ(destroyed.size(), 1u);
  EXPECT_EQ(destroyed[0].second, kHome);
  EXPECT_EQ(destroyed[0].first.table, kShip);
  EXPECT_EQ(find_cell(left.db, kShip, kHome), nullptr);
  EXPECT_EQ(left.db.cells(kShip).forgotten(), Version{2});
  left.db.check_invariants();
}

// A cut below version 2 may hold the ship in the home cell; the new cell must not seem to know.
TEST(DatabaseTrim, CellMadeAnewKeepsTheHorizonOfTheOldOne) {
  DatabaseOptions options = arena_options();
  options.horizon_versions_max = 0;
  Left left(options);
  left.pass(1);
  ASSERT_EQ(left.db.trim().size(), 1u);
  add_ship(left.db, {1, 1});
  const Cell& home = *find_cell(left.db, kShip, kHome);
  EXPECT_EQ(home.horizon, Version{2});
  EXPECT_EQ(home.published, Version{});
  left.db.check_invariants();
}

TEST(DatabaseTrim, CellWithRowsKeepsItsHorizon) {
  DatabaseOptions options = arena_options();
  options.horizon_versions_max = 0;
  Left left(options);
  add_ship(left.db, {1, 1});
  left.pass(1);
  EXPECT_TRUE(left.db.trim().empty());
  EXPECT_EQ(find_cell(left.db, kShip, kHome)->horizon, Version{2});
  EXPECT_TRUE(find_cell(left.db, kShip, kHome)->tombstones.empty());
}

TEST(DatabaseTrim, TooManyTombstonesGoOldestVersionFirst) {
  DatabaseOptions options = arena_options();
  options.tombstones_max = 3;
  Database db = arena(options);
  std::vector<EntityId> ships;
  for (int i = 0; i < 6; ++i) ships.push_back(add_ship(db, {1, 1}));
  add_ship(db, {1, 1});  // stays
  for (int i = 0; i < 6; i += 2) {
    Transaction change = db.begin();
    ASSERT_TRUE(change.remove<Ship>(ships[size_t(i)]).ok());
    ASSERT_TRUE(change.remove<Ship>(ships[size_t(i) + 1]).ok());
    std::move(change).commit();
  }
  db.finish_publish();
  EXPECT_TRUE(db.trim().empty());
  const Cell& cell = *find_cell(db, kShip, kHome);
  EXPECT_EQ(cell.tombstones.size(), 2u);  // six are three too many, and versions go whole
  EXPECT_EQ(cell.horizon, Version{9});
  db.check_invariants();
}

TEST(DatabaseTrim, EndlessHorizonKeepsAll) {
  DatabaseOptions options = arena_options();
  options.horizon_versions_max = UINT64_MAX;
  Left left(options);
  left.pass(5);
  EXPECT_TRUE(left.db.trim().empty());
  EXPECT_EQ(find_cell(left.db, kShip, kHome)->tombstones.size(), 1u);
}

TEST(DatabaseDeathTest, TrimBeforePublishFailsACheck) {
  Database db = arena();
  add_ship(db, {1, 1});
  EXPECT_DEATH(db.trim(), "check failed");
}

TEST(DatabaseView, JoinsEntitiesThatHaveAllRows) {
  Database db = arena();
  const EntityId both = add_ship(db, {1, 1}, "both");
  add_ship(db, {1, 1}, "ship only");
  const EntityId removed = add_ship(db, {1, 1}, "removed");
  Transaction change = db.begin();
  ASSERT_TRUE(change.insert(both, Hull{5, Side::kBlue}).ok());
  ASSERT_TRUE(change.insert(removed, Hull{6, Side::kRed}).ok());
  ASSERT_TRUE(change.insert(change.create().value(), Hull{7, Side::kRed}).ok());
  ASSERT_TRUE(change.remove<Hull>(removed).ok());  // hidden at once
  int seen = 0;
  for (auto [entity, ship, hull] : db.view<Ship, Hull>()) {
    ++seen;
    EXPECT_EQ(entity, both);
    EXPECT_EQ(ship.name, "both");
    EXPECT_EQ(hull.points, 5);
    EXPECT_EQ(hull.side, Side::kBlue);
  }
  EXPECT_EQ(seen, 1);
  int64_t gold = 0;
  for (auto [entity, ship] : db.view<Ship>()) gold += ship.gold;
  EXPECT_EQ(gold, 3);
}

TEST(DatabaseView, EmptyTableJoinsToNothing) {
  Database db = arena();
  add_ship(db, {1, 1});
  for (auto row : db.view<Ship, Hull>()) {
    (void)row;
    FAIL();
  }
}

struct Wrong {
  uint32_t points = 0;
};
struct Absent {
  uint32_t points = 0;
};

}  // namespace
}  // namespace ecsdb::store_test

template <>
struct ecsdb::Bind<ecsdb::store_test::Wrong> {
  static constexpr const char* table = "hull";
  static constexpr auto fields =
      std::make_tuple(ecsdb::member("points", &ecsdb::store_test::Wrong::points));
};
template <>
struct ecsdb::Bind<ecsdb::store_test::Absent> {
  static constexpr const char* table = "bag";
  static constexpr auto fields =
      std::make_tuple(ecsdb::member("points", &ecsdb::store_test::Absent::points));
};

namespace ecsdb::store_test {
namespace {

TEST(DatabaseBind, MismatchNamesTableAndField) {
  Database db = arena();
  const Status type = db.bind<Wrong>();
  ASSERT_FALSE(type.ok());
  EXPECT_EQ(type.error().code, ErrorCode::kTypeMismatch);
  EXPECT_NE(type.error().context.find("hull.points"), std::string::npos);
  const Status field = db.bind<Absent>();
  ASSERT_FALSE(field.ok());
  EXPECT_EQ(field.error().code, ErrorCode::kUnknownField);
  EXPECT_TRUE(db.bind<Ship>().ok());  // again
}

TEST(DatabaseBindDeathTest, UseBeforeBindFailsACheck) {
  Database db(arena_schema(), arena_options());
  EXPECT_DEATH(db.get<Ship>(EntityId{}), "check failed");
}

TEST(Database, TypedReadsShowQuantisedValues) {
  Database db = arena();
  const EntityId entity = add_ship(db, {1.2f, -3.3f}, "ada");
  const Ship ship = db.get<Ship>(entity).value();
  EXPECT_EQ(ship.pos, (Vec2f{1.0f, -3.5f}));
  EXPECT_EQ(std::get<Vec2f>(db.value(kShip, entity, kPos).value()), ship.pos);
  EXPECT_EQ(std::get<uint64_t>(db.value(kShip, entity, kPaint).value()), 7u);
  EXPECT_FALSE(db.get<Ship>(EntityId::make(55, 3, 1)).has_value());
}

TEST(Database, CopyIsEqualAndIndependent) {
  Database db = arena();
  const EntityId entity = add_ship(db, {1, 1});
  db.finish_publish();
  set_field(db, kShip, entity, kGold, int64_t{2});
  Database copy = db;
  const Bytes before = db.snapshot();
  EXPECT_EQ(copy.snapshot(), before);
  EXPECT_EQ(copy.dirty_cells().size(), 1u);
  set_field(copy, kShip, entity, kPos, Vec2f{65, 1});
  add_ship(copy, {1, 1});
  EXPECT_EQ(db.snapshot(), before);
  EXPECT_EQ(db.get<Ship>(entity)->pos, (Vec2f{1, 1}));
  set_field(db, kShip, entity, kPos, Vec2f{65, 1});
  add_ship(db, {1, 1});
  EXPECT_EQ(db.snapshot(), copy.snapshot());
}

TEST(DatabaseDeathTest, TooManyEntitiesFailACheck) {
  DatabaseOptions options = arena_options();
  options.entities_max = kEntityIndexMax + 1;
  EXPECT_DEATH(Database(arena_schema(), options), "check failed");
}

}  // namespace
}  // namespace ecsdb::store_test
