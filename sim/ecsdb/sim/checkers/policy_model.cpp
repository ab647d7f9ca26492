#include "ecsdb/sim/checkers/policy_model.h"

#include <algorithm>
#include <optional>

#include "ecsdb/base/check.h"
#include "ecsdb/sim/checkers/policy_values.h"
#include "ecsdb/sim/checkers/write_rights.h"

namespace ecsdb::sim {
namespace {

constexpr unsigned kCounterBits = 16;  // of a stamp
constexpr ClientId kNobody{~uint64_t{0}};

uint64_t first_stamp_of(uint64_t wall_ms) { return wall_ms << kCounterBits; }
uint64_t last_stamp_of(uint64_t wall_ms) {
  return first_stamp_of(wall_ms) | ((uint64_t{1} << kCounterBits) - 1);
}

bool is_whole(const Write& write) {
  uint64_t fields = 0;
  for (const WriteOp& op : write.ops) {
    const bool has_fields = op.kind == WriteOpKind::kPut || op.kind == WriteOpKind::kSet;
    if (!has_fields && op.field_count != 0) return false;
    fields += op.field_count;
  }
  return !write.ops.empty() && fields == write.fields.size();
}

}  // namespace

/// One write on its way through its operations.
class PolicyModel::Trial {
 public:
  Trial(PolicyModel& policies, const Write& write, ClientId client, const ClientIdentity& identity,
        const DecisionTime& time, std::span<const EntityId> ids)
      : policies_(policies),
        model_(policies.model_),
        book_(policies.book_),
        write_(write),
        client_(client),
        identity_(identity),
        time_(time),
        ids_(ids),
        base_(write.epoch == time.epoch ? write.base : Version{}) {}

  Expected run();

 private:
  using RowKey = Model::RowKey;
  /// A field that is set.
  struct Target {
    RowKey row;
    uint16_t index;
    const FieldDef& def;
    const WriteField& given;
    Canonical stored;
    Canonical mine;
    bool stale;
  };

  ErrorCode check_write() const;
  ErrorCode do_op(const WriteOp& op);
  ErrorCode spawn();
  ErrorCode despawn(const WriteOp& op);
  ErrorCode put(const WriteOp& op);
  ErrorCode set(const WriteOp& op);
  ErrorCode remove(const WriteOp& op);
  ErrorCode check_fields(uint16_t table, std::vector<uint16_t>& indices) const;
  ErrorCode find_row(const WriteOp& op, RowKey& row);
  ErrorCode settle(const Target& target, Canonical& result);
  ErrorCode settle_lww(const Target& target, Canonical& result);
  ErrorCode settle_merge(const Target& target, Canonical& result);

  /// Some rule of the table is for a role that the writer has.
  bool may_write_some(uint16_t table) const {
    const std::vector<AccessRule>& rules = model_.schema().table(table).write;
    return std::any_of(rules.begin(), rules.end(), [&](const AccessRule& rule) {
      return rule.role.empty() || std::find(identity_.roles.begin(), identity_.roles.end(),
                                            rule.role) != identity_.roles.end();
    });
  }
  bool may_write_any() const {
    for (uint16_t table = 0; table < model_.schema().table_count(); ++table) {
      if (may_write_some(table)) return true;
    }
    return false;
  }
  EntityId entity_of(const WriteOp& op) const;
  std::optional<uint16_t> table_of(const WriteOp& op) const {
    return model_.schema().table_index(op.table);
  }
  Target target_of(const RowKey& row, uint16_t index, const WriteField& given) const;
  Conflict conflict_of(const RowKey& row, ConflictRule rule) const;
  Conflict conflict_of(const Target& target, ConflictRule rule, const Canonical& result) const;
  ErrorCode reject(ErrorCode code, Conflict conflict) {
    blamed_ = std::move(conflict);
    return code;
  }
  Expected rejected(ErrorCode code) const;
  Expected accepted() const;

  PolicyModel& policies_;
  Model& model_;
  ChangeBook& book_;
  const Write& write_;
  ClientId client_;
  const ClientIdentity& identity_;
  const DecisionTime& time_;
  std::span<const EntityId> ids_;
  Version base_;
  // The operation.
  uint32_t place_ = 0;
  std::span<const WriteField> fields_;
  // What has come of those done.
  MadeEntities made_;
  std::vector<EntityId> unusable_ids_;
  bool lacks_ids_ = false;
  std::vector<Conflict> conflicts_;
  std::optional<Conflict> blamed_;  // for the rejection
  struct Final {
    RowKey row;
    FinalValue value;
  };
  std::vector<Final> finals_;
};

// --- the write ---

Expected PolicyModel::Trial::run() {
  const Model::Savepoint model_before = model_.save();
  const ChangeBook::Savepoint book_before = book_.save();
  policies_.writer_ = client_;
  ErrorCode code = check_write();
  size_t fields_done = 0;
  for (place_ = 0; code == ErrorCode::kOk && place_ < write_.ops.size(); ++place_) {
    const WriteOp& op = write_.ops[place_];
    policies_.stamp_ = {std::min(write_.stamp, last_stamp_of(time_.wall_ms + time_.skew_ms)),
                        client_, write_.sequence, place_};
    fields_ = std::span(write_.fields).subspan(fields_done, op.field_count);
    fields_done += op.field_count;
    code = do_op(op);
  }
  policies_.writer_ = ClientId{};
  const Expected out = code == ErrorCode::kOk ? accepted() : rejected(code);
  if (code == ErrorCode::kOk && !lacks_ids_) {
    policies_.made_open_[{client_, write_.sequence}] = made_;
  } else {
    model_.restore(model_before);
    book_.restore(book_before);
  }
  return out;
}

Expected PolicyModel::Trial::rejected(ErrorCode code) const {
  Expected out;
  out.kind = OutcomeKind::kRejected;
  out.code = code;
  if (blamed_) out.conflicts.push_back(*blamed_);
  return out;
}

Expected PolicyModel::Trial::accepted() const {
  Expected out;
  if (!finals_.empty()) out.kind = OutcomeKind::kMerged;
  for (const Final& final : finals_) {
    const auto [table, entity] = final.row;
    if (!model_.contains(table, entity)) continue;
    const CellKey key = model_.key_of(table, entity);
    if (identity_may_read(model_.schema().table(table), identity_, key)) {
      out.finals.push_back(final.value);
    }
  }
  out.conflicts = conflicts_;
  for (const auto& [place, entity] : made_) out.spawns.push_back(place);
  out.unusable_ids = unusable_ids_;
  return out;
}

ErrorCode PolicyModel::Trial::check_write() const {
  if (base_ > time_.published) return ErrorCode::kBaseInFuture;
  if (write_.level == AckLevel::kDurable) return ErrorCode::kNotKept;
  return is_whole(write_) ? ErrorCode::kOk : ErrorCode::kFrameMalformed;
}

// --- operations ---

ErrorCode PolicyModel::Trial::do_op(const WriteOp& op) {
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
  return ErrorCode::kFrameMalformed;
}

ErrorCode PolicyModel::Trial::spawn() {
  if (!may_write_any()) return ErrorCode::kNotPermitted;
  const size_t nth = made_.size();
  EntityId entity;
  if (nth < ids_.size()) {
    entity = ids_[nth];
    if (!model_.create(entity)) {
      unusable_ids_.push_back(entity);
      entity = EntityId{};
    }
  }
  if (entity.is_none()) {
    // Perhaps the write is to be rejected, and nobody will know the id.
    lacks_ids_ = true;
    entity = EntityId::make(~static_cast<uint32_t>(nth), 0xffff, 0xffff);
    ECSDB_CHECK(model_.create(entity));
  }
  made_[place_] = entity;
  return ErrorCode::kOk;
}

ErrorCode PolicyModel::Trial::despawn(const WriteOp& op) {
  if (!may_write_any()) return ErrorCode::kNotPermitted;
  const EntityId entity = entity_of(op);
  if (!model_.exists(entity)) return ErrorCode::kUnknownEntity;
  for (uint16_t table = 0; table < model_.schema().table_count(); ++table) {
    if (!model_.contains(table, entity)) continue;
    if (!identity_may_write(identity_, model_, table, entity)) return ErrorCode::kNotPermitted;
  }
  ECSDB_CHECK(model_.destroy(entity));
  return ErrorCode::kOk;
}

ErrorCode PolicyModel::Trial::put(const WriteOp& op) {
  const std::optional<uint16_t> table = table_of(op);
  if (!table) return ErrorCode::kUnknownTable;
  if (!may_write_some(*table)) return ErrorCode::kNotPermitted;
  std::vector<uint16_t> indices;
  const ErrorCode code = check_fields(*table, indices);
  if (code != ErrorCode::kOk) return code;
  const RowKey row{*table, entity_of(op)};
  if (!model_.exists(row.second)) return ErrorCode::kUnknownEntity;
  if (model_.contains(*table, row.second)) {
    if (!book_.born_by_others(row, base_, client_)) return ErrorCode::kRowExists;
    return reject(ErrorCode::kRowExists, conflict_of(row, ConflictRule::kInsertLoses));
  }
  std::vector<Canonical> values;
  for (const FieldDef& field : model_.schema().table(*table).fields) {
    values.push_back(canonical_default(field));
  }
  for (size_t i = 0; i < indices.size(); ++i) values[indices[i]] = model_value(fields_[i].value);
  model_.insert_row(*table, row.second, std::move(values));
  const bool may = identity_may_write(identity_, model_, *table, row.second, indices);
  return may ? ErrorCode::kOk : ErrorCode::kNotPermitted;
}

ErrorCode PolicyModel::Trial::set(const WriteOp& op) {
  const std::optional<uint16_t> table = table_of(op);
  if (!table) return ErrorCode::kUnknownTable;
  if (!may_write_some(*table)) return ErrorCode::kNotPermitted;
  std::vector<uint16_t> indices;
  ErrorCode code = check_fields(*table, indices);
  RowKey row;
  if (code == ErrorCode::kOk) code = find_row(op, row);
  if (code != ErrorCode::kOk) return code;
  const auto may = [&] {
    return identity_may_write(identity_, model_, *table, row.second, indices);
  };
  if (!may()) return ErrorCode::kNotPermitted;
  std::vector<Canonical> values = *model_.find(*table, row.second);
  for (size_t i = 0; i < indices.size(); ++i) {
    code = settle(target_of(row, indices[i], fields_[i]), values[indices[i]]);
    if (code != ErrorCode::kOk) return code;
  }
  model_.set_row(*table, row.second, std::move(values));
  return may() ? ErrorCode::kOk : ErrorCode::kNotPermitted;
}

ErrorCode PolicyModel::Trial::remove(const WriteOp& op) {
  if (!table_of(op)) return ErrorCode::kUnknownTable;
  if (!may_write_some(*table_of(op))) return ErrorCode::kNotPermitted;
  RowKey row;
  const ErrorCode code = find_row(op, row);
  if (code != ErrorCode::kOk) return code;
  if (!identity_may_write(identity_, model_, row.first, row.second)) {
    return ErrorCode::kNotPermitted;
  }
  ECSDB_CHECK(model_.remove(row.first, row.second));
  return ErrorCode::kOk;
}

/// The entity that an operation names; none if it names none.
EntityId PolicyModel::Trial::entity_of(const WriteOp& op) const {
  if (op.made_by == 0) return EntityId{op.entity};
  const MadeEntities* const made =
      op.made_by == write_.sequence ? &made_ : policies_.find_made({client_, op.made_by});
  if (made == nullptr) return EntityId{};
  const auto found = made->find(op.entity);
  return found == made->end() ? EntityId{} : found->second;
}

/// A row that must be there.
ErrorCode PolicyModel::Trial::find_row(const WriteOp& op, RowKey& row) {
  row = {*table_of(op), entity_of(op)};
  if (model_.contains(row.first, row.second)) return ErrorCode::kOk;
  if (!book_.last_removed_by_other(row, base_, client_)) {
    return model_.exists(row.second) ? ErrorCode::kRowMissing : ErrorCode::kUnknownEntity;
  }
  return reject(ErrorCode::kRowRemoved, conflict_of(row, ConflictRule::kRemoveWins));
}

ErrorCode PolicyModel::Trial::check_fields(uint16_t table, std::vector<uint16_t>& indices) const {
  const std::vector<FieldDef>& defs = model_.schema().table(table).fields;
  for (size_t i = 0; i < fields_.size(); ++i) {
    const WriteField& given = fields_[i];
    const auto def = std::find_if(defs.begin(), defs.end(),
                                  [&](const FieldDef& field) { return field.id == given.field; });
    if (def == defs.end() || def->server_only) return ErrorCode::kUnknownField;
    if (i > 0 && given.field <= fields_[i - 1].field) return ErrorCode::kFrameMalformed;
    ErrorCode code = judge_value(*def, given.value);
    if (code == ErrorCode::kOk && given.base.has_value()) code = judge_value(*def, given.base);
    if (code != ErrorCode::kOk) return code;
    indices.push_back(static_cast<uint16_t>(def - defs.begin()));
  }
  return ErrorCode::kOk;
}

// --- policies ---

PolicyModel::Trial::Target PolicyModel::Trial::target_of(const RowKey& row, uint16_t index,
                                                         const WriteField& given) const {
  return {row,
          index,
          model_.schema().table(row.first).fields[index],
          given,
          (*model_.find(row.first, row.second))[index],
          model_value(given.value),
          book_.changed_by_others(row, index, base_, client_)};
}

/// What the field becomes.
ErrorCode PolicyModel::Trial::settle(const Target& target, Canonical& result) {
  ErrorCode code = ErrorCode::kOk;
  switch (target.def.policy) {
    case Policy::kServer:
      if (target.stale) {
        return reject(ErrorCode::kConflict,
                      conflict_of(target, ConflictRule::kServerWins, target.stored));
      }
      result = target.mine;
      book_.note_change(target.row, target.index, time_.version, client_);
      break;
    case Policy::kLww:
      code = settle_lww(target, result);
      break;
    case Policy::kMerge:
      code = settle_merge(target, result);
      break;
  }
  if (code == ErrorCode::kOk && result != target.mine) {
    finals_.push_back({target.row, {place_, target.def.id, wire_value(target.def, result)}});
  }
  return code;
}

ErrorCode PolicyModel::Trial::settle_lww(const Target& target, Canonical& result) {
  WriteStamp stamp = policies_.stamp_;
  const WriteStamp stored = book_.stamp(target.row, target.index);
  const bool applies = !target.stale || stamp > stored;
  result = applies ? target.mine : target.stored;
  if (target.stale) {
    const ConflictRule rule = applies ? ConflictRule::kNewerWins : ConflictRule::kOlderLoses;
    conflicts_.push_back(conflict_of(target, rule, result));
  } else {
    stamp.time = std::max(stamp.time, stored.time + 1);
  }
  if (applies) {
    book_.note_change(target.row, target.index, time_.version, client_);
    book_.note_stamp(target.row, target.index, stamp);
  }
  return ErrorCode::kOk;
}

ErrorCode PolicyModel::Trial::settle_merge(const Target& target, Canonical& result) {
  std::optional<Canonical> base;
  if (target.given.base.has_value()) base = model_value(target.given.base);
  const MergedValue merged = merge_values(target.def, base, target.stored, target.mine);
  if (merged.code != ErrorCode::kOk) {
    if (!target.stale) return merged.code;
    return reject(merged.code, conflict_of(target, ConflictRule::kMergeRefused, target.stored));
  }
  result = merged.value;
  if (target.stale) conflicts_.push_back(conflict_of(target, ConflictRule::kMerged, result));
  book_.note_change(target.row, target.index, time_.version, client_);
  return ErrorCode::kOk;
}

Conflict PolicyModel::Trial::conflict_of(const RowKey& row, ConflictRule rule) const {
  Conflict out;
  out.version = time_.version;
  out.time_ms = time_.wall_ms;
  out.client = client_;
  out.principal = identity_.principal;
  out.sequence = write_.sequence;
  out.op = place_;
  out.table = model_.schema().table(row.first).id;
  out.entity = row.second;
  out.rule = rule;
  out.base_version = base_;
  return out;
}

Conflict PolicyModel::Trial::conflict_of(const Target& target, ConflictRule rule,
                                         const Canonical& result) const {
  Conflict out = conflict_of(target.row, rule);
  out.field = target.def.id;
  out.policy = target.def.policy;
  out.base = target.given.base;
  out.server = wire_value(target.def, target.stored);
  out.mine = target.given.value;
  out.result = wire_value(target.def, result);
  return out;
}

// --- the model ---

Expected PolicyModel::decide(const Write& write, ClientId client, const ClientIdentity& identity,
                             const DecisionTime& time, std::span<const EntityId> made) {
  ECSDB_CHECK(time.version == model_.head().next());
  ECSDB_CHECK(client != ClientId{});
  return Trial(*this, write, client, identity, time, made).run();
}

const PolicyModel::MadeEntities* PolicyModel::find_made(const WriteName& name) const {
  const auto open = made_open_.find(name);
  if (open != made_open_.end()) return &open->second;
  const auto committed = made_.find(name);
  return committed == made_.end() ? nullptr : &committed->second;
}

void PolicyModel::on_inserted(uint16_t table, EntityId entity) {
  const bool is_own_step = writer_ == ClientId{};
  const WriteStamp stamp =
      is_own_step ? WriteStamp{first_stamp_of(wall_ms_), writer_, 0, 0} : stamp_;
  book_.note_birth({table, entity}, model_.head().next(), writer_, stamp);
}

/// A client's write counts for fields that it leaves as they were, too: those are noted as they are
/// settled.
void PolicyModel::on_set(uint16_t table, EntityId entity, const std::vector<Canonical>& before,
                         const std::vector<Canonical>& after) {
  if (writer_ != ClientId{}) return;
  const std::vector<FieldDef>& defs = model_.schema().table(table).fields;
  for (uint16_t field = 0; field < defs.size(); ++field) {
    if (before[field] == after[field]) continue;
    const ChangeBook::RowKey row{table, entity};
    // However often the step changes it, it is one change.
    const bool is_noted = book_.stamp(row, field).client == ClientId{} &&
                          book_.changed_by_others(row, field, model_.head(), kNobody);
    book_.note_change(row, field, model_.head().next(), writer_);
    if (defs[field].policy != Policy::kLww || is_noted) continue;
    const uint64_t next = book_.stamp(row, field).time + 1;
    book_.note_stamp(row, field, {std::max(first_stamp_of(wall_ms_), next), writer_, 0, 0});
  }
}

void PolicyModel::on_removed(uint16_t table, EntityId entity) {
  book_.note_removal({table, entity}, model_.head().next(), writer_);
}

void PolicyModel::on_committed() {
  book_.commit();
  for (auto& [name, entities] : made_open_) made_[name] = std::move(entities);
  made_open_.clear();
}

void PolicyModel::on_dropped() {
  book_.drop();
  made_open_.clear();
}

}  // namespace ecsdb::sim
