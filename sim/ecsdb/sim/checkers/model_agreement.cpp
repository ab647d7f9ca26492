#include "ecsdb/sim/checkers/model_agreement.h"

#include <string>
#include <utility>

#include "ecsdb/sim/checkers/replica_text.h"

namespace ecsdb::sim {

void ModelAgreement::report(Instant at, std::string where, std::string expected, std::string got) {
  violations_.add(
      {"model_agreement", at, -1, std::move(where), std::move(expected), std::move(got)});
}

void ModelAgreement::on_commit(ReplicationServer& server, Instant at) {
  const Version head = server.database().head();
  if (head != model_.head()) {
    report(at, "version of the database", std::to_string(model_.head().value),
           std::to_string(head.value));
  }
  for (const ModelCell* cell : model_.changed_cells()) compare_cell(server, *cell, at);
  if (++commits_ % kFullEvery == 0) compare_all(server, at);
}

void ModelAgreement::compare_cell(ReplicationServer& server, const ModelCell& cell, Instant at) {
  const Digest expected = cell.newest().digest;
  const Digest got = server.digest(cell.table, cell.key);
  if (expected == got) return;
  report(at, cell_name(model_.schema(), cell.table, cell.key),
         "digest " + digest_text(expected) + " at version " + std::to_string(model_.head().value),
         digest_text(got));
}

void ModelAgreement::compare_all(ReplicationServer& server, Instant at) {
  server.check_invariants();
  const Database& db = server.database();
  for (uint16_t table = 0; table < db.table_count(); ++table) {
    for (const auto& [key, index] : db.cells(table).by_key()) {
      const uint32_t rows = db.cells(table).at(index).log.count();
      const ModelCell* cell = model_.find_cell(table, key);
      const uint32_t expected = cell == nullptr ? 0 : cell->newest().rows;
      if (rows == expected) continue;
      report(at, cell_name(model_.schema(), table, key), std::to_string(expected) + " rows",
             std::to_string(rows) + " rows");
    }
    compare_rows(db, table, at);
  }
  for (const ModelCell* cell : model_.cells()) compare_cell(server, *cell, at);
}

void ModelAgreement::compare_rows(const Database& db, uint16_t table, Instant at) {
  const Table& rows = db.table(table);
  if (rows.row_count() != model_.row_count(table)) {
    report(at, model_.schema().table(table).name, std::to_string(model_.row_count(table)) + " rows",
           std::to_string(rows.row_count()) + " rows");
  }
  for (RowIndex row = 0; row < rows.row_count(); ++row) {
    const EntityId entity = rows.row(row).entity;
    const ModelImage* image = model_.row_at(table, entity, model_.head());
    if (image == nullptr) {
      report(at, row_name(model_.schema(), table, entity), "no such row", "a row");
      continue;
    }
    const std::vector<FieldDef>& fields = model_.schema().table(table).fields;
    for (uint16_t field = 0; field < fields.size(); ++field) {
      const Value expected = readable_of(fields[field], image->fields[field]);
      const Value got = db.value(table, row, field);
      if (same_value(expected, got)) continue;
      report(at, row_name(model_.schema(), table, entity) + ", field " + fields[field].name,
             format_value(model_.schema(), fields[field], expected),
             format_value(model_.schema(), fields[field], got));
    }
  }
}

}  // namespace ecsdb::sim
