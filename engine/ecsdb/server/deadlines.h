// When sessions are to be looked at.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ecsdb/base/time.h"

namespace ecsdb {

/// Deadlines of sessions, earliest first. An entry is never later than its session's deadline; one
/// that comes too early is put back, so that deadlines that move later cost nothing.
class Deadlines {
 public:
  void add(Instant at, uint32_t slot, uint32_t incarnation) {
    if (at == Instant::never()) return;
    heap_.push_back({at, slot, incarnation});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  struct Entry {
    Instant at;
    uint32_t slot;
    uint32_t incarnation;
  };
  const Entry* earliest() const { return heap_.empty() ? nullptr : &heap_.front(); }
  Entry pop() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const Entry entry = heap_.back();
    heap_.pop_back();
    return entry;
  }

 private:
  static bool later(const Entry& a, const Entry& b) {
    return a.at != b.at ? a.at > b.at : a.slot > b.slot;
  }
  std::vector<Entry> heap_;
};

}  // namespace ecsdb
