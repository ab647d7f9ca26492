// RFC 6455 framing as a byte filter between the ecsdb stream and a socket, once the HTTP upgrade
// is done. A binary message is an arbitrary slice of the stream: its boundaries mean nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/prng.h"
#include "ecsdb/base/result.h"

namespace ecsdb {

inline constexpr size_t kWebSocketHeaderBytesMax = 14;
inline constexpr size_t kWebSocketControlBytesMax = 125;
inline constexpr size_t kWebSocketFrameBytesOutMax = 64 * 1024;

/// Close codes of RFC 6455, section 7.4.1, that ecsdb sends or reports.
enum class WebSocketClose : uint16_t {
  kNone = 0,  // no close frame came
  kNormal = 1000,
  kGoingAway = 1001,
  kProtocolError = 1002,
  kUnsupportedData = 1003,
  kNoCode = 1005,  // a close frame without a code came; never sent
  kBadText = 1007,
  kPolicyViolation = 1008,
  kTooLarge = 1009,
  kInternalError = 1011,
};

/// What a close frame says of why a connection ends.
WebSocketClose websocket_close_code(ErrorCode code);

enum class WebSocketRole : uint8_t { kClient, kServer };

enum class WebSocketState : uint8_t {
  kOpen,
  kClosing,  // a close frame is queued, sent or received, but the handshake is not complete
  kClosed,   // both close frames went, or ours went after a violation: end the connection
};

struct WebSocketOptions {
  /// A longer data frame ends the connection with code 1009. Nothing is allocated for a claim.
  uint64_t frame_bytes_in_max = 1024 * 1024;
  /// Payload of one outgoing frame; 1 to kWebSocketFrameBytesOutMax.
  size_t frame_bytes_out_max = kWebSocketFrameBytesOutMax;
};

/// Working memory of output(), kept out of the filter so that thousands of idle connections of one
/// thread share one. At most one masked frame plus one span per gathered part.
struct WebSocketScratch {
  std::vector<ByteSpan> spans;
  Bytes masked;
};

/// XORs `size` bytes with the repeated masking key; `position` is the index of the first byte in
/// its frame's payload. `to` may equal `from`; they must not overlap otherwise.
void websocket_mask(uint8_t* to, const uint8_t* from, size_t size,
                    const std::array<uint8_t, 4>& key, uint64_t position);

/// One end of a WebSocket connection, without sockets, clocks or heap memory. A value: copying it
/// copies the connection's state. Distinct filters are independent; one filter is not thread-safe.
///
/// What the driver does:
/// - Readable: hands the bytes it read to on_bytes() and the returned stream bytes to the core.
/// - Writable, or the core or has_output() wants to send: repeats output(), send, on_sent() until
///   output() is empty or the socket took less than all, and tells the core what on_sent()
///   returned.
/// - The core is done with the link: once the core's output is drained, calls close(), sends, and
///   reads until kClosed or a deadline of its own.
/// - input_ended(): tells the core that the link closed, sends what output() still gives until
///   kClosed or a deadline of its own.
/// - At kClosed: shuts down the socket's sending side, reads and discards until the peer ends or a
///   short deadline passes, then closes. Closing at once, with bytes unread, resets the connection,
///   which can take our close frame away from the peer.
/// - A frame that was begun needs exactly the bytes its header promised. When mid_frame() and the
///   core has no more bytes, no close frame can go any more: close the socket.
class WebSocketFilter {
 public:
  /// Expects masked frames, sends unmasked ones without copying.
  static WebSocketFilter server(const WebSocketOptions& options = {});
  /// Sends masked frames, expects unmasked ones. RFC 6455 wants keys that a page's script cannot
  /// predict, so the driver seeds `mask_keys` from the system's entropy.
  static WebSocketFilter client(Prng mask_keys, const WebSocketOptions& options = {});

  // Inputs.

  /// Takes what the socket delivered, split anywhere. Unmasks in place and moves the payload
  /// together, so the result is one run of stream bytes inside `bytes`, without a copy for one
  /// frame; it may be empty. Answers pings and closes by queueing frames for output(). Bytes behind
  /// a close frame are discarded. Errors: kFrameTooLarge for an oversized data frame and
  /// kWebSocketViolation for any other breach, each with the close code and the place; the matching
  /// close frame is then queued, and every later call returns the same error.
  Result<ByteSpan> on_bytes(std::span<uint8_t> bytes);

  /// The socket accepted the first `socket_bytes` bytes of the last output(). Returns how many
  /// stream bytes these contained. Call it once per output().
  size_t on_sent(size_t socket_bytes);

  // Commands.

  /// Starts the close handshake. The frame in progress is completed first; no further stream bytes
  /// are framed. `code` must be one that may be sent (not kNone, kNoCode). `reason` is cut to 123
  /// bytes at a character, and left out unless it is UTF-8. Ignored if a close is under way.
  void close(WebSocketClose code, std::string_view reason);

  // Outputs.

  /// What to send now: either the rest of the frame in progress, or waiting control frames followed
  /// by one binary frame over the front of `stream_parts`. The spans refer to this filter, to
  /// `scratch` and (server role) to the parts themselves, and are valid until the next call that
  /// changes one of these. Bytes of a frame not yet begun may be offered differently next time.
  std::span<const ByteSpan> output(std::span<const ByteSpan> stream_parts,
                                   WebSocketScratch& scratch);

  /// True when output() has something to send even without stream bytes.
  bool has_output() const;

  // Getters.

  WebSocketState state() const;
  /// No further stream bytes will come: the peer sent a close frame or broke the rules.
  bool input_ended() const { return close_received_ || violation_text_ != nullptr; }
  /// A frame was begun on the socket and is not complete.
  bool mid_frame() const { return frame_.begun; }
  /// Code of the peer's close frame: kNone before one came, kNoCode for one without a code, or any
  /// valid code, named above or not.
  WebSocketClose peer_close_code() const { return peer_code_; }
  /// Reason of the peer's close frame, valid UTF-8; a view into this filter.
  std::string_view peer_close_reason() const;

 private:
  enum class Opcode : uint8_t {
    kContinuation = 0,
    kText = 1,
    kBinary = 2,
    kClose = 8,
    kPing = 9,
    kPong = 10,
  };
  using MaskKey = std::array<uint8_t, 4>;
  struct ControlPayload {
    std::array<uint8_t, kWebSocketControlBytesMax> bytes{};
    uint8_t size = 0;
    bool waiting = false;
  };
  struct ControlOut {
    std::array<uint8_t, 6 + kWebSocketControlBytesMax> bytes{};
    uint8_t size = 0;
    uint8_t sent = 0;
    bool is_close = false;
    bool unsent() const { return sent < size; }
  };
  struct FrameOut {
    std::array<uint8_t, kWebSocketHeaderBytesMax> header{};
    uint8_t header_size = 0;
    uint8_t header_sent = 0;
    bool begun = false;  // a byte went to the socket and another is still owed
    MaskKey key{};
    size_t size = 0;
    size_t owed = 0;  // payload bytes that the socket has not accepted yet
  };
  struct Offer {
    size_t control = 0;
    size_t header = 0;
    size_t payload = 0;
  };

  WebSocketFilter(WebSocketRole role, Prng mask_keys, const WebSocketOptions& options);

  bool is_client() const { return role_ == WebSocketRole::kClient; }

  size_t take_header(ByteSpan bytes);
  size_t header_size_wanted() const;
  void check_header_start();
  void finish_header();
  void check_data_start(Opcode opcode);
  size_t take_control(ByteSpan bytes);
  void finish_control();
  void on_close_frame();
  void violate(WebSocketClose code, const char* text);
  Error violation_error() const;

  MaskKey next_mask_key();
  void queue_close(WebSocketClose code, std::string_view reason);
  void refill_control();
  void encode_control(Opcode opcode, const ControlPayload& payload);
  void begin_frame(size_t payload_bytes);
  void offer_frame(std::span<const ByteSpan> parts, WebSocketScratch& scratch);

  WebSocketRole role_;
  bool in_message_ = false;  // a fragmented binary message awaits its continuation
  bool in_control_ = false;  // the payload being read is a control frame's
  bool close_received_ = false;
  bool close_queued_ = false;   // our close frame is waiting, being sent or sent
  bool close_started_ = false;  // our close frame left the queue: no pong may follow
  bool close_sent_ = false;     // our close frame was wholly accepted by the socket
  WebSocketOptions options_;
  Prng mask_keys_;

  // Inbound: the header gathered so far, then the payload still to come.
  uint8_t header_have_ = 0;
  std::array<uint8_t, kWebSocketHeaderBytesMax> header_in_{};
  MaskKey key_in_{};
  uint64_t payload_size_ = 0;
  uint64_t payload_left_ = 0;
  uint64_t bytes_in_ = 0;  // all bytes consumed since the upgrade, for error contexts
  std::array<uint8_t, kWebSocketControlBytesMax> control_in_{};
  WebSocketClose peer_code_ = WebSocketClose::kNone;
  uint8_t peer_reason_size_ = 0;  // the reason stays in control_in_, behind the code
  WebSocketClose violation_code_ = WebSocketClose::kNone;
  const char* violation_text_ = nullptr;

  // Outbound: at most one control frame and one data frame are encoded; the others wait.
  ControlPayload pong_;
  ControlPayload close_;
  ControlOut control_;
  FrameOut frame_;
  Offer offer_;
};

}  // namespace ecsdb
