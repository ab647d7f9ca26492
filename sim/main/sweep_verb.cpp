#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "json_line.h"
#include "progress_bar.h"
#include "seed_runner.h"
#include "verbs.h"
#include "wall_clock.h"

namespace ecsdb::sim {
namespace {

struct Sum {
  uint64_t seeds = 0;
  std::vector<SeedOutcome> failed;
  bool unsafe = false;
  bool nondeterministic = false;
  uint64_t virtual_ms_min = UINT64_MAX;  // of one seed, as is the next
  uint64_t commits_min = UINT64_MAX;
  SeedOutcome counts;
  Coverage seeds_with;  // how many seeds had each situation
};

void add(Sum& sum, const SeedOutcome& outcome) {
  ++sum.seeds;
  const uint64_t virtual_ms = static_cast<uint64_t>(outcome.virtual_ns / 1'000'000);
  sum.virtual_ms_min = std::min(sum.virtual_ms_min, virtual_ms);
  sum.commits_min = std::min(sum.commits_min, outcome.commits);
  if (!outcome.clean()) sum.failed.push_back(outcome);
  sum.unsafe |= outcome.crashed || !outcome.safe;
  sum.nondeterministic |= !outcome.deterministic;
  sum.counts.virtual_ns += outcome.virtual_ns;
  sum.counts.commits += outcome.commits;
  sum.counts.full_syncs += outcome.full_syncs;
  sum.counts.advances += outcome.advances;
  sum.counts.net_advances += outcome.net_advances;
  for (size_t i = 0; i < kSituations; ++i) {
    sum.counts.coverage.counts[i] += outcome.coverage.counts[i];
    sum.seeds_with.counts[i] += outcome.coverage.counts[i] > 0 ? 1 : 0;
  }
  for (size_t i = 0; i < kTraceCounts; ++i) sum.counts.counts[i] += outcome.counts[i];
}

void print_json(const Sum& sum, double wall_seconds) {
  JsonLine json;
  json.add("seeds", sum.seeds);
  std::string failed;
  for (const SeedOutcome& outcome : sum.failed) {
    failed += (failed.empty() ? "" : ",") + std::to_string(outcome.seed);
  }
  json.put("failed", "[" + failed + "]");
  json.add_milli("seeds_per_second",
                 static_cast<int64_t>(static_cast<double>(sum.seeds) * 1000 / wall_seconds));
  json.add_milli("wall_seconds", static_cast<int64_t>(wall_seconds * 1000));
  json.add_milli("virtual_seconds", sum.counts.virtual_ns / 1'000'000);
  json.add("commits", sum.counts.commits);
  json.add("full_syncs", sum.counts.full_syncs);
  json.add("advances", sum.counts.advances);
  json.add("net_advances", sum.counts.net_advances);
  json.add("seed_virtual_ms_min", sum.virtual_ms_min);
  json.add("seed_commits_min", sum.commits_min);
  for (size_t i = 0; i < kSituations; ++i) {
    const std::string name(situation_name(static_cast<Situation>(i)));
    const uint64_t with = sum.seeds_with.counts[i];
    json.add(name, sum.counts.coverage.counts[i]);
    json.add(name + "_seeds", with);
    json.add_milli(name + "_share", static_cast<int64_t>(with * 1000 / sum.seeds));
  }
  for (size_t i = 0; i < kTraceCounts; ++i) {
    json.add(trace_count_name(static_cast<TraceCount>(i)), sum.counts.counts[i]);
  }
  std::puts(json.text().c_str());
}

}  // namespace

int sweep_verb(const Arguments& arguments) {
  const SeedRange seeds{arguments.seeds_first, arguments.seeds_last};
  const WallClock clock;
  Sum sum;
  {
    ProgressBar bar(seeds.last - seeds.first + 1);
    run_seeds(
        arguments.simulation, seeds, arguments.jobs,
        arguments.twice ? SeedRuns::kTwice : SeedRuns::kOnce, [] {},
        [&](const SeedOutcome& outcome) {
          add(sum, outcome);
          bar.show(sum.seeds, sum.failed.size());
          return true;
        });
  }
  const double wall_seconds = clock.seconds();
  std::sort(sum.failed.begin(), sum.failed.end(),
            [](const SeedOutcome& a, const SeedOutcome& b) { return a.seed < b.seed; });
  for (const SeedOutcome& outcome : sum.failed) {
    std::fprintf(stderr, "seed %llu: %s; reproduce: %s%s\n",
                 static_cast<unsigned long long>(outcome.seed), outcome.invariant,
                 reproduction(arguments, outcome.seed).c_str(),
                 outcome.deterministic ? "" : " --twice");
  }
  if (arguments.json) {
    print_json(sum, wall_seconds);
  } else {
    std::printf("%llu seeds, %zu failed, %.1f seeds a second, %.0f virtual seconds\n",
                static_cast<unsigned long long>(sum.seeds), sum.failed.size(),
                static_cast<double>(sum.seeds) / wall_seconds,
                static_cast<double>(sum.counts.virtual_ns) / 1e9);
  }
  if (sum.unsafe) return kExitUnsafe;
  if (sum.nondeterministic) return kExitNondeterministic;
  return sum.failed.empty() ? kExitOk : kExitStuck;
}

}  // namespace ecsdb::sim
