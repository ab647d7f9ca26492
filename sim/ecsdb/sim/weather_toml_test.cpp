#include "ecsdb/sim/weather_toml.h"

#include <gtest/gtest.h>

namespace ecsdb::sim {
namespace {

TEST(WeatherToml, ReadsRatesAndLine) {
  std::vector<TextProblem> problems;
  const auto weather = parse_weather_toml(
      "name = \"drizzle\"\nlatency_us = 1500\nbytes_per_second = 64000\n"
      "[rates]\nresets = 12\nhalf_opens = 3\n",
      "drizzle.toml", &problems);
  ASSERT_TRUE(weather.ok()) << weather.error().to_string();
  EXPECT_EQ(weather->name, "drizzle");
  EXPECT_EQ(weather->latency_us, 1500u);
  EXPECT_EQ(weather->bytes_per_second, 64'000u);
  EXPECT_EQ(weather->rate(FaultClass::kResets), 12u);
  EXPECT_EQ(weather->rate(FaultClass::kHalfOpens), 3u);
  EXPECT_EQ(weather->rate(FaultClass::kPartitions), 0u);
}

TEST(WeatherToml, StartsFromAPreset) {
  std::vector<TextProblem> problems;
  const auto weather =
      parse_weather_toml("base = \"storm\"\n[rates]\nresets = 1\n", "w.toml", &problems);
  ASSERT_TRUE(weather.ok());
  Weather expected = *weather_preset("storm");
  expected.name = "w.toml";
  expected.set_rate(FaultClass::kResets, 1);
  EXPECT_EQ(*weather, expected);
}

TEST(WeatherToml, ReportsEveryMistakeAtItsPlace) {
  std::vector<TextProblem> problems;
  const auto weather = parse_weather_toml(
      "base = \"strom\"\n[rates]\nresets = 3601\npartition = 2\n", "w.toml", &problems);
  ASSERT_FALSE(weather.ok());
  EXPECT_EQ(weather.code(), ErrorCode::kSyntax);
  ASSERT_EQ(problems.size(), 3u);
  EXPECT_EQ(problems[0].line, 1);
  EXPECT_EQ(problems[0].suggestion, "storm");
  EXPECT_EQ(problems[1].line, 3);
  EXPECT_EQ(problems[2].line, 4);
  EXPECT_EQ(problems[2].suggestion, "partitions");
}

TEST(WeatherToml, RefusesBrokenText) {
  std::vector<TextProblem> problems;
  EXPECT_FALSE(parse_weather_toml("rates = [", "w.toml", &problems).ok());
  EXPECT_EQ(problems.size(), 1u);
}

}  // namespace
}  // namespace ecsdb::sim
