// Which faults may occur in a run and how often, and the plans drawn from that.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ecsdb/base/prng.h"
#include "ecsdb/base/time.h"
#include "ecsdb/sim/fault_plan.h"

namespace ecsdb::sim {

/// Classes of faults that a weather switches and weighs. Names are the keys of weather files.
enum class FaultClass : uint8_t {
  kResets,
  kPartitions,
  kSwizzles,  // partitions that begin one by one and end in another order
  kHalfOpens,
  kStalls,
  kLatencySpikes,
  kBandwidthLimits,
  kShortAccepts,
  kSplitBytes,
  kClientCrashes,
  kClockSkews,
  kSlowClients,
  kClientPauses,
  kLinkCuts,  // in the middle of handshakes and syncs
  kServerRestarts,
  kRightsChanges,
  kCount_,
};
constexpr size_t kFaultClasses = static_cast<size_t>(FaultClass::kCount_);

std::string_view fault_class_name(FaultClass fault_class);
std::optional<FaultClass> fault_class_from_name(std::string_view name);

/// The climate of a run: the line without faults, and how often each class of fault occurs.
struct Weather {
  /// Bound of a rate: one a second for each client.
  static constexpr uint32_t kRateMax = 3600;

  std::string name = "custom";
  /// Events per client-hour by FaultClass; 0: never. Swizzles count once for their whole group,
  /// restarts of the server are per hour.
  std::array<uint32_t, kFaultClasses> rates{};
  uint32_t latency_us = 20'000;     // one way
  uint32_t jitter_us = 2'000;       // mean of the exponential part
  uint32_t bytes_per_second = 0;    // 0: no limit
  uint32_t outage_mean_ms = 2'000;  // mean length of faults that last

  uint32_t rate(FaultClass fault_class) const { return rates[static_cast<size_t>(fault_class)]; }
  void set_rate(FaultClass fault_class, uint32_t rate) {
    rates[static_cast<size_t>(fault_class)] = rate;
  }
  bool operator==(const Weather&) const = default;
};

/// The names that weather_preset knows.
std::span<const std::string_view> weather_preset_names();
/// None if there is no such preset.
std::optional<Weather> weather_preset(std::string_view name);
/// The weather of a run that names none: in three runs of ten all classes, else a random subset
/// (resets and partitions nearly always), each with a random weight.
Weather draw_weather(uint64_t seed);

/// Draws the faults of a run that lasts `duration` until heal: all begin and end before. Each class
/// has a random stream of its own, so a change to one leaves the others as they were. A class
/// that would have more than its share of FaultPlan::kEventsMax stops there.
FaultPlan make_fault_plan(const Weather& weather, uint32_t clients, Duration duration,
                          const Prng& rng);

}  // namespace ecsdb::sim
