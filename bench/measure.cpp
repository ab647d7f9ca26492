#include "measure.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <time.h>

#include "ecsdb/base/check.h"

namespace bench {

int64_t cpu_time_ns() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return int64_t{at.tv_sec} * 1'000'000'000 + at.tv_nsec;
}

double clock_overhead_ns() {
  static const double kOverhead = [] {
    int64_t best = INT64_MAX;
    for (int i = 0; i < 2'000; ++i) {
      const int64_t start = cpu_time_ns();
      best = std::min(best, cpu_time_ns() - start);
    }
    return static_cast<double>(best);
  }();
  return kOverhead;
}

double load_average() {
  double load = -1;
  return getloadavg(&load, 1) == 1 ? load : -1;
}

double Samples::min() const {
  return values_.empty() ? 0 : *std::min_element(values_.begin(), values_.end());
}

double Samples::median() const {
  if (values_.empty()) return 0;
  std::vector<double> sorted = values_;
  std::sort(sorted.begin(), sorted.end());
  const size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

double Samples::percentile(uint32_t permille) const {
  if (values_.empty()) return 0;
  std::vector<double> sorted = values_;
  std::sort(sorted.begin(), sorted.end());
  const size_t rank = (sorted.size() * permille + 999) / 1000;
  return sorted[std::min(std::max<size_t>(rank, 1), sorted.size()) - 1];
}

double Samples::sum() const {
  double sum = 0;
  for (const double value : values_) sum += value;
  return sum;
}

double median_ratio(const Samples& a, const Samples& b) {
  ECSDB_CHECK(a.count() == b.count());
  Samples ratios;
  for (size_t i = 0; i < a.count(); ++i) {
    if (b.at(i) > 0) ratios.add(a.at(i) / b.at(i));
  }
  return ratios.median();
}

namespace {

template <class Combine>
Samples combine(const Samples& a, const Samples& b, Combine&& with) {
  ECSDB_CHECK(a.count() == b.count());
  Samples out;
  for (size_t i = 0; i < a.count(); ++i) out.add(with(a.at(i), b.at(i)));
  return out;
}

}  // namespace

Samples sum_of(const Samples& a, const Samples& b) { return combine(a, b, std::plus<double>()); }
Samples difference_of(const Samples& a, const Samples& b) {
  return combine(a, b, std::minus<double>());
}

}  // namespace bench
