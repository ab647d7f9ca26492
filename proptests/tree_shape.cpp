// Widths, sizes, header order and leftover marks.
#include <algorithm>
#include <map>
#include <string>

#include "tree_rules.h"

namespace tree {
namespace {

size_t count_code_points(std::string_view line) {
  return static_cast<size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

const KnownEntry* find_known(const Tree& tree, std::string_view kind, const std::string& where) {
  for (const KnownEntry& entry : tree.known) {
    if (entry.kind == kind && entry.where == where) return &entry;
  }
  return nullptr;
}

/// The longest function of each name; overloads share one entry.
std::map<std::string, FunctionSpan> longest_functions(const SourceFile& file) {
  std::map<std::string, FunctionSpan> longest;
  for (const FunctionSpan& span : find_functions(file)) {
    FunctionSpan& held = longest[span.name];
    if (span.lines > held.lines) held = span;
  }
  return longest;
}

void check_function_sizes(const Tree& tree, const SourceFile& file, Violations& out) {
  for (const auto& [name, span] : longest_functions(file)) {
    if (span.lines <= kFunctionLinesMax) continue;
    const std::string where = file.path + ":" + name;
    const KnownEntry* known = find_known(tree, "function", where);
    if (known != nullptr && span.lines <= known->lines) continue;
    const std::string size = std::to_string(span.lines);
    const std::string limit = std::to_string(known ? known->lines : kFunctionLinesMax);
    out.push_back({file.path, span.line,
                   name + " has " + size + " lines, limit " + limit +
                       ": split it; if it really reads best in one piece, write `function " +
                       where + " " + size + "` in proptests/tree_known.txt"});
  }
}

const SourceFile* find_source(const Tree& tree, const std::string& path) {
  for (const SourceFile& file : tree.sources) {
    if (file.path == path) return &file;
  }
  for (const SourceFile& file : tree.scripts) {
    if (file.path == path) return &file;
  }
  return nullptr;
}

bool is_needed_function(const SourceFile& file, const std::string& name) {
  const auto longest = longest_functions(file);
  const auto found = longest.find(name);
  return found != longest.end() && found->second.lines > kFunctionLinesMax;
}

bool is_needed(const Tree& tree, const KnownEntry& entry) {
  const size_t colon = entry.where.find(':');
  const SourceFile* file = find_source(tree, entry.where.substr(0, colon));
  if (file == nullptr) return false;
  if (entry.kind == "file") return file->raw.size() > kFileLinesHabit;
  if (entry.kind == "function") {
    return colon != std::string::npos && is_needed_function(*file, entry.where.substr(colon + 1));
  }
  Tree without_exceptions;
  Violations found;
  check_floats(without_exceptions, *file, found);
  return !found.empty();
}

}  // namespace

void check_width(const SourceFile& file, Violations& out) {
  for (size_t i = 0; i < file.raw.size(); ++i) {
    const size_t width = count_code_points(file.raw[i]);
    if (width <= kWidthMax) continue;
    out.push_back({file.path, i + 1,
                   std::to_string(width) + " columns, limit " + std::to_string(kWidthMax) +
                       (file.is_script() ? ": break the line" : ": run ./dev format")});
  }
}

void check_pragma_once(const SourceFile& file, Violations& out) {
  if (!file.is_header()) return;
  for (size_t i = 0; i < file.code.size(); ++i) {
    const std::string_view code = trim(file.code[i]);
    if (code.empty()) continue;
    if (code == "#pragma once") return;
    break;
  }
  out.push_back({file.path, 1, "a header starts with #pragma once"});
}

void check_own_header_first(const Tree& tree, const SourceFile& file, Violations& out) {
  if (!file.path.ends_with(".cpp")) return;
  std::string stem = file.path.substr(0, file.path.size() - 4);
  if (stem.ends_with("_test")) stem.resize(stem.size() - 5);
  const std::string header = stem + ".h";
  if (!tree.paths.contains(header)) return;
  if (!file.includes.empty()) {
    const Include& first = file.includes.front();
    if (!first.angled && ("/" + header).ends_with("/" + first.target)) return;
  }
  out.push_back({file.path, file.includes.empty() ? 1 : file.includes.front().line,
                 "the first include is the file's own header, " + header});
}

void check_marks(const SourceFile& file, Violations& out) {
  static const std::string kFix = std::string("FIX") + "ME";
  static const std::string kToDo = std::string("TO") + "DO";
  for (size_t i = 0; i < file.raw.size(); ++i) {
    const std::string_view line = file.raw[i];
    if (find_word(line, kFix) != std::string_view::npos) {
      out.push_back({file.path, i + 1, kFix + ": mend it before it is committed"});
    }
    if (find_word(line, kToDo) == std::string_view::npos) continue;
    const size_t number = line.find('#', line.find(kToDo));
    const bool numbered = number != std::string_view::npos && number + 1 < line.size() &&
                          line[number + 1] >= '0' && line[number + 1] <= '9';
    if (numbered) continue;
    out.push_back(
        {file.path, i + 1, kToDo + " without an issue: do it, or write " + kToDo + "(#N)"});
  }
}

void check_sizes(const Tree& tree, const SourceFile& file, Violations& out) {
  const size_t lines = file.raw.size();
  const KnownEntry* known = find_known(tree, "file", file.path);
  const size_t limit = known != nullptr ? std::min(known->lines, kFileLinesMax) : kFileLinesHabit;
  if (lines > limit) {
    out.push_back({file.path, lines,
                   std::to_string(lines) + " lines, limit " + std::to_string(limit) +
                       ": split the file by concern; up to " + std::to_string(kFileLinesMax) +
                       " it may stand as `file " + file.path + " " + std::to_string(lines) +
                       "` in proptests/tree_known.txt"});
  }
  check_function_sizes(tree, file, out);
}

void check_readme(const SourceFile& file, Violations& out) {
  if (file.path != "README.md" || file.raw.size() <= kReadmeLinesMax) return;
  out.push_back({file.path, file.raw.size(),
                 std::to_string(file.raw.size()) + " lines, limit " +
                     std::to_string(kReadmeLinesMax) + ": move detail into docs/"});
}

void check_known(const Tree& tree, Violations& out) {
  for (const KnownEntry& entry : tree.known) {
    if (is_needed(tree, entry)) continue;
    out.push_back({"proptests/tree_known.txt", entry.source_line,
                   "`" + entry.kind + " " + entry.where +
                       "` is no longer needed: delete the line, so that it cannot come back"});
  }
}

void check_all(const Tree& tree, Violations& out) {
  for (const SourceFile& file : tree.sources) {
    check_arrows(tree, file, out);
    check_third_party(file, out);
    check_header_types(file, out);
    check_core_bans(file, out);
    check_floats(tree, file, out);
    check_habits(file, out);
    check_width(file, out);
    check_pragma_once(file, out);
    check_own_header_first(tree, file, out);
    check_marks(file, out);
    check_sizes(tree, file, out);
  }
  for (const SourceFile& file : tree.scripts) {
    check_script_imports(file, out);
    check_width(file, out);
    check_marks(file, out);
    check_sizes(tree, file, out);
  }
  for (const SourceFile& file : tree.texts) {
    check_marks(file, out);
    check_readme(file, out);
  }
  check_known(tree, out);
}

}  // namespace tree
