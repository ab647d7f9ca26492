// A client's events: those of the server, and those that it sends.
#include <algorithm>
#include <utility>

#include "ecsdb/client/client_impl.h"
#include "ecsdb/wire/event_values.h"

namespace ecsdb {
namespace {

size_t memory_bytes(const EventEntry& entry) {
  size_t bytes = sizeof(entry) + entry.values.size() * sizeof(EventValue);
  for (const EventValue& value : entry.values) bytes += value.value.text.size();
  return bytes;
}

}  // namespace

CallbackId Client::on_event(std::string event, EventCallback callback) {
  return impl_->callbacks_.add_event(std::move(event), std::move(callback));
}

Status Client::send_event(uint16_t event, EntityId entity, std::span<const FieldValue> values,
                          const Now& now) {
  return impl_->send_event(event, entity, values, now);
}

Status Client::Impl::on_events(ByteSpan head) {
  if (state_ != State::kReady || !live_ || has_arriving_) {
    return fail(ErrorCode::kUnexpectedMessage, "events");
  }
  Events message;
  ECSDB_TRY(decode_message(head, message));
  for (EventEntry& entry : message.events) {
    const auto index = schema().event_index(entry.event);
    if (!index) {
      return fail(ErrorCode::kUnknownEvent,
                  "an event with the id " + std::to_string(entry.event.value));
    }
    ECSDB_TRY(check_event_values(schema().def().events[*index], entry.values));
    outcome_bytes_ += memory_bytes(entry);
    next_events_.push_back(std::move(entry));
  }
  next_events_missed_ += message.missed;
  return check_received();
}

/// An advance begins: it is the one that they belong to, so that none can come twice.
Status Client::Impl::take_events(const Advance& head) {
  arriving_.events = std::exchange(next_events_, {});
  arriving_.events_missed = std::exchange(next_events_missed_, 0);
  Version last = head.from.next();
  for (const EventEntry& entry : arriving_.events) {
    if (entry.version < last || entry.version > head.to()) {
      return fail(ErrorCode::kFrameMalformed, "an event of a version that its advance has not");
    }
    last = entry.version;
  }
  return {};
}

/// Of the advance that was applied last, after its rows.
void Client::Impl::show_schema_events() {
  const std::vector<EventEntry> entries = std::exchange(told_events_, {});
  if (entries.empty() || !callbacks_.has_events()) return;
  std::vector<Event> events;
  for (const EventEntry& entry : entries) {
    const uint16_t index = *visible_.schema().event_index(entry.event);
    const EventDef& def = visible_.schema().def().events[index];
    events.push_back({index, entry.entity, entry.version, all_event_values(def, entry.values)});
  }
  callbacks_.deliver_events(visible_.schema(), events, &orphaned_);
}

Status Client::Impl::send_event(uint16_t event, EntityId entity, std::span<const FieldValue> values,
                                const Now& now) {
  if (state_ != State::kReady || !live_ || next_schema_) {
    return fail(ErrorCode::kLinkClosed, "not live, and events are not kept");
  }
  const std::vector<EventDef>& defs = schema().def().events;
  if (event >= defs.size()) {
    return fail(ErrorCode::kUnknownEvent, "event number " + std::to_string(event));
  }
  entity = predicted_.entity(entity);
  if (is_provisional(entity)) {
    return fail(ErrorCode::kUnknownEntity, "the server has not made the entity yet");
  }
  auto checked = make_event_values(defs[event], values);
  if (!checked.ok()) return checked.error();
  if (out_.bytes() >= kWriteBytesWaiting) {
    return fail(ErrorCode::kQueueFull, "the link does not take what waits already");
  }
  if (!write_pace_.has_any(now.steady)) {
    return fail(ErrorCode::kQueueFull, "the server lets a client send no more than " +
                                           std::to_string(auth_reply_.client_bytes) +
                                           " bytes a second");
  }
  ClientEvents message;
  message.events = {{defs[event].id, entity, std::move(checked).value()}};
  const size_t before = out_.bytes();
  send(MessageType::kClientEvents, message);
  write_pace_.spend(out_.bytes() - before, now.steady);
  ++stats_.events_sent;
  return {};
}

}  // namespace ecsdb
