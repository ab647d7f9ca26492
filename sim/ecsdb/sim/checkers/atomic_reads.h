// I9, atomic cuts: between two polls reads show exactly the last cut, however much of the next one
// has arrived.
#pragma once

#include <cstdint>

#include "ecsdb/client/client_db.h"
#include "ecsdb/sim/checkers/violation.h"

namespace ecsdb::sim {

/// The checker of one client.
class AtomicReads {
 public:
  /// Deliveries between two looks at every cell; at the others one cell is looked at.
  static constexpr uint64_t kAllEvery = 32;

  AtomicReads(uint32_t client, ViolationLog& violations)
      : client_(client), violations_(violations) {}

  /// A poll is over: this is what reads show until the next.
  void on_polled(ClientDb& db);
  /// Bytes have arrived and were not polled for.
  void on_unpolled(ClientDb& db, Instant at);

 private:
  static uint64_t hash_of(ClientDb& db, size_t handle);

  uint32_t client_;
  ViolationLog& violations_;
  uint64_t looks_ = 0;
  Version cut_;
  size_t rotating_ = 0;
  uint64_t rotating_hash_ = 0;
  uint64_t all_hash_ = 0;
  bool all_taken_ = false;
};

}  // namespace ecsdb::sim
