// The stream between preface and messages: cut at every place, damaged at every bit.
#include "ecsdb/wire/frame.h"

#include <gtest/gtest.h>

#include "ecsdb/base/prng.h"

namespace ecsdb {
namespace {

constexpr FrameLimits kWithTails{kFrameHeadBytesMax, kFrameTailBytesMax};

struct Copy {
  MessageType type;
  Bytes head;
  Bytes tail;
  bool operator==(const Copy&) const = default;
};

Copy copy_of(const Frame& frame) {
  return {frame.type, Bytes(frame.head.begin(), frame.head.end()),
          Bytes(frame.tail.begin(), frame.tail.end())};
}

/// Feeds one piece and takes all frames out of it.
void feed_and_drain(FrameReader& reader, ByteSpan piece, std::vector<Copy>& out) {
  reader.feed(piece);
  while (true) {
    auto frame = reader.next();
    ASSERT_TRUE(frame.ok()) << frame.error().to_string();
    if (!frame->has_value()) return;
    out.push_back(copy_of(**frame));
  }
}

Bytes frame_bytes(MessageType type, ByteSpan head, ByteSpan tail = {}) {
  Bytes out;
  append_frame(out, type, head, tail.size());
  out.insert(out.end(), tail.begin(), tail.end());
  return out;
}

/// Heads and tails, empty, short and with two-byte lengths.
struct Stream {
  Bytes bytes;
  std::vector<Copy> frames;

  Stream() {
    add(MessageType::kAck, 2, 0);
    add(MessageType::kGoodbye, 0, 0);
    add(MessageType::kAdvance, 5, 200);
    add(MessageType::kAdvance, 0, 3);
    add(MessageType::kSchemaPart, 150, 0);
    add(MessageType::kServerHeartbeat, 1, 1);
  }
  void add(MessageType type, size_t head, size_t tail) {
    Copy& frame = frames.emplace_back(Copy{type, Bytes(head), Bytes(tail)});
    for (uint8_t& byte : frame.head) byte = static_cast<uint8_t>(random.next());
    for (uint8_t& byte : frame.tail) byte = static_cast<uint8_t>(random.next());
    const Bytes one = frame_bytes(type, frame.head, frame.tail);
    bytes.insert(bytes.end(), one.begin(), one.end());
  }
  Prng random{5};
};

/// Feeds bytes at once to a new reader and gives what next() says first.
ErrorCode first_code(ByteSpan bytes, FrameLimits limits = kWithTails) {
  FrameReader reader(limits);
  reader.feed(bytes);
  return reader.next().code();
}

// ---- Preface ----

TEST(Preface, HasItsBytes) {
  const auto bytes = encode_preface({1, 3, 0x04030201});
  const std::array<uint8_t, kPrefaceBytes> expected = {0xec, 'e', 'c', 's', 'd', 'b', 0x0d, 0x0a,
                                                       1,    3,   0,   0,   1,   2,   3,    4};
  EXPECT_EQ(bytes, expected);
  const Result<Preface> back = decode_preface(bytes);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->protocol_min, 1);
  EXPECT_EQ(back->protocol_max, 3);
  EXPECT_EQ(back->features, 0x04030201u);
}

TEST(Preface, DamagedMagicRangeOrReservedBytesAreRefused) {
  const auto good = encode_preface({1, 1, 0});
  for (size_t bit = 0; bit < 8 * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    EXPECT_EQ(decode_preface(bad).code(), ErrorCode::kBadPreface) << "bit " << bit;
  }
  for (const size_t reserved : {size_t{10}, size_t{11}}) {
    auto bad = good;
    bad[reserved] = 1;
    EXPECT_EQ(decode_preface(bad).code(), ErrorCode::kBadPreface);
  }
  auto backwards = good;
  backwards[8] = 2;
  EXPECT_EQ(decode_preface(backwards).code(), ErrorCode::kBadPreface);
}

// ---- Bytes written by hand; the checksums come from a bitwise CRC-32C outside of this code ----

TEST(Frame, AckHasItsBytes) {
  Bytes out;
  append_message(out, MessageType::kAck, Ack{Version{5}, 300});
  const Bytes expected = {0x03, 0x03, 0x00, 0x05, 0xac, 0x02, 0xa8, 0xfa, 0xd7, 0xa6};
  EXPECT_EQ(out, expected);
}

TEST(Frame, TailComesAfterTheChecksum) {
  const Bytes bytes = {0x15, 0x02, 0x03, 0xaa, 0xbb, 0x57, 0x16, 0xc8, 0x52, 1, 2, 3};
  EXPECT_EQ(frame_bytes(MessageType::kAdvance, Bytes{0xaa, 0xbb}, Bytes{1, 2, 3}), bytes);
  FrameReader reader(kWithTails);
  reader.feed(bytes);
  const auto frame = reader.next();
  ASSERT_TRUE(frame.ok() && frame->has_value());
  EXPECT_EQ(copy_of(**frame), (Copy{MessageType::kAdvance, {0xaa, 0xbb}, {1, 2, 3}}));
  EXPECT_EQ((*frame)->bytes, bytes.size());
}

// ---- Splits ----

TEST(FrameReader, EverySplitInTwoGivesTheSameFrames) {
  const Stream stream;
  for (size_t at = 0; at <= stream.bytes.size(); ++at) {
    FrameReader reader(kWithTails);
    std::vector<Copy> frames;
    feed_and_drain(reader, ByteSpan(stream.bytes).first(at), frames);
    feed_and_drain(reader, ByteSpan(stream.bytes).subspan(at), frames);
    ASSERT_EQ(frames, stream.frames) << "split at " << at;
    EXPECT_EQ(reader.buffered(), 0u);
  }
}

TEST(FrameReader, PiecesOfEverySizeGiveTheSameFrames) {
  const Stream stream;
  for (size_t size = 1; size < 40; ++size) {
    FrameReader reader(kWithTails);
    std::vector<Copy> frames;
    for (size_t at = 0; at < stream.bytes.size(); at += size) {
      const size_t n = std::min(size, stream.bytes.size() - at);
      // Each piece in memory of its own, gone before the next: nothing may point into it.
      const Bytes piece(stream.bytes.begin() + static_cast<ptrdiff_t>(at),
                        stream.bytes.begin() + static_cast<ptrdiff_t>(at + n));
      feed_and_drain(reader, piece, frames);
    }
    ASSERT_EQ(frames, stream.frames) << "pieces of " << size;
  }
}

TEST(FrameReader, RandomPiecesGiveTheSameFrames) {
  const Stream stream;
  Prng random(17);
  for (int round = 0; round < 200; ++round) {
    FrameReader reader(kWithTails);
    std::vector<Copy> frames;
    for (size_t at = 0; at < stream.bytes.size();) {
      const size_t n = std::min(random.below(120), stream.bytes.size() - at);
      feed_and_drain(reader, ByteSpan(stream.bytes).subspan(at, n), frames);
      at += n;
    }
    ASSERT_EQ(frames, stream.frames) << "round " << round;
  }
}

TEST(FrameReader, WholeFramesAreNotCopied) {
  const Stream stream;
  FrameReader reader(kWithTails);
  reader.feed(stream.bytes);
  for (size_t at = 0, i = 0; i < stream.frames.size(); ++i) {
    const auto frame = reader.next();
    ASSERT_TRUE(frame.ok() && frame->has_value());
    EXPECT_EQ((*frame)->tail.data() + (*frame)->tail.size(),
              stream.bytes.data() + at + (*frame)->bytes);
    at += (*frame)->bytes;
    EXPECT_EQ(reader.buffered(), 0u);
  }
}

TEST(FrameReader, UnfinishedFrameIsBufferedAsFarAsItCame) {
  const Bytes bytes = frame_bytes(MessageType::kAdvance, Bytes(10), Bytes(100));
  FrameReader reader(kWithTails);
  for (size_t n = 1; n < bytes.size(); ++n) {
    reader.feed(ByteSpan(bytes).subspan(n - 1, 1));
    const auto frame = reader.next();
    ASSERT_TRUE(frame.ok());
    ASSERT_FALSE(frame->has_value());
    EXPECT_EQ(reader.buffered(), n);
  }
  reader.feed(ByteSpan(bytes).last(1));
  const auto frame = reader.next();
  ASSERT_TRUE(frame.ok() && frame->has_value());
  EXPECT_EQ((*frame)->bytes, bytes.size());
}

// ---- Claims ----

TEST(FrameReader, ClaimedTwoGigabytesAreRefusedAtTheHeader) {
  const Bytes two_gib = {0x80, 0x80, 0x80, 0x80, 0x08};
  Bytes head_claim = {0x15};
  head_claim.insert(head_claim.end(), two_gib.begin(), two_gib.end());
  Bytes tail_claim = {0x15, 0x00};
  tail_claim.insert(tail_claim.end(), two_gib.begin(), two_gib.end());
  for (const Bytes& claim : {head_claim, tail_claim}) {
    EXPECT_EQ(first_code(claim), ErrorCode::kFrameTooLarge);
    // Byte by byte: nothing is wrong, and little is held, until the length is complete.
    FrameReader reader(kWithTails);
    for (size_t i = 0; i < claim.size(); ++i) {
      reader.feed(ByteSpan(claim).subspan(i, 1));
      const ErrorCode code = reader.next().code();
      EXPECT_EQ(code, i + 1 < claim.size() ? ErrorCode::kOk : ErrorCode::kFrameTooLarge);
      EXPECT_LE(reader.buffered(), claim.size());
    }
  }
}

TEST(FrameReader, RefusedClaimIsNamed) {
  const Bytes claim = {0x05, 0x65};
  FrameReader reader({100, 0});
  reader.feed(claim);
  const auto frame = reader.next();
  ASSERT_EQ(frame.code(), ErrorCode::kFrameTooLarge);
  EXPECT_EQ(frame.error().context, "frame type 5 claims 101 head bytes; the limit is 100");
}

TEST(FrameReader, LengthOfMoreThanFiveBytesIsRefused) {
  EXPECT_EQ(first_code(Bytes{0x01, 0x80, 0x80, 0x80, 0x80, 0x80}), ErrorCode::kFrameTooLarge);
  EXPECT_EQ(first_code(Bytes{0x01, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff}), ErrorCode::kFrameTooLarge);
}

TEST(FrameReader, LengthThatIsNotMinimalIsRefused) {
  EXPECT_EQ(first_code(Bytes{0x01, 0x80, 0x00}), ErrorCode::kFrameMalformed);
  EXPECT_EQ(first_code(Bytes{0x01, 0x00, 0x85, 0x00}), ErrorCode::kFrameMalformed);
}

TEST(FrameReader, LimitsAreTheLastAccepted) {
  const FrameLimits limits{20, 30};
  EXPECT_EQ(first_code(frame_bytes(MessageType::kAdvance, Bytes(20), Bytes(30)), limits),
            ErrorCode::kOk);
  EXPECT_EQ(first_code(frame_bytes(MessageType::kAdvance, Bytes(21), Bytes(30)), limits),
            ErrorCode::kFrameTooLarge);
  EXPECT_EQ(first_code(frame_bytes(MessageType::kAdvance, Bytes(20), Bytes(31)), limits),
            ErrorCode::kFrameTooLarge);
  const FrameLimits of_clients;  // who may not send tails at all
  EXPECT_EQ(first_code(frame_bytes(MessageType::kAck, {}, Bytes(1)), of_clients),
            ErrorCode::kFrameTooLarge);
  EXPECT_EQ(first_code(frame_bytes(MessageType::kAck, Bytes(kFrameHeadBytesMax)), of_clients),
            ErrorCode::kOk);
}

TEST(FrameReader, LimitsRiseBetweenFrames) {
  Bytes stream = frame_bytes(MessageType::kAuth, Bytes(8));
  const Bytes second = frame_bytes(MessageType::kSubscribe, Bytes(kPreAuthFrameBytesMax + 1));
  stream.insert(stream.end(), second.begin(), second.end());
  for (const bool raised : {false, true}) {
    FrameReader reader({kPreAuthFrameBytesMax, 0});
    reader.feed(stream);
    ASSERT_TRUE(reader.next().ok());
    if (raised) reader.set_limits({});
    const auto frame = reader.next();
    EXPECT_EQ(frame.code(), raised ? ErrorCode::kOk : ErrorCode::kFrameTooLarge);
  }
}

// ---- Damage ----

TEST(FrameReader, EveryFlippedBitUnderTheChecksumIsRefused) {
  const Bytes good = frame_bytes(MessageType::kAdvance, Bytes{1, 2, 3, 4, 5}, Bytes{6, 7});
  const size_t covered = good.size() - 2;
  for (size_t bit = 0; bit < covered * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    bad.resize(bad.size() + 600);  // enough for any length that one bit turns into another
    ASSERT_NE(first_code(bad, {1000, 1000}), ErrorCode::kOk) << "bit " << bit;
  }
  Bytes bad_tail = good;  // blocks carry checksums of their own
  bad_tail.back() ^= 1;
  EXPECT_EQ(first_code(bad_tail), ErrorCode::kOk);
}

// A head is checked when it is there, so that a damaged one does not wait for its tail.
TEST(FrameReader, DamagedHeadIsRefusedBeforeItsTailArrives) {
  Bytes bytes = frame_bytes(MessageType::kAdvance, Bytes{1, 2}, Bytes(50));
  bytes[3] ^= 1;
  for (const size_t split : {size_t{1}, size_t{4}, size_t{8}}) {
    FrameReader reader(kWithTails);
    reader.feed(ByteSpan(bytes).first(split));
    ASSERT_TRUE(reader.next().ok());
    reader.feed(ByteSpan(bytes).subspan(split, 9 - split));
    EXPECT_EQ(reader.next().code(), ErrorCode::kChecksumMismatch) << "split at " << split;
  }
}

// A session may learn of more bytes before its link is closed.
TEST(FrameReader, BrokenStreamStaysBroken) {
  const Bytes good = frame_bytes(MessageType::kAck, Bytes{1});
  Bytes bad = good;
  bad.back() ^= 1;
  for (const size_t split : {size_t{0}, size_t{1}, bad.size() - 1}) {
    FrameReader reader(kWithTails);
    reader.feed(ByteSpan(bad).first(split));
    ASSERT_TRUE(reader.next().ok());
    Bytes rest(bad.begin() + static_cast<ptrdiff_t>(split), bad.end());
    rest.insert(rest.end(), good.begin(), good.end());
    reader.feed(rest);
    EXPECT_EQ(reader.next().code(), ErrorCode::kChecksumMismatch);
    EXPECT_EQ(reader.next().code(), ErrorCode::kChecksumMismatch);
    reader.feed(good);
    EXPECT_EQ(reader.next().code(), ErrorCode::kChecksumMismatch);
  }
}

TEST(FrameReader, RandomBytesNeverHoldMoreThanTheyAre) {
  Prng random(3);
  for (int round = 0; round < 300; ++round) {
    FrameReader reader(kWithTails);
    size_t given = 0;
    for (int piece = 0; piece < 5; ++piece) {
      Bytes bytes(random.below(30));
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.next());
      given += bytes.size();
      reader.feed(bytes);
      while (true) {
        const auto frame = reader.next();
        if (!frame.ok() || !frame->has_value()) break;
      }
      ASSERT_LE(reader.buffered(), given);
    }
  }
}

}  // namespace
}  // namespace ecsdb
