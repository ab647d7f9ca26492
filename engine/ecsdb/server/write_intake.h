// What one client has written: taken in once, kept until it is decided, and the decisions kept
// until the client has no more use for them.
//
// Sequences are taken in without gaps, but for those that the client says it will never send. So
// the highest that was taken in tells of every other whether it is new, and the same write, sent
// again over however many connections, is decided once.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "ecsdb/base/result.h"
#include "ecsdb/base/token_bucket.h"
#include "ecsdb/server/auth.h"
#include "ecsdb/server/options.h"
#include "ecsdb/server/write_decider.h"
#include "ecsdb/wire/messages.h"

namespace ecsdb {

/// Of one client id. Bounded by ServerOptions::writes_waiting_max and writes_bytes_max. Not
/// thread-safe.
class ClientWrites {
 public:
  /// `queued` counts the writes of all clients that are not decided for good; it outlives this.
  ClientWrites(ClientId client, const Identity& identity, const ServerOptions& options,
               size_t& queued)
      : client_(client),
        identity_(identity),
        all_queued_(queued),
        rate_(options.write_rate, options.write_burst),
        waiting_max_(options.writes_waiting_max),
        bytes_max_(options.writes_bytes_max) {}

  /// Rights count as they are when a write is decided.
  void set_identity(const Identity& identity) { identity_ = identity; }
  const Identity& identity() const { return identity_; }
  ClientId client() const { return client_; }

  /// A new connection goes on: it is told of everything that is not settled with its first advance,
  /// so that it never sees an effect without the outcome.
  void on_connected();
  /// What becomes of an entry of a `writes` message.
  enum class Intake : uint8_t {
    kTaken,
    kDuplicate,   // known; if it is decided, its outcome is told again
    kPassedOver,  // one before it was refused and has not come again
    kRefused,     // `refused` says why
  };
  /// The client needs to know nothing of sequences below this, and will send none of them.
  void settle(uint64_t below);
  /// Keeps the entry's bytes if it is taken. kFrameMalformed: no client that follows the protocol
  /// sends this, and the connection has to end.
  Result<Intake> take(WriteEntry&& entry, Instant now, WriteRefused& refused);

  // Deciding. Writes are peeked at and decided in order; commit() makes the decisions final,
  // drop() forgets them, so that the same writes are decided anew.
  size_t undecided() const { return queue_.size() - decided_.size(); }
  /// Something is not decided for good.
  bool has_queued() const { return !queue_.empty(); }
  /// The next one, of which there must be one.
  struct Next {
    Write& write;
    bool is_expired = false;  // it came too late
    bool is_whole = false;    // its bytes are a write
  };
  void peek(Instant now, Next& next) const;
  uint64_t next_sequence() const { return queue_[decided_.size()].sequence; }
  uint64_t next_expires_ns() const { return queue_[decided_.size()].expires_ns; }
  ByteSpan next_bytes() const { return queue_[decided_.size()].bytes; }
  void decide(Outcome outcome, const std::vector<MadeEntity>& made);
  void commit();
  void drop() { decided_.clear(); }
  /// What an earlier write has made there; none if that is not known.
  EntityId made_by(uint64_t sequence, uint64_t op) const;

  // Telling.
  /// Decisions up to a version that the present connection has not been told.
  bool has_news(Version published);
  void take_news(Version published, std::vector<Outcome>& out);

  // For the simulator and for statistics.
  uint64_t last_taken() const { return last_; }
  uint64_t settled_below() const { return settled_below_; }
  size_t waiting() const { return queue_.size() + records_.size(); }

 private:
  struct Queued {
    uint64_t sequence = 0;
    uint64_t expires_ns = 0;
    uint64_t hash = 0;
    Bytes bytes;
  };
  struct Decided {  // or about to be
    uint64_t hash = 0;
    Outcome outcome;
    std::vector<MadeEntity> made;
    bool is_told = false;
  };
  const Decided* find(uint64_t sequence) const;
  Decided* find_record(uint64_t sequence);
  const Queued* find_queued(uint64_t sequence) const;
  void untell(Decided& record);
  std::deque<Decided>::iterator records_from(uint64_t sequence);
  Intake take_again(uint64_t sequence, uint64_t hash, Instant now, WriteRefused& refused);
  bool is_refused(const WriteEntry& entry, Instant now, WriteRefused& refused);

  ClientId client_;
  Identity identity_;
  size_t& all_queued_;
  TokenBucket rate_;
  size_t waiting_max_;
  size_t bytes_max_;
  size_t queued_bytes_ = 0;
  size_t record_bytes_ = 0;  // of what their outcomes have become
  uint64_t last_ = 0;        // sequence that was taken in
  uint64_t refused_ = 0;     // sequence that has to come again first; 0: none
  uint64_t settled_below_ = 0;
  std::deque<Queued> queue_;      // not decided for good
  std::vector<Decided> decided_;  // of the queue's first, in the open transaction
  std::deque<Decided> records_;   // rising by sequence
  size_t untold_ = 0;             // of them
  uint64_t told_below_ = 0;       // sequence; there every record is told
};

}  // namespace ecsdb
