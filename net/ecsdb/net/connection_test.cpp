// What a connection does before, beside and after the stream; the stream itself is the conformance
// suite's.
#include "ecsdb/net/connection.h"

#include <gtest/gtest.h>
#include <optional>
#include <string>

#include "ecsdb/net/listener.h"
#include "ecsdb/net/test_raw_peer.h"

namespace ecsdb::net {
namespace {

class Witness final : public ConnectionHandler {
 public:
  void on_open(Connection&) override { ++opened; }
  void on_bytes(Connection&, ByteSpan bytes) override { text += as_text(bytes); }
  void on_writable(Connection&) override {}
  void on_closed(Connection&) override { ++closed; }
  void on_finished(Connection&) override { ++finished; }

  int opened = 0;
  int closed = 0;
  int finished = 0;
  std::string text;
};

struct Rig {
  Rig() {
    options.open_timeout = Duration::ms(100);
    options.close_timeout = Duration::ms(100);
    listener = Listener::open(
                   loop, {},
                   [this](int socket, std::string peer) {
                     server = Connection::accepted(loop, socket, std::move(peer), options, witness);
                   },
                   [](const std::string&) {})
                   .value();
  }
  ~Rig() {
    if (server) server->abandon();
  }
  template <class Reached>
  bool pump_until(Reached&& reached) {
    const Instant end = loop.now().steady + Duration::seconds(10);
    while (!reached() && loop.now().steady < end) loop.run_batch(Duration::ms(1));
    return reached();
  }
  /// Reads the peer's socket until the server ends it.
  std::string read_all(int socket) {
    std::string out;
    const bool ended = pump_until([&] {
      char buffer[4096];
      const ssize_t got = ::recv(socket, buffer, sizeof(buffer), MSG_DONTWAIT);
      if (got > 0) out.append(buffer, static_cast<size_t>(got));
      return got == 0 || (got < 0 && errno != EAGAIN);
    });
    EXPECT_TRUE(ended);
    return out;
  }

  EventLoop loop;
  ConnectionOptions options;
  Witness witness;
  std::unique_ptr<Listener> listener;
  SharedConnection server;
};

/// A plain connected socket.
struct Plain {
  explicit Plain(uint16_t port) : socket(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  ~Plain() { ::close(socket); }
  void send(std::string_view text) {
    EXPECT_EQ(::send(socket, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  int socket;
};

TEST(Connection, TheFirstByteTellsWhatIsSpoken) {
  Rig rig;
  Plain peer(rig.listener->port());
  peer.send("\xec rest");
  EXPECT_TRUE(rig.pump_until([&] { return rig.witness.text == "\xec rest"; }));
  EXPECT_EQ(rig.server->transport(), TransportKind::kTcp);
}

TEST(Connection, TlsIsRefusedByName) {
  Rig rig;
  Plain peer(rig.listener->port());
  peer.send("\x16\x03\x01");
  EXPECT_TRUE(rig.pump_until([&] { return rig.witness.finished == 1; }));
  EXPECT_EQ(rig.server->info().code, ErrorCode::kBadPreface);
  EXPECT_NE(rig.server->info().reason.find("TLS"), std::string::npos);
  EXPECT_EQ(rig.witness.opened, 0);
  EXPECT_EQ(rig.witness.closed, 1);
}

TEST(Connection, APlainHttpRequestIsAnsweredAndClosed) {
  Rig rig;
  Plain peer(rig.listener->port());
  peer.send("GET /favicon.ico HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(rig.read_all(peer.socket).starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(rig.pump_until([&] { return rig.witness.finished == 1; }));
  EXPECT_EQ(rig.server->info().code, ErrorCode::kWebSocketViolation);
}

TEST(Connection, WhoNeverSaysWhatItSpeaksIsClosed) {
  Rig rig;
  Plain peer(rig.listener->port());
  EXPECT_TRUE(rig.pump_until([&] { return rig.witness.finished == 1; }));
  EXPECT_EQ(rig.server->info().code, ErrorCode::kHandshakeTimeout);
}

TEST(Connection, TheLimitRunsFromTheAcceptNotFromTheLastByte) {
  Rig rig;
  Plain peer(rig.listener->port());
  const std::string head = "GET / HTTP/1.1\r\nX-Padding: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  size_t sent = 0;
  Instant next = rig.loop.now().steady;
  EXPECT_TRUE(rig.pump_until([&] {
    if (rig.loop.now().steady >= next && sent < head.size() && rig.witness.finished == 0) {
      peer.send(head.substr(sent++, 1));
      next = rig.loop.now().steady + Duration::ms(10);
    }
    return rig.witness.finished == 1;
  }));
  EXPECT_EQ(rig.server->info().code, ErrorCode::kHandshakeTimeout);
  EXPECT_LT(sent, head.size());
}

TEST(Connection, ACloseReachesAPeerThatNeverCloses) {
  Rig rig;
  Plain peer(rig.listener->port());
  peer.send("\xec");
  ASSERT_TRUE(rig.pump_until([&] { return rig.witness.opened == 1; }));
  const ByteSpan part = as_bytes("goodbye");
  EXPECT_EQ(rig.server->offer({&part, 1}), 7u);
  rig.server->close({ErrorCode::kKicked, "out"});
  EXPECT_EQ(rig.read_all(peer.socket), "goodbye");
  EXPECT_EQ(rig.witness.finished, 0) << "it waits for the peer";
  EXPECT_TRUE(rig.pump_until([&] { return rig.witness.finished == 1; })) << "but not for ever";
  EXPECT_EQ(rig.witness.closed, 0);
}

TEST(Connection, AFloodWhileClosingIsCutOff) {
  Rig rig;
  rig.options.close_timeout = Duration::seconds(60);
  rig.options.linger_bytes_max = 100'000;
  Plain peer(rig.listener->port());
  peer.send("\xec");
  ASSERT_TRUE(rig.pump_until([&] { return rig.witness.opened == 1; }));
  rig.server->close({ErrorCode::kKicked, "out"});
  const std::string junk(10'000, 'x');
  EXPECT_TRUE(rig.pump_until([&] {
    ::send(peer.socket, junk.data(), junk.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return rig.witness.finished == 1;
  }));
}

TEST(Connection, AWebSocketPeerIsToldWhyInItsCloseFrame) {
  Rig rig;
  Plain peer(rig.listener->port());
  auto upgrade = UpgradeClient::create("localhost", "/", {1, 2}).value();
  peer.send(upgrade.request());
  ASSERT_TRUE(rig.pump_until([&] { return rig.witness.opened == 1; }));
  rig.server->close({ErrorCode::kShutdown, "back soon"});
  std::string got = rig.read_all(peer.socket);
  const auto progress = upgrade.on_bytes(as_bytes(got)).value();
  ASSERT_EQ(progress.state, UpgradeState::kUpgraded);
  Bytes frames(got.begin() + static_cast<std::ptrdiff_t>(progress.consumed), got.end());
  WebSocketFilter filter = WebSocketFilter::client(Prng(1));
  EXPECT_TRUE(filter.on_bytes(frames).ok());
  EXPECT_EQ(filter.peer_close_code(), WebSocketClose::kGoingAway);
  EXPECT_EQ(filter.peer_close_reason(), "back soon");
}

TEST(Connection, ARefusedDialIsToldLater) {
  EventLoop loop;
  uint16_t port = 0;
  {
    Rig gone;
    port = gone.listener->port();
  }
  ConnectionOptions options;
  Witness witness;
  const SharedConnection dialled =
      Connection::dial(loop, {"127.0.0.1", port, TransportKind::kTcp, "", ""}, options, witness);
  EXPECT_EQ(witness.closed, 0) << "never from inside dial()";
  const Instant end = loop.now().steady + Duration::seconds(10);
  while (witness.finished == 0 && loop.now().steady < end) loop.run_batch(Duration::ms(1));
  EXPECT_EQ(witness.closed, 1);
  EXPECT_EQ(dialled->info().code, ErrorCode::kConnectFailed);
}

TEST(Connection, ADialToSomethingElseFails) {
  // The rig's server speaks the native stream only after 0xEC: here it must answer HTTP with 404.
  Rig rig;
  Witness witness;
  const SharedConnection dialled = Connection::dial(
      rig.loop,
      {"127.0.0.1", rig.listener->port(), TransportKind::kWebSocket, "localhost", "/nothing"},
      rig.options, witness);
  EXPECT_TRUE(rig.pump_until([&] { return witness.finished == 1; }));
  EXPECT_EQ(witness.opened, 0);
  EXPECT_EQ(dialled->info().code, ErrorCode::kConnectFailed);
}

TEST(Connection, ADialThatIsNeverAnsweredEnds) {
  EventLoop loop;
  EventLoop nobody;  // accepts in the kernel only
  const auto listener = Listener::open(
                            nobody, {}, [](int, std::string) {}, [](const std::string&) {})
                            .value();
  ConnectionOptions options;
  options.open_timeout = Duration::ms(50);
  Witness witness;
  const SharedConnection dialled = Connection::dial(
      loop, {"127.0.0.1", listener->port(), TransportKind::kWebSocket, "localhost", "/"}, options,
      witness);
  const Instant end = loop.now().steady + Duration::seconds(10);
  while (witness.finished == 0 && loop.now().steady < end) loop.run_batch(Duration::ms(1));
  EXPECT_EQ(witness.closed, 1);
  EXPECT_EQ(dialled->info().code, ErrorCode::kConnectFailed);
}

TEST(Listener, SaysWhichAddressCannotBeHad) {
  EventLoop loop;
  const auto none = [](int, std::string) {};
  const auto away = [](const std::string&) {};
  const auto first = Listener::open(loop, {}, none, away);
  ASSERT_TRUE(first.ok());
  ListenOptions taken;
  taken.port = first.value()->port();
  const auto second = Listener::open(loop, taken, none, away);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().context.find(std::to_string(taken.port)), std::string::npos);
  ListenOptions bad;
  bad.address = "nowhere";
  EXPECT_EQ(Listener::open(loop, bad, none, away).code(), ErrorCode::kUsage);
}

}  // namespace
}  // namespace ecsdb::net
