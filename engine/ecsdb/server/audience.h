// Who is to be sent a cell's blocks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ecsdb/base/mutant.h"
#include "ecsdb/server/interest.h"

namespace ecsdb {

/// Listeners of every cell of a database, so that a publish costs what it sends.
class Audience {
 public:
  /// Session slot, and the cell's handle there.
  struct Listener {
    uint32_t slot;
    uint32_t handle;
  };

  explicit Audience(size_t tables) : by_table_(tables) {}

  void apply(uint32_t slot, const std::vector<Interest::Change>& changes) {
    for (const Interest::Change& change : changes) {
      std::vector<Listener>& listeners = of(change.ref);
      if (change.held) {
        listeners.push_back({slot, change.handle});
        continue;
      }
      if (ECSDB_MUTANT(old_generation)) continue;
      const auto found = std::find_if(listeners.begin(), listeners.end(), [&](const Listener& l) {
        return l.slot == slot && l.handle == change.handle;
      });
      if (found == listeners.end()) continue;
      *found = listeners.back();
      listeners.pop_back();
    }
  }
  std::vector<Listener>& of(CellRef ref) {
    auto& cells = by_table_[ref.table];
    if (ref.cell >= cells.size()) cells.resize(ref.cell + 1);
    return cells[ref.cell];
  }

 private:
  std::vector<std::vector<std::vector<Listener>>> by_table_;
};

}  // namespace ecsdb
