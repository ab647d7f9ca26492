// The client against a server that is scripted frame by frame, mostly a bad one.
#include "ecsdb/client/test_script.h"
#include "ecsdb/wire/compress.h"

namespace ecsdb::client_test {
/// Bound to a table whose field has another type.
struct WrongCargo {
  double gold = 0;
};
}  // namespace ecsdb::client_test

template <>
struct ecsdb::Bind<ecsdb::client_test::WrongCargo> {
  static constexpr const char* table = "cargo";
  static constexpr auto fields =
      std::make_tuple(member("gold", &ecsdb::client_test::WrongCargo::gold));
};

namespace ecsdb::client_test {
namespace {

class ClientHandshake : public ::testing::Test, public Script {};

TEST_F(ClientHandshake, SaysPrefaceAndAuthFirst) {
  dial();
  EXPECT_EQ(take_sent(), (std::vector{MessageType::kAuth}));
  const auto expected = encode_preface(Preface{.features = built_in_features()});
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), sent_.begin()));
  EXPECT_TRUE(last_sent<Auth>().schema_known == Hash128{});
  welcome();
  EXPECT_EQ(code_of(ClientEvent::Kind::kConnected), ErrorCode::kOk);
  EXPECT_EQ(client_.client_id(), ClientId{12});
  EXPECT_EQ(client_.sync().phase, SyncStatus::Phase::kNotSubscribed);
}

TEST_F(ClientHandshake, BadPrefaceIsAFault) {
  dial();
  feed(as_bytes("HTTP/1.1 400 Bad Request\r\n"));
  expect_fault(ErrorCode::kBadPreface);
}

TEST_F(ClientHandshake, ServerThatChoseAnotherProtocolIsAFault) {
  dial();
  greet({.protocol_min = 2, .protocol_max = 3});
  expect_fault(ErrorCode::kProtocolUnsupported);
}

TEST_F(ClientHandshake, UnknownMessageIsAFault) {
  dial();
  greet();
  Bytes frame;
  append_frame(frame, static_cast<MessageType>(99), {});
  feed(frame);
  expect_fault(ErrorCode::kUnknownMessage);
}

TEST_F(ClientHandshake, MessagesOutOfPlaceAreFaults) {
  const auto refuse = [](auto&& act) {
    Script test;
    test.dial();
    act(test);
    test.expect_fault(ErrorCode::kUnexpectedMessage);
  };
  refuse([](Script& t) { t.greet(), t.send(MessageType::kSchemaPart, SchemaPart{}); });
  refuse([](Script& t) { t.greet(), t.send(MessageType::kSubscribeReply, SubscribeReply{}); });
  refuse([](Script& t) { t.greet(), t.send(MessageType::kSyncBegin, SyncBegin{}); });
  refuse([](Script& t) { t.greet(), t.send_advance(MessageType::kAdvance, step(0, 1)); });
  refuse([](Script& t) { t.welcome(), t.send(MessageType::kAuthReply, AuthReply{}); });
  refuse([](Script& t) { t.welcome(), t.send_advance(MessageType::kAdvance, step(0, 1)); });
  refuse([](Script& t) { t.welcome(), t.send_advance(MessageType::kSyncChunk, step(0, 0)); });
  refuse([](Script& t) {
    t.welcome();
    t.send(MessageType::kSyncBegin, SyncBegin{});
    t.send(MessageType::kSyncBegin, SyncBegin{});
  });
}

TEST_F(ClientHandshake, MessagesThatDoNotDecodeAreFaults) {
  const MessageType types[] = {MessageType::kAuthReply, MessageType::kServerHeartbeat,
                               MessageType::kGoodbye};
  for (const MessageType type : types) {
    Script t;
    t.dial();
    t.greet();
    Bytes frame;
    append_frame(frame, type, Bytes{0xff});
    t.feed(frame);
    t.expect_fault(ErrorCode::kFrameMalformed);
  }
  const MessageType later[] = {MessageType::kSubscribeReply, MessageType::kSyncBegin,
                               MessageType::kAdvance};
  for (const MessageType type : later) {
    Script t;
    t.dial();
    t.welcome();
    Bytes frame;
    append_frame(frame, type, Bytes{0xff});
    t.feed(frame);
    t.expect_fault(ErrorCode::kFrameMalformed);
  }
}

TEST_F(ClientHandshake, TailBehindAMessageThatHasNoneIsAFault) {
  dial();
  welcome();
  Bytes head;
  ByteWriter writer(head);
  encode_fields(ServerHeartbeat{}, writer);
  Bytes frame;
  append_frame(frame, MessageType::kServerHeartbeat, head, 3);
  frame.insert(frame.end(), 3, 0);
  feed(frame);
  expect_fault(ErrorCode::kFrameMalformed);
}

TEST_F(ClientHandshake, ServerThatStopsInTheMiddleOfTheSchemaIsLeft) {
  dial();
  EXPECT_EQ(client_.sync().phase, SyncStatus::Phase::kHandshake);
  greet();
  time_ = time_ + Duration::seconds(1);
  send(MessageType::kAuthReply, reply_for(schema_));
  EXPECT_EQ(client_.sync().phase, SyncStatus::Phase::kHandshake);
  EXPECT_EQ(client_.next_deadline(), time_ + Duration::seconds(5));
  time_ = client_.next_deadline();
  client_.on_timer(now());
  EXPECT_EQ(code_of(ClientEvent::Kind::kClosed), ErrorCode::kPeerSilent);
}

TEST_F(ClientHandshake, NothingFollowsAGoodbyeOfTheServer) {
  go_live();
  Bytes said;
  append_message(said, MessageType::kGoodbye,
                 Goodbye{static_cast<uint16_t>(ErrorCode::kShutdown), "later"});
  said.insert(said.end(), 100, 0xff);
  feed(said);
  EXPECT_EQ(client_.stats().faults, 0u);
  EXPECT_EQ(take_sent(), (std::vector<MessageType>{MessageType::kAck}));
  feed(as_bytes("rubbish"));
  EXPECT_TRUE(take_sent().empty());
  // A server that does not close then is left after silence, for the reason that it gave.
  time_ = time_ + Duration::seconds(5);
  feed(as_bytes("rubbish"));
  client_.on_timer(now());
  EXPECT_EQ(code_of(ClientEvent::Kind::kClosed), ErrorCode::kShutdown);
  EXPECT_TRUE(client_.output(link_, now()).close);
  // It is not the reason of the next link's end.
  while (!client_.next_dial()) {
    time_ = client_.next_deadline();
    client_.on_timer(now());
  }
  client_.on_closed(LinkId{link_.value + 1}, now());
  EXPECT_EQ(code_of(ClientEvent::Kind::kClosed), ErrorCode::kConnectFailed);
}

TEST_F(ClientHandshake, GoodbyeThatTheLinkDoesNotTakeIsGivenUp) {
  go_live();
  client_.disconnect(now());
  EXPECT_GT(client_.output(link_, now()).bytes(), 0u);
  EXPECT_EQ(client_.next_deadline(), time_ + Duration::seconds(2));
  time_ = client_.next_deadline();
  client_.on_timer(now());
  EXPECT_TRUE(client_.has_output(link_));
  EXPECT_EQ(client_.output(link_, now()).bytes(), 0u);
  EXPECT_TRUE(client_.output(link_, now()).close);
  EXPECT_EQ(client_.next_deadline(), Instant::never());
}

class ClientTickets : public ::testing::Test, public Script {
 protected:
  void welcome_with(uint8_t ticket) {
    greet();
    AuthReply reply = reply_for(schema_);
    reply.ticket = {ticket};
    send(MessageType::kAuthReply, reply);
  }
  void refuse() {
    const auto code = static_cast<uint16_t>(ErrorCode::kTicketReused);
    send(MessageType::kGoodbye, Goodbye{code, ""});
  }
  /// The link ends, and the client dials again.
  Auth next_auth() {
    client_.on_closed(link_, now());
    time_ = time_ + Duration::seconds(6);
    client_.on_timer(now());
    accept();
    EXPECT_EQ(take_sent(), std::vector{MessageType::kAuth});
    return last_sent<Auth>();
  }
};

TEST_F(ClientTickets, RefusedOneEndsTheSessionThatSomebodyElseHas) {
  dial();
  welcome_with(1);
  next_auth();
  greet();
  refuse();
  for (int i = 0; i < 2; ++i) {  // until it gets through
    const Auth second = next_auth();
    EXPECT_EQ(second.ticket, Bytes{1});
    EXPECT_TRUE(second.ticket_is_copied);
  }
  welcome_with(2);
  const Auth third = next_auth();
  EXPECT_EQ(third.ticket, Bytes{2});
  EXPECT_FALSE(third.ticket_is_copied);
}

TEST_F(ClientTickets, SessionThatWasEndedIsForgotten) {
  dial();
  welcome_with(1);
  refuse();
  const Auth second = next_auth();
  EXPECT_TRUE(second.ticket.empty());
  EXPECT_FALSE(second.ticket_is_copied);
}

TEST_F(ClientHandshake, FrameOverItsLimitIsAFault) {
  dial();
  greet();
  feed(Bytes{static_cast<uint8_t>(MessageType::kAuthReply), 0xff, 0xff, 0xff, 0x7f, 0});
  expect_fault(ErrorCode::kFrameTooLarge);
}

TEST_F(ClientHandshake, SchemaPartsMustFollowEachOther) {
  const Bytes schema = encode_schema(schema_.def());
  const SchemaPart bad[] = {{1, {1, 2}}, {0, {}}, {0, Bytes(schema.size() + 1)}};
  for (const SchemaPart& part : bad) {
    Script t;
    t.dial();
    t.greet();
    t.send(MessageType::kAuthReply, t.reply_for(schema_));
    t.send(MessageType::kSchemaPart, part);
    t.expect_fault(ErrorCode::kFrameMalformed);
  }
}

TEST_F(ClientHandshake, SchemaMustBeWhatWasAnnounced) {
  dial();
  greet();
  AuthReply reply = reply_for(schema_);
  reply.schema_fingerprint.low ^= 1;
  send(MessageType::kAuthReply, reply);
  send(MessageType::kSchemaPart, SchemaPart{0, encode_schema(schema_.def())});
  expect_fault(ErrorCode::kSchemaMismatch);
}

TEST_F(ClientHandshake, ServerMustSendASchemaThatWeLack) {
  dial();
  greet();
  AuthReply reply = reply_for(schema_);
  reply.schema_bytes = 0;
  send(MessageType::kAuthReply, reply);
  expect_fault(ErrorCode::kSchemaMismatch);
}

TEST_F(ClientHandshake, KnownSchemaIsOfferedAndReused) {
  go_live();
  client_.on_closed(link_, now());
  time_ = time_ + Duration::seconds(5);
  client_.on_timer(now());
  dial();
  preface_seen_ = false;
  const std::vector<MessageType> hello = {MessageType::kAuth, MessageType::kSubscribe,
                                          MessageType::kResume};
  EXPECT_EQ(take_sent(), hello);
  EXPECT_EQ(last_sent<Resume>().cut, Version{5});
  greet();
  AuthReply reply = reply_for(schema_);
  reply.schema_bytes = 0;
  send(MessageType::kAuthReply, reply);
  EXPECT_EQ(client_.sync().phase, SyncStatus::Phase::kSyncing);
  send(MessageType::kResumeReply, ResumeReply{});
  EXPECT_EQ(client_.sync().phase, SyncStatus::Phase::kLive);
  EXPECT_EQ(client_.stats().connects, 2u);
}

TEST_F(ClientHandshake, StructThatDoesNotFitTheSchemaEndsTheTrying) {
  client_.bind<WrongCargo>();
  dial();
  welcome();
  expect_fault(ErrorCode::kTypeMismatch);
  EXPECT_EQ(client_.sync().phase, SyncStatus::Phase::kIdle);
  client_.on_timer(Now{client_.next_deadline(), 0});  // the goodbye is not waited for any longer
  EXPECT_FALSE(client_.next_dial());
  EXPECT_EQ(client_.next_deadline(), Instant::never());
}

TEST_F(ClientHandshake, StructBoundLaterIsCheckedAtOnce) {
  go_live();
  client_.bind<Cargo>();
  EXPECT_EQ(code_of(ClientEvent::Kind::kFault), ErrorCode::kOk);
  client_.bind<WrongCargo>();
  EXPECT_EQ(code_of(ClientEvent::Kind::kFault), ErrorCode::kTypeMismatch);
}

TEST_F(ClientHandshake, AdvancesMustBeginAndEndInPlace) {
  const auto refuse = [](ErrorCode code, std::initializer_list<Advance> advances) {
    Script t;
    t.go_live();
    for (const Advance& advance : advances) t.send_advance(MessageType::kAdvance, advance);
    t.client_.poll(t.now());
    EXPECT_EQ(t.code_of(ClientEvent::Kind::kFault), code);
    EXPECT_EQ(t.client_.db().cut(), Version{5});
  };
  const Advance open = step(5, 6, true, false);
  const Advance middle = step(5, 6, false);
  const Advance other = step(5, 7, false);
  refuse(ErrorCode::kFrameMalformed, {middle});
  refuse(ErrorCode::kFrameMalformed, {open, step(5, 6)});
  refuse(ErrorCode::kFrameMalformed, {open, other});
  refuse(ErrorCode::kUnexpectedMessage, {end_of_sync()});
  refuse(ErrorCode::kWrongBaseline, {step(4, 6)});
}

TEST_F(ClientHandshake, AdvanceOfSeveralFramesIsOneCutAndHeartbeatsMayStandBetween) {
  go_live();
  send_advance(MessageType::kAdvance, step(5, 6, true, false));
  send(MessageType::kServerHeartbeat, ServerHeartbeat{Version{9}, {}, 1000, 0, 0, {}});
  EXPECT_EQ(client_.poll(now()), 0u);
  send_advance(MessageType::kAdvance, step(5, 6, false));
  EXPECT_EQ(client_.poll(now()), 1u);
  EXPECT_EQ(client_.db().cut(), Version{6});
  EXPECT_EQ(client_.server_head(), Version{9});
}

TEST_F(ClientHandshake, AdvanceInTheMiddleOfASyncIsAFault) {
  client_.subscribe("ship", now());
  dial();
  welcome();
  send(MessageType::kSyncBegin, SyncBegin{Version{5}, 0, 0});
  send_advance(MessageType::kAdvance, step(5, 6));
  client_.poll(now());
  expect_fault(ErrorCode::kUnexpectedMessage);
}

// Of memory: empty advances are 18 bytes on the stream.
TEST_F(ClientHandshake, BytesNotPolledAreBounded) {
  ClientOptions options;
  options.pending_bytes_max = 10'000;
  Script t(options);
  t.go_live();
  for (uint64_t v = 5; v < 100; ++v) t.send_advance(MessageType::kAdvance, step(v, v + 1));
  t.expect_fault(ErrorCode::kClientLimit);
}

TEST_F(ClientHandshake, SubscribeReplyNamesWhatWasRefused) {
  go_live();
  SubscribeReply reply;
  reply.results = {{SubscriptionId{1}, static_cast<uint16_t>(ErrorCode::kNotPermitted)}};
  send(MessageType::kSubscribeReply, reply);
  EXPECT_EQ(code_of(ClientEvent::Kind::kSubscribed), ErrorCode::kNotPermitted);
  send(MessageType::kSubscribeReply, reply);  // an answer that nobody awaits
  EXPECT_EQ(code_of(ClientEvent::Kind::kSubscribed), ErrorCode::kOk);
  client_.subscribe("ship", now());
  take_sent();
  reply.results[0] = {SubscriptionId{2}, 9999};  // of a newer server
  send(MessageType::kSubscribeReply, reply);
  EXPECT_EQ(code_of(ClientEvent::Kind::kSubscribed), ErrorCode::kNotPermitted);
  client_.subscribe("no_such_table", now());
  take_sent();
  EXPECT_EQ(code_of(ClientEvent::Kind::kSubscribed), ErrorCode::kUnknownTable);
}

TEST_F(ClientHandshake, AckTellsCutAndBytesConsumed) {
  client_.subscribe("ship", now());
  dial();
  welcome();
  take_sent();
  EXPECT_EQ(last_sent<Ack>().cut, Version{});
  EXPECT_EQ(last_sent<Ack>().bytes, client_.stats().bytes_received);
  send(MessageType::kSyncBegin, SyncBegin{Version{5}, 0, 0});
  send_advance(MessageType::kAdvance, end_of_sync());
  take_sent();
  EXPECT_EQ(last_sent<Ack>().cut, Version{});
  EXPECT_LT(last_sent<Ack>().bytes, client_.stats().bytes_received);  // not applied yet
  client_.poll(now());
  EXPECT_EQ(take_sent(), (std::vector{MessageType::kClientReady, MessageType::kAck}));
  EXPECT_EQ(last_sent<Ack>().cut, Version{5});
  EXPECT_EQ(last_sent<Ack>().bytes, client_.stats().bytes_received);
  EXPECT_TRUE(take_sent().empty());
}

}  // namespace
}  // namespace ecsdb::client_test
