// Memory of scratch vectors that are filled anew again and again.
#pragma once

#include <bit>
#include <cstddef>
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

}  // namespace ecsdb
