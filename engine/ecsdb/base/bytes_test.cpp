#include "ecsdb/base/bytes.h"

#include <gtest/gtest.h>

namespace ecsdb {
namespace {

Bytes varint_bytes(uint64_t v) {
  Bytes out;
  ByteWriter(out).varint(v);
  return out;
}

TEST(Bytes, FixedIntegersAreLittleEndian) {
  Bytes out;
  ByteWriter writer(out);
  writer.u8(0x01);
  writer.u16(0x0302);
  writer.u32(0x07060504);
  writer.u64(0x0f0e0d0c0b0a0908);
  ASSERT_EQ(writer.size(), 15u);
  for (uint8_t i = 0; i < 15; ++i) EXPECT_EQ(out[i], i + 1);

  ByteReader reader(out);
  EXPECT_EQ(reader.u8(), 0x01);
  EXPECT_EQ(reader.u16(), 0x0302);
  EXPECT_EQ(reader.u32(), 0x07060504u);
  EXPECT_EQ(reader.u64(), 0x0f0e0d0c0b0a0908u);
  EXPECT_TRUE(reader.exhausted());
}

TEST(Bytes, VarintAtEveryWidthGoesRoundAndHasItsSize) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const uint64_t offset : {uint64_t{0}, uint64_t{1}, ~uint64_t{0}}) {
      const uint64_t v = (uint64_t{1} << bit) + offset;  // 2^n, 2^n + 1, 2^n - 1
      const Bytes bytes = varint_bytes(v);
      EXPECT_EQ(bytes.size(), varint_size(v)) << v;
      ByteReader reader(bytes);
      EXPECT_EQ(reader.varint(), v);
      EXPECT_TRUE(reader.exhausted());
    }
  }
  EXPECT_EQ(varint_size(~uint64_t{0}), 10u);
  EXPECT_EQ(varint_bytes(300), (Bytes{0xac, 0x02}));
}

TEST(Bytes, VarintThatIsNotMinimalFails) {
  for (const Bytes& bytes : {Bytes{0x80, 0x00}, Bytes{0xff, 0x00}, Bytes{0x81, 0x80, 0x00},
                             Bytes{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}}) {
    ByteReader reader(bytes);
    EXPECT_EQ(reader.varint(), 0u);
    EXPECT_FALSE(reader.ok());
  }
}

TEST(Bytes, VarintOver64BitsFails) {
  Bytes bytes(9, 0xff);
  bytes.push_back(0x01);
  ByteReader largest(bytes);
  EXPECT_EQ(largest.varint(), ~uint64_t{0});
  EXPECT_TRUE(largest.exhausted());

  bytes.back() = 0x02;
  ByteReader over(bytes);
  over.varint();
  EXPECT_FALSE(over.ok());

  bytes.back() = 0x81;
  bytes.push_back(0x00);
  ByteReader longer(bytes);
  longer.varint();
  EXPECT_FALSE(longer.ok());
}

TEST(Bytes, VarintCutOffFails) {
  const Bytes bytes = varint_bytes(~uint64_t{0});
  for (size_t n = 0; n < bytes.size(); ++n) {
    ByteReader reader(ByteSpan(bytes).first(n));
    reader.varint();
    EXPECT_FALSE(reader.ok()) << n;
  }
}

TEST(Bytes, VarintOverLimitFails) {
  const Bytes bytes = varint_bytes(5);
  EXPECT_EQ(ByteReader(bytes).varint_up_to(5), 5u);
  ByteReader reader(bytes);
  EXPECT_EQ(reader.varint_up_to(4), 0u);
  EXPECT_FALSE(reader.ok());
}

TEST(Bytes, ZigzagKeepsSmallMagnitudesSmall) {
  EXPECT_EQ(zigzag(0), 0u);
  EXPECT_EQ(zigzag(-1), 1u);
  EXPECT_EQ(zigzag(1), 2u);
  EXPECT_EQ(zigzag(-2), 3u);
  for (const int64_t v : {INT64_MIN, INT64_MIN + 1, int64_t{-1}, int64_t{0}, INT64_MAX}) {
    EXPECT_EQ(unzigzag(zigzag(v)), v);
  }
  EXPECT_EQ(zigzag(INT64_MIN), ~uint64_t{0});
}

TEST(ByteReader, FailureIsStickyAndReadsNothing) {
  const Bytes bytes{1, 2, 3, 4, 5};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.u8(), 1);
  EXPECT_EQ(reader.u64(), 0u);  // four bytes are left
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.left(), 0u);
  EXPECT_EQ(reader.u8(), 0);
  EXPECT_EQ(reader.varint(), 0u);
  EXPECT_TRUE(reader.bytes(0).empty());
  EXPECT_FALSE(reader.exhausted());
}

TEST(ByteReader, BytesBeyondTheEndFail) {
  const Bytes bytes{1, 2, 3};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.bytes(3).size(), 3u);
  EXPECT_TRUE(reader.exhausted());
  EXPECT_TRUE(reader.bytes(SIZE_MAX).empty());
  EXPECT_FALSE(reader.ok());
}

TEST(Bytes, TextViewsTheSameBytes) {
  EXPECT_EQ(as_text(as_bytes("abc")), "abc");
  EXPECT_EQ(as_bytes("abc")[2], 'c');
}

}  // namespace
}  // namespace ecsdb
