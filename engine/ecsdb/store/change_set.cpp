#include "ecsdb/store/change_set.h"

#include <algorithm>

namespace ecsdb {

void ChangeSet::measure(const Table& table, std::span<const RowIndex> rows,
                        const CellHistory& history) {
  ECSDB_CHECK(table.records().has_baseline());
  known_.clear();
  indices_.clear();
  entered_.clear();
  entered_indices_.clear();
  for (const RowIndex row : rows) {
    const Row& at = table.row(row);
    const bool is_known = at.published_cell == at.cell;
    (is_known ? known_ : entered_).push_back(row);
    (is_known ? indices_ : entered_indices_).push_back(at.entity.index());
  }
  masks_.assign(known_.size(), 0);
  const TableLayout& layout = table.layout();
  narrow_.resize(layout.lanes.size());
  wide_.resize(layout.lanes.size());
  bits_.resize(layout.lanes.size());
  for (const uint16_t field : layout.replicated) measure_field(table, layout.fields[field]);
  if (std::find(masks_.begin(), masks_.end(), 0) != masks_.end()) {
    drop_unchanged();
    for (const uint16_t field : layout.replicated) measure_field(table, layout.fields[field]);
  }
  find_places(history);
}

void ChangeSet::find_places(const CellHistory& history) {
  const std::span<const RecentRow> recent = history.recent();
  places_.resize(indices_.size());
  size_t place = 0;
  for (size_t i = 0; i < indices_.size(); ++i) {
    while (place < recent.size() && recent[place].index < indices_[i]) ++place;
    const bool is_recent = place < recent.size() && recent[place].index == indices_[i];
    places_[i] = is_recent ? static_cast<uint32_t>(place) : kNoPlace;
  }
}

/// Rows that were changed and changed back, or whose server-only fields changed alone.
void ChangeSet::drop_unchanged() {
  size_t kept = 0;
  for (size_t i = 0; i < known_.size(); ++i) {
    if (masks_[i] == 0) continue;
    known_[kept] = known_[i];
    indices_[kept] = indices_[i];
    ++kept;
  }
  known_.resize(kept);
  indices_.resize(kept);
  masks_.assign(kept, 0);
}

void ChangeSet::measure_field(const Table& table, const FieldLayout& field) {
  const uint64_t bit = uint64_t{1} << field.replicated_bit;
  for (uint16_t k = 0; k < field.lane_count; ++k) {
    const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
    const bool is_float = table.layout().lanes[lane].kind == LaneKind::kFloat;
    if (table.records().place(lane).is_wide) {
      is_float ? measure_lane<uint64_t, true>(table, lane, bit, wide_[lane])
               : measure_lane<uint64_t, false>(table, lane, bit, wide_[lane]);
    } else {
      is_float ? measure_lane<uint32_t, true>(table, lane, bit, narrow_[lane])
               : measure_lane<uint32_t, false>(table, lane, bit, narrow_[lane]);
    }
  }
  if (field.text == kNoText) return;
  for (size_t i = 0; i < known_.size(); ++i) {
    if (table.text(known_[i], field.text) != table.baseline_text(known_[i], field.text)) {
      masks_[i] |= bit;
    }
  }
}

template <class S, bool is_float>
void ChangeSet::measure_lane(const Table& table, uint16_t lane, uint64_t bit,
                             std::vector<S>& deltas) {
  deltas.resize(known_.size());
  std::vector<uint64_t>& bits = bits_[lane];
  bits.assign((known_.size() + 63) / 64, 0);
  const RowRecords& records = table.records();
  const uint16_t place = records.place(lane).baseline;
  table.column(lane).visit([&](const auto* values) {
    for (size_t i = 0; i < known_.size(); ++i) {
      const RowIndex row = known_[i];
      const S before = RowRecords::load<S>(records.at(row), place);
      const S now = static_cast<S>(values[row]);
      const S delta = is_float ? float_order(now) - float_order(before) : now - before;
      deltas[i] = delta;
      masks_[i] |= delta != 0 ? bit : 0;
      bits[i / 64] |= uint64_t{delta != 0} << (i % 64);
    }
  });
}

}  // namespace ecsdb
