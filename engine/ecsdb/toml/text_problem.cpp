#include "ecsdb/toml/text_problem.h"

#include <algorithm>

#include "ecsdb/base/check.h"
#include "ecsdb/schema/canonical.h"

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
  if (text.size() <= kShownLineBytesMax) return text;
  size_t end = kShownLineBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // no half ones
  return text.substr(0, end);
}

/// What a terminal shows and does not obey: a question mark for every byte that is part of a
/// control character, or of what is not UTF-8.
std::string printable(std::string_view text) {
  const bool is_text = is_utf8(text);
  std::string out(text);
  for (size_t i = 0; i < out.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(out[i]);
    if (c == 0xc2 && is_text && static_cast<unsigned char>(out[i + 1]) < 0xa0) {
      out[i] = out[i + 1] = '?';
    } else if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f || (c >= 0x80 && !is_text)) {
      out[i] = '?';
    }
  }
  return out;
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
    out += place(file_name, problem) + "error: " + printable(problem.message) + "\n";
    const std::string line = printable(line_of(text, problem.line));
    if (!line.empty()) out += line + "\n" + caret_line(line, problem.column) + "\n";
    if (!problem.suggestion.empty()) out += "did you mean \"" + problem.suggestion + "\"?\n";
  }
  return out;
}

Error error_of_problems(ErrorCode code, std::string_view file_name,
                        const std::vector<TextProblem>& problems) {
  ECSDB_CHECK(!problems.empty());
  std::string context = place(file_name, problems[0]) + printable(problems[0].message);
  if (problems.size() > 1) context += " (and " + std::to_string(problems.size() - 1) + " more)";
  return Error{code, std::move(context)};
}

}  // namespace ecsdb
