// What ecsdb-sim can do. Each returns the exit code.
#pragma once

#include "arguments.h"

namespace ecsdb::sim {

int run_verb(const Arguments& arguments);
int sweep_verb(const Arguments& arguments);
int mutants_verb(const Arguments& arguments);

}  // namespace ecsdb::sim
