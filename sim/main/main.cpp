// ecsdb-sim: seeds in, verdicts out.
#include <cstdio>

#include "arguments.h"
#include "verbs.h"

int main(int count, char** words) {
  int exit_code = ecsdb::sim::kExitOk;
  const auto arguments = ecsdb::sim::parse_arguments(count, words, exit_code);
  if (!arguments) return exit_code;
  if (arguments->verb == "run") return ecsdb::sim::run_verb(*arguments);
  if (arguments->verb == "sweep") return ecsdb::sim::sweep_verb(*arguments);
  if (arguments->verb == "mutants") return ecsdb::sim::mutants_verb(*arguments);
  ecsdb::sim::print_help();
  return ecsdb::sim::kExitOk;
}
