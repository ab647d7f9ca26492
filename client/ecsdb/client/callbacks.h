// Who is called about which row or entity.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ecsdb/client/areas.h"
#include "ecsdb/client/events.h"
#include "ecsdb/client/writes.h"
#include "ecsdb/schema/schema.h"
#include "ecsdb/store/table_set.h"

namespace ecsdb {

/// Registered callbacks and the order they run in: row events in the order of the cut, each to the
/// callbacks of its table, then of its row, by age; then entity events. Callbacks may add and
/// remove callbacks while one runs.
class Callbacks {
 public:
  /// `last`: the id that was given out last, which several registries share. It outlives them.
  explicit Callbacks(CallbackId* last) : last_(last) {}

  CallbackId add_row(std::string table, EntityId entity, RowCallback callback);
  CallbackId add_entity(EntityId entity, EntityCallback callback);
  /// Of changes of one field.
  CallbackId add_field(std::string table, std::string field, RowCallback callback);
  /// Of one write, until its outcome is final; or of all.
  CallbackId add_outcome(std::optional<WriteId> write, OutcomeCallback callback);
  CallbackId add_area(SubscriptionId subscription, AreaCallback callback);
  /// Of an event of the schema, by name.
  CallbackId add_event(std::string event, EventCallback callback);
  /// Those of an entity's rows go on under its new id.
  void rename(EntityId from, EntityId to);
  /// No harm if there is none.
  void remove(CallbackId id);
  /// Of rows, fields or entities.
  bool has_rows() const { return row_count_ > 0; }
  bool has_events() const { return !events_.empty(); }
  /// Tables are registered by name; ids and indices change with the schema.
  void on_schema_changed();

  /// Delivers the events of one cut; `set` is the state after it. Stops early when `*stop` becomes
  /// true (the client was destroyed; then the registry outlives it until this returns).
  void deliver(const TableSet& set, const std::vector<RowEvent>& events, const bool* stop);
  /// The same for what areas tell.
  void deliver_areas(const std::vector<AreaEvent>& events, const bool* stop);
  /// The same for what has become of writes.
  void deliver_outcomes(const std::vector<WriteOutcome>& outcomes, const bool* stop);
  /// The same for events of the schema, one after the other.
  void deliver_events(const Schema& schema, const std::vector<Event>& events, const bool* stop);

 private:
  struct Entry {
    bool is_row = false;
    bool dead = false;
    std::string table;
    std::string field;        // empty: every change of the row, and more
    uint64_t field_bits = 0;  // of that field, or all; by rebuild()
    EntityId entity;
    RowCallback row;
    EntityCallback on_entity;
    SubscriptionId subscription;
    AreaCallback on_area;
    std::optional<WriteId> write;
    OutcomeCallback on_outcome;
    std::string event;
    EventCallback on_event;
  };
  struct Key {
    int table;        // -1: entity callbacks
    EntityId entity;  // none: all
    auto operator<=>(const Key&) const = default;
  };
  void rebuild(const Schema& schema);
  void call_rows(Key key, const RowEvent& event, CallbackId before, const bool* stop);
  void call_entities(Key key, const EntityEvent& event, CallbackId before, const bool* stop);
  void sweep();
  /// To those of `list`, by age; `call` is given the entry and the event.
  template <class Told, class Call>
  void deliver_to(const std::vector<CallbackId>& list, const std::vector<Told>& events,
                  const bool* stop, Call&& call);

  std::map<CallbackId, Entry> entries_;
  std::map<Key, std::vector<CallbackId>> index_;
  CallbackId* last_;
  size_t row_count_ = 0;
  bool stale_ = false;
  bool delivering_ = false;
  bool any_dead_ = false;
  std::map<SubscriptionId, std::vector<CallbackId>> areas_;
  std::vector<CallbackId> outcomes_;
  std::vector<CallbackId> events_;
};

/// One event an entity, in order of their first row event: appeared, changed or gone, by whether it
/// has visible rows now and had some before.
std::vector<EntityEvent> entity_events(const TableSet& set, const std::vector<RowEvent>& events);

}  // namespace ecsdb
