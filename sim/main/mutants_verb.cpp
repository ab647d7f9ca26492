#include <cstdio>
#include <string>
#include <vector>

#include "ecsdb/base/mutant.h"

#include "json_line.h"
#include "progress_bar.h"
#include "seed_runner.h"
#include "verbs.h"

namespace ecsdb::sim {

#if defined(ECSDB_MUTANTS)
namespace {

struct Mutant {
  const char* name;
  const char* what;
};

constexpr Mutant kMutants[] = {
    {"skip_delta", "the server leaves one delta out for one client"},
    {"apply_twice", "the client applies an advance twice"},
    {"drop_removal", "the server's blocks leave removals out"},
    {"entry_keeps_row_version", "a row that enters a cell keeps its old version"},
    {"wrong_baseline", "a block is sent and accepted on the wrong baseline"},
    {"net_without_history", "net deltas leave out what later blocks predict from"},
    {"entry_keeps_history", "a row that enters a cell keeps its history at the server"},
    {"history_loses_trend", "a row that is about to lose its history loses a part too early"},
    {"resume_off_by_one", "net deltas begin one version late"},
    {"stale_resume", "net deltas are sent to those below the horizon"},
    {"net_without_removals", "net deltas leave removals out"},
    {"tombstone_of_index", "tombstones are compared by entity index alone"},
    {"sync_without_end", "the net delta that ends a sync is left out"},
    {"scan_by_slot", "a sync scans by row slot"},
    {"version_at_sync_start", "the client takes the version of a sync for its own when it begins"},
    {"half_advance", "the client shows half of an advance"},
    {"old_generation", "blocks go to whoever held a cell once, under the handle it had"},
    {"credit_leak", "a session's next connection begins with bytes that nobody acknowledges"},
    {"old_connection_accepted", "the older connection of a session goes on"},
    {"event_to_everyone", "an event of a cell without rows goes to all who are live"},
    {"events_uncounted", "events that the ring has lost are not counted"},
    {"events_again", "who comes back is told events that it has been told already"},
    {"lost_ticket_reply", "a ticket is void as soon as its successor was issued"},
    {"no_window", "the server does not wait for acknowledgements"},
    {"hidden_cells", "every cell of a table may be read by who may read some"},
    {"first_field_changed", "the first field of a row that changed is told to have changed"},
    {"leaves_are_removed", "rows that leave the view are told to be removed"},
    {"unbounded_backoff", "the delay before dialling again grows for ever"},
    {"area_keeps_cells", "an area that moves does not give cells up"},
    {"area_stays_behind", "an area does not follow its entity at some publishes"},
    {"area_keeps_left_behind", "what a moved area left behind still counts as inside"},
    {"no_dedup", "a write that comes again is taken again"},
    {"dedup_by_equality", "only the write taken last is known to have come before"},
    {"queued_twice", "a write that comes again before it is decided is queued again"},
    {"duplicate_unanswered", "a write that comes again is not told what became of it"},
    {"rejection_blocks", "a rejected write keeps the place that the next one needs"},
    {"tie_by_arrival", "of equal stamps the one that comes last wins"},
    {"merge_overwrites", "a merge takes what is written for the result"},
    {"own_conflicts", "a client's own earlier write makes the next one stale"},
    {"unlogged_win", "a stale write that wins is not in the log of conflicts"},
    {"outcome_after_effect", "outcomes come one advance late"},
    {"queue_truncated", "pending writes are lost with the connection"},
    {"resend_reversed", "pending writes are sent again in reverse order"},
    {"overlay_dropped_at_ack", "a write is no longer shown once its outcome has arrived"},
    {"rejection_stays", "a rejected write is shown for ever"},
    // In the simulated application: these prove that its checkers can see.
    {"read_between", "reads move on without a poll"},
    {"lost_callback", "a change is not told to the application"},
    {"lost_timer", "a client's timer is never armed"},
};

struct Verdict {
  const Mutant* mutant = nullptr;
  bool caught = false;
  uint64_t seed = 0;
  std::string checker;
};

Verdict hunt(const Arguments& arguments, const Mutant& mutant) {
  Verdict verdict{&mutant, false, 0, {}};
  run_seeds(
      arguments.simulation, {arguments.seeds_first, arguments.seeds_last}, 1, SeedRuns::kOnce,
      [&] { set_active_mutant(mutant.name); },
      [&](const SeedOutcome& outcome) {
        if (outcome.clean()) return true;
        verdict.caught = true;
        verdict.seed = outcome.seed;
        verdict.checker = outcome.invariant;
        return false;
      });
  return verdict;
}

/// Seeds that fail without any planted bug.
uint64_t control_failures(const Arguments& arguments) {
  uint64_t failures = 0;
  run_seeds(
      arguments.simulation, {arguments.seeds_first, arguments.seeds_last}, arguments.jobs,
      SeedRuns::kOnce, [] { set_active_mutant(""); },
      [&](const SeedOutcome& outcome) {
        failures += outcome.clean() ? 0 : 1;
        if (!outcome.clean()) {
          std::fprintf(stderr, "control: seed %llu: %s; reproduce: %s\n",
                       static_cast<unsigned long long>(outcome.seed), outcome.invariant,
                       reproduction(arguments, outcome.seed).c_str());
        }
        return true;
      });
  return failures;
}

struct Nudged {
  const char* name;
  Nudge nudge;
  bool shown = false;
};

/// Whether the trace hash shows the smallest difference of each kind.
std::vector<Nudged> try_nudges(const Arguments& arguments) {
  set_active_mutant("");
  SimulationOptions options = arguments.simulation;
  options.seed = arguments.seeds_first;
  const uint64_t usual = run_simulation(options).trace.hash();
  std::vector<Nudged> nudges = {
      {"byte", Nudge::kByte}, {"timer", Nudge::kTimer}, {"apply", Nudge::kApply}};
  for (Nudged& nudged : nudges) {
    options.nudge = nudged.nudge;
    nudged.shown = run_simulation(options).trace.hash() != usual;
    std::printf("one changed %-12s %s trace_hash\n", nudged.name,
                nudged.shown ? "changes" : "DOES NOT CHANGE");
  }
  return nudges;
}

void print_words(const std::vector<Verdict>& verdicts) {
  for (const Verdict& verdict : verdicts) {
    if (verdict.caught) {
      std::printf("%-24s caught by %s at seed %llu\n", verdict.mutant->name,
                  verdict.checker.c_str(), static_cast<unsigned long long>(verdict.seed));
    } else {
      std::printf("%-24s SURVIVED: %s\n", verdict.mutant->name, verdict.mutant->what);
    }
  }
}

void print_json(const Arguments& arguments, const std::vector<Verdict>& verdicts,
                const std::vector<Nudged>& nudges, uint64_t survivors, uint64_t control) {
  std::string list;
  for (const Verdict& verdict : verdicts) {
    JsonLine one;
    one.add("name", std::string(verdict.mutant->name));
    one.add("caught", verdict.caught);
    if (verdict.caught) {
      one.add("checker", verdict.checker);
      one.add("seed", verdict.seed);
    }
    list += (list.empty() ? "" : ",") + one.text();
  }
  JsonLine json;
  json.add("seeds", arguments.seeds_last - arguments.seeds_first + 1);
  json.put("mutants", "[" + list + "]");
  for (const Nudged& nudged : nudges) {
    json.add((std::string(nudged.name) + "_changes_trace_hash").c_str(), nudged.shown);
  }
  json.add("survivors", survivors);
  json.add("control_failures", control);
  std::puts(json.text().c_str());
}

}  // namespace

int mutants_verb(const Arguments& arguments) {
  std::vector<const Mutant*> chosen;
  std::string names;
  for (const Mutant& mutant : kMutants) {
    names += std::string(" ") + mutant.name;
    if (arguments.only.empty() || arguments.only == mutant.name) chosen.push_back(&mutant);
  }
  if (chosen.empty()) {
    std::fprintf(stderr, "ecsdb-sim: no planted bug \"%s\"; there are%s\n", arguments.only.c_str(),
                 names.c_str());
    return kExitUsage;
  }
  std::vector<Verdict> verdicts;
  uint64_t survivors = 0;
  {
    ProgressBar bar(chosen.size());
    for (const Mutant* mutant : chosen) {
      bar.show(verdicts.size(), survivors);
      verdicts.push_back(hunt(arguments, *mutant));
      survivors += verdicts.back().caught ? 0 : 1;
    }
  }
  const uint64_t control = control_failures(arguments);
  print_words(verdicts);
  std::printf("control: %llu of %llu seeds failed\n", static_cast<unsigned long long>(control),
              static_cast<unsigned long long>(arguments.seeds_last - arguments.seeds_first + 1));
  const std::vector<Nudged> nudges = try_nudges(arguments);
  for (const Nudged& nudged : nudges) survivors += nudged.shown ? 0 : 1;
  if (arguments.json) print_json(arguments, verdicts, nudges, survivors, control);
  if (control > 0) return kExitUnsafe;
  return survivors > 0 ? kExitSurvivor : kExitOk;
}

#else

int mutants_verb(const Arguments&) {
  std::fprintf(stderr, "ecsdb-sim: this build has no planted bugs: use ./dev sim mutants\n");
  return kExitUsage;
}

#endif

}  // namespace ecsdb::sim
