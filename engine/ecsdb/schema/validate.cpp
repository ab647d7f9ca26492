// All semantic errors of a schema at once.
#include <map>

#include "ecsdb/schema/field_lanes.h"
#include "ecsdb/schema/number_text.h"
#include "ecsdb/schema/schema_order.h"
#include "ecsdb/schema/validate_field.h"

namespace ecsdb {
namespace {

using Section = SchemaPlace::Section;

/// Fields of a table or event by name, for cell rules.
struct FieldNames {
  std::map<std::string, const FieldDef*> by_name;
  std::vector<std::string> names;
};

class Validator {
 public:
  Validator(const SchemaDef& def, size_t max) : def_(def), problems_(max) {}

  std::vector<SchemaProblem> run() {
    check_name(def_.name, "schema", SchemaPlace{Section::kSchema, -1, -1, "name"}, problems_);
    if (def_.version < 1) note({Section::kSchema, -1, -1, "version"}, "versions start at 1");
    check_count(def_.enums.size(), kEnumsMax, "enums", {Section::kSchema, -1, -1, "enum"});
    check_count(def_.tables.size(), kTablesMax, "tables", {Section::kSchema, -1, -1, "table"});
    check_count(def_.events.size(), kEventsMax, "events", {Section::kSchema, -1, -1, "event"});
    for (const TableDef& table : def_.tables) {
      tables_.emplace(table.name, &table);
      if (has_own_cells(table)) followable_.push_back(table.name);
    }
    for (size_t i = 0; i < def_.enums.size() && !problems_.full(); ++i) check_enum(i);
    check_tables();
    check_events();
    return problems_.take();
  }

 private:
  void note(SchemaPlace place, std::string message) {
    problems_.add(std::move(place), std::move(message));
  }

  void check_count(size_t count, size_t max, const char* what, SchemaPlace place) {
    if (count <= max) return;
    note(std::move(place),
         std::to_string(count) + " " + what + " are more than the limit of " + std::to_string(max));
  }

  static bool has_own_cells(const TableDef& table) {
    return table.cell.kind == CellKind::kValue || table.cell.kind == CellKind::kOwner ||
           table.cell.kind == CellKind::kGrid;
  }

  void check_enum(size_t index) {
    const EnumDef& def = def_.enums[index];
    const SchemaPlace place{Section::kEnum, static_cast<int>(index), -1, ""};
    check_name(def.name, "enum", at_attribute(place, "name"), problems_);
    if (!enums_.emplace(def.name, &def).second) {
      note(at_attribute(place, "name"), "there is already an enum " + quoted(def.name));
    } else {
      enum_names_.push_back(def.name);
    }
    if (def.values.empty()) note(place, "enum " + quoted(def.name) + " needs at least one value");
    check_count(def.values.size(), kEnumValuesMax, "values", place);
    std::map<std::string_view, size_t> seen;
    for (size_t i = 0; i < def.values.size() && i < kEnumValuesMax; ++i) {
      const SchemaPlace at = at_attribute(place, "value." + std::to_string(i));
      check_name(def.values[i], "enum value", at, problems_);
      if (!seen.emplace(def.values[i], i).second) {
        note(at, "enum " + quoted(def.name) + " already has a value " + quoted(def.values[i]));
      }
    }
  }

  /// Names and ids of tables, events or fields: each there, legal and unique.
  template <class Item>
  void check_identity(const Item& item, const char* what, const SchemaPlace& place,
                      std::map<std::string_view, size_t>& names,
                      std::map<uint16_t, std::string_view>& ids) {
    if (!names.emplace(item.name, names.size()).second) {
      note(at_attribute(place, "name"),
           "there is already a " + std::string(what) + " " + quoted(item.name));
    }
    if (item.id.value == 0) {
      note(at_attribute(place, "id"),
           "the " + std::string(what) + " needs an id of its own, from 1 to 65535");
      return;
    }
    const auto [at, added] = ids.emplace(item.id.value, item.name);
    if (!added) {
      note(at_attribute(place, "id"), "id " + std::to_string(item.id.value) +
                                          " is already that of " + what + " " + quoted(at->second));
    }
  }

  void check_tables() {
    std::map<std::string_view, size_t> names;
    std::map<uint16_t, std::string_view> ids;
    for (size_t i = 0; i < def_.tables.size() && !problems_.full(); ++i) {
      const TableDef& table = def_.tables[i];
      const SchemaPlace place{Section::kTable, static_cast<int>(i), -1, ""};
      check_name(table.name, "table", at_attribute(place, "name"), problems_);
      check_identity(table, "table", place, names, ids);
      if (table.codec != CodecTier::kPlain && table.codec != CodecTier::kPacked) {
        note(at_attribute(place, "codec"), "unknown codec: use \"plain\" or \"packed\"");
      }
      const FieldNames fields = check_fields(table.fields, place, "table", !table.write.empty());
      check_row_size(table, place);
      check_cell(table.cell, fields, place);
      check_access(table, table.read, "read", place);
      check_access(table, table.write, "write", place);
      check_field_access(table, place);
    }
  }

  void check_events() {
    std::map<std::string_view, size_t> names;
    std::map<uint16_t, std::string_view> ids;
    for (size_t i = 0; i < def_.events.size() && !problems_.full(); ++i) {
      const EventDef& event = def_.events[i];
      const SchemaPlace place{Section::kEvent, static_cast<int>(i), -1, ""};
      check_name(event.name, "event", at_attribute(place, "name"), problems_);
      check_identity(event, "event", place, names, ids);
      const FieldNames fields = check_fields(event.fields, place, "event");
      check_event_cell(event.cell, fields, place);
      check_event_access(event, place);
    }
  }

  /// A row travels in one block, and a decoder takes blocks up to a size.
  void check_row_size(const TableDef& table, const SchemaPlace& place) {
    size_t bytes = 0;
    for (const FieldDef& field : table.fields) {
      if (!field.server_only) bytes += field.bytes_max;
    }
    if (bytes <= kRowTextBytesMax) return;
    note(at_attribute(place, "fields"), "the texts of a row may be " + std::to_string(bytes) +
                                            " bytes together, more than the " + "limit of " +
                                            std::to_string(kRowTextBytesMax) +
                                            ": lower the max of some, or split the table");
  }

  FieldNames check_fields(const std::vector<FieldDef>& fields, const SchemaPlace& place,
                          const char* what, bool table_has_write = false) {
    FieldNames out;
    if (fields.empty()) {
      note(at_attribute(place, "fields"), "the " + std::string(what) + " needs at least one field");
    }
    check_count(fields.size(), kFieldsPerTableMax, "fields", at_attribute(place, "fields"));
    std::map<std::string_view, size_t> names;
    std::map<uint16_t, std::string_view> ids;
    const bool in_event = place.section == Section::kEvent;
    const FieldContext context{def_.version, &enums_, &enum_names_, in_event, table_has_write};
    bool replicates = false;
    for (size_t i = 0; i < fields.size() && !problems_.full(); ++i) {
      SchemaPlace at = place;
      at.field = static_cast<int>(i);
      check_identity(fields[i], "field", at, names, ids);
      check_field(fields[i], at, context, problems_);
      if (out.by_name.emplace(fields[i].name, &fields[i]).second) {
        out.names.push_back(fields[i].name);
      }
      replicates = replicates || !fields[i].server_only;
    }
    if (!fields.empty() && !replicates && !in_event) {
      note(at_attribute(place, "fields"),
           "all fields are server_only, so nothing would be replicated: keep such data outside of "
           "the database, or replicate one of the fields");
    }
    return out;
  }

  /// Clients subscribe to cells of tables, and get the events that go there.
  void check_event_cell(const CellRule& cell, const FieldNames& fields, const SchemaPlace& place) {
    const bool is_own = cell.kind == CellKind::kValue || cell.kind == CellKind::kOwner ||
                        cell.kind == CellKind::kGrid;
    if (!is_own) {
      check_cell(cell, fields, place);
      if (cell.kind == CellKind::kFollow && !cell.at.empty()) check_at(cell, fields, place);
      return;
    }
    const char* key = cell.kind == CellKind::kValue ? "by" : "owner";
    if (cell.kind == CellKind::kGrid) key = "grid";
    note(at_attribute(place, std::string("cell.") + key),
         "an event has no cells of its own: write cell = { follow = \"t\", at = " +
             quoted(cell.target) + " } with a table t that has them");
  }

  /// The event's field takes the place of the field that makes the table's cells.
  void check_at(const CellRule& cell, const FieldNames& fields, const SchemaPlace& place) {
    const SchemaPlace at = at_attribute(place, "cell.at");
    const auto found = fields.by_name.find(cell.at);
    if (found == fields.by_name.end()) {
      problems_.add(at, "there is no field " + quoted(cell.at) + " to find the cell by", cell.at,
                    fields.names);
      return;
    }
    const auto followed = tables_.find(cell.target);
    if (followed == tables_.end()) return;
    const TableDef& table = *followed->second;
    for (const FieldDef& field : table.fields) {
      if (field.name != table.cell.target) continue;
      const FieldDef& own = *found->second;
      if (own.type == field.type && own.quantise == field.quantise &&
          own.enum_name == field.enum_name && own.bit_count == field.bit_count) {
        return;
      }
      note(at, "the cells of table " + quoted(table.name) + " are made of its field " +
                   quoted(field.name) + ": give " + quoted(cell.at) +
                   " the same type, precision and range");
    }
  }

  void check_cell(const CellRule& cell, const FieldNames& fields, const SchemaPlace& place) {
    if (!cell.at.empty() && (place.section != Section::kEvent || cell.kind != CellKind::kFollow)) {
      note(at_attribute(place, "cell.at"),
           "only an event that follows a table says where it goes: remove it");
    }
    if (cell.kind != CellKind::kGrid && cell.size != 0) {
      note(at_attribute(place, "cell.size"), "only grid cells have a size: remove it");
    }
    switch (cell.kind) {
      case CellKind::kOne:
        if (!cell.target.empty()) {
          note(at_attribute(place, "cell"), "a table that is one cell names no field");
        }
        return;
      case CellKind::kFollow:
        return check_follow(cell, place);
      case CellKind::kValue:
        return check_value_cell(cell, fields, place);
      case CellKind::kOwner:
        return check_owner_cell(cell, fields, place);
      case CellKind::kGrid:
        return check_grid_cell(cell, fields, place);
    }
    note(at_attribute(place, "cell"), "unknown kind of cell");
  }

  void check_follow(const CellRule& cell, const SchemaPlace& place) {
    const SchemaPlace at = at_attribute(place, "cell.follow");
    const auto found = tables_.find(cell.target);
    if (found == tables_.end()) {
      problems_.add(at, "there is no table " + quoted(cell.target) + " to follow", cell.target,
                    followable_);
      return;
    }
    const CellKind kind = found->second->cell.kind;
    if (kind != CellKind::kOne && kind != CellKind::kFollow) return;
    note(at, "table " + quoted(cell.target) +
                 (kind == CellKind::kOne ? " is one cell" : " follows another table itself") +
                 ": follow a table whose cells are by, owner or grid");
  }

  /// The field that a cell rule names; null when that was reported, now or with the field.
  const FieldDef* cell_field(const CellRule& cell, const FieldNames& fields,
                             const SchemaPlace& at) {
    const auto found = fields.by_name.find(cell.target);
    if (found == fields.by_name.end()) {
      problems_.add(at, "there is no field " + quoted(cell.target) + " to make cells of",
                    cell.target, fields.names);
      return nullptr;
    }
    if (!type_is_known(found->second->type)) return nullptr;
    if (found->second->server_only) {
      note(at, "field " + quoted(cell.target) +
                   " is server_only: changing it raises no row version, so rows could not change "
                   "cells by it");
    }
    return found->second;
  }

  void check_value_cell(const CellRule& cell, const FieldNames& fields, const SchemaPlace& place) {
    const SchemaPlace at = at_attribute(place, "cell.by");
    const FieldDef* field = cell_field(cell, fields, at);
    if (field == nullptr) return;
    const bool fits = field->type == FieldType::kBool || is_integer(field->type) ||
                      field->type == FieldType::kEnum || field->type == FieldType::kBits ||
                      field->type == FieldType::kEntity;
    if (fits) return;
    std::string advice = "use a bool, integer, enum, bits or entity field";
    if (field->type == FieldType::kPrincipal) advice = "write cell = { owner = ... } instead";
    if (field->type == FieldType::kVec2f || field->type == FieldType::kVec3f) {
      advice = "write cell = { grid = ..., size = ... } instead";
    }
    note(at, "cells by value cannot be made of " + quoted(cell.target) + ", which is " +
                 std::string(field_type_name(field->type)) + ": " + advice);
  }

  void check_owner_cell(const CellRule& cell, const FieldNames& fields, const SchemaPlace& place) {
    const SchemaPlace at = at_attribute(place, "cell.owner");
    const FieldDef* field = cell_field(cell, fields, at);
    if (field == nullptr || field->type == FieldType::kPrincipal) return;
    note(at, "an owner is a principal field, but " + quoted(cell.target) + " is " +
                 std::string(field_type_name(field->type)) +
                 ": name another field, or write cell = { by = ... }");
  }

  void check_grid_cell(const CellRule& cell, const FieldNames& fields, const SchemaPlace& place) {
    const SchemaPlace at = at_attribute(place, "cell.grid");
    const FieldDef* field = cell_field(cell, fields, at);
    if (field == nullptr) return;
    const Quantise& quantise = field->quantise;
    if (field->type != FieldType::kVec2f && field->type != FieldType::kVec3f) {
      note(at, "a grid is laid over a vec2f or vec3f field, but " + quoted(cell.target) + " is " +
                   std::string(field_type_name(field->type)));
    } else if (quantise.kind != QuantiseKind::kPrecision) {
      note(at, "a grid needs exact positions: give field " + quoted(cell.target) + " a precision");
    } else if (quantise.precision > 0 && !grid_steps(cell.size, quantise.precision)) {
      note(at_attribute(place, "cell.size"), grid_size_text(cell, quantise.precision));
    }
  }

  static std::string grid_size_text(const CellRule& cell, double precision) {
    std::string out = "size " + number_text(cell.size) +
                      " is not a whole multiple of the precision " + number_text(precision) +
                      " of " + quoted(cell.target);
    double steps = cell.size / precision;
    if (!(steps < 2147483647.0)) return out + ", at most 2147483647 times";
    steps = steps < 1 || !(cell.size > 0) ? 1 : static_cast<double>(static_cast<int64_t>(steps));
    return out + ": use " + number_text_rounded(steps * precision, 9) + ", say";
  }

  bool has_owner_cells(const TableDef& table) const {
    const auto followed = tables_.find(table.cell.target);
    return table.cell.kind == CellKind::kOwner ||
           (table.cell.kind == CellKind::kFollow && followed != tables_.end() &&
            followed->second->cell.kind == CellKind::kOwner);
  }

  static size_t count_principals(const TableDef& table) {
    size_t count = 0;
    for (const FieldDef& field : table.fields) count += field.type == FieldType::kPrincipal;
    return count;
  }

  void check_access(const TableDef& table, const std::vector<AccessRule>& rules, const char* list,
                    const SchemaPlace& place) {
    check_count(rules.size(), kAccessRulesMax, "rules", at_attribute(place, list));
    for (size_t i = 0; i < rules.size() && i < kAccessRulesMax; ++i) {
      const std::string base = std::string(list) + "." + std::to_string(i);
      const AccessRule& rule = rules[i];
      if (!rule.role.empty()) {
        check_name(rule.role, "role", at_attribute(place, base + ".role"), problems_);
      }
      check_where(table, rule, at_attribute(place, base + ".where"), list);
    }
  }

  /// There is no row to compare anything with.
  void check_event_access(const EventDef& event, const SchemaPlace& place) {
    check_count(event.write.size(), kAccessRulesMax, "rules", at_attribute(place, "write"));
    for (size_t i = 0; i < event.write.size() && i < kAccessRulesMax; ++i) {
      const std::string base = "write." + std::to_string(i);
      const AccessRule& rule = event.write[i];
      if (!rule.role.empty()) {
        check_name(rule.role, "role", at_attribute(place, base + ".role"), problems_);
      }
      if (rule.where == AccessRule::Where::kAny && rule.claim.empty()) continue;
      note(at_attribute(place, base + ".where"),
           "who may send an event is told by roles alone: use \"any\"");
    }
  }

  void check_field_access(const TableDef& table, const SchemaPlace& place) {
    for (size_t i = 0; i < table.fields.size() && !problems_.full(); ++i) {
      SchemaPlace at = place;
      at.field = static_cast<int>(i);
      check_access(table, table.fields[i].write, "write", at);
    }
  }

  void check_where(const TableDef& table, const AccessRule& rule, const SchemaPlace& at,
                   std::string_view list) {
    if (rule.where != AccessRule::Where::kCellIsClaim && !rule.claim.empty()) {
      note(at, "only \"cell == claim.<name>\" names a claim");
    }
    switch (rule.where) {
      case AccessRule::Where::kAny:
        return;
      case AccessRule::Where::kCellIsClaim:
        check_name(rule.claim, "claim", at, problems_);
        if (table.cell.kind == CellKind::kOne) {
          note(at,
               "the table is one cell, so there is nothing to compare a claim with: give the "
               "table a cell rule, or use \"any\"");
        }
        return;
      case AccessRule::Where::kOwnerIsMe:
        if (has_owner_cells(table)) return;
        if (list == "write" && count_principals(table) == 1) return;
        note(at, list == "write"
                     ? "\"owner == me\" needs cell = { owner = ... } or exactly one principal field"
                     : "reading is decided by cell: \"owner == me\" needs cell = { owner = ... }, "
                       "or a follow of a table that has it");
        return;
    }
    note(at, "unknown condition: use \"any\", \"owner == me\" or \"cell == claim.<name>\"");
  }

  const SchemaDef& def_;
  ProblemList problems_;
  std::map<std::string, const EnumDef*> enums_;
  std::vector<std::string> enum_names_;
  std::map<std::string, const TableDef*> tables_;
  std::vector<std::string> followable_;
};

std::string item_text(const char* what, std::string_view name) {
  return std::string(what) + " " + quoted(name);
}

std::string place_text(const SchemaDef& def, const SchemaPlace& place) {
  const auto index = static_cast<size_t>(place.index);
  const std::vector<FieldDef>* fields = nullptr;
  std::string out;
  switch (place.section) {
    case Section::kSchema:
      return "schema";
    case Section::kEnum:
      return item_text("enum", def.enums[index].name);
    case Section::kTable:
      out = item_text("table", def.tables[index].name);
      fields = &def.tables[index].fields;
      break;
    case Section::kEvent:
      out = item_text("event", def.events[index].name);
      fields = &def.events[index].fields;
      break;
  }
  if (place.field < 0) return out;
  return out + ", " + item_text("field", (*fields)[static_cast<size_t>(place.field)].name);
}

}  // namespace

std::vector<SchemaProblem> validate_up_to(const SchemaDef& def, size_t max) {
  return Validator(def, max).run();
}

std::vector<SchemaProblem> validate(const SchemaDef& def) {
  return validate_up_to(def, kSchemaProblemsMax);
}

std::string problem_text(const SchemaDef& def, const SchemaProblem& problem) {
  std::string out = place_text(def, problem.place) + ": " + problem.message;
  if (!problem.suggestion.empty()) out += "; did you mean " + quoted(problem.suggestion) + "?";
  return out;
}

}  // namespace ecsdb
