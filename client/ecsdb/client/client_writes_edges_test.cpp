// Writes at their limits, and servers and applications that do what nobody should.
#include <gtest/gtest.h>

#include "ecsdb/client/test_script.h"
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

class HostileOutcomes : public Script, public testing::Test {
 protected:
  explicit HostileOutcomes(ClientOptions options = {}) : Script(std::move(options)) {
    schema_ = writable();
    client_.on_outcome([this](const WriteOutcome& outcome) { told_.push_back(outcome); });
  }
  AuthReply reply_for_writers() const {
    AuthReply reply = reply_for(schema_);
    reply.writes_waiting_max = 1000;
    return reply;
  }
  void go_live_writing() {
    client_.subscribe("ship", now());
    dial();
    greet();
    send(MessageType::kAuthReply, reply_for_writers());
    send(MessageType::kSchemaPart, SchemaPart{0, encode_schema(schema_.def())});
    send(MessageType::kSyncBegin, SyncBegin{Version{5}, 0, 0});
    send_advance(MessageType::kAdvance, end_of_sync());
    client_.poll(now());
    ASSERT_EQ(client_.sync().phase, SyncStatus::Phase::kLive);
    take_sent();
  }
  EntityId spawn() {
    WriteDraft draft = client_.begin().value();
    const EntityId entity = draft.spawn();
    EXPECT_TRUE(draft.put(kShip, entity, {}).ok());
    EXPECT_TRUE(client_.submit(std::move(draft), now()).ok());
    return entity;
  }
  static Outcome of(uint64_t sequence) {
    Outcome outcome;
    outcome.sequence = sequence;
    outcome.version = Version{5};
    return outcome;
  }
  /// What it sends now of `writes`, as one.
  Writes sent_writes() {
    const size_t preface = preface_seen_ ? 0 : kPrefaceBytes;
    take_sent();
    FrameReader reader(FrameLimits{});
    reader.feed(ByteSpan(sent_).subspan(preface));
    Writes all;
    while (true) {
      auto frame = reader.next();
      EXPECT_TRUE(frame.ok());
      if (!frame.ok() || !frame->has_value()) return all;
      if ((*frame)->type != MessageType::kWrites) continue;
      Writes one;
      EXPECT_TRUE(decode_message((*frame)->head, one).ok());
      all.settled_below = one.settled_below;
      all.entries.insert(all.entries.end(), one.entries.begin(), one.entries.end());
    }
  }

  std::vector<WriteOutcome> told_;
};

TEST_F(HostileOutcomes, OfUnknownSequencesAndOddShapesDoNoHarm) {
  go_live_writing();
  const EntityId entity = spawn();
  EXPECT_EQ(sent_writes().entries.size(), 1u);
  Outcome odd = of(1);
  odd.kind = OutcomeKind::kMerged;
  odd.made = {EntityId{77}, EntityId{78}, entity, EntityId{}};
  CanonicalValue value;
  value.kind = 1;
  value.lanes.lane[0] = ~uint64_t{0};
  odd.finals = {{0, FieldId{1}, value},
                {1, FieldId{2}, value},
                {1, FieldId{99}, value},
                {9, FieldId{1}, value},
                {256, FieldId{2}, value}};
  Outcomes message{true, {of(0), of(2), of(~uint64_t{0}), odd, odd, of(1)}};
  send(MessageType::kOutcomes, message);
  client_.poll(now());
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].made.size(), 1u);
  EXPECT_TRUE(told_[0].finals.empty());  // none of them fits its field
  EXPECT_EQ(client_.entity(entity), EntityId{77});
  EXPECT_EQ(client_.pending_writes(), 0u);
  EXPECT_EQ(client_.stats().faults, 0u);
}

TEST_F(HostileOutcomes, InTheMiddleOfAnAdvanceAreAFault) {
  go_live_writing();
  send_advance(MessageType::kAdvance, step(5, 6, true, false));
  send(MessageType::kOutcomes, Outcomes{false, {of(1)}});
  expect_fault(ErrorCode::kUnexpectedMessage);
}

TEST_F(HostileOutcomes, BeforeTheConnectionIsReadyAreAFault) {
  dial();
  greet();
  send(MessageType::kOutcomes, Outcomes{true, {of(1)}});
  expect_fault(ErrorCode::kUnexpectedMessage);
}

class HostileFloods : public HostileOutcomes {
 protected:
  HostileFloods() : HostileOutcomes(options()) {}
  static ClientOptions options() {
    ClientOptions options;
    options.pending_bytes_max = 1024 * 1024;
    return options;
  }
  size_t flood(bool are_alone, bool polls) {
    size_t frames = 0;
    for (; frames < 1000 && client_.stats().faults == 0; ++frames) {
      Outcomes message{are_alone, std::vector<Outcome>(kOutcomesPerFrameMax, of(1))};
      send(MessageType::kOutcomes, message);
      if (polls) client_.poll(now());
    }
    return frames;
  }
};

TEST_F(HostileFloods, OutcomesThatAreNotPolledCountTheirMemory) {
  go_live_writing();
  EXPECT_LT(flood(true, false) * kOutcomesPerFrameMax * sizeof(Outcome), 2u * 1024 * 1024);
  expect_fault(ErrorCode::kClientLimit);
}

TEST_F(HostileFloods, OutcomesWithoutAnAdvanceCountTheirMemory) {
  go_live_writing();
  EXPECT_LT(flood(false, true) * kOutcomesPerFrameMax * sizeof(Outcome), 2u * 1024 * 1024);
  expect_fault(ErrorCode::kClientLimit);
}

// Who subscribes to nothing is told of writes for as long as it likes.
TEST_F(HostileFloods, OutcomesThatAreSettledCountNoMore) {
  go_live_writing();
  EXPECT_EQ(flood(true, true), 1000u);
  EXPECT_EQ(client_.stats().faults, 0u);
}

TEST_F(HostileOutcomes, RefusalsOfWhatWasNeverSentDoNoHarm) {
  go_live_writing();
  for (uint64_t i = 0; i < 10'000; ++i) {
    send(MessageType::kWriteRefused, WriteRefused{i % 7, 9999, "no", 0});
  }
  client_.poll(now());
  EXPECT_TRUE(told_.empty());
  spawn();
  EXPECT_EQ(sent_writes().entries.size(), 1u);
  for (int i = 0; i < 100; ++i) send(MessageType::kWriteRefused, WriteRefused{1, 9999, "no", 0});
  client_.poll(now());
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].code, ErrorCode::kNotPermitted);
  EXPECT_EQ(client_.stats().faults, 0u);
}

// Those that name an entity of a write that is decided wait no longer than those before them.
TEST_F(HostileOutcomes, RefusalForGoodDoesNotHoldUpWhatRefersToEarlierWrites) {
  go_live_writing();
  const EntityId entity = spawn();
  spawn();
  WriteDraft draft = client_.begin().value();
  EXPECT_TRUE(draft.put(kCargo, entity, {}).ok());
  EXPECT_TRUE(client_.submit(std::move(draft), now()).ok());
  EXPECT_EQ(sent_writes().entries.size(), 3u);
  send(MessageType::kOutcomes, Outcomes{true, {of(1)}});
  client_.poll(now());
  const auto code = static_cast<uint16_t>(ErrorCode::kWriteReused);
  send(MessageType::kWriteRefused, WriteRefused{2, code, "no", 0});
  client_.poll(now());
  const Writes again = sent_writes();
  EXPECT_EQ(again.entries.size(), 1u);
  EXPECT_EQ(again.settled_below, 3u);
}

// What never left has no number that counts: it goes on in the next session.
TEST_F(HostileOutcomes, NumbersOfWhatNeverLeftAreTakenBack) {
  go_live_writing();
  constexpr size_t kWrites = 200;
  for (size_t i = 0; i < kWrites; ++i) {
    WriteDraft draft = client_.begin().value();
    const EntityId entity = draft.spawn();
    const FieldValue line{kLine, Value(std::string(900, 'x'))};
    EXPECT_TRUE(draft.put(kChat, entity, std::span(&line, 1)).ok());
    EXPECT_TRUE(client_.submit(std::move(draft), now()).ok());
  }
  client_.output(link_, now());  // a link that takes nothing
  client_.on_closed(link_, now());
  time_ = client_.next_deadline();
  client_.on_timer(now());
  accept();
  greet();
  AuthReply reply = reply_for_writers();
  reply.client = ClientId{13};
  reply.schema_bytes = 0;
  send(MessageType::kAuthReply, reply);
  client_.poll(now());
  const size_t lost = told_.size();
  EXPECT_GT(lost, 0u);
  EXPECT_LT(lost, 150u);
  for (const WriteOutcome& outcome : told_) {
    EXPECT_EQ(outcome.kind, WriteOutcome::Kind::kUnknown);
  }
  uint64_t next = 1;
  for (const WriteEntry& entry : sent_writes().entries) {
    Write write;
    ASSERT_TRUE(decode_message(entry.write, write).ok());
    EXPECT_EQ(write.sequence, next++);
  }
  EXPECT_EQ(next, kWrites - lost + 1);
}

TEST_F(HostileOutcomes, DraftOfTheSchemaBeforeIsRefused) {
  go_live_writing();
  spawn();  // and its row has not been told of yet
  WriteDraft old = client_.begin().value();
  const EntityId entity = old.spawn();
  size_t rows = 0;
  client_.on_predicted_row("pier", [&](const RowEvent&) { ++rows; });
  client_.on_closed(link_, now());
  time_ = client_.next_deadline();
  client_.on_timer(now());
  accept();
  schema_ = SchemaBuilder("harbour", 2)
                .table(1, "pier")
                .field(1, "length", FieldType::kU32)
                .build()
                .value();
  welcome();
  client_.poll(now());  // reads change in here only
  EXPECT_EQ(old.put(kChat, entity, {}).code(), ErrorCode::kSchemaMismatch);
  old.remove(kChat, entity);
  const auto id = client_.submit(std::move(old), now());
  EXPECT_EQ(id.error().code, ErrorCode::kSchemaMismatch);
  client_.poll(now());
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].code, ErrorCode::kSchemaMismatch);
  EXPECT_EQ(rows, 0u);
}

}  // namespace
}  // namespace ecsdb::client_test
