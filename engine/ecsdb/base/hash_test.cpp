#include "ecsdb/base/hash.h"

#include <gtest/gtest.h>
#include <set>
#include <vector>

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/prng.h"

namespace ecsdb {
namespace {

Bytes random_bytes(size_t n) {
  Prng random(7);
  Bytes out(n);
  for (uint8_t& byte : out) byte = static_cast<uint8_t>(random.next());
  return out;
}

/// Bit by bit, from the polynomial alone.
uint32_t crc32c_slow(ByteSpan bytes) {
  uint32_t c = 0xffffffff;
  for (const uint8_t byte : bytes) {
    c ^= byte;
    for (int i = 0; i < 8; ++i) c = (c >> 1) ^ ((c & 1) != 0 ? 0x82f63b78u : 0);
  }
  return ~c;
}

TEST(Crc32c, KnownValues) {
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283u);
  EXPECT_EQ(crc32c({}), 0u);
  EXPECT_EQ(crc32c(Bytes(32, 0x00)), 0x8a9136aau);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(Bytes(32, 0xff)), 0x62a8ab43u);
}

TEST(Crc32c, EveryLengthAndAlignmentAgreesWithTheDefinition) {
  const Bytes bytes = random_bytes(80);
  for (size_t start = 0; start < 9; ++start) {
    for (size_t n = 0; start + n <= bytes.size(); ++n) {
      const ByteSpan part = ByteSpan(bytes).subspan(start, n);
      ASSERT_EQ(crc32c(part), crc32c_slow(part)) << start << " " << n;
    }
  }
}

// Single bytes never reach the eight-byte path, so this also compares the two.
TEST(Crc32c, SeedContinuesAnEarlierResult) {
  const Bytes bytes = random_bytes(61);
  const uint32_t whole = crc32c(bytes);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    const uint32_t head = crc32c(ByteSpan(bytes).first(cut));
    ASSERT_EQ(crc32c(ByteSpan(bytes).subspan(cut), head), whole) << cut;
  }
  uint32_t crc = 0;
  for (const uint8_t byte : bytes) crc = crc32c(ByteSpan(&byte, 1), crc);
  EXPECT_EQ(crc, whole);
}

// Computed by a separate program from the description in hash.h. They must never change.
TEST(Hash128, GoldenValues) {
  EXPECT_EQ(hash128({}), (Hash128{0xd83068c5a146c051, 0xcd8e9833517351cd}));
  EXPECT_EQ(hash128(as_bytes("a")), (Hash128{0x80d05b311a19a656, 0x83af9220f8e88666}));
  EXPECT_EQ(hash128(as_bytes("ecsdb schema")), (Hash128{0xf8d54a7722890dc2, 0xe33fb0032ae13b70}));
}

TEST(Hash128, EveryBitAndTheLengthMatter) {
  Bytes bytes = random_bytes(33);
  std::set<Hash128> seen{hash128(bytes)};
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    bytes[i / 8] = static_cast<uint8_t>(bytes[i / 8] ^ (1u << (i % 8)));
    EXPECT_TRUE(seen.insert(hash128(bytes)).second) << i;
    bytes[i / 8] = static_cast<uint8_t>(bytes[i / 8] ^ (1u << (i % 8)));
  }
  for (size_t n = 0; n < 20; ++n) EXPECT_TRUE(seen.insert(hash128(Bytes(n, 0))).second) << n;
}

TEST(RowHasher, GoldenValues) {
  EXPECT_EQ(RowHasher().finish(), (Digest{{0x92ca2f0e, 0x4bc0fbeb, 0x023a4a7a, 0xbb9c10d4}}));
  RowHasher words;
  for (const uint32_t word : {1u, 2u, 3u}) words.add(word);
  EXPECT_EQ(words.finish(), (Digest{{0x7524a69c, 0x2974a854, 0x0f5507c6, 0x964ba095}}));
  RowHasher bytes;
  bytes.add_bytes(as_bytes("abcde"));
  EXPECT_EQ(bytes.finish(), (Digest{{0xbd11a64a, 0xfc8d7b5c, 0x964b9cd0, 0xe4bf5c04}}));
}

TEST(RowHasher, SixtyFourBitsAreLowWordThenHighWord) {
  RowHasher wide, words;
  wide.add64(0x0000000200000001);
  words.add(1);
  words.add(2);
  EXPECT_EQ(wide.finish(), words.finish());
}

TEST(RowHasher, OrderAndPaddingMatter) {
  const auto of = [](std::vector<uint32_t> words) {
    RowHasher hasher;
    for (const uint32_t word : words) hasher.add(word);
    return hasher.finish();
  };
  EXPECT_NE(of({1, 2}), of({2, 1}));
  EXPECT_NE(of({1}), of({1, 0}));
  RowHasher text, padded;
  text.add_bytes(as_bytes("a"));
  padded.add_bytes(as_bytes(std::string_view("a\0", 2)));
  EXPECT_NE(text.finish(), padded.finish());
}

TEST(Digest, SubtractionUndoesAdditionAcrossOverflow) {
  const Digest a{{0xffffffff, 1, 2, 0x80000000}};
  const Digest b{{2, 0xffffffff, 3, 0x80000000}};
  Digest sum = a;
  sum += b;
  EXPECT_EQ(sum, (Digest{{1, 0, 5, 0}}));
  sum -= a;
  EXPECT_EQ(sum, b);
  sum -= b;
  EXPECT_EQ(sum, Digest{});
}

TEST(Digest, DuplicateDoesNotCancel) {
  Digest sum;
  const Digest row = RowHasher().finish();
  sum += row;
  sum += row;
  EXPECT_NE(sum, Digest{});
}

TEST(RunningHash, BytesAreFramedByTheirLength) {
  RunningHash one, two;
  one.add_bytes(as_bytes("ab"));
  one.add_bytes(as_bytes("c"));
  two.add_bytes(as_bytes("a"));
  two.add_bytes(as_bytes("bc"));
  EXPECT_NE(one.value(), two.value());
}

}  // namespace
}  // namespace ecsdb
