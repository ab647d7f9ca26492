// Which cells a connection is to be sent, and which of them its client was told of.
#pragma once

#include <map>
#include <vector>

#include "ecsdb/server/auth.h"
#include "ecsdb/store/database.h"
#include "ecsdb/wire/messages.h"

namespace ecsdb {

/// Cells of one connection by handle. A cell is first pending, then, once its enter stands in the
/// stream, told. Invariants: a cell has one handle while it is held; handle and generation together
/// never repeat; below a handle that is told lie only handles that are or once were told, so that a
/// client's memory for cells is bounded by their number.
class Interest {
 public:
  explicit Interest(size_t cells_max = kCellsPerConnectionMax) : cells_max_(cells_max) {}

  enum class State : uint8_t { kFree, kPending, kTold };
  struct Held {
    State state = State::kFree;
    uint32_t generation = 0;
    CellRef ref;
  };

  /// kUnknownTable, kNotPermitted, kLimitExceeded, kUnknownSubscription (id in use), kTypeMismatch
  /// (keys that the table's cells cannot have).
  Status add_subscription(const Database& db, const Identity& identity, Subscription subscription);
  /// kUnknownSubscription. Cells are released by release_unwanted(), once for several removals.
  Status remove_subscription(SubscriptionId id);
  /// Releases every cell that no subscription covers any more.
  void release_unwanted(const Database& db, const Identity& identity);
  bool has_subscriptions() const { return !subscriptions_.empty(); }
  bool wants(const Database& db, const Identity& identity, uint16_t table,
             const CellKey& key) const;

  /// Cells that came to be held and cells that were released since the last call, for the audience.
  struct Change {
    CellRef ref;
    uint32_t handle = 0;
    bool held = false;
  };
  std::vector<Change> take_changes();

  /// Holds a cell that has just been created, if it is wanted.
  void on_cell_created(const Database& db, const Identity& identity, CellRef ref);
  /// The cell is gone from the database.
  void on_cell_destroyed(CellRef ref);
  /// Makes the client forget a told cell and enter it anew, in one advance.
  void enter_again(uint32_t handle);

  /// True once a wanted cell could not be held for the limit: the connection must not go on.
  bool overflowed() const { return overflowed_; }
  bool has_pending() const { return !pending_.empty() || !leaves_.empty(); }
  /// Leaves to announce, oldest first; afterwards there are none.
  std::vector<CellLeave> take_leaves();
  /// Pending cells, which become told.
  std::vector<CellEnter> take_enters(const Database& db);

  const Held& at(uint32_t handle) const { return held_[handle]; }
  uint32_t handle_end() const { return static_cast<uint32_t>(held_.size()); }
  /// Rows of all held cells, now.
  uint64_t row_count(const Database& db) const;
  /// Handle of each cell of a table that is told, by cell index; kNoHandle where there is none.
  void told_handles(const Database& db, uint16_t table, std::vector<uint32_t>& out) const;
  static constexpr uint32_t kNoHandle = 0xffffffff;

 private:
  void hold(CellRef ref);
  void release(uint32_t handle);
  void close_gaps();

  size_t cells_max_;
  bool overflowed_ = false;
  std::vector<Subscription> subscriptions_;  // their keys sorted
  size_t keys_ = 0;                          // of all subscriptions
  std::vector<Held> held_;
  std::vector<uint32_t> free_;
  std::map<CellRef, uint32_t> handle_of_;
  std::vector<uint32_t> pending_;
  std::vector<CellLeave> leaves_;
  std::vector<Change> changes_;
};

}  // namespace ecsdb
