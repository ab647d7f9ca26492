// Writes of a client, to a server and back.
#include <gtest/gtest.h>

#include "ecsdb/client/test_writes.h"

namespace ecsdb::client_test {
namespace {

TEST(ClientWrites, SetShowsAtOnceAndIsConfirmedWithoutFlicker) {
  WriteWorld w;
  const EntityId ship = w.add_ship(kHere, "anna", true);
  w.go_live();
  w.take_predicted();
  const WriteId id = w.set_gold(ship, 12);
  EXPECT_EQ(w.client_.write_state(id), WriteState::kQueued);
  EXPECT_EQ(w.predicted_gold(ship), 12);
  EXPECT_EQ(w.client_.db().get<Cargo>(ship)->gold, 7);
  EXPECT_EQ(w.client_.pending_writes(), 1u);
  w.client_.poll(w.net_.now());
  EXPECT_EQ(w.take_predicted(), (Log{"change cargo"}));
  w.net_.settle();
  EXPECT_EQ(w.client_.write_state(id), WriteState::kSent);
  w.tick();
  EXPECT_EQ(w.client_.write_state(id), WriteState::kDone);
  EXPECT_EQ(w.client_.write_state(WriteId{id.value + 1}), WriteState::kNone);
  EXPECT_EQ(w.predicted_gold(ship), 12);
  EXPECT_EQ(w.client_.db().get<Cargo>(ship)->gold, 12);
  EXPECT_EQ(w.client_.pending_writes(), 0u);
  EXPECT_EQ(w.take_predicted(), Log{});
  const auto outcomes = w.take_outcomes();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].id, id);
  EXPECT_EQ(outcomes[0].kind, WriteOutcome::Kind::kApplied);
  EXPECT_EQ(outcomes[0].version, w.client_.db().cut());
  w.expect_same();
}

TEST(ClientWrites, StaleSumIsMergedAndTheFinalValueTold) {
  WriteWorld w;
  const EntityId ship = w.add_ship(kHere, "anna", true);
  w.go_live();
  w.set_gold(ship, 12);  // 7 + 5
  w.commit([&](Transaction& tx) { EXPECT_TRUE(tx.set(ship, Cargo{100}).ok()); });
  w.tick();
  EXPECT_EQ(w.client_.db().get<Cargo>(ship)->gold, 105);
  EXPECT_EQ(w.predicted_gold(ship), 105);
  const auto outcomes = w.take_outcomes();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].kind, WriteOutcome::Kind::kMerged);
  ASSERT_EQ(outcomes[0].finals.size(), 1u);
  EXPECT_EQ(outcomes[0].finals[0].value, Value(int64_t{105}));
  ASSERT_EQ(w.server_.decided_conflicts().size(), 1u);
  EXPECT_EQ(w.server_.decided_conflicts()[0].rule, ConflictRule::kMerged);
  EXPECT_EQ(w.server_.stats().conflicts, 1u);
}

TEST(ClientWrites, OverlayIsRebasedWhenOthersChangeTheField) {
  WriteWorld w;
  const EntityId ship = w.add_ship(kHere, "anna", true);
  w.go_live();
  w.net_.hold(0, true);
  w.set_gold(ship, 12);
  w.net_.hold(0, false);
  w.client_.poll(w.net_.now());
  w.take_predicted();
  // The write is not sent yet: the change of another comes first.
  w.commit([&](Transaction& tx) { EXPECT_TRUE(tx.set(ship, Cargo{50}).ok()); });
  w.publish();
  EXPECT_EQ(w.client_.db().get<Cargo>(ship)->gold, 50);
  EXPECT_EQ(w.predicted_gold(ship), 55);
  EXPECT_EQ(w.take_predicted(), (Log{"change cargo"}));
  w.tick();
  EXPECT_EQ(w.predicted_gold(ship), 55);
  EXPECT_EQ(w.take_predicted(), Log{});
}

TEST(ClientWrites, StaleServerFieldRejectsTheWholeWrite) {
  WriteWorld w;
  const EntityId ship = w.add_ship(kHere, "anna", true);
  w.go_live();
  w.write([&](WriteDraft& draft) {
    EXPECT_TRUE(draft.set(kCargo, ship, 0, Value(int64_t{9})).ok());
    EXPECT_TRUE(draft.set(kShip, ship, kPos, Value(kThere)).ok());
  });
  w.commit([&](Transaction& tx) { EXPECT_TRUE(tx.set(kShip, ship, kPos, Vec2f{11, 11}).ok()); });
  w.tick();
  const auto outcomes = w.take_outcomes();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].kind, WriteOutcome::Kind::kRejected);
  EXPECT_EQ(outcomes[0].code, ErrorCode::kConflict);
  EXPECT_EQ(outcomes[0].reason, "ship.pos");
  EXPECT_EQ(w.predicted_gold(ship), 7);
  EXPECT_EQ(w.client_.predicted().get<Ship>(ship)->pos, (Vec2f{11, 11}));
  w.expect_same();
}

TEST(ClientWrites, OwnEarlierWritesAreNoConflict) {
  WriteWorld w;
  const EntityId ship = w.add_ship(kHere, "anna", true);
  w.go_live();
  w.set_pos(ship, {20, 20});
  w.set_pos(ship, {30, 30});
  w.set_pos(ship, {40, 40});
  w.tick();
  for (const WriteOutcome& outcome : w.take_outcomes()) {
    EXPECT_EQ(outcome.kind, WriteOutcome::Kind::kApplied);
  }
  EXPECT_EQ(w.client_.db().get<Ship>(ship)->pos, (Vec2f{40, 40}));
  EXPECT_EQ(w.server_.stats().conflicts, 0u);
}

TEST(ClientWrites, ProvisionalEntityMayBeNamedByLaterWritesAndFollows) {
  WriteWorld w;
  w.add_ship(kHere);
  w.go_live();
  EntityId ship;
  w.write([&](WriteDraft& draft) {
    ship = draft.spawn();
    EXPECT_TRUE(draft.put(ship, Ship{kThere, 4, "nova"}).ok());
  });
  EXPECT_TRUE(is_provisional(ship));
  w.write([&](WriteDraft& draft) { EXPECT_TRUE(draft.put(ship, Cargo{3}).ok()); });
  EXPECT_EQ(w.client_.predicted().get<Ship>(ship)->name, "nova");
  EXPECT_EQ(w.predicted_gold(ship), 3);
  w.client_.poll(w.net_.now());
  EXPECT_EQ(w.take_predicted(), (Log{"enter ship", "insert ship", "insert cargo"}));
  w.tick();
  const EntityId real = w.client_.entity(ship);
  EXPECT_FALSE(is_provisional(real));
  EXPECT_EQ(w.take_predicted(), Log{});
  EXPECT_EQ(w.client_.db().get<Ship>(real)->name, "nova");
  EXPECT_EQ(w.client_.db().get<Cargo>(real)->gold, 3);
  EXPECT_EQ(w.predicted_gold(ship), 3);
  EXPECT_EQ(w.take_outcomes().size(), 2u);
}

TEST(ClientWrites, QueuedWhileOfflineAndSentInOrder) {
  WriteWorld w;
  const EntityId ship = w.add_ship(kHere, "anna", true);
  w.go_live();
  w.net_.cut(0);
  for (int64_t i = 1; i <= 20; ++i) w.set_gold(ship, 7 + i);
  EXPECT_EQ(w.predicted_gold(ship), 27);
  w.net_.advance(Duration::seconds(6));
  w.tick();
  EXPECT_EQ(w.take_outcomes().size(), 20u);
  EXPECT_EQ(w.client_.db().get<Cargo>(ship)->gold, 27);
  EXPECT_EQ(w.server_.stats().writes_applied, 20u);
}

TEST(ClientWrites, LostOutcomeComesAgainAndNothingIsAppliedTwice) {
  WriteWorld w;
  const EntityId ship = w.add_ship(kHere, "anna", true);
  w.go_live();
  w.set_gold(ship, 8);
  w.net_.settle();
  w.net_.hold(0, true);
  w.step([](Transaction&) {});
  w.net_.cut(0);
  w.net_.hold(0, false);
  w.net_.advance(Duration::seconds(6));
  w.tick();
  EXPECT_EQ(w.take_outcomes().size(), 1u);
  EXPECT_EQ(w.client_.db().get<Cargo>(ship)->gold, 8);
  EXPECT_EQ(w.server_.stats().writes_applied, 1u);
  EXPECT_EQ(w.server_.stats().writes_repeated, 1u);
}

TEST(ClientWrites, FullQueueRefusesAndKeepsWhatItHas) {
  ClientOptions options;
  options.writes_pending_max = 2;
  WriteWorld w({}, options);
  const EntityId ship = w.add_ship(kHere, "anna", true);
  w.go_live();
  w.set_gold(ship, 8);
  w.set_gold(ship, 9);
  WriteDraft draft = w.client_.begin().value();
  EXPECT_TRUE(draft.set(kCargo, ship, 0, Value(int64_t{10})).ok());
  EXPECT_EQ(w.client_.submit(std::move(draft), w.net_.now()).error().code, ErrorCode::kQueueFull);
  EXPECT_EQ(w.predicted_gold(ship), 9);
  w.tick();
  EXPECT_EQ(w.client_.db().get<Cargo>(ship)->gold, 9);
}

TEST(ClientWrites, RateIsKeptByComingAgain) {
  ServerOptions options;
  options.write_rate = 10;
  options.write_burst = 5;
  WriteWorld w(options);
  const EntityId ship = w.add_ship(kHere, "anna", true);
  w.go_live();
  for (int64_t i = 1; i <= 12; ++i) w.set_gold(ship, 7 + i);
  w.tick();
  EXPECT_EQ(w.server_.stats().writes_taken, 5u);
  EXPECT_GT(w.server_.stats().writes_refused, 0u);
  for (int i = 0; i < 10; ++i) {
    w.net_.advance(Duration::ms(500));
    w.tick();
  }
  EXPECT_EQ(w.take_outcomes().size(), 12u);
  EXPECT_EQ(w.client_.db().get<Cargo>(ship)->gold, 19);
}

TEST(ClientWrites, DeadlineOfWhatNeverLeftExpires) {
  WriteWorld w;
  const EntityId ship = w.add_ship(kHere, "anna", true);
  w.go_live();
  w.net_.cut(0);
  WriteOptions options;
  options.deadline = Duration::ms(10);
  w.write(
      [&](WriteDraft& draft) { EXPECT_TRUE(draft.set(kCargo, ship, 0, Value(int64_t{9})).ok()); },
      options);
  EXPECT_EQ(w.predicted_gold(ship), 9);
  w.net_.advance(Duration::seconds(6));
  const auto outcomes = w.take_outcomes();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].kind, WriteOutcome::Kind::kExpired);
  EXPECT_EQ(w.predicted_gold(ship), 7);
  w.tick();
  EXPECT_EQ(w.client_.db().get<Cargo>(ship)->gold, 7);
}

TEST(ClientWrites, WhoSubscribesToNothingIsToldAllTheSame) {
  WriteWorld w;
  const EntityId ship = w.add_ship(kHere, "anna", true);
  w.client_.connect(w.net_.now());
  w.net_.settle();
  w.set_gold(ship, 9);
  EXPECT_EQ(w.predicted_gold(ship), -1);  // the row is not held
  w.tick();
  const auto outcomes = w.take_outcomes();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].kind, WriteOutcome::Kind::kApplied);
}

TEST(ClientWrites, DroppedTransactionDecidesThemAgain) {
  WriteWorld w;
  const EntityId ship = w.add_ship(kHere, "anna", true);
  w.go_live();
  w.set_gold(ship, 9);
  w.net_.settle();
  {
    Transaction dropped = w.server_.begin(w.net_.now());
    EXPECT_EQ(dropped.database().get<Cargo>(ship)->gold, 9);
  }
  EXPECT_EQ(w.server_.database().get<Cargo>(ship)->gold, 7);
  EXPECT_TRUE(w.server_.has_writes());
  w.tick();
  EXPECT_EQ(w.client_.db().get<Cargo>(ship)->gold, 9);
  EXPECT_EQ(w.server_.stats().writes_applied, 1u);
  EXPECT_FALSE(w.server_.has_writes());
}

TEST(ClientWrites, SettlingKeepsDeadlines) {
  ServerOptions server;
  server.writes_bytes_max = 70;
  server.writes_per_commit_max = 1;
  ClientOptions options;
  options.heartbeat_interval = Duration::ms(20);
  WriteWorld w(server, options);
  const EntityId ship = w.add_ship(kHere, "anna", true);
  w.go_live();
  w.net_.advance(Duration::ms(30));
  WriteOptions soon;
  soon.deadline = Duration::ms(500);
  for (int64_t i = 1; i <= 4; ++i) {
    w.write([&](WriteDraft& d) { EXPECT_TRUE(d.set(kCargo, ship, 0, Value(100 + i)).ok()); }, soon);
  }
  w.net_.settle();
  w.step([](Transaction&) {});
  w.net_.advance(Duration::ms(30));
  w.net_.advance(Duration::seconds(2));
  for (int i = 0; i < 5; ++i) w.step([](Transaction&) {});
  EXPECT_EQ(w.client_.db().get<Cargo>(ship)->gold, 101);
}

TEST(ClientWrites, WhatIsReferredToCountsInTheWindow) {
  ServerOptions server;
  server.writes_waiting_max = 4;
  server.writes_per_commit_max = 1;
  WriteWorld w(server);
  w.add_ship(kHere, "anna", true);
  w.go_live();
  EntityId p;
  w.write([&](WriteDraft& d) {
    p = d.spawn();
    EXPECT_TRUE(d.put(p, Ship{kThere, 2, "bea"}).ok());
  });
  for (int64_t i = 0; i < 8; ++i)
    w.write([&](WriteDraft& d) { EXPECT_TRUE(d.set(kShip, p, kPaint, Value(uint64_t(i))).ok()); });
  w.net_.settle();
  for (int i = 0; i < 12; ++i) {
    w.tick();
    w.net_.advance(Duration::ms(60));
  }
  EXPECT_EQ(w.server_.stats().writes_refused, 0u);
  EXPECT_EQ(w.client_.pending_writes(), 0u);
}

TEST(ClientWrites, CallbackOfAProvisionalEntityFollowsIt) {
  WriteWorld w;
  w.add_ship(kHere);
  w.go_live();
  EntityId entity;
  w.write([&](WriteDraft& draft) {
    entity = draft.spawn();
    EXPECT_TRUE(draft.put(entity, Ship{kThere, 2, "bea"}).ok());
    EXPECT_TRUE(draft.put(entity, Cargo{5}).ok());
  });
  int told = 0;
  w.client_.on_predicted_row("cargo", entity, [&](const RowEvent&) { ++told; });
  w.tick();
  told = 0;
  w.set_gold(entity, 77);
  w.tick();
  EXPECT_EQ(w.predicted_gold(entity), 77);
  EXPECT_GE(told, 1);
}

TEST(ClientWrites, OutcomesAloneMakeNoRowEvents) {
  WriteWorld w;
  World w2({}, {}, writable());
  w2.client_.on_outcome([](const WriteOutcome&) {});
  const EntityId ship = w2.add_ship(kHere, "anna", true);
  w2.go_live();
  w2.move_ship(ship, kThere);
  EXPECT_EQ(w2.client_.stats().rows_changed, 0u);
}

TEST(ClientWrites, CallbacksOfAllKindsAreRemovedByTheirIds) {
  World w({}, {}, writable());
  int rows = 0;
  int predicted = 0;
  w.client_.on_row("ship", [&](const RowEvent&) { ++rows; });
  const CallbackId id = w.client_.on_predicted_row("ship", [&](const RowEvent&) { ++predicted; });
  const EntityId ship = w.add_ship(kHere, "anna", true);
  w.go_live();
  EXPECT_EQ(rows, 1);
  EXPECT_EQ(predicted, 1);
  w.client_.remove_callback(id);
  w.move_ship(ship, kThere);
  EXPECT_EQ(rows, 2);
  EXPECT_EQ(predicted, 1);
}

/// Counts those that live.
struct Counted {
  explicit Counted(int* count) : alive(count) { ++*alive; }
  Counted(const Counted& other) : alive(other.alive) { ++*alive; }
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*alive; }
  int* alive;
};

TEST(ClientWrites, CallbackOfAWriteGoesWithItsOutcome) {
  WriteWorld w;
  const EntityId ship = w.add_ship(kHere, "anna", true);
  w.go_live();
  int alive = 0;
  int told = 0;
  for (int i = 0; i < 10; ++i) {
    const WriteId id = w.set_gold(ship, i);
    w.client_.on_outcome(id, [&told, counted = Counted(&alive)](const WriteOutcome&) { ++told; });
    EXPECT_EQ(alive, 1);
    w.tick();
  }
  EXPECT_EQ(told, 10);
  EXPECT_EQ(alive, 0);
}

TEST(ClientDrafts, TakeNothingBehindTooManySpawns) {
  WriteWorld w;
  const EntityId ship = w.add_ship(kHere, "anna", true);
  w.go_live();
  WriteDraft d = w.client_.begin().value();
  for (size_t i = 0; i <= kWriteOpsMax; ++i) d.spawn();
  EXPECT_EQ(d.set(kCargo, ship, 0, Value(int64_t{1})).code(), ErrorCode::kLimitExceeded);
}

}  // namespace
}  // namespace ecsdb::client_test
