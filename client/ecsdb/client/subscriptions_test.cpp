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
    unknown_.clear();
    return subscriptions_.take_request(schema_, unknown_);
  }
  Schema schema_ = schema();
  Subscriptions subscriptions_;
  std::vector<SubscriptionId> unknown_;
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
  EXPECT_EQ(unknown_, (std::vector<SubscriptionId>{id}));
  take();
  EXPECT_TRUE(unknown_.empty());  // once a connection
  subscriptions_.on_disconnected();
  take();
  EXPECT_EQ(unknown_, (std::vector<SubscriptionId>{id}));
}

TEST_F(SubscriptionsTest, NewConnectionAsksForEverythingAgain) {
  const SubscriptionId kept = subscriptions_.add("open", SelectorKind::kAll, {});
  const SubscriptionId ended = subscriptions_.add("open", SelectorKind::kAll, {});
  const SubscriptionId refused = subscriptions_.add("ruled", SelectorKind::kAll, {});
  take();
  EXPECT_TRUE(subscriptions_.on_reply(refused, false));
  subscriptions_.remove(ended);
  subscriptions_.on_disconnected();
  const Subscribe request = take();
  EXPECT_TRUE(request.remove.empty());
  ASSERT_EQ(request.add.size(), 2u);
  EXPECT_EQ(request.add[0].id, kept);
  EXPECT_EQ(request.add[1].id, refused);
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

TEST_F(SubscriptionsTest, WholeTablesAreThoseOfWhichNoCellIsHidden) {
  const SubscriptionId open = subscriptions_.add("open", SelectorKind::kAll, {});
  const SubscriptionId ruled = subscriptions_.add("ruled", SelectorKind::kAll, {});
  const SubscriptionId some = subscriptions_.add("by_role", SelectorKind::kKeys, {CellKey::one()});
  EXPECT_EQ(subscriptions_.whole_tables(schema_), (std::vector<bool>{false, false, false}));
  take();
  EXPECT_EQ(subscriptions_.whole_tables(schema_), (std::vector<bool>{false, false, false}));
  for (const SubscriptionId id : {open, ruled, some}) {
    EXPECT_TRUE(subscriptions_.on_reply(id, true));
    EXPECT_FALSE(subscriptions_.on_reply(id, true));  // no answer is awaited any more
  }
  EXPECT_EQ(subscriptions_.whole_tables(schema_), (std::vector<bool>{true, false, false}));
  subscriptions_.remove(open);
  const SubscriptionId role = subscriptions_.add("by_role", SelectorKind::kAll, {});
  take();
  EXPECT_TRUE(subscriptions_.on_reply(role, true));
  EXPECT_EQ(subscriptions_.whole_tables(schema_), (std::vector<bool>{false, false, true}));
}

}  // namespace
}  // namespace ecsdb
