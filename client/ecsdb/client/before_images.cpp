#include "ecsdb/client/before_images.h"

#include <algorithm>
#include <utility>

namespace ecsdb {
namespace {

/// What texts take that do not fit into the string itself.
size_t text_bytes(const Table& table, RowIndex row) {
  size_t bytes = 0;
  for (uint16_t text = 0; text < table.layout().text_count; ++text) {
    const std::string& value = table.text(row, text);
    if (value.size() > std::string().capacity()) bytes += value.size() + 1;
  }
  return bytes;
}

}  // namespace

void BeforeImage::add_cell(uint32_t handle, const HeldCell& cell) {
  ECSDB_CHECK(!has_cell(handle) && handle < cell_count);
  if (handle >= is_cell_kept.size()) is_cell_kept.resize(cell_count);
  is_cell_kept[handle] = true;
  HeldCell& kept = cells.emplace_back().cell;
  cells.back().handle = handle;
  kept.held = cell.held;
  kept.generation = cell.generation;
  kept.table = cell.table;
  kept.key = cell.key;
  kept.changed = cell.changed;
  kept.history = cell.history;
  bytes += sizeof(KeptCell) + cell.history.recent().size_bytes();
}

void BeforeImage::add_row(uint16_t table, const Table& from, EntityId entity) {
  Table& kept = tables[table];
  const size_t directory_bytes = kept.directory_bytes();
  const RowIndex at = from.find_index(entity.index());
  const RowIndex row = kept.append(at == kNoRow ? entity : from.row(at).entity);
  if (at != kNoRow) {
    kept.copy_row(row, from, at);
    kept.row(row).cell = from.row(at).cell;
    kept.row(row).changed = from.row(at).changed;
  }
  bytes += kept.row_bytes() + text_bytes(kept, row) + kept.directory_bytes() - directory_bytes;
}

void BeforeImage::add_older(const BeforeImage& later) {
  for (uint16_t t = 0; t < tables.size(); ++t) {
    for (const Row& row : later.tables[t].rows()) {
      if (!has_row(t, row.entity)) add_row(t, later.tables[t], row.entity);
    }
  }
  for (const KeptCell& kept : later.cells) {
    const bool is_known = kept.handle < cell_count;
    if (is_known && !has_cell(kept.handle)) add_cell(kept.handle, kept.cell);
  }
}

void BeforeImages::on_durable(Version durable, Version cut) {
  durable_ = std::max(durable_, durable);
  is_keeping_ = durable != Version{};
  if (durable_ >= advance_to_) has_given_up_ = false;
  if (!is_keeping_ || durable_ >= cut) {
    images_.clear();
  } else if (images_.size() > 1 && images_[1].cut <= durable_) {
    images_.erase(images_.begin());
  }
}

void BeforeImages::clear() {
  images_.clear();
  has_given_up_ = false;
}

void BeforeImages::begin_kept_advance(Version to, const ClientDb& db) {
  advance_to_ = to;
  if (!images_.empty() && images_.back().cut > durable_) return;
  BeforeImage& image = images_.emplace_back();
  image.cut = db.cut();
  image.commit_time_ns = db.commit_time_ns();
  image.cell_count = db.cells().size();
  for (size_t t = 0; t < db.table_count(); ++t) {
    image.tables.emplace_back(db.schema().table(t), db.schema().layout(t), false);
  }
  ECSDB_CHECK(images_.size() <= 2);
}

void BeforeImages::keep_row(uint16_t table, const Table& from, EntityId entity) {
  if (images_.empty() || images_.back().has_row(table, entity)) return;
  images_.back().add_row(table, from, entity);
  give_up_beyond_max();
}

void BeforeImages::keep_cell(uint32_t handle, std::span<const HeldCell> cells) {
  if (images_.empty() || images_.back().has_cell(handle)) return;
  if (handle >= images_.back().cell_count) return;
  images_.back().add_cell(handle, cells[handle]);
  give_up_beyond_max();
}

void BeforeImages::give_up_beyond_max() {
  if (bytes() <= bytes_max_) return;
  images_.clear();
  has_given_up_ = true;
}

size_t BeforeImages::bytes() const {
  size_t sum = 0;
  for (const BeforeImage& image : images_) sum += image.bytes;
  return sum;
}

std::optional<BeforeImage> BeforeImages::take(Version fork) {
  if (!has(fork)) return std::nullopt;
  size_t at = images_.size() - 1;
  while (images_[at].cut > fork) --at;
  BeforeImage image = std::move(images_[at]);
  for (size_t later = at + 1; later < images_.size(); ++later) image.add_older(images_[later]);
  images_.resize(at);
  return image;
}

}  // namespace ecsdb
