// What a client sees: tables of its subscriptions at one cut.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "ecsdb/store/cells.h"
#include "ecsdb/store/table_set.h"

namespace ecsdb {

/// A cell that the client holds.
struct HeldCell {
  bool held = false;
  uint32_t generation = 0;
  uint16_t table = 0;
  CellKey key;
  Version changed;  // the cell's last published change that is in here: the next block's base
  CellHistory history;
  RowLog log;
};

/// A replica's state for reading: by value, by column, by join. It changes only inside
/// Client::poll(), by whole cuts. The same object for the client's life; empty (no tables) until
/// the first schema came. Not thread-safe.
class ClientDb : public TableSet {
 public:
  explicit ClientDb(Schema schema = Schema()) : TableSet(std::move(schema), false) {}

  /// The version this state is an image of, restricted to the held cells. 0: nothing synced yet.
  Version cut() const { return cut_; }
  /// When the cut was committed, on the server's steady clock.
  uint64_t commit_time_ns() const { return commit_time_ns_; }
  /// Cells by handle; skip those that are not held.
  std::span<const HeldCell> cells() const { return cells_; }
  /// Digest of a held cell; costs the rows changed since the last call.
  Digest digest(size_t handle) { return tables_[cells_[handle].table].digest(cells_[handle].log); }

 protected:
  Version cut_;
  uint64_t commit_time_ns_ = 0;
  std::vector<HeldCell> cells_;  // by handle
};

}  // namespace ecsdb
