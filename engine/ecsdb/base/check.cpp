#include "ecsdb/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace ecsdb {
namespace {
CheckHandler g_handler = nullptr;
}  // namespace

CheckHandler set_check_handler(CheckHandler handler) {
  CheckHandler previous = g_handler;
  g_handler = handler;
  return previous;
}

void check_failed(const char* condition, const char* file, int line) {
  if (g_handler != nullptr) g_handler(condition, file, line);
  std::fprintf(stderr, "ecsdb: check failed: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace ecsdb
