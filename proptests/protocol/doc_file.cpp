#include "doc_file.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

namespace ecsdb::protocol {
namespace {

constexpr std::string_view kBegin = "<!-- generated: ";
constexpr std::string_view kBeginTail = " -->";
constexpr std::string_view kEnd = "<!-- end -->";

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    out.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

std::optional<std::string_view> name_of_begin(std::string_view line) {
  if (!line.starts_with(kBegin) || !line.ends_with(kBeginTail)) return std::nullopt;
  line.remove_prefix(kBegin.size());
  line.remove_suffix(kBeginTail.size());
  return line;
}

const Section* find_section(const std::vector<Section>& sections, std::string_view name) {
  const auto found = std::find_if(sections.begin(), sections.end(),
                                  [&](const Section& section) { return section.name == name; });
  return found == sections.end() ? nullptr : &*found;
}

/// The text between markers, as it stands in a document.
std::string body_of(const Section& section) { return "\n" + section.text + "\n"; }

/// Calls `marked(name, line of its marker, text)` for each section, `other(line)` for every line
/// outside of sections and for the markers; returns what is wrong with the markers.
template <class Marked, class Other>
std::vector<Problem> walk(const Document& document, Marked&& marked, Other&& other) {
  std::vector<Problem> problems;
  std::optional<std::string> open;
  size_t open_line = 0;
  std::string text;
  size_t number = 0;
  for (const std::string_view line : lines_of(document.text)) {
    ++number;
    const bool is_end = line == kEnd;
    const auto name = name_of_begin(line);
    if (open && !is_end && !name) {
      text.append(line).append("\n");
      continue;
    }
    if (open && name) {
      problems.push_back({document.path, open_line, "section '" + *open + "' has no end"});
    }
    if (!open && is_end) problems.push_back({document.path, number, "an end of no section"});
    if (open && is_end) marked(*open, open_line, text);
    other(line);
    open.reset();
    text.clear();
    if (!name) continue;
    open = std::string(*name);
    open_line = number;
  }
  if (open) problems.push_back({document.path, open_line, "section '" + *open + "' has no end"});
  return problems;
}

}  // namespace

std::vector<std::string> document_names() { return {"BYTES.md", "BEHAVIOUR.md"}; }

Result<std::vector<Document>> read_documents(const std::string& folder) {
  std::vector<Document> out;
  for (const std::string& name : document_names()) {
    const std::string path = folder + "/" + name;
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) return fail(ErrorCode::kFileUnreadable, path);
    out.push_back({path, text.str()});
  }
  return out;
}

Status write_document(const Document& document) {
  std::ofstream file(document.path, std::ios::binary | std::ios::trunc);
  file << document.text;
  file.close();
  return file ? Status{} : fail(ErrorCode::kFileUnreadable, document.path);
}

std::string Problem::to_string() const {
  return path + (line > 0 ? ":" + std::to_string(line) : "") + ": " + text;
}

std::vector<Problem> check_documents(const std::vector<Document>& documents,
                                     const std::vector<Section>& sections) {
  std::vector<Problem> problems;
  std::map<std::string, size_t> seen;
  for (const Document& document : documents) {
    auto marked = [&](const std::string& name, size_t line, const std::string& text) {
      const Section* section = find_section(sections, name);
      if (section == nullptr) {
        problems.push_back({document.path, line, "nothing generates a section '" + name + "'"});
      } else if (++seen[name] > 1) {
        problems.push_back({document.path, line, "section '" + name + "' stands twice"});
      } else if (text != body_of(*section)) {
        problems.push_back({document.path, line,
                            "section '" + name + "' differs from the declarations:\n" +
                                difference(text, body_of(*section))});
      }
    };
    const auto broken = walk(document, marked, [](std::string_view) {});
    problems.insert(problems.end(), broken.begin(), broken.end());
  }
  for (const Section& section : sections) {
    if (seen.contains(section.name)) continue;
    problems.push_back({"", 0, "section '" + section.name + "' stands in no document"});
  }
  return problems;
}

std::string with_sections(const Document& document, const std::vector<Section>& sections) {
  std::string out;
  auto marked = [&](const std::string& name, size_t, const std::string& text) {
    const Section* section = find_section(sections, name);
    out += section == nullptr ? text : body_of(*section);
  };
  walk(document, marked, [&](std::string_view line) { out.append(line).append("\n"); });
  return out;
}

std::string difference(std::string_view have, std::string_view want) {
  const auto old_lines = lines_of(have);
  const auto new_lines = lines_of(want);
  const size_t shorter = std::min(old_lines.size(), new_lines.size());
  size_t front = 0;
  while (front < shorter && old_lines[front] == new_lines[front]) ++front;
  size_t back = 0;
  while (back < shorter - front &&
         old_lines[old_lines.size() - 1 - back] == new_lines[new_lines.size() - 1 - back]) {
    ++back;
  }
  std::string out;
  for (size_t i = front; i < old_lines.size() - back; ++i) {
    out.append("- ").append(old_lines[i]).append("\n");
  }
  for (size_t i = front; i < new_lines.size() - back; ++i) {
    out.append("+ ").append(new_lines[i]).append("\n");
  }
  return out;
}

}  // namespace ecsdb::protocol
