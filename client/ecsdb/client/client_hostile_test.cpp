// What a bad server, or an honest one at a bad moment, must not be able to do to a client.
#include <gtest/gtest.h>

#include "ecsdb/client/replica.h"
#include "ecsdb/client/test_script.h"

namespace ecsdb::client_test {
/// Fits the first harbour, but not one whose field has another type.
struct Gold {
  int64_t gold = 0;
};
}  // namespace ecsdb::client_test

template <>
struct ecsdb::Bind<ecsdb::client_test::Gold> {
  static constexpr const char* table = "cargo";
  static constexpr auto fields = std::make_tuple(member("gold", &ecsdb::client_test::Gold::gold));
};

namespace ecsdb::client_test {
namespace {

/// The same tables, but for the type of a field, and more of them.
Schema other_harbour() {
  return SchemaBuilder("harbour", 2)
      .table(1, "ship")
      .grid("pos", 64)
      .field(1, "pos", FieldType::kVec2f)
      .precision(0.5)
      .table(2, "cargo")
      .follow("ship")
      .field(1, "gold", FieldType::kF64)
      .table(3, "chat")
      .by("room")
      .field(1, "room", FieldType::kI32)
      .table(5, "kite")
      .field(1, "length", FieldType::kU32)
      .table(6, "oar")
      .field(1, "length", FieldType::kU32)
      .build()
      .value();
}

class ClientHostile : public ::testing::Test, public Script {
 protected:
  void redial() {
    client_.on_closed(link_, now());
    time_ = time_ + Duration::seconds(5);
    client_.on_timer(now());
    dial();
    preface_seen_ = false;
  }
  void welcome_with(const Schema& schema) {
    greet();
    send(MessageType::kAuthReply, reply_for(schema));
    send(MessageType::kSchemaPart, SchemaPart{0, encode_schema(schema.def())});
  }
  static CellEnter chat_enter(uint32_t handle, uint32_t generation = 1) {
    return {handle, generation, TableId{3}, CellKey::value(handle), Version{5}, 1};
  }
  /// Chat cells with these handles enter, in one advance of as many frames as it takes.
  void enter_chats(uint32_t count, uint64_t from) {
    for (uint32_t at = 0; at < count;) {
      Advance advance = step(from, from + 1, at == 0, false);
      for (; at < count && advance.enters.size() < kCellsPerFrameMax; ++at) {
        advance.enters.push_back(chat_enter(at));
      }
      advance.set_flags(advance.begin(), at == count, AdvanceKind::kStep);
      send_advance(MessageType::kAdvance, advance);
    }
  }
};

// A sync was cut. The server comes back with another schema and yet says that the sync goes on:
// what is staged is of the old schema and must not be adopted by a replica of the new one.
TEST_F(ClientHostile, SyncOfAnotherSchemaDoesNotGoOn) {
  client_.subscribe("ship", now());
  dial();
  welcome();
  send(MessageType::kSyncBegin, SyncBegin{Version{5}, 0, 0});
  redial();
  welcome_with(other_harbour());
  send(MessageType::kResumeReply, ResumeReply{ResetReason::kNone, {}, {}, true});
  send_advance(MessageType::kAdvance, end_of_sync());
  client_.poll(now());
  EXPECT_EQ(client_.stats().faults, 1u);
  EXPECT_EQ(client_.db().table_count(), client_.db().schema().table_count());
  // What follows reads beyond the tables: a cell of the last one of the new schema.
  Advance next = step(5, 6);
  next.enters.push_back({0, 1, TableId{6}, CellKey::one(), Version{6}, 1});
  const Bytes block = {2 << 2 | static_cast<uint8_t>(CodecTier::kPacked), 6, 1, 0};
  next.blocks.push_back({0, static_cast<uint32_t>(block.size())});
  TailChecksum checksum;
  checksum.add(0, 1, Version{}, crc32c(block));
  next.tail_checksum = checksum.value();
  send_advance(MessageType::kAdvance, next, block);
  client_.poll(now());
}

// The same with a position: tables of the replica are of the old schema, those of the sync beside
// it of the new one.
TEST_F(ClientHostile, PositionOfAnotherSchemaIsNotGoneOnFrom) {
  go_live("chat");
  redial();
  welcome_with(other_harbour());
  send(MessageType::kResumeReply, ResumeReply{});
  EXPECT_EQ(client_.stats().faults, 1u);
  EXPECT_NE(client_.sync().phase, SyncStatus::Phase::kLive);
}

// A struct is bound while the sync of another schema is under way: it fits what is visible, but
// not what comes.
TEST(ClientBinding, StructBoundBeforeAnotherSchemaIsShownIsCheckedThen) {
  World w;
  w.add_ship({10, 10}, "anna");
  Client client(ClientOptions{}, Prng(3));
  client.subscribe("ship", w.net_.now());
  const size_t at = w.net_.add(&client);
  client.connect(w.net_.now());
  w.net_.settle();
  ASSERT_EQ(client.db().table(kShip).row_count(), 1u);
  w.net_.cut(at);
  w.net_.forget(at);
  const OpenAuthenticator authenticator;
  ReplicationServer other(other_harbour(), ServerOptions{}, &authenticator);
  Loopback net(other);
  net.add(&client);
  net.set_poll(false);
  net.advance(Duration::seconds(5));
  ASSERT_EQ(client.db().schema().def().version, 1u);
  client.bind<Gold>();
  client.poll(net.now());  // a failed check ends the program here
  EXPECT_EQ(client.db().schema().def().version, 2u);
  bool is_told = false;
  while (const auto event = client.next_event()) {
    is_told |= event->kind == ClientEvent::Kind::kFault && event->code == ErrorCode::kTypeMismatch;
  }
  EXPECT_TRUE(is_told);
}

// Digests of several heartbeats wait for one poll(); all of them differ.
TEST_F(ClientHostile, RefetchNamesNoMoreCellsThanItMay) {
  go_live("chat");
  enter_chats(1024, 5);
  for (uint32_t first = 0; first < 1024; first += kDigestsPerFrameMax) {
    ServerHeartbeat heartbeat;
    for (uint32_t i = first; i < first + kDigestsPerFrameMax; ++i) {
      heartbeat.digests.push_back({i, 1, Digest{{1, 2, 3, 4}}});
    }
    send(MessageType::kServerHeartbeat, heartbeat);
  }
  take_sent();
  client_.poll(now());
  size_t named = 0;
  const auto sent = take_sent();
  ASSERT_EQ(client_.stats().divergences, 1024u);
  for (const MessageType type : sent) named += type == MessageType::kRefetch ? 1 : 0;
  EXPECT_EQ(named, 2u);  // of kCellsPerFrameMax cells each
}

// The application ends a subscription to a cell that diverged, before it is fetched again.
TEST_F(ClientHostile, CellThatLeavesForGoodIsNotReportedAsDiverged) {
  go_live();
  enter_chats(1, 5);
  client_.poll(now());
  ServerHeartbeat heartbeat;
  heartbeat.digests.push_back({0, 1, Digest{{1, 2, 3, 4}}});
  send(MessageType::kServerHeartbeat, heartbeat);
  Advance leave = step(6, 7);
  leave.leaves.push_back({0, 1});
  send_advance(MessageType::kAdvance, leave);
  client_.poll(now());
  while (const auto event = client_.next_event()) {
    EXPECT_NE(event->kind, ClientEvent::Kind::kDiverged) << event->reason;
  }
}

// Each connection syncs, and its next advance is a fault: a bug that stays must not cost a full
// sync every tenth of a second for ever.
TEST_F(ClientHostile, FaultsAfterASyncBackOffToo) {
  client_.subscribe("ship", now());
  client_.connect(now());
  Duration longest;
  for (int i = 0; i < 10; ++i) {
    link_ = client_.next_dial().value();
    client_.on_connected(link_, now());
    greet();
    AuthReply reply = reply_for(schema_);
    if (i > 0) reply.schema_bytes = 0;
    send(MessageType::kAuthReply, reply);
    if (i == 0) send(MessageType::kSchemaPart, SchemaPart{0, encode_schema(schema_.def())});
    send(MessageType::kSyncBegin, SyncBegin{Version{5}, 0, 0});
    send_advance(MessageType::kAdvance, end_of_sync());
    client_.poll(now());
    ASSERT_EQ(client_.stats().full_syncs, static_cast<uint64_t>(i) + 1);
    send_advance(MessageType::kAdvance, step(4, 6));
    client_.poll(now());
    ASSERT_EQ(client_.stats().faults, static_cast<uint64_t>(i) + 1);
    client_.output(link_, now());
    client_.on_closed(link_, now());
    longest = std::max(longest, client_.next_deadline() - now().steady);
    time_ = client_.next_deadline();
    client_.on_timer(now());
  }
  EXPECT_GT(longest, Duration::seconds(1));
}

// An application changes many subscriptions in one frame of its own.
TEST(ClientSubscriptions, ManyChangesAtOnceDoNotCostTheConnection) {
  World w;
  for (int32_t room = 0; room < 80; ++room) w.add_chat(room, "hello");
  std::vector<SubscriptionId> rooms;
  for (int32_t room = 0; room < 40; ++room) {
    rooms.push_back(w.client_.subscribe_cells("chat", {CellKey::value(room)}, w.net_.now()));
  }
  w.connect();
  w.take_events();
  for (int32_t room = 0; room < 40; ++room) {
    w.client_.unsubscribe(rooms[static_cast<size_t>(room)], w.net_.now());
    w.client_.subscribe_cells("chat", {CellKey::value(40 + room)}, w.net_.now());
  }
  w.net_.settle();
  EXPECT_EQ(w.client_.sync().phase, SyncStatus::Phase::kLive);
  const auto events = w.take_events();
  const ClientEvent* closed = last_of(events, ClientEvent::Kind::kClosed);
  EXPECT_EQ(closed, nullptr) << (closed == nullptr ? "" : closed->reason);
}

// A table is subscribed to as a whole when a resync begins and when it ends, but not all the time:
// its cells come after the sync. Nothing was removed.
TEST(ClientResync, TableThatWasGivenUpAndAskedForAgainIsNotRemoved) {
  ServerOptions server_options;
  server_options.sync_chunk_bytes = 256;
  server_options.stage_bytes_min = 256;
  ClientOptions options;
  options.resume = false;
  World w(server_options, options);
  w.step([&](Transaction& tx) {
    for (int32_t i = 0; i < 60; ++i) {
      EXPECT_TRUE(tx.insert(tx.create().value(), Chat{4, "line"}).ok());
    }
  });
  w.client_.subscribe("ship", w.net_.now());
  SubscriptionId chat = w.client_.subscribe("chat", w.net_.now());
  w.connect();
  ASSERT_EQ(w.client_.db().table(kChat).row_count(), 60u);
  w.log_rows();
  w.net_.cut(0);
  w.client_.on_timer(Now{w.client_.next_deadline(), 0});
  while (w.client_.sync().rows_done < 10) w.net_.pass(1);
  w.client_.unsubscribe(chat, w.net_.now());
  w.net_.pass(1);
  chat = w.client_.subscribe("chat", w.net_.now());
  w.net_.settle();
  w.net_.advance(Duration::seconds(3));
  EXPECT_EQ(w.client_.db().table(kChat).row_count(), 60u);
  for (const std::string& row : w.take_rows()) EXPECT_NE(row.substr(0, 6), "remove") << row;
}

// With ready_by_hand: what the server did not wait for after a resume is not waited for here.
TEST(ClientReady, AfterAResumeNothingWaitsForSetReady) {
  ClientOptions options;
  options.ready_by_hand = true;
  World w({}, options);
  w.add_chat(1, "hello");
  w.go_live();
  EXPECT_EQ(w.client_.sync().why_not, "waits for set_ready()");
  w.reconnect();
  ASSERT_EQ(w.client_.stats().resumes, 1u);
  w.add_chat(1, "after");  // comes, although nobody called set_ready()
  ASSERT_EQ(w.client_.db().table(kChat).row_count(), 2u);
  EXPECT_EQ(w.client_.sync().why_not, "");
}

}  // namespace
}  // namespace ecsdb::client_test
