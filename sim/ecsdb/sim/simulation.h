// One simulated run: a server, its clients, the weather, and the checkers, from one seed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ecsdb/sim/checkers/violation.h"
#include "ecsdb/sim/coverage.h"
#include "ecsdb/sim/fault_plan.h"
#include "ecsdb/sim/trace.h"
#include "ecsdb/sim/virtual_client.h"
#include "ecsdb/sim/weather.h"

namespace ecsdb::sim {

constexpr uint32_t kClientsMax = 10'000;
constexpr uint32_t kEntitiesMax = 1'000'000;
constexpr uint32_t kCommitsPerSecondMax = 10'000;
constexpr int64_t kSecondsMax = 86'400;

/// What makes a run. Two runs of equal options are equal in every byte and instant.
struct SimulationOptions {
  uint64_t seed = 1;
  uint32_t clients = 12;
  Duration duration = Duration::seconds(20);  // of faults and commits, until heal
  std::optional<Weather> weather;             // none: drawn from the seed
  std::optional<FaultPlan> plan;              // none: drawn from the weather
  uint32_t entities = 200;
  uint32_t commits_per_second = 25;
  uint32_t publish_every = 0;  // commits; 0: drawn
  TraceLogWindow trace_log = {};
  Nudge nudge = Nudge::kNone;          // for tests of the trace
  ClientRecorder* recorder = nullptr;  // outlives the run
};

/// What came of it.
struct RunReport {
  uint64_t seed = 0;
  uint32_t clients = 0;
  std::string weather;
  Instant end;               // virtual time, the wait for convergence included
  Duration converged_after;  // since heal; meaningless if it did not
  Duration bound;            // of it
  bool converged = false;
  uint64_t violation_count = 0;
  std::vector<Violation> violations;  // the first ones, safety first
  uint64_t commits = 0;
  uint64_t operations = 0;
  Coverage coverage;
  uint64_t full_syncs = 0;
  uint64_t advances = 0;
  uint64_t step_advances = 0;  // sent with shared relative blocks
  uint64_t net_advances = 0;   // sent with net deltas
  uint64_t dials = 0;
  uint64_t kicks = 0;
  Trace trace;

  bool safe() const { return violation_count == 0; }
};

RunReport run_simulation(const SimulationOptions& options);

}  // namespace ecsdb::sim
