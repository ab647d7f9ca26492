// What is told once and kept nowhere: a server and two clients in one process. docs/EVENTS.md
// explains what it prints.
#include <cstdio>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/schema_builder.h"

#include "in_process.h"

namespace example {
namespace {

using ecsdb::CellKey;
using ecsdb::EntityId;
using ecsdb::Event;
using ecsdb::EventDef;
using ecsdb::FieldType;
using ecsdb::FieldValue;
using ecsdb::SchemaBuilder;
using ecsdb::Value;
using ecsdb::Vec2f;

constexpr uint16_t kShip = 0;  // tables by index, and events
enum ArenaEvents : uint16_t { kBoom, kCall, kGong, kShout };

/// A room has no rows: clients subscribe to it for its calls.
Schema arena() {
  return SchemaBuilder("arena", 1)
      .table(1, "ship")
      .grid("pos", 64)
      .field(1, "pos", FieldType::kVec2f)
      .precision(0.5)
      .table(2, "room")
      .by("number")
      .field(1, "number", FieldType::kI32)
      .event(1, "boom")
      .follow("ship")
      .field(1, "power", FieldType::kU8)
      .event(2, "call")
      .follow("room")
      .at("room")
      .field(1, "room", FieldType::kI32)
      .text(2, "line", 80)
      .event(3, "gong")
      .field(1, "round", FieldType::kU8)
      .event(4, "shout")
      .write("player")
      .text(1, "line", 80)
      .build()
      .value();
}

ServerOptions few_events() {
  ServerOptions out;
  out.events_max = 3;
  return out;
}

class Arena : public InProcess {
 public:
  Arena()
      : InProcess(arena(), few_events(),
                  {{"anna", "anna", PrincipalId{1}, {"player"}, {}},
                   {"ben", "ben", PrincipalId{2}, {}, {}}}) {
    commit([&](Transaction& tx) {
      near_ = add_ship(tx, {10, 10});
      far_ = add_ship(tx, {500, 10});
    });
    server_.publish(now());
    anna_.client.subscribe_box("ship", CellKey::grid(0, 0), CellKey::grid(1, 1), now());
    anna_.client.subscribe_cells("room", {CellKey::value(1)}, now());
    ben_.client.subscribe("ship", now());
    for (Joined* joined : {&anna_, &ben_}) {
      listen(*joined);
      join(*joined);
    }
  }

  void show_cells() {
    std::puts("== where an entity is");
    boom(near_, 3);
    boom(far_, 5);
    step();
  }
  void show_places() {
    std::puts("== where a field says");
    call(1, "anyone here?");
    call(2, "nobody listens");
    step();
  }
  void show_everyone() {
    std::puts("== for everyone");
    gong(1);
    step();
  }
  void show_commits() {
    std::puts("== with their commit");
    {
      Transaction dropped = server_.begin(now());
      boom(near_, 7);
    }
    commit([&](Transaction& tx) {
      ECSDB_CHECK(tx.set(kShip, near_, 0, Vec2f{20, 10}).ok());
      boom(near_, 9);
    });
    publish();
  }
  void show_gaps() {
    std::puts("== missed");
    for (uint64_t round = 2; round < 8; ++round) {  // Anna reads at once, and Ben later
      gong(round);
      commit([](Transaction&) {});
      server_.publish(now());
      deliver(anna_);
    }
    deliver(ben_);
    std::printf("ben has missed %d\n", static_cast<int>(ben_.client.stats().events_missed));
  }
  void show_clients() {
    std::puts("== of clients");
    shout(anna_, "here I am");
    shout(ben_, "me, too");
    while (const auto message = server_.next_client_event()) {
      const EventDef& def = schema().def().events[message->event];
      std::printf("server  is told %s by principal %d: %s\n", def.name.c_str(),
                  static_cast<int>(message->principal.value),
                  std::get<std::string>(message->values[0]).c_str());
    }
    std::printf("dropped %d\n", static_cast<int>(server_.stats().client_events_dropped));
  }

 private:
  static EntityId add_ship(Transaction& tx, Vec2f pos) {
    const EntityId ship = tx.create().value();
    const FieldValue value{0, pos};
    ECSDB_CHECK(tx.insert(kShip, ship, std::span(&value, 1)).ok());
    return ship;
  }
  void listen(Joined& joined) {
    for (const EventDef& def : schema().def().events) {
      joined.client.on_event(def.name,
                             [this, &joined](const Event& event) { print(joined, event); });
    }
  }
  void print(Joined& joined, const Event& event) {
    const EventDef& def = schema().def().events[event.event];
    std::printf("%-7s is told %s of version %d:", joined.name.c_str(), def.name.c_str(),
                static_cast<int>(event.version.value));
    for (size_t i = 0; i < def.fields.size(); ++i) {
      std::printf(" %s %s", def.fields[i].name.c_str(),
                  format_value(schema(), def.fields[i], event.values[i]).c_str());
    }
    const auto pos = joined.client.db().value(kShip, event.entity, 0);
    if (pos.ok()) {
      std::printf(", the ship is at %s",
                  format_value(schema(), schema().table(kShip).fields[0], *pos).c_str());
    }
    std::puts("");
  }

  void boom(EntityId ship, uint64_t power) {
    const FieldValue value{0, power};
    ECSDB_CHECK(server_.emit(kBoom, ship, std::span(&value, 1), now()).ok());
  }
  void call(int64_t room, const char* line) {
    const FieldValue values[] = {{0, room}, {1, std::string(line)}};
    ECSDB_CHECK(server_.emit(kCall, EntityId{}, values, now()).ok());
  }
  void gong(uint64_t round) {
    const FieldValue value{0, round};
    ECSDB_CHECK(server_.emit(kGong, EntityId{}, std::span(&value, 1), now()).ok());
  }
  void shout(Joined& joined, const char* line) {
    const FieldValue value{0, std::string(line)};
    ECSDB_CHECK(joined.client.send_event(kShout, EntityId{}, std::span(&value, 1), now()).ok());
    deliver(joined);
  }
  void step() {
    commit([](Transaction&) {});
    publish();
  }

  Joined anna_{Joined::options_of("anna")};
  Joined ben_{Joined::options_of("ben")};
  EntityId near_;
  EntityId far_;
};

}  // namespace
}  // namespace example

int main() {
  example::Arena arena;
  arena.show_cells();
  arena.show_places();
  arena.show_everyone();
  arena.show_commits();
  arena.show_gaps();
  arena.show_clients();
  return 0;
}
