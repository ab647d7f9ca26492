// Storing what a block says in the rows of a table that follows a server: values and history.
// Threads, callbacks and rows that come and go are the caller's.
#pragma once

#include <vector>

#include "ecsdb/wire/block.h"

namespace ecsdb {

/// Keeps its memory from block to block. Not thread-safe.
class BlockApplier {
 public:
  /// The changed rows of a relative block. `publish` is the number of the cell's publish that the
  /// block is of. Afterwards differs() tells of each changed row which fields have other values
  /// now.
  void apply_changed(const DecodedBlock& block, Table& table, CellHistory& history,
                     uint32_t publish);
  const std::vector<uint64_t>& differs() const { return differs_; }

  /// The block's whole row number `at`; returns the fields that have other values now. In the
  /// relative form the row has just entered its cell with `publish`; else publish is the block's
  /// own.
  static uint64_t apply_whole(const DecodedBlock& block, size_t at, Table& table, RowIndex row,
                              uint32_t publish);
  /// After the whole rows: the cell's list of recent rows.
  void note_whole(const DecodedBlock& block, const Table& table, CellHistory& history);

 private:
  template <class S>
  void apply_lane(const LaneChanges& changes, const DecodedBlock& block, Table& table,
                  uint16_t lane, uint8_t bit, size_t interrupted);

  std::vector<uint64_t> differs_;
  std::vector<uint64_t> repeatable_;
  std::vector<uint32_t> newly_recent_;
};

}  // namespace ecsdb
