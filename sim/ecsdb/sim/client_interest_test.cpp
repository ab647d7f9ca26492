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
