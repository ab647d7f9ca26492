// Rows in order of their entity, as blocks and scans need them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ecsdb/store/row_log.h"

namespace ecsdb {

/// Sorts rows by entity index. Keeps its memory, so that steady state allocates nothing. Not
/// thread-safe.
class RowOrder {
 public:
  class Entry {
   public:
    Entry() = default;
    Entry(uint32_t index, RowIndex row) : key_(uint64_t{index} << 32 | row) {}
    uint32_t index() const { return static_cast<uint32_t>(key_ >> 32); }
    RowIndex row() const { return static_cast<RowIndex>(key_); }
    bool operator<(const Entry& o) const { return key_ < o.key_; }

   private:
    uint64_t key_ = 0;
  };

  void clear() { entries_.clear(); }
  void add(uint32_t index, RowIndex row) { entries_.emplace_back(index, row); }
  /// Afterwards the entries rise by index. Costs little where they do so already, as where a
  /// program changes rows in order of entity.
  void sort();
  std::span<const Entry> entries() const { return entries_; }

 private:
  void sort_by_digits(unsigned index_bits);

  std::vector<Entry> entries_;
  std::vector<Entry> other_;  // scratch of a pass, as is the next
  std::vector<uint32_t> starts_;
};

}  // namespace ecsdb
