// Events to clients and of clients, frame by frame.
#include <gtest/gtest.h>

#include "ecsdb/server/test_peer.h"

namespace ecsdb::server_test {
namespace {

enum SomeEvents : uint16_t { kBoom, kShout, kGong, kPing };

Schema loud_yard() {
  SchemaDef def = yard().def();
  SchemaBuilder events("events");
  events.table(1, "unit").table(3, "room");
  events.event(1, "boom").follow("unit").field(1, "power", FieldType::kU32);
  events.text(2, "sound", 5000).default_value("bang");
  events.event(2, "shout").follow("room").text(1, "line", 20);
  events.event(3, "gong").write("guest").field(1, "n", FieldType::kU8);
  events.text(2, "why", 8).default_value("so");
  events.event(4, "ping").follow("room").at("where").text(1, "line", 20);
  events.field(2, "where", FieldType::kI32);
  events.event(5, "tale").write("guest").text(1, "line", 60'000);
  def.events = events.def().events;
  return Schema::make(std::move(def)).value();
}

/// What came, in order: "boom 7 @3" for an event, "missed 2", "advance 3".
using Told = std::vector<std::string>;

class EventsTest : public ::testing::Test {
 protected:
  explicit EventsTest(ServerOptions options = {}) : bench_(options, loud_yard()) {}

  Status emit(uint16_t event, EntityId entity, uint64_t number) {
    const FieldValue value{0, number};
    return bench_.server.emit(event, entity, std::span(&value, 1), bench_.now());
  }
  void boom(EntityId entity, uint64_t power) { ASSERT_TRUE(emit(kBoom, entity, power).ok()); }
  /// A version without any change of a row.
  void tick() {
    bench_.step([](Transaction&) {});
  }
  static void tell(const Events& message, Told& told) {
    if (message.missed > 0) told.push_back("missed " + std::to_string(message.missed));
    for (const EventEntry& entry : message.events) {
      const bool has_number = !entry.values.empty() && !entry.values[0].value.is_text();
      const std::string what =
          has_number ? std::to_string(entry.values[0].value.lanes.lane[0]) : std::string("?");
      static constexpr const char* kNames[] = {"?", "boom", "shout", "gong", "ping"};
      told.push_back(std::string(kNames[entry.event.value]) + " " + what + " @" +
                     std::to_string(entry.version.value));
    }
  }
  Told told(Peer& peer) {
    peer.receive();
    Told out;
    for (const Received& frame : peer.take()) {
      if (frame.type == MessageType::kEvents) tell(frame.as<Events>(), out);
      if (frame.type != MessageType::kAdvance) continue;
      out.push_back("advance " + std::to_string(frame.as<Advance>().to().value));
    }
    return out;
  }
  void send(Peer& peer, std::vector<ClientEventEntry> entries) {
    peer.send(MessageType::kClientEvents, ClientEvents{std::move(entries)});
  }
  static EventValue number(uint16_t field, uint64_t value) {
    EventValue out;
    out.field = FieldId{field};
    out.value.kind = 1;
    out.value.lanes.lane[0] = value;
    return out;
  }
  static ClientEventEntry gong(uint64_t n) { return {EventId{3}, EntityId{7}, {number(1, n)}}; }

  Bench bench_;
};

TEST_F(EventsTest, ReachHoldersOfTheCellInOrderBeforeTheirAdvance) {
  const EntityId near = bench_.add_unit(5, 5);
  const EntityId far = bench_.add_unit(95, 5);  // version 2
  Peer both(bench_, 1);
  both.go_live({1});
  Peer one(bench_, 2);
  one.greet();
  one.authenticate();
  one.subscribe(of_keys(1, 1, {CellKey::grid(9, 0)}));
  Peer none(bench_, 3);
  none.go_live({3});
  one.receive();
  one.take();
  boom(near, 1);
  boom(far, 2);
  boom(near, 3);
  bench_.hit(far, 1);
  EXPECT_EQ(told(both), (Told{"boom 1 @3", "boom 2 @3", "boom 3 @3", "advance 3"}));
  EXPECT_EQ(told(one), (Told{"boom 2 @3", "advance 3"}));
  EXPECT_EQ(told(none), Told{});
  tick();  // none comes twice
  EXPECT_EQ(told(both), Told{});
  EXPECT_EQ(bench_.server.stats().events_emitted, 3u);
  EXPECT_EQ(bench_.server.stats().events_sent, 4u);
}

TEST_F(EventsTest, MakeAnAdvanceWhereNoRowChanged) {
  const EntityId near = bench_.add_unit(5, 5);
  Peer peer(bench_, 1);
  peer.go_live({1});
  tick();
  EXPECT_EQ(told(peer), Told{});
  boom(near, 1);
  tick();
  EXPECT_EQ(told(peer), (Told{"boom 1 @3", "advance 3"}));
}

TEST_F(EventsTest, BelongToTheOpenCommitOrTheNext) {
  const EntityId near = bench_.add_unit(5, 5);
  Peer peer(bench_, 1);
  peer.go_live({1});
  boom(near, 1);
  bench_.server.publish(bench_.now());  // nothing was committed since
  EXPECT_EQ(told(peer), Told{});
  {
    Transaction dropped = bench_.server.begin(bench_.now());
    boom(near, 2);
  }
  bench_.commit([&](Transaction&) { boom(near, 3); });
  boom(near, 4);
  bench_.commit([&](Transaction&) { boom(near, 5); });
  boom(near, 6);
  bench_.server.publish(bench_.now());
  EXPECT_EQ(told(peer), (Told{"boom 1 @2", "boom 3 @2", "boom 4 @3", "boom 5 @3", "advance 3"}));
  tick();
  EXPECT_EQ(told(peer), (Told{"boom 6 @4", "advance 4"}));
}

TEST_F(EventsTest, GoWhereTheRowIsAtThePublishOrWasIfItIsGone) {
  const EntityId first = bench_.add_unit(5, 5);
  const EntityId second = bench_.add_unit(6, 5);
  Peer peer(bench_, 1);
  peer.greet();
  peer.authenticate();
  peer.subscribe(of_keys(1, 1, {CellKey::grid(0, 0)}));
  peer.receive();
  peer.take();
  bench_.step([&](Transaction& tx) {
    boom(first, 1);
    EXPECT_TRUE(tx.destroy(first).ok());
    boom(first, 2);
    EXPECT_TRUE(tx.set(kUnit, second, 0, Vec2f{95, 5}).ok());
    boom(second, 3);
  });
  EXPECT_EQ(told(peer), (Told{"boom 1 @3", "boom 2 @3", "advance 3"}));
  boom(first, 4);  // it has no row, and had none
  tick();
  EXPECT_EQ(told(peer), Told{});
}

TEST_F(EventsTest, CellThatEntersWithTheEventIsEnough) {
  Peer peer(bench_, 1);
  peer.go_live({1});
  bench_.step([&](Transaction& tx) {
    const EntityId entity = tx.create().value();
    EXPECT_TRUE(tx.insert(kUnit, entity, {}).ok());
    boom(entity, 1);
  });
  EXPECT_EQ(told(peer), (Told{"boom 1 @1", "advance 1"}));
}

TEST_F(EventsTest, NobodyGetsThoseOfCellsThatHeMayNotRead) {
  const EntityId third = bench_.add_line(3, "here");
  const EntityId fourth = bench_.add_line(4, "there");
  Peer guest(bench_, 1);
  guest.go_live({3});
  Peer admin(bench_, 2);
  admin.go_live({3}, "admin token");
  for (const EntityId entity : {third, fourth}) {
    ASSERT_TRUE(bench_.server.emit(kShout, entity, {}, bench_.now()).ok());
  }
  tick();
  EXPECT_EQ(told(guest), (Told{"shout ? @3", "advance 3"}));
  EXPECT_EQ(told(admin), (Told{"shout ? @3", "shout ? @3", "advance 3"}));
}

TEST_F(EventsTest, GoWhereTheirFieldSaysWithRowsOrWithout) {
  bench_.add_line(3, "here");
  Peer guest(bench_, 1);
  guest.go_live({3});  // whose room is 3
  Peer admin(bench_, 2);
  admin.greet();
  admin.authenticate("admin token");
  admin.subscribe(of_keys(1, 3, {CellKey::value(3), CellKey::value(5)}));
  admin.receive();
  admin.take();
  const auto ping = [&](int64_t room) {
    const FieldValue where{1, room};
    return bench_.server.emit(kPing, EntityId{99}, std::span(&where, 1), bench_.now());
  };
  for (const int64_t room : {3, 4, 5, 0}) ASSERT_TRUE(ping(room).ok());
  tick();
  EXPECT_EQ(told(guest), (Told{"ping 3 @2", "advance 2"}));
  EXPECT_EQ(told(admin), (Told{"ping 3 @2", "ping 5 @2", "advance 2"}));
}

TEST_F(EventsTest, OfOneCellReachEveryoneWhoIsLive) {
  bench_.add_unit(5, 5);
  Peer live(bench_, 1);
  live.go_live({3});
  Peer syncing(bench_, 2);
  syncing.set_accepts(0);
  syncing.greet();
  syncing.authenticate();
  Subscribe request;
  request.add = {of_keys(1, 1, {CellKey::grid(0, 0)})};
  syncing.send(MessageType::kSubscribe, request);
  ASSERT_TRUE(emit(kGong, EntityId{}, 9).ok());
  tick();
  EXPECT_EQ(told(live), (Told{"gong 9 @2", "advance 2"}));
  syncing.set_accepts(1u << 30);
  EXPECT_EQ(told(syncing), (Told{"advance 2"}));
}

TEST_F(EventsTest, NothingBeforeAFullSyncIsToldAfterIt) {
  const EntityId near = bench_.add_unit(5, 5);
  boom(near, 1);
  tick();
  Peer peer(bench_, 1);
  peer.greet();
  peer.authenticate();
  peer.subscribe(1);
  EXPECT_EQ(told(peer), (Told{"advance 2"}));
  boom(near, 2);
  tick();
  EXPECT_EQ(told(peer), (Told{"boom 2 @3", "advance 3"}));
}

TEST_F(EventsTest, ManyComeInSeveralFramesBeforeOneAdvance) {
  const EntityId near = bench_.add_unit(5, 5);
  Peer peer(bench_, 1);
  peer.go_live({1});
  for (uint64_t i = 0; i < 300; ++i) boom(near, i);
  const FieldValue text{1, std::string(5000, 'b')};
  for (int i = 0; i < 12; ++i) {
    ASSERT_TRUE(bench_.server.emit(kBoom, near, std::span(&text, 1), bench_.now()).ok());
  }
  tick();
  peer.receive();
  std::vector<size_t> counts;
  for (const Received& frame : peer.take()) {
    if (frame.type == MessageType::kEvents) counts.push_back(frame.as<Events>().events.size());
  }
  EXPECT_EQ(counts, (std::vector<size_t>{256, 53, 3}));
}

ServerOptions small_ring() {
  ServerOptions options;
  options.events_max = 4;
  return options;
}

class SmallRing : public EventsTest {
 protected:
  SmallRing() : EventsTest(small_ring()) {}
};

TEST_F(SmallRing, ClientThatDoesNotReadGetsTheNewestAndAGap) {
  const EntityId near = bench_.add_unit(5, 5);
  const EntityId far = bench_.add_unit(95, 5);
  Peer peer(bench_, 1);
  peer.greet();
  peer.authenticate();
  peer.subscribe(of_keys(1, 1, {CellKey::grid(0, 0)}));
  peer.receive();
  peer.take();
  peer.set_accepts(0);
  for (uint64_t i = 0; i < 7; ++i) {  // the first is on its way already
    boom(near, i);
    tick();
  }
  boom(far, 7);  // takes a place in the ring, and is not for it
  tick();
  peer.set_accepts(1u << 30);
  EXPECT_EQ(told(peer), (Told{"boom 0 @3", "advance 3", "missed 3", "boom 4 @7", "boom 5 @8",
                              "boom 6 @9", "advance 10"}));
  EXPECT_EQ(bench_.server.stats().events_missed, 3u);
  boom(near, 8);
  tick();
  EXPECT_EQ(told(peer), (Told{"boom 8 @11", "advance 11"}));
}

TEST_F(SmallRing, MoreThanItHoldsAreRefusedUntilThePublish) {
  const EntityId near = bench_.add_unit(5, 5);
  for (uint64_t i = 0; i < 4; ++i) boom(near, i);
  EXPECT_EQ(emit(kBoom, near, 4).code(), ErrorCode::kQueueFull);
  bench_.commit([](Transaction&) {});
  EXPECT_EQ(emit(kBoom, near, 4).code(), ErrorCode::kQueueFull);
  bench_.server.publish(bench_.now());
  boom(near, 5);
}

TEST_F(SmallRing, AllLostAreCountedWhereNoneIsLeft) {
  const EntityId near = bench_.add_unit(5, 5);
  const EntityId far = bench_.add_unit(95, 5);
  Peer peer(bench_, 1);
  peer.greet();
  peer.authenticate();
  peer.subscribe(of_keys(1, 1, {CellKey::grid(0, 0)}));
  peer.receive();
  peer.take();
  peer.set_accepts(0);
  boom(near, 0);
  tick();
  boom(near, 1);
  tick();
  for (uint64_t i = 0; i < 4; ++i) boom(far, i);
  tick();
  peer.set_accepts(1u << 30);
  EXPECT_EQ(told(peer), (Told{"boom 0 @3", "advance 3", "missed 1", "advance 5"}));
}

TEST_F(EventsTest, ClientThatComesBackGetsWhatItDidNotApplyAndNothingTwice) {
  const EntityId near = bench_.add_unit(5, 5);
  const EntityId far = bench_.add_unit(95, 5);  // version 2
  boom(near, 1);
  tick();
  boom(near, 2);
  boom(far, 3);
  tick();
  Resume resume;
  resume.is_last = true;
  resume.database_id = bench_.server.database().options().id;
  resume.epoch = bench_.server.database().options().epoch;
  resume.cut = Version{3};
  resume.generation = 1;
  resume.cells = {{0, 1, TableId{1}, CellKey::grid(0, 0), HeldState::kHeld}};
  Peer peer(bench_, 1);
  peer.greet();
  Auth auth;
  const std::string_view token = "guest token";
  auth.token.assign(token.begin(), token.end());
  auth.is_resuming = true;
  auth.schema_known = bench_.server.database().schema().fingerprint();
  peer.send(MessageType::kAuth, auth);
  Subscribe request;
  request.add = {of_keys(1, 1, {CellKey::grid(0, 0), CellKey::grid(9, 0)})};
  peer.send(MessageType::kSubscribe, request);
  peer.send(MessageType::kResume, resume);
  EXPECT_EQ(told(peer), (Told{"boom 2 @4", "advance 4"}));  // it did not hold the other cell
  boom(far, 4);
  tick();
  EXPECT_EQ(told(peer), (Told{"boom 4 @5", "advance 5"}));
}

TEST_F(EventsTest, OfClientsThatAreNotLiveOrTooLargeAreDropped) {
  bench_.add_unit(5, 5);
  Peer peer(bench_, 1);
  peer.greet();
  peer.authenticate();
  send(peer, {gong(1)});
  EXPECT_FALSE(bench_.server.next_client_event());
  peer.subscribe(1);
  peer.receive();
  EventValue line;
  line.field = FieldId{1};
  line.value.kind = CanonicalValue::kText;
  line.value.text.assign(kEventBytesMax, 'x');
  const ClientEventEntry large{EventId{5}, EntityId{7}, {line}};
  send(peer, {large, gong(3)});
  const auto message = bench_.server.next_client_event();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->values[0], Value{uint64_t{3}});
  EXPECT_FALSE(bench_.server.next_client_event());
  EXPECT_EQ(bench_.server.stats().client_events_dropped, 2u);
}

TEST_F(EventsTest, WhatDoesNotFitIsRefused) {
  const EntityId near = bench_.add_unit(5, 5);
  const auto emit_values = [&](std::initializer_list<FieldValue> values) {
    return bench_.server.emit(kBoom, near, values, bench_.now()).code();
  };
  EXPECT_EQ(emit(5, near, 1).code(), ErrorCode::kUnknownEvent);
  EXPECT_EQ(emit(kBoom, EntityId{}, 1).code(), ErrorCode::kUnknownEntity);
  EXPECT_EQ(emit_values({{2, uint64_t{1}}}), ErrorCode::kUnknownField);
  EXPECT_EQ(emit_values({{0, int64_t{1}}}), ErrorCode::kTypeMismatch);
  EXPECT_EQ(emit_values({{0, uint64_t{1} << 32}}), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(emit_values({{1, std::string(5001, 'b')}}), ErrorCode::kTextTooLong);
  EXPECT_EQ(emit_values({{0, uint64_t{1}}, {0, uint64_t{2}}}), ErrorCode::kLimitExceeded);
  EXPECT_EQ(bench_.server.stats().events_emitted, 0u);
}

TEST_F(EventsTest, OfClientsReachTheApplicationInOrder) {
  Peer peer(bench_, 1);
  peer.go_live({1});
  send(peer, {gong(1), gong(2)});
  EXPECT_FALSE(peer.is_closed());
  auto event = bench_.server.next_client_event();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->principal, PrincipalId{7});
  EXPECT_EQ(event->event, kGong);
  EXPECT_EQ(event->entity, EntityId{7});
  EXPECT_EQ(event->values, (std::vector<Value>{uint64_t{1}, std::string("so")}));
  event = bench_.server.next_client_event();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->values[0], Value(uint64_t{2}));
  EXPECT_FALSE(bench_.server.next_client_event().has_value());
  EXPECT_EQ(bench_.server.stats().client_events_taken, 2u);
}

TEST_F(EventsTest, OfClientsThatMayNotBeAreDropped) {
  Peer peer(bench_, 1);
  peer.go_live({1});
  send(peer, {{EventId{1}, {}, {}},                // nobody may send it
              {EventId{4}, {}, {}},                // admins may
              {EventId{9}, {}, {}},                // there is none
              {EventId{3}, {}, {number(1, 256)}},  // out of range
              {EventId{3}, {}, {number(3, 1)}},    // no such field
              {EventId{3}, {}, {number(1, 1), number(1, 1)}}});
  peer.receive();
  EXPECT_FALSE(peer.goodbye().has_value());
  EXPECT_FALSE(bench_.server.next_client_event().has_value());
  EXPECT_EQ(bench_.server.stats().client_events_dropped, 6u);
}

TEST_F(EventsTest, OfClientsBeforeAuthenticationOrCutShortEndTheConnection) {
  Peer early(bench_, 1);
  early.greet();
  send(early, {gong(1)});
  early.receive();
  ASSERT_TRUE(early.goodbye().has_value());
  Peer broken(bench_, 2);
  broken.go_live({1});
  broken.send(MessageType::kClientEvents, ClientReady{Version{1}});
  broken.receive();
  ASSERT_TRUE(broken.goodbye().has_value());
  EXPECT_EQ(broken.goodbye()->code, static_cast<uint16_t>(ErrorCode::kFrameMalformed));
}

ServerOptions few_events() {
  ServerOptions options;
  options.client_event_rate = 1;
  options.client_event_burst = 4;
  options.client_events_max = 5;
  return options;
}

class FewEvents : public EventsTest {
 protected:
  FewEvents() : EventsTest(few_events()) {}
};

TEST_F(FewEvents, RateOfAClientAndQueueOfAllAreBounded) {
  Peer peer(bench_, 1);
  peer.go_live({1});
  Peer other(bench_, 2);
  other.go_live({1});
  send(peer, {gong(1), gong(2), gong(3), gong(4), gong(5)});
  EXPECT_EQ(bench_.server.stats().client_events_taken, 4u);
  send(other, {gong(6), gong(7)});
  EXPECT_EQ(bench_.server.stats().client_events_taken, 5u);
  EXPECT_EQ(bench_.server.stats().client_events_dropped, 2u);
  uint64_t sum = 0;
  while (auto event = bench_.server.next_client_event()) {
    sum += std::get<uint64_t>(event->values[0]);
  }
  EXPECT_EQ(sum, 1u + 2 + 3 + 4 + 6);  // the oldest are kept
  bench_.pass(Duration::seconds(1));
  send(peer, {gong(8), gong(9)});
  EXPECT_EQ(bench_.server.stats().client_events_taken, 6u);
}

}  // namespace
}  // namespace ecsdb::server_test
