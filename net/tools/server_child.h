// An ecsdb-server with the bundled feed as a child, for verbs that bring their own server.
#pragma once

#include <string>
#include <vector>

#include "tools/child_process.h"

namespace ecsdb {

/// On a loopback port of the system's choice. What it logs is passed on to standard error, but for
/// the lines that are understood here. Ended with this object, or by stop(). Not thread-safe.
class ServerChild {
 public:
  /// Starts the ecsdb-server beside the running program, with `more` arguments. It is not ready
  /// before listen() has learnt its port. kFileUnreadable if it cannot be started.
  static Result<ServerChild> start(const std::vector<std::string>& more);

  /// Takes what the server has said. Never waits: poll fd() first.
  void listen();
  int fd() { return process_.error().fd(); }

  /// 0 until it is ready.
  uint16_t port() const { return port_; }
  /// Stops the feed, or makes it go on; paused_version() is then where it stopped, once it says so.
  void toggle_feed() const;
  uint64_t paused_version() const { return paused_version_; }

  pid_t pid() const { return process_.pid(); }
  std::optional<int> poll_exit() { return process_.poll_exit(); }
  /// SIGTERM; the exit status, or nothing if it does not end in time.
  std::optional<int> stop();

 private:
  explicit ServerChild(ChildProcess process) : process_(std::move(process)) {}
  void on_line(const std::string& line);

  ChildProcess process_;
  uint16_t port_ = 0;
  uint64_t paused_version_ = 0;
};

}  // namespace ecsdb
