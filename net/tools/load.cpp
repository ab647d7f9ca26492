// `ecsdb load`: many clients against a server, their digests compared, their latencies measured.
#include <cstdio>

#include "tools/exit_code.h"
#include "tools/load_run.h"
#include "tools/terminal.h"
#include "tools/verbs.h"

namespace ecsdb {
namespace {

constexpr uint64_t kClientsMax = 20'000;
constexpr Duration kSyncPatience = Duration::seconds(30);
constexpr Duration kClosePatience = Duration::seconds(2);
constexpr Duration kLookAround = Duration::ms(50);  // between looks at input and deadlines

constexpr OptionSpec kOptions[] = {
    {"--url", "URL", "tcp://HOST:PORT or ws://HOST:PORT/PATH; needed"},
    {"--mix", "", "half of the clients over TCP, half over WebSocket, at that port"},
    {"--clients", "N", "how many connections; default 10"},
    {"--seconds", "T", "how long to measure once all are synced; default 10"},
    {"--token", "TOKEN", "what to authenticate with"},
    {"--digest-every", "N",
     "compare digests at versions that N divides; default: all\nversions up to 20 clients, fewer "
     "beyond"},
    {"--json", "", "print one JSON object"},
    {"--control", "", ""},  // for `ecsdb demo`: takes commands on stdin, reports lines
};

}  // namespace

const CommandSpec kLoadCommand{
    "ecsdb load",
    "--url URL [--clients N] [--seconds T] [options]",
    "Opens connections that subscribe to every table and keep a replica each, compares the "
    "replicas'"
    "\ndigests at equal versions, and measures from commit to applied. Latencies mean something "
    "only"
    "\nif the server runs on this host, since both ends must read one clock.",
    kOptions,
    "Exit status: 0 ok, 2 usage, 4 cannot connect, 5 token refused, 6 protocol or schema,\n"
    "8 not all clients were synced in time, 10 replicas differ, 130 interrupted.",
};

namespace {

struct LoadArguments {
  LoadOptions load;
  Duration seconds;
  bool json = false;
  bool control = false;
};

Result<LoadArguments> read_arguments(const CommandLine& line) {
  LoadArguments out;
  if (!line.has("--url")) return fail(ErrorCode::kUsage, "--url is needed");
  const auto url = net::parse_stream_url(line.text("--url"));
  if (!url.ok()) return fail(ErrorCode::kUsage, "--url: " + url.error().context);
  out.load.urls.push_back(*url);
  if (line.has("--mix")) {
    net::StreamUrl other = *url;
    const bool is_tcp = url->transport == net::TransportKind::kTcp;
    other.transport = is_tcp ? net::TransportKind::kWebSocket : net::TransportKind::kTcp;
    out.load.urls.push_back(other);
  }
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
  return out;
}

/// A percentile of the latencies, or `none` if nothing was measured.
std::string ms_text(const LoadFigures& f, uint32_t permille, const char* none) {
  if (f.latency.count() == 0) return none;
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", f.latency.percentile_ms(permille));
  return text;
}

void print_json(const LoadFigures& f) {
  std::printf(
      "{\"clients\": %zu, \"synced\": %zu, \"digest_mismatches\": %llu, \"p50_ms\": %s, "
      "\"p99_ms\": %s, \"p999_ms\": %s, \"bytes_per_client_per_s\": %.1f, \"advances\": %llu, "
      "\"lag\": %llu}\n",
      f.clients, f.synced, static_cast<unsigned long long>(f.digest_mismatches),
      ms_text(f, 500, "null").c_str(), ms_text(f, 990, "null").c_str(),
      ms_text(f, 999, "null").c_str(), f.bytes_per_client_per_s,
      static_cast<unsigned long long>(f.advances), static_cast<unsigned long long>(f.lag));
}

void print_text(const LoadFigures& f) {
  std::printf("clients            %zu, %zu synced\n", f.clients, f.synced);
  std::printf("commit to applied  p50 %s ms, p99 %s ms, p99.9 %s ms\n",
              ms_text(f, 500, "-").c_str(), ms_text(f, 990, "-").c_str(),
              ms_text(f, 999, "-").c_str());
  std::printf("advances           %llu, worst lag %llu versions\n",
              static_cast<unsigned long long>(f.advances), static_cast<unsigned long long>(f.lag));
  std::printf("received           %.1f bytes per client and second\n", f.bytes_per_client_per_s);
  std::printf("digest mismatches  %llu\n", static_cast<unsigned long long>(f.digest_mismatches));
}

/// One run of the verb: waits for things to happen on the loop and gives up by deadlines.
class LoadVerb {
 public:
  explicit LoadVerb(LoadArguments arguments)
      : arguments_(std::move(arguments)), run_(loop_, arguments_.load) {}

  int run() {
    const Status signals = loop_.on_signals([this](int) { interrupted_ = true; });
    if (!signals.ok()) return report(signals.error());
    const Status started = run_.start();
    if (!started.ok()) return report(started.error());
    wait_for(kSyncPatience, [this] { return run_.all_live() || is_over(); });
    if (run_.failure()) return report(*run_.failure());
    run_.begin();
    return arguments_.control ? serve_commands() : measure();
  }

 private:
  bool is_over() const { return interrupted_ || run_.failure().has_value(); }

  /// Serves the loop until `done` or `patience` is over; true if done.
  template <class Done>
  bool wait_for(Duration patience, Done done) {
    const Instant deadline = loop_.now().steady + patience;
    while (!done()) {
      const Duration left = deadline - loop_.now().steady;
      if (left <= Duration{0}) return false;
      loop_.run_batch(std::min(left, kLookAround));
    }
    return true;
  }

  int report(const Error& error) const {
    std::fprintf(stderr, "ecsdb load: %s: %s\n", net::url_text(arguments_.load.urls[0]).c_str(),
                 close_text(error).c_str());
    return exit_of_close(error.code);
  }

  /// Says on one line why clients are missing, if any are.
  void explain(const LoadFigures& figures) const {
    if (figures.synced == figures.clients) return;
    const std::string why = run_.last_problem() ? close_text(*run_.last_problem())
                            : interrupted_      ? "interrupted"
                                                : "no full sync in time";
    std::fprintf(stderr, "ecsdb load: %s: %zu of %zu clients are not synced; last problem: %s\n",
                 net::url_text(arguments_.load.urls[0]).c_str(), figures.clients - figures.synced,
                 figures.clients, why.c_str());
  }

  int measure() {
    if (run_.all_live()) {
      const Instant begin = loop_.now().steady;
      wait_for(arguments_.seconds, [&] {
        show_progress(loop_.now().steady - begin);
        return is_over();
      });
      clear_progress();
    }
    const LoadFigures figures = run_.figures(true);
    explain(figures);
    close();
    if (arguments_.json) {
      print_json(figures);
    } else {
      print_text(figures);
    }
    return exit_of(figures);
  }

  int exit_of(const LoadFigures& figures) const {
    if (figures.digest_mismatches > 0) return kExitDivergence;
    if (interrupted_) return kExitInterrupted;
    return figures.synced == figures.clients ? kExitOk : kExitLiveness;
  }

  void show_progress(Duration elapsed) {
    if (arguments_.json || !is_terminal(STDERR_FILENO) || elapsed.ns < next_progress_.ns) return;
    next_progress_ = elapsed + Duration::ms(500);
    const LoadFigures f = run_.figures(false);
    std::fprintf(stderr, "\r\033[K%3lld s  %zu/%zu synced  p50 %.2f ms  p99 %.2f ms",
                 static_cast<long long>(elapsed.ns / 1'000'000'000), f.synced, f.clients,
                 f.latency.percentile_ms(500), f.latency.percentile_ms(990));
    std::fflush(stderr);
  }
  void clear_progress() const {
    if (next_progress_.ns > 0) std::fputs("\r\033[K", stderr);
  }

  void close() {
    run_.close();
    wait_for(kClosePatience, [this] { return run_.closed(); });
  }

  // --- for `ecsdb demo` ---
  // stdin: `begin` sets the counts to zero; `finish VERSION` waits for that version, reports and
  // ends. stdout: `status ...` and `final ...`, words of the form key=value.

  int serve_commands() {
    Instant next_status = loop_.now().steady;
    while (!interrupted_ && !input_.at_end()) {
      std::string line;
      while (input_.next(line)) {
        if (line == "begin") run_.begin();
        if (line.starts_with("finish ")) return finish(std::strtoull(&line[7], nullptr, 10));
      }
      if (loop_.now().steady >= next_status) {
        report_line("status", "");
        next_status = loop_.now().steady + Duration::ms(250);
      }
      loop_.run_batch(kLookAround);
    }
    close();
    return kExitInterrupted;
  }

  int finish(uint64_t version) {
    wait_for(kSyncPatience,
             [&] { return interrupted_ || run_.common_version() == Version{version}; });
    const auto common = run_.common_version();
    char digest[36] = "-";
    if (common) {
      const Digest d = run_.digest(0);
      std::snprintf(digest, sizeof digest, "%08x%08x%08x%08x", d.lane[0], d.lane[1], d.lane[2],
                    d.lane[3]);
    }
    const LoadFigures figures = run_.figures(true);
    explain(figures);
    report_line("final", " version=" + std::to_string(common.value_or(Version{}).value) +
                             " digest=" + digest);
    close();
    return exit_of(figures);
  }

  void report_line(const char* what, const std::string& more) {
    const LoadFigures f = run_.figures(false);
    std::printf(
        "%s clients=%zu live=%zu mismatches=%llu advances=%llu bytes_per_s=%.1f lag=%llu%s "
        "latency=%s\n",
        what, f.clients, f.synced, static_cast<unsigned long long>(f.digest_mismatches),
        static_cast<unsigned long long>(f.advances), f.bytes_per_client_per_s,
        static_cast<unsigned long long>(f.lag), more.c_str(), f.latency.to_text().c_str());
    std::fflush(stdout);
  }

  LoadArguments arguments_;
  net::EventLoop loop_;
  LoadRun run_;
  StandardInputLines input_;
  bool interrupted_ = false;
  Duration next_progress_;
};

}  // namespace

int run_load(Arguments arguments) {
  int exit = kExitOk;
  const auto line = parse_verb(kLoadCommand, arguments, exit);
  if (!line) return exit;
  Result<LoadArguments> read = read_arguments(*line);
  if (!read.ok()) return report_usage(kLoadCommand, read.error());
  return finish_output(LoadVerb(std::move(read).value()).run());
}

}  // namespace ecsdb
