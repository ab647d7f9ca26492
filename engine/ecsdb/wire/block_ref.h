// Encoded blocks that many connections share.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/ids.h"

namespace ecsdb {

class BlockPool;

/// An encoded block: immutable, sent to many connections. Reference-counted without atomics: all
/// holders are on one thread.
class BlockRef {
 public:
  BlockRef() = default;
  BlockRef(const BlockRef& o) : block_(o.block_) {
    if (block_ != nullptr) ++block_->references;
  }
  BlockRef(BlockRef&& o) noexcept : block_(std::exchange(o.block_, nullptr)) {}
  BlockRef& operator=(BlockRef o) noexcept {
    std::swap(block_, o.block_);
    return *this;
  }
  ~BlockRef() {
    if (block_ != nullptr && --block_->references == 0) release(block_);
  }
  explicit operator bool() const { return block_ != nullptr; }
  ByteSpan bytes() const { return block_->bytes; }
  /// crc32c of the bytes.
  uint32_t checksum() const { return block_->checksum; }
  /// The version of the state that it is relative to, as in TailChecksum.
  Version base() const { return block_->base; }

 private:
  friend class BlockPool;
  struct Shelf;
  struct Block {
    uint32_t references = 0;
    uint32_t checksum = 0;
    Version base;
    Bytes bytes;
    Shelf* shelf = nullptr;
  };
  explicit BlockRef(Block* block) : block_(block) { ++block_->references; }
  static void release(Block* block);

  Block* block_ = nullptr;
};

/// Makes blocks, and uses the memory of those that nobody holds any more again. Blocks may outlive
/// their pool. Not thread-safe.
class BlockPool {
 public:
  BlockPool();
  ~BlockPool();
  BlockPool(BlockPool&& o) noexcept : shelf_(std::exchange(o.shelf_, nullptr)) {}
  BlockPool& operator=(BlockPool&&) = delete;

  /// A block with a copy of the bytes and their checksum.
  BlockRef make(ByteSpan bytes, Version base);
  /// Bytes in one piece that many connections are sent, but no block: checksum and base mean
  /// nothing.
  BlockRef join(std::span<const ByteSpan> parts);

 private:
  BlockRef::Block* take();

  BlockRef::Shelf* shelf_;
};

}  // namespace ecsdb
