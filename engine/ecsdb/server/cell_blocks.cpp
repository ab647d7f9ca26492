#include "ecsdb/server/cell_blocks.h"

#include <algorithm>

#include "ecsdb/base/mutant.h"
#include "ecsdb/wire/block_lanes.h"

namespace ecsdb {
namespace {

uint32_t index_of(const Table& table, RowIndex row) { return table.row(row).entity.index(); }
uint32_t index_of(const Table&, const Tombstone& gone) { return gone.entity.index(); }

}  // namespace

void CellBlocks::begin_publish() { cache_.clear(); }

/// Rows of the cell that changed or entered after `after`, in order of entity.
void CellBlocks::collect_rows(const Database& db, CellRef ref, Version after) {
  const Table& table = db.table(ref.table);
  order_.clear();
  for (const RowIndex at : table.rows_after(db.cell(ref).log, after)) {
    order_.add(table.row(at).entity.index(), at);
  }
  order_.sort();
  rows_.clear();
  for (const RowOrder::Entry entry : order_.entries()) rows_.push_back(entry.row());
}

BlockSource CellBlocks::source_of(const Database& db, CellRef ref, BlockForm form) const {
  const Cell& cell = db.cell(ref);
  BlockSource source;
  source.def = &db.schema().table(ref.table);
  source.table = &db.table(ref.table);
  source.tier = source.def->codec;
  source.form = form;
  source.history = &cell.history;
  source.version = cell.published;
  source.rows = rows_;
  source.gone = gone_;
  return source;
}

const BlockParts& CellBlocks::relative(const Database& db, CellRef ref, const ChangeSet& changes) {
  rows_.clear();
  gone_.clear();
  BlockSource source = source_of(db, ref, BlockForm::kRelative);
  source.changes = &changes;
  source.since = db.published();
  relative_.clear();
  encode_parts(source, source.version, relative_);
  return relative_;
}

const BlockParts& CellBlocks::net(const Database& db, CellRef ref, Version cut) {
  const Key key{ref, BlockForm::kNet, cut};
  if (const auto found = cache_.find(key); found != cache_.end()) return found->second;
  const Cell& cell = db.cell(ref);
  ECSDB_CHECK(db.head() == db.published() && cut <= cell.published);
  ECSDB_CHECK(cell.horizon <= cut || ECSDB_MUTANT(stale_resume));
  const Version after = ECSDB_MUTANT(resume_off_by_one) ? cut.next() : cut;
  collect_rows(db, ref, after);
  db.collect_gone(ref, after, false, gone_);
  if (ECSDB_MUTANT(net_without_removals)) gone_.clear();
  BlockSource source = source_of(db, ref, BlockForm::kNet);
  source.since = cut;
  BlockParts& parts = cache_[key];
  encode_parts(source, cut, parts);
  return parts;
}

const BlockParts& CellBlocks::whole(const Database& db, CellRef ref, Version since) {
  const Key key{ref, BlockForm::kRows, since};
  if (const auto found = cache_.find(key); found != cache_.end()) return found->second;
  ECSDB_CHECK(db.head() == db.published());
  collect_rows(db, ref, Version{0});
  gone_.clear();
  BlockSource source = source_of(db, ref, BlockForm::kRows);
  source.since = since;
  BlockParts& parts = cache_[key];
  encode_parts(source, Version{0}, parts);
  return parts;
}

BlockParts CellBlocks::rows(const Database& db, CellRef ref, std::span<const RowIndex> rows) {
  rows_.assign(rows.begin(), rows.end());
  gone_.clear();
  BlockSource source = source_of(db, ref, BlockForm::kRows);
  source.since = db.head();
  BlockParts parts;
  encode_parts(source, Version{0}, parts);
  return parts;
}

/// Splits a source at the middle of its entity indices, so that those of one index stay together: a
/// row that takes a removed one's index is decoded with its removal. False if there is but one.
bool CellBlocks::halve(const BlockSource& source, BlockSource& first, BlockSource& second) {
  const Table& table = *source.table;
  indices_.clear();
  auto add_rows = [&](std::span<const RowIndex> rows) {
    for (const RowIndex row : rows) indices_.push_back(table.row(row).entity.index());
  };
  add_rows(source.rows);
  for (const Tombstone& gone : source.gone) indices_.push_back(gone.entity.index());
  if (source.changes != nullptr) {
    add_rows(source.changes->known());
    add_rows(source.changes->entered());
    for (const Tombstone& gone : source.changes->gone()) {
      indices_.push_back(gone.entity.index());
    }
  }
  std::erase_if(indices_, [&](uint32_t index) { return !source.range.contains(index); });
  if (indices_.empty()) return false;
  std::sort(indices_.begin(), indices_.end());
  auto middle = indices_.begin() + static_cast<ptrdiff_t>(indices_.size() / 2);
  // A net block may name one index more often than all others together.
  if (*middle == indices_.front()) {
    middle = std::upper_bound(middle, indices_.end(), *middle);
    if (middle == indices_.end()) return false;
  }
  const uint32_t from = *middle;  // of the second
  first = second = source;
  if (source.form == BlockForm::kRelative) {
    first.range.end = second.range.begin = from;
    return true;
  }
  auto is_before = [&](const auto& at) { return index_of(table, at) < from; };
  const auto rows = std::partition_point(source.rows.begin(), source.rows.end(), is_before);
  const auto gone = std::partition_point(source.gone.begin(), source.gone.end(), is_before);
  first.rows = {source.rows.begin(), rows};
  second.rows = {rows, source.rows.end()};
  first.gone = {source.gone.begin(), gone};
  second.gone = {gone, source.gone.end()};
  return true;
}

/// Texts and the plain tier's whole rows are what zstd finds something in. Small blocks are not
/// worth the time.
bool CellBlocks::may_compress(const BlockSource& source, size_t bytes) const {
  constexpr size_t kBytesMin = 512;
  if (!compresses_ || bytes < kBytesMin) return false;
  const bool is_whole = source.form != BlockForm::kRelative;
  return source.table->layout().text_count > 0 || (is_whole && source.tier == CodecTier::kPlain);
}

/// Adds one block, or several where it would be too large.
void CellBlocks::encode_parts(const BlockSource& source, Version base, BlockParts& parts) {
  pending_.assign(1, source);
  while (!pending_.empty()) {
    const BlockSource part = pending_.back();
    pending_.pop_back();
    buffer_.clear();
    const bool has_many_rows = whole_row_count(part) > whole_rows_max(part.table->layout());
    if (!has_many_rows) encoder_.encode(part, buffer_);
    BlockSource first;
    BlockSource second;
    const bool is_large = has_many_rows || buffer_.size() > block_bytes_max_;
    if (is_large && halve(part, first, second)) {
      pending_.push_back(second);
      pending_.push_back(first);
      continue;
    }
    ++blocks_encoded_;
    block_bytes_ += buffer_.size();
    BlockPart& made = parts.emplace_back();
    made.raw = pool_.make(buffer_, base);
    if (!may_compress(part, buffer_.size())) continue;
    compressed_.clear();
    if (encoder_.compress(part, buffer_, compressed_)) {
      made.compressed = pool_.make(compressed_, base);
    }
  }
}

}  // namespace ecsdb
