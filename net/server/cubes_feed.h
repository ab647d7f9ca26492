// Replays a cubes trace into the table `cube`, forth and back, a frame a step.
#pragma once

#include <cstdint>
#include <vector>

#include "ecsdb/base/result.h"
#include "ecsdb/schema/schema.h"
#include "ecsdb/store/transaction.h"

#include "server/cubes_trace.h"

namespace ecsdb {

/// Owns the trace; has no clock and no server: whoever steps it commits. Not thread-safe.
class CubesFeed {
 public:
  /// kSchemaMismatch if the schema lacks a table `cube` with position = vec3f of precision 1/512,
  /// orientation = quatf of 9 bits and interacting = bool; other tables and fields do not matter.
  static Result<CubesFeed> make(const Schema& schema, CubesTrace trace);

  /// Makes the entities and their rows as in the first frame. Once, before step().
  Status fill(Transaction& change);
  /// Sets all rows as in the next frame; the store keeps track of what really changed.
  Status step(Transaction& change);

  /// Entities by row of the trace; empty before fill().
  const std::vector<EntityId>& entities() const { return entities_; }
  const CubesTrace& trace() const { return trace_; }
  /// The frame that the table shows.
  size_t frame_index() const { return trace_.frame_at_step(step_); }

 private:
  explicit CubesFeed(CubesTrace trace) : trace_(std::move(trace)) {}
  Status show(Transaction& change, size_t frame);

  CubesTrace trace_;
  uint16_t table_ = 0;
  uint16_t position_ = 0;
  uint16_t orientation_ = 0;
  uint16_t interacting_ = 0;
  std::vector<EntityId> entities_;
  uint64_t step_ = 0;
  std::vector<uint64_t> lanes_;  // scratch
};

}  // namespace ecsdb
