#include "ecsdb/store/transaction.h"

#include <algorithm>
#include <utility>

namespace ecsdb {
namespace {

std::string place(const TableDef& table, uint16_t field) {
  return table.name + "." + table.fields[field].name;
}

Error with_place(const Error& error, const TableDef& table, uint16_t field) {
  return fail(error.code, error.context.empty() ? place(table, field)
                                                : place(table, field) + ": " + error.context);
}

}  // namespace

Transaction::Transaction(Database& db) : db_(&db) {
  ECSDB_CHECK(!db.in_transaction_);
  db.in_transaction_ = true;
}

Transaction::Transaction(Transaction&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)),
      undo_(std::move(other.undo_)),
      old_texts_(std::move(other.old_texts_)),
      touched_(std::move(other.touched_)),
      destroyed_(std::move(other.destroyed_)) {}

Transaction::~Transaction() {
  if (db_ != nullptr) rollback();
}

Result<EntityId> Transaction::create() {
  const EntityId entity = db_->create_entity();
  if (entity.is_none()) {
    return fail(ErrorCode::kCapacity,
                "all " + std::to_string(db_->options_.entities_max) + " entities are in use");
  }
  undo_.push_back({.what = Undo::kCreate, .old = entity.value});
  return entity;
}

Status Transaction::require_entity(EntityId entity) const {
  if (db_->exists(entity)) return {};
  return fail(ErrorCode::kUnknownEntity, "entity " + std::to_string(entity.value));
}

Status Transaction::destroy(EntityId entity) {
  ECSDB_TRY(require_entity(entity));
  for (uint16_t table = 0; table < db_->table_count(); ++table) {
    const RowIndex row = db_->find_row(table, entity);
    if (row != kNoRow) mark_removed(table, row);
  }
  db_->entities_[entity.index()].doomed = true;
  destroyed_.push_back(entity);
  return {};
}

Status Transaction::stage(uint16_t table, std::span<const FieldValue> values) {
  const TableDef& def = db_->schema().table(table);
  staged_.clear();
  for (const FieldValue& given : values) {
    ECSDB_CHECK(given.field < def.fields.size());
    const FieldDef& field = def.fields[given.field];
    Staged& staged = staged_.emplace_back();
    staged.field = given.field;
    if (field.type == FieldType::kStr || field.type == FieldType::kBytes) {
      auto text = to_text(field, given.value);
      if (!text.ok()) return with_place(text.error(), def, given.field);
      staged.text = std::move(text).value();
    } else {
      auto lanes = to_lanes(field, given.value);
      if (!lanes.ok()) return with_place(lanes.error(), def, given.field);
      staged.lanes = *lanes;
    }
  }
  return {};
}

void Transaction::apply_staged(uint16_t table, RowIndex row) {
  const TableLayout& layout = db_->schema().layout(table);
  Table& rows = db_->tables_[table];
  for (const Staged& staged : staged_) {
    const FieldLayout& field = layout.fields[staged.field];
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      write_lane(table, row, static_cast<uint16_t>(field.lane_first + k), staged.lanes.lane[k],
                 !field.server_only);
    }
    if (field.text == kNoText || rows.text(row, field.text) == staged.text) continue;
    old_texts_.push_back(rows.text(row, field.text));
    undo_.push_back({Undo::kText, table, field.text, row, old_texts_.size() - 1});
    rows.set_text(row, field.text, staged.text);
    touch(table, row, !field.server_only);
  }
}

void Transaction::write_lane(uint16_t table, RowIndex row, uint16_t lane, uint64_t value,
                             bool replicated) {
  Table& rows = db_->tables_[table];
  const uint64_t old = rows.lane(row, lane);
  if (old == value) return;
  undo_.push_back({Undo::kLane, table, lane, row, old});
  rows.set_lane(row, lane, value);
  touch(table, row, replicated);
}

void Transaction::touch(uint16_t table, RowIndex index, bool replicated) {
  Row& row = db_->tables_[table].row(index);
  if (replicated) row.touched_replicated = true;
  if (row.touched) return;
  row.touched = true;
  touched_.push_back({table, index});
}

Status Transaction::insert(uint16_t table, EntityId entity, std::span<const FieldValue> values) {
  ECSDB_TRY(require_entity(entity));
  Table& rows = db_->tables_[table];
  RowIndex row = rows.find(entity);
  const TableDef& def = db_->schema().table(table);
  if (row != kNoRow && !rows.row(row).is_removed) {
    return fail(ErrorCode::kRowExists, def.name + ", entity " + std::to_string(entity.value));
  }
  ECSDB_TRY(stage(table, values));
  if (row == kNoRow) {
    row = rows.append(entity);
    rows.row(row).is_new = true;
    undo_.push_back({.what = Undo::kAppend, .table = table, .row = row});
    apply_staged(table, row);
  } else {
    // Removed earlier in this transaction: it becomes a change of the old row.
    const std::vector<Staged> given = staged_;
    rows.row(row).is_removed = false;
    undo_.push_back({.what = Undo::kUnmarkRemoved, .table = table, .row = row});
    staged_.clear();
    for (uint16_t i = 0; i < def.fields.size(); ++i) {
      const bool is_text = rows.layout().fields[i].text != kNoText;
      staged_.push_back({i, is_text ? LaneValues{} : default_lanes(def.fields[i]),
                         is_text ? default_text(def.fields[i]) : std::string()});
    }
    for (const Staged& staged : given) staged_[staged.field] = staged;
    apply_staged(table, row);
  }
  touch(table, row, true);
  return {};
}

Status Transaction::set(uint16_t table, EntityId entity, std::span<const FieldValue> values) {
  const RowIndex row = db_->find_row(table, entity);
  if (row == kNoRow) {
    return fail(ErrorCode::kRowMissing,
                db_->schema().table(table).name + ", entity " + std::to_string(entity.value));
  }
  ECSDB_TRY(stage(table, values));
  apply_staged(table, row);
  return {};
}

Status Transaction::set(uint16_t table, EntityId entity, uint16_t field, Value value) {
  const FieldValue one{field, std::move(value)};
  return set(table, entity, std::span(&one, 1));
}

Status Transaction::remove(uint16_t table, EntityId entity) {
  const RowIndex row = db_->find_row(table, entity);
  if (row == kNoRow) {
    return fail(ErrorCode::kRowMissing,
                db_->schema().table(table).name + ", entity " + std::to_string(entity.value));
  }
  mark_removed(table, row);
  return {};
}

void Transaction::mark_removed(uint16_t table, RowIndex row) {
  db_->tables_[table].row(row).is_removed = true;
  undo_.push_back({.what = Undo::kMarkRemoved, .table = table, .row = row});
  touch(table, row, true);
}

Status Transaction::set_many(uint16_t table, uint16_t field, std::span<const EntityId> entities,
                             std::span<const uint64_t> lanes) {
  const TableDef& def = db_->schema().table(table);
  const FieldLayout& layout = db_->schema().layout(table).fields[field];
  ECSDB_CHECK(layout.text == kNoText);
  ECSDB_CHECK(lanes.size() == entities.size() * layout.lane_count);
  for (size_t i = 0; i < entities.size(); ++i) {
    if (!db_->contains(table, entities[i])) {
      return fail(ErrorCode::kRowMissing,
                  def.name + ", entity " + std::to_string(entities[i].value));
    }
    LaneValues values;
    for (uint16_t k = 0; k < layout.lane_count; ++k) {
      values.lane[k] = lanes[i * layout.lane_count + k];
    }
    if (!lanes_are_canonical(def.fields[field], values)) {
      return fail(ErrorCode::kValueOutOfRange,
                  place(def, field) + ", entity " + std::to_string(entities[i].value));
    }
  }
  for (size_t i = 0; i < entities.size(); ++i) {
    const RowIndex row = db_->find_row(table, entities[i]);
    for (uint16_t k = 0; k < layout.lane_count; ++k) {
      write_lane(table, row, static_cast<uint16_t>(layout.lane_first + k),
                 lanes[i * layout.lane_count + k], !layout.server_only);
    }
  }
  return {};
}

Version Transaction::commit() && {
  ECSDB_CHECK(db_ != nullptr);
  db_->head_ = db_->head_.next();
  place_changed_rows();
  erase_removed_rows();
  for (const EntityId entity : destroyed_) {
    db_->entities_[entity.index()].doomed = false;
    db_->free_entity(entity);
  }
  const Version version = db_->head_;
  close();
  return version;
}

/// Tables with cells of their own first, so that following rows find their new place.
void Transaction::place_changed_rows() {
  for (const bool following : {false, true}) {
    for (const Touched& touched : touched_) {
      const TableLayout& layout = db_->schema().layout(touched.table);
      if ((layout.cell_kind == CellKind::kFollow) != following) continue;
      const Row& row = db_->tables_[touched.table].row(touched.row);
      if (!row.is_removed) {
        db_->place_row(touched.table, touched.row);
      } else if (!row.is_new) {
        for (const uint16_t follower : layout.followers) db_->follow(follower, row.entity);
      }
    }
  }
}

void Transaction::erase_removed_rows() {
  std::vector<Touched> removed;
  for (const Touched& touched : touched_) {
    Row& row = db_->tables_[touched.table].row(touched.row);
    row.touched = row.touched_replicated = row.is_new = false;
    if (!row.is_removed) continue;
    removed.push_back(touched);
    // Tombstones in order of the operations, which does not depend on where rows happen to stand.
    if (row.cell != kNoCell) db_->leave_cell(touched.table, touched.row, false);
  }
  // Highest row first: the row that moves into a hole is then never one that is still to go.
  std::sort(removed.begin(), removed.end(), [](const Touched& a, const Touched& b) {
    return a.table != b.table ? a.table < b.table : a.row > b.row;
  });
  for (const Touched& touched : removed) db_->remove_row(touched.table, touched.row);
}

void Transaction::rollback() {
  for (const EntityId entity : destroyed_) db_->entities_[entity.index()].doomed = false;
  for (const Touched& touched : touched_) {
    Row& row = db_->tables_[touched.table].row(touched.row);
    row.touched = row.touched_replicated = false;
  }
  for (auto entry = undo_.rbegin(); entry != undo_.rend(); ++entry) {
    Table& table = db_->tables_[entry->table];
    switch (entry->what) {
      case Undo::kCreate: {
        const EntityId entity{entry->old};
        db_->free_entity(entity);
        break;
      }
      case Undo::kAppend:
        ECSDB_CHECK(entry->row + 1 == table.row_count());  // appends are undone last first
        table.erase(entry->row, [](CellIndex) -> RowLog& { __builtin_unreachable(); });
        break;
      case Undo::kMarkRemoved:
        table.row(entry->row).is_removed = false;
        break;
      case Undo::kUnmarkRemoved:
        table.row(entry->row).is_removed = true;
        break;
      case Undo::kLane:
        table.set_lane(entry->row, entry->lane, entry->old);
        break;
      case Undo::kText:
        table.set_text(entry->row, entry->lane, old_texts_[entry->old]);
        break;
    }
  }
  close();
}

void Transaction::close() {
  db_->in_transaction_ = false;
  db_ = nullptr;
}

}  // namespace ecsdb
