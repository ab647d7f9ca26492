// What `ecsdb load` puts its clients through, besides measuring them.
#pragma once

#include "tools/load_host.h"

namespace ecsdb {

/// --stall: some clients read nothing for a while. Prints the figures; returns the exit status.
int run_stall(LoadHost& host);
/// --cut: nobody gets through for a while.
int run_cut(LoadHost& host);

}  // namespace ecsdb
