// A session's events: those that wait for its next advance, and those that its client sends.
#include <algorithm>
#include <utility>

#include "ecsdb/base/mutant.h"
#include "ecsdb/server/session.h"
#include "ecsdb/server/write_rights.h"
#include "ecsdb/wire/event_values.h"

namespace ecsdb {
namespace {

constexpr size_t kFrameBytes = 48 * 1024;  // of one frame, unless a single event has more

}  // namespace

/// Before a first sync has ended there is nothing that it could belong to.
void Session::offer_event(const EventRing& ring, uint64_t number) {
  if (phase_ != Phase::kLive) return;
  // All but the lost ones are in the ring, so that it bounds the list.
  if (events_.size() > 2 * (ring.end() - ring.begin())) lose_events(ring);
  events_.push_back(number);
}

/// Its client holds the event's cell, or would hold it if there were one.
bool Session::is_for(const Database& db, const EventRing::Item& item) const {
  if (item.table == EventRing::kNoTable || ECSDB_MUTANT(event_to_everyone)) return true;
  const CellIndex cell = db.cells(item.table).find(item.key);
  if (cell == kNoCell) return interest_.wants(db, identity_, item.table, item.key);
  return interest_.is_told({item.table, cell});
}

/// Counts those that the ring has no more.
void Session::lose_events(const EventRing& ring) {
  const auto kept = std::lower_bound(events_.begin(), events_.end(), ring.begin());
  if (!ECSDB_MUTANT(events_uncounted)) {
    events_missed_ += static_cast<uint64_t>(kept - events_.begin());
  }
  events_.erase(events_.begin(), kept);
}

/// Of a client that comes back: what came after its cut, in the cells that it holds. How much of it
/// is lost nobody knows.
void Session::find_events(const SessionContext& context) {
  const EventRing& ring = context.event_ring;
  for (uint64_t number = ring.begin(); number < ring.end(); ++number) {
    const EventRing::Item& item = ring.at(number);
    const bool is_old = item.version <= resume_.cut && !ECSDB_MUTANT(events_again);
    if (!is_old && is_for(context.db, item)) events_.push_back(number);
  }
}

/// Rows of a cell that has not entered yet are not there either.
bool Session::is_ahead_of_rows(const SessionContext& context, const EventRing::Item& item) const {
  if (item.table == EventRing::kNoTable) return false;
  const CellIndex cell = context.db.cells(item.table).find(item.key);
  return cell != kNoCell && interest_.is_entering({item.table, cell});
}

/// In front of the advance that they belong to, once it is decided which cells enter by it.
///
///   events  varint missed | varint count | entries, as they stand in the ring
void Session::send_events(SessionContext& context) {
  if (!has_events()) return;
  const EventRing& ring = context.event_ring;
  lose_events(ring);
  Bytes entries;
  uint64_t count = 0;
  auto flush = [&] {
    if (count == 0 && events_missed_ == 0) return;
    Bytes head;
    ByteWriter writer(head);
    writer.varint(events_missed_);
    writer.varint(count);
    writer.bytes(entries);
    append_frame(out_.own(), MessageType::kEvents, head);
    out_.own_done();
    context.stats.events_sent += count;
    context.stats.events_missed += std::exchange(events_missed_, 0);
    entries.clear();
    count = 0;
  };
  for (const uint64_t number : events_) {
    const EventRing::Item& item = ring.at(number);
    if (is_ahead_of_rows(context, item)) continue;
    const bool is_full = count == kEventsPerFrameMax ||
                         (count > 0 && entries.size() + item.entry.size() > kFrameBytes);
    if (is_full) flush();
    entries.insert(entries.end(), item.entry.begin(), item.entry.end());
    ++count;
  }
  flush();
  events_.clear();
}

Status Session::on_client_events(SessionContext& context, ByteSpan head, const Now& now) {
  ClientEvents message;
  ECSDB_TRY(decode_message(head, message));
  for (const ClientEventEntry& entry : message.events) {
    if (take_client_event(context, entry, now)) {
      ++context.stats.client_events_taken;
    } else {
      ++context.stats.client_events_dropped;
    }
  }
  return {};
}

/// Nobody waits for an answer: what may not be is dropped.
bool Session::take_client_event(SessionContext& context, const ClientEventEntry& entry,
                                const Now& now) {
  const Schema& schema = context.db.schema();
  const auto index = schema.event_index(entry.event);
  if (phase_ != Phase::kLive || !intake_.admit_event(now.steady) || !index) return false;
  const EventDef& def = schema.def().events[*index];
  if (!may_write_some(def.write, identity_)) return false;
  if (!check_event_values(def, entry.values).ok()) return false;
  if (context.client_events.size() >= context.options.client_events_max) return false;
  context.client_events.push_back(
      {client_, identity_.principal, *index, entry.entity, all_event_values(def, entry.values)});
  return true;
}

}  // namespace ecsdb
