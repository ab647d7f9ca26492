// The world of a simulation: virtual time, the event heap, and the seed's random streams.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "ecsdb/base/prng.h"
#include "ecsdb/base/time.h"
#include "ecsdb/sim/trace.h"

namespace ecsdb::sim {

/// Something that events are addressed to. Registered with World::add_target; never owned by it.
class EventTarget {
 public:
  /// An event is due. `now` carries this target's own wall clock.
  virtual void on_event(uint32_t kind, uint64_t argument, Now now) = 0;

 protected:
  ~EventTarget() = default;
};

/// Handle of a registered target; never reused within a world.
using TargetId = uint32_t;

struct WorldOptions {
  uint64_t seed = 1;
  /// Serve events of the same instant in an order drawn from the seed instead of first scheduled,
  /// first served.
  bool permute_ties = false;
  /// Wall clock of an unskewed node at instant zero.
  int64_t wall_origin_ms = 1'750'000'000'000;
  TraceLogWindow trace_log = {};
};

/// Virtual time and everything that is scheduled in it. Event-driven: idle time costs nothing. An
/// event is a 32-byte value in a 4-ary heap, so scheduling allocates nothing in steady state.
/// Single-threaded; targets outlive their registration.
class World {
 public:
  /// More events than this without time passing is a live-lock, reported by run_until().
  static constexpr uint64_t kEventsPerInstantMax = 5'000'000;

  explicit World(const WorldOptions& options);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Instant now() const { return now_; }
  /// What `target` sees as now: the shared steady clock and its own wall clock.
  Now now_of(TargetId target) const;

  TargetId add_target(EventTarget& target);
  /// Pending events of the target are dropped when they come up.
  void remove_target(TargetId target);
  /// Shifts the wall clock of one target; its steady clock is unaffected.
  void set_wall_skew(TargetId target, Duration skew);

  /// Schedules an event; an instant in the past means now. It cannot be taken back: use a Timer.
  void schedule(Instant at, TargetId target, uint32_t kind, uint64_t argument);

  /// Serves the next event. False if there is none.
  bool step();
  /// Serves all events up to and including `end`, then sets the time to `end`. False if the world
  /// is stuck at one instant (see stuck_target()); the time then stays there.
  [[nodiscard]] bool run_until(Instant end);
  /// Instant of the next event, or never.
  Instant next_event_at() const { return heap_.empty() ? Instant::never() : heap_.front().at; }
  /// After run_until() failed: the target whose event came up last.
  TargetId stuck_target() const { return last_target_; }
  size_t pending_events() const { return heap_.size(); }

  /// A random stream of its own for a subsystem or an entity; see Prng::stream.
  Prng stream(std::string_view name, uint64_t index = 0) const { return root_.stream(name, index); }
  uint64_t seed() const { return seed_; }
  Trace& trace() { return trace_; }
  const Trace& trace() const { return trace_; }

 private:
  struct Event {
    Instant at;
    uint64_t order;  // the sequence number, or a bijection of it when ties are permuted
    TargetId target;
    uint32_t kind;
    uint64_t argument;

    bool before(const Event& other) const {
      return at.ns != other.at.ns ? at.ns < other.at.ns : order < other.order;
    }
  };
  struct Target {
    EventTarget* target = nullptr;  // null once removed
    int64_t skew_ms = 0;
  };

  Event pop();

  uint64_t seed_;
  Prng root_;
  uint64_t tie_salt_ = 0;  // 0: ties in order of scheduling
  int64_t wall_origin_ms_;
  Instant now_;
  uint64_t sequence_ = 0;
  TargetId last_target_ = 0;
  std::vector<Event> heap_;
  std::vector<Target> targets_;
  Trace trace_;
};

/// One deadline of a target that can be moved and taken back. Moving it later costs nothing: the
/// pending event comes up early and is scheduled again. Events that were superseded are recognised
/// by their argument. A value; the world holds no pointer to it.
class Timer {
 public:
  /// Before any use: whose event it is. The kind must belong to this timer alone.
  void bind(TargetId target, uint32_t kind) {
    target_ = target;
    kind_ = kind;
  }
  void arm(World& world, Instant at);
  void disarm() { deadline_ = Instant::never(); }
  bool armed() const { return deadline_ != Instant::never(); }
  /// Never if not armed.
  Instant deadline() const { return deadline_; }
  /// To be called with each event of the timer's kind: true if the deadline is reached, and the
  /// timer is then disarmed.
  bool expired(World& world, uint64_t argument);

 private:
  Instant deadline_ = Instant::never();
  Instant pending_ = Instant::never();  // when the live event comes up
  uint64_t generation_ = 0;             // argument of the live event
  TargetId target_ = 0;
  uint32_t kind_ = 0;
};

}  // namespace ecsdb::sim
