// All links of a world, and the faults that a plan does to them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ecsdb/base/ids.h"
#include "ecsdb/sim/fault_plan.h"
#include "ecsdb/sim/sim_link.h"
#include "ecsdb/sim/weather.h"
#include "ecsdb/sim/world.h"

namespace ecsdb::sim {

/// What the owner of clients and server does about faults that are not the network's. Called from
/// the world's event loop.
class ProcessFaults {
 public:
  /// The client's process is gone; its links have been cut already. It must not dial until restart.
  virtual void on_crash(uint32_t client, Now now) = 0;
  virtual void on_restart(uint32_t client, Now now) = 0;
  /// The wall clock is off by this much from now on; zero when it is over.
  virtual void on_clock_skew(uint32_t client, Duration skew, Now now) = 0;
  /// The client serves its work this much late from now on; zero when it is over.
  virtual void on_slow(uint32_t client, Duration delay, Now now) = 0;
  /// The process stands still from now on, or goes on; while it does, its links deliver nothing.
  virtual void on_pause(uint32_t client, bool paused, Now now) = 0;
  /// Of the client's principal, for connections to come.
  virtual void on_rights_change(uint32_t client, int64_t variant, Now now) = 0;
  /// The server's process is gone; its links have been cut already and dials are refused.
  virtual void on_server_down(Now now) = 0;
  /// A new one must call set_server.
  virtual void on_server_up(bool other_schema, Now now) = 0;

 protected:
  ~ProcessFaults() = default;
};

/// Connects numbered clients with one server and applies a FaultPlan. A fault of a path (partition,
/// stall, latency, bandwidth, short accepts, splits) holds for all links of a client, present and
/// future, until its end; overlapping faults of a kind last until the later end, with the newer
/// parameters. At heal_at every fault is over, whatever the plan says. Owns the links. The faults'
/// targets and `process_faults` outlive it. Not thread-safe.
class SimNetwork final : public EventTarget {
 public:
  SimNetwork(World& world, uint32_t clients, const LinkConditions& base,
             ProcessFaults& process_faults);
  ~SimNetwork();
  SimNetwork(const SimNetwork&) = delete;
  SimNetwork& operator=(const SimNetwork&) = delete;

  /// Base conditions of a weather: its latency, jitter and bandwidth, both ways.
  static LinkConditions conditions_of(const Weather& weather);

  /// Who accepts connections from now on; a null handler refuses them.
  void set_server(LinkEndpoint server) { server_ = server; }
  /// Schedules the faults of a plan and its heal. At most once, before the world runs; the plan
  /// must satisfy check_fault_plan for this number of clients.
  void start(const FaultPlan& plan);

  /// Starts a connection attempt; the handler hears how it ends.
  LinkId dial(uint32_t client, LinkEndpoint endpoint);
  /// See SimLink. A link that is gone accepts nothing and closes silently.
  size_t offer(LinkId link, LinkSide side, std::span<const ByteSpan> parts);
  void close(LinkId link, LinkSide side);
  /// The link, or null if it is gone. Valid until the next dial.
  SimLink* find(LinkId link);
  /// Which client dialled it; the link must exist.
  uint32_t client_of(LinkId link) const;
  size_t live_links() const;
  bool crashed(uint32_t client) const { return paths_[client].crashed; }
  /// No path has a fault: what must hold after heal.
  bool calm() const;

  /// Applies one fault now; its end is scheduled. For hand-made scenarios; start() does it alone.
  void apply(const FaultEvent& event);
  /// Ends every fault of one client at once, and restarts it if it is down.
  void heal(uint32_t client);

  void on_event(uint32_t kind, uint64_t argument, Now now) override;

 private:
  enum EventKind : uint32_t { kNextFault, kFaultEnds, kHealAll, kServerUp };

  /// One kind of fault of one path: in force until `until`.
  struct ActiveFault {
    Instant until;  // zero: not in force
    int64_t first = 0;
    int64_t second = 0;
  };
  struct Path {
    // A partition or stall is kept per direction or side, everything else in slot 0.
    ActiveFault active[kFaultKinds][2];
    bool crashed = false;
    std::vector<LinkId> links;
  };
  struct Slot {
    std::unique_ptr<SimLink> link;
    uint32_t client = 0;
    uint32_t generation = 0;
  };

  void apply_to(uint32_t client, const FaultEvent& event);
  void break_links(uint32_t client, const FaultEvent& event);
  void begin(uint32_t client, const FaultEvent& event);
  void begin_slot(uint32_t client, const FaultEvent& event, size_t slot);
  void crash(uint32_t client, bool silent);
  void take_server_down(const FaultEvent& event);
  void bring_server_up();
  void end_due_faults(uint32_t client);
  void end_fault(uint32_t client, FaultKind kind);
  void refresh(uint32_t client);
  LinkConditions conditions_now(uint32_t client) const;
  void sweep(uint32_t client);
  void count(FaultKind kind);

  World& world_;
  LinkConditions base_;
  ProcessFaults& process_faults_;
  LinkEndpoint server_;
  bool server_down_ = false;
  bool other_schema_ = false;  // of the one that comes up
  TargetId target_;
  Prng link_rng_;
  uint64_t dials_ = 0;
  FaultPlan plan_;
  bool started_ = false;
  std::vector<Path> paths_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
};

}  // namespace ecsdb::sim
