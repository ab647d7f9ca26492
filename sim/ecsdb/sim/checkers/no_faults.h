// No end ever accuses the other: the network loses and delays bytes, but never changes one, so that
// every protocol error, refused token and replica fault is a bug.
#pragma once

#include <cstdint>

#include "ecsdb/client/events.h"
#include "ecsdb/server/replication_server.h"
#include "ecsdb/sim/checkers/violation.h"

namespace ecsdb::sim {

class NoFaults {
 public:
  explicit NoFaults(ViolationLog& violations) : violations_(violations) {}

  void on_server_event(const ServerEvent& event, Instant at);
  void on_client_event(uint32_t client, const ClientEvent& event, Instant at);

 private:
  ViolationLog& violations_;
};

}  // namespace ecsdb::sim
