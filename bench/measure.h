// Time and memory as the benchmarks see them, and what is made of repeated measurements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench {

/// CPU time of the calling thread in nanoseconds. Preemption by other programs does not count; what
/// they do to shared caches does.
int64_t cpu_time_ns();
/// What an empty measurement shows; time_ns() subtracts it.
double clock_overhead_ns();
/// Programs ready to run on this machine, averaged over the last minute; -1 where it is not known.
double load_average();

/// CPU time of one call, never negative.
template <class Call>
double time_ns(Call&& call) {
  const double overhead = clock_overhead_ns();
  const int64_t start = cpu_time_ns();
  call();
  const double spent = static_cast<double>(cpu_time_ns() - start) - overhead;
  return spent > 0 ? spent : 0;
}

/// Makes the compiler believe that the memory behind `at` is read here.
inline void keep(const void* at) { asm volatile("" : : "r"(at) : "memory"); }

/// Allocations by operator new since the start of the program.
uint64_t allocations();

/// Values of one figure, one a block. Order of adding is the block number, so that two figures can
/// be compared pair by pair.
class Samples {
 public:
  void add(double value) { values_.push_back(value); }
  size_t count() const { return values_.size(); }
  double at(size_t block) const { return values_[block]; }
  /// 0 without values.
  double min() const;
  double median() const;
  /// The smallest value that at least `permille` of 1000 values do not exceed; 0 without values.
  double percentile(uint32_t permille) const;
  double sum() const;

 private:
  std::vector<double> values_;
};

/// Median over blocks of a / b: noise that hits both halves of a pair falls out. Both have the same
/// number of values; pairs with b == 0 are left out.
double median_ratio(const Samples& a, const Samples& b);
/// Block by block, a + b and a - b.
Samples sum_of(const Samples& a, const Samples& b);
Samples difference_of(const Samples& a, const Samples& b);

}  // namespace bench
