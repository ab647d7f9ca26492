// What the tests of the WebSocket filter share: frames from an encoder of their own, and drivers.
#pragma once

#include <algorithm>
#include <gtest/gtest.h>
#include <string>

#include "ecsdb/net/websocket_filter.h"

namespace ecsdb::websocket_test {

inline constexpr std::array<uint8_t, 4> kKey = {0x37, 0xfa, 0x21, 0x3d};
inline constexpr uint8_t kFinalBinary = 0x82;

inline Bytes to_bytes(std::string_view text) {
  const ByteSpan span = as_bytes(text);
  return Bytes(span.begin(), span.end());
}

inline Bytes pattern(size_t size, uint64_t seed = 1) {
  Prng random(seed);
  Bytes bytes(size);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.next());
  return bytes;
}

// An independent encoder, masking byte by byte. `length_bytes` of 0 picks the minimal form.
inline Bytes frame(int first, ByteSpan payload, bool masked, size_t length_bytes = 0) {
  const uint64_t size = payload.size();
  if (length_bytes == 0) length_bytes = size < 126 ? 1 : size < 65536 ? 2 : 8;
  Bytes out = {static_cast<uint8_t>(first)};
  const uint8_t mask_bit = masked ? 0x80 : 0;
  if (length_bytes == 1) {
    out.push_back(static_cast<uint8_t>(mask_bit | size));
  } else {
    out.push_back(static_cast<uint8_t>(mask_bit | (length_bytes == 2 ? 126 : 127)));
    for (size_t i = length_bytes; i-- > 0;) out.push_back(static_cast<uint8_t>(size >> (8 * i)));
  }
  if (masked) out.insert(out.end(), kKey.begin(), kKey.end());
  for (size_t i = 0; i < payload.size(); ++i) {
    out.push_back(static_cast<uint8_t>(payload[i] ^ (masked ? kKey[i % 4] : 0)));
  }
  return out;
}

inline Bytes frame(int first, std::string_view payload, bool masked) {
  return frame(first, as_bytes(payload), masked);
}

inline Bytes close_payload(int code, std::string_view reason = {}) {
  std::string payload = {static_cast<char>(code >> 8), static_cast<char>(code)};
  payload += reason;
  return to_bytes(payload);
}

inline Bytes join(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

inline Bytes flatten(std::span<const ByteSpan> parts) {
  Bytes out;
  for (const ByteSpan part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

inline WebSocketFilter make_client() { return WebSocketFilter::client(Prng(99)); }

// Feeds `wire` in pieces of at most `step` bytes; the first error ends it.
inline Status feed(WebSocketFilter& filter, Bytes wire, Bytes& stream, size_t step = SIZE_MAX) {
  for (size_t at = 0; at < wire.size();) {
    const size_t size = std::min(step, wire.size() - at);
    Result<ByteSpan> run = filter.on_bytes(std::span<uint8_t>(wire).subspan(at, size));
    if (!run.ok()) return run.error();
    stream.insert(stream.end(), run->begin(), run->end());
    at += size;
  }
  return {};
}

// Everything that the filter wants to send without stream bytes, wholly accepted.
inline Bytes drain(WebSocketFilter& filter) {
  WebSocketScratch scratch;
  Bytes out;
  while (filter.has_output()) {
    const Bytes offered = flatten(filter.output({}, scratch));
    filter.on_sent(offered.size());
    out.insert(out.end(), offered.begin(), offered.end());
  }
  return out;
}

// The filter must refuse `wire`, at whatever step it is fed, with this close code.
inline void expect_violation(WebSocketRole role, const Bytes& wire, uint16_t close_code) {
  for (const size_t step : {SIZE_MAX, size_t{1}}) {
    WebSocketFilter filter =
        role == WebSocketRole::kServer ? WebSocketFilter::server() : make_client();
    Bytes stream;
    const Status status = feed(filter, wire, stream, step);
    ASSERT_FALSE(status.ok());
    const ErrorCode wanted =
        close_code == 1009 ? ErrorCode::kFrameTooLarge : ErrorCode::kWebSocketViolation;
    EXPECT_EQ(status.code(), wanted);
    EXPECT_NE(status.error().context.find(std::to_string(close_code)), std::string::npos);
    EXPECT_TRUE(filter.input_ended());
    EXPECT_EQ(filter.state(), WebSocketState::kClosing);
    const Bytes reply = drain(filter);
    ASSERT_GE(reply.size(), 4u);
    if (role == WebSocketRole::kServer) {
      EXPECT_EQ(reply[0], 0x88);
      EXPECT_EQ(reply[2] << 8 | reply[3], close_code);
    }
    EXPECT_EQ(filter.state(), WebSocketState::kClosed);
    Bytes more = {0x82, 0x00};
    EXPECT_EQ(filter.on_bytes(more).code(), wanted);
  }
}

}  // namespace ecsdb::websocket_test
