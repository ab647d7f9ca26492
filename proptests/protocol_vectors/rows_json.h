// Schemas, values, rows and history as the vectors state them.
#pragma once

#include "ecsdb/schema/schema.h"
#include "ecsdb/store/cells.h"
#include "ecsdb/store/table.h"

#include "json.h"

namespace ecsdb::vectors {

Json schema_json(const SchemaDef& def);
Json field_json(const FieldDef& def);
/// A field's definition; what is missing is as in FieldDef. Only what values depend on is read.
FieldDef field_from_json(const Json& json);

/// {"value": ..., "bits": ...}, the latter for floats.
Json value_json(const Value& value);
/// A value of the alternative that the field takes.
Value value_from_json(const FieldDef& def, const Json& json);

Json key_json(const CellKey& key);
Json digest_json(const Digest& digest);
/// Signed lanes as signed numbers.
Json lane_json(const Lane& lane, uint64_t value);
uint64_t lane_from_json(const Json& json);

/// {"entity": "...", "values": {...}} with the replicated fields.
Json row_json(const TableDef& def, const Table& table, RowIndex row);
/// Adds a row as row_json() tells it.
void add_row(const TableDef& def, Table& table, const Json& json);
/// Names of the fields whose replicated bits are set.
Json field_names(const TableDef& def, const TableLayout& layout, uint64_t bits);
/// Every row of the cell that has a history, by entity index.
Json history_json(const TableDef& def, const Table& table, const CellHistory& history);

}  // namespace ecsdb::vectors
