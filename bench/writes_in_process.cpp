// What writes cost the server: their frames are taken in, the writes are decided, committed and
// published, and outcomes and advances taken out. One thread, no network.
//
// Real clients make the frames and take what the server says, outside of what is measured; each
// subscribes to what it writes, so that the server has its whole work with them.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "ecsdb/base/prng.h"

#include "measure.h"
#include "pump.h"
#include "write_load.h"
#include "writes.h"

namespace bench {
namespace {

using ecsdb::Client;
using ecsdb::Duration;
using ecsdb::EntityId;
using ecsdb::ErrorCode;
using ecsdb::fail;
using ecsdb::Status;

constexpr uint64_t kCommitsPerBlock = 10;
constexpr Duration kBetweenCommits = Duration::ms(16);

struct Load {
  uint16_t table = kItemTable;
  std::string table_name;
  uint64_t writers = 1;
  uint64_t batch = 0;  // writes a commit, of all writers together
  uint64_t rows = 0;
  bool are_random = false;  // rows; else one after the other
  uint64_t seed = 1;
};

/// Nanoseconds for each write, by block.
struct Costs {
  Samples all, intake, decide, commit, publish, output;
};

/// A server and its writers, all live.
class World {
 public:
  explicit World(const Load& load)
      : load_(load),
        rng_(load.seed),
        server_(write_schema(), write_server_options(load.batch), &authenticator_),
        pump_(server_) {}

  Status start() {
    ecsdb::Transaction tx = server_.begin(pump_.now());
    auto entities = insert_levels(tx, load_.table, load_.rows);
    if (!entities.ok()) return entities.error();
    entities_ = *std::move(entities);
    server_.commit(std::move(tx), pump_.now());
    server_.publish(pump_.now());
    for (uint64_t i = 0; i < load_.writers; ++i) {
      pump_.add_client(load_.table_name, write_client_options(load_.batch));
    }
    ECSDB_TRY(pump_.settle());
    return verify_clients(server_, pump_);
  }

  Status block(Costs& costs) {
    decide_ns_ = commit_ns_ = publish_ns_ = 0;
    pump_.times() = PumpTimes{};
    for (uint64_t i = 0; i < kCommitsPerBlock; ++i) ECSDB_TRY(commit());
    const double writes = static_cast<double>(load_.batch * kCommitsPerBlock);
    const double in = pump_.times().server_input;
    const double out = pump_.times().server_output;
    costs.intake.add(in / writes);
    costs.decide.add(decide_ns_ / writes);
    costs.commit.add(commit_ns_ / writes);
    costs.publish.add(publish_ns_ / writes);
    costs.output.add(out / writes);
    costs.all.add((in + decide_ns_ + commit_ns_ + publish_ns_ + out) / writes);
    return {};
  }

  Status finish() {
    const ecsdb::ServerStats& stats = server_.stats();
    if (stats.writes_applied + stats.writes_merged != submitted_ || stats.writes_refused > 0) {
      return fail(ErrorCode::kDigestMismatch, "some writes were not decided as they should be");
    }
    for (size_t i = 0; i < pump_.client_count(); ++i) {
      if (pump_.client(i).pending_writes() == 0) continue;
      return fail(ErrorCode::kStalled, "a client was not told of all outcomes");
    }
    return verify_clients(server_, pump_);
  }
  double merged_ratio() const {
    return static_cast<double>(server_.stats().writes_merged) / static_cast<double>(submitted_);
  }
  double conflicts_ratio() const {
    return static_cast<double>(server_.stats().conflicts) / static_cast<double>(submitted_);
  }

 private:
  Status commit() {
    pump_.advance_time(kBetweenCommits);
    pump_.run_timers();
    for (uint64_t i = 0; i < load_.batch; ++i) {
      const uint64_t at = load_.are_random ? rng_.below(entities_.size()) : next_++;
      ECSDB_TRY(submit_level(pump_.client(i % load_.writers), load_.table,
                             entities_[at % entities_.size()], rng_.between(1, kLevelMax),
                             pump_.now()));
    }
    submitted_ += load_.batch;
    while (pump_.return_client_output() > 0) {
    }
    decide_ns_ += time_ns([&] { transaction_.emplace(server_.begin(pump_.now())); });
    commit_ns_ += time_ns([&] { server_.commit(*std::move(transaction_), pump_.now()); });
    transaction_.reset();
    publish_ns_ += time_ns([&] { server_.publish(pump_.now()); });
    ECSDB_TRY(pump_.settle());
    if (server_.has_writes()) return fail(ErrorCode::kStalled, "writes wait for another commit");
    return {};
  }

  Load load_;
  ecsdb::Prng rng_;
  ecsdb::OpenAuthenticator authenticator_;
  ecsdb::ReplicationServer server_;
  Pump pump_;
  std::vector<EntityId> entities_;
  std::optional<ecsdb::Transaction> transaction_;
  uint64_t next_ = 0;
  uint64_t submitted_ = 0;
  double decide_ns_ = 0;
  double commit_ns_ = 0;
  double publish_ns_ = 0;
};

double report_load(const std::string& name, const Costs& costs, const World& world,
                   Report& report) {
  const double per_second = 1e9 / costs.all.median();
  report.number("in_process_" + name + "_writes_per_s", per_second);
  report.samples("in_process_" + name, "ns_per_write", costs.all);
  const struct {
    const char* stage;
    const Samples& samples;
  } stages[] = {{"intake", costs.intake},
                {"decide", costs.decide},
                {"commit", costs.commit},
                {"publish", costs.publish},
                {"output", costs.output}};
  for (const auto& [stage, samples] : stages) {
    report.number("in_process_" + name + "_" + stage + "_ns_per_write", samples.median());
  }
  report.number("in_process_" + name + "_merged_ratio", world.merged_ratio());
  report.number("in_process_" + name + "_conflicts_ratio", world.conflicts_ratio());
  return per_second;
}

}  // namespace

Status measure_writes_in_process(const Options& options, Report& report) {
  Load distinct;
  distinct.table_name = "item";
  distinct.batch = options.number("batch", 1'024, 64);
  distinct.rows = options.number("rows", 10'000, 1'000);
  distinct.seed = options.number("seed", 1, 1);
  Load contended = distinct;
  contended.table = kSharedTable;
  contended.table_name = "shared";
  contended.writers = options.number("writers", 16, 16);
  contended.rows = options.number("contended-rows", 64, 8);
  contended.are_random = true;

  World one(distinct);
  World many(contended);
  ECSDB_TRY(one.start());
  ECSDB_TRY(many.start());
  Costs of_one;
  Costs of_many;
  const uint64_t blocks = options.number("blocks", 60, 2);
  for (uint64_t i = 0; i < blocks + 1; ++i) {
    if (i == 1) of_one = of_many = Costs();  // the first has warmed up
    ECSDB_TRY(one.block(of_one));
    ECSDB_TRY(many.block(of_many));
  }
  ECSDB_TRY(one.finish());
  ECSDB_TRY(many.finish());
  report.count("in_process_batch", distinct.batch);
  report.count("in_process_writers", contended.writers);
  report.count("in_process_blocks", blocks);
  const double one_per_second = report_load("distinct", of_one, one, report);
  const double many_per_second = report_load("contended", of_many, many, report);
  report.number("in_process_writes_per_s", std::min(one_per_second, many_per_second));
  return {};
}

}  // namespace bench
