#include <gtest/gtest.h>
#include <vector>

#include "ecsdb/server/session.h"
#include "ecsdb/server/test_peer.h"

namespace ecsdb::server_test {
namespace {

/// Two clients; one takes every publish, the other nothing while publishes are missed. Each of
/// these changes other rows: their shared blocks are the cheapest way to catch up.
struct MissedPublishes {
  explicit MissedPublishes(size_t publishes, ServerOptions options = {})
      : count(publishes), bench(options), fast(bench, 0), slow(bench, 1) {
    for (size_t i = 0; i < count * kRows; ++i) units.push_back(bench.add_unit(1, 1));
  }
  /// `also(tx, i)` adds to the change of publish `i`.
  template <class Also>
  void miss(Also&& also) {
    slow.set_accepts(0);
    for (size_t i = 0; i < count; ++i) {
      bench.step([&](Transaction& tx) {
        for (size_t k = 0; k < kRows; ++k) {
          EXPECT_TRUE(tx.set(kUnit, units[i * kRows + k], 1, i * kRows + k).ok());
        }
        also(tx, i);
      });
      fast.receive();
    }
    slow.set_accepts(1u << 20);
    slow.receive();
  }
  /// The slow one had begun the first; all the others came in one.
  void expect_one_piece() {
    const auto advances = slow.take_advances();
    ASSERT_EQ(advances.size(), 2u);
    EXPECT_EQ(advances[1].first.kind(), AdvanceKind::kNet);
    EXPECT_EQ(advances[1].first.to(), bench.server.database().published());
  }

  static constexpr size_t kRows = 100;
  size_t count;
  Bench bench;
  std::vector<EntityId> units;
  Peer fast;
  Peer slow;
};

TEST(SessionCatchUp, SlowClientGetsOneNetDeltaAndStaysConnected) {
  Bench bench;
  const EntityId unit = bench.add_unit(1, 1);
  Peer slow(bench, 0);
  slow.go_live({1});
  slow.set_accepts(0);
  for (uint64_t i = 1; i <= 50; ++i) bench.hit(unit, i);
  slow.set_accepts(1u << 20);
  slow.receive();
  const auto advances = slow.take_advances();
  ASSERT_EQ(advances.size(), 2u);  // the one begun before, and all the rest at once
  EXPECT_EQ(advances[0].first.kind(), AdvanceKind::kStep);
  EXPECT_EQ(advances[1].first.kind(), AdvanceKind::kNet);
  EXPECT_EQ(advances[1].first.from, advances[0].first.to());
  EXPECT_EQ(advances[1].first.to(), bench.server.database().published());
  bench.hit(unit, 99);
  slow.receive();
  EXPECT_EQ(slow.take_advances().at(0).first.kind(), AdvanceKind::kStep);  // in step again
  EXPECT_FALSE(bench.closed());
}

// The link takes all, and the client reads nothing: what it is sent it would have to read through.
TEST(SessionCatchUp, WhoDoesNotReadIsSentNoMoreUntilItDoes) {
  Bench bench;
  const EntityId unit = bench.add_unit(1, 1);
  Peer peer(bench, 0);
  peer.go_live({1});
  peer.take();
  peer.set_acks(false);
  for (uint64_t i = 1; i <= 50; ++i) {
    bench.hit(unit, i);
    peer.receive();
    bench.pass(Duration::ms(16));
  }
  const size_t before = peer.take_advances().size();
  EXPECT_GE(before, 5u);
  EXPECT_LE(before, 9u);  // within 100 ms and two round trips
  peer.ack_all();
  peer.receive();
  const auto advances = peer.take_advances();
  ASSERT_EQ(advances.size(), 1u);
  EXPECT_EQ(advances[0].first.kind(), AdvanceKind::kNet);
  EXPECT_EQ(advances[0].first.to(), bench.server.database().published());
}

TEST(SessionCatchUp, WhoDoesNotReadIsSentFewHeartbeats) {
  Bench bench;
  const EntityId unit = bench.add_unit(1, 1);
  Peer peer(bench, 0);
  peer.go_live({1});
  peer.set_acks(false);
  bench.hit(unit, 1);
  peer.receive();
  peer.take();
  for (int i = 0; i < 40; ++i) {
    bench.pass(Duration::seconds(1));
    peer.receive();
  }
  EXPECT_LE(peer.take().size(), 20u);
  EXPECT_FALSE(bench.closed());
}

// Seed 20 of 1,000 clients: the publishes one by one showed versions without the cell's rows.
TEST(SessionCatchUp, WhoMissedThatACellCameAndWentIsShownNothingBetween) {
  ServerOptions options;
  options.database.horizon_versions_max = 1;
  MissedPublishes scene(6, options);
  for (Peer* peer : {&scene.fast, &scene.slow}) peer->go_live({1});
  EntityId guest;
  scene.miss([&](Transaction& tx, size_t i) {
    if (i == 1) {
      guest = tx.create().value();
      const FieldValue far_away{0, Vec2f{95, 95}};
      EXPECT_TRUE(tx.insert(kUnit, guest, std::span(&far_away, 1)).ok());
    } else if (i == 2) {
      EXPECT_TRUE(tx.destroy(guest).ok());
    }
  });
  scene.expect_one_piece();
}

// A ball follows a unit that goes to a cell of its own and comes back; a client that missed it is
// not shown the version in which the unit was in a cell that the client never heard of.
TEST(SessionCatchUp, WhoMissedThatAnAreaWentAndCameBackIsShownNothingBetween) {
  MissedPublishes scene(6);
  const EntityId leader = scene.bench.add_unit(1, 1);
  for (Peer* peer : {&scene.fast, &scene.slow}) {
    Subscription ball;
    ball.id = SubscriptionId{1};
    ball.table = TableId{1};
    ball.kind = SelectorKind::kBall;
    ball.area = {{leader, {0, 0, 0}, {2, 0, 0}, 15}};
    peer->greet();
    peer->authenticate();
    EXPECT_EQ(peer->subscribe(ball), ErrorCode::kOk);
    peer->receive();
    peer->take();
  }
  scene.miss([&](Transaction& tx, size_t i) {
    const float x = i >= 1 && i < 3 ? 25 : 1;
    EXPECT_TRUE(tx.set(kUnit, leader, 0, Vec2f{x, 1}).ok());
  });
  scene.expect_one_piece();
}

TEST(SessionCatchUp, NetDeltaIsSharedByThoseAtTheSameCut) {
  Bench bench;
  const EntityId unit = bench.add_unit(1, 1);
  Peer a(bench, 0);
  Peer b(bench, 1);
  for (Peer* peer : {&a, &b}) {
    peer->go_live({1});
    peer->set_accepts(0);
  }
  for (uint64_t i = 1; i <= 20; ++i) bench.hit(unit, i);
  const uint64_t before = bench.server.stats().blocks_encoded;
  for (Peer* peer : {&a, &b}) {
    peer->set_accepts(1u << 20);
    peer->receive();
  }
  EXPECT_EQ(bench.server.stats().net_advances, 2u);
  EXPECT_EQ(bench.server.stats().conflated, 2 * 18u);  // the first was sent, the last is not lost
  EXPECT_EQ(bench.server.stats().blocks_encoded, before + 1);
}

TEST(SessionCatchUp, WhoMissedAFewPublishesGetsTheirSharedBlocks) {
  MissedPublishes scene(4);
  auto& [count, bench, units, fast, slow] = scene;
  fast.go_live({1});
  slow.go_live({1});
  scene.miss([](Transaction&, size_t) {});
  EXPECT_EQ(bench.server.stats().chain_advances, 3u);
  EXPECT_EQ(bench.server.stats().net_advances, 0u);
  EXPECT_EQ(bench.server.stats().conflated, 0u);
  const auto expected = fast.take_advances();
  const auto advances = slow.take_advances();
  ASSERT_EQ(advances.size(), 4u);
  for (size_t i = 0; i < advances.size(); ++i) {
    EXPECT_EQ(advances[i].first.kind(), AdvanceKind::kStep);
    EXPECT_EQ(advances[i].first.from, expected[i].first.from);
    EXPECT_EQ(advances[i].first.distance, expected[i].first.distance);
    EXPECT_EQ(advances[i].first.commit_time_ns, expected[i].first.commit_time_ns);
    EXPECT_EQ(advances[i].first.tail_checksum, expected[i].first.tail_checksum);
    EXPECT_EQ(advances[i].second, expected[i].second);
  }
  bench.hit(units[0], 99);
  fast.receive();
  slow.receive();
  EXPECT_EQ(slow.take_advances().at(0).first.kind(), AdvanceKind::kStep);  // in step again
  EXPECT_TRUE(bench.server.all_caught_up());
}

// While nobody is in step, blocks are encoded for some publishes only.
TEST(SessionCatchUp, BlocksThatNobodyMayNeedAreNotEncoded) {
  ServerOptions options;
  options.ring_misses = 3;
  Bench bench(options);
  const EntityId unit = bench.add_unit(1, 1);
  Peer slow(bench, 0);
  slow.go_live({1});
  slow.set_accepts(0);
  const uint64_t before = bench.server.stats().blocks_encoded;
  for (uint64_t i = 1; i <= 20; ++i) bench.hit(unit, i);
  EXPECT_EQ(bench.server.stats().blocks_encoded, before + 1 + 3);
  slow.set_accepts(1u << 20);
  slow.receive();
  EXPECT_EQ(bench.server.stats().net_advances, 1u);
}

// A cut moves on without an advance when nothing that is held has changed.
TEST(SessionCatchUp, WhoMissedNothingThatItHoldsGetsNothing) {
  Bench bench;
  const EntityId unit = bench.add_unit(1, 1);
  bench.add_line(3, "x");
  Peer slow(bench, 0);
  slow.go_live({1});
  slow.set_accepts(0);
  bench.hit(unit, 1);
  for (int i = 0; i < 5; ++i) bench.add_line(3, "y");
  slow.set_accepts(1u << 20);
  slow.receive();
  EXPECT_EQ(slow.take_advances().size(), 1u);
  EXPECT_EQ(bench.server.stats().net_advances + bench.server.stats().chain_advances, 0u);
  bench.hit(unit, 2);
  slow.receive();
  EXPECT_EQ(slow.take_advances().at(0).first.kind(), AdvanceKind::kStep);
}

}  // namespace
}  // namespace ecsdb::server_test
