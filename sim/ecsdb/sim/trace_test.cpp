#include "ecsdb/sim/trace.h"

#include <gtest/gtest.h>
#include <string>

namespace ecsdb::sim {
namespace {

/// `odd_one` has another detail than in other traces.
Trace make_trace(uint64_t entries, uint64_t odd_one, TraceLogWindow window = {}) {
  Trace trace(window);
  for (uint64_t i = 0; i < entries; ++i) {
    trace.record(TraceKind::kNote, Instant{static_cast<int64_t>(i)}, i, i == odd_one ? 1 : 0);
  }
  return trace;
}

TEST(Trace, EveryRecordedThingChangesTheHash) {
  const uint8_t one[] = {1, 2, 3};
  const uint8_t other[] = {1, 2, 4};
  const auto hash_of = [](auto&& record) {
    Trace trace;
    record(trace);
    return trace.hash();
  };
  const Instant at{5};
  const uint64_t bytes = hash_of([&](Trace& t) { t.record_bytes(at, 1, one); });
  EXPECT_EQ(bytes, hash_of([&](Trace& t) { t.record_bytes(at, 1, one); }));
  EXPECT_NE(bytes, hash_of([&](Trace& t) { t.record_bytes(at, 1, other); }));
  EXPECT_NE(bytes, hash_of([&](Trace& t) { t.record_bytes(at, 2, one); }));
  EXPECT_NE(bytes, hash_of([&](Trace& t) { t.record_bytes(Instant{6}, 1, one); }));
  const uint64_t timer = hash_of([&](Trace& t) { t.record_timer(at, 1, Instant{9}); });
  EXPECT_NE(timer, hash_of([&](Trace& t) { t.record_timer(at, 1, Instant{8}); }));
  const uint64_t apply = hash_of([&](Trace& t) { t.record_apply(at, 1, 77); });
  EXPECT_NE(apply, hash_of([&](Trace& t) { t.record_apply(at, 1, 78); }));
  EXPECT_NE(apply, timer);
}

TEST(Trace, CountsWhatHappened) {
  Trace trace;
  const uint8_t bytes[] = {1, 2, 3};
  trace.record_bytes(Instant{1}, 0, bytes);
  trace.record_bytes(Instant{2}, 0, bytes);
  trace.add(TraceCount::kResets, 4);
  EXPECT_EQ(trace.count(TraceCount::kDeliveries), 2u);
  EXPECT_EQ(trace.count(TraceCount::kBytesDelivered), 6u);
  EXPECT_EQ(trace.count(TraceCount::kResets), 4u);
  EXPECT_EQ(trace_count_name(TraceCount::kShortAccepts), "short_accepts");
  for (size_t i = 0; i < kTraceCounts; ++i) {
    EXPECT_FALSE(trace_count_name(static_cast<TraceCount>(i)).empty()) << i;
  }
}

TEST(Trace, FirstDifferenceIsFoundByCheckpointsThenByTheLog) {
  constexpr uint64_t kEntries = 20'000;
  const Trace plain = make_trace(kEntries, UINT64_MAX);
  EXPECT_EQ(Trace::first_difference(plain, make_trace(kEntries, UINT64_MAX)), std::nullopt);
  for (const uint64_t odd :
       {uint64_t{0}, uint64_t{1023}, uint64_t{1024}, uint64_t{13'579}, kEntries - 1}) {
    const auto range = Trace::first_difference(plain, make_trace(kEntries, odd));
    ASSERT_TRUE(range.has_value());
    EXPECT_LE(range->begin, odd);
    EXPECT_GT(range->end, odd);
    const TraceLogWindow window{range->begin, range->end - range->begin};
    const auto found = Trace::first_logged_difference(make_trace(kEntries, UINT64_MAX, window),
                                                      make_trace(kEntries, odd, window));
    EXPECT_EQ(found, odd);
  }
}

TEST(Trace, ShorterRunDiffersWhereItEnds) {
  const auto range =
      Trace::first_difference(make_trace(5000, UINT64_MAX), make_trace(5001, UINT64_MAX));
  ASSERT_TRUE(range.has_value());
  const TraceLogWindow window{range->begin, range->end - range->begin};
  EXPECT_EQ(Trace::first_logged_difference(make_trace(5000, UINT64_MAX, window),
                                           make_trace(5001, UINT64_MAX, window)),
            5000u);
}

TEST(Trace, LogKeepsItsWindowOnly) {
  const Trace trace = make_trace(100, UINT64_MAX, TraceLogWindow{10, 5});
  ASSERT_EQ(trace.logged().size(), 5u);
  EXPECT_EQ(trace.logged().front().subject, 10u);
  EXPECT_EQ(trace.logged().back().subject, 14u);
}

}  // namespace
}  // namespace ecsdb::sim
