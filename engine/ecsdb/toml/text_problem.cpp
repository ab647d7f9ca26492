#include "ecsdb/toml/text_problem.h"

#include <algorithm>

#include "ecsdb/base/check.h"

namespace ecsdb {
namespace {

constexpr size_t kShownLineBytesMax = 200;

std::string_view line_of(std::string_view text, int line) {
  for (int i = 1; i < line; ++i) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  return text.substr(0, kShownLineBytesMax);
}

/// Blanks up to the column: as many characters, tabs where the line has tabs.
std::string caret_line(std::string_view line, int column) {
  std::string out;
  int at = 1;
  for (const char c : line) {
    if ((static_cast<unsigned char>(c) & 0xc0) == 0x80) continue;  // inside a UTF-8 character
    if (at == column) break;
    out += c == '\t' ? '\t' : ' ';
    ++at;
  }
  return out + '^';
}

std::string place(std::string_view file_name, const TextProblem& problem) {
  return std::string(file_name) + ":" + std::to_string(problem.line) + ":" +
         std::to_string(problem.column) + ": ";
}

}  // namespace

void sort_problems(std::vector<TextProblem>& problems) {
  std::stable_sort(problems.begin(), problems.end(),
                   [](const TextProblem& a, const TextProblem& b) {
                     return a.line != b.line ? a.line < b.line : a.column < b.column;
                   });
}

std::string render_problems(std::string_view text, std::string_view file_name,
                            const std::vector<TextProblem>& problems) {
  std::string out;
  for (const TextProblem& problem : problems) {
    out += place(file_name, problem) + "error: " + problem.message + "\n";
    const std::string_view line = line_of(text, problem.line);
    if (!line.empty()) {
      out += std::string(line) + "\n" + caret_line(line, problem.column) + "\n";
    }
    if (!problem.suggestion.empty()) out += "did you mean \"" + problem.suggestion + "\"?\n";
  }
  return out;
}

Error error_of_problems(ErrorCode code, std::string_view file_name,
                        const std::vector<TextProblem>& problems) {
  ECSDB_CHECK(!problems.empty());
  std::string context = place(file_name, problems[0]) + problems[0].message;
  if (problems.size() > 1) context += " (and " + std::to_string(problems.size() - 1) + " more)";
  return Error{code, std::move(context)};
}

}  // namespace ecsdb
