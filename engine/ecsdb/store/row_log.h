// What the store knows of a row beside its values, and the order in which a cell's rows changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ecsdb/base/check.h"
#include "ecsdb/base/hash.h"
#include "ecsdb/base/ids.h"

namespace ecsdb {

using RowIndex = uint32_t;
using CellIndex = uint32_t;
inline constexpr RowIndex kNoRow = 0xffffffff;
inline constexpr CellIndex kNoCell = 0xffffffff;

/// What every change and every publish needs; two to a cache line, and none in two of them. The
/// rest stands apart in Table.
struct alignas(32) Row {
  EntityId entity;
  Version changed;  // the newer of the last replicated change and the entry into `cell`
  CellIndex cell = kNoCell;
  CellIndex published_cell = kNoCell;  // where the last publish showed it; kNoCell: nowhere
  uint32_t log_place = 0;              // of its entry in the log of `cell`
  // Set while a transaction is open.
  bool touched : 1 = false;
  bool touched_replicated : 1 = false;
  bool touched_key : 1 = false;  // the field that its cell depends on
  bool is_new : 1 = false;
  bool is_removed : 1 = false;  // hidden from reads; erased by the commit
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
    return row < rows.size() && rows[row].log_place == place && rows[row].cell == cell_;
  }
  void append(std::span<Row> rows, RowIndex row) {
    if (entries_.size() == entries_.capacity()) make_room(rows);
    rows[row].log_place = end();
    entries_.push_back(row);
  }
  void make_room(std::span<Row> rows);
  void compact(std::span<Row> rows);
  void check_order(std::span<const Row> rows) const;

  std::vector<RowIndex> entries_;
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
  Iterator(const RowLog& log, std::span<const Row> rows, uint32_t place)
      : log_(&log), rows_(rows), place_(place) {
    skip_stale();
  }
  RowIndex operator*() const { return log_->entries_[place_]; }
  Iterator& operator++() {
    ++place_;
    skip_stale();
    return *this;
  }
  bool operator!=(const Iterator& other) const { return place_ != other.place_; }

 private:
  static constexpr uint32_t kPrefetch = 12;  // entries ahead; rows are all over the memory

  void skip_stale() {
    for (const uint32_t end = log_->end(); place_ < end; ++place_) {
      if (place_ + kPrefetch < end) {
        const RowIndex ahead = log_->entries_[place_ + kPrefetch];
        if (ahead < rows_.size()) __builtin_prefetch(&rows_[ahead]);
      }
      if (log_->is_live(rows_, place_)) return;
    }
  }

  const RowLog* log_;
  std::span<const Row> rows_;
  uint32_t place_;
};

class RowLog::Range {
 public:
  Range(const RowLog& log, std::span<const Row> rows, uint32_t place)
      : log_(&log), rows_(rows), place_(place) {}
  Iterator begin() const { return Iterator(*log_, rows_, place_); }
  Iterator end() const { return Iterator(*log_, rows_, log_->end()); }

 private:
  const RowLog* log_;
  std::span<const Row> rows_;
  uint32_t place_;
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
