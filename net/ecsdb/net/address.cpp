#include "ecsdb/net/address.h"

#include <boost/asio/ip/address.hpp>

namespace ecsdb::net {
namespace {

bool parse_port(std::string_view text, uint16_t& port) {
  if (text.empty() || text.size() > 5) return false;
  uint32_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<uint32_t>(c - '0');
  }
  port = static_cast<uint16_t>(value);
  return value <= 0xffff;
}

Error bad(std::string_view what, std::string_view text) {
  return fail(ErrorCode::kUsage, std::string(what) + ": '" + std::string(text) + "'");
}

}  // namespace

std::string HostPort::to_text() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<HostPort> parse_host_port(std::string_view text) {
  HostPort out;
  std::string_view rest;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return bad("no ']' behind the address", text);
    out.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else {
    const size_t colon = text.find(':');
    if (colon != text.rfind(':')) return bad("an IPv6 address needs brackets", text);
    out.host = text.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
  }
  if (out.host.empty()) return bad("no host before the port", text);
  if (!rest.starts_with(':') || !parse_port(rest.substr(1), out.port)) {
    return bad("a port from 0 to 65535 must follow the host, as in 127.0.0.1:7900", text);
  }
  return out;
}

bool is_numeric_address(std::string_view host) {
  boost::system::error_code error;
  boost::asio::ip::make_address(std::string(host), error);
  return !error;
}

bool is_loopback(std::string_view host) {
  if (host == "localhost") return true;
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(std::string(host), error);
  return !error && address.is_loopback();
}

std::string_view transport_name(TransportKind kind) {
  switch (kind) {
    case TransportKind::kUnknown:
      return "unknown";
    case TransportKind::kTcp:
      return "tcp";
    case TransportKind::kWebSocket:
      return "ws";
  }
  return "unknown";
}

std::string url_text(const StreamUrl& url) {
  const bool is_tcp = url.transport == TransportKind::kTcp;
  return is_tcp ? "tcp://" + url.at.to_text() : "ws://" + url.at.to_text() + url.path;
}

Result<StreamUrl> parse_stream_url(std::string_view text) {
  StreamUrl out;
  std::string_view rest;
  if (text.starts_with("tcp://")) {
    rest = text.substr(6);
  } else if (text.starts_with("ws://")) {
    out.transport = TransportKind::kWebSocket;
    rest = text.substr(5);
  } else {
    return bad("a URL starts with tcp:// or ws://", text);
  }
  const size_t slash = rest.find('/');
  if (slash != std::string_view::npos) {
    out.path = rest.substr(slash);
    rest = rest.substr(0, slash);
    if (out.transport == TransportKind::kTcp && out.path != "/") {
      return bad("a tcp:// URL has no path", text);
    }
  }
  Result<HostPort> at = parse_host_port(rest);
  if (!at) return at.error();
  if (at->port == 0) return bad("port 0 cannot be dialled", text);
  out.at = std::move(at).value();
  return out;
}

}  // namespace ecsdb::net
