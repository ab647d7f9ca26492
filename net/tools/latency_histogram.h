// Counts of durations with a relative error below 1.6 %, for percentiles.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "ecsdb/base/time.h"

namespace ecsdb {

/// Buckets: below 64 ns one a nanosecond, above 64 an octave. A value; adding two of them up gives
/// the histogram of all samples. Not thread-safe.
class LatencyHistogram {
 public:
  /// A negative duration counts as 0.
  void add(Duration sample);
  void add(const LatencyHistogram& other);
  void clear() { *this = LatencyHistogram(); }

  uint64_t count() const { return count_; }
  /// The smallest bucket end that at least `permille` of 1000 samples do not exceed; 0 if there are
  /// no samples.
  Duration percentile(uint32_t permille) const;
  double percentile_ms(uint32_t permille) const {
    return static_cast<double>(percentile(permille).ns) / 1e6;
  }

  /// "bucket:count,bucket:count", for another process; empty if there are no samples.
  std::string to_text() const;
  /// Adds what to_text() gave; false, and nothing added, for any other text.
  bool add_text(std::string_view text);

 private:
  std::map<uint32_t, uint64_t> buckets_;
  uint64_t count_ = 0;
};

}  // namespace ecsdb
