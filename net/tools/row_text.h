// Rows, events and cell keys as text.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ecsdb/client/client_db.h"
#include "ecsdb/client/events.h"

namespace ecsdb {

/// "insert", "change", "remove", "enter", "leave".
std::string_view row_event_name(RowEventKind kind);

/// One JSON object: {"v": 1, "event": ..., "version": ..., "table": ..., "entity": ..., "fields":
/// {...}}; fields are the changed ones of a change, all of an insert or enter, absent otherwise.
std::string event_json(const ClientDb& db, const RowEvent& event);
/// The same for a person.
std::string event_line(const ClientDb& db, const RowEvent& event);
/// One of the schema's events: {"v": 1, "event": "event", "version": ..., "name": ..., "entity":
/// ..., "fields": {...}}, without the entity if it is about nobody; and the same for a person.
std::string told_json(const Schema& schema, const Event& event);
std::string told_line(const Schema& schema, const Event& event);
/// A row as it is: as above, with "row" in place of the kind of event.
std::string row_json(const ClientDb& db, const RowEvent& row);
std::string row_line(const ClientDb& db, const RowEvent& row);
/// What a row holds, without the rest: {"v": 1, "pos": [1, 2], ...}.
std::string fields_json(const ClientDb& db, size_t table, EntityId entity);

/// Calls `use` for each row in order of entity until it returns false.
void for_each_row(const ClientDb& db, size_t table, const std::function<bool(EntityId)>& use);

/// A whole screen with its escape sequences: a heading and as many rows as fit, tables one below
/// the other.
std::string rows_screen(const ClientDb& db, Version head, size_t rows, size_t columns, bool colour);

/// What --cell takes, by the cell rule of the table that decides (a followed one, if it follows).
std::optional<CellKey> parse_cell_key(const Schema& schema, const TableLayout& layout,
                                      std::string_view text);
/// What such a text looks like for this table.
std::string cell_key_help(const Schema& schema, const TableLayout& layout);

}  // namespace ecsdb
