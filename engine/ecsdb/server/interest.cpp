#include "ecsdb/server/interest.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace ecsdb {
namespace {

Status check_keys(const Schema& schema, uint16_t index, const Subscription& s) {
  const TableDef& table = schema.table(index);
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
  subscriptions_.push_back(std::move(subscription));
  for (const auto& [key, cell] : db.cells(*table).by_key()) {
    const CellRef ref{*table, cell};
    if (subscriptions_.back().covers(key) && may_read(def, identity, key)) hold(ref);
  }
  return {};
}

Status Interest::remove_subscription(SubscriptionId id) {
  const auto found = std::find_if(subscriptions_.begin(), subscriptions_.end(),
                                  [&](const Subscription& s) { return s.id == id; });
  if (found == subscriptions_.end()) {
    return fail(ErrorCode::kUnknownSubscription, "id " + std::to_string(id.value));
  }
  keys_ -= found->keys.size();
  subscriptions_.erase(found);
  return {};
}

void Interest::release_unwanted(const Database& db, const Identity& identity) {
  for (uint32_t handle = 0; handle < handle_end(); ++handle) {
    const Held& held = held_[handle];
    if (held.state == State::kFree) continue;
    if (!wants(db, identity, held.ref.table, db.cell(held.ref).key)) release(handle);
  }
  std::erase_if(pending_, [&](uint32_t handle) { return held_[handle].state != State::kPending; });
}

bool Interest::wants(const Database& db, const Identity& identity, uint16_t table,
                     const CellKey& key) const {
  const TableDef& def = db.schema().table(table);
  const bool covered =
      std::any_of(subscriptions_.begin(), subscriptions_.end(),
                  [&](const Subscription& s) { return s.table == def.id && s.covers(key); });
  return covered && may_read(def, identity, key);
}

void Interest::hold(CellRef ref) {
  if (handle_of_.contains(ref)) return;
  if (handle_of_.size() >= cells_max_) {
    overflowed_ = true;
    return;
  }
  uint32_t handle = handle_end();
  if (free_.empty()) {
    held_.emplace_back();
  } else {
    handle = free_.back();
    free_.pop_back();
  }
  Held& held = held_[handle];
  held.state = State::kPending;
  held.ref = ref;
  ++held.generation;
  handle_of_.emplace(ref, handle);
  pending_.push_back(handle);
  changes_.push_back({ref, handle, true});
}

/// A cell that was not told yet is the caller's to take out of pending_, for many of them at once.
void Interest::release(uint32_t handle) {
  Held& held = held_[handle];
  ECSDB_CHECK(held.state != State::kFree);
  if (held.state == State::kTold) leaves_.push_back({handle, held.generation});
  handle_of_.erase(held.ref);
  changes_.push_back({held.ref, handle, false});
  held.state = State::kFree;
  free_.push_back(handle);
}

std::vector<Interest::Change> Interest::take_changes() { return std::exchange(changes_, {}); }

void Interest::on_cell_created(const Database& db, const Identity& identity, CellRef ref) {
  if (wants(db, identity, ref.table, db.cell(ref).key)) hold(ref);
}

void Interest::on_cell_destroyed(CellRef ref) {
  const auto found = handle_of_.find(ref);
  if (found == handle_of_.end()) return;
  const uint32_t handle = found->second;
  if (held_[handle].state == State::kPending) std::erase(pending_, handle);
  release(handle);
}

void Interest::enter_again(uint32_t handle) {
  Held& held = held_[handle];
  ECSDB_CHECK(held.state == State::kTold);
  leaves_.push_back({handle, held.generation});
  ++held.generation;
  held.state = State::kPending;
  pending_.push_back(handle);
}

std::vector<CellLeave> Interest::take_leaves() { return std::exchange(leaves_, {}); }

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
    held.ref = held_[from].ref;
    ++held.generation;
    held_[from].state = State::kFree;
    handle_of_[held.ref] = handle;
    changes_.push_back({held.ref, from, false});
    changes_.push_back({held.ref, handle, true});
  }
  std::sort_heap(free_.begin(), free_.end(), lowest_first);  // the lowest last
}

std::vector<CellEnter> Interest::take_enters(const Database& db) {
  close_gaps();
  std::sort(pending_.begin(), pending_.end());  // dense from frame to frame, too
  std::vector<CellEnter> enters;
  enters.reserve(pending_.size());
  for (const uint32_t handle : pending_) {
    Held& held = held_[handle];
    held.state = State::kTold;
    const Cell& cell = db.cell(held.ref);
    enters.push_back({handle, held.generation, db.schema().table(held.ref.table).id, cell.key,
                      cell.published, cell.history.publishes()});
  }
  pending_.clear();
  return enters;
}

uint64_t Interest::row_count(const Database& db) const {
  uint64_t rows = 0;
  for (const Held& held : held_) {
    if (held.state != State::kFree) rows += db.cell(held.ref).log.count();
  }
  return rows;
}

void Interest::told_handles(const Database& db, uint16_t table, std::vector<uint32_t>& out) const {
  out.assign(db.cells(table).index_end(), kNoHandle);
  for (uint32_t handle = 0; handle < handle_end(); ++handle) {
    const Held& held = held_[handle];
    if (held.state == State::kTold && held.ref.table == table) out[held.ref.cell] = handle;
  }
}

}  // namespace ecsdb
