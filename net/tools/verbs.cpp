#include "tools/verbs.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

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

int finish_output(int exit) {
  // Who interrupts a program need not read on from it: a flush could wait for ever.
  if (exit == kExitInterrupted) return exit;
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit;
  const std::string why = errno != 0 ? std::string(": ") + std::strerror(errno) : std::string();
  std::fprintf(stderr, "ecsdb: standard output could not be written%s\n", why.c_str());
  return exit == kExitOk ? static_cast<int>(kExitInternal) : exit;
}

}  // namespace ecsdb
