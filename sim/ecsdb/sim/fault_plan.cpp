#include "ecsdb/sim/fault_plan.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "ecsdb/base/check.h"

namespace ecsdb::sim {
namespace {

struct KindText {
  std::string_view name;
  std::string_view first;  // empty: no such parameter
  std::string_view second;
  int64_t first_max;
  int64_t second_max;
  bool lasts;  // has a duration
  int64_t first_min = 0;
};

constexpr int64_t kHourUs = 3'600'000'000;
constexpr std::array<KindText, kFaultKinds> kKinds = {{
    {"reset", "", "", 0, 0, false},
    {"partition", "direction", "", 2, 0, true},
    {"heal", "", "", 0, 0, false},
    {"half_open", "mode", "", 3, 0, false},
    {"stall_reader", "side", "", 1, 0, true},
    {"latency", "latency_us", "jitter_us", kHourUs, kHourUs, true},
    {"bandwidth", "bytes_per_second", "", 1'000'000'000'000, 0, true, 1},
    {"short_accepts", "", "", 0, 0, true},
    {"split_bytes", "", "", 0, 0, true},
    {"client_crash", "silent", "", 1, 0, true},
    {"clock_skew", "skew_ms", "", 1'000'000'000'000, 0, true, -1'000'000'000'000},
    {"slow_client", "delay_us", "", kHourUs, 0, true},
    {"client_pause", "", "", 0, 0, true},
    {"link_cut", "after_bytes", "", UINT32_MAX, 0, true, 1},
    {"server_restart", "silent", "schema", 1, 1, true},
    {"rights_change", "variant", "", kRightsVariants - 1, 0, false},
}};

const KindText& text_of(FaultKind kind) {
  ECSDB_CHECK(static_cast<size_t>(kind) < kFaultKinds);
  return kKinds[static_cast<size_t>(kind)];
}

constexpr int64_t kSecondNs = 1'000'000'000;

/// Seconds with nine decimals: exact, and readable.
void append_seconds(std::string& out, int64_t ns) {
  std::string fraction = std::to_string(ns % kSecondNs);
  out += std::to_string(ns / kSecondNs) + '.' + std::string(9 - fraction.size(), '0') + fraction;
}

template <class T>
std::optional<T> parse_integer(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int64_t> parse_seconds(std::string_view text) {
  constexpr uint32_t kSecondsMax = 1'000'000'000;
  const size_t dot = text.find('.');
  const auto whole = parse_integer<uint32_t>(text.substr(0, dot));
  if (!whole || *whole > kSecondsMax) return std::nullopt;
  int64_t ns = 0;
  if (dot != std::string_view::npos) {
    const std::string_view fraction = text.substr(dot + 1);
    const auto digits = parse_integer<uint32_t>(fraction);
    if (!digits || fraction.size() > 9) return std::nullopt;
    ns = *digits;
    for (size_t i = fraction.size(); i < 9; ++i) ns *= 10;
  }
  return int64_t{*whole} * kSecondNs + ns;
}

/// Takes the next word, separated by spaces, off the front.
std::string_view take_word(std::string_view& line) {
  const size_t begin = std::min(line.find_first_not_of(" \t\r"), line.size());
  const size_t end = std::min(line.find_first_of(" \t\r", begin), line.size());
  const std::string_view word = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return word;
}

std::optional<std::vector<uint32_t>> parse_clients(std::string_view list) {
  std::vector<uint32_t> out;
  if (list == "all") return out;
  while (true) {
    const size_t comma = list.find(',');
    const auto client = parse_integer<uint32_t>(list.substr(0, comma));
    if (!client || (!out.empty() && *client <= out.back())) return std::nullopt;
    out.push_back(*client);
    if (comma == std::string_view::npos) return out;
    list.remove_prefix(comma + 1);
  }
}

/// One `key=value` of a fault line. False if the key or the value is not right.
bool parse_attribute(std::string_view key, std::string_view value, FaultEvent& event) {
  const KindText& text = text_of(event.kind);
  if (key == "clients") {
    auto clients = parse_clients(value);
    if (clients) event.clients = *std::move(clients);
    return clients.has_value();
  }
  if (key == "for" && text.lasts) {
    const auto ns = parse_seconds(value);
    if (ns) event.duration = Duration{*ns};
    return ns.has_value();
  }
  const bool is_first = !key.empty() && key == text.first;
  if (!is_first && (key.empty() || key != text.second)) return false;
  const auto number = parse_integer<int64_t>(value);
  if (number) (is_first ? event.first : event.second) = *number;
  return number.has_value();
}

Status check_event(const FaultEvent& event, Instant heal_at) {
  const KindText& text = text_of(event.kind);
  const auto bad = [&](std::string_view what) {
    return fail(ErrorCode::kValueOutOfRange, fault_to_text(event) + ": " + std::string(what));
  };
  if (event.first < text.first_min || event.first > text.first_max) {
    return bad(text.first.empty() ? "takes no parameter" : text.first);
  }
  if (event.second < 0 || event.second > text.second_max) {
    return bad(text.second.empty() ? "takes no second parameter" : text.second);
  }
  if (event.at.ns < 0 || event.duration.ns < 0) return bad("negative time");
  if (event.kind == FaultKind::kServerRestart && !event.clients.empty()) return bad("no clients");
  if (!text.lasts && event.duration.ns != 0) return bad("has no duration");
  if (event.at > heal_at || event.duration > heal_at - event.at) return bad("ends after heal");
  return {};
}

Result<FaultEvent> parse_fault(std::string_view line) {
  const auto at = parse_seconds(take_word(line));
  if (!at) return fail(ErrorCode::kSyntax, "expected a time in seconds such as 1.25");
  const std::string_view name = take_word(line);
  FaultEvent event;
  event.at = Instant{*at};
  size_t kind = 0;
  while (kind < kFaultKinds && kKinds[kind].name != name) ++kind;
  if (kind == kFaultKinds) {
    return fail(ErrorCode::kSyntax, "unknown fault \"" + std::string(name) + "\"");
  }
  event.kind = static_cast<FaultKind>(kind);
  event.first = std::max<int64_t>(0, kKinds[kind].first_min);
  for (std::string_view word = take_word(line); !word.empty(); word = take_word(line)) {
    const size_t equals = std::min(word.find('='), word.size());
    const std::string_view value = word.substr(std::min(equals + 1, word.size()));
    if (!parse_attribute(word.substr(0, equals), value, event)) {
      return fail(ErrorCode::kSyntax,
                  "\"" + std::string(word) + "\" does not fit a " + std::string(name) + " fault");
    }
  }
  return event;
}

}  // namespace

std::string_view fault_kind_name(FaultKind kind) { return text_of(kind).name; }

std::string fault_to_text(const FaultEvent& event) {
  const KindText& text = text_of(event.kind);
  std::string out;
  append_seconds(out, event.at.ns);
  out += ' ';
  out += text.name;
  out += " clients=";
  if (event.clients.empty()) out += "all";
  for (size_t i = 0; i < event.clients.size(); ++i) {
    if (i > 0) out += ',';
    out += std::to_string(event.clients[i]);
  }
  if (text.lasts) {
    out += " for=";
    append_seconds(out, event.duration.ns);
  }
  if (!text.first.empty()) out += ' ' + std::string(text.first) + '=' + std::to_string(event.first);
  if (!text.second.empty()) {
    out += ' ' + std::string(text.second) + '=' + std::to_string(event.second);
  }
  return out;
}

std::string FaultPlan::to_text() const {
  std::string out = "heal_at ";
  append_seconds(out, heal_at.ns);
  out += '\n';
  for (const FaultEvent& event : events) out += fault_to_text(event) + '\n';
  return out;
}

Result<FaultPlan> fault_plan_from_text(std::string_view text) {
  FaultPlan plan;
  bool has_heal = false;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t length = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, length);
    text.remove_prefix(std::min(length + 1, text.size()));
    std::string_view rest = line;
    const std::string_view word = take_word(rest);
    if (word.empty() || word.front() == '#') continue;
    const std::string where = "fault plan line " + std::to_string(number) + ": ";
    if (!has_heal) {
      const auto ns = word == "heal_at" ? parse_seconds(take_word(rest)) : std::nullopt;
      if (!ns || !take_word(rest).empty()) {
        return fail(ErrorCode::kSyntax, where + "expected \"heal_at <seconds>\" first");
      }
      plan.heal_at = Instant{*ns};
      has_heal = true;
      continue;
    }
    if (plan.events.size() == FaultPlan::kEventsMax) {
      return fail(ErrorCode::kLimitExceeded, where + "more faults than a plan may have");
    }
    Result<FaultEvent> event = parse_fault(line);
    if (!event.ok()) return fail(ErrorCode::kSyntax, where + event.error().context);
    plan.events.push_back(std::move(event).value());
  }
  if (!has_heal) return fail(ErrorCode::kSyntax, "fault plan: no \"heal_at <seconds>\" line");
  ECSDB_TRY(check_fault_plan(plan, UINT32_MAX));
  return plan;
}

Status check_fault_plan(const FaultPlan& plan, uint32_t clients) {
  Instant last;
  for (const FaultEvent& event : plan.events) {
    ECSDB_TRY(check_event(event, plan.heal_at));
    if (event.at < last) {
      return fail(ErrorCode::kValueOutOfRange, fault_to_text(event) + ": out of order");
    }
    last = event.at;
    for (size_t i = 0; i < event.clients.size(); ++i) {
      if (event.clients[i] >= clients || (i > 0 && event.clients[i] <= event.clients[i - 1])) {
        return fail(
            ErrorCode::kValueOutOfRange,
            fault_to_text(event) + ": clients must ascend and be below " + std::to_string(clients));
      }
    }
  }
  return {};
}

}  // namespace ecsdb::sim
