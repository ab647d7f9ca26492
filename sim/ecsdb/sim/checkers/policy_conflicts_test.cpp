// What becomes of fields that two have changed.
#include <gtest/gtest.h>

#include "ecsdb/sim/checkers/policy_model.h"
#include "ecsdb/sim/checkers/policy_test_support.h"

namespace ecsdb::sim {
namespace {

Draft set_seal(uint64_t sequence, uint64_t base, uint64_t value) {
  return Draft(sequence, base).set(kThing, kRock).field(kSeal, number(value));
}

class PolicyConflicts : public testing::Test, protected PolicyScene {
 protected:
  bool is_stale(uint64_t base, ClientId client = kAda) {
    const Expected out = decide(Draft(90, base)
                                    .set(kThing, kRock)
                                    .field(kSeal, number(1))
                                    .remove(kShut, kTree),  // never accepted
                                client);
    return out.code == ErrorCode::kConflict;
  }
};

// --- staleness ---

TEST_F(PolicyConflicts, AFieldThatTheServerChangedSinceIsStale) {
  EXPECT_FALSE(is_stale(1));
  server_set(kSeal, Value{uint64_t{9}});
  EXPECT_TRUE(is_stale(1));  // in this commit
  commit();
  EXPECT_TRUE(is_stale(1));
  EXPECT_FALSE(is_stale(2));
}

TEST_F(PolicyConflicts, AnotherFieldDoesNotCount) {
  server_set(kPaint, Value{uint64_t{9}});
  EXPECT_FALSE(is_stale(1));
}

TEST_F(PolicyConflicts, TheServersStepToTheSameValueIsNoChangeButThereAndBackIs) {
  server_set(kSeal, Value{uint64_t{0}});
  EXPECT_FALSE(is_stale(1));
  server_set(kSeal, Value{uint64_t{9}});
  server_set(kSeal, Value{uint64_t{0}});
  EXPECT_TRUE(is_stale(1));
  commit();
  EXPECT_TRUE(is_stale(1));
}

TEST_F(PolicyConflicts, AnotherClientsWriteCountsAndOnesOwnDoesNot) {
  EXPECT_TRUE(applies(set_seal(1, 1, 5), kBob));
  EXPECT_TRUE(is_stale(1, kAda));
  EXPECT_FALSE(is_stale(1, kBob));
  commit();
  EXPECT_TRUE(is_stale(1, kAda));
  EXPECT_FALSE(is_stale(1, kBob));
  EXPECT_FALSE(is_stale(2, kAda));
}

TEST_F(PolicyConflicts, AnAppliedWriteChangesWhatItNamesThoughTheValueIsTheSame) {
  EXPECT_TRUE(applies(set_seal(1, 1, 0), kBob));
  EXPECT_TRUE(is_stale(1));
}

TEST_F(PolicyConflicts, ARejectedWriteChangesNothing) {
  EXPECT_EQ(verdict(set_seal(1, 1, 5).remove(kShut, kRock), kBob), "not_permitted");
  EXPECT_FALSE(is_stale(1));
}

TEST_F(PolicyConflicts, OnesOwnChangeDoesNotHideThatOfOthers) {
  server_set(kSeal, Value{uint64_t{9}});
  commit();
  EXPECT_TRUE(applies(set_seal(1, 2, 5)));
  commit();
  EXPECT_TRUE(is_stale(1));
  EXPECT_FALSE(is_stale(2));
}

TEST_F(PolicyConflicts, AnInsertChangesAllFieldsForOthersThanItsAuthor) {
  EXPECT_TRUE(is_stale(0));
  EXPECT_TRUE(model_.remove(kThing, kRock));
  server_insert(kThing, kRock);
  EXPECT_TRUE(is_stale(1));
  commit();
  EXPECT_TRUE(is_stale(1));
  EXPECT_FALSE(is_stale(2));
  EXPECT_TRUE(applies(Draft(1, 2).remove(kThing, kRock).put(kThing, kRock), kBob));
  EXPECT_TRUE(is_stale(2));
  // Of the new incarnation nobody else has changed anything.
  EXPECT_FALSE(is_stale(0, kBob));
}

TEST_F(PolicyConflicts, ABaseOfAnotherEpochIsBeforeEverything) {
  epoch_ = Epoch{2};  // writes are of epoch 0
  EXPECT_TRUE(is_stale(1));
  const Expected out = decide(set_seal(1, 1, 5));
  ASSERT_EQ(out.conflicts.size(), 1u);
  EXPECT_EQ(out.conflicts[0].base_version, Version{0});
}

// --- policy server ---

TEST_F(PolicyConflicts, OneStaleServerFieldRejectsTheWholeWrite) {
  server_set(kSeal, Value{uint64_t{9}});
  server_set(kName, Value{std::string("new")});
  commit();
  const Expected out = decide(Draft(4, 1)
                                  .set(kThing, kRock)
                                  .field(kTeam, number(2))
                                  .set(kThing, kRock)
                                  .field(kSeal, number(5), number(1))
                                  .field(kName, words("mine")));
  EXPECT_EQ(out.kind, OutcomeKind::kRejected);
  EXPECT_EQ(out.code, ErrorCode::kConflict);
  ASSERT_EQ(out.conflicts.size(), 1u);
  const Conflict& conflict = out.conflicts[0];
  EXPECT_EQ(conflict.rule, ConflictRule::kServerWins);
  EXPECT_EQ(conflict.policy, Policy::kServer);
  EXPECT_EQ(conflict.version, Version{3});
  EXPECT_EQ(conflict.op, 1u);
  EXPECT_EQ(conflict.table, TableId{2});
  EXPECT_EQ(conflict.field, FieldId{kSeal});
  EXPECT_EQ(conflict.base_version, Version{1});
  EXPECT_EQ(values_of(conflict), "base 1, server 9, mine 5, result 9");
  EXPECT_EQ(lane(kTeam), 0u);
}

TEST_F(PolicyConflicts, OtherConflictsOfARejectedWriteAreNotLogged) {
  server_set(kGold, Value{uint64_t{9}});
  server_set(kTeam, Value{EnumValue{1}});
  const auto merging = [] {
    return Draft(1, 1).set(kThing, kRock).field(kGold, number(5), number(0));
  };
  EXPECT_EQ(verdict(merging().field(kTeam, number(2))), "conflict over server_wins");
  EXPECT_EQ(verdict(merging().remove(kShut, kRock)), "not_permitted");
}

TEST_F(PolicyConflicts, AServerFieldThatIsNotStaleIsStored) {
  server_set(kSeal, Value{uint64_t{9}});
  commit();
  EXPECT_TRUE(applies(set_seal(1, 2, 5)));
  EXPECT_EQ(lane(kSeal), 5u);
}

// --- policy merge ---

Draft set_gold(uint64_t sequence, uint64_t base, CanonicalValue saw, uint64_t value) {
  return Draft(sequence, base).set(kThing, kRock).field(kGold, number(value), std::move(saw));
}

TEST_F(PolicyConflicts, AMergeThatSawWhatIsStoredIsMine) {
  EXPECT_TRUE(applies(set_gold(1, 1, number(0), 40)));
  EXPECT_TRUE(applies(set_gold(2, 1, number(40), 50)));
  EXPECT_EQ(lane(kGold), 50u);
  // Also where the merge of the three would be another.
  server_set(kBest, Value{uint64_t{9}});
  server_set(kLights, Value{BitSet{0b11}});
  server_set(kLine, Value{std::string("ab")});
  const Expected out = decide(Draft(3, 1)
                                  .set(kThing, kRock)
                                  .field(kLine, words("x"), words("ab"))
                                  .field(kLights, number(0b01), number(0b11))
                                  .field(kBest, number(4), number(9)));
  EXPECT_EQ(out.kind, OutcomeKind::kApplied);
  EXPECT_EQ(text(kLine), "x");
  EXPECT_EQ(lane(kLights), 0b01u);
  EXPECT_EQ(lane(kBest), 4u);
}

TEST_F(PolicyConflicts, AMergeWithoutABaseIsMine) {
  server_set(kGold, Value{uint64_t{9}});
  const Expected out = decide(set_gold(1, 1, {}, 40));
  ASSERT_EQ(verdict_of(out), "applied over merged");
  EXPECT_EQ(values_of(out.conflicts[0]), "base none, server 9, mine 40, result 40");
}

TEST_F(PolicyConflicts, AStaleMergeIsOneConflictAndOneFinal) {
  server_set(kGold, Value{uint64_t{9}});
  commit();
  const Expected out = decide(set_gold(1, 1, number(0), 40));
  ASSERT_EQ(verdict_of(out), "merged over merged");
  EXPECT_EQ(out.finals, (std::vector<FinalValue>{{0, FieldId{kGold}, number(49)}}));
  EXPECT_EQ(out.conflicts[0].policy, Policy::kMerge);
  EXPECT_EQ(values_of(out.conflicts[0]), "base 0, server 9, mine 40, result 49");
  EXPECT_EQ(lane(kGold), 49u);
}

TEST_F(PolicyConflicts, AStaleMergeIsAConflictThoughNothingDiffers) {
  server_set(kGold, Value{uint64_t{9}});
  server_set(kGold, Value{uint64_t{0}});
  server_set(kBest, Value{uint64_t{9}});
  EXPECT_EQ(verdict(set_gold(1, 1, number(0), 40)), "applied over merged");
  const Expected out = decide(Draft(2, 1).set(kThing, kRock).field(kBest, number(30), number(0)));
  ASSERT_EQ(verdict_of(out), "applied over merged");
  EXPECT_EQ(values_of(out.conflicts[0]), "base 0, server 9, mine 30, result 30");
}

TEST_F(PolicyConflicts, AMergeThatIsNotStaleButSawSomethingElseIsNoConflict) {
  EXPECT_EQ(verdict(set_gold(1, 1, number(30), 40)), "merged");
  EXPECT_EQ(lane(kGold), 10u);
  EXPECT_EQ(verdict(set_gold(2, 1, number(30), 4)), "value_out_of_range");
  EXPECT_EQ(verdict(Draft(3, 1).set(kThing, kRock).field(kLine, words("b"), words("a"))),
            "merge_refused");
}

TEST_F(PolicyConflicts, EachBuiltInMergeIsUsed) {
  server_set(kLine, Value{std::string("xy")});
  server_set(kLights, Value{BitSet{0b0011}});
  server_set(kBest, Value{uint64_t{9}});
  const Expected out = decide(Draft(1, 1)
                                  .set(kThing, kRock)
                                  .field(kLine, words("ab"), words(""))
                                  .field(kLights, number(0b0110), number(0))
                                  .field(kBest, number(8), number(0)));
  EXPECT_EQ(out.finals, (std::vector<FinalValue>{{0, FieldId{kLine}, words("xyab")},
                                                 {0, FieldId{kLights}, number(0b0111)},
                                                 {0, FieldId{kBest}, number(9)}}));
  EXPECT_EQ(out.conflicts.size(), 3u);
}

TEST_F(PolicyConflicts, AMergeThatCannotBeRejectsOverOneConflict) {
  server_set(kGold, Value{uint64_t{250}});
  server_set(kLine, Value{std::string("xyxyxy")});
  commit();
  const auto over = [](ThingField field, CanonicalValue mine, CanonicalValue base) {
    return Draft(1, 1).set(kThing, kRock).field(field, std::move(mine), std::move(base));
  };
  EXPECT_EQ(verdict(over(kGold, number(6), number(0))), "value_out_of_range over merge_refused");
  EXPECT_EQ(verdict(over(kLine, words("abc"), words(""))), "text_too_long over merge_refused");
  EXPECT_EQ(verdict(over(kLine, words("b"), words("a"))), "merge_refused over merge_refused");
  const Expected out = decide(over(kGold, number(6), number(0)));
  ASSERT_EQ(out.conflicts.size(), 1u);
  EXPECT_EQ(values_of(out.conflicts[0]), "base 0, server 250, mine 6, result 250");
  EXPECT_EQ(lane(kGold), 250u);
  // Whatever else it met.
  EXPECT_EQ(verdict(over(kGold, number(1), number(0)).field(kLine, words("b"), words("a"))),
            "merge_refused over merge_refused");
}

TEST_F(PolicyConflicts, AMergedFieldIsChangedByItsWriter) {
  server_set(kBest, Value{uint64_t{9}});
  decide(Draft(1, 1).set(kThing, kRock).field(kBest, number(4), number(0)));
  EXPECT_EQ(lane(kBest), 9u);
  commit();
  EXPECT_EQ(verdict(Draft(1, 1).set(kThing, kRock).field(kBest, number(20), number(9)), kBob),
            "applied over merged");
}

// --- outcomes ---

TEST_F(PolicyConflicts, FinalsAreInOrderOfOperationAndField) {
  server_set(kGold, Value{uint64_t{9}});
  server_set(kBest, Value{uint64_t{90}});
  const Expected out = decide(Draft(1, 1)
                                  .set(kThing, kRock)
                                  .field(kSeal, number(1))
                                  .set(kThing, kRock)
                                  .field(kGold, number(1), number(0))
                                  .field(kBest, number(1), number(0))
                                  .set(kThing, kRock)
                                  .field(kGold, number(3), number(1)));
  EXPECT_EQ(out.finals, (std::vector<FinalValue>{{1, FieldId{kGold}, number(10)},
                                                 {1, FieldId{kBest}, number(90)},
                                                 {2, FieldId{kGold}, number(12)}}));
  ASSERT_EQ(out.conflicts.size(), 3u);
  EXPECT_EQ(out.conflicts[0].field, FieldId{kGold});
  EXPECT_EQ(out.conflicts[1].field, FieldId{kBest});
  EXPECT_EQ(out.conflicts[2].op, 2u);
}

TEST_F(PolicyConflicts, FinalsOfRowsThatMayNotBeReadAreKeptBack) {
  server_insert(kBag, kRock, {{0, Value{PrincipalId{1}}}});
  server_insert(kBadge, kRock);
  commit();
  const FieldValue rank[] = {{0, Value{uint64_t{9}}}};
  EXPECT_TRUE(model_.set(kBadge, kRock, rank));
  const Draft draft = Draft(1, 2).set(kBadge, kRock).field(1, number(3), number(0));
  const Expected guests = decide(draft, kGuest);  // may write, not read
  EXPECT_EQ(guests.kind, OutcomeKind::kMerged);
  EXPECT_TRUE(guests.finals.empty());
  EXPECT_EQ(guests.conflicts.size(), 1u);
  EXPECT_EQ(decide(draft).finals.size(), 1u);
}

TEST_F(PolicyConflicts, WhereTheRowIsAfterTheWriteDecidesWhoReadsIt) {
  server_insert(kBag, kRock, {{0, Value{PrincipalId{1}}}});
  server_insert(kBadge, kRock, {{0, Value{uint64_t{9}}}});
  commit();
  const Draft draft =
      Draft(1, 1).set(kBadge, kRock).field(1, number(3), number(0)).remove(kBag, kRock);
  const Expected out = decide(draft);
  EXPECT_EQ(out.kind, OutcomeKind::kMerged);
  EXPECT_TRUE(out.finals.empty());
}

TEST_F(PolicyConflicts, ARowThatTheWriteRemovesHasNoFinals) {
  server_set(kGold, Value{uint64_t{9}});
  const Expected out = decide(set_gold(1, 1, number(0), 4).remove(kThing, kRock));
  EXPECT_EQ(out.kind, OutcomeKind::kMerged);
  EXPECT_TRUE(out.finals.empty());
  EXPECT_EQ(out.conflicts.size(), 1u);
}

// --- the transaction ---

TEST_F(PolicyConflicts, DroppingTheTransactionUndoesTheWritesDecidedInIt) {
  const EntityId made = EntityId::make(5, 1, 1);
  EXPECT_EQ(decide(Draft(1, 1, kWallMs + 5)
                       .spawn()
                       .set(kThing, kRock)
                       .field(kSeal, number(5))
                       .field(kPaint, number(5)),
                   kBob, {made})
                .kind,
            OutcomeKind::kApplied);
  EXPECT_TRUE(applies(Draft(2, 1).despawn(kTree), kBob));
  EXPECT_TRUE(is_stale(1));
  model_.drop();
  EXPECT_FALSE(is_stale(1));
  EXPECT_EQ(lane(kSeal), 0u);
  EXPECT_TRUE(model_.exists(kTree));
  EXPECT_EQ(verdict(Draft(3, 1).despawn({}).made(1, 0), kBob), "unknown_entity");
  EXPECT_EQ(verdict(Draft(1, 0, kWallMs + 1).set(kThing, kRock).field(kPaint, number(20))),
            "applied over newer_wins");
}

}  // namespace
}  // namespace ecsdb::sim
