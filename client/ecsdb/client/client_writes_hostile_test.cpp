// Writes to a server that is scripted frame by frame, and says what none should, or refuses.
#include <gtest/gtest.h>

#include "ecsdb/client/replica.h"
#include "ecsdb/client/test_script.h"
#include "ecsdb/client/test_writes.h"

namespace ecsdb::client_test {
namespace {

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

TEST_F(HostileFloods, OutcomesAndAdvancesTogetherHaveOneBound) {
  go_live_writing();
  size_t bytes = 0;
  for (int i = 0; i < 10000 && client_.stats().faults == 0; ++i) {
    std::vector<Outcome> many(kOutcomesPerFrameMax, of(1));
    for (auto& o : many) o.version = Version{1u << 30};
    if (bytes + kOutcomesPerFrameMax * sizeof(Outcome) > 1000 * 1024) break;
    send(MessageType::kOutcomes, Outcomes{true, many});
    bytes += kOutcomesPerFrameMax * sizeof(Outcome);
  }
  EXPECT_EQ(client_.stats().faults, 0u);
  size_t n = 0;
  for (uint64_t v = 5; client_.stats().faults == 0 && n < 100000; ++v, ++n)
    send_advance(MessageType::kAdvance, step(v, v + 1));
  EXPECT_LT(bytes + n * sizeof(ReceivedAdvance), 1100u * 1024);
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

TEST_F(HostileOutcomes, WhatNeverLeftAStuckLinkExpires) {
  go_live_writing();
  constexpr size_t kWrites = 200;
  WriteOptions options;
  options.deadline = Duration::ms(10);
  for (size_t i = 0; i < kWrites; ++i) {
    WriteDraft draft = client_.begin().value();
    const EntityId entity = draft.spawn();
    const FieldValue line{kLine, Value(std::string(900, 'x'))};
    EXPECT_TRUE(draft.put(kChat, entity, std::span(&line, 1)).ok());
    EXPECT_TRUE(client_.submit(std::move(draft), options, now()).ok());
  }
  size_t left = 0;
  FrameReader reader(FrameLimits{});
  const StreamOutput out = client_.output(link_, now());
  Bytes all;
  for (const ByteSpan part : out.parts) all.insert(all.end(), part.begin(), part.end());
  reader.feed(all);
  for (auto frame = reader.next(); frame.ok() && frame->has_value(); frame = reader.next()) {
    if ((*frame)->type != MessageType::kWrites) continue;
    Writes message;
    ASSERT_TRUE(decode_message((*frame)->head, message).ok());
    left += message.entries.size();
  }
  time_ = time_ + Duration::ms(20);
  client_.on_timer(now());
  client_.poll(now());
  size_t unknown = 0;
  for (const WriteOutcome& outcome : told_) unknown += outcome.kind == WriteOutcome::Kind::kUnknown;
  EXPECT_EQ(told_.size(), kWrites);
  EXPECT_EQ(unknown, left);
}

TEST_F(HostileOutcomes, SettlingSendsNoWrites) {
  go_live_writing();
  for (int i = 0; i < 4; ++i) {
    WriteDraft draft = client_.begin().value();
    draft.spawn();
    WriteOptions options;
    options.deadline = Duration::seconds(60);
    EXPECT_TRUE(client_.submit(std::move(draft), options, now()).ok());
  }
  Writes first = sent_writes();
  EXPECT_EQ(first.entries.size(), 4u);
  const auto code = static_cast<uint16_t>(ErrorCode::kRateLimited);
  send(MessageType::kWriteRefused, WriteRefused{3, code, "later", 30000});
  send(MessageType::kOutcomes, Outcomes{true, {of(1)}});
  client_.poll(now());
  EXPECT_EQ(sent_writes().entries.size(), 0u);
  time_ = time_ + Duration::ms(1500);
  client_.on_timer(now());
  const Writes settle = sent_writes();
  EXPECT_EQ(settle.settled_below, 2u);
  EXPECT_EQ(settle.entries.size(), 0u) << "sent before retry_after";
}

TEST_F(HostileOutcomes, SettlingStaysInTheWindow) {
  client_.subscribe("ship", now());
  dial();
  greet();
  AuthReply reply = reply_for_writers();
  reply.writes_waiting_max = 2;
  send(MessageType::kAuthReply, reply);
  send(MessageType::kSchemaPart, SchemaPart{0, encode_schema(schema_.def())});
  send(MessageType::kSyncBegin, SyncBegin{Version{5}, 0, 0});
  send_advance(MessageType::kAdvance, end_of_sync());
  client_.poll(now());
  take_sent();
  for (int i = 0; i < 10; ++i) spawn();
  EXPECT_EQ(sent_writes().entries.size(), 2u);
  send(MessageType::kOutcomes, Outcomes{true, {of(1)}});
  send(MessageType::kOutcomes, Outcomes{true, {of(2)}});
  send(MessageType::kWriteRefused, WriteRefused{3, 0, "", 0});
  client_.poll(now());
  EXPECT_EQ(sent_writes().entries.size(), 2u);
  send(MessageType::kOutcomes, Outcomes{true, {of(3)}});
  client_.poll(now());
  time_ = time_ + Duration::ms(1500);
  client_.on_timer(now());
  EXPECT_LE(sent_writes().entries.size(), 2u);
}

TEST_F(HostileOutcomes, WhatIsHeldBackExpires) {
  go_live_writing();
  spawn();
  spawn();
  EXPECT_EQ(sent_writes().entries.size(), 2u);
  send(MessageType::kWriteRefused, WriteRefused{2, 9999, "no", 0});
  client_.poll(now());
  told_.clear();
  WriteDraft draft = client_.begin().value();
  draft.spawn();
  WriteOptions options;
  options.deadline = Duration::ms(10);
  auto id = client_.submit(std::move(draft), options, now());
  EXPECT_EQ(sent_writes().entries.size(), 0u);
  EXPECT_EQ(client_.write_state(*id), WriteState::kQueued);
  time_ = time_ + Duration::ms(20);
  client_.on_timer(now());
  client_.poll(now());
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].kind, WriteOutcome::Kind::kExpired);
}

TEST_F(HostileOutcomes, ClocksOfNoServerAreTaken) {
  client_.subscribe("ship", now());
  dial();
  greet();
  AuthReply reply = reply_for_writers();
  reply.server_wall_ms = INT64_MAX;
  send(MessageType::kAuthReply, reply);
  send(MessageType::kSchemaPart, SchemaPart{0, encode_schema(schema_.def())});
  EXPECT_EQ(client_.stats().connects, 1u);
  time_ = time_ + Duration::ms(20);
  spawn();
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
