#include "ecsdb/sim/world.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <vector>

namespace ecsdb::sim {
namespace {

struct Seen {
  int64_t at_ns;
  uint32_t kind;
  uint64_t argument;

  bool operator==(const Seen&) const = default;
};

class Recorder final : public EventTarget {
 public:
  void on_event(uint32_t kind, uint64_t argument, Now now) override {
    seen.push_back(Seen{now.steady.ns, kind, argument});
    wall_ms = now.wall_ms;
  }
  std::vector<Seen> seen;
  int64_t wall_ms = 0;
};

TEST(World, EventsComeInOrderOfTimeThenScheduling) {
  World world(WorldOptions{});
  Recorder recorder;
  const TargetId target = world.add_target(recorder);
  Prng rng(7);
  std::vector<Seen> expected;
  for (uint64_t i = 0; i < 3000; ++i) {
    const Instant at{rng.between(0, 200)};
    world.schedule(at, target, 1, i);
    expected.push_back(Seen{at.ns, 1, i});
  }
  std::stable_sort(expected.begin(), expected.end(),
                   [](const Seen& a, const Seen& b) { return a.at_ns < b.at_ns; });
  ASSERT_TRUE(world.run_until(Instant{100}));
  EXPECT_EQ(world.now(), Instant{100});
  EXPECT_GT(world.pending_events(), 0u);
  ASSERT_TRUE(world.run_until(Instant{1000}));
  EXPECT_EQ(world.now(), Instant{1000});
  EXPECT_EQ(recorder.seen, expected);
}

TEST(World, ScheduleInThePastMeansNow) {
  World world(WorldOptions{});
  Recorder recorder;
  const TargetId target = world.add_target(recorder);
  ASSERT_TRUE(world.run_until(Instant{50}));
  world.schedule(Instant{10}, target, 2, 0);
  EXPECT_TRUE(world.step());
  EXPECT_FALSE(world.step());
  EXPECT_EQ(recorder.seen, (std::vector<Seen>{{50, 2, 0}}));
}

TEST(World, RemovedTargetHearsNothing) {
  World world(WorldOptions{});
  Recorder gone;
  Recorder stays;
  const TargetId first = world.add_target(gone);
  const TargetId second = world.add_target(stays);
  world.schedule(Instant{1}, first, 0, 0);
  world.schedule(Instant{2}, second, 0, 0);
  world.remove_target(first);
  ASSERT_TRUE(world.run_until(Instant{5}));
  EXPECT_TRUE(gone.seen.empty());
  EXPECT_EQ(stays.seen.size(), 1u);
}

std::vector<uint64_t> order_of_ties(uint64_t seed, bool permute) {
  World world(WorldOptions{.seed = seed, .permute_ties = permute});
  Recorder recorder;
  const TargetId target = world.add_target(recorder);
  for (uint64_t i = 0; i < 64; ++i)
    world.schedule(Instant{static_cast<int64_t>(i / 32)}, target, 0, i);
  EXPECT_TRUE(world.run_until(Instant{9}));
  std::vector<uint64_t> out;
  for (const Seen& seen : recorder.seen) out.push_back(seen.argument);
  return out;
}

TEST(World, PermutedTiesDependOnTheSeedAndKeepTime) {
  const std::vector<uint64_t> plain = order_of_ties(3, false);
  EXPECT_TRUE(std::is_sorted(plain.begin(), plain.end()));
  const std::vector<uint64_t> permuted = order_of_ties(3, true);
  EXPECT_EQ(permuted, order_of_ties(3, true));
  EXPECT_NE(permuted, order_of_ties(4, true));
  EXPECT_NE(permuted, plain);
  ASSERT_EQ(permuted.size(), 64u);
  for (size_t i = 0; i < 32; ++i) EXPECT_LT(permuted[i], 32u);
}

TEST(World, WallClockSkewIsOfOneTargetOnly) {
  World world(WorldOptions{.wall_origin_ms = 5000});
  Recorder skewed;
  Recorder straight;
  const TargetId first = world.add_target(skewed);
  const TargetId second = world.add_target(straight);
  world.set_wall_skew(first, Duration::ms(-1500));
  world.schedule(Instant{} + Duration::seconds(2), first, 0, 0);
  world.schedule(Instant{} + Duration::seconds(2), second, 0, 0);
  ASSERT_TRUE(world.run_until(Instant{} + Duration::seconds(3)));
  EXPECT_EQ(skewed.wall_ms, 5500);
  EXPECT_EQ(straight.wall_ms, 7000);
  EXPECT_EQ(skewed.seen[0].at_ns, straight.seen[0].at_ns);
}

/// Schedules itself anew for the same instant: time cannot pass.
class Livelock final : public EventTarget {
 public:
  explicit Livelock(World& world) : world_(world), target(world.add_target(*this)) {}
  void on_event(uint32_t, uint64_t, Now now) override { world_.schedule(now.steady, target, 0, 0); }

 private:
  World& world_;

 public:
  TargetId target;
};

TEST(World, LivelockAtOneInstantIsReported) {
  World world(WorldOptions{});
  Recorder other;
  world.add_target(other);
  Livelock livelock(world);
  world.schedule(Instant{5}, livelock.target, 0, 0);
  EXPECT_FALSE(world.run_until(Instant{10}));
  EXPECT_EQ(world.now(), Instant{5});
  EXPECT_EQ(world.stuck_target(), livelock.target);
}

TEST(World, StreamsAreIndependentOfEachOther) {
  const World world(WorldOptions{.seed = 11});
  const World same(WorldOptions{.seed = 11});
  EXPECT_EQ(world.stream("links", 4).next(), same.stream("links", 4).next());
  EXPECT_NE(world.stream("links", 4).next(), world.stream("links", 5).next());
  EXPECT_NE(world.stream("links", 4).next(), world.stream("workload", 4).next());
}

class TimerOwner final : public EventTarget {
 public:
  explicit TimerOwner(World& world) : world_(world) { timer.bind(world.add_target(*this), 3); }
  void on_event(uint32_t, uint64_t argument, Now now) override {
    ++events;
    if (timer.expired(world_, argument)) fired.push_back(now.steady.ns);
  }
  Timer timer;
  int events = 0;
  std::vector<int64_t> fired;

 private:
  World& world_;
};

TEST(Timer, FiresOnceAtTheLastDeadlineSet) {
  World world(WorldOptions{});
  TimerOwner owner(world);
  owner.timer.arm(world, Instant{100});
  for (int64_t at = 110; at <= 500; at += 10) owner.timer.arm(world, Instant{at});
  ASSERT_TRUE(world.run_until(Instant{1000}));
  EXPECT_EQ(owner.fired, (std::vector<int64_t>{500}));
  EXPECT_EQ(owner.events, 2);  // moving a deadline later schedules nothing
  EXPECT_FALSE(owner.timer.armed());
}

TEST(Timer, EarlierDeadlineSupersedesAndDisarmedNeverFires) {
  World world(WorldOptions{});
  TimerOwner owner(world);
  owner.timer.arm(world, Instant{300});
  owner.timer.arm(world, Instant{50});
  ASSERT_TRUE(world.run_until(Instant{100}));
  EXPECT_EQ(owner.fired, (std::vector<int64_t>{50}));
  owner.timer.arm(world, Instant{400});
  owner.timer.disarm();
  ASSERT_TRUE(world.run_until(Instant{350}));
  owner.timer.arm(world, Instant{600});
  ASSERT_TRUE(world.run_until(Instant{1000}));
  EXPECT_EQ(owner.fired, (std::vector<int64_t>{50, 600}));
  EXPECT_EQ(owner.events, 4);  // at 50, 300 (superseded), 400 (moved on) and 600
}

}  // namespace
}  // namespace ecsdb::sim
