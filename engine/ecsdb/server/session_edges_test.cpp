// Sessions at their edges: what is asked for too much, too early, too late, or by who may not know.
#include <gtest/gtest.h>

#include "ecsdb/server/test_peer.h"

namespace ecsdb::server_test {
namespace {

void add_lines(Bench& bench, int64_t room, size_t count) {
  bench.step([&](Transaction& tx) {
    for (size_t i = 0; i < count; ++i) {
      std::string line;
      for (size_t k = 0; k < 1900; ++k) line += static_cast<char>('!' + (i * 31 + k * k) % 90);
      const FieldValue values[] = {{0, room}, {1, std::move(line)}};
      EXPECT_TRUE(tx.insert(kRoom, tx.create().value(), values).ok());
    }
  });
}

// A client that moves its area is always owed the acknowledgement of a reply: what is to enter in
// chunks must not wait for that, nor must everything else wait with it.
TEST(SessionEdges, LargeCellsEnterAlthoughRepliesAreAlwaysOnTheirWay) {
  Bench bench;
  const EntityId unit = bench.add_unit(1, 1);
  add_lines(bench, 3, 200);
  Peer peer(bench, 0);
  peer.go_live({1});
  peer.set_acks(false);
  Subscription room;
  room.id = SubscriptionId{50};
  room.table = TableId{3};
  Subscribe ask;
  ask.add = {room};
  peer.send(MessageType::kSubscribe, ask);
  peer.receive();
  Subscribe other;
  other.remove = {SubscriptionId{77}};
  size_t advances = 0;
  size_t syncs = 0;
  for (uint64_t i = 0; i < 50; ++i) {
    const uint64_t consumed = peer.consumed();
    const Version cut = peer.cut();
    bench.hit(unit, i);
    bench.pass(Duration::ms(31));
    peer.send(MessageType::kSubscribe, other);  // its reply is on its way when the ack comes
    peer.receive();
    bench.pass(Duration::ms(31));
    peer.ack(cut, consumed);
    peer.receive();
    for (const Received& frame : peer.take()) {
      advances += frame.type == MessageType::kAdvance;
      syncs += frame.type == MessageType::kSyncBegin;
    }
  }
  EXPECT_EQ(syncs, 1u);
  EXPECT_GE(advances, 10u);
}

// It reads each reply before it asks again, only that something else waits to be sent by then.
TEST(SessionEdges, RepliesThatWereReadDoNotCountAsWaiting) {
  Bench bench;
  const EntityId unit = bench.add_unit(1, 1);
  Peer peer(bench, 0);
  peer.go_live({1});
  for (uint64_t i = 0; i < 2 * kRepliesWaitingMax; ++i) {
    bench.hit(unit, i);
    EXPECT_EQ(peer.unsubscribe(77), ErrorCode::kUnknownSubscription);
    ASSERT_FALSE(peer.is_closed()) << i << ": " << bench.closed()->reason;
  }
}

// The same client, when its round trip rises from 31 to 93 ms and stays there.
TEST(SessionEdges, AdvancesGoOnAlthoughTheLinkIsLongerAndRepliesAreAlwaysOnTheirWay) {
  Bench bench;
  const EntityId unit = bench.add_unit(1, 1);
  Peer peer(bench, 0);
  peer.go_live({1});
  peer.set_acks(false);
  Subscribe other;
  other.remove = {SubscriptionId{77}};
  size_t advances = 0;
  for (uint64_t i = 0; i < 500; ++i) {
    if (i == 400) advances = 0;
    const uint64_t consumed = peer.consumed();
    const Version cut = peer.cut();
    bench.hit(unit, i);
    peer.send(MessageType::kSubscribe, other);
    peer.receive();
    bench.pass(Duration::ms(31));
    if (i < 50) {
      peer.ack_all();
    } else {
      peer.ack(cut, consumed);
    }
    peer.receive();
    bench.pass(Duration::ms(31));
    advances += peer.take_advances().size();
  }
  EXPECT_GE(advances, 50u);
}

// Cells that are asked for again come in one advance, however large they are and however often.
TEST(SessionEdges, RefetchDoesNotFillTheLink) {
  Bench bench;
  add_lines(bench, 3, 1000);
  Peer peer(bench, 0);
  peer.go_live({3});
  peer.set_acks(false);
  const uint64_t before = peer.consumed();
  peer.send(MessageType::kRefetch, Refetch{{{0, 1}}});
  peer.receive();
  EXPECT_LE(peer.consumed() - before, 2 * kUnackedBytesMax);
}

// The same opens the gate for what was subscribed to in the same breath.
TEST(SessionEdges, RefetchOfASmallCellDoesNotLetLargeOnesEnterAtOnce) {
  Bench bench;
  bench.add_unit(1, 1);
  add_lines(bench, 3, 1000);
  Peer peer(bench, 0);
  peer.go_live({1});
  peer.set_acks(false);
  const uint64_t before = peer.consumed();
  peer.ack_all();
  Bytes both;
  append_message(both, MessageType::kRefetch, Refetch{{{0, 1}}});
  Subscription room;
  room.id = SubscriptionId{50};
  room.table = TableId{3};
  Subscribe ask;
  ask.add = {room};
  append_message(both, MessageType::kSubscribe, ask);
  peer.feed(both);
  peer.receive();
  EXPECT_LE(peer.consumed() - before, 2 * kUnackedBytesMax);
}

// Without connections nobody has to call on_timer().
TEST(SessionEdges, TicketsExpireOnAServerThatNobodyIsConnectedTo) {
  Bench bench;
  Bytes ticket;
  const auto is_resumed = [&](uint64_t link) {
    Peer peer(bench, link);
    peer.greet();
    Auth auth;
    const std::string_view token = "guest token";
    auth.token.assign(token.begin(), token.end());
    auth.ticket = ticket;
    peer.send(MessageType::kAuth, auth);
    peer.receive();
    const AuthReply reply = peer.take().at(0).as<AuthReply>();
    ticket = reply.ticket;
    peer.close();
    return reply.is_resumed;
  };
  EXPECT_FALSE(is_resumed(0));
  bench.time = bench.time + Duration::seconds(299);
  EXPECT_TRUE(is_resumed(0));
  while (bench.server.next_deadline() != Instant::never()) {
    bench.pass(bench.server.next_deadline() - bench.time);
  }
  bench.time = bench.time + Duration::seconds(3600);
  EXPECT_FALSE(is_resumed(0));
}

class ResumeRightsTest : public ::testing::Test {
 protected:
  static ResumeCell held(uint32_t handle, int64_t room, HeldState state) {
    return {handle, 1, TableId{3}, CellKey::value(room), state};
  }
  /// What a guest of room 3 is told who says that it holds these cells at `cut`.
  static ResumeReply resume(Bench& bench, std::vector<ResumeCell> cells, Version cut,
                            Version sync_version = {}) {
    Peer peer(bench, 1);
    peer.greet();
    Auth auth;
    const std::string_view token = "guest token";
    auth.token.assign(token.begin(), token.end());
    auth.is_resuming = true;
    auth.schema_known = bench.server.database().schema().fingerprint();
    peer.send(MessageType::kAuth, auth);
    Subscribe request;
    request.add = {Subscription{SubscriptionId{1}, TableId{3}, SelectorKind::kAll, {}, {}, {}}};
    peer.send(MessageType::kSubscribe, request);
    Resume resume;
    resume.database_id = bench.server.database().options().id;
    resume.epoch = bench.server.database().options().epoch;
    resume.cut = cut;
    resume.sync_version = sync_version;
    resume.generation = 1;
    resume.cells = std::move(cells);
    peer.send(MessageType::kResume, resume);
    peer.receive();
    for (const Received& frame : peer.take()) {
      if (frame.type == MessageType::kResumeReply) return frame.as<ResumeReply>();
    }
    ADD_FAILURE() << "no resume_reply";
    return {};
  }
};

// Two worlds that differ in a room that guests may not read: they are told the same.
TEST_F(ResumeRightsTest, ReasonSaysNothingAboutRowsOfHiddenCells) {
  const auto reason = [](size_t hidden_rows) {
    ServerOptions options;
    options.database.tombstones_max = 0;
    Bench bench(options);
    add_lines(bench, 4, hidden_rows);
    bench.add_line(3, "stays");
    const EntityId goes = bench.add_line(3, "goes");
    const Version cut = bench.server.database().published();
    bench.step([&](Transaction& tx) { EXPECT_TRUE(tx.destroy(goes).ok()); });
    return resume(bench, {held(0, 3, HeldState::kHeld), held(1, 4, HeldState::kHeld)}, cut).reason;
  };
  EXPECT_EQ(reason(0), reason(1));
  EXPECT_EQ(reason(0), reason(2));
  EXPECT_EQ(reason(1), reason(2));
}

TEST_F(ResumeRightsTest, KeptSyncSaysNothingAboutHiddenCells) {
  const auto keeps = [](size_t hidden_rows) {
    Bench bench;
    bench.add_line(3, "x");
    add_lines(bench, 4, hidden_rows);
    bench.add_line(3, "y");
    const Version version = bench.server.database().published();
    const auto waits = HeldState::kSyncWaits;
    return resume(bench, {held(0, 3, waits), held(1, 4, waits)}, Version{}, version).keeps_sync;
  };
  EXPECT_EQ(keeps(0), keeps(1));
}

}  // namespace
}  // namespace ecsdb::server_test
