#include "ecsdb/base/token_bucket.h"

#include <gtest/gtest.h>

#include "ecsdb/base/prng.h"

namespace ecsdb {
namespace {

constexpr Instant kStart{5'000'000'000};

Instant after(Duration d) { return kStart + d; }

TEST(TokenBucket, StartsFullAndMayBeOverdrawnByWhatWasBegun) {
  TokenBucket bucket(100, 50);
  EXPECT_TRUE(bucket.has(50, kStart));
  bucket.spend(49, kStart);
  EXPECT_TRUE(bucket.has_any(kStart));
  EXPECT_FALSE(bucket.has(2, kStart));
  bucket.spend(200, kStart);  // begun with the last token
  EXPECT_FALSE(bucket.has_any(kStart));
  EXPECT_EQ(bucket.ready_at(kStart), after(Duration::ms(2000)));  // 199 owed and one to have
  EXPECT_FALSE(bucket.has_any(after(Duration::ms(1999))));
  EXPECT_TRUE(bucket.has_any(after(Duration::ms(2000))));
}

TEST(TokenBucket, NeverHoldsMoreThanTheBurst) {
  TokenBucket bucket(100, 50);
  bucket.spend(50, kStart);
  const Instant later = after(Duration::seconds(1000));
  EXPECT_TRUE(bucket.has(50, later));
  bucket.spend(50, later);
  EXPECT_FALSE(bucket.has_any(later));
}

TEST(TokenBucket, WhatIsLargerThanTheBurstPassesWhenItIsFull) {
  TokenBucket bucket(10, 5);
  EXPECT_TRUE(bucket.has(1000, kStart));
  bucket.spend(1, kStart);
  EXPECT_FALSE(bucket.has(1000, kStart));
  EXPECT_TRUE(bucket.has(1000, after(Duration::ms(100))));
}

TEST(TokenBucket, RateZeroIsNoLimit) {
  TokenBucket bucket(0, 0);
  EXPECT_FALSE(bucket.is_limited());
  bucket.spend(UINT64_MAX, kStart);
  EXPECT_TRUE(bucket.has(UINT64_MAX, kStart));
  EXPECT_EQ(bucket.ready_at(kStart), kStart);
  EXPECT_TRUE(TokenBucket().has_any(kStart));
}

TEST(TokenBucket, BurstOfNothingStillLetsOnePass) {
  TokenBucket bucket(10, 0);
  EXPECT_TRUE(bucket.has_any(kStart));
  bucket.spend(1, kStart);
  EXPECT_EQ(bucket.ready_at(kStart), after(Duration::ms(100)));
}

// Three tokens a second are asked for every 7 ms, for ten days: fractions must not get lost.
TEST(TokenBucket, DoesNotDriftOverDays) {
  TokenBucket bucket(3, 10);
  bucket.spend(10, kStart);
  Instant now = kStart;
  const Instant end = kStart + Duration::seconds(10 * 86'400);
  uint64_t spent = 0;
  while (now < end) {
    now = now + Duration::ms(7);
    while (bucket.has_any(now)) {
      bucket.spend(1, now);
      ++spent;
    }
  }
  EXPECT_EQ(spent, static_cast<uint64_t>((now - kStart).ns / 1'000'000'000 * 3 +
                                         (now - kStart).ns % 1'000'000'000 * 3 / 1'000'000'000));
}

TEST(TokenBucket, ReadyAtIsTheFirstInstantThatHasOne) {
  Prng rng(7);
  for (int round = 0; round < 20'000; ++round) {
    const uint64_t rate = 1 + (rng.next() >> (rng.below(63) + 1));
    const uint64_t burst = 1 + (rng.next() >> (rng.below(63) + 1));
    TokenBucket bucket(rate, burst);
    Instant now = kStart;
    for (int i = 0; i < 4; ++i) {
      bucket.spend(rng.next() >> (rng.below(63) + 1), now);
      now = now + Duration{static_cast<int64_t>(rng.next() >> (20 + rng.below(40)))};
    }
    const Instant ready = bucket.ready_at(now);
    if (ready == Instant::never()) continue;
    ASSERT_TRUE(bucket.has_any(ready)) << "rate " << rate << " burst " << burst;
    // One nanosecond late at the most, as long as the rate is less than a token a nanosecond.
    if (ready <= now + Duration{2} || rate > 1'000'000'000) continue;
    ASSERT_FALSE(bucket.has_any(ready - Duration{2})) << "rate " << rate << " burst " << burst;
  }
}

TEST(TokenBucket, ExtremesDoNotOverflow) {
  for (const uint64_t rate : {uint64_t{1}, uint64_t{999'999'999}, uint64_t{1} << 34, UINT64_MAX}) {
    for (const uint64_t burst : {uint64_t{1}, uint64_t{1} << 40, UINT64_MAX}) {
      TokenBucket bucket(rate, burst);
      for (int i = 0; i < 5; ++i) bucket.spend(UINT64_MAX, kStart);  // as far down as it goes
      EXPECT_FALSE(bucket.has_any(kStart));
      const Instant ready = bucket.ready_at(kStart);
      EXPECT_GT(ready, kStart);
      EXPECT_TRUE(ready == Instant::never() || bucket.has_any(ready)) << rate << " " << burst;
      EXPECT_EQ(bucket.has_any(Instant{INT64_MAX}), rate > 1'000'000'000) << rate << " " << burst;
    }
  }
}

}  // namespace
}  // namespace ecsdb
