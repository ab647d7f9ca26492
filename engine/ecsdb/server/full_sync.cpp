#include "ecsdb/server/full_sync.h"

#include <algorithm>

namespace ecsdb {
namespace {

size_t estimate_row_bytes(const Table& table, RowIndex row) {
  size_t bytes = 6;
  for (const Lane& lane : table.layout().lanes) bytes += lane.width;
  for (uint16_t i = 0; i < table.layout().text_count; ++i) bytes += table.text(row, i).size();
  return bytes;
}

}  // namespace

/// Where few of a table's rows are held, they are found by their cells instead of by a walk over
/// the whole table: what is left of them, in order of entity.
bool FullSync::collect_small_interest(const Database& db, const Interest& interest,
                                      uint16_t table_index) {
  const Table& table = db.table(table_index);
  small_.clear();
  size_t rows = 0;
  for (CellIndex cell = 0; cell < handles_.size(); ++cell) {
    if (handles_[cell] == Interest::kNoHandle) continue;
    rows += db.cell(interest.at(handles_[cell]).ref).log.count();
  }
  if (rows > kSmallInterestRows || rows >= table.row_count()) return false;
  for (CellIndex cell = 0; cell < handles_.size(); ++cell) {
    if (handles_[cell] == Interest::kNoHandle) continue;
    for (const RowIndex at : table.rows_of(db.cell(interest.at(handles_[cell]).ref).log)) {
      const uint32_t index = table.row(at).entity.index();
      if (index >= entity_index_) small_.add(index, at);
    }
  }
  small_.sort();
  return true;
}

void FullSync::start(Version version) {
  version_ = version;
  table_ = 0;
  entity_index_ = 0;
}

AdvancePlan FullSync::next_chunk(const Database& db, const Interest& interest, CellBlocks& blocks,
                                 uint32_t features, size_t bytes) {
  AdvancePlan plan;
  plan.from = plan.to = version_;
  size_t collected = 0;
  while (collected < bytes && !scan_done(db)) {
    const uint16_t table_index = static_cast<uint16_t>(table_);
    const Table& table = db.table(table_index);
    interest.told_handles(db, table_index, handles_);
    found_.clear();
    const bool is_small = collect_small_interest(db, interest, table_index);
    size_t small_at = 0;
    while (collected < bytes) {
      RowIndex row = kNoRow;
      if (!is_small) {
        row = table.find_from(entity_index_);
      } else if (small_at < small_.entries().size()) {
        row = small_.entries()[small_at++].row();
      }
      if (row == kNoRow) {
        ++table_;
        entity_index_ = 0;
        break;
      }
      entity_index_ = table.row(row).entity.index() + 1;
      const uint32_t handle = handles_[table.row(row).cell];
      if (handle == Interest::kNoHandle) continue;
      found_.push_back({handle, row});
      collected += estimate_row_bytes(table, row);
    }
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Found& a, const Found& b) { return a.handle < b.handle; });
    for (size_t at = 0; at < found_.size();) {
      const uint32_t handle = found_[at].handle;
      rows_.clear();
      for (; at < found_.size() && found_[at].handle == handle; ++at) {
        rows_.push_back(found_[at].row);
      }
      const Interest::Held& held = interest.at(handle);
      plan.add_blocks(handle, held.generation, blocks.rows(db, held.ref, rows_), features);
    }
  }
  return plan;
}

}  // namespace ecsdb
