// What becomes of writes that did not see each other: a server and two clients in one process.
// docs/CONFLICTS.md explains what it prints.
#include <algorithm>
#include <optional>

#include "ecsdb/server/write_rule.h"

#include "conflicts_world.h"

namespace example {
namespace {

using ecsdb::AccessRule;
using ecsdb::BitSet;
using ecsdb::Database;
using ecsdb::FieldType;
using ecsdb::FieldValue;
using ecsdb::find_broken_law;
using ecsdb::is_provisional;
using ecsdb::Merge;
using ecsdb::ProposedWrite;
using ecsdb::SchemaBuilder;
using ecsdb::WriteOpKind;
using ecsdb::WriteRule;

/// Players write every card, but the note only of their own. Without a policy it is "server".
Schema board() {
  return SchemaBuilder("board", 1)
      .table(1, "card")
      .write("player")
      .text(1, "title", 32)
      .text(2, "colour", 16)
      .lww()
      .field(3, "gold", FieldType::kI64)
      .merge("sum")
      .field(4, "lap", FieldType::kU32)
      .merge("min")
      .field(5, "score", FieldType::kU32)
      .merge("max")
      .bits_field(6, "tags", 8)
      .merge("union")
      .text(7, "log", 100)
      .merge("append")
      .field(8, "health", FieldType::kU8)
      .merge("bounded")
      .field(9, "owner", FieldType::kPrincipal)
      .text(10, "note", 32)
      .field_write("player", AccessRule::Where::kOwnerIsMe)
      .build()
      .value();
}

/// A merge of our own: like sum, but what goes beyond 0 and 100 is cut off.
std::optional<Value> add_bounded(const FieldDef&, const Value& base, const Value& server,
                                 const Value& mine) {
  const auto number = [](const Value& value) {
    return static_cast<int64_t>(std::get<uint64_t>(value));
  };
  const int64_t sum = number(server) + (number(mine) - number(base));
  return Value(static_cast<uint64_t>(std::clamp<int64_t>(sum, 0, 100)));
}

/// Both sides need it: the server decides by it, a client shows by it what it has written.
MergeSet merges() {
  MergeSet set;
  set.add("bounded", {add_bounded, {.commutative = true}});
  return set;
}

/// The application's own rule: a card has a title.
class TitleRule final : public WriteRule {
 public:
  std::optional<std::string> refuse(const Database& db, const ProposedWrite& write) const override {
    for (const ProposedWrite::Op& op : write.ops) {
      if (op.kind != WriteOpKind::kPut && op.kind != WriteOpKind::kSet) continue;
      const auto title = db.value(op.table, op.entity, 0);
      if (!title.ok()) continue;  // a later operation of the write has removed the row
      if (std::get<std::string>(*title).empty()) return "a card has a title";
    }
    return std::nullopt;
  }
};

// ---- Scenes ----

/// A new card that everybody sees, of anna's.
EntityId add_card(World& world, const char* field, const Value& value) {
  EntityId card;
  world.commit([&](Transaction& transaction) {
    card = transaction.create().value();
    const FieldValue values[] = {{world.index("title"), std::string("a card")},
                                 {world.index("owner"), PrincipalId{1}}};
    ECSDB_CHECK(transaction.insert(kCard, card, values).ok());
    ECSDB_CHECK(transaction.set(kCard, card, world.index(field), value).ok());
  });
  world.publish();
  return card;
}

/// Both have read the card, both write it, and anna's write arrives first.
void meet(World& world, const char* field, const Value& before, const Value& annas,
          const Value& bens, bool ben_writes_first = false) {
  const EntityId card = add_card(world, field, before);
  std::printf("both  see     %s\n", world.text(field, before).c_str());
  if (ben_writes_first) world.set(world.ben, card, field, bens);
  world.set(world.anna, card, field, annas);
  if (!ben_writes_first) world.set(world.ben, card, field, bens);
  world.decide(world.anna);
  world.decide(world.ben);
  world.publish();
  world.print_all(card, field);
}

void policy_server(World& world) {
  meet(world, "title", std::string("Plan"), std::string("Plan A"), std::string("Plan B"));
}

void policy_lww(World& world) {
  meet(world, "colour", std::string("grey"), std::string("red"), std::string("blue"));
}

void policy_lww_older(World& world) {
  const bool ben_writes_first = true;
  meet(world, "colour", std::string("grey"), std::string("red"), std::string("blue"),
       ben_writes_first);
}

void merge_sum(World& world) { meet(world, "gold", int64_t{10}, int64_t{13}, int64_t{15}); }

void merge_min(World& world) { meet(world, "lap", uint64_t{61}, uint64_t{58}, uint64_t{59}); }

void merge_max(World& world) { meet(world, "score", uint64_t{10}, uint64_t{40}, uint64_t{30}); }

void merge_union(World& world) {
  meet(world, "tags", BitSet{0b0001}, BitSet{0b0011}, BitSet{0b0101});
}

void merge_append(World& world) {
  meet(world, "log", std::string("0,"), std::string("0,1,"), std::string("0,2,"));
}

void merge_custom(World& world) {
  meet(world, "health", uint64_t{90}, uint64_t{97}, uint64_t{98});
  const FieldDef& health = world.schema().table(kCard).fields[world.index("health")];
  const Merge honest{add_bounded, {.commutative = true}};
  const Merge boastful{add_bounded, {.commutative = true, .associative = true}};
  std::printf("if it is said to be commutative: %s\n",
              find_broken_law(honest, health, Prng(1)).value_or("no counter-example").c_str());
  std::printf("and associative: %s\n",
              find_broken_law(boastful, health, Prng(1)).value_or("no counter-example").c_str());
}

void remove_wins(World& world) {
  const EntityId card = add_card(world, "gold", int64_t{10});
  world.write(world.anna, [&](WriteDraft& draft) { draft.remove(kCard, card); });
  std::printf("anna  removes the row\n");
  world.set(world.ben, card, "gold", int64_t{15});
  world.decide(world.anna);
  world.decide(world.ben);
  world.publish();
  world.print_all(card, "gold");
}

void provisional(World& world) {
  EntityId card;
  world.write(world.anna, [&](WriteDraft& draft) {
    card = draft.spawn();
    const FieldValue title{world.index("title"), std::string("new")};
    ECSDB_CHECK(draft.put(kCard, card, std::span(&title, 1)).ok());
  });
  std::printf("anna  makes   a card, %s\n", is_provisional(card) ? "provisional" : "for good");
  world.set(world.anna, card, "gold", int64_t{5});  // a second write, on what the first one makes
  world.decide(world.anna);
  world.publish();
  world.print_outcomes(world.anna);
  const EntityId made = world.anna.client.entity(card);
  std::printf("the card's id %u:%u:%u, %s\n", made.index(), made.epoch(), made.reuse(),
              is_provisional(made) ? "provisional" : "for good");
  world.print_stored(made, "gold");
}

void exactly_once(World& world) {
  const EntityId card = add_card(world, "gold", int64_t{10});
  world.set(world.ben, card, "gold", int64_t{11});
  world.to_server(world.ben);
  world.commit([](Transaction&) {});
  world.cut(world.ben);  // the decision is lost on its way
  std::printf("ben   waits   with %zu write\n", world.ben.client.pending_writes());
  const uint64_t repeated = world.stats().writes_repeated;
  world.pass(1000);
  world.decide(world.ben);
  world.publish();
  world.print_all(card, "gold");
  std::printf("sent again    %llu\n",
              static_cast<unsigned long long>(world.stats().writes_repeated - repeated));
}

void offline(World& world) {
  const EntityId card = add_card(world, "gold", int64_t{10});
  world.cut(world.ben);
  for (int64_t gold = 11; gold <= 13; ++gold) world.set(world.ben, card, "gold", gold);
  WriteOptions soon;
  soon.deadline = Duration::ms(50);
  world.set(world.ben, card, "title", std::string("too late"), soon);
  world.set(world.anna, card, "gold", int64_t{20});
  world.decide(world.anna);
  world.publish();
  std::printf("ben   waits   with %zu writes\n", world.ben.client.pending_writes());
  world.pass(1000);  // he dials again
  world.decide(world.ben);
  world.publish();
  world.print_all(card, "gold");
}

void rules(World& world) {
  const EntityId card = add_card(world, "note", std::string("anna's"));
  world.set(world.ben, card, "note", std::string("ben's"));
  world.set(world.ben, card, "title", std::string());
  world.set(world.ben, card, "gold", int64_t{1});
  world.decide(world.ben);
  world.publish();
  world.print_all(card, "gold");
}

/// An operator, who has looked at it, sets what conflict 1 is about and says so.
void resolve(World& world) {
  world.connect(world.olga);
  WriteOptions settles;
  settles.resolves = 1;
  const EntityId card = world.conflicts().find(1)->entity;
  world.set(world.olga, card, "title", std::string("Plan A and B"), settles);
  world.decide(world.olga);
  world.publish();
  world.print_outcomes(world.olga);
  world.print_stored(card, "title");
  world.print_conflict(1);
}

void play_all() {
  struct Scene {
    const char* name;
    void (*play)(World&);
  };
  constexpr Scene kScenes[] = {
      {"server", policy_server},
      {"lww", policy_lww},
      {"lww, older", policy_lww_older},
      {"merge:sum", merge_sum},
      {"merge:min", merge_min},
      {"merge:max", merge_max},
      {"merge:union", merge_union},
      {"merge:append", merge_append},
      {"merge:bounded", merge_custom},
      {"remove wins", remove_wins},
      {"provisional", provisional},
      {"exactly once", exactly_once},
      {"offline", offline},
      {"rules", rules},
      {"resolution", resolve},
  };
  const TitleRule rule;
  ServerOptions options;
  options.merges = merges();
  options.write_rule = &rule;
  options.admin_role = "operator";
  World world(board(), options);
  for (const Scene& scene : kScenes) {
    std::printf("== %s\n", scene.name);
    scene.play(world);
  }
}

}  // namespace
}  // namespace example

int main() { example::play_all(); }
