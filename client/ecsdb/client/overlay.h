// What an application's own writes show before the server has decided them.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "ecsdb/client/client_db.h"
#include "ecsdb/client/writes.h"
#include "ecsdb/schema/merge.h"

namespace ecsdb {

/// Rows that are to be shown in place of a replica's, or of none. It is what the pending writes
/// make of the confirmed state, and is made anew whenever either changes, so that it can hold
/// nothing else. Not thread-safe.
class Overlay {
 public:
  using Key = std::pair<uint16_t, EntityId>;
  struct Row {
    bool exists = false;
    std::vector<CanonicalValue> fields;  // by index; empty where the row does not exist
    bool operator==(const Row&) const = default;
  };

  void clear() { rows_.clear(); }
  bool empty() const { return rows_.empty(); }
  /// Null: the replica's row counts.
  const Row* find(uint16_t table, EntityId entity) const;
  const std::map<Key, Row>& rows() const { return rows_; }

  /// Does a write's operations, as far as there are rows that they can act upon. An operation on a
  /// row that is not held shows nothing. `resolve` gives the id that the server has given.
  /// With `bases`, notes in the fields what they find, which is what their writer sees.
  template <class Resolve>
  void apply(const ClientDb& confirmed, const MergeSet& merges, std::span<const WriteDraft::Op> ops,
             Resolve&& resolve) {
    for (const WriteDraft::Op& op : ops) apply_op(confirmed, merges, op, resolve(op.entity));
  }
  /// Notes in the fields of an operation what they are about to replace.
  void note_bases(const ClientDb& confirmed, WriteDraft::Op& op, EntityId entity) const;
  void apply_op(const ClientDb& confirmed, const MergeSet& merges, const WriteDraft::Op& op,
                EntityId entity);

 private:
  Row* row_to_change(const ClientDb& confirmed, uint16_t table, EntityId entity);

  std::map<Key, Row> rows_;
};

/// A row of the replica, whole.
std::vector<CanonicalValue> row_values(const ClientDb& db, uint16_t table, RowIndex row);

/// Confirmed state with the overlay upon it, for reading; what the application should draw. It
/// changes inside Client::poll() and Client::submit(). Entities may be provisional. The same object
/// for the client's life. Not thread-safe.
class PredictedDb {
 public:
  PredictedDb(const ClientDb& confirmed, const Overlay& overlay,
              const std::map<EntityId, EntityId>& made)
      : confirmed_(confirmed), overlay_(overlay), made_(made) {}

  const Schema& schema() const { return confirmed_.schema(); }
  /// The id that the server has given to a provisional entity; others, and those that have none
  /// yet, as they are.
  EntityId entity(EntityId entity) const;
  bool contains(uint16_t table, EntityId entity) const;
  /// kRowMissing if there is no such row.
  Result<Value> value(uint16_t table, EntityId entity, uint16_t field) const;
  /// The row as a struct, or nothing. T must be bound.
  template <Bound T>
  std::optional<T> get(EntityId given) const {
    const auto* bound = confirmed_.template readable_binding<T>();
    if (bound == nullptr) return std::nullopt;
    const Overlay::Row* row = overlay_.find(bound->table, entity(given));
    if (row == nullptr) return confirmed_.template get<T>(entity(given));
    if (!row->exists) return std::nullopt;
    const std::vector<FieldDef>& fields = schema().table(bound->table).fields;
    return confirmed_.template make<T>(
        *bound, [&](uint16_t field) { return from_canonical(fields[field], row->fields[field]); });
  }
  /// Entities that have a row in a table, in unspecified order.
  std::vector<EntityId> entities(uint16_t table) const;

 private:
  const ClientDb& confirmed_;
  const Overlay& overlay_;
  const std::map<EntityId, EntityId>& made_;
};

}  // namespace ecsdb
