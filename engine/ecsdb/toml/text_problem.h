// Problems in a text file, for people: where, what to do, and the line with a caret under it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ecsdb/base/error.h"

namespace ecsdb {

struct TextProblem {
  int line = 0;    // from 1
  int column = 0;  // from 1, in characters (not bytes)
  std::string message;
  std::string suggestion;  // a name that was probably meant, or empty
  bool operator==(const TextProblem&) const = default;
};

/// By line, then column; problems at one place keep their order.
void sort_problems(std::vector<TextProblem>& problems);

/// For each problem `file:line:column: error: message`, the line, a caret line (tabs stay tabs, so
/// that the caret stands under its character), and `did you mean "x"?` where there is a suggestion.
std::string render_problems(std::string_view text, std::string_view file_name,
                            const std::vector<TextProblem>& problems);

/// One Error for all of them: the first with its place, and how many more there are. At least one.
Error error_of_problems(ErrorCode code, std::string_view file_name,
                        const std::vector<TextProblem>& problems);

}  // namespace ecsdb
