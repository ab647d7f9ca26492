#include "ecsdb/client/divergence.h"

#include <algorithm>

#include "ecsdb/schema/canonical.h"

namespace ecsdb {
namespace {

std::vector<DivergedCell::HeldRow> rows_of_cell(const ClientDb& db, uint16_t table,
                                                const CellKey& key) {
  std::vector<DivergedCell::HeldRow> rows;
  for (const HeldCell& cell : db.cells()) {
    if (!cell.held || cell.table != table || cell.key != key) continue;
    const Table& from = db.table(table);
    for (const RowIndex row : from.rows_of(cell.log)) {
      DivergedCell::HeldRow& held = rows.emplace_back();
      held.entity = from.row(row).entity;
      for (const uint16_t field : from.layout().replicated) {
        held.values.push_back(format_value(db.schema(), db.schema().table(table).fields[field],
                                           db.value(table, row, field)));
      }
    }
  }
  std::sort(rows.begin(), rows.end(),
            [](const auto& a, const auto& b) { return a.entity < b.entity; });
  return rows;
}

}  // namespace

void DivergedCell::remember(const ClientDb& db) { rows = rows_of_cell(db, table, key); }

bool DivergedCell::is_held(const ClientDb& db) const {
  return std::any_of(db.cells().begin(), db.cells().end(), [&](const HeldCell& cell) {
    return cell.held && cell.table == table && cell.key == key;
  });
}

std::string DivergedCell::difference(const ClientDb& db) const {
  const std::vector<HeldRow> now = rows_of_cell(db, table, key);
  const TableDef& def = db.schema().table(table);
  const std::string where = "table " + def.name + ", cell " + key.to_string();
  auto row_text = [&](EntityId entity) {
    return where + ", entity " + std::to_string(entity.value);
  };
  for (size_t i = 0; i < std::max(rows.size(), now.size()); ++i) {
    if (i == now.size() || (i < rows.size() && rows[i].entity < now[i].entity)) {
      return row_text(rows[i].entity) + ": held here, but not at the server";
    }
    if (i == rows.size() || now[i].entity < rows[i].entity) {
      return row_text(now[i].entity) + ": missing here";
    }
    for (size_t k = 0; k < now[i].values.size(); ++k) {
      if (rows[i].values[k] == now[i].values[k]) continue;
      const uint16_t field = db.table(table).layout().replicated[k];
      return row_text(now[i].entity) + ", field " + def.fields[field].name + ": held " +
             rows[i].values[k] + ", the server has " + now[i].values[k];
    }
  }
  return where + ": no row differs any more";
}

}  // namespace ecsdb
