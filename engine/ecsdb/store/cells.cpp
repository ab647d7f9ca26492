#include "ecsdb/store/cells.h"

#include <algorithm>

namespace ecsdb {
namespace {

int64_t floor_divide(int64_t value, int64_t by) {
  const int64_t quotient = value / by;
  return quotient - (value % by < 0 ? 1 : 0);
}

/// Of a table with a rule of its own; `lane` gives those of the field that it names.
template <class Lane>
CellKey make_key(const TableLayout& layout, Lane&& lane) {
  switch (layout.cell_kind) {
    case CellKind::kOne:
      return CellKey::one();
    case CellKind::kValue:
      return CellKey::value(lane(0));
    case CellKind::kOwner:
      return CellKey::owner(PrincipalId{static_cast<uint64_t>(lane(0))});
    case CellKind::kGrid: {
      const int64_t steps = layout.cell_steps;
      const bool is_flat = layout.fields[layout.cell_field].lane_count < 3;
      return CellKey::grid(floor_divide(lane(0), steps), floor_divide(lane(1), steps),
                           is_flat ? 0 : floor_divide(lane(2), steps));
    }
    case CellKind::kFollow:
      break;
  }
  ECSDB_CHECK(layout.cell_kind != CellKind::kFollow);
  return CellKey::none();
}

}  // namespace

std::string CellKey::to_string() const {
  switch (kind) {
    case Kind::kOne:
      return "one";
    case Kind::kValue:
      return "value " + std::to_string(x);
    case Kind::kOwner:
      return "owner " + std::to_string(static_cast<uint64_t>(x));
    case Kind::kGrid:
      return "grid " + std::to_string(x) + "," + std::to_string(y) + "," + std::to_string(z);
    case Kind::kNone:
      return "none";
  }
  return "?";
}

void TombstoneList::forget(size_t count) {
  ECSDB_CHECK(count <= size());
  forgotten_ += count;
  if (forgotten_ * 2 < list_.size()) return;
  list_.erase(list_.begin(), list_.begin() + static_cast<ptrdiff_t>(forgotten_));
  forgotten_ = 0;
}

CellIndex CellSet::find(const CellKey& key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? kNoCell : found->second;
}

CellIndex CellSet::find_or_create(const CellKey& key) {
  const auto [at, inserted] = by_key_.try_emplace(key, kNoCell);
  if (!inserted) return at->second;
  if (free_.empty()) {
    at->second = index_end();
    cells_.emplace_back();
  } else {
    at->second = free_.back();
    free_.pop_back();
    cells_[at->second] = Cell{};
  }
  cells_[at->second].key = key;
  cells_[at->second].exists = true;
  cells_[at->second].horizon = forgotten_;
  cells_[at->second].history.set_publishes(forgotten_publishes_);
  return at->second;
}

void CellSet::destroy(CellIndex index) {
  Cell& cell = cells_[index];
  ECSDB_CHECK(cell.exists && cell.log.count() == 0 && !cell.is_dirty);
  by_key_.erase(cell.key);
  if (cell.horizon > forgotten_) forgotten_ = cell.horizon;
  forgotten_publishes_ = std::max(forgotten_publishes_, cell.history.publishes());
  cell = Cell{};
  free_.push_back(index);
}

bool cell_key_fits(const Schema& schema, size_t table, const CellKey& key) {
  const bool follows = schema.layout(table).cell_kind == CellKind::kFollow;
  if (key.kind == CellKey::Kind::kNone) return follows;
  const TableLayout& owner = schema.layout(follows ? schema.layout(table).follow_table : table);
  switch (owner.cell_kind) {
    case CellKind::kOne:
      return key.kind == CellKey::Kind::kOne;
    case CellKind::kValue:
      return key.kind == CellKey::Kind::kValue;
    case CellKind::kOwner:
      return key.kind == CellKey::Kind::kOwner;
    case CellKind::kGrid:
      return key.kind == CellKey::Kind::kGrid &&
             (owner.fields[owner.cell_field].lane_count > 2 || key.z == 0);
    case CellKind::kFollow:
      break;
  }
  return false;
}

CellKey cell_key_of(const Table& table, RowIndex row) {
  const TableLayout& layout = table.layout();
  const uint16_t first = layout.fields[layout.cell_field].lane_first;
  return make_key(layout, [&](uint16_t k) {
    return static_cast<int64_t>(table.lane(row, static_cast<uint16_t>(first + k)));
  });
}

CellKey cell_key_of(const TableLayout& layout, const LaneValues& lanes) {
  return make_key(layout, [&](uint16_t k) { return static_cast<int64_t>(lanes.lane[k]); });
}

}  // namespace ecsdb
