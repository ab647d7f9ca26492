// The life of a client's links: dialling, silence, heartbeats, goodbyes.
#include <gtest/gtest.h>

#include "ecsdb/client/test_fixture.h"

namespace ecsdb::client_test {
namespace {

constexpr Vec2f kHere{10, 10};
using Kind = ClientEvent::Kind;

/// The next event that is not of the client's own doing.
std::optional<ClientEvent> next_news(Client& client) {
  auto event = client.next_event();
  while (event && (event->kind == Kind::kConnecting || event->kind == Kind::kStale)) {
    event = client.next_event();
  }
  return event;
}

TEST(ClientLink, LinkThatIsNotAnsweredIsGivenUp) {
  Client client(ClientOptions{}, Prng(1));
  const Instant start{1'000};
  client.connect({start, 0});
  const LinkId link = client.next_dial().value();
  EXPECT_FALSE(client.next_dial());
  EXPECT_EQ(client.next_deadline(), start + Duration::seconds(5));
  client.on_timer({start + Duration::seconds(4), 0});
  EXPECT_FALSE(client.has_output(link));
  client.on_timer({client.next_deadline(), 0});
  EXPECT_EQ(next_news(client)->code, ErrorCode::kConnectFailed);
  // The driver is told to close it, even if it comes up after all.
  client.on_connected(link, {start, 0});
  EXPECT_TRUE(client.has_output(link));
  EXPECT_TRUE(client.output(link, {start, 0}).close);
  client.on_closed(link, {start, 0});
  EXPECT_FALSE(client.has_output(link));
}

TEST(ClientLink, SilentHandshakeIsGivenUp) {
  Client client(ClientOptions{}, Prng(1));
  client.connect({});
  const LinkId link = client.next_dial().value();
  client.on_connected(link, {});
  client.on_timer({client.next_deadline(), 0});
  EXPECT_EQ(next_news(client)->code, ErrorCode::kConnectFailed);
  EXPECT_EQ(client.sync().phase, SyncStatus::Phase::kConnecting);
}

TEST(ClientLink, RefusedDialIsTriedAgainWithBackOff) {
  Client client(ClientOptions{}, Prng(1));
  Instant time;
  client.connect({time, 0});
  LinkId last;
  Duration longest;
  for (int i = 0; i < 12; ++i) {
    const LinkId link = client.next_dial().value();
    EXPECT_GT(link, last);
    last = link;
    client.on_closed(link, {time, 0});
    EXPECT_EQ(next_news(client)->code, ErrorCode::kConnectFailed);
    longest = std::max(longest, client.next_deadline() - time);
    EXPECT_LE(client.next_deadline() - time, Duration::seconds(5));
    time = client.next_deadline();
    client.on_timer({time, 0});
  }
  EXPECT_GT(longest, Duration::ms(2500));
  client.connect({time, 0});  // harmless: it dials already
  EXPECT_EQ(client.stats().dials, 13u);
}

TEST(ClientLink, ConnectDoesNotWaitForTheBackOff) {
  Client client(ClientOptions{}, Prng(1));
  client.connect({});
  client.on_closed(client.next_dial().value(), {});
  EXPECT_FALSE(client.next_dial());
  client.connect({});
  EXPECT_TRUE(client.next_dial());
}

TEST(ClientLink, DisconnectBeforeTheDriverDialledLeavesNothing) {
  Client client(ClientOptions{}, Prng(1));
  client.connect({});
  client.disconnect({});
  EXPECT_FALSE(client.next_dial());
  EXPECT_FALSE(client.has_output(LinkId{1}));
  EXPECT_EQ(client.next_deadline(), Instant::never());
  client.disconnect({});  // harmless
  client.connect({});
  const LinkId link = client.next_dial().value();
  client.disconnect({});  // while the driver dials
  EXPECT_TRUE(client.output(link, {}).close);
  EXPECT_EQ(client.output(link, {}).bytes(), 0u);
}

TEST(ClientLink, OtherLinksAreIgnored) {
  World w;
  w.go_live();
  const LinkId other{99};
  w.client_.on_connected(other, w.net_.now());
  w.client_.on_bytes(other, as_bytes("rubbish"), w.net_.now());
  w.client_.on_sent(other, 0, w.net_.now());
  w.client_.on_closed(other, w.net_.now());
  EXPECT_FALSE(w.client_.has_output(other));
  EXPECT_EQ(w.client_.output(other, w.net_.now()).bytes(), 0u);
  EXPECT_EQ(w.client_.sync().phase, SyncStatus::Phase::kLive);
}

TEST(ClientLink, WithoutReconnectALostLinkIsTheEnd) {
  ClientOptions options;
  options.reconnect = false;
  World w({}, options);
  w.add_ship(kHere);
  w.go_live();
  w.net_.cut(0);
  EXPECT_EQ(w.client_.sync().phase, SyncStatus::Phase::kIdle);
  w.net_.advance(Duration::seconds(20));
  EXPECT_EQ(w.client_.stats().dials, 1u);
  EXPECT_EQ(w.client_.db().table(kShip).row_count(), 1u);
  w.connect();
  EXPECT_EQ(w.client_.stats().resumes, 1u);
}

TEST(ClientLink, HeartbeatsKeepAnIdleConnection) {
  World w;
  w.add_ship(kHere);
  w.go_live();
  const uint64_t sent = w.client_.stats().bytes_sent;
  w.net_.advance(Duration::seconds(200));
  EXPECT_EQ(w.client_.stats().dials, 1u);
  EXPECT_GT(w.client_.stats().bytes_sent, sent);
  EXPECT_TRUE(w.server_.all_caught_up());
  EXPECT_EQ(w.client_.server_head(), w.server_.database().published());
}

TEST(ClientLink, SilentServerIsLeft) {
  World w;
  w.go_live();
  w.take_events();
  w.net_.hold(0, true);
  w.net_.advance(Duration::seconds(4));
  EXPECT_EQ(last_of(w.take_events(), Kind::kClosed), nullptr);
  w.net_.advance(Duration::ms(1500));
  const auto events = w.take_events();
  ASSERT_NE(last_of(events, Kind::kClosed), nullptr);
  EXPECT_EQ(last_of(events, Kind::kClosed)->code, ErrorCode::kPeerSilent);
  w.net_.hold(0, false);
  w.net_.advance(Duration::seconds(3));
  EXPECT_EQ(w.client_.stats().full_syncs, 2u);
}

TEST(ClientLink, ServerThatFallsSilentInTheHandshakeIsLeft) {
  World w;
  w.net_.set_piece_bytes(1);
  w.client_.connect(w.net_.now());
  const LinkId link = w.client_.next_dial().value();
  w.client_.on_connected(link, w.net_.now());
  EXPECT_EQ(w.client_.next_deadline(), w.net_.now().steady + Duration::seconds(5));
  w.client_.on_timer({w.client_.next_deadline(), 0});
  EXPECT_EQ(last_of(w.take_events(), Kind::kClosed)->code, ErrorCode::kConnectFailed);
}

TEST(ClientLink, DisconnectSaysGoodbyeAndKeepsTheReplica) {
  World w;
  const EntityId entity = w.add_ship(kHere);
  w.go_live();
  w.client_.disconnect(w.net_.now());
  w.net_.settle();
  EXPECT_EQ(last_of(w.take_events(), Kind::kClosed)->code, ErrorCode::kClientLeft);
  EXPECT_EQ(last_of(w.take_server_events(), ServerEvent::Kind::kClosed)->code,
            ErrorCode::kClientLeft);
  EXPECT_EQ(w.server_.connection_count(), 0u);
  w.net_.advance(Duration::seconds(20));
  EXPECT_EQ(w.client_.stats().dials, 1u);
  EXPECT_EQ(w.client_.db().get<Ship>(entity)->name, "anna");
}

TEST(ClientLink, KickedClientLearnsWhyAndComesBackSoon) {
  World w;
  w.go_live();
  w.take_events();
  w.server_.disconnect(LinkId{0}, ErrorCode::kKicked, "be nice", w.net_.now());
  w.net_.settle();
  const auto events = w.take_events();
  ASSERT_NE(last_of(events, Kind::kClosed), nullptr);
  EXPECT_EQ(last_of(events, Kind::kClosed)->code, ErrorCode::kKicked);
  EXPECT_EQ(last_of(events, Kind::kClosed)->reason, "be nice");
  EXPECT_LE(w.client_.next_deadline() - w.net_.now().steady, Duration::seconds(1));
  w.net_.advance(Duration::seconds(1));
  EXPECT_EQ(w.client_.sync().phase, SyncStatus::Phase::kLive);
}

TEST(ClientLink, LongReasonIsCutBetweenCharacters) {
  World w;
  w.go_live();
  std::string reason;
  while (reason.size() < 2 * kReasonBytesMax) reason += "\xf0\x9f\x90\x9f";
  w.server_.disconnect(LinkId{0}, ErrorCode::kKicked, "x" + reason, w.net_.now());
  w.net_.settle();
  const auto events = w.take_events();
  ASSERT_NE(last_of(events, Kind::kClosed), nullptr);
  EXPECT_EQ(last_of(events, Kind::kClosed)->code, ErrorCode::kKicked);
  EXPECT_EQ(last_of(events, Kind::kClosed)->reason.size(), kReasonBytesMax - 3);
}

TEST(ClientLink, ShutdownTellsEveryClient) {
  World w;
  w.go_live();
  w.server_.shutdown(w.net_.now());
  EXPECT_FALSE(w.server_.closed());
  w.net_.settle();
  EXPECT_TRUE(w.server_.closed());
  EXPECT_EQ(last_of(w.take_events(), Kind::kClosed)->code, ErrorCode::kShutdown);
  w.net_.advance(Duration::seconds(2));  // it dials again and is refused without a word
  EXPECT_GT(w.client_.stats().dials, 1u);
  EXPECT_EQ(last_of(w.take_events(), Kind::kClosed)->code, ErrorCode::kLinkClosed);
}

TEST(ClientLink, WrongTokenIsRefused) {
  const StaticAuthenticator authenticator({{"open sesame", "ali", PrincipalId{4}, {}, {}}});
  ClientOptions wrong;
  wrong.token = "open barley";
  World w({}, wrong, harbour().build().value(), &authenticator);
  w.client_.connect(w.net_.now());
  w.net_.settle();
  EXPECT_EQ(last_of(w.take_events(), Kind::kClosed)->code, ErrorCode::kAuthFailed);
  EXPECT_EQ(last_of(w.take_server_events(), ServerEvent::Kind::kClosed)->code,
            ErrorCode::kAuthFailed);
  ClientOptions right;
  right.token = "open sesame";
  right.name = std::string(100, 'n');  // cut to what the server takes
  Client client(right, Prng(2));
  World::bind(client);
  client.subscribe("ship", w.net_.now());
  w.net_.add(&client);
  client.connect(w.net_.now());
  w.net_.settle();
  EXPECT_EQ(client.sync().phase, SyncStatus::Phase::kLive);
  const auto events = w.take_server_events();
  const ServerEvent* event = last_of(events, ServerEvent::Kind::kAuthenticated);
  EXPECT_EQ(event->principal, PrincipalId{4});
  EXPECT_EQ(event->client_name, std::string(kClientNameBytesMax, 'n'));
  EXPECT_EQ(event->reason, "ali");
}

TEST(ClientLink, SystemDatabaseIsRefusedToWhoIsNoAdmin) {
  ClientOptions options;
  options.database = 1;
  World w({}, options);
  w.client_.connect(w.net_.now());
  w.net_.settle();
  EXPECT_EQ(last_of(w.take_events(), Kind::kClosed)->code, ErrorCode::kNotPermitted);
}

TEST(ClientLink, FaultIsToldToTheServerAndMendedByAResync) {
  ClientOptions options;
  options.rows_max = 2;
  World w({}, options);
  const EntityId first = w.add_ship(kHere);
  w.add_ship(kHere);
  w.go_live();
  w.add_ship(kHere);
  EXPECT_EQ(w.client_.stats().faults, 1u);
  EXPECT_EQ(w.client_.db().table(kShip).row_count(), 2u);  // the cut before
  EXPECT_EQ(last_of(w.take_server_events(), ServerEvent::Kind::kClosed)->code,
            ErrorCode::kClientLeft);
  EXPECT_EQ(last_of(w.take_events(), Kind::kFault)->code, ErrorCode::kClientLimit);
  w.step([&](Transaction& tx) { EXPECT_TRUE(tx.destroy(first).ok()); });
  w.net_.advance(Duration::seconds(1));
  EXPECT_EQ(w.client_.sync().phase, SyncStatus::Phase::kLive);
  w.expect_same();
}

TEST(ClientLink, FaultInAFullSyncBacksOff) {
  ClientOptions options;
  options.rows_max = 2;
  World w({}, options);
  for (int i = 0; i < 3; ++i) w.add_ship(kHere);
  w.subscribe_all();
  w.client_.connect(w.net_.now());
  w.net_.settle();
  w.net_.advance(Duration::seconds(30));
  EXPECT_LT(w.client_.stats().dials, 16u);  // not ten a second
  EXPECT_GT(w.client_.stats().dials, 6u);
  EXPECT_EQ(w.client_.stats().faults, w.client_.stats().connects);
}

TEST(Client, AnotherSchemaBecomesVisibleWithItsSync) {
  World w;
  const EntityId entity = w.add_ship({10, 10}, "anna");
  w.log_rows();
  w.go_live();
  w.take_rows();
  w.net_.cut(0);
  w.net_.forget(0);
  const OpenAuthenticator authenticator;
  ReplicationServer other(harbour(2).build().value(), ServerOptions{}, &authenticator);
  ASSERT_TRUE(other.bind<Ship>().ok());
  Transaction tx = other.begin(w.net_.now());
  const EntityId fresh = tx.create().value();
  ASSERT_TRUE(tx.insert(fresh, Ship{{20, 20}, 2, "boris"}).ok());
  other.commit(std::move(tx), w.net_.now());
  other.publish(w.net_.now());
  Loopback net(other);
  net.add(&w.client_);
  net.set_poll(false);
  net.advance(Duration::seconds(5));
  // Connected to the new server, whose sync waits for poll(): reads show the old state.
  EXPECT_EQ(w.client_.db().get<Ship>(entity)->name, "anna");
  EXPECT_EQ(w.client_.db().schema().def().version, 1u);
  EXPECT_TRUE(w.take_rows().empty());
  w.client_.poll(net.now());
  EXPECT_EQ(w.client_.db().schema().def().version, 2u);
  EXPECT_EQ(w.client_.db().get<Ship>(fresh)->name, "boris");
  EXPECT_EQ(w.take_rows(), (Log{"leave ship 0", "enter ship 0"}));
}

}  // namespace
}  // namespace ecsdb::client_test
