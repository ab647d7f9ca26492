#include "ecsdb/sim/checkers/history_agreement.h"

#include <string>

#include "ecsdb/sim/checkers/replica_text.h"

namespace ecsdb::sim {
namespace {

HistorySum sum_of(const Table& table, const RowLog& log, const CellHistory& history) {
  HistorySum sum{history.publishes(), 0};
  for (const RowIndex row : table.rows_of(log)) sum.rows += table.history_hash(row, history);
  return sum;
}

std::string text_of(const HistorySum& sum) {
  return "history " + std::to_string(sum.rows) + " after publish " + std::to_string(sum.publishes);
}

}  // namespace

void PublishedHistory::on_publish(const Database& db) {
  if (++publishes_ % kEvery != 0) return;
  Cells& cells = versions_[db.published()];
  cells.clear();
  for (uint16_t table = 0; table < db.table_count(); ++table) {
    if (!db.table(table).has_history()) continue;
    for (const auto& [key, index] : db.cells(table).by_key()) {
      const Cell& cell = db.cells(table).at(index);
      cells[{table, key}] = sum_of(db.table(table), cell.log, cell.history);
    }
  }
}

const PublishedHistory::Cells* PublishedHistory::at(Version version) const {
  const auto found = versions_.find(version);
  return found == versions_.end() ? nullptr : &found->second;
}

void HistoryAgreement::on_cut(const ClientDb& db, Instant at) {
  const PublishedHistory::Cells* const published = published_->at(db.cut());
  if (published == nullptr) return;
  for (const HeldCell& held : db.cells()) {
    if (!held.held) continue;
    const auto found = published->find({held.table, held.key});
    if (found == published->end()) continue;  // without history, or gone and empty
    const HistorySum got = sum_of(db.table(held.table), held.log, held.history);
    if (got == found->second) continue;
    violations_.add({"history_agreement", at, client_, cell_name(db.schema(), held.table, held.key),
                     text_of(found->second) + " at version " + std::to_string(db.cut().value),
                     text_of(got)});
  }
}

}  // namespace ecsdb::sim
