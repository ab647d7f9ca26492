#include "ecsdb/wire/bits.h"

#include <gtest/gtest.h>

#include "ecsdb/base/prng.h"

namespace ecsdb {
namespace {

/// The bits in the order in which they are read.
std::string bits_of(BitWriter& out, size_t count) {
  const ByteSpan bytes = out.finish();
  std::string text;
  for (size_t i = 0; i < count; ++i) text += (bytes[i / 8] >> (i % 8) & 1) != 0 ? '1' : '0';
  return text;
}

std::string magnitude(uint32_t value, unsigned k) {
  BitWriter out;
  out.clear();
  out.magnitude(value, k);
  return bits_of(out, magnitude_bits(value, k));
}

Bytes bytes_of(std::string_view bits) {
  Bytes out((bits.size() + 7) / 8);
  for (size_t i = 0; i < bits.size(); ++i) {
    if (bits[i] == '1') out[i / 8] |= static_cast<uint8_t>(1u << (i % 8));
  }
  return out;
}

// Worked by hand from the definition in bits.h.
TEST(Magnitude, HasItsBits) {
  EXPECT_EQ(magnitude(0, 0), "1");
  EXPECT_EQ(magnitude(1, 0), "01");
  EXPECT_EQ(magnitude(2, 0), "001");
  EXPECT_EQ(magnitude(3, 0),
            "0001"
            "0");  // 3 - 1 = 2: e 1, three zeros
  EXPECT_EQ(magnitude(4, 0),
            "0001"
            "1");
  EXPECT_EQ(magnitude(5, 0),
            "00001"
            "00");  // 5 - 1 = 4
  EXPECT_EQ(magnitude(5, 2),
            "01"
            "10");  // quotient 1, low bits 01
  EXPECT_EQ(magnitude(11, 2),
            "001"
            "11");
  EXPECT_EQ(magnitude(12, 2),
            "0001"
            "000");  // 12 - 4 = 8
  EXPECT_EQ(magnitude(1024, 0), std::string(11, '0') +
                                    "1"
                                    "111111111");  // 1023: e 9
  EXPECT_EQ(magnitude(1025, 0), std::string(12, '0') + "10000000001" + std::string(21, '0'));
  EXPECT_EQ(magnitude(0xffffffff, 0), "000000000000" + std::string(32, '1'));
}

template <class S>
void go_round(uint64_t seed) {
  Prng random(seed);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::pair<S, unsigned>> numbers;
    BitWriter out;
    out.clear();
    size_t bits = 0;
    for (int i = 0; i < 50; ++i) {
      const S value = static_cast<S>(random.next() >> random.below(64));
      const unsigned k = static_cast<unsigned>(random.below(8 * sizeof(S)));
      numbers.emplace_back(value, k);
      out.room(1);
      out.magnitude(value, k);
      bits += magnitude_bits(value, k);
    }
    const Bytes bytes(out.finish().begin(), out.finish().end());
    EXPECT_EQ(bytes.size(), (bits + 7) / 8);
    BitReader in(bytes);
    for (const auto& [value, k] : numbers) ASSERT_EQ(in.magnitude<S>(k), value) << k;
    EXPECT_TRUE(in.ok() && in.align());
    EXPECT_EQ(in.bits_left(), 0u);
  }
}

TEST(Magnitude, NumbersGoRound) {
  go_round<uint32_t>(1);
  go_round<uint64_t>(2);
}

template <class S>
bool is_refused(std::string bits, unsigned k) {
  bits += std::string(64, '0');
  const Bytes bytes = bytes_of(bits);
  BitReader in(bytes);
  in.magnitude<S>(k);
  return !in.ok();
}

TEST(Magnitude, WhatNoEncoderWritesIsRefused) {
  const std::string zeros(12, '0');
  EXPECT_FALSE(is_refused<uint32_t>(zeros + "10000000001" + std::string(21, '0'), 0));  // 1025
  EXPECT_TRUE(is_refused<uint32_t>(zeros + "00000000001" + std::string(21, '0'), 0));   // 1024
  EXPECT_TRUE(is_refused<uint32_t>("001", 31));                                         // 2 << 31
  EXPECT_FALSE(is_refused<uint32_t>("01", 31));                                         // 1 << 31
  EXPECT_TRUE(is_refused<uint32_t>("0001", 31));                         // 2^31 + 2^32
  EXPECT_TRUE(is_refused<uint32_t>("0001" + std::string(31, '1'), 30));  // 2^30 + 2^32 - 1
  EXPECT_TRUE(is_refused<uint64_t>("001", 63));
  EXPECT_FALSE(is_refused<uint64_t>("01", 63));
  EXPECT_TRUE(is_refused<uint64_t>("0001", 63));
}

TEST(BitReader, BeyondTheEndAreZerosAndFailure) {
  const Bytes bytes{0xff};
  BitReader in(bytes);
  EXPECT_EQ(in.take(8), 0xffu);
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(in.take(3), 0u);
  EXPECT_FALSE(in.ok());
  EXPECT_STREQ(in.problem(), "cut short");
  EXPECT_EQ(in.byte(), 1u);
  EXPECT_EQ(in.bits_left(), 0u);
}

TEST(BitReader, PaddingThatIsSetIsSeen) {
  const Bytes bytes{0x05, 0x01};
  BitReader in(bytes);
  in.skip(3);
  EXPECT_TRUE(in.align());
  in.skip(0);
  EXPECT_TRUE(in.flag());
  BitReader other(bytes);
  other.skip(2);
  EXPECT_FALSE(other.align());
}

std::string runs(const std::string& flags, unsigned state, size_t bits) {
  RunEncoder encoder;
  encoder.clear();
  for (const char flag : flags) encoder.flag(flag == '1');
  BitWriter out;
  out.clear();
  encoder.encode(state, out);
  return bits_of(out, bits);
}

// From state 6 runs are of 8, from 7 too, from 8 of 16.
TEST(Runs, HaveTheirBits) {
  EXPECT_EQ(runs("1111", 6, 1), "1");
  EXPECT_EQ(runs("11111111", 6, 1), "1");
  EXPECT_EQ(runs("0", 6, 4), "0000");
  EXPECT_EQ(runs("110", 6, 4), "0010");
  EXPECT_EQ(runs("1111111110", 6, 5), "10100");  // eight hits, then one in three bits
  EXPECT_EQ(runs("0000", 0, 4), "0000");         // each a miss of no hits
  EXPECT_EQ(runs("1110", 0, 4), "1101");         // runs of 1, 1, then 2 of which 1 is a hit
  EXPECT_EQ(runs("01", 6, 5), "00001");
}

TEST(Runs, GoRound) {
  Prng random(3);
  for (int round = 0; round < 500; ++round) {
    const size_t count = random.below(300);
    const uint64_t rarity = 1 + random.below(60);
    const unsigned state = static_cast<unsigned>(random.below(kRunStateMax + 1));
    RunEncoder encoder;
    encoder.clear();
    std::vector<size_t> misses;
    for (size_t i = 0; i < count; ++i) {
      const bool is_miss = random.chance(1, rarity);
      encoder.flag(!is_miss);
      if (is_miss) misses.push_back(i);
    }
    BitWriter out;
    out.clear();
    encoder.encode(state, out);
    out.put(1, 1);  // what follows is not touched
    const Bytes bytes(out.finish().begin(), out.finish().end());
    BitReader in(bytes);
    RunDecoder decoder(state, count);
    for (const size_t miss : misses) ASSERT_EQ(decoder.next_miss(in), miss);
    ASSERT_EQ(decoder.next_miss(in), count);
    EXPECT_TRUE(in.flag());
    EXPECT_TRUE(in.ok());
  }
}

// One that stands for 2^16 hits is the longest there is: very long runs take many.
TEST(Runs, AreAsLongAsTheyLike) {
  for (const uint32_t hits : {1u << 16, 1u << 20, (1u << 30) + 12'345}) {
    RunEncoder encoder;
    encoder.clear();
    encoder.hits(hits);
    encoder.miss();
    encoder.hits(hits);
    BitWriter out;
    out.clear();
    encoder.encode(0, out);
    const Bytes bytes(out.finish().begin(), out.finish().end());
    BitReader in(bytes);
    RunDecoder decoder(0, 2 * size_t{hits} + 1);
    EXPECT_EQ(decoder.next_miss(in), hits);
    EXPECT_EQ(decoder.next_miss(in), 2 * size_t{hits} + 1);
    EXPECT_TRUE(in.ok());
  }
}

TEST(Runs, MissBeyondTheFlagsFails) {
  const Bytes bytes = bytes_of("0111");
  BitReader in(bytes);
  RunDecoder decoder(6, 5);
  EXPECT_EQ(decoder.next_miss(in), 5u);
  EXPECT_FALSE(in.ok());
  EXPECT_STREQ(in.problem(), "a code beyond its bounds");
}

}  // namespace
}  // namespace ecsdb
