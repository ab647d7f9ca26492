#include "ecsdb/wire/block_packed.h"

namespace ecsdb {

/// Each place is written to every class and counted in its own: which class a row is in cannot be
/// foreseen, so that a branch would be mispredicted half of the time.
void CandidateClasses::sort(const CellHistory& history, IndexRange range,
                            std::span<const uint32_t> gone, std::span<const uint32_t> entered) {
  const auto [first, last] = recent_in_range(history, range);
  for (std::vector<uint32_t>& places : places_) {
    if (places.size() < last - first) places.resize(last - first);
  }
  const RecentRow* recent = history.recent().data();
  const uint32_t publish = history.publishes() + 1;
  const bool is_simple = gone.empty() && entered.empty();
  IndexCursor among_gone(gone);
  IndexCursor among_entered(entered);
  uint32_t* to[kClasses] = {places_[0].data(), places_[1].data(), places_[2].data()};
  for (size_t place = first; place < last; ++place) {
    const RecentRow row = recent[place];
    if (!is_simple && (among_gone.contains(row.index) || among_entered.contains(row.index))) {
      continue;
    }
    const unsigned in = candidate_class(row, publish);
    *to[0] = *to[1] = *to[2] = static_cast<uint32_t>(place);
    to[0] += in == 0;
    to[1] += in == 1;
    to[2] += in == 2;
  }
  for (unsigned c = 0; c < kClasses; ++c) {
    counts_[c] = static_cast<size_t>(to[c] - places_[c].data());
  }
}

void add_masked_flags(uint64_t of, uint64_t misses, RunEncoder& runs) {
  uint32_t before = 0;
  for (uint64_t rest = of & misses; rest != 0; rest &= rest - 1) {
    const uint64_t below = (rest & (0 - rest)) - 1;
    const uint32_t place = count_bits(of & below);
    runs.hits(place - before);
    runs.miss();
    before = place + 1;
  }
  runs.hits(count_bits(of) - before);
}

}  // namespace ecsdb
