// Changes of many rows at a time, across the batches in which they are made; and the memory that
// transactions hand on.
#include <gtest/gtest.h>

#include "ecsdb/base/prng.h"
#include "ecsdb/store/test_support.h"

namespace ecsdb::store_test {
namespace {

constexpr size_t kRows = 150;  // more than two batches of 64

/// An arena with kRows ships at version 1, all of them digested and published.
struct Fleet {
  Database db = arena();
  std::vector<EntityId> ships;

  Fleet() {
    Transaction change = db.begin();
    for (size_t i = 0; i < kRows; ++i) {
      ships.push_back(change.create().value());
      ECSDB_CHECK(change.insert(ships[i], Ship{{}, static_cast<int64_t>(i), "ada"}).ok());
    }
    std::move(change).commit();
    db.finish_publish();
    for (const auto& [key, cell] : db.cells(kShip).by_key()) db.digest({kShip, cell});
  }
  int64_t gold(size_t ship) const { return db.get<Ship>(ships[ship])->gold; }
  Version changed(size_t ship) const { return row_of(db, kShip, ships[ship]).changed; }
  bool is_untouched() const {
    for (RowIndex row = 0; row < db.table(kShip).row_count(); ++row) {
      if (db.table(kShip).state(row) != 0) return false;
    }
    return true;
  }
};

std::vector<Ship> ships_with_gold(int64_t gold) {
  return std::vector<Ship>(kRows, Ship{{3, 4}, gold, "grace"});
}

TEST(TransactionBatch, StructsAreSetAsOneByOne) {
  Fleet many, single;
  std::vector<Ship> rows = ships_with_gold(0);
  Prng random(1);
  for (Ship& row : rows) {
    row.gold = random.between(0, 3);
    row.pos = {static_cast<float>(random.between(-200, 200)), 0};
    row.name = std::string(random.below(20), 'x');
  }
  const Bytes before = many.db.snapshot();
  {
    Transaction dropped = many.db.begin();
    ASSERT_TRUE(dropped.set_many<Ship>(many.ships, rows).ok());
  }
  EXPECT_EQ(many.db.snapshot(), before);
  Transaction of_many = many.db.begin();
  ASSERT_TRUE(of_many.set_many<Ship>(many.ships, rows).ok());
  std::move(of_many).commit();
  Transaction of_single = single.db.begin();
  for (size_t i = 0; i < kRows; ++i) ASSERT_TRUE(of_single.set(single.ships[i], rows[i]).ok());
  std::move(of_single).commit();
  many.db.check_invariants();
  for (size_t i = 0; i < kRows; ++i) {
    const Ship got = *many.db.get<Ship>(many.ships[i]);
    EXPECT_EQ(got.gold, rows[i].gold);
    EXPECT_EQ(got.pos, rows[i].pos);
    EXPECT_EQ(got.name, rows[i].name);
    EXPECT_EQ(many.changed(i), single.changed(i));
  }
  ASSERT_EQ(many.db.cells(kShip).count(), single.db.cells(kShip).count());
  for (const auto& [key, cell] : many.db.cells(kShip).by_key()) {
    EXPECT_EQ(many.db.digest(kShip, key), single.db.digest(kShip, key));
  }
}

TEST(TransactionBatch, StructsBeforeTheFirstBadOneStayChanged) {
  for (const size_t bad : {size_t{0}, size_t{63}, size_t{64}, size_t{100}, kRows - 1}) {
    Fleet fleet;
    std::vector<Ship> rows = ships_with_gold(-5);
    rows[bad].name = std::string(25, 'y');
    Transaction change = fleet.db.begin();
    const Status status = change.set_many<Ship>(fleet.ships, rows);
    ASSERT_EQ(status.code(), ErrorCode::kTextTooLong);
    EXPECT_NE(status.error().context.find("ship.name"), std::string::npos);
    for (size_t i = 0; i < kRows; ++i) {
      EXPECT_EQ(fleet.gold(i), i < bad ? -5 : static_cast<int64_t>(i)) << bad;
    }
    std::move(change).commit();
    fleet.db.check_invariants();
    for (size_t i = 0; i < kRows; ++i) EXPECT_EQ(fleet.changed(i), Version{i < bad ? 2u : 1u});
  }
}

TEST(TransactionBatch, LanesOfAnUnknownEntityChangeNothing) {
  Fleet fleet;
  const std::vector<uint64_t> lanes(kRows, 77);
  std::vector<EntityId> entities = fleet.ships;
  entities[130] = EntityId::make(entities[130].index(), 3, 9);
  Transaction change = fleet.db.begin();
  ASSERT_TRUE(change.set(kShip, fleet.ships[2], kGold, int64_t{-1}).ok());
  ASSERT_TRUE(change.set(kShip, fleet.ships[3], kHeat, 1.0).ok());  // of the server alone
  const Status status = change.set_many(kShip, kGold, entities, lanes);
  EXPECT_EQ(status.code(), ErrorCode::kRowMissing);
  EXPECT_EQ(fleet.gold(1), 1);
  EXPECT_EQ(fleet.gold(2), -1);
  EXPECT_EQ(fleet.gold(3), 3);
  std::move(change).commit();
  fleet.db.check_invariants();
  for (size_t i = 0; i < kRows; ++i) EXPECT_EQ(fleet.changed(i), Version{i == 2 ? 2u : 1u});
  EXPECT_TRUE(fleet.is_untouched());
}

TEST(TransactionBatch, LanesOfEveryWidthAndOfSeveralAreSetAndUndone) {
  Fleet fleet;
  const Bytes before = fleet.db.snapshot();
  std::vector<uint64_t> one, two;
  for (size_t i = 0; i < kRows; ++i) {
    one.push_back(i % 200);
    two.push_back(static_cast<uint64_t>(-static_cast<int64_t>(i)));
    two.push_back(i);
  }
  for (const bool commits : {false, true}) {
    Transaction change = fleet.db.begin();
    ASSERT_TRUE(change.set_many(kShip, kPaint, fleet.ships, one).ok());
    ASSERT_TRUE(change.set_many(kShip, kGold, fleet.ships, one).ok());
    ASSERT_TRUE(change.set_many(kShip, kPos, fleet.ships, two).ok());
    ASSERT_TRUE(change.set_many(kShip, kPaint, fleet.ships, one).ok());  // no change
    for (size_t i = 0; i < kRows; ++i) {
      const RowIndex row = fleet.db.find_row(kShip, fleet.ships[i]);
      EXPECT_EQ(fleet.db.table(kShip).field_lanes(row, kPaint).lane[0], one[i]);
      EXPECT_EQ(fleet.db.table(kShip).field_lanes(row, kPos).lane[0], two[2 * i]);
      EXPECT_EQ(fleet.gold(i), static_cast<int64_t>(one[i]));
    }
    if (commits) {
      std::move(change).commit();
      continue;
    }
    { const Transaction dropped = std::move(change); }
    EXPECT_EQ(fleet.db.snapshot(), before);
  }
  fleet.db.check_invariants();
  EXPECT_TRUE(fleet.is_untouched());
}

TEST(TransactionBatch, ServerOnlyLanesRaiseNothing) {
  Fleet fleet;
  Transaction change = fleet.db.begin();
  ASSERT_TRUE(change.set_many(kShip, kHeat, fleet.ships, std::vector<uint64_t>(kRows, 4)).ok());
  std::move(change).commit();
  for (size_t i = 0; i < kRows; ++i) EXPECT_EQ(fleet.changed(i), Version{1});
  EXPECT_TRUE(fleet.db.dirty_cells().empty());
  EXPECT_TRUE(fleet.is_untouched());
}

// No row of a batch is set if one has none: of nobody, or removed in the same transaction.
TEST(TransactionBatch, RowsThatAreNotThereAreMissing) {
  Fleet fleet;
  Transaction change = fleet.db.begin();
  ASSERT_TRUE(change.remove(kShip, fleet.ships[7]).ok());
  const EntityId wreck = change.create().value();  // has no row
  for (const EntityId gone : {EntityId{}, EntityId{uint64_t{3} << 32}, wreck, fleet.ships[7]}) {
    const EntityId entities[] = {fleet.ships[0], gone};
    const uint64_t lanes[] = {77, 77};
    const std::vector<Ship> rows(2, Ship{{}, 77, "b"});
    EXPECT_EQ(change.set_many(kShip, kGold, entities, lanes).code(), ErrorCode::kRowMissing);
    EXPECT_EQ(change.set_many<Ship>(std::span(entities).last(1), std::span(rows).first(1)).code(),
              ErrorCode::kRowMissing);
  }
  EXPECT_EQ(fleet.gold(0), 0);
}

TEST(TransactionBatch, NothingIsSetForNoRows) {
  Fleet fleet;
  Transaction change = fleet.db.begin();
  EXPECT_TRUE(change.set_many(kShip, kGold, {}, {}).ok());
  EXPECT_TRUE(change.set_many<Ship>({}, {}).ok());
  std::move(change).commit();
  EXPECT_TRUE(fleet.db.dirty_cells().empty());
}

// One row may appear twice in a batch; the last value stays, and dropping restores the first.
TEST(TransactionBatch, RowThatIsNamedTwiceIsChangedTwice) {
  Fleet fleet;
  const std::vector<EntityId> entities = {fleet.ships[5], fleet.ships[5]};
  const std::vector<Ship> rows = {{{}, 100, "a"}, {{}, 200, "b"}};
  {
    Transaction dropped = fleet.db.begin();
    ASSERT_TRUE(dropped.set_many<Ship>(entities, rows).ok());
    EXPECT_EQ(fleet.gold(5), 200);
    EXPECT_EQ(fleet.db.get<Ship>(fleet.ships[5])->name, "b");
  }
  EXPECT_EQ(fleet.gold(5), 5);
  EXPECT_EQ(fleet.db.get<Ship>(fleet.ships[5])->name, "ada");
  EXPECT_TRUE(fleet.is_untouched());
}

TEST(TransactionBatch, EntitiesNeedNoTables) {
  Database db(Schema(), arena_options());
  Transaction change = db.begin();
  ASSERT_TRUE(change.create().ok());
  EXPECT_EQ(std::move(change).commit(), Version{1});
  db.check_invariants();
}

TEST(TransactionBuffers, MemoryOfARareLargeTransactionIsGivenBack) {
  TransactionBuffers buffers;
  const UndoEntry entry(UndoEntry::What::kLane, 1, 2, 3, 4, 5);
  for (int i = 0; i < 1'000'000; ++i) buffers.undo.push(entry);
  buffers.clear();
  EXPECT_GE(buffers.undo.capacity(), 1'000'000u);
  int small = 0;
  for (; buffers.undo.capacity() >= 1'000'000 && small < 10'000; ++small) {
    buffers.undo.push(entry);
    buffers.clear();
    EXPECT_TRUE(buffers.empty());
  }
  EXPECT_GT(small, 100);
  EXPECT_LT(small, 10'000);
}

// Few undo entries may have many bytes of old texts.
TEST(TransactionBuffers, MemoryOfManyOldTextsIsGivenBack) {
  TransactionBuffers buffers;
  buffers.old_texts.resize(5'000);
  buffers.old_text_count = 5'000;
  buffers.clear();
  int small = 0;
  for (; !buffers.old_texts.empty() && small < 10'000; ++small) buffers.clear();
  EXPECT_GT(small, 100);
  EXPECT_LT(small, 10'000);
  EXPECT_EQ(buffers.undo.capacity(), 0u);  // nothing was taken for the entries meanwhile
}

TEST(UndoEntry, HoldsWhatItWasGiven) {
  const UndoEntry entry(UndoEntry::What::kText, kTablesMax - 1, 0xfffffffe, 0xffff, ~uint64_t{0},
                        kTouchBits);
  EXPECT_EQ(entry.what(), UndoEntry::What::kText);
  EXPECT_EQ(entry.table(), kTablesMax - 1);
  EXPECT_EQ(entry.row(), 0xfffffffeu);
  EXPECT_EQ(entry.lane(), 0xffff);
  EXPECT_EQ(entry.old(), ~uint64_t{0});
  EXPECT_EQ(entry.touch(), kTouchBits);
}

TEST(Stack, GrowsCutsAndCopies) {
  Stack<int> stack;
  for (int i = 0; i < 100; ++i) stack.push(i);
  const std::vector<int> more = {100, 101, 102};
  stack.push_all(more);
  stack.push_all({});
  const Stack<int> copy = stack;
  stack.cut(50);
  stack.cut(60);  // nothing
  EXPECT_EQ(stack.size(), 50u);
  EXPECT_EQ(stack.top(), 49);
  stack.set_capacity(10);
  EXPECT_EQ(stack.capacity(), 50u);
  EXPECT_EQ(copy.size(), 103u);
  EXPECT_EQ(copy.all().back(), 102);
  stack.clear();
  EXPECT_TRUE(stack.empty());
  EXPECT_EQ(stack.capacity(), 50u);
}

}  // namespace
}  // namespace ecsdb::store_test
