// Changing a database: all or nothing.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ecsdb/store/database.h"

namespace ecsdb {

/// One field of a dynamic row.
struct FieldValue {
  uint16_t field;  // index in the table's fields (Schema::field_index)
  Value value;
};

/// The one open transaction of a database. Its changes are visible at once to reads of the
/// database; commit() makes them one version, dropping it undoes them. A failed operation changes
/// nothing and leaves the transaction usable. Setting a field to the value it has is no change. The
/// database must outlive it and must not be moved meanwhile. Not thread-safe.
class Transaction {
 public:
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  /// Makes the changes one version and returns it. A version is made even without changes.
  Version commit() &&;

  const Database& database() const { return *db_; }

  /// A new entity without rows; its id is spent even if the transaction is dropped. kCapacity when
  /// all indices are in use.
  Result<EntityId> create();
  /// Removes the entity and its rows in every table. kUnknownEntity.
  Status destroy(EntityId entity);

  /// Adds a row; fields that are not given get their default. kRowExists, kUnknownEntity,
  /// kValueOutOfRange, kTypeMismatch, kTextTooLong, kBadText, each naming the table and field.
  Status insert(uint16_t table, EntityId entity, std::span<const FieldValue> values);
  /// Changes fields of a row. kRowMissing and the above.
  Status set(uint16_t table, EntityId entity, std::span<const FieldValue> values);
  Status set(uint16_t table, EntityId entity, uint16_t field, Value value);
  /// kRowMissing.
  Status remove(uint16_t table, EntityId entity);

  template <Bound T>
  Status insert(EntityId entity, const T& row) {
    const auto& bound = db_->binding<T>();
    collect(bound.fields, row);
    return insert(bound.table, entity, values_);
  }
  template <Bound T>
  Status set(EntityId entity, const T& row) {
    const auto& bound = db_->binding<T>();
    collect(bound.fields, row);
    return set(bound.table, entity, values_);
  }
  /// Inserts the row, or sets it where there is one.
  template <Bound T>
  Status put(EntityId entity, const T& row) {
    return db_->contains<T>(entity) ? set(entity, row) : insert(entity, row);
  }
  template <Bound T>
  Status remove(EntityId entity) {
    return remove(db_->binding<T>().table, entity);
  }
  /// Sets many rows; stops at the first error, naming it; rows before it stay changed.
  template <Bound T>
  Status set_many(std::span<const EntityId> entities, std::span<const T> rows) {
    ECSDB_CHECK(entities.size() == rows.size());
    for (size_t i = 0; i < rows.size(); ++i) ECSDB_TRY(set(entities[i], rows[i]));
    return {};
  }
  /// Sets one field of many rows from canonical lanes: the fast way in for simulations that keep
  /// integers. `lanes` holds lane_count values a row, row after row. kRowMissing, kValueOutOfRange
  /// (nothing is changed in either case).
  Status set_many(uint16_t table, uint16_t field, std::span<const EntityId> entities,
                  std::span<const uint64_t> lanes);

 private:
  friend class Database;
  explicit Transaction(Database& db);

  enum class Undo : uint8_t { kCreate, kAppend, kMarkRemoved, kUnmarkRemoved, kLane, kText };
  struct UndoEntry {
    Undo what;
    uint16_t table = 0;
    uint16_t lane = 0;  // lane or text column
    RowIndex row = kNoRow;
    uint64_t old = 0;  // lane value, entity, or index into old_texts_
  };
  struct Touched {
    uint16_t table;
    RowIndex row;
  };
  struct Staged {  // one checked field value
    uint16_t field;
    LaneValues lanes;
    std::string text;
  };

  template <Bound T>
  void collect(const std::vector<uint16_t>& fields, const T& row) {
    values_.clear();
    size_t at = 0;
    auto one = [&](const auto& field) {
      using M = std::decay_t<decltype(row.*(field.pointer))>;
      values_.push_back({fields[at++], MemberTraits<M>::to_value(row.*(field.pointer))});
    };
    std::apply([&](const auto&... field) { (one(field), ...); }, Bind<T>::fields);
  }
  Status stage(uint16_t table, std::span<const FieldValue> values);
  void apply_staged(uint16_t table, RowIndex row);
  void write_lane(uint16_t table, RowIndex row, uint16_t lane, uint64_t value, bool replicated);
  void touch(uint16_t table, RowIndex row, bool replicated);
  void mark_removed(uint16_t table, RowIndex row);
  Status require_entity(EntityId entity) const;
  void rollback();
  void place_changed_rows();
  void erase_removed_rows();
  void close();

  Database* db_;
  std::vector<UndoEntry> undo_;
  std::vector<std::string> old_texts_;
  std::vector<Touched> touched_;
  std::vector<EntityId> destroyed_;
  std::vector<FieldValue> values_;  // scratch
  std::vector<Staged> staged_;      // scratch
};

inline Transaction Database::begin() { return Transaction(*this); }

}  // namespace ecsdb
