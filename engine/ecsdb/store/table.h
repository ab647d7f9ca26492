// Rows of one component table: dense columns, found by entity, in the logs of their cells.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ecsdb/base/hash.h"
#include "ecsdb/base/ids.h"
#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/canonical_value.h"
#include "ecsdb/schema/lane_codec.h"
#include "ecsdb/schema/schema.h"
#include "ecsdb/store/change_marks.h"
#include "ecsdb/store/column.h"
#include "ecsdb/store/directory.h"
#include "ecsdb/store/row_log.h"
#include "ecsdb/store/row_records.h"

namespace ecsdb {

/// How the open transaction changed a row, as bits. 0 outside of one.
enum RowState : uint8_t {
  kTouched = 1,  // set with each of the others
  kTouchedReplicated = 2,
  kTouchedKey = 4,  // the field that its cell depends on
  kNewRow = 8,
  kRemovedRow = 16,  // hidden from reads; erased by the commit
};
inline constexpr uint8_t kTouchBits = kTouched | kTouchedReplicated | kTouchedKey;

/// What a change of a field needs to know of it, at one place.
struct FieldPlan {
  LaneCodec codec;
  uint16_t lane_first;
  uint8_t touch;            // bits of RowState for a change of the field
  uint64_t replicated_bit;  // its bit in masks of replicated fields; 0 if it is none
};

class ChangeSet;

/// Columns and rows of one table. Rows move when others are erased: keep entities, not indices.
/// A value type; owns its data. Not thread-safe.
class Table {
 public:
  /// `with_baseline` keeps a second copy of the replicated values: those at the last publish.
  /// Tables of the packed tier keep history, too.
  Table(const TableDef& def, const TableLayout& layout, bool with_baseline);

  const TableLayout& layout() const { return layout_; }
  uint32_t row_count() const { return static_cast<uint32_t>(rows_.size()); }
  const Row& row(RowIndex index) const { return rows_[index]; }
  Row& row(RowIndex index) { return rows_[index]; }
  std::span<const Row> rows() const { return rows_; }
  std::span<Row> rows() { return rows_; }
  /// The commit that inserted the row.
  Version born(RowIndex index) const { return born_[index]; }
  void set_born(RowIndex index, Version version) { born_[index] = version; }

  /// Bits of RowState. They stand apart, and in the cache: a change reads nothing else of the row.
  std::span<uint8_t> states() { return states_; }
  uint8_t& state(RowIndex index) { return states_[index]; }
  uint8_t state(RowIndex index) const { return states_[index]; }
  bool is_removed(RowIndex index) const { return (states_[index] & kRemovedRow) != 0; }

  /// kNoRow if the entity has no row here (rows marked removed are still found).
  RowIndex find(EntityId entity) const { return directory_.find(entity); }
  RowIndex find_index(uint32_t entity_index) const { return directory_.find_index(entity_index); }
  /// kNoRow also if the row is marked removed.
  RowIndex find_kept(EntityId entity) const {
    const RowIndex row = find(entity);
    return row != kNoRow && !is_removed(row) ? row : kNoRow;
  }
  /// The same for many, up to the first that has none; returns how many were found. `out` has room
  /// for all.
  size_t find_kept(std::span<const EntityId> entities, std::span<RowIndex> out) const;
  /// The row of whatever entity has the index, if it is in `cell`; else kNoRow.
  RowIndex find_in_cell(uint32_t entity_index, CellIndex cell) const {
    const RowIndex row = find_index(entity_index);
    return row != kNoRow && rows_[row].cell == cell ? row : kNoRow;
  }
  /// The same for many, up to the first that has none; returns how many were found. `out` has room
  /// for all.
  size_t find_in_cell(std::span<const uint32_t> entity_indices, CellIndex cell,
                      std::span<RowIndex> out) const;
  /// The row with the smallest entity index >= `entity_index`, or kNoRow: scans in entity order.
  RowIndex find_from(uint32_t entity_index) const { return directory_.find_from(entity_index); }

  /// Of memory for one row, without what is in reserve, texts that are stored apart, and what finds
  /// it by its entity.
  size_t row_bytes() const;
  /// Of memory for finding rows by their entities.
  size_t directory_bytes() const { return directory_.bytes(); }

  /// Adds a row of default values; the entity index must be free here and < kEntityIndexMax.
  RowIndex append(EntityId entity);
  /// Removes a row that is in no log. The last row moves into its place; `log_of(cell)` gives the
  /// log that has it.
  template <class LogOf>
  void erase(RowIndex row, LogOf&& log_of) {
    ECSDB_CHECK(rows_[row].cell == kNoCell);
    const bool moves = row + 1 != row_count();
    swap_erase(row);
    if (moves && rows_[row].cell != kNoCell) log_of(rows_[row].cell).moved(rows_, row);
  }

  uint64_t lane(RowIndex row, uint16_t lane) const { return lanes_[lane].get(row); }
  void set_lane(RowIndex row, uint16_t lane, uint64_t value) { lanes_[lane].set(row, value); }
  const Column& column(uint16_t lane) const { return lanes_[lane]; }
  Column& column(uint16_t lane) { return lanes_[lane]; }
  const FieldPlan& plan(uint16_t field) const { return plans_[field]; }
  uint32_t field_count() const { return field_count_; }
  /// Replicated bits of fields that some row may have another value of than at the last publish;
  /// the others are as they were in every row that the publish showed.
  uint64_t touched_fields() const { return touched_fields_; }
  void touch_field(const FieldPlan& plan) { touched_fields_ |= plan.replicated_bit; }
  void clear_touched_fields() { touched_fields_ = 0; }
  const LaneValues& default_lanes_of(uint16_t field) const { return defaults_[field]; }
  const std::string& default_text_of(uint16_t text) const { return default_texts_[text]; }
  const std::string& text(RowIndex row, uint16_t text) const { return texts_[text][row]; }
  void set_text(RowIndex row, uint16_t text, std::string_view value) { texts_[text][row] = value; }
  void swap_text(RowIndex row, uint16_t text, std::string& value) { texts_[text][row].swap(value); }
  LaneValues field_lanes(RowIndex row, uint16_t field) const;
  CanonicalValue field_value(RowIndex row, uint16_t field) const;
  void set_field_lanes(RowIndex row, uint16_t field, const LaneValues& values);
  bool field_equals(RowIndex row, const Table& other, RowIndex other_row, uint16_t field) const;
  /// Takes over values and history of a row of a table of the same layout; returns the replicated
  /// bits of fields that had other values.
  uint64_t copy_row(RowIndex row, const Table& other, RowIndex other_row);

  // Baseline: the values that every in-step replica holds.
  uint64_t baseline_lane(RowIndex row, uint16_t lane) const;
  const std::string& baseline_text(RowIndex row, uint16_t text) const {
    return baseline_texts_[text][row];
  }
  /// Makes the current replicated values and cell of a row its published ones. Its history stays.
  void adopt_baseline(RowIndex row);
  /// The same for the rows of a cell that `changes` were measured of, and moves their history on;
  /// `ages` of the known rows before this publish, 0 without history, empty in tables without.
  void adopt(const ChangeSet& changes, std::span<const uint32_t> ages);

  /// Who changed what; kept where there is a baseline.
  ChangeMarks& marks() { return marks_; }
  const ChangeMarks& marks() const { return marks_; }

  // Baselines and history, by row.
  const RowRecords& records() const { return records_; }
  RowRecords& records() { return records_; }
  bool has_history() const { return records_.has_history(); }
  /// Hash of what a block of the cell's next publish may depend on in the row's history; the same
  /// wherever the same blocks follow. For tests: digests do not cover history.
  uint64_t history_hash(RowIndex row, const CellHistory& history) const;

  // Logs.
  void link_newest(RowLog& log, RowIndex row, CellIndex cell) { log.link(rows_, row, cell); }
  /// Takes the row out of its log and its digest out of the log's.
  void unlink(RowLog& log, RowIndex row);
  /// Makes a linked row the newest of its log and marks its digest out of date.
  void touch(RowLog& log, RowIndex row) { log.touch(rows_, row); }
  /// `for (RowIndex row : table.rows_of(log))`: all rows, oldest first.
  RowLog::Range rows_of(const RowLog& log) const { return log.all(rows_); }
  /// Those that changed or entered after a version.
  RowLog::Range rows_after(const RowLog& log, Version version) const {
    return log.after(rows_, version);
  }
  /// Brings the log's digest up to date; cost is the number of rows changed since the last call.
  Digest digest(RowLog& log);
  Digest row_digest(RowIndex row) const;
  /// Of the log of a cell of this table. Digests that should be up to date are computed anew if
  /// values are not in the middle of a change.
  void check_invariants(const RowLog& log, CellIndex cell, bool check_digests) const;

 private:
  struct AdoptedLane;
  void adopt_fields(const ChangeSet& changes, std::span<const uint32_t> ages, size_t begin,
                    size_t end);
  template <class S>
  void adopt_lane(const ChangeSet& changes, const AdoptedLane& adopted, size_t begin, size_t end);
  void swap_erase(RowIndex row);
  void check_untouched(RowIndex row) const;

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
  Digest rehash(std::span<const RowIndex> rows);
  void hash_rows(std::span<const RowIndex> rows, RowHashBatch& hashes) const;

  TableLayout layout_;
  std::array<RowHasher::Place, 2> entity_places_;
  std::vector<DigestWord> digest_words_;
  std::vector<DigestText> digest_texts_;
  std::vector<FieldPlan> plans_;
  uint64_t touched_fields_ = 0;
  uint32_t field_count_ = 0;                // size of plans_, without a division
  std::vector<LaneValues> defaults_;        // by field
  std::vector<std::string> default_texts_;  // by text column
  Directory directory_;
  std::vector<Row> rows_;
  std::vector<uint8_t> states_;
  std::vector<Version> born_;
  std::vector<Digest> digests_;  // each row's part of the digest of its log
  std::vector<Column> lanes_;
  std::vector<std::vector<std::string>> texts_;
  RowRecords records_;
  ChangeMarks marks_;
  std::vector<uint64_t> repeatable_;  // scratch of adopt()
  std::vector<std::vector<std::string>> baseline_texts_;
};

}  // namespace ecsdb
