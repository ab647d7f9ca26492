#include "ecsdb/store/history.h"

#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <map>

#include "ecsdb/base/prng.h"

namespace ecsdb {
namespace {

TEST(LaneState, FirstChangeSetsTheMagnitude) {
  EXPECT_EQ(next_lane_state({}, 5, 5, 5), (LaneState{20, 0}));
  EXPECT_EQ(next_lane_state({}, 64, 64, 64), (LaneState{kMagnitudeMax, 0}));
}

TEST(LaneState, MagnitudeIsARunningMeanOfWhatWasCoded) {
  EXPECT_EQ(next_lane_state({20, 0}, 3, 3, 3), (LaneState{16, 0}));
  EXPECT_EQ(next_lane_state({20, 0}, 3, 9, 9), (LaneState{28, -1}));
  EXPECT_EQ(next_lane_state({1, 0}, 0, 0, 0).magnitude, 0);
}

TEST(LaneState, TrendFollowsTheBetterPredictionAndIsBounded) {
  LaneState state{20, 0};
  for (const int trend : {1, 2, 2}) {
    state = next_lane_state(state, 5, 1, 5);
    EXPECT_EQ(state.trend, trend);
  }
  for (const int trend : {1, 0, -1, -2, -2}) {
    state = next_lane_state(state, 1, 5, 5);
    EXPECT_EQ(state.trend, trend);
  }
  EXPECT_EQ(next_lane_state(state, 4, 4, 4).trend, -2);
}

TEST(FloatOrder, KeepsTheOrderAndIsItsOwnInverse) {
  const float rising[] = {-INFINITY, -3e38f, -1, -1e-40f, -0.0f, 0.0f, 1e-40f, 1, 3e38f, INFINITY};
  for (size_t i = 1; i < std::size(rising); ++i) {
    const uint32_t low = float_order(std::bit_cast<uint32_t>(rising[i - 1]));
    const uint32_t high = float_order(std::bit_cast<uint32_t>(rising[i]));
    EXPECT_LT(static_cast<int32_t>(low), static_cast<int32_t>(high)) << rising[i];
    EXPECT_EQ(float_order(high), std::bit_cast<uint32_t>(rising[i]));
  }
  const double wide[] = {-1e300, -2, -0.0, 0.0, 5e-324, 7};
  for (size_t i = 1; i < std::size(wide); ++i) {
    const uint64_t low = float_order(std::bit_cast<uint64_t>(wide[i - 1]));
    const uint64_t high = float_order(std::bit_cast<uint64_t>(wide[i]));
    EXPECT_LT(static_cast<int64_t>(low), static_cast<int64_t>(high)) << wide[i];
    EXPECT_EQ(float_order(high), std::bit_cast<uint64_t>(wide[i]));
  }
}

/// The same by a map and without cleverness.
class PlainHistory {
 public:
  void change(uint32_t index) {
    const auto found = rows_.find(index);
    changed_[index] = found != rows_.end() && found->second.stamp == publishes_;
  }
  void remove(uint32_t index) { removed_.push_back(index); }
  void finish() {
    ++publishes_;
    for (const uint32_t index : removed_) rows_.erase(index);
    for (const auto& [index, is_steady] : changed_) rows_[index] = {index, publishes_, is_steady};
    for (auto at = rows_.begin(); at != rows_.end();) {
      const uint32_t age = publishes_ + 1 - at->second.stamp;
      at->second.is_steady = at->second.is_steady && age == 1;
      at = age > kHistoryPublishes ? rows_.erase(at) : std::next(at);
    }
    changed_.clear();
    removed_.clear();
  }
  std::vector<RecentRow> recent() const {
    std::vector<RecentRow> out;
    for (const auto& entry : rows_) out.push_back(entry.second);
    return out;
  }

 private:
  uint32_t publishes_ = 0;
  std::map<uint32_t, RecentRow> rows_;
  std::map<uint32_t, bool> changed_;
  std::vector<uint32_t> removed_;
};

TEST(CellHistory, IsThatOfAPlainModel) {
  Prng random(8);
  CellHistory history;
  PlainHistory model;
  for (int publish = 0; publish < 2000; ++publish) {
    std::vector<RecentRow> added;
    std::vector<uint32_t> removed;
    const uint32_t next = history.publishes() + 1;
    const uint64_t mood = random.below(8);
    for (uint32_t index = 0; index < 40; ++index) {
      const uint64_t what = random.below(20);
      if (what == 0 && mood == 0) {
        removed.push_back(index);
        model.remove(index);
      } else if (what <= mood) {
        model.change(index);
        const RecentRow* row = history.find(index);
        if (row == nullptr) {
          added.push_back({index, next, false});
        } else {
          history.touch(static_cast<size_t>(row - history.recent().data()));
        }
      }
    }
    history.finish(next, added, removed);
    model.finish();
    const std::vector<RecentRow> expected = model.recent();
    ASSERT_TRUE(std::equal(history.recent().begin(), history.recent().end(), expected.begin(),
                           expected.end()))
        << publish;
  }
}

TEST(CellHistory, RowThatGoesAndOneThatTakesItsIndexIsNew) {
  CellHistory history;
  const RecentRow first[] = {{3, 1, false}, {5, 1, false}};
  history.finish(1, first, {});
  history.touch(0);
  history.touch(1);
  const uint32_t gone[] = {3, 5};
  const RecentRow again[] = {{5, 2, false}};
  history.finish(2, again, gone);
  ASSERT_EQ(history.recent().size(), 1u);
  EXPECT_EQ(history.recent()[0], (RecentRow{5, 2, false}));
  EXPECT_EQ(history.find(3), nullptr);
  EXPECT_EQ(history.find(5), history.recent().data());
}

TEST(CellHistory, PublishNumbersMayWrapAround) {
  CellHistory history;
  history.set_publishes(0xfffffffe);
  const RecentRow row[] = {{1, 0xffffffff, false}};
  history.finish(0xffffffff, row, {});
  EXPECT_EQ(history.recent()[0].age(0), 1u);
  for (uint32_t publish = 0; publish < 7; ++publish) history.finish(publish, {}, {});
  EXPECT_EQ(history.recent().size(), 1u);
  history.finish(7, {}, {});
  EXPECT_TRUE(history.recent().empty());
}

}  // namespace
}  // namespace ecsdb
