// What outlives a connection: positions, tickets, syncs that were cut; and what runs beside a live
// one: cells that enter in chunks, digests, clocks.
#include <gtest/gtest.h>

#include "ecsdb/client/test_fixture.h"

namespace ecsdb::client_test {
namespace {

constexpr Vec2f kHere{10, 10};
constexpr Vec2f kThere{90, 90};
using Kind = ClientEvent::Kind;

ServerOptions small_chunks() {
  ServerOptions options;
  options.sync_chunk_bytes = 64;
  options.stage_bytes_min = 200;
  options.unacked_bytes_max = 512;
  return options;
}

void add_chats(World& w, int32_t room, int count) {
  w.step([&](Transaction& tx) {
    for (int i = 0; i < count; ++i) {
      EXPECT_TRUE(tx.insert(tx.create().value(), Chat{room, "line " + std::to_string(i)}).ok());
    }
  });
}

size_t chats(World& w) { return w.client_.db().table(kChat).row_count(); }

TEST(ClientSession, LargeCellsEnterALiveConnectionBesideIt) {
  World w(small_chunks());
  const EntityId ship = w.add_ship(kHere);
  add_chats(w, 4, 60);
  w.client_.subscribe("ship", w.net_.now());
  w.connect();
  w.log_rows();
  w.client_.subscribe("chat", w.net_.now());
  while (w.client_.sync().rows_done < 10) w.net_.pass(1);
  EXPECT_EQ(w.client_.sync().phase, SyncStatus::Phase::kLive);
  EXPECT_EQ(w.client_.sync().rows_total, 60u);
  EXPECT_EQ(chats(w), 0u);  // unseen until all of it is there
  w.server_.publish(w.net_.now());
  w.net_.settle();
  EXPECT_EQ(chats(w), 60u);
  EXPECT_EQ(w.take_rows().size(), 60u);
  EXPECT_EQ(w.client_.stats().full_syncs, 1u);
  EXPECT_EQ(w.server_.stats().syncs_begun, 2u);
  w.move_ship(ship, kThere);
  w.expect_same();
}

TEST(ClientSession, RowsThatMoveIntoASyncedCellChange) {
  World w(small_chunks());
  w.add_chat(3, "moves");
  add_chats(w, 4, 60);
  w.client_.subscribe_cells("chat", {CellKey::value(3)}, w.net_.now());
  w.connect();
  w.log_rows();
  const EntityId moves = w.client_.db().table(kChat).row(0).entity;
  w.client_.subscribe_cells("chat", {CellKey::value(4)}, w.net_.now());
  w.net_.pass(4);
  w.commit([&](Transaction& tx) { EXPECT_TRUE(tx.set(moves, Chat{4, "moved"}).ok()); });
  w.server_.publish(w.net_.now());
  w.net_.settle();
  const Log rows = w.take_rows();
  EXPECT_EQ(rows.size(), 61u);
  EXPECT_EQ(std::count(rows.begin(), rows.end(), "change chat 0"), 1);
  w.expect_same();
}

TEST(ClientSession, CutInMidSyncGoesOn) {
  World w(small_chunks());
  add_chats(w, 4, 100);
  w.client_.subscribe("chat", w.net_.now());
  w.client_.connect(w.net_.now());
  while (w.client_.sync().rows_done < 70) w.net_.pass(1);
  EXPECT_LT(w.client_.sync().rows_done, 100u);
  EXPECT_EQ(chats(w), 0u);
  w.net_.cut(0);
  w.step([&](Transaction& tx) {
    EXPECT_TRUE(tx.insert(tx.create().value(), Chat{4, "new"}).ok());
  });
  const uint64_t before = w.client_.stats().bytes_received;
  w.net_.advance(Duration::seconds(6));
  EXPECT_EQ(chats(w), 101u);
  EXPECT_EQ(w.client_.stats().syncs_cut, 1u);
  EXPECT_EQ(w.client_.stats().syncs_resumed, 1u);
  EXPECT_EQ(w.client_.stats().full_syncs, 1u);
  EXPECT_EQ(w.server_.stats().syncs_begun, 1u);
  EXPECT_LT(w.client_.stats().bytes_received - before, before);
  w.expect_same();
}

TEST(ClientSession, CutBesideALiveSyncGoesOnWithBoth) {
  World w(small_chunks());
  const EntityId ship = w.add_ship(kHere);
  add_chats(w, 4, 100);
  w.client_.subscribe("ship", w.net_.now());
  w.connect();
  w.client_.subscribe("chat", w.net_.now());
  while (w.client_.sync().rows_done < 30) w.net_.pass(1);
  w.net_.cut(0);
  w.move_ship(ship, kThere);
  w.net_.advance(Duration::seconds(6));
  EXPECT_EQ(chats(w), 100u);
  EXPECT_EQ(w.client_.stats().resumes, 1u);
  EXPECT_EQ(w.client_.stats().syncs_resumed, 1u);
  w.expect_same();
}

TEST(ClientSession, ClientIdGoesOnWithTheSession) {
  World w;
  w.add_ship(kHere);
  w.go_live();
  const ClientId client = w.client_.client_id();
  for (int i = 0; i < 3; ++i) w.reconnect();
  EXPECT_EQ(w.client_.client_id(), client);
  EXPECT_EQ(w.client_.stats().resumes, 3u);
}

TEST(ClientSession, DivergedCellIsFetchedAgainAndExplained) {
  World w;
  const EntityId ship = w.add_ship(kHere);
  w.add_ship(kHere, "other");
  w.go_live();
  w.log_rows();
  // A bit flips in the client's memory.
  Table& table = const_cast<Table&>(w.client_.db().table(kShip));
  const RowIndex row = table.find(ship);
  HeldCell* cell = nullptr;
  for (const HeldCell& held : w.client_.db().cells()) {
    if (held.held && held.table == kShip) cell = const_cast<HeldCell*>(&held);
  }
  ASSERT_NE(cell, nullptr);
  const uint16_t lane = table.layout().fields[kPaint].lane_first;
  table.set_lane(row, lane, table.lane(row, lane) ^ 64);
  table.touch(cell->log, row);
  w.net_.advance(Duration::seconds(7));
  EXPECT_EQ(w.client_.stats().divergences, 1u);
  EXPECT_EQ(w.take_rows(), (Log{"change ship 0"}));
  EXPECT_EQ(last_of(w.take_events(), Kind::kDiverged)->reason,
            "table ship, cell grid 0,0,0, entity " + std::to_string(ship.value) +
                ", field paint: held 65, the server has 1");
  EXPECT_NE(last_of(w.take_server_events(), ServerEvent::Kind::kDiverged), nullptr);
  w.expect_same();
  EXPECT_EQ(w.client_.stats().faults, 0u);
}

TEST(ClientSession, ReadyByHandHoldsLiveAdvancesBack) {
  ClientOptions options;
  options.ready_by_hand = true;
  World w({}, options);
  const EntityId ship = w.add_ship(kHere);
  w.go_live();
  const Version synced = w.client_.db().cut();
  w.move_ship(ship, kThere);
  EXPECT_EQ(w.client_.db().cut(), synced);
  EXPECT_EQ(w.client_.sync().why_not, "waits for set_ready()");
  EXPECT_EQ(last_of(w.take_server_events(), ServerEvent::Kind::kReady), nullptr);
  w.client_.set_ready(w.net_.now());
  w.net_.settle();
  EXPECT_NE(last_of(w.take_server_events(), ServerEvent::Kind::kReady), nullptr);
  w.expect_same();
}

TEST(ClientSession, EventsTellTheLifeOfAConnection) {
  World w;
  w.add_ship(kHere);
  w.client_.subscribe("ship", w.net_.now());
  w.connect();
  auto kinds = [&] {
    std::vector<Kind> out;
    for (const ClientEvent& event : w.take_events()) out.push_back(event.kind);
    return out;
  };
  EXPECT_EQ(kinds(), (std::vector{Kind::kConnecting, Kind::kConnected, Kind::kSubscribed,
                                  Kind::kSyncing, Kind::kSynced, Kind::kLive}));
  w.reconnect();
  EXPECT_EQ(kinds(), (std::vector{Kind::kStale, Kind::kClosed, Kind::kConnecting, Kind::kConnected,
                                  Kind::kSubscribed, Kind::kLive}));
}

TEST(ClientSession, SyncStatusSaysWhyNothingArrives) {
  World w;
  EXPECT_EQ(w.client_.sync().why_not, "not asked to connect");
  w.client_.connect(w.net_.now());
  w.net_.settle();
  EXPECT_EQ(w.client_.sync().phase, SyncStatus::Phase::kNotSubscribed);
  EXPECT_EQ(w.client_.sync().why_not, "nothing is subscribed");
  w.client_.subscribe("no such table", w.net_.now());
  w.net_.settle();
  EXPECT_EQ(w.client_.sync().why_not, "every subscription was refused: see kSubscribed events");
}

TEST(ClientSession, ClockOfTheServerIsKnown) {
  World w;
  w.add_ship(kHere);
  w.go_live();
  EXPECT_EQ(w.client_.round_trip(), Duration{});  // both read one clock here
  EXPECT_EQ(w.client_.server_time_ns(w.net_.now()), static_cast<uint64_t>(w.net_.now().steady.ns));
}

}  // namespace
}  // namespace ecsdb::client_test
