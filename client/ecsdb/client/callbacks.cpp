#include "ecsdb/client/callbacks.h"

#include <algorithm>
#include <utility>

namespace ecsdb {

CallbackId Callbacks::add_row(std::string table, EntityId entity, RowCallback callback) {
  Entry& entry = entries_[++*last_];
  entry.is_row = true;
  entry.table = std::move(table);
  entry.entity = entity;
  entry.row = std::move(callback);
  ++row_count_;
  stale_ = true;
  return *last_;
}

CallbackId Callbacks::add_entity(EntityId entity, EntityCallback callback) {
  Entry& entry = entries_[++*last_];
  entry.entity = entity;
  entry.on_entity = std::move(callback);
  ++row_count_;
  stale_ = true;
  return *last_;
}

CallbackId Callbacks::add_field(std::string table, std::string field, RowCallback callback) {
  const CallbackId id = add_row(std::move(table), EntityId{}, std::move(callback));
  entries_[id].field = std::move(field);
  return id;
}

CallbackId Callbacks::add_outcome(std::optional<WriteId> write, OutcomeCallback callback) {
  Entry& entry = entries_[++*last_];
  entry.write = write;
  entry.on_outcome = std::move(callback);
  outcomes_.push_back(*last_);
  return *last_;
}

CallbackId Callbacks::add_area(SubscriptionId subscription, AreaCallback callback) {
  Entry& entry = entries_[++*last_];
  entry.subscription = subscription;
  entry.on_area = std::move(callback);
  areas_[subscription].push_back(*last_);
  return *last_;
}

CallbackId Callbacks::add_event(std::string event, EventCallback callback) {
  Entry& entry = entries_[++*last_];
  entry.event = std::move(event);
  entry.on_event = std::move(callback);
  events_.push_back(*last_);
  return *last_;
}

void Callbacks::rename(EntityId from, EntityId to) {
  if (from == to || row_count_ == 0) return;
  for (auto& [id, entry] : entries_) {
    if (entry.entity != from) continue;
    entry.entity = to;
    stale_ = true;
  }
}

void Callbacks::remove(CallbackId id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  found->second.dead = true;  // it may be running now
  any_dead_ = true;
  if (!delivering_) sweep();
}

void Callbacks::on_schema_changed() { stale_ = true; }

void Callbacks::sweep() {
  if (!any_dead_) return;
  for (const auto& [id, entry] : entries_) {
    if (!entry.dead || !entry.on_area) continue;
    const auto found = areas_.find(entry.subscription);
    std::erase(found->second, id);
    if (found->second.empty()) areas_.erase(found);
  }
  for (auto* list : {&outcomes_, &events_}) {
    std::erase_if(*list, [&](CallbackId id) { return entries_.at(id).dead; });
  }
  std::erase_if(entries_, [&](const auto& item) {
    const Entry& entry = item.second;
    if (entry.dead && (entry.row || entry.on_entity)) {
      --row_count_;
      stale_ = true;  // the index has only those
    }
    return entry.dead;
  });
  any_dead_ = false;
}

void Callbacks::rebuild(const Schema& schema) {
  index_.clear();
  stale_ = false;
  for (auto& [id, entry] : entries_) {
    int table = -1;
    if (entry.on_area || entry.on_outcome || entry.on_event) continue;
    if (entry.is_row) {
      const auto index = schema.table_index(std::string_view(entry.table));
      if (!index) continue;
      table = *index;
      entry.field_bits = 0;
      if (!entry.field.empty()) {
        const auto field = schema.field_index(*index, entry.field);
        if (!field || schema.layout(*index).fields[*field].server_only) continue;
        entry.field_bits = uint64_t{1} << schema.layout(*index).fields[*field].replicated_bit;
      }
    }
    index_[Key{table, entry.entity}].push_back(id);
  }
}

void Callbacks::call_rows(Key key, const RowEvent& event, CallbackId before, const bool* stop) {
  const auto found = index_.find(key);
  if (found == index_.end()) return;
  for (const CallbackId id : found->second) {
    if (*stop) return;
    Entry& entry = entries_.at(id);
    const bool is_meant = entry.field.empty() || (event.kind == RowEventKind::kChange &&
                                                  (event.changed & entry.field_bits) != 0);
    if (is_meant && !entry.dead && id <= before) entry.row(event);
  }
}

void Callbacks::call_entities(Key key, const EntityEvent& event, CallbackId before,
                              const bool* stop) {
  const auto found = index_.find(key);
  if (found == index_.end()) return;
  for (const CallbackId id : found->second) {
    if (*stop) return;
    Entry& entry = entries_.at(id);
    if (!entry.dead && id <= before) entry.on_entity(event);
  }
}

void Callbacks::deliver(const TableSet& set, const std::vector<RowEvent>& events,
                        const bool* stop) {
  ECSDB_CHECK(!delivering_);
  if (events.empty() || entries_.empty()) return;
  if (stale_) rebuild(set.schema());
  const bool wants_entities =
      std::any_of(index_.begin(), index_.end(), [](const auto& e) { return e.first.table < 0; });
  // Entity events are computed first: a callback must not change what happened.
  const std::vector<EntityEvent> entities =
      wants_entities ? entity_events(set, events) : std::vector<EntityEvent>();
  delivering_ = true;
  const CallbackId before = *last_;
  for (const RowEvent& event : events) {
    call_rows({event.table, EntityId{}}, event, before, stop);
    call_rows({event.table, event.entity}, event, before, stop);
    if (*stop) return;
  }
  for (const EntityEvent& event : entities) {
    call_entities({-1, EntityId{}}, event, before, stop);
    call_entities({-1, event.entity}, event, before, stop);
    if (*stop) return;
  }
  delivering_ = false;
  sweep();
}

void Callbacks::deliver_areas(const std::vector<AreaEvent>& events, const bool* stop) {
  ECSDB_CHECK(!delivering_);
  if (events.empty() || areas_.empty()) return;
  delivering_ = true;
  const CallbackId before = *last_;
  for (const AreaEvent& event : events) {
    const auto found = areas_.find(event.subscription);
    if (found == areas_.end()) continue;
    // By place, because a callback may add another one for the same area.
    for (size_t i = 0; i < found->second.size(); ++i) {
      const CallbackId id = found->second[i];
      if (id > before) break;
      Entry& entry = entries_.at(id);
      if (!entry.dead) entry.on_area(event);
      if (*stop) return;
    }
  }
  delivering_ = false;
  sweep();
}

template <class Told, class Call>
void Callbacks::deliver_to(const std::vector<CallbackId>& list, const std::vector<Told>& events,
                           const bool* stop, Call&& call) {
  ECSDB_CHECK(!delivering_);
  if (events.empty() || list.empty()) return;
  delivering_ = true;
  const CallbackId before = *last_;
  for (const Told& event : events) {
    // By place, because a callback may add another one.
    for (size_t i = 0; i < list.size() && list[i] <= before; ++i) {
      Entry& entry = entries_.at(list[i]);
      if (!entry.dead) call(entry, event);
      if (*stop) return;
    }
  }
  delivering_ = false;
  sweep();
}

void Callbacks::deliver_outcomes(const std::vector<WriteOutcome>& outcomes, const bool* stop) {
  deliver_to(outcomes_, outcomes, stop, [&](Entry& entry, const WriteOutcome& outcome) {
    if (entry.write && *entry.write != outcome.id) return;
    if (entry.write && !outcome.is_open) entry.dead = any_dead_ = true;  // nothing follows
    entry.on_outcome(outcome);
  });
}

void Callbacks::deliver_events(const Schema& schema, const std::vector<Event>& events,
                               const bool* stop) {
  deliver_to(events_, events, stop, [&](Entry& entry, const Event& event) {
    if (entry.event == schema.def().events[event.event].name) entry.on_event(event);
  });
}

std::vector<EntityEvent> entity_events(const TableSet& set, const std::vector<RowEvent>& events) {
  struct Count {
    EntityId entity;
    size_t order;
    int gained;
  };
  std::vector<Count> counts;
  for (size_t i = 0; i < events.size(); ++i) {
    int gained = 0;
    switch (events[i].kind) {
      case RowEventKind::kInsert:
      case RowEventKind::kEnter:
        gained = 1;
        break;
      case RowEventKind::kRemove:
      case RowEventKind::kLeave:
        gained = -1;
        break;
      case RowEventKind::kChange:
        break;
    }
    counts.push_back({events[i].entity, i, gained});
  }
  std::stable_sort(counts.begin(), counts.end(),
                   [](const Count& a, const Count& b) { return a.entity < b.entity; });
  std::vector<std::pair<size_t, EntityEvent>> found;
  for (size_t at = 0; at < counts.size();) {
    const EntityId entity = counts[at].entity;
    const size_t order = counts[at].order;
    int gained = 0;
    for (; at < counts.size() && counts[at].entity == entity; ++at) gained += counts[at].gained;
    int now = 0;
    for (size_t t = 0; t < set.table_count(); ++t) now += set.contains(t, entity) ? 1 : 0;
    const int before = now - gained;
    EntityEventKind kind = EntityEventKind::kChanged;
    if (now == 0)
      kind = EntityEventKind::kGone;
    else if (before == 0)
      kind = EntityEventKind::kAppeared;
    found.push_back({order, EntityEvent{kind, entity}});
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<EntityEvent> out;
  for (const auto& [order, event] : found) out.push_back(event);
  return out;
}

}  // namespace ecsdb
