// Advances written by hand, for the tests of the replica.
#pragma once

#include <vector>

#include "ecsdb/base/hash.h"
#include "ecsdb/client/replica.h"
#include "ecsdb/server/cell_blocks.h"

namespace ecsdb::client_test {

/// An advance of one frame before it is sent.
struct Draft {
  Advance head;
  struct Block {
    uint32_t handle;
    uint32_t generation;
    Version base;
    Bytes bytes;
  };
  std::vector<Block> blocks;

  void set_kind(AdvanceKind kind) { head.set_flags(true, true, kind); }
  void set_span(Version from, Version to) {
    head.from = from;
    head.distance = to.value - from.value;
  }
  void add(uint32_t handle, const BlockParts& parts, uint32_t generation = 1) {
    for (const BlockPart& part : parts) {
      const ByteSpan bytes = part.raw.bytes();
      blocks.push_back({handle, generation, part.raw.base(), Bytes(bytes.begin(), bytes.end())});
    }
  }
  ReceivedAdvance seal() const {
    Advance frame = head;
    Bytes tail;
    TailChecksum checksum;
    uint32_t handle = 0;
    for (const Block& block : blocks) {
      frame.blocks.push_back(
          {static_cast<int32_t>(block.handle - handle), static_cast<uint32_t>(block.bytes.size())});
      handle = block.handle;
      checksum.add(handle, block.generation, block.base, crc32c(block.bytes));
      tail.insert(tail.end(), block.bytes.begin(), block.bytes.end());
    }
    frame.tail_checksum = checksum.value();
    ReceivedAdvance out;
    out.add(std::move(frame), tail, 0);
    return out;
  }
};

}  // namespace ecsdb::client_test
