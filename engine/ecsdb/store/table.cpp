#include "ecsdb/store/table.h"

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/hash.h"
#include "ecsdb/store/change_set.h"

namespace ecsdb {

Table::Table(const TableDef& def, const TableLayout& layout, bool with_baseline)
    : layout_(layout), records_(layout, with_baseline, def.codec == CodecTier::kPacked) {
  for (const Lane& lane : layout.lanes) lanes_.emplace_back(lane);
  texts_.resize(layout.text_count);
  default_texts_.resize(layout.text_count);
  for (size_t i = 0; i < def.fields.size(); ++i) {
    field_ids_.push_back(def.fields[i].id);
    const FieldLayout& field = layout.fields[i];
    if (field.text != kNoText) {
      defaults_.emplace_back();
      default_texts_[field.text] = default_text(def.fields[i]);
    } else {
      defaults_.push_back(default_lanes(def.fields[i]));
    }
  }
  if (with_baseline) baseline_texts_ = texts_;
}

RowIndex Table::find_from(uint32_t entity_index) const {
  size_t page = entity_index / kPageRows;
  size_t at = entity_index % kPageRows;
  for (; page < directory_.size(); ++page, at = 0) {
    const std::vector<RowIndex>& rows = directory_[page];
    for (; at < rows.size(); ++at) {
      if (rows[at] != kNoRow) return rows[at];
    }
  }
  return kNoRow;
}

void Table::set_directory(uint32_t entity_index, RowIndex row) {
  ECSDB_CHECK(entity_index < kEntityIndexMax);
  const uint32_t page = entity_index / kPageRows;
  if (page >= directory_.size()) directory_.resize(page + 1);
  if (directory_[page].empty()) directory_[page].assign(kPageRows, kNoRow);
  directory_[page][entity_index % kPageRows] = row;
}

RowIndex Table::append(EntityId entity) {
  ECSDB_CHECK(find_index(entity.index()) == kNoRow);
  const RowIndex index = row_count();
  rows_.emplace_back().entity = entity;
  set_directory(entity.index(), index);
  for (size_t i = 0; i < layout_.fields.size(); ++i) {
    const FieldLayout& field = layout_.fields[i];
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      lanes_[field.lane_first + k].push(defaults_[i].lane[k]);
    }
  }
  for (size_t i = 0; i < texts_.size(); ++i) texts_[i].push_back(default_texts_[i]);
  records_.push();
  for (auto& column : baseline_texts_) column.emplace_back();
  return index;
}

void Table::erase_unthreaded(RowIndex row) {
  const RowIndex last = row_count() - 1;
  set_directory(rows_[row].entity.index(), kNoRow);
  if (row != last) {
    set_directory(rows_[last].entity.index(), row);
    rows_[row] = rows_[last];
  }
  rows_.pop_back();
  auto erase_text = [&](std::vector<std::string>& column) {
    if (row != last) column[row] = std::move(column[last]);
    column.pop_back();
  };
  for (Column& column : lanes_) column.swap_erase(row);
  records_.swap_erase(row);
  for (auto& column : texts_) erase_text(column);
  for (auto& column : baseline_texts_) erase_text(column);
}

LaneValues Table::field_lanes(RowIndex row, uint16_t field) const {
  const FieldLayout& at = layout_.fields[field];
  LaneValues out;
  for (uint16_t k = 0; k < at.lane_count; ++k) out.lane[k] = lanes_[at.lane_first + k].get(row);
  return out;
}

void Table::set_field_lanes(RowIndex row, uint16_t field, const LaneValues& values) {
  const FieldLayout& at = layout_.fields[field];
  for (uint16_t k = 0; k < at.lane_count; ++k) lanes_[at.lane_first + k].set(row, values.lane[k]);
}

bool Table::field_equals(RowIndex row, const Table& other, RowIndex other_row,
                         uint16_t field) const {
  const FieldLayout& at = layout_.fields[field];
  if (at.text != kNoText) return text(row, at.text) == other.text(other_row, at.text);
  return field_lanes(row, field) == other.field_lanes(other_row, field);
}

uint64_t Table::baseline_lane(RowIndex row, uint16_t lane) const {
  return sign_extended(layout_.lanes[lane], records_.baseline(row, lane));
}

void Table::adopt_baseline(RowIndex row) {
  ECSDB_CHECK(records_.has_baseline());
  for (const uint16_t index : layout_.replicated) {
    const FieldLayout& field = layout_.fields[index];
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
      records_.set_baseline(row, lane, lanes_[lane].get(row));
    }
    if (field.text != kNoText) baseline_texts_[field.text][row] = texts_[field.text][row];
  }
  rows_[row].published_cell = rows_[row].cell;
}

void Table::adopt(const ChangeSet& changes, std::span<const uint32_t> ages) {
  for (const RowIndex row : changes.entered()) {
    adopt_baseline(row);
    if (has_history()) records_.enter(row);
  }
  const std::span<const RowIndex> rows = changes.known();
  const std::span<const uint64_t> masks = changes.masks();
  repeatable_.resize(rows.size());
  if (has_history()) {
    for (size_t i = 0; i < rows.size(); ++i) {
      repeatable_[i] = records_.advance(rows[i], masks[i], ages[i]);
    }
  }
  for (const uint16_t index : layout_.replicated) {
    const FieldLayout& field = layout_.fields[index];
    adopt_field(changes, field);
    if (field.text == kNoText) continue;
    for (size_t i = 0; i < rows.size(); ++i) {
      if ((masks[i] >> field.replicated_bit & 1) == 0) continue;
      baseline_texts_[field.text][rows[i]] = texts_[field.text][rows[i]];
    }
  }
}

void Table::adopt_field(const ChangeSet& changes, const FieldLayout& field) {
  std::span<const uint32_t> interrupted;
  for (uint16_t k = 0; k < field.lane_count; ++k) {
    const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
    if (records_.place(lane).is_wide) {
      adopt_lane<uint64_t>(changes, lane, field.replicated_bit, interrupted);
    } else {
      adopt_lane<uint32_t>(changes, lane, field.replicated_bit, interrupted);
    }
    if (field.is_smallest_three && k == 0) interrupted = changes.deltas<uint32_t>(lane);
  }
}

/// `interrupted` is empty, or tells of each row whether the lane was coded without a prediction.
template <class S>
void Table::adopt_lane(const ChangeSet& changes, uint16_t lane, uint8_t bit,
                       std::span<const uint32_t> interrupted) {
  const std::span<const RowIndex> rows = changes.known();
  const std::span<const uint64_t> masks = changes.masks();
  const std::span<const S> deltas = changes.deltas<S>(lane);
  const RowRecords::LanePlace& place = records_.place(lane);
  const bool is_predicted = records_.has_history() && layout_.lanes[lane].is_predicted;
  lanes_[lane].visit([&](const auto* values) {
    for (size_t i = 0; i < rows.size(); ++i) {
      if ((masks[i] >> bit & 1) == 0) continue;
      uint8_t* record = records_.at(rows[i]);
      RowRecords::store(record, place.baseline, static_cast<S>(values[rows[i]]));
      if (!is_predicted) continue;
      if (!interrupted.empty() && interrupted[i] != 0) {
        RowRecords::interrupt_lane(record, place);
      } else {
        RowRecords::advance_lane(record, place, (repeatable_[i] >> bit & 1) != 0, deltas[i]);
      }
    }
  });
}

uint64_t Table::history_hash(RowIndex row, const CellHistory& history) const {
  RunningHash hash;
  hash.add(rows_[row].entity.value);
  const RecentRow* recent = has_history() ? history.find(rows_[row].entity.index()) : nullptr;
  if (recent == nullptr) return hash.value();
  const uint32_t age = recent->age(history.publishes() + 1);
  hash.add(age);
  hash.add(age == 1 && recent->is_steady ? 1 : 0);
  hash.add(records_.fields(row).last);
  hash.add(records_.fields(row).before);
  const uint64_t repeatable = records_.repeatable(row, age);
  for (const uint16_t index : layout_.replicated) {
    const FieldLayout& field = layout_.fields[index];
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
      if (!layout_.lanes[lane].is_predicted) continue;
      const LaneState state = records_.state(row, lane);
      hash.add(state.magnitude);
      if (state.magnitude == kMagnitudeNone) continue;
      hash.add(static_cast<uint64_t>(state.trend + kTrendMax));
      const bool repeats = (repeatable >> field.replicated_bit & 1) != 0;
      hash.add(repeats ? records_.delta(row, lane) : 0);
    }
  }
  return hash.value();
}

void Table::link_newest(RowThread& thread, RowIndex row, CellIndex cell) {
  Row& r = rows_[row];
  ECSDB_CHECK(r.cell == kNoCell);
  r.cell = cell;
  r.newer = kNoRow;
  r.older = thread.newest;
  if (thread.newest != kNoRow) rows_[thread.newest].newer = row;
  thread.newest = row;
  if (thread.oldest == kNoRow) thread.oldest = row;
  ++thread.count;
  r.digest = Digest{};
  r.digest_dirty = true;
}

void Table::unlink(RowThread& thread, RowIndex row) {
  Row& r = rows_[row];
  ECSDB_CHECK(r.cell != kNoCell && thread.count > 0);
  if (r.newer != kNoRow) rows_[r.newer].older = r.older;
  if (r.older != kNoRow) rows_[r.older].newer = r.newer;
  if (thread.newest == row) thread.newest = r.older;
  if (thread.oldest == row) thread.oldest = r.newer;
  --thread.count;
  thread.digest -= r.digest;
  r.digest = Digest{};
  r.digest_dirty = true;
  r.cell = kNoCell;
  r.newer = r.older = kNoRow;
}

void Table::touch(RowThread& thread, RowIndex row) {
  Row& r = rows_[row];
  ECSDB_CHECK(r.cell != kNoCell);
  r.digest_dirty = true;  // its digest stays in the thread's until it is computed anew
  if (thread.newest == row) return;
  rows_[r.newer].older = r.older;
  if (r.older != kNoRow) rows_[r.older].newer = r.newer;
  if (thread.oldest == row) thread.oldest = r.newer;
  r.older = thread.newest;
  r.newer = kNoRow;
  rows_[thread.newest].newer = row;
  thread.newest = row;
}

Digest Table::digest(RowThread& thread) {
  for (RowIndex at = thread.newest; at != kNoRow && rows_[at].digest_dirty; at = rows_[at].older) {
    Row& r = rows_[at];
    thread.digest -= r.digest;
    r.digest = row_digest(at);
    thread.digest += r.digest;
    r.digest_dirty = false;
  }
  return thread.digest;
}

Digest Table::row_digest(RowIndex row) const {
  RowHasher hasher;
  hasher.add(layout_.id.value);
  hasher.add64(rows_[row].entity.value);
  for (const uint16_t index : layout_.replicated) {
    const FieldLayout& field = layout_.fields[index];
    hasher.add(field_ids_[index].value);
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
      const uint64_t value = lanes_[lane].get(row);
      hasher.add(static_cast<uint32_t>(value));
      if (layout_.lanes[lane].width == 8) hasher.add(static_cast<uint32_t>(value >> 32));
    }
    if (field.text != kNoText) hasher.add_bytes(as_bytes(texts_[field.text][row]));
  }
  return hasher.finish();
}

void Table::relink_moved(RowThread& thread, RowIndex from, RowIndex to) {
  const Row& r = rows_[from];
  if (r.newer != kNoRow) rows_[r.newer].older = to;
  if (r.older != kNoRow) rows_[r.older].newer = to;
  if (thread.newest == from) thread.newest = to;
  if (thread.oldest == from) thread.oldest = to;
}

}  // namespace ecsdb
