// I14, bounded resources: a server builds nothing more for a connection that has as many bytes
// unacknowledged or queued as it may have.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "ecsdb/server/options.h"
#include "ecsdb/sim/checkers/violation.h"
#include "ecsdb/sim/checkers/wiretap.h"

namespace ecsdb::sim {

/// The checker of one server. The log outlives it.
class BoundedResources final : public FrameWatcher {
 public:
  BoundedResources(const ServerOptions& options, ViolationLog& violations)
      : unacked_bytes_max_(options.unacked_bytes_max),
        chain_max_(options.ring_misses),
        violations_(violations) {}

  void on_server_frame(LinkId link, const Frame& frame, uint64_t offset, Instant at) override;
  void on_client_frame(LinkId link, const Frame& frame, Instant at) override;
  void on_link_gone(LinkId link) override { links_.erase(link); }

 private:
  struct Link {
    uint64_t acked = 0;                // bytes of the stream
    std::optional<uint64_t> outcomes;  // where what belongs to the next advance began
    std::deque<uint64_t> chain;  // where the last advances in step began, one behind the other
  };

  uint64_t unacked_bytes_max_;
  size_t chain_max_;
  ViolationLog& violations_;
  std::map<LinkId, Link> links_;
};

}  // namespace ecsdb::sim
