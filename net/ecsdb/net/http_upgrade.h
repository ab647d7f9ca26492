// The HTTP/1.1 upgrade to WebSocket, both ends: bytes in, one request or response out. After it,
// WebSocketFilter takes over.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/result.h"

namespace ecsdb {

/// Longest request or response head, with its blank line.
inline constexpr size_t kHttpHeadBytesMax = 8 * 1024;
/// The subprotocol that clients offer and servers confirm.
inline constexpr std::string_view kWebSocketProtocol = "ecsdb";

/// The Sec-WebSocket-Accept value that proves a server understood the Sec-WebSocket-Key `key`
/// (RFC 6455, section 4.2.2).
std::string websocket_accept(std::string_view key);

enum class UpgradeState : uint8_t {
  kNeedMore,
  kRefused,   // server only: send response(), shut down sending, read to the end, then close
  kUpgraded,  // the following bytes belong to WebSocketFilter
};

struct UpgradeServerOptions {
  /// Paths that serve the stream; a query behind the path is ignored.
  std::vector<std::string> paths = {"/", "/ecsdb"};
  /// Origins, such as "https://play.example.org", from which a page in a browser may connect. They
  /// are compared byte by byte. A request without an Origin header comes from no browser and is let
  /// through; an origin that is not listed is refused with 403.
  std::vector<std::string> allowed_origins;
};

/// Judges one upgrade request. A value; not thread-safe. The deadline for a slow head is the
/// driver's: it runs from the accept to the end of authentication.
class UpgradeServer {
 public:
  /// `options` is not copied and outlives this object.
  explicit UpgradeServer(const UpgradeServerOptions& options) : options_(&options) {}

  /// Takes the next bytes of the connection, split anywhere, and returns state(). Call it only
  /// while that is kNeedMore; all of `bytes` is consumed. Every refusal is an answer, not an error.
  /// A client must not send anything before it has the answer, so bytes behind the head are
  /// refused.
  UpgradeState on_bytes(ByteSpan bytes);

  UpgradeState state() const { return state_; }
  /// What to send to the client; empty while more is needed. A view into this object.
  std::string_view response() const { return response_; }
  /// Status of response(): 101, 400, 403, 404, 405, 426, 431 or 505; 0 while more is needed.
  unsigned status() const { return status_; }
  /// One sentence on why it was refused, for a log. It quotes nothing that the client sent.
  std::string_view refusal() const { return refusal_; }

 private:
  struct Verdict {
    unsigned status = 101;
    const char* why = "";
    std::string accept = {};
    bool ecsdb_offered = false;
    bool body_allowed = true;
  };
  Verdict judge(ByteSpan head) const;
  UpgradeState answer(const Verdict& verdict);

  const UpgradeServerOptions* options_;
  UpgradeState state_ = UpgradeState::kNeedMore;
  unsigned status_ = 0;
  const char* refusal_ = "";
  Bytes head_;
  std::string response_;
};

/// Makes an upgrade request and checks the answer. A value; not thread-safe.
class UpgradeClient {
 public:
  /// `host` is the Host header: a name or address, with ":port" unless that is 80 (443 with TLS).
  /// `path` starts with '/'. `key_words` are random and fresh for each connection. kUsage if host
  /// or path cannot stand in a request.
  static Result<UpgradeClient> create(std::string_view host, std::string_view path,
                                      const std::array<uint64_t, 2>& key_words);

  /// What to send first. A view into this object.
  std::string_view request() const { return request_; }

  struct Progress {
    UpgradeState state = UpgradeState::kNeedMore;
    size_t consumed = 0;  // once upgraded, the bytes behind these belong to WebSocketFilter
  };
  /// Takes the next bytes of the connection, split anywhere. Call it until it returns kUpgraded or
  /// an error, after which the connection is useless. Errors: kConnectFailed when the server
  /// answers with another status than 101, kWebSocketViolation when it breaks HTTP or the
  /// handshake.
  Result<Progress> on_bytes(ByteSpan bytes);

 private:
  UpgradeClient() = default;
  Status check_response() const;

  UpgradeState state_ = UpgradeState::kNeedMore;
  std::string request_;
  std::string accept_;
  Bytes head_;
};

}  // namespace ecsdb
