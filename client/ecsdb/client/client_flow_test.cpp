// Slow clients: what waits for them is bounded, and they catch up by net deltas.
#include <gtest/gtest.h>

#include "ecsdb/client/test_fixture.h"
#include "ecsdb/client/test_workload.h"

namespace ecsdb::client_test {
namespace {

constexpr Vec2f kHere{10, 10};
constexpr Vec2f kThere{100, 100};

TEST(ClientFlow, ClientThatDoesNotPollIsSentOneWindowAndCatchesUp) {
  ServerOptions options;
  options.unacked_bytes_max = 10'000;
  options.compression = false;  // the lines below would take no room
  World w(options);
  const EntityId line = w.add_chat(1, "start");
  w.go_live();
  w.net_.set_poll(false);
  const uint64_t before = w.client_.stats().bytes_received;
  for (int i = 0; i < 100; ++i) {
    w.step([&](Transaction& tx) {
      EXPECT_TRUE(tx.set(line, Chat{1, std::string(900, static_cast<char>('a' + i % 26))}).ok());
    });
  }
  EXPECT_GT(w.client_.stats().bytes_received - before, 9'000u);
  EXPECT_LT(w.client_.stats().bytes_received - before, 12'000u);
  EXPECT_EQ(w.client_.sync().phase, SyncStatus::Phase::kLive);
  const uint64_t advances = w.client_.stats().advances;
  w.net_.set_poll(true);
  w.client_.poll(w.net_.now());
  w.net_.settle();
  w.expect_same();
  EXPECT_LT(w.client_.stats().advances - advances, 15u);
  EXPECT_EQ(w.server_.stats().net_advances, 1u);
}

TEST(ClientFlow, SlowClientGetsNetDeltasAndOthersDoNotNotice) {
  World w;
  const EntityId ship = w.add_ship(kHere);
  w.go_live();
  Client fast(ClientOptions{}, Prng(2));
  World::bind(fast);
  w.net_.add(&fast);
  for (const char* table : kTableNames) fast.subscribe(table, w.net_.now());
  fast.connect(w.net_.now());
  w.net_.settle();
  w.net_.hold(0, true);
  const uint64_t steps = fast.stats().advances;
  for (int i = 0; i < 20; ++i) w.move_ship(ship, i % 2 == 0 ? kThere : kHere);
  EXPECT_EQ(fast.stats().advances - steps, 20u);
  w.net_.hold(0, false);
  w.net_.settle();
  w.expect_same();
  EXPECT_EQ(w.server_.stats().net_advances, 1u);
  EXPECT_EQ(w.client_.stats().full_syncs, 1u);
  const uint64_t net = w.server_.stats().net_advances;
  w.move_ship(ship, kThere);  // in step again
  EXPECT_EQ(w.server_.stats().net_advances, net);
  w.expect_same();
  expect_same_state(w.server_, fast);
}

TEST(ClientFlow, SubscriptionsThatTheServerPutsOffAreAskedForAgain) {
  ServerOptions options;
  options.intake_changes = 1;
  options.intake_changes_burst = 4;  // what World subscribes to
  World w(options);
  for (int32_t room = 0; room < 4; ++room) w.add_chat(room, "hello");
  w.go_live();
  w.client_.unsubscribe(SubscriptionId{3}, w.net_.now());  // chat; that is owed, too
  std::vector<SubscriptionId> rooms;
  for (int32_t room = 0; room < 4; ++room) {
    rooms.push_back(w.client_.subscribe_cells("chat", {CellKey::value(room)}, w.net_.now()));
  }
  w.net_.settle();
  EXPECT_GT(w.server_.stats().rate_limited, 0u);
  size_t accepted = 0;
  const auto take_events = [&] {
    while (const auto event = w.client_.next_event()) {
      if (event->kind != ClientEvent::Kind::kSubscribed) continue;
      EXPECT_EQ(event->code, ErrorCode::kOk);  // nobody is told of what is put off
      if (event->subscription.value >= rooms[0].value) ++accepted;
    }
  };
  take_events();
  EXPECT_LT(accepted, 4u);
  EXPECT_LE(w.client_.next_deadline(), w.net_.now().steady + Duration::ms(200));
  w.net_.advance(Duration::seconds(30));
  take_events();
  EXPECT_EQ(accepted, 4u);
  EXPECT_EQ(w.client_.sync().phase, SyncStatus::Phase::kLive);
  w.expect_same();
}

TEST(ClientFlow, UnpublishedCommitsAreNotSent) {
  World w;
  const EntityId ship = w.add_ship(kHere);
  w.go_live();
  w.commit([&](Transaction& tx) { EXPECT_TRUE(tx.set(kShip, ship, kPaint, uint64_t{9}).ok()); });
  w.net_.settle();
  EXPECT_EQ(w.client_.db().get<Ship>(ship)->paint, 1);
  // Not even to one that subscribes now: the end of its sync waits for the publish.
  Client late(ClientOptions{}, Prng(2));
  w.net_.add(&late);
  late.subscribe("ship", w.net_.now());
  late.connect(w.net_.now());
  w.net_.settle();
  EXPECT_EQ(late.sync().phase, SyncStatus::Phase::kSyncing);
  w.publish();
  expect_same_state(w.server_, late);
  w.expect_same();
}

TEST(ClientFlow, CellForgottenBeyondTheHorizonComesWholeWithoutCallbacksForEqualRows) {
  ServerOptions options;
  options.database.horizon_versions_max = 3;
  World w(options);
  w.add_ship(kHere, "same");
  const EntityId changes = w.add_ship(kHere, "changes");
  const EntityId goes = w.add_ship(kHere, "goes");
  const EntityId moves = w.add_ship(kHere, "moves");
  w.log_rows();
  w.log_entities();
  w.go_live();
  w.take_rows();
  w.take_entities();
  w.net_.hold(0, true);
  w.step([&](Transaction& tx) { EXPECT_TRUE(tx.set(kShip, changes, kPaint, uint64_t{2}).ok()); });
  w.step([&](Transaction& tx) { EXPECT_TRUE(tx.destroy(goes).ok()); });
  w.move_ship(moves, kThere);
  for (uint64_t i = 0; i < 8; ++i) {
    w.step([&](Transaction& tx) { EXPECT_TRUE(tx.set(kShip, changes, kPaint, 20 + i).ok()); });
  }
  w.net_.hold(0, false);
  w.net_.settle();
  w.expect_same();
  EXPECT_EQ(w.client_.stats().full_syncs, 1u);
  // The first step was on its way already; then what the rest amounts to.
  EXPECT_EQ(w.take_rows(),
            (Log{"change ship 1", "change ship 1", "change ship 3", "leave ship 2"}));
  EXPECT_EQ(w.take_entities(), (Log{"changed 1", "changed 1", "changed 3", "gone 2"}));
}

TEST(ClientFlow, CellDestroyedAndMadeAnewWhileAClientWasStalled) {
  ServerOptions options;
  options.database.horizon_versions_max = 2;
  World w(options);
  const EntityId ship = w.add_ship(kHere);
  w.log_rows();
  w.go_live();
  w.take_rows();
  w.net_.hold(0, true);
  w.step([&](Transaction& tx) { EXPECT_TRUE(tx.set(kShip, ship, kPaint, uint64_t{7}).ok()); });
  w.move_ship(ship, kThere);
  for (int i = 0; i < 5; ++i) w.add_chat(1, "time passes");
  EXPECT_EQ(w.server_.database().cells(kShip).count(), 1u);  // the first cell is forgotten
  w.move_ship(ship, kHere);
  w.net_.hold(0, false);
  w.net_.settle();
  w.expect_same();
  EXPECT_EQ(w.take_rows().front(), "change ship 0");
  EXPECT_EQ(w.client_.stats().full_syncs, 1u);
}

TEST(ClientFlow, CellsReleasedBeforeTheyWereToldLeaveNoGap) {
  World w;
  for (int32_t room = 0; room < 40; ++room) w.add_chat(room, "x");
  w.add_ship(kHere);
  w.client_.subscribe("bag", w.net_.now());
  w.connect();
  // The server takes all three requests while its last word is not accepted.
  w.net_.hold(0, true);
  const SubscriptionId rooms = w.client_.subscribe("chat", w.net_.now());
  w.client_.subscribe("ship", w.net_.now());
  w.client_.unsubscribe(rooms, w.net_.now());
  w.net_.hold(0, false);
  w.net_.settle();
  EXPECT_EQ(w.client_.stats().faults, 0u);
  w.expect_same();
  EXPECT_EQ(w.client_.db().table(kShip).row_count(), 1u);
}

TEST(ClientFlow, IndexReusedInALargeCellSplitsIntoPartsThatFit) {
  World w;
  std::vector<EntityId> lines;
  w.step([&](Transaction& tx) {
    for (int i = 0; i < 303; ++i) {
      lines.push_back(tx.create().value());
      EXPECT_TRUE(tx.insert(lines.back(), Chat{1, std::string(700, 'a')}).ok());
    }
  });
  w.go_live();
  w.commit([&](Transaction& tx) {
    for (const EntityId line : lines) EXPECT_TRUE(tx.destroy(line).ok());
  });
  w.commit([&](Transaction& tx) {
    for (int i = 0; i < 303; ++i) {
      EXPECT_TRUE(tx.insert(tx.create().value(), Chat{1, std::string(700, 'b')}).ok());
    }
  });
  w.publish();
  EXPECT_EQ(w.client_.stats().faults, 0u);
  EXPECT_EQ(w.server_.stats().net_advances, 0u);
  w.expect_same();
}

/// Several clients with small windows and chunks, held up and cut at random, over a short horizon.
class Storm {
 public:
  explicit Storm(uint64_t seed)
      : random_(seed), workload_(random_.stream("workload")), w_(options()) {
    for (size_t i = 0; i < kClients; ++i) {
      clients_.push_back(std::make_unique<Client>(ClientOptions{}, Prng(seed + i)));
      Client& client = *clients_.back();
      ends_.push_back(w_.net_.add(&client));
      // A callback makes the replica compute its events.
      client.on_row("ship", [](const RowEvent&) {});
      for (int k = 0; k < 3; ++k) workload_.subscribe(client, w_.net_.now());
      client.connect(w_.net_.now());
    }
  }

  void round() {
    w_.commit([&](Transaction& tx) {
      for (uint64_t i = random_.below(8); i > 0; --i) workload_.change(tx);
    });
    if (random_.chance(2, 3)) w_.server_.publish(w_.net_.now());
    w_.net_.set_piece_bytes(1 + random_.below(400));
    for (const size_t end : ends_) w_.net_.hold(end, random_.chance(1, 3));
    w_.net_.settle();
    const size_t one = random_.below(kClients);
    if (random_.chance(1, 10)) workload_.subscribe(*clients_[one], w_.net_.now());
    if (random_.chance(1, 50)) w_.net_.cut(ends_[one]);
    if (random_.chance(1, 10)) w_.net_.advance(Duration::ms(300));
  }
  void finish() {
    for (const size_t end : ends_) w_.net_.hold(end, false);
    w_.publish();
    for (int i = 0; i < 12; ++i) w_.net_.advance(Duration::ms(500));
    w_.server_.check_invariants();
    for (const auto& client : clients_) {
      expect_same_state(w_.server_, *client);
      expect_no_fault(*client);
    }
  }
  const ServerStats& stats() const { return w_.server_.stats(); }

 private:
  static constexpr size_t kClients = 4;
  static ServerOptions options() {
    ServerOptions options;
    options.unacked_bytes_max = 1'000;
    options.sync_chunk_bytes = 100;
    options.database.horizon_versions_max = 6;
    return options;
  }

  Prng random_;
  Workload workload_;
  World w_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<size_t> ends_;
};

TEST(ClientFlow, StormsEndInEqualStates) {
  ServerStats sum;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Storm storm(seed);
    for (int i = 0; i < 150; ++i) storm.round();
    storm.finish();
    sum.net_advances += storm.stats().net_advances;
    sum.step_advances += storm.stats().step_advances;
    sum.full_syncs += storm.stats().full_syncs;
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(sum.net_advances, 100u);
  EXPECT_GT(sum.step_advances, 100u);
  EXPECT_GT(sum.full_syncs, 48u);
}

}  // namespace
}  // namespace ecsdb::client_test
