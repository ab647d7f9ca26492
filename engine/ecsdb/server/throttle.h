// Budgets: how many bytes a second go to one client, and to all together.
#pragma once

#include <optional>
#include <set>
#include <utility>

#include "ecsdb/base/ids.h"
#include "ecsdb/base/token_bucket.h"
#include "ecsdb/server/options.h"

namespace ecsdb {

class Throttle;

/// The budget of all connections together, and the queue of those that wait for it. Whoever was
/// sent the fewest bytes is next (start-time fair queueing): each gets an equal share in bytes,
/// whatever the sizes of its advances, and nobody starves, because what is sent moves one back.
class TotalBudget {
 public:
  explicit TotalBudget(const ServerOptions& options)
      : bucket_(options.total_budget_bytes, options.total_budget_burst) {}

  /// When next() has something to give; never if nobody waits.
  Instant deadline() const { return queue_.empty() ? Instant::never() : ready_at_; }
  /// Whose turn it is, if there are tokens: Throttle::take_turn must follow.
  std::optional<LinkId> next(Instant now) const;
  size_t waiting() const { return queue_.size(); }

 private:
  friend class Throttle;
  struct Turn {
    uint64_t tag;     // bytes that it was sent before
    uint64_t number;  // first come, first served among equals
    LinkId link;
    auto operator<=>(const Turn&) const = default;
  };

  TokenBucket bucket_;
  Instant ready_at_;          // of the bucket
  std::set<Turn> queue_;      // at most one of each connection
  std::optional<LinkId> on_;  // whose turn it is
  uint64_t served_ = 0;       // tag of the last turn: where newcomers begin
  uint64_t last_number_ = 0;
};

/// What one connection may be sent. Replies, heartbeats and goodbyes are counted, never held back.
class Throttle {
 public:
  Throttle(LinkId link, const ServerOptions& options)
      : link_(link), bucket_(options.client_budget_bytes, options.client_budget_burst) {}

  /// `written`: bytes put on the stream since it began. Counts the new ones. What was waited for is
  /// forgotten, to be asked for again.
  void count(TotalBudget& total, uint64_t written, Instant now);
  /// May a chunk or an advance be built now?
  bool is_open(const TotalBudget& total, Instant now) const;
  /// The same. If not, the connection is to be woken when it may: by deadline(), or as the next of
  /// the total budget.
  bool admit(TotalBudget& total, Instant now);
  /// Out of the queue: until end_turn(), or until something is counted, it is admitted first.
  void take_turn(TotalBudget& total);
  void end_turn(TotalBudget& total);
  /// When the client's own budget lets something through again; never if that holds nothing back.
  Instant deadline() const { return held_until_; }
  /// Before the connection goes.
  void leave(TotalBudget& total);

 private:
  LinkId link_;
  TokenBucket bucket_;
  uint64_t counted_ = 0;
  uint64_t tag_ = 0;                       // where its next turn stands
  std::optional<TotalBudget::Turn> turn_;  // in the queue
  Instant held_until_ = Instant::never();
};

}  // namespace ecsdb
