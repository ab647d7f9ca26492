// The verbs of `ecsdb`. Each takes the arguments behind its name and returns the exit status.
#pragma once

#include <optional>
#include <span>

#include "tools/command_line.h"

namespace ecsdb {

using Arguments = std::span<const char* const>;

int run_watch(Arguments arguments);
int run_conflicts(Arguments arguments);
int run_load(Arguments arguments);
int run_demo(Arguments arguments);
int run_cubes_slice(Arguments arguments);

extern const CommandSpec kWatchCommand;
extern const CommandSpec kConflictsCommand;
extern const CommandSpec kLoadCommand;
extern const CommandSpec kDemoCommand;
extern const CommandSpec kCubesSliceCommand;

/// Parses the arguments of a verb. Nothing: the verb is over with `exit`, help or a message
/// printed.
std::optional<CommandLine> parse_verb(const CommandSpec& spec, Arguments arguments, int& exit);

/// `exit`, unless standard output did not take all that was printed: then a message, and
/// kExitInternal in place of kExitOk.
int finish_output(int exit);

}  // namespace ecsdb
