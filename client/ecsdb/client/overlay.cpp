#include "ecsdb/client/overlay.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace ecsdb {
namespace {

/// The rows that an operation is upon.
template <class Call>
void for_each_key(const ClientDb& db, const WriteDraft::Op& op, EntityId entity, Call&& call) {
  if (op.kind == WriteOpKind::kSpawn) return;
  if (op.kind != WriteOpKind::kDespawn) return call(Overlay::Key{op.table, entity});
  for (uint16_t table = 0; table < db.table_count(); ++table) call(Overlay::Key{table, entity});
}

}  // namespace

std::vector<CanonicalValue> row_values(const ClientDb& db, uint16_t table, RowIndex row) {
  const Table& rows = db.table(table);
  std::vector<CanonicalValue> out;
  out.reserve(rows.field_count());
  for (uint16_t field = 0; field < rows.field_count(); ++field) {
    out.push_back(rows.field_value(row, field));
  }
  return out;
}

void Overlay::clear() {
  rows_.clear();
  ops_.clear();
  dirty_.clear();
  taken_.clear();
}

const Overlay::Row* Overlay::find(uint16_t table, EntityId entity) const {
  if (rows_.empty()) return nullptr;
  const auto found = rows_.find({table, entity});
  return found == rows_.end() ? nullptr : &found->second;
}

/// The row as it is shown, now in the overlay; null if none is shown.
Overlay::Row* Overlay::row_to_change(const ClientDb& confirmed, uint16_t table, EntityId entity) {
  const Key key{table, entity};
  const auto at = rows_.lower_bound(key);
  if (at != rows_.end() && at->first == key) return at->second.exists ? &at->second : nullptr;
  const RowIndex row = confirmed.find_row(table, entity);
  if (row == kNoRow) return nullptr;
  Row own{true, row_values(confirmed, table, row)};
  return &rows_.emplace_hint(at, key, std::move(own))->second;
}

// ---- A write that is submitted ----

void Overlay::show(const ClientDb& confirmed, const MergeSet& merges, WriteDraft::Op& op,
                   EntityId entity, std::vector<Shown>& shown) {
  note_bases(confirmed, op, entity);
  for_each_key(confirmed, op, entity, [&](const Key& key) {
    const auto found = rows_.find(key);
    if (found != rows_.end()) {
      shown.push_back({key, found->second});
    } else if (op.kind == WriteOpKind::kPut || confirmed.contains(key.first, entity)) {
      shown.push_back({key, std::nullopt});
    }
  });
  apply_op(confirmed, merges, op, entity);
}

void Overlay::take_back(std::vector<Shown>&& shown) {
  for (; !shown.empty(); shown.pop_back()) {
    if (shown.back().before) {
      rows_[shown.back().key] = *std::move(shown.back().before);
    } else {
      rows_.erase(shown.back().key);
    }
  }
}

void Overlay::keep(WriteId write, const WriteDraft::Op& op, EntityId entity) {
  if (op.kind != WriteOpKind::kSpawn) ops_[entity].refs.push_back({write, &op});
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
    case WriteOpKind::kPut:
      return apply_put(confirmed, op, entity);
    case WriteOpKind::kSet:
      return apply_set(confirmed, merges, op, entity);
  }
}

void Overlay::apply_put(const ClientDb& confirmed, const WriteDraft::Op& op, EntityId entity) {
  if (row_to_change(confirmed, op.table, entity) != nullptr) return;  // it will be rejected
  const Table& table = confirmed.table(op.table);
  Row& row = rows_[{op.table, entity}];
  row.exists = true;
  row.fields.clear();
  for (const FieldDef& field : confirmed.schema().table(op.table).fields) {
    const uint16_t index = static_cast<uint16_t>(row.fields.size());
    const FieldLayout& layout = table.layout().fields[index];
    CanonicalValue value;
    value.kind =
        layout.text != kNoText ? CanonicalValue::kText : static_cast<uint8_t>(layout.lane_count);
    if (layout.text != kNoText) value.text = default_text(field);
    if (layout.text == kNoText) value.lanes = default_lanes(field);
    row.fields.push_back(std::move(value));
  }
  for (const WriteDraft::Field& field : op.fields) row.fields[field.field] = field.value;
}

void Overlay::apply_set(const ClientDb& confirmed, const MergeSet& merges, const WriteDraft::Op& op,
                        EntityId entity) {
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
}

// ---- What has changed ----

void Overlay::take_away(const ClientDb& confirmed, const WriteDraft::Op& op, EntityId entity) {
  for_each_key(confirmed, op, entity, [&](const Key& key) {
    if (auto row = rows_.extract(key)) taken_.insert(std::move(row));
  });
}

void Overlay::drop(const ClientDb& confirmed, WriteId write, const WriteDraft::Op& op,
                   EntityId entity) {
  const auto found = ops_.find(entity);
  if (found == ops_.end()) return;
  std::vector<Ref>& refs = found->second.refs;
  auto at = std::lower_bound(refs.begin(), refs.end(), write,
                             [](const Ref& ref, WriteId want) { return ref.write < want; });
  for (; at != refs.end() && at->write == write; ++at) {
    if (at->op == &op) at->op = nullptr;
  }
  take_away(confirmed, op, entity);
  make_dirty(found);
}

void Overlay::make_dirty(Entities::iterator at) {
  if (!std::exchange(at->second.is_dirty, true)) dirty_.push_back(at);
}

void Overlay::rename(const ClientDb& confirmed, EntityId provisional, EntityId from, EntityId to) {
  const auto found = ops_.find(from);
  if (found == ops_.end() || from == to) return;
  std::vector<Ref> moved;
  std::vector<Ref> rest;
  for (const Ref& ref : found->second.refs) {
    if (ref.op == nullptr) continue;
    (ref.op->entity == provisional ? moved : rest).push_back(ref);
  }
  for (const Ref& ref : moved) take_away(confirmed, *ref.op, from);
  const auto target = ops_.try_emplace(to).first;
  std::vector<Ref>& refs = target->second.refs;
  std::vector<Ref> all;
  std::merge(refs.begin(), refs.end(), moved.begin(), moved.end(), std::back_inserter(all),
             [](const Ref& a, const Ref& b) {
               return a.write != b.write ? a.write < b.write : std::less<>()(a.op, b.op);
             });
  refs = std::move(all);
  found->second.refs = std::move(rest);
  make_dirty(found);
  make_dirty(target);
}

void Overlay::touch(EntityId entity) {
  if (const auto found = ops_.find(entity); found != ops_.end()) make_dirty(found);
}

/// What an operation does to an entity's rows depends on these alone, so that the others can stay.
void Overlay::refresh(const ClientDb& confirmed, const MergeSet& merges, Changes* changes) {
  for (const Entities::iterator at : dirty_) {
    const EntityId entity = at->first;
    at->second.is_dirty = false;
    std::vector<Ref>& refs = at->second.refs;
    std::erase_if(refs, [](const Ref& ref) { return ref.op == nullptr; });
    for (const Ref& ref : refs) take_away(confirmed, *ref.op, entity);
    for (const Ref& ref : refs) {
      apply_op(confirmed, merges, *ref.op, entity);
      if (changes == nullptr) continue;
      for_each_key(confirmed, *ref.op, entity, [&](const Key& key) {
        if (rows_.contains(key)) changes->made.push_back(key);
      });
    }
    if (refs.empty()) ops_.erase(at);
  }
  dirty_.clear();
  if (changes != nullptr) changes->before = std::exchange(taken_, {});
  taken_.clear();
}

// ---- Reading ----

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
  ECSDB_TRY(confirmed_.check_field(table, field));
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
