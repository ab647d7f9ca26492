// A weather from a TOML text.
#pragma once

#include <string_view>
#include <vector>

#include "ecsdb/sim/weather.h"
#include "ecsdb/toml/text_problem.h"

namespace ecsdb::sim {

/// Keys, all optional: `name` (text), `base` (a preset to start from; else no faults),
/// `latency_us`, `jitter_us`, `bytes_per_second`, `outage_mean_ms`, and a table `rates` with events
/// per client-hour by class of fault (`resets = 150`). kSyntax with every mistake in `problems`,
/// sorted by place. `file_name` is for messages only.
Result<Weather> parse_weather_toml(std::string_view text, std::string_view file_name,
                                   std::vector<TextProblem>* problems);

}  // namespace ecsdb::sim
