// The server side of the writes benchmark: it decides, commits and publishes whenever writes wait.
#pragma once

#include <memory>
#include <string>

#include "ecsdb/net/server_runner.h"

#include "client_process.h"

namespace bench {

/// Serves on loopback, on a port of the system's choice; answers of client processes are waited for
/// while it does. Not thread-safe.
class WriteServer {
 public:
  /// So many items, and one client that has `depth` writes on their way.
  WriteServer(uint64_t rows, size_t depth);
  ~WriteServer();
  WriteServer(const WriteServer&) = delete;
  WriteServer& operator=(const WriteServer&) = delete;

  ecsdb::Status start();
  uint16_t port() const { return runner_->port(); }
  /// The rest of the line that starts with this word. kDigestMismatch for "failed", kStalled if
  /// neither comes.
  ecsdb::Result<std::string> wait_for(ClientProcess& clients, const std::string& word);
  /// Has so many clients join.
  ecsdb::Status join(ClientProcess& clients, uint64_t count);
  /// kDigestMismatch if the first client of the process shows other items than the server has.
  ecsdb::Status compare(ClientProcess& clients);
  const ecsdb::ServerStats& stats() const { return server_.stats(); }

 private:
  void decide();

  uint64_t rows_;
  size_t depth_;
  ecsdb::net::EventLoop loop_;
  std::unique_ptr<ecsdb::net::LogSink> log_;
  ecsdb::OpenAuthenticator authenticator_;
  ecsdb::ReplicationServer server_;
  std::unique_ptr<ecsdb::net::ServerRunner> runner_;
};

}  // namespace bench
