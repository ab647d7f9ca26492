#include "ecsdb/sim/checkers/bounded_resources.h"

#include <string>

namespace ecsdb::sim {

/// Looks at frames that carry rows, and that the server may put off: those that begin an advance,
/// and chunks with blocks. Whatever was sent before one of them, and is not acknowledged even now,
/// was not when it was built.
void BoundedResources::on_server_frame(LinkId link, const Frame& frame, uint64_t offset,
                                       Instant at) {
  const bool is_chunk = frame.type == MessageType::kSyncChunk;
  if (!is_chunk && frame.type != MessageType::kAdvance) return;
  const uint64_t unacked = offset - acked_[link];
  if (unacked < unacked_bytes_max_) return;
  Advance advance;
  if (!decode_message(frame.head, advance).ok()) return;
  if (is_chunk ? advance.blocks.empty() : !advance.begin()) return;
  violations_.add({"bounded_resources", at, -1, "bytes on their way to one client",
                   "less than " + std::to_string(unacked_bytes_max_) + " before the next " +
                       (is_chunk ? "chunk" : "advance"),
                   std::to_string(unacked)});
}

void BoundedResources::on_client_frame(LinkId link, const Frame& frame, Instant) {
  Ack ack;
  if (frame.type != MessageType::kAck || !decode_message(frame.head, ack).ok()) return;
  acked_[link] = ack.bytes;
}

}  // namespace ecsdb::sim
