// Encoding what cells changed, once for all connections that need the same.
#pragma once

#include <map>
#include <vector>

#include "ecsdb/store/database.h"
#include "ecsdb/wire/block_codec.h"
#include "ecsdb/wire/outbox.h"

namespace ecsdb {

/// A block, or a part of one, in the encodings that connections take.
struct BlockPart {
  BlockRef raw;
  BlockRef compressed;  // none where that does not pay, or nobody takes it

  /// For a connection with these features.
  const BlockRef& pick(uint32_t features) const {
    return (features & kFeatureZstd) != 0 && compressed ? compressed : raw;
  }
};
using BlockParts = std::vector<BlockPart>;

/// Blocks of cells between two publishes, by what they start from. A cell whose block would be
/// larger than `block_bytes_max` comes in parts. Not thread-safe.
class CellBlocks {
 public:
  explicit CellBlocks(size_t block_bytes_max = kBlockBytesMax)
      : block_bytes_max_(block_bytes_max) {}
  /// From now on blocks come compressed, too, where that pays.
  void compress_from_now_on() { compresses_ = true; }
  /// Forgets everything: the published state moves.
  void begin_publish();
  /// The cell's change since its last publish, from inside Database::publish(). Valid until the
  /// next call.
  const BlockParts& relative(const Database& db, CellRef ref, const ChangeSet& changes);
  /// What changed after `cut`, absolute; `cut` is at or above the cell's horizon.
  const BlockParts& net(const Database& db, CellRef ref, Version cut);
  /// The whole cell for someone who stands at `since` and does not hold it.
  const BlockParts& whole(const Database& db, CellRef ref, Version since);
  /// Some rows of a cell, in order of entity, none changed since the last publish; for a full sync,
  /// not kept.
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
  BlockSource source_of(const Database& db, CellRef ref, BlockForm form) const;
  void encode_parts(const BlockSource& source, Version base, BlockParts& parts);
  bool may_compress(const BlockSource& source, size_t bytes) const;
  bool halve(const BlockSource& source, BlockSource& first, BlockSource& second);

  size_t block_bytes_max_;
  BlockPool pool_;
  std::map<Key, BlockParts> cache_;
  BlockParts relative_;
  std::vector<RowIndex> rows_;  // scratch, as are the next
  RowOrder order_;
  std::vector<Tombstone> gone_;
  std::vector<uint32_t> indices_;
  std::vector<BlockSource> pending_;
  BlockEncoder encoder_;
  bool compresses_ = false;
  Bytes buffer_;
  Bytes compressed_;
  uint64_t blocks_encoded_ = 0;
  uint64_t block_bytes_ = 0;
};

}  // namespace ecsdb
