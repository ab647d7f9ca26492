// One connection from its first byte to its last: handshake, refusals, timers.
#include "ecsdb/server/session.h"

#include <gtest/gtest.h>

#include "ecsdb/server/test_peer.h"

namespace ecsdb::server_test {
namespace {

/// What a stranger's bytes end in: the code in the log, and whether anything was said.
void expect_refused(Bench& bench, Peer& peer, ErrorCode code, bool is_told) {
  peer.receive();
  EXPECT_TRUE(peer.is_closed());
  const auto event = bench.closed();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->code, code) << event->reason;
  EXPECT_EQ(peer.goodbye().has_value(), is_told);
  const uint16_t told = peer.goodbye().value_or(Goodbye{}).code;
  EXPECT_EQ(told, is_told ? static_cast<uint16_t>(code) : 0);
  EXPECT_EQ(bench.server.connection_count(), 0u);
}

TEST(Session, WrongByteOfThePrefaceIsRefusedAtOnceAndInSilence) {
  Bench bench;
  Peer peer(bench, 0);
  peer.feed(as_bytes("G"));
  expect_refused(bench, peer, ErrorCode::kBadPreface, false);
  EXPECT_EQ(peer.consumed(), 0u);
  EXPECT_EQ(bench.server.stats().refused, 1u);
}

TEST(Session, PrefaceMustBeWholeAndSound) {
  const auto refuse = [](Preface preface, size_t flip, ErrorCode code) {
    Bench bench;
    Peer peer(bench, 0);
    auto bytes = encode_preface(preface);
    if (flip > 0) bytes[flip] ^= 1;
    peer.feed(bytes);
    expect_refused(bench, peer, code, false);
  };
  refuse({.protocol_min = 2, .protocol_max = 9}, 0, ErrorCode::kProtocolUnsupported);
  refuse({}, 7, ErrorCode::kBadPreface);
  refuse({}, 10, ErrorCode::kBadPreface);  // a reserved byte
}

TEST(Session, HandshakeByteByByte) {
  Bench bench;
  Peer peer(bench, 0);
  Auth auth;
  const std::string_view token = "guest token";
  auth.token.assign(token.begin(), token.end());
  const auto preface = encode_preface(Preface{});
  Bytes stream(preface.begin(), preface.end());
  append_message(stream, MessageType::kAuth, auth);
  for (const uint8_t byte : stream) peer.feed(ByteSpan(&byte, 1));
  peer.receive();
  const auto frames = peer.take();
  ASSERT_EQ(frames.size(), 2u);
  const AuthReply reply = frames[0].as<AuthReply>();
  EXPECT_EQ(reply.client, ClientId{1});
  EXPECT_EQ(reply.principal, PrincipalId{7});
  EXPECT_EQ(reply.heartbeat_ms, 1000u);
  EXPECT_EQ(reply.unacked_bytes_max, kUnackedBytesMax);
  EXPECT_EQ(frames[1].as<SchemaPart>().bytes.size(), reply.schema_bytes);
}

TEST(Session, KnownSchemaIsNotSent) {
  Bench bench;
  Peer peer(bench, 0);
  peer.greet();
  Auth auth;
  const std::string_view token = "guest token";
  auth.token.assign(token.begin(), token.end());
  auth.schema_known = bench.server.database().schema().fingerprint();
  peer.send(MessageType::kAuth, auth);
  peer.receive();
  const auto frames = peer.take();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].as<AuthReply>().schema_bytes, 0u);
}

TEST(Session, UnknownTokenIsRefused) {
  Bench bench;
  Peer peer(bench, 0);
  peer.greet();
  peer.authenticate("no such token");
  expect_refused(bench, peer, ErrorCode::kAuthFailed, true);
  EXPECT_EQ(bench.server.stats().authenticated, 0u);
}

TEST(Session, MessagesOutOfPlaceAreRefused) {
  const auto refuse = [](bool authenticated, ErrorCode code, auto&& act) {
    Bench bench;
    Peer peer(bench, 0);
    peer.greet();
    if (authenticated) peer.authenticate();
    act(peer);
    expect_refused(bench, peer, code, true);
    EXPECT_EQ(bench.server.stats().refused, 1u);
  };
  const ErrorCode unexpected = ErrorCode::kUnexpectedMessage;
  refuse(false, unexpected, [](Peer& p) { p.send(MessageType::kSubscribe, Subscribe{}); });
  refuse(false, unexpected, [](Peer& p) { p.send(MessageType::kAck, Ack{}); });
  refuse(false, unexpected,
         [](Peer& p) { p.send(MessageType::kClientHeartbeat, ClientHeartbeat{}); });
  refuse(true, unexpected, [](Peer& p) { p.authenticate(); });
  refuse(true, ErrorCode::kUnknownMessage,
         [](Peer& p) { p.send(MessageType::kServerHeartbeat, ServerHeartbeat{}); });
  refuse(false, ErrorCode::kUnknownMessage,
         [](Peer& p) { p.send(static_cast<MessageType>(200), ServerHeartbeat{}); });
}

TEST(Session, MessagesThatDoNotDecodeAreRefused) {
  for (const MessageType type : {MessageType::kSubscribe, MessageType::kAck,
                                 MessageType::kClientHeartbeat, MessageType::kGoodbye}) {
    Bench bench;
    Peer peer(bench, 0);
    peer.greet();
    peer.authenticate();
    Bytes frame;
    append_frame(frame, type, Bytes{0xff});
    peer.feed(frame);
    expect_refused(bench, peer, ErrorCode::kFrameMalformed, true);
  }
  Bench bench;
  Peer peer(bench, 0);
  peer.greet();
  Bytes frame;
  append_frame(frame, MessageType::kAuth, Bytes{0xff});
  frame.back() ^= 1;
  peer.feed(frame);
  expect_refused(bench, peer, ErrorCode::kChecksumMismatch, true);
}

TEST(Session, ClaimedLengthsAreRefusedBeforeTheyArrive) {
  Bench bench;
  Peer stranger(bench, 0);
  stranger.greet();
  stranger.feed(Bytes{1, 0x80, 0x80, 0x01});  // 16 KiB is too much before authentication
  expect_refused(bench, stranger, ErrorCode::kFrameTooLarge, true);
  Peer peer(bench, 0);
  peer.greet();
  peer.authenticate();
  peer.feed(Bytes{2, 0xff, 0xff, 0xff, 0xff, 0x07});  // 2 GiB
  expect_refused(bench, peer, ErrorCode::kFrameTooLarge, true);
}

TEST(Session, AckOfWhatWasNeverSentIsRefused) {
  const auto refuse = [](auto&& lie) {
    Bench bench;
    bench.add_unit(1, 1);
    Peer peer(bench, 0);
    peer.set_acks(false);
    peer.go_live({1});
    lie(peer);
    expect_refused(bench, peer, ErrorCode::kFrameMalformed, true);
  };
  refuse([](Peer& p) { p.ack(Version{0}, p.consumed() + 1); });
  refuse([](Peer& p) { p.ack(Version{2}, p.consumed()); });
  refuse([](Peer& p) {
    p.ack(Version{1}, p.consumed());
    p.ack(Version{1}, p.consumed() - 1);  // takes something back
  });
  refuse([](Peer& p) {
    p.ack(Version{1}, p.consumed());
    p.ack(Version{0}, p.consumed());
  });
}

TEST(Session, HandshakeMustEndInTime) {
  for (const bool with_preface : {false, true}) {
    Bench bench;
    Peer peer(bench, 0);
    bench.pass(Duration::seconds(3));
    if (with_preface) peer.greet();  // bytes do not buy time
    EXPECT_EQ(bench.server.next_deadline(), Instant{1'000'000'000} + Duration::seconds(5));
    bench.pass(Duration::seconds(2));
    expect_refused(bench, peer, ErrorCode::kHandshakeTimeout, with_preface);
  }
}

TEST(Session, SilentClientIsClosed) {
  Bench bench;
  Peer peer(bench, 0);
  peer.go_live({1});
  peer.set_acks(false);
  for (int i = 0; i < 59; ++i) {
    bench.pass(Duration::seconds(1));
    peer.receive();
    EXPECT_FALSE(peer.is_closed());
  }
  bench.pass(Duration::seconds(1));
  expect_refused(bench, peer, ErrorCode::kPeerSilent, true);
}

TEST(Session, ClientThatTakesNothingIsClosedEvenIfItSpeaks) {
  Bench bench;
  const EntityId unit = bench.add_unit(1, 1);
  Peer peer(bench, 0);
  peer.go_live({1});
  peer.set_accepts(0);
  bench.hit(unit, 1);
  for (int i = 0; i < 59; ++i) {
    bench.pass(Duration::seconds(1));
    peer.send(MessageType::kClientHeartbeat, ClientHeartbeat{});
    peer.receive();
    EXPECT_FALSE(bench.closed());
  }
  bench.pass(Duration::seconds(1));
  // Its goodbye waits for the link no longer than close_timeout.
  EXPECT_EQ(bench.server.next_deadline(), bench.time + Duration::seconds(2));
  peer.receive();
  EXPECT_FALSE(peer.is_closed());
  bench.pass(Duration::seconds(2));
  expect_refused(bench, peer, ErrorCode::kStalled, false);
}

TEST(Session, BytesAfterTheCloseAreIgnored) {
  Bench bench;
  Peer peer(bench, 0);
  peer.go_live({1});
  bench.server.disconnect(peer.link(), ErrorCode::kKicked, "out", bench.now());
  bench.server.disconnect(peer.link(), ErrorCode::kShutdown, "again", bench.now());
  peer.feed(as_bytes("rubbish"));
  expect_refused(bench, peer, ErrorCode::kKicked, true);
  EXPECT_EQ(bench.server.stats().refused, 0u);
}

TEST(Session, GoodbyeOfTheClientIsLogged) {
  const auto leave = [](uint16_t code, const char* logged) {
    Bench bench;
    Peer peer(bench, 0);
    peer.go_live({1});
    peer.send(MessageType::kGoodbye, Goodbye{code, "so long"});
    peer.receive();
    EXPECT_TRUE(peer.is_closed());
    const auto event = bench.closed();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->code, ErrorCode::kClientLeft);  // whatever it says, it left
    EXPECT_EQ(event->reason, logged);
    EXPECT_EQ(event->client_name, "peer");
    EXPECT_EQ(event->principal, PrincipalId{7});
  };
  leave(501, "so long");
  leave(400, "it says wrong_baseline: so long");
  leave(0, "it says ok: so long");
  leave(9999, "it says unknown: so long");
}

// Replies pile up in memory until the peer reads them: there is a bound.
TEST(Session, AsksWithoutReadingTheAnswersAreRefused) {
  Bench bench;
  Peer peer(bench, 0);
  peer.go_live({1});
  peer.set_accepts(0);
  Subscribe request;
  request.remove = {SubscriptionId{77}};
  for (size_t i = 0; i < kRepliesWaitingMax; ++i) peer.send(MessageType::kSubscribe, request);
  EXPECT_FALSE(bench.closed());
  peer.send(MessageType::kSubscribe, request);
  peer.set_accepts(~size_t{0});
  peer.receive();
  EXPECT_TRUE(peer.is_closed());
  EXPECT_EQ(bench.closed()->code, ErrorCode::kLimitExceeded);
}

TEST(Session, AcksThatAcknowledgeNothingNewAreNoProgress) {
  Bench bench;
  Peer peer(bench, 0);
  peer.go_live({1});
  peer.set_acks(false);
  const EntityId unit = bench.add_unit(1, 1);
  peer.receive();
  peer.set_accepts(0);
  bench.hit(unit, 1);
  const uint64_t consumed = peer.consumed();
  peer.send(MessageType::kAck, Ack{Version{1}, consumed});
  for (int second = 0; second < 61; ++second) {
    bench.pass(Duration::seconds(1));
    peer.send(MessageType::kAck, Ack{Version{1}, consumed});
  }
  peer.set_accepts(~size_t{0});
  peer.receive();
  EXPECT_TRUE(peer.is_closed());
  EXPECT_EQ(bench.closed()->code, ErrorCode::kStalled);
}

TEST(Session, LostLinkIsLogged) {
  Bench bench;
  Peer peer(bench, 0);
  peer.go_live({1});
  peer.close();
  EXPECT_EQ(bench.closed()->code, ErrorCode::kLinkClosed);
  peer.close();  // harmless
  EXPECT_FALSE(bench.closed());
  EXPECT_EQ(bench.server.output(peer.link()).bytes(), 0u);
}

TEST(Session, HeartbeatFollowsSilenceOnly) {
  Bench bench;
  const EntityId unit = bench.add_unit(1, 1);
  Peer peer(bench, 0);
  peer.go_live({1});
  bench.pass(Duration::ms(900));
  bench.hit(unit, 1);  // an advance says as much as a heartbeat
  peer.receive();
  peer.take();
  bench.pass(Duration::ms(900));
  peer.receive();
  EXPECT_TRUE(peer.take().empty());
  EXPECT_EQ(bench.server.next_deadline(), bench.time + Duration::ms(100));
  bench.pass(Duration::ms(100));
  peer.receive();
  const auto frames = peer.take();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].type, MessageType::kServerHeartbeat);
  EXPECT_EQ(frames[0].as<ServerHeartbeat>().head, Version{2});
  EXPECT_EQ(frames[0].as<ServerHeartbeat>().server_time_ns, static_cast<uint64_t>(bench.time.ns));
}

TEST(Session, TimerBeforeItsDeadlineDoesNothing) {
  Bench bench;
  Peer peer(bench, 0);
  peer.go_live({1});
  const Instant deadline = bench.server.next_deadline();
  bench.server.on_timer({Instant{deadline.ns - 1}, 0});
  EXPECT_FALSE(bench.server.next_ready());
  EXPECT_EQ(bench.server.next_deadline(), deadline);
  bench.server.on_timer({deadline, 0});
  EXPECT_TRUE(bench.server.next_ready());
  EXPECT_GT(bench.server.next_deadline(), deadline);
}

TEST(FlowControl, CountsWhatIsOnItsWay) {
  FlowControl flow;
  const Instant start{1000};
  flow.on_accepted(100, start);
  EXPECT_EQ(flow.unacked_bytes(), 100u);
  EXPECT_TRUE(flow.on_ack({Version{3}, 60}, Version{5}, start + Duration{5}).ok());
  EXPECT_EQ(flow.unacked_bytes(), 40u);
  EXPECT_EQ(flow.acked_cut(), Version{3});
  EXPECT_FALSE(flow.on_ack({Version{3}, 59}, Version{5}, start).ok());
  EXPECT_FALSE(flow.on_ack({Version{6}, 60}, Version{5}, start).ok());
  EXPECT_FALSE(flow.on_ack({Version{2}, 60}, Version{5}, start).ok());
  EXPECT_FALSE(flow.on_ack({Version{3}, 101}, Version{5}, start).ok());
  EXPECT_EQ(flow.unacked_bytes(), 40u);
}

TEST(FlowControl, SilenceIsWhileNothingIsAcknowledged) {
  FlowControl flow;
  const auto at = [](int64_t ns) { return Instant{1000 + ns}; };
  EXPECT_EQ(flow.silence(at(50)), Duration{0});
  flow.on_accepted(100, at(50));
  flow.on_accepted(100, at(60));
  EXPECT_EQ(flow.silence(at(70)), Duration{20});
  EXPECT_TRUE(flow.on_ack({Version{0}, 0}, Version{5}, at(75)).ok());
  EXPECT_EQ(flow.silence(at(80)), Duration{30});
  EXPECT_TRUE(flow.on_ack({Version{0}, 150}, Version{5}, at(90)).ok());
  EXPECT_EQ(flow.silence(at(95)), Duration{5});
  EXPECT_TRUE(flow.on_ack({Version{0}, 200}, Version{5}, at(96)).ok());
  EXPECT_EQ(flow.silence(at(900)), Duration{0});
}

}  // namespace
}  // namespace ecsdb::server_test
