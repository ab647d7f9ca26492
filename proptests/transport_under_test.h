// One connection of any transport, with both ends in this process, for the conformance suite.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <span>

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/prng.h"

namespace ecsdb::conformance {

enum class Side : uint8_t { kClient = 0, kServer = 1 };
constexpr Side kSides[] = {Side::kClient, Side::kServer};
constexpr Side other(Side side) { return side == Side::kClient ? Side::kServer : Side::kClient; }

enum class TransportName : uint8_t { kSim, kSimBadWeather, kTcp, kWebSocket };
std::ostream& operator<<(std::ostream& out, TransportName name);

/// The byte at an offset of the stream that `side` sends, so that what arrives is checked by place.
/// The first is 0xEC, by which a server knows a native stream.
uint8_t stream_byte(Side side, uint64_t offset);

/// What one end sends and sees. It offers the stream above up to a goal, in parts of random sizes,
/// and counts whatever the contract forbids in `breaches`.
class End {
 public:
  using Offer = std::function<size_t(std::span<const ByteSpan>)>;
  End(Side side, Prng rng, Offer offer) : side_(side), rng_(rng), offer_(std::move(offer)) {}

  void send(uint64_t count) {
    goal_ += count;
    pump();
  }
  void pump();

  // Callbacks of the transport.
  void on_open();
  void on_bytes(ByteSpan bytes);
  void on_writable();
  void on_closed();

  bool is_usable() const { return open && !left && closed == 0; }
  bool sent_all() const { return sent == goal_; }

  uint64_t sent = 0;      // accepted by the transport
  uint64_t received = 0;  // all of them right, or breaches counts
  uint64_t deliveries = 0;
  uint64_t short_accepts = 0;
  uint64_t writables = 0;
  uint64_t closed = 0;
  uint64_t breaches = 0;
  bool open = false;
  bool left = false;  // closed or aborted by this side: no callback may follow

 private:
  Side side_;
  Prng rng_;
  Offer offer_;
  uint64_t goal_ = 0;
  bool owed_writable_ = false;
};

/// Not thread-safe. All waiting is pumping with a deadline.
class TransportUnderTest {
 public:
  virtual ~TransportUnderTest() = default;

  virtual End& end(Side side) = 0;
  virtual void close(Side side) = 0;
  virtual void reset(Side side) = 0;
  /// While paused the side reads nothing and is told nothing.
  virtual void pause(Side side, bool paused) = 0;
  /// The other side goes away without this one being told. False if the transport cannot.
  virtual bool make_half_open(Side unaware) = 0;
  /// Lets a little happen. False when the deadline of the whole test is over.
  virtual bool step() = 0;
  /// Nothing is left of the connection at either end.
  virtual bool finished() const = 0;

  /// True as soon as `reached` holds; false if it does not before the deadline.
  bool pump_until(const std::function<bool()>& reached);
  /// Sends the first byte of the client and waits until both ends are open.
  bool connect();
};

std::unique_ptr<TransportUnderTest> make_transport(TransportName name, uint64_t seed);

}  // namespace ecsdb::conformance
