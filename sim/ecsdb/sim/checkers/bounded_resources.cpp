#include "ecsdb/sim/checkers/bounded_resources.h"

#include <string>
#include <utility>

namespace ecsdb::sim {

/// Looks at frames that carry rows, and that the server may put off: those that begin an advance,
/// and chunks with blocks. Whatever was sent before one of them, and is not acknowledged even now,
/// was not when it was built. Who missed a few publishes gets them one by one, but all at once: of
/// such a chain its beginning counts.
void BoundedResources::on_server_frame(LinkId id, const Frame& frame, uint64_t offset, Instant at) {
  const bool is_chunk = frame.type == MessageType::kSyncChunk;
  Link& link = links_[id];
  const bool is_before = frame.type == MessageType::kOutcomes || frame.type == MessageType::kEvents;
  if (is_before && !link.outcomes) link.outcomes = offset;
  Advance advance;
  if ((!is_chunk && frame.type != MessageType::kAdvance) ||
      !decode_message(frame.head, advance).ok()) {
    return link.chain.clear();
  }
  if (is_chunk || advance.kind() != AdvanceKind::kStep) link.chain.clear();
  if (is_chunk ? advance.blocks.empty() : !advance.begin()) return;
  if (!is_chunk) offset = std::exchange(link.outcomes, std::nullopt).value_or(offset);
  link.chain.push_back(offset);
  if (link.chain.size() > chain_max_) link.chain.pop_front();
  const uint64_t built_at = link.chain.front();
  if (built_at < link.acked + unacked_bytes_max_) return;
  violations_.add({"bounded_resources", at, -1, "bytes on their way to one client",
                   "less than " + std::to_string(unacked_bytes_max_) + " before the next " +
                       (is_chunk ? "chunk" : "advance"),
                   std::to_string(built_at - link.acked)});
}

void BoundedResources::on_client_frame(LinkId link, const Frame& frame, Instant) {
  Ack ack;
  if (frame.type != MessageType::kAck || !decode_message(frame.head, ack).ok()) return;
  links_[link].acked = ack.bytes;
}

}  // namespace ecsdb::sim
