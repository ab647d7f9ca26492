#include "tools/verbs.h"

#include <cstdio>

#include "tools/exit_code.h"

namespace ecsdb {

std::optional<CommandLine> parse_verb(const CommandSpec& spec, Arguments arguments, int& exit) {
  Result<CommandLine> line = CommandLine::parse(spec, arguments);
  if (!line.ok()) {
    exit = report_usage(spec, line.error());
    return std::nullopt;
  }
  if (line->wants_help()) {
    std::fputs(help_text(spec).c_str(), stdout);
    exit = kExitOk;
    return std::nullopt;
  }
  return std::move(line).value();
}

}  // namespace ecsdb
