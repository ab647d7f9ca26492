// One simulated connection: an ordered byte stream each way between a client and a server, with the
// faults that real ones have.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/ids.h"
#include "ecsdb/base/prng.h"
#include "ecsdb/base/time.h"
#include "ecsdb/sim/sim_pipe.h"
#include "ecsdb/sim/world.h"

namespace ecsdb::sim {

/// The two ends. A direction is named by the side that sends.
enum class LinkSide : uint8_t { kClient = 0, kServer = 1 };

constexpr LinkSide other_side(LinkSide side) {
  return side == LinkSide::kClient ? LinkSide::kServer : LinkSide::kClient;
}

std::string_view link_end_name(LinkEnd end);

/// What a driver implements to use a link: it passes these on to the product's machine. Called from
/// the world's event loop only, never from inside offer(), close() or a fault.
class EndpointHandler {
 public:
  /// The connection stands (at the server: was accepted). A dial ends in this or in on_closed.
  virtual void on_connected(LinkId link, Now now) = 0;
  /// Any slice of the peer's stream. The bytes are valid during the call.
  virtual void on_bytes(LinkId link, ByteSpan bytes, Now now) = 0;
  /// Follows a short accept, once there is room again.
  virtual void on_writable(LinkId link, Now now) = 0;
  /// The last call for this link; does not follow a close() of one's own.
  virtual void on_closed(LinkId link, LinkEnd end, Now now) = 0;

 protected:
  ~EndpointHandler() = default;
};

/// One end: who is called, and whose clock it reads. The handler outlives its part in the link,
/// which ends with on_closed, or with close(), abort() or vanish() of its side.
struct LinkEndpoint {
  EndpointHandler* handler = nullptr;  // null at the server: connection refused
  TargetId clock = 0;                  // the world's target whose wall clock is shown
};

/// The line in one direction.
struct LineConditions {
  Duration latency = Duration::ms(20);  // one way, the least
  Duration jitter = Duration::ms(2);    // mean of an exponential part on top
  uint64_t bytes_per_second = 0;        // 0: no limit
  bool blocked = false;                 // bytes are held, in order, until it ends (a partition)

  bool operator==(const LineConditions&) const = default;
};

/// Everything about a link that faults change.
struct LinkConditions {
  LineConditions line[2];                   // by sending side
  bool reader_stalled[2] = {false, false};  // by side: reads nothing, learns nothing
  bool short_accepts = false;               // offers accept any prefix although there is room
  bool split_bytes = false;                 // deliveries are cut anywhere and spread in time
  uint32_t cut_after_bytes = 0;             // that reached the client: then it breaks; 0: never
  uint32_t send_buffer_bytes = 256 * 1024;  // per direction; more is not accepted
  Duration connect_timeout = Duration::seconds(5);

  bool operator==(const LinkConditions&) const = default;
};

/// A link from its dial to its end. The transport contract: bytes arrive in order, cut and joined
/// anywhere; offers may be accepted in part; on_writable follows such an offer; a close may lose
/// any suffix; one side may never learn of it; nothing is delivered after a close of one's own.
/// While nothing breaks the link all accepted bytes arrive.
///
/// All faults act at once and call nobody; their effects come as events. Not thread-safe. Must not
/// be destroyed inside a callback of its own (see in_callback()).
class SimLink final : public EventTarget {
 public:
  /// Starts to connect, which takes one round trip.
  SimLink(World& world, LinkId id, LinkEndpoint client, LinkEndpoint server,
          const LinkConditions& conditions, Prng rng);
  ~SimLink();
  SimLink(const SimLink&) = delete;
  SimLink& operator=(const SimLink&) = delete;

  /// Sends a prefix of the gathered parts and returns its length in bytes: less than offered if
  /// the buffer is full or by a fault, and 0 if this side is not open. on_writable follows a short
  /// accept unless the link is dead. Not to be called from inside the peer's on_bytes.
  size_t offer(LinkSide side, std::span<const ByteSpan> parts);
  /// Graceful: the peer learns after the last accepted byte. No callback to `side` follows.
  void close(LinkSide side);

  /// The process of `side` dies: the peer learns by a reset, perhaps before the last bytes.
  void abort(LinkSide side);
  /// The host of `side` dies: the peer never learns.
  void vanish(LinkSide side);
  /// Both sides learn, each at a time of its own; any suffix is lost.
  void reset();
  /// As reset(), but `unaware` never learns: its bytes are accepted until its buffer is full.
  void half_open(LinkSide unaware);
  /// From now on nothing that `sender` sends arrives; neither side is told.
  void lose_direction(LinkSide sender);
  /// Replaces the conditions. Whatever was held goes on in order.
  void set_conditions(const LinkConditions& conditions);

  LinkId id() const { return id_; }
  bool open(LinkSide side) const { return state_[index(side)] == State::kOpen; }
  /// Both sides are done with it; no callback follows.
  bool finished() const { return state_[0] == State::kClosed && state_[1] == State::kClosed; }
  bool in_callback() const { return callback_depth_ > 0; }
  /// The stream that `sender` feeds.
  const SimPipe& pipe(LinkSide sender) const { return pipes_[index(sender)]; }
  const LinkConditions& conditions() const { return conditions_; }

  void on_event(uint32_t kind, uint64_t argument, Now now) override;

 private:
  enum class State : uint8_t { kConnecting, kOpen, kClosed };
  enum TimerKind : uint32_t { kDeliver = 0, kWritable = 2, kLearn = 4, kConnect = 6, kTimeout = 8 };
  static constexpr size_t kTimers = 9;

  static constexpr size_t index(LinkSide side) { return static_cast<size_t>(side); }
  Timer& timer(TimerKind kind, LinkSide side) { return timers_[kind + index(side)]; }
  uint64_t subject(LinkSide side) const { return id_.value * 2 + index(side); }
  Duration sample_latency(LinkSide sender);

  void start_handshake();
  void finish_handshake(LinkSide side);
  void deliver(LinkSide receiver);
  void deliver_piece(LinkSide receiver, ByteSpan piece);
  size_t piece_size(size_t available);
  bool held(LinkSide receiver) const;
  void schedule_delivery(LinkSide receiver);
  void note_room(LinkSide sender);
  bool break_if_due();
  void learn(LinkSide side);
  void learn_later(LinkSide side);
  void lose_suffix(LinkSide sender);
  void end_side(LinkSide side, LinkEnd reason);
  void leave(LinkSide side);
  void settle();

  World& world_;
  LinkId id_;
  LinkEndpoint endpoints_[2];
  LinkConditions conditions_;
  Prng rng_;
  TargetId target_;
  State state_[2] = {State::kConnecting, State::kConnecting};
  bool wants_room_[2] = {false, false};     // by sender: a short accept has not been answered
  bool learn_pending_[2] = {false, false};  // by side: a reset to learn of once it reads again
  bool delivering_[2] = {false, false};     // by sender: its peer is inside on_bytes
  bool answered_ = false;                   // the client's request reached a listener
  bool broken_ = false;                     // by cut_after_bytes
  int callback_depth_ = 0;
  SimPipe pipes_[2];  // by sender
  Timer timers_[kTimers];
};

}  // namespace ecsdb::sim
