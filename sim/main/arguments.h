// The command line of ecsdb-sim.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ecsdb/sim/simulation.h"

namespace ecsdb::sim {

// Exit codes, the same in all programs of ecsdb.
enum ExitCode : int {
  kExitOk = 0,
  kExitUsage = 2,
  kExitConfig = 3,
  kExitUnsafe = 7,
  kExitStuck = 8,
  kExitNondeterministic = 9,
  kExitSurvivor = 11,
  kExitInternal = 70,
  kExitInterrupted = 130,
};

struct Arguments {
  std::string verb;
  SimulationOptions simulation;
  std::string weather_name;  // as given; empty: drawn
  std::string plan_file;
  std::string log_file;
  std::string only;  // one planted bug
  uint64_t seeds_first = 1;
  uint64_t seeds_last = 50;
  uint32_t jobs = 0;  // 0: one for each processor
  bool twice = false;
  bool json = false;
};

/// Nothing after an error, which has been printed and left its code in `exit_code`.
std::optional<Arguments> parse_arguments(int count, char** words, int& exit_code);
void print_help();
/// The line that runs the same seed again.
std::string reproduction(const Arguments& arguments, uint64_t seed);

}  // namespace ecsdb::sim
