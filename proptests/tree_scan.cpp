#include "tree_scan.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>

namespace tree {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTopFolders[] = {"engine", "client",    "net",   "sim",
                                            "viz",    "proptests", "bench", "examples"};
constexpr std::string_view kTextSuffixes[] = {".md", ".txt", ".cmake", ".sh", ".toml", ".py"};

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// True if the quote at `at` separates the digits of a number.
bool is_digit_separator(std::string_view text, size_t at) {
  size_t begin = at;
  while (begin > 0 && (is_identifier_char(text[begin - 1]) || text[begin - 1] == '\'')) --begin;
  return begin < at && std::isdigit(static_cast<unsigned char>(text[begin])) != 0;
}

/// Length of the raw string literal whose R stands at `at`, 0 if none does.
size_t raw_string_length(std::string_view text, size_t at) {
  if (!text.substr(at).starts_with("R\"")) return 0;
  if (at > 0 && is_identifier_char(text[at - 1]) && text[at - 1] != 'u' && text[at - 1] != '8' &&
      text[at - 1] != 'U' && text[at - 1] != 'L') {
    return 0;
  }
  const size_t open = text.find('(', at);
  if (open == std::string_view::npos) return 0;
  const std::string close = ")" + std::string(text.substr(at + 2, open - at - 2)) + "\"";
  const size_t end = text.find(close, open);
  return (end == std::string_view::npos ? text.size() : end + close.size()) - at;
}

/// Length of the ordinary literal that the quote at `at` opens.
size_t literal_length(std::string_view text, size_t at) {
  size_t i = at + 1;
  while (i < text.size() && text[i] != text[at] && text[i] != '\n') i += text[i] == '\\' ? 2 : 1;
  return std::min(i + 1, text.size()) - at;
}

void blank(std::string& code, size_t from, size_t count) {
  for (size_t i = from; i < std::min(from + count, code.size()); ++i) {
    if (code[i] != '\n') code[i] = ' ';
  }
}

/// The text with comments and the contents of literals replaced by spaces, same length.
std::string scrub(std::string_view text) {
  std::string code(text);
  for (size_t i = 0; i < text.size();) {
    size_t skip = 1;
    if (text.substr(i).starts_with("//")) {
      skip = std::min(text.find('\n', i), text.size()) - i;
      blank(code, i, skip);
    } else if (text.substr(i).starts_with("/*")) {
      const size_t end = text.find("*/", i + 2);
      skip = (end == std::string_view::npos ? text.size() : end + 2) - i;
      blank(code, i, skip);
    } else if (const size_t raw = raw_string_length(text, i); raw > 0) {
      skip = raw;
      blank(code, i, skip);
      code[i] = '"';
    } else if (text[i] == '`') {  // a template of a script, over several lines
      const size_t end = text.find('`', i + 1);
      skip = (end == std::string_view::npos ? text.size() : end + 1) - i;
      blank(code, i, skip);
    } else if (text[i] == '"' || (text[i] == '\'' && !is_digit_separator(text, i))) {
      skip = literal_length(text, i);
      if (skip > 2) blank(code, i + 1, skip - 2);
    }
    i += skip;
  }
  return code;
}

std::optional<Include> parse_include(const std::string& raw, const std::string& code, size_t line) {
  std::string_view rest = trim(code);
  if (!rest.starts_with('#')) return std::nullopt;
  rest = trim(rest.substr(1));
  if (!rest.starts_with("include")) return std::nullopt;
  const size_t open = raw.find_first_of("\"<", raw.find("include"));
  if (open == std::string::npos) return std::nullopt;
  const bool angled = raw[open] == '<';
  const size_t close = raw.find(angled ? '>' : '"', open + 1);
  if (close == std::string::npos) return std::nullopt;
  return Include{line, raw.substr(open + 1, close - open - 1), angled};
}

std::optional<std::string> read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

bool has_suffix(const std::string& path, std::span<const std::string_view> suffixes) {
  return std::any_of(suffixes.begin(), suffixes.end(),
                     [&](std::string_view suffix) { return path.ends_with(suffix); });
}

void load_file(Tree& tree, const fs::path& root, const fs::path& file, Violations& out) {
  const std::string path = fs::relative(file, root).generic_string();
  static constexpr std::string_view kForeign[] = {".hpp", ".cc", ".hh", ".cxx", ".inl", ".c"};
  if (has_suffix(path, kForeign)) {
    out.push_back({path, 1, "unusual file ending: name C++ files .h or .cpp"});
    return;
  }
  const bool is_source = path.ends_with(".h") || path.ends_with(".cpp");
  const bool is_script = path.ends_with(".js");
  if (!is_source && !is_script && !has_suffix(path, kTextSuffixes)) return;
  const std::optional<std::string> text = read_file(file);
  if (!text) {
    out.push_back({path, 1, "the file cannot be read"});
    return;
  }
  if (is_source) {
    tree.paths.insert(path);
    tree.sources.push_back(parse_source(path, *text));
    return;
  }
  if (is_script) {
    tree.scripts.push_back(parse_source(path, *text));
    return;
  }
  if (path.ends_with("CMakeLists.txt")) tree.public_headers.merge(parse_public_headers(*text));
  tree.texts.push_back(parse_text(path, *text));
}

void load_folder(Tree& tree, const fs::path& root, const fs::path& folder, Violations& out) {
  if (!fs::exists(folder)) return;
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) load_file(tree, root, file, out);
}

}  // namespace

bool is_identifier_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

bool is_test_support(std::string_view path) {
  return path.substr(path.rfind('/') + 1).starts_with("test_");
}

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

size_t find_word(std::string_view line, std::string_view word, size_t from) {
  for (size_t at = line.find(word, from); at != std::string_view::npos;
       at = line.find(word, at + 1)) {
    const size_t end = at + word.size();
    const bool free_before =
        at == 0 || !is_identifier_char(line[at - 1]) || !is_identifier_char(word.front());
    const bool free_after =
        end >= line.size() || !is_identifier_char(line[end]) || !is_identifier_char(word.back());
    if (free_before && free_after) return at;
  }
  return std::string_view::npos;
}

SourceFile parse_source(std::string path, std::string_view text) {
  SourceFile file{std::move(path), split_lines(text), split_lines(scrub(text)), {}};
  for (size_t i = 0; i < file.raw.size(); ++i) {
    if (auto include = parse_include(file.raw[i], file.code[i], i + 1)) {
      file.includes.push_back(*std::move(include));
    }
  }
  return file;
}

SourceFile parse_text(std::string path, std::string_view text) {
  return SourceFile{std::move(path), split_lines(text), {}, {}};
}

std::vector<KnownEntry> parse_known(std::string_view text, Violations& out) {
  static const std::string kPath = "proptests/tree_known.txt";
  std::vector<KnownEntry> entries;
  size_t number = 0;
  for (const std::string& line : split_lines(text)) {
    ++number;
    std::string_view rest = trim(line);
    if (rest.empty() || rest.front() == '#') continue;
    KnownEntry entry;
    entry.source_line = number;
    const auto next_word = [&rest] {
      const size_t end = std::min(rest.find(' '), rest.size());
      const std::string word(rest.substr(0, end));
      rest = trim(rest.substr(end));
      return word;
    };
    entry.kind = next_word();
    entry.where = next_word();
    entry.reason = std::string(rest);
    const bool sized = entry.kind == "file" || entry.kind == "function";
    const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), entry.lines);
    const bool whole = parsed.ec == std::errc() && parsed.ptr == rest.data() + rest.size();
    if ((sized && !whole) || (!sized && (entry.kind != "float" || rest.empty()))) {
      out.push_back({kPath, number,
                     "write `file PATH LINES`, `function PATH:NAME LINES` or `float PATH REASON`"});
      continue;
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::set<std::string> parse_public_headers(std::string_view build_file) {
  std::set<std::string> headers;
  std::string flat;
  for (const std::string& line : split_lines(build_file)) {
    flat += line.substr(0, line.find('#')) + " ";
  }
  static constexpr std::string_view kCall = "ecsdb_library(";
  for (size_t at = flat.find(kCall); at != std::string::npos; at = flat.find(kCall, at + 1)) {
    std::string_view rest = std::string_view(flat).substr(at, flat.find(')', at) - at);
    const size_t begin = find_word(rest, "PUBLIC");
    if (begin == std::string_view::npos) continue;
    rest = trim(rest.substr(begin + 6));
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(' '), rest.size());
      const std::string_view word = rest.substr(0, end);
      if (!word.ends_with(".h")) break;
      headers.emplace(word);
      rest = trim(rest.substr(end));
    }
  }
  return headers;
}

Tree load_tree(const std::string& root, Violations& out) {
  Tree tree;
  for (std::string_view folder : kTopFolders) load_folder(tree, root, fs::path(root) / folder, out);
  load_folder(tree, root, fs::path(root) / "docs", out);
  load_folder(tree, root, fs::path(root) / "cmake", out);
  for (const char* name : {"CMakeLists.txt", "README.md", "dev", ".ci/run"}) {
    const std::optional<std::string> text = read_file(fs::path(root) / name);
    if (text) tree.texts.push_back(parse_text(name, *text));
  }
  const std::optional<std::string> known = read_file(fs::path(root) / "proptests/tree_known.txt");
  if (known) {
    tree.known = parse_known(*known, out);
  } else {
    out.push_back({"proptests/tree_known.txt", 1, "the file cannot be read"});
  }
  return tree;
}

}  // namespace tree
