// The global operator new of the benchmark program, which counts. Array, nothrow and sized forms
// of the standard library end in these.
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
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  ++allocation_count;
  const std::size_t unit = static_cast<std::size_t>(alignment);
  // aligned_alloc wants a whole number of units.
  if (void* memory = std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
