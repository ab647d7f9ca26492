#include "ecsdb/store/row_order.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "ecsdb/store/directory.h"

namespace ecsdb {
namespace {

constexpr size_t kDigitsFrom = 256;  // entries; below, comparing is faster
constexpr unsigned kDigitBits = 12;
static_assert(kEntityIndexMax <= 1u << (2 * kDigitBits));

}  // namespace

void RowOrder::sort() {
  if (std::is_sorted(entries_.begin(), entries_.end())) return;
  if (entries_.size() < kDigitsFrom) return std::sort(entries_.begin(), entries_.end());
  uint32_t any = 0;
  for (const Entry entry : entries_) any |= entry.index();
  sort_by_digits(static_cast<unsigned>(std::bit_width(any)));
}

/// Radix sort of one digit or two, the low one first; both are counted in one go.
void RowOrder::sort_by_digits(unsigned index_bits) {
  const unsigned passes = index_bits > kDigitBits ? 2 : 1;
  const unsigned digit_bits = (index_bits + passes - 1) / passes;
  const size_t values = size_t{1} << digit_bits;
  refill(starts_, values * passes);
  const uint32_t mask = static_cast<uint32_t>(values - 1);
  uint32_t* const low = starts_.data();
  uint32_t* const high = low + values * (passes - 1);
  if (passes == 2) {
    for (const Entry entry : entries_) {
      ++low[entry.index() & mask];
      ++high[entry.index() >> digit_bits];
    }
    scatter(low, values, 0, mask);
    scatter(high, values, digit_bits, mask);
  } else {
    for (const Entry entry : entries_) ++low[entry.index()];
    scatter(low, values, 0, mask);
  }
}

/// Brings the entries in order of one digit; `counts` are of its values.
void RowOrder::scatter(uint32_t* counts, size_t values, unsigned shift, uint32_t mask) {
  uint32_t start = 0;
  for (size_t i = 0; i < values; ++i) start += std::exchange(counts[i], start);
  make_room(other_, entries_.size());
  other_.resize(entries_.size());
  Entry* const to = other_.data();
  for (const Entry entry : entries_) to[counts[entry.index() >> shift & mask]++] = entry;
  entries_.swap(other_);
}

}  // namespace ecsdb
