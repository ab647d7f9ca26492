// ecsdb: tools around a server.
#include <cstdio>
#include <string_view>
#include <vector>

#include "ecsdb/schema/schema.h"

#include "tools/bug_report.h"
#include "tools/exit_code.h"
#include "tools/verbs.h"

namespace {

constexpr std::string_view kHelp =
    "usage: ecsdb VERB [options]      (ecsdb VERB --help for details)\n"
    "\n"
    "  watch      print live rows of a server's tables, as a table or as JSON lines\n"
    "  conflicts  print the conflicts of late between clients' writes, as JSON lines\n"
    "  load       connect many clients, compare their replicas and measure latencies\n"
    "  demo       serve the bundled trace to ten clients in other processes on this host\n"
    "  help       this text, or that of a verb\n"
    "\n"
    "Data goes to standard output, all else to standard error. NO_COLOR=1 turns colours off.\n"
    "\n"
    "Exit status: 0 ok, 2 usage, 3 configuration or schema is wrong, 4 cannot connect, 5 token\n"
    "refused, 6 protocol or schema, 8 not synced in time, 10 replicas differ, 11 threshold "
    "missed,\n"
    "70 internal error or standard output not written, 130 interrupted. 7 (a property was broken) "
    "and\n"
    "9 (a seed gave two outcomes) come from the simulator only, see ecsdb-sim --help.\n";

struct Verb {
  std::string_view name;
  const ecsdb::CommandSpec* spec;
  int (*run)(ecsdb::Arguments);
  bool is_listed;
};
constexpr Verb kVerbs[] = {
    {"watch", &ecsdb::kWatchCommand, ecsdb::run_watch, true},
    {"conflicts", &ecsdb::kConflictsCommand, ecsdb::run_conflicts, true},
    {"load", &ecsdb::kLoadCommand, ecsdb::run_load, true},
    {"demo", &ecsdb::kDemoCommand, ecsdb::run_demo, true},
    {"cubes-slice", &ecsdb::kCubesSliceCommand, ecsdb::run_cubes_slice, false},
};

const Verb* find_verb(std::string_view name) {
  for (const Verb& verb : kVerbs) {
    if (verb.name == name) return &verb;
  }
  return nullptr;
}

int unknown_verb(std::string_view name) {
  std::vector<std::string> names = {"help"};
  for (const Verb& verb : kVerbs) {
    if (verb.is_listed) names.emplace_back(verb.name);
  }
  const auto near = ecsdb::nearest_name(name, names);
  std::fprintf(stderr, "ecsdb: there is no verb '%s'%s\nsee ecsdb help\n",
               std::string(name).c_str(), near ? ("; did you mean " + *near + "?").c_str() : "");
  return ecsdb::kExitUsage;
}

int help(ecsdb::Arguments arguments) {
  if (arguments.empty()) {
    std::fputs(kHelp.data(), stdout);
    return ecsdb::kExitOk;
  }
  const Verb* verb = find_verb(arguments[0]);
  if (verb == nullptr) return unknown_verb(arguments[0]);
  std::fputs(ecsdb::help_text(*verb->spec).c_str(), stdout);
  return ecsdb::kExitOk;
}

}  // namespace

int main(int argc, char** argv) {
  ecsdb::exit_on_failed_check();
  const ecsdb::Arguments arguments(argv + 1, static_cast<size_t>(argc - 1));
  if (arguments.empty()) {
    std::fputs(kHelp.data(), stderr);
    return ecsdb::kExitUsage;
  }
  const std::string_view name = arguments[0];
  if (name == "help" || name == "--help" || name == "-h") return help(arguments.subspan(1));
  if (name == "--version") {
    std::puts("ecsdb " ECSDB_VERSION);
    return ecsdb::kExitOk;
  }
  const Verb* verb = find_verb(name);
  return verb == nullptr ? unknown_verb(name) : verb->run(arguments.subspan(1));
}
