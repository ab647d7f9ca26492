// Events, as messages.
#include "canonical.h"
#include "groups.h"
#include "message_json.h"
#include "message_rejects.h"

namespace ecsdb::vectors {
namespace {

std::vector<EventValue> some_values() {
  return {{FieldId{1}, lanes({-2, 3})}, {FieldId{2}, text("caf\xc3\xa9")}, {FieldId{65535}, {}}};
}

}  // namespace

void make_event_messages(Maker& to) {
  Events events;
  accept_message(to, "events-nothing", "The list may be empty.", "events", events);
  events.missed = 70000;
  accept_message(to, "events-missed", "All that there is to tell is that some were lost.", "events",
                 events);
  events.events = {{EventId{1}, EntityId::make(9, 3, 1), Version{300}, some_values()},
                   {EventId{65535}, {}, Version{~uint64_t{0}}, {}}};
  accept_message(to, "events", "Two, one of them about nobody.", "events", events);
  ClientEvents sent;
  accept_message(to, "client-events-nothing", "The list may be empty.", "client_events", sent);
  sent.events = {{EventId{1}, EntityId::make(9, 3, 1), some_values()}, {EventId{65535}, {}, {}}};
  accept_message(to, "client-events", "Two, one of them about nobody.", "client_events", sent);
}

void make_event_rejects(const Rejects& to) {
  to.add("events-cut-short", "The list of events is missing.", "events", Head().hex("00"));
  to.add("events-bytes-behind", "One byte follows.", "events", Head().hex("000000"));
  to.add("events-257-events", "More than one message may have.", "events",
         Head().hex("00").varint(257).repeat(257, "01000100"));
  to.add("event-id-beyond", "Event ids have 16 bits.", "events",
         Head().hex("0001").varint(65536).hex("000100"));
  to.add("event-65-values", "More than an event has fields.", "events",
         Head().hex("0001").hex("010001").varint(65).repeat(65, "0100"));
  to.add("event-value-kind-6", "Kinds of values are 0 to 5.", "events",
         Head().hex("0001").hex("010001").hex("01").hex("0106"));
  to.add("client-events-empty", "A message has a list.", "client_events", Head());
  to.add("client-events-257-events", "More than one message may have.", "client_events",
         Head().varint(257).repeat(257, "010000"));
  to.add("client-event-field-beyond", "Field ids have 16 bits.", "client_events",
         Head().hex("01").hex("0100").hex("01").varint(65536).hex("00"));
}

}  // namespace ecsdb::vectors
