#include "ecsdb/store/row_log.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>

#include "ecsdb/base/prng.h"

namespace ecsdb::store_test {
namespace {

using Indices = std::vector<RowIndex>;

constexpr CellIndex kHere = 4;

/// Rows of one log.
struct Fixture {
  std::vector<Row> rows;
  RowLog log;

  RowIndex add() {
    rows.emplace_back();
    const RowIndex row = static_cast<RowIndex>(rows.size() - 1);
    log.link(rows, row, kHere);
    return row;
  }
  void add_many(uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) add();
  }
  void start(uint64_t version) { log.start_version(Version{version}); }
  void touch(RowIndex row, uint64_t version) {
    log.touch(rows, row);
    rows[row].changed = Version{version};
  }
  Indices all() const { return list(log.all(rows)); }
  Indices after(uint64_t version) const { return list(log.after(rows, Version{version})); }
  Indices undigested() const { return list(log.undigested(rows)); }
  void check() const {
    log.check_invariants(rows, kHere, [](RowIndex) { return Digest{}; });
  }

 private:
  static Indices list(const RowLog::Range& range) {
    Indices out;
    for (const RowIndex row : range) out.push_back(row);
    return out;
  }
};

TEST(RowLog, EmptyLogHasNoRows) {
  Fixture f;
  EXPECT_EQ(f.all(), Indices{});
  EXPECT_EQ(f.after(0), Indices{});
  EXPECT_EQ(f.undigested(), Indices{});
  EXPECT_EQ(f.log.count(), 0u);
  f.check();
}

TEST(RowLog, TouchMakesARowTheNewest) {
  Fixture f;
  f.start(1);
  f.add_many(4);
  f.start(2);
  f.touch(1, 2);
  EXPECT_EQ(f.all(), (Indices{0, 2, 3, 1}));
  f.start(3);
  f.touch(0, 3);
  f.touch(1, 3);
  EXPECT_EQ(f.all(), (Indices{2, 3, 0, 1}));
  EXPECT_EQ(f.log.count(), 4u);
}

TEST(RowLog, WalkGivesTheRowsOfVersionsAfterTheOneAskedFor) {
  Fixture f;
  f.start(3);
  f.add_many(5);
  for (RowIndex row = 0; row < 5; ++row) f.rows[row].changed = Version{3};
  f.start(5);
  f.touch(2, 5);
  f.touch(0, 5);
  f.start(9);
  f.touch(2, 9);
  EXPECT_EQ(f.after(2), (Indices{1, 3, 4, 0, 2}));
  EXPECT_EQ(f.after(3), (Indices{0, 2}));
  EXPECT_EQ(f.after(4), (Indices{0, 2}));
  EXPECT_EQ(f.after(5), (Indices{2}));
  EXPECT_EQ(f.after(8), (Indices{2}));
  EXPECT_EQ(f.after(9), Indices{});
  f.check();
}

// One row that changes all the time leaves stale entries only where it stood; the walk over the
// last version must not pass them.
TEST(RowLog, VersionWithoutRowsLeavesNothingToWalk) {
  Fixture f;
  f.start(1);
  f.add_many(100);
  for (RowIndex row = 0; row < 100; ++row) f.rows[row].changed = Version{1};
  for (uint64_t version = 2; version < 80; ++version) {
    f.start(version);
    f.touch(50, version);
    EXPECT_EQ(f.after(version - 1), (Indices{50}));
  }
  f.start(80);
  EXPECT_EQ(f.after(79), Indices{});
  EXPECT_EQ(f.after(1), (Indices{50}));
  f.check();
}

TEST(RowLog, SecondTouchInAVersionCostsNothing) {
  Fixture f;
  f.start(1);
  f.add_many(2);
  f.start(2);
  f.touch(0, 2);
  const uint32_t place = f.rows[0].log_place;
  f.touch(1, 2);
  f.touch(0, 2);
  EXPECT_EQ(f.rows[0].log_place, place);
  EXPECT_EQ(f.after(1), (Indices{0, 1}));
}

TEST(RowLog, UnlinkedRowIsGoneAndItsPartOfTheDigestToo) {
  Fixture f;
  f.add_many(3);
  f.log.set_digested(Digest{{60, 0, 0, 0}});
  f.log.unlink(f.rows, 1, Digest{{20, 0, 0, 0}});
  EXPECT_EQ(f.rows[1].cell, kNoCell);
  EXPECT_EQ(f.all(), (Indices{0, 2}));
  EXPECT_EQ(f.log.digest(), (Digest{{40, 0, 0, 0}}));
  f.log.link(f.rows, 1, kHere);
  EXPECT_EQ(f.all(), (Indices{0, 2, 1}));
  EXPECT_EQ(f.log.count(), 3u);
}

// A row may leave for another log and come back; entries that it left behind stay stale.
TEST(RowLog, RowThatReturnsShowsOnce) {
  Fixture f;
  f.add_many(2);
  RowLog other;
  for (int i = 0; i < 6; ++i) {
    f.log.unlink(f.rows, 0, Digest{});
    EXPECT_EQ(f.all(), (Indices{1}));
    other.link(f.rows, 0, kHere + 1);
    EXPECT_EQ(f.all(), (Indices{1}));
    other.unlink(f.rows, 0, Digest{});
    f.log.link(f.rows, 0, kHere);
    EXPECT_EQ(f.all(), (Indices{1, 0}));
    f.check();
  }
}

TEST(RowLog, ManyRowsAtATimeAreThoseOfTheWalk) {
  Fixture f;
  f.add_many(200);
  for (RowIndex row = 0; row < 200; row += 3) {
    f.log.set_digested(Digest{});
    f.touch(row, 0);
  }
  while (f.rows.size() > 150) {
    f.log.unlink(f.rows, static_cast<RowIndex>(f.rows.size() - 1), Digest{});
    f.rows.pop_back();  // stale entries may name more rows than there are
  }
  for (const size_t room : {1u, 7u, 64u, 1'000u}) {
    Indices got;
    Indices batch(room);
    RowLog::Range range = f.log.all(f.rows);
    while (const size_t count = range.take(batch)) {
      got.insert(got.end(), batch.begin(), batch.begin() + static_cast<ptrdiff_t>(count));
      EXPECT_TRUE(count == room || got.size() == 150);
    }
    EXPECT_EQ(got, f.all());
    EXPECT_EQ(range.take(batch), 0u);
  }
  for (RowIndex row = 0; row < 150; ++row) f.log.unlink(f.rows, row, Digest{});
  f.rows.clear();
  Indices batch(5);
  EXPECT_EQ(f.log.all(f.rows).take(batch), 0u);
}

TEST(RowLog, AllRowsMayBeUnlinkedOnAWalk) {
  Fixture f;
  f.add_many(9);
  Indices seen;
  for (const RowIndex row : f.log.all(f.rows)) {
    seen.push_back(row);
    f.log.unlink(f.rows, row, Digest{});
  }
  EXPECT_EQ(seen.size(), 9u);
  EXPECT_EQ(f.log.count(), 0u);
  EXPECT_EQ(f.all(), Indices{});
}

TEST(RowLog, RowsOutOfDateAreThoseTouchedSinceTheDigest) {
  Fixture f;
  f.add_many(4);
  EXPECT_EQ(f.undigested(), (Indices{0, 1, 2, 3}));
  f.log.set_digested(Digest{});
  EXPECT_EQ(f.undigested(), Indices{});
  f.touch(2, 0);
  f.touch(3, 0);
  f.touch(2, 0);  // still out of date, and not twice
  EXPECT_EQ(f.undigested(), (Indices{2, 3}));
  EXPECT_TRUE(f.log.is_undigested(f.rows[2]));
  EXPECT_FALSE(f.log.is_undigested(f.rows[0]));
  f.log.set_digested(Digest{});
  f.touch(2, 0);  // the newest row of all has to move, too
  EXPECT_EQ(f.undigested(), (Indices{2}));
  f.check();
}

TEST(RowLog, DigestedRowIsOutOfDateAfterATouchInTheSameVersion) {
  Fixture f;
  f.start(1);
  f.add_many(2);
  f.log.set_digested(Digest{});
  f.touch(0, 1);
  EXPECT_EQ(f.undigested(), (Indices{0}));
  f.touch(1, 1);
  for (RowIndex row = 0; row < 2; ++row) f.rows[row].changed = Version{1};
  EXPECT_EQ(f.after(0), (Indices{0, 1}));
  f.check();
}

TEST(RowLog, EraseOfAnotherRowMendsTheEntry) {
  Fixture f;
  f.add_many(4);
  f.touch(3, 0);
  f.log.unlink(f.rows, 1, Digest{});
  f.rows[1] = f.rows[3];  // as Table::erase does
  f.rows.pop_back();
  f.log.moved(f.rows, 1);
  EXPECT_EQ(f.all(), (Indices{0, 2, 1}));
  f.add();  // takes the index that stale entries still name
  EXPECT_EQ(f.all(), (Indices{0, 2, 1, 3}));
  f.check();
}

TEST(RowLog, CompactionKeepsOrderVersionsAndDigestPosition) {
  Fixture f;
  f.start(1);
  f.add_many(10);
  for (RowIndex row = 0; row < 10; ++row) f.rows[row].changed = Version{1};
  uint64_t version = 1;
  for (int i = 0; i < 500; ++i) {
    f.start(++version);
    f.touch(static_cast<RowIndex>(i % 3), version);
    if (i == 480) f.log.set_digested(Digest{});
    ASSERT_EQ(f.undigested().size(), i < 480 ? 10u : static_cast<size_t>(std::min(i - 480, 3)));
    ASSERT_EQ(f.after(version - 1), (Indices{static_cast<RowIndex>(i % 3)}));
    f.check();
  }
  EXPECT_EQ(f.all(), (Indices{3, 4, 5, 6, 7, 8, 9, 2, 0, 1}));
  EXPECT_EQ(f.after(version - 2), (Indices{0, 1}));
  // Places are bounded by the number of rows, not of changes.
  for (const Row& row : f.rows) EXPECT_LT(row.log_place, 100u);
}

TEST(RowLog, LogOfManyRowsThatBecameFewGivesMemoryBack) {
  Fixture f;
  f.add_many(1'000);
  for (RowIndex row = 1; row < 1'000; ++row) f.log.unlink(f.rows, row, Digest{});
  f.log.set_digested(Digest{});
  for (int i = 0; i < 2'000; ++i) {
    f.touch(0, 0);
    f.log.set_digested(Digest{});
  }
  EXPECT_LT(f.rows[0].log_place, 200u);
  EXPECT_EQ(f.all(), (Indices{0}));
}

TEST(RowLogDeathTest, VersionsDoNotFall) {
  Fixture f;
  f.start(5);
  f.add();
  EXPECT_DEATH(f.start(4), "check failed");
}

TEST(RowLogDeathTest, RowOfAnotherCellIsRefused) {
  Fixture f;
  f.add();
  RowLog other;
  EXPECT_DEATH(other.touch(f.rows, 0), "check failed");
  EXPECT_DEATH(other.link(f.rows, 0, kHere + 1), "check failed");
}

/// Several logs over one array of rows, against lists.
class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed), logs_(3), lists_(3), digested_(3) {}

  void step() {
    const uint64_t what = random_.below(40);
    if (what == 0) {
      ++version_;
    } else if (what < 3) {
      digest(cell());
    } else if (what < 6 && rows_.size() < 60) {
      rows_.emplace_back();
      rows_.back().entity.value = ++entities_;
      link(static_cast<RowIndex>(rows_.size() - 1), cell());
    } else if (!rows_.empty()) {
      const RowIndex row = static_cast<RowIndex>(random_.below(rows_.size()));
      if (what < 8) return erase(row);
      if (what < 12) return move(row, cell());
      touch(row);
    }
  }
  void verify() const {
    for (CellIndex cell = 0; cell < logs_.size(); ++cell) {
      const RowLog& log = logs_[cell];
      log.check_invariants(rows_, cell, [](RowIndex) { return Digest{}; });
      ASSERT_EQ(log.count(), lists_[cell].size());
      for (uint64_t after = version_ < 4 ? 0 : version_ - 4; after <= version_; ++after) {
        ASSERT_EQ(entities(log.after(rows_, Version{after})), expected(cell, after));
      }
      ASSERT_EQ(entities(log.after(rows_, Version{0})), entities(log.all(rows_)));
      std::vector<uint64_t> dirty;
      for (const auto& [entity, is_dirty] : digested_[cell]) {
        if (is_dirty) dirty.push_back(entity);
      }
      ASSERT_EQ(entities(log.undigested(rows_)), dirty);
    }
  }

 private:
  CellIndex cell() { return static_cast<CellIndex>(random_.below(logs_.size())); }
  std::vector<uint64_t> entities(const RowLog::Range& range) const {
    std::vector<uint64_t> out;
    for (const RowIndex row : range) out.push_back(rows_[row].entity.value);
    std::sort(out.begin(), out.end());
    return out;
  }
  std::vector<uint64_t> expected(CellIndex cell, uint64_t after) const {
    std::vector<uint64_t> out;
    for (const auto& [entity, version] : lists_[cell]) {
      if (version > after) out.push_back(entity);
    }
    return out;
  }
  void note(RowIndex row) {
    const CellIndex cell = rows_[row].cell;
    rows_[row].changed = Version{version_};
    lists_[cell][rows_[row].entity.value] = version_;
    digested_[cell][rows_[row].entity.value] = true;
  }
  void link(RowIndex row, CellIndex cell) {
    logs_[cell].start_version(Version{version_});
    logs_[cell].link(rows_, row, cell);
    note(row);
  }
  void unlink(RowIndex row) {
    const CellIndex cell = rows_[row].cell;
    lists_[cell].erase(rows_[row].entity.value);
    digested_[cell].erase(rows_[row].entity.value);
    logs_[cell].unlink(rows_, row, Digest{});
  }
  void touch(RowIndex row) {
    logs_[rows_[row].cell].start_version(Version{version_});
    logs_[rows_[row].cell].touch(rows_, row);
    note(row);
  }
  void move(RowIndex row, CellIndex to) {
    unlink(row);
    link(row, to);
  }
  void erase(RowIndex row) {
    unlink(row);
    const bool moves = row + 1 != rows_.size();
    rows_[row] = rows_.back();
    rows_.pop_back();
    if (moves) logs_[rows_[row].cell].moved(rows_, row);
  }
  void digest(CellIndex cell) {
    logs_[cell].set_digested(Digest{});
    for (auto& entry : digested_[cell]) entry.second = false;
  }

  Prng random_;
  uint64_t version_ = 1;
  uint64_t entities_ = 0;
  std::vector<Row> rows_;
  std::vector<RowLog> logs_;
  std::vector<std::map<uint64_t, uint64_t>> lists_;  // by cell: entity -> version
  std::vector<std::map<uint64_t, bool>> digested_;   // by cell: entity -> out of date
};

TEST(RowLogModel, RandomChangesAgreeWithMaps) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Model model(seed);
    for (int i = 0; i < 1'500; ++i) {
      model.step();
      model.verify();
      ASSERT_FALSE(testing::Test::HasFatalFailure()) << "step " << i;
    }
  }
}

}  // namespace
}  // namespace ecsdb::store_test
