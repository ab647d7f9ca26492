#include "ecsdb/sim/weather_toml.h"

#include "ecsdb/base/check.h"
#include "ecsdb/toml/config_reader.h"

namespace ecsdb::sim {
namespace {

constexpr int64_t kHourUs = 3'600'000'000;

void read_rates(TomlTable rates, Weather& weather) {
  for (size_t i = 0; i < kFaultClasses; ++i) {
    const auto fault_class = static_cast<FaultClass>(i);
    const auto rate = rates.integer(fault_class_name(fault_class), 0, Weather::kRateMax);
    if (rate) weather.set_rate(fault_class, static_cast<uint32_t>(*rate));
  }
  rates.finish();
}

void read_number(TomlTable& root, std::string_view key, int64_t max, uint32_t& out) {
  if (const auto value = root.integer(key, 0, max)) out = static_cast<uint32_t>(*value);
}

}  // namespace

Result<Weather> parse_weather_toml(std::string_view text, std::string_view file_name,
                                   std::vector<TextProblem>* problems) {
  problems->clear();
  auto tree = parse_toml(text, file_name, problems);
  if (!tree.ok()) return tree.error();
  TomlTable root(*tree, "", problems);
  std::vector<std::string> presets;
  for (const std::string_view name : weather_preset_names()) presets.emplace_back(name);
  Weather weather;
  if (const auto base = root.choice("base", presets)) weather = *weather_preset(*base);
  weather.name = root.string("name").value_or(std::string(file_name));
  read_number(root, "latency_us", kHourUs / 60, weather.latency_us);
  read_number(root, "jitter_us", kHourUs / 60, weather.jitter_us);
  read_number(root, "bytes_per_second", UINT32_MAX, weather.bytes_per_second);
  read_number(root, "outage_mean_ms", 3'600'000, weather.outage_mean_ms);
  read_rates(root.table("rates"), weather);
  root.finish();
  if (problems->empty()) return weather;
  sort_problems(*problems);
  return error_of_problems(ErrorCode::kSyntax, file_name, *problems);
}

}  // namespace ecsdb::sim
