#include <gtest/gtest.h>
#include <limits>

#include "ecsdb/client/test_fixture.h"

namespace ecsdb::client_test {
namespace {

class ClientAreasTest : public ::testing::Test {
 protected:
  SubscriptionId ball(AreaPoint center, double radius, AreaOptions options = {},
                      std::string table = "ship") {
    const SubscriptionId id =
        world_.client_.subscribe_ball(std::move(table), center, radius, options, now());
    log(id);
    return id;
  }
  void log(SubscriptionId id) {
    world_.client_.on_area(id, [this](const AreaEvent& event) {
      told_.push_back((event.kind == AreaEventKind::kEnter ? "+" : "-") +
                      std::to_string(event.entity.index()));
    });
  }
  Now now() const { return world_.net_.now(); }
  Log take() { return std::exchange(told_, {}); }
  static std::string text(const char* sign, EntityId entity) {
    return sign + std::to_string(entity.index());
  }
  size_t held() {
    size_t count = 0;
    for (const HeldCell& cell : world_.client_.db().cells()) count += cell.held ? 1 : 0;
    return count;
  }

  World world_;
  Log told_;
};

TEST_F(ClientAreasTest, CellsComeWholeAndEventsAreExact) {
  const EntityId near = world_.add_ship({10, 10});
  world_.add_ship({60, 60});  // the same cell
  world_.add_ship({500, 500});
  const SubscriptionId id = ball({0, 0}, 20);
  world_.connect();
  EXPECT_EQ(take(), Log{text("+", near)});
  EXPECT_EQ(world_.client_.db().table(kShip).row_count(), 2u);
  ASSERT_EQ(world_.client_.inside(id).size(), 1u);
  EXPECT_EQ(world_.client_.inside(id)[0], near);
  EXPECT_TRUE(world_.client_.is_settled(id));
  world_.move_ship(near, {500, 10});
  EXPECT_EQ(take(), Log{text("-", near)});
}

TEST_F(ClientAreasTest, AMoveShowsAtOnceAndFetchesCells) {
  const EntityId here = world_.add_ship({10, 10});
  const EntityId there = world_.add_ship({300, 10});
  const SubscriptionId id = ball({0, 10}, 20);
  world_.connect();
  take();
  EXPECT_TRUE(world_.client_.move(id, {300, 10}, now()).ok());
  EXPECT_FALSE(world_.client_.is_settled(id));
  EXPECT_EQ(world_.client_.poll(now()), 0u);
  EXPECT_EQ(take(), Log{text("-", here)});  // what it does not hold yet comes with its cell
  world_.net_.settle();
  EXPECT_EQ(take(), Log{text("+", there)});
  EXPECT_TRUE(world_.client_.is_settled(id));
  EXPECT_EQ(held(), 1u);
}

TEST_F(ClientAreasTest, WhatCannotBeMoved) {
  const EntityId ship = world_.add_ship({10, 10});
  const SubscriptionId moves = ball({0, 0}, 20);
  const SubscriptionId follows = ball({0, 0}, 20, {ship, 0, false});
  const SubscriptionId all = world_.client_.subscribe("ship", now());
  world_.connect();
  Client& client = world_.client_;
  EXPECT_EQ(client.move(SubscriptionId{99}, {}, now()).code(), ErrorCode::kUnknownSubscription);
  EXPECT_EQ(client.move(all, {}, now()).code(), ErrorCode::kUnknownSubscription);
  EXPECT_EQ(client.move(follows, {}, now()).code(), ErrorCode::kTypeMismatch);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(client.move(moves, {nan, 0}, now()).code(), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(client.move(moves, {0, 1e30}, now()).code(), ErrorCode::kValueOutOfRange);
  EXPECT_TRUE(client.is_settled(moves));
  EXPECT_EQ(client.inside(moves).size(), 1u);
  EXPECT_TRUE(client.inside(all).empty());
}

TEST_F(ClientAreasTest, AreasThatTheSchemaCannotHaveAreToldAndNotSent) {
  const SubscriptionId chat = ball({0, 0}, 20, {}, "chat");
  const SubscriptionId negative = ball({0, 0}, -1);
  const SubscriptionId nowhere = ball({1e30, 0}, 1);
  world_.client_.subscribe("bag", now());
  world_.connect();
  std::vector<std::pair<SubscriptionId, ErrorCode>> refused;
  for (const ClientEvent& event : world_.take_events()) {
    if (event.kind == ClientEvent::Kind::kSubscribed && event.code != ErrorCode::kOk) {
      refused.emplace_back(event.subscription, event.code);
    }
  }
  EXPECT_EQ(refused, (std::vector<std::pair<SubscriptionId, ErrorCode>>{
                         {chat, ErrorCode::kTypeMismatch},
                         {negative, ErrorCode::kValueOutOfRange},
                         {nowhere, ErrorCode::kValueOutOfRange}}));
  EXPECT_TRUE(world_.client_.is_settled(chat));
}

TEST_F(ClientAreasTest, AFollowedShipTakesItsSurroundingsAlong) {
  const EntityId leader = world_.add_ship({0, 0});
  std::vector<EntityId> buoys;
  for (int i = 0; i < 10; ++i) {
    buoys.push_back(world_.add_ship({static_cast<float>(100 * i + 10), 5}));
  }
  const SubscriptionId id = ball({-900, -900}, 30, {leader, 0, false});
  world_.connect();
  EXPECT_EQ(take(), (Log{text("+", leader), text("+", buoys[0])}));
  world_.move_ship(leader, {110, 5});
  EXPECT_EQ(take(), (Log{text("-", buoys[0]), text("+", buoys[1])}));
  EXPECT_LE(held(), 4u);
  // It goes on where it was seen last, also on a new connection.
  world_.step([&](Transaction& tx) { EXPECT_TRUE(tx.destroy(leader).ok()); });
  EXPECT_EQ(take(), Log{text("-", leader)});
  world_.reconnect();
  EXPECT_EQ(take(), Log{});
  ASSERT_EQ(world_.client_.inside(id).size(), 1u);
  EXPECT_EQ(world_.client_.inside(id)[0], buoys[1]);
}

TEST_F(ClientAreasTest, ANewConnectionAsksForTheLastCentre) {
  world_.add_ship({300, 10});
  const SubscriptionId id = ball({0, 10}, 20);
  world_.connect();
  world_.net_.cut(0);
  EXPECT_TRUE(world_.client_.move(id, {300, 10}, now()).ok());
  world_.net_.advance(Duration::seconds(6));
  EXPECT_EQ(take().size(), 1u);
  EXPECT_TRUE(world_.client_.is_settled(id));
  EXPECT_EQ(world_.client_.inside(id).size(), 1u);
}

TEST_F(ClientAreasTest, OfManyMovesOneIsUnderWayAndTheLastArrives) {
  const SubscriptionId id = ball({0, 10}, 20);
  for (int i = 0; i < 8; ++i) world_.add_ship({static_cast<float>(100 * i), 10});
  world_.connect();
  world_.net_.hold(0, true);
  const uint64_t sent = world_.client_.stats().bytes_sent;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(world_.client_.move(id, {static_cast<double>(i), 10}, now()).ok());
  }
  EXPECT_TRUE(world_.client_.move(id, {700, 10}, now()).ok());
  world_.net_.hold(0, false);
  world_.net_.advance(Duration::ms(500));  // no faster than the server allows
  EXPECT_LT(world_.client_.stats().bytes_sent - sent, 200u);
  EXPECT_TRUE(world_.client_.is_settled(id));
  EXPECT_EQ(world_.client_.inside(id).size(), 1u);
  EXPECT_EQ(held(), 1u);
}

TEST_F(ClientAreasTest, CallbacksMayMoveEndAndAdd) {
  const EntityId first = world_.add_ship({0, 10});
  const EntityId second = world_.add_ship({400, 10});
  Client& client = world_.client_;
  const SubscriptionId id = ball({0, 10}, 20);
  CallbackId once = 0;
  int late = 0;
  once = client.on_area(id, [&](const AreaEvent& event) {
    EXPECT_EQ(client.inside(id).size(), 1u);
    EXPECT_EQ(event.entity, first);
    EXPECT_TRUE(client.move(id, {400, 10}, now()).ok());
    client.on_area(id, [&](const AreaEvent&) { ++late; });
    client.remove_callback(once);
  });
  world_.connect();
  world_.net_.settle();
  EXPECT_EQ(take(), (Log{text("+", first), text("-", first), text("+", second)}));
  EXPECT_EQ(late, 2);
  client.unsubscribe(id, now());
  world_.net_.settle();
  EXPECT_EQ(take(), Log{});
  EXPECT_TRUE(client.inside(id).empty());
  EXPECT_EQ(held(), 0u);
}

TEST(ClientAreas, ACallbackMayDestroyTheClient) {
  OpenAuthenticator open;
  ReplicationServer server(harbour().build().value(), {}, &open);
  Loopback net(server);
  Transaction tx = server.begin(net.now());
  for (int i = 0; i < 3; ++i) {
    const EntityId entity = tx.create().value();
    EXPECT_TRUE(tx.insert(kShip, entity, {}).ok());
  }
  server.commit(std::move(tx), net.now());
  server.publish(net.now());
  auto client = std::make_unique<Client>(ClientOptions{}, Prng(1));
  net.add(client.get());
  int told = 0;
  const SubscriptionId id = client->subscribe_ball("ship", {0, 0}, 5, {}, net.now());
  client->on_area(id, [&](const AreaEvent&) {
    ++told;
    net.forget(0);
    client.reset();
  });
  client->connect(net.now());
  net.settle();
  EXPECT_EQ(told, 1);
}

TEST_F(ClientAreasTest, OverlappingAreasAndTheirFollowers) {
  const EntityId ship = world_.add_ship({70, 10}, "anna", true);
  const SubscriptionId ships = ball({0, 10}, 80);
  const SubscriptionId cargo =
      world_.client_.subscribe_range("cargo", {60, 0}, {30, 30}, {}, now());
  const SubscriptionId alone = world_.client_.subscribe_range("cargo", {70, 0}, {1, 30}, {}, now());
  world_.connect();
  for (const SubscriptionId id : {ships, cargo, alone}) {
    ASSERT_EQ(world_.client_.inside(id).size(), 1u);
    EXPECT_EQ(world_.client_.inside(id)[0], ship);
  }
  // Without the ship's own row it is not known where its cargo is.
  world_.client_.unsubscribe(ships, now());
  world_.net_.settle();
  EXPECT_TRUE(world_.client_.inside(cargo).empty());
  EXPECT_EQ(world_.client_.db().table(kCargo).row_count(), 1u);
}

}  // namespace
}  // namespace ecsdb::client_test
