// The conflicts of late, and how many there were of each kind.
#pragma once

#include <array>
#include <compare>
#include <deque>
#include <map>

#include "ecsdb/server/conflict.h"

namespace ecsdb {

/// In order of decision. Beyond a number, or a number of bytes, the oldest are forgotten; counts
/// are kept. A value; not thread-safe.
class ConflictLog {
 public:
  struct Limits {
    size_t conflicts_max = 0;  // that are kept
    size_t bytes_max = 0;      // of memory that they take
  };
  /// Conflicts of one kind.
  struct Kind {
    Policy policy = Policy::kServer;
    TableId table;
    ConflictRule rule = ConflictRule::kServerWins;
    auto operator<=>(const Kind&) const = default;
  };

  explicit ConflictLog(Limits limits) : limits_(limits) {}

  /// Returns its number, which is the last one plus 1; the first is 1.
  uint64_t add(Conflict conflict);
  /// A later write of `client`, which is not 0, settled it. False if it is forgotten, or settled
  /// already.
  bool resolve(uint64_t number, ClientId client);

  /// Null if it is forgotten, or there is none. Valid until the next add().
  const Conflict* find(uint64_t number) const;
  /// Of the oldest that is kept; end_number() if none is.
  uint64_t first_number() const { return end_ - kept_.size(); }
  /// Of the next one.
  uint64_t end_number() const { return end_; }
  /// Rises with everything that changes.
  uint64_t revision() const { return revision_; }

  // Since the start, forgotten ones too:
  uint64_t count() const { return end_ - 1; }
  uint64_t count(Policy policy) const { return by_policy_[static_cast<size_t>(policy)]; }
  /// Only kinds that there were.
  const std::map<Kind, uint64_t>& counts() const { return counts_; }

 private:
  static constexpr size_t kPolicies = 3;
  static size_t bytes_of(const Conflict& conflict);

  Limits limits_;
  std::deque<Conflict> kept_;  // numbers without a gap
  size_t bytes_ = 0;           // of them
  uint64_t end_ = 1;
  uint64_t revision_ = 0;
  std::array<uint64_t, kPolicies> by_policy_{};
  std::map<Kind, uint64_t> counts_;  // bounded: a schema has so many tables
};

}  // namespace ecsdb
