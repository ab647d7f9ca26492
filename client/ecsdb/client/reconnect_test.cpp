#include "ecsdb/client/reconnect.h"

#include <gtest/gtest.h>

namespace ecsdb {
namespace {

constexpr ReconnectOptions kOptions{Duration::ms(100), Duration::seconds(5), Duration::seconds(1)};

TEST(Reconnect, DelayDoublesUpToItsCapWithJitterOfHalf) {
  Reconnect reconnect(kOptions, Prng(1));
  int64_t full_ms = 100;
  for (int failure = 0; failure < 80; ++failure) {
    const Duration delay = reconnect.on_closed(false);
    EXPECT_GE(delay, Duration::ms(full_ms / 2)) << failure;
    EXPECT_LE(delay, Duration::ms(full_ms)) << failure;
    full_ms = std::min<int64_t>(full_ms * 2, 5000);
  }
}

TEST(Reconnect, JitterSpreadsOverItsRange) {
  int low = 0;
  int high = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const Duration delay = Reconnect(kOptions, Prng(seed)).on_closed(false);
    ++(delay < Duration::ms(75) ? low : high);
  }
  EXPECT_GT(low, 60);
  EXPECT_GT(high, 60);
}

TEST(Reconnect, SuccessStartsOver) {
  Reconnect reconnect(kOptions, Prng(2));
  for (int i = 0; i < 10; ++i) reconnect.on_closed(false);
  EXPECT_GT(reconnect.on_closed(false), Duration::seconds(2));
  reconnect.on_success();
  EXPECT_LE(reconnect.on_closed(false), Duration::ms(100));
}

TEST(Reconnect, CleanCloseWaitsLessAndIsNoFailure) {
  Reconnect reconnect(kOptions, Prng(3));
  for (int i = 0; i < 50; ++i) {
    const Duration delay = reconnect.on_closed(true);
    EXPECT_GE(delay, Duration{});
    EXPECT_LE(delay, Duration::seconds(1));
  }
  EXPECT_LE(reconnect.on_closed(false), Duration::ms(100));
}

TEST(Reconnect, SameSeedSameDelays) {
  Reconnect a(kOptions, Prng(4));
  Reconnect b(kOptions, Prng(4));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(a.on_closed(i % 5 == 0), b.on_closed(i % 5 == 0));
}

}  // namespace
}  // namespace ecsdb
