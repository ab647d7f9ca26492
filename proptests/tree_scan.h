// Reads C++ and JavaScript sources as text for the tree test: lines, includes, code without
// comments and literals, and where functions begin and end. No parser: it relies on formatted
// sources.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tree {

/// One #include line.
struct Include {
  size_t line = 0;     // counted from 1
  std::string target;  // what stands between the quotes or brackets
  bool angled = false;
};

/// True for a path or include whose file name starts with "test_".
bool is_test_support(std::string_view path);

/// One source file. Line i + 1 of the file is raw[i]; code[i] has the same columns, with comments
/// and the contents of literals blanked.
struct SourceFile {
  std::string path;  // from the root of the repository, with '/'
  std::vector<std::string> raw;
  std::vector<std::string> code;
  std::vector<Include> includes;

  bool is_header() const { return path.ends_with(".h"); }
  bool is_script() const { return path.ends_with(".js"); }
  /// Test programs, and what only they include: headers named test_*.h.
  bool is_test() const { return path.ends_with("_test.cpp") || is_test_support(path); }
  bool is_under(std::string_view folder) const { return path.starts_with(folder); }
};

/// A function with a body; `lines` counts from its first line to its closing brace.
struct FunctionSpan {
  std::string name;
  size_t line = 0;
  size_t lines = 0;
};

/// An entry of tree_known.txt: an exception that is written down.
struct KnownEntry {
  std::string kind;    // file, function or float
  std::string where;   // path, or path:function
  size_t lines = 0;    // for file and function: the size it may not exceed
  std::string reason;  // for float
  size_t source_line = 0;
};

/// A broken rule, and what to do about it.
struct Violation {
  std::string path;
  size_t line = 0;
  std::string text;
};
using Violations = std::vector<Violation>;

/// Everything the rules look at.
struct Tree {
  std::vector<SourceFile> sources;  // C++, in path order
  std::vector<SourceFile> scripts;  // JavaScript, in path order
  std::vector<SourceFile> texts;    // build files, scripts and documents (no code, no includes)
  std::set<std::string> paths;      // of sources
  std::set<std::string> public_headers;  // as they are included
  std::vector<KnownEntry> known;
};

SourceFile parse_source(std::string path, std::string_view text);
SourceFile parse_text(std::string path, std::string_view text);
std::vector<FunctionSpan> find_functions(const SourceFile& file);
std::vector<KnownEntry> parse_known(std::string_view text, Violations& out);
/// Headers that follow PUBLIC in the ecsdb_library calls of a build file.
std::set<std::string> parse_public_headers(std::string_view build_file);
/// Reads the tree below `root`; a file that cannot be read is a violation.
Tree load_tree(const std::string& root, Violations& out);

/// Finds `word` at or after `from` where neither neighbour belongs to an identifier; npos if
/// absent.
size_t find_word(std::string_view line, std::string_view word, size_t from = 0);
bool is_identifier_char(char c);
std::string_view trim(std::string_view text);

}  // namespace tree
