#include "tools/process_memory.h"

#include <cstdio>
#include <string>

namespace ecsdb {

std::optional<uint64_t> resident_kib(pid_t process) {
  std::FILE* file = std::fopen(("/proc/" + std::to_string(process) + "/status").c_str(), "r");
  if (file == nullptr) return std::nullopt;
  std::optional<uint64_t> found;
  char line[256];
  while (!found && std::fgets(line, sizeof line, file) != nullptr) {
    unsigned long long kib = 0;
    if (std::sscanf(line, "VmRSS: %llu", &kib) == 1) found = kib;
  }
  std::fclose(file);
  return found;
}

}  // namespace ecsdb
