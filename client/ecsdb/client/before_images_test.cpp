// Going back to a cut that is kept: the state is that of a replica that stopped there, to the last
// field and history, and goes on like it.
#include "ecsdb/client/before_images.h"

#include "ecsdb/client/test_compare.h"
#include "ecsdb/client/test_feed.h"

namespace ecsdb::client_test {
namespace {

constexpr size_t kNoLimit = size_t{1} << 40;

/// A replica that follows a random history, and what it was after every advance.
struct Follower {
  Follower(CodecTier ships, CodecTier chats, uint64_t seed)
      : feed(port(ships, chats), seed), replica(feed.start()), random(Prng(seed).stream("run")) {
    replica.before_images().set_bytes_max(kNoLimit);
    first = durable = replica.cut();
    states.push_back(replica);
    hear(Version{1});
  }
  void advance() {
    steps.push_back(feed.next());
    steps.back().apply_to(replica);
    states.push_back(replica);
  }
  void hear(Version version) { replica.before_images().on_durable(version, replica.cut()); }
  /// Place in `states` of the state at a cut.
  size_t at(Version cut) const {
    size_t i = states.size();
    while (i > 0 && states[i - 1].cut() != cut) --i;
    EXPECT_GT(i, 0u);
    return i - 1;
  }
  Version random_cut(Version low) {
    return Version{low.value + random.below(replica.cut().value - low.value + 1)};
  }

  Feed feed;
  Replica replica;
  Prng random;
  Version first;
  Version durable;
  std::vector<Replica> states;
  std::vector<FeedStep> steps;  // from each state to the next
};

/// Takes a replica back, compares, and applies again what came after.
void go_back_and_forth(Follower& run, Version fork) {
  Replica replica = run.replica;
  std::vector<RowEvent> events;
  const bool can = replica.can_roll_back(fork);
  EXPECT_TRUE(can || fork < run.durable) << fork.value << " " << run.durable.value;
  ASSERT_EQ(replica.roll_back(fork, &events), can);
  const size_t place = run.at(replica.cut());
  expect_same(replica, run.states[place]);
  if (!can) {
    EXPECT_EQ(replica.cut(), run.replica.cut());
    return;
  }
  EXPECT_LE(replica.cut(), fork);
  EXPECT_EQ(sorted(events), differences(run.replica, replica));
  for (size_t i = place; i < run.steps.size(); ++i) {
    run.steps[i].apply_to(replica);
    expect_same(replica, run.states[i + 1]);
    if (::testing::Test::HasFailure()) return;
  }
  if (!replica.can_roll_back(fork)) return;
  ASSERT_TRUE(replica.roll_back(fork, nullptr));  // with images made on the way
  expect_same(replica, run.states[run.at(replica.cut())]);
}

void run_random(CodecTier ships, CodecTier chats, uint64_t seed) {
  Follower run(ships, chats, seed);
  size_t kept_most = 0;
  for (int round = 0; round < 60; ++round) {
    run.advance();
    if (run.random.chance(1, 6)) {
      run.durable = run.random.chance(1, 4) ? run.replica.cut() : run.random_cut(run.durable);
      run.hear(run.durable);
    }
    const size_t count = run.replica.before_images().count();
    EXPECT_LE(count, 2u);
    EXPECT_EQ(count == 0, run.durable == run.replica.cut());
    kept_most = std::max(kept_most, count);
    if (run.random.chance(1, 3)) go_back_and_forth(run, run.random_cut(run.first));
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_EQ(kept_most, 2u);
}

TEST(BeforeImages, BackAtACutTheReplicaIsAsItWasAndGoesOnLikeThen) {
  using enum CodecTier;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    run_random(kPacked, kPlain, seed);
    run_random(kPlain, kPacked, seed + 100);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(BeforeImages, EachKeptCutIsReached) {
  Follower run(CodecTier::kPacked, CodecTier::kPlain, 7);
  for (int i = 0; i < 4; ++i) run.advance();
  const Version second = run.replica.cut();
  run.durable = run.states[2].cut();
  run.hear(run.durable);  // the first cut is durable, so that another one is begun
  for (int i = 0; i < 4; ++i) run.advance();
  ASSERT_EQ(run.replica.before_images().count(), 2u);
  for (const Version cut : {run.first, second}) {
    Replica replica = run.replica;
    ASSERT_TRUE(replica.roll_back(Version{cut.value + 1}, nullptr));
    EXPECT_EQ(replica.cut(), cut);
    EXPECT_EQ(replica.before_images().count(), cut == second ? 1u : 0u);
    go_back_and_forth(run, cut);
  }
  // From the newer one to the older one.
  ASSERT_TRUE(run.replica.roll_back(second, nullptr));
  ASSERT_TRUE(run.replica.roll_back(run.first, nullptr));
  expect_same(run.replica, run.states[0]);
  EXPECT_FALSE(run.replica.can_roll_back(Version{run.first.value - 1}));
}

TEST(BeforeImages, WhatIsDurableIsNotKept) {
  Follower run(CodecTier::kPacked, CodecTier::kPacked, 3);
  BeforeImages& images = run.replica.before_images();
  run.hear(run.replica.cut());
  for (int i = 0; i < 20; ++i) {
    FeedStep step = run.feed.next();
    run.hear(step.advance.head.to());  // before it is applied
    step.apply_to(run.replica);
    EXPECT_EQ(images.count(), 0u);
    EXPECT_EQ(images.bytes(), 0u);
  }
  // A version that is at its cut can be gone on from, whatever is kept; an earlier one cannot.
  EXPECT_TRUE(run.replica.can_roll_back(run.replica.cut()));
  EXPECT_FALSE(run.replica.can_roll_back(Version{run.replica.cut().value - 1}));
}

TEST(BeforeImages, NothingIsKeptWithoutAnArchiveOrBeforeAnythingWasHeard) {
  Follower run(CodecTier::kPacked, CodecTier::kPlain, 3);
  run.advance();
  EXPECT_EQ(run.replica.before_images().count(), 1u);
  run.hear(Version{});
  EXPECT_EQ(run.replica.before_images().count(), 0u);
  run.advance();
  EXPECT_EQ(run.replica.before_images().count(), 0u);
  Feed feed(port(CodecTier::kPacked, CodecTier::kPlain), 3);
  Replica fresh = feed.start();
  fresh.before_images().set_bytes_max(kNoLimit);
  feed.next().apply_to(fresh);
  EXPECT_EQ(fresh.before_images().count(), 0u);
}

TEST(BeforeImages, ImagesOutliveTheConnection) {
  Follower run(CodecTier::kPacked, CodecTier::kPlain, 5);
  run.advance();
  run.replica.before_images().on_connected();
  run.advance();
  ASSERT_TRUE(run.replica.roll_back(run.first, nullptr));
  expect_same(run.replica, run.states[0]);
}

TEST(BeforeImages, WhatWasDurableIsHeardAnewOnEachConnection) {
  Follower run(CodecTier::kPacked, CodecTier::kPlain, 5);
  run.hear(Version{1'000'000});  // perhaps of another database
  run.advance();
  EXPECT_EQ(run.replica.before_images().count(), 0u);
  run.hear(Version{1});  // the newest counts
  run.advance();
  EXPECT_EQ(run.replica.before_images().count(), 0u);
  run.replica.before_images().on_connected();
  run.hear(Version{1});
  run.advance();
  EXPECT_EQ(run.replica.before_images().count(), 1u);
}

TEST(BeforeImages, BeyondTheLimitTheyAreGivenUpUntilAllIsDurable) {
  Follower run(CodecTier::kPacked, CodecTier::kPlain, 9);
  BeforeImages& images = run.replica.before_images();
  run.advance();
  const size_t first_bytes = images.bytes();
  EXPECT_GT(first_bytes, 0u);
  images.set_bytes_max(3 * first_bytes);
  int advances = 0;
  while (images.count() > 0) {
    EXPECT_LE(images.bytes(), 3 * first_bytes);
    run.advance();
    ASSERT_LT(++advances, 1000);
  }
  EXPECT_EQ(images.bytes(), 0u);
  const Version given_up = run.replica.cut();
  EXPECT_FALSE(run.replica.can_roll_back(Version{given_up.value - 1}));
  images.set_bytes_max(kNoLimit);
  run.advance();
  EXPECT_EQ(images.count(), 0u);
  run.hear(Version{given_up.value - 1});
  run.advance();
  EXPECT_EQ(images.count(), 0u);
  run.hear(given_up);
  const Version begun = run.replica.cut();
  run.advance();
  EXPECT_EQ(images.count(), 1u);
  run.durable = begun;
  go_back_and_forth(run, begun);
}

TEST(BeforeImages, AnotherStateHasNone) {
  Follower run(CodecTier::kPacked, CodecTier::kPlain, 4);
  run.advance();
  const Replica synced = run.states[1];
  Replica adopted = run.replica;
  adopted.adopt(Replica(synced), nullptr);
  EXPECT_EQ(adopted.before_images().count(), 0u);
  Replica replaced = run.replica;
  replaced.replace(Replica(synced), nullptr);
  EXPECT_EQ(replaced.before_images().count(), 0u);
  Replica reset = run.replica;
  reset.reset(run.feed.schema());
  EXPECT_EQ(reset.before_images().count(), 0u);
}

}  // namespace
}  // namespace ecsdb::client_test
