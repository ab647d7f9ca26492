// Writes over real connections: as many as go through one, and how soon everybody shows one.
#include <algorithm>
#include <cstdio>

#include "measure.h"
#include "write_clients.h"
#include "write_server.h"
#include "writes.h"

namespace bench {
namespace {

using ecsdb::ErrorCode;
using ecsdb::fail;
using ecsdb::Result;
using ecsdb::Status;

struct PipelineCosts {
  Samples per_second;
  Samples server_cpu_ns;  // for each write
  Samples client_cpu_ns;
};

/// One block of a time. What it has begun it also ends.
Status pipeline(WriteServer& server, ClientProcess& writer, uint64_t ms, PipelineCosts& costs) {
  const int64_t cpu_before = cpu_time_ns();
  const uint64_t applied_before = server.stats().writes_applied;
  writer.send("pipeline " + std::to_string(ms));
  const auto answer = server.wait_for(writer, "pipelined");
  if (!answer.ok()) return answer.error();
  const double cpu_ns = static_cast<double>(cpu_time_ns() - cpu_before);
  unsigned long long writes = 0;
  double spent_ms = 0;
  double client_ms = 0;
  if (std::sscanf(answer->c_str(), "%llu %lf %lf", &writes, &spent_ms, &client_ms) != 3) {
    return fail(ErrorCode::kStalled, "not an answer: " + *answer);
  }
  costs.per_second.add(static_cast<double>(writes) * 1'000 / spent_ms);
  costs.client_cpu_ns.add(client_ms * 1e6 / static_cast<double>(writes));
  const uint64_t applied = server.stats().writes_applied - applied_before;
  costs.server_cpu_ns.add(cpu_ns / static_cast<double>(applied));
  return {};
}

struct Shown {
  double p50_ms = 0;
  double p99_ms = 0;
  double echo_p50_ms = 0;
  double echo_p99_ms = 0;
};

Result<Shown> show(WriteServer& server, ClientProcess& clients, const std::string& echo_port,
                   uint64_t samples) {
  clients.send("show " + echo_port + " " + std::to_string(samples));
  const auto answer = server.wait_for(clients, "shown");
  if (!answer.ok()) return answer.error();
  Shown out;
  if (std::sscanf(answer->c_str(), "%lf %lf %lf %lf", &out.p50_ms, &out.p99_ms, &out.echo_p50_ms,
                  &out.echo_p99_ms) != 4) {
    return fail(ErrorCode::kStalled, "not an answer: " + *answer);
  }
  return out;
}

}  // namespace

Status measure_writes_on_loopback(const Options& options, Report& report) {
  const uint64_t rows = options.number("rows", 10'000, 1'000);
  const uint64_t depth = options.number("depth", 4'096, 256);
  const uint64_t blocks = options.number("seconds", 7, 1);
  auto writer = ClientProcess::start(WriteClients::serve);
  if (!writer.ok()) return writer.error();
  auto other = ClientProcess::start(WriteClients::serve);
  if (!other.ok()) return other.error();
  WriteServer server(rows, depth);
  ECSDB_TRY(server.start());
  ECSDB_TRY(server.join(*other, 1));
  ECSDB_TRY(server.join(*writer, 1));
  PipelineCosts costs;
  ECSDB_TRY(pipeline(server, *writer, options.quick() ? 20 : 500, costs));  // warms up
  costs = PipelineCosts();
  for (uint64_t i = 0; i < blocks; ++i) {
    ECSDB_TRY(pipeline(server, *writer, options.quick() ? 50 : 1'000, costs));
  }
  ECSDB_TRY(server.compare(*writer));
  ECSDB_TRY(server.compare(*other));
  report.count("loopback_depth", depth);
  report.count("loopback_blocks", blocks);
  report.number("loopback_writes_per_s", costs.per_second.median());
  report.number("loopback_max_writes_per_s", costs.per_second.percentile(1'000));
  report.samples("loopback_server_cpu", "ns_per_write", costs.server_cpu_ns);
  report.samples("loopback_writer_cpu", "ns_per_write", costs.client_cpu_ns);
  return {};
}

Status measure_writes_visible(const Options& options, Report& report) {
  const uint64_t count = options.number("clients", 50, 10);
  const uint64_t rounds = options.number("rounds", 7, 1);
  const uint64_t samples = options.number("samples", 1'000, 20);
  auto echo = ClientProcess::start(serve_echo);
  if (!echo.ok()) return echo.error();
  auto clients = ClientProcess::start(WriteClients::serve);
  if (!clients.ok()) return clients.error();
  WriteServer server(1'000, 16);
  ECSDB_TRY(server.start());
  ECSDB_TRY(server.join(*clients, count));
  const auto echo_port = server.wait_for(*echo, "port");
  if (!echo_port.ok()) return echo_port.error();
  Samples p50_ms;
  Samples p99_ms;
  Samples echo_p50_ms;
  Samples echo_p99_ms;
  for (uint64_t i = 0; i < rounds + 1; ++i) {
    const auto shown = show(server, *clients, *echo_port, samples);
    if (!shown.ok()) return shown.error();
    if (i == 0) continue;  // has warmed up
    p50_ms.add(shown->p50_ms);
    p99_ms.add(shown->p99_ms);
    echo_p50_ms.add(shown->echo_p50_ms);
    echo_p99_ms.add(shown->echo_p99_ms);
  }
  ECSDB_TRY(server.compare(*clients));
  report.count("visible_clients", count);
  report.count("visible_samples", samples * rounds);
  report.samples("visible_p50", "ms", p50_ms);
  report.samples("visible_p99", "ms", p99_ms);
  report.samples("raw_rtt_p50", "ms", echo_p50_ms);
  report.samples("raw_rtt_p99", "ms", echo_p99_ms);
  return {};
}

}  // namespace bench
