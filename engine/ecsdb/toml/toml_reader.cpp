#include "ecsdb/toml/toml_reader.h"

#include <algorithm>
#include <optional>

// toml++ asserts that a section's name starts like a key ("[=]" does not), and tells clang to
// assume it, although the code behind reports it properly: both are switched off here.
#undef NDEBUG
#define TOML_ASSERT(expression) static_assert(true)
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

namespace ecsdb {
namespace {

/// A node of toml++ that is still to be copied, and where to.
struct Pending {
  const toml::node* from;
  TomlNode* to;
};

void copy_place(const toml::source_region& from, int& line, int& column) {
  if (from.begin.line == 0) return;  // made by a dotted key: it stands where its key stands
  line = static_cast<int>(from.begin.line);
  column = static_cast<int>(from.begin.column);
}

void copy_members(const toml::table& from, TomlNode& to, std::vector<Pending>& pending) {
  std::vector<std::pair<const toml::key*, const toml::node*>> found;
  found.reserve(from.size());
  for (const auto& [key, value] : from) found.emplace_back(&key, &value);
  // toml++ sorts by key; the file's order is better for messages.
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    const toml::source_position& at = a.first->source().begin;
    const toml::source_position& other = b.first->source().begin;
    return at.line != other.line ? at.line < other.line : at.column < other.column;
  });
  to.members.resize(found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    TomlMember& member = to.members[i];
    member.key = std::string(found[i].first->str());
    copy_place(found[i].first->source(), member.line, member.column);
    member.value.line = member.line;
    member.value.column = member.column;
    pending.push_back({found[i].second, &member.value});
  }
}

void copy_node(const toml::node& from, TomlNode& to, std::vector<Pending>& pending) {
  copy_place(from.source(), to.line, to.column);
  if (const auto* table = from.as_table()) {
    to.kind = TomlNode::Kind::kTable;
    copy_members(*table, to, pending);
  } else if (const auto* array = from.as_array()) {
    to.kind = TomlNode::Kind::kArray;
    to.items.resize(array->size());
    for (size_t i = 0; i < array->size(); ++i) pending.push_back({array->get(i), &to.items[i]});
  } else if (const auto* text = from.as_string()) {
    to.kind = TomlNode::Kind::kString;
    to.text = text->get();
  } else if (const auto* integer = from.as_integer()) {
    to.kind = TomlNode::Kind::kInteger;
    to.integer = integer->get();
  } else if (const auto* number = from.as_floating_point()) {
    to.kind = TomlNode::Kind::kFloat;
    to.number = number->get();
  } else if (const auto* flag = from.as_boolean()) {
    to.kind = TomlNode::Kind::kBool;
    to.flag = flag->get();
  } else {
    to.kind = TomlNode::Kind::kTime;
  }
}

struct Advice {
  std::string_view fragment;  // of the parser's sentence
  const char* sentence;
};

// Most particular first: the first fragment that is found decides.
constexpr Advice kAdvice[] = {
    {"could not determine value type",
     "this is not a value: text stands in double quotes; otherwise write a number, true, false, "
     "[ ... ] or { ... }"},
    {"expected 'true'", "write true or false in lower case, or put text in double quotes"},
    {"expected 'false'", "write true or false in lower case, or put text in double quotes"},
    {"cannot redefine existing table as dotted", "this adds to a table that { ... } has closed"},
    {"cannot redefine existing", "this name was already given above: keep one of the two"},
    {"expected comma or closing '}'", "inside of { ... } a comma must stand between two entries"},
    {"expected key or closing '}', saw '\\n'",
     "{ ... } must stand on one line: join the lines, or use a [section]"},
    {"expected '='", "a key must be followed by = and a value"},
    {"expected value, saw '\\n'", "there is no value after ="},
    {"leading zeroes", "a number must not start with 0"},
    {"control characters", "this text has no closing quote on its line"},
    {"unescaped control", "this text has no closing quote on its line"},
    {"unknown escape", "a \\ in double quotes must be written \\\\, or use 'single quotes'"},
    {"not representable", "this number does not fit 64 bits"},
    {"invalid utf-8", "the file is not UTF-8 from here on"},
    {"string: encountered end-of-file",
     "the file ends inside of a text: its closing quote is missing"},
    {"array: encountered end-of-file", "the file ends inside of a list: its ] is missing"},
    {"expected ']'", "the name of a section ends with ]"},
    {"expected bare key starting", "a name is expected here: letters, digits, _ and -, or quotes"},
    {"expected a comment or whitespace", "only a comment may follow a value on its line"},
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

/// The parser's terse sentence behind one that says what to do.
std::string friendly(std::string_view description) {
  const std::string detail = lower(description);
  for (const Advice& advice : kAdvice) {
    if (detail.find(lower(advice.fragment)) == std::string::npos) continue;
    return std::string(advice.sentence) + " (" + std::string(description) + ")";
  }
  return "this is not TOML (" + std::string(description) + ")";
}

/// Limits that keep the parser's own recursion bounded.
std::optional<TextProblem> over_limit(std::string_view text) {
  if (text.size() > kTomlBytesMax) {
    return TextProblem{1, 1,
                       "the file has " + std::to_string(text.size()) + " bytes, at most " +
                           std::to_string(kTomlBytesMax) + " are read",
                       ""};
  }
  int line = 1;
  for (size_t begin = 0; begin < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    if (end - begin > kTomlLineBytesMax) {
      return TextProblem{line, 1,
                         "a line of " + std::to_string(end - begin) + " bytes: at most " +
                             std::to_string(kTomlLineBytesMax) + " are read, break it up",
                         ""};
    }
    begin = end + 1;
  }
  return std::nullopt;
}

}  // namespace

const TomlMember* TomlNode::find(std::string_view key) const {
  for (const TomlMember& member : members) {
    if (member.key == key) return &member;
  }
  return nullptr;
}

const char* TomlNode::kind_text() const {
  switch (kind) {
    case Kind::kTable:
      return "a table";
    case Kind::kArray:
      return "a list";
    case Kind::kString:
      return "text";
    case Kind::kInteger:
      return "an integer";
    case Kind::kFloat:
      return "a float";
    case Kind::kBool:
      return "true or false";
    case Kind::kTime:
      return "a date or time";
  }
  return "?";
}

Result<TomlNode> parse_toml(std::string_view text, std::string_view file_name,
                            std::vector<TextProblem>* problems) {
  std::optional<TextProblem> problem = over_limit(text);
  toml::parse_result parsed;
  if (!problem) {
    parsed = toml::parse(text, file_name);
    if (!parsed) {
      const toml::parse_error& error = parsed.error();
      problem = TextProblem{1, 1, friendly(error.description()), ""};
      copy_place(error.source(), problem->line, problem->column);
    }
  }
  if (problem) {
    problems->push_back(*problem);
    return error_of_problems(ErrorCode::kSyntax, file_name, {*problem});
  }
  TomlNode root;
  std::vector<Pending> pending{{&parsed.table(), &root}};
  while (!pending.empty()) {
    const Pending next = pending.back();
    pending.pop_back();
    copy_node(*next.from, *next.to, pending);
  }
  return root;
}

}  // namespace ecsdb
