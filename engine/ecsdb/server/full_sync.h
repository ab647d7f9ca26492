// Full sync of one connection: a fuzzy scan of the held cells in entity order.
#pragma once

#include <vector>

#include "ecsdb/server/advance_writer.h"
#include "ecsdb/server/cell_blocks.h"
#include "ecsdb/server/interest.h"

namespace ecsdb {

/// Sends current values, whatever version they are of, in order of table and entity; what changed
/// meanwhile is mended by the net delta from start() that ends the sync. Rows that move in memory
/// are neither missed nor sent twice, because the cursor is an entity index.
class FullSync {
 public:
  /// Restarts the scan; `version` is the published version that the ending net delta starts from.
  void start(Version version);
  Version version() const { return version_; }
  bool scan_done(const Database& db) const { return table_ >= db.table_count(); }
  /// The next rows of told cells, about `bytes` of them; may be empty when the scan ends.
  AdvancePlan next_chunk(const Database& db, const Interest& interest, CellBlocks& blocks,
                         uint32_t features, size_t bytes);

 private:
  static constexpr size_t kSmallInterestRows = 4096;
  bool collect_small_interest(const Database& db, const Interest& interest, uint16_t table_index);
  struct Found {
    uint32_t handle;
    RowIndex row;
  };
  Version version_;
  size_t table_ = 0;
  uint32_t entity_index_ = 0;
  std::vector<uint32_t> handles_;  // scratch
  std::vector<Found> found_;       // scratch
  RowOrder small_;                 // scratch
  std::vector<RowIndex> rows_;     // scratch
};

}  // namespace ecsdb
