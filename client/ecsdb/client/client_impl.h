// The client's state machine behind client.h.
#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "ecsdb/base/token_bucket.h"
#include "ecsdb/client/area_view.h"
#include "ecsdb/client/callbacks.h"
#include "ecsdb/client/client.h"
#include "ecsdb/client/divergence.h"
#include "ecsdb/client/overlay.h"
#include "ecsdb/client/pending_writes.h"
#include "ecsdb/client/reconnect.h"
#include "ecsdb/client/replica.h"
#include "ecsdb/client/server_clock.h"
#include "ecsdb/client/subscriptions.h"
#include "ecsdb/client/sync_under_way.h"
#include "ecsdb/wire/frame.h"
#include "ecsdb/wire/outbox.h"

namespace ecsdb {

class Client::Impl {
 public:
  Impl(ClientOptions options, Prng rng);

  void on_connected(LinkId link, const Now& now);
  void on_bytes(LinkId link, ByteSpan bytes, const Now& now);
  void on_sent(LinkId link, size_t accepted, const Now& now);
  void on_closed(LinkId link, const Now& now);
  void on_timer(const Now& now);
  void connect(const Now& now);
  void disconnect(const Now& now);
  /// By the application. Many changes that come together are asked for in few messages: all but the
  /// first wait for output().
  void on_subscriptions_changed() {
    if (out_.empty()) send_subscriptions();
  }
  SubscriptionId subscribe_area(std::string table, const AreaSpec& spec);
  /// Centres that moved, as often as the server allows.
  void send_moves(const Now& now);
  Result<WriteDraft> begin_write();
  Result<WriteId> submit(WriteDraft&& draft, const WriteOptions& options, const Now& now);
  Status send_event(uint16_t event, EntityId entity, std::span<const FieldValue> values,
                    const Now& now);
  size_t poll(const Now& now, size_t cuts_max);
  void add_binding(Status (*bind)(TableSet&));
  bool has_output(LinkId link) const;
  StreamOutput output(LinkId link, const Now& now);
  std::optional<LinkId> next_dial();
  Instant next_deadline() const;
  SyncStatus sync() const;
  DatabaseId database_id() const { return auth_reply_.database_id; }
  void send_ready();

  /// The client object goes while a callback runs: poll() ends soon and deletes this.
  void orphan() { orphaned_ = true; }
  bool is_polling() const { return polling_; }
  bool is_orphaned() const { return orphaned_; }

  Replica visible_;
  Subscriptions subscriptions_;
  AreaViews areas_;
  CallbackId last_callback_ = 0;
  Callbacks callbacks_{&last_callback_};
  Callbacks predicted_callbacks_{&last_callback_};
  PendingWrites writes_;
  Overlay overlay_;
  PredictedDb predicted_{visible_, overlay_, writes_.made()};
  ClientStats stats_;
  std::deque<ClientEvent> events_;
  Version server_head_;
  ClientId client_id_;
  ServerClock clock_;

 private:
  enum class State : uint8_t {
    kIdle,
    kWaiting,   // for retry_at_
    kDialling,  // a link was asked for
    kPreface,
    kAuth,
    kSchema,
    kReady,  // subscriptions may be sent; syncing or live once something is subscribed
  };
  /// A link that was given up: its goodbye still wants out, then it is to be closed.
  struct Leaving {
    LinkId link;
    Outbox out;
    Instant close_at = Instant::never();  // without the goodbye, if the link never takes it
  };

  bool is_current(LinkId link) const { return state_ > State::kWaiting && link == link_; }
  bool ack_is_due() const;
  bool subscribes_are_due() const {
    return state_ == State::kReady && !resuming_ && subscriptions_.has_changes();
  }
  /// Longer than asked for where the server announced rarer heartbeats.
  Duration silence_timeout() const {
    return std::max(options_.silence_timeout, Duration::ms(auth_reply_.heartbeat_ms) * 3);
  }
  /// Of silence, after which what is shown may be old.
  Duration stale_timeout() const { return Duration{silence_timeout().ns / 2}; }
  Version ack_cut() const { return live_ ? visible_.cut() : Version{}; }
  void dial(const Now& now);
  /// Gives the link up and decides when to dial again. `tell`: say goodbye first.
  void drop_link(Error why, bool tell, const Now& now);
  void after_close(Error why, const Now& now);
  void end_goodbyes(const Now& now);
  Instant state_deadline() const;
  void fault(Error why, const Now& now);
  Status take_preface(ByteSpan& bytes);
  Status on_frame(const Frame& frame, const Now& now);
  Status on_auth_reply(ByteSpan head, const Now& now);
  Status on_schema_part(ByteSpan head);
  void send_hello(const Now& now);
  bool may_resume() const;
  void send_resume();
  void send_subscriptions();
  void add_subscribes();
  void report_refused();
  Status on_resume_reply(ByteSpan head, const Now& now);
  bool may_roll_back(const ResumeReply& reply) const;
  void leave_to_roll_back(Version fork, const Now& now);
  void roll_back(const Now& now);
  void show_events();
  bool wants_events() const {
    return callbacks_.has_rows() || !areas_.empty() || predicted_callbacks_.has_rows();
  }
  /// The overlay has to know what happens beneath it, too.
  std::vector<RowEvent>* noted_events() {
    return wants_events() || !overlay_.is_idle() ? &row_events_ : nullptr;
  }
  Status check_received() const;
  void rebase_noted();
  Status use_schema(Schema schema);
  void on_visible_schema();
  void show_staged(std::vector<RowEvent>* events);
  /// Of this connection.
  const Schema& schema() const { return next_schema_ ? *next_schema_ : visible_.schema(); }
  Status on_subscribe_reply(ByteSpan head, const Now& now);
  Status on_sync_begin(ByteSpan head);
  Status on_sync_mark(ByteSpan head);
  Status on_chunk(const Frame& frame, const Now& now);
  bool is_sync_ending() const;
  Status on_advance(const Frame& frame);
  Status apply_next(const Now& now);
  void on_synced(const Now& now);
  void drop_sync();
  void drop_arrived();
  void become_stale();
  void become_live();
  void explain_ready(SyncStatus& status) const;
  Status on_server_heartbeat(ByteSpan head, const Now& now);
  void compare_samples(const Now& now);
  void compare_digest(const DigestSample& sample, std::vector<CellName>& wrong, const Now& now);
  void remember_diverged(const Advance& head);
  void report_divergence();
  void update_areas(std::span<const RowEvent> events);
  void show_moved_areas();
  bool may_move_areas() const;
  Instant moves_deadline() const;
  // client_events.cpp
  Status on_events(ByteSpan head);
  Status take_events(const Advance& head);
  void show_schema_events();
  // client_writes.cpp
  uint64_t stamp(const Now& now);
  bool writes_are_due() const;
  void send_writes(const Now& now);
  void send_settled();
  void begin_write_session(ClientId before, const Now& now);
  Status on_outcomes(ByteSpan head);
  Status on_write_refused(ByteSpan head, const Now& now);
  void settle_write(const Outcome& outcome);
  void settle_lone_outcomes(const Now& now);
  void settle_shown_outcomes();
  void tell_shown();
  void rebase(std::span<const RowEvent> events);
  void settle_overlay();
  void rebuild_overlay();
  void show_predicted();
  template <class M>
  void send(MessageType type, const M& message) {
    append_message(out_.own(), type, message);
    out_.own_done();
  }

  ClientOptions options_;
  Reconnect reconnect_;
  Reconnect reask_;  // subscriptions that the server put off
  Instant reask_at_ = Instant::never();
  State state_ = State::kIdle;
  bool wanted_ = false;  // between connect() and disconnect()
  LinkId link_;
  bool dial_pending_ = false;
  Instant retry_at_ = Instant::never();
  Instant dialled_at_;
  Instant last_sent_;
  Instant last_received_;
  std::vector<Leaving> leaving_;
  Outbox out_;
  Bytes preface_;
  uint32_t features_ = 0;  // that both sides have
  FrameReader reader_;
  AuthReply auth_reply_;
  Bytes schema_bytes_;
  std::optional<Schema> next_schema_;  // becomes the visible one with the sync
  std::vector<Status (*)(TableSet&)> bindings_;
  std::optional<Error> goodbye_;  // what the server said before it closed

  bool live_ = false;             // advances of this connection apply to what is visible
  bool shows_live_ = false;       // as the application was told
  bool has_faulted_ = false;      // what ends this connection
  bool schema_is_other_ = false;  // than the one that the resume was written with
  size_t pending_sync_ends_ = 0;  // among pending_
  bool ready_due_ = false;        // the server waits for client_ready

  // What outlives a connection.
  Bytes ticket_;
  bool ticket_is_copied_ = false;  // the server has refused it
  struct Position {
    DatabaseId database_id;
    Epoch epoch;
  };
  bool has_position_ = false;  // what is visible can be gone on from
  Position position_;          // of it, and of staged_ likewise:
  Position sync_position_;
  SyncUnderWay sync_;
  Replica staged_;
  std::optional<Version> fork_;                  // what is visible is to go back there, in poll()
  bool has_rolled_back_ = false;                 // and nothing was gone on from since
  bool resuming_ = false;                        // the server has not answered the resume yet
  std::vector<Subscriptions::Refused> refused_;  // without being sent, and not yet reported

  struct Samples {
    uint64_t after = 0;  // so many advances of the connection
    std::vector<DigestSample> digests;
  };
  std::deque<Samples> samples_;
  uint64_t received_advances_ = 0;  // of this connection
  uint64_t applied_advances_ = 0;
  std::vector<DivergedCell> diverged_;  // of this connection

  ReceivedAdvance arriving_;  // frames of an advance that has not ended
  bool has_arriving_ = false;
  std::deque<ReceivedAdvance> pending_;
  std::vector<ReceivedAdvance> spare_;
  size_t pending_bytes_ = 0;
  uint64_t consumed_bytes_ = 0;  // of this connection's stream
  uint64_t acked_bytes_ = 0;
  Version acked_cut_;
  std::vector<RowEvent> row_events_;
  std::vector<AreaEvent> area_events_;
  Instant moves_at_;  // when the next centres may be sent
  // Writes.
  static constexpr size_t kWriteBytesWaiting = 64 * 1024;  // for the link; then no more are added
  uint32_t provisional_end_ = 1;
  uint64_t last_stamp_ = 0;
  bool wall_known_ = false;
  int64_t wall_ms_ = 0;  // of the server, at:
  Instant wall_at_;
  TokenBucket write_pace_;
  std::optional<DatabaseId> write_database_;
  std::vector<Outcome> next_outcomes_;   // of the advance that is to begin
  std::vector<Outcome> lone_outcomes_;   // that count by themselves
  size_t outcome_bytes_ = 0;             // of memory: of what waits for an advance, events too,
  size_t lone_bytes_ = 0;                // and of the others
  std::vector<EventEntry> next_events_;  // of the advance that is to begin
  uint64_t next_events_missed_ = 0;
  std::vector<EventEntry> told_events_;  // of the one that was applied last
  std::vector<WriteOutcome> told_;       // to be told by poll()
  std::vector<RowEvent> predicted_events_;
  std::vector<Overlay::Shown> shown_;  // scratch of submit()
  bool polling_ = false;
  bool orphaned_ = false;
};

}  // namespace ecsdb
