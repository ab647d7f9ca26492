// Quaternions to and from their smallest three components; scalars are in canonical.h.
#pragma once

#include "ecsdb/schema/canonical.h"

namespace ecsdb {

/// Lanes {index of the largest component, the other three in order}. The sign is flipped so that
/// the largest is positive (q and -q are one rotation); of equals the lowest index is the largest.
/// Each of the others lies in [-1/sqrt(2), 1/sqrt(2)] and becomes
/// floor((c * sqrt(2) + 1) / 2 * (2^bits - 1) + 0.5).
/// kValueOutOfRange for NaN, infinity and the zero quaternion.
Result<LaneValues> quantise_quaternion(unsigned bits, const Quatf& value);
Quatf dequantise_quaternion(unsigned bits, const LaneValues& lanes);

}  // namespace ecsdb
