#include "ecsdb/toml/schema_access_toml.h"

namespace ecsdb {
namespace {

SchemaPlace attribute_of(SchemaPlace place, std::string attribute) {
  place.attribute = std::move(attribute);
  return place;
}

/// The text without its blanks.
std::string compact(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' && c != '\t') out += c;
  }
  return out;
}

void read_where(TomlTable& table, const std::string& text, AccessRule& rule) {
  static constexpr std::string_view kClaim = "cell==claim.";
  const std::string where = compact(text);
  if (where == "any") return;
  if (where == "owner==me") {
    rule.where = AccessRule::Where::kOwnerIsMe;
  } else if (where.rfind(kClaim, 0) == 0) {
    rule.where = AccessRule::Where::kCellIsClaim;
    rule.claim = where.substr(kClaim.size());
  } else {
    const std::vector<std::string> known = {"any", "owner == me"};
    table.problem("where",
                  "where is \"any\", \"owner == me\" or \"cell == claim.<name>\" with the name of "
                  "a claim",
                  nearest_name(text, known).value_or(""));
  }
}

void read_rule(const TomlNode& item, const SchemaPlace& place, SchemaPlaces& places,
               std::vector<TextProblem>* problems, AccessRule& rule) {
  places.set(place, TextPosition{item.line, item.column});
  if (item.kind != TomlNode::Kind::kTable) {
    problems->push_back(
        {item.line, item.column,
         "a rule is a table, like { role = \"player\", where = \"any\" }, but this is " +
             std::string(item.kind_text()),
         ""});
    return;
  }
  TomlTable table(item, place.attribute.substr(0, place.attribute.find('.')) + " rule", problems);
  for (const char* key : {"role", "where"}) {
    if (!table.has(key)) continue;
    places.set(attribute_of(place, place.attribute + "." + key), table.position(key));
  }
  if (auto role = table.string("role")) {
    rule.role = *role;
    if (role->empty()) table.problem("role", "leave role out to mean every role");
  }
  if (auto where = table.string("where")) read_where(table, *where, rule);
  table.finish();
}

}  // namespace

void read_access_toml(TomlTable& table, const SchemaPlace& place, const char* key,
                      SchemaPlaces& places, std::vector<AccessRule>& rules,
                      std::vector<TextProblem>* problems) {
  const TomlNode* node = table.node(key);
  if (node == nullptr) return;
  places.set(attribute_of(place, key), table.position(key));
  if (node->kind != TomlNode::Kind::kArray) {
    rules.emplace_back();  // so that nothing is said about a list that is missing
    return table.problem(key, std::string(key) +
                                  " is a list of rules, like [ { role = \"player\", where = "
                                  "\"any\" } ], but this is " +
                                  node->kind_text());
  }
  const bool is_field = place.field >= 0;
  if (node->items.empty() && key[0] == 'r') {
    return table.problem(key,
                         "an empty list would let nobody read: leave read out for everybody, or "
                         "name a role");
  }
  if (node->items.empty() && is_field) {
    return table.problem(key,
                         "an empty list of a field says nothing: leave write out to allow what the "
                         "table allows, or name a role");
  }
  for (const TomlNode& item : node->items) {
    const std::string name = std::string(key) + "." + std::to_string(rules.size());
    read_rule(item, attribute_of(place, name), places, problems, rules.emplace_back());
  }
}

}  // namespace ecsdb
