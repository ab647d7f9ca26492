#include "tools/proxy.h"

#include <algorithm>
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include "ecsdb/net/asio_loop.h"
#include "ecsdb/net/listener.h"

namespace ecsdb {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr size_t kHeldBytesMax = 16 * 1024;  // a direction

enum class Mode : uint8_t { kForward, kReset, kBlackHole };

/// What a connection needs to know of the proxy; outlives it in pending handlers.
struct Common {
  Mode mode = Mode::kForward;
  tcp::endpoint target;
};

/// Two sockets and the bytes between them. Shared with the pending handlers.
class Pair final : public std::enable_shared_from_this<Pair> {
 public:
  Pair(net::EventLoop& loop, std::shared_ptr<Common> common)
      : common_(std::move(common)), near_(loop.asio().io), far_(loop.asio().io) {}

  bool adopt(int socket) {
    error_code error;
    near_.assign(tcp::v4(), socket, error);
    if (error) {
      ::close(socket);
      return false;
    }
    set_options(near_);
    if (common_->mode == Mode::kReset) close(true);
    if (common_->mode == Mode::kForward) dial();
    return !is_closed_;
  }

  void go_on() {
    if (is_closed_) return;
    if (!is_dialled_) return is_given_up() ? close(true) : dial();
    for (Flow* flow : {&up_, &down_}) {
      if (std::exchange(flow->is_held, false)) advance(*flow);
    }
  }

  void close(bool with_reset) {
    if (std::exchange(is_closed_, true)) return;
    for (tcp::socket* socket : {&near_, &far_}) {
      error_code ignored;
      if (with_reset) socket->set_option(tcp::socket::linger(true, 0), ignored);
      socket->close(ignored);
    }
  }
  bool is_closed() const { return is_closed_; }

 private:
  /// One direction: it reads when it holds nothing, so a slow reader slows the writer down.
  struct Flow {
    tcp::socket& from;
    tcp::socket& to;
    size_t begin = 0;
    size_t end = 0;
    bool is_at_end = false;  // the peer sends no more
    bool is_held = false;    // waits for heal()
    bool is_done = false;    // its end was passed on
    std::array<uint8_t, kHeldBytesMax> bytes{};
  };

  static void set_options(tcp::socket& socket) {
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.set_option(tcp::no_delay(true), ignored);
  }

  void dial() {
    is_dialled_ = true;
    far_.async_connect(common_->target, [me = shared_from_this()](const error_code& error) {
      if (me->is_closed_) return;
      if (error) return me->close(true);
      set_options(me->far_);
      me->advance(me->up_);
      me->advance(me->down_);
    });
  }

  /// The near end is closed, though bytes of it may still wait.
  bool is_given_up() {
    pollfd looked_at{near_.native_handle(), POLLRDHUP, 0};
    return ::poll(&looked_at, 1, 0) > 0;
  }

  void advance(Flow& flow) {
    if (is_closed_ || flow.is_done) return;
    if (common_->mode == Mode::kBlackHole) {
      flow.is_held = true;
    } else if (flow.begin < flow.end) {
      write(flow);
    } else if (flow.is_at_end) {
      pass_on_end(flow);
    } else {
      read(flow);
    }
  }

  void read(Flow& flow) {
    flow.from.async_read_some(
        boost::asio::buffer(flow.bytes),
        [me = shared_from_this(), &flow](const error_code& error, size_t count) {
          if (me->is_closed_) return;
          if (error && error != boost::asio::error::eof) return me->lose(flow);
          flow.is_at_end = static_cast<bool>(error);
          flow.begin = 0;
          flow.end = count;
          me->advance(flow);
        });
  }

  void write(Flow& flow) {
    flow.to.async_write_some(
        boost::asio::buffer(flow.bytes.data() + flow.begin, flow.end - flow.begin),
        [me = shared_from_this(), &flow](const error_code& error, size_t count) {
          if (me->is_closed_) return;
          if (error) return me->lose(flow);
          flow.begin += count;
          me->advance(flow);
        });
  }

  void pass_on_end(Flow& flow) {
    flow.is_done = true;
    error_code ignored;
    flow.to.shutdown(tcp::socket::shutdown_send, ignored);
    if (up_.is_done && down_.is_done) close(false);
  }

  /// One end was reset: so is the other, unless nothing gets through.
  void lose(Flow& flow) {
    if (common_->mode != Mode::kBlackHole) return close(true);
    flow.is_held = true;  // it will see the same error again
  }

  std::shared_ptr<Common> common_;
  tcp::socket near_;  // of who connected
  tcp::socket far_;   // of the target
  Flow up_{near_, far_};
  Flow down_{far_, near_};
  bool is_dialled_ = false;
  bool is_closed_ = false;
};

class ProxyImpl final : public Proxy {
 public:
  explicit ProxyImpl(net::EventLoop& loop) : loop_(loop), common_(std::make_shared<Common>()) {}
  ~ProxyImpl() override { close_all(false); }
  ProxyImpl(const ProxyImpl&) = delete;
  ProxyImpl& operator=(const ProxyImpl&) = delete;

  Status open(const net::HostPort& target) {
    error_code error;
    tcp::resolver resolver(loop_.asio().io);
    const std::string name = target.host == "localhost" ? "" : target.host;
    const auto found = resolver.resolve(name, std::to_string(target.port), error);
    if (error || found.empty()) {
      return fail(ErrorCode::kConnectFailed, "resolve '" + target.host + "': " + error.message());
    }
    common_->target = found.begin()->endpoint();
    auto listener = net::Listener::open(
        loop_, {}, [this](int socket, const std::string&) { accept(socket); },
        [](const std::string&) {});
    if (!listener.ok()) return listener.error();
    listener_ = std::move(listener).value();
    return {};
  }

  uint16_t port() const override { return listener_->port(); }
  void reset() override {
    common_->mode = Mode::kReset;
    close_all(true);
  }
  void black_hole() override { common_->mode = Mode::kBlackHole; }
  void heal() override {
    common_->mode = Mode::kForward;
    for (const auto& pair : pairs_) pair->go_on();
  }
  size_t connection_count() const override {
    return static_cast<size_t>(std::count_if(pairs_.begin(), pairs_.end(),
                                             [](const auto& pair) { return !pair->is_closed(); }));
  }

 private:
  void accept(int socket) {
    std::erase_if(pairs_, [](const auto& pair) { return pair->is_closed(); });
    const auto pair = std::make_shared<Pair>(loop_, common_);
    if (pair->adopt(socket)) pairs_.push_back(pair);
  }
  void close_all(bool with_reset) {
    for (const auto& pair : pairs_) pair->close(with_reset);
    pairs_.clear();
  }

  net::EventLoop& loop_;
  std::shared_ptr<Common> common_;
  std::unique_ptr<net::Listener> listener_;
  std::vector<std::shared_ptr<Pair>> pairs_;
};

}  // namespace

Result<std::unique_ptr<Proxy>> Proxy::start(net::EventLoop& loop, const net::HostPort& target) {
  auto proxy = std::make_unique<ProxyImpl>(loop);
  ECSDB_TRY(proxy->open(target));
  return std::unique_ptr<Proxy>(std::move(proxy));
}

}  // namespace ecsdb
