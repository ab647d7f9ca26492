// Our upgrade and filter against Beast's websocket::stream on loopback sockets, in both roles.
#include <arpa/inet.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <fcntl.h>
#include <functional>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/uio.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "ecsdb/net/http_upgrade.h"
#include "ecsdb/net/websocket_filter.h"

namespace ecsdb {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using BeastSocket = websocket::stream<asio::ip::tcp::socket>;
using boost::system::error_code;

constexpr int kPatienceMs = 20'000;  // ends a test that hangs; nothing waits this long
constexpr int kSmallSendBuffer = 4096;
constexpr std::array<size_t, 8> kSizes = {0, 1, 125, 126, 65535, 65536, 65537, 700'000};

Bytes pattern(size_t size, uint64_t seed) {
  Prng random(seed);
  Bytes bytes(size);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.next());
  return bytes;
}

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Owns a socket.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) { EXPECT_GE(fd_, 0); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Descriptor connect_to(uint16_t port) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM, 0));
  const sockaddr_in address = loopback(port);
  EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
            0);
  return socket;
}

// A listening socket on a port that the system chose.
class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = loopback(0);
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(socket_.get(), raw, size), 0);
    EXPECT_EQ(::listen(socket_.get(), 1), 0);
    EXPECT_EQ(::getsockname(socket_.get(), raw, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  uint16_t port() const { return port_; }
  Descriptor accept() { return Descriptor(::accept(socket_.get(), nullptr, nullptr)); }

 private:
  Descriptor socket_;
  uint16_t port_ = 0;
};

// A driver in the small: one non-blocking socket below one filter. A small send buffer makes short
// accepts the rule.
class FilterLink {
 public:
  FilterLink(Descriptor socket, const WebSocketFilter& upgraded)
      : filter(upgraded), socket_(std::move(socket)) {
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUF, &kSmallSendBuffer, sizeof(kSmallSendBuffer));
    ::fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
  }

  // Blocks for one read; the answer to the upgrade takes this way too.
  Bytes read_some() {
    pollfd wait{socket_.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&wait, 1, kPatienceMs), 1);
    Bytes bytes(16 * 1024);
    const ssize_t size = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    bytes.resize(size > 0 ? static_cast<size_t>(size) : 0);
    return bytes;
  }
  void write(std::string_view text) {
    EXPECT_EQ(::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  void take(Bytes bytes) {
    const Result<ByteSpan> run = filter.on_bytes(bytes);
    if (!run.ok()) {
      error = run.code();
      return;
    }
    received.insert(received.end(), run->begin(), run->end());
    if (echo) to_send.insert(to_send.end(), run->begin(), run->end());
  }

  // Reads and writes until `done` holds or the connection is over.
  void run_until(const std::function<bool()>& done) {
    while (!done()) {
      const bool wants_write = filter.has_output() || (!to_send.empty() && !filter.input_ended());
      pollfd wait{socket_.get(), static_cast<short>(wants_write ? POLLIN | POLLOUT : POLLIN), 0};
      if (::poll(&wait, 1, kPatienceMs) != 1) {
        ADD_FAILURE() << "nothing happens any more";
        return;
      }
      if ((wait.revents & POLLOUT) != 0 && wants_write) send_some();
      if ((wait.revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
      Bytes bytes = read_some();
      if (bytes.empty()) return;
      take(std::move(bytes));
    }
  }

  // Runs to the end of the close handshake, then closes as a driver should: it says that it will
  // not send any more and reads to the end, so no reset overtakes the close frame.
  void finish() {
    run_until([this] { return filter.state() == WebSocketState::kClosed; });
    EXPECT_EQ(filter.state(), WebSocketState::kClosed);
    ::shutdown(socket_.get(), SHUT_WR);
    while (!read_some().empty()) continue;
  }

  WebSocketFilter filter;
  Bytes to_send;
  Bytes received;
  bool echo = false;
  ErrorCode error = ErrorCode::kOk;

 private:
  void send_some() {
    const ByteSpan part = to_send;
    const auto offered = filter.output({&part, 1}, scratch_);
    std::vector<iovec> vectors;
    for (const ByteSpan span : offered) {
      vectors.push_back({const_cast<uint8_t*>(span.data()), span.size()});
    }
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = vectors.size();
    const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    const size_t accepted = filter.on_sent(sent > 0 ? static_cast<size_t>(sent) : 0);
    to_send.erase(to_send.begin(), to_send.begin() + static_cast<ptrdiff_t>(accepted));
  }

  Descriptor socket_;
  WebSocketScratch scratch_;
};

// Serves one Beast client that `talk` drives on a thread of its own. Destroying the link ends a
// client that still waits, so the join cannot hang.
class ServerWithBeastClient {
 public:
  explicit ServerWithBeastClient(const std::function<void(BeastSocket&)>& talk)
      : thread_([this, talk] {
          asio::io_context context;
          BeastSocket stream(context);
          const auto address = asio::ip::address_v4::loopback();
          error_code error;
          (void)stream.next_layer().connect({address, listener_.port()}, error);
          stream.next_layer().set_option(asio::ip::tcp::no_delay(true), error);
          (void)stream.handshake("localhost", "/ecsdb", error);
          ASSERT_FALSE(error) << error.message();
          stream.binary(true);
          talk(stream);
        }),
        link(listener_.accept(), WebSocketFilter::server()) {
    const UpgradeServerOptions options;
    UpgradeServer upgrade(options);
    while (upgrade.state() == UpgradeState::kNeedMore) upgrade.on_bytes(link.read_some());
    EXPECT_EQ(upgrade.status(), 101u) << upgrade.refusal();
    link.write(upgrade.response());
  }

 private:
  Listener listener_;
  std::jthread thread_;

 public:
  FilterLink link;
};

// A client of a Beast server that `talk` drives on a thread of its own.
class ClientOfBeastServer {
 public:
  explicit ClientOfBeastServer(const std::function<void(BeastSocket&)>& talk)
      : acceptor_(context_, {asio::ip::address_v4::loopback(), 0}),
        thread_([this, talk] {
          error_code error;
          BeastSocket stream(acceptor_.accept());
          stream.next_layer().set_option(asio::ip::tcp::no_delay(true), error);
          stream.accept(error);
          ASSERT_FALSE(error) << error.message();
          stream.binary(true);
          talk(stream);
        }),
        link(connect_to(acceptor_.local_endpoint().port()), WebSocketFilter::client(Prng(5))) {
    upgrade();
  }

 private:
  void upgrade() {
    UpgradeClient client = *UpgradeClient::create("localhost", "/", {3, 4});
    link.write(client.request());
    for (bool upgraded = false; !upgraded;) {
      Bytes bytes = link.read_some();
      const auto progress = client.on_bytes(bytes);
      ASSERT_TRUE(progress.ok()) << progress.error().to_string();
      upgraded = progress->state == UpgradeState::kUpgraded;
      bytes.erase(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(progress->consumed));
      if (upgraded) link.take(std::move(bytes));
    }
  }

  asio::io_context context_;
  asio::ip::tcp::acceptor acceptor_;
  std::jthread thread_;

 public:
  FilterLink link;
};

// Reads binary messages until `size` bytes came.
Bytes read_stream(BeastSocket& stream, size_t size) {
  beast::flat_buffer buffer;
  error_code error;
  while (buffer.size() < size && !error) stream.read(buffer, error);
  EXPECT_FALSE(error) << error.message();
  EXPECT_TRUE(stream.got_binary() || size == 0);
  const auto* data = static_cast<const uint8_t*>(buffer.cdata().data());
  return Bytes(data, data + buffer.size());
}

void expect_echoes(BeastSocket& stream) {
  for (const size_t size : kSizes) {
    const Bytes message = pattern(size, size);
    error_code error;
    stream.write(asio::buffer(message), error);
    ASSERT_FALSE(error) << error.message();
    EXPECT_EQ(read_stream(stream, size), message) << size;
  }
}

TEST(WebSocketInterop, BeastClientGetsItsMessagesBack) {
  for (const bool fragmented : {true, false}) {
    ServerWithBeastClient test([fragmented](BeastSocket& stream) {
      stream.auto_fragment(fragmented);
      expect_echoes(stream);
      error_code error;
      stream.close({websocket::close_code::going_away, "enough"}, error);
      EXPECT_FALSE(error) << error.message();
    });
    test.link.echo = true;
    test.link.finish();
    EXPECT_EQ(test.link.filter.peer_close_code(), WebSocketClose::kGoingAway);
    EXPECT_EQ(test.link.filter.peer_close_reason(), "enough");
  }
}

TEST(WebSocketInterop, BeastClientGetsPongsBetweenData) {
  ServerWithBeastClient test([](BeastSocket& stream) {
    std::string pong;
    stream.control_callback([&pong](websocket::frame_type type, beast::string_view payload) {
      if (type == websocket::frame_type::pong) pong = payload;
    });
    error_code error;
    for (const std::string_view text : {"", "hello"}) {
      const Bytes message = pattern(50'000, 1);
      pong = "none";
      stream.ping(websocket::ping_data(beast::string_view(text.data(), text.size())), error);
      stream.write(asio::buffer(message), error);
      EXPECT_EQ(read_stream(stream, message.size()), message);
      EXPECT_EQ(pong, text);
    }
    stream.close(websocket::close_code::normal, error);
    EXPECT_FALSE(error) << error.message();
  });
  test.link.echo = true;
  test.link.finish();
}

TEST(WebSocketInterop, BeastClientSeesOurCloseAndAnswersIt) {
  ServerWithBeastClient test([](BeastSocket& stream) {
    beast::flat_buffer buffer;
    error_code error;
    stream.read(buffer, error);
    EXPECT_EQ(error, websocket::error::closed);
    EXPECT_EQ(stream.reason().code, 1008);
    EXPECT_EQ(std::string_view(stream.reason().reason.c_str()), "no token");
  });
  test.link.filter.close(WebSocketClose::kPolicyViolation, "no token");
  test.link.finish();
  EXPECT_EQ(test.link.filter.peer_close_code(), WebSocketClose::kPolicyViolation);
}

TEST(WebSocketInterop, BeastClientThatSendsTextIsToldWhy) {
  ServerWithBeastClient test([](BeastSocket& stream) {
    stream.text(true);
    error_code error;
    stream.write(asio::buffer("hello", 5), error);
    beast::flat_buffer buffer;
    stream.read(buffer, error);
    EXPECT_EQ(error, websocket::error::closed);
    EXPECT_EQ(stream.reason().code, 1003);
  });
  test.link.finish();
  EXPECT_EQ(test.link.error, ErrorCode::kWebSocketViolation);
}

TEST(WebSocketInterop, BeastServerEchoesOurStreamAndItsPingsAreAnswered) {
  Bytes sent;
  for (const size_t size : kSizes) {
    const Bytes more = pattern(size, size);
    sent.insert(sent.end(), more.begin(), more.end());
  }
  ClientOfBeastServer test([&sent](BeastSocket& stream) {
    size_t pings = 0;
    size_t pongs = 0;
    stream.control_callback([&pongs](websocket::frame_type type, beast::string_view) {
      pongs += type == websocket::frame_type::pong ? 1 : 0;
    });
    error_code error;
    for (size_t echoed = 0; echoed < sent.size();) {
      beast::flat_buffer buffer;
      stream.read(buffer, error);
      ASSERT_FALSE(error) << error.message();
      stream.ping("are you there", error);
      ++pings;
      stream.write(buffer.cdata(), error);
      ASSERT_FALSE(error) << error.message();
      echoed += buffer.size();
    }
    beast::flat_buffer buffer;
    stream.read(buffer, error);
    EXPECT_EQ(error, websocket::error::closed);
    EXPECT_EQ(stream.reason().code, 1000);
    EXPECT_EQ(std::string_view(stream.reason().reason.c_str()), "bye");
    EXPECT_GE(pongs, 1u);
    EXPECT_LE(pongs, pings);
  });
  test.link.to_send = sent;
  test.link.run_until([&] { return test.link.received.size() >= sent.size(); });
  EXPECT_EQ(test.link.received, sent);
  EXPECT_TRUE(test.link.to_send.empty());
  test.link.filter.close(WebSocketClose::kNormal, "bye");
  test.link.finish();
  EXPECT_EQ(test.link.filter.peer_close_code(), WebSocketClose::kNormal);
}

TEST(WebSocketInterop, BeastServerThatSpeaksFirstAndClosesIsHeard) {
  ClientOfBeastServer test([](BeastSocket& stream) {
    error_code error;
    stream.write(asio::buffer("welcome", 7), error);
    stream.close({websocket::close_code::going_away, "restart"}, error);
    EXPECT_FALSE(error) << error.message();
  });
  test.link.finish();
  EXPECT_EQ(as_text(test.link.received), "welcome");
  EXPECT_EQ(test.link.filter.peer_close_code(), WebSocketClose::kGoingAway);
  EXPECT_EQ(test.link.filter.peer_close_reason(), "restart");
}

}  // namespace
}  // namespace ecsdb
