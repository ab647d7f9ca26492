// What clients have written: changes that are marked with who made them.
#include <algorithm>

#include "ecsdb/store/transaction.h"

namespace ecsdb {

Transaction::Savepoint Transaction::savepoint() const {
  const TransactionBuffers& buffers = db_->buffers_;
  return {buffers.undo.size(), buffers.destroyed.size(), buffers.marks.size()};
}

void Transaction::roll_back(const Savepoint& to) {
  std::vector<EntityId>& destroyed = db_->buffers_.destroyed;
  for (; destroyed.size() > to.destroyed; destroyed.pop_back()) {
    db_->entities_[destroyed.back().index()].doomed = false;
  }
  undo_marks_to(to.marks);
  undo_to(to.undo);
}

void Transaction::undo_marks_to(size_t size) {
  std::vector<MarkUndo>& marks = db_->buffers_.marks;
  for (; marks.size() > size; marks.pop_back()) {
    const MarkUndo& old = marks.back();
    ChangeMarks& table = db_->tables_[old.table].marks();
    switch (old.what) {
      case MarkUndo::What::kField:
        table.field(old.row, old.bit) = old.field;
        if (table.is_lww(old.bit)) table.lww(old.row, old.bit) = old.lww;
        break;
      case MarkUndo::What::kBirth:
        table.birth(old.row) = old.birth;
        break;
      case MarkUndo::What::kRemoval:
        db_->removals_.restore(old.table, old.entity, old.removal);
        break;
    }
  }
}

void Transaction::keep_field_mark(uint16_t table, RowIndex row, uint8_t bit) {
  ChangeMarks& marks = db_->tables_[table].marks();
  MarkUndo& old = db_->buffers_.marks.emplace_back();
  old.table = table;
  old.row = row;
  old.bit = bit;
  old.field = marks.field(row, bit);
  if (marks.is_lww(bit)) old.lww = marks.lww(row, bit);
}

void Transaction::write_field(uint16_t table, RowIndex row, uint16_t field,
                              const CanonicalValue& value, const Writer& writer) {
  Table& rows = db_->tables_[table];
  const StagedField staged{field, value.lanes, value.text};
  write_fields(table, row, std::span(&staged, 1));
  const uint8_t bit = rows.layout().fields[field].replicated_bit;
  keep_field_mark(table, row, bit);
  rows.marks().field(row, bit).change(writer.client, db_->head_.next());
  if (rows.marks().is_lww(bit)) rows.marks().lww(row, bit) = writer.lww;
}

RowIndex Transaction::write_row(uint16_t table, EntityId entity,
                                std::span<const WrittenField> fields, const Writer& writer) {
  ECSDB_CHECK(db_->exists(entity));
  RowIndex row = db_->tables_[table].find(entity);
  ECSDB_CHECK(row == kNoRow || db_->tables_[table].is_removed(row));
  std::vector<StagedField>& staged = db_->buffers_.staged;
  staged.clear();
  for (const WrittenField& given : fields) {
    staged.push_back({given.field, given.value->lanes, given.value->text});
  }
  const bool was_removed = row != kNoRow;
  insert_staged(table, entity, row);
  if (was_removed) {
    ChangeMarks& marks = db_->tables_[table].marks();
    MarkUndo& old = db_->buffers_.marks.emplace_back();
    old.what = MarkUndo::What::kBirth;
    old.table = table;
    old.row = row;
    old.birth = marks.birth(row);
    for (uint32_t bit = 0; bit < marks.field_count(); ++bit) {
      keep_field_mark(table, row, static_cast<uint8_t>(bit));
    }
  }
  mark_inserted(table, row, writer);
  return row;
}

void Transaction::mark_inserted(uint16_t table, RowIndex row, const Writer& writer) {
  db_->tables_[table].marks().insert(row, writer.client, db_->head_.next(), writer.lww);
}

void Transaction::remove_row(uint16_t table, RowIndex row, const Writer& writer) {
  const EntityId entity = db_->tables_[table].row(row).entity;
  mark_removed(table, row);
  MarkUndo& old = db_->buffers_.marks.emplace_back();
  old.what = MarkUndo::What::kRemoval;
  old.table = table;
  old.entity = entity;
  old.removal = db_->removals_.get(table, entity);
  db_->removals_.add(table, entity, {db_->head_.next(), writer.client});
}

void Transaction::start_step(uint64_t stamp) {
  step_begin_ = db_->buffers_.undo.size();
  step_stamp_ = stamp;
}

/// The server's own changes are marked when they are committed: what is dropped leaves no mark.
void Transaction::mark_step() {
  for (const UndoEntry& entry : db_->buffers_.undo.all().subspan(step_begin_)) {
    const bool is_of_table = entry.what() != What::kCreate;
    if (is_of_table && db_->tables_[entry.table()].marks().is_kept()) mark_step_entry(entry);
  }
}

void Transaction::mark_step_entry(const UndoEntry& entry) {
  Table& rows = db_->tables_[entry.table()];
  ChangeMarks& marks = rows.marks();
  const Version version = db_->head_.next();
  uint8_t bit = ChangeMarks::kNone;
  switch (entry.what()) {
    case What::kAppend:
    case What::kUnmarkRemoved:
      return mark_inserted(entry.table(), entry.row(), {kServerClient, {step_stamp_, 0, 0}});
    case What::kMarkRemoved:
      return db_->removals_.add(entry.table(), rows.row(entry.row()).entity,
                                {version, kServerClient});
    case What::kLane:
      bit = marks.bit_of_lane(entry.lane());
      break;
    case What::kText:
      bit = marks.bit_of_text(entry.lane());
      break;
    case What::kCreate:
      break;
  }
  if (bit == ChangeMarks::kNone) return;
  FieldMark& field = marks.field(entry.row(), bit);
  const bool is_marked = field.by == kServerClient && field.version == version;
  field.change(kServerClient, version);
  if (!marks.is_lww(bit) || is_marked) return;
  LwwMark& lww = marks.lww(entry.row(), bit);
  lww = {std::max(step_stamp_, lww.stamp + 1), 0, 0};
}

}  // namespace ecsdb
