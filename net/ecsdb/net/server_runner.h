// Drives a ReplicationServer on real sockets: one port for TCP and WebSocket, one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "ecsdb/net/connection.h"
#include "ecsdb/net/event_loop.h"
#include "ecsdb/net/listener.h"
#include "ecsdb/net/log.h"
#include "ecsdb/server/replication_server.h"

namespace ecsdb::net {

struct ServerRunnerOptions {
  ListenOptions listen;
  ConnectionOptions connection;
  /// Sockets of any state. Those beyond are closed at once; ServerOptions::connections_max, which
  /// should be lower, is what a client is told about.
  size_t sockets_max = 12'000;
  /// shutdown() -> done, at the latest.
  Duration shutdown_timeout = Duration::seconds(5);
};

/// Counts since the start.
struct ServerRunnerStats {
  uint64_t accepted = 0;
  uint64_t turned_away = 0;  // beyond sockets_max, or no file descriptor left
  uint64_t opened = 0;       // streams that came up
  uint64_t closed = 0;       // sockets
  uint64_t bytes_in = 0;     // of closed sockets
  uint64_t bytes_out = 0;
  uint64_t ticks = 0;
  uint64_t ticks_skipped = 0;  // because an earlier one took too long or the host was busy
  uint64_t tick_overruns = 0;  // took longer than the period
  Duration tick_longest;
};

/// Owns the sockets, not the server; loop, server and log outlive it. It logs one line for each
/// socket that closes: event=closed link= peer= transport=tcp|ws code= reason= bytes_in=
/// bytes_out=. After each batch of the loop it drains the server, so the owner may give it commands
/// from any handler, posted work or tick. Without a tick it commits and publishes by itself when
/// clients have written; with one, that is left to the tick. Not thread-safe.
class ServerRunner {
 public:
  /// Starts to listen. Errors are those of Listener::open.
  static Result<std::unique_ptr<ServerRunner>> start(EventLoop& loop, ReplicationServer& server,
                                                     const ServerRunnerOptions& options,
                                                     LogSink& log);
  virtual ~ServerRunner() = default;

  virtual uint16_t port() const = 0;
  /// Calls `tick` `hz` times a second on the loop's thread, without drift: the n-th is due n
  /// periods after now. Missed ones are skipped and counted. 1 to 1000 Hz; replaces an earlier
  /// tick; 0 ends it.
  virtual void set_tick(uint32_t hz, std::function<void(const Now&)> tick) = 0;
  /// Told of each event of the server, after it was logged.
  virtual void set_event_handler(std::function<void(const ServerEvent&)> handler) = 0;
  /// Says goodbye to everyone, closes the port, ends the tick, and calls `done` once when every
  /// socket is closed. At most once.
  virtual void shutdown(std::function<void()> done) = 0;

  /// Sockets in any state.
  virtual size_t socket_count() const = 0;
  virtual const ServerRunnerStats& stats() const = 0;
};

}  // namespace ecsdb::net
