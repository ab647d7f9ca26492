// A realm's events: from the application to the sessions that are to have them.
#include <algorithm>
#include <utility>

#include "ecsdb/server/realm.h"
#include "ecsdb/wire/event_values.h"

namespace ecsdb {

Status Realm::emit(uint16_t event, EntityId entity, std::span<const FieldValue> values) {
  const Schema& schema = db_.schema();
  if (event >= schema.def().events.size()) {
    return fail(ErrorCode::kUnknownEvent, "event number " + std::to_string(event));
  }
  const EventDef& def = schema.def().events[event];
  EventRing::Emitted emitted;
  emitted.in_transaction = db_.in_transaction();
  auto checked = make_event_values(def, values);
  if (!checked.ok()) return checked.error();
  if (def.cell.kind == CellKind::kFollow) {
    emitted.table = *schema.table_index(def.cell.target);
    emitted.has_place = !def.cell.at.empty();
    if (entity.is_none() && !emitted.has_place) {
      return fail(ErrorCode::kUnknownEntity, "event \"" + def.name + "\" goes where an entity is");
    }
    emitted.where =
        emitted.has_place ? place_of(def, emitted.table, *checked) : cell_of(emitted.table, entity);
  }
  emitted.entry = {def.id, entity, {}, std::move(checked).value()};
  ECSDB_TRY(events_.emit(std::move(emitted)));
  ++stats_.events_emitted;
  return {};
}

/// The cell of the table that the event names itself, whether it exists or not.
CellKey Realm::place_of(const EventDef& def, uint16_t table,
                        std::span<const EventValue> values) const {
  const auto at = std::find_if(def.fields.begin(), def.fields.end(),
                               [&](const FieldDef& field) { return field.name == def.cell.at; });
  const auto field = static_cast<size_t>(at - def.fields.begin());
  return cell_key_of(db_.schema().layout(table), event_value(def, field, values).lanes);
}

/// As of the last commit.
std::optional<CellKey> Realm::cell_of(uint16_t table, EntityId entity) const {
  const RowIndex row = db_.table(table).find(entity);
  if (row == kNoRow) return std::nullopt;
  const CellIndex cell = db_.table(table).row(row).cell;
  if (cell == kNoCell) return std::nullopt;  // the open transaction has made it
  return db_.cell({table, cell}).key;
}

/// Of a publish, once its cells have their listeners: an event is for those that hold the cell.
void Realm::route_events() {
  for (EventRing::Emitted& emitted : events_.take_committed()) {
    EventRing::Item item{emitted.entry.version, emitted.table, {}, {}};
    const bool is_for_all = emitted.table == EventRing::kNoTable;
    if (!is_for_all) {
      std::optional<CellKey> key;
      if (!emitted.has_place) key = cell_of(emitted.table, emitted.entry.entity);
      if (!key) key = emitted.where;  // it says so, or the row went in the meantime
      if (!key) continue;
      item.key = *key;
    }
    ByteWriter writer(item.entry);
    encode_fields(emitted.entry, writer);
    const CellIndex cell = is_for_all ? kNoCell : db_.cells(emitted.table).find(item.key);
    const uint64_t number = events_.push(std::move(item));
    if (cell != kNoCell) {
      for (const Audience::Listener& listener : audience_.of({emitted.table, cell})) {
        if (Session* session = session_at(listener.slot)) session->offer_event(events_, number);
      }
      continue;
    }
    for (uint32_t slot = 0; slot < server_.slots.size(); ++slot) {
      Session* const session = session_at(slot);
      if (session == nullptr || !session->is_for(db_, events_.at(number))) continue;
      session->offer_event(events_, number);
    }
  }
}

}  // namespace ecsdb
