// The global operator new of the benchmark program, which counts. Array, nothrow and sized forms
// of the standard library end in these; nothing here is over-aligned.
#include <cstdlib>
#include <new>

#include "measure.h"

namespace {
uint64_t allocation_count = 0;  // one thread
}

namespace bench {
uint64_t allocations() { return allocation_count; }
}  // namespace bench

void* operator new(std::size_t bytes) {
  ++allocation_count;
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
