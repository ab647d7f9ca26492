// What a connection still has to send: its own bytes and references to shared blocks.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <utility>
#include <vector>

#include "ecsdb/base/bytes.h"
#include "ecsdb/wire/block_ref.h"
#include "ecsdb/wire/limits.h"

namespace ecsdb {

/// A queue of parts in stream order. Whatever prefix the link accepts is dropped; a frame that was
/// begun is never withdrawn. Not thread-safe.
class Outbox {
 public:
  bool empty() const { return bytes_ == 0; }
  size_t bytes() const { return bytes_; }
  /// Bytes that were accepted since the start.
  uint64_t accepted() const { return accepted_; }

  /// Where to append own bytes; call own_done() after.
  Bytes& own();
  void own_done();
  /// Small blocks are copied: a part of its own costs more.
  void block(const BlockRef& block);

  /// Up to kOutputPartsMax parts, valid until the outbox changes.
  std::span<const ByteSpan> parts();
  /// The link took `n` bytes, at most what parts() offered.
  void accept(size_t n);
  void clear();

 private:
  static constexpr size_t kCopiedBytesMax = 256;
  struct Part {
    Bytes own;
    BlockRef block;
    ByteSpan span() const { return block ? block.bytes() : ByteSpan(own); }
  };
  std::deque<Part> queue_;
  std::vector<Bytes> spare_;  // emptied buffers, used again
  size_t front_offset_ = 0;
  size_t bytes_ = 0;
  size_t own_before_ = 0;
  uint64_t accepted_ = 0;
  std::vector<ByteSpan> parts_;
};

}  // namespace ecsdb
