#include "ecsdb/base/prng.h"

#include <gtest/gtest.h>

namespace ecsdb {
namespace {

// Computed by a separate program. They must never change: seeds stand in bug reports.
TEST(Prng, GoldenValues) {
  Prng zero(0);
  EXPECT_EQ(zero.next(), 0x99ec5f36cb75f2b4u);
  EXPECT_EQ(zero.next(), 0xbf6e1f784956452au);
  EXPECT_EQ(zero.next(), 0x1a5f849d4933e6e0u);
  Prng seeded(42);
  EXPECT_EQ(seeded.next(), 0x15780b2e0c2ec716u);
  EXPECT_EQ(seeded.next(), 0x6104d9866d113a7eu);
  EXPECT_EQ(seeded.next(), 0xae17533239e499a1u);
}

TEST(Prng, CopyForksTheSequence) {
  Prng a(5);
  a.next();
  Prng b = a;
  EXPECT_EQ(a.state_digest(), b.state_digest());
  EXPECT_EQ(a.next(), b.next());
  b.next();
  EXPECT_NE(a.state_digest(), b.state_digest());
}

TEST(Prng, BelowStaysBelowAndReachesAll) {
  Prng random(1);
  int counts[7] = {};
  for (int i = 0; i < 7000; ++i) {
    const uint64_t v = random.below(7);
    ASSERT_LT(v, 7u);
    ++counts[v];
  }
  for (const int count : counts) EXPECT_NEAR(count, 1000, 150);
  EXPECT_EQ(random.below(1), 0u);
  EXPECT_LT(random.below(~uint64_t{0}), ~uint64_t{0});
}

TEST(Prng, BetweenIncludesBothEnds) {
  Prng random(2);
  bool low = false;
  bool high = false;
  for (int i = 0; i < 200; ++i) {
    const int64_t v = random.between(-2, 2);
    ASSERT_TRUE(v >= -2 && v <= 2);
    low |= v == -2;
    high |= v == 2;
  }
  EXPECT_TRUE(low && high);
  EXPECT_EQ(random.between(9, 9), 9);
  random.between(INT64_MIN, INT64_MAX);
}

TEST(Prng, ChanceIsNeverAtZeroAndAlwaysAtOne) {
  Prng random(3);
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(random.chance(0, 10));
    EXPECT_TRUE(random.chance(10, 10));
  }
}

TEST(Prng, ExponentialHasItsMeanSpreadAndCap) {
  Prng random(4);
  constexpr int kDraws = 20'000;
  constexpr int64_t kMean = 10'000;
  int64_t sum = 0;
  int above_mean = 0;
  int above_three = 0;
  for (int i = 0; i < kDraws; ++i) {
    const int64_t v = random.exponential(kMean);
    ASSERT_TRUE(v >= 0 && v <= 32 * kMean);
    sum += v;
    above_mean += v > kMean;
    above_three += v > 3 * kMean;
  }
  EXPECT_NEAR(static_cast<double>(sum) / kDraws, kMean, 300);
  EXPECT_NEAR(above_mean, kDraws * 0.3679, 300);   // e^-1
  EXPECT_NEAR(above_three, kDraws * 0.0498, 130);  // e^-3
  EXPECT_EQ(random.exponential(0), 0);
}

TEST(Prng, StreamDependsOnSeedNameAndIndexOnly) {
  Prng drawn(6);
  drawn.next();
  EXPECT_EQ(drawn.stream("links", 3).next(), Prng(6).stream("links", 3).next());
  EXPECT_NE(Prng(6).stream("links", 3).next(), Prng(6).stream("links", 4).next());
  EXPECT_NE(Prng(6).stream("links", 3).next(), Prng(6).stream("disks", 3).next());
  EXPECT_NE(Prng(6).stream("links", 3).next(), Prng(7).stream("links", 3).next());
}

}  // namespace
}  // namespace ecsdb
