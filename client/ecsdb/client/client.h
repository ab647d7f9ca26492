// The client: a replica of what it subscribed to, without I/O.
//
// Kinds of methods and the order of calls are those of ReplicationServer: inputs, commands,
// outputs. After each batch of inputs: poll() when the application wants news, then drain output()
// of the link, next_dial() (open a stream and report on_connected or on_closed with that link
// number), next_event() and next_deadline(). A link that was given up still has output: its
// goodbye, then `close`; close it then, also where the socket is full. Times never fall. Not
// thread-safe: one thread owns a client.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ecsdb/base/prng.h"
#include "ecsdb/base/time.h"
#include "ecsdb/client/areas.h"
#include "ecsdb/client/client_db.h"
#include "ecsdb/client/events.h"
#include "ecsdb/client/overlay.h"
#include "ecsdb/client/writes.h"
#include "ecsdb/wire/stream_output.h"

namespace ecsdb {

struct ClientOptions {
  std::string token;
  std::string name;                                    // for the server's log
  uint8_t database = 0;                                // 0 user, 1 system
  Duration connect_timeout = Duration::seconds(5);     // dial -> authenticated
  Duration silence_timeout = Duration::seconds(5);     // without a byte from the server
  Duration heartbeat_interval = Duration::seconds(1);  // of silence from this side
  Duration close_timeout = Duration::seconds(2);       // for a goodbye to be accepted by the link
  Duration retry_delay_min = Duration::ms(100);        // after a failure, doubling, jittered
  Duration retry_delay_max = Duration::seconds(5);
  Duration retry_delay_clean = Duration::seconds(1);  // at most, after a clean close
  bool reconnect = true;
  bool resume = true;             // go on from what is held; else each connection syncs anew
  bool ready_by_hand = false;     // set_ready() tells the server to go live, not the sync itself
  bool compression = true;        // of what the server sends, if this build has zstd
  uint64_t rows_max = 4'000'000;  // of the replica; beyond: kClientLimit
  size_t pending_bytes_max = 64 * 1024 * 1024;  // of memory: received and not yet polled
  /// Of what is kept to go back to a cut that a server still has that has lost its newest versions;
  /// beyond, and with 0, such a loss costs a full sync. Nothing is kept with resume = false, or of
  /// servers that keep no archive.
  size_t before_image_bytes_max = 16 * 1024 * 1024;
  size_t writes_pending_max = 1024;          // submitted and not decided; beyond: kQueueFull
  size_t write_bytes_max = 4 * 1024 * 1024;  // of memory for them
  MergeSet
      merges;  // custom ones, as the server has them: what own writes show until it has decided
};

/// Where a client is between "not connected" and "live", and why nothing arrives if so.
struct SyncStatus {
  enum class Phase : uint8_t {
    kIdle,        // not asked to connect
    kConnecting,  // waiting for the link or for the next try
    kHandshake,
    kNotSubscribed,  // connected, but nothing is subscribed
    kSyncing,
    kLive,
  };
  Phase phase = Phase::kIdle;
  uint64_t rows_done = 0;
  uint64_t rows_total = 0;        // as announced when the sync began
  uint64_t bytes_done = 0;        // of this sync
  uint64_t bytes_total = 0;       // as estimated when the sync began
  uint64_t bytes_per_second = 0;  // of late
  /// Until the sync is complete, at that rate; never if that cannot be said.
  Duration remaining = Duration{INT64_MAX};
  /// Why nothing arrives; empty where something does, or nothing is due.
  std::string why_not;
};

struct ClientStats {
  uint64_t dials = 0;
  uint64_t connects = 0;          // authenticated
  uint64_t full_syncs = 0;        // applied
  uint64_t resumes = 0;           // connections that went on from the cut that was held
  uint64_t resets = 0;            // positions that the server did not go on from
  uint64_t rollbacks = 0;         // of them, those that an earlier cut was gone back to for
  uint64_t syncs_cut = 0;         // full syncs that an end of the connection interrupted,
  uint64_t syncs_resumed = 0;     // and those of them that went on with the next one
  uint64_t digests_compared = 0;  // of cells, with the server's
  uint64_t divergences = 0;       // of them, that differed
  uint64_t advances = 0;          // applied, full syncs not counted
  uint64_t bytes_received = 0;
  uint64_t bytes_sent = 0;
  uint64_t faults = 0;
  uint64_t events = 0;         // of the schema, that came
  uint64_t events_missed = 0;  // that the server could not send any more
  uint64_t events_sent = 0;
  uint64_t rows_changed = 0;  // row events; none are made without callbacks and areas
};

class Client {
 public:
  /// `rng` draws jitter only.
  Client(ClientOptions options, Prng rng);
  ~Client();
  Client(Client&&) noexcept;

  // Inputs. Those that name a link that is neither the one dialled last nor one that still says
  // goodbye are ignored.
  void on_connected(LinkId link, const Now& now);
  void on_bytes(LinkId link, ByteSpan bytes, const Now& now);
  void on_sent(LinkId link, size_t accepted, const Now& now);
  /// The link is gone or could not be made.
  void on_closed(LinkId link, const Now& now);
  void on_timer(const Now& now);

  // Commands.
  /// Starts dialling; harmless when it already does.
  void connect(const Now& now);
  /// Says goodbye, keeps the replica readable, and stays away until connect().
  void disconnect(const Now& now);
  /// Subscriptions may be made at any time, also before connect(); they outlive reconnects. Names
  /// are checked against the server's schema when it is known: kSubscribed with kUnknownTable.
  SubscriptionId subscribe(std::string table, const Now& now);
  SubscriptionId subscribe_cells(std::string table, std::vector<CellKey> keys, const Now& now);
  /// Grid cells with low <= key <= high in every coordinate.
  SubscriptionId subscribe_box(std::string table, CellKey low, CellKey high, const Now& now);
  /// What is not further from `center` than `radius`, in a table with a grid or one that follows
  /// such a table; see areas.h. The server sends whole cells; on_area() and inside() tell what is
  /// exactly inside. kSubscribed with kTypeMismatch or kValueOutOfRange where that cannot be.
  SubscriptionId subscribe_ball(std::string table, const AreaPoint& center, double radius,
                                const AreaOptions& options, const Now& now);
  /// The same for a box with its centre there and edges twice as long as `half_edges`.
  SubscriptionId subscribe_range(std::string table, const AreaPoint& center,
                                 const AreaPoint& half_edges, const AreaOptions& options,
                                 const Now& now);
  /// Another centre for a ball or range that follows no entity. May be called as often as it
  /// changes: the server is told no more than it allows, and the last centre always gets there.
  /// kUnknownSubscription; kTypeMismatch for one that follows; kValueOutOfRange for a centre where
  /// no position can be. After an error it is where it was.
  Status move(SubscriptionId id, const AreaPoint& center, const Now& now);
  void unsubscribe(SubscriptionId id, const Now& now);
  /// True once the server of this connection has answered all it was, or is to be, told of the
  /// subscription: its last centre is in force, or it is refused.
  bool is_settled(SubscriptionId id) const;

  /// With ready_by_hand: what was synced is shown, live advances may come. After each full sync,
  /// not after a resume. Harmless when nothing waits for it.
  void set_ready(const Now& now);

  /// Every row event of a table, by name; or those of one entity in it.
  CallbackId on_row(std::string table, RowCallback callback);
  CallbackId on_row(std::string table, EntityId entity, RowCallback callback);
  /// Entity events; of all, or of one.
  CallbackId on_entity(EntityCallback callback);
  CallbackId on_entity(EntityId entity, EntityCallback callback);
  /// What comes inside the area of a subscription and goes out of it. Also told by a poll() that
  /// applies no cut, if the area was added or moved.
  CallbackId on_area(SubscriptionId id, AreaCallback callback);
  /// A change of one field, by the names of table and field.
  CallbackId on_field(std::string table, std::string field, RowCallback callback);
  /// The same as on_row() for what predicted() shows: own writes when they are submitted, and never
  /// again if they are confirmed as they were. Told by the next poll().
  CallbackId on_predicted_row(std::string table, RowCallback callback);
  /// Of a provisional entity, too: it goes on under the id that the server gives.
  CallbackId on_predicted_row(std::string table, EntityId entity, RowCallback callback);
  /// What became of each write, or of one, until that is told its final outcome.
  CallbackId on_outcome(OutcomeCallback callback);
  CallbackId on_outcome(WriteId write, OutcomeCallback callback);
  /// An event of the schema, by name: what the server tells once, after the rows of the advance
  /// that it comes with. ClientStats::events_missed counts those that were lost on the way.
  CallbackId on_event(std::string event, EventCallback callback);
  /// Of any kind; no harm if there is none.
  void remove_callback(CallbackId id);
  /// Entities that were inside a ball or range at the end of the last poll(), of those with a row
  /// in its table and a position that are both shown; in no particular order, valid until the next
  /// poll(). It is what the rows say, whether or not the server took the subscription. Empty for
  /// other subscriptions.
  std::span<const EntityId> inside(SubscriptionId id) const;

  /// Applies the cuts that have arrived whole, `cuts_max` at most, one after the other, each
  /// followed by its callbacks. Returns the number of cuts. A step back to an earlier one, because
  /// the server has lost what came after, is one of them: rows leave, enter and change by it. The
  /// client connects again only after that.
  size_t poll(const Now& now, size_t cuts_max = ~size_t{0});

  // Writes.
  /// A draft to fill, once a schema is known; kUnknownTable before.
  Result<WriteDraft> begin() const;
  /// Queues a write, shows it in predicted() at once, and sends it when there is a connection.
  /// Writes are decided in the order of submit(), each exactly once; on_outcome() tells. Nothing is
  /// queued, and the draft is spent, with kQueueFull, when too many are pending; kLimitExceeded,
  /// for one that is empty or does not fit a frame; kSchemaMismatch, for one of another schema;
  /// kUnknownTable, for a remove() in one that there is not; kWriteReused, for a copy of one that
  /// makes entities; kNotPermitted, where the server takes none.
  Result<WriteId> submit(WriteDraft&& draft, const WriteOptions& options, const Now& now);
  Result<WriteId> submit(WriteDraft&& draft, const Now& now);
  WriteState write_state(WriteId id) const;
  /// Submitted and not decided.
  size_t pending_writes() const;
  /// The confirmed state with the pending writes upon it.
  const PredictedDb& predicted() const;
  /// The id that the server has given to a provisional entity; what it is, where there is none yet.
  EntityId entity(EntityId entity) const;

  /// Sends an event to the server's application, at most once: `event` is its place in
  /// db().schema().def().events, which is in order of ids, see Schema::event_index(); fields that
  /// are not given have their default. Whether the client may, the server decides; what it does not
  /// take is lost without a word. kLinkClosed when not live; kQueueFull when the link does not take
  /// what waits, or writes and events together would be more than half of what the server lets a
  /// client send; kUnknownEvent; kUnknownEntity for an entity that the server has not made; for
  /// values what WriteDraft::put() returns.
  Status send_event(uint16_t event, EntityId entity, std::span<const FieldValue> values,
                    const Now& now);

  const ClientDb& db() const;
  ClientDb& db();
  /// Binds a user struct now or as soon as the schema is known. A mismatch is a kFault event with
  /// kUnknownTable, kUnknownField or kTypeMismatch: a schema that does not fit what was bound
  /// before ends the connection for good; a struct bound later reads as a table without rows.
  template <Bound T>
  void bind() {
    add_binding([](TableSet& set) { return set.template bind<T>(); });
  }
  SyncStatus sync() const;
  const ClientStats& stats() const;
  /// Newest published version the server told of; the lag in versions is this minus db().cut().
  Version server_head() const;
  /// Of the server of this connection, or of the last one; zero before the first. What is shown may
  /// be of an earlier one until a sync is complete.
  DatabaseId database_id() const;
  /// Issued by the server for the session; zero before the first connection.
  ClientId client_id() const;
  /// The shortest round trip of late; zero while unknown.
  Duration round_trip() const;
  /// The server's steady clock at `now`, in nanoseconds, right to half a round trip; commit times
  /// are on it. 0 while unknown.
  uint64_t server_time_ns(const Now& now) const;

  // Outputs.
  /// A stream to open now, if any.
  std::optional<LinkId> next_dial();
  /// True if output(link) has bytes or wants the link closed.
  bool has_output(LinkId link) const;
  StreamOutput output(LinkId link, const Now& now);
  std::optional<ClientEvent> next_event();
  Instant next_deadline() const;

 private:
  void add_binding(Status (*binder)(TableSet&));
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ecsdb
