#include <algorithm>
#include <utility>

#include "ecsdb/client/writes.h"

namespace ecsdb {

WriteDraft::WriteDraft(const TableSet& set, uint32_t& provisional_end)
    : set_(&set), schema_(set.schema().fingerprint()), provisional_end_(&provisional_end) {}

EntityId WriteDraft::spawn() {
  const EntityId entity = EntityId::make((*provisional_end_)++, 0, 1);
  ops_.push_back({WriteOpKind::kSpawn, 0, entity, {}});
  return entity;
}

void WriteDraft::despawn(EntityId entity) {
  ops_.push_back({WriteOpKind::kDespawn, 0, entity, {}});
}

void WriteDraft::remove(uint16_t table, EntityId entity) {
  if (is_current() && unknown_.ok()) unknown_ = set_->check_field(table, 0);
  ops_.push_back({WriteOpKind::kRemove, table, entity, {}});
}

Status WriteDraft::put(uint16_t table, EntityId entity, std::span<const FieldValue> values) {
  return add(WriteOpKind::kPut, table, entity, values);
}

Status WriteDraft::set(uint16_t table, EntityId entity, std::span<const FieldValue> values) {
  return add(WriteOpKind::kSet, table, entity, values);
}

Status WriteDraft::set(uint16_t table, EntityId entity, uint16_t field, Value value) {
  const FieldValue one{field, std::move(value)};
  return set(table, entity, std::span(&one, 1));
}

Status WriteDraft::add(WriteOpKind kind, uint16_t table, EntityId entity,
                       std::span<const FieldValue> values) {
  if (!is_current()) return fail(ErrorCode::kSchemaMismatch, "a draft for the schema before");
  ECSDB_TRY(set_->check_field(table, 0));
  const TableDef& def = set_->schema().table(table);
  if (ops_.size() >= kWriteOpsMax || field_count_ + values.size() > kWriteFieldsMax) {
    return fail(ErrorCode::kLimitExceeded, "a write has at most " + std::to_string(kWriteOpsMax) +
                                               " operations and " +
                                               std::to_string(kWriteFieldsMax) + " fields");
  }
  Op op{kind, table, entity, {}};
  for (const FieldValue& given : values) {
    ECSDB_TRY(set_->check_field(table, given.field));
    const FieldDef& field = def.fields[given.field];
    const auto place = [&] { return def.name + "." + field.name; };
    if (field.server_only) return fail(ErrorCode::kUnknownField, place() + " is the server's own");
    auto value = to_canonical(field, given.value);
    if (!value.ok()) {
      const std::string& why = value.error().context;
      return fail(value.error().code, why.empty() ? place() : place() + ": " + why);
    }
    const auto at =
        std::lower_bound(op.fields.begin(), op.fields.end(), given.field,
                         [](const Field& known, uint16_t want) { return known.field < want; });
    if (at != op.fields.end() && at->field == given.field) {
      at->value = std::move(value).value();  // the last one counts
    } else {
      op.fields.insert(at, Field{given.field, {}, std::move(value).value()});
    }
  }
  field_count_ += op.fields.size();
  ops_.push_back(std::move(op));
  return {};
}

}  // namespace ecsdb
