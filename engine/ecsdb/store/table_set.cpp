#include "ecsdb/store/table_set.h"

namespace ecsdb {

TableSet::TableSet(Schema schema, bool with_baseline) : schema_(std::move(schema)) {
  tables_.reserve(schema_.table_count());
  for (size_t i = 0; i < schema_.table_count(); ++i) {
    tables_.emplace_back(schema_.table(i), schema_.layout(i), with_baseline);
  }
}

Value TableSet::value(size_t table, RowIndex row, uint16_t field) const {
  const FieldDef& def = schema_.table(table).fields[field];
  const FieldLayout& layout = schema_.layout(table).fields[field];
  if (layout.text != kNoText) return from_text(def, tables_[table].text(row, layout.text));
  return from_lanes(def, tables_[table].field_lanes(row, field));
}

Status TableSet::check_field(size_t table, size_t field) const {
  if (table >= table_count()) {
    return fail(ErrorCode::kUnknownTable, "there is no table number " + std::to_string(table));
  }
  if (field < schema_.table(table).fields.size()) return {};
  return fail(ErrorCode::kUnknownField, "table \"" + schema_.table(table).name +
                                            "\" has no field number " + std::to_string(field));
}

Result<Value> TableSet::value(size_t table, EntityId entity, uint16_t field) const {
  ECSDB_TRY(check_field(table, field));
  const RowIndex row = find_row(table, entity);
  if (row == kNoRow) return fail(ErrorCode::kRowMissing, schema_.table(table).name);
  return value(table, row, field);
}

const TableSet::Binding* TableSet::find_binding(const void* tag) const {
  for (const Binding& binding : bindings_) {
    if (binding.tag == tag) return &binding;
  }
  return nullptr;
}

}  // namespace ecsdb
