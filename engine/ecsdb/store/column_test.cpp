#include "ecsdb/store/column.h"

#include <gtest/gtest.h>

namespace ecsdb {
namespace {

constexpr uint8_t kWidths[] = {1, 2, 4, 8};

Column column(LaneKind kind, uint8_t width) { return Column(Lane{0, width, kind, 0}); }

TEST(Column, UnsignedValuesOfEveryWidthGoRound) {
  for (const uint8_t width : kWidths) {
    Column values = column(LaneKind::kUnsigned, width);
    const uint64_t most = width == 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * width)) - 1;
    values.push(0);
    values.push(most);
    values.push(most / 2 + 1);
    EXPECT_EQ(values.rows(), 3u);
    EXPECT_EQ(values.get(0), 0u);
    EXPECT_EQ(values.get(1), most);
    EXPECT_EQ(values.get(2), most / 2 + 1);
  }
}

TEST(Column, SignedValuesComeBackSignExtended) {
  for (const uint8_t width : kWidths) {
    Column values = column(LaneKind::kSigned, width);
    const int64_t least = INT64_MIN >> (64 - 8 * width);
    for (const int64_t v : {least, int64_t{-1}, int64_t{0}, -(least + 1)}) {
      values.push(static_cast<uint64_t>(v));
      EXPECT_EQ(static_cast<int64_t>(values.get(values.rows() - 1)), v) << int{width};
    }
  }
}

TEST(Column, FloatBitsAreNotExtended) {
  Column values = column(LaneKind::kFloat, 4);
  values.push(0x80000000);  // -0.0f
  EXPECT_EQ(values.get(0), 0x80000000u);
}

TEST(Column, SwapEraseMovesTheLastRowIn) {
  Column values = column(LaneKind::kUnsigned, 2);
  for (uint64_t v = 10; v < 14; ++v) values.push(v);
  values.swap_erase(1);
  EXPECT_EQ(values.rows(), 3u);
  EXPECT_EQ(values.get(0), 10u);
  EXPECT_EQ(values.get(1), 13u);
  EXPECT_EQ(values.get(2), 12u);
  values.swap_erase(2);
  EXPECT_EQ(values.rows(), 2u);
  EXPECT_EQ(values.get(1), 13u);
}

TEST(Column, IsAnArrayOfItsOwnType) {
  Column values = column(LaneKind::kSigned, 4);
  values.push(static_cast<uint64_t>(-5));
  values.push(6);
  const std::span<const int32_t> array = values.as<int32_t>();
  ASSERT_EQ(array.size(), 2u);
  EXPECT_EQ(array[0], -5);
  EXPECT_EQ(array[1], 6);
  EXPECT_DEATH(values.as<int64_t>(), "check failed");
}

}  // namespace
}  // namespace ecsdb
