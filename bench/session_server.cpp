#include "session_server.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "ecsdb/schema/schema_builder.h"

#include "measure.h"

namespace bench {

using ecsdb::Duration;
using ecsdb::ErrorCode;
using ecsdb::fail;
using ecsdb::FieldType;
using ecsdb::FieldValue;
using ecsdb::Result;
using ecsdb::Status;
using ecsdb::Transaction;

namespace {

/// Between looks at answers; sockets and ticks wake the loop earlier.
constexpr Duration kLookAround = Duration::ms(2);

class NoLog final : public ecsdb::net::LogSink {
 public:
  void write(ecsdb::net::LogLevel, std::string_view) override {}
};

void add_units(ecsdb::SchemaBuilder& builder, uint16_t id, const char* name,
               ecsdb::CodecTier tier) {
  builder.table(id, name).codec(tier);
  builder.field(1, "x", FieldType::kF32).precision(0.01);
  builder.field(2, "y", FieldType::kF32).precision(0.01);
  builder.field(3, "health", FieldType::kI32);
}

}  // namespace

ecsdb::Schema session_schema(ecsdb::CodecTier tier) {
  ecsdb::SchemaBuilder builder("bench");
  add_units(builder, 1, "many", tier);
  add_units(builder, 2, "few", tier);
  return builder.build().value();
}

Status MovingUnits::insert(Transaction& tx, uint64_t count) {
  const auto coordinate = [this] {
    return static_cast<double>(rng_.between(-kUnitStepsMax, kUnitStepsMax)) * 0.01;
  };
  for (uint64_t i = 0; i < count; ++i) {
    const auto entity = tx.create();
    if (!entity.ok()) return entity.error();
    const FieldValue values[] = {
        {0, coordinate()}, {1, coordinate()}, {2, rng_.between(0, kUnitHealthMax)}};
    ECSDB_TRY(tx.insert(table_, *entity, values));
    entities_.push_back(*entity);
  }
  return {};
}

Status MovingUnits::move(Transaction& tx, std::span<const uint32_t> places) {
  const ecsdb::Table& table = tx.database().table(table_);
  moved_.clear();
  for (const uint32_t at : places) moved_.push_back(entities_[at]);
  for (const uint16_t field : {uint16_t{0}, uint16_t{1}}) {
    lanes_.clear();
    for (const ecsdb::EntityId entity : moved_) {
      const int64_t step = rng_.between(1, 100);
      const auto old = static_cast<int64_t>(table.lane(table.find(entity), field));
      lanes_.push_back(static_cast<uint64_t>(old >= 0 ? old - step : old + step));
    }
    ECSDB_TRY(tx.set_many(table_, field, moved_, lanes_));
  }
  return {};
}

Status MovingUnits::move_some(Transaction& tx, uint64_t count) {
  // A run of neighbours from a random place: distinct without a shuffle of a million numbers.
  places_.clear();
  const uint64_t first = rng_.below(entities_.size());
  for (uint64_t i = 0; i < count; ++i) {
    places_.push_back(static_cast<uint32_t>((first + i * 7) % entities_.size()));
  }
  return move(tx, places_);
}

SessionServer::SessionServer(const SessionLoad& load)
    : load_(load),
      log_(std::make_unique<NoLog>()),
      server_(session_schema(ecsdb::CodecTier::kPacked), {}, &authenticator_),
      many_(kManyTable, load.seed),
      few_(kFewTable, load.seed + 1) {}

SessionServer::~SessionServer() = default;

Status SessionServer::start() {
  ECSDB_TRY(commit_rows());
  auto runner = ecsdb::net::ServerRunner::start(loop_, server_, {}, *log_);
  if (!runner.ok()) return runner.error();
  runner_ = std::move(runner).value();
  return {};
}

Status SessionServer::commit_rows() {
  Transaction tx = server_.begin(loop_.now());
  ECSDB_TRY(many_.insert(tx, load_.many));
  ECSDB_TRY(few_.insert(tx, load_.few));
  server_.commit(std::move(tx), loop_.now());
  server_.publish(loop_.now());
  return {};
}

void SessionServer::start_ticks() {
  runner_->set_tick(load_.tick_hz, [this](const ecsdb::Now& now) { tick(now); });
}

void SessionServer::stop_ticks() { runner_->set_tick(0, nullptr); }

void SessionServer::tick(const ecsdb::Now& now) {
  Transaction tx = server_.begin(now);
  for (MovingUnits* units : {&many_, &few_}) {
    if (units->size() == 0) continue;
    ECSDB_CHECK(units->move_some(tx, std::min<uint64_t>(load_.changes, units->size() / 8)).ok());
  }
  server_.commit(std::move(tx), now);
  server_.publish(now);
}

void SessionServer::serve(Duration time) {
  const ecsdb::Instant deadline = loop_.now().steady + time;
  while (loop_.now().steady < deadline) {
    run_batch(std::min(kLookAround, deadline - loop_.now().steady));
  }
}

void SessionServer::run_batch(Duration wait) {
  const double spent = time_ns([&] { loop_.run_batch(wait); });
  longest_batch_ns_ = std::max(longest_batch_ns_, spent);
}

double SessionServer::take_longest_batch_us() {
  return std::exchange(longest_batch_ns_, 0.0) / 1'000;
}

Result<std::string> SessionServer::wait_for(ClientProcess& clients, const std::string& word,
                                            Duration patience) {
  const ecsdb::Instant deadline = loop_.now().steady + patience;
  while (loop_.now().steady < deadline) {
    while (const auto line = clients.next_line()) {
      if (line->starts_with(word)) return line->substr(std::min(word.size() + 1, line->size()));
    }
    run_batch(kLookAround);
  }
  return fail(ErrorCode::kStalled, "the clients' process did not say '" + word + "' in time");
}

Result<SessionServer::Joined> SessionServer::join(ClientProcess& clients, uint64_t count,
                                                  const std::string& table, uint64_t rows) {
  clients.send("add " + std::to_string(count) + " " + std::to_string(port()) + " " + table);
  const auto answer = wait_for(clients, "live");
  if (!answer.ok()) return answer.error();
  Joined out;
  unsigned long long bytes = 0;
  unsigned long long found = 0;
  if (std::sscanf(answer->c_str(), "%lf %llu %llu", &out.ms, &bytes, &found) != 3) {
    return fail(ErrorCode::kStalled, "not an answer: " + *answer);
  }
  if (found != rows) return fail(ErrorCode::kDigestMismatch, "rows are missing");
  out.bytes = bytes;
  return out;
}

Status SessionServer::drop(ClientProcess& clients) {
  clients.send("drop");
  const auto dropped = wait_for(clients, "dropped");
  return dropped.ok() ? Status() : Status(dropped.error());
}

}  // namespace bench
