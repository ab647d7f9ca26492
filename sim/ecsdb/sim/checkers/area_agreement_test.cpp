#include "ecsdb/sim/checkers/area_agreement.h"

#include <gtest/gtest.h>

#include "ecsdb/client/test_loopback.h"
#include "ecsdb/sim/scenario.h"

namespace ecsdb::sim {
namespace {

/// Ships at x = 0, 10, 20, ... and a client; steps are halves.
class AreaAgreementTest : public testing::Test {
 protected:
  AreaAgreementTest()
      : server_(scenario_schema(), {}, &open_), client_({}, Prng(1)), net_(server_) {
    net_.set_poll(false);
    net_.add(&client_);
    Transaction tx = server_.begin(net_.now());
    for (int i = 0; i < 10; ++i) {
      const FieldValue pos{0, Vec2f{static_cast<float>(10 * i), 0}};
      ships_.push_back(tx.create().value());
      EXPECT_TRUE(tx.insert(kShipTable, ships_.back(), std::span(&pos, 1)).ok());
    }
    server_.commit(std::move(tx), net_.now());
    server_.publish(net_.now());
  }
  static InterestEntry ball(int64_t x, int64_t radius, int64_t margin = 0, EntityId follow = {}) {
    InterestEntry entry{kShipTable, InterestEntry::Kind::kBall, {}};
    entry.area = {follow, {2 * x, 0, 0}, {2 * radius, 0, 0}, 2 * margin, kShipTable, 0, 128};
    return entry;
  }
  /// The client asks for the ball; the checker is told of `told`.
  SubscriptionId subscribe(double x, double radius, const InterestEntry& told,
                           AreaOptions options = {}) {
    const SubscriptionId id = client_.subscribe_ball("ship", {x, 0}, radius, options, net_.now());
    checker_.on_subscribed(client_, id, told);
    return id;
  }
  uint64_t violations() {
    net_.settle();
    for (bool more = true; more;) {
      more = client_.poll(net_.now(), 1) > 0;
      checker_.on_polled(client_, Instant{});
      net_.settle();
    }
    return log_.count();
  }
  void place(EntityId ship, float x) {
    Transaction tx = server_.begin(net_.now());
    EXPECT_TRUE(tx.set(kShipTable, ship, 0, Vec2f{x, 0}).ok());
    server_.commit(std::move(tx), net_.now());
    server_.publish(net_.now());
  }

  OpenAuthenticator open_;
  ReplicationServer server_;
  Client client_;
  Loopback net_;
  ViolationLog log_;
  AreaAgreement checker_{scenario_schema(), 0, log_};
  std::vector<EntityId> ships_;
};

TEST_F(AreaAgreementTest, QuietOnAnExactView) {
  subscribe(20, 12, ball(20, 12, 6), {{}, 6, false});
  const SubscriptionId id = subscribe(0, 0, ball(0, 0));
  subscribe(0, 5, ball(0, 5, 0, ships_[3]), {ships_[3], 0, false});
  client_.connect(net_.now());
  EXPECT_EQ(violations(), 0u);
  for (const float x : {33.0f, 36.0f, 38.0f, 39.0f, 33.0f, 500.0f, 20.0f}) {
    place(ships_[3], x);
    EXPECT_EQ(violations(), 0u) << x;
  }
  EXPECT_TRUE(client_.move(id, {40, 0}, net_.now()).ok());
  checker_.on_moved(id, {80, 0, 0});
  EXPECT_EQ(violations(), 0u);
}

TEST_F(AreaAgreementTest, SeesAnEntityTooFew) {
  subscribe(20, 12, ball(20, 20));
  client_.connect(net_.now());
  EXPECT_GT(violations(), 0u);
}

TEST_F(AreaAgreementTest, SeesOneThatLeavesWithinTheMargin) {
  subscribe(20, 12, ball(20, 12, 6));
  client_.connect(net_.now());
  EXPECT_EQ(violations(), 0u);
  place(ships_[3], 35);
  EXPECT_GT(violations(), 0u);
}

TEST_F(AreaAgreementTest, SeesACentreThatStaysBehind) {
  subscribe(30, 5, ball(30, 5, 0, ships_[3]));
  client_.connect(net_.now());
  EXPECT_EQ(violations(), 0u);
  place(ships_[3], 52);
  EXPECT_GT(violations(), 0u);
}

}  // namespace
}  // namespace ecsdb::sim
