// What frames cost the server, and what slow clients miss: the worst cases in the top level of the
// report, all of them in sections.
#include <algorithm>
#include <string>
#include <vector>

#include "session.h"
#include "session_frames.h"

namespace bench {

using ecsdb::Status;

Status measure_server_time(const Options& options, Report& report) {
  FrameLoad load;
  load.entities = options.number("entities", 10'000, 600);
  load.cells = options.number("cells", 12, 12);
  load.changes = options.number("changes", load.entities / 10, load.entities / 10);
  load.publishes = options.number("publishes", 2'000, 20);
  load.seed = options.number("seed", 1, 1);
  if (load.changes > load.entities) {
    return ecsdb::fail(ecsdb::ErrorCode::kUsage, "--changes is more than --entities");
  }
  report.count("entities", load.entities);
  report.count("cells", load.cells);
  report.count("rows_changed_per_publish", load.changes);
  double frame_us = 0;
  double missed_us = 0;
  std::vector<uint64_t> counts = {16, 1'000};
  if (options.quick()) counts = {16};
  if (options.has("clients")) counts = {options.number("clients", 2, 2)};
  if (counts.front() < 2) {
    return ecsdb::fail(ecsdb::ErrorCode::kUsage, "--clients is at least 2: one is compared with");
  }
  for (const uint64_t clients : counts) {
    load.clients = clients;
    const std::string name = "clients_" + std::to_string(clients);
    // With few clients the difference is lost in what memory's layout does to the encoder.
    for (const bool alike : {false, true}) {
      if (clients != counts.back()) break;
      load.alike = alike;
      report.section("frame." + name + (alike ? ".all_alike" : ".each_another"));
      ECSDB_TRY(measure_frames(load, report));
      frame_us = std::max(frame_us, report.newest("frame_ns_per_client") / 1'000);
    }
    load.alike = true;
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
      const double behind_ns = report.newest("behind_ns_per_client_and_publish");
      missed_us = std::max(missed_us, behind_ns / 1'000);
    }
  }
  report.top_number("frame_build_us", frame_us);
  report.top_number("missed_commit_us", missed_us);
  return {};
}

}  // namespace bench
