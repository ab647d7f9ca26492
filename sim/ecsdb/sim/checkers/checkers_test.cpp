// Each checker is quiet on what is right and speaks up on what is not.
#include <gtest/gtest.h>

#include "ecsdb/sim/checkers/atomic_reads.h"
#include "ecsdb/sim/checkers/convergence.h"
#include "ecsdb/sim/checkers/filtered_prefix.h"
#include "ecsdb/sim/checkers/history_agreement.h"
#include "ecsdb/sim/checkers/model_agreement.h"
#include "ecsdb/sim/checkers/monotonic_cut.h"
#include "ecsdb/sim/checkers/no_faults.h"
#include "ecsdb/sim/scenario.h"

namespace ecsdb::sim {
namespace {

const EntityId kAda = EntityId::make(0, 1, 1);
const EntityId kBob = EntityId::make(1, 1, 1);
constexpr Instant kNow{};

/// A replica whose inside can be set at will.
class OpenReplica : public ClientDb {
 public:
  OpenReplica() : ClientDb(scenario_schema()) {}

  uint32_t hold(uint16_t table, const CellKey& key) {
    HeldCell& cell = cells_.emplace_back();
    cell.held = true;
    cell.generation = 1;
    cell.table = table;
    cell.key = key;
    return static_cast<uint32_t>(cells_.size() - 1);
  }
  void add(uint32_t handle, EntityId entity, int64_t room) {
    Table& rows = tables_[cells_[handle].table];
    const RowIndex row = rows.append(entity);
    rows.set_lane(row, 0, static_cast<uint64_t>(room));
    rows.link_newest(cells_[handle].log, row, handle);
  }
  void set_mood(uint32_t handle, EntityId entity, uint64_t mood) {
    Table& rows = tables_[kChatTable];
    const RowIndex row = rows.find(entity);
    rows.set_field_lanes(row, 2, LaneValues{{mood}});
    rows.touch(cells_[handle].log, row);
  }
  void stand_at(uint64_t version) { cut_ = Version{version}; }
  CellHistory& history(uint32_t handle) { return cells_[handle].history; }
  RowRecords& records(uint16_t table) { return tables_[table].records(); }
};

/// Ada says something in room 1 at version 1, Bob in room 2 at version 2; a client that subscribed
/// to room 1.
class FilteredPrefixTest : public testing::Test {
 protected:
  FilteredPrefixTest() {
    say(kAda, 1, 1);
    say(kBob, 2, 2);
    interest_.on_connected();
    interest_.add(SubscriptionId{1}, {kChatTable, InterestEntry::Kind::kKeys, {CellKey::value(1)}});
    interest_.on_reply(SubscriptionId{1}, ErrorCode::kOk, Version{});
    interest_.on_synced(Version{});
    interest_.on_cut(Version{1});
  }
  void say(EntityId who, int64_t room, uint64_t version) {
    const FieldValue values[] = {{0, Value{room}}};
    EXPECT_TRUE(model_.create(who));
    EXPECT_TRUE(model_.insert(kChatTable, who, values));
    model_.commit(Version{version});
  }
  uint64_t check() {
    prefix_.on_cut(db_, kNow);
    prefix_.compare_all(db_, kNow);
    return violations_.count();
  }

  Model model_{scenario_schema()};
  ViolationLog violations_;
  ClientInterest interest_{scenario_schema(), scenario_identities()[1]};
  FilteredPrefix prefix_{model_, interest_, 0, violations_};
  OpenReplica db_;
};

TEST_F(FilteredPrefixTest, QuietOnAnExactImage) {
  db_.add(db_.hold(kChatTable, CellKey::value(1)), kAda, 1);
  db_.stand_at(2);
  EXPECT_EQ(check(), 0u);
  EXPECT_FALSE(prefix_.difference_at_head(db_));
}

TEST_F(FilteredPrefixTest, SeesAMissingRow) {
  db_.hold(kChatTable, CellKey::value(1));
  db_.stand_at(2);
  EXPECT_GT(check(), 0u);
  EXPECT_TRUE(prefix_.difference_at_head(db_));
}

TEST_F(FilteredPrefixTest, SeesAWrongValue) {
  const uint32_t room = db_.hold(kChatTable, CellKey::value(1));
  db_.add(room, kAda, 1);
  db_.set_mood(room, kAda, 5);
  db_.stand_at(2);
  EXPECT_GT(check(), 0u);
}

TEST_F(FilteredPrefixTest, SeesACellThatWasNotAskedFor) {
  db_.add(db_.hold(kChatTable, CellKey::value(1)), kAda, 1);
  db_.add(db_.hold(kChatTable, CellKey::value(2)), kBob, 2);
  db_.stand_at(2);
  EXPECT_GT(check(), 0u);
}

TEST_F(FilteredPrefixTest, SeesACellThatIsNotHeld) {
  db_.stand_at(2);
  EXPECT_GT(check(), 0u);
}

TEST_F(FilteredPrefixTest, SeesARowFromTheFuture) {
  db_.add(db_.hold(kChatTable, CellKey::value(1)), kAda, 1);
  db_.stand_at(0);
  EXPECT_GT(check(), 0u);
}

TEST_F(FilteredPrefixTest, SeesACutBeyondTheHead) {
  db_.stand_at(3);
  EXPECT_GT(check(), 0u);
}

TEST(HistoryAgreement, SeesADifferenceThatNoValueShows) {
  Database db(scenario_schema(), DatabaseOptions{});
  Transaction tx = db.begin();
  const EntityId ada = tx.create().value();
  const FieldValue values[] = {{0, Value{EnumValue{1}}}};
  ASSERT_TRUE(tx.insert(kLedgerTable, ada, values).ok());
  std::move(tx).commit();
  db.finish_publish();
  PublishedHistory published;
  for (uint64_t i = 0; i < PublishedHistory::kEvery; ++i) published.on_publish(db);

  ViolationLog violations;
  HistoryAgreement checker(published, 0, violations);
  OpenReplica replica;
  const uint32_t side = replica.hold(kLedgerTable, CellKey::value(1));
  replica.add(side, ada, 1);
  replica.stand_at(1);
  const RecentRow recent[] = {{ada.index(), 1, false}};
  replica.history(side).finish(1, recent, {});
  replica.records(kLedgerTable).enter(0);
  checker.on_cut(replica, kNow);
  EXPECT_EQ(violations.count(), 0u);
  replica.records(kLedgerTable).set_lane(0, 0, 0, {4, 0});
  checker.on_cut(replica, kNow);
  EXPECT_EQ(violations.count(), 1u);
  replica.stand_at(2);  // a version that is not on record
  checker.on_cut(replica, kNow);
  EXPECT_EQ(violations.count(), 1u);
}

TEST(MonotonicCut, SeesACutThatFallsOrRunsAhead) {
  ViolationLog violations;
  MonotonicCut checker(3, violations);
  checker.on_cut(Version{5}, Version{9}, kNow);
  checker.on_cut(Version{5}, Version{9}, kNow);
  EXPECT_TRUE(violations.safe());
  checker.on_cut(Version{4}, Version{9}, kNow);
  EXPECT_EQ(violations.count(), 1u);
  checker.on_cut(Version{10}, Version{9}, kNow);
  EXPECT_EQ(violations.count(), 2u);
  checker.forget();
  checker.on_cut(Version{1}, Version{9}, kNow);
  EXPECT_EQ(violations.count(), 2u);
  checker.on_announced();
  checker.on_other_history(kNow);
  checker.on_cut(Version{1}, Version{2}, kNow);
  EXPECT_EQ(violations.count(), 2u);
  checker.on_other_history(kNow);
  EXPECT_EQ(violations.count(), 3u);
}

TEST(AtomicReads, SeesAChangeWithoutAPoll) {
  ViolationLog violations;
  AtomicReads checker(0, violations);
  OpenReplica db;
  const uint32_t room = db.hold(kChatTable, CellKey::value(1));
  db.add(room, kAda, 1);
  checker.on_polled(db);
  checker.on_unpolled(db, kNow);
  EXPECT_TRUE(violations.safe());
  db.set_mood(room, kAda, 9);
  checker.on_unpolled(db, kNow);
  EXPECT_EQ(violations.count(), 1u);
  checker.on_polled(db);
  db.stand_at(7);
  checker.on_unpolled(db, kNow);
  EXPECT_EQ(violations.count(), 2u);
}

TEST(NoFaults, TellsInnocentEndsFromGuiltyOnes) {
  ViolationLog violations;
  NoFaults checker(violations);
  ServerEvent closed;
  closed.code = ErrorCode::kLinkClosed;
  checker.on_server_event(closed, kNow);
  closed.code = ErrorCode::kTicketReused;
  checker.on_server_event(closed, kNow);  // of nobody: a late dial
  checker.on_client_event(0, {ClientEvent::Kind::kClosed, ErrorCode::kPeerSilent, "", {}}, kNow);
  EXPECT_TRUE(violations.safe());
  closed.client = ClientId{5};
  checker.on_server_event(closed, kNow);
  checker.on_client_event(0, {ClientEvent::Kind::kSubscribed, ErrorCode::kNotPermitted, "", {}},
                          kNow);
  closed.code = ErrorCode::kFrameMalformed;
  checker.on_server_event(closed, kNow);
  checker.on_client_event(0, {ClientEvent::Kind::kFault, ErrorCode::kUnknownRow, "", {}}, kNow);
  checker.on_client_event(0, {ClientEvent::Kind::kClosed, ErrorCode::kNotPermitted, "", {}}, kNow);
  EXPECT_EQ(violations.count(), 5u);
}

TEST(ModelAgreement, SeesAServerThatDiffers) {
  const OpenAuthenticator anyone;
  ReplicationServer server(scenario_schema(), ServerOptions{}, &anyone);
  Model model(scenario_schema());
  ViolationLog violations;
  ModelAgreement checker(model, violations);
  const FieldValue values[] = {{0, Value{int64_t{1}}}};
  Transaction transaction = server.begin(Now{});
  const EntityId entity = transaction.create().value();
  ASSERT_TRUE(transaction.insert(kChatTable, entity, values).ok());
  ASSERT_TRUE(model.create(entity) && model.insert(kChatTable, entity, values));
  model.commit(server.commit(std::move(transaction), Now{}));
  checker.on_commit(server, kNow);
  checker.compare_all(server, kNow);
  EXPECT_TRUE(violations.safe());
  Transaction second = server.begin(Now{});
  ASSERT_TRUE(second.set(kChatTable, entity, 2, Value{int64_t{4}}).ok());
  model.commit(server.commit(std::move(second), Now{}));
  checker.on_commit(server, kNow);
  EXPECT_TRUE(violations.safe());  // the model knows of no changed cell
  checker.compare_all(server, kNow);
  EXPECT_FALSE(violations.safe());
}

TEST(Convergence, BoundFollowsTheConfiguration) {
  const Weather clear = *weather_preset("clear");
  ServerOptions server;
  const Duration usual = convergence_bound(server, ClientOptions{}, clear, 1 << 20, 3);
  server.stall_timeout = server.stall_timeout + Duration::seconds(7);
  EXPECT_EQ(convergence_bound(server, ClientOptions{}, clear, 1 << 20, 3),
            usual + Duration::seconds(7));
  Weather slow = clear;
  slow.bytes_per_second = 64 * 1024;
  EXPECT_GT(convergence_bound(ServerOptions{}, ClientOptions{}, slow, 1 << 20, 3),
            usual + Duration::seconds(15));
  const auto with = [&](auto&& change, uint64_t clients) {
    ServerOptions limited;
    change(limited);
    return convergence_bound(limited, ClientOptions{}, clear, 1 << 20, clients) - usual;
  };
  const auto own = [](ServerOptions& options) { options.client_budget_bytes = 64 * 1024; };
  EXPECT_GE(with(own, 3), Duration::seconds(4 * 16));
  EXPECT_EQ(with(own, 3), with(own, 300));
  const auto total = [](ServerOptions& options) { options.total_budget_bytes = 64 * 1024; };
  EXPECT_GE(with(total, 300), Duration::seconds(300 * 4 * 16));
  const auto changes = [](ServerOptions& options) {
    options.intake_changes = 1;
    options.intake_changes_burst = 8;
  };
  EXPECT_GE(with(changes, 3), Duration::seconds(100));
}

}  // namespace
}  // namespace ecsdb::sim
