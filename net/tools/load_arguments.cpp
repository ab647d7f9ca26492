#include "tools/load_arguments.h"

#include <algorithm>
#include <charconv>

#include "tools/verbs.h"

namespace ecsdb {
namespace {

constexpr uint64_t kClientsMax = 20'000;
/// A server of our own ticks more slowly for more clients, or one host could not keep up with what
/// they all apply: a client's advance of the bundled trace takes 0.1 ms of a processor, both ends
/// and the system counted.
constexpr uint64_t kAdvancesPerSecondMax = 6000;
constexpr uint64_t kTickHzDefault = 60;
constexpr uint64_t kTickHzLimit = 1000;
constexpr double kStallSecondsMax = 3600;
constexpr double kRatioMaxDefault = 1.25;
constexpr double kKibMaxDefault = 256;
constexpr double kThresholdMax = 1e9;
/// How much longer than a stall clients hold out without a byte: until they have read again.
constexpr Duration kSilenceMargin = Duration::seconds(10);

constexpr OptionSpec kOptions[] = {
    {"--url", "URL",
     "tcp://HOST:PORT or ws://HOST:PORT/PATH; --stall and --cut\nstart a server of their own "
     "without it, with the bundled\ntrace"},
    {"--tick-hz", "N",
     "ticks a second of that server; default 60, and fewer beyond\n100 clients: 6000 advances a "
     "second in all"},
    {"--mix", "", "half of the clients over TCP, half over WebSocket, at that port"},
    {"--clients", "N", "how many connections; default 10"},
    {"--seconds", "T", "how long to measure once all are synced; default 10"},
    {"--token", "TOKEN", "what to authenticate with"},
    {"--digest-every", "N",
     "compare digests at versions that N divides; default: all\nversions up to 20 clients, fewer "
     "beyond"},
    {"--stall", "COUNT:T",
     "measure for T seconds, let COUNT clients read nothing for as\nlong while the others are "
     "measured again, and wake them"},
    {"--p99-ratio-max", "X", "--stall fails with 11 above it; default 1.25"},
    {"--stall-kib-max", "X",
     "--stall fails with 11 if the server grows by more for each\nstalled client; default 256"},
    {"--server-pid", "PID",
     "with --stall and --url: the ecsdb-server on this host; its\nfeed is paused for a moment by "
     "SIGUSR1"},
    {"--cut", "T",
     "cut all clients off for T seconds, by a proxy in this process,\nand wait until they went on "
     "where they were"},
    {"--cut-how", "HOW",
     "reset (connections break, new ones are refused), blackhole\n(nothing gets through and nobody "
     "is told) or both (default),\none after the other"},
    {"--json", "", "print one JSON object"},
    {"--control", "", ""},  // for `ecsdb demo`: takes commands on stdin, reports lines
};

Error usage(std::string text) { return fail(ErrorCode::kUsage, std::move(text)); }

Status read_urls(const CommandLine& line, LoadArguments& out) {
  out.mix = line.has("--mix");
  if (line.has("--url")) {
    const auto url = net::parse_stream_url(line.text("--url"));
    if (!url.ok()) return usage("--url: " + url.error().context);
    set_urls(out, *url);
  } else if (!line.has("--stall") && !line.has("--cut")) {
    return usage("--url is needed");
  }
  return {};
}

Status read_tick_hz(const CommandLine& line, LoadArguments& out) {
  const uint64_t fair = std::max<uint64_t>(1, kAdvancesPerSecondMax / out.load.clients);
  const auto hz = line.number("--tick-hz", 1, kTickHzLimit, std::min(kTickHzDefault, fair));
  if (!hz.ok()) return hz.error();
  if (line.has("--tick-hz") && !out.load.urls.empty()) {
    return usage("--tick-hz is for a server of load's own: it does not go with --url");
  }
  if (out.load.urls.empty()) out.tick_hz = static_cast<uint32_t>(*hz);
  return {};
}

Status read_stall(const CommandLine& line, LoadArguments& out) {
  const std::string text = line.text("--stall");
  const size_t colon = text.find(':');
  StallArguments stall;
  double seconds = 0;
  const char* middle = text.data() + std::min(colon, text.size());
  const char* end = text.data() + text.size();
  const auto count = std::from_chars(text.data(), middle, stall.clients);
  const auto time = middle == end
                        ? std::from_chars_result{end, std::errc::invalid_argument}
                        : std::from_chars(middle + 1, end, seconds, std::chars_format::fixed);
  const bool is_whole = count.ec == std::errc() && count.ptr == middle && time.ec == std::errc() &&
                        time.ptr == end && stall.clients > 0 && seconds > 0;
  if (!is_whole || !(seconds <= kStallSecondsMax)) {
    return usage("--stall must be COUNT:SECONDS, as in 100:30 and 3600 s at most, not '" + text +
                 "'");
  }
  if (stall.clients >= out.load.clients) {
    return usage("--stall " + std::to_string(stall.clients) + " of " +
                 std::to_string(out.load.clients) +
                 " clients leaves nobody to measure: give --clients a larger number");
  }
  stall.time = Duration{static_cast<int64_t>(seconds * 1e9)};
  const auto ratio = line.positive("--p99-ratio-max", kThresholdMax, kRatioMaxDefault);
  if (!ratio.ok()) return ratio.error();
  stall.p99_ratio_max = *ratio;
  const auto kib = line.positive("--stall-kib-max", kThresholdMax, kKibMaxDefault);
  if (!kib.ok()) return kib.error();
  stall.kib_max = *kib;
  const auto pid = line.number("--server-pid", 1, INT32_MAX, 0);
  if (!pid.ok()) return pid.error();
  out.server_pid = static_cast<pid_t>(*pid);
  if (out.load.urls.empty() == line.has("--server-pid")) {
    return usage(out.load.urls.empty() ? "--server-pid needs --url"
                                       : "--stall with --url needs --server-pid");
  }
  out.load.silence_timeout = stall.time + kSilenceMargin;
  out.stall = stall;
  return {};
}

Status read_cut(const CommandLine& line, LoadArguments& out) {
  CutArguments cut;
  const auto time = line.seconds("--cut", Duration{0});
  if (!time.ok()) return time.error();
  cut.time = *time;
  const std::string how = line.text("--cut-how", "both");
  if (how != "both" && how != "reset" && how != "blackhole") {
    return usage("--cut-how must be reset, blackhole or both, not '" + how + "'");
  }
  cut.by_reset = how != "blackhole";
  cut.by_black_hole = how != "reset";
  out.cut = cut;
  return {};
}

/// Options that make no sense without another one, or beside it.
Status check_combinations(const CommandLine& line) {
  if (line.has("--stall") && line.has("--cut")) {
    return usage("--stall and --cut do not go together");
  }
  const bool is_trial = line.has("--stall") || line.has("--cut");
  const std::string trial = line.has("--stall") ? "--stall" : "--cut";
  for (const char* option : {"--seconds", "--control"}) {
    if (is_trial && line.has(option)) {
      return usage(std::string(option) + " and " + trial + " do not go together");
    }
  }
  for (const char* option : {"--p99-ratio-max", "--stall-kib-max", "--server-pid"}) {
    if (line.has(option) && !line.has("--stall")) {
      return usage(std::string(option) + " needs --stall");
    }
  }
  if (line.has("--cut-how") && !line.has("--cut")) return usage("--cut-how needs --cut");
  return {};
}

}  // namespace

const CommandSpec kLoadCommand{
    "ecsdb load",
    "--url URL [--clients N] [--seconds T] [options]   (or --stall, --cut)",
    "Opens connections that subscribe to every table and keep a replica each, compares the "
    "replicas'"
    "\ndigests at equal versions, and measures from commit to applied. Latencies mean something "
    "only"
    "\nif the server runs on this host, since both ends must read one clock. --stall and --cut "
    "try"
    "\nwhat clients go through that do not read, or cannot.",
    kOptions,
    "Exit status: 0 ok, 2 usage, 4 cannot connect, 5 token refused, 6 protocol or schema,\n"
    "8 not all clients were synced in time, 10 replicas differ, 11 a threshold of --stall or "
    "--cut\nwas missed, 130 interrupted.",
};

void set_urls(LoadArguments& arguments, const net::StreamUrl& url) {
  arguments.load.urls = {url};
  if (!arguments.mix) return;
  net::StreamUrl other = url;
  const bool is_tcp = url.transport == net::TransportKind::kTcp;
  other.transport = is_tcp ? net::TransportKind::kWebSocket : net::TransportKind::kTcp;
  arguments.load.urls.push_back(other);
}

Result<LoadArguments> read_load_arguments(const CommandLine& line) {
  LoadArguments out;
  ECSDB_TRY(check_combinations(line));
  ECSDB_TRY(read_urls(line, out));
  const auto clients = line.number("--clients", 1, kClientsMax, 10);
  if (!clients.ok()) return clients.error();
  out.load.clients = static_cast<size_t>(*clients);
  const auto stride =
      line.number("--digest-every", 1, UINT32_MAX, std::max<uint64_t>(1, *clients / 20));
  if (!stride.ok()) return stride.error();
  out.load.digest_stride = *stride;
  const auto seconds = line.seconds("--seconds", Duration::seconds(10));
  if (!seconds.ok()) return seconds.error();
  out.seconds = *seconds;
  out.load.token = line.text("--token");
  out.json = line.has("--json");
  out.control = line.has("--control");
  ECSDB_TRY(read_tick_hz(line, out));
  if (line.has("--stall")) ECSDB_TRY(read_stall(line, out));
  if (line.has("--cut")) ECSDB_TRY(read_cut(line, out));
  return out;
}

}  // namespace ecsdb
