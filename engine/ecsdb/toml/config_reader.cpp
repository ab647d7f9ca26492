#include "ecsdb/toml/config_reader.h"

#include <algorithm>
#include <charconv>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/number_text.h"
#include "ecsdb/schema/schema.h"

namespace ecsdb {
namespace {

struct Unit {
  std::string_view name;
  int64_t ns;
};
constexpr Unit kUnits[] = {{"ns", 1},
                           {"us", 1'000},
                           {"ms", 1'000'000},
                           {"s", 1'000'000'000},
                           {"min", 60'000'000'000},
                           {"h", 3'600'000'000'000}};

std::string duration_text(Duration d) {
  for (size_t i = std::size(kUnits); i-- > 0;) {
    if (d.ns % kUnits[i].ns == 0 && (d.ns != 0 || kUnits[i].name == "s")) {
      return std::to_string(d.ns / kUnits[i].ns) + std::string(kUnits[i].name);
    }
  }
  return std::to_string(d.ns) + "ns";
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  double count = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, count, std::chars_format::fixed);
  if (parsed.ec != std::errc() || !(count >= 0)) return std::nullopt;
  std::string_view unit(parsed.ptr, static_cast<size_t>(end - parsed.ptr));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  for (const Unit& known : kUnits) {
    if (known.name != unit) continue;
    const double ns = count * static_cast<double>(known.ns) + 0.5;
    if (ns >= 9223372036854775807.0) return std::nullopt;
    return Duration{static_cast<int64_t>(ns)};
  }
  return std::nullopt;
}

TomlTable::TomlTable(const TomlNode& node, std::string path, std::vector<TextProblem>* problems)
    : path_(std::move(path)), problems_(problems) {
  ECSDB_CHECK(node.kind == TomlNode::Kind::kTable);
  node_ = &node;
}

bool TomlTable::has(std::string_view key) const {
  return node_ != nullptr && node_->find(key) != nullptr;
}

TextPosition TomlTable::position(std::string_view key) const {
  if (node_ == nullptr) return TextPosition{1, 1};
  const TomlMember* member = node_->find(key);
  if (member != nullptr) return TextPosition{member->value.line, member->value.column};
  return TextPosition{std::max(node_->line, 1), std::max(node_->column, 1)};
}

std::string TomlTable::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

void TomlTable::problem(std::string_view key, std::string message, std::string suggestion) {
  const TextPosition at = position(key);
  problems_->push_back(TextProblem{at.line, at.column, std::move(message), std::move(suggestion)});
}

void TomlTable::wrong_type(std::string_view key, const TomlNode& node, const char* wanted) {
  problems_->push_back(
      TextProblem{node.line, node.column,
                  path_of(key) + " must be " + wanted + ", but this is " + node.kind_text(), ""});
}

const TomlNode* TomlTable::node(std::string_view key) {
  known_.emplace_back(key);
  if (node_ == nullptr) return nullptr;
  const TomlMember* member = node_->find(key);
  return member == nullptr ? nullptr : &member->value;
}

const TomlNode* TomlTable::typed(std::string_view key, TomlNode::Kind kind, const char* wanted) {
  const TomlNode* found = node(key);
  if (found == nullptr || found->kind == kind) return found;
  wrong_type(key, *found, wanted);
  return nullptr;
}

std::optional<std::string> TomlTable::string(std::string_view key) {
  const TomlNode* node = typed(key, TomlNode::Kind::kString, "text in quotes");
  if (node == nullptr) return std::nullopt;
  return node->text;
}

std::optional<std::string> TomlTable::choice(std::string_view key,
                                             const std::vector<std::string>& choices) {
  std::optional<std::string> text = string(key);
  if (!text || std::find(choices.begin(), choices.end(), *text) != choices.end()) return text;
  std::string message = path_of(key) + " must be one of";
  for (const std::string& choice : choices) {
    message += (&choice == &choices.front() ? " \"" : ", \"") + choice + "\"";
  }
  problem(key, std::move(message), nearest_name(*text, choices).value_or(""));
  return std::nullopt;
}

std::optional<bool> TomlTable::boolean(std::string_view key) {
  const TomlNode* node = typed(key, TomlNode::Kind::kBool, "true or false");
  if (node == nullptr) return std::nullopt;
  return node->flag;
}

std::optional<int64_t> TomlTable::integer(std::string_view key, int64_t min, int64_t max) {
  const TomlNode* node = typed(key, TomlNode::Kind::kInteger, "an integer");
  if (node == nullptr) return std::nullopt;
  if (node->integer >= min && node->integer <= max) return node->integer;
  problem(key, path_of(key) + " must be from " + std::to_string(min) + " to " +
                   std::to_string(max) + ", not " + std::to_string(node->integer));
  return std::nullopt;
}

std::optional<double> TomlTable::number(std::string_view key, double min, double max) {
  const TomlNode* found = node(key);
  if (found == nullptr) return std::nullopt;
  const bool is_integer = found->kind == TomlNode::Kind::kInteger;
  if (!is_integer && found->kind != TomlNode::Kind::kFloat) {
    wrong_type(key, *found, "a number");
    return std::nullopt;
  }
  const double number = is_integer ? static_cast<double>(found->integer) : found->number;
  if (number >= min && number <= max) return number;
  problem(key, path_of(key) + " must be from " + number_text(min) + " to " + number_text(max) +
                   ", not " + number_text(number));
  return std::nullopt;
}

std::optional<Duration> TomlTable::duration(std::string_view key, Duration min, Duration max) {
  const TomlNode* node =
      typed(key, TomlNode::Kind::kString, "a time with its unit, like \"250ms\"");
  if (node == nullptr) return std::nullopt;
  const std::optional<Duration> parsed = parse_duration(node->text);
  if (!parsed) {
    problem(key, path_of(key) +
                     " must be a time with its unit: ns, us, ms, s, min or h, like "
                     "\"250ms\" or \"1.5s\"");
  } else if (*parsed < min || *parsed > max) {
    problem(key, path_of(key) + " must be from " + duration_text(min) + " to " +
                     duration_text(max) + ", not " + duration_text(*parsed));
  } else {
    return parsed;
  }
  return std::nullopt;
}

std::optional<std::vector<std::string>> TomlTable::strings(std::string_view key) {
  const TomlNode* node = typed(key, TomlNode::Kind::kArray, "a list of texts");
  if (node == nullptr) return std::nullopt;
  std::vector<std::string> out;
  for (const TomlNode& item : node->items) {
    if (item.kind != TomlNode::Kind::kString) {
      wrong_type(key, item, "a list of texts");
      return std::nullopt;
    }
    out.push_back(item.text);
  }
  return out;
}

std::optional<std::vector<int64_t>> TomlTable::integers(std::string_view key) {
  const TomlNode* node = typed(key, TomlNode::Kind::kArray, "a list of integers");
  if (node == nullptr) return std::nullopt;
  std::vector<int64_t> out;
  for (const TomlNode& item : node->items) {
    if (item.kind != TomlNode::Kind::kInteger) {
      wrong_type(key, item, "a list of integers");
      return std::nullopt;
    }
    out.push_back(item.integer);
  }
  return out;
}

TomlTable TomlTable::table(std::string_view key) {
  const TomlNode* node = typed(key, TomlNode::Kind::kTable, "a table");
  if (node == nullptr) return TomlTable(problems_);
  return TomlTable(*node, path_of(key), problems_);
}

std::vector<TomlTable> TomlTable::tables(std::string_view key) {
  std::vector<TomlTable> out;
  const TomlNode* node = typed(key, TomlNode::Kind::kArray, "a list of tables ([[...]])");
  if (node == nullptr) return out;
  for (size_t i = 0; i < node->items.size(); ++i) {
    const TomlNode& item = node->items[i];
    if (item.kind == TomlNode::Kind::kTable) {
      out.emplace_back(item, path_of(key) + "[" + std::to_string(i) + "]", problems_);
    } else {
      wrong_type(key, item, "a list of tables ([[...]])");
    }
  }
  return out;
}

std::vector<std::string> TomlTable::other_keys() {
  std::vector<std::string> out;
  if (node_ == nullptr) return out;
  for (const TomlMember& member : node_->members) {
    if (std::find(known_.begin(), known_.end(), member.key) != known_.end()) continue;
    out.push_back(member.key);
  }
  known_.insert(known_.end(), out.begin(), out.end());
  return out;
}

void TomlTable::finish() {
  if (node_ == nullptr) return;
  for (const TomlMember& member : node_->members) {
    if (std::find(known_.begin(), known_.end(), member.key) != known_.end()) continue;
    std::string message = "unknown key " + json_quote(member.key);
    if (!path_.empty()) message += " in " + path_;
    problems_->push_back(TextProblem{member.line, member.column, std::move(message),
                                     nearest_name(member.key, known_).value_or("")});
  }
}

}  // namespace ecsdb
