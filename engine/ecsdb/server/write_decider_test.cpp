// Writes that are rejected: each with its own code, and nothing of them stays.
#include "ecsdb/server/write_decider.h"

#include <gtest/gtest.h>

#include "ecsdb/server/test_writer.h"

namespace ecsdb::server_test {
namespace {

constexpr EntityId kNobody = EntityId::make(4711, 1, 9);

/// Some rows, a writer, and what is to stay as it is.
class DecidedWrite : public testing::Test {
 protected:
  explicit DecidedWrite(ServerOptions options = {}) : bench_(options, desk_schema()) {
    bench_.step([&](Transaction& tx) {
      thing_ = add(tx, kThing, {{0, Vec2f{5, 5}}});
      coin_ = add(tx, kCoin, {{0, PrincipalId{7}}, {1, uint64_t{3}}});
      other_coin_ = add(tx, kCoin, {{0, PrincipalId{8}}, {1, uint64_t{4}}});
      vault_ = add(tx, kVault, {});
      stone_ = add(tx, kStone, {});
      EXPECT_TRUE(tx.insert(kTailOf, thing_, {}).ok());
    });
    writer_.emplace(bench_, 0);
  }
  static EntityId add(Transaction& tx, uint16_t table, std::vector<FieldValue> values) {
    const EntityId entity = tx.create().value();
    EXPECT_TRUE(tx.insert(table, entity, values).ok());
    return entity;
  }
  const Database& db() const { return bench_.server.database(); }
  Version now() const { return db().published(); }
  std::string state() const {
    const EntityId entities[] = {thing_, coin_, other_coin_, vault_, stone_};
    return dump(db(), entities) + " conflicts " + std::to_string(bench_.server.conflicts().count());
  }
  void commit_other(std::vector<FieldValue> values) {
    bench_.step([&](Transaction& tx) { EXPECT_TRUE(tx.set(kThing, thing_, values).ok()); });
  }
  /// Rejected, told to the owner, and without a trace, in the transaction and afterwards.
  void rejects(ErrorCode code, Hand hand, size_t conflicts = 0) {
    std::string before = state();
    while (bench_.server.next_event()) {
    }
    const uint64_t sequence = writer_->send(std::move(hand));
    {
      const Transaction tx = bench_.server.begin(bench_.now());
      EXPECT_EQ(state(), before);
    }
    bench_.step([](Transaction&) {});
    writer_->listen();
    const Outcome outcome = writer_->outcome(sequence);
    EXPECT_EQ(outcome.kind, OutcomeKind::kRejected);
    EXPECT_EQ(outcome.code, static_cast<uint16_t>(code))
        << error_name(static_cast<ErrorCode>(outcome.code)) << ": " << outcome.reason;
    EXPECT_TRUE(outcome.made.empty() && outcome.finals.empty());
    const auto event = bench_.server.next_event();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->kind, ServerEvent::Kind::kWriteRejected);
    EXPECT_EQ(event->code, code);
    EXPECT_EQ(event->client, writer_->client());
    EXPECT_EQ(event->principal, PrincipalId{7});
    EXPECT_EQ(event->reason, outcome.reason);
    EXPECT_EQ(bench_.server.decided_conflicts().size(), conflicts);
    const size_t counted = before.rfind(" conflicts ");
    EXPECT_EQ(state().substr(0, counted), before.substr(0, counted));
    bench_.server.check_invariants();
  }
  Hand set_hits(uint64_t value = 9) { return Hand{}.set(kThing, thing_).field(kHits, lane(value)); }

  Bench bench_;
  std::optional<Writer> writer_;
  EntityId thing_, coin_, other_coin_, vault_, stone_;
};

TEST_F(DecidedWrite, TablesAndFieldsThatThereAreNot) {
  rejects(ErrorCode::kUnknownTable, Hand{}.set(40, thing_).field(1, lane(1)));
  rejects(ErrorCode::kUnknownField, Hand{}.set(kThing, thing_).field(99, lane(1)));
  rejects(ErrorCode::kUnknownField, Hand{}.set(kThing, thing_).field(0, lane(1)));
  rejects(ErrorCode::kUnknownField, Hand{}.set(kThing, thing_).field(kArmour, lane(1)));
  rejects(ErrorCode::kUnknownField, Hand{}.put(kThing, coin_).field(kArmour, lane(1)));
}

TEST_F(DecidedWrite, RightsOfTablesFieldsAndRows) {
  rejects(ErrorCode::kNotPermitted, Hand{}.set(kVault, vault_).field(1, lane(1)));
  rejects(ErrorCode::kNotPermitted, Hand{}.put(kVault, thing_).field(1, lane(1)));
  rejects(ErrorCode::kNotPermitted, Hand{}.set(kStone, stone_).field(1, lane(1)));
  rejects(ErrorCode::kNotPermitted, Hand{}.remove(kStone, stone_));
  rejects(ErrorCode::kNotPermitted, Hand{}.despawn(stone_));
  rejects(ErrorCode::kNotPermitted, Hand{}.set(kThing, thing_).field(kRank, lane(1)));
  rejects(ErrorCode::kNotPermitted, Hand{}.put(kThing, coin_).field(kRank, lane(1)));
  rejects(ErrorCode::kNotPermitted, Hand{}.set(kCoin, other_coin_).field(2, lane(1)));
  rejects(ErrorCode::kNotPermitted, Hand{}.remove(kCoin, other_coin_));
  rejects(ErrorCode::kNotPermitted, Hand{}.despawn(other_coin_));
  // Neither given away, nor made for somebody else.
  rejects(ErrorCode::kNotPermitted, Hand{}.set(kCoin, coin_).field(1, lane(8)).base(now()));
  rejects(ErrorCode::kNotPermitted, Hand{}.put(kCoin, thing_).field(1, lane(8)));
  rejects(ErrorCode::kNotPermitted, Hand{}.put(kCoin, thing_));
}

// With the owner's row gone, the row that follows it would be nobody's.
TEST_F(DecidedWrite, DespawnTakesRowsThatFollowTheOwnersAway) {
  bench_.step([&](Transaction& tx) {
    EXPECT_TRUE(tx.insert(kMint, coin_, {}).ok() && tx.insert(kMint, other_coin_, {}).ok());
  });
  rejects(ErrorCode::kNotPermitted, Hand{}.despawn(other_coin_));
  const uint64_t sequence = writer_->send(Hand{}.despawn(coin_));
  bench_.step([](Transaction&) {});
  writer_->listen();
  EXPECT_EQ(writer_->outcome(sequence).kind, OutcomeKind::kApplied);
  EXPECT_FALSE(db().exists(coin_));
}

TEST_F(DecidedWrite, RowsAndEntitiesThatThereAreNot) {
  rejects(ErrorCode::kUnknownEntity, Hand{}.set(kThing, kNobody).field(kHits, lane(1)));
  rejects(ErrorCode::kUnknownEntity, Hand{}.set(kThing, EntityId{}).field(kHits, lane(1)));
  rejects(ErrorCode::kUnknownEntity, Hand{}.put(kThing, kNobody));
  rejects(ErrorCode::kUnknownEntity, Hand{}.remove(kThing, kNobody));
  rejects(ErrorCode::kUnknownEntity, Hand{}.despawn(kNobody));
  rejects(ErrorCode::kRowMissing, Hand{}.set(kThing, coin_).field(kHits, lane(1)));
  rejects(ErrorCode::kRowMissing, Hand{}.remove(kThing, coin_));
  rejects(ErrorCode::kRowExists, Hand{}.put(kThing, thing_).base(now()));
}

TEST_F(DecidedWrite, WhatIsGoneSinceTheBase) {
  const Version base = now();
  bench_.step([&](Transaction& tx) { EXPECT_TRUE(tx.remove(kThing, thing_).ok()); });
  rejects(ErrorCode::kRowRemoved, set_hits().base(base), 1);
  EXPECT_EQ(bench_.server.decided_conflicts()[0].rule, ConflictRule::kRemoveWins);
  rejects(ErrorCode::kRowRemoved, Hand{}.remove(kThing, thing_).base(base), 1);
  rejects(ErrorCode::kRowMissing, set_hits().base(now()));
  bench_.step([&](Transaction& tx) { EXPECT_TRUE(tx.destroy(thing_).ok()); });
  rejects(ErrorCode::kRowRemoved, set_hits().base(base), 1);
  rejects(ErrorCode::kUnknownEntity, set_hits().base(now()));
}

TEST_F(DecidedWrite, WhatCameSinceTheBase) {
  const Version base = now();
  bench_.step([&](Transaction& tx) {
    const FieldValue pos{0, Vec2f{1, 1}};
    EXPECT_TRUE(tx.insert(kThing, coin_, std::span(&pos, 1)).ok());
  });
  rejects(ErrorCode::kRowExists, Hand{}.put(kThing, coin_).base(base), 1);
  EXPECT_EQ(bench_.server.decided_conflicts()[0].rule, ConflictRule::kInsertLoses);
  rejects(ErrorCode::kRowExists, Hand{}.put(kThing, coin_).base(now()));
}

TEST_F(DecidedWrite, ValuesThatDoNotFitTheirField) {
  const auto set = [&](uint16_t field, CanonicalValue value, CanonicalValue base = {}) {
    return Hand{}.set(kThing, thing_).field(field, std::move(value), std::move(base)).base(now());
  };
  rejects(ErrorCode::kTextTooLong, set(kTag, text("nine bytes")));
  rejects(ErrorCode::kBadText, set(kTag, text("\xff\xfe")));
  rejects(ErrorCode::kBadText, set(kTag, text("\xc0\x80")));
  rejects(ErrorCode::kTypeMismatch, set(kTag, lane(3)));
  rejects(ErrorCode::kTypeMismatch, set(kHits, text("3")));
  rejects(ErrorCode::kTypeMismatch, set(kHits, lanes(1, 1)));
  rejects(ErrorCode::kTypeMismatch, set(kPos, lane(1)));
  rejects(ErrorCode::kTypeMismatch, set(kHits, CanonicalValue{}));
  rejects(ErrorCode::kValueOutOfRange, set(kHits, lane(256)));
  rejects(ErrorCode::kValueOutOfRange, set(kPart, lane(128)));
  rejects(ErrorCode::kValueOutOfRange, set(kPos, lanes(uint64_t{1} << 40, 0)));
  // The base is the peer's word as well.
  rejects(ErrorCode::kValueOutOfRange, set(kHits, lane(1), lane(256)));
  rejects(ErrorCode::kTypeMismatch, set(kScore, lane(1), text("1")));
  rejects(ErrorCode::kBadText, set(kTag, text("a"), text("\xff")));
  // A sum that leaves the range of its field.
  rejects(ErrorCode::kValueOutOfRange, set(kScore, lane(INT64_MAX), lane(~uint64_t{0})));
}

TEST_F(DecidedWrite, FormsThatThereAreNot) {
  const ErrorCode malformed = ErrorCode::kFrameMalformed;
  rejects(malformed, Hand{});
  rejects(malformed, Hand{}.set(kThing, thing_).field(kScore, lane(1)).field(kHits, lane(1)));
  rejects(malformed, set_hits().field(kHits, lane(1)));
  rejects(malformed, Hand{}.spawn().field(kHits, lane(1)));
  rejects(malformed, Hand{}.remove(kThing, thing_).field(kHits, lane(1)));
  rejects(malformed, Hand{}.despawn(thing_).field(kHits, lane(1)));
  Hand few = set_hits();
  few.write.ops[0].field_count = 2;
  rejects(malformed, few);
  Hand many = set_hits();
  many.write.ops[0].field_count = 0;
  rejects(malformed, many);
  Hand table = Hand{}.despawn(thing_);
  table.write.ops[0].table = TableId{1};
  rejects(malformed, table);
  Hand entity = Hand{}.spawn();
  entity.write.ops[0].entity = 5;
  rejects(malformed, entity);
  entity.write.ops[0] = {WriteOpKind::kSpawn, {}, 3, 0, 0};
  rejects(malformed, entity);
}

TEST_F(DecidedWrite, EntitiesOfWritesThatMadeNone) {
  const auto put = [&](uint64_t made_by, uint64_t place) {
    return Hand{}.spawn().op(WriteOpKind::kPut, kThing, place, made_by);
  };
  rejects(ErrorCode::kUnknownEntity, put(77, 0));  // a later write
  rejects(ErrorCode::kUnknownEntity, put(~uint64_t{0}, 0));
  rejects(ErrorCode::kUnknownEntity, put(writer_->last(), 0));      // it was rejected
  rejects(ErrorCode::kUnknownEntity, put(writer_->last() + 1, 1));  // no spawn is there
  rejects(ErrorCode::kUnknownEntity, put(writer_->last() + 1, ~uint64_t{0}));
  Hand early = Hand{}.op(WriteOpKind::kPut, kThing, 1, writer_->last() + 1).spawn();
  rejects(ErrorCode::kUnknownEntity, early);
}

TEST_F(DecidedWrite, BasesAndLevelsThatAreNotKept) {
  rejects(ErrorCode::kBaseInFuture, set_hits().base(Version{now().value + 1}));
  rejects(ErrorCode::kBaseInFuture, set_hits().base(Version{~uint64_t{0}}));
  Hand durable = set_hits();
  durable.write.level = AckLevel::kDurable;
  rejects(ErrorCode::kNotKept, durable);
}

TEST_F(DecidedWrite, BaseOfAnotherEpochCountsAsNone) {
  commit_other({{0, Vec2f{6, 6}}});
  Hand hand = Hand{}.set(kThing, thing_).field(kPos, lanes(1, 1)).base(now());
  hand.write.epoch = Epoch{static_cast<uint16_t>(hand.write.epoch.value + 1)};
  rejects(ErrorCode::kConflict, hand, 1);
  hand.write.base = Version{~uint64_t{0}};
  rejects(ErrorCode::kConflict, hand, 1);
}

TEST_F(DecidedWrite, StaleFieldOfTheServerRejectsTheWholeWrite) {
  const Version base = now();
  commit_other({{0, Vec2f{6, 6}}, {1, uint64_t{2}}});
  Hand hand = set_hits().base(base).set(kThing, thing_).field(kPos, lanes(1, 1));
  hand.write.stamp = ~uint64_t{0};
  rejects(ErrorCode::kConflict, hand, 1);  // and the one that hits won is forgotten
  EXPECT_EQ(bench_.server.decided_conflicts()[0].rule, ConflictRule::kServerWins);
  EXPECT_EQ(bench_.server.decided_conflicts()[0].op, 1u);
}

// Goal: nothing of the operations before stays. Method: all kinds of operations on rows old and
// new, then one that fails; each prefix of them.
TEST_F(DecidedWrite, AllOperationsOrNone) {
  const Version base = now();
  bench_.step([&](Transaction& tx) { EXPECT_TRUE(tx.set(kThing, thing_, 1, uint64_t{2}).ok()); });
  Hand whole;
  whole.write.stamp = ~uint64_t{0};
  const uint64_t next = writer_->last() + 1;
  for (size_t length = 1; length <= 14; ++length) {
    Hand hand;
    hand.base(base).write.stamp = ~uint64_t{0};
    const uint64_t mine = next + length - 1;
    const std::function<void()> steps[] = {
        [&] { hand.set(kThing, thing_).field(kHits, lane(7)).field(kTag, text("abc")); },
        [&] { hand.set(kThing, thing_).field(kPos, lanes(500, 500)).field(kTag, text("d")); },
        [&] { hand.remove(kThing, thing_); },
        [&] { hand.put(kThing, thing_).field(kPos, lanes(90, 90)).field(kTag, text("again")); },
        [&] { hand.set(kTailOf, thing_).field(1, lane(4)); },
        [&] { hand.remove(kThing, thing_); },
        [&] { hand.spawn(); },
        [&] { hand.op(WriteOpKind::kPut, kThing, 6, mine).field(kTag, text("new")); },
        [&] { hand.op(WriteOpKind::kPut, kTailOf, 6, mine); },
        [&] { hand.op(WriteOpKind::kRemove, kThing, 6, mine); },
        [&] { hand.op(WriteOpKind::kPut, kThing, 6, mine).field(kTag, text("more")); },
        [&] { hand.op(WriteOpKind::kDespawn, 0, 6, mine); },
        [&] { hand.remove(kCoin, coin_).put(kCoin, coin_).field(1, lane(7)).field(2, lane(8)); },
        [&] { hand.despawn(coin_); },
    };
    for (size_t i = 0; i < length; ++i) steps[i]();
    hand.set(kVault, vault_).field(1, lane(1));
    SCOPED_TRACE(length);
    rejects(ErrorCode::kNotPermitted, hand);
  }
}

// The same, but for what makes it fail: all of it is done, in one version.
TEST_F(DecidedWrite, OperationsSeeWhatThoseBeforeHaveDone) {
  const uint64_t mine = writer_->last() + 1;
  const Outcome outcome = writer_->decide(Hand{}
                                              .base(now())
                                              .remove(kThing, thing_)
                                              .put(kThing, thing_)
                                              .field(kPos, lanes(90, 90))
                                              .field(kTag, text("again"))
                                              .set(kThing, thing_)
                                              .field(kHits, lane(5))
                                              .spawn()
                                              .op(WriteOpKind::kPut, kThing, 3, mine)
                                              .op(WriteOpKind::kDespawn, 0, 3, mine)
                                              .spawn()
                                              .op(WriteOpKind::kPut, kTailOf, 6, mine));
  EXPECT_EQ(outcome.kind, OutcomeKind::kApplied) << outcome.reason;
  ASSERT_EQ(outcome.made.size(), 2u);
  EXPECT_FALSE(db().exists(outcome.made[0]));
  EXPECT_TRUE(db().contains(kTailOf, outcome.made[1]));
  const RowIndex row = db().find_row(kThing, thing_);
  ASSERT_NE(row, kNoRow);
  EXPECT_EQ(db().table(kThing).field_value(row, 1), lane(5));
  EXPECT_EQ(db().table(kThing).field_value(row, 5), text("again"));
  bench_.server.check_invariants();
  // Later ones may name what it made until it is settled.
  Hand later = Hand{}.op(WriteOpKind::kSet, kTailOf, 6, mine).field(1, lane(3)).base(now());
  EXPECT_EQ(writer_->decide(later).kind, OutcomeKind::kApplied);
  writer_->settle(writer_->last() + 1);
  rejects(ErrorCode::kUnknownEntity, later);
}

class NoNines final : public WriteRule {
 public:
  std::optional<std::string> refuse(const Database& db, const ProposedWrite& write) const override {
    for (const ProposedWrite::Op& op : write.ops) {
      const RowIndex row = op.kind == WriteOpKind::kSet ? db.find_row(op.table, op.entity) : kNoRow;
      if (row == kNoRow || op.table != kThing) continue;
      if (db.table(op.table).field_value(row, 1) == lane(9)) return "no nines\xff";
    }
    return std::nullopt;
  }
};

/// The same with a rule of the application.
class RuledWrite : public DecidedWrite {
 protected:
  RuledWrite() : DecidedWrite(options()) {}
  static ServerOptions options() {
    static const NoNines rule;
    ServerOptions options;
    options.write_rule = &rule;
    return options;
  }
};

TEST_F(RuledWrite, RuleSeesTheResultAndRefuses) {
  rejects(ErrorCode::kRuleRefused, set_hits(9).base(now()));
  EXPECT_EQ(writer_->decide(set_hits(8).base(now())).kind, OutcomeKind::kApplied);
  rejects(ErrorCode::kRuleRefused, set_hits(9).base(now()));
}

}  // namespace
}  // namespace ecsdb::server_test
