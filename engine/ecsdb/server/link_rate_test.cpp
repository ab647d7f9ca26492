#include "ecsdb/server/link_rate.h"

#include <deque>
#include <gtest/gtest.h>

namespace ecsdb {
namespace {

/// A sender with as much to send as it may, and a link that carries so many bytes a second and
/// takes so long to get there and back.
class Link {
 public:
  Link(uint64_t bytes_per_second, Duration trip) : rate_(bytes_per_second), trip_(trip) {}

  void set(uint64_t bytes_per_second, Duration trip) {
    rate_ = bytes_per_second;
    trip_ = trip;
  }
  /// Sends for so long; `most` bytes in all.
  void run(Duration time, uint64_t most = ~uint64_t{0}) {
    const Instant end = now_ + time;
    uint64_t sent = 0;
    worst_queue_ = Duration{};
    acked_in_run_ = 0;
    while (true) {
      while (unacked_ < link.window_bytes(options) && sent < most) {
        const size_t bytes = std::min<uint64_t>(link.chunk_bytes(options), most - sent);
        send(bytes);
        sent += bytes;
      }
      if (on_the_way_.empty() || on_the_way_.front().acked_at > end) break;
      now_ = on_the_way_.front().acked_at;
      while (!on_the_way_.empty() && on_the_way_.front().acked_at == now_) {
        unacked_ -= on_the_way_.front().bytes;
        acked_in_run_ += on_the_way_.front().bytes;
        on_the_way_.pop_front();
      }
      link.on_acked(unacked_, options, now_);
    }
    now_ = end;
  }
  Duration worst_queue() const { return worst_queue_; }  // of the last run
  uint64_t acked() const { return acked_in_run_; }
  Duration queue() const { return std::max(busy_until_ - now_, Duration{}); }

  LinkRate link;
  ServerOptions options;

 private:
  void send(size_t bytes) {
    busy_until_ =
        std::max(busy_until_, now_) + Duration{static_cast<int64_t>(bytes * 1'000'000'000 / rate_)};
    on_the_way_.push_back({bytes, busy_until_ + trip_});
    unacked_ += bytes;
    worst_queue_ = std::max(worst_queue_, busy_until_ - now_);
    link.on_accepted(bytes, options, now_);
  }
  struct Sent {
    size_t bytes;
    Instant acked_at;
  };
  uint64_t rate_;
  Duration trip_;
  Instant now_{1'000'000'000};
  Instant busy_until_;
  std::deque<Sent> on_the_way_;
  uint64_t unacked_ = 0;
  Duration worst_queue_;
  uint64_t acked_in_run_ = 0;
};

TEST(LinkRate, SlowLinkIsKeptBusyWithAShortQueue) {
  for (const uint64_t rate : {50'000, 100'000, 1'000'000}) {
    for (const int64_t trip : {1, 20, 80}) {
      SCOPED_TRACE(std::to_string(rate) + " bytes/s, " + std::to_string(trip) + " ms");
      Link link(rate, Duration::ms(trip));
      link.run(Duration::ms(500), 300);  // a handshake
      link.run(Duration::seconds(2));
      // The first windows of a new connection may be too much for it.
      EXPECT_LE(link.worst_queue().to_ms(), 700);
      link.run(Duration::seconds(7));
      const int64_t chunk_ms = std::max<int64_t>(20, 4096 * 1000 / static_cast<int64_t>(rate) + 1);
      EXPECT_LE(link.worst_queue().to_ms(), 105 + 2 * chunk_ms);
      EXPECT_GE(link.acked(), 7 * rate * 97 / 100);
      // The queue does not creep in the long run, and looking for it costs little. (When the link
      // was empty for that, a whole window is sent at once.)
      link.run(Duration::seconds(100));
      EXPECT_LE(link.worst_queue().to_ms(), 105 + trip + 2 * chunk_ms);
      EXPECT_GE(link.acked(), 100 * rate * 95 / 100);
      EXPECT_GE(link.link.bytes_per_second(), rate * 9 / 10);
      EXPECT_LE(link.link.bytes_per_second(), rate * 11 / 10);
    }
  }
}

TEST(LinkRate, FastLinkGetsTheWholeWindowAtOnce) {
  Link link(500'000'000, Duration::us(100));
  link.run(Duration::us(200), 300);
  link.run(Duration::ms(2));
  EXPECT_EQ(link.link.window_bytes(link.options), kUnackedBytesMax);
  EXPECT_EQ(link.link.chunk_bytes(link.options), link.options.sync_chunk_bytes);
  // Time that stands still is a link without limits.
  LinkRate still;
  still.on_accepted(100, {}, Instant{5});
  still.on_acked(0, {}, Instant{5});
  EXPECT_EQ(still.window_bytes({}), kUnackedBytesMax);
}

TEST(LinkRate, LongLinkDoublesWithEachWindow) {
  Link link(100'000'000, Duration::ms(200));
  link.run(Duration::ms(250), 300);
  EXPECT_EQ(link.link.window_bytes(link.options), 16u * 1024);
  // 16, 32, 64 and 128 KiB: four round trips until it is open.
  link.run(Duration::ms(4 * 200 + 20));
  EXPECT_EQ(link.link.window_bytes(link.options), kUnackedBytesMax);
}

TEST(LinkRate, LinkThatGetsSlowerIsFoundOut) {
  Link link(2'000'000, Duration::ms(20));
  link.run(Duration::seconds(5));
  link.set(100'000, Duration::ms(20));
  link.run(Duration::seconds(12));
  link.run(Duration::seconds(5));
  EXPECT_LE(link.worst_queue().to_ms(), 190);
  EXPECT_GE(link.acked(), 5 * 100'000 * 9 / 10);
  link.set(2'000'000, Duration::ms(20));
  link.run(Duration::seconds(3));
  link.run(Duration::seconds(5));
  EXPECT_GE(link.acked(), 5 * 2'000'000 * 9 / 10);
}

TEST(LinkRate, LinkThatGetsLongerIsFoundOut) {
  Link link(500'000, Duration::ms(10));
  link.run(Duration::seconds(5));
  link.set(500'000, Duration::ms(300));
  link.run(Duration::seconds(25));
  link.run(Duration::seconds(5));
  EXPECT_GE(link.acked(), 5 * 500'000 * 9 / 10);
  EXPECT_GE(link.link.round_trip(), Duration::ms(290));
}

// Replies and heartbeats are never held back, so a longer link may never be empty: it has to be
// found out all the same.
TEST(LinkRate, LinkThatGetsLongerIsFoundOutAlthoughHeartbeatsAreAlwaysOnTheirWay) {
  for (const auto& [period, trip] : {std::pair(Duration::seconds(1), Duration::ms(1500)),
                                     std::pair(Duration::ms(62), Duration::ms(100))}) {
    LinkRate link;
    const ServerOptions options;
    Instant now{1'000'000'000};
    std::deque<std::pair<Instant, size_t>> on_the_way;  // when it is acknowledged
    uint64_t unacked = 0;
    uint64_t advances = 0;
    const auto run = [&](Duration time, Duration each_trip, Duration each_period) {
      advances = 0;
      Instant next_small = now;
      for (const Instant end = now + time; now < end; now = now + Duration::ms(1)) {
        while (!on_the_way.empty() && on_the_way.front().first <= now) {
          unacked -= on_the_way.front().second;
          on_the_way.pop_front();
          link.on_acked(unacked, options, now);
        }
        const bool is_tick = (now.ns / 1'000'000) % 16 == 0;
        size_t bytes = 0;
        if (is_tick && unacked < link.window_bytes(options)) {
          bytes = 200;
          ++advances;
        } else if (now >= next_small) {
          bytes = 40;
        }
        if (now >= next_small) next_small = now + each_period;
        if (bytes == 0) continue;
        on_the_way.emplace_back(now + each_trip, bytes);
        unacked += bytes;
        link.on_accepted(bytes, options, now);
      }
    };
    run(Duration::seconds(5), trip / 2, period);
    EXPECT_GT(advances, 250u);
    run(Duration::seconds(30), trip, period);  // longer from now on
    run(Duration::seconds(30), trip, period);
    EXPECT_GT(advances, 1000u) << period.to_ms();
  }
}

// A client that is live and sent little must not shut the window for what comes.
TEST(LinkRate, LittleToSendDoesNotLowerTheEstimate) {
  Link link(1'000'000, Duration::ms(50));
  link.run(Duration::seconds(3));
  const uint64_t rate = link.link.bytes_per_second();
  for (int i = 0; i < 200; ++i) link.run(Duration::ms(100), 200);
  EXPECT_GE(link.link.bytes_per_second(), rate * 9 / 10);
}

TEST(LinkRate, ConfiguredBoundsHold) {
  LinkRate link;
  ServerOptions options;
  options.sync_chunk_bytes = 256;
  options.unacked_bytes_max = 300;
  EXPECT_EQ(link.chunk_bytes(options), 256u);
  EXPECT_EQ(link.window_bytes(options), 300u);
  link.on_accepted(100, options, Instant{5});
  link.on_acked(0, options, Instant{5 + Duration::seconds(3600).ns});  // nearly nothing a second
  EXPECT_EQ(link.chunk_bytes(options), 256u);
  EXPECT_EQ(link.window_bytes(options), 300u);
  EXPECT_EQ(link.chunk_bytes({}), 4096u);
}

}  // namespace
}  // namespace ecsdb
