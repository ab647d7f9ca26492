// Cells of a table: keys, logs of rows, tombstones.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ecsdb/store/change_set.h"
#include "ecsdb/store/table.h"

namespace ecsdb {

/// Which cell of a table. kOne has no numbers; kValue and kOwner use x; kGrid x, y (and z for a
/// vec3f); kNone is where rows of a following table are whose entity has no row to follow.
struct CellKey {
  enum class Kind : uint8_t { kOne = 0, kValue = 1, kOwner = 2, kGrid = 3, kNone = 4 };
  Kind kind = Kind::kOne;
  int64_t x = 0;
  int64_t y = 0;
  int64_t z = 0;

  static CellKey one() { return {}; }
  static CellKey value(int64_t v) { return {Kind::kValue, v, 0, 0}; }
  static CellKey owner(PrincipalId p) {
    return {Kind::kOwner, static_cast<int64_t>(p.value), 0, 0};
  }
  static CellKey grid(int64_t x, int64_t y, int64_t z = 0) { return {Kind::kGrid, x, y, z}; }
  static CellKey none() { return {Kind::kNone, 0, 0, 0}; }

  auto operator<=>(const CellKey&) const = default;
  /// "one", "value 7", "owner 12", "grid 3,-1,0", "none".
  std::string to_string() const;
};

/// A cell's tombstones, oldest first: added at the end, forgotten from the front. A value; not
/// thread-safe.
class TombstoneList {
 public:
  void push_back(const Tombstone& tombstone) { list_.push_back(tombstone); }
  /// Drops the oldest. Costs a constant for each, over time.
  void forget(size_t count);
  std::span<const Tombstone> all() const { return std::span(list_).subspan(forgotten_); }
  auto begin() const { return all().begin(); }
  auto end() const { return all().end(); }
  size_t size() const { return list_.size() - forgotten_; }
  bool empty() const { return size() == 0; }
  const Tombstone& operator[](size_t at) const { return list_[forgotten_ + at]; }

 private:
  std::vector<Tombstone> list_;
  size_t forgotten_ = 0;  // of list_, at its front; fewer than half of it
};

/// One cell. It exists from the first row that enters until it is empty and its tombstones are
/// below the horizon.
struct Cell {
  CellKey key;
  bool exists = false;
  bool is_dirty = false;     // in the list of cells changed since the last publish
  Version changed;           // last commit that changed it
  Version published;         // last publish that showed a change of it; 0: none yet
  Version published_before;  // the one before: what a relative block is based on
  Version horizon;           // tombstones up to here are forgotten; what a cut below holds of
                             // the cell, or of an earlier one with its key, is not known
  CellHistory history;
  RowLog log;
  TombstoneList tombstones;  // versions never fall
};

/// Cells of one table by key and by index. An index is reused after its cell is gone.
class CellSet {
 public:
  CellIndex find(const CellKey& key) const;
  CellIndex find_or_create(const CellKey& key);
  void destroy(CellIndex index);
  Cell& at(CellIndex index) { return cells_[index]; }
  const Cell& at(CellIndex index) const { return cells_[index]; }
  /// Indices below this may be in use; look at Cell::exists.
  CellIndex index_end() const { return static_cast<CellIndex>(cells_.size()); }
  size_t count() const { return by_key_.size(); }
  /// Tombstones of destroyed cells are forgotten up to here: it is the horizon of every key that
  /// has no cell, and the first horizon of a cell that is made anew.
  Version forgotten() const { return forgotten_; }
  /// The most publishes that a destroyed cell had: a cell that is made anew counts on from here, so
  /// that nobody who held an earlier one sees the number fall.
  uint32_t forgotten_publishes() const { return forgotten_publishes_; }
  /// In order of key.
  const std::map<CellKey, CellIndex>& by_key() const { return by_key_; }

 private:
  std::vector<Cell> cells_;
  std::vector<CellIndex> free_;
  std::map<CellKey, CellIndex> by_key_;
  Version forgotten_;
  uint32_t forgotten_publishes_ = 0;

  friend struct SnapshotReader;
};

/// True if some row of the table can have this key; a following table has those of the followed
/// one, and none.
bool cell_key_fits(const Schema& schema, size_t table, const CellKey& key);

/// The key that a table's own rule gives a row; must not be called for a following table.
CellKey cell_key_of(const Table& table, RowIndex row);
/// The same of a value of the field that the rule names.
CellKey cell_key_of(const TableLayout& layout, const LaneValues& lanes);

}  // namespace ecsdb
