// The server's in-memory database: entities, tables, cells, one transaction at a time, versions.
#pragma once

#include <deque>
#include <span>
#include <utility>
#include <vector>

#include "ecsdb/base/bytes.h"
#include "ecsdb/store/cells.h"
#include "ecsdb/store/change_set.h"
#include "ecsdb/store/table_set.h"
#include "ecsdb/store/transaction_buffers.h"

namespace ecsdb {

class Transaction;

struct DatabaseOptions {
  DatabaseId id;  // random, new at each start without an archive
  Epoch epoch{1};
  uint64_t horizon_versions_max = 8192;  // tombstones are kept for so many versions,
  size_t tombstones_max = 262'144;       // and not more than so many of them
  uint32_t entities_max = kEntityIndexMax;
  Version first_version{1};  // number of the first commit
};

/// A cell of one table.
struct CellRef {
  uint16_t table = 0;
  CellIndex cell = kNoCell;
  auto operator<=>(const CellRef&) const = default;
};

/// Copyable between transactions; a copy is an independent database in the same state. Not
/// thread-safe.
class Database : public TableSet {
 public:
  Database(Schema schema, DatabaseOptions options);

  const DatabaseOptions& options() const { return options_; }
  /// Newest committed version; before the first commit the one below options().first_version.
  Version head() const { return head_; }
  /// Inside a transaction: false for an entity that it destroyed.
  bool exists(EntityId entity) const;

  /// Starts the one open transaction (a check fails if there is one already). Dropping it undoes
  /// it.
  Transaction begin();
  bool in_transaction() const { return in_transaction_; }

  const CellSet& cells(size_t table) const { return cells_[table]; }
  const Cell& cell(CellRef ref) const { return cells_[ref.table].at(ref.cell); }
  /// Digest of a cell at head; not inside a transaction. Computed for the rows changed since the
  /// last call only.
  Digest digest(CellRef ref);
  /// Digest of a cell by key; zero if there is none.
  Digest digest(size_t table, const CellKey& key);

  /// The cell that a row would be in if the transaction were committed now.
  CellKey staged_key(uint16_t table, RowIndex row) const;
  /// Who removed a row last, from a table that clients may write; null if that is not known.
  const Removals::Removal* removal(uint16_t table, EntityId entity) const {
    return removals_.find(table, entity);
  }

  // Publishing: what a server needs to turn commits into blocks. Not for applications.

  /// Rows that went from a cell after a version and are not in it now, each once, in order of
  /// entity. One that has no row anywhere by now was removed, even if it left the cell first.
  /// `shown_only`: those that the last publish showed in the cell.
  void collect_gone(CellRef ref, Version after, bool shown_only, std::vector<Tombstone>& out) const;

  /// The version that was published last.
  Version published() const { return published_; }
  /// Cells changed since, in order of their first change.
  std::span<const CellRef> dirty_cells() const { return dirty_; }
  /// Makes head the published version. For each dirty cell, in order: `visit(CellRef, const
  /// ChangeSet&)` sees what changed in it since the last publish, while baseline and history are
  /// still those of that; then they move on, and so do the cell's publish versions.
  template <class Visit>
  void publish(Visit&& visit) {
    ECSDB_CHECK(!in_transaction_);
    for (const CellRef ref : dirty_) {
      measure_changes(ref);
      visit(ref, std::as_const(changes_));
      finish_cell(ref);
    }
    dirty_.clear();
    for (Table& table : tables_) table.clear_touched_fields();
    published_ = head_;
  }
  /// The same where nobody looks.
  void finish_publish() {
    publish([](CellRef, const ChangeSet&) {});
  }
  /// Forgets tombstones beyond the options' horizon and destroys cells that are empty and have
  /// none; returns those, oldest first. A version's tombstones go together. A check fails if a
  /// cell is dirty: call it after publish().
  std::vector<std::pair<CellRef, CellKey>> trim();

  /// The whole state as bytes, canonical for equal histories; not inside a transaction. The format
  /// is described in snapshot_format.h.
  Bytes snapshot() const;
  /// The database that wrote the bytes, as it is after finish_publish(): head is published, and the
  /// baseline of every row is its current values. Structs must be bound again. kSnapshotCorrupt
  /// with the place; kSchemaMismatch if its schema is not `expected` (null: any schema).
  static Result<Database> restore(ByteSpan bytes, const Schema* expected = nullptr);

  /// Structure checks for tests and the simulator; cost is the whole database. Fails a check.
  void check_invariants() const;

 private:
  friend class Transaction;
  friend struct SnapshotReader;
  friend struct SnapshotWriter;

  struct EntitySlot {
    uint16_t epoch = 0;
    uint16_t reuse = 0;
    bool alive = false;
    bool doomed = false;  // destroyed in the open transaction
  };
  struct TombstoneRef {
    Version version;
    CellRef ref;
  };

  EntityId create_entity();
  void free_entity(EntityId entity);
  Cell& cell_at(CellRef ref) { return cells_[ref.table].at(ref.cell); }
  void mark_changed(CellRef ref);
  void add_tombstone(CellRef ref, const Row& row, bool left);
  CellKey key_of(uint16_t table, RowIndex row) const;
  void place_row(uint16_t table, RowIndex row);
  void leave_cell(uint16_t table, RowIndex row, bool left);
  void remove_row(uint16_t table, RowIndex row);
  void follow(uint16_t table, EntityId entity);
  void check_cell_versions(const Cell& cell) const;
  void measure_changes(CellRef ref);
  void finish_cell(CellRef ref);
  void advance_history(Cell& cell);

  DatabaseOptions options_;
  Version head_;
  Version published_;
  bool in_transaction_ = false;
  std::vector<EntitySlot> entities_;
  std::vector<uint32_t> free_entities_;
  std::vector<CellSet> cells_;  // by table
  std::vector<CellRef> dirty_;
  ChangeSet changes_;  // of the cell that is being published
  RowOrder order_;     // scratch, as are the next
  std::vector<uint32_t> ages_;
  std::vector<RecentRow> added_;
  std::vector<uint32_t> removed_;
  std::deque<TombstoneRef> tombstones_;  // all of them, oldest first, for trim()
  TransactionBuffers buffers_;           // of the open transaction
  bool keeps_marks_ = false;             // some table does
  Removals removals_;
};

}  // namespace ecsdb
