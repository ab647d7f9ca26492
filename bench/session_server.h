// The server side of the session benchmark: a database that changes at a steady rate, on a port.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ecsdb/net/server_runner.h"

#include "client_process.h"
#include "units.h"

namespace bench {

/// Tables of the schema, each with the fields of a unit.
inline constexpr uint16_t kManyTable = 0;  // "many"
inline constexpr uint16_t kFewTable = 1;   // "few"

ecsdb::Schema session_schema(ecsdb::CodecTier tier);

/// Rows of one table, of which random ones move.
class MovingUnits {
 public:
  MovingUnits(uint16_t table, uint64_t seed) : table_(table), rng_(seed) {}
  /// Inserts so many random units.
  ecsdb::Status insert(ecsdb::Transaction& tx, uint64_t count);
  /// Steps both coordinates of the units at these places by up to a metre.
  ecsdb::Status move(ecsdb::Transaction& tx, std::span<const uint32_t> places);
  /// Of random ones.
  ecsdb::Status move_some(ecsdb::Transaction& tx, uint64_t count);
  size_t size() const { return entities_.size(); }

 private:
  uint16_t table_;
  ecsdb::Prng rng_;
  std::vector<ecsdb::EntityId> entities_;
  std::vector<ecsdb::EntityId> moved_;
  std::vector<uint64_t> lanes_;
  std::vector<uint32_t> places_;
};

struct SessionLoad {
  uint64_t many = 0;     // rows of the table "many"
  uint64_t few = 0;      // and "few"
  uint64_t changes = 0;  // of each table that has rows, a tick
  uint32_t tick_hz = 60;
  uint64_t seed = 1;
};

/// Serves on loopback, on a port of the system's choice; answers of client processes are waited for
/// while it does. Not thread-safe.
class SessionServer {
 public:
  static constexpr ecsdb::Duration kPatience = ecsdb::Duration::seconds(60);

  explicit SessionServer(const SessionLoad& load);
  ~SessionServer();
  SessionServer(const SessionServer&) = delete;
  SessionServer& operator=(const SessionServer&) = delete;

  ecsdb::Status start();
  void start_ticks();
  void stop_ticks();

  void serve(ecsdb::Duration time);
  /// Waits for a line that starts with this word; the rest of it. kStalled if it does not come.
  ecsdb::Result<std::string> wait_for(ClientProcess& clients, const std::string& word,
                                      ecsdb::Duration patience = kPatience);
  struct Joined {
    double ms = 0;       // until all were live
    uint64_t bytes = 0;  // received by one of them
  };
  /// Has so many clients subscribe to a table of `rows` rows. kDigestMismatch if they show others.
  ecsdb::Result<Joined> join(ClientProcess& clients, uint64_t count, const std::string& table,
                             uint64_t rows);
  /// Has them forgotten.
  ecsdb::Status drop(ClientProcess& clients);
  /// CPU time of the longest batch of the loop since the last call: whoever waits for this thread
  /// waits at least so long, however busy the host is.
  double take_longest_batch_us();
  uint16_t port() const { return runner_->port(); }
  ecsdb::net::EventLoop& loop() { return loop_; }

 private:
  ecsdb::Status commit_rows();
  void tick(const ecsdb::Now& now);
  void run_batch(ecsdb::Duration wait);

  SessionLoad load_;
  ecsdb::net::EventLoop loop_;
  std::unique_ptr<ecsdb::net::LogSink> log_;
  ecsdb::OpenAuthenticator authenticator_;
  ecsdb::ReplicationServer server_;
  MovingUnits many_;
  MovingUnits few_;
  std::unique_ptr<ecsdb::net::ServerRunner> runner_;
  double longest_batch_ns_ = 0;
};

}  // namespace bench
