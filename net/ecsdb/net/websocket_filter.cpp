#include "ecsdb/net/websocket_filter.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "ecsdb/base/check.h"
#include "ecsdb/base/mutant.h"

// A frame, RFC 6455 section 5.2, integers big-endian:
//
//   byte 0   FIN(1) RSV(3) opcode(4)
//   byte 1   MASK(1) length(7)
//   2..      nothing, or 2 bytes of length if length is 126, or 8 bytes if it is 127
//   then     4 bytes of masking key if MASK
//   then     the payload, each byte XORed with key[index % 4] if MASK

namespace ecsdb {
namespace {

constexpr uint8_t kFinalBit = 0x80;
constexpr uint8_t kReservedBits = 0x70;
constexpr uint8_t kOpcodeBits = 0x0f;
constexpr uint8_t kMaskBit = 0x80;
constexpr uint8_t kLengthBits = 0x7f;
constexpr uint8_t kLengthIn2Bytes = 126;
constexpr uint8_t kLengthIn8Bytes = 127;
constexpr size_t kCloseReasonBytesMax = kWebSocketControlBytesMax - 2;

uint64_t load_big_endian(const uint8_t* bytes, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value = value << 8 | bytes[i];
  return value;
}

void store_big_endian(uint8_t* bytes, size_t size, uint64_t value) {
  for (size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<uint8_t>(value >> (8 * (size - 1 - i)));
  }
}

bool is_control(uint8_t opcode) { return (opcode & 0x08) != 0; }

// Codes that may stand in a close frame: those of the RFC, of the IANA registry, and 3000 to 4999
// for libraries and applications.
bool is_sendable(uint16_t code) {
  if (code >= 3000 && code <= 4999) return true;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

// Bytes of the UTF-8 character at the front of `text`, 0 if there is no valid one (truncated,
// overlong, surrogate or above U+10FFFF).
size_t character_size(std::string_view text) {
  const auto at = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = at(0);
  if (first < 0x80) return 1;
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  const uint8_t second = at(1);
  if (first == 0xe0 && second < 0xa0) return 0;
  if (first == 0xed && second > 0x9f) return 0;
  if (first == 0xf0 && second < 0x90) return 0;
  if (first == 0xf4 && second > 0x8f) return 0;
  return size;
}

// Bytes of the longest prefix of whole valid characters within `limit` bytes.
size_t valid_text_size(std::string_view text, size_t limit) {
  size_t used = 0;
  while (used < text.size()) {
    const size_t size = character_size(text.substr(used));
    if (size == 0 || used + size > limit) break;
    used += size;
  }
  return used;
}

bool is_valid_text(std::string_view text) {
  return valid_text_size(text, text.size()) == text.size();
}

size_t total_size(std::span<const ByteSpan> parts, size_t limit) {
  size_t total = 0;
  for (const ByteSpan part : parts) {
    if (total >= limit) break;
    total += std::min(part.size(), limit - total);
  }
  return total;
}

}  // namespace

WebSocketClose websocket_close_code(ErrorCode code) {
  const auto number = static_cast<uint16_t>(code);
  if (code == ErrorCode::kOk || code == ErrorCode::kClientLeft) return WebSocketClose::kNormal;
  if (code == ErrorCode::kShutdown) return WebSocketClose::kGoingAway;
  if (code == ErrorCode::kFrameTooLarge) return WebSocketClose::kTooLarge;
  if (number >= 100 && number < 200) return WebSocketClose::kProtocolError;
  return WebSocketClose::kPolicyViolation;
}

void websocket_mask(uint8_t* to, const uint8_t* from, size_t size,
                    const std::array<uint8_t, 4>& key, uint64_t position) {
  // A 16-byte vector register, an extension that g++ and clang share: at -O2 the plain 64-bit loop
  // runs at half the speed in g++.
  using Vector __attribute__((vector_size(16))) = uint64_t;
  std::array<uint8_t, sizeof(Vector)> rotated;
  for (size_t i = 0; i < rotated.size(); ++i) rotated[i] = key[(position + i) % key.size()];
  Vector pattern;
  std::memcpy(&pattern, rotated.data(), sizeof(pattern));
  size_t i = 0;
  for (; i + sizeof(Vector) <= size; i += sizeof(Vector)) {
    Vector block;
    std::memcpy(&block, from + i, sizeof(block));
    block ^= pattern;
    std::memcpy(to + i, &block, sizeof(block));
  }
  for (size_t k = 0; i < size; ++i, ++k) to[i] = static_cast<uint8_t>(from[i] ^ rotated[k]);
}

WebSocketFilter::WebSocketFilter(WebSocketRole role, Prng mask_keys,
                                 const WebSocketOptions& options)
    : role_(role), options_(options), mask_keys_(mask_keys) {
  ECSDB_CHECK(options.frame_bytes_out_max > 0);
  ECSDB_CHECK(options.frame_bytes_out_max <= kWebSocketFrameBytesOutMax);
}

WebSocketFilter WebSocketFilter::server(const WebSocketOptions& options) {
  return WebSocketFilter(WebSocketRole::kServer, Prng(0), options);
}

WebSocketFilter WebSocketFilter::client(Prng mask_keys, const WebSocketOptions& options) {
  return WebSocketFilter(WebSocketRole::kClient, mask_keys, options);
}

// Inbound.

Result<ByteSpan> WebSocketFilter::on_bytes(std::span<uint8_t> bytes) {
  uint8_t* const base = bytes.data();
  size_t at = 0;
  size_t run_begin = 0;
  size_t run_end = 0;
  while (at < bytes.size() && !input_ended()) {
    const ByteSpan rest = bytes.subspan(at);
    size_t taken = 0;
    if (payload_left_ == 0) {
      taken = take_header(rest);
    } else if (in_control_) {
      taken = take_control(rest);
    } else {
      taken = static_cast<size_t>(std::min<uint64_t>(payload_left_, rest.size()));
      if (run_begin == run_end) run_begin = run_end = at;
      // Apart from the first, each run moves down over the headers before it, then is unmasked.
      if (run_end != at) std::memmove(base + run_end, base + at, taken);
      if (!is_client()) {
        uint8_t* const run = base + run_end;
        const uint64_t done = ECSDB_MUTANT(mask_starts_anew) ? 0 : payload_size_ - payload_left_;
        websocket_mask(run, run, taken, key_in_, done);
      }
      run_end += taken;
      payload_left_ -= taken;
    }
    at += taken;
    bytes_in_ += taken;
  }
  if (violation_text_ != nullptr) return violation_error();
  return ByteSpan(base + run_begin, run_end - run_begin);
}

size_t WebSocketFilter::header_size_wanted() const {
  if (header_have_ < 2) return 2;
  const uint8_t length = header_in_[1] & kLengthBits;
  const size_t length_bytes = length == kLengthIn2Bytes ? 2 : length == kLengthIn8Bytes ? 8 : 0;
  return 2 + length_bytes + (is_client() ? 0 : 4);
}

size_t WebSocketFilter::take_header(ByteSpan bytes) {
  const size_t taken = std::min(header_size_wanted() - header_have_, bytes.size());
  std::memcpy(header_in_.data() + header_have_, bytes.data(), taken);
  const bool had_start = header_have_ >= 2;
  header_have_ = static_cast<uint8_t>(header_have_ + taken);
  if (!had_start && header_have_ == 2) check_header_start();
  if (!input_ended() && header_have_ >= 2 && header_have_ == header_size_wanted()) finish_header();
  return taken;
}

// Judges the two bytes that every frame has.
void WebSocketFilter::check_header_start() {
  const bool final_fragment = (header_in_[0] & kFinalBit) != 0;
  const uint8_t opcode = header_in_[0] & kOpcodeBits;
  const bool masked = (header_in_[1] & kMaskBit) != 0;
  const uint8_t length = header_in_[1] & kLengthBits;
  if ((header_in_[0] & kReservedBits) != 0) {
    return violate(WebSocketClose::kProtocolError, "reserved bits set without an extension");
  }
  if (masked && is_client()) {
    return violate(WebSocketClose::kProtocolError, "masked frame from a server");
  }
  if (!masked && !is_client()) {
    return violate(WebSocketClose::kProtocolError, "unmasked frame from a client");
  }
  in_control_ = is_control(opcode);
  if (!in_control_) {
    check_data_start(static_cast<Opcode>(opcode));
    in_message_ = !final_fragment;
    return;
  }
  if (opcode > static_cast<uint8_t>(Opcode::kPong)) {
    return violate(WebSocketClose::kProtocolError, "unknown control opcode");
  }
  if (!final_fragment) {
    return violate(WebSocketClose::kProtocolError, "fragmented control frame");
  }
  if (length > kWebSocketControlBytesMax) {
    return violate(WebSocketClose::kProtocolError, "control frame over 125 bytes");
  }
}

void WebSocketFilter::check_data_start(Opcode opcode) {
  const bool continues = opcode == Opcode::kContinuation;
  if (opcode > Opcode::kBinary) {
    violate(WebSocketClose::kProtocolError, "unknown data opcode");
  } else if (continues && !in_message_) {
    violate(WebSocketClose::kProtocolError, "continuation without a message to continue");
  } else if (!continues && in_message_) {
    violate(WebSocketClose::kProtocolError, "new message inside a fragmented one");
  } else if (opcode == Opcode::kText) {
    violate(WebSocketClose::kUnsupportedData, "text message where binary ones are expected");
  }
}

void WebSocketFilter::finish_header() {
  const uint8_t length = header_in_[1] & kLengthBits;
  const uint8_t* at = header_in_.data() + 2;
  uint64_t size = length;
  uint64_t size_min = 0;
  if (length == kLengthIn2Bytes) {
    size = load_big_endian(at, 2);
    size_min = kLengthIn2Bytes;
    at += 2;
  } else if (length == kLengthIn8Bytes) {
    size = load_big_endian(at, 8);
    size_min = 0x10000;
    at += 8;
  }
  if (size < size_min || size >> 63 != 0) {
    return violate(WebSocketClose::kProtocolError, "frame length is not minimal or over 63 bits");
  }
  if (!in_control_ && size > options_.frame_bytes_in_max) {
    return violate(WebSocketClose::kTooLarge, "data frame over the limit; send smaller messages");
  }
  if (!is_client()) std::memcpy(key_in_.data(), at, key_in_.size());
  payload_size_ = size;
  payload_left_ = size;
  header_have_ = 0;
  if (in_control_ && size == 0) finish_control();
}

size_t WebSocketFilter::take_control(ByteSpan bytes) {
  const size_t taken = std::min(static_cast<size_t>(payload_left_), bytes.size());
  const uint64_t position = payload_size_ - payload_left_;
  uint8_t* const to = control_in_.data() + position;
  std::memcpy(to, bytes.data(), taken);
  if (!is_client()) websocket_mask(to, to, taken, key_in_, position);
  payload_left_ -= taken;
  if (payload_left_ == 0) finish_control();
  return taken;
}

// A control frame is complete; its payload stands in control_in_.
void WebSocketFilter::finish_control() {
  const auto opcode = static_cast<Opcode>(header_in_[0] & kOpcodeBits);
  if (opcode == Opcode::kClose) return on_close_frame();
  if (opcode != Opcode::kPing || close_started_) return;
  // Only the newest ping needs an answer, so a flood of pings costs one buffer.
  pong_.size = static_cast<uint8_t>(payload_size_);
  std::memcpy(pong_.bytes.data(), control_in_.data(), pong_.size);
  pong_.waiting = true;
}

void WebSocketFilter::on_close_frame() {
  const auto size = static_cast<size_t>(payload_size_);
  if (size == 1) {
    return violate(WebSocketClose::kProtocolError, "close frame with half a code");
  }
  const auto code = static_cast<uint16_t>(load_big_endian(control_in_.data(), size == 0 ? 0 : 2));
  if (size != 0 && !is_sendable(code)) {
    return violate(WebSocketClose::kProtocolError, "close frame with an invalid code");
  }
  const size_t reason_size = size == 0 ? 0 : size - 2;
  if (!is_valid_text(as_text(ByteSpan(control_in_).subspan(2, reason_size)))) {
    return violate(WebSocketClose::kBadText, "close reason is not UTF-8");
  }
  close_received_ = true;
  peer_code_ = size == 0 ? WebSocketClose::kNoCode : static_cast<WebSocketClose>(code);
  peer_reason_size_ = static_cast<uint8_t>(reason_size);
  queue_close(peer_code_, {});
}

void WebSocketFilter::violate(WebSocketClose code, const char* text) {
  violation_code_ = code;
  violation_text_ = text;
  payload_left_ = 0;
  queue_close(code, text);
}

Error WebSocketFilter::violation_error() const {
  const bool too_large = violation_code_ == WebSocketClose::kTooLarge;
  std::string context = violation_text_;
  context += " (near byte " + std::to_string(bytes_in_) + " after the upgrade, close code ";
  context += std::to_string(static_cast<uint16_t>(violation_code_)) + ")";
  return fail(too_large ? ErrorCode::kFrameTooLarge : ErrorCode::kWebSocketViolation,
              std::move(context));
}

std::string_view WebSocketFilter::peer_close_reason() const {
  return as_text(ByteSpan(control_in_).subspan(2, peer_reason_size_));
}

// Outbound.

void WebSocketFilter::close(WebSocketClose code, std::string_view reason) {
  ECSDB_CHECK(is_sendable(static_cast<uint16_t>(code)));
  queue_close(code, reason);
}

// The first close wins. kNoCode gives a close frame without a payload.
void WebSocketFilter::queue_close(WebSocketClose code, std::string_view reason) {
  if (close_queued_) return;
  close_queued_ = true;
  close_.waiting = true;
  if (code == WebSocketClose::kNoCode) return;
  store_big_endian(close_.bytes.data(), 2, static_cast<uint16_t>(code));
  const size_t size = is_valid_text(reason) ? valid_text_size(reason, kCloseReasonBytesMax) : 0;
  std::copy_n(reason.begin(), size, close_.bytes.begin() + 2);
  close_.size = static_cast<uint8_t>(2 + size);
}

WebSocketState WebSocketFilter::state() const {
  if (close_sent_ && input_ended()) return WebSocketState::kClosed;
  if (close_queued_) return WebSocketState::kClosing;
  return WebSocketState::kOpen;
}

bool WebSocketFilter::has_output() const {
  if (frame_.begun) return frame_.header_sent < frame_.header_size;
  return control_.unsent() || pong_.waiting || close_.waiting;
}

std::span<const ByteSpan> WebSocketFilter::output(std::span<const ByteSpan> stream_parts,
                                                  WebSocketScratch& scratch) {
  offer_ = {};
  scratch.spans.clear();
  if (frame_.begun) {
    offer_frame(stream_parts, scratch);
    return scratch.spans;
  }
  refill_control();
  if (control_.unsent()) {
    offer_.control = static_cast<size_t>(control_.size - control_.sent);
    scratch.spans.push_back(ByteSpan(control_.bytes).subspan(control_.sent, offer_.control));
  }
  if (close_queued_) return scratch.spans;
  const size_t payload_bytes = total_size(stream_parts, options_.frame_bytes_out_max);
  if (payload_bytes > 0) {
    begin_frame(payload_bytes);
    offer_frame(stream_parts, scratch);
  }
  return scratch.spans;
}

size_t WebSocketFilter::on_sent(size_t socket_bytes) {
  ECSDB_CHECK(socket_bytes <= offer_.control + offer_.header + offer_.payload);
  const size_t control = std::min(socket_bytes, offer_.control);
  const size_t header = std::min(socket_bytes - control, offer_.header);
  const size_t payload = socket_bytes - control - header;
  offer_ = {};
  control_.sent = static_cast<uint8_t>(control_.sent + control);
  if (control > 0 && !control_.unsent() && control_.is_close) close_sent_ = true;
  if (header + payload == 0) return 0;
  frame_.header_sent = static_cast<uint8_t>(frame_.header_sent + header);
  frame_.owed -= payload;
  frame_.begun = frame_.header_sent < frame_.header_size || frame_.owed > 0;
  return payload;
}

WebSocketFilter::MaskKey WebSocketFilter::next_mask_key() {
  MaskKey key{};
  if (is_client()) store_big_endian(key.data(), key.size(), mask_keys_.next() >> 32);
  return key;
}

// Moves the next waiting control frame into the encoded slot if that is free.
void WebSocketFilter::refill_control() {
  if (control_.unsent()) return;
  if (pong_.waiting) {
    pong_.waiting = false;
    encode_control(Opcode::kPong, pong_);
  } else if (close_.waiting) {
    close_.waiting = false;
    close_started_ = true;
    encode_control(Opcode::kClose, close_);
  }
}

void WebSocketFilter::encode_control(Opcode opcode, const ControlPayload& payload) {
  const size_t header_size = is_client() ? 6 : 2;
  uint8_t* const body = control_.bytes.data() + header_size;
  const MaskKey key = next_mask_key();
  control_.bytes[0] = static_cast<uint8_t>(kFinalBit | static_cast<uint8_t>(opcode));
  control_.bytes[1] = static_cast<uint8_t>(payload.size | (is_client() ? kMaskBit : 0));
  if (is_client()) std::memcpy(control_.bytes.data() + 2, key.data(), key.size());
  websocket_mask(body, payload.bytes.data(), payload.size, key, 0);
  control_.size = static_cast<uint8_t>(header_size + payload.size);
  control_.sent = 0;
  control_.is_close = opcode == Opcode::kClose;
}

// Prepares a frame; it becomes binding when on_sent() covers its first byte.
void WebSocketFilter::begin_frame(size_t payload_bytes) {
  frame_ = {};
  frame_.size = payload_bytes;
  frame_.owed = payload_bytes;
  frame_.key = next_mask_key();
  const uint8_t mask_bit = is_client() ? kMaskBit : 0;
  uint8_t* at = frame_.header.data();
  *at++ = kFinalBit | static_cast<uint8_t>(Opcode::kBinary);
  const size_t length_bytes = payload_bytes < kLengthIn2Bytes ? 0 : payload_bytes <= 0xffff ? 2 : 8;
  const size_t length = length_bytes == 0   ? payload_bytes
                        : length_bytes == 2 ? kLengthIn2Bytes
                                            : kLengthIn8Bytes;
  *at++ = static_cast<uint8_t>(mask_bit | length);
  store_big_endian(at, length_bytes, payload_bytes);
  at += length_bytes;
  if (is_client()) at = std::copy(frame_.key.begin(), frame_.key.end(), at);
  frame_.header_size = static_cast<uint8_t>(at - frame_.header.data());
}

// Appends what is left of the header, and as much payload as is owed and available.
void WebSocketFilter::offer_frame(std::span<const ByteSpan> parts, WebSocketScratch& scratch) {
  offer_.header = static_cast<size_t>(frame_.header_size - frame_.header_sent);
  if (offer_.header > 0) {
    scratch.spans.push_back(ByteSpan(frame_.header).subspan(frame_.header_sent, offer_.header));
  }
  offer_.payload = total_size(parts, frame_.owed);
  if (offer_.payload == 0) return;
  if (is_client() && scratch.masked.size() < offer_.payload) scratch.masked.resize(offer_.payload);
  const size_t position = frame_.size - frame_.owed;
  size_t offered = 0;
  for (const ByteSpan part : parts) {
    const size_t size = std::min(part.size(), offer_.payload - offered);
    if (is_client()) {
      websocket_mask(scratch.masked.data() + offered, part.data(), size, frame_.key,
                     position + offered);
    } else if (size > 0) {
      scratch.spans.push_back(part.first(size));
    }
    offered += size;
    if (offered == offer_.payload) break;
  }
  if (is_client()) scratch.spans.push_back(ByteSpan(scratch.masked).first(offered));
}

}  // namespace ecsdb
