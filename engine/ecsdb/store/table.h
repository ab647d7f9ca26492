// Rows of one component table: dense columns, found by entity, threaded by cell.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ecsdb/base/hash.h"
#include "ecsdb/base/ids.h"
#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/schema.h"
#include "ecsdb/store/column.h"

namespace ecsdb {

using RowIndex = uint32_t;
using CellIndex = uint32_t;
inline constexpr RowIndex kNoRow = 0xffffffff;
inline constexpr CellIndex kNoCell = 0xffffffff;

/// Entity indices at and above this are refused, on the server as capacity, on a client as a limit:
/// it bounds the directory that maps entities to rows.
inline constexpr uint32_t kEntityIndexMax = 1u << 24;

/// Rows of one cell in order of version, oldest first, and their digest.
/// Invariant: rows whose digest is out of date stand at the newest end.
struct RowThread {
  RowIndex oldest = kNoRow;
  RowIndex newest = kNoRow;
  uint32_t count = 0;
  Digest digest;  // of the rows that are not dirty
};

/// What the store knows of a row beside its values.
struct Row {
  EntityId entity;
  Version changed;  // the newer of the last replicated change and the entry into `cell`
  Version born;     // the commit that inserted it
  CellIndex cell = kNoCell;
  CellIndex published_cell = kNoCell;  // where the last publish showed it; kNoCell: nowhere
  RowIndex newer = kNoRow;             // neighbours in the thread of the cell
  RowIndex older = kNoRow;
  Digest digest;  // as contained in the thread's digest
  bool digest_dirty = true;
  // Set while a transaction is open.
  bool touched = false;
  bool touched_replicated = false;
  bool is_new = false;
  bool is_removed = false;  // hidden from reads; erased by the commit
};

/// Columns and rows of one table. Rows move when others are erased: keep entities, not indices.
/// A value type; owns its data. Not thread-safe.
class Table {
 public:
  /// `with_baseline` keeps a second copy of the replicated lanes: the values at the last publish.
  Table(const TableDef& def, const TableLayout& layout, bool with_baseline);

  const TableLayout& layout() const { return layout_; }
  uint32_t row_count() const { return static_cast<uint32_t>(rows_.size()); }
  const Row& row(RowIndex index) const { return rows_[index]; }
  Row& row(RowIndex index) { return rows_[index]; }
  std::span<const Row> rows() const { return rows_; }

  /// kNoRow if the entity has no row here (rows marked removed are still found).
  RowIndex find(EntityId entity) const {
    const RowIndex row = find_index(entity.index());
    return row != kNoRow && rows_[row].entity == entity ? row : kNoRow;
  }
  RowIndex find_index(uint32_t entity_index) const {
    const uint32_t page = entity_index / kPageRows;
    if (page >= directory_.size() || directory_[page].empty()) return kNoRow;
    return directory_[page][entity_index % kPageRows];
  }
  /// The row with the smallest entity index >= `entity_index`, or kNoRow: scans in entity order.
  RowIndex find_from(uint32_t entity_index) const;

  /// Adds a row of default values; the entity index must be free here and < kEntityIndexMax.
  RowIndex append(EntityId entity);
  /// Removes a row that is in no thread. `thread_of(cell)` gives the thread of the row that moves
  /// into its place, whose links are mended.
  template <class ThreadOf>
  void erase(RowIndex row, ThreadOf&& thread_of) {
    const RowIndex last = row_count() - 1;
    if (row != last && rows_[last].cell != kNoCell) {
      relink_moved(thread_of(rows_[last].cell), last, row);
    }
    erase_unthreaded(row);
  }

  uint64_t lane(RowIndex row, uint16_t lane) const { return lanes_[lane].get(row); }
  void set_lane(RowIndex row, uint16_t lane, uint64_t value) { lanes_[lane].set(row, value); }
  const Column& column(uint16_t lane) const { return lanes_[lane]; }
  const std::string& text(RowIndex row, uint16_t text) const { return texts_[text][row]; }
  void set_text(RowIndex row, uint16_t text, std::string_view value) { texts_[text][row] = value; }
  LaneValues field_lanes(RowIndex row, uint16_t field) const;
  void set_field_lanes(RowIndex row, uint16_t field, const LaneValues& values);
  bool field_equals(RowIndex row, const Table& other, RowIndex other_row, uint16_t field) const;

  // Baseline: the values that every in-step replica holds.
  uint64_t baseline_lane(RowIndex row, uint16_t lane) const { return baseline_[lane].get(row); }
  const std::string& baseline_text(RowIndex row, uint16_t text) const {
    return baseline_texts_[text][row];
  }
  /// Makes the current replicated values and cell of a row its published ones.
  void adopt_baseline(RowIndex row);

  // Threads.
  void link_newest(RowThread& thread, RowIndex row, CellIndex cell);
  /// Takes the row out of its thread and its digest out of the thread's.
  void unlink(RowThread& thread, RowIndex row);
  /// Moves a linked row to the newest end and marks its digest out of date.
  void touch(RowThread& thread, RowIndex row);
  /// Brings the thread's digest up to date; cost is the number of rows changed since the last call.
  Digest digest(RowThread& thread);
  Digest row_digest(RowIndex row) const;

 private:
  static constexpr uint32_t kPageRows = 256;
  void erase_unthreaded(RowIndex row);
  void relink_moved(RowThread& thread, RowIndex from, RowIndex to);
  void set_directory(uint32_t entity_index, RowIndex row);

  struct DigestWord {  // of a row's hash: a lane or half of one
    uint16_t lane;
    bool is_high;
    RowHasher::Place place;
  };
  struct DigestText {
    uint16_t text;
    std::array<RowHasher::Place, 4> places;
  };
  void plan_digest(const TableDef& def);

  TableLayout layout_;
  std::array<RowHasher::Place, 2> entity_places_;
  std::vector<DigestWord> digest_words_;
  std::vector<DigestText> digest_texts_;
  std::vector<LaneValues> defaults_;              // by field
  std::vector<std::string> default_texts_;        // by text column
  std::vector<std::vector<RowIndex>> directory_;  // entity index -> row, in pages made on demand
  std::vector<Row> rows_;
  std::vector<Column> lanes_;
  std::vector<std::vector<std::string>> texts_;
  bool with_baseline_;
  std::vector<Column> baseline_;
  std::vector<std::vector<std::string>> baseline_texts_;
};

}  // namespace ecsdb
