// What the life of a session costs: frames, and what slow clients miss.
#include <string>
#include <vector>

#include "programs.h"
#include "session_frames.h"
#include "session_return.h"

namespace bench {
namespace {

using ecsdb::Status;

Status run(const Options& options, Report& report) {
  FrameLoad load;
  load.entities = options.number("entities", 10'000, 600);
  load.cells = options.number("cells", 12, 12);
  load.changes = options.number("changes", load.entities / 10, load.entities / 10);
  load.publishes = options.number("publishes", 200, 20);
  load.seed = options.number("seed", 1, 1);
  if (load.changes > load.entities) {
    return ecsdb::fail(ecsdb::ErrorCode::kUsage, "--changes is more than --entities");
  }
  report.count("entities", load.entities);
  report.count("cells", load.cells);
  report.count("rows_changed_per_publish", load.changes);
  std::vector<uint64_t> counts = {16, 1'000};
  if (options.quick()) counts = {16};
  if (options.has("clients")) counts = {options.number("clients", 2, 2)};
  if (counts.front() < 2) {
    return ecsdb::fail(ecsdb::ErrorCode::kUsage, "--clients is at least 2: one is compared with");
  }
  for (const uint64_t clients : counts) {
    load.clients = clients;
    const std::string name = "clients_" + std::to_string(clients);
    load.alike = false;
    report.section("frame." + name + ".each_another");
    ECSDB_TRY(measure_frames(load, report));
    load.alike = true;
    report.section("frame." + name + ".all_alike");
    ECSDB_TRY(measure_frames(load, report));
    std::vector<uint64_t> misses = {4, 32, 200};
    if (options.quick()) misses = {4};
    if (options.has("missed")) misses = {options.number("missed", 1, 1)};
    for (const uint64_t missed : misses) {
      if (clients > 16 && !options.has("clients")) continue;
      const std::string of = "missed_" + std::to_string(missed) + "." + name;
      report.section(of + ".one_in_step");
      ECSDB_TRY(measure_missed(load, missed, false, report));
      report.section(of + ".all_behind");
      ECSDB_TRY(measure_missed(load, missed, true, report));
    }
  }
  report.section("return");
  const uint64_t rows = options.quick() ? 1'000 : 10'000;
  return measure_return(rows, 100, options.quick() ? 20 : 200, load.seed, report);
}

constexpr OptionSpec kOptions[] = {
    {"clients", "so many (16, then 1000)", 10'000},
    {"entities", "rows that every client holds (10000)", 1'000'000},
    {"cells", "that the rows are spread over (12)", 64},
    {"changes", "rows changed a publish (a tenth of the entities)", 1'000'000},
    {"publishes", "measured (200)", 1'000'000},
    {"missed", "publishes that slow clients miss (4, 32, 200)", 1'000},
    {"seed", "of the random rows and steps (1)", UINT64_MAX},
};

}  // namespace

const Program kSessionProgram = {"session", "server time of frames and of what slow clients miss",
                                 kOptions, run};

}  // namespace bench
