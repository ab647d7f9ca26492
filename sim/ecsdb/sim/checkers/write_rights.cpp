#include "ecsdb/sim/checkers/write_rights.h"

#include <algorithm>

namespace ecsdb::sim {
namespace {

bool has_owner_cells(const Schema& schema, uint16_t table) {
  while (schema.table(table).cell.kind == CellKind::kFollow) {
    table = *schema.table_index(schema.table(table).cell.target);
  }
  return schema.table(table).cell.kind == CellKind::kOwner;
}

bool is_owner(PrincipalId principal, const Model& model, uint16_t table, EntityId entity) {
  if (has_owner_cells(model.schema(), table)) {
    return model.key_of(table, entity) == CellKey::owner(principal);
  }
  const std::vector<FieldDef>& fields = model.schema().table(table).fields;
  const auto owner = std::find_if(fields.begin(), fields.end(), [](const FieldDef& field) {
    return field.type == FieldType::kPrincipal;
  });
  if (owner == fields.end()) return false;
  const auto at = static_cast<size_t>(owner - fields.begin());
  return (*model.find(table, entity))[at].lane[0] == principal.value;
}

bool has_claim(const ClientIdentity& identity, const std::string& name, const CellKey& key) {
  return std::any_of(identity.claims.begin(), identity.claims.end(), [&](const auto& claim) {
    return claim.first == name && CellKey::value(claim.second) == key;
  });
}

bool rule_lets_write(const AccessRule& rule, const ClientIdentity& identity, const Model& model,
                     uint16_t table, EntityId entity) {
  const auto& roles = identity.roles;
  if (!rule.role.empty() && std::find(roles.begin(), roles.end(), rule.role) == roles.end()) {
    return false;
  }
  switch (rule.where) {
    case AccessRule::Where::kAny:
      return true;
    case AccessRule::Where::kCellIsClaim:
      return has_claim(identity, rule.claim, model.key_of(table, entity));
    case AccessRule::Where::kOwnerIsMe:
      return is_owner(identity.principal, model, table, entity);
  }
  return false;
}

}  // namespace

bool rules_let_write(std::span<const AccessRule> rules, const ClientIdentity& identity,
                     const Model& model, uint16_t table, EntityId entity) {
  return std::any_of(rules.begin(), rules.end(), [&](const AccessRule& rule) {
    return rule_lets_write(rule, identity, model, table, entity);
  });
}

std::span<const AccessRule> field_write_rules(const TableDef& table, const FieldDef& field) {
  return field.write.empty() ? table.write : field.write;
}

bool identity_may_write(const ClientIdentity& identity, const Model& model, uint16_t table,
                        EntityId entity, std::span<const uint16_t> fields) {
  const TableDef& def = model.schema().table(table);
  if (!rules_let_write(def.write, identity, model, table, entity)) return false;
  return std::all_of(fields.begin(), fields.end(), [&](uint16_t field) {
    return rules_let_write(field_write_rules(def, def.fields[field]), identity, model, table,
                           entity);
  });
}

}  // namespace ecsdb::sim
