// One connection: its phase, and the sub-machines that do the work.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ecsdb/server/advance_writer.h"
#include "ecsdb/server/auth.h"
#include "ecsdb/server/catch_up.h"
#include "ecsdb/server/cell_blocks.h"
#include "ecsdb/server/event_ring.h"
#include "ecsdb/server/flow_control.h"
#include "ecsdb/server/full_sync.h"
#include "ecsdb/server/handshake.h"
#include "ecsdb/server/heartbeat.h"
#include "ecsdb/server/intake.h"
#include "ecsdb/server/interest.h"
#include "ecsdb/server/link_rate.h"
#include "ecsdb/server/replication_server.h"
#include "ecsdb/server/session_table.h"
#include "ecsdb/server/step_writer.h"
#include "ecsdb/server/throttle.h"
#include "ecsdb/server/write_desk.h"
#include "ecsdb/wire/frame.h"
#include "ecsdb/wire/outbox.h"

namespace ecsdb {

/// A connection that another one's input ends.
struct Eviction {
  LinkId link;
  Error why;
};

/// What sessions share: the state of the server around them. References live as long as the call.
struct SessionContext {
  Database& db;
  CellBlocks& blocks;
  const PublishRing& ring;
  CatchUp& catch_up;
  AdvanceWriter& writer;
  StepWriter& steps;
  std::vector<StepEntry>& entries;  // scratch of finish_step()
  const ServerOptions& options;
  const Authenticator& authenticator;
  ServerStats& stats;
  std::deque<ServerEvent>& events;
  SessionTable& sessions;
  SecretSource* secrets;             // may be null
  std::vector<Eviction>& evictions;  // to be done after the call
  uint64_t published_time_ns;        // commit time of the published version
  TotalBudget& budget;
  WriteDesk& desk;
  std::vector<Outcome>& news;  // scratch of send_outcomes()
  const EventRing& event_ring;
  std::deque<ClientMessage>& client_events;  // that its clients have sent
  uint8_t database;                          // that all this is of
  SessionContext* system = nullptr;          // of the system database, before authentication
};

/// A connection from link up to link gone. Methods are inputs unless said otherwise; after each the
/// owner looks at wants_output() and deadline().
class Session {
 public:
  enum class Phase : uint8_t {
    kPreface,
    kAuth,
    kReady,    // authenticated; nothing subscribed yet, or a resume is on its way
    kSyncing,  // the client holds nothing before this sync is complete
    kLive,
    kClosing,  // a goodbye is on its way; input is ignored
  };

  Session(LinkId link, const ServerOptions& options, const Now& now);

  /// Stops where authentication binds it to another database than the context's; then
  /// read_frames() goes on with that one's context, while `bytes` are still there.
  void on_bytes(SessionContext& context, ByteSpan bytes, const Now& now);
  void read_frames(SessionContext& context, const Now& now);
  void on_sent(SessionContext& context, size_t accepted, const Now& now);
  void on_timer(SessionContext& context, const Now& now);
  /// Sends a goodbye and closes when it is accepted, or after close_timeout.
  void close(SessionContext& context, Error why, const Now& now);

  /// True if the client stands, or can be treated as standing, at the published version and nothing
  /// keeps the next advance from being sent at once.
  bool is_in_step(const SessionContext& context, const Now& now) const;
  /// True if it is behind, but so little that the shared blocks of the next publish are worth being
  /// encoded for it.
  bool is_near(const SessionContext& context) const;
  /// Of the newest publish in the ring: a change of a cell that this connection holds.
  struct StepOffer {
    uint32_t handle;
    uint32_t change;
  };
  /// After a publish, of a connection that was in step: the advance to the new version.
  void finish_step(SessionContext& context, std::span<const StepOffer> offers, const Now& now);
  /// The same, of one that was not.
  void miss_step() { ++missed_; }
  /// In a publish, before its advances: one of the ring's that this connection is to have.
  void offer_event(const EventRing& ring, uint64_t number);
  bool is_for(const Database& db, const EventRing::Item& item) const;
  /// Fetches what finish_step() is going to use: a thousand sessions do not stay in the cache.
  void prefetch() const {
    out_.prefetch();
    interest_.prefetch();
  }
  /// Builds what the connection is ready for: sync chunks, the end of the sync, a net advance.
  void pump(SessionContext& context, const Now& now);
  /// The same, as the next that the budget of all together lets through.
  void pump_turn(SessionContext& context, const Now& now);
  /// Before the connection goes.
  void leave(SessionContext& context) {
    throttle_.leave(context.budget);
    if (writes_ != nullptr) context.desk.detach(client_);
    writes_ = nullptr;
  }

  // Getters.
  LinkId link() const { return link_; }
  Phase phase() const { return phase_; }
  uint8_t database() const { return database_; }
  bool is_open() const { return phase_ != Phase::kClosing; }
  ClientId client() const { return client_; }
  const Identity& identity() const { return identity_; }
  const std::string& client_name() const { return client_name_; }
  Interest& interest() { return interest_; }
  bool is_syncing() const { return sync_.active(); }
  const Error& closed_why() const { return closed_why_; }
  bool wants_output() const { return !out_.empty() || phase_ == Phase::kClosing; }
  StreamOutput output();
  Instant deadline(const ServerOptions& options) const;
  bool is_caught_up(Version published) const;

 private:
  bool has_window(const SessionContext& context) const;
  bool is_held_back(const Now& now) const;
  /// The last advance is, for certain. Acknowledged bytes do not tell: what came behind it counts.
  bool is_advance_applied() const {
    return flow_.unacked_bytes() == 0 || (advance_moved_ && flow_.acked_cut() >= sent_cut_);
  }
  void on_advance_written(Version to, const Now& now) {
    advance_moved_ = to > sent_cut_;
    sent_cut_ = to;
    missed_ = 0;
    heartbeat_.on_sent(now.steady);
  }
  bool is_outstanding() const { return !out_.empty() || flow_.unacked_bytes() > 0; }
  void tell(SessionContext& context, ServerEvent::Kind kind, std::string reason = {},
            ResetReason reset = ResetReason::kNone);
  Status on_frame(SessionContext& context, const Frame& frame, const Now& now);
  Status on_message(SessionContext& context, const Frame& frame, const Now& now);
  Status on_auth(SessionContext& context, ByteSpan head, const Now& now);
  Status admit(SessionContext& context, const Auth& auth, Identity identity, const Now& now);
  Status on_subscribe(SessionContext& context, ByteSpan head, const Now& now);
  Status on_ack(SessionContext& context, ByteSpan head, const Now& now);
  Status on_client_ready(SessionContext& context, ByteSpan head);
  Status on_goodbye(ByteSpan head, const Now& now);

  // session_resume.cpp: going on from what a client holds.
  Status on_resume(SessionContext& context, ByteSpan head, const Now& now);
  ResetReason judge_position(const SessionContext& context) const;
  bool keeps_sync(const SessionContext& context) const;
  bool is_good_for_sync(const SessionContext& context, const ResumeCell& cell) const;
  bool import_cells(SessionContext& context, bool with_sync);
  void reset(SessionContext& context, ResetReason reason);
  void go_on(SessionContext& context, bool with_sync);

  // session_sync.cpp: cells that enter in chunks.
  void start_sync(SessionContext& context);
  void pump_sync(SessionContext& context, const Now& now);
  void finish_sync(SessionContext& context, const Now& now);
  bool pending_is_large(const SessionContext& context) const;
  bool has_news(const SessionContext& context) const;
  bool is_trimmed(const SessionContext& context, uint32_t handle) const;
  bool needs_sync(const SessionContext& context) const;
  void replace_trimmed(SessionContext& context);

  // session_heartbeat.cpp
  Status on_client_heartbeat(ByteSpan head, const Now& now);
  Status on_refetch(SessionContext& context, ByteSpan head, const Now& now);
  void on_live_timer(SessionContext& context, const Now& now);
  void send_heartbeat(SessionContext& context, const Now& now);
  void send_digests(SessionContext& context, const Now& now);
  bool may_sample(const SessionContext& context) const;
  void add_digests(SessionContext& context, std::vector<DigestSample>& samples);

  // session_writes.cpp
  Status on_writes(SessionContext& context, ByteSpan head, const Now& now);
  Status refuse_write(SessionContext& context, const WriteRefused& refused);
  bool has_outcomes(const SessionContext& context) const;
  void send_outcomes(SessionContext& context, bool are_alone);
  void pump_outcomes(SessionContext& context);

  // session_events.cpp
  bool has_events() const { return !events_.empty() || events_missed_ > 0; }
  void lose_events(const EventRing& ring);
  void find_events(const SessionContext& context);
  bool is_ahead_of_rows(const SessionContext& context, const EventRing::Item& item) const;
  void send_events(SessionContext& context);
  Status on_client_events(SessionContext& context, ByteSpan head, const Now& now);
  bool take_client_event(SessionContext& context, const ClientEventEntry& entry, const Now& now);

  Status expect_reply_read(const char* what);
  /// What was put on the stream since the last call, for the budgets.
  void count_written(SessionContext& context, const Now& now) {
    throttle_.count(context.budget, out_.accepted() + out_.bytes(), now.steady);
  }
  AdvancePlan net_plan(SessionContext& context, AdvanceKind kind, Version from);
  void add_enters(SessionContext& context, AdvancePlan& plan, Version since);
  void send_advance(SessionContext& context, AdvancePlan& plan, const Now& now);
  void catch_up(SessionContext& context, const Now& now);
  void count_conflated(SessionContext& context);
  template <class M>
  void send(MessageType type, const M& message) {
    append_message(out_.own(), type, message);
    out_.own_done();
  }

  LinkId link_;
  Phase phase_ = Phase::kPreface;
  uint8_t database_ = kUserDatabase;  // that it is bound to
  Instant opened_;
  PrefaceReader preface_;
  uint32_t features_ = 0;  // that both sides have
  FrameReader reader_;
  Outbox out_;
  Identity identity_;
  ClientId client_;
  std::string client_name_;
  ClientWrites* writes_ = nullptr;  // of the session; null until it writes
  Interest interest_;
  FullSync sync_;
  FlowControl flow_;
  LinkRate link_rate_;
  Throttle throttle_;
  Intake intake_;
  Heartbeat heartbeat_;
  bool is_less_wanted_ = false;  // some subscription has just ended
  size_t replies_waiting_ = 0;   // since the link had taken all of them
  uint64_t replies_end_ = 0;     // stream bytes up to the end of the last
  uint64_t ticket_end_ = 0;      // stream bytes up to the end of the auth reply
  bool ticket_seen_ = false;
  bool resuming_ = false;  // a resume is on its way
  bool rights_changed_ = false;
  bool schema_is_other_ = false;  // than the one that the resume was made with
  Resume resume_;                 // all frames of it
  bool client_ready_ = false;     // live advances may come
  bool digests_due_ = false;      // of what the resume brought up to date
  uint32_t digest_next_ = 0;      // handle
  Version sent_cut_;              // where the stream leaves the client
  bool advance_moved_ = true;     // the last advance moved it
  Version effective_cut_;         // up to here nothing it holds has changed; >= sent_cut_
  uint64_t missed_ = 0;           // publishes since the last advance
  std::vector<uint64_t> events_;  // numbers in the ring, rising: for the next advance
  uint64_t events_missed_ = 0;    // that were to be in it, and are lost
  Error closed_why_;
  Instant close_deadline_ = Instant::never();
};

}  // namespace ecsdb
