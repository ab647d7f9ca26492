// The server's clock as a client sees it, and the round trip.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "ecsdb/base/time.h"
#include "ecsdb/wire/messages.h"

namespace ecsdb {

/// Offset of the server's steady clock, from the exchange with the shortest round trip of the last
/// eight: it errs by half of that at most (after the clock filter of NTP, RFC 5905 section 10). A
/// value; not thread-safe.
class ServerClock {
 public:
  /// What a server said that came now: its time, the time of ours that it echoes (0: none), and how
  /// long it had that.
  void on_time(uint64_t server_ns, uint64_t echo_ns, uint64_t echo_age_ns, Instant now) {
    constexpr uint64_t kForEver = uint64_t{1} << 61;  // no clock has run for 73 years
    if (server_ns > kForEver || echo_ns > kForEver || echo_age_ns > kForEver) return;
    last_server_ns_ = server_ns;
    last_server_at_ = now;
    const int64_t away = now.ns - static_cast<int64_t>(echo_ns);
    const int64_t there = static_cast<int64_t>(echo_age_ns);
    if (echo_ns == 0 || away < 0 || there < 0 || there > away) return;
    Sample sample{away - there, 0};
    sample.offset_ns = static_cast<int64_t>(server_ns) + sample.round_trip_ns / 2 - now.ns;
    samples_[count_++ % samples_.size()] = sample;
  }
  /// Another server, or the same after a restart: its clock has another origin.
  void forget() { *this = ServerClock(); }

  bool is_known() const { return count_ > 0; }
  /// The shortest of late; zero while unknown.
  Duration round_trip() const { return Duration{count_ == 0 ? 0 : best().round_trip_ns}; }
  /// The server's time at an instant of ours, in nanoseconds of its clock.
  int64_t at(Instant now) const { return now.ns + (count_ == 0 ? 0 : best().offset_ns); }
  /// What to tell the server.
  ClientHeartbeat heartbeat(Instant now) const {
    ClientHeartbeat message;
    message.client_time_ns = static_cast<uint64_t>(now.ns);
    message.echo_ns = last_server_ns_;
    if (last_server_ns_ != 0) {
      message.echo_age_ns = static_cast<uint64_t>((now - last_server_at_).ns);
    }
    return message;
  }

 private:
  struct Sample {
    int64_t round_trip_ns = INT64_MAX;
    int64_t offset_ns = 0;
  };
  const Sample& best() const {
    return *std::min_element(
        samples_.begin(), samples_.end(),
        [](const Sample& a, const Sample& b) { return a.round_trip_ns < b.round_trip_ns; });
  }
  std::array<Sample, 8> samples_;
  uint64_t count_ = 0;
  uint64_t last_server_ns_ = 0;
  Instant last_server_at_;
};

}  // namespace ecsdb
