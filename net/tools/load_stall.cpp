// `ecsdb load --stall`: what clients that do not read cost the server, the others and themselves.
#include <algorithm>
#include <cstdio>

#include "tools/load_trials.h"
#include "tools/process_memory.h"

namespace ecsdb {
namespace {

constexpr Duration kWarmUp = Duration::seconds(1);
constexpr Duration kBlock = Duration::seconds(1);
/// After waking: until the feed is stopped at the latest, so that all can come to rest at one
/// version, and until they must have.
constexpr Duration kFeedStops = Duration::ms(2500);
constexpr Duration kEqualWithin = Duration::seconds(3);
/// Longer than that nobody is waited for.
constexpr Duration kEqualPatience = Duration::seconds(20);

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

struct StallFigures {
  uint64_t kib_before = 0;
  uint64_t kib_peak = 0;
  std::vector<double> p99_before_ms;  // by block
  std::vector<double> p99_during_ms;
  std::vector<uint64_t> backlog_bytes;  // by stalled client that came to the others' version
  Duration caught_up;                   // the last of them did, after waking
  uint64_t disconnects = 0;
  bool is_equal = false;  // all at one version with one digest
  Duration equal;         // after waking
};

class StallTrial {
 public:
  explicit StallTrial(LoadHost& host)
      : host_(host), run_(host.run()), stall_(*host.arguments().stall) {}

  int run() {
    LoadFigures end = run_.figures(false);
    if (end.synced == end.clients) {
      for (size_t i = 0; i < stall_.clients; ++i) run_.set_measured(i, false);
      host_.wait(std::min(kWarmUp, stall_.time));
      measure_before();
      measure_during();
      wake();
      compare();
      end = run_.figures(true);
    }
    host_.explain(end);
    host_.close();
    if (host_.is_interrupted()) return kExitInterrupted;
    const Missed missed = end.synced == end.clients ? find_missed() : Missed{};
    host_.explain(missed);
    print(end);
    return host_.exit_of(end, missed);
  }

 private:
  Instant now() { return host_.loop().now().steady; }
  double growth_kib() const {
    const uint64_t kib = std::max(figures_.kib_peak, figures_.kib_before) - figures_.kib_before;
    return static_cast<double>(kib) / static_cast<double>(stall_.clients);
  }
  /// Median over the pairs of blocks: what hits both phases alike falls out.
  double p99_ratio() const {
    std::vector<double> ratios;
    for (size_t i = 0; i < figures_.p99_during_ms.size(); ++i) {
      if (figures_.p99_before_ms[i] > 0) {
        ratios.push_back(figures_.p99_during_ms[i] / figures_.p99_before_ms[i]);
      }
    }
    return median(std::move(ratios));
  }
  uint64_t backlog_max() const {
    const auto& all = figures_.backlog_bytes;
    return all.empty() ? 0 : *std::max_element(all.begin(), all.end());
  }

  /// The others' percentile in each block of the stall's time.
  void measure_blocks(std::vector<double>& p99_ms) {
    const auto blocks = static_cast<size_t>(std::max<int64_t>(1, stall_.time.ns / kBlock.ns));
    const Duration block{stall_.time.ns / static_cast<int64_t>(blocks)};
    for (size_t i = 0; i < blocks && !host_.is_over(); ++i) {
      run_.begin();
      host_.wait(block);
      const LoadFigures figures = run_.figures(false);
      p99_ms.push_back(figures.latency.percentile_ms(990));
      figures_.disconnects += figures.disconnects;
      figures_.kib_peak = std::max(figures_.kib_peak, resident_kib(host_.server_pid()).value_or(0));
    }
  }
  void measure_before() {
    measure_blocks(figures_.p99_before_ms);
    figures_.kib_before = figures_.kib_peak;
  }
  void measure_during() {
    for (size_t i = 0; i < stall_.clients; ++i) run_.set_reading(i, false);
    measure_blocks(figures_.p99_during_ms);
  }

  /// Lets the stalled read again and follows each until it shows what the others show.
  void wake() {
    run_.begin();
    woken_ = now();
    for (size_t i = 0; i < stall_.clients; ++i) {
      waiting_.push_back({i, run_.stats(i).bytes_received});
      run_.set_reading(i, true);
    }
    host_.wait_for(kFeedStops, [this] {
      follow();
      return waiting_.empty() || host_.is_over();
    });
  }
  void follow() {
    Version head;
    for (size_t i = stall_.clients; i < host_.arguments().load.clients; ++i) {
      head = std::max(head, run_.cut(i));
    }
    std::erase_if(waiting_, [&](const Woken& woken) {
      if (run_.cut(woken.client) < head) return false;
      figures_.backlog_bytes.push_back(run_.stats(woken.client).bytes_received -
                                       woken.bytes_before);
      figures_.caught_up = now() - woken_;
      return true;
    });
  }
  void compare() {
    host_.toggle_feed();
    const bool at_rest = host_.wait_for(kEqualPatience, [this] {
      follow();
      return run_.common_version() || host_.is_over();
    });
    figures_.equal = now() - woken_;
    run_.check_digests();
    host_.toggle_feed();
    const LoadFigures end = run_.figures(false);
    figures_.disconnects += end.disconnects;
    figures_.is_equal = at_rest && run_.common_version() && end.digest_mismatches == 0;
  }

  Missed find_missed() const {
    Missed out;
    const auto add = [&out](const char* what, double found, double limit) {
      char text[160];
      std::snprintf(text, sizeof text, "%s: %.3f, wanted %.3f at most", what, found, limit);
      out.emplace_back(text);
    };
    if (figures_.disconnects > 0) {
      add("disconnects", static_cast<double>(figures_.disconnects), 0);
    }
    if (growth_kib() > stall_.kib_max) {
      add("server_kib_per_stalled", growth_kib(), stall_.kib_max);
    }
    if (p99_ratio() > stall_.p99_ratio_max) add("p99_ratio", p99_ratio(), stall_.p99_ratio_max);
    if (backlog_max() > run_.snapshot_bytes()) {
      add("backlog_bytes (against snapshot_bytes)", static_cast<double>(backlog_max()),
          static_cast<double>(run_.snapshot_bytes()));
    }
    if (!waiting_.empty()) {
      add("woken clients that did not catch up", static_cast<double>(waiting_.size()), 0);
    }
    if (!figures_.is_equal || figures_.equal > kEqualWithin) {
      add("seconds until all digests were equal", seconds(figures_.equal), seconds(kEqualWithin));
    }
    return out;
  }

  static double seconds(Duration time) { return static_cast<double>(time.ns) / 1e9; }
  double backlog_median() const {
    return median({figures_.backlog_bytes.begin(), figures_.backlog_bytes.end()});
  }

  void print(const LoadFigures& end) const {
    const double before = median(figures_.p99_before_ms);
    const double during = median(figures_.p99_during_ms);
    const auto snapshot = static_cast<unsigned long long>(run_.snapshot_bytes());
    const auto backlog = static_cast<unsigned long long>(backlog_max());
    const auto disconnects = static_cast<unsigned long long>(figures_.disconnects);
    if (host_.arguments().json) {
      std::printf(
          "{\"clients\": %zu, \"synced\": %zu, \"stalled\": %zu, \"stall_seconds\": %.3f, "
          "\"tick_hz\": %u, "
          "\"disconnects\": %llu, \"server_kib_before\": %llu, \"server_kib_peak\": %llu, "
          "\"server_kib_per_stalled\": %.1f, \"p99_before_ms\": %.3f, \"p99_during_ms\": %.3f, "
          "\"p99_ratio\": %.3f, \"blocks\": %zu, \"caught_up\": %zu, \"caught_up_ms\": %.1f, "
          "\"backlog_bytes\": %.0f, \"backlog_bytes_max\": %llu, \"snapshot_bytes\": %llu, "
          "\"digests_equal\": %s, \"equal_ms\": %.1f, \"digest_mismatches\": %llu}\n",
          end.clients, end.synced, stall_.clients, seconds(stall_.time), host_.arguments().tick_hz,
          disconnects, static_cast<unsigned long long>(figures_.kib_before),
          static_cast<unsigned long long>(figures_.kib_peak), growth_kib(), before, during,
          p99_ratio(), figures_.p99_during_ms.size(), figures_.backlog_bytes.size(),
          seconds(figures_.caught_up) * 1e3, backlog_median(), backlog, snapshot,
          figures_.is_equal ? "true" : "false", seconds(figures_.equal) * 1e3,
          static_cast<unsigned long long>(end.digest_mismatches));
      return;
    }
    std::printf("clients            %zu, %zu synced; %zu read nothing for %.1f s\n", end.clients,
                end.synced, stall_.clients, seconds(stall_.time));
    std::printf("disconnects        %llu\n", disconnects);
    std::printf("server memory      %.1f KiB more for each stalled client\n", growth_kib());
    std::printf("the others         p99 %.3f ms before, %.3f ms during: ratio %.3f\n", before,
                during, p99_ratio());
    std::printf("woken              %zu caught up, the last after %.1f ms\n",
                figures_.backlog_bytes.size(), seconds(figures_.caught_up) * 1e3);
    std::printf("backlog            %llu bytes at most; one full sync has %llu\n", backlog,
                snapshot);
    std::printf("digests            %s after %.1f ms, %llu mismatches\n",
                figures_.is_equal ? "equal" : "not equal", seconds(figures_.equal) * 1e3,
                static_cast<unsigned long long>(end.digest_mismatches));
  }

  struct Woken {
    size_t client;
    uint64_t bytes_before;
  };

  LoadHost& host_;
  LoadRun& run_;
  StallArguments stall_;
  StallFigures figures_;
  Instant woken_;
  std::vector<Woken> waiting_;  // not yet at the others' version
};

}  // namespace

int run_stall(LoadHost& host) { return StallTrial(host).run(); }

}  // namespace ecsdb
