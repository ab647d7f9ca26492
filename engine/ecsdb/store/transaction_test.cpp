#include "ecsdb/store/transaction.h"

#include <functional>
#include <gtest/gtest.h>

#include "ecsdb/store/test_support.h"

namespace ecsdb::store_test {
namespace {

ErrorCode code(const Status& status) { return status.ok() ? ErrorCode::kOk : status.error().code; }

TEST(Transaction, CommitRaisesTheVersionEvenWithoutChanges) {
  Database db = arena();
  EXPECT_EQ(db.begin().commit(), Version{1});
  EXPECT_EQ(db.begin().commit(), Version{2});
  EXPECT_EQ(db.head(), Version{2});
  EXPECT_TRUE(db.dirty_cells().empty());
}

TEST(Transaction, ReadsSeeItsChanges) {
  Database db = arena();
  Transaction change = db.begin();
  const EntityId entity = change.create().value();
  EXPECT_TRUE(db.exists(entity));
  EXPECT_FALSE(db.contains<Ship>(entity));
  ASSERT_TRUE(change.insert(entity, Ship{{1, 2}, 3, "ada"}).ok());
  EXPECT_EQ(db.get<Ship>(entity)->gold, 3);
  ASSERT_TRUE(change.set(kShip, entity, kGold, int64_t{4}).ok());
  EXPECT_EQ(db.get<Ship>(entity)->gold, 4);
  ASSERT_TRUE(change.remove<Ship>(entity).ok());
  EXPECT_FALSE(db.get<Ship>(entity).has_value());
  EXPECT_EQ(db.value(kShip, entity, kGold).code(), ErrorCode::kRowMissing);
  ASSERT_TRUE(change.destroy(entity).ok());
  EXPECT_FALSE(db.exists(entity));
}

// One transaction of every kind of operation, dropped after each of its steps.
TEST(Transaction, DropAtEveryStepUndoesAll) {
  Database db = arena();
  const EntityId old = add_ship(db, {10, 10});
  const EntityId other = add_ship(db, {200, 10}, "bob");
  db.finish_publish();
  const Bytes before = db.snapshot();
  using Step = std::function<Status(Transaction&)>;
  const std::vector<Step> steps = {
      [&](Transaction& t) {
        return t.set(kShip, old, kPos, Vec2f{-90, 5});
      },
      [&](Transaction& t) { return t.set(kShip, old, kName, std::string("long name")); },
      [&](Transaction& t) { return t.set(kShip, old, kNote, std::string("hidden")); },
      [&](Transaction& t) { return t.set(kShip, old, kHeat, 4.5); },
      [&](Transaction& t) {
        return t.insert(old, Hull{5, Side::kRed});
      },
      [&](Transaction& t) { return t.set(kHull, old, kPoints, uint64_t{6}); },
      [&](Transaction& t) { return t.remove<Hull>(old); },
      [&](Transaction& t) {
        return t.insert(old, Hull{7, Side::kBlue});
      },
      [&](Transaction& t) { return t.remove<Ship>(old); },
      [&](Transaction& t) {
        return t.insert(old, Ship{{1, 1}, 2, "new"});
      },
      [&](Transaction& t) { return t.destroy(other); },
      [&](Transaction& t) { return t.destroy(old); },
  };
  for (size_t count = 0; count <= steps.size(); ++count) {
    {
      Transaction change = db.begin();
      for (size_t i = 0; i < count; ++i) ASSERT_TRUE(steps[i](change).ok()) << i;
    }
    db.check_invariants();
    ASSERT_EQ(db.snapshot(), before) << count;
    for (RowIndex row = 0; row < db.table(kShip).row_count(); ++row) {
      ASSERT_EQ(db.table(kShip).state(row), 0);
    }
  }
}

TEST(Transaction, DropAfterCreateNeverGivesTheIdAgain) {
  Database db = arena();
  EntityId dropped;
  {
    Transaction change = db.begin();
    dropped = change.create().value();
    ASSERT_TRUE(change.insert(dropped, Ship{}).ok());
  }
  EXPECT_FALSE(db.exists(dropped));
  EXPECT_EQ(db.table(kShip).row_count(), 0u);
  const EntityId next = add_ship(db, {});
  EXPECT_EQ(next.index(), dropped.index());
  EXPECT_NE(next, dropped);
}

TEST(Transaction, MovedFromDoesNothing) {
  Database db = arena();
  Transaction first = db.begin();
  const EntityId entity = first.create().value();
  {
    Transaction second = std::move(first);
    ASSERT_TRUE(second.insert(entity, Ship{}).ok());
    std::move(second).commit();
  }
  EXPECT_TRUE(db.contains<Ship>(entity));
  EXPECT_FALSE(db.in_transaction());
}

TEST(Transaction, FailedOperationChangesNothingAndNamesThePlace) {
  Database db = arena();
  const EntityId entity = add_ship(db, {});
  Transaction change = db.begin();
  const FieldValue values[] = {{kGold, int64_t{9}}, {kName, std::string(25, 'x')}};
  const Status too_long = change.set(kShip, entity, values);
  EXPECT_EQ(code(too_long), ErrorCode::kTextTooLong);
  EXPECT_NE(too_long.error().context.find("ship.name"), std::string::npos);
  EXPECT_EQ(db.get<Ship>(entity)->gold, 1);
  EXPECT_EQ(code(change.set(kShip, entity, kGold, true)), ErrorCode::kTypeMismatch);
  EXPECT_EQ(code(change.set(kShip, entity, kPaint, uint64_t{256})), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(code(change.set(kShip, entity, kName, std::string("\xff"))), ErrorCode::kBadText);
  EXPECT_EQ(code(change.insert(entity, Ship{})), ErrorCode::kRowExists);
  EXPECT_EQ(code(change.set(entity, Hull{})), ErrorCode::kRowMissing);
  EXPECT_EQ(code(change.remove<Hull>(entity)), ErrorCode::kRowMissing);
  EXPECT_EQ(code(change.insert(kHull, entity, std::vector<FieldValue>{{kSide, EnumValue{3}}})),
            ErrorCode::kValueOutOfRange);
  EXPECT_FALSE(db.contains<Hull>(entity));
  std::move(change).commit();
  EXPECT_EQ(row_of(db, kShip, entity).changed, Version{1});
}

TEST(Transaction, UnknownEntityIsRefused) {
  Database db = arena();
  const EntityId entity = add_ship(db, {});
  const EntityId stale = EntityId::make(entity.index(), entity.epoch(), 2);
  Transaction change = db.begin();
  for (const EntityId unknown : {EntityId{}, stale, EntityId::make(7, 3, 1)}) {
    EXPECT_EQ(code(change.insert(unknown, Ship{})), ErrorCode::kUnknownEntity);
    EXPECT_EQ(code(change.destroy(unknown)), ErrorCode::kUnknownEntity);
    EXPECT_EQ(code(change.set(unknown, Ship{})), ErrorCode::kRowMissing);
  }
  ASSERT_TRUE(change.destroy(entity).ok());
  EXPECT_EQ(code(change.destroy(entity)), ErrorCode::kUnknownEntity);
  EXPECT_EQ(code(change.insert(entity, Ship{})), ErrorCode::kUnknownEntity);
}

TEST(Transaction, SettingTheSameValueIsNoChange) {
  Database db = arena();
  const EntityId entity = add_ship(db, {1, 2});
  db.finish_publish();
  Transaction change = db.begin();
  ASSERT_TRUE(change.set(entity, Ship{{1, 2}, 1, "ada"}).ok());
  ASSERT_TRUE(change.set(kShip, entity, kPos, Vec2f{1.1f, 2.2f}).ok());  // the same steps of 0.5
  std::move(change).commit();
  EXPECT_EQ(row_of(db, kShip, entity).changed, Version{1});
  EXPECT_TRUE(db.dirty_cells().empty());
}

TEST(Transaction, ServerOnlyChangeRaisesNothing) {
  Database db = arena();
  const EntityId entity = add_ship(db, {});
  db.finish_publish();
  const Digest digest = db.digest(kShip, CellKey::grid(0, 0));
  set_field(db, kShip, entity, kHeat, 3.5);
  set_field(db, kShip, entity, kNote, std::string("hot"));
  EXPECT_EQ(std::get<double>(db.value(kShip, entity, kHeat).value()), 3.5);
  EXPECT_EQ(row_of(db, kShip, entity).changed, Version{1});
  EXPECT_TRUE(db.dirty_cells().empty());
  EXPECT_EQ(find_cell(db, kShip, CellKey::grid(0, 0))->changed, Version{1});
  EXPECT_EQ(db.digest(kShip, CellKey::grid(0, 0)), digest);
  EXPECT_EQ(db.head(), Version{3});
}

TEST(Transaction, InsertOverRemovedIsAChangeOfTheOldRow) {
  Database db = arena();
  const EntityId entity = add_ship(db, {1, 1});
  set_field(db, kShip, entity, kHeat, 9.0);
  Transaction change = db.begin();
  ASSERT_TRUE(change.remove<Ship>(entity).ok());
  const FieldValue gold{kGold, int64_t{50}};
  ASSERT_TRUE(change.insert(kShip, entity, std::span(&gold, 1)).ok());
  std::move(change).commit();
  EXPECT_EQ(db.get<Ship>(entity)->gold, 50);
  EXPECT_EQ(db.get<Ship>(entity)->name, "anon");  // not given: the default, not the old value
  EXPECT_EQ(std::get<double>(db.value(kShip, entity, kHeat).value()), 0.0);
  EXPECT_EQ(born_of(db, kShip, entity), Version{1});
  EXPECT_EQ(row_of(db, kShip, entity).changed, Version{3});
  EXPECT_TRUE(find_cell(db, kShip, CellKey::grid(0, 0))->tombstones.empty());
}

TEST(Transaction, RemoveOfANewRowLeavesNoTrace) {
  Database db = arena();
  add_ship(db, {});
  db.finish_publish();
  Transaction change = db.begin();
  const EntityId entity = change.create().value();
  ASSERT_TRUE(change.insert(entity, Ship{{500, 500}, 0, ""}).ok());
  ASSERT_TRUE(change.remove<Ship>(entity).ok());
  std::move(change).commit();
  EXPECT_TRUE(db.exists(entity));
  EXPECT_TRUE(db.dirty_cells().empty());
  EXPECT_EQ(db.cells(kShip).count(), 1u);
  db.check_invariants();
}

TEST(Transaction, DestroyRemovesTheRowsOfEveryTable) {
  Database db = arena();
  const EntityId entity = add_ship(db, {});
  Transaction change = db.begin();
  ASSERT_TRUE(change.insert(entity, Hull{}).ok());
  ASSERT_TRUE(change.insert(kClock, entity, {}).ok());
  std::move(change).commit();
  Transaction end = db.begin();
  ASSERT_TRUE(end.destroy(entity).ok());
  std::move(end).commit();
  for (const uint16_t table : {kShip, kHull, kClock}) EXPECT_EQ(db.table(table).row_count(), 0u);
  EXPECT_EQ(find_cell(db, kHull, CellKey::grid(0, 0))->tombstones.size(), 1u);
  EXPECT_FALSE(find_cell(db, kHull, CellKey::grid(0, 0))->tombstones[0].left);
  db.check_invariants();
}

TEST(Transaction, EntityIsUsedAgainUnderAnotherId) {
  Database db = arena();
  const EntityId first = add_ship(db, {});
  Transaction end = db.begin();
  ASSERT_TRUE(end.destroy(first).ok());
  EXPECT_NE(end.create()->index(), first.index());  // not before the commit
  std::move(end).commit();
  const EntityId second = add_ship(db, {});
  EXPECT_EQ(second.index(), first.index());
  EXPECT_EQ(second.reuse(), first.reuse() + 1);
  EXPECT_EQ(second.epoch(), 3);
  EXPECT_FALSE(db.exists(first));
  EXPECT_FALSE(db.get<Ship>(first).has_value());
}

TEST(Transaction, SpentSlotRetires) {
  Database db = arena();
  for (uint32_t reuse = 1; reuse <= 0xffff; ++reuse) {
    Transaction change = db.begin();
    const EntityId entity = change.create().value();
    ASSERT_EQ(entity, EntityId::make(0, 3, static_cast<uint16_t>(reuse)));
    ASSERT_TRUE(change.destroy(entity).ok());
    std::move(change).commit();
  }
  EXPECT_EQ(db.begin().create().value(), EntityId::make(1, 3, 1));
}

TEST(Transaction, CapacityIsReported) {
  DatabaseOptions options = arena_options();
  options.entities_max = 2;
  Database db = arena(options);
  Transaction change = db.begin();
  const EntityId first = change.create().value();
  ASSERT_TRUE(change.create().ok());
  EXPECT_EQ(change.create().code(), ErrorCode::kCapacity);
  ASSERT_TRUE(change.destroy(first).ok());
  std::move(change).commit();
  EXPECT_TRUE(db.begin().create().ok());
}

TEST(Transaction, PutInsertsThenSets) {
  Database db = arena();
  Transaction change = db.begin();
  const EntityId entity = change.create().value();
  ASSERT_TRUE(change.put(entity, Hull{1, Side::kRed}).ok());
  ASSERT_TRUE(change.put(entity, Hull{2, Side::kBlue}).ok());
  std::move(change).commit();
  EXPECT_EQ(db.get<Hull>(entity)->points, 2);
  EXPECT_EQ(db.get<Hull>(entity)->side, Side::kBlue);
}

TEST(Transaction, SetManyOfStructsStopsAtTheFirstError) {
  Database db = arena();
  const std::vector<EntityId> entities = {add_ship(db, {}), EntityId::make(9, 3, 1),
                                          add_ship(db, {})};
  Transaction change = db.begin();
  const std::vector<Ship> rows = {{{}, 10, "a"}, {{}, 20, "b"}, {{}, 30, "c"}};
  EXPECT_EQ(code(change.set_many<Ship>(entities, rows)), ErrorCode::kRowMissing);
  EXPECT_EQ(db.get<Ship>(entities[0])->gold, 10);
  EXPECT_EQ(db.get<Ship>(entities[2])->gold, 1);
}

TEST(Transaction, SetManyOfLanesIsAllOrNothing) {
  Database db = arena();
  const std::vector<EntityId> entities = {add_ship(db, {}), add_ship(db, {})};
  const auto lane = [](int64_t v) { return static_cast<uint64_t>(v); };
  {
    Transaction change = db.begin();
    const std::vector<uint64_t> lanes = {lane(-1), 2, 3, lane(INT64_MAX)};
    EXPECT_EQ(code(change.set_many(kShip, kPos, entities, lanes)), ErrorCode::kValueOutOfRange);
    const std::vector<EntityId> unknown = {entities[0], EntityId::make(9, 3, 1)};
    const std::vector<uint64_t> good = {1, 2, 3, 4};
    EXPECT_EQ(code(change.set_many(kShip, kPos, unknown, good)), ErrorCode::kRowMissing);
    EXPECT_EQ(db.get<Ship>(entities[0])->pos, Vec2f{});
    const std::vector<uint64_t> moved = {lane(-1), 2, 300, 4};
    EXPECT_TRUE(change.set_many(kShip, kPos, entities, moved).ok());
    std::move(change).commit();
  }
  EXPECT_EQ(db.get<Ship>(entities[0])->pos, (Vec2f{-0.5f, 1}));
  EXPECT_EQ(db.get<Ship>(entities[1])->pos, (Vec2f{150, 2}));
  EXPECT_EQ(row_of(db, kShip, entities[1]).changed, db.head());
  EXPECT_NE(find_cell(db, kShip, CellKey::grid(2, 0)), nullptr);
  db.check_invariants();
}

TEST(TransactionDeathTest, SecondOpenTransactionFailsACheck) {
  Database db = arena();
  Transaction change = db.begin();
  EXPECT_DEATH(db.begin(), "check failed");
  EXPECT_DEATH(db.snapshot(), "check failed");
  EXPECT_DEATH(db.finish_publish(), "check failed");
}

}  // namespace
}  // namespace ecsdb::store_test
