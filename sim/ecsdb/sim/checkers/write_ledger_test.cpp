#include "ecsdb/sim/checkers/write_ledger.h"

#include <gtest/gtest.h>

namespace ecsdb::sim {
namespace {

const ClientId kAda{1};
const ClientId kBob{2};

class WriteLedgerTest : public testing::Test {
 protected:
  void decide(uint64_t sequence, uint64_t settled_below = 0, ClientId client = kAda) {
    Outcome outcome;
    outcome.sequence = sequence;
    outcome.version = Version{version_};
    ledger_.on_decided(client, settled_below, outcome, {}, Instant{});
  }
  void compare(const Outcome& outcome, const Expected& expected) {
    ledger_.on_decided(kAda, 0, outcome, expected, Instant{});
  }
  void commit(std::vector<Conflict> conflicts = {}) {
    ledger_.on_committed(Version{version_++}, conflicts, Instant{});
  }
  static Outcome outcome_of(uint64_t sequence, OutcomeKind kind, ErrorCode code) {
    Outcome out;
    out.sequence = sequence;
    out.kind = kind;
    out.version = Version{1};
    out.code = static_cast<uint16_t>(code);
    return out;
  }
  static Expected expected_of(OutcomeKind kind, ErrorCode code) {
    Expected out;
    out.kind = kind;
    out.code = code;
    return out;
  }
  static Conflict conflict_of(uint64_t number, uint64_t entity) {
    Conflict out;
    out.number = number;
    out.entity = EntityId{entity};
    return out;
  }
  void expect_conflicts(std::vector<Conflict> conflicts) {
    Expected expected;
    expected.conflicts = std::move(conflicts);
    Outcome outcome;
    outcome.sequence = ++sequence_;
    outcome.version = Version{version_};
    compare(outcome, expected);
  }
  /// One violation since the last call, of this name, with these words in what was found.
  void expect_violation(const std::string& invariant, const std::string& got) {
    ASSERT_EQ(violations_.count(), ++violations_seen_);
    EXPECT_EQ(violations_.kept().back().invariant, invariant);
    EXPECT_NE(violations_.kept().back().got.find(got), std::string::npos)
        << violation_text(violations_.kept().back());
  }
  void expect_quiet() { EXPECT_EQ(violations_.count(), violations_seen_); }

  ViolationLog violations_;
  WriteLedger ledger_{violations_};
  uint64_t version_ = 1;
  uint64_t sequence_ = 0;
  uint64_t violations_seen_ = 0;
};

// --- exactly once ---

TEST_F(WriteLedgerTest, SequencesRiseInEachClient) {
  decide(1);
  decide(1, 0, kBob);
  decide(2);
  commit();
  decide(3);
  decide(2, 0, kBob);
  commit();
  expect_quiet();
  EXPECT_EQ(ledger_.decided(), 5u);
}

TEST_F(WriteLedgerTest, SeesASequenceThatIsDecidedTwice) {
  decide(1);
  decide(1);
  expect_violation("exactly_once", "again");
  commit();
  decide(2);
  commit();
  decide(1);
  expect_violation("exactly_once", "again, after version 1");
}

TEST_F(WriteLedgerTest, SeesASequenceThatIsDecidedAfterAHigherOne) {
  decide(3, 3);
  decide(2);
  expect_violation("exactly_once", "after 3");
  decide(0, 0, kBob);
  expect_violation("exactly_once", "after 0");
}

TEST_F(WriteLedgerTest, SkipsLieBelowWhatIsSettled) {
  decide(4, 4);
  decide(7, 9);
  commit();
  expect_quiet();
  decide(10, 9);
  expect_violation("exactly_once", "settled below 9");
  decide(12, 11, kBob);
  expect_violation("exactly_once", "settled below 11");
}

TEST_F(WriteLedgerTest, WhatWasDecidedInADroppedTransactionIsDecidedAgain) {
  decide(1);
  ledger_.on_dropped();
  decide(1);
  commit();
  expect_quiet();
  EXPECT_EQ(ledger_.decided(), 1u);
  ledger_.on_dropped();
  decide(1);
  expect_violation("exactly_once", "again");
}

TEST_F(WriteLedgerTest, SeesAnOutcomeOfAnotherVersion) {
  version_ = 4;
  decide(1);
  version_ = 5;
  commit();
  expect_violation("decision_agreement", "of version 4");
}

// --- decision agreement ---

TEST_F(WriteLedgerTest, QuietAboutEqualOutcomes) {
  compare(outcome_of(1, OutcomeKind::kApplied, ErrorCode::kOk), {});
  compare(outcome_of(2, OutcomeKind::kRejected, ErrorCode::kConflict),
          expected_of(OutcomeKind::kRejected, ErrorCode::kConflict));
  compare(outcome_of(3, OutcomeKind::kExpired, ErrorCode::kOk),
          expected_of(OutcomeKind::kExpired, ErrorCode::kOk));
  expect_quiet();
}

TEST_F(WriteLedgerTest, SeesAnotherKindAndAnotherCode) {
  compare(outcome_of(1, OutcomeKind::kMerged, ErrorCode::kOk), {});
  expect_violation("decision_agreement", "merged");
  compare(outcome_of(2, OutcomeKind::kRejected, ErrorCode::kRowMissing),
          expected_of(OutcomeKind::kRejected, ErrorCode::kRowRemoved));
  expect_violation("decision_agreement", "row_missing");
}

TEST_F(WriteLedgerTest, SeesOtherFinals) {
  Outcome outcome = outcome_of(1, OutcomeKind::kMerged, ErrorCode::kOk);
  Expected expected = expected_of(OutcomeKind::kMerged, ErrorCode::kOk);
  CanonicalValue value;
  value.kind = 1;
  expected.finals = {{0, FieldId{3}, value}};
  compare(outcome, expected);
  expect_violation("decision_agreement", "merged");
  outcome.sequence = 2;
  outcome.finals = expected.finals;
  compare(outcome, expected);
  expect_quiet();
  outcome.sequence = 3;
  outcome.finals[0].value.lanes.lane[0] = 8;
  compare(outcome, expected);
  expect_violation("decision_agreement", "operation 0 field 3 = 8");
}

TEST_F(WriteLedgerTest, SeesSpawnsWithoutIdsAndIdsThatAreTaken) {
  Outcome outcome = outcome_of(1, OutcomeKind::kApplied, ErrorCode::kOk);
  Expected expected;
  expected.spawns = {0, 4};
  outcome.made = {EntityId{5}, EntityId{6}};
  compare(outcome, expected);
  expect_quiet();
  outcome.sequence = 2;
  expected.unusable_ids = {EntityId{6}};
  compare(outcome, expected);
  expect_violation("decision_agreement", "made entity 6");
  outcome.sequence = 3;
  expected.unusable_ids.clear();
  outcome.made.pop_back();
  compare(outcome, expected);
  expect_violation("decision_agreement", "made 1");
}

// --- the conflict log ---

TEST_F(WriteLedgerTest, QuietAboutEqualLogs) {
  expect_conflicts({conflict_of(0, 7), conflict_of(0, 8)});
  expect_conflicts({conflict_of(0, 9)});
  commit({conflict_of(1, 7), conflict_of(2, 8), conflict_of(3, 9)});
  commit();
  expect_conflicts({conflict_of(0, 9)});
  commit({conflict_of(4, 9)});
  expect_quiet();
  EXPECT_EQ(ledger_.conflicts()[static_cast<size_t>(ConflictRule::kServerWins)], 4u);
}

TEST_F(WriteLedgerTest, SeesAnEntryThatIsMissing) {
  expect_conflicts({conflict_of(0, 7)});
  commit();
  expect_violation("conflict_log", "no more");
}

TEST_F(WriteLedgerTest, SeesAnEntryTooMany) {
  commit({conflict_of(1, 7)});
  expect_violation("conflict_log", "entity 7");
}

const CanonicalValue kEight{1, {{8, 0, 0, 0}}, {}};

using Change = void (*)(Conflict&);
constexpr Change kChanges[] = {
    [](Conflict& c) { c.version = Version{9}; },
    [](Conflict& c) { c.time_ms = 9; },
    [](Conflict& c) { c.client = kBob; },
    [](Conflict& c) { c.principal = PrincipalId{9}; },
    [](Conflict& c) { c.sequence = 9; },
    [](Conflict& c) { c.op = 9; },
    [](Conflict& c) { c.table = TableId{9}; },
    [](Conflict& c) { c.entity = EntityId{9}; },
    [](Conflict& c) { c.field = FieldId{9}; },
    [](Conflict& c) { c.policy = Policy::kLww; },
    [](Conflict& c) { c.rule = ConflictRule::kMerged; },
    [](Conflict& c) { c.base_version = Version{9}; },
    [](Conflict& c) { c.base = kEight; },
    [](Conflict& c) { c.server = kEight; },
    [](Conflict& c) { c.mine = kEight; },
    [](Conflict& c) { c.result = kEight; },
    [](Conflict& c) { c.resolved_by = 9; },
};

TEST_F(WriteLedgerTest, SeesAnyDifferenceInAnEntry) {
  uint64_t number = 0;
  for (const Change change : kChanges) {
    Conflict got = conflict_of(++number, 7);
    change(got);
    expect_conflicts({conflict_of(0, 7)});
    commit({got});
    EXPECT_EQ(violations_.count(), number);
    EXPECT_NE(conflict_text(got), conflict_text(conflict_of(0, 7)));
  }
}

TEST_F(WriteLedgerTest, SeesGapsInTheNumbers) {
  expect_conflicts({conflict_of(0, 7), conflict_of(0, 8)});
  commit({conflict_of(1, 7), conflict_of(3, 8)});
  expect_violation("conflict_log", "3");
  expect_conflicts({conflict_of(0, 7)});
  commit({conflict_of(4, 7)});
  expect_quiet();
  expect_conflicts({conflict_of(0, 7)});
  commit({conflict_of(4, 7)});
  expect_violation("conflict_log", "4");
}

TEST_F(WriteLedgerTest, ConflictsOfADroppedTransactionAreNotExpected) {
  expect_conflicts({conflict_of(0, 7)});
  ledger_.on_dropped();
  commit();
  expect_quiet();
}

}  // namespace
}  // namespace ecsdb::sim
