// Storing what a block says in the rows of a table that follows a server: values and history.
// Threads, callbacks and rows that come and go are the caller's.
#pragma once

#include <vector>

#include "ecsdb/wire/block.h"

namespace ecsdb {

/// Keeps its memory from block to block. Not thread-safe.
class BlockApplier {
 public:
  /// The changed rows of a relative block. Afterwards differs() tells of each which fields have
  /// other values now. finish() must follow for the cell.
  void apply_changed(const DecodedBlock& block, Table& table, CellHistory& history);
  const std::vector<uint64_t>& differs() const { return differs_; }

  /// The block's whole row number `at`; returns the fields that have other values now. In the
  /// relative form the row has just entered its cell.
  static uint64_t apply_whole(const DecodedBlock& block, size_t at, Table& table, RowIndex row);

  /// After that for all blocks, once for each: the cell's history is that after the publish, whose
  /// number is `publish`.
  void finish(const DecodedBlock& block, bool has_history, uint32_t publish, CellHistory& history);

 private:
  template <class S>
  void apply_lane(const LaneChanges& changes, const DecodedBlock& block, Table& table,
                  uint16_t lane, uint8_t bit, size_t interrupted);

  std::vector<uint64_t> differs_;
  std::vector<uint64_t> repeatable_;
  std::vector<RecentRow> added_;
  std::vector<uint32_t> removed_;
};

}  // namespace ecsdb
