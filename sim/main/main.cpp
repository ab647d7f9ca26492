// ecsdb-sim: seeds in, verdicts out.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <unistd.h>

#include "arguments.h"
#include "verbs.h"

namespace ecsdb::sim {
namespace {

// Nothing that is left half done needs an end: processes of seeds end with this one.
extern "C" void on_interrupt(int) { _exit(kExitInterrupted); }

int run_program(int count, char** words) {
  int exit_code = kExitOk;
  const auto arguments = parse_arguments(count, words, exit_code);
  if (!arguments) return exit_code;
  if (arguments->verb == "run") return run_verb(*arguments);
  if (arguments->verb == "sweep") return sweep_verb(*arguments);
  if (arguments->verb == "mutants") return mutants_verb(*arguments);
  print_help();
  return kExitOk;
}

/// A verdict that nobody could read is no success; a bad one stays what it is.
int with_output_written(int exit_code) {
  const bool failed_before = std::ferror(stdout) != 0;
  if (std::fflush(stdout) == 0 && !failed_before) return exit_code;
  std::fprintf(stderr, "ecsdb-sim: cannot write to standard output%s%s\n",
               failed_before ? "" : ": ", failed_before ? "" : std::strerror(errno));
  return exit_code == kExitOk ? kExitInternal : exit_code;
}

}  // namespace
}  // namespace ecsdb::sim

int main(int count, char** words) {
  std::signal(SIGINT, ecsdb::sim::on_interrupt);
  return ecsdb::sim::with_output_written(ecsdb::sim::run_program(count, words));
}
