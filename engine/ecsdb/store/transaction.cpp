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
  ECSDB_CHECK(!db.in_transaction_ && db.buffers_.empty());
  db.in_transaction_ = true;
}

Transaction::Transaction(Transaction&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)),
      step_begin_(other.step_begin_),
      step_stamp_(other.step_stamp_) {}

Transaction::~Transaction() {
  if (db_ == nullptr) return;
  for (const EntityId entity : db_->buffers_.destroyed) {
    db_->entities_[entity.index()].doomed = false;
  }
  undo_marks_to(0);
  undo_to(0);
  close();
}

Result<EntityId> Transaction::create() {
  const EntityId entity = db_->create_entity();
  if (entity.is_none()) {
    return fail(ErrorCode::kCapacity,
                "all " + std::to_string(db_->options_.entities_max) + " entities are in use");
  }
  db_->buffers_.undo.push(UndoEntry(What::kCreate, 0, kNoRow, 0, entity.value, 0));
  return entity;
}

Status Transaction::require_entity(EntityId entity) const {
  if (db_->exists(entity)) return {};
  return fail(ErrorCode::kUnknownEntity, "entity " + std::to_string(entity.value));
}

Status Transaction::missing_row(uint16_t table, EntityId entity) const {
  return fail(ErrorCode::kRowMissing,
              db_->schema().table(table).name + ", entity " + std::to_string(entity.value));
}

Status Transaction::destroy(EntityId entity) {
  ECSDB_TRY(require_entity(entity));
  for (uint16_t table = 0; table < db_->table_count(); ++table) {
    const RowIndex row = db_->find_row(table, entity);
    if (row != kNoRow) mark_removed(table, row);
  }
  db_->entities_[entity.index()].doomed = true;
  db_->buffers_.destroyed.push_back(entity);
  return {};
}

Status Transaction::stage_one(uint16_t table, uint16_t field, const Value& value,
                              StagedField& out) const {
  const TableDef& def = db_->schema().table(table);
  ECSDB_CHECK(field < def.fields.size());
  out.field = field;
  if (db_->schema().layout(table).fields[field].text == kNoText) {
    if (try_to_lanes(def.fields[field], value, out.lanes)) return {};
    return with_place(to_lanes(def.fields[field], value).error(), def, field);
  }
  if (try_to_text(def.fields[field], value, out.text)) return {};
  return with_place(to_text(def.fields[field], value).error(), def, field);
}

Status Transaction::stage(uint16_t table, std::span<const FieldValue> values) {
  std::vector<StagedField>& staged = db_->buffers_.staged;
  staged.clear();
  for (const FieldValue& given : values) {
    ECSDB_TRY(stage_one(table, given.field, given.value, staged.emplace_back()));
  }
  return {};
}

/// Adds the defaults of the fields that are not staged.
void Transaction::stage_defaults(uint16_t table) {
  std::vector<StagedField>& staged = db_->buffers_.staged;
  const Table& rows = db_->tables_[table];
  const std::vector<FieldLayout>& fields = rows.layout().fields;
  const size_t given = staged.size();
  for (uint16_t i = 0; i < fields.size(); ++i) {
    const auto end = staged.begin() + static_cast<ptrdiff_t>(given);
    if (std::any_of(staged.begin(), end, [i](const StagedField& s) { return s.field == i; })) {
      continue;
    }
    const bool is_text = fields[i].text != kNoText;
    staged.push_back({i, is_text ? LaneValues{} : rows.default_lanes_of(i),
                      is_text ? rows.default_text_of(fields[i].text) : std::string_view()});
  }
}

/// There is room for an entry.
inline void Transaction::note(What what, uint16_t table, RowIndex row, uint8_t& state, uint8_t how,
                              uint16_t lane, uint64_t old) {
  const uint8_t before = state;
  state = before | how;
  db_->buffers_.undo.push_into_room(UndoEntry(what, table, row, lane, old, before & kTouchBits));
}

inline void Transaction::write_lane(Table& rows, uint16_t table, RowIndex row, uint16_t lane,
                                    uint64_t value, const FieldPlan& plan) {
  uint64_t old = 0;
  if (!rows.column(lane).replace(row, value, old)) return;
  rows.touch_field(plan);
  note(What::kLane, table, row, rows.state(row), plan.touch, lane, old);
}

void Transaction::write_text(Table& rows, uint16_t table, RowIndex row, const StagedField& given) {
  const uint16_t column = rows.layout().fields[given.field].text;
  if (rows.text(row, column) == given.text) return;
  TransactionBuffers& buffers = db_->buffers_;
  if (buffers.old_text_count == buffers.old_texts.size()) buffers.old_texts.emplace_back();
  std::string& text = buffers.old_texts[buffers.old_text_count];
  text = given.text;
  rows.swap_text(row, column, text);
  buffers.undo.make_room();
  rows.touch_field(rows.plan(given.field));
  note(What::kText, table, row, rows.state(row), rows.plan(given.field).touch, column,
       buffers.old_text_count++);
}

void Transaction::write_fields(uint16_t table, RowIndex row, std::span<const StagedField> staged) {
  Table& rows = db_->tables_[table];
  for (const StagedField& given : staged) {
    const FieldLayout& field = rows.layout().fields[given.field];
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      db_->buffers_.undo.make_room();
      write_lane(rows, table, row, static_cast<uint16_t>(field.lane_first + k), given.lanes.lane[k],
                 rows.plan(given.field));
    }
    if (field.text != kNoText) write_text(rows, table, row, given);
  }
}

/// One field of up to kBatchRows rows; `lanes` holds lane_count values a row.
void Transaction::write_batch(uint16_t table, uint16_t field, std::span<const RowIndex> rows,
                              std::span<const uint64_t> lanes) {
  Table& at = db_->tables_[table];
  const FieldLayout& layout = at.layout().fields[field];
  const uint8_t how = at.plan(field).touch;
  at.touch_field(at.plan(field));
  for (uint16_t k = 0; k < layout.lane_count; ++k) {
    const uint16_t lane = static_cast<uint16_t>(layout.lane_first + k);
    std::array<UndoEntry, kBatchRows> undo;  // copied as a whole, which is cheaper than one by one
    size_t count = 0;
    at.column(lane).visit([&]<class T>(T* values) {
      for (size_t i = 0; i < rows.size(); ++i) {
        const RowIndex row = rows[i];
        const T old = values[row];
        const T now = static_cast<T>(lanes[i * layout.lane_count + k]);
        if (old == now) continue;
        values[row] = now;
        uint8_t& state = at.state(row);
        undo[count++] = UndoEntry(What::kLane, table, row, lane, static_cast<uint64_t>(old),
                                  state & kTouchBits);
        state |= how;
      }
    });
    db_->buffers_.undo.push_all(std::span(undo).first(count));
  }
}

/// Nothing of it needs to be remembered: the row itself will be undone.
void Transaction::write_new_row(uint16_t table, RowIndex row) {
  Table& rows = db_->tables_[table];
  for (const StagedField& given : db_->buffers_.staged) {
    const FieldLayout& field = rows.layout().fields[given.field];
    if (field.text == kNoText) {
      rows.set_field_lanes(row, given.field, given.lanes);
    } else {
      rows.set_text(row, field.text, given.text);
    }
  }
}

Status Transaction::insert(uint16_t table, EntityId entity, std::span<const FieldValue> values) {
  ECSDB_TRY(require_entity(entity));
  Table& rows = db_->tables_[table];
  RowIndex row = rows.find(entity);
  if (row != kNoRow && !rows.is_removed(row)) {
    return fail(ErrorCode::kRowExists,
                db_->schema().table(table).name + ", entity " + std::to_string(entity.value));
  }
  ECSDB_TRY(stage(table, values));
  insert_staged(table, entity, row);
  return {};
}

/// `row`: kNoRow, or one that was removed in this transaction; then the new one.
void Transaction::insert_staged(uint16_t table, EntityId entity, RowIndex& row) {
  Table& rows = db_->tables_[table];
  const bool is_new = row == kNoRow;
  if (is_new) row = rows.append(entity);
  uint8_t& state = rows.state(row);
  db_->buffers_.undo.make_room();
  note(is_new ? What::kAppend : What::kUnmarkRemoved, table, row, state,
       kTouched | kTouchedReplicated);
  if (is_new) {
    state |= kNewRow;
    write_new_row(table, row);
  } else {
    // Removed earlier in this transaction: it becomes a change of the old row.
    state &= static_cast<uint8_t>(~kRemovedRow);
    stage_defaults(table);
    write_fields(table, row, db_->buffers_.staged);
  }
}

Status Transaction::set(uint16_t table, EntityId entity, std::span<const FieldValue> values) {
  const RowIndex row = db_->find_row(table, entity);
  if (row == kNoRow) return missing_row(table, entity);
  ECSDB_TRY(stage(table, values));
  write_fields(table, row, db_->buffers_.staged);
  return {};
}

// Every other function is called at its very end, so that it needs no stack of its own.
Status Transaction::set(uint16_t table, EntityId entity, uint16_t field, const Value& value) {
  Table& rows = db_->tables_[table];
  ECSDB_CHECK(field < rows.field_count());
  const FieldPlan& plan = rows.plan(field);
  uint64_t lane = 0;
  if (!db_->buffers_.undo.has_room() || !plan.codec.encode(value, lane)) {
    return set_with_care(table, entity, field, value);
  }
  const RowIndex row = rows.find(entity);
  if (row == kNoRow || rows.is_removed(row)) return missing_row(table, entity);
  write_lane(rows, table, row, plan.lane_first, lane, plan);
  return {};
}

Status Transaction::set_with_care(uint16_t table, EntityId entity, uint16_t field,
                                  const Value& value) {
  const RowIndex row = db_->find_row(table, entity);
  if (row == kNoRow) return missing_row(table, entity);
  StagedField staged;
  ECSDB_TRY(stage_one(table, field, value, staged));
  write_fields(table, row, std::span(&staged, 1));
  return {};
}

Status Transaction::remove(uint16_t table, EntityId entity) {
  const RowIndex row = db_->find_row(table, entity);
  if (row == kNoRow) return missing_row(table, entity);
  mark_removed(table, row);
  return {};
}

void Transaction::mark_removed(uint16_t table, RowIndex row) {
  uint8_t& state = db_->tables_[table].state(row);
  db_->buffers_.undo.make_room();
  note(What::kMarkRemoved, table, row, state, kTouched | kTouchedReplicated | kRemovedRow);
  db_->buffers_.has_removed = true;
}

/// Finds the rows, and starts to load the fields' lanes. Returns the first entity that has none.
const EntityId* Transaction::locate(uint16_t table, std::span<const uint16_t> fields,
                                    std::span<const EntityId> entities,
                                    std::span<RowIndex> out) const {
  const Table& rows = db_->tables_[table];
  const size_t found = rows.find_kept(entities, out);
  if (found < entities.size()) return &entities[found];
  for (const uint16_t index : fields) {
    const FieldLayout& field = rows.layout().fields[index];
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      const Column& column = rows.column(static_cast<uint16_t>(field.lane_first + k));
      for (size_t i = 0; i < entities.size(); ++i) column.prefetch(out[i]);
    }
  }
  return nullptr;
}

Status Transaction::set_many(uint16_t table, uint16_t field, std::span<const EntityId> entities,
                             std::span<const uint64_t> lanes) {
  const TableDef& def = db_->schema().table(table);
  const TableLayout& layout = db_->schema().layout(table);
  const size_t width = layout.fields[field].lane_count;
  ECSDB_CHECK(layout.fields[field].text == kNoText);
  ECSDB_CHECK(lanes.size() == entities.size() * width);
  for (size_t k = 0; k < width; ++k) {
    const Lane& lane = layout.lanes[layout.fields[field].lane_first + k];
    for (size_t i = 0; i < entities.size(); ++i) {
      if (lane_is_canonical(lane, lanes[i * width + k])) continue;
      return fail(ErrorCode::kValueOutOfRange,
                  place(def, field) + ", entity " + std::to_string(entities[i].value));
    }
  }
  const size_t undo_size = db_->buffers_.undo.size();
  std::array<RowIndex, kBatchRows> batch;
  for (size_t begin = 0; begin < entities.size(); begin += kBatchRows) {
    const size_t count = std::min(kBatchRows, entities.size() - begin);
    const EntityId* missing =
        locate(table, std::span(&field, 1), entities.subspan(begin, count), batch);
    if (missing != nullptr) {
      undo_to(undo_size);
      return missing_row(table, *missing);
    }
    write_batch(table, field, std::span(batch).first(count),
                lanes.subspan(begin * width, count * width));
  }
  return {};
}

Version Transaction::commit() && {
  ECSDB_CHECK(db_ != nullptr);
  if (db_->keeps_marks_) mark_step();
  db_->head_ = db_->head_.next();
  place_changed_rows();
  if (db_->buffers_.has_removed) erase_removed_rows();
  for (const EntityId entity : db_->buffers_.destroyed) {
    db_->entities_[entity.index()].doomed = false;
    db_->free_entity(entity);
  }
  const Version version = db_->head_;
  close();
  return version;
}

/// Tables with cells of their own first, so that following rows find their new place.
void Transaction::place_changed_rows() {
  if (place_changed_rows(false)) place_changed_rows(true);
}

/// Places rows of tables that follow others or of those that do not; true if it met any of the
/// rest.
bool Transaction::place_changed_rows(bool following) {
  if (db_->table_count() == 0) return false;
  bool met_others = false;
  std::span<const UndoEntry> left = db_->buffers_.undo.all();
  while (!left.empty()) {
    const uint16_t table = left.front().table();
    size_t count = 1;
    while (count < left.size() && left[count].table() == table) ++count;
    const bool follows = db_->schema().layout(table).cell_kind == CellKind::kFollow;
    if (follows == following) place_run(table, left.first(count));
    met_others |= follows != following;
    left = left.subspan(count);
  }
  return met_others;
}

/// A row is placed at its first change, and is in its usual state for later ones.
void Transaction::place_run(uint16_t table, std::span<const UndoEntry> entries) {
  constexpr size_t kPrefetch = 64;
  constexpr uint8_t kNeedsCare = kTouchedKey | kNewRow | kRemovedRow;
  const std::span<Row> rows = db_->tables_[table].rows();
  const std::span<uint8_t> states = db_->tables_[table].states();
  const Version head = db_->head_;
  CellIndex cell = kNoCell;
  RowLog* log = nullptr;  // of that cell
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i + kPrefetch < entries.size() && entries[i + kPrefetch].row() < rows.size()) {
      __builtin_prefetch(&rows[entries[i + kPrefetch].row()], 1);
    }
    const RowIndex index = entries[i].row();
    if (index == kNoRow || states[index] == 0) continue;  // an entity was created; a later change
    const uint8_t state = states[index];
    if ((state & kNeedsCare) != 0) {
      place_with_care(table, index);
      log = nullptr;  // cells may have come to stand elsewhere
    } else if ((state & kTouchedReplicated) != 0) {
      Row& row = rows[index];
      if (row.cell != cell || log == nullptr) {
        cell = row.cell;
        db_->mark_changed({table, cell});
        log = &db_->cells_[table].at(cell).log;
      }
      log->touch(rows, index);
      row.changed = head;
    }
    if ((state & kRemovedRow) == 0) states[index] = 0;
  }
}

void Transaction::place_with_care(uint16_t table, RowIndex row) {
  const Table& rows = db_->tables_[table];
  const uint8_t state = rows.state(row);
  if ((state & kRemovedRow) == 0) return db_->place_row(table, row);
  if ((state & kNewRow) != 0) return;
  for (const uint16_t follower : rows.layout().followers) {
    db_->follow(follower, rows.row(row).entity);
  }
}

void Transaction::erase_removed_rows() {
  std::vector<TransactionBuffers::RowRef>& removed = db_->buffers_.removed;
  // Tombstones in order of the operations, which does not depend on where rows happen to stand.
  for (const UndoEntry& entry : db_->buffers_.undo.all()) {
    if (entry.what() != What::kMarkRemoved) continue;
    Table& rows = db_->tables_[entry.table()];
    if (!rows.is_removed(entry.row())) continue;  // inserted again, or seen before
    rows.state(entry.row()) = 0;
    removed.push_back({entry.table(), entry.row()});
    if (rows.row(entry.row()).cell != kNoCell) {
      db_->leave_cell(entry.table(), entry.row(), false);
    }
  }
  // Highest row first: the row that moves into a hole is then never one that is still to go.
  std::sort(removed.begin(), removed.end(), [](const auto& a, const auto& b) {
    return a.table != b.table ? a.table < b.table : a.row > b.row;
  });
  for (const auto& gone : removed) db_->remove_row(gone.table, gone.row);
}

void Transaction::undo_to(size_t undo_size) {
  Stack<UndoEntry>& entries = db_->buffers_.undo;
  for (; entries.size() > undo_size; entries.cut(entries.size() - 1)) undo(entries.top());
}

void Transaction::undo(const UndoEntry& entry) {
  if (entry.what() == What::kCreate) return db_->free_entity(EntityId{entry.old()});
  Table& table = db_->tables_[entry.table()];
  uint8_t& state = table.state(entry.row());
  state = static_cast<uint8_t>((state & ~kTouchBits) | entry.touch());
  switch (entry.what()) {
    case What::kAppend:
      ECSDB_CHECK(entry.row() + 1 == table.row_count());  // appends are undone last first
      table.erase(entry.row(), [](CellIndex) -> RowLog& { __builtin_unreachable(); });
      break;
    case What::kMarkRemoved:
      state &= static_cast<uint8_t>(~kRemovedRow);
      break;
    case What::kUnmarkRemoved:
      state |= kRemovedRow;
      break;
    case What::kLane:
      table.set_lane(entry.row(), entry.lane(), entry.old());
      break;
    case What::kText:
      table.swap_text(entry.row(), entry.lane(), db_->buffers_.old_texts[entry.old()]);
      --db_->buffers_.old_text_count;
      break;
    case What::kCreate:
      break;
  }
}

void Transaction::close() {
  db_->buffers_.clear();
  db_->in_transaction_ = false;
  db_ = nullptr;
}

}  // namespace ecsdb
