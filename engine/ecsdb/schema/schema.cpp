#include "ecsdb/schema/schema.h"

#include <algorithm>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/field_lanes.h"
#include "ecsdb/schema/schema_order.h"

namespace ecsdb {
namespace {

std::optional<uint16_t> find_field(const std::vector<FieldDef>& fields, std::string_view name) {
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name == name) return static_cast<uint16_t>(i);
  }
  return std::nullopt;
}

template <class T>
T require(std::optional<T> found) {
  ECSDB_CHECK(found.has_value());  // validate() saw to it
  return *found;
}

bool is_flag(const FieldLanes& lanes) {
  return lanes.count == 1 && lanes.lane[0].kind == LaneKind::kUnsigned && lanes.lane[0].max == 1;
}

void lay_out_fields(const TableDef& table, TableLayout& out) {
  for (size_t i = 0; i < table.fields.size(); ++i) {
    const FieldDef& def = table.fields[i];
    const auto index = static_cast<uint16_t>(i);
    FieldLayout field;
    field.server_only = def.server_only;
    field.lane_first = static_cast<uint16_t>(out.lanes.size());
    const FieldLanes lanes = field_lanes(def);
    field.lane_count = lanes.count;
    field.is_smallest_three = def.quantise.kind == QuantiseKind::kQuat;
    for (uint16_t k = 0; k < lanes.count; ++k) {
      Lane& lane = out.lanes.emplace_back(lanes.lane[k]);
      lane.field = index;
      lane.is_flag = is_flag(lanes);
      lane.is_predicted = !lane.is_flag && !(field.is_smallest_three && k == 0);
    }
    if (is_text(def.type)) field.text = out.text_count++;
    if (!def.server_only) {
      field.replicated_bit = static_cast<uint8_t>(out.replicated.size());
      out.replicated.push_back(index);
    }
    out.fields.push_back(field);
  }
}

void resolve_cell(const Schema& schema, const TableDef& table, TableLayout& out) {
  out.cell_kind = table.cell.kind;
  switch (table.cell.kind) {
    case CellKind::kOne:
      return;
    case CellKind::kFollow:
      out.follow_table = require(schema.table_index(table.cell.target));
      return;
    case CellKind::kValue:
    case CellKind::kOwner:
      out.cell_field = require(find_field(table.fields, table.cell.target));
      return;
    case CellKind::kGrid:
      break;
  }
  out.cell_field = require(find_field(table.fields, table.cell.target));
  out.cell_steps =
      require(grid_steps(table.cell.size, table.fields[out.cell_field].quantise.precision));
}

void resolve_enums(const SchemaDef& def, std::vector<FieldDef>& fields) {
  for (FieldDef& field : fields) {
    field.enum_size = 0;
    for (const EnumDef& candidate : def.enums) {
      if (field.type == FieldType::kEnum && candidate.name == field.enum_name) {
        field.enum_size = static_cast<uint16_t>(candidate.values.size());
      }
    }
  }
}

}  // namespace

void sort_schema(SchemaDef& def) {
  const auto by_id = [](const auto& a, const auto& b) { return a.id < b.id; };
  std::stable_sort(def.enums.begin(), def.enums.end(),
                   [](const EnumDef& a, const EnumDef& b) { return a.name < b.name; });
  std::stable_sort(def.tables.begin(), def.tables.end(), by_id);
  std::stable_sort(def.events.begin(), def.events.end(), by_id);
  for (TableDef& table : def.tables)
    std::stable_sort(table.fields.begin(), table.fields.end(), by_id);
  for (EventDef& event : def.events)
    std::stable_sort(event.fields.begin(), event.fields.end(), by_id);
}

Result<Schema> Schema::make(SchemaDef def) {
  const std::vector<SchemaProblem> problems = validate_up_to(def, 1);
  if (!problems.empty()) return fail(ErrorCode::kSchemaInvalid, problem_text(def, problems[0]));
  sort_schema(def);
  for (TableDef& table : def.tables) resolve_enums(def, table.fields);
  for (EventDef& event : def.events) resolve_enums(def, event.fields);
  Schema out;
  out.def_ = std::move(def);
  const Bytes canonical = encode_schema(out.def_);
  if (canonical.size() > kSchemaBytesMax) {
    return fail(ErrorCode::kLimitExceeded,
                "the schema takes " + std::to_string(canonical.size()) + " bytes, at most " +
                    std::to_string(kSchemaBytesMax) + " are allowed: shorten names or enums");
  }
  out.fingerprint_ = hash128(canonical);
  for (const TableDef& table : out.def_.tables) {
    TableLayout layout;
    layout.id = table.id;
    layout.index = static_cast<uint16_t>(out.layouts_.size());
    lay_out_fields(table, layout);
    resolve_cell(out, table, layout);
    out.layouts_.push_back(std::move(layout));
  }
  for (size_t i = 0; i < out.layouts_.size(); ++i) {
    if (out.layouts_[i].cell_kind != CellKind::kFollow) continue;
    out.layouts_[out.layouts_[i].follow_table].followers.push_back(static_cast<uint16_t>(i));
  }
  return out;
}

std::optional<uint16_t> Schema::table_index(TableId id) const {
  const auto at =
      std::lower_bound(def_.tables.begin(), def_.tables.end(), id,
                       [](const TableDef& table, TableId want) { return table.id < want; });
  if (at == def_.tables.end() || at->id != id) return std::nullopt;
  return static_cast<uint16_t>(at - def_.tables.begin());
}

std::optional<uint16_t> Schema::table_index(std::string_view name) const {
  for (size_t i = 0; i < def_.tables.size(); ++i) {
    if (def_.tables[i].name == name) return static_cast<uint16_t>(i);
  }
  return std::nullopt;
}

std::optional<uint16_t> Schema::field_index(size_t table, std::string_view name) const {
  ECSDB_CHECK(table < def_.tables.size());
  return find_field(def_.tables[table].fields, name);
}

std::optional<uint16_t> Schema::event_index(EventId id) const {
  const auto at =
      std::lower_bound(def_.events.begin(), def_.events.end(), id,
                       [](const EventDef& event, EventId want) { return event.id < want; });
  if (at == def_.events.end() || at->id != id) return std::nullopt;
  return static_cast<uint16_t>(at - def_.events.begin());
}

std::optional<uint16_t> Schema::event_index(std::string_view name) const {
  for (size_t i = 0; i < def_.events.size(); ++i) {
    if (def_.events[i].name == name) return static_cast<uint16_t>(i);
  }
  return std::nullopt;
}

const EnumDef* Schema::find_enum(std::string_view name) const {
  for (const EnumDef& candidate : def_.enums) {
    if (candidate.name == name) return &candidate;
  }
  return nullptr;
}

}  // namespace ecsdb
