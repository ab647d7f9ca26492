// How much may be on its way to one client.
#pragma once

#include <cstdint>

#include "ecsdb/base/result.h"
#include "ecsdb/base/time.h"
#include "ecsdb/wire/messages.h"

namespace ecsdb {

/// Counts stream bytes that the link accepted and the client acknowledged. Being behind is met by
/// sending less often, never by a longer queue: nothing is built while the window is full.
class FlowControl {
 public:
  void on_accepted(size_t bytes, Instant now) {
    if (unacked_bytes() == 0) waits_since_ = now;
    accepted_ += bytes;
  }
  /// kFrameMalformed if it acknowledges what was not sent, or takes something back.
  Status on_ack(const Ack& ack, Version sent_cut, Instant now) {
    if (ack.bytes < acked_bytes_ || ack.bytes > accepted_ || ack.cut < acked_cut_ ||
        ack.cut > sent_cut) {
      return fail(ErrorCode::kFrameMalformed, "ack of what was never sent");
    }
    if (ack.bytes > acked_bytes_) waits_since_ = now;
    acked_bytes_ = ack.bytes;
    acked_cut_ = ack.cut;
    return {};
  }
#if defined(ECSDB_MUTANTS)
  /// The planted bug credit_leak: bytes that nobody will ever acknowledge.
  void leak(uint64_t bytes) { leaked_ += bytes; }
  uint64_t unacked_bytes() const { return accepted_ + leaked_ - acked_bytes_; }
#else
  uint64_t unacked_bytes() const { return accepted_ - acked_bytes_; }
#endif
  Version acked_cut() const { return acked_cut_; }
  /// For so long something has been on its way, and nothing was acknowledged.
  Duration silence(Instant now) const {
    return unacked_bytes() == 0 ? Duration{} : now - waits_since_;
  }

 private:
  uint64_t accepted_ = 0;
#if defined(ECSDB_MUTANTS)
  uint64_t leaked_ = 0;
#endif
  uint64_t acked_bytes_ = 0;
  Version acked_cut_;
  Instant waits_since_;
};

}  // namespace ecsdb
