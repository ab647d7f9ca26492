// Writes at their limits, and applications that do what nobody should.
#include <gtest/gtest.h>

#include "ecsdb/client/test_writes.h"

namespace ecsdb::client_test {
namespace {

ErrorCode submit(World& w, WriteDraft draft, const WriteOptions& options = {}) {
  auto id = w.client_.submit(std::move(draft), options, w.net_.now());
  return id.ok() ? ErrorCode::kOk : id.error().code;
}

TEST(ClientWriteLimits, WhatNoFrameTakesIsRefusedAtOnce) {
  WriteWorld w;
  const EntityId chat = w.add_chat(1, "");
  w.go_live();
  EXPECT_EQ(submit(w, w.client_.begin().value()), ErrorCode::kLimitExceeded);
  WriteDraft spawns = w.client_.begin().value();
  for (size_t i = 0; i < kWriteOpsMax; ++i) spawns.spawn();
  EXPECT_EQ(submit(w, spawns), ErrorCode::kOk);
  spawns = w.client_.begin().value();
  for (size_t i = 0; i <= kWriteOpsMax; ++i) spawns.spawn();
  EXPECT_EQ(submit(w, spawns), ErrorCode::kLimitExceeded);
  const std::string line(950, 'x');
  WriteDraft lines = w.client_.begin().value();
  for (int i = 0; i < 32; ++i) {
    // Each is written over the one before, which is its base.
    EXPECT_TRUE(lines.set(kChat, chat, kLine, Value(line.substr(0, 900 + size_t(i)))).ok());
  }
  EXPECT_EQ(submit(w, lines), ErrorCode::kOk);
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(lines.set(kChat, chat, kLine, Value(line)).ok());
  }
  EXPECT_EQ(submit(w, lines), ErrorCode::kLimitExceeded);
  w.tick();
  EXPECT_EQ(w.client_.pending_writes(), 0u);
  EXPECT_EQ(w.client_.stats().connects, 1u);
  w.expect_same();
}

TEST(ClientWriteLimits, BytesOfTheQueueHaveABound) {
  ClientOptions options;
  options.write_bytes_max = 8 * 1024;
  WriteWorld w({}, options);
  const EntityId chat = w.add_chat(1, "");
  w.go_live();
  size_t taken = 0;
  while (true) {
    WriteDraft draft = w.client_.begin().value();
    EXPECT_TRUE(draft.set(kChat, chat, kLine, Value(std::string(900, 'x'))).ok());
    const ErrorCode code = submit(w, draft);
    if (code != ErrorCode::kOk) {
      EXPECT_EQ(code, ErrorCode::kQueueFull);
      break;
    }
    ++taken;
  }
  EXPECT_GE(taken, 2u);
  EXPECT_LE(taken, 8u);
  w.tick();
  EXPECT_EQ(w.client_.pending_writes(), 0u);
}

TEST(ClientWriteLimits, NoneMayBePending) {
  ClientOptions options;
  options.writes_pending_max = 0;
  WriteWorld w({}, options);
  const EntityId ship = w.add_ship(kHere, "anna", true);
  w.go_live();
  WriteDraft draft = w.client_.begin().value();
  draft.despawn(ship);
  EXPECT_EQ(submit(w, draft), ErrorCode::kQueueFull);
  EXPECT_EQ(w.predicted_gold(ship), 7);
}

TEST(ClientWriteDeadlines, PastOnesExpireAndFarOnesDoNot) {
  WriteWorld w;
  const EntityId ship = w.add_ship(kHere, "anna", true);
  w.go_live();
  const auto write = [&](Duration deadline) {
    WriteOptions options;
    options.deadline = deadline;
    w.write(
        [&](WriteDraft& draft) { EXPECT_TRUE(draft.set(kCargo, ship, 0, Value(int64_t{9})).ok()); },
        options);
  };
  write(Duration{-1});
  write(Duration{INT64_MIN / 2});
  w.tick();
  size_t expired = 0;
  for (const WriteOutcome& outcome : w.take_outcomes()) {
    EXPECT_NE(outcome.kind, WriteOutcome::Kind::kApplied);
    expired += outcome.kind == WriteOutcome::Kind::kExpired ? 1 : 0;
  }
  EXPECT_EQ(expired, 2u);
  EXPECT_EQ(w.client_.db().get<Cargo>(ship)->gold, 7);
  write(Duration{INT64_MAX});
  w.tick();
  EXPECT_EQ(w.take_outcomes().at(0).kind, WriteOutcome::Kind::kApplied);
}

// Drafts may be filled side by side, and what they make are different entities.
TEST(ClientDrafts, EntitiesOfTwoDraftsAreTwo) {
  WriteWorld w;
  w.add_ship(kHere);
  w.go_live();
  WriteDraft one = w.client_.begin().value();
  WriteDraft two = w.client_.begin().value();
  const EntityId a = one.spawn();
  const EntityId b = two.spawn();
  ASSERT_NE(a, b);
  EXPECT_TRUE(two.put(b, Ship{kThere, 2, "bea"}).ok());
  EXPECT_TRUE(one.put(a, Ship{kHere, 1, "ada"}).ok());
  // What another one makes may be named once that is submitted before.
  EXPECT_TRUE(one.put(b, Cargo{5}).ok());
  EXPECT_EQ(submit(w, two), ErrorCode::kOk);
  EXPECT_EQ(submit(w, one), ErrorCode::kOk);
  EXPECT_EQ(submit(w, two), ErrorCode::kWriteReused);
  w.tick();
  EXPECT_EQ(submit(w, two), ErrorCode::kWriteReused);
  EXPECT_EQ(w.client_.db().get<Ship>(w.client_.entity(a))->name, "ada");
  EXPECT_EQ(w.client_.db().get<Ship>(w.client_.entity(b))->name, "bea");
  EXPECT_EQ(w.client_.db().get<Cargo>(w.client_.entity(b))->gold, 5);
}

TEST(ClientDrafts, EntityOfADraftThatIsNotSubmittedIsUnknown) {
  WriteWorld w;
  w.add_ship(kHere);
  w.go_live();
  WriteDraft never = w.client_.begin().value();
  const EntityId nobody = never.spawn();
  w.write([&](WriteDraft& draft) { EXPECT_TRUE(draft.put(nobody, Cargo{5}).ok()); });
  w.tick();
  const auto outcomes = w.take_outcomes();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].code, ErrorCode::kUnknownEntity);
  EXPECT_EQ(w.predicted_gold(nobody), -1);
}

// An application knows indices of one schema, and the server has another.
TEST(ClientDrafts, TablesAndFieldsThatThereAreNotAreRefused) {
  WriteWorld w;
  const EntityId ship = w.add_ship(kHere);
  w.go_live();
  WriteDraft draft = w.client_.begin().value();
  EXPECT_EQ(draft.set(kShip, ship, 9, Value{uint64_t{1}}).code(), ErrorCode::kUnknownField);
  EXPECT_EQ(draft.set(9, ship, 0, Value{uint64_t{1}}).code(), ErrorCode::kUnknownTable);
  EXPECT_EQ(draft.put(9, ship, {}).code(), ErrorCode::kUnknownTable);
  draft.remove(9, ship);
  EXPECT_EQ(submit(w, std::move(draft)), ErrorCode::kUnknownTable);
  for (const uint16_t field : {uint16_t{3}, uint16_t{9}}) {
    EXPECT_EQ(w.client_.db().value(kShip, ship, field).code(), ErrorCode::kUnknownField);
    EXPECT_EQ(w.client_.predicted().value(kShip, ship, field).code(), ErrorCode::kUnknownField);
  }
  EXPECT_EQ(w.client_.db().value(9, ship, 0).code(), ErrorCode::kUnknownTable);
  EXPECT_EQ(w.client_.predicted().value(9, ship, 0).code(), ErrorCode::kUnknownTable);
}

TEST(ClientDrafts, MovedFromDraftIsEmpty) {
  WriteWorld w;
  w.add_ship(kHere);
  w.go_live();
  WriteDraft draft = w.client_.begin().value();
  draft.spawn();
  EXPECT_TRUE(w.client_.submit(std::move(draft), w.net_.now()).ok());
  const auto again = w.client_.submit(std::move(draft), w.net_.now());  // NOLINT
  EXPECT_EQ(again.error().code, ErrorCode::kLimitExceeded);
}

// ---- Callbacks ----

TEST(ClientWriteCallbacks, SubmitAndDisconnectInsideThem) {
  WriteWorld w;
  const EntityId ship = w.add_ship(kHere, "anna", true);
  w.go_live();
  int left = 5;
  w.client_.on_outcome([&](const WriteOutcome&) {
    if (left-- > 0) w.set_gold(ship, 100 + left);
    if (left == 2) w.client_.disconnect(w.net_.now());
  });
  w.set_gold(ship, 100);
  for (int i = 0; i < 8; ++i) w.tick();
  EXPECT_EQ(w.client_.pending_writes(), 1u);  // of the callback that disconnected
  w.client_.connect(w.net_.now());
  for (int i = 0; i < 8; ++i) w.tick();
  EXPECT_EQ(w.client_.pending_writes(), 0u);
  EXPECT_EQ(w.client_.db().get<Cargo>(ship)->gold, 100);
  EXPECT_EQ(w.server_.stats().writes_applied, 6u);
}

TEST(ClientWriteCallbacks, SubmitInsideAPredictedRow) {
  WriteWorld w;
  const EntityId ship = w.add_ship(kHere, "anna", true);
  w.go_live();
  int left = 20;
  w.client_.on_predicted_row("cargo", [&](const RowEvent&) {
    if (left-- > 0) w.set_gold(ship, left);
  });
  w.set_gold(ship, 100);
  for (int i = 0; i < 40; ++i) w.tick();
  EXPECT_EQ(w.client_.pending_writes(), 0u);
  EXPECT_EQ(w.predicted_gold(ship), 0);
  EXPECT_EQ(w.client_.db().get<Cargo>(ship)->gold, 0);
}

TEST(ClientWriteCallbacks, ClientMayGoInsideAnOutcome) {
  WriteWorld w;
  const EntityId ship = w.add_ship(kHere, "anna", true);
  std::optional<Client> other(std::in_place, ClientOptions{}, Prng(9));
  World::bind(*other);
  w.net_.add(&*other);
  for (const char* table : {"ship", "cargo"}) other->subscribe(table, w.net_.now());
  other->connect(w.net_.now());
  w.net_.settle();
  for (int i = 0; i < 2; ++i) {
    other->on_outcome([&](const WriteOutcome&) {
      w.net_.forget(1);
      other.reset();
    });
  }
  other->on_predicted_row("cargo", [&](const RowEvent&) { EXPECT_TRUE(other.has_value()); });
  WriteDraft draft = other->begin().value();
  EXPECT_TRUE(draft.set(kCargo, ship, 0, Value(int64_t{9})).ok());
  EXPECT_TRUE(other->submit(std::move(draft), w.net_.now()).ok());
  w.net_.settle();
  w.commit([](Transaction&) {});
  w.server_.publish(w.net_.now());
  w.net_.settle();
  EXPECT_FALSE(other.has_value());
}

// ---- A server that does what it must not ----

}  // namespace
}  // namespace ecsdb::client_test
