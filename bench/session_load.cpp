// What one client's trouble costs the server and the others: clients that do not read, and one that
// syncs very many rows.
#include <algorithm>
#include <cstdio>

#include "measure.h"
#include "memory.h"
#include "session.h"
#include "session_clients.h"
#include "session_server.h"

namespace bench {
namespace {

using ecsdb::Duration;
using ecsdb::ErrorCode;
using ecsdb::fail;
using ecsdb::Result;
using ecsdb::Status;

struct Percentile {
  double p99_us = 0;
  uint64_t samples = 0;
};

Result<Percentile> report_of(SessionServer& server, ClientProcess& clients) {
  clients.send("report");
  const auto answer = server.wait_for(clients, "report");
  if (!answer.ok()) return answer.error();
  Percentile out;
  unsigned long long samples = 0;
  unsigned long long closed = 0;
  if (std::sscanf(answer->c_str(), "%lf %llu %llu", &out.p99_us, &samples, &closed) != 3) {
    return fail(ErrorCode::kStalled, "not an answer: " + *answer);
  }
  if (closed > 0) {
    return fail(ErrorCode::kLinkClosed, std::to_string(closed) + " connections were lost");
  }
  out.samples = samples;
  return out;
}

/// The others' 99th percentile over blocks of time.
Status measure_blocks(SessionServer& server, ClientProcess& clients, uint64_t blocks,
                      Duration block, Samples& p99_us) {
  for (uint64_t i = 0; i < blocks; ++i) {
    clients.send("begin");
    server.serve(block);
    const auto found = report_of(server, clients);
    if (!found.ok()) return found.error();
    p99_us.add(found->p99_us);
  }
  return {};
}

}  // namespace

Status measure_stall(const Options& options, Report& report) {
  const uint64_t stalled = options.number("stalled", 16, 2);
  const uint64_t others = options.number("others", 16, 2);
  const uint64_t blocks = options.number("blocks", 10, 1);
  const Duration block = options.quick() ? Duration::ms(100) : Duration::seconds(1);
  auto clients = ClientProcess::start(SessionClients::serve);
  if (!clients.ok()) return clients.error();
  SessionLoad load;
  load.few = options.number("stall-rows", 1'000, 100);
  load.changes = 100;
  load.seed = options.number("seed", 1, 1);
  SessionServer server(load);
  ECSDB_TRY(server.start());
  server.start_ticks();
  const auto joined = server.join(*clients, stalled + others, "few", load.few);
  if (!joined.ok()) return joined.error();

  Samples before;
  Samples during;
  ECSDB_TRY(measure_blocks(server, *clients, 1, block, before));  // warms up
  before = Samples();
  ECSDB_TRY(measure_blocks(server, *clients, blocks, block, before));
  const double mib_before = start_watching_memory();
  clients->send("stall " + std::to_string(stalled));
  ECSDB_TRY(measure_blocks(server, *clients, blocks, block, during));
  const double mib_peak = resident_peak_mib();
  clients->send("wake");
  const auto woken = server.wait_for(*clients, "woken");
  if (!woken.ok()) return woken.error();
  double backlog_max = 0;
  double backlog = 0;
  double old_max = 0;
  if (std::sscanf(woken->c_str(), "%lf %lf %lf", &backlog_max, &backlog, &old_max) != 3) {
    return fail(ErrorCode::kStalled, "not an answer: " + *woken);
  }
  report.count("stalled_clients", stalled);
  report.count("stalled_others", others);
  report.count("stalled_blocks", blocks);
  report.number("stalled_kib",
                std::max(0.0, mib_peak - mib_before) * 1024 / static_cast<double>(stalled));
  report.number("stalled_window_kib",
                static_cast<double>(ecsdb::ServerOptions{}.unacked_bytes_max) / 1024);
  report.number("backlog_bytes", backlog);
  report.number("backlog_max_bytes", backlog_max);
  report.number("backlog_old_bytes", old_max);
  report.count("snapshot_bytes", joined->bytes);
  report.number("stalled_others_p99_us", during.median());
  report.number("stalled_others_p99_before_us", before.median());
  report.number("stalled_others_p99_ratio", median_ratio(during, before));
  return {};
}

namespace {

/// What the end of a sync and its preparation set off does not count.
constexpr Duration kQuiet = Duration::ms(50);

/// A client that holds little, watched while another one syncs very many rows, and while not.
class FullSyncTrial {
 public:
  FullSyncTrial(SessionServer& server, ClientProcess& watchers, ClientProcess& joiner,
                uint64_t rows, Duration block)
      : server_(server), watchers_(watchers), joiner_(joiner), rows_(rows), block_(block) {}

  /// One block with a sync after the other, and one of the same length without.
  Status pair() {
    const double mib_before = start_watching_memory();
    server_.serve(kQuiet);
    watchers_.send("begin");
    server_.take_longest_batch_us();
    const ecsdb::Instant start = server_.loop().now().steady;
    Duration time;
    do {
      const auto joined = server_.join(joiner_, 1, "many", rows_);
      if (!joined.ok()) return joined.error();
      stream_bytes_ = joined->bytes;
      sync_ms_.add(joined->ms);
      ECSDB_TRY(server_.drop(joiner_));
      time = server_.loop().now().steady - start;
    } while (time < block_);
    batch_us_.add(server_.take_longest_batch_us());
    ECSDB_TRY(take_report(with_));
    extra_mib_.add(std::max(0.0, resident_peak_mib() - mib_before));
    return without(time);
  }
  Status without(Duration time) {
    server_.serve(kQuiet);
    watchers_.send("begin");
    server_.take_longest_batch_us();
    server_.serve(time);
    batch_without_us_.add(server_.take_longest_batch_us());
    return take_report(without_);
  }

  void report(Report& out) const {
    out.number("full_sync_extra_mib", extra_mib_.percentile(1000));
    out.number("full_sync_stream_mib", static_cast<double>(stream_bytes_) / (1024 * 1024));
    out.count("full_syncs_measured", sync_ms_.count());
    out.number("full_sync_ms", sync_ms_.median());
    out.number("full_sync_longest_batch_cpu_us", batch_us_.median());
    out.number("longest_batch_cpu_without_us", batch_without_us_.median());
    out.number("others_p99_us", with_.median());
    out.number("others_p99_without_us", without_.median());
    out.number("others_p99_ratio", median_ratio(with_, without_));
  }

 private:
  Status take_report(Samples& into) {
    const auto found = report_of(server_, watchers_);
    if (!found.ok()) return found.error();
    into.add(found->p99_us);
    return {};
  }

  SessionServer& server_;
  ClientProcess& watchers_;
  ClientProcess& joiner_;
  uint64_t rows_;
  Duration block_;
  Samples with_;
  Samples without_;
  Samples extra_mib_;
  Samples sync_ms_;
  Samples batch_us_;
  Samples batch_without_us_;
  uint64_t stream_bytes_ = 0;
};

}  // namespace

Status measure_full_sync(const Options& options, Report& report) {
  const uint64_t pairs = options.number("pairs", 9, 1);
  auto watchers = ClientProcess::start(SessionClients::serve);
  if (!watchers.ok()) return watchers.error();
  auto joiner = ClientProcess::start(SessionClients::serve);
  if (!joiner.ok()) return joiner.error();
  SessionLoad load;
  load.many = options.number("sync-rows", 1'000'000, 5'000);
  load.few = 1'000;
  load.changes = 100;
  load.tick_hz = options.quick() ? 1'000 : 120;  // samples enough in the time that a sync takes
  load.seed = options.number("seed", 1, 1);
  SessionServer server(load);
  ECSDB_TRY(server.start());
  server.start_ticks();
  const auto joined = server.join(*watchers, options.number("others", 16, 2), "few", load.few);
  if (!joined.ok()) return joined.error();
  const Duration block = options.quick() ? Duration::ms(20) : Duration::seconds(1);
  ECSDB_TRY(FullSyncTrial(server, *watchers, *joiner, load.many, block).pair());  // warms up
  FullSyncTrial measured(server, *watchers, *joiner, load.many, block);
  for (uint64_t i = 0; i < pairs; ++i) ECSDB_TRY(measured.pair());
  report.count("full_sync_rows", load.many);
  report.count("full_sync_pairs", pairs);
  measured.report(report);
  return {};
}

}  // namespace bench
