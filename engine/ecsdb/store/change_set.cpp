#include "ecsdb/store/change_set.h"

#include <algorithm>

#include "ecsdb/base/reuse.h"

namespace ecsdb {
namespace {

/// The entries that are marked or not, as `is_marked` says.
void take_entries(std::span<const RowOrder::Entry> all, bool is_marked, std::vector<RowIndex>& rows,
                  std::vector<uint32_t>& indices) {
  for (std::vector<uint32_t>* list : {&rows, &indices}) {
    make_room(*list, all.size());
    list->resize(all.size());
  }
  RowIndex* const to = rows.data();
  uint32_t* const to_index = indices.data();
  size_t count = 0;
  for (const RowOrder::Entry entry : all) {  // without a branch a row
    to[count] = entry.row();
    to_index[count] = entry.index();
    count += entry.is_marked() == is_marked ? 1 : 0;
  }
  rows.resize(count);
  indices.resize(count);
}

}  // namespace

void ChangeSet::measure(const Table& table, std::span<const RowOrder::Entry> rows,
                        const CellHistory& history) {
  ECSDB_CHECK(table.records().has_baseline());
  take_entries(rows, true, known_, indices_);
  if (known_.size() < rows.size()) {
    take_entries(rows, false, entered_, entered_indices_);
  } else {
    entered_.clear();
    entered_indices_.clear();
  }
  measure_fields(table);
  if (std::find(masks_.begin(), masks_.end(), 0) != masks_.end()) {
    drop_unchanged();
    measure_fields(table);
  }
  find_places(history);
}

/// Some rows through all lanes, then the next ones: a row's record is fetched once, and while those
/// before it are looked at.
void ChangeSet::measure_fields(const Table& table) {
  const TableLayout& layout = table.layout();
  const size_t count = known_.size();
  refill(masks_, count);
  narrow_.resize(layout.lanes.size());
  wide_.resize(layout.lanes.size());
  bits_.resize(layout.lanes.size());
  touched_.clear();
  for (const uint16_t index : layout.replicated) {
    const FieldLayout& field = layout.fields[index];
    const bool is_touched = (table.touched_fields() >> field.replicated_bit & 1) != 0;
    if (is_touched) touched_.push_back(index);
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      prepare_lane(table, static_cast<uint16_t>(field.lane_first + k), is_touched);
    }
  }
  table.records().for_each_group(known_, [&](size_t begin, size_t end) {
    for (const uint16_t field : touched_) {
      measure_field(table, layout.fields[field], {begin, end});
    }
  });
}

/// A lane that is not going to be measured is as it was in every row.
void ChangeSet::prepare_lane(const Table& table, uint16_t lane, bool is_measured) {
  const size_t count = known_.size();
  if (!is_measured) {
    narrow_[lane].clear();
    wide_[lane].clear();
    bits_[lane].clear();
  }
  table.records().place(lane).is_wide ? wide_[lane].resize(count) : narrow_[lane].resize(count);
  bits_[lane].resize((count + 63) / 64);
}

void ChangeSet::find_places(const CellHistory& history) {
  const std::span<const RecentRow> recent = history.recent();
  if (recent.empty()) return refill(places_, indices_.size(), kNoPlace);
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

void ChangeSet::measure_field(const Table& table, const FieldLayout& field, Places places) {
  const uint64_t bit = uint64_t{1} << field.replicated_bit;
  for (uint16_t k = 0; k < field.lane_count; ++k) {
    const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
    const bool is_float = table.layout().lanes[lane].kind == LaneKind::kFloat;
    if (table.records().place(lane).is_wide) {
      is_float ? measure_lane<uint64_t, true>(table, lane, bit, places, wide_[lane])
               : measure_lane<uint64_t, false>(table, lane, bit, places, wide_[lane]);
    } else {
      is_float ? measure_lane<uint32_t, true>(table, lane, bit, places, narrow_[lane])
               : measure_lane<uint32_t, false>(table, lane, bit, places, narrow_[lane]);
    }
  }
  if (field.text == kNoText) return;
  for (size_t i = places.begin; i < places.end; ++i) {
    if (table.text(known_[i], field.text) != table.baseline_text(known_[i], field.text)) {
      masks_[i] |= bit;
    }
  }
}

template <class S, bool is_float>
void ChangeSet::measure_lane(const Table& table, uint16_t lane, uint64_t bit, Places places,
                             std::vector<S>& deltas) {
  const auto records = table.records().base();
  const uint16_t place = table.records().place(lane).baseline;
  const RowIndex* const rows = known_.data();
  uint64_t* const masks = masks_.data();
  S* const to = deltas.data();
  table.column(lane).visit([&](const auto* values) {
    for (size_t begin = places.begin; begin < places.end; begin += 64) {
      const size_t end = std::min(begin + 64, places.end);
      uint64_t bits = 0;
      for (size_t i = begin; i < end; ++i) {
        const S before = RowRecords::load<S>(records.at(rows[i]), place);
        const S now = static_cast<S>(values[rows[i]]);
        const S delta = is_float ? float_order(now) - float_order(before) : now - before;
        const uint64_t differs = delta != 0;
        to[i] = delta;
        masks[i] |= bit * differs;
        bits |= differs << (i - begin);
      }
      bits_[lane][begin / 64] = bits;
    }
  });
}

}  // namespace ecsdb
