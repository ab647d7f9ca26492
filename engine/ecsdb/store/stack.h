// A stack of plain values for the hottest paths.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

namespace ecsdb {

/// What std::vector does, but a push is a few instructions and never inlines the way to grow. Keeps
/// its memory when it is cleared.
template <class T>
class Stack {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t capacity() const { return capacity_; }
  const T* data() const { return values_.data(); }
  T& operator[](size_t at) { return values_[at]; }
  const T& operator[](size_t at) const { return values_[at]; }
  const T& top() const { return values_[size_ - 1]; }
  std::span<const T> all() const { return std::span<const T>(values_).first(size_); }

  void push(const T& value) {
    make_room();
    push_into_room(value);
  }
  bool has_room() const { return size_ < capacity_; }
  /// For one more.
  void make_room() {
    if (!has_room()) grow(1);
  }
  void push_into_room(const T& value) { values_[size_++] = value; }
  void push_all(std::span<const T> values) {
    if (capacity_ - size_ < values.size()) grow(values.size());
    std::copy(values.begin(), values.end(), values_.begin() + static_cast<ptrdiff_t>(size_));
    size_ += values.size();
  }
  /// Drops the newest until `count` are left.
  void cut(size_t count) { size_ = std::min(size_, count); }
  void clear() { size_ = 0; }
  /// Takes memory for this many, or gives back what is more; at least for those that are there.
  void set_capacity(size_t capacity) {
    capacity_ = std::max(size_, capacity);
    const bool gives_back = capacity_ < values_.size();
    values_.resize(capacity_);
    if (gives_back) values_.shrink_to_fit();
  }

 private:
  __attribute__((noinline)) void grow(size_t more) {
    set_capacity(std::max({size_t{16}, 2 * size_, size_ + more}));
  }

  std::vector<T> values_;  // those behind size_ are not in use
  size_t size_ = 0;
  size_t capacity_ = 0;  // size of values_, without a division
};

}  // namespace ecsdb
