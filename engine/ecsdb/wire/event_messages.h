// Events: what is told once and kept nowhere. Part of messages.h.
#pragma once

#include <tuple>
#include <vector>

#include "ecsdb/wire/describe.h"
#include "ecsdb/wire/limits.h"

namespace ecsdb {

struct EventValue {
  FieldId field;
  CanonicalValue value;
  bool operator==(const EventValue&) const = default;
};
template <>
struct Describe<EventValue> {
  static constexpr const char* name = "event_value";
  static constexpr auto fields = std::make_tuple(
      ecsdb::field("field", &EventValue::field, 0, "field id; rising within an event"),
      ecsdb::field("value", &EventValue::value, kTextBytesMax, "what it says"));
};

/// One event on its way to clients.
struct EventEntry {
  EventId event;
  EntityId entity;
  Version version;
  std::vector<EventValue> values;
  bool operator==(const EventEntry&) const = default;
};
template <>
struct Describe<EventEntry> {
  static constexpr const char* name = "event_entry";
  static constexpr auto fields =
      std::make_tuple(field("event", &EventEntry::event, 0, "event id"),
                      field("entity", &EventEntry::entity, 0, "whom it is about; 0: nobody"),
                      field("version", &EventEntry::version, 0, "the commit that it belongs to"),
                      field("values", &EventEntry::values, kFieldsPerTableMax,
                            "of its fields; one that is not named has its default"));
};

struct Events {
  uint64_t missed = 0;
  std::vector<EventEntry> events;
};
template <>
struct Describe<Events> {
  static constexpr const char* name = "events";
  static constexpr auto fields = std::make_tuple(
      field("missed", &Events::missed, 0,
            "so many events before these were for this client and are lost"),
      field("events", &Events::events, kEventsPerFrameMax, "in order of the server's telling"));
};

/// One event on its way to the server.
struct ClientEventEntry {
  EventId event;
  EntityId entity;
  std::vector<EventValue> values;
  bool operator==(const ClientEventEntry&) const = default;
};
template <>
struct Describe<ClientEventEntry> {
  static constexpr const char* name = "client_event_entry";
  static constexpr auto fields =
      std::make_tuple(field("event", &ClientEventEntry::event, 0, "event id"),
                      field("entity", &ClientEventEntry::entity, 0, "whom it is about; 0: nobody"),
                      field("values", &ClientEventEntry::values, kFieldsPerTableMax,
                            "of its fields; one that is not named has its default"));
};

struct ClientEvents {
  std::vector<ClientEventEntry> events;
};
template <>
struct Describe<ClientEvents> {
  static constexpr const char* name = "client_events";
  static constexpr auto fields = std::make_tuple(
      field("events", &ClientEvents::events, kEventsPerFrameMax, "in the order of their making"));
};

}  // namespace ecsdb
