#include "ecsdb/client/overlay.h"

#include <utility>

namespace ecsdb {

std::vector<CanonicalValue> row_values(const ClientDb& db, uint16_t table, RowIndex row) {
  const Table& rows = db.table(table);
  std::vector<CanonicalValue> out;
  for (uint16_t field = 0; field < rows.field_count(); ++field) {
    out.push_back(rows.field_value(row, field));
  }
  return out;
}

const Overlay::Row* Overlay::find(uint16_t table, EntityId entity) const {
  if (rows_.empty()) return nullptr;
  const auto found = rows_.find({table, entity});
  return found == rows_.end() ? nullptr : &found->second;
}

/// The row as it is shown, now in the overlay; null if none is shown.
Overlay::Row* Overlay::row_to_change(const ClientDb& confirmed, uint16_t table, EntityId entity) {
  const auto found = rows_.find({table, entity});
  if (found != rows_.end()) return found->second.exists ? &found->second : nullptr;
  const RowIndex row = confirmed.find_row(table, entity);
  if (row == kNoRow) return nullptr;
  Row& own = rows_[{table, entity}];
  own = {true, row_values(confirmed, table, row)};
  return &own;
}

void Overlay::note_bases(const ClientDb& confirmed, WriteDraft::Op& op, EntityId entity) const {
  if (op.kind != WriteOpKind::kSet) return;
  const Row* own = find(op.table, entity);
  const RowIndex row = own == nullptr ? confirmed.find_row(op.table, entity) : kNoRow;
  for (WriteDraft::Field& field : op.fields) {
    if (own != nullptr && own->exists) field.base = own->fields[field.field];
    if (row != kNoRow) field.base = confirmed.table(op.table).field_value(row, field.field);
  }
}

void Overlay::apply_op(const ClientDb& confirmed, const MergeSet& merges, const WriteDraft::Op& op,
                       EntityId entity) {
  switch (op.kind) {
    case WriteOpKind::kSpawn:
      return;
    case WriteOpKind::kDespawn:
      for (uint16_t table = 0; table < confirmed.table_count(); ++table) {
        if (Row* row = row_to_change(confirmed, table, entity)) *row = Row{};
      }
      return;
    case WriteOpKind::kRemove:
      if (Row* row = row_to_change(confirmed, op.table, entity)) *row = Row{};
      return;
    case WriteOpKind::kPut: {
      if (row_to_change(confirmed, op.table, entity) != nullptr) return;  // it will be rejected
      const Table& table = confirmed.table(op.table);
      Row& row = rows_[{op.table, entity}];
      row.exists = true;
      row.fields.clear();
      for (const FieldDef& field : confirmed.schema().table(op.table).fields) {
        const uint16_t index = static_cast<uint16_t>(row.fields.size());
        const FieldLayout& layout = table.layout().fields[index];
        CanonicalValue value;
        value.kind = layout.text != kNoText ? CanonicalValue::kText
                                            : static_cast<uint8_t>(layout.lane_count);
        if (layout.text != kNoText) value.text = default_text(field);
        if (layout.text == kNoText) value.lanes = default_lanes(field);
        row.fields.push_back(std::move(value));
      }
      for (const WriteDraft::Field& field : op.fields) row.fields[field.field] = field.value;
      return;
    }
    case WriteOpKind::kSet: {
      Row* row = row_to_change(confirmed, op.table, entity);
      if (row == nullptr) return;
      const std::vector<FieldDef>& fields = confirmed.schema().table(op.table).fields;
      for (const WriteDraft::Field& field : op.fields) {
        CanonicalValue& shown = row->fields[field.field];
        const FieldDef& def = fields[field.field];
        if (def.policy != Policy::kMerge) {
          shown = field.value;
          continue;
        }
        auto merged = merge_field(def, merges, field.base, shown, field.value);
        // A merge that is not known here: what was written is the best guess. One that refuses will
        // be rejected.
        if (merged.ok())
          shown = std::move(merged).value();
        else if (merged.error().code == ErrorCode::kUnknownMerge)
          shown = field.value;
      }
      return;
    }
  }
}

EntityId PredictedDb::entity(EntityId entity) const {
  if (!is_provisional(entity)) return entity;
  const auto found = made_.find(entity);
  return found == made_.end() ? entity : found->second;
}

bool PredictedDb::contains(uint16_t table, EntityId given) const {
  const Overlay::Row* row = overlay_.find(table, entity(given));
  return row != nullptr ? row->exists : confirmed_.contains(table, entity(given));
}

Result<Value> PredictedDb::value(uint16_t table, EntityId given, uint16_t field) const {
  const Overlay::Row* row = overlay_.find(table, entity(given));
  if (row == nullptr) return confirmed_.value(table, entity(given), field);
  const TableDef& def = schema().table(table);
  if (row->exists) return from_canonical(def.fields[field], row->fields[field]);
  return fail(ErrorCode::kRowMissing, def.name + ", entity " + std::to_string(given.value));
}

std::vector<EntityId> PredictedDb::entities(uint16_t table) const {
  std::vector<EntityId> out;
  for (const Row& row : confirmed_.table(table).rows()) {
    if (overlay_.find(table, row.entity) == nullptr) out.push_back(row.entity);
  }
  for (const auto& [key, row] : overlay_.rows()) {
    if (key.first == table && row.exists) out.push_back(key.second);
  }
  return out;
}

}  // namespace ecsdb
