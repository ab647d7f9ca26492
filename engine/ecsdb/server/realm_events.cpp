// A realm's events: from the application to the sessions that are to have them.
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
  if (def.cell.kind == CellKind::kFollow) {
    if (entity.is_none()) {
      return fail(ErrorCode::kUnknownEntity, "event \"" + def.name + "\" goes where an entity is");
    }
    emitted.table = *schema.table_index(def.cell.target);
    emitted.where = cell_of(emitted.table, entity);
  } else if (def.cell.kind != CellKind::kOne) {
    return fail(ErrorCode::kTypeMismatch, "event \"" + def.name +
                                              "\" has cells of its own, which nobody can subscribe "
                                              "to: let it follow a table");
  }
  auto checked = make_event_values(def, values);
  if (!checked.ok()) return checked.error();
  emitted.entry = {def.id, entity, {}, std::move(checked).value()};
  ECSDB_TRY(events_.emit(std::move(emitted)));
  ++stats_.events_emitted;
  return {};
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
      auto key = cell_of(emitted.table, emitted.entry.entity);
      if (!key) key = emitted.where;  // it went in the meantime
      if (!key) continue;
      item.key = *key;
    }
    ByteWriter writer(item.entry);
    encode_fields(emitted.entry, writer);
    const CellIndex cell = is_for_all ? kNoCell : db_.cells(emitted.table).find(item.key);
    const uint64_t number = events_.push(std::move(item));
    if (is_for_all) {
      for (uint32_t slot = 0; slot < server_.slots.size(); ++slot) offer_event(slot, number);
    } else if (cell != kNoCell) {
      for (const Audience::Listener& listener : audience_.of({emitted.table, cell})) {
        offer_event(listener.slot, number);
      }
    }
  }
}

void Realm::offer_event(uint32_t slot, uint64_t number) {
  Session* const session = session_at(slot);
  if (session != nullptr) session->offer_event(events_, number);
}

}  // namespace ecsdb
