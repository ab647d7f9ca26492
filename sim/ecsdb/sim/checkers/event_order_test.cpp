#include "ecsdb/sim/checkers/event_order.h"

#include <gtest/gtest.h>

namespace ecsdb::sim {
namespace {

constexpr uint16_t kBoom = 0;
constexpr uint16_t kNews = 1;
constexpr Instant kNow{};
constexpr EntityId kShip = EntityId::make(3, 1, 1);
constexpr LinkId kLink{5};

/// Three events in version 7: a boom and two news.
class EventOrderTest : public ::testing::Test {
 protected:
  EventOrderTest() {
    book_.emit(kBoom, kShip, false);
    book_.emit(kNews, EntityId{}, true);
    book_.emit(kNews, EntityId{}, true);
    book_.commit(Version{7});
    order_.begin_step(Version{6});
  }
  static Event event(uint64_t serial, uint16_t kind, EntityId entity, uint64_t version = 7) {
    return {kind, entity, Version{version}, {Value{serial}}};
  }
  void tell(const Event& event, uint64_t missed = 0, LinkId link = kLink) {
    order_.on_event(book_, link, event, Version{8}, missed, kNow);
  }

  ViolationLog violations_;
  EventBook book_;
  EventOrder order_{0, violations_};
};

TEST_F(EventOrderTest, WhatWasEmittedInOrderIsFine) {
  tell(event(1, kBoom, kShip));
  tell(event(2, kNews, {}));
  tell(event(3, kNews, {}));
  EXPECT_TRUE(violations_.safe());
}

TEST_F(EventOrderTest, OnceOnly) {
  tell(event(2, kNews, {}));
  tell(event(2, kNews, {}));
  EXPECT_FALSE(violations_.safe());
}

TEST_F(EventOrderTest, NotOutOfOrder) {
  tell(event(2, kNews, {}));
  tell(event(1, kBoom, kShip));
  EXPECT_FALSE(violations_.safe());
}

TEST_F(EventOrderTest, NothingThatWasNotEmitted) {
  tell(event(4, kNews, {}));
  EXPECT_FALSE(violations_.safe());
}

TEST_F(EventOrderTest, NoOtherEntityOrVersion) {
  tell(event(1, kBoom, {}));
  EXPECT_EQ(violations_.count(), 1u);
  tell(event(2, kNews, {}, 6));
  EXPECT_EQ(violations_.count(), 2u);
}

TEST_F(EventOrderTest, WithTheAdvanceThatHasItsVersion) {
  order_.begin_step(Version{7});
  tell(event(1, kBoom, kShip));
  EXPECT_FALSE(violations_.safe());
}

TEST_F(EventOrderTest, LostNewsAreCounted) {
  book_.emit(kNews, EntityId{}, true);
  book_.emit(kNews, EntityId{}, true);
  book_.commit(Version{8});
  tell(event(2, kNews, {}));
  tell(event(4, kNews, {}, 8), 1);
  EXPECT_TRUE(violations_.safe());
  book_.emit(kNews, EntityId{}, true);
  book_.commit(Version{8});
  tell(event(6, kNews, {}, 8), 1);
  EXPECT_FALSE(violations_.safe());
}

TEST_F(EventOrderTest, WhoWasAwayMayMissSome) {
  tell(event(2, kNews, {}));
  book_.emit(kNews, EntityId{}, true);
  book_.commit(Version{8});
  tell(event(4, kNews, {}, 8), 0, LinkId{6});
  EXPECT_TRUE(violations_.safe());
}

TEST_F(EventOrderTest, DroppedOnesWereNever) {
  book_.emit(kBoom, kShip, false);
  book_.drop();
  EXPECT_EQ(book_.find(4), nullptr);
  EXPECT_EQ(book_.next_serial(), 4u);
}

TEST(ClientEventOrder, InOrderAndOnce) {
  ViolationLog violations;
  ClientEventOrder order(violations);
  order.on_event({ClientId{1}, PrincipalId{1}, 2, {}, {Value{uint64_t{1}}}}, kNow);
  order.on_event({ClientId{1}, PrincipalId{1}, 2, {}, {Value{uint64_t{3}}}}, kNow);
  order.on_event({ClientId{2}, PrincipalId{2}, 2, {}, {Value{uint64_t{2}}}}, kNow);
  EXPECT_TRUE(violations.safe());
  order.on_event({ClientId{1}, PrincipalId{1}, 2, {}, {Value{uint64_t{3}}}}, kNow);
  EXPECT_FALSE(violations.safe());
}

}  // namespace
}  // namespace ecsdb::sim
