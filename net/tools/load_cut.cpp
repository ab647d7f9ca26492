// `ecsdb load --cut`: whether clients go on where they were once the network is back.
#include <algorithm>
#include <cstdio>

#include "tools/load_trials.h"

namespace ecsdb {
namespace {

/// After the cut ends: the longest back-off, and what a resume may take.
const Duration kResumeWithin = ClientOptions{}.retry_delay_max + Duration::seconds(2);
/// Longer than that nobody is waited for.
const Duration kResumePatience = kResumeWithin + Duration::seconds(5);
/// For all to be at one version once the feed has stopped.
constexpr Duration kRestPatience = Duration::seconds(10);

double ms(Duration time) { return static_cast<double>(time.ns) / 1e6; }

struct CutFigures {
  const char* how = "";
  size_t resumed = 0;  // clients
  size_t kept = 0;     // clients whose connection outlived the cut
  uint64_t resets = 0;
  uint64_t full_syncs = 0;  // after the first
  Duration slowest;         // of those that came back, after the cut's end
  bool is_equal = false;    // all at one version with one digest in the end
};

class CutTrial {
 public:
  explicit CutTrial(LoadHost& host)
      : host_(host), run_(host.run()), clients_(host.arguments().load.clients) {}

  int run() {
    const CutArguments& cut = *host_.arguments().cut;
    if (cut.by_reset) run_one("reset", [this] { host_.proxy().reset(); });
    if (cut.by_black_hole) run_one("blackhole", [this] { host_.proxy().black_hole(); });
    const LoadFigures end = run_.figures(true);
    host_.explain(end);
    host_.close();
    if (host_.is_interrupted()) return kExitInterrupted;
    Missed missed;
    for (const CutFigures& figures : done_) find_missed(figures, missed);
    host_.explain(missed);
    print(end);
    return host_.exit_of(end, missed);
  }

 private:
  Instant now() { return host_.loop().now().steady; }

  template <class CutOff>
  void run_one(const char* how, CutOff cut_off) {
    if (!run_.all_live() || host_.is_over()) return;
    before_.clear();
    for (size_t i = 0; i < clients_; ++i) before_.push_back(run_.stats(i));
    cut_off();
    host_.wait(host_.arguments().cut->time);
    host_.proxy().heal();
    const Instant healed = now();
    host_.wait_for(kResumePatience, [&] { return all_back(healed) || host_.is_over(); });
    CutFigures figures;
    figures.how = how;
    for (size_t i = 0; i < clients_; ++i) count(i, healed, figures);
    figures.is_equal = compare();
    done_.push_back(figures);
  }

  /// A connection that outlived the cut shows so by what it brings; until then, its client may yet
  /// give it up.
  bool is_back(size_t client, Instant healed) const {
    if (!run_.is_live(client)) return false;
    return run_.live_at(client) >= healed ||
           run_.stats(client).bytes_received > before_[client].bytes_received;
  }
  bool all_back(Instant healed) const {
    for (size_t i = 0; i < clients_; ++i) {
      if (!is_back(i, healed)) return false;
    }
    return true;
  }
  void count(size_t client, Instant healed, CutFigures& out) {
    const ClientStats& was = before_[client];
    const ClientStats& is = run_.stats(client);
    out.resets += is.resets - was.resets;
    out.full_syncs += is.full_syncs - was.full_syncs;
    if (!run_.is_live(client)) return;
    const bool is_kept = is.connects == was.connects;
    out.kept += is_kept ? 1 : 0;
    out.resumed += is.resumes > was.resumes ? 1 : 0;
    if (!is_kept) out.slowest = std::max(out.slowest, run_.live_at(client) - healed);
  }
  /// Stops the feed until all are at one version, compares them there, and lets it go on.
  bool compare() {
    if (host_.server_pid() == 0) return run_.figures(false).digest_mismatches == 0;
    host_.toggle_feed();
    const bool at_rest = host_.wait_for(
        kRestPatience, [this] { return run_.common_version().has_value() || host_.is_over(); });
    run_.check_digests();
    host_.toggle_feed();
    return at_rest && !host_.is_over() && run_.figures(false).digest_mismatches == 0;
  }

  void find_missed(const CutFigures& found, Missed& out) const {
    const std::string how = std::string(found.how) + ": ";
    const auto add = [&](const std::string& text) { out.push_back(how + text); };
    if (found.resumed + found.kept < clients_) {
      add(std::to_string(found.resumed) + " of " + std::to_string(clients_ - found.kept) +
          " clients resumed");
    }
    if (found.full_syncs > 0) add(std::to_string(found.full_syncs) + " full syncs, wanted 0");
    if (found.slowest > kResumeWithin) {
      char text[96];
      std::snprintf(text, sizeof text, "the slowest came back after %.1f ms, wanted %.1f at most",
                    ms(found.slowest), ms(kResumeWithin));
      add(text);
    }
    if (!found.is_equal) add("the digests were not equal in the end");
  }

  void print(const LoadFigures& end) const {
    const auto mismatches = static_cast<unsigned long long>(end.digest_mismatches);
    const double seconds = ms(host_.arguments().cut->time) / 1e3;
    if (!host_.arguments().json) {
      std::printf("clients            %zu, %zu synced; cut off for %.1f s\n", end.clients,
                  end.synced, seconds);
      for (const CutFigures& f : done_) {
        std::printf(
            "%-18s %zu resumed, %zu kept their connection, %llu full syncs, %llu resets;\n"
            "                   the slowest came back after %.1f ms (%.1f allowed)\n",
            f.how, f.resumed, f.kept, static_cast<unsigned long long>(f.full_syncs),
            static_cast<unsigned long long>(f.resets), ms(f.slowest), ms(kResumeWithin));
      }
      std::printf("digest mismatches  %llu\n", mismatches);
      return;
    }
    std::printf("{\"clients\": %zu, \"synced\": %zu, \"cut_seconds\": %.3f, \"bound_ms\": %.1f",
                end.clients, end.synced, seconds, ms(kResumeWithin));
    for (const CutFigures& f : done_) {
      std::printf(
          ", \"%s\": {\"resumes\": %zu, \"kept\": %zu, \"full_syncs\": %llu, \"resets\": %llu, "
          "\"slowest_resume_ms\": %.1f, \"digests_equal\": %s}",
          f.how, f.resumed, f.kept, static_cast<unsigned long long>(f.full_syncs),
          static_cast<unsigned long long>(f.resets), ms(f.slowest), f.is_equal ? "true" : "false");
    }
    std::printf(", \"digest_mismatches\": %llu}\n", mismatches);
  }

  LoadHost& host_;
  LoadRun& run_;
  size_t clients_;
  std::vector<ClientStats> before_;  // by client, when the cut began
  std::vector<CutFigures> done_;
};

}  // namespace

int run_cut(LoadHost& host) { return CutTrial(host).run(); }

}  // namespace ecsdb
