#include "ecsdb/sim/weather.h"

#include <algorithm>

#include "ecsdb/base/check.h"

namespace ecsdb::sim {
namespace {

constexpr std::array<std::string_view, kFaultClasses> kClassNames = {
    "resets",        "partitions",     "swizzles",         "half_opens",
    "stalls",        "latency_spikes", "bandwidth_limits", "short_accepts",
    "split_bytes",   "client_crashes", "clock_skews",      "slow_clients",
    "client_pauses", "link_cuts",      "server_restarts",  "rights_changes",
};

using Rates = std::array<uint32_t, kFaultClasses>;
// In the order of FaultClass. 60 s of 100 clients are 1 2/3 client-hours: 150 resets an hour are
// 250 events, 30 partitions are 50.
constexpr Rates kAllRates = {150, 30, 4, 20, 40, 30, 20, 60, 60, 20, 20, 30, 20, 40, 90, 30};

struct Preset {
  std::string_view name;
  Rates rates;
  uint32_t latency_us;
  uint32_t jitter_us;
  uint32_t bytes_per_second;
  uint32_t outage_mean_ms;
};

constexpr std::array kPresets = {
    Preset{"clear", Rates{}, 20'000, 2'000, 0, 2'000},
    Preset{"mild", {20, 5, 0, 2, 5, 10, 5, 20, 20, 2, 2, 5, 2, 4, 0, 5}, 30'000, 5'000, 0, 1'000},
    Preset{"storm",
           {600, 120, 12, 60, 120, 90, 60, 180, 180, 60, 30, 90, 60, 120, 180, 60},
           40'000,
           20'000,
           0,
           3'000},
    Preset{"train",
           {60, 90, 0, 20, 30, 120, 60, 30, 60, 0, 0, 10, 0, 30, 0, 0},
           60'000,
           30'000,
           250'000,
           6'000},
    Preset{"hotel_wifi",
           {40, 10, 0, 30, 60, 90, 90, 60, 60, 0, 0, 0, 0, 20, 0, 0},
           35'000,
           25'000,
           125'000,
           3'000},
    Preset{"phone",
           {60, 40, 0, 40, 90, 60, 40, 30, 60, 40, 10, 120, 90, 30, 0, 0},
           50'000,
           20'000,
           500'000,
           8'000},
    Preset{"all", kAllRates, 20'000, 4'000, 0, 2'000},
};

/// A run without a server shows little.
constexpr Duration kServerDownMax = Duration::ms(1500);

constexpr auto kPresetNames = [] {
  std::array<std::string_view, kPresets.size()> names{};
  for (size_t i = 0; i < names.size(); ++i) names[i] = kPresets[i].name;
  return names;
}();

Weather weather_of(const Preset& preset) {
  Weather out;
  out.name = std::string(preset.name);
  out.rates = preset.rates;
  out.latency_us = preset.latency_us;
  out.jitter_us = preset.jitter_us;
  out.bytes_per_second = preset.bytes_per_second;
  out.outage_mean_ms = preset.outage_mean_ms;
  return out;
}

/// Draws the faults of one class.
class ClassPlanner {
 public:
  ClassPlanner(const Weather& weather, uint32_t clients, Duration duration, Prng rng,
               std::vector<FaultEvent>& out)
      : weather_(weather), clients_(clients), duration_(duration), rng_(rng), out_(out) {}

  void plan(FaultClass fault_class) {
    const uint32_t rate = weather_.rate(fault_class);
    ECSDB_CHECK(rate <= Weather::kRateMax);
    // Expected events: rate * clients * duration / 1 h; the fraction is one more by chance.
    const uint64_t times = fault_class == FaultClass::kServerRestarts ? 1 : clients_;
    const auto share =
        static_cast<uint64_t>(rate) * times * static_cast<uint64_t>(duration_.to_ms());
    constexpr uint64_t kHourMs = 3'600'000;
    const uint64_t count = share / kHourMs + (rng_.below(kHourMs) < share % kHourMs ? 1 : 0);
    if (count > 0 && is_texture(fault_class) && rng_.chance(1, 4)) {
      // A quarter of the runs have it on all the time.
      out_.push_back(FaultEvent{Instant{}, kind_of(fault_class), {}, duration_, 0, 0});
      return;
    }
    const size_t limit = out_.size() + FaultPlan::kEventsMax / kFaultClasses - group_max();
    for (uint64_t i = 0; i < count && out_.size() < limit; ++i) plan_one(fault_class);
  }

 private:
  static bool is_texture(FaultClass fault_class) {
    return fault_class == FaultClass::kShortAccepts || fault_class == FaultClass::kSplitBytes;
  }

  static FaultKind kind_of(FaultClass fault_class) {
    switch (fault_class) {
      case FaultClass::kResets:
        return FaultKind::kReset;
      case FaultClass::kPartitions:
      case FaultClass::kSwizzles:
        return FaultKind::kPartition;
      case FaultClass::kHalfOpens:
        return FaultKind::kHalfOpen;
      case FaultClass::kStalls:
        return FaultKind::kStallReader;
      case FaultClass::kLatencySpikes:
        return FaultKind::kLatency;
      case FaultClass::kBandwidthLimits:
        return FaultKind::kBandwidth;
      case FaultClass::kShortAccepts:
        return FaultKind::kShortAccepts;
      case FaultClass::kSplitBytes:
        return FaultKind::kSplitBytes;
      case FaultClass::kClientCrashes:
        return FaultKind::kClientCrash;
      case FaultClass::kClockSkews:
        return FaultKind::kClockSkew;
      case FaultClass::kSlowClients:
        return FaultKind::kSlowClient;
      case FaultClass::kClientPauses:
        return FaultKind::kClientPause;
      case FaultClass::kLinkCuts:
        return FaultKind::kLinkCut;
      case FaultClass::kServerRestarts:
        return FaultKind::kServerRestart;
      case FaultClass::kRightsChanges:
        return FaultKind::kRightsChange;
      case FaultClass::kCount_:
        break;
    }
    ECSDB_CHECK(false);
    return FaultKind::kReset;
  }

  void plan_one(FaultClass fault_class) {
    if (fault_class == FaultClass::kSwizzles) return plan_swizzle();
    FaultEvent event;
    event.at = draw_instant();
    event.kind = kind_of(fault_class);
    const bool grouped = fault_class == FaultClass::kPartitions && rng_.chance(1, 2);
    // Once in a while everybody is hit at the same instant, as when a proxy restarts.
    const bool everybody = fault_class == FaultClass::kServerRestarts ||
                           (fault_class == FaultClass::kResets && rng_.chance(1, 64));
    if (!everybody) event.clients = grouped ? draw_group() : std::vector{draw_client()};
    draw_parameters(event);
    out_.push_back(std::move(event));
  }

  void draw_parameters(FaultEvent& event) {
    switch (event.kind) {
      case FaultKind::kReset:
      case FaultKind::kHeal:
        return;
      case FaultKind::kHalfOpen:
        event.first = rng_.between(0, 3);
        return;
      case FaultKind::kRightsChange:
        event.first = rng_.between(0, kRightsVariants - 1);
        return;
      case FaultKind::kPartition:
        event.first = rng_.chance(2, 3) ? 0 : rng_.between(1, 2);
        break;
      case FaultKind::kStallReader:
      case FaultKind::kClientCrash:
        event.first = rng_.between(0, 1);
        break;
      case FaultKind::kLatency:
        event.first = rng_.between(50, 800) * 1000;
        event.second = rng_.between(1, 200) * 1000;
        break;
      case FaultKind::kBandwidth:
        event.first = int64_t{4096} << rng_.below(7);
        break;
      case FaultKind::kClockSkew:
        event.first = rng_.between(-300'000, 300'000);
        break;
      case FaultKind::kSlowClient:
        event.first = rng_.between(1, 500) * 1000;
        break;
      case FaultKind::kLinkCut:
        // Of every order of size: in the handshake, in a sync, after it.
        event.first = (int64_t{16} << rng_.below(11)) + rng_.between(0, 99);
        break;
      case FaultKind::kServerRestart:
        event.first = rng_.chance(1, 4) ? 1 : 0;
        event.second = rng_.between(0, 1);
        event.duration = std::min(draw_duration(event.at), kServerDownMax);
        return;
      case FaultKind::kShortAccepts:
      case FaultKind::kSplitBytes:
      case FaultKind::kClientPause:
      case FaultKind::kCount_:
        break;
    }
    event.duration = draw_duration(event.at);
  }

  /// Cuts a group off one by one and lets it back in an order of its own.
  void plan_swizzle() {
    std::vector<uint32_t> group = draw_group();
    const Instant start = draw_instant();
    for (const uint32_t client : group) {
      FaultEvent event;
      event.at = std::min(start + Duration::ms(rng_.between(0, 500)), Instant{} + duration_);
      event.kind = FaultKind::kPartition;
      event.clients = {client};
      event.duration = draw_duration(event.at);
      out_.push_back(std::move(event));
    }
  }

  /// Whole microseconds, so that plan texts stay short.
  Instant draw_instant() {
    return Instant{rng_.between(0, std::max<int64_t>(duration_.ns / 1000 - 1, 0)) * 1000};
  }
  uint32_t draw_client() { return static_cast<uint32_t>(rng_.below(clients_)); }
  Duration draw_duration(Instant at) {
    const int64_t drawn_us = 1000 + rng_.exponential(int64_t{weather_.outage_mean_ms} * 1000);
    return std::min(Duration::us(drawn_us), Instant{} + duration_ - at);
  }
  size_t group_max() const { return std::min<size_t>(clients_ / 4 + 1, kGroupMax); }
  /// One to a quarter of the clients, never none.
  std::vector<uint32_t> draw_group() {
    const uint64_t size = 1 + rng_.below(group_max());
    std::vector<uint32_t> group;
    for (uint64_t i = 0; i < size; ++i) group.push_back(draw_client());
    std::sort(group.begin(), group.end());
    group.erase(std::unique(group.begin(), group.end()), group.end());
    return group;
  }

  static constexpr size_t kGroupMax = 1000;

  const Weather& weather_;
  uint32_t clients_;
  Duration duration_;
  Prng rng_;
  std::vector<FaultEvent>& out_;
};

}  // namespace

std::string_view fault_class_name(FaultClass fault_class) {
  ECSDB_CHECK(static_cast<size_t>(fault_class) < kFaultClasses);
  return kClassNames[static_cast<size_t>(fault_class)];
}

std::optional<FaultClass> fault_class_from_name(std::string_view name) {
  for (size_t i = 0; i < kFaultClasses; ++i) {
    if (kClassNames[i] == name) return static_cast<FaultClass>(i);
  }
  return std::nullopt;
}

std::span<const std::string_view> weather_preset_names() { return kPresetNames; }

std::optional<Weather> weather_preset(std::string_view name) {
  for (const Preset& preset : kPresets) {
    if (preset.name == name) return weather_of(preset);
  }
  return std::nullopt;
}

Weather draw_weather(uint64_t seed) {
  Prng rng = Prng(seed).stream("weather");
  Weather out = *weather_preset("all");
  const bool all = rng.chance(3, 10);
  out.name = all ? "drawn: all" : "drawn: subset";
  for (size_t i = 0; i < kFaultClasses; ++i) {
    const auto fault_class = static_cast<FaultClass>(i);
    // These two open the way to most others: a run without them shows little.
    const bool vital = fault_class == FaultClass::kResets || fault_class == FaultClass::kPartitions;
    const bool in = vital ? rng.chance(15, 16) : rng.chance(1, 2);
    const auto percent = static_cast<uint32_t>(rng.between(vital ? 100 : 50, 200));
    out.rates[i] = all || in ? out.rates[i] * percent / 100 : 0;
  }
  out.latency_us = static_cast<uint32_t>(rng.between(1, 80)) * 1000;
  out.jitter_us = static_cast<uint32_t>(rng.between(0, 20)) * 1000;
  out.outage_mean_ms = static_cast<uint32_t>(rng.between(500, 4000));
  return out;
}

FaultPlan make_fault_plan(const Weather& weather, uint32_t clients, Duration duration,
                          const Prng& rng) {
  ECSDB_CHECK(clients > 0 && duration.ns > 0);
  FaultPlan plan;
  plan.heal_at = Instant{} + duration;
  for (size_t i = 0; i < kFaultClasses; ++i) {
    ClassPlanner planner(weather, clients, duration, rng.stream(kClassNames[i]), plan.events);
    planner.plan(static_cast<FaultClass>(i));
  }
  ECSDB_CHECK(plan.events.size() <= FaultPlan::kEventsMax);
  std::stable_sort(plan.events.begin(), plan.events.end(),
                   [](const FaultEvent& a, const FaultEvent& b) { return a.at < b.at; });
  return plan;
}

}  // namespace ecsdb::sim
