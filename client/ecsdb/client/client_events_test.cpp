// Events of the schema, to a client and of a client.
#include <gtest/gtest.h>
#include <memory>

#include "ecsdb/client/test_fixture.h"
#include "ecsdb/client/test_script.h"

namespace ecsdb::client_test {
namespace {

enum Events : uint16_t { kBoom, kGong };

constexpr EntityId kSomebody = EntityId::make(5, 1, 1);

Schema loud_harbour() {
  SchemaDef def = harbour().def();
  SchemaBuilder events("events");
  events.event(1, "boom").follow("ship").field(1, "power", FieldType::kU32);
  events.text(2, "sound", 20).default_value("bang");
  events.event(2, "gong").write("").field(1, "n", FieldType::kU8).default_value(uint64_t{7});
  def.events = events.def().events;
  return Schema::make(std::move(def)).value();
}

class EventWorld : public World {
 public:
  explicit EventWorld(ServerOptions options = {}) : World(options, {}, loud_harbour()) {
    client_.on_event("boom", [this](const ecsdb::Event& event) {
      const auto ship = client_.db().get<Ship>(event.entity);
      log_.push_back("boom " + std::to_string(std::get<uint64_t>(event.values[0])) + " @" +
                     std::to_string(event.version.value) + " " + (ship ? ship->name : "-"));
    });
  }
  void boom(EntityId entity, uint64_t power) {
    const FieldValue value{0, power};
    ASSERT_TRUE(server_.emit(kBoom, entity, std::span(&value, 1), net_.now()).ok());
  }
  void tick() {
    step([](Transaction&) {});
  }
  Log take_log() { return std::exchange(log_, {}); }

 private:
  Log log_;
};

class ClientEvents : public ::testing::Test, public EventWorld {};

TEST_F(ClientEvents, AreToldAfterTheRowsOfTheirAdvanceInOrder) {
  go_live();
  log_rows();
  const EntityId ship = add_ship({10, 10});
  take_rows();
  Log rows_before;
  client_.on_event("boom", [&](const ecsdb::Event& event) {
    rows_before = take_rows();
    EXPECT_EQ(event.event, kBoom);
    EXPECT_EQ(event.entity, ship);
    EXPECT_EQ(event.values[1], Value(std::string("bang")));
  });
  boom(ship, 1);
  step([&](Transaction& tx) {
    EXPECT_TRUE(tx.set(kShip, ship, kName, std::string("bert")).ok());
    boom(ship, 2);
  });
  EXPECT_EQ(take_log(), (Log{"boom 1 @2 bert", "boom 2 @2 bert"}));
  EXPECT_TRUE(rows_before.empty());  // the second call; the first had them
  tick();
  EXPECT_EQ(take_log(), Log{});
  EXPECT_EQ(client_.stats().events, 2u);
  EXPECT_EQ(client_.stats().events_missed, 0u);
}

TEST_F(ClientEvents, AreToldInThePollThatAppliesTheirAdvance) {
  go_live();
  const EntityId ship = add_ship({10, 10});
  net_.set_poll(false);
  boom(ship, 1);
  tick();
  boom(ship, 2);
  tick();
  EXPECT_EQ(take_log(), Log{});
  EXPECT_EQ(client_.poll(net_.now(), 1), 1u);
  EXPECT_EQ(take_log(), (Log{"boom 1 @2 anna"}));
  client_.poll(net_.now());
  EXPECT_EQ(take_log(), (Log{"boom 2 @3 anna"}));
}

TEST_F(ClientEvents, CallbacksMayBeAddedAndRemovedMeanwhile) {
  go_live();
  const EntityId ship = add_ship({10, 10});
  int first = 0;
  int added = 0;
  CallbackId id = 0;
  id = client_.on_event("boom", [&](const ecsdb::Event&) {
    ++first;
    client_.remove_callback(id);
    client_.on_event("boom", [&](const ecsdb::Event&) { ++added; });
  });
  client_.on_event("no such event", [](const ecsdb::Event&) { FAIL(); });
  boom(ship, 1);
  boom(ship, 2);
  tick();
  EXPECT_EQ(first, 1);
  EXPECT_EQ(added, 0);
  boom(ship, 3);
  tick();
  EXPECT_EQ(added, 1);
}

TEST_F(ClientEvents, OfAWhileWithoutALinkComeOnceWithTheResume) {
  go_live();
  const EntityId ship = add_ship({10, 10});
  boom(ship, 1);
  tick();
  EXPECT_EQ(take_log(), (Log{"boom 1 @2 anna"}));
  net_.cut(0);
  boom(ship, 2);
  tick();
  net_.advance(Duration::seconds(6));
  EXPECT_EQ(client_.stats().resumes, 1u);
  EXPECT_EQ(take_log(), (Log{"boom 2 @3 anna"}));
  reconnect();
  EXPECT_EQ(client_.stats().resumes, 2u);
  EXPECT_EQ(take_log(), Log{});
  boom(ship, 3);
  tick();
  EXPECT_EQ(take_log(), (Log{"boom 3 @4 anna"}));
}

// The link is lost when the advance has come and was not polled: it comes again.
TEST_F(ClientEvents, WhatCameAndWasNotAppliedIsNotToldTwice) {
  go_live();
  const EntityId ship = add_ship({10, 10});
  net_.set_poll(false);
  boom(ship, 1);
  tick();
  net_.cut(0);
  net_.set_poll(true);
  net_.advance(Duration::seconds(6));
  EXPECT_EQ(client_.stats().resumes, 1u);
  EXPECT_EQ(take_log(), (Log{"boom 1 @2 anna"}));
  EXPECT_EQ(client_.stats().events, 1u);
}

TEST(ClientEventGaps, AreCounted) {
  ServerOptions options;
  options.events_max = 2;
  EventWorld world(options);
  world.go_live();
  const EntityId ship = world.add_ship({10, 10});
  world.net_.hold(0, true);
  for (uint64_t i = 0; i < 6; ++i) {
    world.boom(ship, i);
    world.tick();
  }
  world.net_.hold(0, false);
  world.net_.settle();
  EXPECT_EQ(world.take_log(), (Log{"boom 0 @2 anna", "boom 4 @6 anna", "boom 5 @7 anna"}));
  EXPECT_EQ(world.client_.stats().events, 3u);
  EXPECT_EQ(world.client_.stats().events_missed, 3u);
}

TEST_F(ClientEvents, AreSentWhileLiveAndNeverKept) {
  const auto send = [&](std::initializer_list<FieldValue> values, uint16_t event = kGong,
                        EntityId entity = kSomebody) {
    const Status status = client_.send_event(event, entity, values, net_.now());
    return status.ok() ? ErrorCode::kOk : status.code();
  };
  EXPECT_EQ(send({}), ErrorCode::kLinkClosed);
  go_live();
  EXPECT_EQ(send({{0, uint64_t{1}}}), ErrorCode::kOk);
  EXPECT_EQ(send({}), ErrorCode::kOk);
  EXPECT_EQ(send({{0, uint64_t{256}}}), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(send({{1, uint64_t{1}}}), ErrorCode::kUnknownField);
  EXPECT_EQ(send({}, 2), ErrorCode::kUnknownEvent);
  EXPECT_EQ(send({}, kBoom), ErrorCode::kOk);  // the server takes none
  WriteDraft draft = client_.begin().value();
  EXPECT_EQ(send({}, kGong, draft.spawn()), ErrorCode::kUnknownEntity);
  net_.settle();
  for (const uint64_t n : {1, 7}) {
    const auto event = server_.next_client_event();
    ASSERT_TRUE(event.has_value());
    EXPECT_EQ(event->client, client_.client_id());
    EXPECT_EQ(event->event, kGong);
    EXPECT_EQ(event->entity, kSomebody);
    EXPECT_EQ(event->values, (std::vector<Value>{n}));
  }
  EXPECT_FALSE(server_.next_client_event().has_value());
  EXPECT_EQ(server_.stats().client_events_dropped, 1u);
  EXPECT_EQ(client_.stats().events_sent, 3u);
  net_.cut(0);
  EXPECT_EQ(send({}), ErrorCode::kLinkClosed);
}

TEST_F(ClientEvents, AreNotSentWhereTheLinkTakesNothing) {
  go_live();
  net_.hold(0, true);
  Status status;
  for (int i = 0; i < 100'000 && status.ok(); ++i) {
    status = client_.send_event(kGong, {}, {}, net_.now());
  }
  EXPECT_EQ(status.code(), ErrorCode::kQueueFull);
}

/// The server is played by the test.
class ClientEventScript : public ::testing::Test, public Script {
 protected:
  void SetUp() override {
    schema_ = loud_harbour();
    client_.on_event("gong", [this](const ecsdb::Event&) { ++told_; });
    go_live();  // at version 5
  }
  static EventEntry gong(uint64_t version, uint16_t id = 2) {
    return {EventId{id}, {}, Version{version}, {}};
  }
  void send_events(std::vector<EventEntry> entries, uint64_t missed = 0) {
    send(MessageType::kEvents, ecsdb::Events{missed, std::move(entries)});
  }
  /// Then comes the advance from 5 to 7.
  void send_advance_and_poll() {
    send_advance(MessageType::kAdvance, step(5, 7));
    client_.poll(now());
  }
  int told_ = 0;
};

TEST_F(ClientEventScript, BelongToTheAdvanceThatBeginsNext) {
  send_events({gong(6)}, 2);
  send_events({gong(6), gong(7)}, 1);
  client_.poll(now());
  EXPECT_EQ(told_, 0);
  send_advance_and_poll();
  EXPECT_EQ(told_, 3);
  EXPECT_EQ(client_.stats().events_missed, 3u);
  EXPECT_EQ(client_.stats().faults, 0u);
}

TEST_F(ClientEventScript, AnUnknownOneIsAFault) {
  send_events({gong(6, 3)});
  expect_fault(ErrorCode::kUnknownEvent);
}

TEST_F(ClientEventScript, ValuesThatDoNotFitAreAFault) {
  EventEntry entry = gong(6);
  entry.values = {{FieldId{1}, {}}};
  entry.values[0].value.kind = 2;
  send_events({entry});
  expect_fault(ErrorCode::kTypeMismatch);
}

TEST_F(ClientEventScript, OneOfTheCutThatIsHeldIsAFault) {
  send_events({gong(5)});
  send_advance_and_poll();
  EXPECT_EQ(told_, 0);
  expect_fault(ErrorCode::kFrameMalformed);
}

TEST_F(ClientEventScript, OneBeyondItsAdvanceIsAFault) {
  send_events({gong(8)});
  send_advance_and_poll();
  expect_fault(ErrorCode::kFrameMalformed);
}

TEST_F(ClientEventScript, VersionsThatFallAreAFault) {
  send_events({gong(7), gong(6)});
  send_advance_and_poll();
  expect_fault(ErrorCode::kFrameMalformed);
}

TEST_F(ClientEventScript, InsideAnAdvanceTheyAreOutOfPlace) {
  send_advance(MessageType::kAdvance, step(5, 7, true, false));
  send_events({gong(6)});
  expect_fault(ErrorCode::kUnexpectedMessage);
}

TEST(ClientEventOrder, BeforeTheFirstSyncHasEndedTheyAreOutOfPlace) {
  Script script;
  script.client_.subscribe("ship", script.now());
  script.dial();
  script.welcome();
  script.send(MessageType::kEvents, ecsdb::Events{});
  script.expect_fault(ErrorCode::kUnexpectedMessage);
}

TEST(ClientEventLimits, WhatIsNotPolledIsBounded) {
  ClientOptions options;
  options.pending_bytes_max = 100'000;
  Script script(options);
  script.schema_ = loud_harbour();
  script.go_live();
  const std::vector<EventEntry> many(kEventsPerFrameMax, {EventId{2}, {}, Version{6}, {}});
  for (int i = 0; i < 20 && script.client_.stats().faults == 0; ++i) {
    script.send(MessageType::kEvents, ecsdb::Events{0, many});
  }
  script.expect_fault(ErrorCode::kClientLimit);
}

TEST(ClientEventPace, ManyDoNotEndTheConnection) {
  SchemaDef def = harbour().def();
  SchemaBuilder events("events");
  events.event(2, "gong").write("").text(1, "line", 16000);
  def.events = events.def().events;
  World w({}, {}, Schema::make(std::move(def)).value());
  w.go_live();
  w.take_events();
  const FieldValue line{0, Value(std::string(15000, 'x'))};
  int sent = 0;
  for (int i = 0; i < 400; ++i) {
    sent += w.client_.send_event(0, {}, std::span(&line, 1), w.net_.now()).ok();
    w.net_.settle();
  }
  EXPECT_GT(sent, 0);
  EXPECT_LT(sent, 400);
  const auto all = w.take_events();
  EXPECT_EQ(last_of(all, ClientEvent::Kind::kClosed), nullptr);
}

}  // namespace
}  // namespace ecsdb::client_test
