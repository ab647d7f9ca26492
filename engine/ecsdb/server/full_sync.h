// A sync in chunks: a fuzzy scan of cells that a client does not hold yet, in entity order.
#pragma once

#include <span>
#include <vector>

#include "ecsdb/server/advance_writer.h"
#include "ecsdb/server/cell_blocks.h"
#include "ecsdb/server/interest.h"

namespace ecsdb {

/// Sends rows group by group; what changed meanwhile is left to the net delta from start() that
/// ends the sync. A group is cells of one table, the nearest first; within it rows come in order of
/// entity. Rows that move in memory are neither missed nor sent twice, because the cursor is an
/// entity index.
class FullSync {
 public:
  /// Begins with the pending cells of `interest`, which become staged: their enters, which are to
  /// be sent first. `version` is the published version that the ending net delta starts from.
  std::vector<CellEnter> start(const Database& db, Interest& interest, Version version);
  /// Goes on with the sync of an earlier connection, whose cells are imported: `cells` in the order
  /// of their enters; rows below `next_index` of those that are begun have been sent.
  void go_on(const Database& db, Version version, std::span<const ResumeCell> cells,
             uint32_t next_index);
  void stop();

  bool active() const { return active_; }
  Version version() const { return version_; }
  bool scan_done() const { return group_ == groups_.size(); }
  /// Rows of the cells it began with, and about how many bytes they take.
  uint64_t rows() const { return rows_total_; }
  uint64_t bytes() const { return bytes_total_; }

  /// The next rows, about `bytes` of them; there may be none when the scan ends. Not when
  /// scan_done().
  AdvancePlan next_chunk(const Database& db, const Interest& interest, CellBlocks& blocks,
                         uint32_t features, size_t bytes);
  /// How far the scan is. What was given up meanwhile is in it: the client learns of that at the
  /// end only, and may want the cell again when it comes back.
  SyncMark mark() const;

 private:
  static constexpr size_t kSmallGroupRows = 4096;
  static constexpr size_t kNoGroup = ~size_t{0};
  struct Group {
    uint16_t table = 0;
    std::vector<uint32_t> handles;
  };
  struct Found {
    uint32_t handle;
    RowIndex row;
  };
  static bool is_sent(const Interest::Held& held);
  void find_handles(const Database& db, const Interest& interest, const Group& group);
  bool collect_small_group(const Database& db, const Interest& interest, const Group& group);
  bool scan(const Database& db, const Interest& interest, const Group& group, size_t bytes);
  void add_found(const Database& db, const Interest& interest, CellBlocks& blocks,
                 uint32_t features, AdvancePlan& plan);

  bool active_ = false;
  Version version_;
  uint64_t rows_total_ = 0;
  uint64_t bytes_total_ = 0;
  std::vector<Group> groups_;
  size_t group_ = 0;  // that is being scanned
  uint32_t cells_done_ = 0;
  uint32_t entity_index_ = 0;
  std::vector<uint32_t> handles_;  // by cell of the table of the group
  size_t handles_group_ = kNoGroup;
  uint64_t handles_revision_ = 0;  // of the interest, when they were found
  // Scratch.
  std::vector<Found> found_;
  RowOrder small_;
  std::vector<RowIndex> rows_;
};

/// About how many bytes a row of the table takes in a chunk.
size_t estimate_row_bytes(const Table& table, RowIndex row);
/// About how many a cell takes as a whole.
size_t estimate_cell_bytes(const Database& db, CellRef ref);

}  // namespace ecsdb
