// One server, many clients: what a tick costs the server for each of them.
//
// The clients live in the same process, and applying a tick in all of them sweeps the caches. So
// each tick publishes twice: the first publish finds the caches as the clients left them (cold),
// the second as the first left them (warm). A server with its processor to itself lies between.
#include <algorithm>
#include <cstring>
#include <string>

#include "ecsdb/store/transaction.h"

#include "programs.h"
#include "pump.h"
#include "units.h"

namespace bench {
namespace {

using ecsdb::Prng;
using ecsdb::Status;

constexpr ecsdb::Duration kTick = ecsdb::Duration::us(16'667);

struct Load {
  uint64_t clients = 0;
  uint64_t entities = 0;
  uint64_t changes = 0;
  uint64_t cells = 0;
  uint64_t ticks = 0;
  uint64_t seed = 0;
};

/// What one publish cost; nanoseconds.
struct PublishSamples {
  Samples publish, output, copy;
};

struct TickSamples {
  PublishSamples cold, warm;
  Samples commit, input;
  Samples client_receive, client_poll;
  uint64_t publishes = 0;
  uint64_t bytes = 0;
  uint64_t allocations_publish = 0;
  uint64_t allocations_output = 0;
};

/// A server with its clients, all live.
class World {
 public:
  explicit World(const Load& load)
      : load_(load),
        rng_(load.seed),
        server_(unit_schema(load.cells), ecsdb::ServerOptions{}, &authenticator_),
        pump_(server_),
        picker_(load.entities) {}

  Status start() {
    ecsdb::Transaction tx = server_.begin(pump_.now());
    entities_ = insert_units(tx, load_.entities, load_.cells, rng_);
    server_.commit(std::move(tx), pump_.now());
    server_.publish(pump_.now());
    for (uint64_t i = 0; i < load_.clients; ++i) {
      pump_.add_client("unit");
      if (i % 64 == 63) ECSDB_TRY(pump_.settle());
    }
    ECSDB_TRY(pump_.settle());
    while (server_.next_event()) {
    }
    return verify_clients(server_, pump_);
  }

  Status tick(TickSamples& samples) {
    pump_.advance_time(kTick);
    pump_.run_timers();
    pump_.times() = PumpTimes{};
    ECSDB_TRY(publish(samples, samples.cold));
    ECSDB_TRY(publish(samples, samples.warm));
    pump_.deliver();
    samples.client_receive.add(pump_.times().client_receive / 2);
    samples.client_poll.add(pump_.times().client_poll / 2);
    pump_.return_client_output();
    samples.input.add(pump_.times().server_input);
    return {};
  }
  Status finish() {
    ECSDB_TRY(pump_.settle());
    return verify_clients(server_, pump_);
  }
  const ecsdb::ServerStats& stats() const { return server_.stats(); }

 private:
  /// Random units step by up to a metre along both axes.
  Status move_units(ecsdb::Transaction& tx) {
    const ecsdb::Table& table = tx.database().table(kUnitTable);
    moved_.clear();
    for (const uint32_t at : picker_.pick(load_.changes, rng_)) moved_.push_back(entities_[at]);
    for (const uint16_t field : {uint16_t{0}, uint16_t{1}}) {
      lanes_.clear();
      for (const ecsdb::EntityId entity : moved_) {
        const int64_t step = rng_.between(1, 100);
        const int64_t old = static_cast<int64_t>(table.lane(table.find(entity), field));
        lanes_.push_back(static_cast<uint64_t>(old >= 0 ? old - step : old + step));
      }
      ECSDB_TRY(tx.set_many(kUnitTable, field, moved_, lanes_));
    }
    return {};
  }
  /// One version, offered to all clients and taken, but not delivered.
  Status publish(TickSamples& samples, PublishSamples& pass) {
    ecsdb::Transaction tx = server_.begin(pump_.now());
    ECSDB_TRY(move_units(tx));
    samples.commit.add(time_ns([&] { server_.commit(std::move(tx), pump_.now()); }));

    uint64_t allocated = allocations();
    pass.publish.add(time_ns([&] { server_.publish(pump_.now()); }));
    samples.allocations_publish += allocations() - allocated;
    ++samples.publishes;

    const double output_before = pump_.times().server_output;
    const size_t segments_before = pump_.taken().size();
    allocated = allocations();
    const size_t bytes = pump_.take_server_output();
    samples.allocations_output += allocations() - allocated;
    samples.bytes += bytes;
    pass.output.add(pump_.times().server_output - output_before);

    copy_of_.resize(std::max(copy_of_.size(), bytes));
    pass.copy.add(time_ns([&] { copy(pump_.taken().subspan(segments_before)); }));
    return {};
  }
  /// The baseline: the same bytes, client by client, and nothing else.
  void copy(std::span<const Pump::Segment> segments) {
    uint8_t* at = copy_of_.data();
    for (const Pump::Segment& segment : segments) {
      const ecsdb::ByteSpan bytes = pump_.bytes_of(segment);
      if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
      at += bytes.size();
    }
    keep(copy_of_.data());
  }

  Load load_;
  Prng rng_;
  ecsdb::OpenAuthenticator authenticator_;
  ecsdb::ReplicationServer server_;
  Pump pump_;
  Picker picker_;
  std::vector<ecsdb::EntityId> entities_;
  std::vector<ecsdb::EntityId> moved_;
  std::vector<uint64_t> lanes_;
  std::vector<uint8_t> copy_of_;
};

Samples divided(const Samples& samples, double by) {
  Samples out;
  for (size_t i = 0; i < samples.count(); ++i) out.add(samples.at(i) / by);
  return out;
}

void report_pass(const std::string& name, const Load& load, const PublishSamples& many,
                 const PublishSamples& one, Report& report) {
  const double clients = static_cast<double>(load.clients);
  const Samples server = sum_of(many.publish, many.output);
  report.samples(name + "_publish_and_output", "ns_per_client_tick", divided(server, clients));
  report.samples(name + "_publish", "ns_per_client_tick", divided(many.publish, clients));
  report.samples(name + "_output", "ns_per_client_tick", divided(many.output, clients));
  report.samples(name + "_baseline_memcpy", "ns_per_client_tick", divided(many.copy, clients));
  report.number(name + "_publish_and_output_to_memcpy_ratio", median_ratio(server, many.copy));
  if (load.clients > 1) {
    // Encoding and the database's bookkeeping are done once: a server with one client shows them.
    const Samples shared = sum_of(one.publish, one.output);
    const Samples grown = difference_of(difference_of(server, shared), many.copy);
    report.samples(name + "_bookkeeping", "ns_per_client_tick", divided(grown, clients - 1));
  }
  report.samples(name + "_publish", "us_per_tick", divided(many.publish, 1'000));
  report.samples(name + "_one_client_publish", "us_per_tick", divided(one.publish, 1'000));
}

void report_load(const Load& load, const TickSamples& many, const TickSamples& one,
                 Report& report) {
  const double clients = static_cast<double>(load.clients);
  const double publishes = static_cast<double>(many.publishes);
  const double bytes = static_cast<double>(many.bytes) / publishes;
  report_pass("cold", load, many.cold, one.cold, report);
  report_pass("warm", load, many.warm, one.warm, report);
  report.samples("commit", "us_per_tick", divided(many.commit, 1'000));
  report.samples("ack_input", "ns_per_client_ack", divided(many.input, clients));
  report.number("bytes_per_tick", bytes);
  report.number("bytes_per_client_tick", bytes / clients);
  report.number("bytes_per_changed_row", bytes / clients / static_cast<double>(load.changes));
  report.number("allocations_per_publish",
                static_cast<double>(many.allocations_publish) / publishes);
  report.number("allocations_per_publish_and_client",
                static_cast<double>(many.allocations_publish) / publishes / clients);
  report.number("one_client_allocations_per_publish",
                static_cast<double>(one.allocations_publish) / publishes);
  report.number("allocations_per_output_drain",
                static_cast<double>(many.allocations_output) / publishes);
  report.samples("client_receive", "ns_per_tick", divided(many.client_receive, clients));
  report.samples("client_poll", "ns_per_tick", divided(many.client_poll, clients));
}

Status run_load(const Load& load, Report& report) {
  Load one_client = load;
  one_client.clients = 1;
  World many(load);
  World one(one_client);
  ECSDB_TRY(many.start());
  ECSDB_TRY(one.start());
  TickSamples ignored;
  for (uint64_t i = 0; i < std::min<uint64_t>(load.ticks, 20); ++i) {
    ECSDB_TRY(many.tick(ignored));
    ECSDB_TRY(one.tick(ignored));
  }
  const uint64_t steps_before = many.stats().step_advances;
  TickSamples of_many;
  TickSamples of_one;
  for (uint64_t i = 0; i < load.ticks; ++i) {
    if (i % 2 == 0) ECSDB_TRY(one.tick(of_one));
    ECSDB_TRY(many.tick(of_many));
    if (i % 2 == 1) ECSDB_TRY(one.tick(of_one));
  }
  const uint64_t steps = many.stats().step_advances - steps_before;
  ECSDB_TRY(many.finish());
  ECSDB_TRY(one.finish());
  report.section("clients_" + std::to_string(load.clients));
  report.count("clients", load.clients);
  report.number("advances_in_step_ratio",
                static_cast<double>(steps) / static_cast<double>(load.clients * of_many.publishes));
  report_load(load, of_many, of_one, report);
  return {};
}

Status run(const Options& options, Report& report) {
  Load load;
  load.entities = options.number("entities", 1'000, 200);
  load.changes = options.number("changes", std::max<uint64_t>(1, load.entities / 10), 20);
  load.cells = options.number("cells", 1, 1);
  load.ticks = options.number("ticks", 200, 10);
  load.seed = options.number("seed", 1, 1);
  if (load.changes > load.entities) {
    return ecsdb::fail(ecsdb::ErrorCode::kUsage, "--changes is more than --entities");
  }
  report.count("entities", load.entities);
  report.count("rows_changed_per_publish", load.changes);
  report.count("cells", load.cells);
  report.count("ticks", load.ticks);
  std::vector<uint64_t> counts = {100, 1'000};
  if (options.quick()) counts = {20};
  if (options.has("clients")) counts = {options.number("clients", 1, 1)};
  for (const uint64_t clients : counts) {
    load.clients = clients;
    ECSDB_TRY(run_load(load, report));
  }
  return {};
}

constexpr OptionSpec kOptions[] = {
    {"clients", "so many (100, then 1000)", 10'000},
    {"entities", "rows that every client holds (1000)", 1'000'000},
    {"changes", "rows changed a publish (a tenth of the entities)", 1'000'000},
    {"cells", "that the rows are spread over (1)", 10'000},
    {"ticks", "measured, of two publishes each (200)", 1'000'000},
    {"seed", "of the random rows and steps (1)", UINT64_MAX},
};

}  // namespace

const Program kFanoutProgram = {
    "fanout", "server time and bytes for each client and tick, replicas verified", kOptions, run};

}  // namespace bench
