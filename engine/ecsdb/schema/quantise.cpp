#include "ecsdb/schema/quantise.h"

#include <algorithm>
#include <cmath>

#include "ecsdb/schema/lane_codec.h"
#include "ecsdb/schema/number_text.h"

namespace ecsdb {
namespace {

constexpr double kSqrt2 = 1.4142135623730951;

double steps_of_bits(unsigned bits) { return static_cast<double>((uint64_t{1} << bits) - 1); }

}  // namespace

bool try_quantise_scalar(const Quantise& quantise, FieldType type, double value, int64_t& steps) {
  if (quantise.kind == QuantiseKind::kPrecision) {
    return steps_of(value, quantise.precision, limit_of_steps(type), steps);
  }
  ECSDB_CHECK(quantise.kind == QuantiseKind::kRange);
  double low = quantise.min;
  double high = quantise.max;
  if (type != FieldType::kF64) {
    low = std::min(low, static_cast<double>(static_cast<float>(low)));
    high = std::max(high, static_cast<double>(static_cast<float>(high)));
  }
  if (!(value >= low && value <= high)) return false;  // also NaN
  const double top = steps_of_bits(quantise.bits);
  const double exact = (value - quantise.min) * top / (quantise.max - quantise.min) + 0.5;
  steps = floor_of(std::clamp(exact, 0.0, top));
  return true;
}

Result<int64_t> quantise_scalar(const Quantise& quantise, FieldType type, double value) {
  int64_t steps = 0;
  if (try_quantise_scalar(quantise, type, value, steps)) return steps;
  if (quantise.kind == QuantiseKind::kRange) {
    return fail(ErrorCode::kValueOutOfRange, number_text(value) + " is outside of " +
                                                 number_text(quantise.min) + " to " +
                                                 number_text(quantise.max));
  }
  return fail(ErrorCode::kValueOutOfRange,
              number_text(value) + " has no integer step of " + number_text(quantise.precision) +
                  ": keep it within " +
                  number_text_rounded(limit_of_steps(type) * quantise.precision, 6));
}

double dequantise_scalar(const Quantise& quantise, int64_t steps) {
  const double k = static_cast<double>(steps);
  if (quantise.kind == QuantiseKind::kPrecision) return k * quantise.precision;
  ECSDB_CHECK(quantise.kind == QuantiseKind::kRange);
  return quantise.min + k * (quantise.max - quantise.min) / steps_of_bits(quantise.bits);
}

Result<LaneValues> quantise_quaternion(unsigned bits, const Quatf& value) {
  const double part[4] = {static_cast<double>(value.x), static_cast<double>(value.y),
                          static_cast<double>(value.z), static_cast<double>(value.w)};
  double square = 0;
  for (const double p : part) square += p * p;
  if (!std::isfinite(square) || square == 0) {
    return fail(ErrorCode::kValueOutOfRange,
                square == 0 ? "the zero quaternion is no rotation: use (0, 0, 0, 1) for none"
                            : "a rotation with a component that is not finite");
  }
  size_t largest = 0;
  for (size_t i = 1; i < 4; ++i) {
    if (std::fabs(part[i]) > std::fabs(part[largest])) largest = i;
  }
  const double length = part[largest] < 0 ? -std::sqrt(square) : std::sqrt(square);
  const double steps = steps_of_bits(bits);
  LaneValues out;
  out.lane[0] = largest;
  size_t at = 1;
  for (size_t i = 0; i < 4; ++i) {
    if (i == largest) continue;
    const double unit = (part[i] / length * kSqrt2 + 1) / 2;
    out.lane[at++] = static_cast<uint64_t>(std::clamp(std::floor(unit * steps + 0.5), 0.0, steps));
  }
  return out;
}

Quatf dequantise_quaternion(unsigned bits, const LaneValues& lanes) {
  ECSDB_CHECK(lanes.lane[0] < 4);
  const double steps = steps_of_bits(bits);
  const size_t largest = static_cast<size_t>(lanes.lane[0]);
  double part[4] = {0, 0, 0, 0};
  double square = 0;
  size_t at = 1;
  for (size_t i = 0; i < 4; ++i) {
    if (i == largest) continue;
    part[i] = (static_cast<double>(lanes.lane[at++]) / steps * 2 - 1) / kSqrt2;
    square += part[i] * part[i];
  }
  if (square > 1) {
    for (double& p : part) p /= std::sqrt(square);
  } else {
    part[largest] = std::sqrt(1 - square);
  }
  return Quatf{static_cast<float>(part[0]), static_cast<float>(part[1]),
               static_cast<float>(part[2]), static_cast<float>(part[3])};
}

}  // namespace ecsdb
