// What frames cost the server, with links that cost nothing.
#pragma once

#include <cstdint>

#include "ecsdb/base/result.h"

#include "report.h"

namespace bench {

struct FrameLoad {
  uint64_t clients = 16;  // and one more, whose replica is compared with the server
  uint64_t entities = 10'000;
  uint64_t cells = 12;
  uint64_t changes = 1'000;  // rows a publish
  uint64_t publishes = 100;  // measured
  uint64_t seed = 1;
  bool alike = true;  // the clients' frames are equal
};

/// Clients in step: publish and output a client, beside copying the head of a frame and gathering
/// spans. kDigestMismatch if the replica does not show what the server has.
ecsdb::Status measure_frames(const FrameLoad& load, Report& report);

/// Clients whose links take nothing for `missed` publishes and then everything: what a missed
/// publish costs for each, beside clients in step. The one more is in step, or behind like all
/// others if `all_behind`.
ecsdb::Status measure_missed(const FrameLoad& load, uint64_t missed, bool all_behind,
                             Report& report);

}  // namespace bench
