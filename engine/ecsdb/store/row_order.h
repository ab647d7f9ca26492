// Rows in order of their entity, as blocks and scans need them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ecsdb/base/reuse.h"
#include "ecsdb/store/row_log.h"

namespace ecsdb {

/// Sorts rows by entity index. Keeps its memory, so that steady state allocates nothing. Not
/// thread-safe.
class RowOrder {
 public:
  class Entry {
   public:
    Entry() = default;
    Entry(uint32_t index, RowIndex row, bool is_marked)
        : key_(uint64_t{index} << 32 | (is_marked ? kMark : 0) | row) {}
    uint32_t index() const { return static_cast<uint32_t>(key_ >> 32); }
    RowIndex row() const { return static_cast<RowIndex>(key_ & (kMark - 1)); }
    /// What the caller remembers of the row, which need not be looked at again.
    bool is_marked() const { return (key_ & kMark) != 0; }
    bool operator<(const Entry& o) const { return key_ < o.key_; }

   private:
    static constexpr uint64_t kMark = uint64_t{1} << 31;  // rows are fewer, see kEntityIndexMax
    uint64_t key_ = 0;
  };

  void clear() { entries_.clear(); }
  void add(uint32_t index, RowIndex row, bool is_marked = false) {
    entries_.emplace_back(index, row, is_marked);
  }
  /// Adds the entries that `make(i)` gives for i below `count`.
  template <class Make>
  void add_many(size_t count, Make&& make) {
    const size_t before = entries_.size();
    make_room(entries_, before + count);
    entries_.resize(before + count);
    Entry* const to = entries_.data() + before;
    for (size_t i = 0; i < count; ++i) to[i] = make(i);
  }
  /// Afterwards the entries rise by index. Costs little where they do so already, as where a
  /// program changes rows in order of entity.
  void sort();
  std::span<const Entry> entries() const { return entries_; }

 private:
  void sort_by_digits(unsigned index_bits);
  void scatter(uint32_t* counts, size_t values, unsigned shift, uint32_t mask);

  std::vector<Entry> entries_;
  std::vector<Entry> other_;  // scratch of a sort, as is the next
  std::vector<uint32_t> starts_;
};

}  // namespace ecsdb
