// ecsdb-server while it runs: server, sockets, feed and signals on one loop.
#pragma once

#include <memory>
#include <optional>

#include "ecsdb/net/event_loop.h"
#include "ecsdb/net/log.h"
#include "ecsdb/net/random_secrets.h"
#include "ecsdb/net/server_runner.h"
#include "ecsdb/server/replication_server.h"

#include "server/settings.h"

namespace ecsdb {

/// One run from settings to exit. Not thread-safe; one at a time in a process, since signals belong
/// to the process.
class ServerProgram {
 public:
  explicit ServerProgram(Settings settings);
  /// Serves until a signal; returns the exit status.
  int run();

 private:
  void commit_first();
  Status start_listening();
  Status write_port_file() const;
  void announce();
  void on_tick(const Now& now);
  void on_stop_signal();

  Settings settings_;
  net::StderrLog log_;
  std::unique_ptr<Authenticator> authenticator_;
  net::RandomSecrets secrets_;
  ReplicationServer server_;
  net::EventLoop loop_;
  std::unique_ptr<net::ServerRunner> runner_;
  bool feed_paused_ = false;
  bool stopping_ = false;
};

}  // namespace ecsdb
