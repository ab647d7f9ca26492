#include "ecsdb/client/area_view.h"

#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <set>

#include "ecsdb/base/prng.h"
#include "ecsdb/client/test_fixture.h"

namespace ecsdb::client_test {
namespace {

AreaSpec spec(AreaPoint center, AreaPoint extent, SelectorKind kind = SelectorKind::kRange) {
  return {kind, center, extent, {}};
}

/// Views over the rows of a client, beside a naive rule.
class AreaViewsTest : public ::testing::Test {
 protected:
  AreaViewsTest() {
    for (const char* table : {"ship", "cargo"}) {
      world_.client_.subscribe(table, world_.net_.now());
      world_.client_.on_row(table, [this](const RowEvent& event) { events_.push_back(event); });
    }
    world_.connect();
  }
  void add(uint32_t id, const char* table, const AreaSpec& asked) {
    const SubscriptionId subscription{id};
    views_.add(subscription, table, asked);
    rules_[id] = {std::string(table) == "cargo" ? kCargo : kShip, asked, {}};
  }
  void move(uint32_t id, AreaPoint center) {
    views_.move(SubscriptionId{id}, center);
    rules_[id].asked.center = center;
  }
  /// Brings the views to the client's rows; events and sets must be what the rule says.
  void update() {
    std::vector<AreaEvent> told;
    views_.update(world_.client_.db(), events_, told);
    events_.clear();
    for (auto& [id, rule] : rules_) {
      std::set<EntityId> expected = by_rule(rule);
      for (const AreaEvent& event : told) {
        if (event.subscription.value != id) continue;
        if (event.kind == AreaEventKind::kEnter) {
          EXPECT_TRUE(rule.inside.insert(event.entity).second);
        } else {
          EXPECT_EQ(rule.inside.erase(event.entity), 1u);
        }
      }
      EXPECT_EQ(rule.inside, expected) << "told of area " << id;
      const auto shown = views_.inside(SubscriptionId{id});
      EXPECT_EQ(std::set<EntityId>(shown.begin(), shown.end()), expected) << "area " << id;
      EXPECT_EQ(shown.size(), expected.size());
    }
  }
  struct Rule {
    uint16_t table = 0;
    AreaSpec asked;
    std::set<EntityId> inside;
  };
  std::set<EntityId> by_rule(Rule& rule) {
    const ClientDb& db = world_.client_.db();
    if (const auto seen = db.get<Ship>(rule.asked.options.follow)) rule.asked.center = seen->pos;
    std::set<EntityId> out;
    for (const auto& [entity, ship] : db.view<Ship>()) {
      if (!db.contains(rule.table, entity)) continue;
      const double margin = rule.inside.contains(entity) ? rule.asked.options.margin : 0;
      const double dx = std::fabs(double{ship.pos.x} - rule.asked.center.x);
      const double dy = std::fabs(double{ship.pos.y} - rule.asked.center.y);
      const double reach = rule.asked.extent.x + margin;
      const bool is_in = rule.asked.kind == SelectorKind::kBall
                             ? dx * dx + dy * dy <= reach * reach
                             : dx <= reach && dy <= rule.asked.extent.y + margin;
      if (is_in) out.insert(entity);
    }
    return out;
  }

  World world_;
  std::vector<RowEvent> events_;
  AreaViews views_;
  std::map<uint32_t, Rule> rules_;
};

TEST_F(AreaViewsTest, WhatComesInsideStaysUntilItIsBeyondTheMargin) {
  const EntityId ship = world_.add_ship({12, 0});
  AreaSpec asked = spec({0, 0}, {10, 0}, SelectorKind::kBall);
  asked.options.margin = 5;
  add(1, "ship", asked);
  std::vector<size_t> sizes;
  for (const float x : {12.0f, 10.0f, 10.5f, 15.0f, 15.5f, 12.0f, 10.5f, 10.0f}) {
    world_.move_ship(ship, {x, 0});
    update();
    sizes.push_back(views_.inside(SubscriptionId{1}).size());
  }
  EXPECT_EQ(sizes, (std::vector<size_t>{0, 1, 1, 1, 0, 0, 0, 1}));
}

TEST_F(AreaViewsTest, AMovedCentreShowsWithoutAChangeOfRows) {
  world_.add_ship({100, 100});
  add(1, "ship", spec({}, {3, 3}));
  EXPECT_TRUE(views_.is_stale());
  update();
  EXPECT_FALSE(views_.is_stale());
  move(1, {98, 103});
  EXPECT_TRUE(views_.is_stale());
  update();
  EXPECT_EQ(views_.inside(SubscriptionId{1}).size(), 1u);
  move(1, {98, 103});
  EXPECT_FALSE(views_.is_stale());
  move(1, {1e30, 0});  // where no position can be
  views_.remove(SubscriptionId{1});
  rules_.clear();
  update();
  EXPECT_TRUE(views_.inside(SubscriptionId{1}).empty());
}

TEST_F(AreaViewsTest, FollowersAreWhereTheFollowedRowIs) {
  const EntityId with = world_.add_ship({1, 1}, "a", true);
  world_.add_ship({1, 1}, "b");
  add(1, "cargo", spec({}, {3, 3}));
  update();
  EXPECT_EQ(views_.inside(SubscriptionId{1}).size(), 1u);
  world_.step([&](Transaction& tx) { EXPECT_TRUE(tx.remove(kShip, with).ok()); });
  update();
  EXPECT_TRUE(views_.inside(SubscriptionId{1}).empty());
  world_.step([&](Transaction& tx) { EXPECT_TRUE(tx.insert(with, Ship{{2, 2}, 1, "c"}).ok()); });
  update();
  EXPECT_EQ(views_.inside(SubscriptionId{1}).size(), 1u);
}

TEST_F(AreaViewsTest, TheCentreGoesWithItsEntityAndStaysWhenThatIsGone) {
  const EntityId leader = world_.add_ship({200, 0});
  const EntityId other = world_.add_ship({210, 0});
  AreaSpec asked = spec({0, 0}, {15, 15});
  asked.options.follow = leader;
  add(1, "ship", asked);
  update();
  EXPECT_EQ(views_.inside(SubscriptionId{1}).size(), 2u);
  world_.move_ship(leader, {100, 0});
  update();
  EXPECT_EQ(views_.inside(SubscriptionId{1}).size(), 1u);
  world_.step([&](Transaction& tx) { EXPECT_TRUE(tx.destroy(leader).ok()); });
  update();
  EXPECT_TRUE(views_.inside(SubscriptionId{1}).empty());
  world_.move_ship(other, {110, 0});
  update();
  EXPECT_EQ(views_.inside(SubscriptionId{1}).size(), 1u);
  std::vector<AreaPoint> sightings;
  views_.for_each_sighting([&](SubscriptionId, const AreaPoint& at) { sightings.push_back(at); });
  EXPECT_EQ(sightings, (std::vector<AreaPoint>{{100, 0}}));
}

TEST_F(AreaViewsTest, AnEntityWithTheIndexOfAnotherTakesItsPlace) {
  const EntityId old = world_.add_ship({1, 1}, "old", true);
  add(1, "ship", spec({}, {3, 3}));
  add(2, "cargo", spec({}, {3, 3}));
  update();
  world_.step([&](Transaction& tx) { EXPECT_TRUE(tx.destroy(old).ok()); });
  const EntityId fresh = world_.add_ship({2, 2}, "fresh", true);
  ASSERT_EQ(fresh.index(), old.index());
  update();
  EXPECT_EQ(views_.inside(SubscriptionId{2}).size(), 1u);
}

TEST_F(AreaViewsTest, TablesThatCannotHaveAnAreaAreEmpty) {
  world_.add_ship({1, 1});
  for (const char* table : {"chat", "no_such"}) views_.add(SubscriptionId{1}, table, spec({}, {}));
  update();
  EXPECT_TRUE(views_.inside(SubscriptionId{1}).empty());
}

// It was refused for its centre, and a move mends that: rows that come later count.
TEST_F(AreaViewsTest, AnAreaThatBecomesOneByAMoveSeesRowsThatComeLater) {
  add(1, "ship", spec({std::nan(""), 0}, {10, 10}));
  rules_[1].asked.center = {1000, 1000};  // nothing is there
  update();
  move(1, {0, 0});
  update();
  world_.add_ship({1, 1});
  update();
}

TEST_F(AreaViewsTest, RandomMovesOfRowsAndCentresAgreeWithTheRule) {
  Prng rng(5);
  std::vector<EntityId> ships;
  const auto place = [&] {
    return Vec2f{static_cast<float>(rng.between(-200, 200)) / 2,
                 static_cast<float>(rng.between(-200, 200)) / 2};
  };
  for (int i = 0; i < 120; ++i) ships.push_back(world_.add_ship(place(), "s", rng.chance(1, 2)));
  for (uint32_t id = 1; id <= 12; ++id) {
    AreaSpec asked = spec(place(), {static_cast<double>(rng.between(0, 40)), 20},
                          id % 2 == 0 ? SelectorKind::kBall : SelectorKind::kRange);
    asked.options.margin = static_cast<double>(rng.below(10));
    if (id % 3 == 0) asked.options.follow = ships[id];
    add(id, id % 4 < 2 ? "ship" : "cargo", asked);
  }
  for (int round = 0; round < 150; ++round) {
    world_.step([&](Transaction& tx) {
      for (uint64_t i = 0, count = rng.below(20); i < count; ++i) {
        EntityId& ship = ships[rng.below(ships.size())];
        if (rng.chance(1, 10)) {
          EXPECT_TRUE(tx.destroy(ship).ok());
          ship = tx.create().value();
          EXPECT_TRUE(tx.insert(ship, Ship{place(), 1, "n"}).ok());
          if (rng.chance(1, 2)) {
            EXPECT_TRUE(tx.insert(ship, Cargo{1}).ok());
          }
        } else {
          EXPECT_TRUE(tx.set(kShip, ship, kPos, place()).ok());
        }
      }
    });
    for (uint32_t id = 1; id <= 12; ++id) {
      if (id % 3 != 0 && rng.chance(1, 3)) move(id, place());
    }
    if (round % 50 == 20) world_.reconnect();
    update();
    if (HasFailure()) FAIL() << "round " << round;
  }
}

}  // namespace
}  // namespace ecsdb::client_test
