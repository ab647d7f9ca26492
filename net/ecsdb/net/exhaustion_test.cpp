// A server that runs out of file descriptors: in a child process, because the limit is a process's.
#include <csignal>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ecsdb/net/test_arena.h"
#include "ecsdb/net/test_raw_peer.h"

namespace ecsdb::net {
namespace {

constexpr rlim_t kDescriptors = 48;
constexpr int kPeers = 100;

enum ChildExit { kChildGood = 0, kNobodyTurnedAway = 20, kTooMuchCpu = 21, kNoServer = 22 };

/// Serves until SIGTERM, then says by its exit code how it went.
int serve_with_few_descriptors(int port_pipe) {
  const rlimit limit{kDescriptors, kDescriptors};
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return kNoServer;
  TestArenaOptions options;
  options.runner.connection.open_timeout = Duration::seconds(30);  // idle peers stay
  TestArena arena(options);
  const uint16_t port = arena.runner->port();
  const Status signals =
      arena.loop.on_signals([&](int) { arena.runner->shutdown([&] { arena.loop.stop(); }); });
  if (!signals.ok()) return kNoServer;
  if (::write(port_pipe, &port, sizeof(port)) != sizeof(port)) return kNoServer;
  arena.start_ticks();
  arena.loop.run();
  if (arena.runner->stats().turned_away == 0 ||
      arena.log.find({"event=turned_away", "open files"}).empty()) {
    return kNobodyTurnedAway;
  }
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return used.ru_utime.tv_sec + used.ru_stime.tv_sec >= 3 ? kTooMuchCpu : kChildGood;
}

struct Guest {
  explicit Guest(EventLoop& loop, uint16_t port) {
    ClientOptions options;
    options.token = kGoodToken;
    options.retry_delay_min = Duration::ms(1);
    options.retry_delay_max = Duration::ms(50);
    options.retry_delay_clean = Duration::ms(20);
    Client client(options, Prng(1));
    client.subscribe("unit", loop.now());
    runner = ClientRunner::create(loop, {}, {});
    ECSDB_CHECK(
        runner->add(std::move(client), {TransportKind::kTcp, {"127.0.0.1", port}, "/"}).ok());
    runner->connect(0);
  }
  const Client& client() { return runner->client(0); }
  bool is_live() { return client().sync().phase == SyncStatus::Phase::kLive; }

  std::unique_ptr<ClientRunner> runner;
};

template <class Reached>
bool pump_until(EventLoop& loop, Reached&& reached) {
  const Instant end = loop.now().steady + Duration::seconds(20);
  while (!reached() && loop.now().steady < end) loop.run_batch(Duration::ms(1));
  return reached();
}

TEST(DescriptorExhaustion, TurnsNewcomersAwayAndRecovers) {
  int port_pipe[2];
  ASSERT_EQ(::pipe(port_pipe), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(serve_with_few_descriptors(port_pipe[1]));
  uint16_t port = 0;
  pollfd wait{port_pipe[0], POLLIN, 0};
  ASSERT_EQ(::poll(&wait, 1, 20'000), 1);
  ASSERT_EQ(::read(port_pipe[0], &port, sizeof(port)), static_cast<ssize_t>(sizeof(port)));

  EventLoop loop;
  Guest early(loop, port);
  EXPECT_TRUE(pump_until(loop, [&] { return early.is_live(); }));
  {
    std::vector<RawPeer> peers;
    for (int i = 0; i < kPeers; ++i) peers.emplace_back(port, TransportKind::kTcp);
    // Those that found no descriptor are closed at once; the others stay.
    EXPECT_TRUE(pump_until(loop, [&] {
      int over = 0;
      for (RawPeer& peer : peers) {
        peer.pump();
        over += peer.is_over() ? 1 : 0;
      }
      return over >= kPeers - static_cast<int>(kDescriptors);
    }));
    const Version cut = early.client().db().cut();
    EXPECT_TRUE(pump_until(loop, [&] { return early.client().db().cut().value > cut.value + 5; }))
        << "the client that was there before is still served";
  }
  Guest late(loop, port);
  EXPECT_TRUE(pump_until(loop, [&] { return late.is_live(); }));
  EXPECT_EQ(early.client().stats().connects, 1u);

  ::kill(child, SIGTERM);
  pump_until(loop, [&] { return !early.is_live() && !late.is_live(); });
  int status = 0;
  pid_t ended = 0;
  pump_until(loop, [&] {
    if (ended == 0) ended = ::waitpid(child, &status, WNOHANG);
    return ended != 0;
  });
  if (ended == 0) ::kill(child, SIGKILL);
  EXPECT_EQ(ended, child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), kChildGood);
  ::close(port_pipe[0]);
  ::close(port_pipe[1]);
}

}  // namespace
}  // namespace ecsdb::net
