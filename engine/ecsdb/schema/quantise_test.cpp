#include "ecsdb/schema/quantise.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "ecsdb/base/prng.h"

namespace ecsdb {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Quantise precision(double step) { return {QuantiseKind::kPrecision, step, 0, 0, 0}; }
Quantise range(double min, double max, uint8_t bits) {
  return {QuantiseKind::kRange, 0, min, max, bits};
}

TEST(QuantisePrecision, HalvesRoundUp) {
  const Quantise half = precision(0.5);
  const std::pair<double, int64_t> cases[] = {{0, 0},     {-0.0, 0},   {0.25, 1},   {-0.25, 0},
                                              {0.24, 0},  {-0.26, -1}, {-0.75, -1}, {0.75, 2},
                                              {100, 200}, {-100, -200}};
  for (const auto& [value, steps] : cases) {
    EXPECT_EQ(*quantise_scalar(half, FieldType::kF32, value), steps) << value;
  }
}

TEST(QuantisePrecision, LimitsOfTheIntegerAreErrors) {
  const Quantise one = precision(1);
  EXPECT_EQ(*quantise_scalar(one, FieldType::kF32, 2147483647.0), 2147483647);
  EXPECT_EQ(*quantise_scalar(one, FieldType::kF32, -2147483648.0), -2147483648LL);
  EXPECT_EQ(*quantise_scalar(one, FieldType::kF64, -9223372036854775808.0), INT64_MIN);
  EXPECT_EQ(*quantise_scalar(one, FieldType::kF64, 2147483648.0), 2147483648LL);
  for (const double bad : {2147483648.0, -2147483649.0, 1e300, kInfinity, -kInfinity, kNan}) {
    EXPECT_EQ(quantise_scalar(one, FieldType::kF32, bad).code(), ErrorCode::kValueOutOfRange);
  }
  for (const double bad : {9223372036854775808.0, 1e300, kInfinity, kNan}) {
    EXPECT_EQ(quantise_scalar(one, FieldType::kF64, bad).code(), ErrorCode::kValueOutOfRange);
  }
  EXPECT_FALSE(quantise_scalar(precision(1e-30), FieldType::kF64, 1e300).ok());  // overflows
}

TEST(QuantisePrecision, StepsAreTheFloorOfWhatTheDesignSays) {
  Prng rng(2);
  for (const double step : {0.01, 0.5, 3.0, 1e-9}) {
    for (int i = 0; i < 20'000; ++i) {
      // Near a border between two steps, by a few bits of the double.
      double value = (static_cast<double>(rng.between(-2'000'000, 2'000'000)) + 0.5) * step;
      for (int64_t nudges = rng.between(-3, 3); nudges != 0; nudges += nudges < 0 ? 1 : -1) {
        value = std::nextafter(value, nudges < 0 ? -kInfinity : kInfinity);
      }
      const double expected = std::floor(value / step + 0.5);
      EXPECT_EQ(*quantise_scalar(precision(step), FieldType::kF64, value),
                static_cast<int64_t>(expected));
    }
  }
}

TEST(QuantisePrecision, FloatRoundTripsBelowItsOwnPrecision) {
  Prng rng(1);
  for (const double step : {0.01, 0.001, 1.0 / 3, 1e-30, 1e25}) {
    const Quantise quantise = precision(step);
    for (int i = 0; i < 2000; ++i) {
      const int64_t k = rng.between(-(1 << 23) + 1, (1 << 23) - 1);
      const auto value = static_cast<float>(dequantise_scalar(quantise, k));
      EXPECT_EQ(*quantise_scalar(quantise, FieldType::kF32, static_cast<double>(value)), k);
    }
  }
}

TEST(QuantiseRange, EndsAndHalves) {
  const Quantise q = range(-1, 1, 8);
  EXPECT_EQ(*quantise_scalar(q, FieldType::kF32, -1), 0);
  EXPECT_EQ(*quantise_scalar(q, FieldType::kF32, 1), 255);
  EXPECT_EQ(*quantise_scalar(q, FieldType::kF32, 0), 128);  // 127.5 rounds up
  EXPECT_EQ(dequantise_scalar(q, 0), -1.0);
  EXPECT_EQ(dequantise_scalar(q, 255), 1.0);
  for (const double bad : {-1.0001, 1.0001, kInfinity, -kInfinity, kNan}) {
    EXPECT_EQ(quantise_scalar(q, FieldType::kF32, bad).code(), ErrorCode::kValueOutOfRange);
  }
  const Quantise one_bit = range(0, 10, 1);
  EXPECT_EQ(*quantise_scalar(one_bit, FieldType::kF64, 4.9), 0);
  EXPECT_EQ(*quantise_scalar(one_bit, FieldType::kF64, 5), 1);
  EXPECT_EQ(*quantise_scalar(range(0, 1, 32), FieldType::kF64, 1), 4294967295LL);
}

TEST(QuantiseRange, EndsThatAFloatCannotHoldRoundTrip) {
  const Quantise q = range(0.7, 1.3, 8);  // 0.7f is below 0.7
  for (const int64_t k : {0, 1, 254, 255}) {
    const auto value = static_cast<float>(dequantise_scalar(q, k));
    EXPECT_EQ(*quantise_scalar(q, FieldType::kF32, static_cast<double>(value)), k);
  }
  EXPECT_FALSE(quantise_scalar(q, FieldType::kF64, static_cast<double>(0.7f)).ok());
}

TEST(QuantiseRange, EveryStepRoundTrips) {
  for (const uint8_t bits : {uint8_t{1}, uint8_t{2}, uint8_t{7}, uint8_t{12}}) {
    const Quantise q = range(-3.3, 17.1, bits);
    for (int64_t k = 0; k < int64_t{1} << bits; ++k) {
      const auto value = static_cast<float>(dequantise_scalar(q, k));
      ASSERT_EQ(*quantise_scalar(q, FieldType::kF32, static_cast<double>(value)), k);
    }
  }
}

Quatf random_rotation(Prng& rng) {
  const auto part = [&] { return static_cast<float>(rng.between(-1000, 1000)) / 1000.0f; };
  Quatf q{part(), part(), part(), part()};
  if (q == Quatf{0, 0, 0, 0}) q.w = 1;
  return q;
}

/// |cosine| of half the angle between two rotations: 1 if they are the same.
double likeness(const Quatf& a, const Quatf& b) {
  const double x[4] = {static_cast<double>(a.x), static_cast<double>(a.y), static_cast<double>(a.z),
                       static_cast<double>(a.w)};
  const double y[4] = {static_cast<double>(b.x), static_cast<double>(b.y), static_cast<double>(b.z),
                       static_cast<double>(b.w)};
  double dot = 0, xx = 0, yy = 0;
  for (int i = 0; i < 4; ++i) {
    dot += x[i] * y[i];
    xx += x[i] * x[i];
    yy += y[i] * y[i];
  }
  return std::fabs(dot) / std::sqrt(xx * yy);
}

TEST(QuantiseQuaternion, RandomRotationsStayClose) {
  Prng rng(2);
  for (const unsigned bits : {2u, 5u, 8u, 9u, 10u, 16u}) {
    const double step = 1.0 / ((1u << bits) - 1);
    for (int i = 0; i < 2000; ++i) {
      const Quatf q = random_rotation(rng);
      const LaneValues lanes = *quantise_quaternion(bits, q);
      EXPECT_LT(lanes.lane[0], 4u);
      for (int k = 1; k < 4; ++k) EXPECT_LT(lanes.lane[k], 1u << bits);
      const Quatf back = dequantise_quaternion(bits, lanes);
      // Each of three components is off by at most step / sqrt(2), the fourth follows.
      EXPECT_GT(likeness(q, back), 1 - 8 * step * step - 1e-6) << bits;
      EXPECT_NEAR(likeness(back, back), 1, 1e-6);
    }
  }
}

TEST(QuantiseQuaternion, LanesRoundTripUnlessTwoComponentsTieForLargest) {
  Prng rng(3);
  int changed = 0;
  for (int i = 0; i < 10000; ++i) {
    const LaneValues lanes = *quantise_quaternion(10, random_rotation(rng));
    const Quatf back = dequantise_quaternion(10, lanes);
    const LaneValues again = *quantise_quaternion(10, back);
    if (again == lanes) continue;
    ++changed;
    const float part[4] = {std::fabs(back.x), std::fabs(back.y), std::fabs(back.z),
                           std::fabs(back.w)};
    EXPECT_NE(again.lane[0], lanes.lane[0]);
    EXPECT_NEAR(static_cast<double>(part[again.lane[0]]), static_cast<double>(part[lanes.lane[0]]),
                3.0 / 1023);
    EXPECT_GT(likeness(back, dequantise_quaternion(10, again)), 1 - 1e-5);
  }
  EXPECT_LT(changed, 200);
}

TEST(QuantiseQuaternion, SignAndTiesAreSettled) {
  const LaneValues identity = *quantise_quaternion(8, Quatf{0, 0, 0, 1});
  EXPECT_EQ(identity, (LaneValues{{3, 128, 128, 128}}));
  EXPECT_EQ(*quantise_quaternion(8, Quatf{0, 0, 0, -5}), identity);
  EXPECT_EQ(quantise_quaternion(8, Quatf{1, 1, 1, 1})->lane[0], 0u);
  EXPECT_EQ(quantise_quaternion(8, Quatf{0, 1, -1, 0})->lane[0], 1u);
  const Quatf q{0.1f, -0.9f, 0.3f, 0.2f};
  EXPECT_EQ(*quantise_quaternion(12, q), *quantise_quaternion(12, Quatf{-q.x, -q.y, -q.z, -q.w}));
  EXPECT_EQ(*quantise_quaternion(12, q),
            *quantise_quaternion(12, Quatf{q.x * 8, q.y * 8, q.z * 8, q.w * 8}));
}

TEST(QuantiseQuaternion, ZeroAndNotFiniteAreErrors) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const Quatf bad : {Quatf{0, 0, 0, 0}, Quatf{nan, 0, 0, 1}, Quatf{0, infinity, 0, 1}}) {
    EXPECT_EQ(quantise_quaternion(8, bad).code(), ErrorCode::kValueOutOfRange);
  }
  const float tiny = std::numeric_limits<float>::denorm_min();
  EXPECT_EQ(quantise_quaternion(8, Quatf{0, 0, 0, tiny})->lane[0], 3u);
  const float huge = std::numeric_limits<float>::max();
  EXPECT_EQ(quantise_quaternion(8, Quatf{huge, huge, huge, huge})->lane[0], 0u);
}

TEST(QuantiseQuaternion, ImpossibleLanesComeBackNormalised) {
  const Quatf q = dequantise_quaternion(8, LaneValues{{2, 255, 255, 255}});
  const double length = static_cast<double>(q.x) * static_cast<double>(q.x) +
                        static_cast<double>(q.y) * static_cast<double>(q.y) +
                        static_cast<double>(q.w) * static_cast<double>(q.w);
  EXPECT_EQ(q.z, 0.0f);
  EXPECT_NEAR(length, 1, 1e-6);
}

}  // namespace
}  // namespace ecsdb
