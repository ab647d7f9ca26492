// A full sync of one client with everything in memory.
#include <cstring>

#include "ecsdb/store/transaction.h"

#include "programs.h"
#include "pump.h"
#include "units.h"

namespace bench {
namespace {

using ecsdb::Status;

struct SyncSamples {
  Samples server, client_receive, client_poll, client, both, digest;
  Samples copy, columns;
  uint64_t stream_bytes = 0;
};

class SyncBench {
 public:
  SyncBench(uint64_t rows, uint64_t seed)
      : rows_(rows),
        rng_(seed),
        server_(unit_schema(1), ecsdb::ServerOptions{}, &authenticator_),
        pump_(server_) {
    ecsdb::Transaction tx = server_.begin(pump_.now());
    insert_units(tx, rows, 1, rng_);
    server_.commit(std::move(tx), pump_.now());
    server_.publish(pump_.now());
    server_.digest(kUnitTable, ecsdb::CellKey::one());
  }

  Status round(uint64_t number, SyncSamples& samples) {
    if (number % 2 == 0) measure_baselines(samples);
    ECSDB_TRY(measure_sync(samples));
    if (number % 2 == 1) measure_baselines(samples);
    return {};
  }
  /// One sync that is not reported: it tells the baselines how many bytes there are.
  Status warm_up() {
    SyncSamples ignored;
    ECSDB_TRY(measure_sync(ignored));
    stream_.resize(ignored.stream_bytes);
    stream_copy_.resize(ignored.stream_bytes);
    return {};
  }

 private:
  Status measure_sync(SyncSamples& samples) {
    const double rows = static_cast<double>(rows_);
    pump_.times() = PumpTimes{};
    ecsdb::Client& client = pump_.add_client("unit");
    ECSDB_TRY(pump_.settle());
    const PumpTimes times = pump_.times();
    const double server = times.server_output + times.server_input;
    samples.server.add(server / rows);
    samples.client_receive.add(times.client_receive / rows);
    samples.client_poll.add(times.client_poll / rows);
    samples.client.add((times.client_receive + times.client_poll) / rows);
    samples.both.add((server + times.client_receive + times.client_poll) / rows);
    samples.digest.add(time_ns([&] { client.db().digest(0); }) / rows);
    samples.stream_bytes = client.stats().bytes_received;
    const Status status = verify_clients(server_, pump_);
    if (client.db().table(kUnitTable).row_count() != rows_) {
      return ecsdb::fail(ecsdb::ErrorCode::kDigestMismatch, "rows are missing");
    }
    pump_.remove_last();
    return status;
  }
  void measure_baselines(SyncSamples& samples) {
    const double rows = static_cast<double>(rows_);
    samples.copy.add(time_ns([&] {
                       std::memcpy(stream_copy_.data(), stream_.data(), stream_.size());
                       keep(stream_copy_.data());
                     }) /
                     rows);
    const ecsdb::Table& table = server_.database().table(kUnitTable);
    samples.columns.add(time_ns([&] { copy_columns(table); }) / rows);
  }
  /// Entity and fields row by row into growing columns: what filling plain arrays costs.
  void copy_columns(const ecsdb::Table& table) {
    std::vector<uint64_t> entities;
    std::vector<int32_t> columns[kUnitFields];
    for (ecsdb::RowIndex row = 0; row < table.row_count(); ++row) {
      entities.push_back(table.row(row).entity.value);
      for (uint16_t f = 0; f < kUnitFields; ++f) {
        columns[f].push_back(table.column(f).as<int32_t>()[row]);
      }
    }
    keep(entities.data());
    for (const auto& column : columns) keep(column.data());
  }

  uint64_t rows_;
  ecsdb::Prng rng_;
  ecsdb::OpenAuthenticator authenticator_;
  ecsdb::ReplicationServer server_;
  Pump pump_;
  std::vector<uint8_t> stream_;
  std::vector<uint8_t> stream_copy_;
};

void report_sync(uint64_t rows, const SyncSamples& samples, Report& report) {
  const double bytes_per_row =
      static_cast<double>(samples.stream_bytes) / static_cast<double>(rows);
  // rows/s is 1e9 / (ns per row); MB/s is bytes per nanosecond times 1000.
  auto rate = [](double scale, const Samples& ns) {
    return ns.median() > 0 ? scale / ns.median() : 0;
  };
  report.count("stream_bytes", samples.stream_bytes);
  report.number("bytes_per_row", bytes_per_row);
  report.number("rows_per_s", rate(1e9, samples.both));
  report.number("megabytes_per_s", rate(1e3 * bytes_per_row, samples.both));
  report.number("server_rows_per_s", rate(1e9, samples.server));
  report.number("server_megabytes_per_s", rate(1e3 * bytes_per_row, samples.server));
  report.samples("server", "ns_per_row", samples.server);
  report.samples("client_apply", "ns_per_row", samples.client);
  report.samples("client_receive", "ns_per_row", samples.client_receive);
  report.samples("client_poll", "ns_per_row", samples.client_poll);
  report.number("client_apply_ns_per_field", samples.client.median() / kUnitFields);
  report.samples("client_digest", "ns_per_row", samples.digest);
  report.samples("baseline_memcpy_of_stream", "ns_per_row", samples.copy);
  report.samples("baseline_columns_append", "ns_per_row", samples.columns);
  report.number("server_to_memcpy_ratio", median_ratio(samples.server, samples.copy));
  report.number("client_apply_to_columns_append_ratio",
                median_ratio(samples.client, samples.columns));
}

Status run(const Options& options, Report& report) {
  const uint64_t rows = options.number("rows", 100'000, 5'000);
  const uint64_t rounds = options.number("rounds", 20, 3);
  SyncBench bench(rows, options.number("seed", 1, 1));
  ECSDB_TRY(bench.warm_up());
  SyncSamples samples;
  for (uint64_t i = 0; i < rounds; ++i) ECSDB_TRY(bench.round(i, samples));
  report.count("rows", rows);
  report.count("fields_per_row", kUnitFields);
  report.count("rounds", rounds);
  report_sync(rows, samples, report);
  return {};
}

constexpr OptionSpec kOptions[] = {
    {"rows", "of the table (100000)", 4'000'000},
    {"rounds", "syncs measured (20)", 100'000},
    {"seed", "of the random rows (1)", UINT64_MAX},
};

}  // namespace

const Program kSyncProgram = {"sync", "full sync of one client: rows and bytes a second", kOptions,
                              run};

}  // namespace bench
