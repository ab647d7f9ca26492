#include "ecsdb/server/cell_blocks.h"

#include <algorithm>

#include "ecsdb/base/hash.h"
#include "ecsdb/base/mutant.h"

namespace ecsdb {

void CellBlocks::begin_publish() { cache_.clear(); }

/// Rows of the cell that changed or entered after `after`, in order of entity.
void CellBlocks::collect_rows(const Database& db, CellRef ref, Version after) {
  const Table& table = db.table(ref.table);
  order_.clear();
  for (const RowIndex at : table.rows_after(db.cell(ref).log, after)) {
    order_.push_back((uint64_t{table.row(at).entity.index()} << 32) | at);
  }
  std::sort(order_.begin(), order_.end());
  rows_.clear();
  for (const uint64_t entry : order_) rows_.push_back(static_cast<RowIndex>(entry));
}

/// Entities that went from the cell after `after` and are not there now; of several tombstones of
/// one entity the last. An entity that has no row anywhere by now was removed, even if its row left
/// the cell first.
void CellBlocks::collect_gone(const Database& db, CellRef ref, Version after, bool shown_only) {
  const Table& table = db.table(ref.table);
  const std::vector<Tombstone>& all = db.cell(ref).tombstones;
  gone_.clear();
  if (ECSDB_MUTANT(drop_removal)) return;
  for (auto at = all.rbegin(); at != all.rend() && at->version > after; ++at) {
    const RowIndex row = table.find(at->entity);
    const bool is_here = row != kNoRow && table.row(row).cell == ref.cell;
    if (is_here || (shown_only && !at->shown)) continue;
    gone_.push_back(*at);
    gone_.back().left = row != kNoRow;
  }
  // Newest first among equals, so that unique() keeps the last one.
  std::stable_sort(gone_.begin(), gone_.end(),
                   [](const Tombstone& a, const Tombstone& b) { return a.entity < b.entity; });
  gone_.erase(
      std::unique(gone_.begin(), gone_.end(),
                  [](const Tombstone& a, const Tombstone& b) { return a.entity == b.entity; }),
      gone_.end());
}

const BlockParts& CellBlocks::relative(const Database& db, CellRef ref) {
  const Cell& cell = db.cell(ref);
  const Key key{ref, BlockForm::kRelative, cell.published};
  if (const auto found = cache_.find(key); found != cache_.end()) return found->second;
  collect_rows(db, ref, db.published());
  collect_gone(db, ref, db.published(), true);
  const BlockHeader header{CodecTier::kPlain, BlockForm::kRelative, cell.published, db.head()};
  return cache_[key] = encode_parts(db, ref, header, db.published());
}

const BlockParts& CellBlocks::net(const Database& db, CellRef ref, Version cut) {
  const Key key{ref, BlockForm::kNet, cut};
  if (const auto found = cache_.find(key); found != cache_.end()) return found->second;
  const Cell& cell = db.cell(ref);
  ECSDB_CHECK(db.head() == db.published() && cell.horizon <= cut && cut <= cell.published);
  collect_rows(db, ref, cut);
  collect_gone(db, ref, cut, false);
  const BlockHeader header{CodecTier::kPlain, BlockForm::kNet, cut, cell.published};
  return cache_[key] = encode_parts(db, ref, header, cut);
}

const BlockParts& CellBlocks::whole(const Database& db, CellRef ref, Version since) {
  const Key key{ref, BlockForm::kRows, since};
  if (const auto found = cache_.find(key); found != cache_.end()) return found->second;
  const Cell& cell = db.cell(ref);
  ECSDB_CHECK(db.head() == db.published());
  collect_rows(db, ref, Version{0});
  gone_.clear();
  const BlockHeader header{CodecTier::kPlain, BlockForm::kRows, cell.published, cell.published};
  return cache_[key] = encode_parts(db, ref, header, since);
}

BlockParts CellBlocks::rows(const Database& db, CellRef ref, std::span<const RowIndex> rows) {
  const Version published = db.cell(ref).published;
  rows_.assign(rows.begin(), rows.end());
  gone_.clear();
  return encode_parts(db, ref, {CodecTier::kPlain, BlockForm::kRows, published, published},
                      db.head());
}

BlockParts CellBlocks::encode_parts(const Database& db, CellRef ref, BlockHeader header,
                                    Version since) {
  BlockSource source;
  source.def = &db.schema().table(ref.table);
  source.table = &db.table(ref.table);
  source.header = header;
  source.rows = rows_;
  source.gone = gone_;
  source.since = since;
  return encode_split(source);
}

/// Takes up to `count` rows and removals off the front of `rest`, in order of entity index. Those
/// of one index stay together: a row that takes a removed one's index is decoded with its removal.
BlockSource CellBlocks::take_run(BlockSource& rest, size_t count) {
  const Table& table = *rest.table;
  auto gone_index = [&](size_t i) { return rest.gone[i].entity.index(); };
  auto row_index = [&](size_t i) { return table.row(rest.rows[i]).entity.index(); };
  size_t gone = 0;
  size_t rows = 0;
  uint32_t last = 0;
  while (gone < rest.gone.size() || rows < rest.rows.size()) {
    const bool is_gone = gone < rest.gone.size() &&
                         (rows == rest.rows.size() || gone_index(gone) <= row_index(rows));
    const uint32_t index = is_gone ? gone_index(gone) : row_index(rows);
    if (gone + rows >= count && index != last) break;
    last = index;
    ++(is_gone ? gone : rows);
  }
  BlockSource run = rest;
  run.gone = rest.gone.first(gone);
  run.rows = rest.rows.first(rows);
  rest.gone = rest.gone.subspan(gone);
  rest.rows = rest.rows.subspan(rows);
  return run;
}

/// Cuts the rows and removals into runs, halving a run whose block comes out too large.
BlockParts CellBlocks::encode_split(const BlockSource& source) {
  BlockParts parts;
  BlockSource rest = source;
  size_t step = std::max<size_t>(rest.gone.size() + rest.rows.size(), 1);
  do {
    const BlockSource before = rest;
    const BlockSource run = take_run(rest, step);
    buffer_.clear();
    encode_block(run, buffer_);
    if (buffer_.size() > kBlockBytesMax && step > 1) {
      step = std::max<size_t>(std::min(step, run.gone.size() + run.rows.size()) / 2, 1);
      rest = before;
      continue;
    }
    ++blocks_encoded_;
    block_bytes_ += buffer_.size();
    parts.emplace_back(buffer_, crc32c(buffer_));
  } while (!rest.gone.empty() || !rest.rows.empty());
  return parts;
}

}  // namespace ecsdb
