// One direction of a simulated byte stream: accepted bytes, when they arrive, and where they end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/time.h"

namespace ecsdb::sim {

/// How a connection ended, as one side sees it.
enum class LinkEnd : uint8_t {
  kPeerClosed,  // all bytes that the peer sent were delivered first
  kReset,       // any suffix of what was sent may be lost, either way
  kRefused,     // nobody listens
  kTimedOut,    // a connection attempt had no answer
};

/// The queue of one direction. Order is a property of the data structure: bytes sit in one ring in
/// the order they were accepted, due times never fall along it, and only its front is ever taken,
/// so no fault, and no end of a fault, can reorder them. Offsets count bytes since the start:
///
///   taken_ <= ready_ <= stored_ <= accepted_
///   |- gone -|- arrived, not yet read -|- on the way -|- accepted but lost -|
///
/// A value type without any knowledge of events; SimLink drives it.
class SimPipe {
 public:
  /// Bytes that the sender still has in its buffers as far as it can know. Lost bytes count: nobody
  /// acknowledges them.
  uint64_t outstanding() const { return accepted_ - taken_; }
  /// Bytes that can still arrive.
  uint64_t deliverable() const { return stored_ - taken_; }
  uint64_t accepted() const { return accepted_; }
  uint64_t taken() const { return taken_; }
  bool severed() const { return severed_; }

  /// Accepts bytes that leave now, take `latency`, and pass a line of `bytes_per_second` (0: no
  /// limit). `floor` is the earliest arrival.
  void push(ByteSpan bytes, Instant now, Duration latency, uint64_t bytes_per_second);
  /// Nothing arrives before this instant.
  void set_floor(Instant floor);
  /// The end of the stream follows the last byte. At most once takes effect; none after sever().
  void finish(LinkEnd reason, Instant now, Duration latency);
  /// From now on only the first `keep` of the deliverable bytes arrive, nothing that is accepted
  /// later, and no end that was queued. Never revives what an earlier call lost.
  void sever(uint64_t keep);
  /// sever(keep), then tells the receiver that the sender is gone.
  void sever_and_finish(uint64_t keep, LinkEnd reason, Instant now, Duration latency);
  /// No byte on the way arrives later than `latest`. Used when a limit is lifted.
  void hasten(Instant latest, Instant now);

  /// When the next bytes or the end arrive (the past if they have); never if nothing is on the way.
  Instant next_due() const;
  /// The first arrived bytes as one contiguous piece, at most `limit`; valid until the next push.
  ByteSpan arrived(Instant now, size_t limit);
  void take(size_t count);
  /// True if all deliverable bytes are taken and the end has arrived.
  bool ended(Instant now) const { return finished_ && deliverable() == 0 && end_due_ <= now; }
  LinkEnd end_reason() const { return end_reason_; }

 private:
  /// With a bandwidth limit long writes arrive in pieces of this size.
  static constexpr size_t kSegmentBytes = 4096;
  static constexpr size_t kRingBytesMin = 1024;

  struct Segment {
    uint64_t end;  // offset behind its last byte
    Instant due;
  };

  void store(ByteSpan bytes);
  void append_segment(Instant due);
  size_t segment_count() const { return segments_.size() - first_segment_; }
  void drop_front_segments(size_t count);

  std::vector<uint8_t> ring_;  // a power of two bytes; offset o lives at o modulo its size
  std::vector<Segment> segments_;
  size_t first_segment_ = 0;  // those before it are spent; compacted as they pile up
  uint64_t accepted_ = 0;
  uint64_t stored_ = 0;
  uint64_t ready_ = 0;
  uint64_t taken_ = 0;
  Instant last_due_;
  Instant line_free_at_;
  Instant end_due_;
  LinkEnd end_reason_ = LinkEnd::kPeerClosed;
  bool finished_ = false;
  bool severed_ = false;
};

}  // namespace ecsdb::sim
