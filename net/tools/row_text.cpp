#include "tools/row_text.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "ecsdb/schema/canonical.h"

namespace ecsdb {
namespace {

constexpr const char* kBold = "\x1b[1m";
constexpr const char* kPlain = "\x1b[0m";
constexpr const char* kHomeAndClear = "\x1b[H\x1b[2J";

std::string entity_text(EntityId id) {
  return std::to_string(id.index()) + ":" + std::to_string(id.epoch()) + ":" +
         std::to_string(id.reuse());
}

/// Calls `use(def, value)` for the replicated fields that an event tells of.
template <class Use>
void for_each_field(const ClientDb& db, const RowEvent& event, Use use) {
  const RowIndex row = db.find_row(event.table, event.entity);
  const bool is_gone = event.kind == RowEventKind::kRemove || event.kind == RowEventKind::kLeave;
  if (is_gone || row == kNoRow) return;
  const TableLayout& layout = db.schema().layout(event.table);
  for (const uint16_t field : layout.replicated) {
    const uint8_t bit = layout.fields[field].replicated_bit;
    if (event.kind == RowEventKind::kChange && (event.changed >> bit & 1) == 0) continue;
    use(db.schema().table(event.table).fields[field], db.value(event.table, row, field));
  }
}

std::string json(const ClientDb& db, const RowEvent& event, std::string_view what) {
  std::string out = "{\"v\": 1, \"event\": \"" + std::string(what) +
                    "\", \"version\": " + std::to_string(db.cut().value) +
                    ", \"table\": " + json_quote(db.schema().table(event.table).name) +
                    ", \"entity\": \"" + entity_text(event.entity) + "\"";
  std::string fields;
  for_each_field(db, event, [&](const FieldDef& def, const Value& value) {
    fields += (fields.empty() ? "" : ", ") + json_quote(def.name) + ": " +
              format_json(db.schema(), def, value);
  });
  if (!fields.empty()) out += ", \"fields\": {" + fields + "}";
  return out + "}";
}

std::string line(const ClientDb& db, const RowEvent& event, std::string_view what) {
  std::string out = "version " + std::to_string(db.cut().value) + "  " +
                    db.schema().table(event.table).name + " " + entity_text(event.entity) + "  " +
                    std::string(what);
  for_each_field(db, event, [&](const FieldDef& def, const Value& value) {
    out += "  " + def.name + "=" + format_value(db.schema(), def, value);
  });
  return out;
}

/// Cut or filled up to a width, in bytes: field values are ASCII but for texts.
void append_column(std::string& out, std::string_view text, size_t width) {
  out.append(text.substr(0, width));
  if (text.size() < width) out.append(width - text.size(), ' ');
}

size_t column_width(FieldType type) {
  switch (type) {
    case FieldType::kVec2f:
      return 24;
    case FieldType::kVec3f:
      return 36;
    case FieldType::kQuatf:
      return 48;
    case FieldType::kStr:
    case FieldType::kBytes:
      return 24;
    default:
      return 14;
  }
}

/// Adds a table's heading and rows until `lines_left` are used up.
void append_table(std::string& out, const ClientDb& db, size_t table, size_t columns, bool colour,
                  size_t& lines_left) {
  const auto add_line = [&](std::string text) {
    append_column(out, text, std::min(text.size(), columns));
    out += '\n';
    --lines_left;
  };
  const TableDef& def = db.schema().table(table);
  const TableLayout& layout = db.schema().layout(table);
  std::string heading;
  append_column(heading, def.name + " (" + std::to_string(db.table(table).row_count()) + ")", 20);
  for (const uint16_t field : layout.replicated) {
    append_column(heading, def.fields[field].name, column_width(def.fields[field].type) + 1);
  }
  if (colour) out += kBold;
  add_line(std::move(heading));
  if (colour) out += kPlain;
  for_each_row(db, table, [&](EntityId entity) {
    if (lines_left == 0) return false;
    const RowIndex row = db.find_row(table, entity);
    std::string text;
    append_column(text, entity_text(entity), 20);
    for (const uint16_t field : layout.replicated) {
      const FieldDef& of = def.fields[field];
      append_column(text, format_value(db.schema(), of, db.value(table, row, field)),
                    column_width(of.type));
      text += ' ';
    }
    add_line(std::move(text));
    return true;
  });
}

const TableLayout& deciding_layout(const Schema& schema, const TableLayout& layout) {
  const TableLayout* at = &layout;
  // A chain of following tables ends: the schema was checked for circles.
  while (at->cell_kind == CellKind::kFollow) at = &schema.layout(at->follow_table);
  return *at;
}

/// "1,-2,3" as numbers; empty if it is anything else.
std::vector<int64_t> parse_numbers(std::string_view text) {
  std::vector<int64_t> out;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    int64_t number = 0;
    const auto parsed = std::from_chars(at, end, number);
    if (parsed.ec != std::errc()) return {};
    out.push_back(number);
    if (parsed.ptr == end) return out;
    if (*parsed.ptr != ',') return {};
    at = parsed.ptr + 1;
  }
}

}  // namespace

std::string_view row_event_name(RowEventKind kind) {
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
  return "unknown";
}

std::string event_json(const ClientDb& db, const RowEvent& event) {
  return json(db, event, row_event_name(event.kind));
}
std::string event_line(const ClientDb& db, const RowEvent& event) {
  return line(db, event, row_event_name(event.kind));
}
std::string told_json(const Schema& schema, const Event& event) {
  const EventDef& def = schema.def().events[event.event];
  std::string out =
      "{\"v\": 1, \"event\": \"event\", \"version\": " + std::to_string(event.version.value) +
      ", \"name\": " + json_quote(def.name);
  if (!event.entity.is_none()) out += ", \"entity\": \"" + entity_text(event.entity) + "\"";
  out += ", \"fields\": {";
  for (size_t i = 0; i < def.fields.size(); ++i) {
    out += (i > 0 ? ", " : "") + json_quote(def.fields[i].name) + ": " +
           format_json(schema, def.fields[i], event.values[i]);
  }
  return out + "}}";
}
std::string told_line(const Schema& schema, const Event& event) {
  const EventDef& def = schema.def().events[event.event];
  std::string out = "version " + std::to_string(event.version.value) + "  event " + def.name;
  if (!event.entity.is_none()) out += " " + entity_text(event.entity);
  for (size_t i = 0; i < def.fields.size(); ++i) {
    out += "  " + def.fields[i].name + "=" + format_value(schema, def.fields[i], event.values[i]);
  }
  return out;
}
std::string row_json(const ClientDb& db, const RowEvent& row) { return json(db, row, "row"); }
std::string row_line(const ClientDb& db, const RowEvent& row) { return line(db, row, "row"); }

std::string fields_json(const ClientDb& db, size_t table, EntityId entity) {
  const RowEvent row{RowEventKind::kEnter, static_cast<uint16_t>(table), entity, 0};
  std::string out = "{\"v\": 1";
  for_each_field(db, row, [&](const FieldDef& def, const Value& value) {
    out += ", " + json_quote(def.name) + ": " + format_json(db.schema(), def, value);
  });
  return out + "}";
}

void for_each_row(const ClientDb& db, size_t table, const std::function<bool(EntityId)>& use) {
  const Table& rows = db.table(table);
  for (RowIndex row = rows.find_from(0); row != kNoRow;) {
    const EntityId entity = rows.row(row).entity;
    if (!use(entity) || entity.index() == UINT32_MAX) return;
    row = rows.find_from(entity.index() + 1);
  }
}

std::string rows_screen(const ClientDb& db, Version head, size_t rows, size_t columns,
                        bool colour) {
  std::string out = kHomeAndClear;
  const uint64_t behind = head.value > db.cut().value ? head.value - db.cut().value : 0;
  out += db.schema().def().name + "  version " + std::to_string(db.cut().value) + ", " +
         std::to_string(behind) + " behind\n";
  size_t lines_left = rows > 3 ? rows - 2 : 1;
  for (size_t table = 0; table < db.table_count() && lines_left > 0; ++table) {
    if (db.table(table).row_count() > 0) append_table(out, db, table, columns, colour, lines_left);
  }
  return out;
}

std::optional<CellKey> parse_cell_key(const Schema& schema, const TableLayout& layout,
                                      std::string_view text) {
  const TableLayout& rule = deciding_layout(schema, layout);
  const bool follows = &rule != &layout;
  if (text == "none") return follows ? std::optional(CellKey::none()) : std::nullopt;
  const std::vector<int64_t> numbers = parse_numbers(text);
  switch (rule.cell_kind) {
    case CellKind::kOne:
      return text == "one" ? std::optional(CellKey::one()) : std::nullopt;
    case CellKind::kValue:
      if (numbers.size() == 1) return CellKey::value(numbers[0]);
      break;
    case CellKind::kOwner:
      if (numbers.size() == 1) return CellKey::owner({static_cast<uint64_t>(numbers[0])});
      break;
    case CellKind::kGrid:
      if (numbers.size() == rule.fields[rule.cell_field].lane_count) {
        return CellKey::grid(numbers[0], numbers[1], numbers.size() == 3 ? numbers[2] : 0);
      }
      break;
    case CellKind::kFollow:
      break;
  }
  return std::nullopt;
}

std::string cell_key_help(const Schema& schema, const TableLayout& layout) {
  const TableLayout& rule = deciding_layout(schema, layout);
  const std::string or_none = &rule != &layout ? ", or none" : "";
  switch (rule.cell_kind) {
    case CellKind::kOne:
      return "it has one cell, called one" + or_none;
    case CellKind::kValue:
      return "give the number that its cell field holds" + or_none;
    case CellKind::kOwner:
      return "give the number of the principal" + or_none;
    case CellKind::kGrid:
      return (rule.fields[rule.cell_field].lane_count == 3 ? "give X,Y,Z" : "give X,Y") + or_none;
    case CellKind::kFollow:
      break;
  }
  return "";
}

}  // namespace ecsdb
