#include "tools/latency_histogram.h"

#include <gtest/gtest.h>

namespace ecsdb {
namespace {

TEST(LatencyHistogram, PercentilesAreWithinTheBucketWidth) {
  LatencyHistogram histogram;
  for (int64_t us = 1; us <= 1000; ++us) histogram.add(Duration::us(us));
  EXPECT_EQ(histogram.count(), 1000u);
  for (const uint32_t permille : {1u, 10u, 500u, 990u, 999u, 1000u}) {
    const int64_t exact = Duration::us(permille).ns;
    const int64_t got = histogram.percentile(permille).ns;
    EXPECT_GE(got, exact);
    EXPECT_LE(got, exact + exact / 60) << permille;
  }
}

TEST(LatencyHistogram, EveryDurationIsAtMostTheEndOfItsBucket) {
  for (int bit = 0; bit < 63; ++bit) {
    for (const int64_t offset : {-1, 0, 1}) {
      const int64_t ns = (int64_t{1} << bit) + offset;
      LatencyHistogram histogram;
      histogram.add(Duration{ns});
      EXPECT_GE(histogram.percentile(1000).ns, ns);
      EXPECT_LE(histogram.percentile(1000).ns - ns, ns / 63);
      LatencyHistogram copy;
      EXPECT_TRUE(copy.add_text(histogram.to_text())) << histogram.to_text();
    }
  }
  LatencyHistogram longest;
  longest.add(Duration{INT64_MAX});
  EXPECT_EQ(longest.percentile(500).ns, INT64_MAX);
  EXPECT_TRUE(LatencyHistogram().add_text(longest.to_text()));
}

TEST(LatencyHistogram, EmptyGivesZeroAndNegativeCountsAsZero) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.percentile(990).ns, 0);
  histogram.add(Duration{-5});
  EXPECT_EQ(histogram.percentile(990).ns, 0);
  EXPECT_EQ(histogram.count(), 1u);
}

TEST(LatencyHistogram, TextCarriesEverything) {
  LatencyHistogram histogram;
  for (int64_t i = 0; i < 500; ++i) histogram.add(Duration{i * i * 77});
  LatencyHistogram copy;
  ASSERT_TRUE(copy.add_text(histogram.to_text()));
  EXPECT_EQ(copy.to_text(), histogram.to_text());
  EXPECT_EQ(copy.count(), 500u);
  ASSERT_TRUE(copy.add_text(""));
  copy.add(histogram);
  EXPECT_EQ(copy.count(), 1000u);
  EXPECT_EQ(copy.percentile(500), histogram.percentile(500));
}

TEST(LatencyHistogram, OtherTextIsRefusedWhole) {
  for (const char* text : {"1", "1:", ":1", "1:1,", "1:1,2", "1:1;2:2", "x", "1:0", "1:-1", " 1:1",
                           "3712:1", "99999999999999999999:1", "1:99999999999"}) {
    LatencyHistogram histogram;
    EXPECT_FALSE(histogram.add_text(text)) << text;
    EXPECT_EQ(histogram.count(), 0u);
  }
}

}  // namespace
}  // namespace ecsdb
