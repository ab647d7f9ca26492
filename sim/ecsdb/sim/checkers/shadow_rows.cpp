#include "ecsdb/sim/checkers/shadow_rows.h"

#include <algorithm>
#include <string>

#include "ecsdb/base/mutant.h"
#include "ecsdb/sim/checkers/model_values.h"
#include "ecsdb/sim/checkers/replica_text.h"

namespace ecsdb::sim {
namespace {

const char* kind_name(RowEventKind kind) {
  switch (kind) {
    case RowEventKind::kInsert:
      return "insert";
    case RowEventKind::kChange:
      return "change";
    case RowEventKind::kRemove:
      return "remove";
    case RowEventKind::kEnter:
      return "enter";
    case RowEventKind::kLeave:
      return "leave";
  }
  return "?";
}

}  // namespace

void ShadowRows::report(Instant at, std::string where, std::string expected, std::string got) {
  violations_.add(
      {"callback_agreement", at, client_, std::move(where), std::move(expected), std::move(got)});
}

void ShadowRows::attach(Client& client, const Schema& schema) {
  source_ = &client;
  rows_.clear();
  rows_of_.clear();
  entities_.clear();
  returning_.clear();
  schema_ = Hash128{};
  last_cut_ = Version{};
  for (uint16_t table = 0; table < schema.table_count(); ++table) {
    client.on_row(schema.table(table).name, [this](const RowEvent& event) { on_row(event); });
  }
  client.on_entity([this](const EntityEvent& event) { on_entity(event); });
}

void ShadowRows::read_fields(const RowEvent& event, std::vector<Value>& values, uint64_t mask) {
  const ClientDb& db = source_->db();
  const TableLayout& layout = db.schema().layout(event.table);
  for (const uint16_t field : layout.replicated) {
    if (((mask >> layout.fields[field].replicated_bit) & 1) == 0) continue;
    auto value = db.value(event.table, event.entity, field);
    if (!value.ok()) continue;
    if (event.kind == RowEventKind::kChange && same_value(*value, values[field])) {
      const FieldDef& def = db.schema().table(event.table).fields[field];
      report(now_, row_name(db.schema(), event.table, event.entity) + ", field " + def.name,
             "told only if it differs",
             "told, and still " + format_value(db.schema(), def, *value));
    }
    values[field] = *std::move(value);
  }
  if (event.kind == RowEventKind::kChange && mask == 0) {
    report(now_, row_name(db.schema(), event.table, event.entity), "a change of some field",
           "none");
  }
}

/// One-sided: what leaves or enters may have been removed or inserted while nobody could tell.
void ShadowRows::check_kind(const RowEvent& event) {
  const Version cut = source_->db().cut();
  const bool is_insert = event.kind == RowEventKind::kInsert;
  if (model_ == nullptr || (!is_insert && event.kind != RowEventKind::kRemove)) return;
  bool is_true = false;
  if (is_insert) {
    const auto images = model_->images(event.table, event.entity);
    is_true = model_->row_at(event.table, event.entity, last_cut_) == nullptr ||
              std::any_of(images.begin(), images.end(), [&](const ModelImage& image) {
                return image.cell == nullptr && image.version > last_cut_ && image.version <= cut;
              });
  } else {
    is_true = model_->row_at(event.table, event.entity, cut) == nullptr;
  }
  if (is_true) return;
  report(now_, row_name(source_->db().schema(), event.table, event.entity),
         is_insert ? "an enter: the row was there before" : "a leave: the row is there still",
         kind_name(event.kind));
}

/// A row that leaves because the schema is another one now may be there anew; then it must enter.
bool ShadowRows::may_return(const RowKey& key) {
  if (source_->db().schema().fingerprint() == schema_) return false;
  return returning_.insert(key).second;
}

void ShadowRows::on_row(const RowEvent& event) {
  if (ECSDB_MUTANT(lost_callback) && event.entity.index() % 16 == 3) return;
  const Schema& schema = source_->db().schema();
  const RowKey key{event.table, event.entity};
  check_kind(event);
  const bool known = rows_.contains(key);
  const bool arrives = event.kind == RowEventKind::kInsert || event.kind == RowEventKind::kEnter;
  const bool shown = source_->db().contains(event.table, event.entity);
  const bool goes = event.kind == RowEventKind::kRemove || event.kind == RowEventKind::kLeave;
  if (known == arrives || (shown == goes && !(known && goes && may_return(key)))) {
    report(now_, row_name(schema, event.table, event.entity),
           arrives ? "a row that was not there" : "a row that was told of",
           std::string(kind_name(event.kind)) + (shown ? ", readable" : ", not readable"));
    return;
  }
  if (goes) {
    rows_.erase(key);
    if (--rows_of_[event.entity] == 0) rows_of_.erase(event.entity);
    return;
  }
  std::vector<Value>& values = rows_[key];
  if (arrives) {
    returning_.erase(key);
    values.resize(schema.table(event.table).fields.size());
    ++rows_of_[event.entity];
  }
  read_fields(event, values, arrives ? ~uint64_t{0} : event.changed);
}

void ShadowRows::on_entity(const EntityEvent& event) {
  const bool known = entities_.contains(event.entity);
  const bool has_rows = rows_of_.contains(event.entity);
  const bool fits = event.kind == EntityEventKind::kAppeared  ? !known && has_rows
                    : event.kind == EntityEventKind::kChanged ? known && has_rows
                                                              : known && !has_rows;
  if (!fits) {
    report(now_, "entity " + std::to_string(event.entity.value),
           "an entity event that fits the row events",
           "kind " + std::to_string(static_cast<int>(event.kind)) +
               (known ? ", known" : ", not known") + (has_rows ? ", with rows" : ", without rows"));
  }
  if (event.kind == EntityEventKind::kGone) {
    entities_.erase(event.entity);
  } else {
    entities_.insert(event.entity);
  }
}

void ShadowRows::on_polled(Instant at) {
  last_cut_ = source_->db().cut();
  schema_ = source_->db().schema().fingerprint();
  if (!returning_.empty()) {
    const auto& [table, entity] = *returning_.begin();
    report(at, row_name(source_->db().schema(), table, entity), "told to enter again", "only left");
    returning_.clear();
  }
  if (++polls_ % kCompareEvery == 0) compare_all(at);
}

void ShadowRows::compare_all(Instant at) {
  const ClientDb& db = source_->db();
  size_t rows = 0;
  for (uint16_t table = 0; table < db.table_count(); ++table) rows += db.table(table).row_count();
  if (rows != rows_.size()) {
    report(at, "all rows", std::to_string(rows) + " in the replica",
           std::to_string(rows_.size()) + " told of");
  }
  if (entities_.size() != rows_of_.size()) {
    report(at, "all entities", std::to_string(rows_of_.size()) + " with rows",
           std::to_string(entities_.size()) + " told of");
  }
  for (const auto& [key, values] : rows_) {
    const auto [table, entity] = key;
    for (const uint16_t field : db.schema().layout(table).replicated) {
      const auto value = db.value(table, entity, field);
      if (value.ok() && same_value(*value, values[field])) continue;
      const FieldDef& def = db.schema().table(table).fields[field];
      report(at, row_name(db.schema(), table, entity) + ", field " + def.name,
             value.ok() ? format_value(db.schema(), def, *value) : "no such row",
             "told: " + format_value(db.schema(), def, values[field]));
      return;
    }
  }
}

}  // namespace ecsdb::sim
