#include "ecsdb/sim/checkers/atomic_reads.h"

#include <string>

#include "ecsdb/base/hash.h"

namespace ecsdb::sim {
namespace {

uint64_t word(const Digest& digest, int lane) {
  return (uint64_t{digest.lane[lane]} << 32) | digest.lane[lane + 1];
}

}  // namespace

/// Zero for a handle that is not held.
uint64_t AtomicReads::hash_of(ClientDb& db, size_t handle) {
  if (handle >= db.cells().size() || !db.cells()[handle].held) return 0;
  const Digest digest = db.digest(handle);
  RunningHash hash;
  hash.add(db.cells()[handle].generation);
  hash.add(db.cells()[handle].log.count());
  hash.add(word(digest, 0));
  hash.add(word(digest, 2));
  return hash.value() | 1;
}

void AtomicReads::on_polled(ClientDb& db) {
  cut_ = db.cut();
  rotating_ = db.cells().empty() ? 0 : (rotating_ + 1) % db.cells().size();
  rotating_hash_ = hash_of(db, rotating_);
  all_taken_ = ++looks_ % kAllEvery == 0;
  all_hash_ = 0;
  for (size_t i = 0; all_taken_ && i < db.cells().size(); ++i) all_hash_ += hash_of(db, i);
}

void AtomicReads::on_unpolled(ClientDb& db, Instant at) {
  uint64_t all_hash = 0;
  for (size_t i = 0; all_taken_ && i < db.cells().size(); ++i) all_hash += hash_of(db, i);
  if (db.cut() == cut_ && hash_of(db, rotating_) == rotating_hash_ && all_hash == all_hash_) return;
  violations_.add({"atomic_reads", at, client_,
                   db.cut() != cut_ ? "cut" : "cell with handle " + std::to_string(rotating_),
                   "what the last poll left, at version " + std::to_string(cut_.value),
                   "something else without a poll, at version " + std::to_string(db.cut().value)});
}

}  // namespace ecsdb::sim
