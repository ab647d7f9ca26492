#include "ecsdb/net/listener.h"

#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "ecsdb/net/asio_loop.h"

namespace ecsdb::net {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

bool is_exhaustion(int number) {
  return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
}

std::string endpoint_text(const tcp::endpoint& endpoint) {
  return HostPort{endpoint.address().to_string(), endpoint.port()}.to_text();
}

class ListenerImpl final : public Listener {
 public:
  ListenerImpl(EventLoop& loop, std::function<void(int, std::string)> accepted,
               std::function<void(const std::string&)> turned_away)
      : loop_(loop),
        state_(std::make_shared<State>(loop)),
        pause_(loop, [this] { wait(); }),
        accepted_(std::move(accepted)),
        turned_away_(std::move(turned_away)) {
    state_->owner = this;
    take_spare();
  }
  ~ListenerImpl() override {
    close();
    state_->owner = nullptr;
    if (spare_ >= 0) ::close(spare_);
  }
  ListenerImpl(const ListenerImpl&) = delete;
  ListenerImpl& operator=(const ListenerImpl&) = delete;

  Status start(const ListenOptions& options) {
    error_code error;
    const auto address = boost::asio::ip::make_address(options.address, error);
    if (error) {
      return fail(ErrorCode::kUsage,
                  "listen address '" + options.address + "': give a numeric address");
    }
    const tcp::endpoint endpoint(address, options.port);
    tcp::acceptor& acceptor = state_->acceptor;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(options.backlog, error);
    if (!error) acceptor.non_blocking(true, error);
    if (error) {
      return fail(ErrorCode::kUsage,
                  "listen on " + endpoint_text(endpoint) + ": " + error.message());
    }
    port_ = acceptor.local_endpoint(error).port();
    wait();
    return {};
  }

  uint16_t port() const override { return port_; }
  void close() override {
    error_code ignored;
    state_->acceptor.close(ignored);
    pause_.disarm();
  }

 private:
  // Shared with the pending wait, which may return after the listener is gone.
  struct State {
    explicit State(EventLoop& loop) : acceptor(loop.asio().io) {}
    tcp::acceptor acceptor;
    ListenerImpl* owner = nullptr;
  };

  void wait() {
    if (!state_->acceptor.is_open()) return;
    state_->acceptor.async_wait(tcp::acceptor::wait_read,
                                [state = state_](const error_code& error) {
                                  if (!error && state->owner != nullptr)
                                    state->owner->accept_some();
                                });
  }

  void accept_some() {
    for (int i = 0; i < kAcceptsPerBatchMax && state_->acceptor.is_open(); ++i) {
      tcp::endpoint peer;
      const int socket = accept_one(peer);
      if (socket >= 0) {
        accepted_(socket, endpoint_text(peer));
        continue;
      }
      const int error = errno;
      if (error == EAGAIN || error == EWOULDBLOCK) break;
      if (!is_exhaustion(error)) continue;  // that one connection broke before it was accepted
      if (turn_one_away(error)) continue;
      if (spare_ >= 0) break;  // nobody was waiting
      pause_.arm(loop_.now().steady + kPause);
      return;
    }
    wait();
  }

  int accept_one(tcp::endpoint& peer) {
    auto size = static_cast<socklen_t>(peer.capacity());
    const int socket = ::accept4(state_->acceptor.native_handle(), peer.data(), &size,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) peer.resize(size);
    return socket;
  }

  bool turn_one_away(int why) {
    if (spare_ < 0) take_spare();
    if (spare_ < 0) return false;
    ::close(std::exchange(spare_, -1));
    tcp::endpoint peer;
    const int refused = accept_one(peer);
    if (refused >= 0) ::close(refused);
    take_spare();
    if (refused >= 0) turned_away_(std::generic_category().message(why));
    return refused >= 0;
  }

  void take_spare() { spare_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

  EventLoop& loop_;
  std::shared_ptr<State> state_;
  LoopTimer pause_;
  std::function<void(int, std::string)> accepted_;
  std::function<void(const std::string&)> turned_away_;
  uint16_t port_ = 0;
  int spare_ = -1;
};

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(
    EventLoop& loop, const ListenOptions& options, std::function<void(int, std::string)> accepted,
    std::function<void(const std::string&)> turned_away) {
  auto listener = std::make_unique<ListenerImpl>(loop, std::move(accepted), std::move(turned_away));
  ECSDB_TRY(listener->start(options));
  return std::unique_ptr<Listener>(std::move(listener));
}

}  // namespace ecsdb::net
