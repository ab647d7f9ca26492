// Which writes are taken at all: form, names, rows, rights.
#include "ecsdb/sim/checkers/policy_model.h"

#include <gtest/gtest.h>

#include "ecsdb/sim/checkers/policy_test_support.h"

namespace ecsdb::sim {
namespace {

class PolicyTest : public testing::Test, protected PolicyScene {};

// --- the write as a whole ---

TEST_F(PolicyTest, OperationsAreDoneInOrder) {
  EXPECT_TRUE(
      applies(Draft(1, 1).set(kThing, kRock).field(kSeal, number(3)).remove(kThing, kRock)));
  EXPECT_FALSE(has(kThing, kRock));
  EXPECT_TRUE(applies(Draft(2, 1).put(kThing, kRock).set(kThing, kRock).field(kSeal, number(4))));
  EXPECT_EQ(lane(kSeal), 4u);
}

TEST_F(PolicyTest, ARejectedWriteLeavesNothing) {
  EXPECT_EQ(verdict(Draft(1, 1)
                        .spawn()
                        .put(kThing)
                        .made(1, 0)
                        .set(kThing, kRock)
                        .field(kSeal, number(3))
                        .field(kPaint, number(3))
                        .remove(kThing, kRock)
                        .despawn(kTree)
                        .remove(kShut, kRock)),
            "not_permitted");
  EXPECT_TRUE(has(kThing, kRock));
  EXPECT_TRUE(model_.exists(kTree));
  EXPECT_EQ(lane(kSeal), 0u);
  commit();
  EXPECT_EQ(model_.row_count(kThing), 1u);
  // Neither are its changes known to others.
  EXPECT_TRUE(applies(Draft(1, 1).set(kThing, kRock).field(kSeal, number(5)), kBob));
}

TEST_F(PolicyTest, TheFirstCauseRejects) {
  const auto two = [](bool swapped) {
    Draft draft(1, 1);
    if (swapped) draft.remove(kShut, kRock);
    draft.set(kThing, kNobody).field(kSeal, number(1));
    if (!swapped) draft.remove(kShut, kRock);
    return draft;
  };
  EXPECT_EQ(verdict(two(false)), "unknown_entity");
  EXPECT_EQ(verdict(two(true)), "not_permitted");
}

TEST_F(PolicyTest, ABaseThatWasNotPublishedIsInTheFuture) {
  model_.commit(Version{2});  // and not published
  EXPECT_EQ(verdict(Draft(1, 2).set(kThing, kNobody)), "base_in_future");
  EXPECT_EQ(verdict(Draft(1, 2)), "base_in_future");
  EXPECT_TRUE(applies(Draft(1, 1).set(kThing, kRock).field(kSeal, number(1))));
}

TEST_F(PolicyTest, ABaseOfAnotherEpochIsNone) {
  epoch_ = Epoch{4};
  Draft draft(1, 900);
  draft.set(kThing, kRock).field(kSeal, number(1));
  draft.write.epoch = Epoch{3};
  EXPECT_EQ(verdict(draft), "conflict over server_wins");  // born after 0
  draft.write.epoch = Epoch{4};
  EXPECT_EQ(verdict(draft), "base_in_future");
}

TEST_F(PolicyTest, DurableIsNotKept) {
  Draft draft(1, 1);
  draft.set(kThing, kNobody);
  draft.write.level = AckLevel::kDurable;
  EXPECT_EQ(verdict(draft), "not_kept");
}

TEST_F(PolicyTest, AWriteOfNothingOrWithFieldsOfNothingIsMalformed) {
  EXPECT_EQ(verdict(Draft(1, 1)), "frame_malformed");
  Draft more(1, 1);
  more.set(kThing, kNobody).field(kSeal, number(1));
  more.write.ops[0].field_count = 0;
  EXPECT_EQ(verdict(more), "frame_malformed");
  more.write.ops[0].field_count = 2;
  EXPECT_EQ(verdict(more), "frame_malformed");
  EXPECT_EQ(verdict(Draft(1, 1).remove(kThing, kNobody).field(kSeal, number(1))),
            "frame_malformed");
  EXPECT_EQ(verdict(Draft(1, 1).spawn().field(kSeal, number(1))), "frame_malformed");
}

// --- entities ---

TEST_F(PolicyTest, ASpawnMakesTheEntityThatTheProductNames) {
  const EntityId first = EntityId::make(5, 1, 1);
  const EntityId second = EntityId::make(6, 1, 1);
  const Expected out =
      decide(Draft(1, 1).spawn().put(kThing).made(1, 0).spawn().put(kThing).made(1, 2), kAda,
             {first, second});
  EXPECT_EQ(out.kind, OutcomeKind::kApplied);
  EXPECT_EQ(out.spawns, (std::vector<size_t>{0, 2}));
  EXPECT_TRUE(out.unusable_ids.empty());
  EXPECT_TRUE(has(kThing, first) && has(kThing, second));
}

TEST_F(PolicyTest, AnIdThatLivesOrThatIsMissingIsTheProductsFault) {
  const Draft draft = Draft(1, 1).set(kThing, kRock).field(kSeal, number(1)).spawn();
  Expected out = decide(draft, kAda, {kTree});
  EXPECT_EQ(out.kind, OutcomeKind::kApplied);
  EXPECT_EQ(out.unusable_ids, std::vector<EntityId>{kTree});
  out = decide(draft, kAda, {});
  EXPECT_EQ(out.kind, OutcomeKind::kApplied);
  EXPECT_EQ(out.spawns, std::vector<size_t>{1});
  EXPECT_EQ(lane(kSeal), 0u);  // it is not followed into what cannot be
}

TEST_F(PolicyTest, DespawnRemovesAllRowsOfALivingEntity) {
  EXPECT_EQ(verdict(Draft(1, 1).despawn(kNobody)), "unknown_entity");
  EXPECT_EQ(verdict(Draft(1, 1).despawn(EntityId{})), "unknown_entity");
  EXPECT_TRUE(applies(Draft(1, 1).despawn(kRock)));
  EXPECT_FALSE(model_.exists(kRock));
  EXPECT_FALSE(has(kThing, kRock));
  EXPECT_EQ(verdict(Draft(2, 1).despawn(kRock)), "unknown_entity");
}

TEST_F(PolicyTest, DespawnTakesTheRightToRemoveEveryRow) {
  server_insert(kBag, kRock, {{0, Value{PrincipalId{1}}}});
  server_insert(kShut, kTree);
  commit();
  EXPECT_EQ(verdict(Draft(1, 2).despawn(kRock), kBob), "not_permitted");
  EXPECT_EQ(verdict(Draft(1, 2).despawn(kRock), kGuest), "not_permitted");
  EXPECT_EQ(verdict(Draft(1, 2).despawn(kTree)), "not_permitted");
  EXPECT_TRUE(applies(Draft(2, 2).despawn(kRock)));
}

TEST_F(PolicyTest, AnybodyMayDespawnWhatHasNoRows) {
  EXPECT_TRUE(applies(Draft(1, 1).despawn(kTree), kGuest));
}

TEST_F(PolicyTest, AnEntityIsNamedByTheWriteThatMakesIt) {
  const EntityId made = EntityId::make(5, 1, 1);
  decide(Draft(4, 1).remove(kThing, kRock).spawn(), kAda, {made});
  commit();
  EXPECT_TRUE(applies(Draft(5, 1).put(kThing).made(4, 1).field(kSeal, number(1))));
  EXPECT_TRUE(has(kThing, made));
  EXPECT_TRUE(applies(Draft(6, 1).remove(kThing, made)));
  EXPECT_TRUE(applies(Draft(7, 1).despawn({}).made(4, 1)));
  EXPECT_EQ(verdict(Draft(8, 1).despawn({}).made(4, 1)), "unknown_entity");
}

TEST_F(PolicyTest, ANameThatStandsForNothingIsAnUnknownEntity) {
  decide(Draft(4, 1).spawn(), kAda, {EntityId::make(5, 1, 1)});
  decide(Draft(5, 1).spawn().remove(kShut, kRock), kAda, {EntityId::make(6, 1, 1)});  // rejected
  const auto named = [](uint64_t by, uint64_t place) {
    return Draft(7, 1).spawn().put(kThing).made(by, place).spawn();
  };
  EXPECT_EQ(verdict(named(4, 0), kBob), "unknown_entity");  // of another client
  EXPECT_EQ(verdict(named(4, 1)), "unknown_entity");        // no such operation
  EXPECT_EQ(verdict(named(5, 0)), "unknown_entity");        // of a write that was rejected
  EXPECT_EQ(verdict(named(6, 0)), "unknown_entity");        // of one that never came
  EXPECT_EQ(verdict(named(7, 1)), "unknown_entity");        // no spawn
  EXPECT_EQ(verdict(named(7, 2)), "unknown_entity");        // a later one
  EXPECT_EQ(verdict(named(8, 0)), "unknown_entity");        // of a later write
  EXPECT_EQ(decide(named(4, 0), kAda, {EntityId::make(6, 1, 2), EntityId::make(7, 1, 1)}).kind,
            OutcomeKind::kApplied);
}

// --- form ---

TEST_F(PolicyTest, UnknownTablesAndFieldsAreRejected) {
  for (const WriteOpKind kind : {WriteOpKind::kPut, WriteOpKind::kSet, WriteOpKind::kRemove}) {
    EXPECT_EQ(verdict(Draft(1, 1).op(kind, 3, kRock)), "unknown_table");
    EXPECT_EQ(verdict(Draft(1, 1).op(kind, 0, kNobody)), "unknown_table");
  }
  EXPECT_EQ(verdict(Draft(1, 1).set(kThing, kRock).field(10, number(1))), "unknown_field");
  EXPECT_EQ(verdict(Draft(1, 1).put(kThing, kTree).field(kSecret, number(1))), "unknown_field");
}

TEST_F(PolicyTest, FieldsRise) {
  const auto two = [](ThingField first, ThingField second) {
    return Draft(1, 1).set(kThing, kRock).field(first, number(1)).field(second, number(1));
  };
  EXPECT_EQ(verdict(two(kSeal, kSeal)), "frame_malformed");
  EXPECT_EQ(verdict(two(kPaint, kGold)), "frame_malformed");
  EXPECT_TRUE(applies(two(kGold, kPaint)));
  // In another operation they begin anew.
  EXPECT_TRUE(applies(Draft(2, 1)
                          .set(kThing, kRock)
                          .field(kSeal, number(1))
                          .set(kThing, kRock)
                          .field(kSeal, number(2))));
}

TEST_F(PolicyTest, ValuesAreThoseOfTheirFields) {
  const struct {
    ThingField field;
    CanonicalValue value;
    ErrorCode code;
  } kBad[] = {
      {kSeal, {}, ErrorCode::kTypeMismatch},
      {kSeal, words("1"), ErrorCode::kTypeMismatch},
      {kName, number(1), ErrorCode::kTypeMismatch},
      {kSeal, number(256), ErrorCode::kValueOutOfRange},
      {kTeam, number(3), ErrorCode::kValueOutOfRange},
      {kName, words("123456789"), ErrorCode::kTextTooLong},
      {kName, words("\xff"), ErrorCode::kBadText},
  };
  for (const auto& bad : kBad) {
    EXPECT_EQ(verdict(Draft(1, 1).set(kThing, kRock).field(bad.field, bad.value)),
              error_name(bad.code));
    EXPECT_EQ(verdict(Draft(1, 1).put(kThing, kTree).field(bad.field, bad.value)),
              error_name(bad.code));
    if (!bad.value.has_value()) continue;
    const CanonicalValue good = bad.field == kName ? words("good") : number(1);
    EXPECT_EQ(verdict(Draft(1, 1).set(kThing, kRock).field(bad.field, good, bad.value)),
              error_name(bad.code));
    EXPECT_EQ(verdict(Draft(1, 1).put(kThing, kTree).field(bad.field, good, bad.value)),
              error_name(bad.code));
  }
}

TEST_F(PolicyTest, ABaseMayBeMissing) {
  EXPECT_TRUE(applies(Draft(1, 1).set(kThing, kRock).field(kGold, number(1))));
  EXPECT_TRUE(applies(Draft(2, 1).put(kThing, kTree).field(kGold, number(1))));
}

TEST_F(PolicyTest, FormComesBeforeState) {
  EXPECT_EQ(verdict(Draft(1, 1).set(kThing, kNobody).field(kSeal, number(256))),
            "value_out_of_range");
  EXPECT_EQ(verdict(Draft(1, 1).set(kThing, kNobody).field(99, number(1))), "unknown_field");
  // But that nobody may write the table comes first: what is in it is not told.
  EXPECT_EQ(verdict(Draft(1, 1).set(kShut, kNobody).field(2, number(1))), "not_permitted");
}

// --- rights ---

TEST_F(PolicyTest, WhatNobodyMayWriteIsNotWritten) {
  EXPECT_EQ(verdict(Draft(1, 1).put(kShut, kTree)), "not_permitted");
  server_insert(kShut, kTree);
  EXPECT_EQ(verdict(Draft(1, 1).set(kShut, kTree)), "not_permitted");
  EXPECT_EQ(verdict(Draft(1, 1).remove(kShut, kTree)), "not_permitted");
  EXPECT_EQ(verdict(Draft(1, 1).set(kThing, kRock).field(kSeal, number(1)), kGuest),
            "not_permitted");
}

TEST_F(PolicyTest, ASetIsJudgedOnTheRowBeforeAndAfter) {
  server_insert(kBag, kRock, {{0, Value{PrincipalId{1}}}});
  commit();
  const auto give = [](uint64_t to) { return Draft(1, 2).set(kBag, kRock).field(1, number(to)); };
  EXPECT_EQ(verdict(give(2), kAda), "not_permitted");  // not mine afterwards
  EXPECT_EQ(verdict(give(2), kBob), "not_permitted");  // not mine before
  EXPECT_TRUE(applies(give(1), kAda));
}

TEST_F(PolicyTest, APutIsJudgedOnTheRowAfter) {
  const auto put = [](uint64_t sequence, uint64_t room) {
    return Draft(sequence, 1).put(kRoom, kTree).field(1, number(room));
  };
  EXPECT_EQ(verdict(put(1, 5), kGuest), "not_permitted");
  EXPECT_TRUE(applies(put(2, 4), kGuest));
}

TEST_F(PolicyTest, ARemovalIsJudgedOnTheRowBefore) {
  server_insert(kRoom, kRock, {{0, Value{int64_t{5}}}});
  server_insert(kRoom, kTree, {{0, Value{int64_t{4}}}});
  EXPECT_EQ(verdict(Draft(1, 1).remove(kRoom, kRock), kGuest), "not_permitted");
  EXPECT_TRUE(applies(Draft(2, 1).remove(kRoom, kTree), kGuest));
}

TEST_F(PolicyTest, RightsFollowTheRowThatIsFollowedInTheOpenTransaction) {
  EXPECT_EQ(verdict(Draft(1, 1).put(kBadge, kTree)), "not_permitted");  // no bag
  EXPECT_EQ(verdict(Draft(2, 1).put(kBadge, kTree).put(kBag, kTree).field(1, number(1))),
            "not_permitted");
  EXPECT_TRUE(applies(Draft(3, 1).put(kBag, kTree).field(1, number(1)).put(kBadge, kTree)));
  EXPECT_EQ(verdict(Draft(1, 1).set(kBadge, kTree).field(1, number(1)), kBob), "not_permitted");
  EXPECT_TRUE(applies(Draft(4, 1).set(kBadge, kTree).field(1, number(1))));
}

TEST_F(PolicyTest, RightsComeBeforeConflicts) {
  server_set(kSeal, Value{uint64_t{9}});
  commit();
  EXPECT_EQ(verdict(Draft(1, 1).set(kThing, kRock).field(kSeal, number(1)), kGuest),
            "not_permitted");
  EXPECT_EQ(verdict(Draft(1, 1).set(kShut, kRock)), "not_permitted");
}

// --- put ---

TEST_F(PolicyTest, APutNeedsTheEntity) {
  EXPECT_EQ(verdict(Draft(1, 1).put(kThing, kNobody)), "unknown_entity");
}

TEST_F(PolicyTest, FieldsThatAPutLeavesOutHaveTheirDefault) {
  EXPECT_TRUE(
      applies(Draft(1, 1).remove(kThing, kRock).put(kThing, kRock).field(kGold, number(5))));
  EXPECT_EQ(lane(kGold), 5u);
  EXPECT_EQ(lane(kPaint), 7u);
  EXPECT_EQ(text(kName), "");
}

TEST_F(PolicyTest, APutOverARowThatWasThereIsNoConflict) {
  EXPECT_EQ(verdict(Draft(1, 1).put(kThing, kRock)), "row_exists");
  EXPECT_TRUE(applies(Draft(2, 1).put(kThing, kTree)));
  commit();
  EXPECT_EQ(verdict(Draft(3, 1).put(kThing, kTree)), "row_exists");  // one's own
}

TEST_F(PolicyTest, APutOverARowOfSomebodyElseSinceIsAConflict) {
  server_insert(kThing, kTree);  // in this commit
  EXPECT_EQ(verdict(Draft(1, 1).put(kThing, kTree)), "row_exists over insert_loses");
  commit();
  const Expected out = decide(Draft(1, 1).spawn().put(kThing, kTree).field(kSeal, number(3)));
  ASSERT_EQ(out.conflicts.size(), 1u);
  const Conflict& conflict = out.conflicts[0];
  EXPECT_EQ(conflict.version, Version{3});
  EXPECT_EQ(conflict.time_ms, kWallMs);
  EXPECT_EQ(conflict.client, kAda);
  EXPECT_EQ(conflict.principal, PrincipalId{1});
  EXPECT_EQ(conflict.sequence, 1u);
  EXPECT_EQ(conflict.op, 1u);
  EXPECT_EQ(conflict.table, TableId{2});
  EXPECT_EQ(conflict.entity, kTree);
  EXPECT_EQ(conflict.field, FieldId{});
  EXPECT_EQ(conflict.base_version, Version{1});
  EXPECT_FALSE(conflict.base.has_value() || conflict.server.has_value() ||
               conflict.mine.has_value() || conflict.result.has_value());
  EXPECT_EQ(verdict(Draft(1, 2).put(kThing, kTree)), "row_exists");
  // A row that came back is another one.
  EXPECT_TRUE(model_.remove(kThing, kTree));
  server_insert(kThing, kTree);
  EXPECT_EQ(verdict(Draft(1, 2).put(kThing, kTree)), "row_exists over insert_loses");
}

// --- rows that are not there ---

class PolicyMissingRow : public PolicyTest, public testing::WithParamInterface<WriteOpKind> {
 protected:
  Draft on_rock(uint64_t base) const { return Draft(9, base).op(GetParam(), 2, kRock); }
};

TEST_P(PolicyMissingRow, ThatNeverWasIsMissing) {
  EXPECT_EQ(verdict(Draft(1, 0).op(GetParam(), 2, kTree)), "row_missing");
  EXPECT_EQ(verdict(Draft(1, 0).op(GetParam(), 2, kNobody)), "unknown_entity");
}

TEST_P(PolicyMissingRow, ThatSomebodyElseRemovedSinceIsAConflict) {
  EXPECT_TRUE(model_.remove(kThing, kRock));
  EXPECT_EQ(verdict(on_rock(1)), "row_removed over remove_wins");  // in this commit
  commit();
  const Expected out = decide(on_rock(1));
  ASSERT_EQ(out.conflicts.size(), 1u);
  EXPECT_EQ(out.conflicts[0].table, TableId{2});
  EXPECT_EQ(out.conflicts[0].entity, kRock);
  EXPECT_EQ(out.conflicts[0].field, FieldId{});
  EXPECT_FALSE(out.conflicts[0].server.has_value());
  EXPECT_EQ(verdict(on_rock(2)), "row_missing");
}

TEST_P(PolicyMissingRow, ThatTheWriterRemovedIsMissing) {
  EXPECT_TRUE(applies(Draft(1, 1).remove(kThing, kRock)));
  EXPECT_EQ(verdict(on_rock(1)), "row_missing");
  commit();
  EXPECT_EQ(verdict(on_rock(1)), "row_missing");
  EXPECT_EQ(verdict(on_rock(1), kBob), "row_removed over remove_wins");
}

TEST_P(PolicyMissingRow, TheLastRemovalCounts) {
  EXPECT_TRUE(model_.remove(kThing, kRock));
  commit();
  EXPECT_TRUE(applies(Draft(1, 2).put(kThing, kRock).remove(kThing, kRock)));
  commit();
  EXPECT_EQ(verdict(on_rock(1)), "row_missing");
}

TEST_P(PolicyMissingRow, OfAnEntityThatIsGoneTheLastRemovalCounts) {
  EXPECT_TRUE(model_.remove(kThing, kRock));
  commit();
  EXPECT_TRUE(applies(Draft(1, 2).put(kThing, kRock).despawn(kRock)));
  commit();
  EXPECT_EQ(verdict(on_rock(1)), "unknown_entity");
  EXPECT_EQ(verdict(on_rock(2)), "unknown_entity");
  EXPECT_EQ(verdict(on_rock(2), kBob), "row_removed over remove_wins");
}

TEST_P(PolicyMissingRow, ADespawnRemovesForItsAuthor) {
  EXPECT_TRUE(applies(Draft(1, 1).despawn(kRock), kBob));
  EXPECT_EQ(verdict(on_rock(1)), "row_removed over remove_wins");
  EXPECT_EQ(verdict(on_rock(1), kBob), "unknown_entity");
  // A row that the entity never had was not removed.
  EXPECT_EQ(verdict(Draft(1, 1).op(GetParam(), 4, kRock)), "unknown_entity");
}

INSTANTIATE_TEST_SUITE_P(, PolicyMissingRow,
                         testing::Values(WriteOpKind::kSet, WriteOpKind::kRemove),
                         [](const auto& kind) {
                           return kind.param == WriteOpKind::kSet ? "Set" : "Remove";
                         });

TEST_F(PolicyTest, ARemovalWinsOverChangesThatItsAuthorDidNotSee) {
  server_set(kSeal, Value{uint64_t{9}});
  EXPECT_TRUE(model_.remove(kThing, kRock));
  server_insert(kThing, kRock);
  commit();
  EXPECT_TRUE(applies(Draft(1, 1).remove(kThing, kRock)));
  EXPECT_FALSE(has(kThing, kRock));
}

}  // namespace
}  // namespace ecsdb::sim
