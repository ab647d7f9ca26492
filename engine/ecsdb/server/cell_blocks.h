// Encoding what cells changed, once for all connections that need the same.
#pragma once

#include <map>
#include <vector>

#include "ecsdb/store/database.h"
#include "ecsdb/wire/block.h"
#include "ecsdb/wire/outbox.h"

namespace ecsdb {

using BlockParts = std::vector<BlockRef>;

/// Blocks of cells between two publishes, by what they start from. A cell whose block would be
/// larger than kBlockBytesMax comes in parts. Not thread-safe.
class CellBlocks {
 public:
  /// Forgets everything: the published state moves.
  void begin_publish();
  /// The cell's change since its last publish. Only between begin_publish() and the database's
  /// finish_publish().
  const BlockParts& relative(const Database& db, CellRef ref);
  /// What changed after `cut`, absolute; `cut` is at or above the cell's horizon.
  const BlockParts& net(const Database& db, CellRef ref, Version cut);
  /// The whole cell for someone who stands at `since` and does not hold it.
  const BlockParts& whole(const Database& db, CellRef ref, Version since);
  /// Some rows of a cell, in order of entity, for a full sync; not kept.
  BlockParts rows(const Database& db, CellRef ref, std::span<const RowIndex> rows);

  uint64_t blocks_encoded() const { return blocks_encoded_; }
  uint64_t block_bytes() const { return block_bytes_; }

 private:
  struct Key {
    CellRef ref;
    BlockForm form;
    Version from;
    auto operator<=>(const Key&) const = default;
  };
  void collect_rows(const Database& db, CellRef ref, Version after);
  void collect_gone(const Database& db, CellRef ref, Version after, bool shown_only);
  BlockParts encode_parts(const Database& db, CellRef ref, BlockHeader header, Version since);
  BlockParts encode_split(const BlockSource& source);
  static BlockSource take_run(BlockSource& rest, size_t count);

  std::map<Key, BlockParts> cache_;
  std::vector<RowIndex> rows_;  // scratch, as are the next three
  std::vector<uint64_t> order_;
  std::vector<Tombstone> gone_;
  Bytes buffer_;
  uint64_t blocks_encoded_ = 0;
  uint64_t block_bytes_ = 0;
};

}  // namespace ecsdb
