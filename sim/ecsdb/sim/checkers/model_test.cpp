#include "ecsdb/sim/checkers/model.h"

#include <gtest/gtest.h>

#include "ecsdb/sim/scenario.h"
#include "ecsdb/sim/workload.h"

namespace ecsdb::sim {
namespace {

const EntityId kAda = EntityId::make(0, 1, 1);
const EntityId kBob = EntityId::make(1, 1, 1);

FieldValue at(float x, float y) { return {0, Vec2f{x, y}}; }

/// Ada has a ship and a hull at version 1.
void add_ada(Model& model) {
  EXPECT_TRUE(model.create(kAda));
  const FieldValue place[] = {at(10, 10)};
  EXPECT_TRUE(model.insert(kShipTable, kAda, place));
  EXPECT_TRUE(model.insert(kHullTable, kAda, {}));
  model.commit(Version{1});
}

TEST(Model, KeepsEveryVersionOfARowAndItsCell) {
  Model model(scenario_schema());
  add_ada(model);
  const FieldValue move[] = {at(-10, 70)};
  EXPECT_TRUE(model.set(kShipTable, kAda, move));
  model.commit(Version{2});
  EXPECT_EQ(model.row_at(kShipTable, kAda, Version{}), nullptr);
  EXPECT_EQ(model.row_at(kShipTable, kAda, Version{1})->cell->key, CellKey::grid(0, 0));
  EXPECT_EQ(model.row_at(kShipTable, kAda, Version{2})->cell->key, CellKey::grid(-1, 1));
  // What follows moved along, though nobody wrote to it.
  EXPECT_EQ(model.row_at(kHullTable, kAda, Version{2})->cell->key, CellKey::grid(-1, 1));
  EXPECT_EQ(model.cell_moves(), 2u);
  const ModelCell* left = model.find_cell(kShipTable, CellKey::grid(0, 0));
  EXPECT_EQ(left->at(Version{1}).rows, 1u);
  EXPECT_EQ(left->at(Version{2}).rows, 0u);
  EXPECT_EQ(left->at(Version{2}).digest, Digest{});
}

TEST(Model, AFollowerWithoutItsRowIsInNone) {
  Model model(scenario_schema());
  add_ada(model);
  EXPECT_TRUE(model.remove(kShipTable, kAda));
  model.commit(Version{2});
  EXPECT_EQ(model.row_at(kHullTable, kAda, Version{2})->cell->key, CellKey::none());
}

TEST(Model, DroppedTransactionLeavesNothing) {
  Model model(scenario_schema());
  add_ada(model);
  EXPECT_TRUE(model.destroy(kAda));
  EXPECT_TRUE(model.create(kBob));
  EXPECT_FALSE(model.exists(kAda));
  model.drop();
  EXPECT_TRUE(model.exists(kAda));
  EXPECT_FALSE(model.exists(kBob));
  EXPECT_TRUE(model.contains(kShipTable, kAda));
}

TEST(Model, RefusesWhatIsIllegal) {
  Model model(scenario_schema());
  add_ada(model);
  EXPECT_FALSE(model.create(kAda));
  EXPECT_FALSE(model.destroy(kBob));
  EXPECT_FALSE(model.insert(kShipTable, kAda, {}));
  EXPECT_FALSE(model.insert(kShipTable, kBob, {}));
  EXPECT_FALSE(model.remove(kBagTable, kAda));
  const FieldValue too_much[] = {{5, Value{uint64_t{256}}}};
  EXPECT_FALSE(model.set(kShipTable, kAda, too_much));
}

TEST(Model, AnIndexIsUsedAgainUnderANewIdOnly) {
  Model model(scenario_schema());
  add_ada(model);
  const EntityId next = EntityId::make(0, 1, 2);
  EXPECT_FALSE(model.create(next));  // its predecessor lives
  EXPECT_TRUE(model.destroy(kAda));
  model.commit(Version{2});
  EXPECT_FALSE(model.create(kAda));
  EXPECT_TRUE(model.create(next));
}

TEST(Model, ServerOnlyChangesChangeNoCell) {
  Model model(scenario_schema());
  add_ada(model);
  const FieldValue heat[] = {{7, Value{3.5}}};
  EXPECT_TRUE(model.set(kShipTable, kAda, heat));
  model.commit(Version{2});
  EXPECT_TRUE(model.changed_cells().empty());
}

// The oracle against the store alone: no network, many operations.
TEST(Model, AgreesWithTheStoreOverDrawnTransactions) {
  Model model(scenario_schema());
  Database db(scenario_schema(), DatabaseOptions{});
  Workload workload(model, 50, Prng(5));
  ViolationLog violations;
  for (int i = 0; i < 400; ++i) {
    TransactionPlan plan;
    if (!workload.plan_population(plan)) workload.plan_step(plan);
    Transaction transaction = db.begin();
    workload.carry_out(plan, transaction, model, Instant{}, violations);
    if (plan.dropped) {
      workload.undo_slots();
      model.drop();
      continue;
    }
    model.commit(std::move(transaction).commit());
    for (const ModelCell* cell : model.changed_cells()) {
      ASSERT_EQ(db.digest(cell->table, cell->key), cell->newest().digest) << cell->key.to_string();
    }
  }
  EXPECT_TRUE(violations.safe());
  EXPECT_GT(model.cell_moves(), 100u);
  EXPECT_GT(workload.operations(), 1000u);
}

}  // namespace
}  // namespace ecsdb::sim
