// `ecsdb demo`: a server with the bundled trace and clients in other processes, on this host.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <poll.h>
#include <signal.h>

#include "ecsdb/net/event_loop.h"

#include "tools/child_process.h"
#include "tools/exit_code.h"
#include "tools/latency_histogram.h"
#include "tools/server_child.h"
#include "tools/terminal.h"
#include "tools/verbs.h"
#include "tools/words.h"

namespace ecsdb {
namespace {

constexpr size_t kWorkersPerTransport = 5;
constexpr Duration kStartPatience = Duration::seconds(30);
constexpr Duration kFinishPatience = Duration::seconds(10);
constexpr Duration kLookAround = Duration::ms(100);
constexpr double kThresholdMsMax = 1e6;

constexpr OptionSpec kOptions[] = {
    {"--seconds", "T", "how long to measure; default 10"},
    {"--p99-ms", "X", "fail with 11 if the 99th percentile of commit to applied is above X ms"},
    {"--feed-data", "PATH", "another trace than the bundled slice"},
    {"--json", "", "print one JSON object at the end"},
};

volatile sig_atomic_t interrupts = 0;
void count_interrupt(int) { interrupts = interrupts + 1; }

/// A process with one client.
struct Worker {
  explicit Worker(ChildProcess made) : process(std::move(made)) {}

  ChildProcess process;
  uint64_t live = 0;
  uint64_t mismatches = 0;
  uint64_t advances = 0;
  double bytes_per_s = 0;
  LatencyHistogram latency;
  bool finished = false;
  uint64_t version = 0;
  std::string digest;
};

struct DemoArguments {
  Duration seconds;
  double p99_ms = 0;  // 0: no threshold
  std::string feed_data;
  bool json = false;
};

struct DemoTotals {
  size_t live = 0;
  uint64_t mismatches = 0;
  uint64_t advances = 0;
  double bytes_per_s = 0;
  LatencyHistogram latency;
};

}  // namespace

const CommandSpec kDemoCommand{
    "ecsdb demo",
    "[--seconds T] [options]",
    "Starts ecsdb-server on a free loopback port with the bundled physics trace at 60 Hz, "
    "connects\n"
    "5 TCP and 5 WebSocket clients, a process each, shows a status line, prints percentiles from\n"
    "commit to applied, then pauses the feed and compares all replicas at one version.",
    kOptions,
    "Exit status: 0 all replicas are equal, 2 usage, 3 the trace is wrong, 4 the server or a\n"
    "client could not start, 8 a client was not synced in time, 10 replicas differ, 11 above\n"
    "--p99-ms, 130 interrupted.",
};

namespace {

class Demo {
 public:
  explicit Demo(DemoArguments arguments) : arguments_(std::move(arguments)) {}

  /// The members' destructors end every child, whichever way this returns.
  int run() {
    int exit = start_server();
    if (exit == kExitOk) exit = start_workers();
    if (exit == kExitOk) exit = measure();
    if (exit == kExitOk) exit = compare();
    return interrupts > 0 ? kExitInterrupted : exit;
  }

 private:
  int fail_with(ExitCode exit, const std::string& text) {
    if (interrupts == 0) std::fprintf(stderr, "ecsdb demo: %s\n", text.c_str());
    return exit;
  }

  int start_server() {
    std::vector<std::string> words;
    if (!arguments_.feed_data.empty()) words = {"--feed-data", arguments_.feed_data};
    auto server = ServerChild::start(words);
    if (!server.ok()) return fail_with(kExitConnect, server.error().context);
    server_.emplace(std::move(server).value());
    if (wait_for(kStartPatience, [this] { return server_->port() != 0; })) return kExitOk;
    // Its own message was passed on; its status tells a wrong trace from a port that cannot be had.
    const auto exit = server_->poll_exit();
    return fail_with(exit == kExitConfig ? kExitConfig : kExitConnect, "the server did not start");
  }

  int start_workers() {
    const auto folder = program_folder();
    if (!folder.ok()) return fail_with(kExitConnect, folder.error().context);
    const std::string at = "127.0.0.1:" + std::to_string(server_->port());
    for (size_t i = 0; i < 2 * kWorkersPerTransport; ++i) {
      const std::string url = (i < kWorkersPerTransport ? "tcp://" : "ws://") + at;
      auto process = ChildProcess::start(*folder + "ecsdb",
                                         {"load", "--control", "--clients", "1", "--url", url},
                                         {.in = true, .out = true});
      if (!process.ok()) return fail_with(kExitConnect, process.error().context);
      workers_.emplace_back(std::move(process).value());
    }
    const bool live = wait_for(kStartPatience, [this] { return totals().live == workers_.size(); });
    if (live) return kExitOk;
    return fail_with(kExitLiveness, "only " + std::to_string(totals().live) + " of " +
                                        std::to_string(workers_.size()) + " clients were synced");
  }

  int measure() {
    for (Worker& worker : workers_) worker.process.write_line("begin");
    const Instant begin = loop_.now().steady;
    wait_for(arguments_.seconds, [&] {
      show_status(loop_.now().steady - begin);
      return false;
    });
    if (is_terminal(STDERR_FILENO)) std::fputs("\r\033[K", stderr);
    return failed_ ? fail_with(kExitConnect, "a process ended too early") : kExitOk;
  }

  /// Pauses the feed, so that all clients come to rest at one version.
  int compare() {
    server_->toggle_feed();
    const bool paused =
        wait_for(kFinishPatience, [this] { return server_->paused_version() != 0; });
    if (!paused) return fail_with(kExitLiveness, "the feed did not pause");
    const std::string finish = "finish " + std::to_string(server_->paused_version());
    for (Worker& worker : workers_) worker.process.write_line(finish);
    finishing_ = true;
    wait_for(kFinishPatience, [this] {
      return std::all_of(workers_.begin(), workers_.end(),
                         [](const Worker& worker) { return worker.finished; });
    });
    finishing_ = false;
    const int stopped = stop_server();
    return stopped != kExitOk ? stopped : conclude();
  }

  int stop_server() {
    if (interrupts > 0) return kExitInterrupted;
    if (server_->stop() == kExitOk) return kExitOk;
    return fail_with(kExitInternal, "the server did not stop cleanly");
  }

  int conclude() {
    const std::string& digest = workers_[0].digest;
    size_t equal = 0;
    size_t arrived = 0;
    for (const Worker& worker : workers_) {
      const bool is_there = worker.finished && worker.version == server_->paused_version();
      arrived += is_there ? 1 : 0;
      equal += is_there && worker.digest == digest ? 1 : 0;
    }
    const DemoTotals sum = totals();
    print(sum, equal);
    if (sum.mismatches > 0 || (arrived == workers_.size() && equal != arrived)) {
      return fail_with(kExitDivergence, "replicas of one version differ");
    }
    if (equal != workers_.size()) {
      return fail_with(kExitLiveness, "not every client came to the server's version in time");
    }
    if (arguments_.p99_ms > 0 && sum.latency.percentile_ms(990) > arguments_.p99_ms) {
      return fail_with(kExitThreshold, "the 99th percentile is above --p99-ms");
    }
    return kExitOk;
  }

  void print(const DemoTotals& sum, size_t equal) const {
    const double p50 = sum.latency.percentile_ms(500);
    const double p99 = sum.latency.percentile_ms(990);
    const double p999 = sum.latency.percentile_ms(999);
    const auto advances = static_cast<unsigned long long>(sum.advances);
    const auto version = static_cast<unsigned long long>(server_->paused_version());
    const double bytes_per_s = sum.bytes_per_s / static_cast<double>(workers_.size());
    if (arguments_.json) {
      std::printf(
          "{\"clients\": %zu, \"equal\": %zu, \"version\": %llu, \"digest\": \"%s\", "
          "\"digest_mismatches\": %llu, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"p999_ms\": %.3f, "
          "\"advances\": %llu, \"bytes_per_client_per_s\": %.1f, \"seconds\": %.1f}\n",
          workers_.size(), equal, version, workers_[0].digest.c_str(),
          static_cast<unsigned long long>(sum.mismatches), p50, p99, p999, advances, bytes_per_s,
          static_cast<double>(arguments_.seconds.ns) / 1e9);
      return;
    }
    std::printf(
        "commit to applied: p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms (%llu advances, %.1f "
        "kB/s per client)\n",
        p50, p99, p999, advances, bytes_per_s / 1000);
    std::printf("%zu of %zu clients equal at version %llu, digest %s\n", equal, workers_.size(),
                version, workers_[0].digest.c_str());
  }

  DemoTotals totals() const {
    DemoTotals sum;
    for (const Worker& worker : workers_) {
      sum.live += worker.live;
      sum.mismatches += worker.mismatches;
      sum.advances += worker.advances;
      sum.bytes_per_s += worker.bytes_per_s;
      sum.latency.add(worker.latency);
    }
    return sum;
  }

  /// A line that is redrawn on a terminal, else one a second.
  void show_status(Duration elapsed) {
    if (elapsed < next_status_) return;
    const bool redraws = is_terminal(STDERR_FILENO);
    next_status_ = elapsed + (redraws ? Duration::ms(250) : Duration::seconds(1));
    const DemoTotals sum = totals();
    std::fprintf(stderr,
                 "%s%3lld s  %zu/%zu live  %llu advances  p50 %.2f ms  p99 %.2f ms  %.1f kB/s per "
                 "client  %llu differ%s",
                 redraws ? "\r\033[K" : "", static_cast<long long>(elapsed.ns / 1'000'000'000),
                 sum.live, workers_.size(), static_cast<unsigned long long>(sum.advances),
                 sum.latency.percentile_ms(500), sum.latency.percentile_ms(990),
                 sum.bytes_per_s / static_cast<double>(workers_.size()) / 1000,
                 static_cast<unsigned long long>(sum.mismatches), redraws ? "" : "\n");
    std::fflush(stderr);
  }

  // --- waiting and listening ---

  /// Listens to the children until `done`, Ctrl-C, a child's death or the end of patience.
  template <class Done>
  bool wait_for(Duration patience, Done done) {
    const Instant deadline = loop_.now().steady + patience;
    while (!done()) {
      const Duration left = deadline - loop_.now().steady;
      if (left <= Duration{0} || interrupts > 0 || failed_) return false;
      listen(std::min(left, kLookAround));
    }
    return true;
  }

  void listen(Duration wait) {
    std::vector<pollfd> waiting;
    const auto add = [&](const PipeLines& lines) {
      if (lines.is_open()) waiting.push_back({lines.fd(), POLLIN, 0});
    };
    waiting.push_back({server_->fd(), POLLIN, 0});  // poll() leaves out one that is closed
    for (Worker& worker : workers_) add(worker.process.out());
    poll(waiting.data(), waiting.size(), static_cast<int>(std::max<int64_t>(wait.to_ms(), 1)));
    server_->listen();
    if (server_->poll_exit()) failed_ = true;
    for (Worker& worker : workers_) {
      worker.process.out().fill();
      while (const auto line = worker.process.out().next()) on_worker_line(worker, *line);
      if (worker.process.poll_exit() && !worker.finished && !finishing_) failed_ = true;
    }
  }

  static void on_worker_line(Worker& worker, const std::string& line) {
    const WordMap words = parse_words(line);
    worker.live = number_of(words, "live");
    worker.mismatches = number_of(words, "mismatches");
    worker.advances = number_of(words, "advances");
    if (const auto rate = words.find("bytes_per_s"); rate != words.end()) {
      worker.bytes_per_s = std::strtod(rate->second.c_str(), nullptr);
    }
    worker.latency.clear();
    if (const auto latency = words.find("latency"); latency != words.end()) {
      worker.latency.add_text(latency->second);
    }
    if (!line.starts_with("final ")) return;
    worker.finished = true;
    worker.version = number_of(words, "version");
    if (const auto digest = words.find("digest"); digest != words.end()) {
      worker.digest = digest->second;
    }
  }

  DemoArguments arguments_;
  net::EventLoop loop_;  // for its clock
  std::optional<ServerChild> server_;
  std::vector<Worker> workers_;
  bool finishing_ = false;  // workers may end
  bool failed_ = false;
  Duration next_status_;
};

Result<DemoArguments> read_arguments(const CommandLine& line) {
  DemoArguments out;
  const auto seconds = line.seconds("--seconds", Duration::seconds(10));
  if (!seconds.ok()) return seconds.error();
  out.seconds = *seconds;
  const auto p99 = line.positive("--p99-ms", kThresholdMsMax, 0);
  if (!p99.ok()) return p99.error();
  out.p99_ms = *p99;
  out.feed_data = line.text("--feed-data");
  out.json = line.has("--json");
  return out;
}

}  // namespace

int run_demo(Arguments arguments) {
  int exit = kExitOk;
  const auto line = parse_verb(kDemoCommand, arguments, exit);
  if (!line) return exit;
  Result<DemoArguments> read = read_arguments(*line);
  if (!read.ok()) return report_usage(kDemoCommand, read.error());
  struct sigaction action = {};
  action.sa_handler = count_interrupt;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = SIG_IGN;  // a child that died shows in its exit status
  sigaction(SIGPIPE, &action, nullptr);
  return finish_output(Demo(std::move(read).value()).run());
}

}  // namespace ecsdb
