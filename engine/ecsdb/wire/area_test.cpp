#include "ecsdb/wire/area.h"

#include <gtest/gtest.h>

#include "ecsdb/base/prng.h"
#include "ecsdb/schema/schema_builder.h"

namespace ecsdb {
namespace {

constexpr int64_t kLeast = INT64_MIN;
constexpr int64_t kMost = INT64_MAX;
constexpr AreaReach kArea = AreaReach::kArea;
constexpr AreaReach kWithMargin = AreaReach::kWithMargin;

Area ball(GridPoint center, int64_t radius, uint64_t margin = 0) {
  return {SelectorKind::kBall, center, {radius, 0, 0}, margin};
}
Area range(GridPoint center, GridPoint extent, uint64_t margin = 0) {
  return {SelectorKind::kRange, center, extent, margin};
}

TEST(Area, ABallHasItsSurfaceInside) {
  const Area area = ball({10, 20, 30}, 5, 2);
  EXPECT_TRUE(area.contains({15, 20, 30}, kArea));
  EXPECT_TRUE(area.contains({13, 24, 30}, kArea));
  EXPECT_FALSE(area.contains({13, 24, 31}, kArea));
  EXPECT_FALSE(area.contains({16, 20, 30}, kArea));
  EXPECT_TRUE(area.contains({17, 20, 30}, kWithMargin));
  EXPECT_FALSE(area.contains({18, 20, 30}, kWithMargin));
  EXPECT_TRUE(ball({1, 1, 1}, 0).contains({1, 1, 1}, kArea));
  EXPECT_FALSE(ball({1, 1, 1}, 0).contains({1, 1, 2}, kArea));
}

TEST(Area, ARangeHasItsFacesInsideAndAMarginAtEach) {
  const Area area = range({0, 0, 0}, {3, 2, 1}, 4);
  EXPECT_TRUE(area.contains({-3, 2, 1}, kArea));
  EXPECT_FALSE(area.contains({-4, 0, 0}, kArea));
  EXPECT_FALSE(area.contains({0, 0, 2}, kArea));
  EXPECT_TRUE(area.contains({7, -6, 5}, kWithMargin));
  EXPECT_FALSE(area.contains({7, -6, 6}, kWithMargin));
}

TEST(Area, OnlyGridCellsAreTouched) {
  EXPECT_TRUE(ball({0, 0, 0}, 1).touches(CellKey::grid(0, 0), 10, kArea));
  EXPECT_FALSE(ball({0, 0, 0}, 1).touches(CellKey::none(), 10, kArea));
  EXPECT_FALSE(ball({0, 0, 0}, 1).touches(CellKey::value(0), 10, kArea));
}

// Whatever the numbers: a cell is touched exactly if one of its points is inside, and the keys are
// the outermost touched ones.
TEST(Area, TouchedCellsAreThoseWithAPointInside) {
  Prng rng(7);
  for (int round = 0; round < 60; ++round) {
    const int64_t steps = rng.between(1, 5);
    Area area = ball({rng.between(-9, 9), rng.between(-9, 9), rng.between(-4, 4)},
                     rng.between(0, 8), rng.below(4));
    if (round % 2 == 0) {
      area.kind = SelectorKind::kRange;
      area.extent = {rng.between(0, 8), rng.between(0, 8), rng.between(0, 4)};
    }
    for (const AreaReach reach : {kArea, kWithMargin}) {
      const Area::Keys keys = area.keys(steps, reach);
      std::map<CellKey, bool> inside;
      for (int64_t x = -21; x <= 21; ++x) {
        for (int64_t y = -21; y <= 21; ++y) {
          for (int64_t z = -16; z <= 16; ++z) {
            const auto key_of = [&](int64_t part) { return (part + 100 * steps) / steps - 100; };
            inside[CellKey::grid(key_of(x), key_of(y), key_of(z))] |=
                area.contains({x, y, z}, reach);
          }
        }
      }
      CellKey low = CellKey::grid(99, 99, 99);
      CellKey high = CellKey::grid(-99, -99, -99);
      for (const auto& [key, is_inside] : inside) {
        ASSERT_EQ(area.touches(key, steps, reach), is_inside) << key.to_string();
        if (!is_inside) continue;
        low = CellKey::grid(std::min(low.x, key.x), std::min(low.y, key.y), std::min(low.z, key.z));
        high = CellKey::grid(std::max(high.x, key.x), std::max(high.y, key.y),
                             std::max(high.z, key.z));
      }
      ASSERT_EQ(keys, (Area::Keys{low, high}));
    }
  }
}

TEST(Area, NumbersAtTheirEndsAreExact) {
  const GridPoint least{kLeast, kLeast, kLeast};
  const GridPoint most{kMost, kMost, kMost};
  EXPECT_FALSE(ball(least, kMost).contains({0, kLeast, kLeast}, kArea));
  EXPECT_TRUE(ball(least, kMost).contains({-1, kLeast, kLeast}, kArea));
  EXPECT_TRUE(ball(least, kMost, 1).contains({0, kLeast, kLeast}, kWithMargin));
  // The diagonal is longer than every radius: its square does not fit 128 bits.
  EXPECT_FALSE(ball(least, kMost, ~uint64_t{0}).contains(most, kWithMargin));
  EXPECT_TRUE(ball(least, kMost, ~uint64_t{0}).contains({kMost, kLeast, kLeast}, kWithMargin));
  EXPECT_TRUE(range(least, most, ~uint64_t{0}).contains(most, kWithMargin));
  EXPECT_FALSE(range(least, most).contains(most, kArea));
  EXPECT_TRUE(range({0, 0, 0}, most).contains(most, kArea));
  EXPECT_FALSE(range({0, 0, 0}, most).contains(least, kArea));
  EXPECT_TRUE(range({0, 0, 0}, most, 1).contains(least, kWithMargin));
}

TEST(Area, CellsAtTheEndsOfNumbersAreTouchedExactly) {
  const int64_t steps = 1000;
  // The outermost cells reach beyond the numbers.
  const CellKey first = CellKey::grid(kLeast / steps - 1, 0);
  const CellKey last = CellKey::grid(kMost / steps, 0);
  EXPECT_TRUE(ball({kLeast, 0, 0}, 0).touches(first, steps, kArea));
  EXPECT_FALSE(ball({kLeast + 1000, 0, 0}, 0).touches(first, steps, kArea));
  EXPECT_TRUE(ball({kMost, 0, 0}, 0).touches(last, steps, kArea));
  EXPECT_FALSE(ball({kMost - 1000, 0, 0}, 0).touches(last, steps, kArea));
  const Area all = range({0, 0, 0}, {kMost, kMost, kMost}, ~uint64_t{0});
  EXPECT_TRUE(all.touches(first, steps, kWithMargin) && all.touches(last, steps, kWithMargin));
  EXPECT_EQ(all.keys(steps, kWithMargin).low.x, first.x);
  EXPECT_EQ(all.keys(steps, kWithMargin).high.x, last.x);
  EXPECT_EQ(all.keys(1, kWithMargin).low.x, kLeast);
  for (const int64_t key : {kLeast, kLeast + 1, int64_t{-1}, int64_t{0}, kMost - 1, kMost}) {
    for (const int64_t edge : {int64_t{1}, int64_t{2}, kMost}) {
      EXPECT_TRUE(all.touches(CellKey::grid(key, key, key), edge, kWithMargin));
    }
  }
}

class AreaCheck : public ::testing::Test {
 protected:
  Schema schema_ = SchemaBuilder("s")
                       .table(1, "flat")
                       .grid("pos", 10)
                       .field(1, "pos", FieldType::kVec2f)
                       .precision(0.5)
                       .table(2, "follower")
                       .follow("flat")
                       .field(1, "number", FieldType::kU32)
                       .table(3, "space")
                       .grid("at", 4)
                       .field(1, "at", FieldType::kVec3f)
                       .precision(1)
                       .table(4, "plain")
                       .field(1, "number", FieldType::kU32)
                       .build()
                       .value();
  static Subscription of(SelectorKind kind, SubscriptionArea area) {
    Subscription s;
    s.kind = kind;
    s.area = {area};
    return s;
  }
  ErrorCode check(uint16_t table, const Subscription& s) {
    const Status status = check_area(schema_, table, s);
    return status.ok() ? ErrorCode::kOk : status.code();
  }
};

TEST_F(AreaCheck, GridsAreOwnOrFollowed) {
  EXPECT_EQ(area_grid(schema_, 0)->table, 0u);
  EXPECT_EQ(area_grid(schema_, 0)->steps, 20);
  EXPECT_FALSE(area_grid(schema_, 0)->has_z());
  EXPECT_EQ(area_grid(schema_, 1)->table, 0u);
  EXPECT_TRUE(area_grid(schema_, 2)->has_z());
  EXPECT_FALSE(area_grid(schema_, 3).has_value());
}

TEST_F(AreaCheck, AreasMustFitKindAndTable) {
  const SubscriptionArea fits{{}, {1, 2, 0}, {3, 0, 0}, 4};
  for (const SelectorKind kind : {SelectorKind::kBall, SelectorKind::kRange}) {
    EXPECT_EQ(check(0, of(kind, fits)), ErrorCode::kOk);
    EXPECT_EQ(check(1, of(kind, fits)), ErrorCode::kOk);
    EXPECT_EQ(check(2, of(kind, fits)), ErrorCode::kOk);
    EXPECT_EQ(check(3, of(kind, fits)), ErrorCode::kTypeMismatch);
    Subscription odd = of(kind, fits);
    odd.area.clear();
    EXPECT_EQ(check(0, odd), ErrorCode::kTypeMismatch);
    odd = of(kind, fits);
    odd.keys = {CellKey::grid(0, 0)};
    EXPECT_EQ(check(0, odd), ErrorCode::kTypeMismatch);
    for (const GridPoint& extent : {GridPoint{-1, 0, 0}, GridPoint{kLeast, 0, 0},
                                    GridPoint{0, -1, 0}, GridPoint{0, 0, kLeast}}) {
      EXPECT_EQ(check(2, of(kind, {{}, {}, extent, 0})), ErrorCode::kTypeMismatch);
    }
    EXPECT_EQ(check(0, of(kind, {{}, {0, 0, 1}, {1, 0, 0}, 0})), ErrorCode::kTypeMismatch);
    EXPECT_EQ(check(2, of(kind, {{}, {0, 0, 1}, {1, 0, 0}, 0})), ErrorCode::kOk);
  }
  EXPECT_EQ(check(2, of(SelectorKind::kBall, {{}, {}, {1, 1, 0}, 0})), ErrorCode::kTypeMismatch);
  EXPECT_EQ(check(2, of(SelectorKind::kRange, {{}, {}, {1, 1, 1}, 0})), ErrorCode::kOk);
  EXPECT_EQ(check(0, of(SelectorKind::kRange, {{}, {}, {1, 1, 1}, 0})), ErrorCode::kTypeMismatch);
  for (const SelectorKind kind : {SelectorKind::kAll, SelectorKind::kKeys, SelectorKind::kBox}) {
    EXPECT_EQ(check(0, of(kind, fits)), ErrorCode::kTypeMismatch);
  }
}

}  // namespace
}  // namespace ecsdb
