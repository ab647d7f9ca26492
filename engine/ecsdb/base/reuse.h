// Memory that is used again and again: of scratch vectors, and of what a loop comes to next.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ecsdb {

/// Capacity for `count` elements, a power of two. assign(), and resize() of an empty vector, take
/// exactly what they need, so that sizes that creep up would cost an allocation each time.
template <class T>
void make_room(std::vector<T>& scratch, size_t count) {
  if (scratch.capacity() < count) scratch.reserve(std::bit_ceil(count));
}

/// `count` times `value`, whatever was there.
template <class T>
void refill(std::vector<T>& scratch, size_t count, T value = T{}) {
  make_room(scratch, count);
  scratch.assign(count, value);
}

/// Has the processor fetch the cache lines of so many bytes, for writing. Any address may be given.
inline void prefetch_memory(const void* at, size_t bytes) {
  constexpr size_t kLine = 64;
  // As a number: no arithmetic on a pointer to nothing.
  const uintptr_t first = reinterpret_cast<uintptr_t>(at);
  for (size_t i = 0; i < bytes; i += kLine) {
    __builtin_prefetch(reinterpret_cast<const void*>(first + i), 1);
  }
}

}  // namespace ecsdb
