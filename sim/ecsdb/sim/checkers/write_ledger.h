// The books about writes of clients, of one history of the server:
//   I5  exactly_once        decided sequences of a client strictly rise, none is decided twice, and
//                           each that is passed over lies below what the client had settled
//   I2  decision_agreement  outcomes are those of the reference model
//   I10 conflict_log        conflicts of a commit are those of the reference model, numbered from 1
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "ecsdb/sim/checkers/policy_model.h"
#include "ecsdb/sim/checkers/violation.h"

namespace ecsdb::sim {

class WriteLedger {
 public:
  explicit WriteLedger(ViolationLog& violations) : violations_(violations) {}

  /// The server has decided a write in the transaction that is open, and knew by then that the
  /// client had settled all sequences below `settled_below`. Of a write that came too late the
  /// caller expects just the kind: {OutcomeKind::kExpired}.
  void on_decided(ClientId client, uint64_t settled_below, const Outcome& outcome,
                  const Expected& expected, Instant at);
  /// With `conflicts` as what the commit has added to the log, in its order.
  void on_committed(Version version, std::span<const Conflict> conflicts, Instant at);
  /// What was decided in the transaction was not.
  void on_dropped();

  // Of what was committed.
  uint64_t decided() const { return decided_count_; }
  /// By rule: what the server's own counts must be.
  const std::array<uint64_t, kConflictRules>& conflicts() const { return conflict_counts_; }

 private:
  using Sequences = std::map<uint64_t, Version>;  // and when each was decided

  void check_order(ClientId client, uint64_t sequence, uint64_t settled_below, Instant at);
  void check_outcome(ClientId client, const Outcome& outcome, const Expected& expected, Instant at);
  void report(const char* invariant, Instant at, std::string where, std::string expected,
              std::string got);

  ViolationLog& violations_;
  std::map<ClientId, Sequences> decided_;
  uint64_t decided_count_ = 0;
  std::array<uint64_t, kConflictRules> conflict_counts_{};
  uint64_t next_number_ = 1;
  // The open transaction.
  std::map<ClientId, Sequences> open_;
  std::vector<Conflict> expected_conflicts_;
};

/// One line for a person.
std::string conflict_text(const Conflict& conflict);

}  // namespace ecsdb::sim
