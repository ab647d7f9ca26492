#include "ecsdb/client/area_steps.h"

#include <gtest/gtest.h>
#include <limits>

#include "ecsdb/client/test_fixture.h"

namespace ecsdb::client_test {
namespace {

AreaSpec spec(AreaPoint center, AreaPoint extent, SelectorKind kind = SelectorKind::kRange) {
  return {kind, center, extent, {}};
}

TEST(AreaInSteps, PointsAndLengthsBecomeSteps) {
  const Schema schema = harbour().build().value();
  AreaSpec asked = spec({10.2, -3, 99}, {4, 0.3, 7});
  asked.options.margin = 2;
  const auto shape = area_in_steps(schema, kCargo, asked);
  ASSERT_TRUE(shape.ok());
  EXPECT_EQ(shape->grid.table, kShip);
  EXPECT_EQ(shape->area, (Area{SelectorKind::kRange, {20, -6, 0}, {8, 1, 0}, 4}));
  asked.kind = SelectorKind::kBall;
  EXPECT_EQ(area_in_steps(schema, kShip, asked)->area.extent, (GridPoint{8, 0, 0}));
}

TEST(AreaInSteps, WhatIsNoPlaceOrLengthIsRefused) {
  const Schema schema = harbour().build().value();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(area_in_steps(schema, kChat, spec({}, {1, 1})).code(), ErrorCode::kTypeMismatch);
  for (const double bad : {nan, infinity, -infinity, 1e12}) {
    EXPECT_EQ(area_in_steps(schema, kShip, spec({bad, 0}, {1, 1})).code(),
              ErrorCode::kValueOutOfRange);
    EXPECT_EQ(area_in_steps(schema, kShip, spec({0, bad}, {1, 1})).code(),
              ErrorCode::kValueOutOfRange);
    EXPECT_TRUE(area_in_steps(schema, kShip, spec({0, 0, bad}, {1, 1})).ok());  // it is flat
  }
  for (const double bad : {nan, -infinity, -0.001}) {
    EXPECT_FALSE(area_in_steps(schema, kShip, spec({}, {bad, 1})).ok());
    EXPECT_FALSE(area_in_steps(schema, kShip, spec({}, {1, bad})).ok());
    EXPECT_TRUE(area_in_steps(schema, kShip, spec({}, {1, bad}, SelectorKind::kBall)).ok());
    AreaSpec margin = spec({}, {1, 1});
    margin.options.margin = bad;
    EXPECT_FALSE(area_in_steps(schema, kShip, margin).ok());
  }
  for (const double huge : {1e300, infinity}) {
    EXPECT_EQ(area_in_steps(schema, kShip, spec({}, {huge, 1}))->area.extent.x, INT64_MAX);
  }
}

TEST(AreaInSteps, APlaceInStepsGoesBackAndForth) {
  const Schema schema = harbour().build().value();
  const AreaGrid grid = *area_grid(schema, kShip);
  const AreaPoint place = area_point(schema, grid, {-7, 123456, 0});
  EXPECT_EQ(place, (AreaPoint{-3.5, 61728}));
  EXPECT_EQ(area_in_steps(schema, kShip, spec(place, {}))->area.center, (GridPoint{-7, 123456, 0}));
}

}  // namespace
}  // namespace ecsdb::client_test
