#include "ecsdb/store/table.h"

#include "ecsdb/base/bytes.h"

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
    : layout_(layout), with_baseline_(with_baseline) {
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
  if (with_baseline) {
    baseline_ = lanes_;
    baseline_texts_ = texts_;
  }
  for (uint16_t i = 0; i < layout.fields.size(); ++i) {
    const bool has_key =
        layout.cell_kind != CellKind::kOne && layout.cell_kind != CellKind::kFollow;
    unsigned touch = kTouched;
    if (!layout.fields[i].server_only) touch |= kTouchedReplicated;
    if (has_key && layout.cell_field == i) touch |= kTouchedKey;
    plans_.push_back(
        {LaneCodec(def.fields[i]), layout.fields[i].lane_first, static_cast<uint8_t>(touch)});
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
  for (Column& column : baseline_) column.push(0);
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
  for (Column& column : baseline_) column.swap_erase(row);
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

void Table::adopt_baseline(std::span<const RowIndex> rows) {
  ECSDB_CHECK(with_baseline_);
  for (const uint16_t index : layout_.replicated) {
    const FieldLayout& field = layout_.fields[index];
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      const size_t lane = field.lane_first + size_t{k};
      baseline_[lane].copy(lanes_[lane], rows);
    }
    if (field.text == kNoText) continue;
    for (const RowIndex row : rows) baseline_texts_[field.text][row] = texts_[field.text][row];
  }
  for (const RowIndex row : rows) {
    Row& at = rows_[row];
    if (at.published_cell != at.cell) at.published_cell = at.cell;  // most lines stay clean
  }
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
  }
}

}  // namespace ecsdb
