// The oracle: what the database must be after every version, folded from the operations that were
// committed. Kept by other means than the product (ordered maps of whole row images) and with the
// whole history, so that any cell and any row can be asked for any version.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "ecsdb/schema/schema.h"
#include "ecsdb/sim/checkers/model_values.h"
#include "ecsdb/store/transaction.h"

namespace ecsdb::sim {

/// What a cell was from some version on.
struct ModelCellState {
  Version version;
  Digest digest;
  uint32_t rows = 0;
};

/// A cell with its history, oldest first. Lives as long as the model; never destroyed.
struct ModelCell {
  uint32_t index = 0;  // in Model::cells()
  uint16_t table = 0;
  CellKey key;
  std::vector<ModelCellState> history;

  /// Its state at a version; empty before its first row.
  const ModelCellState& at(Version version) const;
  const ModelCellState& newest() const { return history.back(); }
  Version first() const { return history.front().version; }
};

/// A row from some version on. `cell` is null where the row does not exist.
struct ModelImage {
  Version version;
  const ModelCell* cell = nullptr;
  std::vector<Canonical> fields;  // by field index; empty where the row does not exist
};

/// Is told of every effect on the open transaction, at once, and of its end; not of restore().
class ModelWatcher {
 public:
  virtual ~ModelWatcher() = default;
  virtual void on_inserted(uint16_t table, EntityId entity) = 0;
  /// Some fields may be what they were.
  virtual void on_set(uint16_t table, EntityId entity, const std::vector<Canonical>& before,
                      const std::vector<Canonical>& after) = 0;
  virtual void on_removed(uint16_t table, EntityId entity) = 0;
  virtual void on_committed() = 0;
  virtual void on_dropped() = 0;
};

class Model {
 public:
  /// A row: which table, whose.
  using RowKey = std::pair<uint16_t, EntityId>;
  /// What the open transaction has done. A value.
  struct Savepoint {
    std::map<RowKey, std::optional<std::vector<Canonical>>> staged;  // none: removed
    std::set<EntityId> created;
    std::set<EntityId> destroyed;
  };

  explicit Model(const Schema& schema, Version first_version = Version{1});
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  // The open transaction: each returns whether the product must accept it, and then has its effect.
  /// The id that the product gave out; false if it names an entity that lives or has lived.
  bool create(EntityId entity);
  bool destroy(EntityId entity);
  bool insert(uint16_t table, EntityId entity, std::span<const FieldValue> values);
  bool set(uint16_t table, EntityId entity, std::span<const FieldValue> values);
  bool remove(uint16_t table, EntityId entity);
  /// The same with all fields of the row, which are known to be good; a check fails if the model
  /// would refuse it.
  void insert_row(uint16_t table, EntityId entity, std::vector<Canonical> row);
  void set_row(uint16_t table, EntityId entity, std::vector<Canonical> row);
  void commit(Version version);
  void drop();
  /// Back to an earlier moment of the same transaction.
  Savepoint save() const { return open_; }
  void restore(Savepoint savepoint) { open_ = std::move(savepoint); }
  /// At most one; it outlives the model, or null is set before it is gone.
  void watch(ModelWatcher* watcher) { watcher_ = watcher; }

  const Schema& schema() const { return schema_; }
  Version head() const { return head_; }
  /// Inside the transaction.
  bool exists(EntityId entity) const;
  bool contains(uint16_t table, EntityId entity) const { return find(table, entity) != nullptr; }
  /// Fields as the open transaction sees them, or null.
  const std::vector<Canonical>* find(uint16_t table, EntityId entity) const;
  /// Where the open transaction has the row, which exists in it.
  CellKey key_of(uint16_t table, EntityId entity) const;

  // Committed state.
  /// Cells whose content the last commit changed.
  const std::vector<const ModelCell*>& changed_cells() const { return changed_; }
  /// All cells that ever held a row, in order of creation.
  const std::vector<const ModelCell*>& cells() const { return cells_; }
  /// Null if there never was one.
  const ModelCell* find_cell(uint16_t table, const CellKey& key) const;
  /// The row at a version, or null if it did not exist then.
  const ModelImage* row_at(uint16_t table, EntityId entity, Version version) const;
  /// What the row has been, oldest first; none for a row that never was.
  std::span<const ModelImage> images(uint16_t table, EntityId entity) const;
  /// The first entity with a row from an id on; none if there is no further one.
  std::optional<EntityId> entity_from(uint16_t table, EntityId from) const;
  /// Rows that exist at head.
  size_t row_count(uint16_t table) const { return tables_[table].live; }
  /// Rows that went from one cell to another since the start.
  uint64_t cell_moves() const { return cell_moves_; }

 private:
  struct Row {
    std::vector<ModelImage> history;
    Digest digest;  // of the newest image
  };
  struct TableState {
    std::map<EntityId, Row> rows;
    std::map<CellKey, ModelCell> cells;
    size_t live = 0;
  };

  bool overwrite(uint16_t table, std::vector<Canonical>& row,
                 std::span<const FieldValue> values) const;
  const ModelImage* newest(uint16_t table, EntityId entity) const;
  std::set<RowKey> affected_rows() const;
  ModelCell* cell_for(uint16_t table, const CellKey& key);
  Digest hash_of(uint16_t table, EntityId entity, const std::vector<Canonical>& fields) const;
  void settle_row(const RowKey& key, Version version);
  void account(ModelCell* cell, const Digest& digest, bool arrives, Version version);

  const Schema& schema_;
  Version head_;
  std::vector<TableState> tables_;
  std::set<EntityId> alive_;
  std::map<uint32_t, EntityId> newest_of_index_;
  std::vector<const ModelCell*> cells_;
  std::vector<const ModelCell*> changed_;
  uint64_t cell_moves_ = 0;
  Savepoint open_;
  ModelWatcher* watcher_ = nullptr;
};

}  // namespace ecsdb::sim
