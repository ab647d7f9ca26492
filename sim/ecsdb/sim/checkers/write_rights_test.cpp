#include "ecsdb/sim/checkers/write_rights.h"

#include <gtest/gtest.h>

#include "ecsdb/schema/schema_builder.h"

namespace ecsdb::sim {
namespace {

using Where = AccessRule::Where;

enum Tables : uint16_t { kOpen, kShut, kRoom, kSign, kPurse, kMedal, kDeed };

Schema make_schema() {
  SchemaBuilder schema("rights", 1);
  schema.table(1, "open").write("player").write("").field(1, "x", FieldType::kU8);
  schema.table(2, "shut").field(1, "x", FieldType::kU8);
  schema.table(3, "room")
      .by("number")
      .write("guest", Where::kCellIsClaim, "key")
      .field(1, "number", FieldType::kI32);
  schema.table(4, "sign")
      .follow("room")
      .write("guest", Where::kCellIsClaim, "key")
      .field(1, "x", FieldType::kU8);
  schema.table(5, "purse")
      .owner("holder")
      .write("player", Where::kOwnerIsMe)
      .field(1, "holder", FieldType::kPrincipal)
      .field(2, "maker", FieldType::kPrincipal);
  schema.table(6, "medal")
      .follow("purse")
      .write("", Where::kOwnerIsMe)
      .field(1, "giver", FieldType::kPrincipal);
  schema.table(7, "deed")
      .write("", Where::kOwnerIsMe)
      .field(1, "x", FieldType::kU8)
      .field(2, "signer", FieldType::kPrincipal);
  return schema.build().value();
}

const EntityId kThing = EntityId::make(1, 1, 1);

class WriteRights : public testing::Test {
 protected:
  WriteRights() { model_.create(kThing); }

  void add(uint16_t table, std::vector<FieldValue> values = {}) {
    ASSERT_TRUE(model_.insert(table, kThing, values));
  }
  bool may(uint16_t table, const ClientIdentity& who) const {
    return identity_may_write(who, model_, table, kThing);
  }
  static ClientIdentity identity(std::vector<std::string> roles, uint64_t principal = 7) {
    return {"", PrincipalId{principal}, std::move(roles), {}};
  }

  const Schema schema_ = make_schema();
  Model model_{schema_};
};

TEST_F(WriteRights, ATableWithoutRulesIsNobodys) {
  add(kShut);
  EXPECT_FALSE(may(kShut, identity({"player", "admin"})));
}

TEST_F(WriteRights, ARuleNeedsItsRoleAndAnEmptyRoleIsEverybodys) {
  add(kOpen);
  EXPECT_TRUE(may(kOpen, identity({})));
  add(kRoom);
  ClientIdentity who = identity({"player"});
  who.claims = {{"key", 0}};
  EXPECT_FALSE(may(kRoom, who));
  who.roles.push_back("guest");
  EXPECT_TRUE(may(kRoom, who));
}

TEST_F(WriteRights, AClaimIsComparedWithTheCell) {
  add(kRoom, {{0, Value{int64_t{-4}}}});
  add(kSign);
  ClientIdentity who = identity({"guest"});
  EXPECT_FALSE(may(kRoom, who));
  who.claims = {{"lock", -4}, {"key", 4}};
  EXPECT_FALSE(may(kRoom, who));
  who.claims.emplace_back("key", -4);  // a claim may have several values
  EXPECT_TRUE(may(kRoom, who));
  EXPECT_TRUE(may(kSign, who));
}

TEST_F(WriteRights, ARowThatFollowsNothingIsInNobodysCell) {
  add(kSign);
  add(kMedal, {{0, Value{PrincipalId{7}}}});
  ClientIdentity who = identity({"guest"});
  who.claims = {{"key", 0}};
  EXPECT_FALSE(may(kSign, who));
  EXPECT_FALSE(may(kMedal, who));  // its one principal field does not stand in for the cell
}

TEST_F(WriteRights, TheOwnerIsThatOfTheCell) {
  add(kPurse, {{0, Value{PrincipalId{7}}}, {1, Value{PrincipalId{8}}}});
  add(kMedal, {{0, Value{PrincipalId{8}}}});
  for (const uint16_t table : {kPurse, kMedal}) {
    EXPECT_TRUE(may(table, identity({"player"}, 7))) << table;
    EXPECT_FALSE(may(table, identity({"player"}, 8))) << table;
  }
  EXPECT_FALSE(may(kPurse, identity({"guest"}, 7)));
}

TEST_F(WriteRights, WithoutOwnerCellsTheOwnerIsInTheOnePrincipalField) {
  add(kDeed, {{1, Value{PrincipalId{7}}}});
  EXPECT_TRUE(may(kDeed, identity({}, 7)));
  EXPECT_FALSE(may(kDeed, identity({}, 8)));
}

TEST_F(WriteRights, TheOpenTransactionCounts) {
  add(kPurse, {{0, Value{PrincipalId{7}}}});
  add(kMedal);
  model_.commit(Version{1});
  const FieldValue given[] = {{0, Value{PrincipalId{8}}}};
  ASSERT_TRUE(model_.set(kPurse, kThing, given));
  EXPECT_TRUE(may(kMedal, identity({}, 8)));
  EXPECT_FALSE(may(kMedal, identity({}, 7)));
  ASSERT_TRUE(model_.remove(kPurse, kThing));
  EXPECT_FALSE(may(kMedal, identity({}, 8)));
}

TEST_F(WriteRights, AFieldHasTheRulesOfItsTable) {
  add(kOpen);
  const uint16_t fields[] = {0};
  EXPECT_TRUE(identity_may_write(identity({}), model_, kOpen, kThing, fields));
  add(kShut);
  EXPECT_FALSE(identity_may_write(identity({}), model_, kShut, kThing, fields));
  const TableDef& open = schema_.table(kOpen);
  EXPECT_EQ(field_write_rules(open, open.fields[0]).data(), open.write.data());
}

}  // namespace
}  // namespace ecsdb::sim
