#include "ecsdb/client/subscriptions.h"

#include <gtest/gtest.h>

#include "ecsdb/schema/schema_builder.h"

namespace ecsdb {
namespace {

Schema schema() {
  return SchemaBuilder("s")
      .table(5, "open")
      .by("room")
      .field(1, "room", FieldType::kU32)
      .table(6, "ruled")
      .by("room")
      .read("", AccessRule::Where::kCellIsClaim, "room")
      .field(1, "room", FieldType::kU32)
      .table(7, "by_role")
      .read("guest")
      .field(1, "room", FieldType::kU32)
      .build()
      .value();
}

class SubscriptionsTest : public ::testing::Test {
 protected:
  Subscribe take() {
    refused_.clear();
    return subscriptions_.take_request(schema_, refused_);
  }
  Schema schema_ = schema();
  Subscriptions subscriptions_;
  std::vector<Subscriptions::Refused> refused_;
};

TEST_F(SubscriptionsTest, NewOnesAreAskedForOnce) {
  EXPECT_TRUE(subscriptions_.none_active());
  const SubscriptionId all = subscriptions_.add("open", SelectorKind::kAll, {});
  const SubscriptionId some = subscriptions_.add("open", SelectorKind::kKeys, {CellKey::value(3)});
  EXPECT_NE(all, some);
  EXPECT_TRUE(subscriptions_.has_changes());
  const Subscribe request = take();
  ASSERT_EQ(request.add.size(), 2u);
  EXPECT_EQ(request.add[0].id, all);
  EXPECT_EQ(request.add[0].table, TableId{5});
  EXPECT_EQ(request.add[1].kind, SelectorKind::kKeys);
  EXPECT_EQ(request.add[1].keys, (std::vector<CellKey>{CellKey::value(3)}));
  EXPECT_FALSE(subscriptions_.has_changes());
  const Subscribe next = take();
  EXPECT_TRUE(next.add.empty() && next.remove.empty());
  subscriptions_.remove(all);
  EXPECT_EQ(take().request, request.request + 1);  // what is not sent takes no number
}

TEST_F(SubscriptionsTest, RemovedOnesAreEndedOnlyIfTheServerKnowsThem) {
  const SubscriptionId known = subscriptions_.add("open", SelectorKind::kAll, {});
  take();
  const SubscriptionId unsent = subscriptions_.add("open", SelectorKind::kAll, {});
  subscriptions_.remove(unsent);
  subscriptions_.remove(known);
  subscriptions_.remove(SubscriptionId{99});
  const Subscribe request = take();
  EXPECT_TRUE(request.add.empty());
  EXPECT_EQ(request.remove, (std::vector<SubscriptionId>{known}));
  EXPECT_TRUE(subscriptions_.none_active());
}

TEST_F(SubscriptionsTest, UnknownTablesAreToldAndNotSent) {
  const SubscriptionId id = subscriptions_.add("no_such", SelectorKind::kAll, {});
  EXPECT_TRUE(take().add.empty());
  ASSERT_EQ(refused_.size(), 1u);
  EXPECT_EQ(refused_[0].id, id);
  EXPECT_EQ(refused_[0].why.code, ErrorCode::kUnknownTable);
  take();
  EXPECT_TRUE(refused_.empty());  // once a connection
  subscriptions_.on_disconnected();
  take();
  EXPECT_EQ(refused_.size(), 1u);
}

TEST_F(SubscriptionsTest, NewConnectionAsksForEverythingAgain) {
  const SubscriptionId kept = subscriptions_.add("open", SelectorKind::kAll, {});
  const SubscriptionId ended = subscriptions_.add("open", SelectorKind::kAll, {});
  const SubscriptionId refused = subscriptions_.add("ruled", SelectorKind::kAll, {});
  take();
  EXPECT_TRUE(subscriptions_.on_reply(refused, ErrorCode::kNotPermitted));
  subscriptions_.remove(ended);
  subscriptions_.on_disconnected();
  const Subscribe request = take();
  EXPECT_TRUE(request.remove.empty());
  ASSERT_EQ(request.add.size(), 2u);
  EXPECT_EQ(request.add[0].id, kept);
  EXPECT_EQ(request.add[1].id, refused);
}

TEST_F(SubscriptionsTest, WhatIsPutOffIsAskedForAgain) {
  const SubscriptionId put_off = subscriptions_.add("open", SelectorKind::kAll, {});
  const SubscriptionId ended = subscriptions_.add("open", SelectorKind::kAll, {});
  take();
  EXPECT_TRUE(subscriptions_.on_limited(put_off));
  EXPECT_FALSE(subscriptions_.on_limited(put_off));
  EXPECT_TRUE(subscriptions_.on_limited(ended));
  EXPECT_FALSE(subscriptions_.has_changes());
  EXPECT_FALSE(subscriptions_.none_active());
  subscriptions_.remove(ended);  // the server knows nothing of it
  EXPECT_FALSE(subscriptions_.has_changes());
  subscriptions_.ask_again();
  const Subscribe request = take();
  EXPECT_TRUE(request.remove.empty());
  ASSERT_EQ(request.add.size(), 1u);
  EXPECT_EQ(request.add[0].id, put_off);
  EXPECT_TRUE(subscriptions_.on_reply(put_off, ErrorCode::kOk));
  subscriptions_.ask_again();
  EXPECT_FALSE(subscriptions_.has_changes());
}

TEST_F(SubscriptionsTest, MoreThanFitOneRequestComeInSeveral) {
  for (size_t i = 0; i < kSubscriptionsMax + 3; ++i) {
    subscriptions_.add("open", SelectorKind::kAll, {});
  }
  EXPECT_EQ(take().add.size(), kSubscriptionsMax);
  EXPECT_TRUE(subscriptions_.has_changes());
  EXPECT_EQ(take().add.size(), 3u);
  EXPECT_FALSE(subscriptions_.has_changes());
}

TEST_F(SubscriptionsTest, AnswersAreAwaitedOnce) {
  const SubscriptionId open = subscriptions_.add("open", SelectorKind::kAll, {});
  take();
  EXPECT_TRUE(subscriptions_.on_reply(open, ErrorCode::kOk));
  EXPECT_FALSE(subscriptions_.on_reply(open, ErrorCode::kOk));
}

class AreaSubscriptionsTest : public ::testing::Test {
 protected:
  SubscriptionId add(AreaPoint center) {
    return subscriptions_.add_area("ship", {SelectorKind::kBall, center, {10, 0}, {}});
  }
  Subscribe take() {
    std::vector<Subscriptions::Refused> refused;
    Subscribe request = subscriptions_.take_request(schema_, refused);
    EXPECT_TRUE(refused.empty());
    return request;
  }
  Status move(SubscriptionId id, AreaPoint center) {
    return subscriptions_.move(id, center, schema_);
  }
  std::vector<GridPoint> take_moves() {
    std::vector<GridPoint> centers;
    for (const SubscriptionMove& move : subscriptions_.take_moves(schema_).move) {
      centers.push_back(move.center);
    }
    return centers;
  }
  using Centers = std::vector<GridPoint>;

  Schema schema_ = SchemaBuilder("s")
                       .table(1, "ship")
                       .grid("pos", 64)
                       .field(1, "pos", FieldType::kVec2f)
                       .precision(0.5)
                       .build()
                       .value();
  Subscriptions subscriptions_;
};

TEST_F(AreaSubscriptionsTest, AreSentInStepsWithTheLastCentre) {
  AreaSpec spec{SelectorKind::kRange, {100, -1}, {4, 5}, {EntityId::make(3, 1, 1), 2.5, true}};
  const SubscriptionId id = subscriptions_.add_area("ship", spec);
  const Subscription sent = take().add.at(0);
  EXPECT_EQ(sent.id, id);
  EXPECT_EQ(sent.kind, SelectorKind::kRange);
  ASSERT_EQ(sent.area.size(), 1u);
  EXPECT_EQ(sent.area[0].follow, EntityId::make(3, 1, 1));
  EXPECT_EQ(sent.area[0].center, (GridPoint{200, -2, 0}));
  EXPECT_EQ(sent.area[0].extent, (GridPoint{8, 10, 0}));
  EXPECT_EQ(sent.area[0].margin, 5u);
  EXPECT_EQ(sent.nearest_to, (std::vector<CellKey>{CellKey::grid(1, -1)}));
  subscriptions_.see(id, {7, 8});
  subscriptions_.on_disconnected();
  EXPECT_EQ(take().add.at(0).area[0].center, (GridPoint{14, 16, 0}));
}

TEST_F(AreaSubscriptionsTest, OneMoveAtATimeIsUnanswered) {
  const SubscriptionId id = add({0, 0});
  EXPECT_TRUE(move(id, {1, 0}).ok());
  EXPECT_FALSE(subscriptions_.has_moves());  // it goes with the request that begins it
  EXPECT_EQ(take().add.at(0).area[0].center.x, 2);
  EXPECT_FALSE(subscriptions_.is_settled(id));
  EXPECT_TRUE(move(id, {2, 0}).ok());
  EXPECT_FALSE(subscriptions_.has_moves());
  EXPECT_EQ(take_moves(), Centers{});
  EXPECT_TRUE(subscriptions_.on_reply(id, ErrorCode::kOk));  // of the beginning
  EXPECT_TRUE(subscriptions_.has_moves());
  EXPECT_EQ(take_moves(), (Centers{{4, 0, 0}}));
  EXPECT_TRUE(move(id, {3, 0}).ok());
  EXPECT_TRUE(move(id, {4, 0}).ok());
  EXPECT_FALSE(subscriptions_.has_moves());
  EXPECT_EQ(take_moves(), Centers{});
  EXPECT_FALSE(subscriptions_.on_reply(id, ErrorCode::kOk));  // of the first move
  EXPECT_EQ(take_moves(), (Centers{{8, 0, 0}}));
  EXPECT_FALSE(subscriptions_.is_settled(id));
  EXPECT_FALSE(subscriptions_.on_reply(id, ErrorCode::kOk));
  EXPECT_TRUE(subscriptions_.is_settled(id));
  EXPECT_TRUE(move(id, {4.1, 0}).ok());  // the same step
  EXPECT_EQ(take_moves(), Centers{});
  EXPECT_TRUE(subscriptions_.is_settled(id));
}

TEST_F(AreaSubscriptionsTest, AMoveThatCameTooOftenIsAskedForAgain) {
  const SubscriptionId id = add({0, 0});
  take();
  subscriptions_.on_reply(id, ErrorCode::kOk);
  EXPECT_TRUE(move(id, {1, 0}).ok());
  EXPECT_EQ(take_moves(), (Centers{{2, 0, 0}}));
  EXPECT_FALSE(subscriptions_.on_reply(id, ErrorCode::kRateLimited));
  EXPECT_FALSE(subscriptions_.is_settled(id));
  EXPECT_TRUE(subscriptions_.has_moves());
  EXPECT_EQ(take_moves(), (Centers{{2, 0, 0}}));
}

// Seed 1238: the refusal of a move was taken for that of the subscription, asked for again.
TEST_F(AreaSubscriptionsTest, AnAreaThatTheServerPutOffMovesWhenItIsAccepted) {
  const SubscriptionId id = add({0, 0});
  take();
  EXPECT_TRUE(move(id, {1, 0}).ok());
  EXPECT_EQ(take_moves(), Centers{});
  EXPECT_TRUE(subscriptions_.on_limited(id));
  subscriptions_.ask_again();
  EXPECT_EQ(take().add.at(0).area[0].center, (GridPoint{2, 0, 0}));
  EXPECT_TRUE(subscriptions_.on_reply(id, ErrorCode::kOk));
  EXPECT_TRUE(subscriptions_.is_settled(id));
}

TEST_F(AreaSubscriptionsTest, MovesOfWhatTheServerRefusedAreNotSent) {
  const SubscriptionId id = add({0, 0});
  take();
  EXPECT_TRUE(move(id, {1, 0}).ok());
  EXPECT_TRUE(subscriptions_.on_reply(id, ErrorCode::kNotPermitted));
  EXPECT_FALSE(subscriptions_.has_moves());
  EXPECT_EQ(take_moves(), Centers{});
  EXPECT_TRUE(subscriptions_.is_settled(id));
  EXPECT_FALSE(subscriptions_.is_settled(SubscriptionId{77}));
}

TEST_F(AreaSubscriptionsTest, MoreMovesThanFitOneRequestComeInSeveral) {
  std::vector<SubscriptionId> ids;
  for (size_t i = 0; i < kSubscriptionsMax + 2; ++i) ids.push_back(add({0, 0}));
  take();
  take();
  for (const SubscriptionId id : ids) {
    EXPECT_TRUE(subscriptions_.on_reply(id, ErrorCode::kOk));
    EXPECT_TRUE(move(id, {9, 9}).ok());
  }
  EXPECT_EQ(take_moves().size(), kSubscriptionsMax);
  EXPECT_TRUE(subscriptions_.has_moves());
  EXPECT_EQ(take_moves().size(), 2u);
  EXPECT_FALSE(subscriptions_.has_moves());
}

}  // namespace
}  // namespace ecsdb
