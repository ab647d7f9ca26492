#include "tools/interrupts.h"

namespace ecsdb {

volatile sig_atomic_t interrupts = 0;

void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupts = interrupts + 1; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace ecsdb
