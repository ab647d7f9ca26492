#include "ecsdb/server/system_database.h"

#include <gtest/gtest.h>

#include "ecsdb/schema/schema_builder.h"
#include "ecsdb/server/auth.h"

namespace ecsdb {
namespace {

Schema port() {
  return SchemaBuilder("port")
      .table(3, "ship")
      .field(1, "hits", FieldType::kU32)
      .text(4, "name", 4000)
      .field(5, "pos", FieldType::kVec2f)
      .precision(0.5)
      .build()
      .value();
}

class SystemDatabaseTest : public ::testing::Test {
 protected:
  explicit SystemDatabaseTest(size_t conflicts_max = 4)
      : log_({conflicts_max, 1u << 20}),
        db_(SystemDatabase::make(options(conflicts_max), {1, 2})) {}

  static ServerOptions options(size_t conflicts_max) {
    ServerOptions options;
    options.conflicts_max = conflicts_max;
    return options;
  }
  /// Of the field with this id of a ship; 0: of the row.
  static Conflict conflict(uint16_t field) {
    Conflict out;
    out.table = TableId{3};
    out.entity = EntityId::make(7, 1, 1);
    out.field = FieldId{field};
    return out;
  }
  CanonicalValue value(uint16_t field, const Value& value) const {
    for (const FieldDef& def : schema_.table(0).fields) {
      if (def.id == FieldId{field}) return to_canonical(def, value).value();
    }
    return {};
  }
  void write() {
    Transaction change = db_.begin();
    system_.write(change, log_, schema_);
    std::move(change).commit();
  }
  /// By number.
  std::map<uint64_t, ConflictRow> rows() const {
    std::map<uint64_t, ConflictRow> out;
    for (const auto& [entity, row] : db_.view<ConflictRow>()) out[row.number] = row;
    return out;
  }

  Schema schema_ = port();
  ConflictLog log_;
  Database db_;
  SystemDatabase system_;
};

TEST_F(SystemDatabaseTest, RowSaysWhoWhereAndWhat) {
  Conflict shot = conflict(1);
  shot.version = Version{20};
  shot.time_ms = 1'700'000'000'123;
  shot.client = ClientId{5};
  shot.principal = PrincipalId{6};
  shot.sequence = 9;
  shot.op = 2;
  shot.policy = Policy::kLww;
  shot.rule = ConflictRule::kNewerWins;
  shot.base_version = Version{18};
  shot.base = value(1, uint64_t{3});
  shot.server = value(1, uint64_t{4});
  shot.mine = shot.result = value(1, uint64_t{5});
  log_.add(shot);
  write();
  ASSERT_EQ(rows().size(), 1u);
  const ConflictRow row = rows()[1];
  EXPECT_EQ(row.version, 20u);
  EXPECT_EQ(row.time_ms, 1'700'000'000'123u);
  EXPECT_EQ(row.client, 5u);
  EXPECT_EQ(row.principal, PrincipalId{6});
  EXPECT_EQ(row.sequence, 9u);
  EXPECT_EQ(row.op, 2u);
  EXPECT_EQ(row.table, "ship");
  EXPECT_EQ(row.entity, EntityId::make(7, 1, 1));
  EXPECT_EQ(row.field, "hits");
  EXPECT_EQ(row.policy, "lww");
  EXPECT_EQ(row.rule, "newer_wins");
  EXPECT_EQ(row.base_version, 18u);
  EXPECT_EQ(row.base, "3");
  EXPECT_EQ(row.server, "4");
  EXPECT_EQ(row.mine, "5");
  EXPECT_EQ(row.result, "5");
  EXPECT_EQ(row.resolved_by, 0u);
}

TEST_F(SystemDatabaseTest, ConflictOfARowHasNoFieldAndNoValues) {
  log_.add(conflict(0));
  write();
  EXPECT_EQ(rows()[1].field, "");
  EXPECT_EQ(rows()[1].base + rows()[1].server + rows()[1].mine + rows()[1].result, "");
}

TEST_F(SystemDatabaseTest, LongValuesAreShortenedBetweenCharacters) {
  Conflict named = conflict(4);
  std::string long_name = "x";
  for (int i = 0; i < 200; ++i) long_name += "\xc3\xa9";  // é
  named.server = value(4, long_name);
  named.mine = value(4, std::string(254, 'y'));
  named.result = value(4, std::string(255, 'z'));
  named.base = value(5, Vec2f{1, 2});  // not of this field
  log_.add(named);
  write();
  const ConflictRow row = rows()[1];
  EXPECT_EQ(row.server, "\"" + long_name.substr(0, 251) + "...");
  EXPECT_EQ(row.mine, "\"" + std::string(254, 'y') + "\"");
  EXPECT_EQ(row.mine.size(), ConflictRow::kBytesMax);
  EXPECT_EQ(row.result, "\"" + std::string(252, 'z') + "...");
  EXPECT_EQ(row.base, "?");
}

TEST_F(SystemDatabaseTest, WhatIsNotOfTheSchemaIsShownAllTheSame) {
  Conflict odd = conflict(9);
  odd.mine = value(1, uint64_t{1});
  log_.add(odd);
  odd.table = TableId{4};
  log_.add(odd);
  write();
  EXPECT_EQ(rows()[1].table, "ship");
  EXPECT_EQ(rows()[1].field, "?");
  EXPECT_EQ(rows()[1].mine, "?");
  EXPECT_EQ(rows()[2].table, "?");
}

TEST_F(SystemDatabaseTest, RowsFollowTheLog) {
  EXPECT_FALSE(system_.is_behind(log_));
  for (int i = 0; i < 3; ++i) log_.add(conflict(1));
  EXPECT_TRUE(system_.is_behind(log_));
  write();
  EXPECT_FALSE(system_.is_behind(log_));
  log_.resolve(2, ClientId{8});
  log_.add(conflict(1));
  log_.add(conflict(1));  // 1 is forgotten
  write();
  const auto shown = rows();
  ASSERT_EQ(shown.size(), 4u);
  EXPECT_EQ(shown.begin()->first, 2u);
  EXPECT_EQ(shown.at(2).resolved_by, 8u);
  EXPECT_EQ(shown.at(3).resolved_by, 0u);
  EXPECT_EQ(shown.at(5).number, 5u);
  for (int i = 0; i < 100; ++i) log_.add(conflict(1));  // all of them at once
  write();
  EXPECT_EQ(rows().size(), 4u);
  EXPECT_EQ(rows().begin()->first, 102u);
  db_.finish_publish();
  db_.check_invariants();
}

TEST_F(SystemDatabaseTest, CountsAreByPolicyTableAndRule) {
  for (int i = 0; i < 9; ++i) log_.add(conflict(1));
  write();
  Conflict merged = conflict(4);
  merged.policy = Policy::kMerge;
  merged.rule = ConflictRule::kMerged;
  log_.add(merged);
  log_.add(conflict(1));
  write();
  std::map<std::string, uint64_t> counts;
  for (const auto& [entity, row] : db_.view<ConflictCountRow>()) {
    counts[row.policy + " " + row.table + " " + row.rule] = row.count;
  }
  const std::map<std::string, uint64_t> expected = {{"merge ship merged", 1},
                                                    {"server ship server_wins", 10}};
  EXPECT_EQ(counts, expected);
}

TEST_F(SystemDatabaseTest, NothingNewChangesNothing) {
  log_.add(conflict(1));
  write();
  db_.finish_publish();
  write();
  EXPECT_TRUE(db_.dirty_cells().empty());
}

TEST(SystemDatabase, OnlyAdminsMayReadIt) {
  ServerOptions options;
  options.admin_role = "boss";
  const Database db = SystemDatabase::make(options, {1, 2});
  for (size_t table = 0; table < db.table_count(); ++table) {
    const TableDef& def = db.schema().table(table);
    EXPECT_FALSE(may_read_some(def, Identity{PrincipalId{1}, "a", {"admin"}, {}}));
    EXPECT_TRUE(may_read_some(def, Identity{PrincipalId{1}, "a", {"boss"}, {}}));
    EXPECT_TRUE(def.write.empty());
  }
}

TEST(SystemDatabase, IsAnotherThanTheUsers) {
  ServerOptions options;
  const DatabaseId made = SystemDatabase::make(options, {1, 2}).options().id;
  EXPECT_NE(made, (DatabaseId{1, 2}));
  EXPECT_NE(made, DatabaseId{});
  EXPECT_NE(made, SystemDatabase::make(options, {1, 3}).options().id);
  options.system_id = {8, 9};
  EXPECT_EQ(SystemDatabase::make(options, {1, 2}).options().id, (DatabaseId{8, 9}));
}

}  // namespace
}  // namespace ecsdb
