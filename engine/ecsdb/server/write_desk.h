// The writes of all clients, and the order in which they are decided.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "ecsdb/server/write_decision.h"
#include "ecsdb/server/write_intake.h"

namespace ecsdb {

/// Decides in rounds, one write of each client a round, beginning with another client each time, or
/// behind the one that was the last for whom there was time: who writes much does not come before
/// who writes little. Stays where it was made. Not thread-safe.
class WriteDesk {
 public:
  WriteDesk() = default;
  WriteDesk(const WriteDesk&) = delete;
  WriteDesk& operator=(const WriteDesk&) = delete;

  /// Of a client that has a connection; made if there is none. Stays where it is while attached.
  ClientWrites& attach(ClientId client, const Identity& identity, const ServerOptions& options);
  /// Null if the client never wrote, or is forgotten.
  ClientWrites* find(ClientId client);
  void detach(ClientId client);
  /// The client's session has ended: once nothing of it waits and no connection is attached, it is
  /// forgotten.
  void end(ClientId client);

  bool has_undecided() const;
  /// Decides what waits, as part of the transaction. `writes_max`: so many of one field; a larger
  /// one takes more, by its operations and fields.
  void decide(Transaction& transaction, const WriteTerms& terms, Instant now, size_t writes_max);
  /// The transaction was committed: the decisions are final.
  void commit();
  /// It was dropped: they never were.
  void drop();
  bool is_deciding() const { return !involved_.empty(); }

  /// Of the last decide(): in order, and their conflicts, whose numbers are left to the caller.
  const std::vector<WriteDecision>& decisions() const { return decisions_; }
  std::vector<Conflict>& conflicts() { return conflicts_; }
  /// Numbers of conflicts that it has settled, and who did.
  struct Resolution {
    uint64_t number = 0;
    ClientId client;
  };
  const std::vector<Resolution>& resolutions() const { return resolutions_; }

 private:
  static constexpr size_t kCommitConflictBytesMax = 16 * 1024 * 1024;  // then the others wait
  static constexpr size_t kConflictsKept = 4096;  // memory for so many stays from commit to commit
  struct Entry {
    std::unique_ptr<ClientWrites> writes;
    size_t attached = 0;
    bool has_ended = false;
  };
  void decide_one(ClientWrites& writes, Transaction& transaction, const WriteTerms& terms,
                  Instant now);
  /// An operator's write that settles a conflict: that is there, and nobody has settled it.
  Status check_resolution(const ClientWrites& writes, const WriteTerms& terms) const;
  void forget_ended();

  std::map<uint64_t, Entry> entries_;  // by client id
  size_t queued_ = 0;                  // writes of all of them that are not decided for good
  size_t ended_ = 0;                   // of them, those whose session has ended
  uint64_t first_ = 0;                 // client id that the next round begins behind
  std::vector<ClientWrites*> round_;
  std::vector<ClientWrites*> involved_;  // in the decisions
  std::vector<WriteDecision> decisions_;
  std::vector<Conflict> conflicts_;
  size_t conflict_bytes_ = 0;  // of memory
  size_t work_ = 0;            // in writes of one field
  std::vector<Resolution> resolutions_;
  WriteDecider decider_;
  const std::vector<MadeEntity>* made_ = nullptr;  // by the write that was decided last
  Write write_;                                    // scratch
};

}  // namespace ecsdb
