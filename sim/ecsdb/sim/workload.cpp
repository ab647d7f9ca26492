#include "ecsdb/sim/workload.h"

#include <algorithm>

#include "ecsdb/sim/scenario.h"
#include "ecsdb/sim/workload_values.h"

namespace ecsdb::sim {
namespace {

constexpr uint32_t kPopulationBatch = 64;
constexpr uint64_t kStepOperationsMean = 4;
constexpr uint64_t kBurstOperations = 60;

const char* kind_name(Operation::Kind kind) {
  switch (kind) {
    case Operation::Kind::kCreate:
      return "create";
    case Operation::Kind::kDestroy:
      return "destroy";
    case Operation::Kind::kInsert:
      return "insert";
    case Operation::Kind::kSet:
      return "set";
    case Operation::Kind::kRemove:
      return "remove";
  }
  return "?";
}

const char* verdict(bool accepted) { return accepted ? "accepted" : "refused"; }

}  // namespace

Workload::Workload(const Model& model, uint32_t entities, const Prng& rng)
    : model_(model), rng_(rng.stream("workload")), slots_(entities) {}

Operation& Workload::add(TransactionPlan& plan, Operation::Kind kind, uint32_t slot,
                         uint16_t table) {
  Operation& operation = plan.operations.emplace_back();
  operation.kind = kind;
  operation.slot = slot;
  operation.table = table;
  return operation;
}

// --- drawing ---

/// An entity with some components. The first one keeps the clock.
void Workload::plan_birth(TransactionPlan& plan, uint32_t slot) {
  add(plan, Operation::Kind::kCreate, slot, 0);
  for (uint16_t table = 0; table < model_.schema().table_count(); ++table) {
    const bool is_clock = table == kClockTable;
    if (is_clock ? slot % 64 != 0 : !rng_.chance(1, 2)) continue;
    add(plan, Operation::Kind::kInsert, slot, table).values =
        draw_row(model_.schema(), table, slots_, rng_);
  }
}

bool Workload::plan_population(TransactionPlan& plan) {
  const auto end =
      std::min<uint32_t>(populated_ + kPopulationBatch, static_cast<uint32_t>(slots_.size()));
  for (; populated_ < end; ++populated_) plan_birth(plan, populated_);
  return !plan.operations.empty();
}

void Workload::plan_step(TransactionPlan& plan) {
  plan.dropped = rng_.chance(1, 24);
  if (rng_.chance(1, 40)) return;  // an empty commit is a version too
  const bool burst = rng_.chance(1, 50);
  const uint64_t count = burst ? kBurstOperations : 1 + rng_.below(2 * kStepOperationsMean);
  plan_tick(plan);
  plan_moves(plan);
  plan_return(plan);
  for (uint64_t i = 0; i < count; ++i) plan_one(plan);
}

/// Something that changes in nearly every version: one cell that everybody may see.
void Workload::plan_tick(TransactionPlan& plan) {
  if (rng_.chance(1, 4) || !has(kClockTable, 0)) return;
  add(plan, Operation::Kind::kSet, 0, kClockTable).values = {{0, Value{++ticks_}}};
}

/// A few ships fly on, now and then into the next cell, and what follows them goes along.
void Workload::plan_moves(TransactionPlan& plan) {
  const uint64_t movers = rng_.below(5);
  for (uint64_t i = 0; i < movers; ++i) {
    const uint32_t slot = draw_slot();
    if (!has(kShipTable, slot)) continue;
    const FieldDef& field = model_.schema().table(kShipTable).fields[0];
    const Vec2f at =
        std::get<Vec2f>(readable_of(field, (*model_.find(kShipTable, slots_[slot]))[0]));
    add(plan, Operation::Kind::kSet, slot, kShipTable).values = {{0, draw_step(at, rng_)}};
  }
}

void Workload::plan_one(TransactionPlan& plan) {
  const uint32_t slot = draw_slot();
  if (!alive(slot)) return plan_birth(plan, slot);
  switch (rng_.below(16)) {
    case 0:
      return plan_insert(plan, slot);
    case 1:
      return plan_remove(plan, slot);
    case 2:
      return plan_hidden_change(plan, slot);
    case 3:
      return plan_same_value(plan, slot);
    case 4:
      if (rng_.chance(1, 3)) return plan_illegal(plan, slot);
      break;
    case 5:
      if (!rng_.chance(1, 3)) break;
      add(plan, Operation::Kind::kDestroy, slot, 0);
      // Half of the time somebody else takes the index at once.
      if (rng_.chance(1, 2)) plan_birth(plan, slot);
      return;
    default:
      break;
  }
  plan_change(plan, slot);
}

void Workload::plan_change(TransactionPlan& plan, uint32_t slot) {
  const auto table = draw_table();
  if (!has(table, slot)) return;
  add(plan, Operation::Kind::kSet, slot, table).values =
      draw_change(model_.schema(), table, slots_, rng_);
}

void Workload::plan_insert(TransactionPlan& plan, uint32_t slot) {
  const auto table = draw_table();
  if (table == kClockTable) return;
  add(plan, Operation::Kind::kInsert, slot, table).values =
      draw_row(model_.schema(), table, slots_, rng_);
}

void Workload::plan_remove(TransactionPlan& plan, uint32_t slot) {
  const auto table = draw_table();
  if (table == kClockTable || !has(table, slot)) return;
  add(plan, Operation::Kind::kRemove, slot, table);
  removed_ = {slot, table};
  // Some come back in the same version: a change, for everyone but the author.
  if (rng_.chance(1, 4)) {
    add(plan, Operation::Kind::kInsert, slot, table).values =
        draw_row(model_.schema(), table, slots_, rng_);
  }
}

/// The row that was removed last comes back some versions later, with other values.
void Workload::plan_return(TransactionPlan& plan) {
  const uint32_t slot = removed_.slot;
  const uint16_t table = removed_.table;
  if (!rng_.chance(1, 3) || !alive(slot) || has(table, slot)) return;
  add(plan, Operation::Kind::kInsert, slot, table).values =
      draw_row(model_.schema(), table, slots_, rng_);
}

/// Changes fields that nobody but the server sees: no block may follow from it.
void Workload::plan_hidden_change(TransactionPlan& plan, uint32_t slot) {
  if (!has(kShipTable, slot)) return;
  const std::vector<FieldDef>& fields = model_.schema().table(kShipTable).fields;
  Operation& operation = add(plan, Operation::Kind::kSet, slot, kShipTable);
  for (uint16_t field = 0; field < fields.size(); ++field) {
    if (!fields[field].server_only) continue;
    operation.values.push_back(
        {field, draw_value(model_.schema(), kShipTable, field, slots_, rng_)});
  }
}

/// Writes what is there already.
void Workload::plan_same_value(TransactionPlan& plan, uint32_t slot) {
  const auto table = draw_table();
  const std::vector<Canonical>* row = model_.find(table, slots_[slot]);
  if (row == nullptr) return;
  const std::vector<FieldDef>& fields = model_.schema().table(table).fields;
  const auto field = static_cast<uint16_t>(rng_.below(fields.size()));
  // A rotation need not come back as the same integers.
  if (fields[field].type == FieldType::kQuatf) return;
  add(plan, Operation::Kind::kSet, slot, table).values = {
      {field, readable_of(fields[field], (*row)[field])}};
}

/// Half of its fields are good, so that a refusal has something to undo.
void Workload::plan_illegal(TransactionPlan& plan, uint32_t slot) {
  const auto table = draw_table();
  std::vector<FieldValue> values = draw_change(model_.schema(), table, slots_, rng_);
  const std::vector<FieldDef>& fields = model_.schema().table(table).fields;
  for (uint16_t field = 0; field < fields.size(); ++field) {
    if (!has_illegal_values(fields[field]) || !rng_.chance(1, 2)) continue;
    values.push_back({field, draw_illegal_value(fields[field])});
    break;
  }
  const bool insert = rng_.chance(1, 4);
  const auto kind = insert ? Operation::Kind::kInsert : Operation::Kind::kSet;
  add(plan, kind, slot, table).values = std::move(values);
}

// --- doing ---

void Workload::carry_out(const TransactionPlan& plan, Transaction& transaction, Model& model,
                         Instant now, ViolationLog& violations) {
  slots_before_ = slots_;
  for (const Operation& operation : plan.operations) {
    ++operations_;
    const EntityId who = slots_[operation.slot];
    bool done = false;
    bool expected = false;
    switch (operation.kind) {
      case Operation::Kind::kCreate: {
        const auto made = transaction.create();
        done = made.ok();
        expected = done && model.create(*made);
        if (expected) slots_[operation.slot] = *made;
        break;
      }
      case Operation::Kind::kDestroy:
        done = transaction.destroy(who).ok();
        expected = model.destroy(who);
        break;
      case Operation::Kind::kInsert:
        done = transaction.insert(operation.table, who, operation.values).ok();
        expected = model.insert(operation.table, who, operation.values);
        break;
      case Operation::Kind::kSet:
        done = transaction.set(operation.table, who, operation.values).ok();
        expected = model.set(operation.table, who, operation.values);
        break;
      case Operation::Kind::kRemove:
        done = transaction.remove(operation.table, who).ok();
        expected = model.remove(operation.table, who);
        break;
    }
    if (done == expected) continue;
    violations.add({"operation_verdict", now, -1,
                    std::string(kind_name(operation.kind)) + " " +
                        model.schema().table(operation.table).name + ", entity " +
                        std::to_string(who.value),
                    verdict(expected), verdict(done)});
  }
}

void Workload::undo_slots() { slots_ = slots_before_; }

}  // namespace ecsdb::sim
