// I15, liveness: once all faults are over, every client comes to the head and stays exact, within a
// time that follows from the configuration.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ecsdb/client/client.h"
#include "ecsdb/server/replication_server.h"
#include "ecsdb/sim/checkers/violation.h"
#include "ecsdb/sim/virtual_client.h"
#include "ecsdb/sim/weather.h"

namespace ecsdb::sim {

/// The longest that healed clients may take. Each part is a stage that a client may have to go
/// through one after the other: noticing that a link is dead, waiting for the next try, a try that
/// began too early, the handshake, the transfer, what budgets and limits hold back, and the
/// heartbeat that moves a cut on. `clients` share the budget of all together.
Duration convergence_bound(const ServerOptions& server, const ClientOptions& client,
                           const Weather& weather, uint64_t state_bytes, uint64_t clients);

/// Looks at all clients and the server after heal.
class Convergence {
 public:
  Convergence(Duration bound, ViolationLog& violations) : bound_(bound), violations_(violations) {}

  /// True once everybody is there. False: go on; or, after the bound, the reason has been reported
  /// and given_up() is true.
  bool reached(const ReplicationServer& server,
               const std::vector<std::unique_ptr<VirtualClient>>& clients, Instant healed,
               Instant now);
  bool given_up() const { return given_up_; }
  Duration bound() const { return bound_; }

 private:
  Duration bound_;
  ViolationLog& violations_;
  bool given_up_ = false;
  size_t first_ = 0;  // the client that was not there last time
};

}  // namespace ecsdb::sim
