// The writes of several clients: who comes first, and what becomes of those whose session ends.
#include "ecsdb/server/write_desk.h"

#include <gtest/gtest.h>
#include <memory>

#include "ecsdb/server/test_writer.h"

namespace ecsdb::server_test {
namespace {

EntityId add_thing(Bench& bench) {
  EntityId thing;
  bench.step([&](Transaction& tx) {
    thing = tx.create().value();
    const FieldValue pos{0, Vec2f{5, 5}};
    EXPECT_TRUE(tx.insert(kThing, thing, std::span(&pos, 1)).ok());
  });
  return thing;
}
EntityId add_page(Bench& bench, std::string one, std::string two) {
  EntityId page;
  bench.step([&](Transaction& tx) {
    page = tx.create().value();
    const FieldValue texts[] = {{0, std::move(one)}, {1, std::move(two)}};
    EXPECT_TRUE(tx.insert(kPage, page, texts).ok());
  });
  return page;
}
Hand more(EntityId thing) { return Hand{}.set(kThing, thing).field(kScore, lane(1), lane(0)); }
void decide(Bench& bench) {
  bench.step([](Transaction&) {});
}

TEST(WriteDesk, WhoWritesMuchDoesNotDelayWhoWritesLittle) {
  ServerOptions options;
  options.writes_per_commit_max = 4;
  options.writes_waiting_max = 20'000;
  options.write_rate = 0;
  options.intake_burst = 64 * 1024 * 1024;
  Bench bench(options, desk_schema());
  const EntityId thing = add_thing(bench);
  Writer busy(bench, 0);
  Writer calm(bench, 1);
  std::vector<WriteEntry> entries;
  for (uint64_t sequence = 1; sequence <= 10'000; ++sequence) {
    Hand hand = more(thing);
    hand.write.sequence = sequence;
    entries.push_back(entry_of(hand.write));
    if (entries.size() < kWritesPerFrameMax && sequence < 10'000) continue;
    busy.peer().send(MessageType::kWrites, busy.message(std::exchange(entries, {})));
  }
  ASSERT_EQ(bench.server.stats().writes_taken, 10'000u);
  for (int round = 0; round < 5; ++round) {
    EXPECT_EQ(calm.decide(more(thing)).kind, OutcomeKind::kMerged);
    EXPECT_EQ(bench.server.decisions().size(), 4u);
  }
  EXPECT_TRUE(bench.server.has_writes());
}

TEST(WriteDesk, EachCommitBeginsWithAnotherClient) {
  ServerOptions options;
  options.writes_per_commit_max = 1;
  Bench bench(options, desk_schema());
  const EntityId thing = add_thing(bench);
  Writer writers[] = {Writer(bench, 0), Writer(bench, 1), Writer(bench, 2)};
  for (Writer& writer : writers) {
    for (int i = 0; i < 3; ++i) writer.send(more(thing));
  }
  std::vector<uint64_t> order;
  while (bench.server.has_writes()) {
    decide(bench);
    ASSERT_EQ(bench.server.decisions().size(), 1u);
    order.push_back(bench.server.decisions()[0].client.value);
  }
  const uint64_t a = writers[0].client().value;
  const uint64_t b = writers[1].client().value;
  const uint64_t c = writers[2].client().value;
  EXPECT_EQ(order, (std::vector<uint64_t>{a, b, c, a, b, c, a, b, c}));
}

// What was decided in a transaction that is dropped waits again, also if its client has gone in
// between.
TEST(WriteDesk, CommitGoesOnBehindTheLastWhoHadATurn) {
  ServerOptions options;
  options.writes_per_commit_max = 2;
  Bench bench(options, desk_schema());
  const EntityId thing = add_thing(bench);
  std::vector<std::unique_ptr<Writer>> writers;
  for (uint64_t link = 0; link < 20; ++link) {
    writers.push_back(std::make_unique<Writer>(bench, link));
    for (int i = 0; i < 3; ++i) writers.back()->send(more(thing));
  }
  for (int commits = 0; commits < 10; ++commits) decide(bench);
  for (const auto& writer : writers) {
    writer->listen();
    EXPECT_TRUE(writer->has_outcome(1));
    EXPECT_FALSE(writer->has_outcome(2));
  }
}

// A large write takes the time of many small ones.
TEST(WriteDesk, CommitHasABoundForTheWorkOfAll) {
  ServerOptions options;
  options.writes_per_commit_max = 1000;
  Bench bench(options, desk_schema());
  const EntityId thing = add_thing(bench);
  Writer writer(bench, 0);
  Hand hand;
  for (size_t op = 0; op < kWriteOpsMax; ++op) hand.set(kThing, thing).field(kScore, lane(1));
  for (int i = 0; i < 10; ++i) writer.send(hand);
  decide(bench);
  EXPECT_EQ(bench.server.decisions().size(), 4u);  // of 256 each
}

// What merges make of a few bytes may be long, and is kept until it is settled.
TEST(WriteDesk, ValuesThatAreToldHaveABoundForEachClient) {
  ServerOptions options;
  options.writes_bytes_max = 100'000;
  Bench bench(options, desk_schema());
  const EntityId page = add_page(bench, "", "");
  Writer newer(bench, 1);
  Hand line = Hand{}.set(kPage, page).field(1, text(std::string(40'000, 'x')));
  line.write.stamp = 1000;
  ASSERT_EQ(newer.decide(line).kind, OutcomeKind::kApplied);
  Writer writer(bench, 0);
  for (int i = 0; i < 5; ++i) writer.send(Hand{}.set(kPage, page).field(1, text("y")));
  decide(bench);
  writer.listen();
  size_t told = 0;
  for (uint64_t sequence = 1; sequence <= 5; ++sequence) {
    EXPECT_EQ(writer.outcome(sequence).kind, OutcomeKind::kMerged);
    told += writer.outcome(sequence).finals.size();
  }
  EXPECT_EQ(told, 2u);
}

TEST(WriteDesk, SessionThatEndsAfterADropIsNotForgottenBeforeItsWrites) {
  ServerOptions options;
  options.session_timeout = Duration::seconds(1);
  Bench bench(options, desk_schema());
  const EntityId thing = add_thing(bench);
  Writer writer(bench, 0);
  writer.send(more(thing));
  { const Transaction dropped = bench.server.begin(bench.now()); }
  writer.peer().close();
  bench.pass(Duration::seconds(5));
  EXPECT_EQ(bench.server.stats().sessions_expired, 1u);
  EXPECT_TRUE(bench.server.has_writes());
  decide(bench);
  EXPECT_EQ(bench.server.stats().writes_merged + bench.server.stats().writes_applied, 1u);
  EXPECT_FALSE(bench.server.has_writes());
  const Database& db = bench.server.database();
  EXPECT_EQ(db.table(kThing).field_value(db.find_row(kThing, thing), 3), lane(1));
}

TEST(WriteDesk, SessionThatEndsWithUndecidedWritesIsForgottenBehindThem) {
  ServerOptions options;
  options.session_timeout = Duration::seconds(1);
  options.writes_per_commit_max = 1;
  Bench bench(options, desk_schema());
  const EntityId thing = add_thing(bench);
  Writer writer(bench, 0);
  for (int i = 0; i < 3; ++i) writer.send(more(thing));
  writer.peer().close();
  bench.pass(Duration::seconds(5));
  for (int i = 0; i < 3; ++i) decide(bench);
  EXPECT_FALSE(bench.server.has_writes());
  EXPECT_EQ(bench.server.stats().writes_applied + bench.server.stats().writes_merged, 3u);
}

// A frame has a bound, and who cannot read it would be told the same at every connection.
TEST(WriteDesk, OutcomesFitTheirFrames) {
  Bench bench({}, desk_schema());
  const std::string line(59'000, 'x');
  const EntityId page = add_page(bench, "", "");
  const EntityId thing = add_thing(bench);
  Writer writer(bench, 0);
  Writer newer(bench, 1);
  for (const uint16_t field : {uint16_t{1}, uint16_t{2}}) {
    Hand hand = Hand{}.set(kPage, page).field(field, text(line));
    hand.write.stamp = 1000;
    ASSERT_EQ(newer.decide(hand).kind, OutcomeKind::kApplied);
  }
  Hand hits = Hand{}.set(kThing, thing).field(kHits, lane(4));
  hits.write.stamp = 1000;
  ASSERT_EQ(newer.decide(hits).kind, OutcomeKind::kApplied);
  Hand hand;
  for (int i = 0; i < 10; ++i) {
    hand.set(kPage, page).field(1, text("a")).field(2, text("b"));
  }
  hand.set(kThing, thing).field(kHits, lane(3));
  const Outcome outcome = writer.decide(hand);
  EXPECT_EQ(outcome.kind, OutcomeKind::kMerged);
  ASSERT_EQ(outcome.finals.size(), 1u);  // those of the texts have no room
  EXPECT_EQ(outcome.finals[0].op, 10u);
  EXPECT_LE(writer.head_bytes_max(), kFrameHeadBytesMax);
  Hand spawns;
  for (size_t i = 0; i < kWriteOpsMax; ++i) spawns.spawn();
  EXPECT_EQ(writer.decide(spawns).made.size(), kWriteOpsMax);
  for (int i = 0; i < 300; ++i) writer.send(spawns);
  while (bench.server.has_writes()) decide(bench);
  writer.listen();
  EXPECT_EQ(writer.outcome(writer.last()).made.size(), kWriteOpsMax);
  EXPECT_LE(writer.head_bytes_max(), kFrameHeadBytesMax);
}

// A few bytes against many long texts: what is remembered of that has a bound.
TEST(WriteDesk, ConflictsOverTooManyTextsRejectTheWrite) {
  Bench bench({}, desk_schema());
  const EntityId page = add_page(bench, "", "");
  Writer writer(bench, 0);
  Writer newer(bench, 1);
  Hand first = Hand{}.set(kPage, page).field(1, text(std::string(59'000, 'x')));
  first.write.stamp = 1000;
  ASSERT_EQ(newer.decide(first).kind, OutcomeKind::kApplied);
  Hand hand;
  for (size_t i = 0; i < kWriteOpsMax; ++i) hand.set(kPage, page).field(1, text("a"));
  const Outcome outcome = writer.decide(hand);
  EXPECT_EQ(outcome.code, static_cast<uint16_t>(ErrorCode::kLimitExceeded));
  EXPECT_TRUE(bench.server.decided_conflicts().empty());
}

// The same, spread over many writes: a commit takes no more of them than it has room for.
TEST(WriteDesk, CommitStopsBehindConflictsOverManyTexts) {
  Bench bench({}, desk_schema());
  const EntityId page = add_page(bench, "", "");
  Writer writer(bench, 0);
  Writer newer(bench, 1);
  Hand first = Hand{}.set(kPage, page).field(1, text(std::string(59'000, 'x')));
  first.write.stamp = 1000;
  ASSERT_EQ(newer.decide(first).kind, OutcomeKind::kApplied);
  Hand hand;
  for (int i = 0; i < 30; ++i) hand.set(kPage, page).field(1, text("a"));
  for (int i = 0; i < 10; ++i) writer.send(hand);  // 3.5 megabytes each
  decide(bench);
  EXPECT_EQ(bench.server.decisions().size(), 5u);
  decide(bench);
  EXPECT_EQ(bench.server.decisions().size(), 5u);
  EXPECT_FALSE(bench.server.has_writes());
}

// Outcomes come with what they tell of: before the first frame of an advance of several.
TEST(WriteDesk, OutcomesComeBeforeTheAdvanceThatTheyBelongTo) {
  Bench bench({}, desk_schema());
  Writer writer(bench, 0);
  ASSERT_EQ(writer.peer().subscribe(6), ErrorCode::kOk);
  writer.listen();
  const std::string line(55'000, 'x');
  for (int i = 0; i < 6; ++i) {
    Hand hand = Hand{}.spawn();
    const uint64_t mine = writer.last() + 1;
    hand.op(WriteOpKind::kPut, kPage, 0, mine).field(1, text(line + std::to_string(i)));
    writer.send(hand);
  }
  decide(bench);
  writer.peer().receive();
  std::vector<MessageType> order;
  for (const Received& frame : writer.peer().take()) {
    const bool counts = frame.type == MessageType::kAdvance || frame.type == MessageType::kOutcomes;
    if (counts) order.push_back(frame.type);
    if (frame.type != MessageType::kOutcomes) continue;
    EXPECT_FALSE(frame.as<Outcomes>().is_alone);
  }
  ASSERT_GE(order.size(), 3u);
  EXPECT_EQ(order[0], MessageType::kOutcomes);
  EXPECT_EQ(std::count(order.begin(), order.end(), MessageType::kOutcomes), 1);
}

TEST(WriteDesk, NothingIsToldToAConnectionThatSaysGoodbye) {
  Bench bench({}, desk_schema());
  const EntityId thing = add_thing(bench);
  Writer writer(bench, 0);
  writer.send(more(thing));
  bench.server.disconnect(writer.peer().link(), ErrorCode::kKicked, "out", bench.now());
  decide(bench);
  writer.listen();
  EXPECT_TRUE(writer.peer().is_closed());
  EXPECT_EQ(writer.told(), 0u);
  EXPECT_EQ(bench.server.stats().writes_taken, 1u);
  EXPECT_FALSE(bench.server.has_writes());
}

}  // namespace
}  // namespace ecsdb::server_test
