#include "ecsdb/client/predicted_changes.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace ecsdb {
namespace {

using Rows = Overlay::Rows;

/// Under the ids that the server has given.
Rows renamed(Rows rows, const std::map<EntityId, EntityId>& made) {
  for (auto at = rows.begin(); at != rows.end();) {
    auto here = at++;
    if (!is_provisional(here->first.second)) continue;
    const auto found = made.find(here->first.second);
    if (found == made.end()) continue;
    auto node = rows.extract(here);
    node.key().second = found->second;
    rows.insert(std::move(node));
  }
  return rows;
}

uint64_t difference(const ClientDb& db, uint16_t table, const Overlay::Row& a,
                    const Overlay::Row& b) {
  uint64_t differs = 0;
  const TableLayout& layout = db.schema().layout(table);
  for (const uint16_t field : layout.replicated) {
    if (a.fields[field] == b.fields[field]) continue;
    differs |= uint64_t{1} << layout.fields[field].replicated_bit;
  }
  return differs;
}

class Comparison {
 public:
  Comparison(const ClientDb& confirmed, const Rows& before, const Overlay& after,
             std::span<const RowEvent> events)
      : confirmed_(confirmed), before_(before), after_(after) {
    for (const RowEvent& event : events) events_[{event.table, event.entity}] = event;
  }

  std::optional<RowEvent> of(const Overlay::Key& key) const {
    const Overlay::Row now = row_now(key);
    const RowEvent* event = event_of(key);
    RowEvent out{RowEventKind::kChange, key.first, key.second, 0};
    const auto known = before_.find(key);
    if (known == before_.end()) return of_unknown(key, now, event);
    if (known->second.exists && now.exists) {
      out.changed = difference(confirmed_, key.first, known->second, now);
      if (out.changed == 0) return std::nullopt;
      return out;
    }
    if (known->second.exists == now.exists) return std::nullopt;
    out.kind = now.exists ? RowEventKind::kInsert : RowEventKind::kRemove;
    if (event != nullptr && event->kind != RowEventKind::kChange) out.kind = event->kind;
    return out;
  }

 private:
  Overlay::Row row_now(const Overlay::Key& key) const {
    if (const Overlay::Row* row = after_.find(key.first, key.second)) return *row;
    const RowIndex row = confirmed_.find_row(key.first, key.second);
    if (row == kNoRow) return {};
    return {true, row_values(confirmed_, key.first, row)};
  }
  const RowEvent* event_of(const Overlay::Key& key) const {
    const auto found = events_.find(key);
    return found == events_.end() ? nullptr : &found->second;
  }
  /// It was shown as it was confirmed, and now something is written over it.
  std::optional<RowEvent> of_unknown(const Overlay::Key& key, const Overlay::Row& now,
                                     const RowEvent* event) const {
    const RowIndex row = confirmed_.find_row(key.first, key.second);
    RowEvent out{RowEventKind::kChange, key.first, key.second, 0};
    const bool was_there = event == nullptr ? row != kNoRow
                                            : event->kind != RowEventKind::kInsert &&
                                                  event->kind != RowEventKind::kEnter;
    if (was_there != now.exists) {
      out.kind = now.exists ? RowEventKind::kInsert : RowEventKind::kRemove;
      if (event != nullptr && event->kind != RowEventKind::kChange) out.kind = event->kind;
      return out;
    }
    if (!now.exists) return std::nullopt;
    if (row != kNoRow) {
      const Overlay::Row confirmed{true, row_values(confirmed_, key.first, row)};
      out.changed = difference(confirmed_, key.first, confirmed, now);
    }
    if (event != nullptr) out.changed |= event->changed;
    if (out.changed == 0) return std::nullopt;
    return out;
  }

  const ClientDb& confirmed_;
  const Rows& before_;
  const Overlay& after_;
  std::map<Overlay::Key, RowEvent> events_;
};

}  // namespace

void predicted_changes(const ClientDb& confirmed, Overlay::Changes changes, const Overlay& after,
                       const std::map<EntityId, EntityId>& made, std::span<const RowEvent> events,
                       std::vector<RowEvent>& out) {
  const Rows old = renamed(std::move(changes.before), made);
  std::set<Overlay::Key> own(changes.made.begin(), changes.made.end());
  for (const auto& [key, row] : old) own.insert(key);
  for (const RowEvent& event : events) {
    if (!own.contains({event.table, event.entity})) out.push_back(event);
  }
  if (own.empty()) return;
  const Comparison comparison(confirmed, old, after, events);
  for (const Overlay::Key& key : own) {
    if (auto event = comparison.of(key)) out.push_back(*event);
  }
}

}  // namespace ecsdb
