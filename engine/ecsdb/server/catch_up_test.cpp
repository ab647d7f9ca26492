#include "ecsdb/server/catch_up.h"

#include <gtest/gtest.h>

#include "ecsdb/server/test_peer.h"

namespace ecsdb {
namespace {

using server_test::kUnit;
using server_test::yard;

/// A connection that holds every unit cell, and publishes that it misses. Rows of one cell.
class CatchUpTest : public ::testing::Test {
 protected:
  explicit CatchUpTest(DatabaseOptions options = {}) : db_(yard(), options) {
    for (int i = 0; i < 300; ++i) {
      change([&](Transaction& tx) {
        const EntityId entity = tx.create().value();
        const FieldValue pos{0, Vec2f{1, 1}};
        EXPECT_TRUE(tx.insert(kUnit, entity, std::span(&pos, 1)).ok());
        units_.push_back(entity);
      });
    }
    publish();
    Subscription all;
    all.table = TableId{1};
    EXPECT_TRUE(interest_.add_subscription(db_, {}, all).ok());
    static_cast<void>(interest_.take_enters(db_));
    cut_ = db_.published();
  }

  template <class Change>
  void change(Change&& call) {
    Transaction tx = db_.begin();
    call(tx);
    std::move(tx).commit();
  }
  void publish(bool is_encoded = true) {
    blocks_.begin_publish();
    planner_.begin_publish();
    ring_.begin(db_.published(), db_.head(), db_.head().value);
    db_.publish([&](CellRef ref, const ChangeSet& changes) {
      BlockParts parts;
      if (is_encoded) parts = blocks_.relative(db_, ref, changes);
      ring_.add(ref, parts);
    });
    ring_.trim(0);
    db_.trim();
  }
  /// Changes so many rows and publishes.
  void hit(size_t first, size_t count, uint64_t hits, bool is_encoded = true) {
    change([&](Transaction& tx) {
      for (size_t i = first; i < first + count; ++i) {
        EXPECT_TRUE(tx.set(kUnit, units_[i % units_.size()], 1, hits).ok());
      }
    });
    publish(is_encoded);
  }
  CatchUp::Sources sources() { return {db_, ring_, blocks_}; }
  CatchUp::Behind behind() const { return {interest_, cut_, cut_, 0}; }
  CatchUp::Way choose() { return planner_.choose(sources(), behind()); }

  Database db_;
  CellBlocks blocks_;
  PublishRing ring_{5, Version{0}, 16, 1u << 20};
  CatchUp planner_{5};
  Interest interest_;
  std::vector<EntityId> units_;
  Version cut_;
};
using Way = CatchUp::Way;

TEST_F(CatchUpTest, NothingToDoWhereNothingHeldChanged) {
  EXPECT_EQ(choose(), Way::kNothing);
  change([&](Transaction& tx) {
    const FieldValue code{0, uint64_t{1}};
    EXPECT_TRUE(tx.insert(server_test::kSecret, tx.create().value(), std::span(&code, 1)).ok());
  });
  publish();
  EXPECT_EQ(choose(), Way::kNothing);
}

TEST_F(CatchUpTest, OtherRowsEachTimeAreAChain) {
  const Version start = cut_;
  for (size_t i = 0; i < 3; ++i) hit(100 * i, 100, i + 1);
  EXPECT_EQ(choose(), Way::kChain);
  std::vector<Version> ends;
  planner_.for_each_step(sources(), behind(), [&](const StepWriter::Step& step) {
    const PublishRing::Publish& publish = ring_.at(step.sequence);
    EXPECT_EQ(step.from, ends.empty() ? start : ends.back());
    ASSERT_EQ(step.entries.size(), 1u);
    EXPECT_EQ(step.entries[0].handle, 0u);
    EXPECT_EQ(step.entries[0].generation, interest_.at(0).generation);
    EXPECT_EQ(publish.changes[step.entries[0].change].ref, interest_.at(0).ref);
    ends.push_back(publish.to);
  });
  EXPECT_EQ(ends.size(), 3u);
  EXPECT_EQ(ends.back(), db_.published());
}

TEST_F(CatchUpTest, WhoStandsAtTheSameCutGetsTheSameBytes) {
  StepWriter steps;
  AdvanceWriter writer;
  const auto chain = [&](Interest& interest) {
    const CatchUp::Behind behind{interest, cut_, cut_, 0};
    EXPECT_EQ(planner_.choose(sources(), behind), Way::kChain);
    Outbox out;
    const CatchUp::Written written = planner_.write_chain(sources(), behind, steps, writer, out);
    EXPECT_EQ(written.end, db_.published());
    EXPECT_EQ(written.advances, 3u);
    Bytes bytes;
    for (const ByteSpan part : out.parts()) bytes.insert(bytes.end(), part.begin(), part.end());
    return bytes;
  };
  for (size_t i = 0; i < 3; ++i) hit(100 * i, 100, i + 1);
  const Bytes first = chain(interest_);
  EXPECT_EQ(chain(interest_), first);
  EXPECT_EQ(chain(interest_), first);
  interest_.enter_again(0);
  static_cast<void>(interest_.take_leaves());
  static_cast<void>(interest_.take_enters(db_));
  const Bytes later = chain(interest_);  // the same cells, of another generation
  EXPECT_NE(later, first);
  EXPECT_EQ(chain(interest_), later);
  hit(0, 1, 9);
  EXPECT_EQ(planner_.choose(sources(), behind()), Way::kChain);
}

TEST_F(CatchUpTest, SameRowsManyTimesAreANetDelta) {
  for (uint64_t i = 0; i < 12; ++i) hit(0, 50, i + 1);
  EXPECT_EQ(choose(), Way::kNet);
  EXPECT_EQ(planner_.net().from, cut_);
  EXPECT_EQ(planner_.net().blocks.size(), 1u);
  EXPECT_TRUE(planner_.replaced().empty());
}

TEST_F(CatchUpTest, ChainWithAGapIsNone) {
  hit(0, 100, 1);
  hit(100, 100, 2, false);
  EXPECT_EQ(choose(), Way::kNet);
}

TEST_F(CatchUpTest, ChainBeyondTheRingIsNone) {
  for (size_t i = 0; i < 17; ++i) hit(17 * i, 17, i + 1);
  EXPECT_EQ(choose(), Way::kNet);
}

TEST_F(CatchUpTest, CellThatLostMostRowsIsReplaced) {
  for (size_t i = 0; i < 290; ++i) {
    change([&](Transaction& tx) { EXPECT_TRUE(tx.destroy(units_[i]).ok()); });
  }
  publish(false);
  EXPECT_EQ(choose(), Way::kNet);
  EXPECT_EQ(planner_.replaced().size(), 1u);
  EXPECT_TRUE(planner_.net().blocks.empty());
}

class CatchUpWithSmallHorizonTest : public CatchUpTest {
 protected:
  CatchUpWithSmallHorizonTest() : CatchUpTest(small_horizon()) {}
  static DatabaseOptions small_horizon() {
    DatabaseOptions options;
    options.horizon_versions_max = 2;
    return options;
  }
};

TEST_F(CatchUpWithSmallHorizonTest, CellBelowTheHorizonIsReplacedUnlessThereIsAChain) {
  const auto remove = [&](size_t i, bool is_encoded) {
    change([&](Transaction& tx) { EXPECT_TRUE(tx.destroy(units_[i]).ok()); });
    publish(is_encoded);
  };
  for (size_t i = 0; i < 5; ++i) remove(i, true);
  EXPECT_EQ(choose(), Way::kChain);
  remove(5, false);
  EXPECT_EQ(choose(), Way::kNet);
  EXPECT_EQ(planner_.replaced().size(), 1u);
}

// Whoever comes after the first at a cut costs no encoding.
TEST_F(CatchUpTest, NetDeltasAreComparedOnceForAllAtACut) {
  for (uint64_t i = 0; i < 5; ++i) hit(0, 50, i + 1);
  choose();
  const uint64_t before = blocks_.blocks_encoded();
  for (int i = 0; i < 10; ++i) choose();
  EXPECT_EQ(blocks_.blocks_encoded(), before);
}

// What net blocks take is learnt, so that a chain that is much smaller needs no comparison.
TEST_F(CatchUpTest, KnownCostsSpareTheEncoding) {
  uint64_t compared = 0;
  for (size_t i = 0; i < 30; ++i) {
    cut_ = db_.published();
    hit(0, 100, 3 * i);
    hit(100, 100, 3 * i + 1);
    hit(200, 100, 3 * i + 2);
    const uint64_t before = blocks_.blocks_encoded();
    EXPECT_EQ(choose(), Way::kChain);
    compared += blocks_.blocks_encoded() - before;
  }
  EXPECT_LE(compared, 6u);
  EXPECT_GE(compared, 1u);
}

TEST(NetCost, IsKnownAfterSomeBlocksAndForAWhile) {
  NetCost cost;
  EXPECT_FALSE(cost.is_known(1));
  cost.learn(3, 1000, 1);  // few rows say nothing
  for (uint64_t now = 1; now <= 4; ++now) {
    EXPECT_FALSE(cost.is_known(now));
    cost.learn(100, 500, now);
  }
  EXPECT_TRUE(cost.is_known(4));
  EXPECT_EQ(cost.least_bytes(20), 100u);
  EXPECT_TRUE(cost.is_known(200));
  EXPECT_FALSE(cost.is_known(1000));
  cost.learn(100, 510, 1000);  // as before
  EXPECT_TRUE(cost.is_known(1000));
  cost.learn(100, 900, 2000);  // starts anew
  EXPECT_FALSE(cost.is_known(2000));
}

TEST(NetCost, PromisesNoMoreThanItsBlocksDiffer) {
  NetCost cost;
  for (uint64_t i = 0; i < 20; ++i) cost.learn(100, i % 2 == 0 ? 400 : 600, i);
  EXPECT_LE(cost.least_bytes(100), 400u);
  for (uint64_t i = 20; i < 100; ++i) cost.learn(100, 500, i);
  EXPECT_GE(cost.least_bytes(100), 480u);
  EXPECT_LE(cost.least_bytes(100), 500u);
}

}  // namespace
}  // namespace ecsdb
