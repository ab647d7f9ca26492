#include "ecsdb/server/full_sync.h"

#include <algorithm>
#include <bit>

#include "ecsdb/base/mutant.h"

namespace ecsdb {

size_t estimate_row_bytes(const Table& table, RowIndex row) {
  size_t bytes = 6;
  for (const Lane& lane : table.layout().lanes) bytes += lane.width;
  for (uint16_t i = 0; i < table.layout().text_count; ++i) bytes += table.text(row, i).size();
  return bytes;
}

size_t estimate_cell_bytes(const Database& db, CellRef ref) {
  const Table& table = db.table(ref.table);
  const RowLog& log = db.cell(ref).log;
  if (log.count() == 0) return 0;
  return log.count() * estimate_row_bytes(table, *table.rows_of(log).begin());
}

std::vector<CellEnter> FullSync::start(const Database& db, Interest& interest, Version version) {
  stop();
  active_ = true;
  version_ = version;
  struct Place {
    uint64_t band;  // near cells in bands that double in width, so that their number stays small
    CellRef ref;
    auto operator<=>(const Place&) const = default;
  };
  std::vector<Place> places;
  std::vector<CellRef> order;
  for (const uint32_t handle : interest.pending()) {
    const CellRef ref = interest.at(handle).ref;
    const RowLog& log = db.cell(ref).log;
    places.push_back({static_cast<uint64_t>(std::bit_width(interest.distance(db, ref))), ref});
    rows_total_ += log.count();
    if (log.count() == 0) continue;
    const Table& table = db.table(ref.table);
    bytes_total_ += log.count() * estimate_row_bytes(table, *table.rows_of(log).begin());
  }
  std::sort(places.begin(), places.end());
  for (const Place& place : places) order.push_back(place.ref);
  std::vector<CellEnter> enters = interest.stage(db, order);
  for (size_t i = 0; i < places.size(); ++i) {
    const bool is_new = i == 0 || places[i].band != places[i - 1].band ||
                        places[i].ref.table != places[i - 1].ref.table;
    if (is_new) groups_.push_back({places[i].ref.table, {}});
    groups_.back().handles.push_back(enters[i].handle);
  }
  return enters;
}

/// Cells are grouped as they come: where the table, or what has been sent of them, changes.
void FullSync::go_on(const Database& db, Version version, std::span<const ResumeCell> cells,
                     uint32_t next_index) {
  stop();
  active_ = true;
  version_ = version;
  const ResumeCell* before = nullptr;
  for (const ResumeCell& cell : cells) {
    if (cell.state == HeldState::kSyncDone) {
      ++cells_done_;
      continue;
    }
    if (before == nullptr && cell.state == HeldState::kSyncBegun) entity_index_ = next_index;
    const bool is_new =
        before == nullptr || before->table != cell.table || before->state != cell.state;
    if (is_new) groups_.push_back({*db.schema().table_index(cell.table), {}});
    groups_.back().handles.push_back(cell.handle);
    before = &cell;
  }
}

void FullSync::stop() {
  active_ = false;
  groups_.clear();
  group_ = 0;
  cells_done_ = 0;
  entity_index_ = 0;
  handles_group_ = kNoGroup;
  rows_total_ = bytes_total_ = 0;
}

SyncMark FullSync::mark() const {
  SyncMark mark{cells_done_, cells_done_, entity_index_};
  if (entity_index_ > 0) mark.begun += static_cast<uint32_t>(groups_[group_].handles.size());
  return mark;
}

/// A cell that was given up since is sent all the same: the marks say so, and a client that comes
/// back in the middle may ask for it again.
bool FullSync::is_sent(const Interest::Held& held) {
  return held.state == Interest::State::kStaged ||
         (held.state == Interest::State::kLeaving && held.ref.cell != kNoCell);
}

void FullSync::find_handles(const Database& db, const Interest& interest, const Group& group) {
  const size_t cells = db.cells(group.table).index_end();
  if (handles_group_ == group_ && handles_revision_ == interest.revision()) {
    // Cells that were made since are none of the group's.
    if (handles_.size() < cells) handles_.resize(cells, Interest::kNoHandle);
    return;
  }
  handles_group_ = group_;
  handles_revision_ = interest.revision();
  handles_.assign(cells, Interest::kNoHandle);
  for (const uint32_t handle : group.handles) {
    const Interest::Held& held = interest.at(handle);
    if (is_sent(held)) handles_[held.ref.cell] = handle;
  }
}

/// Where few of a table's rows are wanted, they are found by their cells instead of by a walk over
/// the whole table: what is left of them, in order of entity.
bool FullSync::collect_small_group(const Database& db, const Interest& interest,
                                   const Group& group) {
  const Table& table = db.table(group.table);
  const size_t rows_max = std::min<size_t>(kSmallGroupRows, table.row_count());
  small_.clear();
  size_t rows = 0;
  for (const uint32_t handle : group.handles) {
    if (is_sent(interest.at(handle))) rows += db.cell(interest.at(handle).ref).log.count();
    if (rows > rows_max || rows == table.row_count()) return false;
  }
  for (const uint32_t handle : group.handles) {
    if (!is_sent(interest.at(handle))) continue;
    for (const RowIndex at : table.rows_of(db.cell(interest.at(handle).ref).log)) {
      const uint32_t index = table.row(at).entity.index();
      if (index >= entity_index_) small_.add(index, at);
    }
  }
  small_.sort();
  return true;
}

/// Collects the group's next rows in found_. True if there are no more.
bool FullSync::scan(const Database& db, const Interest& interest, const Group& group,
                    size_t bytes) {
  const Table& table = db.table(group.table);
  find_handles(db, interest, group);
  const bool is_small = collect_small_group(db, interest, group);
  size_t small_at = 0;
  size_t collected = 0;
  found_.clear();
  while (collected < bytes) {
    RowIndex row = kNoRow;
    if (ECSDB_MUTANT(scan_by_slot)) {
      if (entity_index_ < table.row_count()) row = entity_index_;
    } else if (!is_small) {
      row = table.find_from(entity_index_);
    } else if (small_at < small_.entries().size()) {
      row = small_.entries()[small_at++].row();
    }
    if (row == kNoRow) return true;
    entity_index_ = table.row(row).entity.index() + 1;
    if (ECSDB_MUTANT(scan_by_slot)) entity_index_ = row + 1;
    const uint32_t handle = handles_[table.row(row).cell];
    if (handle == Interest::kNoHandle) continue;
    // The net delta has it anyway. It may have moved here from where it was sent already.
    if (table.row(row).changed > version_) {
      ++collected;  // so that no chunk takes long
      continue;
    }
    found_.push_back({handle, row});
    collected += estimate_row_bytes(table, row);
  }
  return false;
}

void FullSync::add_found(const Database& db, const Interest& interest, CellBlocks& blocks,
                         uint32_t features, AdvancePlan& plan) {
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

AdvancePlan FullSync::next_chunk(const Database& db, const Interest& interest, CellBlocks& blocks,
                                 uint32_t features, size_t bytes) {
  ECSDB_CHECK(!scan_done());
  AdvancePlan plan;
  plan.from = plan.to = version_;
  const Group& group = groups_[group_];
  const bool is_done = scan(db, interest, group, bytes);
  add_found(db, interest, blocks, features, plan);
  if (is_done) {
    cells_done_ += static_cast<uint32_t>(group.handles.size());
    entity_index_ = 0;
    ++group_;
  }
  return plan;
}

}  // namespace ecsdb
