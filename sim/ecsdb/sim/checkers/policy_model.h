// The reference model of write decisions: what the server must decide about each write of a client,
// on the state of the model. Written from the design, apart from the product.
//
// Checks are made in this order, and the first that fails rejects the whole write:
//   of the write   a base in the future; durable; no operation, or fields that belong to none
//   of each operation in turn
//     form     the table; some right to it; then field by field: unknown, not rising, the value,
//     the base state    the entity; the row rights   on the row as it is (set, remove, despawn)
//     policies field by field (set)
//     rights   on the row as it has become (put, set)
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "ecsdb/base/error.h"
#include "ecsdb/server/conflict.h"
#include "ecsdb/sim/checkers/change_book.h"
#include "ecsdb/sim/checkers/model.h"
#include "ecsdb/sim/client_interest.h"
#include "ecsdb/wire/messages.h"

namespace ecsdb::sim {

/// When a write is decided.
struct DecisionTime {
  Version version;    // that is being made
  Version published;  // the last one that was
  uint64_t wall_ms = 0;
  uint64_t skew_ms = 0;  // by so much a stamp may be ahead of that
  Epoch epoch;           // of the database
};

/// What the product must say.
struct Expected {
  OutcomeKind kind = OutcomeKind::kApplied;
  ErrorCode code = ErrorCode::kOk;
  std::vector<FinalValue> finals;
  std::vector<Conflict> conflicts;  // without numbers
  // Of an accepted write.
  std::vector<size_t> spawns;          // places of the operations that made entities
  std::vector<EntityId> unusable_ids;  // that the product gave out and must not have
};

/// Watches the model, which it changes and which outlives it, from its first row on: changes that
/// it did not make itself are the server's own. What it knows of an open transaction ends with it
/// as the model's does. Merges are the built-in ones.
class PolicyModel final : private ModelWatcher {
 public:
  explicit PolicyModel(Model& model) : model_(model) { model_.watch(this); }
  ~PolicyModel() override { model_.watch(nullptr); }
  PolicyModel(const PolicyModel&) = delete;
  PolicyModel& operator=(const PolicyModel&) = delete;

  /// Wall clock of the server's own steps from now on.
  void set_wall_ms(uint64_t wall_ms) { wall_ms_ = wall_ms; }

  /// Decides in the open transaction, where an accepted write has its effect at once and a rejected
  /// one has none. `made` are the ids that the product gave to its spawns, in order. Where it gave
  /// too few, or unusable ones, the write has no effect either: the two have parted anyway.
  Expected decide(const Write& write, ClientId client, const ClientIdentity& identity,
                  const DecisionTime& time, std::span<const EntityId> made = {});

 private:
  class Trial;
  using WriteName = std::pair<ClientId, uint64_t>;         // a client and a sequence
  using MadeEntities = std::map<uint64_t, EntityId>;       // by place of the spawn
  using MadeByWrites = std::map<WriteName, MadeEntities>;  // of accepted writes

  const MadeEntities* find_made(const WriteName& name) const;

  void on_inserted(uint16_t table, EntityId entity) override;
  void on_set(uint16_t table, EntityId entity, const std::vector<Canonical>& before,
              const std::vector<Canonical>& after) override;
  void on_removed(uint16_t table, EntityId entity) override;
  void on_committed() override;
  void on_dropped() override;

  Model& model_;
  ChangeBook book_;
  MadeByWrites made_;
  MadeByWrites made_open_;  // in the open transaction
  uint64_t wall_ms_ = 0;
  // Of whom the change is that is being made.
  ClientId writer_;   // zero: the server's own step
  WriteStamp stamp_;  // of a client's operation
};

}  // namespace ecsdb::sim
