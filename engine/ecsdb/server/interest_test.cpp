#include "ecsdb/server/interest.h"

#include <array>
#include <gtest/gtest.h>

#include "ecsdb/server/test_peer.h"

namespace ecsdb::server_test {
namespace {

class InterestTest : public ::testing::Test {
 protected:
  InterestTest() : db_(yard(), {}) {
    guest_ = *tokens().authenticate(as_bytes("guest token"), Now{});
  }
  EntityId add_unit(float x) {
    Transaction tx = db_.begin();
    const EntityId entity = tx.create().value();
    const FieldValue pos{0, Vec2f{x, 5}};
    EXPECT_TRUE(tx.insert(kUnit, entity, std::span(&pos, 1)).ok());
    std::move(tx).commit();
    db_.finish_publish();
    return entity;
  }
  CellRef cell(int64_t x) { return {kUnit, db_.cells(kUnit).find(CellKey::grid(x, 0))}; }
  Status add(uint32_t id, uint16_t table = 1) {
    Subscription s;
    s.id = SubscriptionId{id};
    s.table = TableId{table};
    return interest_.add_subscription(db_, guest_, s);
  }
  Status add(Subscription s) { return interest_.add_subscription(db_, guest_, std::move(s)); }
  Status remove(uint32_t id) {
    const Status status = interest_.remove_subscription(SubscriptionId{id});
    interest_.release_unwanted(db_, guest_);
    return status;
  }

  bool has_pending() const { return !interest_.pending().empty() || interest_.has_leaves(); }

  Database db_;
  Identity guest_;
  Interest interest_;
};

TEST_F(InterestTest, SubscriptionErrors) {
  EXPECT_EQ(add(1, 99).code(), ErrorCode::kUnknownTable);
  EXPECT_EQ(add(1, 5).code(), ErrorCode::kNotPermitted);
  EXPECT_TRUE(add(1).ok());
  EXPECT_EQ(add(1).code(), ErrorCode::kUnknownSubscription);
  EXPECT_EQ(remove(2).code(), ErrorCode::kUnknownSubscription);
  EXPECT_TRUE(remove(1).ok());
  for (uint32_t id = 1; id <= kSubscriptionsMax; ++id) EXPECT_TRUE(add(id).ok());
  EXPECT_EQ(add(1000).code(), ErrorCode::kLimitExceeded);
}

TEST_F(InterestTest, KeysMustBeOfTheTablesKind) {
  const struct {
    uint16_t table;
    CellKey fits;
    CellKey other;
  } cases[] = {{1, CellKey::grid(0, 0), CellKey::value(0)},
               {3, CellKey::value(3), CellKey::owner(PrincipalId{3})},
               {4, CellKey::owner(PrincipalId{7}), CellKey::none()}};
  uint32_t id = 0;
  for (const auto& c : cases) {
    EXPECT_TRUE(add(of_keys(++id, c.table, {c.fits})).ok());
    EXPECT_EQ(add(of_keys(++id, c.table, {c.fits, c.other})).code(), ErrorCode::kTypeMismatch);
  }
  EXPECT_TRUE(add(of_keys(++id, 2, {CellKey::none(), CellKey::grid(1, 1)})).ok());
  guest_.roles = {"admin"};
  EXPECT_TRUE(add(of_keys(++id, 5, {CellKey::one()})).ok());
  EXPECT_EQ(add(of_keys(++id, 5, {CellKey::value(1)})).code(), ErrorCode::kTypeMismatch);
}

TEST_F(InterestTest, BoxTakesTwoGridKeysAndAllTakesNone) {
  Subscription box = of_keys(1, 1, {CellKey::grid(0, 0)});
  box.kind = SelectorKind::kBox;
  EXPECT_EQ(add(box).code(), ErrorCode::kTypeMismatch);
  box.keys = {CellKey::grid(0, 0), CellKey::grid(1, 1)};
  EXPECT_TRUE(add(box).ok());
  box.id = SubscriptionId{2};
  box.table = TableId{2};
  box.keys[0] = CellKey::none();
  EXPECT_EQ(add(box).code(), ErrorCode::kTypeMismatch);
  Subscription all = of_keys(3, 1, {CellKey::grid(0, 0)});
  all.kind = SelectorKind::kAll;
  EXPECT_EQ(add(all).code(), ErrorCode::kTypeMismatch);
}

TEST_F(InterestTest, CellsArePendingThenTold) {
  add_unit(5);
  add_unit(15);
  EXPECT_TRUE(add(1).ok());
  EXPECT_TRUE(has_pending());
  EXPECT_EQ(interest_.row_count(db_), 2u);
  const auto changes = interest_.take_changes();
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_TRUE(changes[0].held);
  const auto enters = interest_.take_enters(db_);
  ASSERT_EQ(enters.size(), 2u);
  EXPECT_EQ(enters[0].key, CellKey::grid(0, 0));
  EXPECT_EQ(enters[0].generation, 1u);
  EXPECT_EQ(enters[0].changed, Version{1});
  EXPECT_FALSE(has_pending());
  for (uint32_t handle = 0; handle < 2; ++handle) {
    EXPECT_EQ(interest_.at(handle).state, Interest::State::kTold);
  }
}

TEST_F(InterestTest, StagedCellsLeaveWhenTheirSyncEnds) {
  add_unit(5);
  add_unit(15);
  EXPECT_TRUE(add(1).ok());
  const CellRef order[] = {cell(1), cell(0)};
  const auto enters = interest_.stage(db_, order);
  ASSERT_EQ(enters.size(), 2u);
  EXPECT_EQ(enters[0].handle, 0u);  // handles rise in the order asked for
  EXPECT_EQ(enters[0].key, CellKey::grid(1, 0));
  EXPECT_TRUE(remove(1).ok());
  EXPECT_TRUE(interest_.take_leaves().empty());
  EXPECT_TRUE(add(2).ok());  // under other handles
  EXPECT_EQ(interest_.take_enters(db_).at(0).handle, 2u);
  std::vector<CellLeave> leaves;
  interest_.finish_sync(leaves);
  ASSERT_EQ(leaves.size(), 2u);
  EXPECT_EQ(leaves[0].generation, 1u);
}

TEST_F(InterestTest, ReplacedCellStaysKnownUntilTheSyncEnds) {
  add_unit(5);
  EXPECT_TRUE(add(1).ok());
  interest_.take_enters(db_);
  interest_.replace_by_sync(0);
  EXPECT_TRUE(interest_.has_replaced());
  EXPECT_FALSE(interest_.has_leaves());
  const CellRef order[] = {cell(0)};
  EXPECT_EQ(interest_.stage(db_, order).at(0).handle, 1u);
  std::vector<CellLeave> leaves;
  interest_.finish_sync(leaves);
  ASSERT_EQ(leaves.size(), 1u);
  EXPECT_EQ(leaves[0].handle, 0u);
  EXPECT_FALSE(interest_.has_replaced());
  EXPECT_EQ(interest_.at(1).state, Interest::State::kTold);
}

TEST_F(InterestTest, ImportedCellsKeepHandleAndGeneration) {
  add_unit(5);
  add_unit(15);
  add_unit(25);
  interest_.start_import(7);
  EXPECT_TRUE(add(of_keys(1, 1, {CellKey::grid(0, 0), CellKey::grid(2, 0)})).ok());
  EXPECT_TRUE(interest_.pending().empty());
  auto held = [](uint32_t handle, uint32_t generation, int64_t x) {
    return ResumeCell{handle, generation, TableId{1}, CellKey::grid(x, 0), HeldState::kHeld};
  };
  EXPECT_TRUE(interest_.import_cell(db_, guest_, held(3, 5, 0)));
  EXPECT_TRUE(interest_.import_cell(db_, guest_, held(4, 6, 1)));     // not wanted any more
  EXPECT_TRUE(interest_.import_cell(db_, guest_, held(5, 6, 77)));    // gone
  EXPECT_FALSE(interest_.import_cell(db_, guest_, held(3, 5, 2)));    // the handle is taken
  EXPECT_FALSE(interest_.import_cell(db_, guest_, held(6, 8, 2)));    // no such generation
  EXPECT_FALSE(interest_.import_cell(db_, guest_, held(~0u, 7, 2)));  // no such handle
  interest_.finish_import(db_, guest_);
  EXPECT_EQ(interest_.take_leaves().size(), 2u);
  EXPECT_EQ(interest_.at(3).generation, 5u);
  const auto enters = interest_.take_enters(db_);
  ASSERT_EQ(enters.size(), 1u);
  EXPECT_EQ(enters[0].key, CellKey::grid(2, 0));
  EXPECT_EQ(enters[0].handle, 0u);
  EXPECT_EQ(enters[0].generation, 8u);
}

TEST_F(InterestTest, OverlappingSubscriptionsHoldACellOnce) {
  add_unit(5);
  EXPECT_TRUE(add(1).ok());
  EXPECT_TRUE(add(of_keys(2, 1, {CellKey::grid(0, 0)})).ok());
  EXPECT_EQ(interest_.take_enters(db_).size(), 1u);
  EXPECT_TRUE(remove(1).ok());
  EXPECT_TRUE(interest_.take_leaves().empty());
  EXPECT_TRUE(remove(2).ok());
  EXPECT_EQ(interest_.take_leaves().size(), 1u);
  EXPECT_FALSE(interest_.has_subscriptions());
}

TEST_F(InterestTest, CellReleasedBeforeItWasToldIsNotMentioned) {
  add_unit(5);
  EXPECT_TRUE(add(1).ok());
  EXPECT_TRUE(remove(1).ok());
  EXPECT_FALSE(has_pending());
  EXPECT_TRUE(interest_.take_enters(db_).empty());
  const auto changes = interest_.take_changes();
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_FALSE(changes[1].held);
}

TEST_F(InterestTest, HandlesAreUsedAgainWithAnotherGeneration) {
  add_unit(5);
  EXPECT_TRUE(add(1).ok());
  const CellEnter first = interest_.take_enters(db_).at(0);
  EXPECT_TRUE(remove(1).ok());
  EXPECT_TRUE(add(2).ok());
  const CellLeave leave = interest_.take_leaves().at(0);
  const CellEnter second = interest_.take_enters(db_).at(0);
  EXPECT_EQ(leave.handle, first.handle);
  EXPECT_EQ(leave.generation, first.generation);
  EXPECT_EQ(second.handle, first.handle);
  EXPECT_GT(second.generation, first.generation);
}

TEST_F(InterestTest, ToldHandlesAreDense) {
  for (int i = 0; i < 30; ++i) add_unit(static_cast<float>(10 * i + 5));
  std::vector<CellKey> low;
  std::vector<CellKey> high;
  for (int i = 0; i < 30; ++i) (i < 20 ? low : high).push_back(CellKey::grid(i, 0));
  EXPECT_TRUE(add(of_keys(1, 1, low)).ok());
  EXPECT_TRUE(add(of_keys(2, 1, high)).ok());
  EXPECT_TRUE(remove(1).ok());
  const auto enters = interest_.take_enters(db_);
  ASSERT_EQ(enters.size(), 10u);
  for (uint32_t i = 0; i < 10; ++i) EXPECT_EQ(enters[i].handle, i);
  // The audience follows the handles.
  std::map<CellRef, uint32_t> audience;
  for (const Interest::Change& change : interest_.take_changes()) {
    if (change.held) {
      EXPECT_FALSE(audience.contains(change.ref));
      audience[change.ref] = change.handle;
    } else {
      EXPECT_EQ(audience.at(change.ref), change.handle);
      audience.erase(change.ref);
    }
  }
  EXPECT_EQ(audience.size(), 10u);
  for (const auto& [ref, handle] : audience) EXPECT_EQ(interest_.at(handle).ref, ref);
}

TEST_F(InterestTest, ToldHandlesAreDenseAfterManyWereReleased) {
  for (int i = 0; i < 40; ++i) add_unit(static_cast<float>(10 * i + 5));
  EXPECT_TRUE(add(1).ok());
  EXPECT_EQ(interest_.take_enters(db_).size(), 40u);
  EXPECT_TRUE(remove(1).ok());
  EXPECT_EQ(interest_.take_leaves().size(), 40u);
  for (uint32_t id = 2; id < 4; ++id) {  // the first half is released before it is told
    std::vector<CellKey> some;
    for (int64_t i = 0; i < 10; ++i) some.push_back(CellKey::grid(20 * (id - 2) + i, 0));
    EXPECT_TRUE(add(of_keys(id, 1, some)).ok());
  }
  EXPECT_TRUE(remove(2).ok());
  const auto enters = interest_.take_enters(db_);
  ASSERT_EQ(enters.size(), 10u);
  for (uint32_t i = 0; i < 10; ++i) {
    EXPECT_EQ(enters[i].handle, i);
    EXPECT_EQ(enters[i].generation, interest_.at(i).generation);
  }
  EXPECT_TRUE(add(4).ok());
  EXPECT_EQ(interest_.take_enters(db_).size(), 30u);
  EXPECT_EQ(interest_.handle_end(), 40u);
}

TEST_F(InterestTest, CreatedAndDestroyedCells) {
  EXPECT_TRUE(add(of_keys(1, 1, {CellKey::grid(1, 0)})).ok());
  add_unit(5);
  add_unit(15);
  interest_.on_cell_created(db_, guest_, cell(0));
  EXPECT_FALSE(has_pending());
  interest_.on_cell_created(db_, guest_, cell(1));
  interest_.on_cell_created(db_, guest_, cell(1));  // harmless
  EXPECT_EQ(interest_.take_enters(db_).size(), 1u);
  interest_.on_cells_destroyed(std::array{cell(0)});  // not held
  EXPECT_FALSE(has_pending());
  interest_.on_cells_destroyed(std::array{cell(1)});
  EXPECT_EQ(interest_.take_leaves().size(), 1u);
}

TEST_F(InterestTest, EnterAgainIsALeaveAndAnEnterOfTheSameCell) {
  add_unit(5);
  EXPECT_TRUE(add(1).ok());
  const CellEnter first = interest_.take_enters(db_).at(0);
  interest_.enter_again(first.handle);
  EXPECT_TRUE(has_pending());
  EXPECT_EQ(interest_.take_leaves().at(0).generation, first.generation);
  const CellEnter again = interest_.take_enters(db_).at(0);
  EXPECT_EQ(again.key, first.key);
  EXPECT_GT(again.generation, first.generation);
}

TEST_F(InterestTest, OnlyReadableCellsAreHeld) {
  Transaction tx = db_.begin();
  for (const int64_t number : {2, 3, 4}) {
    const FieldValue room{0, number};
    EXPECT_TRUE(tx.insert(kRoom, tx.create().value(), std::span(&room, 1)).ok());
  }
  std::move(tx).commit();
  db_.finish_publish();
  EXPECT_TRUE(add(1, 3).ok());
  EXPECT_TRUE(add(of_keys(2, 3, {CellKey::value(2)})).ok());  // accepted, but never filled
  const auto enters = interest_.take_enters(db_);
  ASSERT_EQ(enters.size(), 1u);
  EXPECT_EQ(enters[0].key, CellKey::value(3));
  EXPECT_FALSE(interest_.wants(db_, guest_, kRoom, CellKey::value(2)));
}

}  // namespace
}  // namespace ecsdb::server_test
