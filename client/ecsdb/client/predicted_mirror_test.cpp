// Who keeps a copy of what predicted() shows, by what on_predicted_row() tells, has it right.
#include <gtest/gtest.h>
#include <map>

#include "ecsdb/base/prng.h"
#include "ecsdb/client/test_writes.h"

namespace ecsdb::client_test {
namespace {

/// A client that writes at random, a server that changes the same rows, links that hold and break;
/// and the copy.
class PredictedMirror {
 public:
  explicit PredictedMirror(uint64_t seed)
      : random_(Prng(seed).stream("mirror")), world_{server_options(), client_options()} {
    for (const Vec2f& place : {kHere, kThere, kHere}) {
      entities_.push_back(world_.add_ship(place, "s", random_.chance(1, 2)));
    }
    for (const char* table : {"ship", "cargo"}) {
      client().on_predicted_row(table, [this](const RowEvent& event) { on_row(event); });
    }
    if (random_.chance(1, 3)) {
      for (const char* table : {"ship", "cargo"}) {
        client().subscribe_box(table, CellKey::grid(0, 0), CellKey::grid(0, 0), now());
      }
      world_.connect();
    } else {
      world_.go_live();
    }
  }

  void act() {
    switch (random_.below(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        write();
        break;
      case 5:
      case 6:
        world_.net_.hold(0, random_.chance(1, 3));
        world_.net_.settle();
        break;
      case 7:
      case 8:
        change_at_server();
        break;
      case 9:
        world_.net_.cut(0);
        if (random_.chance(1, 2)) world_.net_.advance(Duration::seconds(6));
        break;
      case 10:
        world_.net_.hold(0, false);
        world_.net_.advance(Duration::ms(60));
        break;
      case 11:
        change_subscription();
        break;
    }
    client().poll(now());
    check();
  }

 private:
  using Key = std::pair<uint16_t, EntityId>;
  using Row = std::vector<std::string>;

  ServerOptions server_options() {
    ServerOptions options;
    options.writes_per_commit_max = 1 + random_.below(6);
    return options;
  }
  ClientOptions client_options() {
    ClientOptions options;
    options.resume = random_.chance(1, 2);
    return options;
  }
  Client& client() { return world_.client_; }
  Now now() { return world_.net_.now(); }
  EntityId some() { return entities_[random_.below(entities_.size())]; }
  Vec2f place() { return random_.chance(1, 2) ? kHere : kThere; }

  void write() {
    WriteDraft draft = client().begin().value();
    for (uint64_t left = 1 + random_.below(3); left > 0; --left) add_operation(draft);
    (void)client().submit(std::move(draft), now());
  }
  void add_operation(WriteDraft& draft) {
    const EntityId entity = some();
    Status status;
    switch (random_.below(7)) {
      case 0:
        entities_.push_back(draft.spawn());
        status = draft.put(entities_.back(), Ship{kThere, 2, "b"});
        if (random_.chance(1, 2)) status = draft.put(entities_.back(), Cargo{1});
        break;
      case 1:
        status = draft.set(kShip, entity, kPaint, Value{random_.below(9)});
        break;
      case 2:
        status = draft.set(kCargo, entity, 0, Value{random_.between(0, 9)});
        break;
      case 3:
        status = draft.put(entity, Cargo{random_.between(0, 9)});
        break;
      case 4:
        draft.remove(kCargo, entity);
        break;
      case 5:
        status = draft.set(kShip, entity, kPos, Value{place()});
        break;
      case 6:
        if (random_.chance(1, 3)) draft.despawn(entity);
        break;
    }
    EXPECT_TRUE(status.ok());
  }
  void change_at_server() {
    const EntityId entity = client().entity(some());
    world_.commit([&](Transaction& tx) {
      const bool has_ship = tx.database().contains(kShip, entity);
      const bool has_cargo = tx.database().contains(kCargo, entity);
      switch (random_.below(4)) {
        case 0:
          EXPECT_TRUE(!has_ship || tx.set(kShip, entity, kPaint, random_.below(9)).ok());
          return;
        case 1:
          EXPECT_TRUE(!has_cargo || tx.remove<Cargo>(entity).ok());
          return;
        case 2:
          EXPECT_TRUE(!has_ship || tx.set(kShip, entity, kPos, place()).ok());
          return;
        case 3:
          EXPECT_TRUE(!has_ship || has_cargo || tx.insert(entity, Cargo{3}).ok());
          return;
      }
    });
    if (random_.chance(3, 4)) world_.publish();
  }
  void change_subscription() {
    if (extra_ == SubscriptionId{}) {
      extra_ = client().subscribe_box("ship", CellKey::grid(1, 1), CellKey::grid(1, 1), now());
    } else {
      client().unsubscribe(std::exchange(extra_, {}), now());
    }
    world_.net_.settle();
  }

  std::string text(const Key& key, uint16_t field) {
    const auto value = client().predicted().value(key.first, key.second, field);
    const Schema& schema = client().db().schema();
    return value.ok() ? format_value(schema, schema.table(key.first).fields[field], *value) : "-";
  }
  /// An entity goes by another id once the server has given it one; no event tells of that.
  void follow_ids() {
    std::map<Key, Row> followed;
    for (auto& [key, row] : mirror_) {
      followed[{key.first, client().entity(key.second)}] = std::move(row);
    }
    mirror_ = std::move(followed);
  }
  void on_row(const RowEvent& event) {
    follow_ids();
    const Key key{event.table, client().entity(event.entity)};
    const bool is_gone = event.kind == RowEventKind::kRemove || event.kind == RowEventKind::kLeave;
    const bool is_new = event.kind == RowEventKind::kInsert || event.kind == RowEventKind::kEnter;
    EXPECT_EQ(mirror_.contains(key), !is_new) << kind_name(event.kind);
    if (is_gone) {
      mirror_.erase(key);
      return;
    }
    Row& row = mirror_[key];
    row.resize(client().db().schema().table(event.table).fields.size());
    for (uint16_t field = 0; field < row.size(); ++field) {
      if (is_new || (event.changed >> field & 1) != 0) row[field] = text(key, field);
    }
  }
  void check() {
    follow_ids();
    std::map<Key, Row> shown;
    for (const uint16_t table : {kShip, kCargo}) {
      for (const EntityId entity : client().predicted().entities(table)) {
        Row& row = shown[{table, entity}];
        const size_t fields = client().db().schema().table(table).fields.size();
        for (uint16_t field = 0; field < fields; ++field)
          row.push_back(text({table, entity}, field));
      }
    }
    EXPECT_EQ(mirror_, shown);
  }

  Prng random_;
  WriteWorld world_;
  std::vector<EntityId> entities_;
  SubscriptionId extra_;
  std::map<Key, Row> mirror_;
};

TEST(PredictedMirror, IsWhatPredictedShows) {
  for (uint64_t seed = 1; seed <= 300 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    PredictedMirror mirror(seed);
    for (int i = 0; i < 40 && !testing::Test::HasFailure(); ++i) mirror.act();
  }
}

}  // namespace
}  // namespace ecsdb::client_test
