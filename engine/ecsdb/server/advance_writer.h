// Putting an advance, or a chunk of a full sync, on a connection's stream.
#pragma once

#include <span>
#include <vector>

#include "ecsdb/server/cell_blocks.h"
#include "ecsdb/wire/messages.h"
#include "ecsdb/wire/outbox.h"

namespace ecsdb {

/// What one advance consists of. Leaves come first in the stream, then enters, then blocks.
struct AdvancePlan {
  AdvanceKind kind = AdvanceKind::kStep;
  Version from;
  Version to;
  uint64_t commit_time_ns = 0;
  std::vector<CellLeave> leaves;
  std::vector<CellEnter> enters;
  struct PlannedBlock {
    uint32_t handle;
    uint32_t generation;
    BlockRef block;
  };
  std::vector<PlannedBlock> blocks;

  /// `features`: of the connection.
  void add_blocks(uint32_t handle, uint32_t generation, std::span<const BlockPart> parts,
                  uint32_t features) {
    for (const BlockPart& part : parts) blocks.push_back({handle, generation, part.pick(features)});
  }
};

/// Keeps its memory from advance to advance: steady state allocates nothing. Not thread-safe.
class AdvanceWriter {
 public:
  /// Writes the plan as one frame, or as several where limits ask for it. `type` is kAdvance or
  /// kSyncChunk.
  void write(const AdvancePlan& plan, MessageType type, Outbox& out);

 private:
  /// The blocks from `at` on that fit a frame into message_; returns their bytes.
  size_t take_blocks(const AdvancePlan& plan, size_t& at);
  ByteSpan encode_head();

  Advance message_;
  Bytes head_;
};

}  // namespace ecsdb
