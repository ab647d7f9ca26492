#include "ecsdb/server/write_decider.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "ecsdb/base/mutant.h"
#include "ecsdb/server/write_rights.h"
#include "ecsdb/wire/messages.h"

namespace ecsdb {
namespace {

// An outcome with its made entities fits a frame whatever its write is. Values beyond that are not
// told: the client finds them in the row.
constexpr size_t kFinalBytesMax = 48 * 1024;
constexpr size_t kFinalBytesEach = 48;  // of one, but for its text
static_assert(kWriteFieldsMax * kFinalBytesEach <= kFinalBytesMax);
static_assert(kFinalBytesMax + 10 * kWriteOpsMax + kReasonBytesMax + 64 <= kFrameHeadBytesMax);

// A write of few bytes can meet many long texts, and each conflict keeps them.
constexpr size_t kWriteConflictBytesMax = 4 * 1024 * 1024;

}  // namespace

Outcome WriteDecider::decide(Transaction& transaction, const Write& write,
                             const WriteAuthor& author, const WriteTerms& terms,
                             std::vector<Conflict>& conflicts) {
  transaction_ = &transaction;
  write_ = &write;
  author_ = &author;
  terms_ = &terms;
  conflicts_ = &conflicts;
  base_ = write.epoch == db().options().epoch ? write.base : Version{};
  stamp_ = std::min(write.stamp, terms.stamp_max);
  cause_.reset();
  made_.clear();
  is_merged_ = false;
  finals_.clear();
  final_bytes_ = conflict_bytes_ = 0;
  done_.clear();
  const Transaction::Savepoint before = transaction.savepoint();
  const size_t conflicts_before = conflicts.size();
  Outcome outcome;
  outcome.sequence = write.sequence;
  outcome.version = db().head().next();
  const Status status = do_ops();
  if (status.ok()) {
    add_finals(outcome);
    for (const MadeEntity& made : made_) outcome.made.push_back(made.entity);
    return outcome;
  }
  transaction.roll_back(before);
  conflicts.resize(conflicts_before);
  if (cause_) conflicts.push_back(*std::move(cause_));
  made_.clear();
  outcome.kind = OutcomeKind::kRejected;
  outcome.code = static_cast<uint16_t>(status.code());
  outcome.reason = message_text(status.error().context, kReasonBytesMax);
  return outcome;
}

Status WriteDecider::do_ops() {
  if (base_ > terms_->published) {
    return fail(ErrorCode::kBaseInFuture, "version " + std::to_string(base_.value) +
                                              "; the newest published is " +
                                              std::to_string(terms_->published.value));
  }
  if (write_->level == AckLevel::kDurable) {
    return fail(ErrorCode::kNotKept, "this server keeps no archive: ask for level applied");
  }
  // To settle a conflict, it may be enough to say that what is stored is right.
  if (write_->ops.empty() && write_->resolves == 0) {
    return fail(ErrorCode::kFrameMalformed, "a write without operations");
  }
  size_t fields = 0;
  for (const WriteOp& op : write_->ops) fields += op.field_count;
  if (fields != write_->fields.size()) {
    return fail(ErrorCode::kFrameMalformed, "fields that belong to no operation, or too few");
  }
  field_begin_ = 0;
  for (op_ = 0; op_ < write_->ops.size(); ++op_) {
    const WriteOp& op = write_->ops[op_];
    ECSDB_TRY(do_op(op));
    if (conflict_bytes_ > kWriteConflictBytesMax) {
      return fail(ErrorCode::kLimitExceeded, "conflicts over too many bytes of texts");
    }
    field_begin_ += op.field_count;
  }
  return check_rule();
}

Status WriteDecider::do_op(const WriteOp& op) {
  ECSDB_TRY(check_op(op));
  switch (op.kind) {
    case WriteOpKind::kSpawn:
      return spawn();
    case WriteOpKind::kDespawn:
      return despawn(op);
    case WriteOpKind::kPut:
      return put(op);
    case WriteOpKind::kSet:
      return set(op);
    case WriteOpKind::kRemove:
      return remove(op);
  }
  return {};
}

/// The form of an operation, whatever is in the database.
Status WriteDecider::check_op(const WriteOp& op) {
  const bool is_of_table = op.kind >= WriteOpKind::kPut;
  const bool has_fields = op.kind == WriteOpKind::kPut || op.kind == WriteOpKind::kSet;
  const bool is_odd = (!is_of_table && op.table != TableId{}) ||
                      (!has_fields && op.field_count > 0) ||
                      (op.kind == WriteOpKind::kSpawn && (op.entity != 0 || op.made_by != 0));
  if (is_odd) {
    return fail(ErrorCode::kFrameMalformed,
                "operation " + std::to_string(op_) + " has what its kind does not take");
  }
  if (!is_of_table) return {};
  const auto table = db().schema().table_index(op.table);
  if (!table) return fail(ErrorCode::kUnknownTable, "id " + std::to_string(op.table.value));
  table_ = *table;
  if (!may_write_some(this->table().write, author_->identity)) {
    return fail(ErrorCode::kNotPermitted, "table " + this->table().name);
  }
  return find_fields();
}

Status WriteDecider::find_fields() {
  const WriteOp& op = write_->ops[op_];
  fields_.clear();
  const std::span<const WriteField> given =
      std::span(write_->fields).subspan(field_begin_, op.field_count);
  for (size_t i = 0; i < given.size(); ++i) {
    if (i > 0 && given[i].field <= given[i - 1].field) {
      return fail(ErrorCode::kFrameMalformed, "fields that do not rise by their ids");
    }
    ECSDB_TRY(find_field(table(), given[i], fields_.emplace_back()));
  }
  return {};
}

Status WriteDecider::find_field(const TableDef& def, const WriteField& given, Field& out) const {
  const auto at =
      std::lower_bound(def.fields.begin(), def.fields.end(), given.field,
                       [](const FieldDef& field, FieldId want) { return field.id < want; });
  if (at == def.fields.end() || at->id != given.field || at->server_only) {
    return fail(ErrorCode::kUnknownField,
                "table " + def.name + ", id " + std::to_string(given.field.value));
  }
  out = {static_cast<uint16_t>(at - def.fields.begin()), &given};
  for (const CanonicalValue* value : {&given.value, &given.base}) {
    if (value == &given.base && !value->has_value()) continue;
    const Status status = check_canonical(*at, *value);
    if (!status.ok()) return at_field(status.code(), out, status.error().context);
  }
  return {};
}

Error WriteDecider::at_field(ErrorCode code, const Field& field, std::string why) const {
  std::string where = table().name + "." + table().fields[field.index].name;
  if (!why.empty()) where += ": " + why;
  return fail(code, std::move(where));
}

Error WriteDecider::at_row(ErrorCode code, EntityId entity) const {
  return fail(code, table().name + ", entity " + std::to_string(entity.value));
}

/// The id; whether there is such an entity is another question.
Status WriteDecider::find_entity(const WriteOp& op, EntityId& entity) const {
  entity = EntityId{op.entity};
  if (op.made_by == 0) return {};
  entity = EntityId{};
  if (op.made_by == write_->sequence) {
    for (const MadeEntity& made : made_) {
      if (made.op == op.entity) entity = made.entity;
    }
  } else if (op.made_by < write_->sequence) {
    entity = author_->made_by(op.made_by, op.entity);
  }
  if (!entity.is_none()) return {};
  return fail(ErrorCode::kUnknownEntity, "of write " + std::to_string(op.made_by) + ", operation " +
                                             std::to_string(op.entity) +
                                             ": it has made none there");
}

/// Entities are for those who may write some table.
Status WriteDecider::check_any_right() const {
  const std::vector<TableDef>& tables = db().schema().def().tables;
  const bool has_any = std::any_of(tables.begin(), tables.end(), [&](const TableDef& table) {
    return may_write_some(table.write, author_->identity);
  });
  if (has_any) return {};
  return fail(ErrorCode::kNotPermitted, "no table may be written");
}

Status WriteDecider::spawn() {
  ECSDB_TRY(check_any_right());
  auto entity = transaction_->create();
  if (!entity.ok()) return entity.error();
  made_.push_back({op_, *entity});
  done_.push_back({WriteOpKind::kSpawn, 0, *entity, {}});
  return {};
}

Status WriteDecider::despawn(const WriteOp& op) {
  ECSDB_TRY(check_any_right());
  EntityId entity;
  ECSDB_TRY(find_entity(op, entity));
  if (!db().exists(entity)) {
    return fail(ErrorCode::kUnknownEntity, "entity " + std::to_string(entity.value));
  }
  // All rights first: rows that follow one that is gone are in another cell.
  for (table_ = 0; table_ < db().table_count(); ++table_) {
    const RowIndex row = db().find_row(table_, entity);
    if (row != kNoRow) ECSDB_TRY(check_rights(row));
  }
  for (table_ = 0; table_ < db().table_count(); ++table_) {
    const RowIndex row = db().find_row(table_, entity);
    if (row != kNoRow) transaction_->remove_row(table_, row, {author_->client, {}});
  }
  done_.push_back({WriteOpKind::kDespawn, 0, entity, {}});
  return transaction_->destroy(entity);
}

Status WriteDecider::put(const WriteOp& op) {
  EntityId entity;
  ECSDB_TRY(find_entity(op, entity));
  if (!db().exists(entity)) {
    return fail(ErrorCode::kUnknownEntity, "entity " + std::to_string(entity.value));
  }
  const RowIndex present = db().find_row(table_, entity);
  if (present != kNoRow) {
    const BirthMark& birth = db().table(table_).marks().birth(present);
    if (birth.version > base_ && birth.by != author_->client) {
      note(ConflictRule::kInsertLoses, entity);
    }
    return at_row(ErrorCode::kRowExists, entity);
  }
  row_.clear();
  for (const Field& field : fields_) row_.push_back({field.index, &field.given->value});
  const RowIndex row = transaction_->write_row(table_, entity, row_, {author_->client, own_mark()});
  ECSDB_TRY(check_rights(row));
  ECSDB_TRY(check_field_rights(row));
  done_.push_back({WriteOpKind::kPut, table_, entity,
                   std::span(write_->fields).subspan(field_begin_, op.field_count)});
  return {};
}

/// The row that is there to be changed or removed.
Status WriteDecider::find_row(EntityId entity, RowIndex& row) {
  row = db().find_row(table_, entity);
  if (row != kNoRow) return check_rights(row);
  const Removals::Removal* removal = db().removal(table_, entity);
  if (removal != nullptr && removal->version > base_ && removal->by != author_->client) {
    note(ConflictRule::kRemoveWins, entity);
    return at_row(ErrorCode::kRowRemoved, entity);
  }
  if (db().exists(entity)) return at_row(ErrorCode::kRowMissing, entity);
  return fail(ErrorCode::kUnknownEntity, "entity " + std::to_string(entity.value));
}

Status WriteDecider::check_rights(RowIndex row) const {
  if (may_write(db(), table().write, table_, row, author_->identity)) return {};
  return at_row(ErrorCode::kNotPermitted, db().table(table_).row(row).entity);
}

/// Lists of fields narrow that of their table.
Status WriteDecider::check_field_rights(RowIndex row) const {
  for (const Field& field : fields_) {
    const std::vector<AccessRule>& rules = table().fields[field.index].write;
    if (rules.empty() || may_write(db(), rules, table_, row, author_->identity)) continue;
    return at_field(ErrorCode::kNotPermitted, field);
  }
  return {};
}

Status WriteDecider::remove(const WriteOp& op) {
  EntityId entity;
  ECSDB_TRY(find_entity(op, entity));
  RowIndex row = kNoRow;
  ECSDB_TRY(find_row(entity, row));
  transaction_->remove_row(table_, row, {author_->client, {}});
  done_.push_back({WriteOpKind::kRemove, table_, entity, {}});
  return {};
}

Status WriteDecider::set(const WriteOp& op) {
  EntityId entity;
  ECSDB_TRY(find_entity(op, entity));
  RowIndex row = kNoRow;
  ECSDB_TRY(find_row(entity, row));
  ECSDB_TRY(check_field_rights(row));
  for (const Field& field : fields_) ECSDB_TRY(set_field(row, field));
  done_.push_back({WriteOpKind::kSet, table_, entity,
                   std::span(write_->fields).subspan(field_begin_, op.field_count)});
  ECSDB_TRY(check_rights(row));
  return check_field_rights(row);
}

Status WriteDecider::set_field(RowIndex row, const Field& field) {
  const uint8_t bit = db().table(table_).layout().fields[field.index].replicated_bit;
  const FieldMark& mark = db().table(table_).marks().field(row, bit);
  const ClientId me = ECSDB_MUTANT(own_conflicts) ? ClientId{~uint64_t{0}} : author_->client;
  const bool is_stale = mark.is_stale_for(me, base_);
  switch (table().fields[field.index].policy) {
    case Policy::kServer:
      if (is_stale) {
        const CanonicalValue before = db().table(table_).field_value(row, field.index);
        note_field(ConflictRule::kServerWins, row, field, before, before);
        return at_field(ErrorCode::kConflict, field);
      }
      store(row, field, field.given->value, {});
      return {};
    case Policy::kLww:
      return set_lww(row, field, is_stale);
    case Policy::kMerge:
      return set_merge(row, field, is_stale);
  }
  return {};
}

void WriteDecider::store(RowIndex row, const Field& field, const CanonicalValue& value,
                         const LwwMark& lww) {
  transaction_->write_field(table_, row, field.index, value, {author_->client, lww});
}

Status WriteDecider::set_lww(RowIndex row, const Field& field, bool is_stale) {
  const Table& rows = db().table(table_);
  const uint8_t bit = rows.layout().fields[field.index].replicated_bit;
  const LwwMark& stored = rows.marks().lww(row, bit);
  LwwMark own = own_mark();
  if (!is_stale) {
    own.stamp = std::max(own.stamp, stored.stamp + 1);
    store(row, field, field.given->value, own);
    return {};
  }
  const CanonicalValue before = rows.field_value(row, field.index);
  const auto order = [](const LwwMark& mark, ClientId client) {
    return std::tuple(mark.stamp, client, mark.sequence, mark.op);
  };
  const bool by_arrival = ECSDB_MUTANT(tie_by_arrival) && own.stamp == stored.stamp;
  const bool wins =
      by_arrival || order(own, author_->client) > order(stored, rows.marks().field(row, bit).by);
  if (wins) {
    store(row, field, field.given->value, own);
    note_field(ConflictRule::kNewerWins, row, field, before, field.given->value);
    return {};
  }
  note_field(ConflictRule::kOlderLoses, row, field, before, before);
  if (before != field.given->value) note_final(row, field, before);
  return {};
}

Status WriteDecider::set_merge(RowIndex row, const Field& field, bool is_stale) {
  const Table& rows = db().table(table_);
  const CanonicalValue before = rows.field_value(row, field.index);
  const WriteField& given = *field.given;
  auto result =
      merge_field(table().fields[field.index], terms_->merges, given.base, before, given.value);
  if (ECSDB_MUTANT(merge_overwrites)) result = given.value;
  if (!result.ok()) {
    if (is_stale) note_field(ConflictRule::kMergeRefused, row, field, before, before);
    return at_field(result.error().code, field, result.error().context);
  }
  if (is_stale) note_field(ConflictRule::kMerged, row, field, before, *result);
  if (*result != given.value) note_final(row, field, *result);
  store(row, field, *result, {});
  return {};
}

/// Until it is known whether the write is applied, a conflict that rejects it stands apart.
Conflict& WriteDecider::note(ConflictRule rule, EntityId entity) {
  const bool rejects = rule == ConflictRule::kServerWins || rule == ConflictRule::kMergeRefused ||
                       rule == ConflictRule::kRemoveWins || rule == ConflictRule::kInsertLoses;
  Conflict& conflict = rejects ? cause_.emplace() : conflicts_->emplace_back();
  conflict.version = db().head().next();
  conflict.time_ms = terms_->time_ms;
  conflict.client = author_->client;
  conflict.principal = author_->identity.principal;
  conflict.sequence = write_->sequence;
  conflict.op = op_;
  conflict.table = table().id;
  conflict.entity = entity;
  conflict.rule = rule;
  conflict.base_version = base_;
  return conflict;
}

void WriteDecider::note_field(ConflictRule rule, RowIndex row, const Field& field,
                              const CanonicalValue& before, const CanonicalValue& result) {
  Conflict& conflict = note(rule, db().table(table_).row(row).entity);
  conflict.field = field.given->field;
  conflict.policy = table().fields[field.index].policy;
  conflict.base = field.given->base;
  conflict.server = before;
  conflict.mine = field.given->value;
  conflict.result = result;
  conflict_bytes_ += sizeof(Conflict);
  for (const CanonicalValue* value :
       {&conflict.base, &conflict.server, &conflict.mine, &conflict.result}) {
    conflict_bytes_ += value->text.size();
  }
}

Status WriteDecider::check_rule() {
  if (terms_->rule == nullptr) return {};
  const ProposedWrite proposed{author_->client, author_->identity, done_};
  auto reason = terms_->rule->refuse(db(), proposed);
  if (!reason) return {};
  return fail(ErrorCode::kRuleRefused, *std::move(reason));
}

void WriteDecider::note_final(RowIndex row, const Field& field, const CanonicalValue& value) {
  is_merged_ = true;
  const size_t bytes = kFinalBytesEach + value.text.size();
  if (final_bytes_ + bytes > kFinalBytesMax) return;
  final_bytes_ += bytes;
  const EntityId entity = db().table(table_).row(row).entity;
  finals_.push_back({{op_, field.given->field, value}, table_, entity});
}

/// Values of rows that the author may not read are not told.
void WriteDecider::add_finals(Outcome& outcome) const {
  if (!is_merged_) return;
  outcome.kind = OutcomeKind::kMerged;
  for (const Final& final : finals_) {
    const RowIndex row = db().find_row(final.table, final.entity);
    if (row == kNoRow) continue;  // a later operation has removed it
    const CellKey key = db().staged_key(final.table, row);
    if (!may_read(db().schema().table(final.table), author_->identity, key)) continue;
    outcome.finals.push_back(final.value);
  }
}

}  // namespace ecsdb
