// A peer that keeps no rule: it sends what it is told over a plain socket, natively or inside
// WebSocket frames.
#pragma once

#include <algorithm>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "ecsdb/base/prng.h"
#include "ecsdb/net/address.h"
#include "ecsdb/net/http_upgrade.h"
#include "ecsdb/net/websocket_filter.h"

namespace ecsdb::net {

class RawPeer {
 public:
  /// Connects (loopback does so at once) and, for a WebSocket, starts the upgrade.
  RawPeer(uint16_t port, TransportKind kind) : kind_(kind) {
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    socklen_t size = sizeof(address);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    name_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    if (kind_ == TransportKind::kWebSocket) {
      upgrade_ = UpgradeClient::create("localhost", "/", {1, 2}).value();
      pending_.assign(upgrade_->request().begin(), upgrade_->request().end());
      filter_ = WebSocketFilter::client(Prng(3));
    }
  }
  ~RawPeer() { leave(); }
  RawPeer(RawPeer&& other) noexcept
      : kind_(other.kind_),
        socket_(std::exchange(other.socket_, -1)),
        connected_(other.connected_),
        is_over_(other.is_over_),
        name_(std::move(other.name_)),
        upgrade_(std::move(other.upgrade_)),
        filter_(std::move(other.filter_)),
        pending_(std::move(other.pending_)),
        stream_(std::move(other.stream_)) {}
  RawPeer& operator=(RawPeer&&) = delete;

  void leave() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  /// The word that the server's log line about this peer has.
  std::string log_word() const { return "peer=" + name_ + " "; }
  bool connected() const { return connected_; }
  /// The server ended the connection.
  bool is_over() const { return is_over_; }
  bool sent_all() const { return pending_.empty() && stream_.empty(); }

  /// Stream bytes: as they are, or in frames.
  void send(ByteSpan bytes) { stream_.insert(stream_.end(), bytes.begin(), bytes.end()); }
  /// Bytes of the socket, below any framing; they go before stream bytes that wait.
  void send_raw(ByteSpan bytes) { pending_.insert(pending_.end(), bytes.begin(), bytes.end()); }
  /// Sends the upgrade request no further.
  void forget_upgrade() { pending_.clear(); }
  void end_sending() { ::shutdown(socket_, SHUT_WR); }

  /// Moves what can be moved now.
  void pump() {
    if (is_over_ || socket_ < 0) return;
    receive();
    if (!upgrade_ && !stream_.empty() && pending_.empty()) take_stream();
    const ssize_t sent =
        ::send(socket_, pending_.data(), pending_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) pending_.erase(pending_.begin(), pending_.begin() + sent);
  }

 private:
  static constexpr size_t kPieceBytes = 16 * 1024;

  void receive() {
    uint8_t buffer[4096];
    while (true) {
      const ssize_t got = ::recv(socket_, buffer, sizeof(buffer), MSG_DONTWAIT);
      if (got == 0 || (got < 0 && errno != EAGAIN)) is_over_ = true;
      if (got <= 0) return;
      if (!upgrade_) continue;
      const auto progress = upgrade_->on_bytes(ByteSpan(buffer, static_cast<size_t>(got)));
      if (!progress || progress->state == UpgradeState::kUpgraded) upgrade_.reset();
    }
  }
  void take_stream() {
    const size_t size = std::min(stream_.size(), kPieceBytes);
    const ByteSpan piece(stream_.data(), size);
    if (filter_) {
      size_t total = 0;
      for (const ByteSpan& part : filter_->output({&piece, 1}, scratch_)) {
        send_raw(part);
        total += part.size();
      }
      filter_->on_sent(total);
    } else {
      send_raw(piece);
    }
    stream_.erase(stream_.begin(), stream_.begin() + static_cast<std::ptrdiff_t>(size));
  }

  TransportKind kind_;
  int socket_ = -1;
  bool connected_ = false;
  bool is_over_ = false;
  std::string name_;
  std::optional<UpgradeClient> upgrade_;  // while the answer is awaited
  std::optional<WebSocketFilter> filter_;
  WebSocketScratch scratch_;
  Bytes pending_;
  Bytes stream_;
};

}  // namespace ecsdb::net
