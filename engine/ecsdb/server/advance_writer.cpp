#include "ecsdb/server/advance_writer.h"

#include <algorithm>

#include "ecsdb/wire/frame.h"

namespace ecsdb {
namespace {

/// Moves up to `max` elements from `from` (starting at `at`) to `to`.
template <class T>
void take(const std::vector<T>& from, size_t& at, size_t max, std::vector<T>& to) {
  const size_t n = std::min(max, from.size() - at);
  to.assign(from.begin() + static_cast<ptrdiff_t>(at),
            from.begin() + static_cast<ptrdiff_t>(at + n));
  at += n;
}

}  // namespace

void write_advance(const AdvancePlan& plan, MessageType type, Outbox& out) {
  Advance message;
  message.from = plan.from;
  message.distance = plan.to.value - plan.from.value;
  message.commit_time_ns = plan.commit_time_ns;
  size_t leave_at = 0;
  size_t enter_at = 0;
  size_t block_at = 0;
  Bytes head;
  head.reserve(64 + 4 * std::min(plan.blocks.size(), kBlocksPerFrameMax));
  message.blocks.reserve(std::min(plan.blocks.size(), kBlocksPerFrameMax));
  bool is_last = false;
  do {
    const bool is_first = leave_at + enter_at + block_at == 0;
    take(plan.leaves, leave_at, kCellsPerFrameMax, message.leaves);
    message.enters.clear();
    if (leave_at == plan.leaves.size()) {
      take(plan.enters, enter_at, kCellsPerFrameMax, message.enters);
    }
    message.blocks.clear();
    const size_t block_begin = block_at;
    size_t tail_bytes = 0;
    TailChecksum checksum;
    uint32_t handle = 0;
    const bool cells_done = leave_at == plan.leaves.size() && enter_at == plan.enters.size();
    while (cells_done && block_at < plan.blocks.size() &&
           message.blocks.size() < kBlocksPerFrameMax) {
      const auto& planned = plan.blocks[block_at];
      const BlockRef& block = planned.block;
      const size_t bytes = block.bytes().size();
      if (tail_bytes + bytes > kFrameTailBytesMax && tail_bytes > 0) break;
      tail_bytes += bytes;
      message.blocks.push_back(
          {static_cast<int32_t>(planned.handle - handle), static_cast<uint32_t>(bytes)});
      checksum.add(planned.handle, planned.generation, block.base(), block.checksum());
      handle = planned.handle;
      ++block_at;
    }
    is_last = cells_done && block_at == plan.blocks.size();
    message.set_flags(is_first, is_last, plan.kind);
    message.tail_checksum = checksum.value();
    head.clear();
    ByteWriter writer(head);
    encode_fields(message, writer);
    append_frame(out.own(), type, head, tail_bytes);
    out.own_done();
    for (size_t i = block_begin; i < block_at; ++i) out.block(plan.blocks[i].block);
  } while (!is_last);
}

}  // namespace ecsdb
