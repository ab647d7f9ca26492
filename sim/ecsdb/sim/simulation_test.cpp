#include "ecsdb/sim/simulation.h"

#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <string>

namespace ecsdb::sim {
namespace {

SimulationOptions small(uint64_t seed) {
  SimulationOptions options;
  options.seed = seed;
  options.clients = 8;
  options.duration = Duration::seconds(8);
  options.entities = 100;
  return options;
}

void expect_clean(const RunReport& report) {
  for (const Violation& violation : report.violations) ADD_FAILURE() << violation_text(violation);
  EXPECT_TRUE(report.safe()) << "seed " << report.seed;
  EXPECT_TRUE(report.converged) << "seed " << report.seed;
}

TEST(Simulation, DrawnSeedsAreClean) {
  for (uint64_t seed = 1; seed <= 40; ++seed) expect_clean(run_simulation(small(seed)));
}

TEST(Simulation, EveryPresetIsClean) {
  for (const std::string_view name : weather_preset_names()) {
    SimulationOptions options = small(7);
    options.weather = weather_preset(name);
    const RunReport report = run_simulation(options);
    expect_clean(report);
    EXPECT_EQ(report.weather, name);
  }
}

// A world must show what it is there for: judge the generator too.
TEST(Simulation, StormShowsEveryKindOfTrouble) {
  SimulationOptions options = small(3);
  options.weather = weather_preset("storm");
  options.clients = 40;
  options.duration = Duration::seconds(20);
  const RunReport report = run_simulation(options);
  expect_clean(report);
  EXPECT_GT(report.full_syncs, 2u * options.clients);
  EXPECT_GT(report.step_advances, 1000u);
  EXPECT_GT(report.net_advances, 50u);
  EXPECT_GT(report.coverage[Situation::kCellMoves], 100u);
  for (const TraceCount count :
       {TraceCount::kResets, TraceCount::kPartitions, TraceCount::kHalfOpens, TraceCount::kStalls,
        TraceCount::kShortAccepts, TraceCount::kSplits, TraceCount::kClientCrashes,
        TraceCount::kSlowClients, TraceCount::kTimers, TraceCount::kApplies}) {
    EXPECT_GT(report.trace.count(count), 0u) << trace_count_name(count);
  }
}

TEST(Simulation, SeedOneOfAHundredClientsHasManyResetsPartitionsAndSyncs) {
  SimulationOptions options;
  options.seed = 1;
  options.clients = 100;
  options.duration = Duration::seconds(60);
  const RunReport report = run_simulation(options);
  expect_clean(report);
  EXPECT_GE(report.trace.count(TraceCount::kResets), 100u);
  EXPECT_GE(report.trace.count(TraceCount::kPartitions), 20u);
  EXPECT_GT(report.full_syncs, 100u);
}

// In these a client said goodbye on a link that was full and half open, and kept it for ever.
TEST(Simulation, ClientsLetGoOfLinksThatTakeNoGoodbye) {
  for (const uint64_t seed : {320, 394, 645}) {
    SimulationOptions options;
    options.seed = seed;
    options.weather = Weather{};
    options.weather->set_rate(FaultClass::kHalfOpens, 2000);
    expect_clean(run_simulation(options));
  }
}

TEST(Simulation, SameSeedTwiceGivesTheSameTrace) {
  for (uint64_t seed = 50; seed < 54; ++seed) {
    const RunReport first = run_simulation(small(seed));
    const RunReport second = run_simulation(small(seed));
    EXPECT_EQ(first.trace.hash(), second.trace.hash());
    EXPECT_FALSE(Trace::first_difference(first.trace, second.trace));
    EXPECT_EQ(first.commits, second.commits);
  }
}

TEST(Simulation, AnyDifferenceChangesTheTrace) {
  const RunReport usual = run_simulation(small(60));
  EXPECT_NE(usual.trace.hash(), run_simulation(small(61)).trace.hash());
  SimulationOptions later = small(60);
  later.weather = draw_weather(60);
  EXPECT_EQ(run_simulation(later).trace.hash(), usual.trace.hash());
  later.weather->latency_us += 1;
  EXPECT_NE(run_simulation(later).trace.hash(), usual.trace.hash());
  SimulationOptions fewer = small(60);
  fewer.entities -= 1;
  EXPECT_NE(run_simulation(fewer).trace.hash(), usual.trace.hash());
}

TEST(Simulation, AChangedByteTimerOrApplyChangesTheTrace) {
  const uint64_t usual = run_simulation(small(60)).trace.hash();
  for (const Nudge nudge : {Nudge::kByte, Nudge::kTimer, Nudge::kApply}) {
    SimulationOptions nudged = small(60);
    nudged.nudge = nudge;
    const RunReport report = run_simulation(nudged);
    expect_clean(report);
    EXPECT_NE(report.trace.hash(), usual) << static_cast<int>(nudge);
  }
}

TEST(Simulation, LoggingDoesNotChangeTheRun) {
  SimulationOptions logged = small(62);
  logged.trace_log = {0, 1000};
  const RunReport with = run_simulation(logged);
  EXPECT_EQ(with.trace.logged().size(), 1000u);
  EXPECT_EQ(with.trace.hash(), run_simulation(small(62)).trace.hash());
}

TEST(Simulation, AGivenPlanReplacesTheDrawnOne) {
  SimulationOptions options = small(63);
  options.plan = fault_plan_from_text(
                     "heal_at 6.000000000\n"
                     "1.000000000 reset clients=all\n"
                     "2.000000000 partition clients=0,3 for=2.000000000 direction=0\n")
                     .value();
  const RunReport report = run_simulation(options);
  expect_clean(report);
  EXPECT_EQ(report.trace.count(TraceCount::kResets), 8u);
  EXPECT_EQ(report.trace.count(TraceCount::kPartitions), 1u);
  EXPECT_GE(report.end, Instant{} + Duration::seconds(6));
}

TEST(Simulation, AServerThatStartsAnewHasAnotherDatabaseAndPerhapsAnotherSchema) {
  SimulationOptions options = small(64);
  options.plan = fault_plan_from_text(
                     "heal_at 8\n"
                     "2 server_restart for=0.5 silent=0 schema=0\n"
                     "4 server_restart for=1.5 silent=1 schema=1\n"
                     "6 server_restart for=0.1 silent=0 schema=1\n")
                     .value();
  const RunReport report = run_simulation(options);
  expect_clean(report);
  EXPECT_EQ(report.trace.count(TraceCount::kServerRestarts), 3u);
  EXPECT_GE(report.full_syncs, 3u * options.clients);
}

TEST(Simulation, RightsOfAConnectionAreThoseAtItsBeginning) {
  SimulationOptions options = small(65);
  options.plan = fault_plan_from_text(
                     "heal_at 8\n"
                     "2 rights_change variant=1\n"
                     "3 reset clients=0,1,2,3\n"
                     "5 rights_change variant=3\n"
                     "6 rights_change clients=4 variant=0\n"
                     "6 reset clients=4,5\n")
                     .value();
  const RunReport report = run_simulation(options);
  expect_clean(report);
  EXPECT_EQ(report.trace.count(TraceCount::kRightsChanges), 17u);
}

TEST(Simulation, RegressionSeedsAreClean) {
  std::ifstream file(ECSDB_SIM_REGRESSIONS);
  ASSERT_TRUE(file) << ECSDB_SIM_REGRESSIONS;
  size_t runs = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    int64_t seconds = 0;
    SimulationOptions options;
    ASSERT_TRUE(words >> options.seed >> options.clients >> seconds) << line;
    options.duration = Duration::seconds(seconds);
    SCOPED_TRACE(line);
    expect_clean(run_simulation(options));
    ++runs;
  }
  EXPECT_GT(runs, 0u);
}

}  // namespace
}  // namespace ecsdb::sim
