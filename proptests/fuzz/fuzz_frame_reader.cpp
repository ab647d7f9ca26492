// A byte stream of frames: cut anywhere it gives the same frames and the same error as in one
// piece, nothing is held beyond the frame in progress, and what was read encodes to the same bytes.
//
//   input: flags u8 | count u8, sizes of pieces | the stream
//   flags: bit 0 a preface comes first, 1-2 limits, 3 the limits grow after the first frame
#include <vector>

#include "ecsdb/wire/frame.h"

#include "fuzz_input.h"

namespace ecsdb::fuzz {
namespace {

constexpr FrameLimits kLimits[] = {
    {kFrameHeadBytesMax, kFrameTailBytesMax}, {kPreAuthFrameBytesMax, 0}, {100, 300}, {0, 0}};
constexpr size_t kHeaderBytesMax = 11;
constexpr size_t kChecksumBytes = 4;

struct ReadFrame {
  MessageType type;
  Bytes head;
  Bytes tail;
  bool operator==(const ReadFrame&) const = default;
};

struct Reading {
  std::vector<ReadFrame> frames;
  Error error;
  size_t consumed = 0;  // by whole frames
};

Bytes copy(ByteSpan bytes) { return Bytes(bytes.begin(), bytes.end()); }

/// The frame stands in the stream as it would be written, but for its checksum.
void check_frame(const Frame& frame, ByteSpan stream, FrameLimits limits) {
  ECSDB_CHECK(frame.head.size() <= limits.head_bytes_max);
  ECSDB_CHECK(frame.tail.size() <= limits.tail_bytes_max);
  Bytes again;
  append_frame(again, frame.type, frame.head, frame.tail.size());
  const size_t checked = again.size() - kChecksumBytes;
  again.insert(again.end(), frame.tail.begin(), frame.tail.end());
  ECSDB_CHECK(again.size() == frame.bytes && frame.bytes <= stream.size());
  for (size_t i = 0; i < again.size(); ++i) {
    const bool is_checksum = i >= checked && i < checked + kChecksumBytes;
    ECSDB_CHECK(is_checksum || again[i] == stream[i]);
  }
}

Reading read(ByteSpan stream, unsigned flags, Pieces pieces) {
  FrameLimits limits = kLimits[flags >> 1 & 3];
  FrameReader reader(limits);
  Reading out;
  size_t fed = 0;
  pieces.cut(stream, [&](const Bytes& piece) {
    reader.feed(piece);
    fed += piece.size();
    while (true) {
      auto frame = reader.next();
      if (!frame.ok()) {
        out.error = frame.error();
        return false;
      }
      if (!frame->has_value()) break;
      check_frame(**frame, stream.subspan(out.consumed), limits);
      out.frames.push_back({(*frame)->type, copy((*frame)->head), copy((*frame)->tail)});
      out.consumed += (*frame)->bytes;
      if ((flags & 8) == 0) continue;
      limits = kLimits[0];
      reader.set_limits(limits);
    }
    ECSDB_CHECK(reader.buffered() == fed - out.consumed);
    ECSDB_CHECK(reader.buffered() <
                kHeaderBytesMax + limits.head_bytes_max + kChecksumBytes + limits.tail_bytes_max);
    return true;
  });
  if (out.error.code == ErrorCode::kOk) return out;
  const Bytes more = {0, 0, 0, 0, 0, 0, 0, 0};
  reader.feed(more);  // broken for good
  const auto after = reader.next();
  ECSDB_CHECK(after.code() == out.error.code && after.error().context == out.error.context);
  return out;
}

void check_preface(ByteSpan bytes) {
  const auto preface = decode_preface(bytes);
  if (!preface.ok()) return;
  const auto again = encode_preface(*preface);
  ECSDB_CHECK(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
}

}  // namespace
}  // namespace ecsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using ecsdb::fuzz::Pieces;
  ecsdb::fuzz::Input in(data, size);
  const unsigned flags = in.u8();
  const Pieces pieces = ecsdb::fuzz::read_pieces(in);
  if ((flags & 1) != 0) {
    const ecsdb::ByteSpan preface = in.take(ecsdb::kPrefaceBytes);
    if (preface.size() == ecsdb::kPrefaceBytes) ecsdb::fuzz::check_preface(preface);
  }
  const ecsdb::ByteSpan stream = in.rest();
  const auto whole = ecsdb::fuzz::read(stream, flags, Pieces());
  const auto cut = ecsdb::fuzz::read(stream, flags, pieces);
  ECSDB_CHECK(whole.frames == cut.frames && whole.consumed == cut.consumed);
  ECSDB_CHECK(whole.error.code == cut.error.code && whole.error.context == cut.error.context);
  return 0;
}
