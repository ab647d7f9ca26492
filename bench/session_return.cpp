#include "session_return.h"

#include <algorithm>

#include "ecsdb/schema/schema_builder.h"
#include "ecsdb/store/transaction.h"

#include "pump.h"
#include "units.h"

namespace bench {
namespace {

using ecsdb::EntityId;
using ecsdb::FieldType;
using ecsdb::FieldValue;
using ecsdb::Status;
using ecsdb::Vec2f;

enum Fields : uint16_t { kPos, kHealth };

ecsdb::Schema walker_schema() {
  return ecsdb::SchemaBuilder("walkers")
      .table(1, "walker")
      .codec(ecsdb::CodecTier::kPacked)
      .field(1, "pos", FieldType::kVec2f)
      .precision(0.01)
      .field(2, "health", FieldType::kU8)
      .build()
      .value();
}

class ReturnWorld {
 public:
  ReturnWorld(uint64_t rows, uint64_t seed)
      : rng_(seed), server_(walker_schema(), ecsdb::ServerOptions{}, &authenticator_) {
    ecsdb::Transaction tx = server_.begin();
    for (uint64_t i = 0; i < rows; ++i) {
      Walker walker{tx.create().value(), rng_.between(0, kMap), rng_.between(0, kMap), 100};
      const FieldValue values[] = {{kPos, walker.pos()}, {kHealth, walker.health}};
      ECSDB_CHECK(tx.insert(0, walker.entity, values).ok());
      walkers_.push_back(walker);
    }
    server_.commit(std::move(tx), pump_.now());
    server_.publish(pump_.now());
    pump_.add_client("walker");
  }
  Status settle() { return pump_.settle(); }
  void choose(uint64_t changes) {
    Picker picker(walkers_.size());
    for (const uint32_t at : picker.pick(changes, rng_)) walking_.push_back(at);
  }
  Status walk() {
    ecsdb::Transaction tx = server_.begin();
    for (const uint32_t at : walking_) {
      Walker& walker = walkers_[at];
      walker.x = std::clamp<int64_t>(walker.x + rng_.between(-20, 20), 0, kMap);
      walker.y = std::clamp<int64_t>(walker.y + rng_.between(-20, 20), 0, kMap);
      walker.health = static_cast<uint64_t>(
          std::clamp<int64_t>(static_cast<int64_t>(walker.health) + rng_.between(-2, 2), 0, 255));
      ECSDB_TRY(tx.set(0, walker.entity, kPos, walker.pos()));
      ECSDB_TRY(tx.set(0, walker.entity, kHealth, walker.health));
    }
    server_.commit(std::move(tx), pump_.now());
    server_.publish(pump_.now());
    return {};
  }
  /// Bytes that the link has not taken.
  uint64_t waiting() { return server_.output(ecsdb::LinkId{0}).bytes(); }
  uint64_t bytes() const { return server_.stats().bytes_accepted; }
  const ecsdb::ServerStats& stats() const { return server_.stats(); }
  Status verify() { return verify_clients(server_, pump_); }

 private:
  static constexpr int64_t kMap = 100'000;  // in steps of a centimetre
  struct Walker {
    EntityId entity;
    int64_t x;
    int64_t y;
    uint64_t health;
    Vec2f pos() const { return {static_cast<float>(x) * 0.01f, static_cast<float>(y) * 0.01f}; }
  };

  ecsdb::Prng rng_;
  ecsdb::OpenAuthenticator authenticator_;
  ecsdb::ReplicationServer server_;
  Pump pump_{server_};
  std::vector<Walker> walkers_;
  std::vector<uint32_t> walking_;
};

}  // namespace

Status measure_return(uint64_t rows, uint64_t changes, uint64_t missed, uint64_t seed,
                      Report& report) {
  ReturnWorld world(rows, seed);
  ECSDB_TRY(world.settle());
  world.choose(changes);
  for (int i = 0; i < 3; ++i) {
    ECSDB_TRY(world.walk());
    ECSDB_TRY(world.settle());
  }
  // The link takes no more: the advance of the first publish is begun, the others are missed.
  const uint64_t before = world.bytes();
  ECSDB_TRY(world.walk());
  const uint64_t step = world.waiting();
  for (uint64_t i = 0; i < missed; ++i) ECSDB_TRY(world.walk());
  ECSDB_TRY(world.settle());
  ECSDB_TRY(world.verify());
  report.count("rows", rows);
  report.count("rows_changed", changes);
  report.count("publishes_missed", missed);
  report.count("step_bytes", step);
  report.count("return_bytes", world.bytes() - before - step);
  report.count("net_advances", world.stats().net_advances);
  report.count("chain_advances", world.stats().chain_advances);
  report.count("conflated", world.stats().conflated);
  return {};
}

}  // namespace bench
