#include "ecsdb/server/full_sync.h"

#include <gtest/gtest.h>
#include <map>

#include "ecsdb/server/test_peer.h"

namespace ecsdb::server_test {
namespace {

/// Scans a database chunk by chunk; the test changes it in between.
class FullSyncTest : public ::testing::Test {
 protected:
  FullSyncTest() : db_(yard(), {}) {}

  template <class Change>
  void commit(Change&& change) {
    Transaction tx = db_.begin();
    change(tx);
    std::move(tx).commit();
    blocks_.begin_publish();
    db_.finish_publish();
  }
  EntityId add_unit(float x) {
    EntityId entity;
    commit([&](Transaction& tx) {
      entity = tx.create().value();
      const FieldValue pos{0, Vec2f{x, 5}};
      EXPECT_TRUE(tx.insert(kUnit, entity, std::span(&pos, 1)).ok());
    });
    return entity;
  }
  void start(uint16_t table_id = 1) {
    Subscription s;
    s.table = TableId{table_id};
    EXPECT_TRUE(interest_.add_subscription(db_, Identity{}, s).ok());
    sync_.start(db_, interest_, db_.published());
  }
  /// Entities of the next chunk, in the order sent, with the key of their cell.
  std::vector<std::pair<EntityId, CellKey>> next(size_t bytes = 1) {
    if (sync_.scan_done()) return {};
    const AdvancePlan plan = sync_.next_chunk(db_, interest_, blocks_, 0, bytes);
    std::vector<std::pair<EntityId, CellKey>> found;
    for (const auto& planned : plan.blocks) {
      const CellRef ref = interest_.at(planned.handle).ref;
      EXPECT_EQ(planned.generation, interest_.at(planned.handle).generation);
      DecodedBlock block;
      const Table empty(db_.schema().table(ref.table), db_.schema().layout(ref.table), false);
      const CellHistory none;
      const BlockTarget target{&db_.schema().table(ref.table), &empty, 0, &none};
      EXPECT_TRUE(BlockDecoder().decode(planned.block.bytes(), target, db_.head(), block).ok());
      for (const EntityId entity : block.whole) found.emplace_back(entity, db_.cell(ref).key);
    }
    return found;
  }
  std::vector<EntityId> rest() {
    std::vector<EntityId> entities;
    while (!sync_.scan_done()) {
      for (const auto& [entity, key] : next()) entities.push_back(entity);
    }
    return entities;
  }

  Database db_;
  CellBlocks blocks_;
  Interest interest_;
  FullSync sync_;
};

TEST_F(FullSyncTest, ScansInOrderOfEntityOneRowAChunk) {
  std::vector<EntityId> units;
  for (int i = 0; i < 9; ++i) units.push_back(add_unit(static_cast<float>(50 - 10 * (i % 3))));
  start();
  EXPECT_EQ(sync_.version(), Version{9});
  EXPECT_EQ(next().size(), 1u);
  const auto others = rest();
  EXPECT_EQ(others, std::vector<EntityId>(units.begin() + 1, units.end()));
  EXPECT_TRUE(next().empty());  // at its end it stays
}

TEST_F(FullSyncTest, LargeChunkGroupsRowsByCell) {
  for (int i = 0; i < 6; ++i) add_unit(static_cast<float>(10 * (i % 2) + 5));
  start();
  const AdvancePlan plan = sync_.next_chunk(db_, interest_, blocks_, 0, 100'000);
  EXPECT_EQ(plan.blocks.size(), 2u);
  EXPECT_EQ(plan.from, sync_.version());
  EXPECT_EQ(plan.to, sync_.version());
  EXPECT_TRUE(sync_.scan_done());
  EXPECT_EQ(sync_.mark().done, 2u);
}

TEST_F(FullSyncTest, RowsOfCellsThatAreNotHeldAreSkipped) {
  const EntityId in = add_unit(5);
  add_unit(15);
  EXPECT_TRUE(
      interest_.add_subscription(db_, Identity{}, of_keys(1, 1, {CellKey::grid(0, 0)})).ok());
  sync_.start(db_, interest_, db_.published());
  EXPECT_EQ(rest(), (std::vector<EntityId>{in}));
}

TEST_F(FullSyncTest, RowsThatMoveInMemoryAreNeitherMissedNorSentTwice) {
  std::vector<EntityId> units;
  for (int i = 0; i < 20; ++i) units.push_back(add_unit(5));
  start();
  std::map<EntityId, int> seen;
  for (int i = 0; i < 5; ++i) {
    for (const auto& [entity, key] : next()) ++seen[entity];
    // The last row moves into the hole.
    commit([&](Transaction& tx) { EXPECT_TRUE(tx.destroy(units[static_cast<size_t>(i)]).ok()); });
  }
  for (const EntityId entity : rest()) ++seen[entity];
  for (const EntityId unit : units) EXPECT_EQ(seen[unit], 1);
}

TEST_F(FullSyncTest, RowThatMovesToALaterGroupIsNotSentTwice) {
  const EntityId moves = add_unit(15);
  const EntityId far = add_unit(95);
  Subscription s;
  s.table = TableId{1};
  s.nearest_to = {CellKey::grid(1, 0)};
  EXPECT_TRUE(interest_.add_subscription(db_, Identity{}, s).ok());
  sync_.start(db_, interest_, db_.published());
  EXPECT_EQ(next().at(0).first, moves);
  commit([&](Transaction& tx) { EXPECT_TRUE(tx.set(kUnit, moves, 0, Vec2f{95, 5}).ok()); });
  EXPECT_EQ(rest(), (std::vector<EntityId>{far}));
}

TEST_F(FullSyncTest, RowsThatChangeMeanwhileAreLeftToTheEnd) {
  add_unit(5);
  const EntityId moves = add_unit(5);
  const EntityId stays = add_unit(15);
  start();
  next();
  commit([&](Transaction& tx) { EXPECT_TRUE(tx.set(kUnit, moves, 0, Vec2f{15, 5}).ok()); });
  const auto chunk = next(2);
  ASSERT_EQ(chunk.size(), 1u);
  EXPECT_EQ(chunk[0].first, stays);
}

TEST_F(FullSyncTest, CellsMadeDuringTheScanAreNotInIt) {
  add_unit(5);
  const EntityId moves = add_unit(5);
  start();
  next();
  commit([&](Transaction& tx) { EXPECT_TRUE(tx.set(kUnit, moves, 0, Vec2f{95, 5}).ok()); });
  interest_.on_cell_created(db_, Identity{}, {kUnit, db_.cells(kUnit).find(CellKey::grid(9, 0))});
  EXPECT_TRUE(rest().empty());  // it comes with the cell's enter at the end
}

TEST_F(FullSyncTest, MarksSayHowFarTheScanIs) {
  const EntityId first = add_unit(5);
  const EntityId second = add_unit(15);
  start();
  EXPECT_EQ(sync_.rows(), 2u);
  EXPECT_GT(sync_.bytes(), 0u);
  EXPECT_EQ(sync_.mark().begun, 0u);
  next();
  EXPECT_EQ(sync_.mark().done, 0u);
  EXPECT_EQ(sync_.mark().begun, 2u);
  EXPECT_EQ(sync_.mark().next_index, first.index() + 1);
  next();
  EXPECT_EQ(sync_.mark().next_index, second.index() + 1);
  rest();
  EXPECT_EQ(sync_.mark().done, 2u);
  EXPECT_EQ(sync_.mark().next_index, 0u);
}

TEST_F(FullSyncTest, NearestCellsComeFirst) {
  const EntityId far = add_unit(95);
  const EntityId near = add_unit(15);
  const EntityId nearer = add_unit(25);
  Subscription s;
  s.table = TableId{1};
  s.nearest_to = {CellKey::grid(2, 0)};
  EXPECT_TRUE(interest_.add_subscription(db_, Identity{}, s).ok());
  sync_.start(db_, interest_, db_.published());
  EXPECT_EQ(rest(), (std::vector<EntityId>{nearer, near, far}));
}

TEST_F(FullSyncTest, GoesOnWhereAnEarlierConnectionWas) {
  std::vector<EntityId> units;
  for (int i = 0; i < 6; ++i) units.push_back(add_unit(static_cast<float>(10 * (i % 2) + 5)));
  Subscription s;
  s.table = TableId{1};
  interest_.start_import(9);
  EXPECT_TRUE(interest_.add_subscription(db_, Identity{}, s).ok());
  std::vector<ResumeCell> cells;
  for (uint32_t i = 0; i < 2; ++i) {
    cells.push_back({i, 9, TableId{1}, CellKey::grid(i, 0), HeldState::kSyncBegun});
    EXPECT_TRUE(interest_.import_cell(db_, Identity{}, cells.back()));
  }
  interest_.finish_import(db_, Identity{});
  sync_.go_on(db_, db_.published(), cells, units[3].index());
  EXPECT_EQ(sync_.mark().begun, 2u);
  EXPECT_EQ(rest(), (std::vector<EntityId>(units.begin() + 3, units.end())));
}

// Seed 272: an area moved away in the middle of a sync and came back while the client was gone.
TEST_F(FullSyncTest, CellsThatAreGivenUpAreSentAllTheSame) {
  std::vector<EntityId> given_up;
  for (int i = 0; i < 6; ++i) {
    const EntityId unit = add_unit(static_cast<float>(10 * (i % 2) + 5));
    if (i % 2 == 1) given_up.push_back(unit);
  }
  for (uint32_t id = 1; id <= 2; ++id) {
    Subscription s = of_keys(id, 1, {CellKey::grid(id - 1, 0)});
    s.nearest_to = {CellKey::grid(0, 0)};
    EXPECT_TRUE(interest_.add_subscription(db_, Identity{}, s).ok());
  }
  sync_.start(db_, interest_, db_.published());
  while (sync_.mark().done == 0) next(1);
  EXPECT_TRUE(interest_.remove_subscription(SubscriptionId{2}).ok());
  interest_.release_unwanted(db_, Identity{});
  EXPECT_EQ(rest(), given_up);
  EXPECT_EQ(sync_.mark().done, 2u);
}

TEST_F(FullSyncTest, LongTextsCountForTheChunk) {
  commit([&](Transaction& tx) {
    for (int i = 0; i < 10; ++i) {
      const FieldValue values[] = {{0, int64_t{3}}, {1, std::string(1000, 'x')}};
      EXPECT_TRUE(tx.insert(kRoom, tx.create().value(), values).ok());
    }
  });
  const Identity guest = *tokens().authenticate(as_bytes("guest token"), Now{});
  Subscription s;
  s.table = TableId{3};
  EXPECT_TRUE(interest_.add_subscription(db_, guest, s).ok());
  sync_.start(db_, interest_, db_.published());
  EXPECT_EQ(next(2500).size(), 3u);
}

}  // namespace
}  // namespace ecsdb::server_test
