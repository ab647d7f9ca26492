// Server and clients on real sockets: both transports, both drivers, the life of a connection.
#include <csignal>
#include <gtest/gtest.h>

#include "ecsdb/client_posix/posix_client_driver.h"
#include "ecsdb/net/test_arena.h"
#include "ecsdb/net/test_raw_peer.h"

namespace ecsdb::net {
namespace {

TEST(Runner, CommitsReachClientsOverTcpAndWebSocket) {
  TestArena arena;
  arena.start_ticks();
  arena.add_mixed_clients(4);
  ASSERT_TRUE(arena.pump_until([&] { return arena.all_live(); }));
  ASSERT_TRUE(arena.pump_ticks(20));
  arena.expect_equal_at_head();
  arena.expect_undisturbed();
  for (size_t i = 0; i < 4; ++i) EXPECT_GT(arena.clients->client(i).stats().advances, 10u);
}

TEST(Runner, AClientThatLeavesSaysGoodbyeAndIsLogged) {
  for (const TransportKind kind : {TransportKind::kTcp, TransportKind::kWebSocket}) {
    TestArena arena;
    const size_t index = arena.add_client(kind);
    ASSERT_TRUE(arena.pump_until([&] { return arena.is_live(index); }));
    arena.clients->disconnect(index);
    EXPECT_TRUE(arena.pump_until(
        [&] { return arena.clients->socket_count() == 0 && arena.runner->socket_count() == 0; }));
    EXPECT_NE(arena.log.find({"event=closed", "link=0", "code=client_left",
                              "transport=" + std::string(transport_name(kind))}),
              "")
        << arena.log.lines.back();
  }
}

TEST(Runner, AClientThatDoesNotReadStaysBehindAndCatchesUp) {
  for (const TransportKind kind : {TransportKind::kTcp, TransportKind::kWebSocket}) {
    TestArena arena;
    arena.start_ticks();
    const size_t slow = arena.add_client(kind);
    const size_t other = arena.add_client(kind);
    ASSERT_TRUE(arena.pump_until([&] { return arena.all_live(); }));
    arena.clients->set_reading(slow, false);
    const Version cut = arena.clients->client(slow).db().cut();
    ASSERT_TRUE(arena.pump_ticks(20));
    EXPECT_EQ(arena.clients->client(slow).db().cut(), cut);
    EXPECT_GT(arena.clients->client(other).db().cut(), cut);
    arena.clients->set_reading(slow, true);
    arena.expect_equal_at_head();
    arena.expect_undisturbed();
  }
}

TEST(Runner, ADialThatIsNotReadHearsNothing) {
  TestArena arena;
  const size_t index = arena.add_client(TransportKind::kTcp);
  arena.clients->set_reading(index, false);
  ASSERT_TRUE(arena.pump_until([&] { return arena.server.connection_count() == 1; }));
  arena.start_ticks();
  ASSERT_TRUE(arena.pump_ticks(10));
  EXPECT_EQ(arena.clients->client(index).stats().bytes_received, 0u);
  arena.clients->set_reading(index, true);
  EXPECT_TRUE(arena.pump_until([&] { return arena.is_live(index); }));
}

TEST(Runner, AClientThatDoesNotReadLearnsOfItsEndWhenItDoes) {
  TestArena arena;
  const size_t index = arena.add_client(TransportKind::kTcp);
  ASSERT_TRUE(arena.pump_until([&] { return arena.is_live(index); }));
  arena.clients->set_reading(index, false);
  const LinkId link{0};
  arena.server.disconnect(link, ErrorCode::kStalled, "for a test", arena.loop.now());
  arena.start_ticks();
  ASSERT_TRUE(arena.pump_ticks(10));
  EXPECT_EQ(arena.last_code[index], ErrorCode::kOk);
  arena.clients->set_reading(index, true);
  EXPECT_TRUE(arena.pump_until([&] { return arena.last_code[index] == ErrorCode::kStalled; }));
}

TEST(Runner, AWrongTokenIsRefusedWithAReason) {
  for (const TransportKind kind : {TransportKind::kTcp, TransportKind::kWebSocket}) {
    TestArena arena;
    const size_t index = arena.add_client(kind, "wrong");
    EXPECT_TRUE(arena.pump_until([&] { return arena.last_code[index] != ErrorCode::kOk; }));
    EXPECT_EQ(arena.last_code[index], ErrorCode::kAuthFailed);
    EXPECT_TRUE(arena.pump_until([&] {
      return !arena.log.find({"event=closed", "code=auth_failed"}).empty();
    }));
    EXPECT_EQ(arena.log.find({"wrong"}), "") << "the token must not be logged";
  }
}

// The handler runs when the links have been served: what it does must not wait for the next batch,
// which nothing but a heartbeat may bring.
TEST(Runner, WhatAnEventHandlerPublishesGoesOutInTheSameBatch) {
  TestArena arena;
  arena.add_mixed_clients(2);
  ASSERT_TRUE(arena.pump_until([&] { return arena.all_live(); }));
  arena.pump_until([] { return false; }, Duration::ms(20));
  arena.runner->set_event_handler([&](const ServerEvent& event) {
    if (event.kind == ServerEvent::Kind::kClosed) arena.tick(arena.loop.now());
  });
  arena.clients->disconnect(0);
  const Instant begin = arena.loop.now().steady;
  const Version before = arena.server.database().published();
  while (arena.clients->client(1).db().cut() == before) {
    arena.loop.run_batch(Duration::seconds(10));
  }
  EXPECT_LT((arena.loop.now().steady - begin).to_ms(), 300);
}

TEST(Runner, ShutdownSaysGoodbyeToEveryone) {
  TestArena arena;
  arena.start_ticks();
  arena.add_mixed_clients(4);
  RawPeer silent(arena.runner->port(), TransportKind::kTcp);
  ASSERT_TRUE(arena.pump_until([&] { return arena.all_live(); }));
  bool done = false;
  arena.runner->shutdown([&] { done = true; });
  EXPECT_TRUE(arena.pump_until([&] { return done; }));
  EXPECT_EQ(arena.runner->socket_count(), 0u);
  EXPECT_TRUE(arena.server.closed());
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(arena.last_code[i], ErrorCode::kShutdown);
}

TEST(Runner, AClientDialsAgainAfterItsServerCameBack) {
  auto first = std::make_unique<TestArena>();
  EventLoop loop;
  const uint16_t port = first->runner->port();
  ClientOptions options;
  options.token = kGoodToken;
  options.retry_delay_min = Duration::ms(1);
  options.retry_delay_max = Duration::ms(20);
  options.retry_delay_clean = Duration::ms(5);
  Client client(options, Prng(1));
  client.subscribe("unit", loop.now());
  const auto clients = ClientRunner::create(loop, {}, {});
  ASSERT_TRUE(
      clients->add(std::move(client), {TransportKind::kTcp, {"127.0.0.1", port}, "/"}).ok());
  clients->connect(0);
  const auto phase = [&] { return clients->client(0).sync().phase; };
  ASSERT_TRUE(first->pump_until([&] {
    loop.run_batch(Duration::us(100));
    return phase() == SyncStatus::Phase::kLive;
  }));
  first.reset();
  const Instant limit = loop.now().steady + Duration::seconds(10);
  while (phase() != SyncStatus::Phase::kConnecting && loop.now().steady < limit) {
    loop.run_batch(Duration::ms(1));
  }
  TestArenaOptions again;
  again.runner.listen.port = port;
  TestArena second(again);
  EXPECT_TRUE(second.pump_until([&] {
    loop.run_batch(Duration::us(100));
    return phase() == SyncStatus::Phase::kLive;
  }));
  EXPECT_EQ(clients->client(0).stats().connects, 2u);
}

TEST(Runner, TicksKeepTheirRateAndSkipThoseThatAreMissed) {
  TestArena arena;
  const Instant start = arena.loop.now().steady;
  int count = 0;
  bool was_slow = false;
  arena.runner->set_tick(200, [&](const Now& now) {
    if (++count != 10) return;
    was_slow = true;  // as a game step that takes five periods
    while (arena.loop.now().steady < now.steady + Duration::ms(25)) {
    }
  });
  ASSERT_TRUE(arena.pump_until([&] { return count >= 60; }));
  const ServerRunnerStats& stats = arena.runner->stats();
  EXPECT_TRUE(was_slow);
  EXPECT_GE(stats.tick_overruns, 1u);
  EXPECT_GE(stats.ticks_skipped, 4u);
  EXPECT_GE(stats.tick_longest, Duration::ms(25));
  // No drift: the last tick is due when that many periods, the skipped ones included, are over.
  const auto due = static_cast<int64_t>(stats.ticks + stats.ticks_skipped);
  EXPECT_GE(arena.loop.now().steady - start, Duration::ms(5) * due);
  EXPECT_NE(arena.log.find({"event=tick_late", "period_us=5000"}), "");
}

TEST(Runner, SocketsBeyondTheLimitAreTurnedAway) {
  TestArenaOptions options;
  options.runner.sockets_max = 3;
  TestArena arena(options);
  std::vector<RawPeer> peers;
  for (int i = 0; i < 5; ++i) peers.emplace_back(arena.runner->port(), TransportKind::kTcp);
  EXPECT_TRUE(arena.pump_until([&] { return arena.runner->stats().accepted == 5; }));
  EXPECT_EQ(arena.runner->socket_count(), 3u);
  EXPECT_EQ(arena.runner->stats().turned_away, 2u);
  EXPECT_NE(arena.log.find({"event=turned_away", "code=too_many_connections"}), "");
}

TEST(Runner, WhatAPeerSaysIsEscapedInTheLog) {
  TestArenaOptions options;
  options.runner.connection.close_timeout = Duration::ms(100);
  TestArena arena(options);
  RawPeer peer(arena.runner->port(), TransportKind::kTcp);
  peer.send(as_bytes("GET /\x1b[31m\r\nfaked=line HTTP/1.1\r\n\r\n"));
  EXPECT_TRUE(arena.pump_until([&] {
    peer.pump();
    return !arena.log.find({"event=closed", peer.log_word()}).empty();
  }));
  for (const std::string& line : arena.log.lines) {
    for (const char c : line) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << line;
  }
}

TEST(EventLoop, ServesSignals) {
  EventLoop loop;
  int seen = 0;
  ASSERT_TRUE(loop.on_signals([&](int number) { seen = number; }).ok());
  ::raise(SIGTERM);
  const Instant limit = loop.now().steady + Duration::seconds(5);
  while (seen == 0 && loop.now().steady < limit) loop.run_batch(Duration::ms(10));
  EXPECT_EQ(seen, SIGTERM);
}

TEST(EventLoop, ATimerMovedLaterExpiresOnceAndNotEarly) {
  EventLoop loop;
  int expired = 0;
  Instant at;
  LoopTimer timer(loop, [&] {
    ++expired;
    at = loop.now().steady;
  });
  const Instant start = loop.now().steady;
  timer.arm(start + Duration::ms(1));
  timer.arm(start + Duration::ms(10));
  while (expired == 0 && loop.now().steady < start + Duration::seconds(5)) {
    loop.run_batch(Duration::ms(1));
  }
  EXPECT_EQ(expired, 1);
  EXPECT_GE(at, start + Duration::ms(10));
  timer.arm(loop.now().steady + Duration::ms(5));
  timer.arm(start);  // in the past: at once
  loop.run_batch(Duration::ms(100));
  EXPECT_EQ(expired, 2);
  timer.arm(loop.now().steady + Duration::ms(1));
  timer.disarm();
  loop.run_batch(Duration::ms(10));
  EXPECT_EQ(expired, 2);
}

TEST(EventLoop, ATimerMayDestroyItself) {
  EventLoop loop;
  std::unique_ptr<LoopTimer> timer;
  bool expired = false;
  timer = std::make_unique<LoopTimer>(loop, [&] {
    timer.reset();
    expired = true;
  });
  timer->arm(loop.now().steady);
  loop.run_batch(Duration::ms(100));
  EXPECT_TRUE(expired);
}

}  // namespace
}  // namespace ecsdb::net
