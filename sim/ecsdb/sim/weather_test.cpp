#include "ecsdb/sim/weather.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>

namespace ecsdb::sim {
namespace {

constexpr Duration kMinute = Duration::seconds(60);

FaultPlan plan_of(const Weather& weather, uint64_t seed, uint32_t clients = 100) {
  return make_fault_plan(weather, clients, kMinute, Prng(seed).stream("faults"));
}

std::map<FaultKind, size_t> count_kinds(const FaultPlan& plan) {
  std::map<FaultKind, size_t> out;
  for (const FaultEvent& event : plan.events) ++out[event.kind];
  return out;
}

TEST(Weather, ClassNamesMapBothWays) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kFaultClasses; ++i) {
    const auto fault_class = static_cast<FaultClass>(i);
    names.insert(fault_class_name(fault_class));
    EXPECT_EQ(fault_class_from_name(fault_class_name(fault_class)), fault_class);
  }
  EXPECT_EQ(names.size(), kFaultClasses);
  EXPECT_EQ(fault_class_from_name("earthquakes"), std::nullopt);
}

TEST(Weather, PresetsAreFoundByName) {
  EXPECT_GE(weather_preset_names().size(), 6u);
  for (const std::string_view name : weather_preset_names()) {
    const auto weather = weather_preset(name);
    ASSERT_TRUE(weather.has_value());
    EXPECT_EQ(weather->name, name);
    EXPECT_TRUE(check_fault_plan(plan_of(*weather, 1), 100).ok());
  }
  EXPECT_EQ(weather_preset("tornado"), std::nullopt);
  EXPECT_TRUE(plan_of(*weather_preset("clear"), 1).events.empty());
}

TEST(Weather, DrawnWeatherBringsEnoughResetsAndPartitionsWhenIncluded) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const Weather weather = draw_weather(seed);
    const bool resets = weather.rate(FaultClass::kResets) > 0;
    const bool partitions = weather.rate(FaultClass::kPartitions) > 0;
    auto kinds = count_kinds(plan_of(weather, seed));
    EXPECT_TRUE(!resets || kinds[FaultKind::kReset] >= 200) << seed;
    EXPECT_TRUE(!partitions || kinds[FaultKind::kPartition] >= 40) << seed;
    EXPECT_TRUE(seed != 1 || (resets && partitions));
  }
}

TEST(Weather, AboutAThirdOfTheSeedsHaveAllClassesAndEachClassIsSometimesOut) {
  size_t all = 0;
  std::array<size_t, kFaultClasses> in{};
  constexpr size_t kSeeds = 2000;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const Weather weather = draw_weather(seed);
    if (weather.name == "drawn: all") ++all;
    for (size_t i = 0; i < kFaultClasses; ++i) in[i] += weather.rates[i] > 0 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(all) / kSeeds, 0.3, 0.05);
  for (size_t i = 0; i < kFaultClasses; ++i) {
    EXPECT_GT(in[i], kSeeds / 2) << fault_class_name(static_cast<FaultClass>(i));
    EXPECT_LT(in[i], kSeeds) << fault_class_name(static_cast<FaultClass>(i));
  }
}

TEST(MakeFaultPlan, PlansAreValidAndSurviveTheirText) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    const uint32_t clients = static_cast<uint32_t>(1 + seed % 12);
    const FaultPlan plan = plan_of(*weather_preset("storm"), seed, clients);
    const Status status = check_fault_plan(plan, clients);
    ASSERT_TRUE(status.ok()) << status.error().to_string();
    const Result<FaultPlan> parsed = fault_plan_from_text(plan.to_text());
    ASSERT_TRUE(parsed.ok()) << parsed.error().to_string();
    EXPECT_EQ(*parsed, plan);
  }
}

TEST(MakeFaultPlan, SameSeedSamePlanAndAllKindsOccur) {
  const Weather weather = *weather_preset("all");
  EXPECT_EQ(plan_of(weather, 5), plan_of(weather, 5));
  EXPECT_NE(plan_of(weather, 5), plan_of(weather, 6));
  const auto kinds = count_kinds(plan_of(weather, 5));
  EXPECT_EQ(kinds.size(), kFaultKinds - 1);  // all but heal, which heal_at is
}

TEST(MakeFaultPlan, SwitchingOneClassOffLeavesTheOthersAsTheyWere) {
  Weather weather = *weather_preset("all");
  const FaultPlan full = plan_of(weather, 9);
  weather.set_rate(FaultClass::kResets, 0);
  FaultPlan expected = full;
  std::erase_if(expected.events, [](const FaultEvent& e) { return e.kind == FaultKind::kReset; });
  EXPECT_EQ(plan_of(weather, 9), expected);
}

}  // namespace
}  // namespace ecsdb::sim
