// A small database, three writers and a short way to say a write: for tests of the reference model.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ecsdb/base/check.h"
#include "ecsdb/schema/schema_builder.h"
#include "ecsdb/sim/checkers/policy_model.h"
#include "ecsdb/sim/checkers/policy_values.h"

namespace ecsdb::sim {

enum PolicyTestTable : uint16_t { kThing, kBag, kBadge, kShut, kRoom };
/// Fields of a thing by id.
enum ThingField : uint16_t {
  kSeal = 1,    // policy server
  kName = 2,    // lww
  kGold = 3,    // merge:sum, up to 255
  kLine = 4,    // merge:append, up to 8 bytes
  kLights = 5,  // merge:union of 8
  kSecret = 6,  // server_only
  kPaint = 7,   // lww, 7 by default
  kBest = 8,    // merge:max
  kTeam = 9,    // policy server, of three
};

inline Schema policy_test_schema() {
  using Where = AccessRule::Where;
  SchemaBuilder schema("policies", 1);
  schema.enumeration("team", {"none", "red", "blue"});
  schema.table(2, "thing").write("player");
  schema.field(kSeal, "seal", FieldType::kU8).text(kName, "name", 8).lww();
  schema.field(kGold, "gold", FieldType::kU8).merge("sum").text(kLine, "line", 8).merge("append");
  schema.bits_field(kLights, "lights", 8).merge("union");
  schema.field(kSecret, "secret", FieldType::kU8).server_only();
  schema.field(kPaint, "paint", FieldType::kU8).default_value(uint64_t{7}).lww();
  schema.field(kBest, "best", FieldType::kU8).merge("max").enum_field(kTeam, "team", "team");
  schema.table(4, "bag").owner("holder").write("player", Where::kOwnerIsMe);
  schema.read("player", Where::kOwnerIsMe).field(1, "holder", FieldType::kPrincipal);
  schema.field(2, "coins", FieldType::kU8).merge("sum");
  schema.table(5, "badge").follow("bag").write("", Where::kOwnerIsMe).write("guest");
  schema.read("player", Where::kOwnerIsMe).field(1, "rank", FieldType::kU8).merge("sum");
  schema.table(9, "shut").field(1, "x", FieldType::kU8);
  schema.table(10, "room").by("number").write("guest", Where::kCellIsClaim, "key");
  schema.field(1, "number", FieldType::kI32);
  return schema.build().value();
}

/// A canonical value of one lane, or a text.
inline CanonicalValue number(uint64_t lane) {
  CanonicalValue out;
  out.kind = 1;
  out.lanes.lane[0] = lane;
  return out;
}
inline CanonicalValue words(std::string text) {
  CanonicalValue out;
  out.kind = CanonicalValue::kText;
  out.text = std::move(text);
  return out;
}

/// A write in the making: operations in order, fields after theirs.
struct Draft {
  explicit Draft(uint64_t sequence, uint64_t base, uint64_t stamp_ms = 0, uint64_t counter = 0) {
    write.sequence = sequence;
    write.base = Version{base};
    write.stamp = (stamp_ms << 16) + counter;
  }
  Draft& op(WriteOpKind kind, uint16_t table_id, EntityId entity) {
    write.ops.push_back({kind, TableId{table_id}, 0, entity.value, 0});
    return *this;
  }
  Draft& spawn() { return op(WriteOpKind::kSpawn, 0, {}); }
  Draft& despawn(EntityId entity) { return op(WriteOpKind::kDespawn, 0, entity); }
  Draft& put(PolicyTestTable table, EntityId entity = {}) {
    return op(WriteOpKind::kPut, id_of(table), entity);
  }
  Draft& set(PolicyTestTable table, EntityId entity = {}) {
    return op(WriteOpKind::kSet, id_of(table), entity);
  }
  Draft& remove(PolicyTestTable table, EntityId entity) {
    return op(WriteOpKind::kRemove, id_of(table), entity);
  }
  /// The last operation is about what a write makes.
  Draft& made(uint64_t by, uint64_t place) {
    write.ops.back().made_by = by;
    write.ops.back().entity = place;
    return *this;
  }
  Draft& field(uint16_t id, CanonicalValue value, CanonicalValue base = {}) {
    write.fields.push_back({FieldId{id}, std::move(base), std::move(value)});
    ++write.ops.back().field_count;
    return *this;
  }
  static uint16_t id_of(PolicyTestTable table) {
    static const Schema kSchema = policy_test_schema();
    return kSchema.table(table).id.value;
  }

  Write write;
};

const EntityId kRock = EntityId::make(1, 1, 1);
const EntityId kTree = EntityId::make(2, 1, 1);
const EntityId kNobody = EntityId::make(90, 1, 1);  // never made
const ClientId kAda{1};                             // a player
const ClientId kBob{2};                             // another one
const ClientId kGuest{3};                           // whose key opens room 4
constexpr uint64_t kWallMs = 1000;
constexpr uint64_t kSkewMs = 10;

/// At version 1 there are the rock and the tree, and the rock is a thing.
class PolicyScene {
 protected:
  PolicyScene() {
    policies_.set_wall_ms(kWallMs);
    ECSDB_CHECK(model_.create(kRock) && model_.create(kTree));
    server_insert(kThing, kRock);
    commit();
  }

  uint64_t commit() {
    model_.commit(model_.head().next());
    return published_ = model_.head().value;
  }
  // The server's own steps.
  void server_set(ThingField field, Value value) {
    const FieldValue values[] = {{index_of(field), std::move(value)}};
    ECSDB_CHECK(model_.set(kThing, kRock, values));
  }
  void server_insert(PolicyTestTable table, EntityId entity, std::vector<FieldValue> values = {}) {
    ECSDB_CHECK(model_.insert(table, entity, values));
  }
  static uint16_t index_of(ThingField field) { return static_cast<uint16_t>(field - 1); }

  static ClientIdentity identity_of(ClientId client) {
    if (client == kGuest) return {"", PrincipalId{3}, {"guest"}, {{"key", 4}}};
    return {"", PrincipalId{client.value}, {"player"}, {}};
  }
  Expected decide(const Draft& draft, ClientId client = kAda, std::vector<EntityId> made = {}) {
    const DecisionTime time{model_.head().next(), Version{published_}, kWallMs, kSkewMs, epoch_};
    return policies_.decide(draft.write, client, identity_of(client), time, made);
  }
  /// Accepted and as it was written.
  bool applies(const Draft& draft, ClientId client = kAda) {
    return decide(draft, client).kind == OutcomeKind::kApplied;
  }
  /// "applied", "merged", or the code of a rejection; and the rules of its conflicts.
  static std::string verdict_of(const Expected& out) {
    const bool is_accepted = out.code == ErrorCode::kOk;
    ECSDB_CHECK(is_accepted == (out.kind != OutcomeKind::kRejected));
    ECSDB_CHECK(is_accepted || (out.finals.empty() && out.spawns.empty()));
    std::string text(!is_accepted                        ? error_name(out.code)
                     : out.kind == OutcomeKind::kApplied ? "applied"
                                                         : "merged");
    for (const Conflict& conflict : out.conflicts) {
      text += " over " + std::string(conflict_rule_name(conflict.rule));
    }
    return text;
  }
  std::string verdict(const Draft& draft, ClientId client = kAda) {
    return verdict_of(decide(draft, client));
  }
  /// "base BASE, server SERVER, mine MINE, result RESULT".
  static std::string values_of(const Conflict& conflict) {
    return "base " + value_text(conflict.base) + ", server " + value_text(conflict.server) +
           ", mine " + value_text(conflict.mine) + ", result " + value_text(conflict.result);
  }
  bool has(PolicyTestTable table, EntityId entity) const { return model_.contains(table, entity); }
  uint64_t lane(ThingField field) const {
    return (*model_.find(kThing, kRock))[index_of(field)].lane[0];
  }
  std::string text(ThingField field) const {
    return (*model_.find(kThing, kRock))[index_of(field)].text;
  }

  const Schema schema_ = policy_test_schema();
  Model model_{schema_};
  PolicyModel policies_{model_};
  uint64_t published_ = 0;
  Epoch epoch_;
};

}  // namespace ecsdb::sim
