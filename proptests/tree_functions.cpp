// Finds function bodies by matching braces in code whose comments and literals are blanked.
#include <algorithm>
#include <array>
#include <string>

#include "tree_scan.h"

namespace tree {
namespace {

constexpr std::array<std::string_view, 6> kContainers = {"namespace", "class", "struct",
                                                         "union",     "enum",  "extern"};
constexpr std::array<std::string_view, 6> kPrefixes = {"inline",  "static", "constexpr",
                                                       "typedef", "friend", "export"};

/// Drops preprocessor lines, with their continuations, so that braces in macros do not count.
std::string code_without_directives(const SourceFile& file) {
  std::string text;
  bool in_directive = false;
  for (const std::string& line : file.code) {
    in_directive = in_directive || trim(line).starts_with('#');
    text += in_directive ? std::string() : line;
    text += '\n';
    in_directive = in_directive && line.ends_with('\\');
  }
  return text;
}

/// Position just behind the bracket that closes the one at `open`.
size_t skip_balanced(std::string_view text, size_t open, char opening, char closing) {
  size_t depth = 0;
  for (size_t i = open; i < text.size(); ++i) {
    if (text[i] == opening) ++depth;
    if (text[i] == closing && --depth == 0) return i + 1;
  }
  return text.size();
}

std::string_view first_word(std::string_view text) {
  size_t end = 0;
  while (end < text.size() && is_identifier_char(text[end])) ++end;
  return text.substr(0, end);
}

/// The header from its first word that is not an access label; its end stays where it is.
std::string_view strip_labels(std::string_view header) {
  for (;;) {
    header.remove_prefix(std::min(header.find_first_not_of(" \t\r\n"), header.size()));
    const std::string_view word = first_word(header);
    if (word != "public" && word != "private" && word != "protected") return header;
    header.remove_prefix(std::min(header.find(':'), header.size() - 1) + 1);
  }
}

/// The header without template parameter lists, attributes, access labels and storage words.
std::string_view strip_prefixes(std::string_view header) {
  for (;;) {
    header = trim(strip_labels(header));
    const std::string_view word = first_word(header);
    bool stripped = false;
    for (std::string_view prefix : kPrefixes) stripped = stripped || word == prefix;
    if (stripped) {
      header.remove_prefix(word.size());
    } else if (word == "template") {
      header.remove_prefix(skip_balanced(header, header.find('<'), '<', '>'));
    } else if (header.starts_with("[[")) {
      header.remove_prefix(skip_balanced(header, 0, '[', ']'));
    } else {
      return header;
    }
  }
}

/// What of a header stands outside all parentheses; an operator's symbol is dropped with its name.
struct Outside {
  bool has_parentheses = false;
  bool is_open = false;        // the brace stands inside a parenthesis
  bool assigns = false;        // '=' : an initialiser or a concept
  bool has_init_list = false;  // ')' and later a single ':'
  char last = ' ';
};

Outside look_outside(std::string_view header) {
  Outside out;
  int depth = 0;
  for (size_t i = 0; i < header.size(); ++i) {
    const char c = header[i];
    if (depth == 0 && header.substr(i).starts_with("operator")) {
      i = header.find('(', i + 8);
      if (i == std::string_view::npos) return out;
      out.has_parentheses = true;
      out.last = ')';
      --i;
      continue;
    }
    if (c == '(') {
      ++depth;
      out.has_parentheses = true;
    }
    if (c == ')') --depth;
    if (depth == 0 && c == '=') out.assigns = true;
    const bool doubled = (i > 0 && header[i - 1] == ':') || header.substr(i).starts_with("::");
    if (depth == 0 && c == ':' && !doubled && out.has_parentheses) out.has_init_list = true;
    if (c != ' ' && c != '\n') out.last = c;
  }
  out.is_open = depth > 0;
  return out;
}

enum class Brace { kContainer, kFunction, kPartOfHeader };

Brace classify(std::string_view header) {
  header = strip_prefixes(header);
  const std::string_view word = first_word(header);
  const Outside outside = look_outside(header);
  if (outside.is_open) return Brace::kPartOfHeader;
  const bool is_lambda = header.find("](") != std::string_view::npos || outside.last == ']';
  if (outside.assigns && !is_lambda) return Brace::kPartOfHeader;
  for (std::string_view container : kContainers) {
    if (word == container && !outside.assigns) return Brace::kContainer;
  }
  if (!outside.has_parentheses && !(is_lambda && outside.assigns)) return Brace::kPartOfHeader;
  if (outside.has_init_list && (is_identifier_char(outside.last) || outside.last == '>')) {
    return Brace::kPartOfHeader;  // a member initialised by braces
  }
  return Brace::kFunction;
}

std::string function_name(std::string_view header) {
  header = strip_prefixes(header);
  const size_t assign = header.find(" = [");
  if (assign != std::string_view::npos) header = trim(header.substr(0, assign));
  size_t open = header.find("operator");
  open = header.find('(', open == std::string_view::npos ? 0 : open + 8);
  if (open == std::string_view::npos) open = header.size();
  std::string_view name = trim(header.substr(0, open));
  if (name == "TEST" || name == "TEST_F" || name == "TEST_P" || name == "RC_GTEST_PROP") {
    std::string joined;
    for (char c : header.substr(open + 1)) {
      if (c == ')' || c == '"') break;
      if (c == ',') joined += '.';
      if (is_identifier_char(c)) joined += c;
    }
    return joined;
  }
  if (const size_t op = name.find("operator"); op != std::string_view::npos) {
    return "operator" + std::string(trim(name.substr(op + 8)));
  }
  size_t begin = name.size();
  while (begin > 0 && (is_identifier_char(name[begin - 1]) || name[begin - 1] == ':' ||
                       name[begin - 1] == '~')) {
    --begin;
  }
  return std::string(name.substr(begin));
}

size_t line_at(std::string_view text, size_t position) {
  size_t line = 1;
  for (char c : text.substr(0, position)) line += c == '\n' ? 1 : 0;
  return line;
}

FunctionSpan make_span(std::string_view text, size_t header_begin, size_t open, size_t end) {
  const std::string_view header = strip_labels(text.substr(header_begin, open - header_begin));
  const size_t first = line_at(text, open - header.size());
  return {function_name(header), first, line_at(text, end) - first + 1};
}

}  // namespace

std::vector<FunctionSpan> find_functions(const SourceFile& file) {
  const std::string text = code_without_directives(file);
  std::vector<FunctionSpan> found;
  size_t header_begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ';' || text[i] == '}') header_begin = i + 1;
    if (text[i] != '{') continue;
    const std::string_view header = std::string_view(text).substr(header_begin, i - header_begin);
    const Brace brace = classify(header);
    if (brace == Brace::kContainer) {
      header_begin = i + 1;
      continue;
    }
    const size_t end = skip_balanced(text, i, '{', '}');
    if (brace == Brace::kFunction) {
      found.push_back(make_span(text, header_begin, i, end));
      header_begin = end;
    }
    i = end - 1;  // a brace that belongs to the header leaves header_begin where it is
  }
  return found;
}

}  // namespace tree
