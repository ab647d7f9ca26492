#include "ecsdb/net/http_upgrade.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace ecsdb {
namespace {

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

constexpr std::string_view kRequest =
    "GET /ecsdb HTTP/1.1\r\n"
    "Host: game.example.org:7777\r\n"
    "Upgrade: websocket\r\n"
    "Connection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "\r\n";

constexpr std::string_view kResponse =
    "HTTP/1.1 101 Switching Protocols\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Accept: ACCEPT\r\n"
    "\r\n";

// `text` with the first `from` replaced, which must be there.
std::string with(std::string_view text, std::string_view from, std::string_view to) {
  std::string out(text);
  const size_t at = out.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return out.replace(at, from.size(), to);
}

std::string with_header(std::string_view text, const std::string& line) {
  return with(text, "\r\n\r\n", "\r\n" + line + "\r\n\r\n");
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

struct Answer {
  unsigned status;
  std::string response;
};

Answer ask(std::string_view request, const UpgradeServerOptions& options = {}) {
  UpgradeServer server(options);
  server.on_bytes(as_bytes(request));
  return {server.status(), std::string(server.response())};
}

UpgradeClient make_client() { return *UpgradeClient::create("h:1", "/ecsdb", {1, 2}); }

// The accept value that this client expects, found with our own server.
std::string accept_of(const UpgradeClient& client) {
  const std::string response = ask(client.request()).response;
  const size_t at = response.find("Accept: ") + 8;
  return response.substr(at, response.find('\r', at) - at);
}

TEST(WebSocketAccept, KeyOfTheRfcGivesItsAnswer) { EXPECT_EQ(websocket_accept(kKey), kAccept); }

// One, two and three SHA-1 blocks, padded in each way around the block's end.
TEST(WebSocketAccept, KeysOfOtherLengthsHashAsStandardSha1) {
  EXPECT_EQ(websocket_accept(""), "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=");
  EXPECT_EQ(websocket_accept(std::string(19, 'a')), "yzaGyu0mcUukN7CdsSwa30tnCpc=");
  EXPECT_EQ(websocket_accept(std::string(20, 'a')), "dUYRM7bOMwDmbriNIPr11x+r3E0=");
  EXPECT_EQ(websocket_accept(std::string(100, 'a')), "+taVhj8zzaJPYE6HHo1ugamK/Ug=");
}

TEST(UpgradeServer, ValidRequestIsUpgraded) {
  const UpgradeServerOptions options;
  UpgradeServer server(options);
  EXPECT_EQ(server.on_bytes(as_bytes(kRequest)), UpgradeState::kUpgraded);
  EXPECT_EQ(server.status(), 101u);
  EXPECT_TRUE(server.response().starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_TRUE(contains(server.response(), "Sec-WebSocket-Accept: " + std::string(kAccept)));
  EXPECT_FALSE(contains(server.response(), "Protocol:"));
  EXPECT_TRUE(server.response().ends_with("\r\n\r\n"));
}

TEST(UpgradeServer, RequestSplitAnywhereIsUpgraded) {
  const UpgradeServerOptions options;
  for (size_t cut = 0; cut < kRequest.size(); ++cut) {
    UpgradeServer server(options);
    ASSERT_EQ(server.on_bytes(as_bytes(kRequest.substr(0, cut))), UpgradeState::kNeedMore);
    EXPECT_TRUE(server.response().empty());
    EXPECT_EQ(server.status(), 0u);
    ASSERT_EQ(server.on_bytes(as_bytes(kRequest.substr(cut))), UpgradeState::kUpgraded) << cut;
  }
  UpgradeServer bytewise(options);
  for (const char& byte : kRequest) bytewise.on_bytes(as_bytes(std::string_view(&byte, 1)));
  EXPECT_EQ(bytewise.state(), UpgradeState::kUpgraded);
}

TEST(UpgradeServer, OffersAreAnsweredAsFarAsTheyAreKnown) {
  const std::string deflate = with_header(kRequest, "Sec-WebSocket-Extensions: permessage-deflate");
  EXPECT_EQ(ask(deflate).status, 101u);
  EXPECT_FALSE(contains(ask(deflate).response, "Extensions"));
  const std::string known = with_header(kRequest, "Sec-WebSocket-Protocol: chat, ecsdb");
  EXPECT_TRUE(contains(ask(known).response, "Sec-WebSocket-Protocol: ecsdb\r\n"));
  const std::string other = with_header(kRequest, "Sec-WebSocket-Protocol: chat, ECSDB");
  EXPECT_FALSE(contains(ask(other).response, "Protocol:"));
}

TEST(UpgradeServer, TokensMatchInAnyCaseAndOnAnyLine) {
  EXPECT_EQ(ask(with(kRequest, "Upgrade: websocket", "upgrade: foo, WebSocket")).status, 101u);
  EXPECT_EQ(ask(with(kRequest, "Connection: keep-alive, Upgrade",
                     "Connection: keep-alive\r\nConnection: UPGRADE"))
                .status,
            101u);
}

TEST(UpgradeServer, OnlyListedPathsAreServed) {
  EXPECT_EQ(ask(with(kRequest, "/ecsdb", "/")).status, 101u);
  EXPECT_EQ(ask(with(kRequest, "/ecsdb", "/ecsdb?v=1")).status, 101u);
  EXPECT_EQ(ask(with(kRequest, "/ecsdb", "/ecsdb/")).status, 404u);
  EXPECT_EQ(ask(with(kRequest, "/ecsdb", "/favicon.ico")).status, 404u);
  UpgradeServerOptions options;
  options.paths = {"/live"};
  EXPECT_EQ(ask(with(kRequest, "/ecsdb", "/live"), options).status, 101u);
  EXPECT_EQ(ask(kRequest, options).status, 404u);
}

TEST(UpgradeServer, OriginMustBeListedIfPresent) {
  const std::string request = with_header(kRequest, "Origin: https://play.example.org");
  EXPECT_EQ(ask(request).status, 403u);
  UpgradeServerOptions options;
  options.allowed_origins = {"https://a.example", "https://play.example.org"};
  EXPECT_EQ(ask(request, options).status, 101u);
  EXPECT_EQ(ask(kRequest, options).status, 101u);
  EXPECT_EQ(ask(with(request, "https://play", "http://play"), options).status, 403u);
  EXPECT_EQ(ask(with_header(kRequest, "Origin: null"), options).status, 403u);
  EXPECT_EQ(ask(with_header(kRequest, "Origin:"), options).status, 403u);
  EXPECT_EQ(ask(with_header(request, "Origin: https://evil.example"), options).status, 403u);
}

TEST(UpgradeServer, OtherMethodsAndVersionsAreRefused) {
  const Answer post = ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\nabc");
  EXPECT_EQ(post.status, 405u);
  EXPECT_TRUE(contains(post.response, "Allow: GET\r\n"));
  const Answer head = ask("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(head.status, 405u);
  EXPECT_TRUE(head.response.ends_with("\r\n\r\n"));
  EXPECT_EQ(ask(with(kRequest, "HTTP/1.1", "HTTP/1.0")).status, 505u);
}

TEST(UpgradeServer, PlainGetIsToldWhatThePortIs) {
  const Answer answer = ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(answer.status, 400u);
  EXPECT_TRUE(contains(answer.response, "Content-Type: text/plain"));
  EXPECT_TRUE(contains(answer.response, "Connection: close\r\n"));
  EXPECT_TRUE(contains(answer.response, "ecsdb replication stream"));
  const size_t body = answer.response.find("\r\n\r\n") + 4;
  const std::string length = std::to_string(answer.response.size() - body);
  EXPECT_TRUE(contains(answer.response, "Content-Length: " + length + "\r\n"));
}

TEST(UpgradeServer, BrokenHandshakeHeadersAreRefused) {
  EXPECT_EQ(ask(with(kRequest, "Upgrade: websocket\r\n", "")).status, 400u);
  EXPECT_EQ(ask(with(kRequest, "keep-alive, Upgrade", "keep-alive")).status, 400u);
  EXPECT_EQ(ask(with(kRequest, "Host: game.example.org:7777\r\n", "")).status, 400u);
  EXPECT_EQ(ask(with_header(kRequest, "Host: other")).status, 400u);
  EXPECT_EQ(ask(with_header(kRequest, "Content-Length: 1")).status, 400u);
  EXPECT_EQ(ask(with_header(kRequest, "Transfer-Encoding: chunked")).status, 400u);
}

TEST(UpgradeServer, OtherWebSocketVersionsLearnTheRightOne) {
  for (const std::string_view version : {"8", "14", "013", ""}) {
    const Answer answer = ask(with(kRequest, "Version: 13", "Version: " + std::string(version)));
    EXPECT_EQ(answer.status, 426u) << version;
    EXPECT_TRUE(contains(answer.response, "Sec-WebSocket-Version: 13\r\n"));
  }
  EXPECT_EQ(ask(with(kRequest, "Sec-WebSocket-Version: 13\r\n", "")).status, 426u);
}

TEST(UpgradeServer, KeysThatAreNot16BytesAreRefused) {
  for (const std::string_view key :
       {"", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25jZR==",
        "dGhlIHNhbXBsZSBub25j*Q==", "dGhlIHNhbXBsZSBub25jZQAA"}) {
    EXPECT_EQ(ask(with(kRequest, kKey, key)).status, 400u) << key;
  }
  EXPECT_EQ(ask(with_header(kRequest, "Sec-WebSocket-Key: " + std::string(kKey))).status, 400u);
}

TEST(UpgradeServer, BytesBehindTheHeadAreRefused) {
  const Answer answer = ask(std::string(kRequest) + "x");
  EXPECT_EQ(answer.status, 400u);
  EXPECT_TRUE(contains(answer.response, "before its answer"));
}

TEST(UpgradeServer, HeadIsBounded) {
  const size_t room = kHttpHeadBytesMax - kRequest.size() - std::string_view("X: \r\n").size();
  EXPECT_EQ(ask(with_header(kRequest, "X: " + std::string(room, 'a'))).status, 101u);
  EXPECT_EQ(ask(with_header(kRequest, "X: " + std::string(room + 1, 'a'))).status, 431u);
  const UpgradeServerOptions options;
  UpgradeServer endless(options);
  for (size_t i = 0; i < kHttpHeadBytesMax; ++i) {
    ASSERT_EQ(endless.on_bytes(as_bytes("a")), UpgradeState::kNeedMore);
  }
  EXPECT_EQ(endless.on_bytes(as_bytes("a")), UpgradeState::kRefused);
  EXPECT_EQ(endless.status(), 431u);
}

TEST(UpgradeServer, MalformedHttpIsRefused) {
  for (const std::string_view request :
       {"\r\n\r\n", "hello\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET / HTTP/9\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\nA: \x01\r\n\r\n"}) {
    EXPECT_EQ(ask(request).status, 400u) << request;
  }
}

TEST(UpgradeServer, RefusalQuotesNothingOfTheRequest) {
  const Answer answer = ask(with(kRequest, "/ecsdb", "/<script>"));
  EXPECT_EQ(answer.status, 404u);
  EXPECT_FALSE(contains(answer.response, "script"));
}

TEST(UpgradeClient, RequestIsAcceptedByOurServer) {
  const UpgradeClient client = make_client();
  EXPECT_TRUE(contains(client.request(), "GET /ecsdb HTTP/1.1\r\nHost: h:1\r\n"));
  const Answer answer = ask(client.request());
  EXPECT_EQ(answer.status, 101u);
  EXPECT_TRUE(contains(answer.response, "Sec-WebSocket-Protocol: ecsdb\r\n"));
}

TEST(UpgradeClient, KeyWordsMakeTheKey) {
  const UpgradeClient client =
      *UpgradeClient::create("h", "/", {0x706d617320656874, 0x65636e6f6e20656c});
  EXPECT_TRUE(contains(client.request(), "Sec-WebSocket-Key: " + std::string(kKey) + "\r\n"));
}

TEST(UpgradeClient, ResponseSplitAnywhereUpgradesAndHandsBackTheRest) {
  const std::string response = with(kResponse, "ACCEPT", accept_of(make_client()));
  const std::string wire = response + "\x82\x01x";
  for (size_t cut = 0; cut < response.size(); ++cut) {
    UpgradeClient client = make_client();
    const auto first = client.on_bytes(as_bytes(wire).first(cut));
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(first->state, UpgradeState::kNeedMore);
    EXPECT_EQ(first->consumed, cut);
    const auto second = client.on_bytes(as_bytes(wire).subspan(cut));
    ASSERT_TRUE(second.ok());
    EXPECT_EQ(second->state, UpgradeState::kUpgraded);
    EXPECT_EQ(second->consumed, response.size() - cut);
  }
}

TEST(UpgradeClient, OtherStatusNamesItself) {
  UpgradeClient client = make_client();
  const auto progress =
      client.on_bytes(as_bytes("HTTP/1.1 403 <b>\r\nContent-Length: 3\r\n\r\nabc"));
  ASSERT_EQ(progress.code(), ErrorCode::kConnectFailed);
  EXPECT_TRUE(contains(progress.error().context, "403 Forbidden"));
}

TEST(UpgradeClient, BrokenResponsesAreRefused) {
  const std::string good = with(kResponse, "ACCEPT", accept_of(make_client()));
  const std::vector<std::string> bad = {
      std::string(kResponse),
      with(good, "Upgrade: websocket\r\n", ""),
      with(good, "Connection: Upgrade", "Connection: close"),
      with_header(good, "Sec-WebSocket-Extensions: permessage-deflate"),
      with_header(good, "Sec-WebSocket-Protocol: chat"),
      with_header(good, "Sec-WebSocket-Accept: again"),
      "SSH-2.0-OpenSSH\r\n\r\n",
      std::string(kHttpHeadBytesMax + 1, 'a'),
  };
  for (const std::string& response : bad) {
    UpgradeClient client = make_client();
    EXPECT_EQ(client.on_bytes(as_bytes(response)).code(), ErrorCode::kWebSocketViolation)
        << response.substr(0, 300);
  }
  UpgradeClient client = make_client();
  EXPECT_TRUE(client.on_bytes(as_bytes(with_header(good, "Sec-WebSocket-Protocol: ecsdb"))).ok());
}

TEST(UpgradeClient, HostAndPathThatDoNotFitARequestAreRefused) {
  for (const std::string_view host : {"", "a b", "a\r\nX: y", "\xc3\xa4"}) {
    EXPECT_EQ(UpgradeClient::create(host, "/", {}).code(), ErrorCode::kUsage);
  }
  for (const std::string_view path : {"", "ecsdb", "/a b", "/\n"}) {
    EXPECT_EQ(UpgradeClient::create("h", path, {}).code(), ErrorCode::kUsage);
  }
}

}  // namespace
}  // namespace ecsdb
