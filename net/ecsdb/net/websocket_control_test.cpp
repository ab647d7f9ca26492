// Control frames: ping, pong and close.
#include "ecsdb/net/test_websocket.h"

namespace ecsdb::websocket_test {
namespace {

TEST(WebSocketFilter, PingIsAnsweredWithItsPayload) {
  for (const size_t size : {0u, 1u, 125u}) {
    WebSocketFilter filter = WebSocketFilter::server();
    Bytes stream;
    ASSERT_TRUE(feed(filter, frame(0x89, pattern(size), true), stream).ok());
    EXPECT_TRUE(stream.empty());
    EXPECT_EQ(drain(filter), frame(0x8a, pattern(size), false));
  }
}

TEST(WebSocketFilter, PingFloodLeavesTheNewestPongOnly) {
  WebSocketFilter filter = WebSocketFilter::server();
  Bytes stream;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(feed(filter, frame(0x89, std::to_string(i), true), stream).ok());
  }
  EXPECT_EQ(drain(filter), frame(0x8a, "999", false));
}

TEST(WebSocketFilter, PongBegunIsFinishedBeforeTheNextOne) {
  WebSocketFilter filter = WebSocketFilter::server();
  WebSocketScratch scratch;
  Bytes stream;
  ASSERT_TRUE(feed(filter, frame(0x89, "one", true), stream).ok());
  Bytes sent = flatten(filter.output({}, scratch));
  filter.on_sent(2);
  sent.resize(2);
  ASSERT_TRUE(feed(filter, frame(0x89, "two", true), stream).ok());
  EXPECT_EQ(join({sent, drain(filter)}),
            join({frame(0x8a, "one", false), frame(0x8a, "two", false)}));
}

TEST(WebSocketFilter, UnaskedPongIsIgnored) {
  WebSocketFilter filter = WebSocketFilter::server();
  Bytes stream;
  EXPECT_TRUE(feed(filter, frame(0x8a, "hello", true), stream).ok());
  EXPECT_TRUE(stream.empty());
  EXPECT_FALSE(filter.has_output());
}

TEST(WebSocketFilter, ClientControlFramesAreMasked) {
  WebSocketFilter client = make_client();
  WebSocketFilter server = WebSocketFilter::server();
  Bytes stream;
  ASSERT_TRUE(feed(client, frame(0x89, "ping", false), stream).ok());
  const Bytes pong = drain(client);
  ASSERT_EQ(pong.size(), 6u + 4u);
  EXPECT_EQ(pong[1], 0x84);
  EXPECT_TRUE(feed(server, pong, stream).ok());
}

TEST(WebSocketFilter, PeerCloseIsEchoedAndEndsInput) {
  WebSocketFilter filter = WebSocketFilter::server();
  Bytes stream;
  const Bytes wire = join({frame(kFinalBinary, "last", true),
                           frame(0x88, close_payload(1001, "bye \xe2\x82\xac"), true),
                           frame(kFinalBinary, "ignored", true)});
  ASSERT_TRUE(feed(filter, wire, stream, 3).ok());
  EXPECT_EQ(stream, to_bytes("last"));
  EXPECT_TRUE(filter.input_ended());
  EXPECT_EQ(filter.state(), WebSocketState::kClosing);
  EXPECT_EQ(filter.peer_close_code(), WebSocketClose::kGoingAway);
  EXPECT_EQ(filter.peer_close_reason(), "bye \xe2\x82\xac");
  EXPECT_EQ(drain(filter), frame(0x88, close_payload(1001), false));
  EXPECT_EQ(filter.state(), WebSocketState::kClosed);
}

TEST(WebSocketFilter, CloseWithoutCodeIsEchoedWithoutOne) {
  WebSocketFilter filter = WebSocketFilter::server();
  Bytes stream;
  ASSERT_TRUE(feed(filter, frame(0x88, "", true), stream).ok());
  EXPECT_EQ(filter.peer_close_code(), WebSocketClose::kNoCode);
  EXPECT_EQ(drain(filter), frame(0x88, "", false));
  EXPECT_EQ(filter.state(), WebSocketState::kClosed);
}

TEST(WebSocketFilter, ValidCloseCodesAreAccepted) {
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                         3000, 3999, 4000, 4999}) {
    WebSocketFilter filter = WebSocketFilter::server();
    Bytes stream;
    ASSERT_TRUE(feed(filter, frame(0x88, close_payload(code), true), stream).ok()) << code;
    EXPECT_EQ(drain(filter), frame(0x88, close_payload(code), false));
  }
}

TEST(WebSocketFilter, InvalidClosePayloadsAreRefused) {
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535}) {
    expect_violation(WebSocketRole::kServer, frame(0x88, close_payload(code), true), 1002);
  }
  expect_violation(WebSocketRole::kServer, frame(0x88, "\x03", true), 1002);
}

TEST(WebSocketFilter, CloseReasonMustBeUtf8) {
  for (const std::string_view bad :
       {"\x80", "\xc1\xbf", "\xc3", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "ok\xff", "\xe2\x82"}) {
    expect_violation(WebSocketRole::kServer, frame(0x88, close_payload(1000, bad), true), 1007);
  }
  for (const std::string_view good : {"\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                                      "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    WebSocketFilter filter = WebSocketFilter::server();
    Bytes stream;
    EXPECT_TRUE(feed(filter, frame(0x88, close_payload(1000, good), true), stream).ok());
    EXPECT_EQ(filter.peer_close_reason(), good);
  }
}

TEST(WebSocketFilter, CloseHandshakeFromOurSideWaitsForTheEcho) {
  WebSocketFilter filter = WebSocketFilter::server();
  WebSocketScratch scratch;
  filter.close(WebSocketClose::kNormal, "done");
  filter.close(WebSocketClose::kInternalError, "too late to change it");
  EXPECT_EQ(filter.state(), WebSocketState::kClosing);
  const Bytes data = to_bytes("not framed any more");
  const ByteSpan part = data;
  EXPECT_EQ(flatten(filter.output({&part, 1}, scratch)),
            frame(0x88, close_payload(1000, "done"), false));
  EXPECT_EQ(filter.on_sent(3), 0u);
  EXPECT_EQ(drain(filter).size(), 5u);
  EXPECT_EQ(filter.state(), WebSocketState::kClosing);
  // What the peer sent before it saw our close still counts, and its pings need no answer.
  Bytes stream;
  const Bytes reply = join({frame(kFinalBinary, "late", true), frame(0x89, "x", true),
                            frame(0x88, close_payload(1000), true)});
  ASSERT_TRUE(feed(filter, reply, stream).ok());
  EXPECT_EQ(stream, to_bytes("late"));
  EXPECT_EQ(filter.state(), WebSocketState::kClosed);
  EXPECT_FALSE(filter.has_output());
  EXPECT_TRUE(filter.output({&part, 1}, scratch).empty());
}

TEST(WebSocketFilter, CloseReasonIsCutAtACharacterAndDroppedIfNotText) {
  std::string reason(122, 'a');
  reason += "\xe2\x82\xac";
  WebSocketFilter cut = WebSocketFilter::server();
  cut.close(WebSocketClose::kGoingAway, reason);
  EXPECT_EQ(drain(cut), frame(0x88, close_payload(1001, std::string(122, 'a')), false));
  WebSocketFilter dropped = WebSocketFilter::server();
  dropped.close(WebSocketClose::kGoingAway, "\xff");
  EXPECT_EQ(drain(dropped), frame(0x88, close_payload(1001), false));
}

}  // namespace
}  // namespace ecsdb::websocket_test
