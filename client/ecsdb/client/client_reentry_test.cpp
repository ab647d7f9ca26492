// What a callback may do to the client that called it.
#include <gtest/gtest.h>

#include "ecsdb/client/test_fixture.h"
#include "ecsdb/client/test_workload.h"

namespace ecsdb::client_test {
namespace {

constexpr Vec2f kHere{10, 10};
constexpr Vec2f kThere{100, 100};

/// Several cuts wait in the client: it was not polled meanwhile.
void queue_cuts(World& w, EntityId entity, int count) {
  w.net_.set_poll(false);
  for (int i = 0; i < count; ++i) {
    w.step([&](Transaction& tx) {
      EXPECT_TRUE(tx.set(kShip, entity, kPaint, static_cast<uint64_t>(100 + i)).ok());
    });
  }
}

TEST(ClientReentry, ReadsShowExactlyTheCutOfTheEvent) {
  World w;
  const EntityId entity = w.add_ship(kHere);
  w.go_live();
  std::vector<uint64_t> paints;
  std::vector<uint64_t> cuts;
  w.client_.on_row("ship", [&](const RowEvent&) {
    paints.push_back(w.client_.db().get<Ship>(entity)->paint);
    cuts.push_back(w.client_.db().cut().value);
  });
  const uint64_t start = w.client_.db().cut().value;
  queue_cuts(w, entity, 3);
  EXPECT_TRUE(paints.empty());
  EXPECT_EQ(w.client_.poll(w.net_.now()), 3u);
  EXPECT_EQ(paints, (std::vector<uint64_t>{100, 101, 102}));
  EXPECT_EQ(cuts, (std::vector<uint64_t>{start + 1, start + 2, start + 3}));
}

TEST(ClientReentry, CallbackSubscribesAndUnsubscribes) {
  World w;
  const EntityId entity = w.add_ship(kHere);
  w.add_chat(1, "hello");
  const SubscriptionId ships = w.client_.subscribe("ship", w.net_.now());
  w.connect();
  w.log_rows();
  w.client_.on_row("ship", entity, [&](const RowEvent& event) {
    if (event.kind != RowEventKind::kChange) return;
    w.client_.subscribe("chat", w.net_.now());
    w.client_.unsubscribe(ships, w.net_.now());
  });
  w.step([&](Transaction& tx) { EXPECT_TRUE(tx.set(kShip, entity, kPaint, uint64_t{3}).ok()); });
  EXPECT_EQ(w.take_rows().front(), "change ship 0");
  EXPECT_FALSE(w.client_.db().contains<Ship>(entity));
  EXPECT_EQ(w.client_.db().table(kChat).row_count(), 1u);
}

TEST(ClientReentry, CallbackDisconnectsAndLaterCutsAreNotApplied) {
  World w;
  const EntityId entity = w.add_ship(kHere);
  w.go_live();
  w.client_.on_row("ship", [&](const RowEvent&) { w.client_.disconnect(w.net_.now()); });
  queue_cuts(w, entity, 3);
  EXPECT_EQ(w.client_.poll(w.net_.now()), 1u);
  EXPECT_EQ(w.client_.db().get<Ship>(entity)->paint, 100);
  EXPECT_EQ(w.client_.sync().phase, SyncStatus::Phase::kIdle);
  w.net_.settle();
  const auto events = w.take_server_events();
  EXPECT_EQ(last_of(events, ServerEvent::Kind::kClosed)->code, ErrorCode::kClientLeft);
}

TEST(ClientReentry, CallbackReconnects) {
  World w;
  const EntityId entity = w.add_ship(kHere);
  w.go_live();
  bool once = true;
  w.client_.on_row("ship", [&](const RowEvent&) {
    if (!std::exchange(once, false)) return;
    w.client_.disconnect(w.net_.now());
    w.client_.connect(w.net_.now());
  });
  w.move_ship(entity, kThere);
  EXPECT_EQ(w.client_.sync().phase, SyncStatus::Phase::kLive);
  EXPECT_EQ(w.client_.stats().resumes, 1u);
  w.expect_same();
}

TEST(ClientReentry, CallbackDestroysTheClient) {
  for (const bool by_entity_event : {false, true}) {
    World w;
    const EntityId entity = w.add_ship(kHere);
    auto client = std::make_unique<Client>(ClientOptions{}, Prng(2));
    World::bind(*client);
    const size_t end = w.net_.add(client.get());
    client->subscribe("ship", w.net_.now());
    client->connect(w.net_.now());
    w.net_.settle();
    int calls = 0;
    auto destroy = [&] {
      ++calls;
      client.reset();
    };
    if (by_entity_event) {
      client->on_entity([&](const EntityEvent&) { destroy(); });
    } else {
      client->on_row("ship", [&](const RowEvent&) { destroy(); });
      client->on_row("ship", [&](const RowEvent&) { ++calls; });
    }
    queue_cuts(w, entity, 2);
    Client* raw = client.get();
    EXPECT_EQ(raw->poll(w.net_.now()), 1u);
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(client, nullptr);
    w.net_.forget(end);
  }
}

TEST(ClientReentry, ClientMovesWhilePolling) {
  World w;
  const EntityId entity = w.add_ship(kHere);
  w.go_live();
  std::unique_ptr<Client> moved;
  w.client_.on_row("ship", [&](const RowEvent&) {
    if (!moved) moved = std::make_unique<Client>(std::move(w.client_));
  });
  queue_cuts(w, entity, 2);
  EXPECT_EQ(w.client_.poll(w.net_.now()), 2u);
  EXPECT_EQ(moved->db().get<Ship>(entity)->paint, 101);
  w.net_.forget(0);
}

TEST(ClientReentryDeathTest, PollInsideACallbackIsACheck) {
  World w;
  const EntityId entity = w.add_ship(kHere);
  w.go_live();
  w.client_.on_row("ship", [&](const RowEvent&) { w.client_.poll(w.net_.now()); });
  queue_cuts(w, entity, 1);
  EXPECT_DEATH(w.client_.poll(w.net_.now()), "check failed");
}

/// A client whose callbacks do whatever a seed says; a second one only watches.
class RandomProgram {
 public:
  explicit RandomProgram(uint64_t seed) : random_(seed), workload_(random_.stream("workload")) {
    World::bind(watcher_);
    w_.net_.add(&watcher_);
    for (const char* table : kTableNames) watcher_.subscribe(table, w_.net_.now());
    watcher_.connect(w_.net_.now());
    add_callback();
    w_.client_.connect(w_.net_.now());
    w_.net_.settle();
  }

  size_t operations() const { return operations_; }

  void round() {
    w_.commit([&](Transaction& tx) {
      for (int i = 0; i < 6; ++i) workload_.change(tx);
    });
    operations_ += 6;
    if (random_.chance(3, 4)) w_.server_.publish(w_.net_.now());
    if (random_.chance(1, 4)) act();
    if (random_.chance(1, 40)) w_.net_.cut(0);
    w_.net_.settle();
    if (random_.chance(1, 6)) w_.net_.advance(Duration::seconds(2));
  }

  void finish() {
    for (const CallbackId id : callbacks_) w_.client_.remove_callback(id);
    for (const SubscriptionId id : subscriptions_) w_.client_.unsubscribe(id, w_.net_.now());
    w_.client_.connect(w_.net_.now());
    w_.subscribe_all();
    w_.publish();
    w_.net_.advance(Duration::seconds(6));
    w_.net_.advance(Duration::seconds(1));
    w_.expect_same();
    expect_same_state(w_.server_, watcher_);
    expect_no_fault(watcher_);
    expect_no_fault(w_.client_);
    EXPECT_EQ(watcher_.stats().full_syncs, 1u);
    w_.server_.check_invariants();
  }

 private:
  void add_callback() {
    if (callbacks_.size() > 12) return;
    const std::string table = kTableNames[random_.below(4)];
    callbacks_.push_back(
        random_.chance(1, 3)
            ? w_.client_.on_entity([this](const EntityEvent& event) { on_entity(event); })
            : w_.client_.on_row(table, [this](const RowEvent& event) { on_row(event); }));
  }
  void on_row(const RowEvent& event) {
    const bool is_here = event.kind != RowEventKind::kRemove && event.kind != RowEventKind::kLeave;
    EXPECT_EQ(w_.client_.db().contains(event.table, event.entity), is_here);
    act();
  }
  void on_entity(const EntityEvent& event) {
    bool is_here = false;
    for (size_t t = 0; t < 4; ++t) is_here |= w_.client_.db().contains(t, event.entity);
    EXPECT_EQ(is_here, event.kind != EntityEventKind::kGone);
    act();
  }
  void act() {
    ++operations_;
    switch (random_.below(40)) {
      case 0:
      case 1:
        add_callback();
        break;
      case 2:
        if (callbacks_.size() < 2) break;
        w_.client_.remove_callback(callbacks_.front());
        callbacks_.erase(callbacks_.begin());
        break;
      case 3:
      case 4:
        if (subscriptions_.size() == 8) break;
        subscriptions_.push_back(workload_.subscribe(w_.client_, w_.net_.now()));
        break;
      case 5:
        if (subscriptions_.empty()) break;
        w_.client_.unsubscribe(subscriptions_.front(), w_.net_.now());
        subscriptions_.erase(subscriptions_.begin());
        break;
      case 6:
        if (!random_.chance(1, 20)) break;
        w_.client_.disconnect(w_.net_.now());
        w_.client_.connect(w_.net_.now());
        break;
      default:
        break;
    }
  }
  Prng random_;
  Workload workload_;
  World w_;
  Client watcher_{ClientOptions{}, Prng(3)};
  std::vector<CallbackId> callbacks_;
  std::vector<SubscriptionId> subscriptions_;
  size_t operations_ = 0;
};

TEST(ClientReentry, RandomProgramsKeepTheReplicaExact) {
  size_t operations = 0;
  uint64_t seed = 0;
  while (operations < 100'000) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomProgram program(seed++);
    for (int i = 0; i < 200; ++i) program.round();
    program.finish();
    operations += program.operations();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace ecsdb::client_test
