// The server's own activity, drawn from the seed: every transaction is first a list of plain
// operations, which are then done to the product and folded into the model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ecsdb/base/prng.h"
#include "ecsdb/sim/checkers/model.h"
#include "ecsdb/sim/checkers/violation.h"
#include "ecsdb/store/transaction.h"

namespace ecsdb::sim {

/// One step of a transaction. The entity is named by its slot in the workload: ids are the
/// product's to give.
struct Operation {
  enum class Kind : uint8_t { kCreate, kDestroy, kInsert, kSet, kRemove };
  Kind kind = Kind::kSet;
  uint32_t slot = 0;
  uint16_t table = 0;
  std::vector<FieldValue> values;
};

/// What a commit does.
struct TransactionPlan {
  std::vector<Operation> operations;
  bool dropped = false;  // rolled back instead of committed
};

/// Draws transactions that fit the model's present state (and some operations that do not, which
/// the product must refuse), and carries them out.
class Workload {
 public:
  Workload(const Model& model, uint32_t entities, const Prng& rng);

  /// Makes part of the initial population; false once it is whole.
  bool plan_population(TransactionPlan& plan);
  void plan_step(TransactionPlan& plan);

  /// Does the operations to the transaction and the model alike; disagreement about one of them is
  /// reported. The caller ends the transaction on both sides.
  void carry_out(const TransactionPlan& plan, Transaction& transaction, Model& model, Instant now,
                 ViolationLog& violations);
  /// The transaction was rolled back: entities made in it do not exist.
  void undo_slots();

  uint64_t operations() const { return operations_; }

 private:
  uint32_t draw_slot() { return static_cast<uint32_t>(rng_.below(slots_.size())); }
  uint16_t draw_table() { return static_cast<uint16_t>(rng_.below(model_.schema().table_count())); }
  bool has(uint16_t table, uint32_t slot) const { return model_.contains(table, slots_[slot]); }
  bool alive(uint32_t slot) const { return model_.exists(slots_[slot]); }

  Operation& add(TransactionPlan& plan, Operation::Kind kind, uint32_t slot, uint16_t table);
  void plan_birth(TransactionPlan& plan, uint32_t slot);
  void plan_one(TransactionPlan& plan);
  void plan_change(TransactionPlan& plan, uint32_t slot);
  void plan_moves(TransactionPlan& plan);
  void plan_insert(TransactionPlan& plan, uint32_t slot);
  void plan_remove(TransactionPlan& plan, uint32_t slot);
  void plan_illegal(TransactionPlan& plan, uint32_t slot);
  void plan_same_value(TransactionPlan& plan, uint32_t slot);
  void plan_hidden_change(TransactionPlan& plan, uint32_t slot);
  void plan_tick(TransactionPlan& plan);
  void plan_return(TransactionPlan& plan);

  const Model& model_;
  Prng rng_;
  std::vector<EntityId> slots_;
  std::vector<EntityId> slots_before_;
  uint32_t populated_ = 0;
  uint64_t ticks_ = 0;
  struct RemovedRow {  // the last one; at first any that is there
    uint32_t slot = 0;
    uint16_t table = 0;
  };
  RemovedRow removed_;
  uint64_t operations_ = 0;
};

}  // namespace ecsdb::sim
