// The advance that a publish is to a connection, made once for all that need the same bytes.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "ecsdb/server/advance_writer.h"
#include "ecsdb/server/publish_ring.h"

namespace ecsdb {

/// What a publish changed in a cell that a connection holds.
struct StepEntry {
  uint32_t handle = 0;
  uint32_t generation = 0;
  uint32_t change = 0;  // place in Publish::changes
  bool operator==(const StepEntry&) const = default;
};

/// Connections that subscribed to the same in the same order name their cells alike, so that their
/// frames are equal to the last byte. The second of them gets a frame that is kept in one piece,
/// and the others references to it; who is alone costs a comparison. Keeps its memory: steady state
/// allocates nothing. Not thread-safe.
class StepWriter {
 public:
  /// One of the ring's publishes, for a connection that stands at `from`.
  struct Step {
    uint64_t sequence = 0;
    Version from;
    uint32_t features = 0;
    std::span<const StepEntry> entries;
  };

  /// Forgets the frames that are kept.
  void begin_publish();
  /// Appends the advance to the outbox.
  void write(const PublishRing& ring, const Step& step, AdvanceWriter& writer, Outbox& out);
  /// The advance in one piece, to be kept by the caller; none if it is too large.
  BlockRef join(const PublishRing& ring, const Step& step, AdvanceWriter& writer);
  /// The same advance as a plan, for those that cannot share it; valid until the next call.
  AdvancePlan& plan(const PublishRing& ring, const Step& step);

  uint64_t frames_shared() const { return frames_shared_; }

 private:
  static constexpr size_t kSlots = 256;
  static constexpr size_t kFrameBytesMax = 16 * 1024;  // larger ones are not copied
  struct Slot {
    bool is_used = false;
    uint64_t sequence = 0;
    Version from;
    uint32_t features = 0;
    std::vector<StepEntry> entries;
    BlockRef frame;  // none: it was needed once
    bool is(const Step& step) const;
  };
  static size_t slot_of(const Step& step);

  std::array<Slot, kSlots> slots_;
  std::vector<uint32_t> used_;
  BlockPool pool_;
  Outbox joined_;  // scratch
  AdvancePlan plan_;
  uint64_t frames_shared_ = 0;
};

}  // namespace ecsdb
