// What a principal may write.
#pragma once

#include "ecsdb/server/auth.h"
#include "ecsdb/store/database.h"

namespace ecsdb {

/// True if some rule of the list is for one of the principal's roles: there can be a row for which
/// may_write() is true.
bool may_write_some(std::span<const AccessRule> rules, const Identity& identity);
/// True if some rule lets the principal write this row, as it is in the open transaction. An empty
/// list lets nobody write.
bool may_write(const Database& db, std::span<const AccessRule> rules, uint16_t table, RowIndex row,
               const Identity& identity);

}  // namespace ecsdb
