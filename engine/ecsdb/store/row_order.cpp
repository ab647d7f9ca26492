#include "ecsdb/store/row_order.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace ecsdb {
namespace {

constexpr size_t kDigitsFrom = 256;  // entries; below, comparing is faster
constexpr unsigned kDigitBits = 12;

}  // namespace

void RowOrder::sort() {
  uint32_t most = 0;
  bool rises = true;
  for (const Entry entry : entries_) {
    rises = rises && most <= entry.index();
    most = std::max(most, entry.index());
  }
  if (rises) return;
  if (entries_.size() < kDigitsFrom) return std::sort(entries_.begin(), entries_.end());
  sort_by_digits(static_cast<unsigned>(std::bit_width(most)));
}

/// Radix sort, the low digit first.
void RowOrder::sort_by_digits(unsigned index_bits) {
  const unsigned passes = (index_bits + kDigitBits - 1) / kDigitBits;
  const unsigned digit_bits = (index_bits + passes - 1) / passes;
  const uint32_t mask = (uint32_t{1} << digit_bits) - 1;
  other_.resize(entries_.size());
  for (unsigned pass = 0; pass < passes; ++pass) {
    const unsigned shift = pass * digit_bits;
    starts_.assign(size_t{mask} + 1, 0);
    for (const Entry entry : entries_) ++starts_[entry.index() >> shift & mask];
    uint32_t start = 0;
    for (uint32_t& count : starts_) start += std::exchange(count, start);
    for (const Entry entry : entries_) other_[starts_[entry.index() >> shift & mask]++] = entry;
    entries_.swap(other_);
  }
}

}  // namespace ecsdb
