#include "ecsdb/net/http_upgrade.h"

#include <algorithm>
#include <bit>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <optional>
#include <utility>

#include "ecsdb/base/check.h"

namespace ecsdb {
namespace {

namespace http = boost::beast::http;

constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::string_view kPortText =
    "This port serves the ecsdb replication stream: natively over TCP, and over WebSocket at this\n"
    "server's configured paths with the subprotocol \"ecsdb\". It is no web site.\n";

// SHA-1 (FIPS 180-4). The handshake uses it only to prove that the server read the request as a
// WebSocket one; nothing here relies on it for security, so a small one of our own will do.
using Sha1 = std::array<uint8_t, 20>;

void sha1_block(std::array<uint32_t, 5>& state, const uint8_t* block) {
  std::array<uint32_t, 80> words;
  for (size_t i = 0; i < 16; ++i) {
    const uint8_t* at = block + 4 * i;
    words[i] = static_cast<uint32_t>(at[0]) << 24 | static_cast<uint32_t>(at[1]) << 16 |
               static_cast<uint32_t>(at[2]) << 8 | at[3];
  }
  for (size_t i = 16; i < words.size(); ++i) {
    words[i] = std::rotl(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
  }
  auto [a, b, c, d, e] = state;
  for (size_t i = 0; i < words.size(); ++i) {
    const uint32_t choice = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999
                            : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                            : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                                     : (b ^ c ^ d) + 0xca62c1d6;
    const uint32_t next = std::rotl(a, 5) + choice + e + words[i];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
}

Sha1 sha1(std::string_view text) {
  std::array<uint32_t, 5> state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  const ByteSpan bytes = as_bytes(text);
  Bytes padded(bytes.begin(), bytes.end());
  padded.push_back(0x80);
  while (padded.size() % 64 != 56) padded.push_back(0);
  const uint64_t bits = uint64_t{text.size()} * 8;
  for (int shift = 56; shift >= 0; shift -= 8)
    padded.push_back(static_cast<uint8_t>(bits >> shift));
  for (size_t at = 0; at < padded.size(); at += 64) sha1_block(state, padded.data() + at);
  Sha1 digest;
  for (size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<uint8_t>(state[i / 4] >> (24 - 8 * (i % 4)));
  }
  return digest;
}

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(ByteSpan bytes) {
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const size_t size = std::min<size_t>(3, bytes.size() - at);
    uint32_t bits = 0;
    for (size_t i = 0; i < 3; ++i) bits = bits << 8 | (i < size ? bytes[at + i] : 0u);
    for (size_t i = 0; i < 4; ++i) {
      text.push_back(i <= size ? kBase64[bits >> (18 - 6 * i) & 63] : '=');
    }
  }
  return text;
}

// A key is the base64 form of 16 bytes: 22 digits, the last with four zero bits, and "==".
bool is_key(std::string_view text) {
  if (text.size() != 24 || text.substr(22) != "==") return false;
  const std::string_view digits = text.substr(0, 22);
  if (digits.find_first_not_of(kBase64) != std::string_view::npos) return false;
  return kBase64.find(digits.back()) % 16 == 0;
}

// Adds bytes to a head that is not complete. Returns how many of them belong to the head once it
// is; nothing while its blank line is missing. Never holds more than the limit and one byte.
std::optional<size_t> add_to_head(Bytes& head, ByteSpan bytes) {
  const size_t before = head.size();
  const ByteSpan added = bytes.first(std::min(bytes.size(), kHttpHeadBytesMax + 1 - before));
  head.insert(head.end(), added.begin(), added.end());
  const size_t overlap = std::min(before, kHeadEnd.size() - 1);
  const size_t found = as_text(head).find(kHeadEnd, before - overlap);
  if (found == std::string_view::npos) return std::nullopt;
  head.resize(found + kHeadEnd.size());
  return head.size() - before;
}

template <class Parser>
bool parse_head(Parser& parser, ByteSpan head) {
  boost::beast::error_code error;
  parser.header_limit(static_cast<uint32_t>(kHttpHeadBytesMax));
  parser.body_limit(boost::none);
  parser.put(boost::asio::buffer(head.data(), head.size()), error);
  return !error && parser.is_header_done();
}

// The only value of a field, empty if it is missing or repeated.
std::string_view only_value(const http::fields& fields, http::field name) {
  return fields.count(name) == 1 ? std::string_view(fields[name]) : std::string_view();
}

// Whether a comma-separated field names `token`, whatever its case, on any of its lines.
bool has_token(const http::fields& fields, http::field name, std::string_view token) {
  const auto range = fields.equal_range(name);
  return std::any_of(range.first, range.second, [token](const auto& field) {
    return http::token_list(field.value()).exists(token);
  });
}

// The same for subprotocols, whose case matters.
bool has_protocol(const http::fields& fields, std::string_view protocol) {
  const auto range = fields.equal_range(http::field::sec_websocket_protocol);
  return std::any_of(range.first, range.second, [protocol](const auto& field) {
    const http::token_list names(field.value());
    return std::any_of(names.begin(), names.end(),
                       [protocol](const auto& name) { return std::string_view(name) == protocol; });
  });
}

bool has_foreign_origin(const http::fields& fields, const std::vector<std::string>& allowed) {
  const auto range = fields.equal_range(http::field::origin);
  return std::any_of(range.first, range.second, [&allowed](const auto& field) {
    const std::string_view origin = field.value();
    return std::find(allowed.begin(), allowed.end(), origin) == allowed.end();
  });
}

bool is_served(std::string_view target, const std::vector<std::string>& paths) {
  const std::string_view path = target.substr(0, target.find('?'));
  return std::find(paths.begin(), paths.end(), path) != paths.end();
}

bool is_visible_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

std::string status_text(unsigned status) {
  return std::to_string(status) + " " +
         std::string(http::obsolete_reason(static_cast<http::status>(status)));
}

// What is wrong with the handshake headers of a GET for a served path; {101, ""} if nothing is.
std::pair<unsigned, const char*> judge_headers(const http::fields& fields) {
  if (fields.count(http::field::host) != 1) return {400, "A request names its Host once."};
  if (!has_token(fields, http::field::upgrade, "websocket") ||
      !has_token(fields, http::field::connection, "upgrade")) {
    return {400, "Only upgrades to WebSocket are served here."};
  }
  if (only_value(fields, http::field::sec_websocket_version) != "13") {
    return {426, "Sec-WebSocket-Version must be 13."};
  }
  if (!is_key(only_value(fields, http::field::sec_websocket_key))) {
    return {400, "Sec-WebSocket-Key must be the base64 form of 16 bytes."};
  }
  return {101, ""};
}

}  // namespace

std::string websocket_accept(std::string_view key) {
  constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::string text(key);
  text += kGuid;
  return base64(sha1(text));
}

UpgradeState UpgradeServer::on_bytes(ByteSpan bytes) {
  ECSDB_CHECK(state_ == UpgradeState::kNeedMore);
  const std::optional<size_t> consumed = add_to_head(head_, bytes);
  if (head_.size() > kHttpHeadBytesMax) {
    return answer({.status = 431, .why = "The request head is over 8 KiB."});
  }
  if (!consumed) return state_;
  Verdict verdict = judge(head_);
  if (verdict.status == 101 && *consumed < bytes.size()) {
    verdict.status = 400;
    verdict.why = "Bytes came behind the request, before its answer.";
  }
  return answer(verdict);
}

UpgradeServer::Verdict UpgradeServer::judge(ByteSpan head) const {
  http::request_parser<http::empty_body> parser;
  if (!parse_head(parser, head)) {
    return {.status = 400, .why = "The request is not valid HTTP."};
  }
  const auto& request = parser.get();
  if (request.method() != http::verb::get) {
    return {.status = 405,
            .why = "The method must be GET.",
            .body_allowed = request.method() != http::verb::head};
  }
  if (request.version() != 11) return {.status = 505, .why = "The version must be HTTP/1.1."};
  if (!is_served(request.target(), options_->paths)) {
    return {.status = 404, .why = "Nothing is served at this path."};
  }
  if (parser.chunked() || parser.content_length().value_or(0) != 0) {
    return {.status = 400, .why = "An upgrade request has no body."};
  }
  const auto [status, why] = judge_headers(request);
  if (status != 101) return {.status = status, .why = why};
  if (has_foreign_origin(request, options_->allowed_origins)) {
    return {.status = 403, .why = "Pages of this origin may not connect."};
  }
  return {.accept = websocket_accept(only_value(request, http::field::sec_websocket_key)),
          .ecsdb_offered = has_protocol(request, kWebSocketProtocol)};
}

UpgradeState UpgradeServer::answer(const Verdict& verdict) {
  Bytes().swap(head_);
  status_ = verdict.status;
  response_ = "HTTP/1.1 " + status_text(verdict.status) + "\r\n";
  if (verdict.status == 101) {
    response_ += "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    response_ += "Sec-WebSocket-Accept: " + verdict.accept + "\r\n";
    if (verdict.ecsdb_offered) {
      response_ += "Sec-WebSocket-Protocol: " + std::string(kWebSocketProtocol) + "\r\n";
    }
    response_ += "\r\n";
    return state_ = UpgradeState::kUpgraded;
  }
  refusal_ = verdict.why;
  const std::string body = std::string(verdict.why) + "\n\n" + std::string(kPortText);
  if (verdict.status == 405) response_ += "Allow: GET\r\n";
  if (verdict.status == 426) response_ += "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
  response_ += verdict.status == 426 ? "Connection: Upgrade, close\r\n" : "Connection: close\r\n";
  response_ += "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n";
  response_ += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  if (verdict.body_allowed) response_ += body;
  return state_ = UpgradeState::kRefused;
}

Result<UpgradeClient> UpgradeClient::create(std::string_view host, std::string_view path,
                                            const std::array<uint64_t, 2>& key_words) {
  if (host.empty() || !is_visible_ascii(host)) {
    return fail(ErrorCode::kUsage, "WebSocket host must be a plain name or address");
  }
  if (path.empty() || path.front() != '/' || !is_visible_ascii(path)) {
    return fail(ErrorCode::kUsage, "WebSocket path must start with '/' and contain no blanks");
  }
  Bytes key_bytes;
  ByteWriter writer(key_bytes);
  for (const uint64_t word : key_words) writer.u64(word);
  const std::string key = base64(key_bytes);
  UpgradeClient client;
  client.accept_ = websocket_accept(key);
  client.request_ = "GET " + std::string(path) + " HTTP/1.1\r\nHost: " + std::string(host) +
                    "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13" +
                    "\r\nSec-WebSocket-Protocol: " + std::string(kWebSocketProtocol) +
                    "\r\nSec-WebSocket-Key: " + key + "\r\n\r\n";
  return client;
}

Result<UpgradeClient::Progress> UpgradeClient::on_bytes(ByteSpan bytes) {
  ECSDB_CHECK(state_ == UpgradeState::kNeedMore);
  const std::optional<size_t> consumed = add_to_head(head_, bytes);
  if (head_.size() > kHttpHeadBytesMax) {
    return fail(ErrorCode::kWebSocketViolation, "the server's response head is over 8 KiB");
  }
  if (!consumed) return Progress{UpgradeState::kNeedMore, bytes.size()};
  ECSDB_TRY(check_response());
  Bytes().swap(head_);
  state_ = UpgradeState::kUpgraded;
  return Progress{state_, *consumed};
}

Status UpgradeClient::check_response() const {
  http::response_parser<http::empty_body> parser;
  if (!parse_head(parser, head_)) {
    return fail(ErrorCode::kWebSocketViolation, "the server's response is not valid HTTP");
  }
  const auto& response = parser.get();
  if (response.result_int() != 101) {
    return fail(ErrorCode::kConnectFailed, "the server answered the WebSocket upgrade with " +
                                               status_text(response.result_int()));
  }
  const auto broken = [](const char* why) { return fail(ErrorCode::kWebSocketViolation, why); };
  if (!has_token(response, http::field::upgrade, "websocket") ||
      !has_token(response, http::field::connection, "upgrade")) {
    return broken("the server's 101 response does not switch to WebSocket");
  }
  if (only_value(response, http::field::sec_websocket_accept) != accept_) {
    return broken("the server's Sec-WebSocket-Accept does not match the key that was sent");
  }
  if (response.count(http::field::sec_websocket_extensions) != 0) {
    return broken("the server chose a WebSocket extension that was not offered");
  }
  if (response.count(http::field::sec_websocket_protocol) != 0 &&
      only_value(response, http::field::sec_websocket_protocol) != kWebSocketProtocol) {
    return broken("the server chose a WebSocket subprotocol that was not offered");
  }
  return {};
}

}  // namespace ecsdb
