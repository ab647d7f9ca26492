// Which cells a connection is to be sent, and which of them its client was told of.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "ecsdb/base/reuse.h"
#include "ecsdb/server/auth.h"
#include "ecsdb/server/interest_areas.h"
#include "ecsdb/store/database.h"
#include "ecsdb/wire/messages.h"

namespace ecsdb {

/// Cells of one connection by handle. A cell is first pending, then, once its enter stands in the
/// stream, told; one that enters by a sync in chunks is staged in between. Invariants: a cell has
/// one handle while it is held; handle and generation together never repeat; below a handle that
/// the client knows lie only handles that it knows or once knew, so that its memory for cells is
/// bounded by their number.
class Interest {
 public:
  explicit Interest(size_t cells_max = kCellsPerConnectionMax) : cells_max_(cells_max) {}

  enum class State : uint8_t {
    kFree,
    kPending,
    kStaged,   // in a sync under way: its rows come in chunks, unseen
    kLeaving,  // known to the client until the end of the sync under way, but not held any more
    kTold,
  };
  struct Held {
    State state = State::kFree;
    bool is_again = false;    // kPending: the leave of what was told stands in the same advance
    bool is_doubted = false;  // kTold: the client wants it anew
    uint32_t generation = 0;
    CellRef ref;
  };

  /// For a client that comes back: until hold_wanted(), subscriptions are taken down, but no cell
  /// is held. Handles that are given out later have generations above `generation`.
  void start_import(uint32_t generation);
  /// The client holds this cell or has a part of it in its unfinished sync, under a handle and with
  /// a generation of an earlier connection. False: it cannot be (the handle is taken or too high,
  /// the generation too high, no table has such a cell). A cell that is gone, no longer wanted,
  /// or not good, is left. After the subscriptions.
  bool import_cell(const Database& db, const Identity& identity, const ResumeCell& cell,
                   bool is_good = true);
  /// Ends the import: holds every cell that is wanted and not held yet.
  void finish_import(const Database& db, const Identity& identity);
  /// Forgets every cell, but not the subscriptions.
  void forget_cells();

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
  /// Whether a cell that is held stays so: areas keep it while it is within their margins.
  bool keeps(const Database& db, const Identity& identity, uint16_t table,
             const CellKey& key) const;

  // Areas that move; in interest_areas.cpp.
  /// kUnknownSubscription; kTypeMismatch for one that is no area or follows an entity, or a centre
  /// outside of its plane. Cells change with settle_areas(), once for several moves.
  Status move_area(SubscriptionId id, const GridPoint& center);
  void settle_areas(const Database& db, const Identity& identity);
  /// Some area follows an entity: follow_entities() is due before each publish.
  bool follows() const { return areas_.follows(); }
  void follow_entities(const Database& db, const Identity& identity);

  /// Cells that came to be held and cells that were released since the last call, for the audience.
  struct Change {
    CellRef ref;
    uint32_t handle = 0;
    bool held = false;
  };
  std::vector<Change> take_changes();

  /// Holds a cell that has just been created, if it is wanted.
  void on_cell_created(const Database& db, const Identity& identity, CellRef ref);
  /// These cells, in order, are gone from the database.
  void on_cells_destroyed(std::span<const CellRef> refs);
  /// Has cells that it does not hold, and wants to be told of their end all the same.
  bool has_leaving() const { return !leaving_.empty(); }
  /// Makes the client forget a told or staged cell and enter it anew, in one advance.
  void enter_again(uint32_t handle);
  /// The same for a told cell that is to enter by a sync: under another handle. The client keeps
  /// what it has of it until the end of that sync.
  void replace_by_sync(uint32_t handle);

  /// A told cell is to be replaced so with the next sync.
  void doubt(uint32_t handle);
  bool has_doubted() const { return doubted_ > 0; }

  /// True once a wanted cell could not be held for the limit: the connection must not go on.
  bool overflowed() const { return overflowed_; }
  bool has_leaves() const { return !leaves_.empty(); }
  /// Handles of cells that the client is to be told of.
  std::span<const uint32_t> pending() const { return pending_; }
  /// How near a cell is to what a subscription names as the nearest, in cells along an axis; far
  /// away if none does.
  uint64_t distance(const Database& db, CellRef ref) const;
  /// Leaves to announce, oldest first; afterwards there are none.
  std::vector<CellLeave> take_leaves();
  /// Pending cells, which become told; or only those whose leave stands in the same advance.
  std::vector<CellEnter> take_enters(const Database& db, bool only_again = false);
  /// Pending cells become staged; `order` names all of them, and their handles rise in that order.
  std::vector<CellEnter> stage(const Database& db, std::span<const CellRef> order);
  /// The sync has ended: staged cells are told. What left meanwhile is added to `leaves`.
  void finish_sync(std::vector<CellLeave>& leaves);
  /// Told cells stand in for others until the sync ends: nothing of them may move before.
  bool has_replaced() const { return replaced_ > 0; }
  /// A cell came and went, or was wanted and is not any more, since leaves were taken: a client
  /// that is behind must not be shown a version between.
  bool has_skipped() const { return has_skipped_; }
  void forget_skipped() { has_skipped_ = false; }

  /// Rises whenever a cell comes to be staged, leaves, or gets another handle.
  uint64_t revision() const { return revision_; }
  const Held& at(uint32_t handle) const { return held_[handle]; }
  /// It is held, and its client was told so; or, it is held and will be.
  bool is_told(CellRef ref) const {
    const auto found = handle_of_.find(ref);
    return found != handle_of_.end() && held_[found->second].state == State::kTold;
  }
  bool is_entering(CellRef ref) const { return handle_of_.contains(ref) && !is_told(ref); }
  /// Fetches the first cells.
  void prefetch() const { prefetch_memory(held_.data(), 16 * sizeof(Held)); }
  uint32_t handle_end() const { return static_cast<uint32_t>(held_.size()); }
  /// Rows of all held cells, now.
  uint64_t row_count(const Database& db) const;
  static constexpr uint32_t kNoHandle = 0xffffffff;

 private:
  void count_keys(const Subscription& subscription, int by);
  void hold_covered(const Database& db, const Identity& identity, uint16_t table,
                    const Subscription& subscription);
  void hold(CellRef ref);
  void release(uint32_t handle);
  uint32_t take_handle();
  void close_gaps();
  void rename(CellRef ref, uint32_t from, uint32_t to);
  void keep_leaving(uint32_t handle);
  void drop_released_pending();
  void trust(Held& held);
  CellEnter enter_of(const Database& db, uint32_t handle) const;
  void release_beyond(const Database& db, const Identity& identity, const AreaWalk& walk);
  void hold_inside(const Database& db, const Identity& identity, const AreaWalk& walk);

  size_t cells_max_;
  bool overflowed_ = false;
  std::vector<Subscription> subscriptions_;                 // their keys sorted
  size_t keys_ = 0;                                         // of all subscriptions
  std::map<std::pair<uint16_t, CellKey>, uint32_t> named_;  // by table id: in so many lists of keys
  InterestAreas areas_;                                     // of those that have one
  std::vector<Held> held_;
  std::vector<uint32_t> free_;
  std::map<CellRef, uint32_t> handle_of_;
  std::vector<uint32_t> pending_;
  std::vector<CellLeave> leaves_;
  std::vector<uint32_t> leaving_;  // handles of state kLeaving
  size_t replaced_ = 0;            // of them, told before
  size_t doubted_ = 0;
  uint64_t revision_ = 0;
  bool has_skipped_ = false;  // one of pending_ was released
  std::vector<Change> changes_;
  bool importing_ = false;
  uint32_t generation_floor_ = 0;  // of handles that were never used on this connection
};

}  // namespace ecsdb
