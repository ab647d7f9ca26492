// What becomes of one write of a client.
//
// In this order for each operation: its form (table, fields, values), the entity and the row, the
// right to write the row as it is, each field's policy, the right to write the row as it has
// become. The first thing that is wrong rejects the whole write, and nothing of it stays.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "ecsdb/schema/merge.h"
#include "ecsdb/server/auth.h"
#include "ecsdb/server/conflict_log.h"
#include "ecsdb/server/write_rule.h"
#include "ecsdb/store/transaction.h"

namespace ecsdb {

/// An entity that a write has made: place of the spawn in it.
struct MadeEntity {
  uint32_t op = 0;
  EntityId entity;
};

/// The time and the rules that writes are decided by. References live as long as the call.
struct WriteTerms {
  Version published;       // no base is newer
  uint64_t time_ms = 0;    // the server's wall clock
  uint64_t stamp_max = 0;  // higher ones count as this
  const MergeSet& merges;
  const WriteRule* rule;  // may be null
  const ConflictLog& conflicts;
  const std::string& admin_role;  // whose writes may settle conflicts
};

/// Who has written it.
struct WriteAuthor {
  ClientId client;
  const Identity& identity;
  /// The entity that an earlier write of the client has made; none if it made none there.
  const std::function<EntityId(uint64_t sequence, uint64_t op)>& made_by;
};

/// Keeps its memory from write to write. Not thread-safe.
class WriteDecider {
 public:
  /// Does the write to the transaction, or leaves that as it was. Appends its conflicts, without
  /// their numbers. made() tells which entities it has made.
  Outcome decide(Transaction& transaction, const Write& write, const WriteAuthor& author,
                 const WriteTerms& terms, std::vector<Conflict>& conflicts);
  const std::vector<MadeEntity>& made() const { return made_; }
  /// Of the texts of its conflicts.
  size_t conflict_bytes() const { return conflict_bytes_; }

 private:
  struct Field {  // of a write, looked up
    uint16_t index = 0;
    const WriteField* given = nullptr;
  };
  struct Final {  // a field that is not as it was written
    FinalValue value;
    uint16_t table = 0;
    EntityId entity;
  };

  Status do_ops();
  Status do_op(const WriteOp& op);
  Status check_op(const WriteOp& op);
  Status find_fields();
  Status find_field(const TableDef& def, const WriteField& given, Field& out) const;
  Status find_entity(const WriteOp& op, EntityId& entity) const;
  Status check_any_right() const;
  Status spawn();
  Status despawn(const WriteOp& op);
  Status put(const WriteOp& op);
  Status set(const WriteOp& op);
  Status remove(const WriteOp& op);
  Status find_row(EntityId entity, RowIndex& row);
  Status check_rights(RowIndex row) const;
  Status check_field_rights(RowIndex row) const;
  Status set_field(RowIndex row, const Field& field);
  Status set_lww(RowIndex row, const Field& field, bool is_stale);
  Status set_merge(RowIndex row, const Field& field, bool is_stale);
  void store(RowIndex row, const Field& field, const CanonicalValue& value, const LwwMark& lww);
  Conflict& note(ConflictRule rule, EntityId entity);
  void note_field(ConflictRule rule, RowIndex row, const Field& field, const CanonicalValue& before,
                  const CanonicalValue& result);
  Status check_rule();
  void note_final(RowIndex row, const Field& field, const CanonicalValue& value);
  void add_finals(Outcome& outcome) const;
  Error at_field(ErrorCode code, const Field& field, std::string why = {}) const;
  Error at_row(ErrorCode code, EntityId entity) const;
  const Database& db() const { return transaction_->database(); }
  const TableDef& table() const { return db().schema().table(table_); }
  LwwMark own_mark() const { return {stamp_, write_->sequence, op_}; }

  // Of the write that is being decided.
  Transaction* transaction_ = nullptr;
  const Write* write_ = nullptr;
  const WriteAuthor* author_ = nullptr;
  const WriteTerms* terms_ = nullptr;
  std::vector<Conflict>* conflicts_ = nullptr;
  std::optional<Conflict> cause_;  // the conflict that rejects it
  Version base_;
  uint64_t stamp_ = 0;
  uint32_t op_ = 0;
  size_t field_begin_ = 0;  // of the operation, in the write's list
  uint16_t table_ = 0;
  std::vector<Field> fields_;
  std::vector<MadeEntity> made_;
  bool is_merged_ = false;  // some field is not as it was written; the values that are told:
  std::vector<Final> finals_;
  size_t final_bytes_ = 0;               // of them on the wire, at most
  size_t conflict_bytes_ = 0;            // of memory for its conflicts
  std::vector<ProposedWrite::Op> done_;  // for the rule
  std::vector<Transaction::WrittenField> row_;
};

}  // namespace ecsdb
