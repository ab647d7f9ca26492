#include "ecsdb/wire/compress.h"

#include <gtest/gtest.h>

#include "ecsdb/base/prng.h"

namespace ecsdb {
namespace {

constexpr size_t kMax = 64 * 1024;

/// Text of few words, which zstd makes a third of.
Bytes words(size_t bytes) {
  constexpr std::string_view kWords[] = {"ship ", "harbour ", "lantern ", "north ", "anchor "};
  Prng random(5);
  Bytes out;
  while (out.size() < bytes) {
    const std::string_view word = kWords[random.below(std::size(kWords))];
    out.insert(out.end(), word.begin(), word.end());
  }
  out.resize(bytes);
  return out;
}

Bytes compressed(const Bytes& content) {
  Bytes out;
  EXPECT_TRUE(Compressor().compress(content, out));
  return out;
}

ErrorCode code_of(const Bytes& frame, size_t bytes_max = kMax) {
  return check_compressed(frame, bytes_max).code();
}

Bytes frame_of(std::initializer_list<int> rest, size_t size = 100) {
  Bytes out{0x28, 0xb5, 0x2f, 0xfd};
  for (const int byte : rest) out.push_back(static_cast<uint8_t>(byte));
  out.resize(std::max(out.size(), size));
  return out;
}

// Descriptor: two bits of the content size's width, single segment, and what must not be.
TEST(CheckCompressed, ReadsEveryWidthOfTheContentSize) {
  EXPECT_EQ(check_compressed(frame_of({0x20, 200}), kMax)->content_bytes, 200u);
  EXPECT_EQ(check_compressed(frame_of({0x60, 0x00, 0x01}), kMax)->content_bytes, 512u);
  EXPECT_EQ(check_compressed(frame_of({0x40, 0x00, 0x00, 0x01}), kMax)->content_bytes, 512u);
  EXPECT_EQ(check_compressed(frame_of({0x40, 0x00, 0x00, 0x01}), kMax)->window_bytes, 1024u);
  EXPECT_EQ(check_compressed(frame_of({0x80, 0x4f, 1, 2, 0, 0}), kMax)->content_bytes, 513u);
  EXPECT_EQ(check_compressed(frame_of({0x80, 0x4f, 1, 2, 0, 0}), kMax)->window_bytes, 960u << 10);
  EXPECT_EQ(check_compressed(frame_of({0xe0, 7, 0, 0, 0, 0, 0, 0, 0}), kMax)->content_bytes, 7u);
}

TEST(CheckCompressed, RefusesBeforeAnythingIsDecompressed) {
  EXPECT_EQ(code_of({}), ErrorCode::kFrameMalformed);
  EXPECT_EQ(code_of({0x28, 0xb5, 0x2f}), ErrorCode::kFrameMalformed);
  EXPECT_EQ(code_of(Bytes(100)), ErrorCode::kFrameMalformed);                 // no magic number
  EXPECT_EQ(code_of(frame_of({0x00, 0x00})), ErrorCode::kFrameMalformed);     // no content size
  EXPECT_EQ(code_of(frame_of({0x28, 9})), ErrorCode::kFrameMalformed);        // reserved bit
  EXPECT_EQ(code_of(frame_of({0x21, 1, 9})), ErrorCode::kFrameMalformed);     // a dictionary
  EXPECT_EQ(code_of(frame_of({0xe0, 1, 2}, 7)), ErrorCode::kFrameMalformed);  // cut short
  EXPECT_EQ(code_of(frame_of({0x60, 0xff, 0xff}), 65535), ErrorCode::kLimitExceeded);
  EXPECT_EQ(code_of(frame_of({0xa0, 0xff, 0xff, 0xff, 0xff})), ErrorCode::kLimitExceeded);
  EXPECT_EQ(code_of(frame_of({0xe0, 0, 0, 0, 0, 0, 0, 0, 0x80})), ErrorCode::kLimitExceeded);
  EXPECT_EQ(code_of(frame_of({0x60, 0x00, 0x18}, 100)), ErrorCode::kOk);  // 6400 of 100
  EXPECT_EQ(code_of(frame_of({0x60, 0x01, 0x18}, 100)), ErrorCode::kLimitExceeded);
  EXPECT_EQ(code_of(frame_of({0x40, 0x50, 0x00, 0x01})), ErrorCode::kOk);  // 1 MiB
  EXPECT_EQ(code_of(frame_of({0x40, 0x51, 0x00, 0x01})), ErrorCode::kLimitExceeded);
}

const bool kHasZstd = built_in_features() != 0;

TEST(Zstd, BuildWithoutItSaysSo) {
  if (kHasZstd) return;
  Bytes out;
  EXPECT_FALSE(Compressor().compress(Bytes(5000), out));
  EXPECT_EQ(Decompressor().decompress(frame_of({0x20, 200}), kMax, out).code(),
            ErrorCode::kProtocolUnsupported);
}

class WithZstd : public testing::Test {
 protected:
  ErrorCode decompress(const Bytes& frame, size_t bytes_max = kMax) {
    return decompressor_.decompress(frame, bytes_max, content_).code();
  }
  Decompressor decompressor_;
  Bytes content_;
};

TEST_F(WithZstd, ContentGoesRound) {
  if (!kHasZstd) return;
  for (const size_t bytes : {300u, 1000u, 60'000u}) {
    const Bytes content = words(bytes);
    const Bytes frame = compressed(content);
    EXPECT_LT(frame.size(), bytes);
    EXPECT_EQ(check_compressed(frame, kMax)->content_bytes, bytes);
    ASSERT_EQ(decompress(frame), ErrorCode::kOk);
    EXPECT_EQ(content_, content);
    EXPECT_EQ(compressed(content), frame);
  }
}

TEST_F(WithZstd, WhatDoesNotShrinkIsLeft) {
  if (!kHasZstd) return;
  Prng random(1);
  Bytes noise;
  for (int i = 0; i < 5000; ++i) noise.push_back(static_cast<uint8_t>(random.next()));
  Bytes out{1, 2, 3};
  EXPECT_FALSE(Compressor().compress(noise, out));
  EXPECT_FALSE(Compressor().compress({}, out));
  // A decoder would refuse the ratio.
  EXPECT_FALSE(Compressor().compress(Bytes(50'000), out));
  EXPECT_EQ(out, (Bytes{1, 2, 3}));
}

TEST_F(WithZstd, EveryDamageIsRefusedOrGivesAsManyBytes) {
  if (!kHasZstd) return;
  const Bytes content = words(900);
  const Bytes frame = compressed(content);
  for (size_t n = 0; n < frame.size(); ++n) {
    const Bytes cut(frame.begin(), frame.begin() + static_cast<ptrdiff_t>(n));
    EXPECT_NE(decompress(cut), ErrorCode::kOk) << n;
  }
  Bytes longer = frame;
  longer.push_back(0);
  EXPECT_EQ(decompress(longer), ErrorCode::kFrameMalformed);
  for (size_t bit = 0; bit < frame.size() * 8; ++bit) {
    Bytes damaged = frame;
    damaged[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    const Result<CompressedFrame> claim = check_compressed(damaged, kMax);
    if (decompress(damaged) != ErrorCode::kOk) continue;
    ASSERT_TRUE(claim.ok());
    EXPECT_EQ(content_.size(), claim->content_bytes);
  }
}

TEST_F(WithZstd, TwoFramesAreNotOne) {
  if (!kHasZstd) return;
  const Bytes frame = compressed(words(500));
  Bytes twice = frame;
  twice.insert(twice.end(), frame.begin(), frame.end());
  EXPECT_EQ(decompress(twice), ErrorCode::kFrameMalformed);
}

TEST_F(WithZstd, LimitIsThatOfTheCaller) {
  if (!kHasZstd) return;
  const Bytes frame = compressed(words(500));
  EXPECT_EQ(decompress(frame, 500), ErrorCode::kOk);
  EXPECT_EQ(decompress(frame, 499), ErrorCode::kLimitExceeded);
}

}  // namespace
}  // namespace ecsdb
