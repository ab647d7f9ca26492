#include "ecsdb/store/table.h"

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/hash.h"
#include "ecsdb/base/mutant.h"
#include "ecsdb/store/change_set.h"

namespace ecsdb {
namespace {

using Words = std::array<uint32_t, RowHashBatch::kRows>;

/// 32 bits of the rows' values each, from bit `shift` on. Four at a time: the loop costs as much as
/// what it does.
template <class T>
void gather(const T* values, std::span<const RowIndex> rows, unsigned shift, Words& out) {
  auto word = [&](size_t i) {
    return static_cast<uint32_t>(static_cast<uint64_t>(values[rows[i]]) >> shift);
  };
  size_t i = 0;
  for (; i + 4 <= rows.size(); i += 4) {
    out[i] = word(i);
    out[i + 1] = word(i + 1);
    out[i + 2] = word(i + 2);
    out[i + 3] = word(i + 3);
  }
  for (; i < rows.size(); ++i) out[i] = word(i);
}

}  // namespace

Table::Table(const TableDef& def, const TableLayout& layout, bool with_baseline)
    : layout_(layout), records_(layout, with_baseline, def.codec == CodecTier::kPacked) {
  if (with_baseline) marks_ = ChangeMarks(def, layout);
  for (const Lane& lane : layout.lanes) lanes_.emplace_back(lane);
  texts_.resize(layout.text_count);
  default_texts_.resize(layout.text_count);
  for (size_t i = 0; i < def.fields.size(); ++i) {
    const FieldLayout& field = layout.fields[i];
    if (field.text != kNoText) {
      defaults_.emplace_back();
      default_texts_[field.text] = default_text(def.fields[i]);
    } else {
      defaults_.push_back(default_lanes(def.fields[i]));
    }
  }
  if (with_baseline) baseline_texts_ = texts_;
  for (uint16_t i = 0; i < layout.fields.size(); ++i) {
    const bool has_key =
        layout.cell_kind != CellKind::kOne && layout.cell_kind != CellKind::kFollow;
    const FieldLayout& field = layout.fields[i];
    unsigned touch = kTouched;
    if (!field.server_only) touch |= kTouchedReplicated;
    if (has_key && layout.cell_field == i) touch |= kTouchedKey;
    const uint64_t bit = field.server_only ? 0 : uint64_t{1} << field.replicated_bit;
    plans_.push_back(
        {LaneCodec(def.fields[i]), field.lane_first, static_cast<uint8_t>(touch), bit});
  }
  field_count_ = static_cast<uint32_t>(plans_.size());
  plan_digest(def);
}

void Table::plan_digest(const TableDef& def) {
  for (const bool is_high : {false, true}) {
    entity_places_[is_high ? 1 : 0] = RowHasher::entity_place(def.id, is_high);
  }
  for (const uint16_t index : layout_.replicated) {
    const FieldLayout& field = layout_.fields[index];
    uint32_t position = 0;
    auto next = [&] { return RowHasher::place(def.id, def.fields[index].id, position++); };
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
      digest_words_.push_back({lane, false, next()});
      if (layout_.lanes[lane].width == 8) digest_words_.push_back({lane, true, next()});
    }
    if (field.text != kNoText) {
      digest_texts_.push_back({field.text, {next(), next(), next(), next()}});
    }
    ECSDB_CHECK(position <= RowHasher::kWordsPerFieldMax);
  }
}

size_t Table::find_kept(std::span<const EntityId> entities, std::span<RowIndex> out) const {
  return directory_.find_many(entities, out, [states = states_.data()](RowIndex row) {
    return (states[row] & kRemovedRow) == 0;
  });
}

size_t Table::find_in_cell(std::span<const uint32_t> entity_indices, CellIndex cell,
                           std::span<RowIndex> out) const {
  return directory_.find_many_indices(
      entity_indices, out,
      [cell, rows = rows_.data()](RowIndex row) { return rows[row].cell == cell; });
}

size_t Table::row_bytes() const {
  size_t bytes = sizeof(Row) + sizeof(uint8_t) + sizeof(Version) + sizeof(Digest);
  for (const Lane& lane : layout_.lanes) bytes += lane.width;
  bytes += (texts_.size() + baseline_texts_.size()) * sizeof(std::string);
  return bytes + records_.bytes_each() + marks_.bytes_each();
}

RowIndex Table::append(EntityId entity) {
  ECSDB_CHECK(find_index(entity.index()) == kNoRow);
  const RowIndex index = row_count();
  rows_.emplace_back().entity = entity;
  born_.emplace_back();
  digests_.emplace_back();
  states_.push_back(0);
  directory_.set(entity, index);
  for (size_t i = 0; i < layout_.fields.size(); ++i) {
    const FieldLayout& field = layout_.fields[i];
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      lanes_[field.lane_first + k].push(defaults_[i].lane[k]);
    }
  }
  for (size_t i = 0; i < texts_.size(); ++i) texts_[i].push_back(default_texts_[i]);
  records_.push();
  marks_.push();
  for (auto& column : baseline_texts_) column.emplace_back();
  return index;
}

void Table::swap_erase(RowIndex row) {
  const RowIndex last = row_count() - 1;
  directory_.erase(rows_[row].entity);
  if (row != last) {
    directory_.set(rows_[last].entity, row);
    rows_[row] = rows_[last];
    states_[row] = states_[last];
    born_[row] = born_[last];
    digests_[row] = digests_[last];
  }
  rows_.pop_back();
  states_.pop_back();
  born_.pop_back();
  digests_.pop_back();
  auto erase_text = [&](std::vector<std::string>& column) {
    if (row != last) column[row] = std::move(column[last]);
    column.pop_back();
  };
  for (Column& column : lanes_) column.swap_erase(row);
  records_.swap_erase(row);
  marks_.swap_erase(row);
  for (auto& column : texts_) erase_text(column);
  for (auto& column : baseline_texts_) erase_text(column);
}

LaneValues Table::field_lanes(RowIndex row, uint16_t field) const {
  const FieldLayout& at = layout_.fields[field];
  LaneValues out;
  for (uint16_t k = 0; k < at.lane_count; ++k) out.lane[k] = lanes_[at.lane_first + k].get(row);
  return out;
}

CanonicalValue Table::field_value(RowIndex row, uint16_t field) const {
  const FieldLayout& at = layout_.fields[field];
  CanonicalValue out;
  if (at.text != kNoText) {
    out.kind = CanonicalValue::kText;
    out.text = text(row, at.text);
  } else {
    out.kind = static_cast<uint8_t>(at.lane_count);
    out.lanes = field_lanes(row, field);
  }
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

uint64_t Table::copy_row(RowIndex row, const Table& other, RowIndex other_row) {
  uint64_t differs = 0;
  for (const uint16_t field : layout_.replicated) {
    if (field_equals(row, other, other_row, field)) continue;
    differs |= uint64_t{1} << layout_.fields[field].replicated_bit;
    const FieldLayout& at = layout_.fields[field];
    if (at.text != kNoText) {
      texts_[at.text][row] = other.texts_[at.text][other_row];
    } else {
      set_field_lanes(row, field, other.field_lanes(other_row, field));
    }
  }
  records_.copy(row, other.records_, other_row);
  return differs;
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
    if (has_history() && !ECSDB_MUTANT(entry_keeps_history)) records_.enter(row);
  }
  repeatable_.resize(changes.known().size());
  records_.for_each_group(
      changes.known(), [&](size_t begin, size_t end) { adopt_fields(changes, ages, begin, end); });
}

struct Table::AdoptedLane {
  uint16_t lane;
  uint8_t bit;                            // of its field
  std::span<const uint32_t> interrupted;  // empty, or of each row whether the lane was coded
                                          // without a prediction
};

/// Of the known rows in [begin, end).
void Table::adopt_fields(const ChangeSet& changes, std::span<const uint32_t> ages, size_t begin,
                         size_t end) {
  const std::span<const RowIndex> rows = changes.known();
  const std::span<const uint64_t> masks = changes.masks();
  for (size_t i = begin; i < end && has_history(); ++i) {
    repeatable_[i] = records_.advance(rows[i], masks[i], ages[i]);
  }
  for (const uint16_t index : layout_.replicated) {
    const FieldLayout& field = layout_.fields[index];
    if ((touched_fields_ >> field.replicated_bit & 1) == 0) continue;
    std::span<const uint32_t> interrupted;
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
      const AdoptedLane adopted{lane, field.replicated_bit, interrupted};
      if (records_.place(lane).is_wide) {
        adopt_lane<uint64_t>(changes, adopted, begin, end);
      } else {
        adopt_lane<uint32_t>(changes, adopted, begin, end);
      }
      if (field.is_smallest_three && k == 0) interrupted = changes.deltas<uint32_t>(lane);
    }
    for (size_t i = begin; i < end && field.text != kNoText; ++i) {
      if ((masks[i] >> field.replicated_bit & 1) == 0) continue;
      baseline_texts_[field.text][rows[i]] = texts_[field.text][rows[i]];
    }
  }
}

template <class S>
void Table::adopt_lane(const ChangeSet& changes, const AdoptedLane& adopted, size_t begin,
                       size_t end) {
  const uint16_t lane = adopted.lane;
  const uint8_t bit = adopted.bit;
  const std::span<const uint32_t> interrupted = adopted.interrupted;
  const std::span<const RowIndex> rows = changes.known();
  const std::span<const uint64_t> masks = changes.masks();
  const std::span<const S> deltas = changes.deltas<S>(lane);
  const RowRecords::LanePlace place = records_.place(lane);
  const auto records = records_.base();
  const bool is_predicted = records_.has_history() && layout_.lanes[lane].is_predicted;
  lanes_[lane].visit([&](const auto* values) __attribute__((always_inline)) {
    for (size_t i = begin; i < end; ++i) {
      if ((masks[i] >> bit & 1) == 0) continue;
      uint8_t* record = records.at(rows[i]);
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
  layout_.for_each_predicted([&](uint16_t lane, uint64_t field_bit) {
    const LaneState state = records_.state(row, lane);
    hash.add(state.magnitude);
    if (state.magnitude == kMagnitudeNone) return;
    hash.add(static_cast<uint64_t>(state.trend + kTrendMax));
    hash.add((repeatable & field_bit) != 0 ? records_.delta(row, lane) : 0);
  });
  return hash.value();
}

void Table::unlink(RowLog& log, RowIndex row) {
  log.unlink(rows_, row, digests_[row]);
  digests_[row] = Digest{};
}

Digest Table::digest(RowLog& log) {
  Digest change;
  std::array<RowIndex, RowHashBatch::kRows> batch;
  RowLog::Range rows = log.undigested(rows_);
  while (const size_t count = rows.take(batch)) {
    change += rehash(std::span(batch).first(count));
  }
  log.set_digested(change);
  return log.digest();
}

/// Computes the rows' digests anew; returns by how much their sum changes.
Digest Table::rehash(std::span<const RowIndex> rows) {
  for (const RowIndex row : rows) __builtin_prefetch(&digests_[row], 1);
  RowHashBatch hashes(rows.size());
  hash_rows(rows, hashes);
  Digest change = hashes.total();
  for (size_t i = 0; i < rows.size(); ++i) {
    Digest& digest = digests_[rows[i]];
    change -= digest;
    digest = hashes.hash(i);
  }
  return change;
}

/// Place by place instead of row by row: the loads of many rows are on their way at a time.
void Table::hash_rows(std::span<const RowIndex> rows, RowHashBatch& hashes) const {
  Words words;
  Words high;
  for (size_t i = 0; i < rows.size(); ++i) {
    const EntityId entity = rows_[rows[i]].entity;
    words[i] = entity.tag();
    high[i] = entity.index();
  }
  hashes.add(entity_places_[0], words);
  hashes.add(entity_places_[1], high);
  for (const DigestWord& word : digest_words_) {
    lanes_[word.lane].visit(
        [&](const auto* values) { gather(values, rows, word.is_high ? 32 : 0, words); });
    hashes.add(word.place, words);
  }
  for (const DigestText& text : digest_texts_) {
    std::array<Words, 4> by_position;
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto of_text = RowHasher::text_words(as_bytes(texts_[text.text][rows[i]]));
      for (size_t k = 0; k < of_text.size(); ++k) by_position[k][i] = of_text[k];
    }
    for (size_t k = 0; k < by_position.size(); ++k) hashes.add(text.places[k], by_position[k]);
  }
  hashes.finish();
}

Digest Table::row_digest(RowIndex row) const {
  RowHasher hasher;
  const uint64_t entity = rows_[row].entity.value;
  hasher.add(entity_places_[0], static_cast<uint32_t>(entity));
  hasher.add(entity_places_[1], static_cast<uint32_t>(entity >> 32));
  for (const DigestWord& word : digest_words_) {
    const uint64_t value = lanes_[word.lane].get(row);
    hasher.add(word.place, static_cast<uint32_t>(word.is_high ? value >> 32 : value));
  }
  for (const DigestText& text : digest_texts_) {
    const auto words = RowHasher::text_words(as_bytes(texts_[text.text][row]));
    for (size_t i = 0; i < words.size(); ++i) hasher.add(text.places[i], words[i]);
  }
  return hasher.finish();
}

void Table::check_invariants(const RowLog& log, CellIndex cell, bool check_digests) const {
  log.check_invariants(rows_, cell, [this](RowIndex row) { return digests_[row]; });
  if (!check_digests) return;
  for (const RowIndex row : log.all(rows_)) {
    ECSDB_CHECK(log.is_undigested(rows_[row]) || digests_[row] == row_digest(row));
    if (records_.has_baseline()) check_untouched(row);
  }
}

void Table::check_untouched(RowIndex row) const {
  if (rows_[row].published_cell == kNoCell) return;
  for (const uint16_t index : layout_.replicated) {
    const FieldLayout& field = layout_.fields[index];
    if ((touched_fields_ >> field.replicated_bit & 1) != 0) continue;
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
      ECSDB_CHECK(lanes_[lane].get(row) == baseline_lane(row, lane));
    }
    if (field.text == kNoText) continue;
    ECSDB_CHECK(texts_[field.text][row] == baseline_texts_[field.text][row]);
  }
}

}  // namespace ecsdb
