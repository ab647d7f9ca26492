#include "ecsdb/server/auth.h"

#include <gtest/gtest.h>

#include "ecsdb/server/test_peer.h"

namespace ecsdb::server_test {
namespace {

std::optional<Identity> find(std::string_view token) {
  return tokens().authenticate(as_bytes(token), Now{});
}

TEST(Auth, TokenMustMatchToTheLastByte) {
  ASSERT_TRUE(find("guest token"));
  EXPECT_EQ(find("guest token")->principal, PrincipalId{7});
  EXPECT_EQ(find("guest token")->name, "gus");
  EXPECT_EQ(find("guest token")->roles, (std::vector<std::string>{"guest"}));
  EXPECT_EQ(find("guest token")->claims.at(0).second, 3);
  EXPECT_EQ(find("admin token")->principal, PrincipalId{8});
  for (const char* wrong : {"", "guest", "guest toke", "guest token ", "guest tokeN", "Guest token",
                            "guest token\1", "dmin token"}) {
    EXPECT_FALSE(find(wrong)) << wrong;
  }
  EXPECT_FALSE(find(std::string_view("guest token\0", 12)));
}

TEST(Auth, EmptyTokenMatchesOnlyAnEmptyOne) {
  const StaticAuthenticator open({{"", "nobody", PrincipalId{1}, {}, {}}});
  EXPECT_TRUE(open.authenticate({}, Now{}));
  EXPECT_FALSE(open.authenticate(as_bytes("x"), Now{}));
  EXPECT_FALSE(StaticAuthenticator({}).authenticate({}, Now{}));
}

TEST(Auth, OpenAuthenticatorTakesEverybody) {
  const auto identity = OpenAuthenticator().authenticate(as_bytes("whatever"), Now{});
  ASSERT_TRUE(identity);
  EXPECT_TRUE(identity->roles.empty());
}

TEST(Auth, TableWithoutRulesIsForEverybody) {
  const Schema schema = yard();
  EXPECT_TRUE(may_read(schema.table(kUnit), Identity{}, CellKey::grid(1, 2)));
  EXPECT_TRUE(may_read_some(schema.table(kUnit), Identity{}));
}

TEST(Auth, RulesAskForRoleAndCell) {
  const Schema schema = yard();
  const Identity guest = *find("guest token");
  const Identity admin = *find("admin token");
  const TableDef& room = schema.table(kRoom);
  EXPECT_TRUE(may_read(room, guest, CellKey::value(3)));
  EXPECT_FALSE(may_read(room, guest, CellKey::value(4)));
  EXPECT_FALSE(may_read(room, guest, CellKey::owner(PrincipalId{3})));
  EXPECT_TRUE(may_read(room, admin, CellKey::value(4)));
  Identity unclaimed = guest;
  unclaimed.claims = {{"floor", 3}};
  EXPECT_FALSE(may_read(room, unclaimed, CellKey::value(3)));
  EXPECT_TRUE(may_read_some(room, unclaimed));
  EXPECT_FALSE(may_read(room, Identity{}, CellKey::value(3)));
  EXPECT_FALSE(may_read_some(room, Identity{}));
}

TEST(Auth, OwnerRuleIsForTheOwnerWhateverTheRole) {
  const Schema schema = yard();
  const TableDef& purse = schema.table(kPurse);
  const Identity guest = *find("guest token");
  EXPECT_TRUE(may_read(purse, guest, CellKey::owner(PrincipalId{7})));
  EXPECT_FALSE(may_read(purse, guest, CellKey::owner(PrincipalId{8})));
  EXPECT_FALSE(may_read(purse, guest, CellKey::value(7)));
  EXPECT_FALSE(may_read(purse, guest, CellKey::none()));
  EXPECT_FALSE(may_read(schema.table(kSecret), guest, CellKey::one()));
  EXPECT_TRUE(may_read(schema.table(kSecret), *find("admin token"), CellKey::one()));
}

}  // namespace
}  // namespace ecsdb::server_test
