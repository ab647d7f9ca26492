#include "table_checks.h"

#include "ecsdb/schema/canonical.h"
#include "ecsdb/wire/block_lanes.h"

namespace ecsdb::fuzz {

void check_values(const Table& table, const TableDef& def) {
  const TableLayout& layout = table.layout();
  for (RowIndex row = 0; row < table.row_count(); ++row) {
    ECSDB_CHECK(table.find(table.row(row).entity) == row);
    for (uint16_t lane = 0; lane < layout.lanes.size(); ++lane) {
      ECSDB_CHECK(lane_fits(layout.lanes[lane], table.lane(row, lane)));
    }
    for (uint16_t f = 0; f < layout.fields.size(); ++f) {
      if (layout.fields[f].text == kNoText) continue;
      ECSDB_CHECK(text_is_canonical(def.fields[f], table.text(row, layout.fields[f].text)));
    }
  }
}

namespace {

/// Of a row that has one.
void check_row_history(const Table& table, RowIndex row) {
  const uint64_t all = table.layout().replicated_mask();
  const RowRecords::Fields& fields = table.records().fields(row);
  ECSDB_CHECK(fields.last != 0 && (fields.last & ~all) == 0);
  ECSDB_CHECK(fields.before != 0 && (fields.before & ~all) == 0);
  table.layout().for_each_predicted([&](uint16_t lane, uint64_t) {
    const LaneState state = table.records().state(row, lane);
    const unsigned bits = table.records().place(lane).is_wide ? 64 : 32;
    ECSDB_CHECK(state.magnitude == kMagnitudeNone ||
                (state.magnitude <= kMagnitudeMax && state.magnitude <= 4 * bits));
    ECSDB_CHECK(-kTrendMax <= state.trend && state.trend <= kTrendMax);
  });
}

}  // namespace

void check_history(const Table& table, CellIndex cell, const CellHistory& history) {
  if (!table.has_history()) ECSDB_CHECK(history.recent().empty());
  const RecentRow* before = nullptr;
  for (const RecentRow& recent : history.recent()) {
    ECSDB_CHECK(before == nullptr || before->index < recent.index);
    before = &recent;
    const uint32_t age = recent.age(history.publishes() + 1);
    // 0 where a net delta has set the cell's count back, as no server does; it is no history then.
    ECSDB_CHECK(age <= kHistoryPublishes && (!recent.is_steady || age == 1));
    const RowIndex row = table.find_index(recent.index);
    ECSDB_CHECK(row != kNoRow && table.row(row).cell == cell);
    check_row_history(table, row);
  }
}

void check_db(ClientDb& db) {
  for (uint16_t t = 0; t < db.table_count(); ++t) {
    check_values(db.table(t), db.schema().table(t));
    for (const Row& row : db.table(t).rows()) {
      ECSDB_CHECK(row.cell < db.cells().size());
      ECSDB_CHECK(db.cells()[row.cell].held && db.cells()[row.cell].table == t);
    }
  }
  for (size_t handle = 0; handle < db.cells().size(); ++handle) {
    const HeldCell& cell = db.cells()[handle];
    if (!cell.held) {
      ECSDB_CHECK(cell.log.count() == 0);
      continue;
    }
    const Table& table = db.table(cell.table);
    table.check_invariants(cell.log, static_cast<CellIndex>(handle), true);
    check_history(table, static_cast<CellIndex>(handle), cell.history);
  }
}

DbState state_of(ClientDb& db) {
  DbState out;
  out.cut = db.cut();
  for (size_t handle = 0; handle < db.cells().size(); ++handle) {
    const HeldCell& cell = db.cells()[handle];
    if (!cell.held) continue;
    DbState::Cell& state = out.cells.emplace_back();
    state.handle = handle;
    state.generation = cell.generation;
    state.changed = cell.changed;
    state.publishes = cell.history.publishes();
    const Table& table = db.table(cell.table);
    for (const RowIndex row : table.rows_of(cell.log)) {
      state.digest += table.row_digest(row);
      if (table.has_history()) state.history += table.history_hash(row, cell.history);
    }
  }
  return out;
}

}  // namespace ecsdb::fuzz
