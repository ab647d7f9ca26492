// SIGINT and SIGTERM for verbs that go on until they are interrupted.
#pragma once

#include <signal.h>

namespace ecsdb {

/// How many came since catch_interrupts().
extern volatile sig_atomic_t interrupts;

/// The handler does not restart calls, so that neither a wait nor a write to a pipe that nobody
/// reads outlasts them.
void catch_interrupts();

}  // namespace ecsdb
