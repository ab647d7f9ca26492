#include "ecsdb/client/client.h"

#include <gtest/gtest.h>

#include "ecsdb/client/test_loopback.h"
#include "ecsdb/schema/schema_builder.h"

struct Ship {
  ecsdb::Vec2f pos;
  uint8_t paint = 0;
  std::string name;
};
template <>
struct ecsdb::Bind<Ship> {
  static constexpr const char* table = "ship";
  static constexpr auto fields = std::make_tuple(
      member("pos", &Ship::pos), member("paint", &Ship::paint), member("name", &Ship::name));
};
struct Cargo {
  int64_t gold = 0;
};
template <>
struct ecsdb::Bind<Cargo> {
  static constexpr const char* table = "cargo";
  static constexpr auto fields = std::make_tuple(member("gold", &Cargo::gold));
};

namespace ecsdb {
namespace {

Schema make_schema() {
  return SchemaBuilder("test")
      .table(1, "ship")
      .grid("pos", 64)
      .field(1, "pos", FieldType::kVec2f)
      .precision(0.01)
      .field(2, "paint", FieldType::kU8)
      .text(3, "name", 24)
      .table(2, "cargo")
      .follow("ship")
      .field(1, "gold", FieldType::kI64)
      .build()
      .value();
}

class ClientTest : public ::testing::Test {
 protected:
  ClientTest()
      : server_(make_schema(), ServerOptions{}, &authenticator_),
        client_(ClientOptions{}, Prng(1)),
        net_(server_) {
    EXPECT_TRUE(server_.bind<Ship>().ok());
    EXPECT_TRUE(server_.bind<Cargo>().ok());
    client_.bind<Ship>();
    client_.bind<Cargo>();
    net_.add(&client_);
  }

  template <class Change>
  void commit(Change&& change) {
    Transaction tx = server_.begin();
    change(tx);
    server_.commit(std::move(tx), net_.now());
    server_.publish(net_.now());
  }
  EntityId add_ship(Vec2f pos, const char* name) {
    EntityId entity;
    commit([&](Transaction& tx) {
      entity = tx.create().value();
      EXPECT_TRUE(tx.insert(entity, Ship{pos, 1, name}).ok());
      EXPECT_TRUE(tx.insert(entity, Cargo{7}).ok());
    });
    return entity;
  }
  void go_live() {
    client_.subscribe("ship", net_.now());
    client_.subscribe("cargo", net_.now());
    client_.connect(net_.now());
    net_.settle();
    ASSERT_EQ(client_.sync().phase, SyncStatus::Phase::kLive);
  }

  OpenAuthenticator authenticator_;
  ReplicationServer server_;
  Client client_;
  Loopback net_;
};

TEST_F(ClientTest, FullSyncThenStepsMirrorTheServer) {
  const EntityId first = add_ship({10, 10}, "anna");
  go_live();
  EXPECT_EQ(client_.db().get<Ship>(first)->name, "anna");
  const EntityId second = add_ship({100, 100}, "boris");
  net_.settle();
  EXPECT_EQ(client_.db().get<Cargo>(second)->gold, 7);
  commit([&](Transaction& tx) {
    EXPECT_TRUE(tx.set(first, Ship{{100, 10}, 3, "anna"}).ok());  // into another cell
    EXPECT_TRUE(tx.remove<Cargo>(second).ok());
  });
  net_.settle();
  expect_same_state(server_, client_);
  EXPECT_EQ(client_.db().get<Ship>(first)->pos, (Vec2f{100, 10}));
  EXPECT_FALSE(client_.db().contains<Cargo>(second));
  size_t joined = 0;
  for (const auto& [entity, ship, cargo] : client_.db().view<Ship, Cargo>()) {
    EXPECT_EQ(entity, first);
    ++joined;
  }
  EXPECT_EQ(joined, 1u);
  EXPECT_GT(server_.stats().step_advances, 0u);
}

}  // namespace
}  // namespace ecsdb
