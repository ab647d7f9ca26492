// What a link carries, estimated from acknowledgements; and how much to have on its way.
#pragma once

#include <algorithm>
#include <cstdint>

#include "ecsdb/base/time.h"
#include "ecsdb/server/options.h"

namespace ecsdb {

/// Round by round: a mark is set behind what the link has accepted; when that is acknowledged, the
/// time since is a sample of the round trip, and what was acknowledged meanwhile one of the rate.
/// Integers only.
///
/// The window is what the link carries in a round trip and 100 ms: it is never idle, and what is
/// newer (a heartbeat, the next state) waits for no more than that. It begins small and doubles
/// with each window that is acknowledged, until that makes nothing faster. Rounds that did not fill
/// the window say what the link carries at least, and never lower the estimate.
///
/// A round trip that is measured behind a queue of our own contains the queue. So the least one
/// counts; and when it has not been seen for 10 s, for one round nothing is built before what was
/// sent is acknowledged, so that it can be: a link that became longer is found out. Replies and
/// heartbeats go out all the same, so that the link need not be empty for that.
class LinkRate {
 public:
  void on_accepted(size_t bytes, const ServerOptions& options, Instant now) {
    accepted_ += bytes;
    // What goes out in one go is one mark: it moves on until something is acknowledged.
    if (has_mark_ && acked_ != acked_at_mark_) return;
    has_mark_ = true;
    mark_ = accepted_;
    marked_at_ = now;
    acked_at_mark_ = acked_;
    was_drained_ = is_drained_;
    const uint64_t on_the_way = accepted_ - acked_;
    is_full_ = on_the_way + on_the_way / 4 >= window_bytes(options);
  }
  /// `unacked`: bytes that were accepted and are not acknowledged.
  void on_acked(uint64_t unacked, const ServerOptions& options, Instant now) {
    acked_ = accepted_ - unacked;
    if (has_mark_ && acked_ >= mark_) end_round(options, now);
    if (is_probing_ && acked_ >= probed_from_) is_drained_ = true;
  }

  /// Bytes that may be accepted or queued and not acknowledged; at least 1.
  size_t window_bytes(const ServerOptions& options) const {
    if (is_probing_) return 1;
    uint64_t bytes = std::max<uint64_t>(carried_in(least_trip_ + kQueue), 2 * chunk_bytes(options));
    if (is_starting_) bytes = std::max(bytes, start_window_);
    return std::min<uint64_t>(bytes, options.unacked_bytes_max);
  }
  /// Size of the chunks of a sync.
  size_t chunk_bytes(const ServerOptions& options) const {
    const uint64_t least = std::min<uint64_t>(kChunkBytesMin, options.sync_chunk_bytes);
    return std::clamp<uint64_t>(carried_in(kChunk), least, options.sync_chunk_bytes);
  }
  uint64_t bytes_per_second() const { return rate_; }
  /// The least that was measured of late; zero before the first.
  Duration round_trip() const { return least_trip_; }

 private:
  static constexpr Duration kQueue = Duration::ms(100);
  static constexpr Duration kChunk = Duration::ms(20);
  static constexpr Duration kTripAge = Duration::seconds(10);
  static constexpr Duration kTripMax = Duration::seconds(10);
  static constexpr uint64_t kChunkBytesMin = 4 * 1024;
  static constexpr uint64_t kStartWindow = 16 * 1024;
  static constexpr uint64_t kRateMax = uint64_t{1} << 34;  // times kTripMax in us fits 64 bits

  uint64_t carried_in(Duration time) const {
    return rate_ * static_cast<uint64_t>(time.ns / 1000) / 1'000'000;
  }

  void end_round(const ServerOptions& options, Instant now) {
    has_mark_ = false;
    const Duration trip = std::clamp(now - marked_at_, Duration{0}, kTripMax);
    const bool counts = is_full_ && !is_probing_;
    take_trip(trip, now);
    const uint64_t bytes = std::min<uint64_t>(acked_ - acked_at_mark_, UINT32_MAX);
    const uint64_t rate =
        trip.ns == 0 ? kRateMax
                     : std::min(kRateMax, bytes * 1'000'000'000 / static_cast<uint64_t>(trip.ns));
    if (counts && is_starting_) {
      is_starting_ = rate >= rate_ + rate_ / 4 && trip <= least_trip_ + kQueue &&
                     start_window_ < options.unacked_bytes_max;
      start_window_ *= 2;
    }
    if (rate >= rate_) {
      rate_ = rate;
    } else if (counts) {
      rate_ -= (rate_ - rate) / 2;
    }
  }
  void take_trip(Duration trip, Instant now) {
    const bool is_new = !has_trip_ || was_drained_;
    if (is_new || trip <= least_trip_ + least_trip_ / 8 + Duration::ms(1)) {
      least_trip_ = is_new ? trip : std::min(least_trip_, trip);
      has_trip_ = true;
      trip_at_ = now;
      is_probing_ = is_drained_ = was_drained_ = false;
    } else if (!is_probing_ && now >= trip_at_ + kTripAge) {
      is_probing_ = true;
      probed_from_ = accepted_;
    }
  }

  uint64_t accepted_ = 0;
  uint64_t acked_ = 0;
  uint64_t rate_ = 0;  // bytes a second
  bool is_starting_ = true;
  uint64_t start_window_ = kStartWindow;
  // The round under way.
  bool has_mark_ = false;
  uint64_t mark_ = 0;
  Instant marked_at_;
  uint64_t acked_at_mark_ = 0;
  bool is_full_ = false;  // the window was, at the mark
  // The round trip.
  bool has_trip_ = false;
  Duration least_trip_;
  Instant trip_at_;           // when it was seen last
  bool is_probing_ = false;   // to be measured anew
  uint64_t probed_from_ = 0;  // what was accepted before that,
  bool is_drained_ = false;   // and nothing of it is on its way any more
  bool was_drained_ = false;  // when the mark was set
};

}  // namespace ecsdb
