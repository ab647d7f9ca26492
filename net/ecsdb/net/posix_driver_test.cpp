// The plain-socket driver of client_posix against a server on Asio. Here, because it needs one.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ecsdb/client_posix/posix_client_driver.h"
#include "ecsdb/net/test_arena.h"

namespace ecsdb::net {
namespace {

ClientOptions good_options() {
  ClientOptions options;
  options.token = kGoodToken;
  options.retry_delay_min = Duration::ms(1);
  options.retry_delay_max = Duration::ms(10);
  options.retry_delay_clean = Duration::ms(5);
  return options;
}

struct Guest {
  explicit Guest(uint16_t port, const std::string& host = "127.0.0.1")
      : client(good_options(), Prng(1)), driver(client, host, port) {
    client.subscribe("unit", driver.now());
    client.connect(driver.now());
  }
  void serve() {
    driver.run_once(Duration{});
    client.poll(driver.now());
    while (const auto event = client.next_event()) {
      if (event->kind == ClientEvent::Kind::kClosed) last_code = event->code;
    }
  }
  bool is_live() const { return client.sync().phase == SyncStatus::Phase::kLive; }

  Client client;
  PosixClientDriver driver;
  ErrorCode last_code = ErrorCode::kOk;
};

TEST(PosixClientDriver, MirrorsAServerAndLeavesCleanly) {
  TestArena arena;
  arena.start_ticks();
  Guest guest(arena.runner->port());
  const auto pump = [&](auto reached) {
    return arena.pump_until([&] {
      guest.serve();
      return reached();
    });
  };
  ASSERT_TRUE(pump([&] { return guest.is_live() && arena.ticks > 20; }));
  arena.runner->set_tick(0, nullptr);
  ASSERT_TRUE(pump([&] { return guest.client.db().cut() == arena.server.database().head(); }));
  arena.expect_equal(guest.client.db());
  guest.client.disconnect(guest.driver.now());
  EXPECT_TRUE(pump([&] { return !guest.driver.busy() && arena.runner->socket_count() == 0; }));
  EXPECT_NE(arena.log.find({"event=closed", "code=client_left"}), "");
}

TEST(PosixClientDriver, ResolvesNames) {
  TestArena arena;
  Guest guest(arena.runner->port(), "localhost");
  EXPECT_TRUE(arena.pump_until([&] {
    guest.serve();
    return guest.is_live();
  })) << guest.driver.last_problem();
}

TEST(PosixClientDriver, AnUnknownNameIsAFailedDialThatIsRetried) {
  EventLoop loop;
  Guest guest(1, "no-such-host.invalid");
  const Instant limit = loop.now().steady + Duration::seconds(20);
  while (guest.client.stats().dials < 2 && loop.now().steady < limit) guest.serve();
  EXPECT_GE(guest.client.stats().dials, 2u);
  EXPECT_NE(guest.driver.last_problem().find("no-such-host.invalid"), std::string::npos);
}

TEST(PosixClientDriver, ARefusedConnectionIsRetriedUntilTheServerIsThere) {
  uint16_t port = 0;
  {
    TestArena gone;
    port = gone.runner->port();
  }
  Guest guest(port);
  const Instant limit = guest.driver.now().steady + Duration::seconds(10);
  while (guest.client.stats().dials < 3 && guest.driver.now().steady < limit) guest.serve();
  EXPECT_NE(guest.driver.last_problem(), "");
  TestArenaOptions options;
  options.runner.listen.port = port;
  TestArena arena(options);
  EXPECT_TRUE(arena.pump_until([&] {
    guest.serve();
    return guest.is_live();
  }));
}

TEST(PosixClientDriver, WaitsNoLongerThanItsTimeout) {
  TestArena arena;
  Guest guest(arena.runner->port());
  ASSERT_TRUE(arena.pump_until([&] {
    guest.serve();
    return guest.is_live();
  }));
  while (guest.driver.run_once(Duration{})) {
  }
  const Instant before = guest.driver.now().steady;
  EXPECT_FALSE(guest.driver.run_once(Duration::ms(20)));
  const Duration waited = guest.driver.now().steady - before;
  EXPECT_GE(waited, Duration::ms(20));
  EXPECT_LT(waited, Duration::ms(900));
}

TEST(PosixClientDriver, HearsWhyTheServerWent) {
  TestArena arena;
  Guest guest(arena.runner->port());
  ASSERT_TRUE(arena.pump_until([&] {
    guest.serve();
    return guest.is_live();
  }));
  bool done = false;
  arena.runner->shutdown([&] { done = true; });
  EXPECT_TRUE(arena.pump_until([&] {
    guest.serve();
    return done && guest.last_code != ErrorCode::kOk;
  }));
  EXPECT_EQ(guest.last_code, ErrorCode::kShutdown);
}

/// A listener whose queue is full: who dials it is never answered.
class DeafListener {
 public:
  DeafListener() {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockets_.push_back(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(::bind(sockets_[0], reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    EXPECT_EQ(::listen(sockets_[0], 0), 0);
    socklen_t size = sizeof at;
    EXPECT_EQ(::getsockname(sockets_[0], reinterpret_cast<sockaddr*>(&at), &size), 0);
    port_ = ntohs(at.sin_port);
    for (int i = 0; i < 4; ++i) {
      sockets_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      (void)!::connect(sockets_.back(), reinterpret_cast<sockaddr*>(&at), sizeof at);
    }
  }
  ~DeafListener() {
    for (const int socket : sockets_) ::close(socket);
  }
  uint16_t port() const { return port_; }

 private:
  std::vector<int> sockets_;
  uint16_t port_ = 0;
};

// The client is told of the end of each link that it gave up before there was an answer, or it
// keeps all of them.
TEST(PosixClientDriver, LinksGivenUpWhileConnectingAreReportedClosed) {
  const DeafListener deaf;
  ClientOptions options = good_options();
  options.connect_timeout = Duration::ms(20);
  Client client(options, Prng(1));
  PosixClientDriver driver(client, "127.0.0.1", deaf.port());
  client.connect(driver.now());
  while (client.stats().dials < 6) driver.run_once(Duration::ms(5));
  for (uint64_t link = 1; link + 1 < client.stats().dials; ++link) {
    EXPECT_FALSE(client.has_output(LinkId{link})) << link;
  }
}

// Else a program that waits for !busy() at its end waits for the kernel's two minutes.
TEST(PosixClientDriver, DisconnectingWhileConnectingClosesTheSocket) {
  const DeafListener deaf;
  Client client(good_options(), Prng(1));
  PosixClientDriver driver(client, "127.0.0.1", deaf.port());
  client.connect(driver.now());
  for (int i = 0; i < 5; ++i) driver.run_once(Duration::ms(1));
  client.disconnect(driver.now());
  for (int i = 0; i < 200 && driver.busy(); ++i) driver.run_once(Duration::ms(10));
  EXPECT_FALSE(driver.busy());
}

}  // namespace
}  // namespace ecsdb::net
