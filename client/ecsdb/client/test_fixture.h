// What the tests of the client share: a schema with every kind of cell, structs bound to it, and a
// server with one client joined by a loopback.
#pragma once

#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include "ecsdb/client/client.h"
#include "ecsdb/client/test_loopback.h"
#include "ecsdb/schema/schema_builder.h"
#include "ecsdb/server/replication_server.h"

namespace ecsdb::client_test {

enum Tables : uint16_t { kShip, kCargo, kChat, kBag };
enum ShipFields : uint16_t { kPos, kPaint, kName };
enum ChatFields : uint16_t { kRoom, kLine };
enum BagFields : uint16_t { kPilot, kItems };

/// Grid cells of 64, a follower of them, cells by value and by owner.
inline SchemaBuilder harbour(uint32_t version = 1) {
  return SchemaBuilder("harbour", version)
      .table(1, "ship")
      .grid("pos", 64)
      .field(1, "pos", FieldType::kVec2f)
      .precision(0.5)
      .field(2, "paint", FieldType::kU8)
      .text(3, "name", 24)
      .table(2, "cargo")
      .follow("ship")
      .field(1, "gold", FieldType::kI64)
      .table(3, "chat")
      .by("room")
      .field(1, "room", FieldType::kI32)
      .text(2, "line", 1000)
      .table(4, "bag")
      .owner("pilot")
      .field(1, "pilot", FieldType::kPrincipal)
      .field(2, "items", FieldType::kU32);
}

struct Ship {
  Vec2f pos;
  uint8_t paint = 0;
  std::string name;
};
struct Cargo {
  int64_t gold = 0;
};
struct Chat {
  int32_t room = 0;
  std::string line;
};
struct Bag {
  PrincipalId pilot;
  uint32_t items = 0;
};

}  // namespace ecsdb::client_test

template <>
struct ecsdb::Bind<ecsdb::client_test::Ship> {
  using Ship = ecsdb::client_test::Ship;
  static constexpr const char* table = "ship";
  static constexpr auto fields = std::make_tuple(
      member("pos", &Ship::pos), member("paint", &Ship::paint), member("name", &Ship::name));
};
template <>
struct ecsdb::Bind<ecsdb::client_test::Cargo> {
  static constexpr const char* table = "cargo";
  static constexpr auto fields = std::make_tuple(member("gold", &ecsdb::client_test::Cargo::gold));
};
template <>
struct ecsdb::Bind<ecsdb::client_test::Chat> {
  using Chat = ecsdb::client_test::Chat;
  static constexpr const char* table = "chat";
  static constexpr auto fields =
      std::make_tuple(member("room", &Chat::room), member("line", &Chat::line));
};
template <>
struct ecsdb::Bind<ecsdb::client_test::Bag> {
  using Bag = ecsdb::client_test::Bag;
  static constexpr const char* table = "bag";
  static constexpr auto fields =
      std::make_tuple(member("pilot", &Bag::pilot), member("items", &Bag::items));
};

namespace ecsdb::client_test {

inline const char* kind_name(RowEventKind kind) {
  switch (kind) {
    case RowEventKind::kInsert:
      return "insert";
    case RowEventKind::kChange:
      return "change";
    case RowEventKind::kRemove:
      return "remove";
    case RowEventKind::kEnter:
      return "enter";
    case RowEventKind::kLeave:
      return "leave";
  }
  return "?";
}
inline const char* kind_name(EntityEventKind kind) {
  switch (kind) {
    case EntityEventKind::kAppeared:
      return "appeared";
    case EntityEventKind::kChanged:
      return "changed";
    case EntityEventKind::kGone:
      return "gone";
  }
  return "?";
}

using Log = std::vector<std::string>;

/// Secrets that anybody can guess.
class CountingSecrets final : public SecretSource {
 public:
  void draw(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = ++last_;
  }

 private:
  uint8_t last_ = 0;
};

/// A server, one client and the loopback between them; all structs bound on both sides.
class World {
 public:
  explicit World(ServerOptions options = {}, ClientOptions client_options = {},
                 Schema schema = harbour().build().value(),
                 const Authenticator* authenticator = nullptr)
      : server_(std::move(schema), options, authenticator ? authenticator : &open_, &secrets_),
        client_(std::move(client_options), Prng(1)),
        net_(server_) {
    EXPECT_TRUE(server_.bind<Ship>().ok() && server_.bind<Cargo>().ok());
    EXPECT_TRUE(server_.bind<Chat>().ok() && server_.bind<Bag>().ok());
    bind(client_);
    net_.add(&client_);
  }
  static void bind(Client& client) {
    client.bind<Ship>();
    client.bind<Cargo>();
    client.bind<Chat>();
    client.bind<Bag>();
  }

  template <class Change>
  void commit(Change&& change) {
    Transaction tx = server_.begin(net_.now());
    change(tx);
    server_.commit(std::move(tx), net_.now());
  }
  /// Commits, publishes and delivers.
  template <class Change>
  void step(Change&& change) {
    commit(change);
    server_.publish(net_.now());
    net_.settle();
  }
  void publish() {
    server_.publish(net_.now());
    net_.settle();
  }
  EntityId add_ship(Vec2f pos, std::string name = "anna", bool with_cargo = false) {
    EntityId entity;
    step([&](Transaction& tx) {
      entity = tx.create().value();
      EXPECT_TRUE(tx.insert(entity, Ship{pos, 1, std::move(name)}).ok());
      if (!with_cargo) return;
      EXPECT_TRUE(tx.insert(entity, Cargo{7}).ok());
    });
    return entity;
  }
  void move_ship(EntityId entity, Vec2f pos) {
    step([&](Transaction& tx) { EXPECT_TRUE(tx.set(kShip, entity, kPos, pos).ok()); });
  }
  EntityId add_chat(int32_t room, std::string line) {
    EntityId entity;
    step([&](Transaction& tx) {
      entity = tx.create().value();
      EXPECT_TRUE(tx.insert(entity, Chat{room, std::move(line)}).ok());
    });
    return entity;
  }

  void subscribe_all() {
    for (const char* table : {"ship", "cargo", "chat", "bag"}) {
      client_.subscribe(table, net_.now());
    }
  }
  void connect() {
    client_.connect(net_.now());
    net_.settle();
    ASSERT_EQ(client_.sync().phase, SyncStatus::Phase::kLive);
  }
  void go_live() {
    subscribe_all();
    connect();
  }
  /// Loses the link and waits until the client dialled again.
  void reconnect() {
    net_.cut(0);
    net_.advance(Duration::seconds(6));
  }
  void expect_same() { expect_same_state(server_, client_); }

  /// Logs every row event as "kind table index".
  void log_rows() {
    for (const char* table : {"ship", "cargo", "chat", "bag"}) {
      client_.on_row(table, [this](const RowEvent& event) {
        rows_.push_back(std::string(kind_name(event.kind)) + " " +
                        client_.db().schema().table(event.table).name + " " +
                        std::to_string(event.entity.index()));
      });
    }
  }
  void log_entities() {
    client_.on_entity([this](const EntityEvent& event) {
      entities_.push_back(std::string(kind_name(event.kind)) + " " +
                          std::to_string(event.entity.index()));
    });
  }
  Log take_rows() { return std::exchange(rows_, {}); }
  Log take_entities() { return std::exchange(entities_, {}); }
  /// All events of the client so far; the last one of a kind is usually what matters.
  std::vector<ClientEvent> take_events() {
    std::vector<ClientEvent> events;
    while (auto event = client_.next_event()) events.push_back(*std::move(event));
    return events;
  }
  std::vector<ServerEvent> take_server_events() {
    std::vector<ServerEvent> events;
    while (auto event = server_.next_event()) events.push_back(*std::move(event));
    return events;
  }

  OpenAuthenticator open_;
  CountingSecrets secrets_;
  ReplicationServer server_;
  Client client_;
  Loopback net_;

 private:
  Log rows_;
  Log entities_;
};

/// The last event of a kind, or nothing.
template <class Event>
inline const Event* last_of(const std::vector<Event>& events, typename Event::Kind kind) {
  const Event* found = nullptr;
  for (const Event& event : events) {
    if (event.kind == kind) found = &event;
  }
  return found;
}

}  // namespace ecsdb::client_test
