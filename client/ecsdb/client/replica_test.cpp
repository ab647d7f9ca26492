#include "ecsdb/client/replica.h"

#include "ecsdb/client/test_replica.h"

namespace ecsdb::client_test {
namespace {

TEST_F(ReplicaTest, AdvancesMirrorTheDatabase) {
  EXPECT_EQ(replica_.row_count(), 3u);
  paint(anna_, 5);
  expect_applies(step());
  commit([&](Transaction& tx) {
    EXPECT_TRUE(tx.set(kShip, anna_, kPos, kThere).ok());
    EXPECT_TRUE(tx.destroy(boris_).ok());
  });
  expect_applies(step());
  EXPECT_EQ(replica_.get<Ship>(anna_)->pos, kThere);
  EXPECT_FALSE(replica_.contains<Ship>(boris_));
}

TEST_F(ReplicaTest, NetDeltaReplacesMissedSteps) {
  const Version from = replica_.cut();
  paint(anna_, 5);
  step();
  commit([&](Transaction& tx) { EXPECT_TRUE(tx.set(kShip, boris_, kPos, kThere).ok()); });
  step();
  expect_applies(net(from));
}

TEST_F(ReplicaTest, LeaveAndEnterOfACellInOneAdvanceFiresOnlyDifferences) {
  const uint32_t cell = cell_of(kHere);
  paint(anna_, 9);
  step();
  Draft advance;
  advance.set_span(replica_.cut(), db_.published());
  advance.head.leaves = {{cell, 1}};
  advance.head.enters = {enter_of(cell, 2)};
  advance.add(cell, blocks_.whole(db_, {kShip, cell}, replica_.cut()), 2);
  std::vector<RowEvent> events;
  ASSERT_TRUE(replica_.apply(advance.seal(), &events).ok());
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, RowEventKind::kChange);
  EXPECT_EQ(events[0].entity, anna_);
  EXPECT_EQ(replica_.cells()[cell].generation, 2u);
  EXPECT_EQ(replica_.digest(cell), db_.digest({kShip, cell}));
  paint(boris_, 4);
  Draft next = step();
  next.blocks[0].generation = 2;
  expect_applies(next);
}

TEST_F(ReplicaTest, RowsMaxIsTheNumberOfRowsAfterTheAdvance) {
  replica_.set_rows_max(3);
  const Version from = replica_.cut();
  for (const EntityId entity : {anna_, boris_, clara_}) paint(entity, 8);
  step();
  expect_applies(net(from));  // every row comes whole, none is new
  const Version before = replica_.cut();
  commit([&](Transaction& tx) { EXPECT_TRUE(tx.destroy(boris_).ok()); });
  add(kThere);
  step();
  expect_applies(net(before));  // one goes, one comes
  add(kThere);
  const Draft over = step();
  expect_fault(over, ErrorCode::kClientLimit);
  replica_.set_rows_max(4);
  expect_applies(over);
}

TEST_F(ReplicaTest, RowsBeyondTheLimitAreNotDecoded) {
  replica_.set_rows_max(1);
  replica_.reset(harbour(2).build().value());
  replica_.start_sync(db_.head());
  Draft chunk = enter_all();
  ASSERT_EQ(chunk.blocks.size(), 2u);
  ASSERT_EQ(chunk.blocks[0].handle, cell_of(kHere));  // of two rows
  chunk.blocks[1].bytes.pop_back();
  EXPECT_EQ(replica_.apply_chunk(chunk.seal()).code(), ErrorCode::kClientLimit);
  replica_.set_rows_max(2);
  EXPECT_EQ(replica_.apply_chunk(chunk.seal()).code(), ErrorCode::kFrameMalformed);
}

TEST_F(ReplicaTest, AdoptTellsTheDifferences) {
  Replica old = replica_;
  commit([&](Transaction& tx) { EXPECT_TRUE(tx.destroy(boris_).ok()); });
  paint(anna_, 50);
  const EntityId fresh = add(kThere);
  db_.finish_publish();
  Replica synced(harbour().build().value());
  synced.start_sync(db_.head());
  ASSERT_TRUE(synced.apply_chunk(enter_all().seal()).ok());
  const Picture expected = picture(synced);
  std::vector<RowEvent> events;
  old.adopt(std::move(synced), &events);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].kind, RowEventKind::kLeave);
  EXPECT_EQ(events[0].entity, boris_);
  EXPECT_EQ(events[1].kind, RowEventKind::kChange);
  EXPECT_EQ(events[1].changed, uint64_t{1} << kPaint);
  EXPECT_EQ(events[2].kind, RowEventKind::kEnter);
  EXPECT_EQ(events[2].entity, fresh);
  EXPECT_EQ(picture(old), expected);
  EXPECT_EQ(old.get<Ship>(anna_)->paint, 50);  // bindings stay
}

TEST_F(ReplicaTest, ResetForgetsEverythingButTheLimit) {
  replica_.set_rows_max(1);
  replica_.reset(harbour(2).build().value());
  EXPECT_EQ(replica_.row_count(), 0u);
  EXPECT_EQ(replica_.cut(), Version{});
  replica_.start_sync(db_.head());
  EXPECT_EQ(replica_.apply_chunk(enter_all().seal()).code(), ErrorCode::kClientLimit);
}

}  // namespace
}  // namespace ecsdb::client_test
