// Two reference models, of which one never hears of what the other one rejects or drops, stay
// equal: nothing is left of it.
#include <gtest/gtest.h>
#include <map>

#include "ecsdb/base/prng.h"
#include "ecsdb/sim/checkers/policy_model.h"
#include "ecsdb/sim/checkers/policy_test_support.h"

namespace ecsdb::sim {
namespace {

struct Twin {
  Twin() { policies.set_wall_ms(kWallMs); }
  const Schema schema = policy_test_schema();
  Model model{schema};
  PolicyModel policies{model};
};

class PolicyTwins : public testing::Test {
 protected:
  EntityId draw_entity() { return rng_.chance(1, 12) ? kNobody : people_[rng_.below(2)]; }
  CanonicalValue draw_value(const FieldDef& field) {
    if (field.type == FieldType::kStr) {
      const auto letter = static_cast<char>('a' + rng_.below(2));
      return words(std::string(rng_.below(5), letter));
    }
    return number(rng_.below(field.type == FieldType::kPrincipal ? 3 : 120));
  }
  void draw_fields(Draft& draft, uint16_t table) {
    for (const FieldDef& field : twins_[0].schema.table(table).fields) {
      if (field.server_only || !rng_.chance(1, 3)) continue;
      const CanonicalValue base = rng_.chance(1, 4) ? CanonicalValue{} : draw_value(field);
      draft.field(field.id.value, draw_value(field), base);
    }
  }
  void draw_operation(Draft& draft) {
    const auto table = static_cast<PolicyTestTable>(rng_.chance(1, 2) ? 0 : rng_.below(5));
    switch (rng_.below(12)) {
      case 0:
        draft.spawn();
        return;
      case 1:
        if (rng_.chance(1, 4)) draft.despawn(draw_entity());
        return;
      case 2:
        draft.remove(table, draw_entity());
        return;
      case 3:
      case 4:
        draft.put(table, draw_entity());
        break;
      default:
        draft.set(table, draw_entity());
        break;
    }
    draw_fields(draft, table);
  }
  Draft draw_write() {
    const uint64_t head = twins_[0].model.head().value;
    const uint64_t stamp = kWallMs + rng_.below(12);
    Draft draft(++sequence_, head - std::min(head, rng_.below(8)), stamp);
    draw_operation(draft);
    while (rng_.chance(1, 3)) draw_operation(draft);
    return draft;
  }

  void server_step() {
    const EntityId entity = draw_entity();
    const auto field = static_cast<uint16_t>(rng_.below(2) * 2);  // seal or gold
    const FieldValue values[] = {{field, Value{rng_.below(120)}}};
    const bool removes = rng_.chance(1, 6);
    for (Twin& twin : twins_) {
      if (removes) twin.model.remove(kThing, entity);
      if (!removes && !twin.model.set(kThing, entity, values)) {
        twin.model.insert(kThing, entity, values);
      }
    }
  }
  Expected decide(Twin& twin, const Draft& draft, ClientId client) {
    const Version head = twin.model.head();
    const ClientIdentity identity{"", PrincipalId{client.value}, {"player"}, {}};
    return twin.policies.decide(draft.write, client, identity,
                                {head.next(), head, kWallMs, kSkewMs, Epoch{}}, ids_);
  }
  void compare_decisions(const Expected& left, const Expected& right) {
    EXPECT_EQ(left.kind, right.kind);
    EXPECT_EQ(left.code, right.code);
    EXPECT_EQ(left.finals, right.finals);
    ASSERT_EQ(left.conflicts.size(), right.conflicts.size());
    for (size_t i = 0; i < left.conflicts.size(); ++i) {
      EXPECT_EQ(left.conflicts[i].rule, right.conflicts[i].rule);
      EXPECT_EQ(left.conflicts[i].server, right.conflicts[i].server);
    }
  }
  void client_write(bool will_be_dropped) {
    const Draft draft = draw_write();
    const ClientId client{1 + rng_.below(2)};
    ids_.assign(8, EntityId{});
    for (EntityId& id : ids_) id = EntityId::make(++next_index_, 1, 1);
    const Expected out = decide(twins_[0], draft, client);
    for (const Conflict& conflict : out.conflicts) ++rules_[conflict.rule];
    ++codes_[out.code];
    if (out.code != ErrorCode::kOk || will_be_dropped) return;
    compare_decisions(out, decide(twins_[1], draft, client));
  }
  void revive(EntityId& person) {
    if (twins_[0].model.exists(person)) return;
    person = EntityId::make(++next_index_, 1, 1);
    for (Twin& twin : twins_) EXPECT_TRUE(twin.model.create(person));
  }
  void round() {
    const bool dropped = rng_.chance(1, 5);
    if (!dropped) server_step();
    for (uint64_t i = rng_.below(6); i > 0; --i) client_write(dropped);
    if (dropped) return twins_[0].model.drop();
    for (EntityId& person : people_) revive(person);
    for (Twin& twin : twins_) twin.model.commit(twin.model.head().next());
  }

  Twin twins_[2];
  Prng rng_{17};
  EntityId people_[2] = {kRock, kTree};
  uint32_t next_index_ = 1000;
  uint64_t sequence_ = 0;
  std::vector<EntityId> ids_;
  std::map<ConflictRule, int> rules_;
  std::map<ErrorCode, int> codes_;
};

TEST_F(PolicyTwins, NothingIsLeftOfWhatWasRejectedOrDropped) {
  for (Twin& twin : twins_) EXPECT_TRUE(twin.model.create(kRock) && twin.model.create(kTree));
  for (Twin& twin : twins_) twin.model.commit(Version{1});
  for (int i = 0; i < 3000; ++i) {
    round();
    const Model& left = twins_[0].model;
    for (const ModelCell* cell : left.changed_cells()) {
      const ModelCell* other = twins_[1].model.find_cell(cell->table, cell->key);
      ASSERT_NE(other, nullptr);
      ASSERT_EQ(cell->newest().digest, other->newest().digest) << "round " << i;
      ASSERT_EQ(cell->newest().version, other->newest().version) << "round " << i;
    }
    ASSERT_FALSE(HasFailure()) << "round " << i;
  }
  EXPECT_EQ(rules_.size(), kConflictRules);
  for (const ErrorCode code : {ErrorCode::kOk, ErrorCode::kNotPermitted, ErrorCode::kConflict,
                               ErrorCode::kUnknownEntity, ErrorCode::kRowMissing}) {
    EXPECT_GT(codes_[code], 100) << error_name(code);
  }
}

}  // namespace
}  // namespace ecsdb::sim
