// Runs seeds in several processes, so that a crash of one costs only that seed.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "ecsdb/sim/simulation.h"

namespace ecsdb::sim {

/// What one seed came to; of a size that a pipe takes whole.
struct SeedOutcome {
  uint64_t seed = 0;
  bool crashed = false;  // the process ended in the middle of it
  bool safe = false;
  bool converged = false;
  bool deterministic = true;  // as far as it was tried
  char invariant[64] = {};    // of the first violation
  int64_t virtual_ns = 0;
  uint64_t commits = 0;
  uint64_t full_syncs = 0;
  uint64_t advances = 0;
  uint64_t net_advances = 0;
  Coverage coverage;
  uint64_t counts[kTraceCounts] = {};

  bool clean() const { return !crashed && safe && converged && deterministic; }
};

struct SeedRange {
  uint64_t first = 1;
  uint64_t last = 1;
};

/// How often a seed is run.
enum class SeedRuns : uint8_t {
  kOnce,
  kTwice,  // and both traces compared
};

/// Runs the seeds with options that `prepare` (called in the child, before each run) completes.
/// `on_outcome` hears of each in the order of arrival and returns whether to go on. `jobs` 0: one
/// for each processor.
void run_seeds(const SimulationOptions& options, SeedRange seeds, uint32_t jobs, SeedRuns runs,
               const std::function<void()>& prepare,
               const std::function<bool(const SeedOutcome&)>& on_outcome);

}  // namespace ecsdb::sim
