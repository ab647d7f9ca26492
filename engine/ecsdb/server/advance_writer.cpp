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

void AdvanceWriter::write(const AdvancePlan& plan, MessageType type, Outbox& out) {
  message_.from = plan.from;
  message_.distance = plan.to.value - plan.from.value;
  message_.commit_time_ns = plan.commit_time_ns;
  size_t leave_at = 0;
  size_t enter_at = 0;
  size_t block_at = 0;
  bool is_last = false;
  do {
    const bool is_first = leave_at + enter_at + block_at == 0;
    take(plan.leaves, leave_at, kCellsPerFrameMax, message_.leaves);
    message_.enters.clear();
    if (leave_at == plan.leaves.size()) {
      take(plan.enters, enter_at, kCellsPerFrameMax, message_.enters);
    }
    message_.blocks.clear();
    message_.tail_checksum = {};
    const size_t block_begin = block_at;
    size_t tail_bytes = 0;
    const bool cells_done = leave_at == plan.leaves.size() && enter_at == plan.enters.size();
    if (cells_done) tail_bytes = take_blocks(plan, block_at);
    is_last = cells_done && block_at == plan.blocks.size();
    message_.set_flags(is_first, is_last, plan.kind);
    append_frame(out.own(), type, encode_head(), tail_bytes);
    out.own_done();
    for (size_t i = block_begin; i < block_at; ++i) out.block(plan.blocks[i].block);
  } while (!is_last);
}

size_t AdvanceWriter::take_blocks(const AdvancePlan& plan, size_t& at) {
  size_t tail_bytes = 0;
  TailChecksum checksum;
  uint32_t handle = 0;
  for (; at < plan.blocks.size() && message_.blocks.size() < kBlocksPerFrameMax; ++at) {
    const auto& planned = plan.blocks[at];
    const BlockRef& block = planned.block;
    const size_t bytes = block.bytes().size();
    if (tail_bytes + bytes > kFrameTailBytesMax && tail_bytes > 0) break;
    tail_bytes += bytes;
    message_.blocks.push_back(
        {static_cast<int32_t>(planned.handle - handle), static_cast<uint32_t>(bytes)});
    checksum.add(planned.handle, planned.generation, block.base(), block.checksum());
    handle = planned.handle;
  }
  message_.tail_checksum = checksum.value();
  return tail_bytes;
}

/// The message as it is on the wire, valid until the next call.
ByteSpan AdvanceWriter::encode_head() {
  constexpr size_t kVarintMax = 10;
  constexpr size_t kFixedMax = 8 * kVarintMax;  // what stands around the lists
  constexpr size_t kLeaveMax = 2 * kVarintMax;
  constexpr size_t kEnterMax = 9 * kVarintMax;
  constexpr size_t kBlockMax = 2 * kVarintMax;
  const size_t most = kFixedMax + kLeaveMax * message_.leaves.size() +
                      kEnterMax * message_.enters.size() + kBlockMax * message_.blocks.size();
  if (head_.size() < most) head_.resize(most);
  FixedWriter writer(head_.data());
  encode_fields(message_, writer);
  const size_t bytes = static_cast<size_t>(writer.at() - head_.data());
  ECSDB_CHECK(bytes <= most);
  return ByteSpan(head_).first(bytes);
}

}  // namespace ecsdb
