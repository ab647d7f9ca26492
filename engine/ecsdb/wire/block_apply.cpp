#include "ecsdb/wire/block_apply.h"

#include <algorithm>

#include "ecsdb/wire/block_lanes.h"

namespace ecsdb {

void BlockApplier::apply_changed(const DecodedBlock& block, Table& table, CellHistory& history) {
  const size_t count = block.changed.size();
  refill(differs_, count);
  if (count == 0) return;
  if (table.has_history()) {
    const uint32_t publish = history.publishes() + 1;
    repeatable_.resize(count);
    for (size_t i = 0; i < count; ++i) {
      uint32_t age = 0;
      if (i < block.places.size()) {
        age = history.recent()[block.places[i]].age(publish);
        history.touch(block.places[i]);
      }
      repeatable_[i] = table.records().advance(block.changed[i], block.masks[i], age);
    }
  }
  const TableLayout& layout = table.layout();
  for (const uint16_t index : layout.replicated) {
    const FieldLayout& field = layout.fields[index];
    const size_t turned = field.is_smallest_three ? block.lane_changes[field.lane_first].count : 0;
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
      const LaneChanges& changes = block.lane_changes[lane];
      if (table.records().place(lane).is_wide) {
        apply_lane<uint64_t>(changes, block, table, lane, field.replicated_bit, turned);
      } else {
        apply_lane<uint32_t>(changes, block, table, lane, field.replicated_bit, turned);
      }
    }
    if (field.text == kNoText) continue;
    const TextChanges& changes = block.text_changes[field.text];
    for (size_t n = 0; n < changes.count; ++n) {
      const RowIndex row = block.changed[changes.at[n]];
      if (table.text(row, field.text) == changes.values[n]) continue;
      differs_[changes.at[n]] |= uint64_t{1} << field.replicated_bit;
      table.set_text(row, field.text, changes.values[n]);
    }
  }
}

/// The first `interrupted` changes were coded without a prediction.
template <class S>
void BlockApplier::apply_lane(const LaneChanges& changes, const DecodedBlock& block, Table& table,
                              uint16_t lane, uint8_t bit, size_t interrupted) {
  RowRecords& records = table.records();
  const Lane& def = table.layout().lanes[lane];
  const RowRecords::LanePlace& place = records.place(lane);
  const bool is_predicted = table.has_history() && def.is_predicted;
  const bool is_float = def.kind == LaneKind::kFloat;
  table.column(lane).visit([&](auto* values) {
    using T = std::remove_cvref_t<decltype(*values)>;
    for (size_t n = 0; n < changes.count; ++n) {
      const uint32_t i = changes.at[n];
      const RowIndex row = block.changed[i];
      const S before = static_cast<S>(values[row]);
      const S now = static_cast<S>(changes.values[n]);
      values[row] = static_cast<T>(now);
      const S delta = is_float ? float_order(now) - float_order(before) : now - before;
      differs_[i] |= delta != 0 ? uint64_t{1} << bit : 0;
      if (!is_predicted) continue;
      if (n < interrupted) {
        RowRecords::interrupt_lane(records.at(row), place);
      } else {
        RowRecords::advance_lane(records.at(row), place, (repeatable_[i] >> bit & 1) != 0, delta);
      }
    }
  });
}

uint64_t BlockApplier::apply_whole(const DecodedBlock& block, size_t at, Table& table,
                                   RowIndex row) {
  const TableLayout& layout = table.layout();
  uint64_t differs = 0;
  for (const uint16_t index : layout.replicated) {
    const FieldLayout& field = layout.fields[index];
    const uint64_t bit = uint64_t{1} << field.replicated_bit;
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
      const uint64_t value = block.lanes[lane][at];
      if (table.lane(row, lane) == value) continue;
      table.set_lane(row, lane, value);
      differs |= bit;
    }
    if (field.text != kNoText && table.text(row, field.text) != block.texts[field.text][at]) {
      table.set_text(row, field.text, block.texts[field.text][at]);
      differs |= bit;
    }
  }
  if (!table.has_history()) return differs;
  RowRecords& records = table.records();
  if (block.heads.empty()) {
    records.enter(row);
    return differs;
  }
  if (block.heads[at].age == 0) return differs;
  records.set_fields(row, block.heads[at].fields);
  for (uint16_t lane = 0; lane < layout.lanes.size(); ++lane) {
    if (block.states[lane].empty() || !layout.lanes[lane].is_predicted) continue;
    records.set_lane(row, lane, block.deltas[lane][at], block.states[lane][at]);
  }
  return differs;
}

void BlockApplier::finish(const DecodedBlock& block, bool has_history, uint32_t publish,
                          CellHistory& history) {
  if (!has_history) return history.set_publishes(publish);
  added_.clear();
  removed_.clear();
  for (const DecodedBlock::Gone& gone : block.gone) removed_.push_back(gone.entity.index());
  for (const uint32_t index : block.fresh) added_.push_back({index, publish, false});
  const size_t fresh = added_.size();
  const size_t gone = removed_.size();
  for (size_t at = 0; at < block.whole.size(); ++at) {
    const uint32_t index = block.whole[at].index();
    if (block.heads.empty()) {
      added_.push_back({index, publish, false});
    } else if (const DecodedBlock::Head& head = block.heads[at]; head.age != 0) {
      added_.push_back({index, publish + 1 - head.age, head.is_steady});
    } else {
      removed_.push_back(index);
    }
  }
  // Both lists are of two rising parts each, of which one is empty nearly always.
  if (fresh > 0 && fresh < added_.size()) {
    std::sort(added_.begin(), added_.end(),
              [](const RecentRow& a, const RecentRow& b) { return a.index < b.index; });
  }
  if (gone > 0 && gone < removed_.size()) std::sort(removed_.begin(), removed_.end());
  history.finish(publish, added_, removed_);
}

}  // namespace ecsdb
