#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "json_line.h"
#include "verbs.h"
#include "wall_clock.h"

namespace ecsdb::sim {
namespace {

// What a failed check prints: the process cannot go on, but the seed is known.
std::string& reproduction_on_abort() {
  static std::string line;
  return line;
}

void on_failed_check(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: check failed: %s\nreproduce: %s\n", file, line, condition,
               reproduction_on_abort().c_str());
  std::_Exit(kExitInternal);
}

std::string hash_text(uint64_t hash) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

uint64_t count_of(const RunReport& report, TraceCount count) { return report.trace.count(count); }

void add_counts(JsonLine& json, const RunReport& report) {
  json.add("resets", count_of(report, TraceCount::kResets));
  json.add("partitions", count_of(report, TraceCount::kPartitions));
  json.add("full_syncs", report.full_syncs);
  json.add("advances", report.advances);
  json.add("step_advances", report.step_advances);
  json.add("net_advances", report.net_advances);
  json.add("operations", report.operations);
  json.add("dials", report.dials);
  json.add("kicks", report.kicks);
  for (size_t i = 0; i < kSituations; ++i) {
    const auto situation = static_cast<Situation>(i);
    json.add(situation_name(situation), report.coverage[situation]);
  }
  for (size_t i = 0; i < kTraceCounts; ++i) {
    const auto count = static_cast<TraceCount>(i);
    if (count == TraceCount::kResets || count == TraceCount::kPartitions) continue;
    json.add(trace_count_name(count), report.trace.count(count));
  }
}

void print_json(const RunReport& report, double wall_seconds) {
  JsonLine json;
  json.add("seed", report.seed);
  json.add("clients", uint64_t{report.clients});
  json.add("weather", report.weather);
  json.add_milli("virtual_seconds", report.end.ns / 1'000'000);
  json.add_milli("wall_seconds", static_cast<int64_t>(wall_seconds * 1000));
  json.add("commits", report.commits);
  json.add("violations", report.violation_count);
  json.add("converged", report.converged);
  json.add_milli("converged_after_seconds", report.converged_after.to_ms());
  json.add("trace_hash", hash_text(report.trace.hash()));
  add_counts(json, report);
  std::puts(json.text().c_str());
}

void print_words(const RunReport& report, double wall_seconds) {
  const double seconds = static_cast<double>(report.end.ns) / 1e9;
  std::printf("seed %llu, %u clients, weather %s\n", static_cast<unsigned long long>(report.seed),
              report.clients, report.weather.c_str());
  std::printf("%.1f virtual seconds in %.2f s (%.0f times real time)\n", seconds, wall_seconds,
              seconds / wall_seconds);
  std::printf("%llu commits, %llu cell moves, %llu full syncs, %llu advances\n",
              static_cast<unsigned long long>(report.commits),
              static_cast<unsigned long long>(report.coverage[Situation::kCellMoves]),
              static_cast<unsigned long long>(report.full_syncs),
              static_cast<unsigned long long>(report.advances));
  std::printf("%llu resets, %llu partitions, %llu crashes, %llu short accepts\n",
              static_cast<unsigned long long>(count_of(report, TraceCount::kResets)),
              static_cast<unsigned long long>(count_of(report, TraceCount::kPartitions)),
              static_cast<unsigned long long>(count_of(report, TraceCount::kClientCrashes)),
              static_cast<unsigned long long>(count_of(report, TraceCount::kShortAccepts)));
  if (report.converged) {
    std::printf("converged %.1f s after all faults were over\n",
                static_cast<double>(report.converged_after.ns) / 1e9);
  }
  std::printf("%llu violations, trace hash %s\n",
              static_cast<unsigned long long>(report.violation_count),
              hash_text(report.trace.hash()).c_str());
}

void print_entry(std::FILE* out, const TraceEntry& entry) {
  std::fprintf(out, "%lld.%09lld %s subject=%llu detail=%llu hash=%s\n",
               static_cast<long long>(entry.at.ns / 1'000'000'000),
               static_cast<long long>(entry.at.ns % 1'000'000'000),
               std::string(trace_kind_name(entry.kind)).c_str(),
               static_cast<unsigned long long>(entry.subject),
               static_cast<unsigned long long>(entry.detail), hash_text(entry.hash).c_str());
}

/// Before the run, which may take long; null if it cannot be written.
std::FILE* open_log(const std::string& name) {
  std::FILE* const file = std::fopen(name.c_str(), "w");
  if (file == nullptr) {
    std::fprintf(stderr, "ecsdb-sim: cannot write \"%s\": %s\n", name.c_str(),
                 std::strerror(errno));
  }
  return file;
}

bool write_log(std::FILE* file, const std::string& name, const Trace& trace) {
  for (const TraceEntry& entry : trace.logged()) print_entry(file, entry);
  const bool written = std::ferror(file) == 0;
  if (std::fclose(file) == 0 && written) return true;
  std::fprintf(stderr, "ecsdb-sim: \"%s\" could not be written whole\n", name.c_str());
  return false;
}

/// Runs the seed again; if the traces differ, shows the first entries that do. True if equal.
bool check_twice(const Arguments& arguments, const RunReport& first) {
  const RunReport second = run_simulation(arguments.simulation);
  const auto range = Trace::first_difference(first.trace, second.trace);
  if (!range) return true;
  SimulationOptions again = arguments.simulation;
  again.trace_log = {range->begin, range->end - range->begin};
  const RunReport left = run_simulation(again);
  const RunReport right = run_simulation(again);
  std::fprintf(
      stderr, "nondeterminism: two runs of seed %llu differ between entries %llu and %llu\n",
      static_cast<unsigned long long>(first.seed), static_cast<unsigned long long>(range->begin),
      static_cast<unsigned long long>(range->end));
  if (const auto at = Trace::first_logged_difference(left.trace, right.trace)) {
    const size_t index = static_cast<size_t>(*at - range->begin);
    if (index < left.trace.logged().size()) print_entry(stderr, left.trace.logged()[index]);
    if (index < right.trace.logged().size()) print_entry(stderr, right.trace.logged()[index]);
  }
  return false;
}

}  // namespace

int run_verb(const Arguments& arguments) {
  Arguments with_log = arguments;
  std::FILE* log = nullptr;
  if (!arguments.log_file.empty()) {
    log = open_log(arguments.log_file);
    if (log == nullptr) return kExitConfig;
    with_log.simulation.trace_log = {0, Trace::kLogEntriesMax};
  }
  reproduction_on_abort() = reproduction(arguments, arguments.simulation.seed);
  set_check_handler(on_failed_check);
  const WallClock clock;
  const RunReport report = run_simulation(with_log.simulation);
  const double wall_seconds = clock.seconds();
  for (const Violation& violation : report.violations) {
    std::fprintf(stderr, "%s\n", violation_text(violation).c_str());
  }
  const bool equal = !arguments.twice || check_twice(arguments, report);
  const bool failed = !report.safe() || !report.converged || !equal;
  if (failed) {
    std::fprintf(stderr, "reproduce: %s%s\n",
                 reproduction(arguments, arguments.simulation.seed).c_str(),
                 equal ? "" : " --twice");
  }
  const bool logged = log == nullptr || write_log(log, arguments.log_file, report.trace);
  if (arguments.json) {
    print_json(report, wall_seconds);
  } else {
    print_words(report, wall_seconds);
  }
  if (!report.safe()) return kExitUnsafe;
  if (!equal) return kExitNondeterministic;
  if (!report.converged) return kExitStuck;
  return logged ? kExitOk : kExitConfig;
}

}  // namespace ecsdb::sim
