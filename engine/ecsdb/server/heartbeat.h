// Who spoke last, and when silence or standstill ends a connection.
#pragma once

#include <algorithm>

#include "ecsdb/base/error.h"
#include "ecsdb/base/time.h"
#include "ecsdb/server/options.h"

namespace ecsdb {

/// Timers of an authenticated connection. The clock is steady.
class Heartbeat {
 public:
  void start(Instant now) { last_sent_ = last_received_ = last_progress_ = now; }
  void on_sent(Instant now) { last_sent_ = now; }
  void on_received(Instant now) { last_received_ = now; }
  /// Bytes were accepted by the link or acknowledged by the client.
  void on_progress(Instant now) { last_progress_ = now; }

  bool is_due(const ServerOptions& options, Instant now) const {
    return now >= last_sent_ + options.heartbeat_interval;
  }
  /// kPeerSilent, kStalled or kOk. `outstanding`: something was sent or waits to be sent that the
  /// client has not acknowledged.
  ErrorCode verdict(const ServerOptions& options, bool outstanding, Instant now) const {
    if (now >= last_received_ + options.stall_timeout) return ErrorCode::kPeerSilent;
    if (outstanding && now >= last_progress_ + options.stall_timeout) return ErrorCode::kStalled;
    return ErrorCode::kOk;
  }
  Instant deadline(const ServerOptions& options, bool outstanding) const {
    Instant at =
        std::min(last_sent_ + options.heartbeat_interval, last_received_ + options.stall_timeout);
    if (outstanding) at = std::min(at, last_progress_ + options.stall_timeout);
    return at;
  }

 private:
  Instant last_sent_;
  Instant last_received_;
  Instant last_progress_;
};

}  // namespace ecsdb
