#include "ecsdb/sim/checkers/filtered_prefix.h"

#include <string>
#include <utility>

#include "ecsdb/base/hash.h"
#include "ecsdb/sim/checkers/replica_text.h"

namespace ecsdb::sim {

void FilteredPrefix::report(Instant at, std::string where, std::string expected, std::string got) {
  violations_.add(
      {"filtered_prefix", at, client_, std::move(where), std::move(expected), std::move(got)});
}

uint64_t FilteredPrefix::on_cut(ClientDb& db, Instant at) {
  ++cuts_;
  const Version cut = db.cut();
  RunningHash state;
  state.add(cut.value);
  if (cut > model_->head()) {
    report(at, "cut", "at most version " + std::to_string(model_->head().value),
           std::to_string(cut.value));
    return state.value();
  }
  rows_by_table_.assign(db.table_count(), 0);
  const size_t handles = db.cells().size();
  if (held_.size() < handles) held_.resize(handles);
  for (size_t handle = 0; handle < handles; ++handle) {
    const HeldCell& held = db.cells()[handle];
    if (!held.held) continue;
    rows_by_table_[held.table] += held.log.count();
    const ModelCell* cell = resolve(held, held_[handle], cut, at);
    if (cell != nullptr) check_cell(db, handle, *cell, at);
    const Digest digest = db.digest(handle);
    state.add((uint64_t{digest.lane[0]} << 32) | digest.lane[1]);
    state.add((uint64_t{digest.lane[2]} << 32) | digest.lane[3]);
  }
  check_row_totals(db, at);
  if (cuts_ % kMissingEvery == 0) check_missing(db, at);
  if (cuts_ % kRowsEvery == 0) compare_all(db, at);
  return state.value();
}

const ModelCell* FilteredPrefix::resolve(const HeldCell& held, Known& known, Version cut,
                                         Instant at) {
  if (known.cell == nullptr || known.generation != held.generation ||
      known.cell->table != held.table || known.cell->key != held.key) {
    known = Known{held.generation, 0, model_->find_cell(held.table, held.key)};
  }
  if (known.revision != interest_.revision()) {
    known.revision = interest_.revision();
    if (!interest_.may_cover(held.table, held.key)) {
      report(at, cell_name(model_->schema(), held.table, held.key),
             "only cells that were subscribed to and may be read", "a cell that is neither");
    }
  }
  if (known.cell != nullptr && known.cell->first() <= cut) return known.cell;
  report(at, cell_name(model_->schema(), held.table, held.key),
         "no such cell up to version " + std::to_string(cut.value), "a held cell");
  known.cell = nullptr;
  return nullptr;
}

void FilteredPrefix::check_cell(ClientDb& db, size_t handle, const ModelCell& cell, Instant at) {
  const ModelCellState& expected = cell.at(db.cut());
  const Digest got = db.digest(handle);
  const uint32_t rows = db.cells()[handle].log.count();
  if (got == expected.digest && rows == expected.rows) return;
  report(at, cell_name(model_->schema(), cell.table, cell.key),
         "at version " + std::to_string(db.cut().value) + " digest " +
             digest_text(expected.digest) + " of " + std::to_string(expected.rows) + " rows",
         digest_text(got) + " of " + std::to_string(rows) + " rows");
}

/// Every row is in one of the held cells, which are compared one by one.
void FilteredPrefix::check_row_totals(const ClientDb& db, Instant at) {
  for (uint16_t table = 0; table < db.table_count(); ++table) {
    const uint64_t rows = db.table(table).row_count();
    if (rows == rows_by_table_[table]) continue;
    report(at, db.schema().table(table).name,
           std::to_string(rows_by_table_[table]) + " rows in the held cells",
           std::to_string(rows) + " rows in the table");
  }
}

void FilteredPrefix::mark_held(const ClientDb& db) {
  times_held_.assign(model_->cells().size(), 0);
  for (const HeldCell& held : db.cells()) {
    if (!held.held) continue;
    const ModelCell* cell = model_->find_cell(held.table, held.key);
    if (cell != nullptr) ++times_held_[cell->index];
  }
}

/// Where cells may enter later, one that was held stays so as long as nothing is asked anew and it
/// does not lose its last row.
bool FilteredPrefix::must_be_held(const ModelCell& cell, Version cut) const {
  if (cell.at(cut).rows == 0 || !interest_.must_cover(cell.table, cell.key)) return false;
  if (!staged_) return true;
  if (last_.revision != interest_.revision() || cell.index >= last_.times_held.size() ||
      last_.times_held[cell.index] == 0 || cell.at(last_.cut).rows == 0) {
    return false;
  }
  for (size_t i = cell.history.size(); i > 0 && cell.history[i - 1].version > last_.cut; --i) {
    if (cell.history[i - 1].rows == 0) return false;
  }
  return true;
}

void FilteredPrefix::check_missing(const ClientDb& db, Instant at) {
  mark_held(db);
  for (const ModelCell* cell : model_->cells()) {
    const uint32_t times = times_held_[cell->index];
    const bool must = times == 0 && must_be_held(*cell, db.cut());
    if (times <= 1 && !must) continue;
    report(at, cell_name(model_->schema(), cell->table, cell->key),
           must ? "held: it is subscribed to, may be read and has rows at version " +
                      std::to_string(db.cut().value)
                : "held once",
           "held " + std::to_string(times) + " times");
  }
  last_ = {interest_.revision(), db.cut(), times_held_};
}

std::optional<std::string> FilteredPrefix::difference_at_head(ClientDb& db) {
  mark_held(db);
  for (const ModelCell* cell : model_->cells()) {
    const bool held = times_held_[cell->index] > 0;
    if (held ? interest_.allows(cell->table, cell->key)
             : cell->newest().rows == 0 || !interest_.wants(cell->table, cell->key)) {
      continue;
    }
    return cell_name(model_->schema(), cell->table, cell->key) +
           (held ? " is still held" : " is not held yet");
  }
  for (size_t handle = 0; handle < db.cells().size(); ++handle) {
    const HeldCell& held = db.cells()[handle];
    if (!held.held) continue;
    const ModelCell* cell = model_->find_cell(held.table, held.key);
    if (cell == nullptr || cell->newest().digest != db.digest(handle)) {
      return cell_name(model_->schema(), held.table, held.key) + " differs";
    }
  }
  return std::nullopt;
}

void FilteredPrefix::compare_all(ClientDb& db, Instant at) {
  for (uint16_t table = 0; table < db.table_count(); ++table) {
    for (RowIndex row = 0; row < db.table(table).row_count(); ++row) {
      compare_row(db, table, row, at);
    }
  }
  check_missing(db, at);
}

void FilteredPrefix::compare_row(const ClientDb& db, uint16_t table, RowIndex row, Instant at) {
  const Row& found = db.table(table).row(row);
  const EntityId entity = found.entity;
  const ModelImage* image = model_->row_at(table, entity, db.cut());
  if (image == nullptr) {
    report(at, row_name(model_->schema(), table, entity),
           "no such row at version " + std::to_string(db.cut().value), "a row");
    return;
  }
  const bool in_held = found.cell < db.cells().size() && db.cells()[found.cell].held;
  if (!in_held || db.cells()[found.cell].key != image->cell->key) {
    report(at, row_name(model_->schema(), table, entity), "cell " + image->cell->key.to_string(),
           in_held ? "cell " + db.cells()[found.cell].key.to_string() : "no held cell");
  }
  const std::vector<FieldDef>& fields = model_->schema().table(table).fields;
  for (uint16_t field = 0; field < fields.size(); ++field) {
    // What is the server's only must look untouched.
    const Value expected =
        readable_of(fields[field], fields[field].server_only ? canonical_default(fields[field])
                                                             : image->fields[field]);
    const auto got = db.value(table, entity, field);
    if (got.ok() && same_value(expected, *got)) continue;
    report(
        at,
        row_name(model_->schema(), table, entity) + ", field " + fields[field].name +
            " at version " + std::to_string(db.cut().value),
        format_value(model_->schema(), fields[field], expected),
        got.ok() ? format_value(model_->schema(), fields[field], *got) : got.error().to_string());
  }
}

}  // namespace ecsdb::sim
