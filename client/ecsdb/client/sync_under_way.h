// How far a sync in chunks is.
#pragma once

#include <cstdint>
#include <vector>

#include "ecsdb/base/time.h"
#include "ecsdb/wire/messages.h"

namespace ecsdb {

/// Between sync_begin and the applied end of the sync; it outlives the connection.
struct SyncUnderWay {
  bool active = false;
  Version version;              // where the scan began
  std::vector<uint32_t> order;  // handles of its cells in the order of their enters
  SyncMark mark;                // the last one
  uint64_t rows_total = 0;      // as announced, as is the next
  uint64_t bytes_total = 0;
  uint64_t bytes_done = 0;
  uint64_t bytes_per_second = 0;  // of late
  Instant last_chunk_at;

  void add_bytes(uint64_t bytes, Instant now) {
    bytes_done += bytes;
    last_chunk_at = now;
    if (window_at_ == Instant{}) window_at_ = now;
    window_bytes_ += bytes;
    const int64_t ms = (now - window_at_).to_ms();
    if (ms < 100) return;
    const uint64_t rate = window_bytes_ * 1000 / static_cast<uint64_t>(ms);
    bytes_per_second = bytes_per_second == 0 ? rate : (3 * bytes_per_second + rate) / 4;
    window_at_ = now;
    window_bytes_ = 0;
  }

 private:
  Instant window_at_;
  uint64_t window_bytes_ = 0;
};

}  // namespace ecsdb
