// Who may write what: the oracle's reading of the write lists of a schema.
#pragma once

#include <span>
#include <vector>

#include "ecsdb/sim/checkers/model.h"
#include "ecsdb/sim/client_interest.h"

namespace ecsdb::sim {

/// Whether one of the rules lets the identity write the row, which exists in the open transaction,
/// as it is there. No rule: nobody may.
bool rules_let_write(std::span<const AccessRule> rules, const ClientIdentity& identity,
                     const Model& model, uint16_t table, EntityId entity);

/// The rules of a field beside those of its table; the same where it has none of its own.
std::span<const AccessRule> field_write_rules(const TableDef& table, const FieldDef& field);

/// Whether the identity may write the row as it is, and each of these fields of it, by index.
bool identity_may_write(const ClientIdentity& identity, const Model& model, uint16_t table,
                        EntityId entity, std::span<const uint16_t> fields = {});

}  // namespace ecsdb::sim
