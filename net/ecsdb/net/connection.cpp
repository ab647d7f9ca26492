#include "ecsdb/net/connection.h"

#include <algorithm>
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "ecsdb/base/prng.h"
#include "ecsdb/net/asio_loop.h"
#include "ecsdb/net/socket_io.h"

namespace ecsdb::net {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

/// The first byte of an ecsdb preface.
constexpr uint8_t kNativeFirstByte = 0xEC;
bool is_ascii_letter(uint8_t byte) {
  return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

enum class Stage : uint8_t {
  kConnecting,
  kOpening,  // up, but the stream is not: sniffing, or in the HTTP upgrade
  kOpen,
  kClosing,    // the owner is done with it; what the transport owes goes out
  kLingering,  // shut down for sending; reads to the peer's end, so that our last bytes arrive
  kFinished,
};

class SocketConnection final : public Connection {
 public:
  SocketConnection(EventLoop& loop, const ConnectionOptions& options, ConnectionHandler& handler)
      : loop_(loop), options_(options), handler_(&handler), socket_(loop.asio().io) {}

  void start_accepted(int socket, std::string peer);
  void start_dial(const Target& target);

  size_t offer(std::span<const ByteSpan> parts) override;
  void close(CloseInfo info) override;
  void abort(CloseInfo info) override;
  void abandon() override;
  void set_reading(bool reading) override;
  void set_info(CloseInfo info) override { info_ = std::move(info); }

  TransportKind transport() const override { return kind_; }
  const std::string& peer() const override { return peer_; }
  const CloseInfo& info() const override { return info_; }
  bool is_open() const override { return stage_ == Stage::kOpen; }
  uint64_t bytes_in() const override { return bytes_in_; }
  uint64_t bytes_out() const override { return bytes_out_; }

 private:
  std::shared_ptr<SocketConnection> self() {
    return std::static_pointer_cast<SocketConnection>(shared_from_this());
  }

  // Opening.
  void arm_timer(Duration after);
  void on_timer();
  void on_connected(const error_code& error);
  void open(TransportKind kind);
  void sniff(ByteSpan bytes);
  void serve_upgrade(ByteSpan bytes);
  void check_upgrade(ByteSpan bytes);

  // Reading.
  void wait_readable();
  void on_readable(const error_code& error);
  void on_input(std::span<uint8_t> bytes);
  void on_stream(std::span<uint8_t> bytes);
  void unframe(std::span<uint8_t> bytes);
  void on_end(std::string why);

  // Writing.
  size_t send(std::span<const ByteSpan> parts);
  size_t offer_framed(std::span<const ByteSpan> parts);
  bool flush_prelude();
  bool flush_control();
  void want_room();
  void on_room(const error_code& error);

  // Ending.
  void lose(CloseInfo info);
  void go_on_closing();
  void linger();
  void finish();

  EventLoop& loop_;
  const ConnectionOptions& options_;
  ConnectionHandler* handler_;  // null once abandoned
  tcp::socket socket_;
  std::unique_ptr<LoopTimer> timer_;  // while opening or closing
  std::unique_ptr<UpgradeServer> upgrade_server_;
  std::unique_ptr<UpgradeClient> upgrade_client_;
  std::unique_ptr<WebSocketFilter> filter_;  // WebSocket only: a native link does without
  std::string prelude_;                      // HTTP bytes to send before anything else
  std::string peer_;
  CloseInfo info_;
  uint64_t bytes_in_ = 0;
  uint64_t bytes_out_ = 0;
  uint64_t lingered_ = 0;
  Stage stage_ = Stage::kOpening;
  TransportKind kind_ = TransportKind::kUnknown;
  bool is_dialled_ = false;
  bool is_reading_ = true;
  bool waiting_to_read_ = false;
  bool waiting_for_room_ = false;
  bool short_accept_ = false;  // the owner is owed an on_writable
  bool input_over_ = false;
};

// --- opening ---

void SocketConnection::start_accepted(int socket, std::string peer) {
  peer_ = std::move(peer);
  error_code error;
  const bool is_v6 = peer_.starts_with('[');
  socket_.assign(is_v6 ? tcp::v6() : tcp::v4(), socket, error);
  if (error) {
    ::close(socket);
    boost::asio::post(loop_.asio().io, [me = self(), error] { me->on_end(error.message()); });
    return;
  }
  socket_.non_blocking(true, error);
  socket_.set_option(tcp::no_delay(true), error);
  arm_timer(options_.open_timeout);
  wait_readable();  // a socket that is broken already says so when it is read
}

void SocketConnection::start_dial(const Target& target) {
  is_dialled_ = true;
  stage_ = Stage::kConnecting;
  kind_ = target.transport;
  peer_ = HostPort{target.address, target.port}.to_text();
  arm_timer(options_.open_timeout);
  error_code error;
  const auto address = boost::asio::ip::make_address(target.address, error);
  if (!error && kind_ == TransportKind::kWebSocket) {
    auto upgrade =
        UpgradeClient::create(target.host, target.path, {entropy_word(), entropy_word()});
    if (upgrade) {
      prelude_ = upgrade->request();
      upgrade_client_ = std::make_unique<UpgradeClient>(std::move(upgrade).value());
    } else {
      error = boost::asio::error::invalid_argument;
    }
  }
  if (error) {
    boost::asio::post(loop_.asio().io, [me = self(), error] { me->on_connected(error); });
    return;
  }
  socket_.async_connect(tcp::endpoint(address, target.port),
                        [me = self()](const error_code& result) { me->on_connected(result); });
}

void SocketConnection::arm_timer(Duration after) {
  // The timer is a member, so it never outlives this.
  timer_ = std::make_unique<LoopTimer>(loop_, [this] { on_timer(); });
  timer_->arm(loop_.now().steady + after);
}

void SocketConnection::on_timer() {
  const auto keep = self();
  if (stage_ == Stage::kClosing || stage_ == Stage::kLingering) return finish();
  const std::string limit = std::to_string(options_.open_timeout.to_ms()) + " ms";
  if (is_dialled_) {
    lose({ErrorCode::kConnectFailed, "no answer within " + limit});
  } else {
    lose({ErrorCode::kHandshakeTimeout, "did not say what it speaks within " + limit});
  }
  finish();
}

void SocketConnection::on_connected(const error_code& error) {
  if (stage_ != Stage::kConnecting) return;
  if (error) {
    lose({ErrorCode::kConnectFailed, error.message()});
    return finish();
  }
  error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay(true), ignored);
  stage_ = Stage::kOpening;
  wait_readable();
  if (kind_ == TransportKind::kTcp) return open(kind_);
  if (!flush_prelude()) want_room();
}

void SocketConnection::open(TransportKind kind) {
  kind_ = kind;
  stage_ = Stage::kOpen;
  timer_.reset();
  handler_->on_open(*this);
}

void SocketConnection::sniff(ByteSpan bytes) {
  const uint8_t first = bytes[0];
  if (first == kNativeFirstByte) return open(TransportKind::kTcp);
  if (is_ascii_letter(first)) {
    kind_ = TransportKind::kWebSocket;
    upgrade_server_ = std::make_unique<UpgradeServer>(options_.upgrade);
    return;
  }
  static constexpr char kHex[] = "0123456789abcdef";
  const std::string name{'0', 'x', kHex[first >> 4], kHex[first & 15]};
  lose({ErrorCode::kBadPreface, "first byte " + name + " is neither ecsdb nor HTTP" +
                                    (first == 0x16 ? ": TLS is not spoken here" : "")});
  finish();
}

void SocketConnection::serve_upgrade(ByteSpan bytes) {
  const UpgradeState state = upgrade_server_->on_bytes(bytes);
  if (state == UpgradeState::kNeedMore) return;
  prelude_ = upgrade_server_->response();
  if (state == UpgradeState::kRefused) {
    const std::string status = std::to_string(upgrade_server_->status());
    lose({ErrorCode::kWebSocketViolation,
          "http " + status + ": " + std::string(upgrade_server_->refusal())});
    return go_on_closing();
  }
  upgrade_server_.reset();
  filter_ = std::make_unique<WebSocketFilter>(WebSocketFilter::server(options_.websocket));
  open(TransportKind::kWebSocket);
  if (stage_ == Stage::kOpen && !flush_prelude()) want_room();
}

void SocketConnection::check_upgrade(ByteSpan bytes) {
  const auto progress = upgrade_client_->on_bytes(bytes);
  if (!progress) {
    lose({progress.code(), progress.error().context});
    return go_on_closing();
  }
  if (progress->state == UpgradeState::kNeedMore) return;
  upgrade_client_.reset();
  filter_ = std::make_unique<WebSocketFilter>(
      WebSocketFilter::client(Prng(entropy_word()), options_.websocket));
  const ByteSpan rest = bytes.subspan(progress->consumed);
  open(TransportKind::kWebSocket);
  // All input lies in the loop's read buffer, so unmasking it in place is allowed.
  if (!rest.empty()) on_stream(std::span<uint8_t>(const_cast<uint8_t*>(rest.data()), rest.size()));
}

// --- reading ---

void SocketConnection::set_reading(bool reading) {
  is_reading_ = reading;
  // Before the socket is connected, and after its end, there is nothing to wait for.
  if (stage_ != Stage::kConnecting && stage_ != Stage::kFinished) wait_readable();
}

void SocketConnection::wait_readable() {
  if (!is_reading_ || waiting_to_read_) return;
  waiting_to_read_ = true;
  socket_.async_wait(tcp::socket::wait_read,
                     [me = self()](const error_code& error) { me->on_readable(error); });
}

void SocketConnection::on_readable(const error_code& error) {
  waiting_to_read_ = false;
  if (stage_ == Stage::kFinished || !is_reading_) return;
  if (error) return on_end(error.message());
  const std::span<uint8_t> buffer = loop_.read_buffer();
  const ssize_t got = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got == 0) return on_end("the peer closed the connection");
  if (got < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
      return on_end(std::strerror(errno));
    }
  } else {
    bytes_in_ += static_cast<uint64_t>(got);
    on_input(buffer.first(static_cast<size_t>(got)));
  }
  if (stage_ != Stage::kFinished) wait_readable();
}

void SocketConnection::on_input(std::span<uint8_t> bytes) {
  if (stage_ == Stage::kOpening) {
    if (is_dialled_) return check_upgrade(bytes);
    if (kind_ == TransportKind::kUnknown) sniff(bytes);
    if (stage_ == Stage::kOpening) return serve_upgrade(bytes);
  }
  on_stream(bytes);
}

void SocketConnection::on_stream(std::span<uint8_t> bytes) {
  if (stage_ == Stage::kClosing || stage_ == Stage::kLingering) {
    lingered_ += bytes.size();
    if (lingered_ > options_.linger_bytes_max) return finish();
    if (filter_ == nullptr || stage_ == Stage::kLingering) return;
    // The peer's close frame is what we wait for; a violation ends the wait as well.
    [[maybe_unused]] const auto ignored = filter_->on_bytes(bytes);
    return go_on_closing();
  }
  if (stage_ != Stage::kOpen) return;
  if (filter_ != nullptr) return unframe(bytes);
  handler_->on_bytes(*this, bytes);
}

void SocketConnection::unframe(std::span<uint8_t> bytes) {
  const Result<ByteSpan> stream = filter_->on_bytes(bytes);
  if (stream && !stream->empty()) handler_->on_bytes(*this, *stream);
  if (stage_ != Stage::kOpen) return;
  if (!stream) {
    lose({stream.code(), stream.error().context});
    return go_on_closing();
  }
  if (filter_->input_ended()) {
    const auto code = static_cast<unsigned>(filter_->peer_close_code());
    std::string reason = "websocket close " + std::to_string(code);
    if (!filter_->peer_close_reason().empty()) {
      reason += ": " + std::string(filter_->peer_close_reason());
    }
    lose({ErrorCode::kLinkClosed, std::move(reason)});
    return go_on_closing();
  }
  if (filter_->has_output()) flush_control();
}

void SocketConnection::on_end(std::string why) {
  if (stage_ == Stage::kFinished) return;
  input_over_ = true;
  if (is_dialled_ && stage_ == Stage::kOpening) {
    lose({ErrorCode::kConnectFailed, std::move(why)});
  } else {
    lose({ErrorCode::kLinkClosed, std::move(why)});
  }
  finish();
}

// --- writing ---

size_t SocketConnection::send(std::span<const ByteSpan> parts) {
  const size_t sent = send_gathered(socket_.native_handle(), parts);
  bytes_out_ += sent;
  return sent;
}

bool SocketConnection::flush_prelude() {
  if (prelude_.empty()) return true;
  const ByteSpan part = as_bytes(prelude_);
  prelude_.erase(0, send({&part, 1}));
  if (!prelude_.empty()) return false;
  prelude_.shrink_to_fit();
  return true;
}

size_t SocketConnection::offer(std::span<const ByteSpan> parts) {
  if (stage_ != Stage::kOpen) return 0;
  size_t accepted = 0;
  if (filter_ == nullptr) {
    accepted = send(parts);
  } else if (flush_prelude()) {
    accepted = offer_framed(parts);
  }
  if (accepted < total_bytes(parts)) {
    short_accept_ = true;
    want_room();
  }
  return accepted;
}

/// One WebSocket frame after the other until the socket is full.
size_t SocketConnection::offer_framed(std::span<const ByteSpan> parts) {
  std::array<ByteSpan, kSendPartsMax> copy;
  ECSDB_CHECK(parts.size() <= copy.size());
  std::copy(parts.begin(), parts.end(), copy.begin());
  std::span<ByteSpan> rest(copy.data(), parts.size());
  size_t accepted = 0;
  while (true) {
    const auto framed = filter_->output(rest, loop_.asio().scratch);
    const size_t wanted = total_bytes(framed);
    if (wanted == 0) return accepted;
    const size_t sent = send(framed);
    const size_t taken = filter_->on_sent(sent);
    accepted += taken;
    if (sent < wanted) return accepted;
    rest = drop_front(rest, taken);
  }
}

/// Sends what the transport owes besides the stream. False when the socket is full before.
bool SocketConnection::flush_control() {
  bool is_done = flush_prelude();
  while (is_done && filter_ != nullptr && filter_->has_output()) {
    const auto framed = filter_->output({}, loop_.asio().scratch);
    const size_t wanted = total_bytes(framed);
    if (wanted == 0) break;
    const size_t sent = send(framed);
    filter_->on_sent(sent);
    is_done = sent == wanted;
  }
  if (!is_done) want_room();
  return is_done;
}

void SocketConnection::want_room() {
  if (waiting_for_room_ || stage_ == Stage::kFinished) return;
  waiting_for_room_ = true;
  socket_.async_wait(tcp::socket::wait_write,
                     [me = self()](const error_code& error) { me->on_room(error); });
}

void SocketConnection::on_room(const error_code& error) {
  waiting_for_room_ = false;
  if (error || stage_ == Stage::kFinished) return;
  // A broken socket always has "room". Reading tells; without it, trying again would never end.
  if (!is_reading_ && is_socket_broken(socket_.native_handle())) return;
  if (stage_ == Stage::kClosing) return go_on_closing();
  if (!flush_control() || stage_ != Stage::kOpen || !short_accept_) return;
  short_accept_ = false;
  handler_->on_writable(*this);
}

// --- ending ---

void SocketConnection::close(CloseInfo info) {
  if (stage_ >= Stage::kClosing) return;
  info_ = std::move(info);
  if (stage_ != Stage::kOpen) return finish();
  stage_ = Stage::kClosing;
  if (filter_ != nullptr) filter_->close(websocket_close_code(info_.code), info_.reason);
  arm_timer(options_.close_timeout);
  go_on_closing();
}

void SocketConnection::abort(CloseInfo info) {
  if (stage_ == Stage::kFinished) return;
  if (stage_ < Stage::kClosing) info_ = std::move(info);
  error_code ignored;
  socket_.set_option(tcp::socket::linger(true, 0), ignored);
  finish();
}

void SocketConnection::abandon() {
  handler_ = nullptr;
  abort({ErrorCode::kLinkClosed, "abandoned"});
}

/// The stream is over for the owner, who is told; the transport may still have to say why.
void SocketConnection::lose(CloseInfo info) {
  if (stage_ >= Stage::kClosing) return;
  info_ = std::move(info);
  stage_ = Stage::kClosing;
  arm_timer(options_.close_timeout);
  handler_->on_closed(*this);
}

void SocketConnection::go_on_closing() {
  if (stage_ != Stage::kClosing) return;
  if (!flush_control()) return;
  const bool has_to_wait = filter_ != nullptr && !filter_->mid_frame() &&
                           filter_->state() != WebSocketState::kClosed && !input_over_;
  if (!has_to_wait) linger();
}

void SocketConnection::linger() {
  stage_ = Stage::kLingering;
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

void SocketConnection::finish() {
  if (stage_ == Stage::kFinished) return;
  const auto keep = self();
  stage_ = Stage::kFinished;
  timer_.reset();
  error_code ignored;
  socket_.close(ignored);
  if (handler_ != nullptr) handler_->on_finished(*this);
}

}  // namespace

SharedConnection Connection::accepted(EventLoop& loop, int socket, std::string peer,
                                      const ConnectionOptions& options,
                                      ConnectionHandler& handler) {
  auto connection = std::make_shared<SocketConnection>(loop, options, handler);
  connection->start_accepted(socket, std::move(peer));
  return connection;
}

SharedConnection Connection::dial(EventLoop& loop, const Target& target,
                                  const ConnectionOptions& options, ConnectionHandler& handler) {
  auto connection = std::make_shared<SocketConnection>(loop, options, handler);
  connection->start_dial(target);
  return connection;
}

}  // namespace ecsdb::net
