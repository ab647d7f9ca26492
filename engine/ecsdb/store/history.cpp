#include "ecsdb/store/history.h"

#include <algorithm>

namespace ecsdb {

const RecentRow* CellHistory::find(uint32_t index) const {
  const auto at = std::lower_bound(recent_.begin(), recent_.end(), index,
                                   [](const RecentRow& row, uint32_t i) { return row.index < i; });
  return at != recent_.end() && at->index == index ? &*at : nullptr;
}

/// Drops forwards, then merges from the back: no memory is taken beside the list's own.
void CellHistory::finish(uint32_t publish, std::span<const RecentRow> added,
                         std::span<const uint32_t> removed) {
  publishes_ = publish;
  size_t kept = 0;
  if (added.empty() && removed.empty()) {  // as nearly always
    for (const RecentRow& row : recent_) {
      const uint32_t age = row.age(publish + 1);
      recent_[kept] = row;
      recent_[kept].is_steady &= age == 1;
      kept += age <= kHistoryPublishes;
    }
    return recent_.resize(kept);
  }
  size_t add = 0;
  size_t remove = 0;
  for (const RecentRow& row : recent_) {
    while (add < added.size() && added[add].index < row.index) ++add;
    while (remove < removed.size() && removed[remove] < row.index) ++remove;
    const bool is_replaced = add < added.size() && added[add].index == row.index;
    const bool is_removed = remove < removed.size() && removed[remove] == row.index;
    const uint32_t age = row.age(publish + 1);
    if (is_replaced || is_removed || age > kHistoryPublishes) continue;
    recent_[kept] = row;
    recent_[kept++].is_steady &= age == 1;
  }
  size_t left = added.size();
  recent_.resize(kept + left);
  for (size_t to = recent_.size(); left > 0;) {
    const bool take_old = kept > 0 && recent_[kept - 1].index > added[left - 1].index;
    recent_[--to] = take_old ? recent_[--kept] : added[--left];
  }
}

}  // namespace ecsdb
