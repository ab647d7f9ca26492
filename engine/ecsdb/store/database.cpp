#include "ecsdb/store/database.h"

#include <algorithm>
#include <array>

#include "ecsdb/base/mutant.h"
#include "ecsdb/store/transaction.h"

namespace ecsdb {
namespace {

constexpr size_t kBatchRows = 64;

}  // namespace

Database::Database(Schema schema, DatabaseOptions options)
    : TableSet(std::move(schema), true), options_(options), cells_(schema_.table_count()) {
  ECSDB_CHECK(options_.entities_max <= kEntityIndexMax && options_.first_version > Version{});
  head_ = published_ = Version{options_.first_version.value - 1};
  for (const Table& table : tables_) keeps_marks_ |= table.marks().is_kept();
}

bool Database::exists(EntityId entity) const {
  if (entity.index() >= entities_.size()) return false;
  const EntitySlot& slot = entities_[entity.index()];
  return slot.alive && !slot.doomed && slot.reuse == entity.reuse() && slot.epoch == entity.epoch();
}

EntityId Database::create_entity() {
  uint32_t index = 0;
  if (free_entities_.empty()) {
    if (entities_.size() >= options_.entities_max) return EntityId{};
    index = static_cast<uint32_t>(entities_.size());
    entities_.emplace_back();
  } else {
    index = free_entities_.back();
    free_entities_.pop_back();
  }
  EntitySlot& slot = entities_[index];
  slot.alive = true;
  slot.epoch = static_cast<uint16_t>(options_.epoch.value);
  ++slot.reuse;
  return EntityId::make(index, slot.epoch, slot.reuse);
}

void Database::free_entity(EntityId entity) {
  ECSDB_CHECK(exists(entity));
  EntitySlot& slot = entities_[entity.index()];
  slot.alive = false;
  if (slot.reuse < 0xffff) free_entities_.push_back(entity.index());  // a spent slot retires
}

Digest Database::digest(CellRef ref) {
  ECSDB_CHECK(!in_transaction_);  // it would remember values that may be rolled back
  return tables_[ref.table].digest(cell_at(ref).log);
}

Digest Database::digest(size_t table, const CellKey& key) {
  const CellIndex cell = cells_[table].find(key);
  return cell == kNoCell ? Digest{} : digest(CellRef{static_cast<uint16_t>(table), cell});
}

void Database::mark_changed(CellRef ref) {
  Cell& cell = cell_at(ref);
  if (cell.changed == head_) return;
  cell.changed = head_;
  cell.log.start_version(head_);
  if (cell.is_dirty) return;
  cell.is_dirty = true;
  dirty_.push_back(ref);
}

void Database::add_tombstone(CellRef ref, const Row& row, bool left) {
  const bool shown = row.published_cell == ref.cell;
  cell_at(ref).tombstones.push_back(Tombstone{row.entity, head_, left, shown});
  tombstones_.push_back(TombstoneRef{head_, ref});
  mark_changed(ref);
}

CellKey Database::key_of(uint16_t table, RowIndex row) const {
  const TableLayout& layout = schema_.layout(table);
  if (layout.cell_kind != CellKind::kFollow) return cell_key_of(tables_[table], row);
  const EntityId entity = tables_[table].row(row).entity;
  const RowIndex followed = find_row(layout.follow_table, entity);
  if (followed == kNoRow) return CellKey::none();
  const CellIndex cell = tables_[layout.follow_table].row(followed).cell;
  return cells_[layout.follow_table].at(cell).key;
}

CellKey Database::staged_key(uint16_t table, RowIndex row) const {
  const TableLayout& layout = schema_.layout(table);
  if (layout.cell_kind != CellKind::kFollow) return cell_key_of(tables_[table], row);
  const RowIndex followed = find_row(layout.follow_table, tables_[table].row(row).entity);
  if (followed == kNoRow) return CellKey::none();
  return cell_key_of(tables_[layout.follow_table], followed);
}

/// Makes a changed row the newest of its cell's log, entering another cell if its key says
/// so. Invariant afterwards: row.changed is the newer of its last change and its entry.
void Database::place_row(uint16_t table, RowIndex index) {
  Table& rows = tables_[table];
  Row& row = rows.row(index);
  const CellKey key = key_of(table, index);
  const CellIndex old_cell = row.cell;
  const bool moves = old_cell == kNoCell || cells_[table].at(old_cell).key != key;
  if (!moves && (rows.state(index) & kTouchedReplicated) == 0) return;
  if (!moves) {
    mark_changed({table, old_cell});
    rows.touch(cells_[table].at(old_cell).log, index);
    row.changed = head_;
    return;
  }
  if (old_cell == kNoCell) {
    rows.set_born(index, head_);
  } else {
    leave_cell(table, index, true);
  }
  const CellIndex cell = cells_[table].find_or_create(key);
  const bool keeps_version = old_cell != kNoCell && ECSDB_MUTANT(entry_keeps_row_version);
  if (!keeps_version) {
    row.changed = head_;
    mark_changed({table, cell});
  }
  rows.link_newest(cells_[table].at(cell).log, index, cell);
  if (keeps_version) mark_changed({table, cell});
  for (const uint16_t follower : schema_.layout(table).followers) follow(follower, row.entity);
}

/// Moves a following row whose followed row appeared, moved or went.
void Database::follow(uint16_t table, EntityId entity) {
  const RowIndex row = find_row(table, entity);
  if (row != kNoRow && tables_[table].row(row).cell != kNoCell) place_row(table, row);
}

void Database::leave_cell(uint16_t table, RowIndex index, bool left) {
  const Row row = tables_[table].row(index);
  tables_[table].unlink(cells_[table].at(row.cell).log, index);
  add_tombstone({table, row.cell}, row, left);
}

/// The row is in no cell.
void Database::remove_row(uint16_t table, RowIndex index) {
  tables_[table].erase(index,
                       [&](CellIndex cell) -> RowLog& { return cells_[table].at(cell).log; });
}

/// The rows of a dirty cell that changed or entered since the last publish, in order of entity.
void Database::measure_changes(CellRef ref) {
  const Table& table = tables_[ref.table];
  order_.clear();
  std::array<RowIndex, kBatchRows> batch;
  RowLog::Range rows = table.rows_after(cell(ref).log, published_);
  while (const size_t count = rows.take(batch)) {
    order_.add_many(count, [&](size_t i) {
      const Row& row = table.row(batch[i]);
      return RowOrder::Entry(row.entity.index(), batch[i], row.published_cell == ref.cell);
    });
  }
  order_.sort();
  changes_.measure(table, order_.entries(), cell(ref).history);
  collect_gone(ref, published_, true, changes_.gone());
}

void Database::finish_cell(CellRef ref) {
  Cell& cell = cell_at(ref);
  Table& table = tables_[ref.table];
  cell.published_before = cell.published;
  cell.published = head_;
  cell.is_dirty = false;
  ages_.clear();
  if (table.has_history()) {
    advance_history(cell);
  } else {
    cell.history.set_publishes(cell.history.publishes() + 1);
  }
  table.adopt(changes_, ages_);
}

/// Ages of the changed rows before this publish, and the cell's history after it.
void Database::advance_history(Cell& cell) {
  const uint32_t publish = cell.history.publishes() + 1;
  const std::span<const uint32_t> entered = changes_.entered_indices();
  added_.clear();
  size_t enter = 0;
  auto add_entered = [&](uint32_t below) {
    for (; enter < entered.size() && entered[enter] < below; ++enter) {
      added_.push_back({entered[enter], publish, false});
    }
  };
  for (size_t i = 0; i < changes_.known().size(); ++i) {
    const uint32_t place = changes_.places()[i];
    if (place == ChangeSet::kNoPlace) {
      add_entered(changes_.indices()[i]);
      added_.push_back({changes_.indices()[i], publish, false});
      ages_.push_back(0);
    } else {
      ages_.push_back(cell.history.recent()[place].age(publish));
      cell.history.touch(place);
    }
  }
  add_entered(kEntityIndexMax);
  removed_.clear();
  for (const Tombstone& gone : changes_.gone()) removed_.push_back(gone.entity.index());
  cell.history.finish(publish, added_, removed_);
}

void Database::collect_gone(CellRef ref, Version after, bool shown_only,
                            std::vector<Tombstone>& out) const {
  const Table& table = tables_[ref.table];
  const std::span<const Tombstone> all = cell(ref).tombstones.all();
  out.clear();
  if (ECSDB_MUTANT(drop_removal)) return;
  for (auto at = all.rbegin(); at != all.rend() && at->version > after; ++at) {
    const RowIndex row = ECSDB_MUTANT(tombstone_of_index) ? table.find_index(at->entity.index())
                                                          : table.find(at->entity);
    const bool is_here = row != kNoRow && table.row(row).cell == ref.cell;
    if (is_here || (shown_only && !at->shown)) continue;
    out.push_back(*at);
    out.back().left = row != kNoRow;
  }
  // Newest first among equals, so that unique() keeps the last one.
  std::sort(out.begin(), out.end(), [](const Tombstone& a, const Tombstone& b) {
    return a.entity != b.entity ? a.entity < b.entity : a.version > b.version;
  });
  out.erase(
      std::unique(out.begin(), out.end(),
                  [](const Tombstone& a, const Tombstone& b) { return a.entity == b.entity; }),
      out.end());
}

std::vector<std::pair<CellRef, CellKey>> Database::trim() {
  ECSDB_CHECK(!in_transaction_ && dirty_.empty());
  removals_.trim();
  std::vector<std::pair<CellRef, CellKey>> destroyed;
  auto is_over = [&](Version version) {
    return head_.value - version.value > options_.horizon_versions_max;
  };
  Version forgotten;  // a version goes as a whole, so that the queue never names what is gone
  while (!tombstones_.empty() &&
         (tombstones_.size() > options_.tombstones_max || is_over(tombstones_.front().version) ||
          tombstones_.front().version == forgotten)) {
    const TombstoneRef oldest = tombstones_.front();
    tombstones_.pop_front();
    forgotten = oldest.version;
    Cell& cell = cell_at(oldest.ref);
    size_t gone = 0;
    while (gone < cell.tombstones.size() && cell.tombstones[gone].version <= oldest.version) {
      ++gone;
    }
    if (gone == 0) continue;  // an earlier reference took them all
    cell.horizon = oldest.version;
    cell.tombstones.forget(gone);
    if (cell.log.count() == 0 && cell.tombstones.empty()) {
      destroyed.emplace_back(oldest.ref, cell.key);
      cells_[oldest.ref.table].destroy(oldest.ref.cell);
    }
  }
  return destroyed;
}

void Database::check_cell_versions(const Cell& cell) const {
  ECSDB_CHECK(cell.changed <= head_ && cell.published <= published_);
  ECSDB_CHECK(cell.horizon <= cell.changed && cell.published_before <= cell.published);
  ECSDB_CHECK(cell.is_dirty == (cell.changed > published_));
  Version last = cell.horizon;
  for (const Tombstone& tombstone : cell.tombstones) {
    ECSDB_CHECK(tombstone.version > cell.horizon && tombstone.version >= last);
    last = tombstone.version;
  }
  ECSDB_CHECK(last <= cell.changed);
  ECSDB_CHECK(cell.log.count() > 0 || !cell.tombstones.empty());
}

void Database::check_invariants() const {
  size_t tombstones = 0;
  for (uint16_t t = 0; t < table_count(); ++t) {
    const Table& table = tables_[t];
    uint32_t logged = 0;
    for (const auto& [key, index] : cells_[t].by_key()) {
      const Cell& cell = cells_[t].at(index);
      ECSDB_CHECK(cell.exists && cell.key == key);
      table.check_invariants(cell.log, index, !in_transaction_);
      for (const RowIndex at : table.rows_of(cell.log)) {
        const Row& row = table.row(at);
        ECSDB_CHECK(row.changed <= cell.changed && table.born(at) <= row.changed);
        ECSDB_CHECK(key_of(t, at) == key && exists(row.entity));
      }
      check_cell_versions(cell);
      tombstones += cell.tombstones.size();
      logged += cell.log.count();
    }
    ECSDB_CHECK(logged == table.row_count());
  }
  ECSDB_CHECK(tombstones == tombstones_.size());
}

}  // namespace ecsdb
