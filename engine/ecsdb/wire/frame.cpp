#include "ecsdb/wire/frame.h"

#include <algorithm>
#include <cstring>

#include "ecsdb/base/fuzzing.h"
#include "ecsdb/base/hash.h"
#include "ecsdb/base/mutant.h"

namespace ecsdb {
namespace {

constexpr uint8_t kMagic[8] = {0xec, 'e', 'c', 's', 'd', 'b', 0x0d, 0x0a};
constexpr size_t kHeaderBytesMax = 1 + 5 + 5;
constexpr size_t kChecksumBytes = 4;

}  // namespace

std::array<uint8_t, kPrefaceBytes> encode_preface(const Preface& preface) {
  std::array<uint8_t, kPrefaceBytes> out{};
  std::memcpy(out.data(), kMagic, sizeof(kMagic));
  out[8] = preface.protocol_min;
  out[9] = preface.protocol_max;
  for (size_t i = 0; i < 4; ++i) out[12 + i] = static_cast<uint8_t>(preface.features >> (8 * i));
  return out;
}

Result<Preface> decode_preface(ByteSpan bytes) {
  ECSDB_CHECK(bytes.size() == kPrefaceBytes);
  if (std::memcmp(bytes.data(), kMagic, sizeof(kMagic)) != 0) {
    return fail(ErrorCode::kBadPreface, "the magic bytes differ");
  }
  Preface preface;
  ByteReader in(bytes.subspan(8));
  preface.protocol_min = in.u8();
  preface.protocol_max = in.u8();
  const uint16_t reserved = in.u16();
  preface.features = in.u32();
  if (preface.protocol_min > preface.protocol_max || reserved != 0) {
    return fail(ErrorCode::kBadPreface, "protocol range or reserved bytes");
  }
  return preface;
}

void FrameReader::feed(ByteSpan bytes) {
  if (broken_.code != ErrorCode::kOk) return;
  ECSDB_CHECK(input_.empty());
  input_ = bytes;
}

Result<FrameReader::Header> FrameReader::parse_header(ByteSpan bytes) const {
  size_t at = 1;
  uint64_t lengths[2] = {0, 0};
  const uint64_t limits[2] = {limits_.head_bytes_max, limits_.tail_bytes_max};
  for (int i = 0; i < 2; ++i) {
    unsigned shift = 0;
    while (true) {
      if (at >= bytes.size()) return Header{};
      const uint8_t byte = bytes[at++];
      lengths[i] |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte == 0 && shift > 0) return fail(ErrorCode::kFrameMalformed, "length not minimal");
        break;
      }
      shift += 7;
      if (shift > 28) return fail(ErrorCode::kFrameTooLarge, "a length of over 5 bytes");
    }
    if (lengths[i] > limits[i] && !ECSDB_MUTANT(frame_limit_ignored)) {
      return fail(ErrorCode::kFrameTooLarge,
                  "frame type " + std::to_string(bytes[0]) + " claims " +
                      std::to_string(lengths[i]) + (i == 0 ? " head" : " tail") +
                      " bytes; the limit is " + std::to_string(limits[i]));
    }
  }
  return Header{at, lengths[0], lengths[1]};
}

/// A whole frame at the start of `bytes`, or nothing if it is not all there.
Result<std::optional<Frame>> FrameReader::parse(ByteSpan bytes) const {
  if (bytes.empty()) return std::optional<Frame>{};
  auto header = parse_header(bytes);
  if (!header.ok()) return header.error();
  if (header->bytes == 0) return std::optional<Frame>{};
  const size_t checked = header->bytes + header->head;
  if (bytes.size() < checked + kChecksumBytes) return std::optional<Frame>{};
  ByteReader in(bytes.subspan(checked, kChecksumBytes));
  if (crc32c(bytes.first(checked)) != in.u32() && kChecksumsCount) {
    return fail(ErrorCode::kChecksumMismatch, "frame type " + std::to_string(bytes[0]));
  }
  const size_t whole = checked + kChecksumBytes + header->tail;
  if (bytes.size() < whole) return std::optional<Frame>{};
  return std::optional<Frame>(Frame{static_cast<MessageType>(bytes[0]),
                                    bytes.subspan(header->bytes, header->head),
                                    bytes.subspan(checked + kChecksumBytes, header->tail), whole});
}

Result<std::optional<Frame>> FrameReader::next() {
  if (broken_.code != ErrorCode::kOk) return broken_;
  if (partial_done_) {
    partial_.clear();
    partial_done_ = false;
  }
  auto frame = partial_.empty() ? next_in_place() : next_collected();
  if (!frame.ok()) broken_ = frame.error();
  return frame;
}

Result<std::optional<Frame>> FrameReader::next_in_place() {
  auto frame = parse(input_);
  if (!frame.ok()) return frame;
  if (frame->has_value()) {
    input_ = input_.subspan((*frame)->bytes);
  } else {
    partial_.assign(input_.begin(), input_.end());
    input_ = {};
  }
  return frame;
}

/// Takes what the collected frame still needs: the header byte by byte, then up to the checksum,
/// then the tail. It is parsed at the end of each only, so that the checksum is not computed anew
/// for every scrap of a tail.
Result<std::optional<Frame>> FrameReader::next_collected() {
  while (!input_.empty()) {
    auto header = parse_header(partial_);
    if (!header.ok()) return header.error();
    size_t wanted = 1;
    if (header->bytes != 0) {
      const size_t checked = header->bytes + header->head + kChecksumBytes;
      wanted = (partial_.size() < checked ? checked : checked + header->tail) - partial_.size();
    }
    const size_t n = std::min(wanted, input_.size());
    partial_.insert(partial_.end(), input_.begin(), input_.begin() + static_cast<ptrdiff_t>(n));
    input_ = input_.subspan(n);
    if (n < wanted) break;
    auto frame = parse(partial_);
    if (!frame.ok()) return frame;
    if (frame->has_value()) {
      partial_done_ = true;
      return frame;
    }
  }
  return std::optional<Frame>{};
}

void append_frame(Bytes& out, MessageType type, ByteSpan head, size_t tail_bytes) {
  uint8_t header[1 + 10 + 10];  // a varint has at most ten bytes
  FixedWriter writer(header);
  writer.u8(static_cast<uint8_t>(type));
  writer.varint(head.size());
  writer.varint(tail_bytes);
  const ByteSpan written(header, writer.at());
  ECSDB_CHECK(written.size() <= kHeaderBytesMax);
  const size_t start = out.size();
  out.resize(start + written.size() + head.size() + kChecksumBytes);
  FixedWriter frame(out.data() + start);
  frame.bytes(written);
  frame.bytes(head);
  frame.u32(crc32c(ByteSpan(out.data() + start, frame.at())));
}

}  // namespace ecsdb
