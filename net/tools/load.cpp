// `ecsdb load`: many clients against a server, their digests compared, their latencies measured.
#include <cstdio>

#include "tools/load_host.h"
#include "tools/load_trials.h"
#include "tools/terminal.h"
#include "tools/verbs.h"

namespace ecsdb {
namespace {

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

/// Measures until the time is over, or as `ecsdb demo` says.
class Measurement {
 public:
  explicit Measurement(LoadHost& host) : host_(host), run_(host.run()) {}

  int run() { return host_.arguments().control ? serve_commands() : measure(); }

 private:
  int measure() {
    if (run_.all_live()) {
      const Instant begin = now();
      host_.wait_for(host_.arguments().seconds, [&] {
        show_progress(now() - begin);
        return host_.is_over();
      });
      clear_progress();
    }
    const LoadFigures figures = run_.figures(true);
    host_.explain(figures);
    host_.close();
    if (host_.arguments().json) {
      print_json(figures);
    } else {
      print_text(figures);
    }
    return host_.exit_of(figures);
  }

  Instant now() { return host_.loop().now().steady; }

  void show_progress(Duration elapsed) {
    if (host_.arguments().json || !is_terminal(STDERR_FILENO) || elapsed.ns < next_progress_.ns)
      return;
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

  // --- for `ecsdb demo` ---
  // stdin: `begin` sets the counts to zero; `finish VERSION` waits for that version, reports and
  // ends. stdout: `status ...` and `final ...`, words of the form key=value.

  int serve_commands() {
    Instant next_status = now();
    while (!host_.is_interrupted() && !input_.at_end()) {
      std::string line;
      while (input_.next(line)) {
        if (line == "begin") run_.begin();
        if (line.starts_with("finish ")) return finish(std::strtoull(&line[7], nullptr, 10));
      }
      if (now() >= next_status) {
        report_line("status", "");
        next_status = now() + Duration::ms(250);
      }
      host_.loop().run_batch(LoadHost::kLookAround);
    }
    host_.close();
    return kExitInterrupted;
  }

  int finish(uint64_t version) {
    host_.wait_for(LoadHost::kSyncPatience, [&] {
      return host_.is_interrupted() || run_.common_version() == Version{version};
    });
    const auto common = run_.common_version();
    char digest[36] = "-";
    if (common) {
      const Digest d = run_.digest(0);
      std::snprintf(digest, sizeof digest, "%08x%08x%08x%08x", d.lane[0], d.lane[1], d.lane[2],
                    d.lane[3]);
    }
    const LoadFigures figures = run_.figures(true);
    host_.explain(figures);
    report_line("final", " version=" + std::to_string(common.value_or(Version{}).value) +
                             " digest=" + digest);
    host_.close();
    return host_.exit_of(figures);
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

  LoadHost& host_;
  LoadRun& run_;
  StandardInputLines input_;
  Duration next_progress_;
};

}  // namespace

int run_load(Arguments arguments) {
  int exit = kExitOk;
  const auto line = parse_verb(kLoadCommand, arguments, exit);
  if (!line) return exit;
  Result<LoadArguments> read = read_load_arguments(*line);
  if (!read.ok()) return report_usage(kLoadCommand, read.error());
  LoadHost host(std::move(read).value());
  exit = host.open();
  if (exit != kExitOk) return exit;
  if (host.arguments().stall) {
    exit = run_stall(host);
  } else if (host.arguments().cut) {
    exit = run_cut(host);
  } else {
    exit = Measurement(host).run();
  }
  return finish_output(exit);
}

}  // namespace ecsdb
