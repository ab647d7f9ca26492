// What runs through the proxy, and what happens to it when the proxy breaks it.
#include "tools/proxy.h"

#include <arpa/inet.h>
#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "ecsdb/net/listener.h"

namespace ecsdb {
namespace {

constexpr Duration kPatience = Duration::seconds(10);

/// A socket that never waits.
class Plain {
 public:
  explicit Plain(int fd) : fd_(fd) { fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK); }
  Plain(Plain&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Plain& operator=(Plain&&) = delete;
  ~Plain() { close(); }
  static Plain dial(uint16_t port) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    return Plain(fd);
  }

  size_t send(std::string_view bytes) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return sent > 0 ? static_cast<size_t>(sent) : 0;
  }
  void end_sending() { shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  /// Takes what is there.
  void read() {
    char bytes[64 * 1024];
    while (!ended && !was_reset) {
      const ssize_t got = recv(fd_, bytes, sizeof(bytes), 0);
      if (got > 0) {
        text.append(bytes, static_cast<size_t>(got));
        continue;
      }
      ended = got == 0;
      was_reset = got < 0 && errno == ECONNRESET;
      return;
    }
  }

  std::string text;
  bool ended = false;
  bool was_reset = false;

 private:
  int fd_;
};

class ProxyTest : public testing::Test {
 protected:
  void SetUp() override {
    auto listener = net::Listener::open(
        loop_, {}, [this](int socket, const std::string&) { accepted_.emplace_back(socket); },
        [](const std::string&) {});
    ASSERT_TRUE(listener.ok());
    listener_ = std::move(listener).value();
    auto proxy = Proxy::start(loop_, {"127.0.0.1", listener_->port()});
    ASSERT_TRUE(proxy.ok()) << proxy.error().context;
    proxy_ = std::move(proxy).value();
  }
  template <class Reached>
  bool pump_until(Reached reached, Duration patience = kPatience) {
    const Instant deadline = loop_.now().steady + patience;
    while (!reached() && loop_.now().steady < deadline) loop_.run_batch(Duration::ms(1));
    return reached();
  }
  /// Connected through the proxy, both ends known.
  Plain connect() {
    const size_t before = accepted_.size();
    Plain client = Plain::dial(proxy_->port());
    EXPECT_TRUE(pump_until([&] { return accepted_.size() > before; }));
    return client;
  }
  bool arrives(Plain& at, const std::string& text) {
    return pump_until([&] {
      at.read();
      return at.text == text;
    });
  }
  bool is_reset(Plain& at) {
    return pump_until([&] {
      at.read();
      return at.was_reset;
    });
  }
  /// Nothing comes, although the loop had time to bring it.
  bool hears_nothing(Plain& at) {
    for (int i = 0; i < 20; ++i) loop_.run_batch(Duration::ms(1));
    at.read();
    return at.text.empty() && !at.ended && !at.was_reset;
  }

  net::EventLoop loop_;
  std::vector<Plain> accepted_;
  std::unique_ptr<net::Listener> listener_;
  std::unique_ptr<Proxy> proxy_;
};

TEST_F(ProxyTest, BytesAndEndsGoBothWays) {
  Plain client = connect();
  client.send("up");
  EXPECT_TRUE(arrives(accepted_[0], "up"));
  client.end_sending();
  EXPECT_TRUE(pump_until([&] {
    accepted_[0].read();
    return accepted_[0].ended;
  }));
  accepted_[0].send("down, after the other way ended");
  EXPECT_TRUE(arrives(client, "down, after the other way ended"));
  accepted_[0].close();
  EXPECT_TRUE(pump_until([&] { return proxy_->connection_count() == 0; }));
}

TEST_F(ProxyTest, AReaderThatDoesNotReadIsFeltAtTheOtherEnd) {
  Plain client = connect();
  const std::string piece(64 * 1024, 'x');
  std::string sent;
  int full = 0;
  while (full < 50 && sent.size() < 64u << 20) {
    const size_t count = client.send(piece);
    sent.append(count, 'x');
    full = count == 0 ? full + 1 : 0;
    loop_.run_batch(Duration::ms(1));
  }
  EXPECT_EQ(full, 50) << "the proxy took everything";
  EXPECT_TRUE(arrives(accepted_[0], sent));
}

TEST_F(ProxyTest, AResetReachesBothEndsAndNewcomersUntilItHeals) {
  Plain client = connect();
  client.send("up");
  EXPECT_TRUE(arrives(accepted_[0], "up"));
  proxy_->reset();
  EXPECT_TRUE(is_reset(client));
  EXPECT_TRUE(is_reset(accepted_[0]));
  Plain newcomer = Plain::dial(proxy_->port());
  EXPECT_TRUE(is_reset(newcomer));
  EXPECT_EQ(accepted_.size(), 1u);
  proxy_->heal();
  Plain later = connect();
  later.send("again");
  EXPECT_TRUE(arrives(accepted_[1], "again"));
}

TEST_F(ProxyTest, ABlackHoleHoldsBytesAndEndsUntilItHeals) {
  Plain client = connect();
  proxy_->black_hole();
  client.send("up");
  accepted_[0].send("down");
  EXPECT_TRUE(hears_nothing(accepted_[0]));
  EXPECT_TRUE(hears_nothing(client));
  client.end_sending();
  EXPECT_TRUE(hears_nothing(accepted_[0]));
  proxy_->heal();
  EXPECT_TRUE(arrives(client, "down"));
  EXPECT_TRUE(pump_until([&] {
    accepted_[0].read();
    return accepted_[0].ended;
  }));
  EXPECT_EQ(accepted_[0].text, "up");
}

TEST_F(ProxyTest, NewcomersOfABlackHoleHearNothingAndOnlyThoseStillThereGoOn) {
  proxy_->black_hole();
  Plain patient = Plain::dial(proxy_->port());
  Plain impatient = Plain::dial(proxy_->port());
  patient.send("patient");
  impatient.send("impatient");
  EXPECT_TRUE(hears_nothing(patient));
  impatient.close();
  EXPECT_TRUE(pump_until([&] { return proxy_->connection_count() == 2; }));
  EXPECT_EQ(accepted_.size(), 0u);
  proxy_->heal();
  EXPECT_TRUE(pump_until([&] { return accepted_.size() == 1; }));
  EXPECT_TRUE(arrives(accepted_[0], "patient"));
  EXPECT_EQ(proxy_->connection_count(), 1u);
}

TEST_F(ProxyTest, WithoutATargetTheConnectionIsReset) {
  listener_->close();
  Plain client = Plain::dial(proxy_->port());
  EXPECT_TRUE(is_reset(client));
}

TEST_F(ProxyTest, ATargetThatCannotBeResolvedIsAnError) {
  const auto proxy = Proxy::start(loop_, {"no such host", 1});
  ASSERT_FALSE(proxy.ok());
  EXPECT_EQ(proxy.error().code, ErrorCode::kConnectFailed);
}

}  // namespace
}  // namespace ecsdb
