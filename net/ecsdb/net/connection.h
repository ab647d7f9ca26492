// One TCP connection that carries the ecsdb stream, natively or inside WebSocket frames.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/result.h"
#include "ecsdb/net/address.h"
#include "ecsdb/net/event_loop.h"
#include "ecsdb/net/http_upgrade.h"
#include "ecsdb/net/websocket_filter.h"

namespace ecsdb::net {

class Connection;
using SharedConnection = std::shared_ptr<Connection>;

/// Who uses a connection. All are called on the loop's thread.
class ConnectionHandler {
 public:
  /// The stream is up: dialled, or accepted and its kind told apart.
  virtual void on_open(Connection& connection) = 0;
  /// Any slice of the peer's stream; valid during the call.
  virtual void on_bytes(Connection& connection, ByteSpan bytes) = 0;
  /// Follows a short accept, once there is room again.
  virtual void on_writable(Connection& connection) = 0;
  /// The stream ended, or never came up, and not by close() or abort(); info() tells why. At most
  /// once, and nothing but on_finished follows.
  virtual void on_closed(Connection& connection) = 0;
  /// The socket is closed: the last call, made exactly once, possibly from inside close() or
  /// abort(). The owner may drop its reference now or later.
  virtual void on_finished(Connection& connection) = 0;

 protected:
  ~ConnectionHandler() = default;
};

/// Shared by many connections; outlives them.
struct ConnectionOptions {
  Duration open_timeout = Duration::seconds(5);   // accept or dial -> stream is up, all of it
  Duration close_timeout = Duration::seconds(2);  // close() -> socket closed, all of it
  size_t linger_bytes_max = 1024 * 1024;          // read and thrown away while closing
  UpgradeServerOptions upgrade;
  WebSocketOptions websocket;
};

/// Why a connection ended.
struct CloseInfo {
  ErrorCode code = ErrorCode::kOk;
  std::string reason;  // may quote the peer: escape before printing
};

/// Reactor style: it reads when there is something and waits for room only after a short accept;
/// there is no buffer of its own in either direction but for the HTTP head. Same contract as a
/// simulated link: bytes in order, cut and joined anywhere, short accepts followed by on_writable,
/// no callback but on_finished after a close of one's own.
///
/// Shared ownership, because a pending wait of the system's needs the object until it returns, also
/// when the owner is done with it. The owner keeps its reference until on_finished; handler and
/// options outlive that call, or the owner calls abandon(). Not thread-safe.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  virtual ~Connection() = default;

  /// Takes over an accepted socket (a file descriptor), and tells by the first bytes what it
  /// speaks: 0xEC the native stream, an ASCII letter HTTP and then WebSocket; anything else is
  /// closed.
  static SharedConnection accepted(EventLoop& loop, int socket, std::string peer,
                                   const ConnectionOptions& options, ConnectionHandler& handler);
  struct Target {
    std::string address;  // numeric
    uint16_t port = 0;
    TransportKind transport = TransportKind::kTcp;
    std::string host;  // WebSocket: the Host header
    std::string path;  // WebSocket
  };
  /// Starts to connect; ends in on_open or on_closed, never from inside this call.
  static SharedConnection dial(EventLoop& loop, const Target& target,
                               const ConnectionOptions& options, ConnectionHandler& handler);

  /// Sends a prefix of the gathered parts and returns its length in bytes: less than offered if the
  /// socket is full, and 0 if the stream is not up. on_writable follows a short accept unless the
  /// link is dead. Bytes not accepted may be offered differently next time.
  virtual size_t offer(std::span<const ByteSpan> parts) = 0;
  /// Graceful: the peer gets all accepted bytes, then the end. For a WebSocket `info` becomes a
  /// close frame.
  virtual void close(CloseInfo info) = 0;
  /// Closes with a reset: the peer may lose any suffix.
  virtual void abort(CloseInfo info) = 0;
  /// abort() without any further callback: for an owner that is being destroyed.
  virtual void abandon() = 0;
  /// While false nothing is read: neither bytes nor the peer's end are noticed, and TCP makes the
  /// peer wait. For tests of slow readers; true at first. It does not touch writing.
  virtual void set_reading(bool reading) = 0;
  /// Says better why the connection ended; for owners that learn it from the core.
  virtual void set_info(CloseInfo info) = 0;

  virtual TransportKind transport() const = 0;
  virtual const std::string& peer() const = 0;
  virtual const CloseInfo& info() const = 0;
  virtual bool is_open() const = 0;
  /// Bytes of the socket, framing included.
  virtual uint64_t bytes_in() const = 0;
  virtual uint64_t bytes_out() const = 0;

  // For the owner's use.
  uint64_t tag = 0;
  bool attached = false;
  bool is_going_on = false;
};

}  // namespace ecsdb::net
