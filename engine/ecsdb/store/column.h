// One lane of a table: fixed-width integers, one a row.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "ecsdb/base/check.h"
#include "ecsdb/schema/schema.h"

namespace ecsdb {

/// Values are 64 bits wide at the interface (sign-extended for signed lanes) and `width` bytes in
/// memory, native byte order. The row must be in range; row loops check that once per batch.
class Column {
 public:
  explicit Column(const Lane& lane)
      : width_(lane.width), is_signed_(lane.kind == LaneKind::kSigned) {}

  uint64_t get(uint32_t row) const {
    const uint8_t* at = data_.data() + size_t{row} * width_;
    switch (width_) {
      case 1:
        return is_signed_ ? extend<int8_t>(at) : load<uint8_t>(at);
      case 2:
        return is_signed_ ? extend<int16_t>(at) : load<uint16_t>(at);
      case 4:
        return is_signed_ ? extend<int32_t>(at) : load<uint32_t>(at);
      default:
        return load<uint64_t>(at);
    }
  }
  void set(uint32_t row, uint64_t value) {
    uint8_t* at = data_.data() + size_t{row} * width_;
    switch (width_) {
      case 1:
        return store<uint8_t>(at, value);
      case 2:
        return store<uint16_t>(at, value);
      case 4:
        return store<uint32_t>(at, value);
      default:
        return store<uint64_t>(at, value);
    }
  }
  /// Sets the value; false if the row has it already. `old` is what was there, its low bits only.
  bool replace(uint32_t row, uint64_t value, uint64_t& old) {
    uint8_t* at = data_.data() + size_t{row} * width_;
    switch (width_) {
      case 1:
        return exchange<uint8_t>(at, value, old);
      case 2:
        return exchange<uint16_t>(at, value, old);
      case 4:
        return exchange<uint32_t>(at, value, old);
      default:
        return exchange<uint64_t>(at, value, old);
    }
  }
  /// Takes over some rows of a column of the same lane.
  void copy(const Column& from, std::span<const uint32_t> rows) {
    ECSDB_CHECK(from.width_ == width_);
    switch (width_) {
      case 1:
        return copy_rows<uint8_t>(from, rows);
      case 2:
        return copy_rows<uint16_t>(from, rows);
      case 4:
        return copy_rows<uint32_t>(from, rows);
      default:
        return copy_rows<uint64_t>(from, rows);
    }
  }
  void prefetch(uint32_t row) const { __builtin_prefetch(data_.data() + size_t{row} * width_, 1); }
  void push(uint64_t value) {
    data_.resize(data_.size() + width_);
    set(rows() - 1, value);
  }
  /// Moves the last row into `row` and drops the last.
  void swap_erase(uint32_t row) {
    const uint32_t last = rows() - 1;
    if (row != last) {
      std::memcpy(&data_[size_t{row} * width_], &data_[size_t{last} * width_], width_);
    }
    data_.resize(data_.size() - width_);
  }
  uint32_t rows() const { return static_cast<uint32_t>(data_.size() / width_); }
  uint8_t width() const { return width_; }
  /// Calls `call` with the values as an array of their own type: `const int16_t*` and so on, floats
  /// as unsigned integers.
  template <class Call>
  decltype(auto) visit(Call&& call) const {
    const uint8_t* data = data_.data();
    switch (width_) {
      case 1:
        return is_signed_ ? call(reinterpret_cast<const int8_t*>(data)) : call(data);
      case 2:
        return is_signed_ ? call(reinterpret_cast<const int16_t*>(data))
                          : call(reinterpret_cast<const uint16_t*>(data));
      case 4:
        return is_signed_ ? call(reinterpret_cast<const int32_t*>(data))
                          : call(reinterpret_cast<const uint32_t*>(data));
      default:
        return call(reinterpret_cast<const uint64_t*>(data));
    }
  }
  /// The same with arrays that may be written: `int16_t*` and so on.
  template <class Call>
  decltype(auto) visit(Call&& call) {
    return std::as_const(*this).visit(
        [&]<class T>(const T* values) -> decltype(auto) { return call(const_cast<T*>(values)); });
  }
  /// The lane as an array of its own type; sizeof(T) must be the width.
  template <class T>
  std::span<const T> as() const {
    ECSDB_CHECK(sizeof(T) == width_);
    return std::span<const T>(reinterpret_cast<const T*>(data_.data()), rows());
  }

 private:
  template <class T>
  static uint64_t load(const uint8_t* at) {
    T v;
    std::memcpy(&v, at, sizeof(T));
    return v;
  }
  template <class T>
  static uint64_t extend(const uint8_t* at) {
    T v;
    std::memcpy(&v, at, sizeof(T));
    return static_cast<uint64_t>(static_cast<int64_t>(v));
  }
  template <class T>
  static void store(uint8_t* at, uint64_t value) {
    const T v = static_cast<T>(value);
    std::memcpy(at, &v, sizeof(T));
  }

  template <class T>
  static bool exchange(uint8_t* at, uint64_t value, uint64_t& old) {
    const uint64_t was = load<T>(at);
    const uint64_t now = static_cast<T>(value);
    if (was == now) return false;
    store<T>(at, now);
    old = was;
    return true;
  }
  template <class T>
  void copy_rows(const Column& from, std::span<const uint32_t> rows) {
    uint8_t* to_data = data_.data();
    const uint8_t* from_data = from.data_.data();
    for (const uint32_t row : rows) {
      std::memcpy(to_data + size_t{row} * sizeof(T), from_data + size_t{row} * sizeof(T),
                  sizeof(T));
    }
  }

  uint8_t width_;
  bool is_signed_;
  std::vector<uint8_t> data_;
};

}  // namespace ecsdb
