#include "ecsdb/toml/schema_toml.h"

#include "ecsdb/schema/canonical.h"
#include "ecsdb/toml/schema_access_toml.h"
#include "ecsdb/toml/schema_field_toml.h"

namespace ecsdb {
namespace {

using Section = SchemaPlace::Section;

constexpr const char* kCellText =
    "cell is \"one\", { by = \"field\" }, { owner = \"field\" }, { grid = \"field\", size = 64.0 } "
    "or "
    "{ follow = \"table\" }";
constexpr const char* kEventCellText =
    "an event's cell is \"one\", { follow = \"table\" } or { follow = \"table\", at = \"field\" }";

SchemaPlace attribute_of(SchemaPlace place, std::string attribute) {
  place.attribute = std::move(attribute);
  return place;
}

class SchemaReader {
 public:
  SchemaReader(const TomlNode& root, std::vector<TextProblem>* problems)
      : root_(root), problems_(problems) {}

  /// The definition as far as it could be read; wrong parts have been reported.
  SchemaDef read() {
    TomlTable root(root_, "", problems_);
    read_header(root);
    for (const TomlMember& member : section(root, "enum")) read_enum(member);
    for (const TomlMember& member : section(root, "table")) read_table(member);
    for (const TomlMember& member : section(root, "event")) read_event(member);
    root.finish();
    places_.add_problems(validate(def_), *problems_);
    return std::move(def_);
  }

 private:
  void report(int line, int column, std::string message) {
    problems_->push_back({line, column, std::move(message), ""});
  }

  /// Members of [name.*], also for the places of problems with the section as a whole.
  const std::vector<TomlMember>& section(TomlTable& root, const char* name) {
    static const std::vector<TomlMember> kNone;
    const TomlNode* node = root.node(name);
    if (node == nullptr) return kNone;
    places_.set(SchemaPlace{Section::kSchema, -1, -1, name}, root.position(name));
    if (node->kind == TomlNode::Kind::kTable) return node->members;
    root.problem(name,
                 "[" + std::string(name) + "] must be a section, but this is " + node->kind_text());
    return kNone;
  }

  void read_header(TomlTable& root) {
    const SchemaPlace place{Section::kSchema, -1, -1, ""};
    def_.version = UINT32_MAX;  // while unknown, every `since` may be right
    if (!root.has("schema")) {
      root.node("schema");
      report(1, 1, "the file needs a section [schema] with a name and a version");
      return places_.mark_reported(attribute_of(place, "name"));
    }
    TomlTable header = root.table("schema");
    for (const char* key : {"name", "version"}) {
      places_.set(attribute_of(place, key), header.position(key));
      if (!header.present() || header.has(key)) continue;
      header.problem(key, "[schema] needs a " + std::string(key));
    }
    if (auto name = header.string("name")) {
      def_.name = *name;
    } else {
      places_.mark_reported(attribute_of(place, "name"));
    }
    if (auto version = header.integer("version", 1, UINT32_MAX)) {
      def_.version = static_cast<uint32_t>(*version);
    }
    header.finish();
  }

  void read_enum(const TomlMember& member) {
    const SchemaPlace place{Section::kEnum, static_cast<int>(def_.enums.size()), -1, ""};
    places_.set(place, TextPosition{member.line, member.column});
    EnumDef& def = def_.enums.emplace_back();
    def.name = member.key;
    if (member.value.kind != TomlNode::Kind::kArray) {
      places_.mark_reported(place);
      return report(member.value.line, member.value.column,
                    "an enum is a list of names, like [\"red\", \"blue\"], but this is " +
                        std::string(member.value.kind_text()));
    }
    for (const TomlNode& item : member.value.items) {
      places_.set(attribute_of(place, "value." + std::to_string(def.values.size())),
                  TextPosition{item.line, item.column});
      if (item.kind != TomlNode::Kind::kString) {
        report(item.line, item.column,
               "an enum value is a name in quotes, but this is " + std::string(item.kind_text()));
      }
      def.values.push_back(item.text);
    }
  }

  /// The table of [table.x] or [event.x]; absent after a report if it is none.
  std::optional<TomlTable> item_table(const TomlMember& member, const char* what,
                                      const SchemaPlace& place, const std::string& path) {
    places_.set(place, TextPosition{member.line, member.column});
    if (member.value.kind == TomlNode::Kind::kTable) {
      return TomlTable(member.value, path, problems_);
    }
    report(member.value.line, member.value.column,
           "write [" + path + "] with the keys of the " + what + " below it; this is " +
               member.value.kind_text());
    places_.mark_reported(attribute_of(place, "id"));
    places_.mark_reported(attribute_of(place, "fields"));
    return std::nullopt;
  }

  void read_id(TomlTable& table, const SchemaPlace& place, uint16_t& id) {
    if (table.has("id")) places_.set(attribute_of(place, "id"), table.position("id"));
    if (auto number = table.integer("id", 1, 65535)) id = static_cast<uint16_t>(*number);
  }

  void read_table(const TomlMember& member) {
    const SchemaPlace place{Section::kTable, static_cast<int>(def_.tables.size()), -1, ""};
    TableDef& def = def_.tables.emplace_back();
    def.name = member.key;
    std::optional<TomlTable> table = item_table(member, "table", place, "table." + member.key);
    if (!table) return;
    read_id(*table, place, def.id.value);
    read_cell(*table, place, def.cell);
    read_access_toml(*table, place, "read", places_, def.read, problems_);
    read_access_toml(*table, place, "write", places_, def.write, problems_);
    if (auto codec = table->choice("codec", {"packed", "plain"})) {
      def.codec = *codec == "plain" ? CodecTier::kPlain : CodecTier::kPacked;
    }
    if (auto flag = table->boolean("transient")) def.transient = *flag;
    read_fields(*table, place, "table." + member.key, def.fields);
    table->finish();
  }

  void read_event(const TomlMember& member) {
    const SchemaPlace place{Section::kEvent, static_cast<int>(def_.events.size()), -1, ""};
    EventDef& def = def_.events.emplace_back();
    def.name = member.key;
    std::optional<TomlTable> table = item_table(member, "event", place, "event." + member.key);
    if (!table) return;
    read_id(*table, place, def.id.value);
    read_cell(*table, place, def.cell);
    read_access_toml(*table, place, "write", places_, def.write, problems_);
    read_fields(*table, place, "event." + member.key, def.fields);
    table->finish();
  }

  void read_fields(TomlTable& table, SchemaPlace place, const std::string& path,
                   std::vector<FieldDef>& fields) {
    const TomlNode* node = table.node("fields");
    if (node == nullptr) return;  // validate() asks for a field
    places_.set(attribute_of(place, "fields"), table.position("fields"));
    if (node->kind != TomlNode::Kind::kTable) {
      return table.problem(
          "fields", path + ".fields must be a table of fields, but this is " + node->kind_text());
    }
    for (const TomlMember& member : node->members) {
      place.field = static_cast<int>(fields.size());
      fields.push_back(read_field_toml(member, path + ".fields." + member.key, place, def_.enums,
                                       places_, problems_));
    }
  }

  void read_cell(TomlTable& table, const SchemaPlace& place, CellRule& rule) {
    const TomlNode* node = table.node("cell");
    if (node == nullptr) return;
    places_.set(attribute_of(place, "cell"), table.position("cell"));
    if (node->kind == TomlNode::Kind::kString && node->text == "one") return;
    const char* const text = place.section == Section::kEvent ? kEventCellText : kCellText;
    rule.kind = CellKind{255};  // until it is known; no other check then builds on it
    places_.mark_reported(attribute_of(place, "cell"));
    if (node->kind == TomlNode::Kind::kString) {
      return table.problem("cell", text, node->text == "none" ? "one" : "");
    }
    if (node->kind != TomlNode::Kind::kTable) return table.problem("cell", text);
    TomlTable cell = table.table("cell");
    read_cell_table(table, cell, place, rule);
    cell.finish();
  }

  void read_cell_table(TomlTable& table, TomlTable& cell, const SchemaPlace& place,
                       CellRule& rule) {
    static constexpr std::pair<const char*, CellKind> kKinds[] = {{"by", CellKind::kValue},
                                                                  {"owner", CellKind::kOwner},
                                                                  {"grid", CellKind::kGrid},
                                                                  {"follow", CellKind::kFollow}};
    int found = 0;
    for (const auto& [key, kind] : kKinds) {
      const bool has = cell.has(key);
      if (has) places_.set(attribute_of(place, std::string("cell.") + key), cell.position(key));
      const std::optional<std::string> target = cell.string(key);
      found += has ? 1 : 0;
      if (!target) continue;
      rule.kind = kind;
      rule.target = *target;
    }
    if (cell.has("at")) places_.set(attribute_of(place, "cell.at"), cell.position("at"));
    if (auto at = cell.string("at")) {
      rule.at = *at;
      if (at->empty()) cell.problem("at", "at names a field of the event");
    }
    const SchemaPlace size_place = attribute_of(place, "cell.size");
    if (cell.has("size")) places_.set(size_place, cell.position("size"));
    if (auto size = cell.number("size", 0, 1e300)) rule.size = *size;
    if (found != 1) {
      rule.kind = CellKind{255};
      places_.mark_reported(size_place);
      const bool is_event = place.section == Section::kEvent;
      table.problem("cell", found == 0 ? (is_event ? kEventCellText : kCellText)
                                       : "a cell rule is one of by, owner, grid and follow");
    } else if (cell.has("grid") && !cell.has("size")) {
      places_.mark_reported(size_place);
      table.problem("cell", "a grid needs the size of its cells: { grid = \"pos\", size = 64.0 }");
    }
  }

  const TomlNode& root_;
  std::vector<TextProblem>* problems_;
  SchemaDef def_;
  SchemaPlaces places_;
};

}  // namespace

Result<Schema> parse_schema_toml(std::string_view text, std::string_view file_name,
                                 std::vector<TextProblem>* problems) {
  ECSDB_CHECK(problems != nullptr);
  problems->clear();
  const Result<TomlNode> root = parse_toml(text, file_name, problems);
  if (!root.ok()) return root.error();
  SchemaDef def = SchemaReader(*root, problems).read();
  if (problems->empty()) {
    Result<Schema> schema = Schema::make(std::move(def));
    if (schema.ok()) return schema;
    problems->push_back({1, 1, schema.error().context, ""});
  }
  sort_problems(*problems);
  return error_of_problems(ErrorCode::kSchemaInvalid, file_name, *problems);
}

}  // namespace ecsdb
