#include "ecsdb/server/write_rights.h"

#include <algorithm>

namespace ecsdb {
namespace {

/// Rows of the table are in cells by owner.
bool has_owner_cells(const Schema& schema, uint16_t table) {
  const TableLayout& layout = schema.layout(table);
  const bool follows = layout.cell_kind == CellKind::kFollow;
  return (follows ? schema.layout(layout.follow_table) : layout).cell_kind == CellKind::kOwner;
}

/// Where the cell does not tell: the one principal field of the table.
bool is_owned_by(const Database& db, uint16_t table, RowIndex row, PrincipalId principal) {
  const std::vector<FieldDef>& fields = db.schema().table(table).fields;
  for (uint16_t i = 0; i < fields.size(); ++i) {
    if (fields[i].type != FieldType::kPrincipal) continue;
    return db.table(table).field_lanes(row, i).lane[0] == principal.value;
  }
  return false;
}

bool covers(const Database& db, const AccessRule& rule, uint16_t table, RowIndex row,
            const Identity& identity) {
  switch (rule.where) {
    case AccessRule::Where::kAny:
      return true;
    case AccessRule::Where::kOwnerIsMe:
      if (!has_owner_cells(db.schema(), table)) {
        return is_owned_by(db, table, row, identity.principal);
      }
      return db.staged_key(table, row) == CellKey::owner(identity.principal);
    case AccessRule::Where::kCellIsClaim:
      return is_claimed(rule, identity, db.staged_key(table, row));
  }
  return false;
}

}  // namespace

bool may_write_some(std::span<const AccessRule> rules, const Identity& identity) {
  return std::any_of(rules.begin(), rules.end(),
                     [&](const AccessRule& rule) { return has_role(identity, rule.role); });
}

bool may_write(const Database& db, std::span<const AccessRule> rules, uint16_t table, RowIndex row,
               const Identity& identity) {
  return std::any_of(rules.begin(), rules.end(), [&](const AccessRule& rule) {
    return has_role(identity, rule.role) && covers(db, rule, table, row, identity);
  });
}

}  // namespace ecsdb
