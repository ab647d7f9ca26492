#include "ecsdb/store/row_log.h"

#include <algorithm>

namespace ecsdb {

void RowLog::link(std::span<Row> rows, RowIndex row, CellIndex cell) {
  ECSDB_CHECK(rows[row].cell == kNoCell && (cell_ == cell || count_ == 0));
  cell_ = cell;
  append(rows, row);  // may compact, so the row must not look like one of this log yet
  rows[row].cell = cell;
  ++count_;
}

void RowLog::unlink(std::span<Row> rows, RowIndex row, const Digest& part) {
  ECSDB_CHECK(rows[row].cell == cell_ && count_ > 0);
  rows[row].cell = kNoCell;
  --count_;
  digest_ -= part;
}

void RowLog::start_version(Version version) {
  if (!marks_.empty()) {
    Mark& newest = marks_.back();
    ECSDB_CHECK(newest.version <= version);
    if (newest.version == version) return;
    if (newest.place == end()) {
      newest.version = version;
      return;
    }
  }
  marks_.push_back({version, end()});
  settled_ = end();
}

RowLog::Range RowLog::after(std::span<const Row> rows, Version version) const {
  const auto mark = std::partition_point(
      marks_.begin(), marks_.end(), [version](const Mark& at) { return at.version <= version; });
  return Range(*this, rows, mark == marks_.end() ? end() : mark->place);
}

size_t RowLog::Range::take(std::span<RowIndex> out) {
  // In registers: a store through `out` could change the members for all the compiler knows.
  const std::span<const RowIndex> entries = entries_;
  const std::span<const Row> rows = rows_;
  const CellIndex cell = cell_;
  const uint32_t place = place_;
  size_t count = 0;
  size_t at = 0;
  for (; at < entries.size() && count < out.size(); ++at) {
    prefetch_ahead(entries.subspan(at), rows);
    const RowIndex row = entries[at];
    if (row >= rows.size() || !rows[row].is_at(place + static_cast<uint32_t>(at), cell)) continue;
    out[count++] = row;
  }
  entries_ = entries.subspan(at);
  place_ = place + static_cast<uint32_t>(at);
  return count;
}

void RowLog::set_digested(const Digest& change) {
  digest_ += change;
  digested_ = settled_ = end();
}

void RowLog::make_room(std::span<Row> rows) {
  if (entries_.size() < kEntriesMin || size_t{count_} * kStaleFactor > entries_.size()) {
    entries_.set_capacity(std::max(kEntriesMin, 2 * entries_.size()));
    return;
  }
  compact(rows);
  if (entries_.capacity() > kMemoryFactor * (size_t{count_} + kEntriesMin)) {
    entries_.set_capacity(kStaleFactor * (size_t{count_} + kEntriesMin));
    marks_.shrink_to_fit();
  }
}

/// Closes the holes that stale entries are, in place.
void RowLog::compact(std::span<Row> rows) {
  const uint32_t old_end = end();
  const uint32_t old_digested = digested_;
  uint32_t kept = 0;
  size_t kept_marks = 0;
  auto mark = marks_.begin();
  for (uint32_t place = 0;; ++place) {
    if (place == old_digested) digested_ = kept;
    if (mark != marks_.end() && mark->place == place) {
      // A version of which no row is left needs no mark.
      if (kept_marks > 0 && marks_[kept_marks - 1].place == kept) --kept_marks;
      marks_[kept_marks++] = Mark{mark->version, kept};
      ++mark;
    }
    if (place == old_end) break;
    prefetch_ahead(entries_.all().subspan(place), rows);
    if (!is_live(rows, place)) continue;
    const RowIndex row = entries_[place];
    rows[row].log_place = kept;
    entries_[kept++] = row;
  }
  ECSDB_CHECK(kept == count_ && mark == marks_.end());
  entries_.cut(kept);
  marks_.resize(kept_marks);
  settled_ = std::max(digested_, marks_.empty() ? 0 : marks_.back().place);
}

void RowLog::check_order(std::span<const Row> rows) const {
  ECSDB_CHECK(digested_ <= settled_ && settled_ <= end());
  ECSDB_CHECK(settled_ == std::max(digested_, marks_.empty() ? 0 : marks_.back().place));
  for (size_t i = 1; i < marks_.size(); ++i) {
    ECSDB_CHECK(marks_[i - 1].version < marks_[i].version);
    ECSDB_CHECK(marks_[i - 1].place < marks_[i].place);
  }
  uint32_t live = 0;
  size_t next = 0;  // mark
  for (uint32_t place = 0; place < end(); ++place) {
    if (next < marks_.size() && marks_[next].place == place) ++next;
    if (!is_live(rows, place)) continue;
    ++live;
    ECSDB_CHECK(marks_.empty() || next > 0);
    ECSDB_CHECK(marks_.empty() || rows[entries_[place]].changed == marks_[next - 1].version);
  }
  ECSDB_CHECK(live == count_);
}

}  // namespace ecsdb
