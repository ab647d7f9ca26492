#include "ecsdb/server/replication_server.h"

#include <gtest/gtest.h>

#include "ecsdb/server/test_peer.h"

namespace ecsdb::server_test {
namespace {

TEST(ReplicationServer, ConnectionsInStepShareOneEncoding) {
  Bench bench;
  const EntityId unit = bench.add_unit(1, 1);
  std::vector<std::unique_ptr<Peer>> peers;
  for (uint64_t link = 0; link < 8; ++link) {
    peers.push_back(std::make_unique<Peer>(bench, link));
    peers.back()->go_live({1});
  }
  const uint64_t before = bench.server.stats().blocks_encoded;
  bench.hit(unit, 5);
  EXPECT_EQ(bench.server.stats().blocks_encoded, before + 1);
  EXPECT_EQ(bench.server.stats().step_advances, 8u);
  Bytes tail;
  for (const auto& peer : peers) {
    peer->receive();
    const auto advances = peer->take_advances();
    ASSERT_EQ(advances.size(), 1u);
    EXPECT_EQ(advances[0].first.kind(), AdvanceKind::kStep);
    EXPECT_FALSE(advances[0].second.empty());
    if (tail.empty()) tail = advances[0].second;
    EXPECT_EQ(advances[0].second, tail);
  }
  EXPECT_TRUE(bench.server.all_caught_up());
  EXPECT_EQ(bench.server.stats().net_advances, 0u);
}

TEST(ReplicationServer, CellNobodyHoldsIsNotEncoded) {
  Bench bench;
  Peer peer(bench, 0);
  peer.go_live({5}, "admin token");
  bench.add_unit(1, 1);
  EXPECT_EQ(bench.server.stats().blocks_encoded, 0u);
}

TEST(ReplicationServer, FullWindowStopsSendingUntilTheAck) {
  ServerOptions options;
  options.unacked_bytes_max = 3'000;
  Bench bench(options);
  const EntityId line = bench.add_line(3, "x");
  Peer peer(bench, 0);
  peer.go_live({3});
  peer.set_acks(false);
  const uint64_t before = peer.consumed();
  for (int i = 0; i < 20; ++i) {
    bench.step([&](Transaction& tx) {
      EXPECT_TRUE(tx.set(kRoom, line, 1, std::string(1000, static_cast<char>('a' + i))).ok());
    });
    peer.receive();
  }
  EXPECT_EQ(peer.take_advances().size(), 3u);
  EXPECT_LT(peer.consumed() - before, 3'300u);
  peer.ack_all();
  peer.receive();
  const auto advances = peer.take_advances();
  ASSERT_EQ(advances.size(), 1u);
  EXPECT_EQ(advances[0].first.to(), bench.server.database().published());
}

TEST(ReplicationServer, CommitsArePublishedTogether) {
  Bench bench;
  const EntityId unit = bench.add_unit(1, 1);
  Peer peer(bench, 0);
  peer.go_live({1});
  for (uint64_t i = 1; i < 4; ++i) {
    bench.commit([&](Transaction& tx) { EXPECT_TRUE(tx.set(kUnit, unit, 1, i).ok()); });
  }
  peer.receive();
  EXPECT_TRUE(peer.take_advances().empty());
  EXPECT_EQ(bench.server.publish(bench.now()), Version{4});
  peer.receive();
  const auto advances = peer.take_advances();
  ASSERT_EQ(advances.size(), 1u);
  EXPECT_EQ(advances[0].first.from, Version{1});
  EXPECT_EQ(advances[0].first.to(), Version{4});
  EXPECT_EQ(advances[0].first.commit_time_ns, static_cast<uint64_t>(bench.time.ns));
}

TEST(ReplicationServer, DroppedTransactionIsNotSent) {
  Bench bench;
  const EntityId unit = bench.add_unit(1, 1);
  Peer peer(bench, 0);
  peer.go_live({1});
  {
    Transaction tx = bench.server.begin(bench.now());
    EXPECT_TRUE(tx.set(kUnit, unit, 1, uint64_t{9}).ok());
  }
  EXPECT_EQ(bench.server.publish(bench.now()), Version{1});
  peer.receive();
  EXPECT_TRUE(peer.take().empty());
}

TEST(ReplicationServer, IdleCutMovesOnWithTheHeartbeat) {
  Bench bench;
  bench.add_unit(1, 1);
  Peer peer(bench, 0);
  peer.go_live({1});
  bench.add_line(3, "elsewhere");
  peer.receive();
  EXPECT_TRUE(peer.take().empty());
  EXPECT_FALSE(bench.server.all_caught_up());
  bench.pass(Duration::seconds(1));
  peer.receive();
  const auto advances = peer.take_advances();
  ASSERT_EQ(advances.size(), 1u);
  EXPECT_EQ(advances[0].first.from, Version{1});
  EXPECT_EQ(advances[0].first.to(), Version{2});
  EXPECT_TRUE(advances[0].first.blocks.empty());
  EXPECT_TRUE(bench.server.all_caught_up());
}

TEST(ReplicationServer, StepAfterAnIdleStretchStartsAtTheSentCut) {
  Bench bench;
  const EntityId unit = bench.add_unit(1, 1);
  Peer peer(bench, 0);
  peer.go_live({1});
  bench.add_line(3, "elsewhere");
  bench.hit(unit, 1);
  peer.receive();
  const auto advances = peer.take_advances();
  ASSERT_EQ(advances.size(), 1u);
  EXPECT_EQ(advances[0].first.kind(), AdvanceKind::kStep);
  EXPECT_EQ(advances[0].first.from, Version{1});
  EXPECT_EQ(advances[0].first.to(), Version{3});
}

TEST(ReplicationServer, NewCellsReachThoseWhoWantThem) {
  Bench bench;
  Peer peer(bench, 0);
  peer.go_live({3});
  bench.add_line(4, "not yours");
  bench.add_line(3, "yours");
  peer.receive();
  const auto advances = peer.take_advances();
  ASSERT_EQ(advances.size(), 1u);
  ASSERT_EQ(advances[0].first.enters.size(), 1u);
  EXPECT_EQ(advances[0].first.enters[0].key, CellKey::value(3));
  EXPECT_EQ(advances[0].first.blocks.size(), 1u);
}

TEST(ReplicationServer, RightsAreKeptOverTheWholeLifeOfAConnection) {
  Bench bench;
  const std::string secret = "the gold is under the oak";
  bench.add_line(4, secret);
  const EntityId own = bench.add_line(3, "hello");
  const auto add_purse = [&](uint64_t who) {
    bench.step([&](Transaction& tx) {
      const FieldValue values[] = {{0, PrincipalId{who}}, {1, uint64_t{77}}};
      EXPECT_TRUE(tx.insert(kPurse, tx.create().value(), values).ok());
    });
  };
  add_purse(7);
  Bytes everything;
  Peer guest(bench, 0);
  guest.greet();
  guest.authenticate();
  EXPECT_EQ(guest.subscribe(3), ErrorCode::kOk);
  EXPECT_EQ(guest.subscribe(4), ErrorCode::kOk);
  EXPECT_EQ(guest.subscribe(5), ErrorCode::kNotPermitted);
  EXPECT_EQ(guest.subscribe(of_keys(9, 3, {CellKey::value(4)})), ErrorCode::kOk);
  add_purse(8);
  bench.add_line(5, secret);
  bench.step([&](Transaction& tx) { EXPECT_TRUE(tx.set(kRoom, own, 0, int64_t{4}).ok()); });
  bench.step([&](Transaction& tx) { EXPECT_TRUE(tx.set(kRoom, own, 1, secret).ok()); });
  bench.pass(Duration::seconds(1));
  guest.receive();
  std::vector<CellKey> keys;
  for (const Received& frame : guest.take()) {
    everything.insert(everything.end(), frame.head.begin(), frame.head.end());
    everything.insert(everything.end(), frame.tail.begin(), frame.tail.end());
    if (frame.type != MessageType::kAdvance && frame.type != MessageType::kSyncChunk) continue;
    for (const CellEnter& enter : frame.as<Advance>().enters) keys.push_back(enter.key);
  }
  EXPECT_EQ(keys, (std::vector<CellKey>{CellKey::value(3), CellKey::owner(PrincipalId{7})}));
  EXPECT_EQ(as_text(everything).find(secret), std::string_view::npos);
}

TEST(ReplicationServer, SubscriptionErrorsAreToldAndHarmless) {
  Bench bench;
  bench.add_unit(1, 1);
  Peer peer(bench, 0);
  peer.go_live({1});
  EXPECT_EQ(peer.subscribe(77), ErrorCode::kUnknownTable);
  EXPECT_EQ(peer.subscribe(5), ErrorCode::kNotPermitted);
  EXPECT_EQ(peer.subscribe(of_keys(1, 1, {})), ErrorCode::kUnknownSubscription);
  EXPECT_EQ(peer.subscribe(of_keys(20, 1, {CellKey::one()})), ErrorCode::kTypeMismatch);
  EXPECT_EQ(peer.unsubscribe(55), ErrorCode::kUnknownSubscription);
  for (uint32_t id = 100; id < 100 + kSubscriptionsMax - 1; ++id) {
    EXPECT_EQ(peer.subscribe(of_keys(id, 1, {CellKey::grid(0, 0)})), ErrorCode::kOk);
  }
  EXPECT_EQ(peer.subscribe(of_keys(999, 1, {CellKey::grid(0, 0)})), ErrorCode::kLimitExceeded);
  EXPECT_EQ(peer.unsubscribe(100), ErrorCode::kOk);
  EXPECT_FALSE(peer.is_closed());
}

TEST(ReplicationServer, UnsubscribedCellLeavesAndComesBackWithAnotherGeneration) {
  Bench bench;
  const EntityId unit = bench.add_unit(1, 1);
  Peer peer(bench, 0);
  peer.go_live({1});
  EXPECT_EQ(peer.unsubscribe(1), ErrorCode::kOk);
  EXPECT_EQ(peer.take_advances().at(0).first.leaves.at(0).generation, 1u);
  bench.hit(unit, 4);
  peer.receive();
  EXPECT_TRUE(peer.take().empty());
  EXPECT_EQ(peer.subscribe(1), ErrorCode::kOk);
  const auto advances = peer.take_advances();
  ASSERT_EQ(advances.size(), 1u);
  EXPECT_EQ(advances[0].first.enters.at(0).generation, 2u);
  EXPECT_EQ(handles_of(advances[0].first), std::vector<uint32_t>{0});
  TailChecksum checksum;  // binds the block to the new generation
  checksum.add(0, 2, Version{0}, crc32c(advances[0].second));
  EXPECT_EQ(advances[0].first.tail_checksum, checksum.value());
}

TEST(ReplicationServer, FullSyncInChunksWhileTheWorldChanges) {
  ServerOptions options;
  options.sync_chunk_bytes = 1;
  options.unacked_bytes_max = 120;
  Bench bench(options);
  std::vector<EntityId> units;
  for (int i = 0; i < 30; ++i) units.push_back(bench.add_unit(static_cast<float>(i), 1));
  Peer peer(bench, 0);
  peer.set_acks(false);
  peer.greet();
  peer.authenticate();
  peer.receive();
  peer.ack_all();
  peer.set_accepts(60);
  Subscribe request;
  request.add = {of_keys(1, 1, {CellKey::grid(0, 0), CellKey::grid(1, 0), CellKey::grid(2, 0)})};
  peer.send(MessageType::kSubscribe, request);
  size_t chunks = 0;
  size_t rounds = 0;
  std::vector<Received> frames;
  while (bench.server.stats().full_syncs == 0 && rounds < 1000) {
    ++rounds;
    bench.hit(units[rounds % units.size()], rounds);
    peer.receive();
    peer.ack_all();
    for (Received& frame : peer.take()) {
      chunks += frame.type == MessageType::kSyncChunk;
      frames.push_back(std::move(frame));
    }
  }
  EXPECT_GT(chunks, 20u);
  EXPECT_GT(rounds, 10u);
  peer.set_accepts(1u << 20);
  peer.receive();
  for (Received& frame : peer.take()) frames.push_back(std::move(frame));
  // One begin, and the end is the net delta from there.
  Version begin;
  bool ended = false;
  for (const Received& frame : frames) {
    if (frame.type == MessageType::kSyncBegin) begin = frame.as<SyncBegin>().version;
    if (frame.type != MessageType::kAdvance || ended) continue;
    const Advance advance = frame.as<Advance>();
    EXPECT_EQ(advance.kind(), AdvanceKind::kSyncEnd);
    EXPECT_EQ(advance.from, begin);
    ended = advance.end();
  }
  EXPECT_TRUE(ended);
}

TEST(ReplicationServer, LinksBeyondTheLimitAreClosedInSilence) {
  ServerOptions options;
  options.connections_max = 2;
  Bench bench(options);
  Peer a(bench, 0);
  Peer b(bench, 1);
  Peer c(bench, 2);
  c.receive();
  EXPECT_TRUE(c.is_closed());
  EXPECT_EQ(c.consumed(), 0u);
  EXPECT_EQ(bench.closed()->code, ErrorCode::kTooManyConnections);
  a.close();
  Peer d(bench, 2);  // the number is free again
  d.go_live({1});
  EXPECT_FALSE(d.is_closed());
  EXPECT_EQ(bench.server.connection_count(), 2u);
}

TEST(ReplicationServer, ConnectionThatWantsMoreCellsThanTheLimitIsClosed) {
  ServerOptions options;
  options.cells_per_connection_max = 2;
  Bench bench(options);
  bench.add_unit(1, 1);
  bench.add_unit(11, 1);
  Peer peer(bench, 0);
  peer.go_live({1});
  EXPECT_FALSE(peer.is_closed());
  bench.add_unit(21, 1);
  peer.receive();
  EXPECT_TRUE(peer.is_closed());
  EXPECT_EQ(bench.closed()->code, ErrorCode::kLimitExceeded);
}

TEST(ReplicationServer, LinkNumberIsUsedAgainByAnotherClient) {
  Bench bench;
  const EntityId unit = bench.add_unit(1, 1);
  Peer first(bench, 5);
  first.go_live({1});
  bench.hit(unit, 1);  // lies unsent
  first.close();
  Peer second(bench, 5);
  second.greet();
  second.authenticate("admin token");
  second.receive();
  EXPECT_EQ(second.take().at(0).as<AuthReply>().client, ClientId{2});
  bench.hit(unit, 2);  // the first one's interest is gone with it
  second.receive();
  EXPECT_TRUE(second.take().empty());
  bench.pass(Duration::seconds(30));  // and so are its timers
  EXPECT_FALSE(second.is_closed());
}

TEST(ReplicationServer, ShutdownClosesAllAndRefusesNewLinks) {
  Bench bench;
  Peer peer(bench, 0);
  peer.go_live({1});
  EXPECT_FALSE(bench.server.closed());
  bench.server.shutdown(bench.now());
  Peer late(bench, 1);
  late.receive();
  EXPECT_TRUE(late.is_closed());
  EXPECT_EQ(late.consumed(), 0u);
  EXPECT_FALSE(bench.server.closed());
  peer.receive();
  EXPECT_EQ(peer.goodbye()->code, static_cast<uint16_t>(ErrorCode::kShutdown));
  EXPECT_TRUE(bench.server.closed());
}

TEST(ReplicationServer, AnotherConnectionIsFirstInEachPublish) {
  Bench bench;
  const EntityId unit = bench.add_unit(1, 1);
  std::vector<std::unique_ptr<Peer>> peers;
  for (uint64_t link = 0; link < 3; ++link) {
    peers.push_back(std::make_unique<Peer>(bench, link));
    peers.back()->go_live({1});
  }
  std::vector<uint64_t> first;
  for (uint64_t i = 1; i <= 6; ++i) {
    bench.hit(unit, i);
    first.push_back(bench.server.next_ready().value().value);
    for (const auto& peer : peers) peer->receive();
  }
  for (uint64_t i = 1; i < first.size(); ++i) EXPECT_EQ(first[i], (first[i - 1] + 1) % 3);
}

TEST(ReplicationServer, ReadyLinksAreNamedOnce) {
  Bench bench;
  const EntityId unit = bench.add_unit(1, 1);
  Peer peer(bench, 0);
  peer.go_live({1});
  EXPECT_FALSE(bench.server.next_ready());
  bench.hit(unit, 1);
  bench.hit(unit, 2);
  EXPECT_EQ(bench.server.next_ready(), peer.link());
  EXPECT_FALSE(bench.server.next_ready());
}

TEST(ReplicationServer, ServesADatabaseMadeElsewhere) {
  Database db(yard(), {});
  Transaction tx = db.begin();
  const FieldValue pos{0, Vec2f{1, 1}};
  EXPECT_TRUE(tx.insert(kUnit, tx.create().value(), std::span(&pos, 1)).ok());
  std::move(tx).commit();
  const OpenAuthenticator open;
  ReplicationServer server(std::move(db), {}, &open);
  EXPECT_EQ(server.database().published(), Version{1});
  EXPECT_NE(server.digest(kUnit, CellKey::grid(0, 0)), Digest{});
  server.check_invariants();
  ReplicationServer moved = std::move(server);
  EXPECT_EQ(moved.next_deadline(), Instant::never());
}

TEST(ReplicationServerDeathTest, InputInsideATransactionIsACheck) {
  Bench bench;
  Peer peer(bench, 0);
  peer.go_live({1});
  const Transaction open = bench.server.begin(bench.now());
  EXPECT_DEATH(peer.greet(), "check failed");
  EXPECT_DEATH(bench.server.on_sent(peer.link(), 0, bench.now()), "check failed");
  EXPECT_DEATH(bench.server.on_timer(bench.now()), "check failed");
  EXPECT_DEATH(bench.server.publish(bench.now()), "check failed");
  EXPECT_DEATH(bench.server.on_connected(LinkId{3}, bench.now()), "check failed");
}

}  // namespace
}  // namespace ecsdb::server_test
