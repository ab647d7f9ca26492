#include "ecsdb/server/intake.h"

#include <gtest/gtest.h>

#include "ecsdb/server/test_peer.h"

namespace ecsdb::server_test {
namespace {

constexpr Instant kStart{1'000'000'000};

Subscribe request(size_t added, size_t removed) {
  Subscribe out;
  for (size_t i = 0; i < added; ++i) {
    Subscription& wanted = out.add.emplace_back();
    wanted.id = SubscriptionId{static_cast<uint32_t>(i + 1)};
    wanted.table = TableId{1};
  }
  for (size_t i = 0; i < removed; ++i) {
    out.remove.push_back(SubscriptionId{static_cast<uint32_t>(i + 1)});
  }
  return out;
}

TEST(Intake, BytesOverTheRateAreTooMany) {
  ServerOptions options;
  options.intake_bytes = 1000;
  options.intake_burst = 5000;
  Intake intake(options);
  EXPECT_TRUE(intake.on_bytes(5000, options, kStart).ok());
  EXPECT_TRUE(intake.on_bytes(1000, options, kStart + Duration::seconds(1)).ok());
  const Status status = intake.on_bytes(1, options, kStart + Duration::seconds(1));
  EXPECT_EQ(status.code(), ErrorCode::kLimitExceeded);
  EXPECT_EQ(status.error().context, "more than 1000 bytes a second, and 5000 at once; send less");
  EXPECT_FALSE(Intake(options).on_bytes(5001, options, kStart).ok());
  options.intake_bytes = 0;
  EXPECT_TRUE(Intake(options).on_bytes(1u << 30, options, kStart).ok());
}

TEST(Intake, ChangesOverTheRateAreRefusedAndEndsCount) {
  ServerOptions options;
  options.intake_changes = 2;
  options.intake_changes_burst = 4;
  Intake intake(options);
  EXPECT_TRUE(intake.admit(request(3, 0), kStart));
  EXPECT_FALSE(intake.admit(request(2, 0), kStart));  // one is left, and stays
  EXPECT_TRUE(intake.admit(request(1, 0), kStart));
  EXPECT_TRUE(intake.admit(request(0, 3), kStart));  // three owed
  EXPECT_FALSE(intake.admit(request(1, 0), kStart + Duration::ms(1999)));
  EXPECT_TRUE(intake.admit(request(1, 0), kStart + Duration::ms(2000)));
  // More at once than ever fit: passes when it is full.
  EXPECT_FALSE(intake.admit(request(9, 0), kStart + Duration::ms(3999)));
  EXPECT_TRUE(intake.admit(request(9, 0), kStart + Duration::ms(4000)));
}

TEST(Intake, FloodEndsTheConnectionWithAReason) {
  ServerOptions options;
  options.intake_bytes = 1000;
  options.intake_burst = 2000;
  Bench bench(options);
  Peer peer(bench, 0);
  peer.go_live({1});
  for (int i = 0; i < 500; ++i) peer.send(MessageType::kClientHeartbeat, ClientHeartbeat{});
  peer.receive();
  EXPECT_TRUE(peer.is_closed());
  ASSERT_TRUE(peer.goodbye());
  EXPECT_EQ(peer.goodbye()->code, static_cast<uint16_t>(ErrorCode::kLimitExceeded));
  EXPECT_NE(peer.goodbye()->reason.find("1000 bytes a second"), std::string::npos);
  EXPECT_EQ(bench.server.stats().refused, 1u);
}

TEST(Intake, RefusedSubscriptionsAreAnsweredAndChangeNothing) {
  ServerOptions options;
  options.intake_changes = 1;
  options.intake_changes_burst = 2;
  Bench bench(options);
  bench.add_unit(1, 1);
  Peer peer(bench, 0);
  peer.go_live({1, 2});
  Subscribe more = request(1, 1);  // the first one ends, another begins
  more.add[0].id = SubscriptionId{7};
  peer.send(MessageType::kSubscribe, more);
  peer.receive();
  const auto frames = peer.take();
  ASSERT_GE(frames.size(), 1u);
  const auto results = frames[0].as<SubscribeReply>().results;
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[0].code, 0);
  EXPECT_EQ(results[1].code, static_cast<uint16_t>(ErrorCode::kRateLimited));
  EXPECT_EQ(bench.server.stats().rate_limited, 1u);
  EXPECT_FALSE(peer.is_closed());
  bench.pass(Duration::seconds(1));
  EXPECT_EQ(peer.subscribe(more.add[0]), ErrorCode::kRateLimited);  // what ended counts
  bench.pass(Duration::seconds(1));
  EXPECT_EQ(peer.subscribe(more.add[0]), ErrorCode::kOk);
  EXPECT_EQ(bench.server.stats().rate_limited, 2u);
}

TEST(Intake, MovesOverTheRateMoveNothing) {
  ServerOptions options;
  options.intake_changes = 1;
  options.intake_changes_burst = 2;
  Bench bench(options);
  bench.add_unit(1, 1);
  bench.add_unit(55, 55);
  Peer peer(bench, 0);
  peer.greet();
  peer.authenticate();
  Subscription ball;
  ball.id = SubscriptionId{1};
  ball.table = TableId{1};
  ball.kind = SelectorKind::kBall;
  ball.area = {{EntityId{}, {1, 1, 0}, {3, 0, 0}, 0}};
  EXPECT_EQ(peer.subscribe(ball), ErrorCode::kOk);
  const auto ask_to_move = [&](int64_t x) {
    Subscribe move;
    move.move = {{SubscriptionId{1}, {x, x, 0}}};
    return peer.ask(move);
  };
  EXPECT_EQ(ask_to_move(2), ErrorCode::kOk);
  peer.take();
  EXPECT_EQ(ask_to_move(55), ErrorCode::kRateLimited);
  EXPECT_TRUE(peer.take_advances().empty());
  EXPECT_EQ(bench.server.stats().rate_limited, 1u);
  bench.pass(Duration::seconds(1));
  EXPECT_EQ(ask_to_move(55), ErrorCode::kOk);
  const auto advances = peer.take_advances();
  ASSERT_EQ(advances.size(), 1u);
  EXPECT_EQ(advances[0].first.leaves.size(), 1u);
  EXPECT_EQ(advances[0].first.enters.size(), 1u);
}

TEST(Intake, LimitsAreAnnounced) {
  ServerOptions options;
  options.client_budget_bytes = 123'456;
  options.intake_bytes = 7890;
  options.intake_changes = 17;
  options.stall_timeout = Duration::seconds(9);
  Bench bench(options);
  Peer peer(bench, 0);
  peer.greet();
  peer.authenticate();
  peer.receive();
  const AuthReply reply = peer.take().at(0).as<AuthReply>();
  EXPECT_EQ(reply.budget_bytes, 123'456u);
  EXPECT_EQ(reply.client_bytes, 7890u);
  EXPECT_EQ(reply.client_changes, 17u);
  EXPECT_EQ(reply.stall_ms, 9000u);
}

}  // namespace
}  // namespace ecsdb::server_test
