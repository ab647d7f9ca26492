// What holds in every replica, whatever a server sent: targets check it after each step.
#pragma once

#include <vector>

#include "ecsdb/client/client_db.h"

namespace ecsdb::fuzz {

/// Fails a check where a row is not found by its entity, or has a value that no server can have.
void check_values(const Table& table, const TableDef& def);
/// The same of what is recorded of a cell's rows.
void check_history(const Table& table, CellIndex cell, const CellHistory& history);
/// All of it: rows stand in held cells of their table, logs and digests agree with them.
void check_db(ClientDb& db);

/// Everything that an update changes; two are equal where nothing happened in between.
struct DbState {
  struct Cell {
    size_t handle = 0;
    uint32_t generation = 0;
    Version changed;
    uint32_t publishes = 0;
    Digest digest;         // of the values, computed anew
    uint64_t history = 0;  // sum over the rows
    bool operator==(const Cell&) const = default;
  };
  Version cut;
  std::vector<Cell> cells;  // those that are held
  bool operator==(const DbState&) const = default;
};
DbState state_of(ClientDb& db);

}  // namespace ecsdb::fuzz
