// Writes as they come over a connection: taken in, refused, passed over, told of.
#include <gtest/gtest.h>

#include "ecsdb/server/test_writer.h"

namespace ecsdb::server_test {
namespace {

struct Desk : Bench {
  explicit Desk(ServerOptions options = {}) : Bench(options, desk_schema()) {
    step([&](Transaction& tx) {
      thing = tx.create().value();
      const FieldValue pos{0, Vec2f{5, 5}};
      EXPECT_TRUE(tx.insert(kThing, thing, std::span(&pos, 1)).ok());
    });
  }
  /// Adds one to the score.
  Hand more(int64_t by = 1) const {
    return Hand{}
        .set(kThing, thing)
        .field(kScore, lane(static_cast<uint64_t>(by)), lane(0))
        .base(server.database().published());
  }
  WriteEntry entry(uint64_t sequence, int64_t by = 1) const {
    Hand hand = more(by);
    hand.write.base = Version{};
    hand.write.sequence = sequence;
    return entry_of(hand.write);
  }
  uint64_t score() const {
    const Database& db = server.database();
    return db.table(kThing).field_value(db.find_row(kThing, thing), 3).lanes.lane[0];
  }
  void decide() {
    step([](Transaction&) {});
  }

  EntityId thing;
};

void expect_closed(Desk& desk, Writer& writer, ErrorCode code) {
  writer.listen();
  EXPECT_TRUE(writer.peer().is_closed());
  const auto event = desk.closed();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->code, code) << event->reason;
}

TEST(SessionWrites, WhatNoClientSendsEndsTheConnection) {
  const auto ends = [](ErrorCode code, auto&& act) {
    Desk desk;
    Writer writer(desk, 0);
    writer.send_entries({desk.entry(1), desk.entry(2)});
    act(desk, writer);
    expect_closed(desk, writer, code);
    desk.decide();  // what was taken in before counts all the same
    EXPECT_EQ(desk.score(), 2u);
  };
  const ErrorCode malformed = ErrorCode::kFrameMalformed;
  ends(malformed, [](Desk& d, Writer& w) { w.send_entries({d.entry(4)}); });
  ends(malformed, [](Desk& d, Writer& w) { w.send_entries({d.entry(0)}); });
  ends(malformed, [](Desk&, Writer& w) { w.send_entries({WriteEntry{}}); });
  ends(malformed, [](Desk& d, Writer& w) { w.send_entries({d.entry(~uint64_t{0})}); });
  // A number that is longer than it need be.
  ends(malformed, [](Desk&, Writer& w) { w.send_entries({{0, {0x83, 0x00}}}); });
  ends(malformed, [](Desk&, Writer& w) { w.send_entries({{0, {0x80}}}); });
  ends(malformed, [](Desk&, Writer& w) {
    w.peer().send(MessageType::kWrites, Writes{w.client(), 0, {kWritesPerFrameMax + 1, {0, {3}}}});
  });
  ends(malformed, [](Desk&, Writer& w) {
    w.send_entries({{0, Bytes(kWriteBytesMax + 1, uint8_t{3})}});
  });
  ends(malformed, [](Desk&, Writer& w) {
    Bytes frame;
    append_frame(frame, MessageType::kWrites, as_bytes("\x01"), 0);
    w.peer().feed(frame);
  });
}

TEST(SessionWrites, BytesThatAreNoWriteAreRejectedUnderTheirSequence) {
  const auto rejects = [](auto&& damage, uint8_t last = 0) {
    Desk desk;
    Writer writer(desk, 0);
    Hand hand = desk.more();
    hand.write.sequence = 1;
    damage(hand.write);
    WriteEntry entry = entry_of(hand.write);
    if (hand.write.ops.empty()) entry.write = {1, 0xff};
    if (last != 0) entry.write.back() = last;  // a kind of value that there is not
    writer.send_entries({entry, desk.entry(2)});
    desk.decide();
    writer.listen();
    EXPECT_EQ(writer.outcome(1).code, static_cast<uint16_t>(ErrorCode::kFrameMalformed));
    EXPECT_EQ(writer.outcome(2).kind, OutcomeKind::kApplied);
    EXPECT_EQ(desk.score(), 1u);
  };
  rejects([](Write& write) { write.ops.clear(); });
  rejects([](Write& write) { write.ops[0].kind = WriteOpKind{5}; });
  rejects([](Write& write) { write.level = AckLevel{2}; });
  rejects([](Write& write) { write.ops.resize(kWriteOpsMax + 1); });
  rejects([](Write& write) { write.fields.resize(kWriteFieldsMax + 1); });
  rejects([](Write& write) { write.ops[0].field_count = kWriteFieldsMax + 1; });
  rejects([](Write& write) { write.fields[0].value = CanonicalValue{}; }, 9);
}

TEST(SessionWrites, WriteOfAnotherClientIsRefused) {
  Desk desk;
  Writer one(desk, 0);
  Writer two(desk, 1, "admin token");
  two.peer().send(MessageType::kWrites, one.message({desk.entry(1)}, 7));
  two.listen();
  const auto refused = two.take_refused();
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].code, static_cast<uint16_t>(ErrorCode::kOtherClient));
  EXPECT_EQ(refused[0].retry_after_ms, 0u);
  desk.decide();
  EXPECT_EQ(desk.score(), 0u);
  one.send(desk.more());  // its sequences and what it has settled are untouched
  desk.decide();
  EXPECT_EQ(desk.score(), 1u);
}

TEST(SessionWrites, WhereNobodyMayWriteEverythingIsRefused) {
  ServerOptions options;
  options.writes_waiting_max = 0;
  Desk desk(options);
  Writer writer(desk, 0);
  writer.send(desk.more());
  const auto refused = writer.take_refused();
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].code, static_cast<uint16_t>(ErrorCode::kNotPermitted));
  EXPECT_FALSE(desk.server.has_writes());
}

TEST(SessionWrites, SequenceOfOtherBytesIsRefusedQueuedAndDecided) {
  Desk desk;
  Writer writer(desk, 0);
  const auto reuse = [&] {
    writer.send_entries({desk.entry(1, 5)});
    const auto refused = writer.take_refused();
    ASSERT_EQ(refused.size(), 1u);
    EXPECT_EQ(refused[0].sequence, 1u);
    EXPECT_EQ(refused[0].code, static_cast<uint16_t>(ErrorCode::kWriteReused));
    EXPECT_EQ(refused[0].retry_after_ms, 0u);
  };
  writer.send_entries({desk.entry(1)});
  reuse();
  desk.decide();
  reuse();
  writer.send_entries({desk.entry(2)});  // those after it are not passed over
  desk.decide();
  EXPECT_EQ(desk.score(), 2u);
  writer.settle(3);
  writer.send_entries({desk.entry(1, 5)});  // nobody remembers
  EXPECT_TRUE(writer.take_refused().empty());
  desk.decide();
  EXPECT_EQ(desk.score(), 2u);
}

TEST(SessionWrites, RepetitionsAreAnsweredAndNotDoneAgain) {
  Desk desk;
  Writer writer(desk, 0);
  writer.send_entries({desk.entry(1), desk.entry(1)});
  writer.send_entries({desk.entry(1)});
  desk.decide();
  writer.listen();
  EXPECT_EQ(writer.told(), 1u);
  writer.send_entries({desk.entry(1)});
  writer.send_entries({desk.entry(1)});
  desk.decide();
  writer.listen();
  EXPECT_GE(writer.told(), 2u);
  EXPECT_EQ(desk.score(), 1u);
  EXPECT_EQ(desk.server.stats().writes_taken, 1u);
  EXPECT_EQ(desk.server.stats().writes_repeated, 4u);
  writer.settle(2);
  const size_t told = writer.told();
  writer.send_entries({desk.entry(1)});
  desk.decide();
  writer.listen();
  EXPECT_EQ(writer.told(), told);
}

TEST(SessionWrites, ExpiredOneIsToldAsExpired) {
  Desk desk;
  Writer writer(desk, 0);
  const uint64_t now = static_cast<uint64_t>(desk.time.ns);
  EXPECT_EQ(writer.decide(desk.more(), now - 1).kind, OutcomeKind::kExpired);
  EXPECT_EQ(writer.decide(desk.more(), now).kind, OutcomeKind::kApplied);
  EXPECT_EQ(writer.decide(desk.more(), ~uint64_t{0}).kind, OutcomeKind::kMerged);
  const Outcome late = writer.decide(desk.more(), 1);
  EXPECT_EQ(late.kind, OutcomeKind::kExpired);
  EXPECT_EQ(late.code, static_cast<uint16_t>(ErrorCode::kWriteExpired));
  EXPECT_EQ(desk.score(), 2u);
  EXPECT_EQ(desk.server.stats().writes_expired, 2u);
  EXPECT_EQ(desk.server.stats().writes_rejected, 0u);
}

TEST(SessionWrites, BeyondTheRateTheyComeAgain) {
  ServerOptions options;
  options.write_rate = 10;
  options.write_burst = 3;
  Desk desk(options);
  Writer writer(desk, 0);
  const std::vector<WriteEntry> entries = {desk.entry(1), desk.entry(2), desk.entry(3),
                                           desk.entry(4), desk.entry(5), desk.entry(6)};
  writer.send_entries(entries);
  const auto refused = writer.take_refused();
  ASSERT_EQ(refused.size(), 1u);  // those after it are passed over in silence
  EXPECT_EQ(refused[0].sequence, 4u);
  EXPECT_EQ(refused[0].code, static_cast<uint16_t>(ErrorCode::kRateLimited));
  EXPECT_GT(refused[0].retry_after_ms, 0u);
  EXPECT_LE(refused[0].retry_after_ms, 101u);
  EXPECT_EQ(desk.server.stats().writes_passed_over, 2u);
  desk.pass(Duration::ms(refused[0].retry_after_ms));
  writer.send_entries({entries[4]});  // not the one that was refused
  EXPECT_TRUE(writer.take_refused().empty());
  desk.decide();
  EXPECT_EQ(desk.score(), 3u);
  writer.send_entries({entries[3], entries[4]});
  EXPECT_EQ(writer.take_refused().size(), 1u);
  desk.decide();
  EXPECT_EQ(desk.score(), 4u);
}

TEST(SessionWrites, GivenUpSequenceLetsThoseAfterItPass) {
  ServerOptions options;
  options.write_rate = 1;
  options.write_burst = 1;
  Desk desk(options);
  Writer writer(desk, 0);
  writer.send_entries({desk.entry(1), desk.entry(2), desk.entry(3)});
  EXPECT_EQ(writer.take_refused().size(), 1u);
  desk.pass(Duration::seconds(2));
  writer.settle(2);  // not yet beyond it
  writer.send_entries({desk.entry(3)});
  desk.decide();
  EXPECT_EQ(desk.score(), 1u);
  writer.settle(3);
  writer.send_entries({desk.entry(3)});
  desk.decide();
  EXPECT_EQ(desk.score(), 2u);
}

TEST(SessionWrites, FullQueueCountsWhatIsNotSettled) {
  ServerOptions options;
  options.writes_waiting_max = 3;
  Desk desk(options);
  Writer writer(desk, 0);
  std::vector<WriteEntry> entries;
  for (uint64_t sequence = 1; sequence <= 5; ++sequence) entries.push_back(desk.entry(sequence));
  const auto expect_full = [&] {
    const auto refused = writer.take_refused();
    ASSERT_EQ(refused.size(), 1u);
    EXPECT_EQ(refused[0].sequence, 4u);
    EXPECT_EQ(refused[0].code, static_cast<uint16_t>(ErrorCode::kQueueFull));
    EXPECT_GT(refused[0].retry_after_ms, 0u);
  };
  writer.send_entries(entries);
  expect_full();
  desk.decide();
  writer.send_entries({entries[3], entries[4]});
  expect_full();
  writer.send_entries({entries[3], entries[4]}, 3);
  EXPECT_TRUE(writer.take_refused().empty());
  desk.decide();
  EXPECT_EQ(desk.score(), 5u);
}

// Whoever never settles anything keeps no more than the queue's length of the server's memory.
TEST(SessionWrites, WhoNeverSettlesIsHeldUp) {
  ServerOptions options;
  options.writes_waiting_max = 16;
  Desk desk(options);
  Writer writer(desk, 0);
  for (uint64_t sequence = 1; sequence <= 100; ++sequence) {
    writer.send_entries({desk.entry(sequence)});
    desk.decide();
  }
  EXPECT_EQ(desk.server.stats().writes_taken, 16u);
  EXPECT_EQ(desk.score(), 16u);
}

TEST(SessionWrites, RefusalsThatAreNotReadEndTheConnection) {
  ServerOptions options;
  options.writes_waiting_max = 1;
  Desk desk(options);
  Writer writer(desk, 0);
  writer.peer().set_accepts(0);
  for (size_t i = 0; i < kRepliesWaitingMax + 2; ++i) {
    writer.peer().send(MessageType::kWrites, writer.message({desk.entry(1), desk.entry(2)}));
  }
  writer.peer().set_accepts(~size_t{0});
  expect_closed(desk, writer, ErrorCode::kLimitExceeded);
}

TEST(SessionWrites, SettlingTwiceBackAndFarAhead) {
  Desk desk;
  Writer writer(desk, 0);
  writer.send_entries({desk.entry(1), desk.entry(2)});
  writer.settle(2);  // one that waits is decided all the same
  writer.settle(2);
  writer.settle(1);
  writer.settle(0);
  desk.decide();
  writer.listen();
  EXPECT_EQ(desk.score(), 2u);
  EXPECT_FALSE(writer.has_outcome(1));
  EXPECT_TRUE(writer.has_outcome(2));
  writer.settle(50);
  writer.send_entries({desk.entry(49)});  // it said that it would not
  desk.decide();
  EXPECT_EQ(desk.score(), 2u);
  writer.send_entries({desk.entry(50)});
  desk.decide();
  EXPECT_EQ(desk.score(), 3u);
  writer.settle(~uint64_t{0});
  writer.send_entries({desk.entry(~uint64_t{0})});
  desk.decide();
  writer.listen();
  EXPECT_EQ(desk.score(), 4u);
  EXPECT_TRUE(writer.has_outcome(~uint64_t{0}));
  writer.send_entries({desk.entry(~uint64_t{0})});
  desk.decide();
  EXPECT_EQ(desk.score(), 4u);
}

TEST(SessionWrites, EventsOfRejectionsAreBounded) {
  Desk desk;
  Writer writer(desk, 0);
  while (desk.server.next_event()) {
  }
  for (int i = 0; i < 600; ++i) writer.send(Hand{}.set(kVault, desk.thing));
  desk.decide();
  size_t told = 0;
  while (desk.server.next_event()) ++told;
  EXPECT_EQ(told, 256u);
  EXPECT_EQ(desk.server.stats().writes_rejected, 600u);
}

TEST(SessionWrites, SettlingConflictsTakesARoleAndAConflict) {
  Desk desk;
  Writer guest(desk, 0);
  Writer admin(desk, 1, "admin token");
  desk.step([&](Transaction& tx) { EXPECT_TRUE(tx.set(kThing, desk.thing, 3, int64_t{4}).ok()); });
  Hand stale = desk.more().base(Version{});
  EXPECT_EQ(guest.decide(stale).kind, OutcomeKind::kMerged);
  ASSERT_EQ(desk.server.conflicts().count(), 1u);
  const auto code_of = [](const Outcome& outcome) { return static_cast<ErrorCode>(outcome.code); };
  EXPECT_EQ(code_of(guest.decide(Hand{}.resolves(1))), ErrorCode::kNotPermitted);
  EXPECT_EQ(code_of(admin.decide(Hand{}.resolves(2))), ErrorCode::kUnknownConflict);
  EXPECT_EQ(code_of(admin.decide(Hand{}.resolves(~uint64_t{0}))), ErrorCode::kUnknownConflict);
  // One that is rejected for another reason settles nothing.
  EXPECT_EQ(code_of(admin.decide(Hand{}.set(kStone, desk.thing).resolves(1))),
            ErrorCode::kNotPermitted);
  EXPECT_EQ(desk.server.conflicts().find(1)->resolved_by, 0u);
  // Of two in one commit the first settles it.
  const uint64_t first = admin.send(Hand{}.resolves(1));
  const uint64_t second = admin.send(Hand{}.resolves(1));
  desk.decide();
  admin.listen();
  EXPECT_EQ(admin.outcome(first).kind, OutcomeKind::kApplied);
  EXPECT_EQ(code_of(admin.outcome(second)), ErrorCode::kUnknownConflict);
  EXPECT_EQ(desk.server.conflicts().find(1)->resolved_by, admin.client().value);
  EXPECT_EQ(code_of(admin.decide(Hand{}.resolves(1))), ErrorCode::kUnknownConflict);
}

// Stamps above the server's clock and its skew count as that, so that nobody wins for ever.
TEST(SessionWrites, StampsFromTheFutureCountAsNow) {
  Desk desk;
  Writer one(desk, 0);
  Writer two(desk, 1, "admin token");
  const auto hits = [&](uint64_t value, uint64_t stamp) {
    Hand hand = Hand{}.set(kThing, desk.thing).field(kHits, lane(value));
    hand.write.stamp = stamp;
    return hand;
  };
  EXPECT_EQ(one.decide(hits(1, ~uint64_t{0})).kind, OutcomeKind::kApplied);
  // As high as allowed, it comes from the client with the higher number.
  EXPECT_EQ(two.decide(hits(2, ~uint64_t{0} - 5)).kind, OutcomeKind::kApplied);
  EXPECT_EQ(one.decide(hits(3, ~uint64_t{0})).kind, OutcomeKind::kMerged);
  // The server's own step is above all of them, and may be seen.
  desk.step([&](Transaction& tx) { EXPECT_TRUE(tx.set(kThing, desk.thing, 1, uint64_t{9}).ok()); });
  EXPECT_EQ(two.decide(hits(4, 1).base(desk.server.database().published())).kind,
            OutcomeKind::kApplied);
}

}  // namespace
}  // namespace ecsdb::server_test
