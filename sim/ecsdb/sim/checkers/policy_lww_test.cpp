// Fields that the last writer wins, by stamps.
#include <gtest/gtest.h>

#include "ecsdb/sim/checkers/policy_model.h"
#include "ecsdb/sim/checkers/policy_test_support.h"

namespace ecsdb::sim {
namespace {

class PolicyLww : public testing::Test, protected PolicyScene {};

Draft set_paint(const Draft& begun, uint64_t value) {
  return Draft(begun).set(kThing, kRock).field(kPaint, number(value), number(7));
}

TEST_F(PolicyLww, AnLwwFieldThatIsNotStaleAppliesHoweverOldItsStamp) {
  EXPECT_TRUE(applies(set_paint(Draft(1, 1, 3), 9)));
  EXPECT_EQ(lane(kPaint), 9u);
  // It took the stamp after that of the insert, so that the next must be later than this.
  const uint64_t stored_ms = kWallMs;
  EXPECT_EQ(decide(set_paint(Draft(1, 1, stored_ms, 0), 20), kBob).kind, OutcomeKind::kMerged);
  EXPECT_EQ(lane(kPaint), 9u);
  EXPECT_TRUE(
      applies(set_paint(Draft(2, 1, stored_ms, 1), 20), kBob));  // client 2 is above client 1
  EXPECT_EQ(lane(kPaint), 20u);
}

TEST_F(PolicyLww, AStaleLwwFieldAppliesWhereItsStampIsHigher) {
  EXPECT_TRUE(applies(set_paint(Draft(1, 1, kWallMs + 2, 5), 9), kBob));
  commit();
  const Expected lost = decide(set_paint(Draft(1, 1, kWallMs + 2, 4), 20));
  ASSERT_EQ(verdict_of(lost), "merged over older_loses");
  EXPECT_EQ(lost.finals, (std::vector<FinalValue>{{0, FieldId{kPaint}, number(9)}}));
  EXPECT_EQ(values_of(lost.conflicts[0]), "base 7, server 9, mine 20, result 9");
  EXPECT_EQ(lost.conflicts[0].policy, Policy::kLww);
  const Expected won = decide(set_paint(Draft(2, 1, kWallMs + 2, 6), 30));
  ASSERT_EQ(verdict_of(won), "applied over newer_wins");
  EXPECT_EQ(values_of(won.conflicts[0]), "base 7, server 9, mine 30, result 30");
  EXPECT_EQ(lane(kPaint), 30u);
}

TEST_F(PolicyLww, EqualStampsAreDecidedByClient) {
  EXPECT_TRUE(applies(set_paint(Draft(8, 1, kWallMs + 2), 9), kBob));
  EXPECT_EQ(verdict(set_paint(Draft(9, 1, kWallMs + 2), 20), kAda), "merged over older_loses");
  EXPECT_EQ(lane(kPaint), 9u);
  EXPECT_TRUE(model_.remove(kThing, kRock));
  server_insert(kThing, kRock);
  commit();
  EXPECT_TRUE(applies(set_paint(Draft(9, 2, kWallMs + 2), 9), kAda));
  EXPECT_EQ(verdict(set_paint(Draft(9, 2, kWallMs + 2), 20), kBob), "applied over newer_wins");
}

TEST_F(PolicyLww, EqualStampsOfAClientAreDecidedBySequenceThenOperation) {
  server_set(kPaint, Value{uint64_t{8}});
  commit();  // stale for base 1 from now on
  const auto twice = [](uint64_t sequence) {
    return Draft(sequence, 1, kWallMs + 2)
        .set(kThing, kRock)
        .field(kPaint, number(20 + sequence))
        .set(kThing, kRock)
        .field(kPaint, number(40 + sequence));
  };
  Expected out = decide(twice(5));
  EXPECT_EQ(out.kind, OutcomeKind::kApplied);
  ASSERT_EQ(out.conflicts.size(), 2u);
  EXPECT_EQ(out.conflicts[1].rule, ConflictRule::kNewerWins);
  EXPECT_EQ(out.conflicts[1].op, 1u);
  EXPECT_EQ(lane(kPaint), 45u);
  out = decide(twice(4));
  EXPECT_EQ(out.conflicts[0].rule, ConflictRule::kOlderLoses);
  EXPECT_EQ(out.conflicts[1].rule, ConflictRule::kOlderLoses);
  EXPECT_EQ(decide(twice(6)).conflicts[0].rule, ConflictRule::kNewerWins);
}

TEST_F(PolicyLww, AStaleWinnerStoresItsOwnStamp) {
  EXPECT_TRUE(applies(set_paint(Draft(1, 1, kWallMs + 1), 9), kBob));
  EXPECT_EQ(verdict(set_paint(Draft(1, 1, kWallMs + 5), 20)), "applied over newer_wins");
  EXPECT_EQ(verdict(set_paint(Draft(2, 1, kWallMs + 5, 0), 30), kBob), "applied over newer_wins");
  EXPECT_EQ(verdict(set_paint(Draft(2, 1, kWallMs + 5, 0), 40)), "merged over older_loses");
  EXPECT_EQ(verdict(set_paint(Draft(3, 1, kWallMs + 5, 1), 40)), "applied over newer_wins");
}

TEST_F(PolicyLww, ALostFieldIsNoChangeAndKeepsItsStamp) {
  EXPECT_TRUE(applies(set_paint(Draft(1, 1, kWallMs + 5), 9), kBob));
  commit();
  EXPECT_EQ(verdict(set_paint(Draft(1, 1, kWallMs), 20)), "merged over older_loses");
  EXPECT_EQ(verdict(set_paint(Draft(2, 2, 0), 30), kBob), "applied");  // nobody else changed it
  EXPECT_EQ(verdict(set_paint(Draft(2, 1, kWallMs + 5, 0), 40)), "merged over older_loses");
  EXPECT_EQ(verdict(set_paint(Draft(3, 1, kWallMs + 5, 2), 40)), "applied over newer_wins");
}

TEST_F(PolicyLww, ALostFieldThatIsAsItWasWrittenIsApplied) {
  EXPECT_TRUE(applies(set_paint(Draft(1, 1, kWallMs + 5), 9), kBob));
  EXPECT_EQ(verdict(set_paint(Draft(1, 1, 0), 9)), "applied over older_loses");
}

TEST_F(PolicyLww, StampsAreClampedToTheServersClockAndSkew) {
  EXPECT_TRUE(applies(set_paint(Draft(1, 1, kWallMs + 900), 9), kBob));
  EXPECT_EQ(verdict(set_paint(Draft(1, 1, kWallMs + kSkewMs, 0xffff), 20)),
            "merged over older_loses");  // as high, and a lower client
  EXPECT_TRUE(model_.remove(kThing, kRock));
  server_insert(kThing, kRock);
  commit();
  EXPECT_TRUE(applies(set_paint(Draft(2, 2, kWallMs + 900), 9), kAda));
  EXPECT_EQ(verdict(set_paint(Draft(2, 2, kWallMs + kSkewMs, 0xfffe), 20), kBob),
            "merged over older_loses");
  EXPECT_EQ(verdict(set_paint(Draft(3, 2, kWallMs + kSkewMs, 0xffff), 20), kBob),
            "applied over newer_wins");
}

TEST_F(PolicyLww, AServerStepStampsAsClientZeroAtItsClock) {
  server_set(kPaint, Value{uint64_t{8}});
  // The insert had the clock's first stamp; the step took the next.
  EXPECT_EQ(verdict(set_paint(Draft(1, 1, kWallMs, 0), 20)), "merged over older_loses");
  EXPECT_EQ(verdict(set_paint(Draft(1, 1, kWallMs, 1), 20)), "applied over newer_wins");
  policies_.set_wall_ms(kWallMs + 4);
  server_set(kPaint, Value{uint64_t{8}});
  server_set(kPaint, Value{uint64_t{8}});  // no change
  EXPECT_EQ(verdict(set_paint(Draft(2, 1, kWallMs + 3, 0xffff), 20)), "merged over older_loses");
  EXPECT_EQ(verdict(set_paint(Draft(2, 1, kWallMs + 4), 20)), "applied over newer_wins");
}

TEST_F(PolicyLww, AServerStepIsAfterAStampThatIsAheadOfItsClock) {
  EXPECT_TRUE(applies(set_paint(Draft(1, 1, kWallMs + 7, 3), 9), kBob));
  server_set(kPaint, Value{uint64_t{8}});
  EXPECT_EQ(verdict(set_paint(Draft(1, 1, kWallMs + 7, 3), 20), kBob), "merged over older_loses");
  EXPECT_EQ(verdict(set_paint(Draft(1, 1, kWallMs + 7, 4), 20), kBob), "applied over newer_wins");
}

TEST_F(PolicyLww, AnInsertStampsAllLwwFields) {
  policies_.set_wall_ms(kWallMs + 4);
  EXPECT_TRUE(model_.remove(kThing, kRock));
  server_insert(kThing, kRock);
  commit();
  EXPECT_EQ(verdict(set_paint(Draft(1, 1, kWallMs + 3, 0xffff), 20)), "merged over older_loses");
  EXPECT_EQ(verdict(set_paint(Draft(1, 1, kWallMs + 4), 20)), "applied over newer_wins");
}

TEST_F(PolicyLww, APutStampsAllLwwFieldsWithItsOwnStampClampedAndPlace) {
  const auto renew = [&](uint64_t sequence, uint64_t stamp_ms) {
    EXPECT_TRUE(
        applies(Draft(sequence, 1, stamp_ms).remove(kThing, kRock).put(kThing, kRock), kBob));
  };
  renew(5, kWallMs - 9);  // put is operation 1
  const uint64_t ms = kWallMs - 9;
  EXPECT_EQ(verdict(set_paint(Draft(1, 1, ms, 0), 20)), "merged over older_loses");
  EXPECT_EQ(verdict(set_paint(Draft(1, 1, ms, 1), 20)), "applied over newer_wins");
  renew(6, kWallMs + 900);
  EXPECT_EQ(verdict(set_paint(Draft(2, 1, kWallMs + kSkewMs, 0xffff), 20)),
            "merged over older_loses");
}

}  // namespace
}  // namespace ecsdb::sim
