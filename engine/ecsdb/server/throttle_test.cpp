#include "ecsdb/server/throttle.h"

#include <gtest/gtest.h>
#include <memory>

#include "ecsdb/base/prng.h"
#include "ecsdb/server/test_peer.h"

namespace ecsdb::server_test {
namespace {

constexpr Instant kStart{1'000'000'000};

ServerOptions budgets(uint64_t client, uint64_t client_burst, uint64_t total = 0,
                      uint64_t total_burst = 1) {
  ServerOptions options;
  options.client_budget_bytes = client;
  options.client_budget_burst = client_burst;
  options.total_budget_bytes = total;
  options.total_budget_burst = total_burst;
  return options;
}

/// Moves to each deadline of the server until `end`. Returns how often it was woken.
uint64_t pass_until(Bench& bench, std::vector<std::unique_ptr<Peer>>& peers, Instant end) {
  uint64_t wakes = 0;
  while (bench.server.next_deadline() <= end) {
    bench.pass(std::max(bench.server.next_deadline() - bench.time, Duration{}));
    ++wakes;
    for (const auto& peer : peers) {
      peer->send(MessageType::kClientHeartbeat, ClientHeartbeat{});
      peer->receive();
    }
  }
  bench.pass(end - bench.time);
  return wakes;
}

TEST(Throttle, WhatWasBegunIsPaidForLater) {
  const ServerOptions options = budgets(1000, 100);
  TotalBudget total(options);
  Throttle throttle(LinkId{1}, options);
  EXPECT_TRUE(throttle.admit(total, kStart));
  throttle.count(total, 600, kStart);
  EXPECT_FALSE(throttle.admit(total, kStart));
  EXPECT_EQ(throttle.deadline(), kStart + Duration::ms(501));
  throttle.count(total, 600, kStart);  // nothing new
  EXPECT_EQ(throttle.deadline(), Instant::never());
  EXPECT_FALSE(throttle.is_open(total, kStart + Duration::ms(500)));
  EXPECT_TRUE(throttle.is_open(total, kStart + Duration::ms(501)));
  EXPECT_EQ(total.waiting(), 0u);
}

TEST(Throttle, WhoWasSentLeastIsNext) {
  const ServerOptions options = budgets(0, 1, 1000, 10);
  TotalBudget total(options);
  Throttle a(LinkId{1}, options);
  Throttle b(LinkId{2}, options);
  Throttle late(LinkId{3}, options);
  a.count(total, 500, kStart);
  b.count(total, 100, kStart);
  EXPECT_FALSE(a.admit(total, kStart));
  EXPECT_FALSE(b.admit(total, kStart));
  EXPECT_EQ(total.deadline(), kStart + Duration::ms(591));
  EXPECT_FALSE(total.next(kStart + Duration::ms(590)));
  const Instant then = kStart + Duration::ms(591);
  EXPECT_EQ(total.next(then), LinkId{2});
  EXPECT_FALSE(a.admit(total, then));  // there are tokens, but not for it
  b.take_turn(total);
  EXPECT_TRUE(b.admit(total, then));
  b.count(total, 150, then);
  EXPECT_FALSE(b.admit(total, then));
  b.end_turn(total);
  EXPECT_FALSE(late.admit(total, then));  // who comes last has no credit from before
  late.leave(total);
  EXPECT_EQ(total.waiting(), 2u);
  EXPECT_EQ(total.next(total.deadline()), LinkId{2});
}

// Each is sent an equal share of bytes, whatever the sizes of what it is sent.
TEST(Throttle, SharesAreEqualInBytes) {
  const ServerOptions options = budgets(0, 1, 1'000'000, 1000);
  TotalBudget total(options);
  std::vector<Throttle> all;
  std::vector<uint64_t> sent(20);
  for (uint64_t i = 0; i < sent.size(); ++i) all.emplace_back(LinkId{i}, options);
  Prng rng(3);
  Instant now = kStart;
  const auto send = [&](uint64_t i) {
    sent[i] += 1 + rng.below(i % 2 == 0 ? 100 : 5000);
    all[i].count(total, sent[i], now);
    EXPECT_FALSE(all[i].admit(total, now));
  };
  Throttle spender(LinkId{99}, options);
  spender.count(total, 1000, now);
  for (uint64_t i = 0; i < sent.size(); ++i) send(i);
  while (now < kStart + Duration::seconds(10)) {
    now = std::max(now, total.deadline());
    while (const auto link = total.next(now)) {
      all[link->value].take_turn(total);
      send(link->value);
      all[link->value].end_turn(total);
    }
  }
  uint64_t sum = 0;
  for (const uint64_t bytes : sent) {
    EXPECT_GT(bytes, 490'000u);
    EXPECT_LT(bytes, 510'000u);
    sum += bytes;
  }
  EXPECT_LE(sum, 10'000'000u + 1000 + 20 * 5000);
}

TEST(Throttle, ClientOverItsBudgetGetsConflatedAdvances) {
  Bench bench(budgets(4000, 2000));
  const EntityId unit = bench.add_unit(1, 1);
  std::vector<std::unique_ptr<Peer>> peers;
  peers.push_back(std::make_unique<Peer>(bench, 0));
  Peer& peer = *peers[0];
  peer.go_live({1});
  const uint64_t before = peer.consumed();
  size_t advances = 0;
  for (int tick = 0; tick < 600; ++tick) {
    bench.hit(unit, static_cast<uint64_t>(tick));
    bench.hit(unit, static_cast<uint64_t>(tick) + 1000);
    bench.hit(unit, static_cast<uint64_t>(tick) + 2000);
    peer.receive();
    pass_until(bench, peers, bench.time + Duration::ms(16));
    advances += peer.take_advances().size();
  }
  // What comes is the budget, to the last bytes, and the state at the end.
  EXPECT_LE(peer.consumed() - before, 4000u * 96 / 10 + 2000 + 200);
  EXPECT_GE(peer.consumed() - before, 4000u * 96 / 10 - 500);
  EXPECT_LT(advances, 1200u);
  pass_until(bench, peers, bench.time + Duration::seconds(2));
  EXPECT_TRUE(bench.server.all_caught_up());
}

TEST(Throttle, BeingThrottledIsNotBeingStalled) {
  ServerOptions options = budgets(20, 500);
  options.stall_timeout = Duration::seconds(5);
  Bench bench(options);
  bench.step([&](Transaction& tx) {
    for (int i = 0; i < 300; ++i) {
      const EntityId entity = tx.create().value();
      const FieldValue values[] = {{0, Vec2f{1, 1}}, {1, uint64_t(i) * 7'777'777}};
      ASSERT_TRUE(tx.insert(kUnit, entity, values).ok());
    }
  });
  std::vector<std::unique_ptr<Peer>> peers;
  peers.push_back(std::make_unique<Peer>(bench, 0));
  Peer& peer = *peers[0];
  peer.go_live({1});
  EXPECT_FALSE(bench.server.all_caught_up());
  const uint64_t wakes = pass_until(bench, peers, bench.time + Duration::seconds(60));
  EXPECT_FALSE(peer.is_closed());
  size_t heartbeats = 0;
  for (const Received& frame : peer.take()) {
    heartbeats += frame.type == MessageType::kServerHeartbeat ? 1 : 0;
  }
  EXPECT_GE(heartbeats, 55u);  // it hears of us all the same
  EXPECT_LE(wakes, 130u);      // for heartbeats, and not to look for tokens
}

/// 100 clients that are all to be told of everything, and a budget for ten of them.
TEST(Throttle, HundredClientsShareABudgetForTen) {
  constexpr uint64_t kBudget = 40'000;
  Bench bench(budgets(0, 1, kBudget, 4000));
  std::vector<EntityId> units;
  for (int i = 0; i < 40; ++i) units.push_back(bench.add_unit(1, 1));
  std::vector<std::unique_ptr<Peer>> peers;
  for (uint64_t i = 0; i < 100; ++i) {
    peers.push_back(std::make_unique<Peer>(bench, i));
    peers.back()->go_live({1});
  }
  pass_until(bench, peers, bench.time + Duration::seconds(20));  // the syncs
  EXPECT_TRUE(bench.server.all_caught_up());
  std::vector<uint64_t> before;
  for (const auto& peer : peers) before.push_back(peer->consumed());
  constexpr int kSeconds = 60;
  uint64_t wakes = 0;
  Prng rng(5);
  for (int tick = 0; tick < kSeconds * 20; ++tick) {
    bench.step([&](Transaction& tx) {
      for (const EntityId unit : units) {
        EXPECT_TRUE(tx.set(kUnit, unit, 1, rng.next() & 0xffffffff).ok());
      }
    });
    for (const auto& peer : peers) peer->receive();
    wakes += pass_until(bench, peers, bench.time + Duration::ms(50));
  }
  uint64_t sum = 0;
  const uint64_t share = kBudget * kSeconds / peers.size();
  for (size_t i = 0; i < peers.size(); ++i) {
    const uint64_t bytes = peers[i]->consumed() - before[i];
    EXPECT_FALSE(peers[i]->is_closed());
    EXPECT_GE(bytes, share * 8 / 10) << i;
    EXPECT_LE(bytes, share * 12 / 10) << i;
    sum += bytes;
  }
  EXPECT_LE(sum, kBudget * (kSeconds + 1) + 100 * 1000);
  EXPECT_GE(sum, kBudget * kSeconds * 9 / 10);
  // It is woken for what it sends, not to look.
  EXPECT_LE(wakes, bench.server.stats().net_advances + 2 * 100 * kSeconds);
  // When there is little to say, all get everything again, with shared blocks.
  pass_until(bench, peers, bench.time + Duration::seconds(20));
  EXPECT_TRUE(bench.server.all_caught_up());
  const uint64_t steps = bench.server.stats().step_advances;
  bench.hit(units[0], 7);
  EXPECT_EQ(bench.server.stats().step_advances, steps + 100);
}

TEST(Throttle, ConnectionThatEndsLeavesTheQueue) {
  Bench bench(budgets(0, 1, 1000, 100));
  const EntityId unit = bench.add_unit(1, 1);
  std::vector<std::unique_ptr<Peer>> peers;
  for (uint64_t i = 0; i < 3; ++i) {
    peers.push_back(std::make_unique<Peer>(bench, i));
    peers.back()->go_live({1});
  }
  bench.hit(unit, 1);
  peers[0]->close();
  peers.erase(peers.begin());
  peers.push_back(std::make_unique<Peer>(bench, 0));  // the number is used again
  peers.back()->go_live({1});
  pass_until(bench, peers, bench.time + Duration::seconds(20));
  EXPECT_TRUE(bench.server.all_caught_up());
}

}  // namespace
}  // namespace ecsdb::server_test
