// I14, bounded resources: a server builds nothing more for a connection that has as many bytes
// unacknowledged or queued as it may have.
#pragma once

#include <map>

#include "ecsdb/sim/checkers/violation.h"
#include "ecsdb/sim/checkers/wiretap.h"

namespace ecsdb::sim {

/// The checker of one server. The log outlives it.
class BoundedResources final : public FrameWatcher {
 public:
  BoundedResources(uint64_t unacked_bytes_max, ViolationLog& violations)
      : unacked_bytes_max_(unacked_bytes_max), violations_(violations) {}

  void on_server_frame(LinkId link, const Frame& frame, uint64_t offset, Instant at) override;
  void on_client_frame(LinkId link, const Frame& frame, Instant at) override;
  void on_link_gone(LinkId link) override { acked_.erase(link); }

 private:
  uint64_t unacked_bytes_max_;
  ViolationLog& violations_;
  std::map<LinkId, uint64_t> acked_;  // bytes of the stream
};

}  // namespace ecsdb::sim
