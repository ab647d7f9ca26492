// The writes of an application from submit() until they are decided.
//
// They are numbered in order when they are first put on a link, and sent again, with the same bytes
// and in the same order, on each connection of the same session until the server has told what
// became of them. Those of a session that the server has forgotten are not sent again: whether they
// were decided is unknown. Those that were never sent go on in the next session.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <type_traits>
#include <utility>
#include <vector>

#include "ecsdb/client/writes.h"
#include "ecsdb/schema/schema.h"
#include "ecsdb/wire/messages.h"

namespace ecsdb {

struct PendingWrite {
  WriteId id;
  std::vector<WriteDraft::Op> ops;
  AckLevel level = AckLevel::kApplied;
  uint64_t resolves = 0;
  Instant deadline = Instant::never();
  Version base;
  Epoch epoch;
  uint64_t stamp = 0;
  uint64_t sequence = 0;   // 0: it has not left, on any connection of this session
  uint64_t refers_to = 0;  // lowest sequence that the bytes name; 0: none
  Bytes bytes;             // once it is numbered
  bool is_sent = false;    // on this connection
  bool is_late = false;    // its deadline has passed, and the application was told
};

static_assert(std::is_nothrow_move_constructible_v<PendingWrite>);  // its operations stay in place

/// In the order of submit(). Bounded by its limits. What it is asked for with every write or
/// message does not depend on how many are pending. Not thread-safe.
class PendingWrites {
 public:
  struct Limits {
    size_t writes_max = 0;
    size_t bytes_max = 0;
  };
  explicit PendingWrites(Limits limits) : limits_(limits) {}

  /// Takes a write, of which everything but the id is known. kQueueFull, kLimitExceeded;
  /// kWriteReused if it makes entities that another one makes.
  Result<WriteId> add(PendingWrite write);
  WriteState state(WriteId id) const;
  bool empty() const { return writes_.empty(); }
  const std::deque<PendingWrite>& all() const { return writes_; }

  /// A connection is authenticated. `goes_on`: with the session that the numbers are of. Else what
  /// was sent is given up, as unknown with `code`; and what was not, too, unless it `keeps` that.
  void on_session(bool goes_on, bool keeps_unsent, ErrorCode code,
                  std::vector<WriteOutcome>& outcomes);
  void on_disconnected();

  /// Something is to be put on the link. `window`: how many may be sent and not settled.
  bool is_due(size_t window) const;
  /// Nothing is sent before then.
  void put_off(Instant until) { retry_at_ = until; }
  /// What was put off until now may be sent.
  void on_time(Instant now) {
    if (now >= retry_at_) retry_at_ = Instant::never();
  }
  /// Fills a message with the next that fit a frame. `schema` is the connection's; `expires_ns`
  /// gives a deadline in the server's time.
  template <class ExpiresNs>
  void take(Writes& message, const Schema& schema, size_t window, ExpiresNs&& expires_ns) {
    message.settled_below = tell_settled();
    size_t bytes = 0;
    put_in_order();
    for (size_t i = first_unsent(); i < writes_.size(); ++i) {
      PendingWrite& write = writes_[i];
      if (write.is_sent) continue;
      if (is_held(write) || !has_room(write, window)) break;
      if (message.entries.size() == kWritesPerFrameMax) break;
      const bool is_new = write.sequence == 0;
      if (is_new) number(write, schema);
      if (bytes > 0 && bytes + write.bytes.size() > kFrameBytes) {
        if (is_new) take_number_back(write);
        break;
      }
      bytes += write.bytes.size();
      ++sent_;
      write.is_sent = true;
      message.entries.push_back({expires_ns(write.deadline), write.bytes});
    }
  }
  /// The server does not know yet what need not be kept any more.
  bool is_settle_due() const { return told_below_ < settled_below(); }
  /// What to tell it; it is told now.
  uint64_t tell_settled() { return told_below_ = settled_below(); }
  uint64_t settled_below() const;

  /// One is refused for now, or for ever; then the outcome is told.
  void on_refused(const WriteRefused& refused, Instant now, std::vector<WriteOutcome>& outcomes);
  /// One is decided: it is pending no more. Nothing if it is not known (any more).
  std::optional<WriteOutcome> on_outcome(const Outcome& outcome, const Schema& schema);
  /// Deadlines that have passed.
  void expire(Instant now, std::vector<WriteOutcome>& outcomes);
  /// Of expire() and on_time().
  Instant next_deadline() const;

  /// Ids that the server has given to provisional entities.
  const std::map<EntityId, EntityId>& made() const { return made_; }

  /// What has changed since it was taken last, in order: the id that a provisional entity goes by,
  /// then writes that are pending no more.
  struct Settled {
    struct Renamed {
      EntityId provisional;
      EntityId from;
      EntityId to;
    };
    std::vector<Renamed> renamed;
    std::vector<PendingWrite> gone;
  };
  Settled take_settled() { return std::exchange(settled_, {}); }

 private:
  static constexpr size_t kFrameBytes = 32 * 1024;  // of entries in a frame, unless one has more
  static constexpr size_t kMadeMax = 65'536;
  struct Spawn {
    WriteId write;
    uint64_t sequence = 0;
    uint32_t op = 0;
  };

  /// The numbers rise, and what was sent comes first; planted bugs put that out of order.
  static bool is_in_order();
  void put_in_order();
  size_t first_unsent() const;
  Status check(const PendingWrite& write) const;
  void take_number_back(PendingWrite& write);
  void forget_reference(PendingWrite& write);
  bool is_held(const PendingWrite& write) const;
  bool has_room(const PendingWrite& write, size_t window) const;
  void number(PendingWrite& write, const Schema& schema);
  void unsend(PendingWrite& write);
  void rename(EntityId provisional, EntityId to);
  void name_entity(EntityId entity, PendingWrite& write, WriteOp& op) const;
  std::deque<PendingWrite>::iterator find(uint64_t sequence);
  void forget(std::deque<PendingWrite>::iterator at);
  static WriteOutcome outcome_of(const PendingWrite& write, WriteOutcome::Kind kind,
                                 ErrorCode code);

  Limits limits_;
  std::deque<PendingWrite> writes_;
  size_t bytes_ = 0;                                 // of memory, about
  size_t sent_ = 0;                                  // of them
  std::map<uint64_t, size_t> referred_;              // sequences that writes name; how many do
  std::set<std::pair<Instant, WriteId>> deadlines_;  // of those that are not late
  uint64_t last_id_ = 0;
  uint64_t last_sequence_ = 0;
  uint64_t told_below_ = 1;
  uint64_t skipped_ = 0;  // a sequence that will never be sent; those above wait for those below
  Instant retry_at_ = Instant::never();
  /// How many may be on their way since a refusal: what is sent behind one that is refused is sent
  /// in vain. Half of what was taken then, and one more for each that is decided; after the
  /// congestion window of TCP (RFC 5681).
  size_t window_ = SIZE_MAX;
  std::map<EntityId, Spawn> spawns_;  // by provisional id, of pending writes
  std::map<EntityId, EntityId> made_;
  std::deque<EntityId> made_order_;
  Settled settled_;
  Write message_;  // scratch of number(), as are its bytes
  Bytes encoded_;
};

}  // namespace ecsdb
