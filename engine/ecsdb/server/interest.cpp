#include "ecsdb/server/interest.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace ecsdb {
namespace {

Status check_keys(const Schema& schema, uint16_t index, const Subscription& s) {
  const TableDef& table = schema.table(index);
  ECSDB_TRY(check_area(schema, index, s));
  for (const CellKey& key : s.nearest_to) {
    if (key.kind == CellKey::Kind::kGrid && cell_key_fits(schema, index, key)) continue;
    return fail(ErrorCode::kTypeMismatch,
                table.name + ": nearness to a key that is none of its grid: " + key.to_string());
  }
  if (s.kind == SelectorKind::kAll) {
    if (s.keys.empty()) return {};
    return fail(ErrorCode::kTypeMismatch, table.name + ": keys in a subscription to every cell");
  }
  if (s.kind == SelectorKind::kBox && s.keys.size() != 2) {
    return fail(ErrorCode::kTypeMismatch, table.name + ": a box takes two keys");
  }
  for (const CellKey& key : s.keys) {
    const bool fits = cell_key_fits(schema, index, key) &&
                      (s.kind != SelectorKind::kBox || key.kind == CellKey::Kind::kGrid);
    if (!fits) {
      return fail(ErrorCode::kTypeMismatch,
                  table.name + ": no cell of this table has the key " + key.to_string());
    }
  }
  return {};
}

}  // namespace

Status Interest::add_subscription(const Database& db, const Identity& identity,
                                  Subscription subscription) {
  const auto table = db.schema().table_index(subscription.table);
  if (!table) {
    return fail(ErrorCode::kUnknownTable, "id " + std::to_string(subscription.table.value));
  }
  const TableDef& def = db.schema().table(*table);
  if (!may_read_some(def, identity)) return fail(ErrorCode::kNotPermitted, def.name);
  if (subscriptions_.size() >= kSubscriptionsMax) {
    return fail(ErrorCode::kLimitExceeded,
                "a connection has at most " + std::to_string(kSubscriptionsMax));
  }
  const bool in_use = std::any_of(subscriptions_.begin(), subscriptions_.end(),
                                  [&](const Subscription& s) { return s.id == subscription.id; });
  if (in_use) {
    return fail(ErrorCode::kUnknownSubscription,
                "id " + std::to_string(subscription.id.value) + " is in use");
  }
  ECSDB_TRY(check_keys(db.schema(), *table, subscription));
  if (keys_ + subscription.keys.size() > kConnectionKeysMax) {
    return fail(ErrorCode::kLimitExceeded,
                "a connection names at most " + std::to_string(kConnectionKeysMax) + " keys");
  }
  keys_ += subscription.keys.size();
  if (subscription.kind == SelectorKind::kKeys) {
    std::sort(subscription.keys.begin(), subscription.keys.end());
  }
  if (!subscription.area.empty()) areas_.add(db.schema(), *table, subscription);
  count_keys(subscription, 1);
  subscriptions_.push_back(std::move(subscription));
  const bool has_area = !subscriptions_.back().area.empty();
  if (has_area) areas_.follow(db, identity);
  if (importing_) return {};
  if (has_area) {
    settle_areas(db, identity);
  } else {
    hold_covered(db, identity, *table, subscriptions_.back());
  }
  return {};
}

void Interest::count_keys(const Subscription& subscription, int by) {
  if (subscription.kind != SelectorKind::kKeys) return;
  for (const CellKey& key : subscription.keys) {
    const std::pair name(subscription.table.value, key);
    if ((named_[name] += static_cast<uint32_t>(by)) == 0) named_.erase(name);
  }
}

/// Every cell that the subscription covers without its area.
void Interest::hold_covered(const Database& db, const Identity& identity, uint16_t table,
                            const Subscription& subscription) {
  const TableDef& def = db.schema().table(table);
  const auto hold_readable = [&](const CellKey& key, CellIndex cell) {
    if (may_read(def, identity, key)) hold({table, cell});
  };
  const auto& by_key = db.cells(table).by_key();
  switch (subscription.kind) {
    case SelectorKind::kAll:
      for (const auto& [key, cell] : by_key) hold_readable(key, cell);
      return;
    case SelectorKind::kKeys:
      for (const CellKey& key : subscription.keys) {
        const auto found = by_key.find(key);
        if (found != by_key.end()) hold_readable(key, found->second);
      }
      return;
    case SelectorKind::kBox:
      for_each_cell_between(by_key, {subscription.keys[0], subscription.keys[1]},
                            [&](const CellKey& key, CellIndex cell) {
                              if (subscription.covers(key)) hold_readable(key, cell);
                            });
      return;
    case SelectorKind::kBall:
    case SelectorKind::kRange:
      return;
  }
}

Status Interest::remove_subscription(SubscriptionId id) {
  const auto found = std::find_if(subscriptions_.begin(), subscriptions_.end(),
                                  [&](const Subscription& s) { return s.id == id; });
  if (found == subscriptions_.end()) {
    return fail(ErrorCode::kUnknownSubscription, "id " + std::to_string(id.value));
  }
  keys_ -= found->keys.size();
  count_keys(*found, -1);
  areas_.remove(id);
  subscriptions_.erase(found);
  return {};
}

void Interest::release_unwanted(const Database& db, const Identity& identity) {
  for (uint32_t handle = 0; handle < handle_end(); ++handle) {
    const Held& held = held_[handle];
    if (held.state == State::kFree || held.state == State::kLeaving) continue;
    if (!keeps(db, identity, held.ref.table, db.cell(held.ref).key)) release(handle);
  }
  drop_released_pending();
}

bool Interest::wants(const Database& db, const Identity& identity, uint16_t table,
                     const CellKey& key) const {
  const TableDef& def = db.schema().table(table);
  const bool covered =
      named_.contains({def.id.value, key}) ||
      std::any_of(subscriptions_.begin(), subscriptions_.end(), [&](const Subscription& s) {
        return s.table == def.id && s.kind != SelectorKind::kKeys && s.covers(key);
      });
  return (covered || areas_.touch(table, key, AreaReach::kArea)) && may_read(def, identity, key);
}

/// A free handle, with a generation that is new.
uint32_t Interest::take_handle() {
  uint32_t handle = handle_end();
  if (free_.empty()) {
    held_.emplace_back().generation = generation_floor_;
  } else {
    handle = free_.back();
    free_.pop_back();
  }
  ++held_[handle].generation;
  return handle;
}

void Interest::hold(CellRef ref) {
  if (handle_of_.contains(ref)) return;
  if (handle_of_.size() >= cells_max_) {
    overflowed_ = true;
    return;
  }
  const uint32_t handle = take_handle();
  held_[handle].state = State::kPending;
  held_[handle].ref = ref;
  handle_of_.emplace(ref, handle);
  pending_.push_back(handle);
  changes_.push_back({ref, handle, true});
}

/// A cell that was not told yet is the caller's to take out of pending_, for many of them at once.
void Interest::release(uint32_t handle) {
  Held& held = held_[handle];
  ECSDB_CHECK(held.state != State::kFree && held.state != State::kLeaving);
  ++revision_;
  handle_of_.erase(held.ref);
  changes_.push_back({held.ref, handle, false});
  if (held.state == State::kStaged) return keep_leaving(handle);
  if (held.state == State::kTold) leaves_.push_back({handle, held.generation});
  if (held.state == State::kPending) has_skipped_ = true;
  held.is_again = false;
  trust(held);
  held.state = State::kFree;
  free_.push_back(handle);
}

/// The leave has to wait for the end of the sync, and so has the handle.
void Interest::keep_leaving(uint32_t handle) {
  held_[handle].state = State::kLeaving;
  ++revision_;
  leaving_.push_back(handle);
}

std::vector<Interest::Change> Interest::take_changes() { return std::exchange(changes_, {}); }

void Interest::on_cell_created(const Database& db, const Identity& identity, CellRef ref) {
  if (wants(db, identity, ref.table, db.cell(ref).key)) hold(ref);
}

void Interest::on_cells_destroyed(std::span<const CellRef> refs) {
  ++revision_;
  for (const uint32_t handle : leaving_) {
    if (std::binary_search(refs.begin(), refs.end(), held_[handle].ref)) {
      held_[handle].ref.cell = kNoCell;
    }
  }
  for (const CellRef ref : refs) {
    const auto found = handle_of_.find(ref);
    if (found == handle_of_.end()) continue;
    const uint32_t handle = found->second;
    const bool was_staged = held_[handle].state == State::kStaged;
    release(handle);
    if (was_staged) held_[handle].ref.cell = kNoCell;
  }
  drop_released_pending();
}

void Interest::drop_released_pending() {
  std::erase_if(pending_, [&](uint32_t handle) { return held_[handle].state != State::kPending; });
}

void Interest::doubt(uint32_t handle) {
  ECSDB_CHECK(held_[handle].state == State::kTold);
  if (!std::exchange(held_[handle].is_doubted, true)) ++doubted_;
}

void Interest::trust(Held& held) {
  if (std::exchange(held.is_doubted, false)) --doubted_;
}

void Interest::enter_again(uint32_t handle) {
  Held& held = held_[handle];
  trust(held);
  ECSDB_CHECK(held.state == State::kTold || held.state == State::kStaged);
  ++revision_;
  leaves_.push_back({handle, held.generation});
  ++held.generation;
  held.state = State::kPending;
  held.is_again = true;
  pending_.push_back(handle);
}

void Interest::replace_by_sync(uint32_t handle) {
  ECSDB_CHECK(held_[handle].state == State::kTold);
  trust(held_[handle]);
  const CellRef ref = held_[handle].ref;
  handle_of_.erase(ref);
  changes_.push_back({ref, handle, false});
  keep_leaving(handle);
  ++replaced_;
  hold(ref);
}

std::vector<CellLeave> Interest::take_leaves() {
  has_skipped_ = false;
  return std::exchange(leaves_, {});
}

/// Moves pending cells to the lowest free handles: one that was released before it was told has
/// left a gap. A client decides how many there are of both, so that neither list is walked for each
/// entry of the other.
void Interest::close_gaps() {
  const std::greater<> lowest_first;
  if (pending_.empty() && std::is_sorted(free_.begin(), free_.end(), lowest_first)) return;
  std::make_heap(free_.begin(), free_.end(), lowest_first);
  for (uint32_t& handle : pending_) {
    if (free_.empty() || free_.front() > handle) continue;
    std::pop_heap(free_.begin(), free_.end(), lowest_first);
    const uint32_t from = std::exchange(handle, free_.back());
    free_.back() = from;
    std::push_heap(free_.begin(), free_.end(), lowest_first);
    Held& held = held_[handle];
    held.state = State::kPending;
    held.is_again = std::exchange(held_[from].is_again, false);
    ++held.generation;
    held_[from].state = State::kFree;
    rename(held_[from].ref, from, handle);
  }
  std::sort_heap(free_.begin(), free_.end(), lowest_first);  // the lowest last
}

void Interest::rename(CellRef ref, uint32_t from, uint32_t to) {
  ++revision_;
  held_[to].ref = ref;
  handle_of_[ref] = to;
  changes_.push_back({ref, from, false});
  changes_.push_back({ref, to, true});
}

CellEnter Interest::enter_of(const Database& db, uint32_t handle) const {
  const Held& held = held_[handle];
  const Cell& cell = db.cell(held.ref);
  return {handle,   held.generation, db.schema().table(held.ref.table).id,
          cell.key, cell.published,  cell.history.publishes()};
}

std::vector<CellEnter> Interest::take_enters(const Database& db, bool only_again) {
  if (!only_again) close_gaps();
  std::sort(pending_.begin(), pending_.end());  // dense from frame to frame, too
  std::vector<CellEnter> enters;
  enters.reserve(only_again ? 0 : pending_.size());
  std::erase_if(pending_, [&](uint32_t handle) {
    Held& held = held_[handle];
    if (only_again && !held.is_again) return false;
    held.state = State::kTold;
    held.is_again = false;
    enters.push_back(enter_of(db, handle));
    return true;
  });
  return enters;
}

std::vector<CellEnter> Interest::stage(const Database& db, std::span<const CellRef> order) {
  ECSDB_CHECK(order.size() == pending_.size());
  ++revision_;
  close_gaps();
  std::sort(pending_.begin(), pending_.end());
  std::vector<uint32_t> from;
  from.reserve(order.size());
  for (const CellRef ref : order) from.push_back(handle_of_.at(ref));
  std::vector<CellEnter> enters;
  enters.reserve(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    const uint32_t handle = pending_[i];
    if (from[i] != handle) rename(order[i], from[i], handle);
    held_[handle].state = State::kStaged;
    enters.push_back(enter_of(db, handle));
  }
  pending_.clear();
  return enters;
}

void Interest::finish_sync(std::vector<CellLeave>& leaves) {
  for (Held& held : held_) {
    if (held.state == State::kStaged) held.state = State::kTold;
  }
  for (const uint32_t handle : leaving_) {
    leaves.push_back({handle, held_[handle].generation});
    held_[handle].state = State::kFree;
    free_.push_back(handle);
  }
  leaving_.clear();
  replaced_ = 0;
}

uint64_t Interest::distance(const Database& db, CellRef ref) const {
  const CellKey& key = db.cell(ref).key;
  const TableId table = db.schema().table(ref.table).id;
  uint64_t least = UINT64_MAX;
  if (key.kind != CellKey::Kind::kGrid) return least;
  auto apart = [](int64_t a, int64_t b) {
    return a < b ? static_cast<uint64_t>(b) - static_cast<uint64_t>(a)
                 : static_cast<uint64_t>(a) - static_cast<uint64_t>(b);
  };
  for (const Subscription& s : subscriptions_) {
    if (s.table != table || s.nearest_to.empty()) continue;
    const CellKey& to = s.nearest_to.front();
    const uint64_t along = std::max({apart(key.x, to.x), apart(key.y, to.y), apart(key.z, to.z)});
    least = std::min(least, along);
  }
  return least;
}

void Interest::start_import(uint32_t generation) {
  importing_ = true;
  generation_floor_ = generation;
}

bool Interest::import_cell(const Database& db, const Identity& identity, const ResumeCell& cell,
                           bool is_good) {
  const auto table = db.schema().table_index(cell.table);
  if (!table || !cell_key_fits(db.schema(), *table, cell.key)) return false;
  if (cell.handle >= cells_max_ || cell.generation > generation_floor_ || cell.generation == 0) {
    return false;
  }
  for (uint32_t handle = handle_end(); handle <= cell.handle; ++handle) {
    held_.emplace_back().generation = generation_floor_;
  }
  Held& held = held_[cell.handle];
  if (held.state != State::kFree || held.generation != generation_floor_) return false;
  const bool is_staged = cell.state != HeldState::kHeld;
  ++revision_;
  held.generation = cell.generation;
  held.ref = {*table, db.cells(*table).find(cell.key)};
  held.state = is_staged ? State::kStaged : State::kTold;
  // One that was made anew and not published is told of when it is, to those who have it entered.
  const bool exists = held.ref.cell != kNoCell && db.cell(held.ref).published != Version{};
  if (is_good && exists && !handle_of_.contains(held.ref) &&
      keeps(db, identity, *table, cell.key)) {
    handle_of_.emplace(held.ref, cell.handle);
    changes_.push_back({held.ref, cell.handle, true});
    return true;
  }
  if (is_staged) {
    keep_leaving(cell.handle);
    if (!is_good || !exists) held.ref.cell = kNoCell;
  } else {
    leaves_.push_back({cell.handle, cell.generation});
    held.state = State::kFree;
  }
  return true;
}

void Interest::finish_import(const Database& db, const Identity& identity) {
  importing_ = false;
  for (uint32_t handle = handle_end(); handle > 0; --handle) {
    if (held_[handle - 1].state == State::kFree) free_.push_back(handle - 1);
  }
  for (const Subscription& s : subscriptions_) {
    hold_covered(db, identity, *db.schema().table_index(s.table), s);
  }
  areas_.start_over();
  settle_areas(db, identity);
}

void Interest::forget_cells() {
  for (const auto& [ref, handle] : handle_of_) changes_.push_back({ref, handle, false});
  held_.clear();
  free_.clear();
  handle_of_.clear();
  pending_.clear();
  has_skipped_ = false;
  doubted_ = 0;
  leaves_.clear();
  leaving_.clear();
  replaced_ = 0;
  generation_floor_ = 0;
  ++revision_;
}

uint64_t Interest::row_count(const Database& db) const {
  uint64_t rows = 0;
  for (const auto& entry : handle_of_) rows += db.cell(entry.first).log.count();
  return rows;
}

}  // namespace ecsdb
