// Deterministic random numbers: the same on every compiler, integers only.
#pragma once

#include <cstdint>
#include <string_view>

namespace ecsdb {

/// xoshiro256** (Blackman and Vigna, public domain), seeded by splitmix64. A value type: copying it
/// forks the sequence. Not for secrets.
class Prng {
 public:
  explicit Prng(uint64_t seed);

  uint64_t next();
  /// Uniform in [0, bound); bound > 0. Unbiased (Lemire's multiply and reject).
  uint64_t below(uint64_t bound);
  /// Uniform in [low, high], both included.
  int64_t between(int64_t low, int64_t high);
  /// True with probability numerator / denominator.
  bool chance(uint64_t numerator, uint64_t denominator);
  /// Exponentially distributed with the given mean, capped at 32 times the mean; integer arithmetic
  /// only, so it is the same everywhere.
  int64_t exponential(int64_t mean);

  /// An independent stream that depends on this generator's seed, a name and an index only, not on
  /// how many numbers were drawn: adding a consumer leaves the others unchanged.
  Prng stream(std::string_view name, uint64_t index = 0) const;

  /// For state hashes.
  uint64_t state_digest() const;

 private:
  uint64_t seed_;
  uint64_t state_[4];
};

}  // namespace ecsdb
