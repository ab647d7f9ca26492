// Connections that are bound to the system database.
#include <gtest/gtest.h>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/server/test_peer.h"

namespace ecsdb::server_test {
namespace {

constexpr uint16_t kConflictId = 1;
constexpr std::string_view kAdmin = "admin token";

Subscription all_conflicts() {
  Subscription s;
  s.id = SubscriptionId{1};
  s.table = TableId{kConflictId};
  return s;
}

Bytes as_token(std::string_view text) { return Bytes(text.begin(), text.end()); }

class SystemTest : public ::testing::Test {
 protected:
  explicit SystemTest(ServerOptions options = {}) : bench_(options) {}

  void add_conflict() {
    Conflict conflict;
    conflict.table = TableId{1};
    ServerTestPeer::conflicts(bench_.server).add(conflict);
  }
  void watch(Peer& peer) { peer.go_live({kConflictId}, kAdmin, kSystemDatabase); }
  /// Advances that the peer is sent by now.
  static size_t advances(Peer& peer) {
    peer.receive();
    return peer.take_advances().size();
  }

  Bench bench_;
  const Duration interval_ = ServerOptions{}.system_interval;
};

TEST_F(SystemTest, HasIdentityAndSchemaOfItsOwn) {
  Peer user(bench_, 0);
  user.greet();
  user.authenticate(kAdmin);
  user.receive();
  const AuthReply of_user = user.take().at(0).as<AuthReply>();
  Peer peer(bench_, 1);
  peer.greet();
  peer.authenticate(kAdmin, kSystemDatabase);
  peer.receive();
  const auto frames = peer.take();
  ASSERT_EQ(frames.size(), 2u);
  const AuthReply reply = frames[0].as<AuthReply>();
  EXPECT_NE(reply.database_id, of_user.database_id);
  EXPECT_NE(reply.client, of_user.client);
  EXPECT_EQ(reply.principal, of_user.principal);
  const auto schema = decode_schema(frames[1].as<SchemaPart>().bytes);
  ASSERT_TRUE(schema.ok());
  EXPECT_EQ(schema->fingerprint(), reply.schema_fingerprint);
  EXPECT_TRUE(schema->table_index("conflict"));
  EXPECT_TRUE(schema->table_index("conflict_count"));
  EXPECT_EQ(bench_.server.stats().authenticated, 2u);
}

TEST_F(SystemTest, EverybodyElseIsRefusedAlike) {
  add_conflict();
  const auto refuse = [](Bench& bench, std::string_view token) {
    Peer peer(bench, 9);
    peer.greet();
    peer.authenticate(token, kSystemDatabase);
    peer.receive();
    EXPECT_TRUE(peer.is_closed());
    return peer.goodbye().value_or(Goodbye{});
  };
  const Goodbye guest = refuse(bench_, "guest token");
  EXPECT_EQ(static_cast<ErrorCode>(guest.code), ErrorCode::kNotPermitted);
  EXPECT_EQ(guest.reason, "the system database takes tokens with the role admin only");
  Bench empty;
  EXPECT_EQ(refuse(empty, "guest token").reason, guest.reason);
  EXPECT_EQ(static_cast<ErrorCode>(refuse(bench_, "no token").code), ErrorCode::kAuthFailed);
  EXPECT_EQ(bench_.server.stats().authenticated, 0u);
}

TEST_F(SystemTest, RoleIsAnOption) {
  ServerOptions options;
  options.admin_role = "guest";
  Bench bench(options);
  Peer peer(bench, 0);
  peer.go_live({kConflictId}, "guest token", kSystemDatabase);
  EXPECT_FALSE(peer.is_closed());
  options.admin_role = "";
  Bench closed(options);
  Peer nobody(closed, 0);
  nobody.greet();
  nobody.authenticate(kAdmin, kSystemDatabase);
  nobody.receive();
  EXPECT_TRUE(nobody.is_closed());
}

TEST_F(SystemTest, FirstWhoLooksFindsWhatIs) {
  for (int i = 0; i < 3; ++i) add_conflict();
  Peer peer(bench_, 0);
  const auto preface = encode_preface(Preface{});
  Bytes stream(preface.begin(), preface.end());  // all at once
  Auth auth;
  auth.token = as_token(kAdmin);
  auth.database = kSystemDatabase;
  append_message(stream, MessageType::kAuth, auth);
  Subscribe request;
  request.add = {all_conflicts()};
  append_message(stream, MessageType::kSubscribe, request);
  peer.feed(stream);
  peer.receive();
  uint64_t rows = 0;
  for (const Received& frame : peer.take()) {
    if (frame.type == MessageType::kSyncBegin) rows = frame.as<SyncBegin>().rows;
  }
  EXPECT_EQ(rows, 3u);
  EXPECT_EQ(bench_.server.conflicts().count(), 3u);
  EXPECT_TRUE(bench_.server.all_caught_up());
  bench_.server.check_invariants();
}

TEST_F(SystemTest, HandshakeByteByByte) {
  Peer peer(bench_, 0);
  Auth auth;
  auth.token = as_token(kAdmin);
  auth.database = kSystemDatabase;
  const auto preface = encode_preface(Preface{});
  Bytes stream(preface.begin(), preface.end());
  append_message(stream, MessageType::kAuth, auth);
  for (const uint8_t byte : stream) peer.feed(ByteSpan(&byte, 1));
  EXPECT_EQ(peer.subscribe(kConflictId), ErrorCode::kOk);
  EXPECT_EQ(peer.subscribe(kConflictId + 9), ErrorCode::kUnknownTable);
  EXPECT_FALSE(peer.is_closed());
}

TEST_F(SystemTest, IsSampledNoMoreOftenThanTheInterval) {
  add_conflict();
  Peer peer(bench_, 0);
  watch(peer);
  const Instant begin = bench_.time;
  const Instant idle = bench_.server.next_deadline();
  EXPECT_GT(idle, begin + interval_);  // a heartbeat
  add_conflict();
  EXPECT_EQ(bench_.server.next_deadline(), begin + interval_);
  bench_.pass(interval_ - Duration::ms(1));
  EXPECT_EQ(advances(peer), 0u);
  bench_.pass(Duration::ms(1));
  EXPECT_EQ(advances(peer), 1u);
  EXPECT_GT(bench_.server.next_deadline(), bench_.time + interval_);
  bench_.pass(interval_ * 2);
  EXPECT_EQ(advances(peer), 0u);
  for (int i = 0; i < 100; ++i) add_conflict();
  EXPECT_LE(bench_.server.next_deadline(), bench_.time);  // it has been long enough
  bench_.pass(Duration{0});
  EXPECT_EQ(advances(peer), 1u);
  ServerTestPeer::conflicts(bench_.server).resolve(50, ClientId{3});
  bench_.pass(interval_);
  EXPECT_EQ(advances(peer), 1u);
}

TEST_F(SystemTest, NobodyLooksNothingIsSampled) {
  add_conflict();
  EXPECT_EQ(bench_.server.next_deadline(), Instant::never());
  Peer peer(bench_, 0);
  watch(peer);
  Peer second(bench_, 1);
  watch(second);
  peer.close();
  add_conflict();
  EXPECT_NE(bench_.server.next_deadline(), Instant::never());
  second.close();
  bench_.pass(interval_);
  EXPECT_GT(bench_.server.next_deadline(), bench_.time);
  Peer third(bench_, 2);
  watch(third);
  EXPECT_EQ(third.cut(), Version{3});  // its first, and one for each that began to look
}

TEST_F(SystemTest, WatchingChangesNothing) {
  const EntityId unit = bench_.add_unit(1, 1);
  Peer user(bench_, 0);
  user.go_live({1});
  bench_.hit(unit, 1);
  ASSERT_EQ(advances(user), 1u);
  const Version head = bench_.server.database().head();
  const ServerStats before = bench_.server.stats();
  Peer peer(bench_, 1);
  watch(peer);
  for (int i = 0; i < 5; ++i) {
    add_conflict();
    bench_.pass(interval_);
    EXPECT_EQ(advances(peer), 1u);
    EXPECT_EQ(advances(user), 0u);
  }
  EXPECT_EQ(bench_.server.database().head(), head);
  const ServerStats& after = bench_.server.stats();
  EXPECT_EQ(after.publishes, before.publishes);
  EXPECT_EQ(after.blocks_encoded, before.blocks_encoded);
  EXPECT_EQ(after.step_advances, before.step_advances);
  EXPECT_EQ(after.full_syncs, before.full_syncs);
  EXPECT_EQ(after.authenticated, before.authenticated + 1);
  bench_.hit(unit, 2);
  EXPECT_EQ(advances(peer), 0u);
  EXPECT_EQ(advances(user), 1u);
  EXPECT_TRUE(bench_.server.all_caught_up());
}

TEST_F(SystemTest, EventsSayOfWhichDatabase) {
  Peer user(bench_, 0);
  user.go_live({1});
  Peer peer(bench_, 1);
  watch(peer);
  peer.close();
  std::map<ServerEvent::Kind, std::vector<uint64_t>> links;
  while (const auto event = bench_.server.next_event()) {
    links[event->kind].push_back(event->link.value);
    EXPECT_EQ(event->database, event->link.value);
  }
  EXPECT_EQ(links[ServerEvent::Kind::kAuthenticated], (std::vector<uint64_t>{0, 1}));
  EXPECT_EQ(links[ServerEvent::Kind::kSynced], (std::vector<uint64_t>{0, 1}));
  EXPECT_EQ(links[ServerEvent::Kind::kClosed], (std::vector<uint64_t>{1}));
  // An application lets in whoever is ready: nobody who only watches.
  EXPECT_EQ(links[ServerEvent::Kind::kReady], (std::vector<uint64_t>{0}));
}

TEST_F(SystemTest, TakesNoWrites) {
  Peer peer(bench_, 0);
  peer.greet();
  peer.authenticate(kAdmin, kSystemDatabase);
  peer.receive();
  const AuthReply reply = peer.take().at(0).as<AuthReply>();
  EXPECT_EQ(reply.writes_waiting_max, 0u);
  Writes writes;
  writes.client = reply.client;
  peer.send(MessageType::kWrites, writes);
  peer.receive();
  const auto frames = peer.take();
  ASSERT_EQ(frames.size(), 1u);
  ASSERT_EQ(frames[0].type, MessageType::kWriteRefused);
  EXPECT_EQ(static_cast<ErrorCode>(frames[0].as<WriteRefused>().code), ErrorCode::kNotPermitted);
  EXPECT_FALSE(bench_.server.has_writes());
}

TEST(System, ShowsConflictsThatCommitsDecide) {
  Bench bench({}, SchemaBuilder("one")
                      .table(1, "unit")
                      .write("guest")
                      .field(1, "hits", FieldType::kU32)
                      .build()
                      .value());
  EntityId unit;
  const auto hit = [&](Transaction& tx, uint64_t hits) {
    const FieldValue value{0, hits};
    return tx.set(0, unit, std::span(&value, 1));
  };
  bench.step([&](Transaction& tx) {
    unit = tx.create().value();
    EXPECT_TRUE(tx.insert(0, unit, {}).ok());
  });
  Write write;
  write.sequence = 1;
  write.epoch = bench.server.database().options().epoch;
  write.base = bench.server.database().published();
  write.ops = {{WriteOpKind::kSet, TableId{1}, 0, unit.value, 1}};
  const FieldDef& def = bench.server.database().schema().table(0).fields[0];
  write.fields = {{def.id, {}, to_canonical(def, uint64_t{7}).value()}};
  bench.step([&](Transaction& tx) { EXPECT_TRUE(hit(tx, 5).ok()); });

  Peer writer(bench, 0);
  writer.greet();
  writer.authenticate();
  writer.receive();
  Writes writes;
  writes.client = writer.take().at(0).as<AuthReply>().client;
  WriteEntry& entry = writes.entries.emplace_back();
  ByteWriter out(entry.write);
  encode_fields(write, out);
  Peer watcher(bench, 1);
  watcher.go_live({kConflictId}, kAdmin, kSystemDatabase);
  writer.send(MessageType::kWrites, writes);
  bench.step([](Transaction&) {});
  ASSERT_EQ(bench.server.conflicts().count(), 1u);
  const Conflict& conflict = *bench.server.conflicts().find(1);
  EXPECT_EQ(conflict.client, writes.client);
  EXPECT_EQ(conflict.rule, ConflictRule::kServerWins);
  EXPECT_EQ(bench.server.decided_conflicts()[0].number, 1u);
  bench.pass(Duration{0});
  watcher.receive();
  EXPECT_EQ(watcher.take_advances().size(), 1u);
  bench.step([](Transaction&) {});  // decides nothing
  EXPECT_EQ(bench.server.conflicts().count(), 1u);
}

TEST_F(SystemTest, TicketIsGoodInItsDatabaseOnly) {
  const auto enter = [&](uint64_t link, const Bytes& ticket, uint8_t database) {
    Peer peer(bench_, link);
    peer.greet();
    Auth auth;
    auth.token = as_token(kAdmin);
    auth.ticket = ticket;
    auth.database = database;
    peer.send(MessageType::kAuth, auth);
    peer.receive();
    const AuthReply reply = peer.take().at(0).as<AuthReply>();
    peer.close();
    return reply;
  };
  const AuthReply user = enter(1, {}, kUserDatabase);
  const AuthReply system = enter(2, user.ticket, kSystemDatabase);
  EXPECT_FALSE(system.is_resumed);
  EXPECT_NE(system.client, user.client);
  EXPECT_FALSE(enter(3, system.ticket, kUserDatabase).is_resumed);
  const AuthReply back = enter(4, user.ticket, kUserDatabase);  // it was not spent
  EXPECT_TRUE(back.is_resumed);
  EXPECT_EQ(back.client, user.client);
  const AuthReply again = enter(5, system.ticket, kSystemDatabase);
  EXPECT_TRUE(again.is_resumed);
  EXPECT_EQ(again.client, system.client);
  EXPECT_EQ(bench_.server.stats().sessions_killed, 0u);
}

TEST_F(SystemTest, NewerConnectionOfTheSessionEndsTheOlder) {
  Peer first(bench_, 1);
  first.greet();
  first.authenticate(kAdmin, kSystemDatabase);
  first.receive();
  Auth auth;
  auth.token = as_token(kAdmin);
  auth.ticket = first.take().at(0).as<AuthReply>().ticket;
  auth.database = kSystemDatabase;
  Peer second(bench_, 2);
  second.greet();
  second.send(MessageType::kAuth, auth);
  first.receive();
  EXPECT_TRUE(first.is_closed());
  EXPECT_EQ(bench_.closed()->code, ErrorCode::kFenced);
  EXPECT_EQ(bench_.server.stats().fenced, 1u);
}

TEST_F(SystemTest, PositionIsGoneOnFromInItsDatabaseOnly) {
  add_conflict();
  Peer first(bench_, 1);
  first.greet();
  first.authenticate(kAdmin, kSystemDatabase);
  first.receive();
  const AuthReply reply = first.take().at(0).as<AuthReply>();
  first.subscribe(kConflictId);
  first.receive();
  Resume position;
  position.database_id = reply.database_id;
  position.epoch = reply.epoch;
  position.cut = first.cut();
  position.generation = 1;
  position.cells = {{0, 1, TableId{kConflictId}, CellKey::one(), HeldState::kHeld}};
  position.is_last = true;
  first.close();
  add_conflict();
  bench_.pass(interval_);
  const auto resume = [&](uint64_t link, uint8_t database, const Hash128& schema) {
    Peer peer(bench_, link);
    peer.greet();
    Auth auth;
    auth.token = as_token(kAdmin);
    auth.database = database;
    auth.schema_known = schema;
    auth.is_resuming = true;
    peer.send(MessageType::kAuth, auth);
    Subscribe request;
    request.add = {all_conflicts()};
    peer.send(MessageType::kSubscribe, request);
    peer.send(MessageType::kResume, position);
    peer.receive();
    for (const Received& frame : peer.take()) {
      if (frame.type == MessageType::kResumeReply) return frame.as<ResumeReply>().reason;
    }
    ADD_FAILURE() << "no resume_reply";
    return ResetReason::kNone;
  };
  EXPECT_EQ(resume(2, kSystemDatabase, reply.schema_fingerprint), ResetReason::kNone);
  const Hash128 schema = bench_.server.database().schema().fingerprint();
  EXPECT_EQ(resume(3, kUserDatabase, schema), ResetReason::kOtherDatabase);
}

TEST_F(SystemTest, ShutdownSaysGoodbyeToWatchersToo) {
  Peer peer(bench_, 1);
  watch(peer);
  bench_.server.shutdown(bench_.now());
  peer.receive();
  EXPECT_TRUE(peer.is_closed());
  EXPECT_TRUE(bench_.server.closed());
}

}  // namespace
}  // namespace ecsdb::server_test
