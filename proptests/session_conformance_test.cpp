// What a session promises, over simulated links, TCP and WebSocket alike: syncs that show nothing
// by halves, slow clients that are conflated, interest that moves at the price of the difference.
#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "ecsdb/base/hash.h"
#include "ecsdb/schema/bind.h"
#include "ecsdb/schema/schema_builder.h"

#include "session_under_test.h"

namespace ecsdb::conformance {
namespace {

struct Item {
  int32_t room = 0;
  int64_t value = 0;
  std::string name;
};

}  // namespace
}  // namespace ecsdb::conformance

template <>
struct ecsdb::Bind<ecsdb::conformance::Item> {
  using Item = ecsdb::conformance::Item;
  static constexpr const char* table = "item";
  static constexpr auto fields = std::make_tuple(
      member("room", &Item::room), member("value", &Item::value), member("name", &Item::name));
};

namespace ecsdb::conformance {
namespace {

Schema item_schema() {
  return SchemaBuilder("rooms")
      .table(1, "item")
      .by("room")
      .field(1, "room", FieldType::kI32)
      .field(2, "value", FieldType::kI64)
      .text(3, "name", 32)
      .build()
      .value();
}

/// Row events of one client, by entity.
struct Heard {
  std::map<EntityId, std::vector<RowEventKind>> by_entity;

  size_t count(RowEventKind kind) const {
    size_t n = 0;
    for (const auto& [entity, kinds] : by_entity) {
      n += static_cast<size_t>(std::count(kinds.begin(), kinds.end(), kind));
    }
    return n;
  }
  size_t count() const {
    size_t n = 0;
    for (const auto& [entity, kinds] : by_entity) n += kinds.size();
    return n;
  }
  std::set<EntityId> entities() const {
    std::set<EntityId> out;
    for (const auto& [entity, kinds] : by_entity) out.insert(entity);
    return out;
  }
};

class SessionConformance : public testing::TestWithParam<TransportName> {
 protected:
  /// A server with so many items in each room.
  void start(const std::vector<int>& rooms, ServerOptions options = {}) {
    link_ = std::make_unique<SessionUnderTest>(GetParam(), item_schema(), options);
    ASSERT_TRUE(link_->server().bind<Item>().ok());
    link_->commit([&](Transaction& tx) {
      for (size_t room = 0; room < rooms.size(); ++room) {
        for (int i = 0; i < rooms[room]; ++i) add(tx, static_cast<int32_t>(room));
      }
    });
  }
  void add(Transaction& tx, int32_t room) {
    const EntityId entity = tx.create().value();
    const Item item{room, next_value(), "item of room " + std::to_string(room)};
    ASSERT_TRUE(tx.insert(entity, item).ok());
    items_[room].push_back(entity);
  }
  void set_value(Transaction& tx, EntityId entity) {
    ASSERT_TRUE(tx.set(0, entity, 1, next_value()).ok());
  }
  /// Another each time, and nothing that compresses: bytes are compared here.
  int64_t next_value() { return static_cast<int64_t>(mix64(++values_)); }
  /// Changes the first items of a room, in one version.
  std::set<EntityId> change(int32_t room, size_t count) {
    const auto first = items_[room].begin();
    const std::set<EntityId> changed(first, first + static_cast<ptrdiff_t>(count));
    link_->commit([&](Transaction& tx) {
      for (const EntityId entity : changed) set_value(tx, entity);
    });
    return changed;
  }
  std::set<EntityId> all_of(int32_t room) const {
    const auto found = items_.find(room);
    return found == items_.end() ? std::set<EntityId>()
                                 : std::set<EntityId>(found->second.begin(), found->second.end());
  }

  /// A client that hears every row event in `heard_`.
  size_t add_client() {
    const size_t index = link_->add_client();
    client(index).bind<Item>();
    heard_.resize(index + 1);
    client(index).on_row("item", [this, index](const RowEvent& event) {
      heard_[index].by_entity[event.entity].push_back(event.kind);
    });
    return index;
  }
  /// Subscribed to everything, and live.
  size_t add_live_client() {
    const size_t index = add_client();
    client(index).subscribe("item", link_->now());
    client(index).connect(link_->now());
    expect_equal(index);
    return index;
  }
  void expect_equal(size_t index) {
    EXPECT_TRUE(link_->pump_until([&] { return link_->is_equal(index); }))
        << "client " << index << " stands at " << client(index).db().cut().value << " of "
        << link_->server().database().published().value << "; " << client(index).sync().why_not;
  }
  Client& client(size_t index) { return link_->client(index); }
  size_t row_count(size_t index) {
    const ClientDb& db = client(index).db();
    return db.schema().table_count() == 0 ? 0 : db.table(0).row_count();
  }
  void forget_heard() {
    for (Heard& heard : heard_) heard = {};
  }

  std::unique_ptr<SessionUnderTest> link_;
  std::map<int32_t, std::vector<EntityId>> items_;  // by room
  std::vector<Heard> heard_;                        // by client
  uint64_t values_ = 0;
};

// --- full sync ---

TEST_P(SessionConformance, ASyncComesInChunksAndShowsNothingBeforeItIsComplete) {
  ServerOptions options;
  options.sync_chunk_bytes = 1024;
  options.unacked_bytes_max = 1024;
  start({3000}, options);
  const size_t index = add_client();
  client(index).subscribe("item", link_->now());
  client(index).connect(link_->now());
  std::set<uint64_t> progress;
  EXPECT_TRUE(link_->pump_until([&] {
    if (link_->is_live(index)) return true;
    EXPECT_EQ(row_count(index), 0u);
    EXPECT_EQ(heard_[index].count(), 0u);
    EXPECT_EQ(client(index).db().cut(), Version{});
    if (client(index).sync().phase == SyncStatus::Phase::kSyncing) {
      progress.insert(client(index).sync().rows_done);
    }
    return false;
  }));
  EXPECT_GT(progress.size(), 3u) << "no chunks";
  EXPECT_EQ(row_count(index), 3000u);
  EXPECT_EQ(heard_[index].entities(), all_of(0));
  EXPECT_EQ(heard_[index].count(RowEventKind::kEnter), 3000u);
  EXPECT_EQ(client(index).stats().full_syncs, 1u);
  expect_equal(index);
}

TEST_P(SessionConformance, ASyncUnderWritesEndsAtOneVersion) {
  ServerOptions options;
  options.sync_chunk_bytes = 1024;
  options.unacked_bytes_max = 1024;
  start({2000}, options);
  const size_t index = add_client();
  client(index).subscribe("item", link_->now());
  client(index).connect(link_->now());
  int commits = 0;
  EXPECT_TRUE(link_->pump_until([&] {
    if (link_->is_live(index)) return true;
    // Items that the scan has passed, that it has yet to reach, and one that is new.
    link_->commit([&](Transaction& tx) {
      set_value(tx, items_[0].front());
      set_value(tx, items_[0][items_[0].size() / 2]);
      if (commits++ % 8 == 0) add(tx, 0);
    });
    return false;
  }));
  EXPECT_GT(commits, 3);
  expect_equal(index);
  EXPECT_EQ(heard_[index].entities(), all_of(0));
}

TEST_P(SessionConformance, AnEmptyTableIsSyncedToo) {
  start({});
  const size_t index = add_live_client();
  EXPECT_EQ(row_count(index), 0u);
  EXPECT_EQ(client(index).stats().full_syncs, 1u);
  link_->commit([&](Transaction& tx) { add(tx, 4); });
  expect_equal(index);
  EXPECT_EQ(heard_[index].count(RowEventKind::kInsert), 1u);
}

// --- slow clients ---

TEST_P(SessionConformance, AClientThatDoesNotReadGetsOneNetAdvance) {
  ServerOptions options;
  options.unacked_bytes_max = 1024;
  start({200}, options);
  const size_t slow = add_live_client();
  const size_t other = add_live_client();
  link_->set_reading(slow, false);
  forget_heard();
  constexpr uint64_t kPublishes = 300;
  std::set<EntityId> changed;
  for (uint64_t i = 0; i < kPublishes; ++i) {
    changed = change(0, 20);
    link_->pump_for(Duration::ms(2));
  }
  expect_equal(other);
  EXPECT_LT(client(slow).db().cut(), client(other).db().cut());
  const uint64_t net_before = link_->server().stats().net_advances;
  const uint64_t advances_before = client(slow).stats().advances;
  link_->set_reading(slow, true);
  expect_equal(slow);
  // What was on its way when it stopped, and one for all the rest.
  EXPECT_EQ(link_->server().stats().net_advances, net_before + 1);
  EXPECT_LT(client(slow).stats().advances - advances_before, kPublishes / 4);
  EXPECT_EQ(heard_[slow].entities(), changed);
  EXPECT_EQ(client(slow).stats().full_syncs, 1u);
  EXPECT_EQ(client(slow).stats().connects, 1u);
}

TEST_P(SessionConformance, WhatCameAndWentUnreadIsNeverHeardOf) {
  ServerOptions options;
  options.unacked_bytes_max = 1024;
  start({100}, options);
  const size_t slow = add_live_client();
  link_->set_reading(slow, false);
  for (int i = 0; i < 100; ++i) {  // until nothing more is sent to it
    change(0, 20);
    link_->pump_for(Duration::ms(2));
  }
  EntityId passing;
  link_->commit([&](Transaction& tx) {
    add(tx, 0);
    passing = items_[0].back();
  });
  link_->pump_for(Duration::ms(5));
  link_->commit([&](Transaction& tx) { ASSERT_TRUE(tx.destroy(passing).ok()); });
  forget_heard();
  link_->set_reading(slow, true);
  expect_equal(slow);
  EXPECT_FALSE(heard_[slow].entities().contains(passing));
}

TEST_P(SessionConformance, PublishesThatWereMissedAreCounted) {
  ServerOptions options;
  options.unacked_bytes_max = 1024;
  start({200}, options);
  const size_t index = add_live_client();
  link_->set_reading(index, false);
  constexpr uint64_t kPublishes = 300;
  for (uint64_t i = 0; i < kPublishes; ++i) {
    change(0, 20);
    link_->pump_for(Duration::ms(1));
  }
  const uint64_t before = link_->server().stats().conflated;
  link_->set_reading(index, true);
  expect_equal(index);
  EXPECT_GT(link_->server().stats().conflated - before, kPublishes / 2);
}

// --- interest that moves ---

TEST_P(SessionConformance, SubscribingWhileLiveFetchesOnlyWhatIsNew) {
  start({600, 20});
  const size_t index = add_client();
  client(index).subscribe_cells("item", {CellKey::value(0)}, link_->now());
  client(index).connect(link_->now());
  expect_equal(index);
  EXPECT_EQ(row_count(index), 600u);
  const uint64_t bytes_first = client(index).stats().bytes_received;
  forget_heard();
  client(index).subscribe_cells("item", {CellKey::value(0), CellKey::value(1)}, link_->now());
  EXPECT_TRUE(link_->pump_until([&] { return row_count(index) == 620; }));
  expect_equal(index);
  EXPECT_EQ(heard_[index].entities(), all_of(1)) << "what was held before is not heard of again";
  EXPECT_EQ(heard_[index].count(RowEventKind::kEnter), 20u);
  EXPECT_LT(client(index).stats().bytes_received - bytes_first, bytes_first / 4);
  EXPECT_EQ(client(index).stats().full_syncs, 1u);
}

TEST_P(SessionConformance, UnsubscribingWhileLiveLeavesOnlyWhatNobodyElseHolds) {
  start({30, 40, 50});
  const size_t index = add_client();
  const auto narrow = client(index).subscribe_cells("item", {CellKey::value(0)}, link_->now());
  const auto wide =
      client(index).subscribe_cells("item", {CellKey::value(0), CellKey::value(1)}, link_->now());
  client(index).connect(link_->now());
  expect_equal(index);
  EXPECT_EQ(row_count(index), 70u);
  forget_heard();
  client(index).unsubscribe(wide, link_->now());
  EXPECT_TRUE(link_->pump_until([&] { return row_count(index) == 30; }));
  EXPECT_EQ(heard_[index].entities(), all_of(1));
  EXPECT_EQ(heard_[index].count(RowEventKind::kLeave), 40u);
  forget_heard();
  client(index).unsubscribe(narrow, link_->now());
  EXPECT_TRUE(link_->pump_until([&] { return row_count(index) == 0; }));
  EXPECT_EQ(heard_[index].count(RowEventKind::kLeave), 30u);
  change(0, 10);
  link_->pump_for(Duration::ms(20));
  EXPECT_EQ(heard_[index].count(), 30u) << "changes of a room that was left";
}

TEST_P(SessionConformance, ARowThatMovesBetweenHeldRoomsChangesAndElseLeavesAndEnters) {
  start({10, 10, 10});
  const size_t both = add_client();
  client(both).subscribe_cells("item", {CellKey::value(0), CellKey::value(1)}, link_->now());
  const size_t one = add_client();
  client(one).subscribe_cells("item", {CellKey::value(1)}, link_->now());
  for (const size_t index : {both, one}) {
    client(index).connect(link_->now());
    expect_equal(index);
  }
  forget_heard();
  const EntityId moved = items_[0][3];
  link_->commit([&](Transaction& tx) { ASSERT_TRUE(tx.set(0, moved, 0, int64_t{1}).ok()); });
  for (const size_t index : {both, one}) expect_equal(index);
  EXPECT_EQ(heard_[both].by_entity[moved], std::vector{RowEventKind::kChange});
  EXPECT_EQ(heard_[one].by_entity[moved], std::vector{RowEventKind::kEnter});
  forget_heard();
  link_->commit([&](Transaction& tx) { ASSERT_TRUE(tx.set(0, moved, 0, int64_t{2}).ok()); });
  for (const size_t index : {both, one}) {
    EXPECT_TRUE(link_->pump_until([&] { return heard_[index].count() > 0; }));
    EXPECT_EQ(heard_[index].by_entity[moved], std::vector{RowEventKind::kLeave});
    expect_equal(index);
  }
}

// --- coming back ---

TEST_P(SessionConformance, AClientThatComesBackGoesOnWhereItWas) {
  start({300});
  const size_t away = add_live_client();
  const size_t there = add_live_client();
  link_->cut(away);
  std::set<EntityId> changed;
  for (int i = 0; i < 30; ++i) changed = change(0, 25);
  forget_heard();
  const uint64_t bytes_before = client(away).stats().bytes_received;
  expect_equal(away);
  expect_equal(there);
  EXPECT_EQ(client(away).stats().resumes, 1u);
  EXPECT_EQ(client(away).stats().resets, 0u);
  EXPECT_EQ(client(away).stats().full_syncs, 1u);
  EXPECT_EQ(link_->server().stats().resumes, 1u);
  EXPECT_EQ(link_->server().stats().full_syncs, 2u);
  EXPECT_LT(client(away).stats().bytes_received - bytes_before, bytes_before / 2);
  // One callback for each row that is not what it was.
  EXPECT_EQ(heard_[away].entities(), changed);
  EXPECT_EQ(heard_[away].count(RowEventKind::kChange), changed.size());
  EXPECT_EQ(heard_[away].count(), changed.size());
}

TEST_P(SessionConformance, AReturnToWhatWasLeftIsSilent) {
  start({100});
  const size_t index = add_live_client();
  for (uint64_t round = 1; round <= 3; ++round) {
    forget_heard();
    link_->cut(index);
    EXPECT_TRUE(link_->pump_until([&] { return client(index).stats().resumes == round; }));
    expect_equal(index);
    EXPECT_EQ(heard_[index].count(), 0u);
  }
  EXPECT_EQ(client(index).stats().full_syncs, 1u);
}

TEST_P(SessionConformance, AReturnTellsOfRowsThatCameWentAndMoved) {
  start({20, 20});
  const size_t index = add_client();
  client(index).subscribe_cells("item", {CellKey::value(0)}, link_->now());
  client(index).connect(link_->now());
  expect_equal(index);
  link_->cut(index);
  const EntityId removed = items_[0][1];
  const EntityId left = items_[0][2];
  const EntityId entered = items_[1][3];
  EntityId added;
  link_->commit([&](Transaction& tx) {
    ASSERT_TRUE(tx.destroy(removed).ok());
    ASSERT_TRUE(tx.set(0, left, 0, int64_t{1}).ok());
    ASSERT_TRUE(tx.set(0, entered, 0, int64_t{0}).ok());
    add(tx, 0);
    added = items_[0].back();
  });
  forget_heard();
  expect_equal(index);
  EXPECT_EQ(client(index).stats().full_syncs, 1u);
  EXPECT_EQ(heard_[index].entities(), (std::set<EntityId>{removed, left, entered, added}));
  EXPECT_EQ(heard_[index].count(), 4u);
  EXPECT_EQ(row_count(index), 20u);
}

TEST_P(SessionConformance, ASubscriptionMadeWhileAwayIsAllThatIsFetched) {
  start({400, 30});
  const size_t index = add_client();
  client(index).subscribe_cells("item", {CellKey::value(0)}, link_->now());
  client(index).connect(link_->now());
  expect_equal(index);
  link_->cut(index);
  forget_heard();
  client(index).subscribe_cells("item", {CellKey::value(1)}, link_->now());
  EXPECT_TRUE(link_->pump_until([&] { return row_count(index) == 430; }));
  expect_equal(index);
  EXPECT_EQ(heard_[index].entities(), all_of(1));
  EXPECT_EQ(client(index).stats().full_syncs, 1u);
  EXPECT_EQ(client(index).stats().resumes, 1u);
}

TEST_P(SessionConformance, CutsAtAnyMomentOfAnAdvanceNeverCostAFullSync) {
  ServerOptions options;
  options.unacked_bytes_max = 1024;
  start({200}, options);
  const size_t index = add_live_client();
  for (int round = 0; round < 12; ++round) {
    change(0, 100);
    // A little more of it arrives each time.
    link_->pump_for(Duration::us(500) * round);
    link_->cut(index);
    expect_equal(index);
  }
  EXPECT_EQ(client(index).stats().full_syncs, 1u);
  EXPECT_EQ(client(index).stats().resumes, 12u);
  EXPECT_EQ(client(index).stats().faults, 0u);
}

INSTANTIATE_TEST_SUITE_P(All, SessionConformance,
                         testing::Values(TransportName::kSim, TransportName::kSimBadWeather,
                                         TransportName::kTcp, TransportName::kWebSocket),
                         [](const auto& param) {
                           std::ostringstream text;
                           text << param.param;
                           return text.str();
                         });

}  // namespace
}  // namespace ecsdb::conformance
