// Drives many Clients on one loop, over TCP or WebSocket.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "ecsdb/client/client.h"
#include "ecsdb/net/address.h"
#include "ecsdb/net/connection.h"
#include "ecsdb/net/event_loop.h"

namespace ecsdb::net {

/// What the owner hears, on the loop's thread. It may give commands to the client concerned and,
/// through touch(), to others; it must not destroy the runner or a client.
struct ClientRunnerCallbacks {
  /// After a poll() that applied `cuts` > 0 cuts; reads show the newest.
  std::function<void(size_t index, size_t cuts, const Now& now)> polled;
  std::function<void(size_t index, const ClientEvent& event)> event;
};

/// Owns clients and their sockets; the loop outlives it. After each batch of the loop it polls and
/// drains the clients that something happened to. Not thread-safe.
class ClientRunner {
 public:
  static std::unique_ptr<ClientRunner> create(EventLoop& loop, ConnectionOptions options,
                                              ClientRunnerCallbacks callbacks);
  virtual ~ClientRunner() = default;

  /// Takes a client, which need not be connecting yet, and returns its index: 0, 1, ... Names are
  /// resolved now, which may block. kConnectFailed if that fails.
  virtual Result<size_t> add(Client client, const StreamUrl& url) = 0;
  virtual size_t size() const = 0;
  /// For reading, and for commands followed by touch().
  virtual Client& client(size_t index) = 0;
  /// Polls and drains the client at the end of this batch, or of the next.
  virtual void touch(size_t index) = 0;
  /// connect(), resp. disconnect(), and touch().
  virtual void connect(size_t index) = 0;
  virtual void disconnect(size_t index) = 0;
  /// While false the client's sockets are not read, this one and those dialled later, as if its
  /// process did nothing; its timers go on, and with them ClientOptions::silence_timeout.
  virtual void set_reading(size_t index, bool reading) = 0;
  /// Sockets in any state; 0 once all are disconnected and closed.
  virtual size_t socket_count() const = 0;
  /// Why the client's connection ended or never came up, in printable ASCII; empty while one is
  /// open, and before the first.
  virtual const std::string& last_problem(size_t index) const = 0;
  /// Which transport client `index` uses.
  virtual TransportKind transport(size_t index) const = 0;
};

}  // namespace ecsdb::net
