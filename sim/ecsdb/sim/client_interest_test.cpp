#include "ecsdb/sim/client_interest.h"

#include <gtest/gtest.h>

#include "ecsdb/server/auth.h"
#include "ecsdb/sim/scenario.h"

namespace ecsdb::sim {
namespace {

const CellKey kRoom2 = CellKey::value(2);

ClientInterest player() { return ClientInterest(scenario_schema(), scenario_identities()[1]); }

InterestEntry all_of(uint16_t table) { return {table, InterestEntry::Kind::kAll, {}}; }

/// Connected and synced at version 10.
ClientInterest settled_chat() {
  ClientInterest interest = player();
  interest.on_connected();
  interest.add(SubscriptionId{1}, all_of(kChatTable));
  interest.on_reply(SubscriptionId{1}, ErrorCode::kOk, Version{9});
  interest.on_synced(Version{10});
  interest.on_cut(Version{11});
  return interest;
}

TEST(ClientInterest, MustHoldOnlyWhatIsCertainlyInForce) {
  ClientInterest interest = player();
  interest.on_connected();
  interest.add(SubscriptionId{1}, all_of(kChatTable));
  EXPECT_TRUE(interest.may_cover(kChatTable, kRoom2));
  EXPECT_FALSE(interest.must_cover(kChatTable, kRoom2));
  interest.on_reply(SubscriptionId{1}, ErrorCode::kOk, Version{9});
  interest.on_synced(Version{10});
  interest.on_cut(Version{10});
  EXPECT_FALSE(interest.must_cover(kChatTable, kRoom2));
  interest.on_cut(Version{11});
  EXPECT_TRUE(interest.must_cover(kChatTable, kRoom2));
}

TEST(ClientInterest, ARemovedOneMayStayUntilALaterRequestIsAnswered) {
  ClientInterest interest = settled_chat();
  interest.remove(SubscriptionId{1});
  interest.add(SubscriptionId{2}, all_of(kOrbTable));
  EXPECT_TRUE(interest.may_cover(kChatTable, kRoom2));
  EXPECT_FALSE(interest.must_cover(kChatTable, kRoom2));
  EXPECT_FALSE(interest.wants(kChatTable, kRoom2));
  interest.on_cut(Version{12});
  EXPECT_TRUE(interest.may_cover(kChatTable, kRoom2));
  interest.on_reply(SubscriptionId{2}, ErrorCode::kOk, Version{12});
  interest.on_cut(Version{13});
  EXPECT_FALSE(interest.may_cover(kChatTable, kRoom2));
}

TEST(ClientInterest, AnEarlierAnswerDoesNotSettleALaterRemoval) {
  ClientInterest interest = settled_chat();
  interest.add(SubscriptionId{2}, all_of(kOrbTable));
  interest.remove(SubscriptionId{1});
  interest.on_reply(SubscriptionId{2}, ErrorCode::kOk, Version{12});
  interest.on_cut(Version{13});
  EXPECT_TRUE(interest.may_cover(kChatTable, kRoom2));
}

TEST(ClientInterest, WhatTheClientRefusesItselfAnswersNothingElse) {
  ClientInterest interest = settled_chat();
  interest.remove(SubscriptionId{1});
  interest.add(SubscriptionId{2}, all_of(kBeaconTable));
  interest.on_unknown_table(SubscriptionId{2});
  interest.on_cut(Version{13});
  EXPECT_TRUE(interest.may_cover(kChatTable, kRoom2));
}

TEST(ClientInterest, WhatWasRefusedOnceMayBeAcceptedByTheNextConnection) {
  ClientInterest interest = player();
  interest.on_connected();
  interest.add(SubscriptionId{1}, all_of(kChatTable));
  interest.on_reply(SubscriptionId{1}, ErrorCode::kNotPermitted, Version{9});
  interest.on_disconnected();
  interest.on_asking();
  interest.remove(SubscriptionId{1});  // it was asked for, and the answer is never seen
  EXPECT_TRUE(interest.may_cover(kChatTable, kRoom2));
}

TEST(ClientInterest, RightsAndSchemaAreThoseOfTheConnectionThatIsShown) {
  ClientInterest interest = settled_chat();
  EXPECT_TRUE(interest.must_cover(kChatTable, kRoom2));
  interest.show(scenario_schema(ScenarioSchema::kSecond), scenario_identities()[0]);
  EXPECT_FALSE(interest.may_cover(kChatTable, kRoom2));  // a guest of another room
  interest.show(scenario_schema(), scenario_identities()[1]);
  EXPECT_TRUE(interest.may_cover(kChatTable, kRoom2));
}

TEST(ClientInterest, ANewConnectionSettlesWhatWasRemovedBefore) {
  ClientInterest interest = settled_chat();
  interest.remove(SubscriptionId{1});
  interest.on_disconnected();
  interest.on_connected();
  interest.on_synced(Version{20});
  interest.on_cut(Version{21});
  EXPECT_FALSE(interest.may_cover(kChatTable, kRoom2));
}

TEST(ClientInterest, ARefusedOneCoversNothing) {
  ClientInterest interest = player();
  interest.on_connected();
  interest.add(SubscriptionId{1}, all_of(kLedgerTable));
  interest.on_reply(SubscriptionId{1}, ErrorCode::kNotPermitted, Version{1});
  EXPECT_FALSE(interest.wants(kLedgerTable, CellKey::value(1)));
}

TEST(InterestEntry, BoxesAndKeysCover) {
  const InterestEntry box{
      kShipTable, InterestEntry::Kind::kBox, {CellKey::grid(-1, 0), CellKey::grid(1, 2)}};
  EXPECT_TRUE(box.covers(CellKey::grid(1, 0)));
  EXPECT_FALSE(box.covers(CellKey::grid(2, 0)));
  EXPECT_FALSE(box.covers(CellKey::none()));
  const InterestEntry keys{kChatTable, InterestEntry::Kind::kKeys, {kRoom2}};
  EXPECT_TRUE(keys.covers(kRoom2));
  EXPECT_FALSE(keys.covers(CellKey::value(3)));
}

/// A ball among ships of radius 10 and margin 5, with cells of 128 steps.
InterestEntry ship_ball(int64_t x, EntityId follow = {}) {
  InterestEntry entry{kShipTable, InterestEntry::Kind::kBall, {}};
  entry.area = {follow, {x, 10, 0}, {10, 0, 0}, 5, kShipTable, 0, 128};
  return entry;
}

TEST(InterestEntry, AreasTouchCells) {
  InterestEntry entry = ship_ball(0);
  const GridPoint corner{140, 140, 0};  // 13 steps from the cell in both directions
  EXPECT_FALSE(entry.touches(CellKey::grid(0, 0), corner, 8));
  EXPECT_TRUE(entry.touches(CellKey::grid(0, 0), corner, 9));
  entry.kind = InterestEntry::Kind::kRange;
  entry.area->extent = {13, 12, 0};
  EXPECT_FALSE(entry.touches(CellKey::grid(0, 0), corner, 0));
  EXPECT_TRUE(entry.touches(CellKey::grid(0, 0), corner, 1));
  EXPECT_FALSE(entry.touches(CellKey::none(), corner, 1000));
}

TEST(ClientInterest, AMovedAreaMayBeWhereverItWasAskedToBe) {
  const CellKey west = CellKey::grid(-1, 0);
  const CellKey east = CellKey::grid(0, 0);
  ClientInterest interest = settled_chat();
  interest.add(SubscriptionId{2}, ship_ball(-60));
  interest.on_reply(SubscriptionId{2}, ErrorCode::kOk, Version{12});
  interest.on_cut(Version{13});
  EXPECT_TRUE(interest.must_cover(kShipTable, west));
  EXPECT_FALSE(interest.may_cover(kShipTable, east));
  interest.move(SubscriptionId{2}, {60, 10, 0});
  EXPECT_EQ(interest.moving(), (std::vector<SubscriptionId>{SubscriptionId{2}}));
  for (const CellKey& key : {west, east}) {
    EXPECT_TRUE(interest.may_cover(kShipTable, key));
    EXPECT_FALSE(interest.must_cover(kShipTable, key));
  }
  EXPECT_TRUE(interest.wants(kShipTable, east) && !interest.allows(kShipTable, west));
  interest.on_settled(SubscriptionId{2}, Version{14});
  interest.on_cut(Version{14});
  EXPECT_TRUE(interest.may_cover(kShipTable, west));
  interest.on_cut(Version{15});
  EXPECT_TRUE(interest.must_cover(kShipTable, east));
  EXPECT_FALSE(interest.may_cover(kShipTable, west));
  EXPECT_TRUE(interest.moving().empty());
}

TEST(ClientInterest, ACellWithinTheMarginMayBeHeldAndNeedNot) {
  const CellKey west = CellKey::grid(-1, 0);
  ClientInterest interest = settled_chat();
  interest.add(SubscriptionId{2}, ship_ball(11));  // one step from the area
  interest.on_reply(SubscriptionId{2}, ErrorCode::kOk, Version{12});
  interest.on_cut(Version{13});
  EXPECT_TRUE(interest.may_cover(kShipTable, west) && interest.allows(kShipTable, west));
  EXPECT_FALSE(interest.must_cover(kShipTable, west) || interest.wants(kShipTable, west));
}

TEST(ClientInterest, AnAreaThatFollowsIsWhereItsEntityIsInTheModel) {
  Model model(scenario_schema());
  const EntityId ship = EntityId::make(0, 1, 1);
  const FieldValue at_east[] = {{0, Value{Vec2f{30, 5}}}};
  EXPECT_TRUE(model.create(ship) && model.insert(kShipTable, ship, at_east));
  model.commit(Version{1});
  const FieldValue at_west[] = {{0, Value{Vec2f{-30, 5}}}};
  EXPECT_TRUE(model.set(kShipTable, ship, at_west));
  model.commit(Version{2});
  EXPECT_TRUE(model.destroy(ship));
  model.commit(Version{3});
  ClientInterest interest = player();
  interest.on_connected();
  interest.add(SubscriptionId{1}, ship_ball(9000, ship));
  interest.on_reply(SubscriptionId{1}, ErrorCode::kOk, Version{});
  interest.on_synced(Version{});
  const auto at = [&](uint64_t version, uint64_t published) {
    interest.follow(model, Version{version}, Version{published});
    interest.on_cut(Version{version});
  };
  const CellKey west = CellKey::grid(-1, 0);
  const CellKey east = CellKey::grid(0, 0);
  at(1, 1);
  EXPECT_TRUE(interest.must_cover(kShipTable, east) && !interest.may_cover(kShipTable, west));
  at(2, 2);
  EXPECT_TRUE(interest.must_cover(kShipTable, west) && !interest.may_cover(kShipTable, east));
  at(1, 2);  // the server may have followed further
  for (const CellKey& key : {west, east}) {
    EXPECT_TRUE(interest.may_cover(kShipTable, key) && !interest.must_cover(kShipTable, key));
  }
  at(3, 3);  // where the server saw it last depends on when it published
  for (const CellKey& key : {west, east, CellKey::grid(70, 0)}) {
    EXPECT_TRUE(interest.may_cover(kShipTable, key) && interest.allows(kShipTable, key));
    EXPECT_FALSE(interest.must_cover(kShipTable, key) || interest.wants(kShipTable, key));
  }
}

// The checkers' reading of the rules is their own; on this schema both must say the same.
TEST(ReadRules, AgreeWithTheProduct) {
  const Schema& schema = scenario_schema();
  for (const ClientIdentity& who : scenario_identities()) {
    const Identity same{who.principal, "", who.roles, who.claims};
    for (uint16_t table = 0; table < kScenarioTables; ++table) {
      for (int64_t x = -2; x < 26; ++x) {
        for (const CellKey& key :
             {CellKey::one(), CellKey::value(x), CellKey::grid(x, 0),
              CellKey::owner(PrincipalId{static_cast<uint64_t>(x)}), CellKey::none()}) {
          EXPECT_EQ(identity_may_read(schema.table(table), who, key),
                    may_read(schema.table(table), same, key));
        }
      }
    }
  }
}

}  // namespace
}  // namespace ecsdb::sim
