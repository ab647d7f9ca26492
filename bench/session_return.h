// Bytes to a client that comes back.
#pragma once

#include <cstdint>

#include "ecsdb/base/result.h"

#include "report.h"

namespace bench {

/// A map of a square kilometre with so many walking rows of position and health in one packed cell;
/// the same `changes` of them change in each of `missed` publishes that a client misses. What it
/// then gets. kDigestMismatch if it does not show what the server has.
ecsdb::Status measure_return(uint64_t rows, uint64_t changes, uint64_t missed, uint64_t seed,
                             Report& report);

}  // namespace bench
