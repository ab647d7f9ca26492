#include "ecsdb/sim/checkers/model.h"

#include <algorithm>

#include "ecsdb/base/check.h"

namespace ecsdb::sim {
namespace {

int64_t floor_division(int64_t value, int64_t by) {
  int64_t quotient = value / by;
  if (quotient * by > value) --quotient;
  return quotient;
}

}  // namespace

const ModelCellState& ModelCell::at(Version version) const {
  static const ModelCellState kEmpty{};
  // Mostly asked for a version near the newest.
  for (size_t back = 1; back <= 4 && back <= history.size(); ++back) {
    const ModelCellState& state = history[history.size() - back];
    if (state.version <= version) return state;
  }
  auto after = std::upper_bound(
      history.begin(), history.end(), version,
      [](Version wanted, const ModelCellState& state) { return wanted < state.version; });
  return after == history.begin() ? kEmpty : *--after;
}

Model::Model(const Schema& schema, Version first_version)
    : schema_(schema), head_{first_version.value - 1}, tables_(schema.table_count()) {}

// --- the open transaction ---

bool Model::exists(EntityId entity) const {
  if (open_.destroyed.contains(entity)) return false;
  return open_.created.contains(entity) || alive_.contains(entity);
}

bool Model::create(EntityId entity) {
  const auto known = newest_of_index_.find(entity.index());
  const bool fresh = known == newest_of_index_.end() || known->second < entity;
  const bool occupied = known != newest_of_index_.end() && alive_.contains(known->second);
  if (entity.is_none() || !fresh || occupied || open_.created.contains(entity)) return false;
  open_.created.insert(entity);
  return true;
}

bool Model::destroy(EntityId entity) {
  if (!exists(entity)) return false;
  for (uint16_t table = 0; table < tables_.size(); ++table) remove(table, entity);
  open_.destroyed.insert(entity);
  return true;
}

const ModelImage* Model::newest(uint16_t table, EntityId entity) const {
  const auto row = tables_[table].rows.find(entity);
  if (row == tables_[table].rows.end() || row->second.history.empty()) return nullptr;
  const ModelImage& image = row->second.history.back();
  return image.cell != nullptr ? &image : nullptr;
}

const std::vector<Canonical>* Model::find(uint16_t table, EntityId entity) const {
  const auto staged = open_.staged.find({table, entity});
  if (staged != open_.staged.end()) return staged->second ? &*staged->second : nullptr;
  const ModelImage* image = newest(table, entity);
  return image == nullptr ? nullptr : &image->fields;
}

bool Model::overwrite(uint16_t table, std::vector<Canonical>& row,
                      std::span<const FieldValue> values) const {
  for (const FieldValue& given : values) {
    auto canonical = canonical_of(schema_.table(table).fields[given.field], given.value);
    if (!canonical) return false;
    row[given.field] = *std::move(canonical);
  }
  return true;
}

bool Model::insert(uint16_t table, EntityId entity, std::span<const FieldValue> values) {
  if (!exists(entity) || contains(table, entity)) return false;
  std::vector<Canonical> row;
  for (const FieldDef& field : schema_.table(table).fields) row.push_back(canonical_default(field));
  if (!overwrite(table, row, values)) return false;
  insert_row(table, entity, std::move(row));
  return true;
}

bool Model::set(uint16_t table, EntityId entity, std::span<const FieldValue> values) {
  const std::vector<Canonical>* const found = find(table, entity);
  if (found == nullptr) return false;
  std::vector<Canonical> row = *found;
  if (!overwrite(table, row, values)) return false;
  set_row(table, entity, std::move(row));
  return true;
}

bool Model::remove(uint16_t table, EntityId entity) {
  if (!contains(table, entity)) return false;
  open_.staged[{table, entity}] = std::nullopt;
  if (watcher_ != nullptr) watcher_->on_removed(table, entity);
  return true;
}

void Model::insert_row(uint16_t table, EntityId entity, std::vector<Canonical> row) {
  ECSDB_CHECK(exists(entity) && !contains(table, entity));
  open_.staged[{table, entity}] = std::move(row);
  if (watcher_ != nullptr) watcher_->on_inserted(table, entity);
}

void Model::set_row(uint16_t table, EntityId entity, std::vector<Canonical> row) {
  const std::vector<Canonical>* const found = find(table, entity);
  ECSDB_CHECK(found != nullptr && found->size() == row.size());
  const std::vector<Canonical> before = *found;
  auto& staged = open_.staged[{table, entity}];
  staged = std::move(row);
  if (watcher_ != nullptr) watcher_->on_set(table, entity, before, *staged);
}

void Model::drop() {
  open_ = Savepoint{};
  if (watcher_ != nullptr) watcher_->on_dropped();
}

// --- commit ---

std::set<Model::RowKey> Model::affected_rows() const {
  std::set<RowKey> out;
  for (const auto& [key, row] : open_.staged) out.insert(key);
  // Rows that follow a changed one may be in another cell now; following tables may be followed.
  for (size_t round = 0; round < tables_.size(); ++round) {
    const size_t before = out.size();
    for (uint16_t table = 0; table < tables_.size(); ++table) {
      const CellRule& rule = schema_.table(table).cell;
      if (rule.kind != CellKind::kFollow) continue;
      const uint16_t followed = *schema_.table_index(rule.target);
      std::vector<RowKey> more;
      for (const RowKey& key : out) {
        if (key.first == followed && contains(table, key.second)) {
          more.emplace_back(table, key.second);
        }
      }
      out.insert(more.begin(), more.end());
    }
    if (out.size() == before) break;
  }
  return out;
}

CellKey Model::key_of(uint16_t table, EntityId entity) const {
  while (schema_.table(table).cell.kind == CellKind::kFollow) {
    table = *schema_.table_index(schema_.table(table).cell.target);
    if (!contains(table, entity)) return CellKey::none();
  }
  const TableDef& def = schema_.table(table);
  if (def.cell.kind == CellKind::kOne) return CellKey::one();
  const uint16_t field = *schema_.field_index(table, def.cell.target);
  const Canonical& value = (*find(table, entity))[field];
  const auto lane = [&](size_t i) { return static_cast<int64_t>(value.lane[i]); };
  if (def.cell.kind == CellKind::kValue) return CellKey::value(lane(0));
  if (def.cell.kind == CellKind::kOwner) return CellKey::owner(PrincipalId{value.lane[0]});
  const int64_t edge = grid_edge_of(def.cell, def.fields[field]);
  const bool is_flat = def.fields[field].type == FieldType::kVec2f;
  return CellKey::grid(floor_division(lane(0), edge), floor_division(lane(1), edge),
                       is_flat ? 0 : floor_division(lane(2), edge));
}

ModelCell* Model::cell_for(uint16_t table, const CellKey& key) {
  const auto [at, is_new] = tables_[table].cells.try_emplace(key);
  if (is_new) {
    at->second.index = static_cast<uint32_t>(cells_.size());
    at->second.table = table;
    at->second.key = key;
    cells_.push_back(&at->second);
  }
  return &at->second;
}

Digest Model::hash_of(uint16_t table, EntityId entity, const std::vector<Canonical>& fields) const {
  const TableDef& def = schema_.table(table);
  ModelRowHash hash(def.id, entity);
  for (size_t i = 0; i < def.fields.size(); ++i) {
    if (!def.fields[i].server_only) hash.add_field(def.fields[i], fields[i]);
  }
  return hash.finish();
}

/// Adds or takes away a row's digest in the cell's state of this version.
void Model::account(ModelCell* cell, const Digest& digest, bool arrives, Version version) {
  if (cell->history.empty() || cell->history.back().version != version) {
    ModelCellState next = cell->history.empty() ? ModelCellState{} : cell->history.back();
    next.version = version;
    cell->history.push_back(next);
    changed_.push_back(cell);
  }
  ModelCellState& state = cell->history.back();
  if (arrives) {
    state.digest += digest;
    ++state.rows;
  } else {
    state.digest -= digest;
    --state.rows;
  }
}

void Model::settle_row(const RowKey& key, Version version) {
  const auto [table, entity] = key;
  const std::vector<Canonical>* fields = find(table, entity);
  const ModelImage* old = newest(table, entity);
  if (fields == nullptr && old == nullptr) return;
  Row& row = tables_[table].rows[entity];
  ModelImage image{version, nullptr, {}};
  ModelCell* cell = nullptr;
  Digest digest;
  if (fields != nullptr) {
    cell = cell_for(table, key_of(table, entity));
    image.cell = cell;
    image.fields = *fields;
    digest = hash_of(table, entity, *fields);
  }
  if (old != nullptr && cell != nullptr && old->cell != cell) ++cell_moves_;
  if (old == nullptr || cell == nullptr || old->cell != cell || digest != row.digest) {
    if (old != nullptr) account(cell_for(table, old->cell->key), row.digest, false, version);
    if (cell != nullptr) account(cell, digest, true, version);
  }
  if (old == nullptr) ++tables_[table].live;
  if (cell == nullptr) --tables_[table].live;
  row.digest = digest;
  row.history.push_back(std::move(image));
}

void Model::commit(Version version) {
  ECSDB_CHECK(version == head_.next());
  changed_.clear();
  for (const RowKey& key : affected_rows()) settle_row(key, version);
  for (const EntityId entity : open_.created) {
    newest_of_index_[entity.index()] = entity;
    alive_.insert(entity);
  }
  for (const EntityId entity : open_.destroyed) alive_.erase(entity);
  head_ = version;
  open_ = Savepoint{};
  if (watcher_ != nullptr) watcher_->on_committed();
}

// --- reading ---

const ModelCell* Model::find_cell(uint16_t table, const CellKey& key) const {
  const auto found = tables_[table].cells.find(key);
  return found == tables_[table].cells.end() ? nullptr : &found->second;
}

std::span<const ModelImage> Model::images(uint16_t table, EntityId entity) const {
  const auto row = tables_[table].rows.find(entity);
  if (row == tables_[table].rows.end()) return {};
  return row->second.history;
}

std::optional<EntityId> Model::entity_from(uint16_t table, EntityId from) const {
  const auto& rows = tables_[table].rows;
  for (auto row = rows.lower_bound(from); row != rows.end(); ++row) {
    if (row->second.history.back().cell != nullptr) return row->first;
  }
  return std::nullopt;
}

const ModelImage* Model::row_at(uint16_t table, EntityId entity, Version version) const {
  const auto row = tables_[table].rows.find(entity);
  if (row == tables_[table].rows.end()) return nullptr;
  const std::vector<ModelImage>& history = row->second.history;
  for (size_t i = history.size(); i > 0; --i) {
    const ModelImage& image = history[i - 1];
    if (image.version <= version) return image.cell != nullptr ? &image : nullptr;
  }
  return nullptr;
}

}  // namespace ecsdb::sim
