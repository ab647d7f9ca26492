// Changing a database: all or nothing.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ecsdb/store/database.h"

namespace ecsdb {

/// The one open transaction of a database. Its changes are visible at once to reads of the
/// database; commit() makes them one version, dropping it undoes them. A failed operation changes
/// nothing and leaves the transaction usable. Setting a field to the value it has is no change. The
/// database must outlive it and must not be moved or copied meanwhile. Not thread-safe.
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
  Status set(uint16_t table, EntityId entity, uint16_t field, const Value& value);
  /// kRowMissing.
  Status remove(uint16_t table, EntityId entity);

  template <Bound T>
  Status insert(EntityId entity, const T& row) {
    const auto& bound = db_->binding<T>();
    collect(bound.fields, row);
    return insert(bound.table, entity, db_->buffers_.values);
  }
  template <Bound T>
  Status set(EntityId entity, const T& row) {
    const auto& bound = db_->binding<T>();
    const RowIndex at = db_->find_row(bound.table, entity);
    if (at != kNoRow && set_members(bound.table, bound.fields, at, row)) return {};
    collect(bound.fields, row);
    return set(bound.table, entity, db_->buffers_.values);  // says why
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
    const auto& bound = db_->binding<T>();
    std::array<RowIndex, kBatchRows> batch;
    for (size_t begin = 0; begin < rows.size(); begin += kBatchRows) {
      const size_t count = std::min(kBatchRows, rows.size() - begin);
      const auto some = rows.subspan(begin, count);
      const auto owners = entities.subspan(begin, count);
      if (locate(bound.table, bound.fields, owners, batch) == nullptr &&
          set_batch(bound.table, bound.fields, std::span(batch).first(count), some)) {
        continue;
      }
      for (size_t i = 0; i < count; ++i) ECSDB_TRY(set(owners[i], some[i]));
    }
    return {};
  }
  /// Sets one field of many rows from canonical lanes: the fast way in for simulations that keep
  /// integers. `lanes` holds lane_count values a row, row after row. kRowMissing, kValueOutOfRange
  /// (nothing is changed in either case).
  Status set_many(uint16_t table, uint16_t field, std::span<const EntityId> entities,
                  std::span<const uint64_t> lanes);

  // What clients have written, for the server; see transaction_writes.cpp. Values must be canonical
  // for their fields. Of tables that keep marks (ChangeMarks), and those change at once.

  struct Savepoint {
    size_t undo = 0;
    size_t destroyed = 0;
    size_t marks = 0;
  };
  Savepoint savepoint() const;
  /// Undoes everything since then; ids of entities that were made stay spent.
  void roll_back(const Savepoint& to);
  /// Who writes, and what its lww fields are marked with.
  struct Writer {
    ClientId client;
    LwwMark lww;
  };
  /// One field of a row that is there.
  void write_field(uint16_t table, RowIndex row, uint16_t field, const CanonicalValue& value,
                   const Writer& writer);
  /// A row that the entity, which exists, does not have; the others get their defaults.
  struct WrittenField {
    uint16_t field;
    const CanonicalValue* value;
  };
  RowIndex write_row(uint16_t table, EntityId entity, std::span<const WrittenField> fields,
                     const Writer& writer);
  void remove_row(uint16_t table, RowIndex row, const Writer& writer);
  /// What follows is the server's own; `stamp` is what its lww fields are marked with.
  void start_step(uint64_t stamp);

 private:
  friend class Database;
  explicit Transaction(Database& db);

  static constexpr size_t kBatchRows = 64;
  static constexpr size_t kLanesPerMemberMax = std::size(LaneValues{}.lane);
  using What = UndoEntry::What;

  template <Bound T>
  void collect(const std::vector<uint16_t>& fields, const T& row) {
    std::vector<FieldValue>& values = db_->buffers_.values;
    values.clear();
    size_t at = 0;
    auto one = [&](const auto& field) {
      using M = std::decay_t<decltype(row.*(field.pointer))>;
      values.push_back({fields[at++], MemberTraits<M>::to_value(row.*(field.pointer))});
    };
    std::apply([&](const auto&... field) { (one(field), ...); }, Bind<T>::fields);
  }
  /// False if a member's value is refused, which changes nothing.
  template <Bound T>
  bool set_members(uint16_t table, std::span<const uint16_t> fields, RowIndex at, const T& row) {
    const std::vector<FieldDef>& defs = db_->schema().table(table).fields;
    std::array<StagedField, ResolvedBinding<T>::kMembers> staged;
    size_t count = 0;
    bool fits = true;
    auto stage_one = [&](const auto& member) {
      using M = std::decay_t<decltype(row.*(member.pointer))>;
      StagedField& out = staged[count];
      out.field = fields[count++];
      const FieldDef& def = defs[out.field];
      if constexpr (MemberTraits<M>::kIsText) {
        out.text = text_of(row.*(member.pointer));
        fits = fits && text_is_canonical(def, out.text);
      } else {
        const auto value = MemberTraits<M>::to_alternative(row.*(member.pointer));
        fits = fits && encode_lanes(def, value, out.lanes);
      }
    };
    std::apply([&](const auto&... member) { (stage_one(member), ...); }, Bind<T>::fields);
    if (fits) write_fields(table, at, staged);
    return fits;
  }
  /// The same for up to kBatchRows rows, member by member.
  template <Bound T>
  bool set_batch(uint16_t table, std::span<const uint16_t> fields, std::span<const RowIndex> at,
                 std::span<const T> rows) {
    const size_t undo_size = db_->buffers_.undo.size();
    size_t count = 0;
    auto set_one = [&](const auto& member) {
      return set_member_batch(table, fields[count++], at, rows, member.pointer);
    };
    const bool fits = std::apply([&](const auto&... member) { return (set_one(member) && ...); },
                                 Bind<T>::fields);
    if (!fits) undo_to(undo_size);
    return fits;
  }
  template <class T, class M>
  bool set_member_batch(uint16_t table, uint16_t field, std::span<const RowIndex> at,
                        std::span<const T> rows, M T::*pointer) {
    const FieldDef& def = db_->schema().table(table).fields[field];
    if constexpr (MemberTraits<M>::kIsText) {
      StagedField staged{field, {}, {}};
      for (size_t i = 0; i < rows.size(); ++i) {
        staged.text = text_of(rows[i].*pointer);
        if (!text_is_canonical(def, staged.text)) return false;
        write_fields(table, at[i], std::span(&staged, 1));
      }
      return true;
    } else {
      std::array<uint64_t, kBatchRows * kLanesPerMemberMax> lanes;
      const size_t width = db_->schema().layout(table).fields[field].lane_count;
      if (!encode_members(def, rows, pointer, width, lanes)) return false;
      write_batch(table, field, at, std::span(lanes).first(rows.size() * width));
      return true;
    }
  }
  template <class T, class M>
  static bool encode_members(const FieldDef& def, std::span<const T> rows, M T::*pointer,
                             size_t width, std::span<uint64_t> lanes) {
    using Alternative = decltype(MemberTraits<M>::to_alternative(rows[0].*pointer));
    if constexpr (MemberTraits<M>::kIsNumber) {
      std::array<Alternative, kBatchRows> values;
      for (size_t i = 0; i < rows.size(); ++i) {
        values[i] = MemberTraits<M>::to_alternative(rows[i].*pointer);
      }
      return encode_many(def, std::span(values).first(rows.size()), lanes);
    }
    LaneValues one;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (!encode_lanes(def, MemberTraits<M>::to_alternative(rows[i].*pointer), one)) return false;
      for (size_t k = 0; k < width; ++k) lanes[i * width + k] = one.lane[k];
    }
    return true;
  }
  static std::string_view text_of(const std::string& text) { return text; }
  static std::string_view text_of(const Blob& blob) { return as_text(blob); }
  Status set_with_care(uint16_t table, EntityId entity, uint16_t field, const Value& value);
  Status missing_row(uint16_t table, EntityId entity) const;
  Status stage(uint16_t table, std::span<const FieldValue> values);
  Status stage_one(uint16_t table, uint16_t field, const Value& value, StagedField& out) const;
  void stage_defaults(uint16_t table);
  const EntityId* locate(uint16_t table, std::span<const uint16_t> fields,
                         std::span<const EntityId> entities, std::span<RowIndex> out) const;
  void note(What what, uint16_t table, RowIndex row, uint8_t& state, uint8_t how, uint16_t lane = 0,
            uint64_t old = 0);
  void write_lane(Table& rows, uint16_t table, RowIndex row, uint16_t lane, uint64_t value,
                  const FieldPlan& plan);
  void write_text(Table& rows, uint16_t table, RowIndex row, const StagedField& given);
  void write_fields(uint16_t table, RowIndex row, std::span<const StagedField> staged);
  void write_batch(uint16_t table, uint16_t field, std::span<const RowIndex> rows,
                   std::span<const uint64_t> lanes);
  void write_new_row(uint16_t table, RowIndex row);
  void mark_removed(uint16_t table, RowIndex row);
  Status require_entity(EntityId entity) const;
  void undo_to(size_t undo_size);
  void undo(const UndoEntry& entry);
  void insert_staged(uint16_t table, EntityId entity, RowIndex& row);
  void keep_field_mark(uint16_t table, RowIndex row, uint8_t bit);
  void mark_inserted(uint16_t table, RowIndex row, const Writer& writer);
  void undo_marks_to(size_t size);
  void mark_step();
  void mark_step_entry(const UndoEntry& entry);
  void place_changed_rows();
  bool place_changed_rows(bool following);
  void place_run(uint16_t table, std::span<const UndoEntry> entries);
  void place_with_care(uint16_t table, RowIndex row);
  void erase_removed_rows();
  void close();

  Database* db_;
  size_t step_begin_ = 0;  // in the undo log: the server's own step
  uint64_t step_stamp_ = 0;
};

inline Transaction Database::begin() { return Transaction(*this); }

}  // namespace ecsdb
