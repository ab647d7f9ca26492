// The replication server: a database and its connections, without I/O. Beside the user's database
// it serves the system database, which shows the server itself to clients with the admin role.
//
// Kinds of methods and the order of calls:
//   inputs    on_connected, on_bytes, on_sent, on_closed, on_timer: what happened, with the time
//   commands  begin/commit/publish, disconnect, shutdown: what the owner wants
//   outputs   next_ready, output, next_event, next_deadline: pull them after any input or command
// After each batch of inputs and commands: drain next_ready() (for each link: offer output() to the
// socket, report on_sent, until it is empty or the socket is full), then next_event(), then arm one
// timer for next_deadline(). A link whose socket was full is asked again when it is writable; one
// that next_ready() names all the same may have nothing left to send and `close` set: close it
// then, or a peer that never reads keeps it for ever. Times never fall. Links are numbers the
// driver chooses below kLinksMax; a number may be used again after on_closed. Not thread-safe: one
// thread owns the server.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ecsdb/base/time.h"
#include "ecsdb/server/auth.h"
#include "ecsdb/server/conflict.h"
#include "ecsdb/server/options.h"
#include "ecsdb/server/write_decision.h"
#include "ecsdb/store/transaction.h"
#include "ecsdb/wire/reset_reason.h"
#include "ecsdb/wire/stream_output.h"

namespace ecsdb {

class ConflictLog;

inline constexpr uint64_t kLinksMax = 1u << 20;

/// Something an owner may want to log or act on.
struct ServerEvent {
  enum class Kind : uint8_t {
    kAuthenticated,
    kSynced,         // a full sync was sent
    kResumed,        // the client goes on from where it was
    kReset,          // it asked to, and cannot; `reset` says why, and a full sync follows
    kReady,          // it shows what was synced: the moment to let it take part; of the user's only
    kWriteRejected,  // a client's write was: code and reason
    kDiverged,       // what it holds of a cell differed from the database and is sent anew
    kClosed,
  };
  Kind kind = Kind::kClosed;
  LinkId link;
  ClientId client;  // zero before authentication
  PrincipalId principal;
  std::string client_name;          // as the client calls itself; escape before printing
  ErrorCode code = ErrorCode::kOk;  // kClosed: why
  std::string reason;
  ResetReason reset = ResetReason::kNone;
  uint8_t database = kUserDatabase;  // that the connection is bound to
};

/// An event of the schema that a client has sent. It was let to, and the values are of their
/// fields.
struct ClientMessage {
  ClientId client;
  PrincipalId principal;
  uint16_t event = 0;         // place in schema().def().events
  EntityId entity;            // as the client says; it need not exist
  std::vector<Value> values;  // one of each field
};

/// Counts since the start; for logs, tests and benchmarks. What concerns links and sessions counts
/// those of the system database, too; all else is of the user's.
struct ServerStats {
  uint64_t links = 0;  // opened
  uint64_t authenticated = 0;
  uint64_t full_syncs = 0;  // ended
  uint64_t publishes = 0;
  uint64_t blocks_encoded = 0;  // shared blocks, of any form
  uint64_t block_bytes = 0;
  uint64_t step_advances = 0;   // sent with shared relative blocks
  uint64_t chain_advances = 0;  // the same, of earlier publishes, to catch up
  uint64_t net_advances = 0;    // sent with net deltas
  uint64_t conflated = 0;       // publishes that a client got as part of a later advance
  uint64_t resumes = 0;         // positions that were gone on from
  std::array<uint64_t, kResetReasons> resets{};  // positions that were not, by reason
  uint64_t syncs_begun = 0;                      // full syncs, and cells that entered in chunks
  uint64_t syncs_cut = 0;                        // of them, ended by the end of the connection
  uint64_t syncs_resumed = 0;                    // of them, gone on with on another one
  uint64_t cells_trimmed = 0;  // held cells that were replaced: their history was forgotten
  uint64_t refetches = 0;      // cells sent anew because their digest differed
  uint64_t fenced = 0;         // connections that a newer one of the same session ended
  uint64_t sessions_expired = 0;
  uint64_t sessions_killed = 0;  // a client said that its ticket was copied
  uint64_t tickets_passed = 0;   // refused, since their successors were in use
  uint64_t rate_limited = 0;     // changes of subscriptions that were refused
  uint64_t writes_taken = 0;     // of clients; each is decided once, and then is one of the next:
  uint64_t writes_applied = 0;
  uint64_t writes_merged = 0;
  uint64_t writes_rejected = 0;
  uint64_t writes_expired = 0;
  uint64_t writes_repeated = 0;     // that came again
  uint64_t writes_refused = 0;      // for now
  uint64_t writes_passed_over = 0;  // behind one that was refused
  uint64_t conflicts = 0;
  uint64_t events_emitted = 0;
  uint64_t events_sent = 0;            // counted once for each client
  uint64_t events_missed = 0;          // likewise, of those that clients were told are lost
  uint64_t client_events_taken = 0;    // that clients have sent
  uint64_t client_events_dropped = 0;  // likewise: not let to, of other values, or too many
  uint64_t bytes_accepted = 0;         // by links
  uint64_t refused = 0;                // links closed for a peer's fault
};

class ReplicationServer {
 public:
  /// `authenticator` and `secrets` must outlive the server. Times and sizes of the options are
  /// above zero. Without `secrets` no tickets are issued: a client that comes back is a new
  /// session, but goes on from its position all the same.
  ReplicationServer(Schema schema, ServerOptions options, const Authenticator* authenticator,
                    SecretSource* secrets = nullptr);
  /// Serves a database made elsewhere; its own options count, options.database does not.
  ReplicationServer(Database database, ServerOptions options, const Authenticator* authenticator,
                    SecretSource* secrets = nullptr);
  ~ReplicationServer();
  ReplicationServer(ReplicationServer&&) noexcept;

  // Inputs.
  void on_connected(LinkId link, const Now& now);
  void on_bytes(LinkId link, ByteSpan bytes, const Now& now);
  /// The link took `accepted` bytes of what output() offered last.
  void on_sent(LinkId link, size_t accepted, const Now& now);
  /// The link is gone, whoever closed it. Harmless for a link that is not known.
  void on_closed(LinkId link, const Now& now);
  void on_timer(const Now& now);

  // Commands.
  /// The database, for reading at any time.
  const Database& database() const;
  /// Of a cell at head; not inside a transaction.
  Digest digest(size_t table, const CellKey& key);
  /// What clients' writes came to where others had changed the same.
  const ConflictLog& conflicts() const;
  /// Starts the one open transaction; no input may come before it is committed or dropped. The
  /// writes of clients that wait are decided first, so that it shows what they have done. Dropping
  /// it undoes everything, and the writes are decided again by the next.
  Transaction begin(const Now& now);
  /// Writes of clients wait for begin(): to commit and publish at once keeps them from waiting.
  bool has_writes() const;
  /// Commits; the change reaches clients with the next publish.
  Version commit(Transaction&& transaction, const Now& now);
  /// Tells clients of something that happens once and is kept nowhere. `event` is its place in
  /// schema().def().events, which is in order of ids (Schema::event_index() finds it by name). It
  /// belongs to the commit that comes next, or to the open transaction, and goes with it if that is
  /// dropped; clients get it with the first advance to that version or a later one, after the rows.
  /// An event that follows a table is for those who hold the cell in which the entity's row of that
  /// table is at the publish, or was when the event was emitted if it has none any more; one that
  /// follows at a field is for those who hold the cell that the field's value names, or would hold
  /// it if it had rows, whatever entity it names; one of one cell is for everyone who is live.
  /// Those that are behind get what is still in the ring of the last events_max, and a count of
  /// what is not. Fields that are not given have their default. kUnknownEvent; kUnknownEntity
  /// (none, where one is followed); kUnknownField, kTypeMismatch, kValueOutOfRange, kTextTooLong,
  /// kBadText, kLimitExceeded, each naming the place; kQueueFull where more wait for a publish than
  /// the ring has room for.
  Status emit(uint16_t event, EntityId entity, std::span<const FieldValue> values, const Now& now);
  /// Encodes what changed since the last publish, once, and offers it to every connection that is
  /// ready for it. Returns the published version.
  Version publish(const Now& now);
  /// Binds a user struct to its table for transactions and reads.
  template <Bound T>
  Status bind() {
    return mutable_database().template bind<T>();
  }
  /// Says goodbye and closes. Harmless for a link that is not known.
  void disconnect(LinkId link, ErrorCode code, std::string reason, const Now& now);
  /// Says goodbye to everyone and refuses new links; closed() tells when all are gone.
  void shutdown(const Now& now);
  bool closed() const;

  // Outputs.
  /// A link that has something to send or to close and was not yet told.
  std::optional<LinkId> next_ready();
  StreamOutput output(LinkId link);
  std::optional<ServerEvent> next_event();
  /// What a client has sent to the application, in the order in which it came.
  std::optional<ClientMessage> next_client_event();
  /// When on_timer must be called at the latest; Instant::never() if nothing waits.
  Instant next_deadline() const;

  /// What the last begin() has decided of clients' writes, in order; final with the commit. Until
  /// the next begin(), but for the writes' bytes.
  std::span<const WriteDecision> decisions() const;
  std::span<const Conflict> decided_conflicts() const;
  const ServerStats& stats() const;
  size_t connection_count() const;
  /// True if every live connection was sent everything published and acknowledged it.
  bool all_caught_up() const;
  void check_invariants() const;

 private:
  friend struct ServerTestPeer;
  Database& mutable_database();
  ConflictLog& mutable_conflicts();
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ecsdb
