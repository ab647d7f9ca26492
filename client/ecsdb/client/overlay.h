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

/// Rows that are to be shown in place of a replica's, or of none. It is what the pending writes,
/// one after the other, make of the confirmed state, and can hold nothing else: where either
/// changes, the rows concerned are made anew from both. Not thread-safe.
class Overlay {
 public:
  using Key = std::pair<uint16_t, EntityId>;
  struct Row {
    bool exists = false;
    std::vector<CanonicalValue> fields;  // by index; empty where the row does not exist
    bool operator==(const Row&) const = default;
  };
  using Rows = std::map<Key, Row>;

  Overlay() = default;
  Overlay(const Overlay&) = delete;
  Overlay& operator=(const Overlay&) = delete;

  /// Nothing is pending.
  void clear();
  bool empty() const { return rows_.empty(); }
  /// Null: the replica's row counts.
  const Row* find(uint16_t table, EntityId entity) const;
  const Rows& rows() const { return rows_; }

  // A write that is submitted: show() for each of its operations, then keep() for each, or
  // take_back(). `entity` is what the operation's entity goes by.

  /// A row that is shown otherwise now.
  struct Shown {
    Key key;
    std::optional<Row> before;  // in the overlay
  };
  /// Does an operation, as far as there are rows that it can act upon: one on a row that is not
  /// held shows nothing. Notes in the fields what they replace, which is what their writer sees.
  /// Appends the rows that it may change.
  void show(const ClientDb& confirmed, const MergeSet& merges, WriteDraft::Op& op, EntityId entity,
            std::vector<Shown>& shown);
  void take_back(std::vector<Shown>&& shown);
  /// `op` must stay where it is until drop().
  void keep(WriteId write, const WriteDraft::Op& op, EntityId entity);

  // What has changed; then refresh().

  /// True if no write is pending: nothing else of these counts.
  bool is_idle() const { return ops_.empty(); }
  /// The write is pending no more.
  void drop(const ClientDb& confirmed, WriteId write, const WriteDraft::Op& op, EntityId entity);
  /// Operations upon a provisional entity are upon `to` instead of `from` now.
  void rename(const ClientDb& confirmed, EntityId provisional, EntityId from, EntityId to);
  /// Some confirmed row of the entity has changed, come or gone.
  void touch(EntityId entity);
  struct Changes {
    Rows before;  // under the ids that they went by
    std::vector<Key> made;
  };
  /// Makes anew what has changed, and tells unless `changes` is null.
  void refresh(const ClientDb& confirmed, const MergeSet& merges, Changes* changes);

 private:
  struct Ref {
    WriteId write;
    const WriteDraft::Op* op = nullptr;  // null: dropped
  };
  struct Entity {
    std::vector<Ref> refs;  // in the order of the writes
    bool is_dirty = false;  // its rows have to be made anew
  };
  using Entities = std::map<EntityId, Entity>;
  void make_dirty(Entities::iterator at);
  void apply_op(const ClientDb& confirmed, const MergeSet& merges, const WriteDraft::Op& op,
                EntityId entity);
  void apply_put(const ClientDb& confirmed, const WriteDraft::Op& op, EntityId entity);
  void apply_set(const ClientDb& confirmed, const MergeSet& merges, const WriteDraft::Op& op,
                 EntityId entity);
  void note_bases(const ClientDb& confirmed, WriteDraft::Op& op, EntityId entity) const;
  Row* row_to_change(const ClientDb& confirmed, uint16_t table, EntityId entity);
  void take_away(const ClientDb& confirmed, const WriteDraft::Op& op, EntityId entity);

  Rows rows_;
  Entities ops_;  // of pending writes
  std::vector<Entities::iterator> dirty_;
  Rows taken_;  // rows that are to be made anew, as they were
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
