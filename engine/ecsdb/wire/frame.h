// Frames on the byte stream, and the preface before them.
//
//   preface, 16 bytes, both ways, never changes:
//     EC 65 63 73 64 62 0D 0A | protocol min u8 | max u8 | reserved u16 = 0 | features u32
//   frame:
//     type u8 | head length varint | tail length varint | head | crc32c u32 | tail
//   The checksum covers everything before it. The tail is blocks, which carry their own checksums,
//   so that one encoded block is sent to many connections without touching its bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/result.h"
#include "ecsdb/wire/messages.h"

namespace ecsdb {

inline constexpr size_t kPrefaceBytes = 16;

struct Preface {
  uint8_t protocol_min = kProtocolVersion;
  uint8_t protocol_max = kProtocolVersion;
  uint32_t features = 0;
};

std::array<uint8_t, kPrefaceBytes> encode_preface(const Preface& preface);
/// kBadPreface. `bytes` has kPrefaceBytes.
Result<Preface> decode_preface(ByteSpan bytes);

/// A frame in the reader's or the caller's buffer.
struct Frame {
  MessageType type;
  ByteSpan head;
  ByteSpan tail;
  size_t bytes = 0;  // on the stream, all of it
};

struct FrameLimits {
  size_t head_bytes_max = kFrameHeadBytesMax;
  size_t tail_bytes_max = 0;
};

/// Cuts a byte stream into frames and checks their checksums. Frames that arrive whole are not
/// copied; others are collected in a buffer that grows with the bytes received, never by a claimed
/// length. Not thread-safe.
class FrameReader {
 public:
  explicit FrameReader(FrameLimits limits) : limits_(limits) {}

  void set_limits(FrameLimits limits) { limits_ = limits; }
  /// Gives the next bytes; call next() until it has none before feeding again. `bytes` must live
  /// until then. Ignored once next() has failed.
  void feed(ByteSpan bytes);
  /// The next whole frame, valid until the next call; nothing when more bytes are needed.
  /// kFrameTooLarge, kFrameMalformed or kChecksumMismatch: the stream is broken for good and every
  /// later call gives the same error.
  Result<std::optional<Frame>> next();
  /// Bytes held for an unfinished frame.
  size_t buffered() const { return partial_.size(); }

 private:
  struct Header {
    size_t bytes = 0;  // of the header itself; 0: not yet whole
    size_t head = 0;
    size_t tail = 0;
  };
  Result<Header> parse_header(ByteSpan bytes) const;
  Result<std::optional<Frame>> parse(ByteSpan bytes) const;
  Result<std::optional<Frame>> next_in_place();
  Result<std::optional<Frame>> next_collected();

  FrameLimits limits_;
  ByteSpan input_;
  Bytes partial_;
  bool partial_done_ = false;  // partial_ holds the frame handed out last
  Error broken_;               // what next() failed with
};

/// Appends header, head and checksum of a frame; the caller sends `tail_bytes` bytes of blocks
/// next.
void append_frame(Bytes& out, MessageType type, ByteSpan head, size_t tail_bytes = 0);

/// Appends a message as a frame without a tail.
template <class M>
void append_message(Bytes& out, MessageType type, const M& message) {
  Bytes head;
  ByteWriter writer(head);
  encode_fields(message, writer);
  append_frame(out, type, head);
}

}  // namespace ecsdb
