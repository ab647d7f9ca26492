// Who spoke last, and when silence or standstill ends a connection.
#pragma once

#include <algorithm>

#include "ecsdb/base/error.h"
#include "ecsdb/base/time.h"
#include "ecsdb/server/options.h"
#include "ecsdb/wire/messages.h"

namespace ecsdb {

/// Timers of an authenticated connection. The clock is steady.
class Heartbeat {
 public:
  void start(Instant now) {
    last_sent_ = last_said_ = last_received_ = last_progress_ = last_digest_ = now;
  }
  void on_sent(Instant now) { last_sent_ = last_said_ = now; }
  /// It was time to say something, and there was a reason not to.
  void on_left_out(Instant now) { last_sent_ = now; }
  void on_received(Instant now) { last_received_ = now; }
  /// Bytes were accepted by the link or acknowledged by the client.
  void on_progress(Instant now) { last_progress_ = now; }

  /// What the client says about its clock.
  void on_heartbeat(const ClientHeartbeat& heartbeat, Instant now) {
    client_time_ns_ = heartbeat.client_time_ns;
    client_time_at_ = now;
  }
  /// The same for the client: our clock, and its own.
  void fill(ServerHeartbeat& heartbeat, Instant now) const {
    heartbeat.server_time_ns = static_cast<uint64_t>(now.ns);
    heartbeat.echo_ns = client_time_ns_;
    if (client_time_ns_ != 0) {
      heartbeat.echo_age_ns = static_cast<uint64_t>((now - client_time_at_).ns);
    }
  }

  void on_digest(Instant now) { last_digest_ = now; }
  bool is_digest_due(const ServerOptions& options, Instant now) const {
    return now >= last_digest_ + options.digest_interval;
  }

  bool is_due(const ServerOptions& options, Instant now) const {
    return now >= last_sent_ + options.heartbeat_interval;
  }
  /// To a client that does not read heartbeats are sent half as often: it has less to read through
  /// later, and if only its application does not look, it still hears that the link is sound.
  bool is_overdue(const ServerOptions& options, Instant now) const {
    return now >= last_said_ + options.heartbeat_interval * 2;
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
    at = std::min(at, last_digest_ + options.digest_interval);
    if (outstanding) at = std::min(at, last_progress_ + options.stall_timeout);
    return at;
  }

 private:
  Instant last_sent_;  // or left out
  Instant last_said_;
  Instant last_received_;
  Instant last_progress_;
  Instant last_digest_;
  uint64_t client_time_ns_ = 0;  // of its last heartbeat; 0: none yet
  Instant client_time_at_;
};

}  // namespace ecsdb
