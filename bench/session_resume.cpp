// What coming back costs on the wire, beside what a client gets that was connected all the time and
// did not read. In memory and in virtual time: only bytes and callbacks count here.
#include <algorithm>
#include <bit>
#include <map>
#include <vector>

#include "memory_link.h"
#include "session.h"
#include "session_server.h"
#include "trace.h"

namespace bench {
namespace {

using ecsdb::CodecTier;
using ecsdb::Duration;
using ecsdb::ErrorCode;
using ecsdb::fail;
using ecsdb::MessageType;
using ecsdb::Now;
using ecsdb::Result;
using ecsdb::RowEvent;
using ecsdb::Status;
using ecsdb::Transaction;

constexpr Duration kTick = Duration::us(16'667);

/// Tickets of a benchmark need not be secret.
class Numbers final : public ecsdb::SecretSource {
 public:
  void draw(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(rng_.below(256));
  }

 private:
  ecsdb::Prng rng_{1};
};

/// Something that changes rows, tick by tick, always the same ones.
class Workload {
 public:
  virtual ~Workload() = default;
  virtual Status insert(Transaction& tx) = 0;
  virtual Status step(Transaction& tx) = 0;
};

/// Rows of the shape w1, {f32 x, f32 y, i32 health}, of which some walk about. Their coordinates
/// have every bit of a float, as those of a game have.
class Walkers final : public Workload {
 public:
  Walkers(uint64_t rows, uint64_t moving, uint64_t seed) : rng_(seed), rows_(rows) {
    for (uint64_t i = 0; i < moving; ++i) moving_.push_back(i * rows / moving);
  }
  Status insert(Transaction& tx) override {
    for (uint64_t i = 0; i < rows_; ++i) {
      const auto entity = tx.create();
      if (!entity.ok()) return entity.error();
      const ecsdb::FieldValue values[] = {{0, place()}, {1, place()}, {2, rng_.between(0, 100)}};
      ECSDB_TRY(tx.insert(0, *entity, values));
      entities_.push_back(*entity);
    }
    return {};
  }
  Status step(Transaction& tx) override {
    for (const uint64_t i : moving_) {
      const ecsdb::Table& table = tx.database().table(0);
      for (const uint16_t field : {uint16_t{0}, uint16_t{1}}) {
        const uint64_t lane = table.lane(table.find(entities_[i]), field);
        const float old = std::bit_cast<float>(static_cast<uint32_t>(lane));
        const float moved = old + static_cast<float>(rng_.between(-1000, 1000)) / 7000.0f;
        ECSDB_TRY(tx.set(0, entities_[i], field, static_cast<double>(moved)));
      }
    }
    return {};
  }

 private:
  double place() {
    return static_cast<double>(static_cast<float>(rng_.between(0, 1'000'000)) / 999.0f);
  }

  ecsdb::Prng rng_;
  uint64_t rows_;
  std::vector<uint64_t> moving_;
  std::vector<ecsdb::EntityId> entities_;
};

/// Units of which the first few, spread over the table, move.
class Movers final : public Workload {
 public:
  Movers(uint64_t rows, uint64_t moving, uint64_t seed) : units_(kManyTable, seed), rows_(rows) {
    for (uint64_t i = 0; i < moving; ++i) {
      places_.push_back(static_cast<uint32_t>(i * rows / moving));
    }
  }
  Status insert(Transaction& tx) override { return units_.insert(tx, rows_); }
  Status step(Transaction& tx) override { return units_.move(tx, places_); }

 private:
  MovingUnits units_;
  uint64_t rows_;
  std::vector<uint32_t> places_;
};

struct ReturnFigures {
  uint64_t bytes = 0;            // after the handshake
  uint64_t handshake_bytes = 0;  // preface, auth reply, schema, replies to subscriptions
  uint64_t net_change_bytes = 0;
  uint64_t snapshot_bytes = 0;
  uint64_t resumes = 0;
  uint64_t full_syncs = 0;
  uint64_t callbacks = 0;
  uint64_t spurious_callbacks = 0;
};

/// One client that goes away and comes back, and one that stays and does not read.
class ReturnTrial {
 public:
  ReturnTrial(const ecsdb::Schema& schema, Workload& workload)
      : workload_(workload),
        server_(schema, ecsdb::ServerOptions{}, &authenticator_, &secrets_),
        table_(schema.table(0).name),
        away_(server_, 0, table_, now()),
        deaf_(server_, 1000, table_, now()) {}

  Result<ReturnFigures> run(uint64_t publishes) {
    ECSDB_TRY(publish([this](Transaction& tx) { return workload_.insert(tx); }));
    ECSDB_TRY(settle());
    figures_.snapshot_bytes = away_.client().stats().bytes_received;
    // Some advances, so that what follows is the way of a client that has been there for a while.
    for (int i = 0; i < 16; ++i) ECSDB_TRY(tick());
    ECSDB_TRY(settle());
    ECSDB_TRY(check_live());
    ECSDB_TRY(be_away(publishes));
    ECSDB_TRY(come_back());
    ECSDB_TRY(read_again());
    ECSDB_TRY(check_live());
    return figures_;
  }

 private:
  Now now() const { return Now{time_, 0}; }

  template <class Change>
  Status publish(Change change) {
    Transaction tx = server_.begin(now());
    ECSDB_TRY(change(tx));
    server_.commit(std::move(tx), now());
    server_.publish(now());
    return {};
  }
  Status tick() {
    time_ = time_ + kTick;
    server_.on_timer(now());
    ECSDB_TRY(publish([this](Transaction& tx) { return workload_.step(tx); }));
    return settle();
  }
  Status settle() {
    ECSDB_TRY(away_.settle(now()));
    return deaf_.settle(now());
  }
  Status be_away(uint64_t publishes) {
    away_.cut(now());
    deaf_.hold(true);
    for (uint64_t i = 0; i < publishes; ++i) ECSDB_TRY(tick());
    return {};
  }

  /// Watches the callbacks of the return: each must be of a row that is not what it was.
  Status come_back() {
    remember_rows();
    const auto watch =
        away_.client().on_row(table_, [this](const RowEvent& event) { check_callback(event); });
    const uint64_t resumes = away_.client().stats().resumes;
    const uint64_t syncs = away_.client().stats().full_syncs;
    time_ = std::max(time_, away_.client().next_deadline());
    away_.client().on_timer(now());
    ECSDB_TRY(settle());
    away_.client().remove_callback(watch);
    const SentBytes& sent = away_.sent();
    figures_.handshake_bytes = ecsdb::kPrefaceBytes + sent.of(MessageType::kAuthReply) +
                               sent.of(MessageType::kSchemaPart) +
                               sent.of(MessageType::kSubscribeReply);
    figures_.bytes = sent.total - figures_.handshake_bytes;
    figures_.resumes = away_.client().stats().resumes - resumes;
    figures_.full_syncs = away_.client().stats().full_syncs - syncs;
    return {};
  }
  /// What was on its way comes first; the net advance is the last frame.
  Status read_again() {
    deaf_.start_count();
    deaf_.hold(false);
    ECSDB_TRY(deaf_.settle(now()));
    figures_.net_change_bytes = deaf_.sent().last_advance;
    return {};
  }

  void remember_rows() {
    const ecsdb::Table& table = away_.client().db().table(0);
    before_.clear();
    for (ecsdb::RowIndex row = 0; row < table.row_count(); ++row) {
      std::vector<uint64_t>& lanes = before_[table.row(row).entity.value];
      for (uint16_t lane = 0; lane < lanes_; ++lane) lanes.push_back(table.lane(row, lane));
    }
  }
  void check_callback(const RowEvent& event) {
    ++figures_.callbacks;
    const ecsdb::Table& table = away_.client().db().table(0);
    const ecsdb::RowIndex row = table.find(event.entity);
    const auto was = before_.find(event.entity.value);
    const bool is_change =
        event.kind == ecsdb::RowEventKind::kChange && was != before_.end() && row != ecsdb::kNoRow;
    bool differs = false;
    for (uint16_t lane = 0; is_change && lane < lanes_; ++lane) {
      differs = differs || table.lane(row, lane) != was->second[lane];
    }
    if (!differs) ++figures_.spurious_callbacks;
    before_.erase(event.entity.value);  // a second callback for the row is one too many
  }
  Status check_live() {
    for (MemoryLink* link : {&away_, &deaf_}) {
      ecsdb::ClientDb& db = link->client().db();
      if (db.cut() != server_.database().published()) {
        return fail(ErrorCode::kStalled, "a client stands at an old version");
      }
      for (size_t handle = 0; handle < db.cells().size(); ++handle) {
        const ecsdb::HeldCell& cell = db.cells()[handle];
        if (!cell.held || db.digest(handle) == server_.digest(cell.table, cell.key)) continue;
        return fail(ErrorCode::kDigestMismatch, "cell " + cell.key.to_string());
      }
    }
    return {};
  }

  static constexpr uint16_t lanes_ = 3;  // of both workloads' tables

  Workload& workload_;
  ecsdb::Instant time_{1'000'000'000};
  ecsdb::OpenAuthenticator authenticator_;
  Numbers secrets_;
  ecsdb::ReplicationServer server_;
  std::string table_;
  MemoryLink away_;
  MemoryLink deaf_;
  std::map<uint64_t, std::vector<uint64_t>> before_;  // lanes by entity
  ReturnFigures figures_;
};

double ratio_of(uint64_t a, uint64_t b) {
  return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b);
}

/// Keys start with `stem`: "resume" for resume_bytes and so on.
void report_return(const std::string& stem, const ReturnFigures& f, Report& report) {
  report.count(stem + "_bytes", f.bytes);
  report.count(stem == "resume" ? "net_change_bytes" : stem + "_net_change_bytes",
               f.net_change_bytes);
  report.number(stem + "_to_net_change_ratio", ratio_of(f.bytes, f.net_change_bytes));
  report.count(stem + "_handshake_bytes", f.handshake_bytes);
  report.count(stem + "_snapshot_bytes", f.snapshot_bytes);
  report.count(stem + "_resumes", f.resumes);
  report.count(stem + "_full_syncs", f.full_syncs);
  report.count(stem + "_callbacks", f.callbacks);
  report.count(stem == "resume" ? "spurious_callbacks" : stem + "_spurious_callbacks",
               f.spurious_callbacks);
}

Status measure_tier(CodecTier tier, const std::string& suffix, const Options& options,
                    Report& report) {
  const uint64_t seed = options.number("seed", 1, 1);
  const auto shape = shape_named("w1");
  if (!shape.ok()) return shape.error();
  Walkers walkers(shape->rows, 100, seed);
  const auto resumed = ReturnTrial(shape->schema(tier, false), walkers)
                           .run(options.number("resume-publishes", 600, 60));
  if (!resumed.ok()) return resumed.error();
  report_return("resume" + suffix, *resumed, report);
  Movers movers(options.number("return-rows", 10'000, 1'000), 100, seed);
  const auto returned =
      ReturnTrial(session_schema(tier), movers).run(options.number("return-publishes", 200, 20));
  if (!returned.ok()) return returned.error();
  report_return("return" + suffix, *returned, report);
  return {};
}

}  // namespace

Status measure_resume(const Options& options, Report& report) {
  ECSDB_TRY(measure_tier(CodecTier::kPacked, "", options, report));
  return measure_tier(CodecTier::kPlain, "_plain", options, report);
}

}  // namespace bench
