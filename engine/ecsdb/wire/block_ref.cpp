#include "ecsdb/wire/block_ref.h"

#include "ecsdb/base/hash.h"

namespace ecsdb {

/// Spare blocks of a pool; lives as long as the pool or a block of it.
struct BlockRef::Shelf {
  static constexpr size_t kSpareMax = 1024;
  static constexpr size_t kSpareBytesMax = 16 * 1024;  // larger blocks are rare and not kept

  std::vector<Block*> spare;
  size_t lent = 0;
  bool has_pool = true;

  void discard() {
    for (Block* block : spare) delete block;
    delete this;
  }
};

void BlockRef::release(Block* block) {
  Shelf* shelf = block->shelf;
  --shelf->lent;
  const bool keep = shelf->has_pool && shelf->spare.size() < Shelf::kSpareMax &&
                    block->bytes.capacity() <= Shelf::kSpareBytesMax;
  if (keep) {
    shelf->spare.push_back(block);
  } else {
    delete block;
  }
  if (!shelf->has_pool && shelf->lent == 0) shelf->discard();
}

BlockPool::BlockPool() : shelf_(new BlockRef::Shelf) {}

BlockPool::~BlockPool() {
  if (shelf_ == nullptr) return;
  shelf_->has_pool = false;
  if (shelf_->lent == 0) shelf_->discard();
}

BlockRef::Block* BlockPool::take() {
  ++shelf_->lent;
  if (!shelf_->spare.empty()) {
    BlockRef::Block* const block = shelf_->spare.back();
    shelf_->spare.pop_back();
    return block;
  }
  BlockRef::Block* const block = new BlockRef::Block;
  block->shelf = shelf_;
  return block;
}

BlockRef BlockPool::make(ByteSpan bytes, Version base) {
  BlockRef::Block* const block = take();
  block->checksum = crc32c(bytes);
  block->base = base;
  block->bytes.assign(bytes.begin(), bytes.end());
  return BlockRef(block);
}

BlockRef BlockPool::join(std::span<const ByteSpan> parts) {
  BlockRef::Block* const block = take();
  block->bytes.clear();
  for (const ByteSpan part : parts) {
    block->bytes.insert(block->bytes.end(), part.begin(), part.end());
  }
  return BlockRef(block);
}

}  // namespace ecsdb
