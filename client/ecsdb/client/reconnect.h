// When to dial again.
#pragma once

#include <algorithm>

#include "ecsdb/base/mutant.h"
#include "ecsdb/base/prng.h"
#include "ecsdb/base/time.h"

namespace ecsdb {

struct ReconnectOptions {
  Duration delay_min;
  Duration delay_max;
  Duration delay_clean;
};

/// Capped exponential back-off with jitter, so that clients that lost one server together do not
/// come back together. Reset by success.
class Reconnect {
 public:
  Reconnect(ReconnectOptions options, Prng rng) : options_(options), rng_(rng) {}

  void on_success() {
    if (!ECSDB_MUTANT(unbounded_backoff)) failures_ = 0;
  }
  /// The delay before the next try.
  Duration on_closed(bool clean) {
    if (clean) return Duration{rng_.between(0, options_.delay_clean.ns)};
    Duration delay = options_.delay_min;
    for (int i = 0; i < failures_ && delay < options_.delay_max; ++i) delay = delay * 2;
    if (ECSDB_MUTANT(unbounded_backoff)) {
      delay = options_.delay_min * (int64_t{1} << std::min(failures_, 20));
    } else {
      delay = std::min(delay, options_.delay_max);
    }
    ++failures_;
    return Duration{rng_.between(delay.ns / 2, delay.ns)};
  }

 private:
  ReconnectOptions options_;
  Prng rng_;
  int failures_ = 0;
};

}  // namespace ecsdb
