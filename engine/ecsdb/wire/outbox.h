// What a connection still has to send: its own bytes and references to shared blocks.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/reuse.h"
#include "ecsdb/wire/block_ref.h"
#include "ecsdb/wire/limits.h"

namespace ecsdb {

/// A queue of parts in stream order. Whatever prefix the link accepts is dropped; a frame that was
/// begun is never withdrawn. Steady state allocates nothing. Not thread-safe.
class Outbox {
 public:
  Outbox() = default;
  Outbox(const Outbox& o);
  Outbox(Outbox&&) = default;
  Outbox& operator=(const Outbox& o) { return *this = Outbox(o); }
  Outbox& operator=(Outbox&&) = default;

  bool empty() const { return bytes_ == 0; }
  size_t bytes() const { return bytes_; }
  /// Bytes that were accepted since the start.
  uint64_t accepted() const { return accepted_; }

  /// Where to append own bytes; call own_done() after.
  Bytes& own();
  void own_done();
  /// Small blocks are copied: a part of its own costs more.
  void block(const BlockRef& block);

  /// Up to kOutputPartsMax parts, valid until the outbox changes. Their bytes stay where they are
  /// until accept(), whatever is appended.
  std::span<const ByteSpan> parts();
  /// The link took `n` bytes, at most what parts() offered.
  void accept(size_t n);
  void clear();
  /// Fetches what the next frame is written to.
  void prefetch() const {
    prefetch_memory(spans_.data(), 16 * sizeof(ByteSpan));
    prefetch_memory(holders_.data(), 16 * sizeof(Holder));
    prefetch_memory(owns_.data(), sizeof(Bytes));
  }

 private:
  static constexpr size_t kCopiedBytesMax = 256;
  static constexpr size_t kOwnBytesMax = 4096;  // of messages that share a part
  static constexpr size_t kSpareBuffers = 2;
  static constexpr uint32_t kNoOwn = 0xffffffff;
  struct Holder {  // of a part's bytes
    BlockRef block;
    uint32_t own = kNoOwn;  // place in owns_
  };
  void drop_accepted();

  // Parts as they are offered, and who holds them; those before front_ were accepted.
  std::vector<ByteSpan> spans_;
  std::vector<Holder> holders_;
  std::vector<Bytes> owns_;  // in the order of their parts; spare ones behind
  size_t owns_used_ = 0;
  size_t front_ = 0;
  size_t offered_ = 0;  // parts up to here may be with the link
  size_t bytes_ = 0;
  uint64_t accepted_ = 0;
};

}  // namespace ecsdb
