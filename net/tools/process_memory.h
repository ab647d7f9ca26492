// What the system says of a process's memory.
#pragma once

#include <cstdint>
#include <optional>
#include <sys/types.h>

namespace ecsdb {

/// KiB of the process that are in memory; nothing if there is no such process on this host.
std::optional<uint64_t> resident_kib(pid_t process);

}  // namespace ecsdb
