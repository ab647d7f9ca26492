#include "ecsdb/net/address.h"

#include <gtest/gtest.h>

namespace ecsdb::net {
namespace {

TEST(HostPort, ReadsNamesAndAddresses) {
  EXPECT_EQ(parse_host_port("127.0.0.1:7900")->to_text(), "127.0.0.1:7900");
  EXPECT_EQ(parse_host_port("[::1]:80")->host, "::1");
  EXPECT_EQ(parse_host_port("[::1]:80")->to_text(), "[::1]:80");
  EXPECT_EQ(parse_host_port("example.org:0")->port, 0);
  EXPECT_EQ(parse_host_port("a:65535")->port, 65535);
}

TEST(HostPort, RefusesTheRest) {
  for (const char* text : {"", ":", ":80", "a", "a:", "a:b", "a:65536", "a:-1", "a:123456",
                           "::1:80", "[::1]", "[::1:80", "[]:80", "a:80 "}) {
    EXPECT_EQ(parse_host_port(text).code(), ErrorCode::kUsage) << text;
  }
}

TEST(Loopback, IsToldApart) {
  for (const char* host : {"127.0.0.1", "127.8.9.1", "::1", "localhost"}) {
    EXPECT_TRUE(is_loopback(host)) << host;
  }
  for (const char* host : {"0.0.0.0", "::", "10.0.0.1", "example.org", "128.0.0.1", ""}) {
    EXPECT_FALSE(is_loopback(host)) << host;
  }
}

TEST(NumericAddress, IsNoName) {
  for (const char* host : {"127.0.0.1", "0.0.0.0", "::1"}) {
    EXPECT_TRUE(is_numeric_address(host)) << host;
  }
  for (const char* host : {"localhost", "1.2.3", "[::1]", "example.org", ""}) {
    EXPECT_FALSE(is_numeric_address(host)) << host;
  }
}

TEST(StreamUrl, UrlTextIsWhatIsParsed) {
  for (const char* text : {"tcp://127.0.0.1:1", "ws://[::1]:2/ecsdb?x=/y", "ws://h:2/"}) {
    EXPECT_EQ(url_text(*parse_stream_url(text)), text);
  }
}

TEST(StreamUrl, ReadsBothTransports) {
  const StreamUrl tcp = parse_stream_url("tcp://127.0.0.1:1").value();
  EXPECT_EQ(tcp.transport, TransportKind::kTcp);
  EXPECT_EQ(tcp.at.port, 1);
  EXPECT_TRUE(parse_stream_url("tcp://h:1/").ok());
  const StreamUrl ws = parse_stream_url("ws://[::1]:2/ecsdb?x=/y").value();
  EXPECT_EQ(ws.transport, TransportKind::kWebSocket);
  EXPECT_EQ(ws.at.host, "::1");
  EXPECT_EQ(ws.path, "/ecsdb?x=/y");
  EXPECT_EQ(parse_stream_url("ws://h:2")->path, "/");
}

TEST(StreamUrl, RefusesTheRest) {
  for (const char* text : {"", "127.0.0.1:1", "http://a:1", "wss://a:1", "tcp://a", "tcp://a:0",
                           "tcp://a:1/path", "ws://", "ws:///x"}) {
    EXPECT_EQ(parse_stream_url(text).code(), ErrorCode::kUsage) << text;
  }
}

}  // namespace
}  // namespace ecsdb::net
