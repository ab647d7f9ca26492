// Addresses as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ecsdb/base/result.h"

namespace ecsdb::net {

struct HostPort {
  std::string host;  // a name or a numeric address, without brackets
  uint16_t port = 0;

  /// "host:port", with brackets around an IPv6 address.
  std::string to_text() const;
};

/// "127.0.0.1:7900", "[::1]:7900", "example.org:7900". kUsage with what is wrong.
Result<HostPort> parse_host_port(std::string_view text);
/// True for an IPv4 or IPv6 address in numbers, without brackets.
bool is_numeric_address(std::string_view host);
/// True for numeric addresses of the loopback network and for "localhost".
bool is_loopback(std::string_view host);

enum class TransportKind : uint8_t { kUnknown, kTcp, kWebSocket };

/// "tcp", "ws" or "unknown".
std::string_view transport_name(TransportKind kind);

/// tcp://host:port or ws://host:port/path.
struct StreamUrl {
  TransportKind transport = TransportKind::kTcp;
  HostPort at;
  std::string path = "/";  // WebSocket only
};

/// The URL as it would be parsed.
std::string url_text(const StreamUrl& url);
/// kUsage with what is wrong.
Result<StreamUrl> parse_stream_url(std::string_view text);

}  // namespace ecsdb::net
