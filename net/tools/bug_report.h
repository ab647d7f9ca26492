// What the programs do when a check fails, which only a bug of ours can cause.
#pragma once

#include <cstdio>
#include <unistd.h>

#include "ecsdb/base/check.h"

#include "tools/exit_code.h"

namespace ecsdb {

/// From now on a failed check says so on standard error and ends the process with kExitInternal.
inline void exit_on_failed_check() {
  set_check_handler([](const char* condition, const char* file, int line) {
    std::fprintf(stderr, "internal error: %s is false at %s:%d. This is a bug in ecsdb.\n",
                 condition, file, line);
    std::fflush(stderr);
    _exit(kExitInternal);
  });
}

}  // namespace ecsdb
