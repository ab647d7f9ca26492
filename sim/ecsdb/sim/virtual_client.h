// The shipping client on simulated links, with its habits, its faults and its checkers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ecsdb/client/client.h"
#include "ecsdb/sim/area_user.h"
#include "ecsdb/sim/checkers/atomic_reads.h"
#include "ecsdb/sim/checkers/event_order.h"
#include "ecsdb/sim/checkers/filtered_prefix.h"
#include "ecsdb/sim/checkers/history_agreement.h"
#include "ecsdb/sim/checkers/monotonic_cut.h"
#include "ecsdb/sim/checkers/no_faults.h"
#include "ecsdb/sim/checkers/no_useless_work.h"
#include "ecsdb/sim/checkers/shadow_rows.h"
#include "ecsdb/sim/client_interest.h"
#include "ecsdb/sim/client_recorder.h"
#include "ecsdb/sim/server_life.h"
#include "ecsdb/sim/sim_network.h"
#include "ecsdb/sim/write_user.h"

namespace ecsdb::sim {

/// The smallest differences in what the first client does, to prove that a trace shows them.
enum class Nudge : uint8_t {
  kNone,
  kByte,   // one byte of its auth message
  kTimer,  // its heartbeats come a nanosecond later
  kApply,  // it applies what arrived a nanosecond later
};

/// What a virtual client needs of the world around it. Everything outlives it.
struct ClientSurroundings {
  World& world;
  SimNetwork& network;
  const std::vector<std::unique_ptr<ServerLife>>& lives;  // the last one is now; never empty
  NoFaults& no_faults;
  ViolationLog& violations;
  ClientRecorder* recorder = nullptr;
  Nudge nudge = Nudge::kNone;  // of this client
};

/// One application with a client in it. Its process may crash and start anew; what it wants to
/// subscribe to outlives that.
class VirtualClient final : public EventTarget, public EndpointHandler {
 public:
  VirtualClient(ClientSurroundings surroundings, uint32_t index, ClientIdentity identity);
  ~VirtualClient();
  VirtualClient(const VirtualClient&) = delete;
  VirtualClient& operator=(const VirtualClient&) = delete;

  /// Schedules the process's start.
  void start(Instant at);
  void crash();
  void restart();
  /// Polls this much after something arrived; zero is at once, or as is the client's habit.
  void set_delay(Duration delay);
  /// Stands still, or goes on with what it missed.
  void set_paused(bool paused);
  /// No more changes of subscriptions and no more voluntary leaving from now on.
  void calm_down();

  /// Why the client is not a live and exact image of the head; nothing if it is.
  std::optional<std::string> unfinished();
  /// Compares everything, by values.
  void compare_all();

  uint32_t index() const { return index_; }
  PrincipalId principal() const { return interest_.identity().principal; }
  bool running() const { return client_ != nullptr; }
  /// Whose clock it reads.
  TargetId target() const { return target_; }
  /// Changes of subscriptions while a process ran.
  uint64_t resubscriptions() const { return resubscriptions_; }
  const WriteUser& writes() const { return writes_; }
  uint64_t events_told() const { return events_.told(); }
  /// Sums over all of its processes.
  ClientStats totals() const;

  void on_event(uint32_t kind, uint64_t argument, Now now) override;
  void on_connected(LinkId link, Now now) override;
  void on_bytes(LinkId link, ByteSpan bytes, Now now) override;
  void on_writable(LinkId link, Now now) override;
  void on_closed(LinkId link, LinkEnd end, Now now) override;

 private:
  enum EventKind : uint32_t { kStart, kTimer, kPoll, kChange, kLeave, kReturn, kArea, kWrite };
  struct Line {
    LinkId number;    // the client's own
    LinkId link;      // the network's
    size_t life = 0;  // of the server that it leads to
    bool blocked = false;
  };
  /// Where what is shown came from.
  struct Source {
    LinkId link;
    size_t life = 0;
  };

  /// What a link told while the process stood still.
  struct Missed {
    enum class Kind : uint8_t { kConnected, kWritable, kClosed } kind;
    LinkId link;
    LinkEnd end = LinkEnd::kReset;
  };

  Line* find(LinkId link);
  bool defer(uint32_t kind, uint64_t argument, const Now& now);
  Now now() const { return world_.now_of(target_); }
  void launch(const Now& now);
  ClientOptions client_options() const;
  void connect(const Now& now);
  void subscribe(InterestEntry entry, const Now& now);
  void change_subscriptions(const Now& now);
  void unsubscribe(SubscriptionId id, const Now& now);
  void use_areas(const Now& now);
  void listen();
  void shout(const Now& now);
  void arm_habits();
  void serve_arrival(const Now& now);
  void poll(const Now& now);
  void settle(const Now& now);
  void take_events(const Now& now);
  void take_event(const ClientEvent& event);
  bool is_expected(const ClientEvent& event) const;
  void check_reset(const ClientEvent& event, const Now& now);
  bool poll_step(const Now& now);
  void check_cut(const Now& now);
  /// The life that the present connection belongs to.
  ServerLife& life() const { return *lives_[lines_.empty() ? shown_.life : lines_.back().life]; }
  void dial(LinkId number);
  bool pump(size_t at, const Now& now);
  void arm_timer();

  World& world_;
  SimNetwork& network_;
  const std::vector<std::unique_ptr<ServerLife>>& lives_;
  NoFaults& no_faults_;
  ClientRecorder* recorder_;  // may be null
  const Nudge nudge_;
  uint32_t index_;
  TargetId target_;
  Prng rng_;
  Timer timer_;
  Timer poll_timer_;
  Duration habit_delay_;
  Duration fault_delay_;
  bool restless_ = false;   // changes subscriptions while it runs
  bool traveller_ = false;  // leaves and comes back
  bool watched_ = false;    // has callbacks
  bool calm_ = false;
  bool away_ = false;
  bool paused_ = false;
  bool missed_timer_ = false;
  bool missed_poll_ = false;
  std::vector<Missed> missed_;
  uint64_t launches_ = 0;
  uint64_t resubscriptions_ = 0;
  ClientInterest interest_;
  Prng rng_shouts_;
  AreaUser areas_;
  WriteUser writes_;
  bool uses_writes_ = false;
  bool uses_areas_ = false;  // those who record are replayed by clients that know none
  std::unique_ptr<Client> client_;
  std::vector<Line> lines_;  // the last one is the present one, the others say goodbye
  Source heard_;             // from whom bytes came last
  Source shown_;
  ClientStats past_;  // of processes that are gone
  FilteredPrefix prefix_;
  HistoryAgreement history_;
  MonotonicCut monotonic_;
  AtomicReads atomic_;
  NoUselessWork useless_;
  ShadowRows shadow_;
  EventOrder events_;
  size_t event_life_ = 0;
  uint64_t shouts_ = 0;
  Instant polled_at_;
};

}  // namespace ecsdb::sim
