// What the store knows of a row beside its values, and the order in which a cell's rows changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ecsdb/base/check.h"
#include "ecsdb/base/hash.h"
#include "ecsdb/base/ids.h"
#include "ecsdb/store/stack.h"

namespace ecsdb {

using RowIndex = uint32_t;
using CellIndex = uint32_t;
inline constexpr RowIndex kNoRow = 0xffffffff;
inline constexpr CellIndex kNoCell = 0xffffffff;

/// What every commit and every publish needs; two to a cache line, and none in two of them. The
/// rest stands apart in Table.
struct alignas(32) Row {
  EntityId entity;
  Version changed;  // the newer of the last replicated change and the entry into `cell`
  CellIndex cell = kNoCell;
  CellIndex published_cell = kNoCell;  // where the last publish showed it; kNoCell: nowhere
  uint32_t log_place = 0;              // of its entry in the log of `cell`

  bool is_at(uint32_t place, CellIndex of) const { return log_place == place && cell == of; }
};
static_assert(sizeof(Row) == 32);

/// The rows of one cell in order of their last change, oldest first: a list that grows at the end.
/// A row that changes gets a new entry; its old one stays, stale, and is told by the row, which
/// knows its place. So a change touches no other row. A list that is full and has mostly stale
/// entries is compacted, which costs a constant for each change since the last time.
///
/// Also the sum of the rows' digests. Invariant: rows whose digest is out of date have their entry
/// at or behind digested(). All functions take the table's rows. A value type; not thread-safe.
class RowLog {
 public:
  class Iterator;
  class Range;

  uint32_t count() const { return count_; }

  /// Adds a row that is in no cell.
  void link(std::span<Row> rows, RowIndex row, CellIndex cell);
  /// Takes a row out, and its part out of the digest.
  void unlink(std::span<Row> rows, RowIndex row, const Digest& part);
  /// Makes a row the newest, and its digest out of date.
  void touch(std::span<Row> rows, RowIndex row) {
    ECSDB_CHECK(rows[row].cell == cell_ && cell_ != kNoCell);
    // Order within a version does not matter, nor does order at all between two digests of a
    // replica, which has no versions here.
    if (rows[row].log_place < settled_) append(rows, row);
  }
  /// The table moved a row of this log.
  void moved(std::span<const Row> rows, RowIndex to) { entries_[rows[to].log_place] = to; }

  /// Rows that are linked or touched from now on are of this version; versions rise. Only logs that
  /// are asked for the rows after a version need it.
  void start_version(Version version);
  /// All rows, oldest first. The row that the iterator stands at may be unlinked, but no other
  /// change is allowed meanwhile.
  Range all(std::span<const Row> rows) const;
  /// The rows that were linked or touched in versions after this one. Costs as much as there were
  /// changes since, or less.
  Range after(std::span<const Row> rows, Version version) const;
  /// The rows whose digest is out of date.
  Range undigested(std::span<const Row> rows) const;
  bool is_undigested(const Row& row) const { return row.log_place >= digested_; }

  /// Of the rows that are not out of date, and of what the others were.
  const Digest& digest() const { return digest_; }
  /// Every row's digest is now in the sum, which changes by `change`.
  void set_digested(const Digest& change);

  /// Of a log that belongs to `cell`. `part(row)` is the row's part of the digest.
  template <class Part>
  void check_invariants(std::span<const Row> rows, CellIndex cell, Part&& part) const;

 private:
  struct Mark {  // entries from `place` on are of this version or a later one
    Version version;
    uint32_t place;
  };
  static constexpr size_t kEntriesMin = 4;
  static constexpr size_t kStaleFactor = 4;  // compacted when not more than one in so many is live
  static constexpr size_t kMemoryFactor = 16;  // memory for more entries a row is given back

  uint32_t end() const { return static_cast<uint32_t>(entries_.size()); }
  bool is_live(std::span<const Row> rows, uint32_t place) const {
    const RowIndex row = entries_[place];
    return row < rows.size() && rows[row].is_at(place, cell_);
  }
  void append(std::span<Row> rows, RowIndex row) {
    if (entries_.size() == entries_.capacity()) make_room(rows);
    rows[row].log_place = end();
    entries_.push(row);
  }
  /// Rows are all over the memory; entries say early which ones will be needed.
  static void prefetch_ahead(std::span<const RowIndex> entries, std::span<const Row> rows) {
    constexpr size_t kAhead = 32;
    if (entries.size() <= kAhead || entries[kAhead] >= rows.size()) return;
    __builtin_prefetch(&rows[entries[kAhead]]);
  }
  void make_room(std::span<Row> rows);
  void compact(std::span<Row> rows);
  void check_order(std::span<const Row> rows) const;

  Stack<RowIndex> entries_;
  std::vector<Mark> marks_;  // versions and places rise
  uint32_t count_ = 0;       // of entries that are not stale
  CellIndex cell_ = kNoCell;
  uint32_t digested_ = 0;  // place; entries before it are in the digest as they are
  uint32_t settled_ = 0;   // place; what stands before it has to move when it is touched: the newer
                           // of digested_ and the start of the newest version
  Digest digest_;
};

/// Stops at entries that are not stale.
class RowLog::Iterator {
 public:
  /// `place` is that of the first entry.
  Iterator(std::span<const RowIndex> entries, std::span<const Row> rows, CellIndex cell,
           uint32_t place)
      : entries_(entries), rows_(rows), cell_(cell), place_(place) {
    skip_stale();
  }
  RowIndex operator*() const { return entries_.front(); }
  Iterator& operator++() {
    step();
    skip_stale();
    return *this;
  }
  bool operator!=(const Iterator& other) const { return place_ != other.place_; }

 private:
  void step() {
    entries_ = entries_.subspan(1);
    ++place_;
  }
  void skip_stale() {
    for (; !entries_.empty(); step()) {
      prefetch_ahead(entries_, rows_);
      const RowIndex row = entries_.front();
      if (row < rows_.size() && rows_[row].is_at(place_, cell_)) return;
    }
  }

  std::span<const RowIndex> entries_;  // from place_ on
  std::span<const Row> rows_;
  CellIndex cell_;
  uint32_t place_;
};

/// For `for`, or for loops that want many rows at a time.
class RowLog::Range {
 public:
  Range(const RowLog& log, std::span<const Row> rows, uint32_t place)
      : entries_(log.entries_.all().subspan(place)), rows_(rows), cell_(log.cell_), place_(place) {}
  Iterator begin() const { return Iterator(entries_, rows_, cell_, place_); }
  Iterator end() const { return Iterator(entries_.last(0), rows_, cell_, end_place()); }

  /// Takes rows off the front: as many as `out` has room for, fewer only if no more are left.
  size_t take(std::span<RowIndex> out);

 private:
  uint32_t end_place() const { return place_ + static_cast<uint32_t>(entries_.size()); }

  std::span<const RowIndex> entries_;
  std::span<const Row> rows_;
  CellIndex cell_;
  uint32_t place_;  // of the first entry
};

inline RowLog::Range RowLog::all(std::span<const Row> rows) const { return Range(*this, rows, 0); }
inline RowLog::Range RowLog::undigested(std::span<const Row> rows) const {
  return Range(*this, rows, digested_);
}

template <class Part>
void RowLog::check_invariants(std::span<const Row> rows, CellIndex cell, Part&& part) const {
  ECSDB_CHECK(cell_ == cell || entries_.empty());
  check_order(rows);
  Digest sum;
  for (const RowIndex row : all(rows)) sum += part(row);
  ECSDB_CHECK(sum == digest_);
}

}  // namespace ecsdb
