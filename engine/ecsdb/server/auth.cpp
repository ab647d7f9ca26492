#include "ecsdb/server/auth.h"

#include <algorithm>

#include "ecsdb/base/mutant.h"

namespace ecsdb {
namespace {

/// Looks at every byte of the known token whatever the given one is, so that the time taken says
/// nothing of where they differ.
bool equal_in_constant_time(ByteSpan given, std::string_view known) {
  unsigned difference = given.size() == known.size() ? 0 : 1;
  for (size_t i = 0; i < known.size(); ++i) {
    const uint8_t byte = i < given.size() ? given[i] : 0;
    difference |= byte ^ static_cast<uint8_t>(known[i]);
  }
  return difference == 0;
}

bool rule_covers(const AccessRule& rule, const Identity& identity, const CellKey& key) {
  switch (rule.where) {
    case AccessRule::Where::kAny:
      return true;
    case AccessRule::Where::kOwnerIsMe:
      return key == CellKey::owner(identity.principal);
    case AccessRule::Where::kCellIsClaim:
      return is_claimed(rule, identity, key);
  }
  return false;
}

}  // namespace

bool has_role(const Identity& identity, const std::string& role) {
  return role.empty() ||
         std::find(identity.roles.begin(), identity.roles.end(), role) != identity.roles.end();
}

bool is_claimed(const AccessRule& rule, const Identity& identity, const CellKey& key) {
  return std::any_of(identity.claims.begin(), identity.claims.end(), [&](const auto& claim) {
    return claim.first == rule.claim && key == CellKey::value(claim.second);
  });
}

std::optional<Identity> StaticAuthenticator::authenticate(ByteSpan token, const Now&) const {
  const StaticToken* found = nullptr;
  for (const StaticToken& known : tokens_) {
    if (equal_in_constant_time(token, known.token)) found = &known;
  }
  if (found == nullptr) return std::nullopt;
  return Identity{found->principal, found->principal_name, found->roles, found->claims};
}

bool is_admin(const Identity& identity, const ServerOptions& options) {
  return !options.admin_role.empty() && has_role(identity, options.admin_role);
}

bool may_read(const TableDef& table, const Identity& identity, const CellKey& key) {
  if (ECSDB_MUTANT(hidden_cells)) return true;
  return table.read.empty() ||
         std::any_of(table.read.begin(), table.read.end(), [&](const AccessRule& rule) {
           return has_role(identity, rule.role) && rule_covers(rule, identity, key);
         });
}

bool may_read_some(const TableDef& table, const Identity& identity) {
  return table.read.empty() ||
         std::any_of(table.read.begin(), table.read.end(),
                     [&](const AccessRule& rule) { return has_role(identity, rule.role); });
}

}  // namespace ecsdb
