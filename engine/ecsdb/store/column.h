// One lane of a table: fixed-width integers, one a row.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "ecsdb/base/check.h"
#include "ecsdb/schema/schema.h"

namespace ecsdb {

/// A lane's low bits as the 64-bit value that stands for them everywhere.
inline uint64_t sign_extended(const Lane& lane, uint64_t low_bits) {
  if (lane.kind != LaneKind::kSigned || lane.width == 8) return low_bits;
  const unsigned unused = 64 - 8 * lane.width;
  return static_cast<uint64_t>(static_cast<int64_t>(low_bits << unused) >> unused);
}

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
  /// as unsigned integers. Returns what it returns. Always inlined: what a short loop refers to
  /// stays in registers; longer ones say __attribute__((always_inline)) themselves.
  template <class Call>
  [[gnu::always_inline]] auto visit(Call&& call) const {
    return visit_as<const int8_t, const int16_t, const int32_t, const uint8_t, const uint16_t,
                    const uint32_t, const uint64_t>(data_.data(), call);
  }
  /// The same, to change them.
  template <class Call>
  [[gnu::always_inline]] auto visit(Call&& call) {
    return visit_as<int8_t, int16_t, int32_t, uint8_t, uint16_t, uint32_t, uint64_t>(data_.data(),
                                                                                     call);
  }
  /// The lane as an array of its own type; sizeof(T) must be the width.
  template <class T>
  std::span<const T> as() const {
    ECSDB_CHECK(sizeof(T) == width_);
    return std::span<const T>(reinterpret_cast<const T*>(data_.data()), rows());
  }

 private:
  template <class I8, class I16, class I32, class U8, class U16, class U32, class U64, class Call>
  [[gnu::always_inline]] auto visit_as(U8* data, Call& call) const {
    switch (width_) {
      case 1:
        return is_signed_ ? call(reinterpret_cast<I8*>(data)) : call(data);
      case 2:
        return is_signed_ ? call(reinterpret_cast<I16*>(data)) : call(reinterpret_cast<U16*>(data));
      case 4:
        return is_signed_ ? call(reinterpret_cast<I32*>(data)) : call(reinterpret_cast<U32*>(data));
      default:
        return call(reinterpret_cast<U64*>(data));
    }
  }
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
  uint8_t width_;
  bool is_signed_;
  std::vector<uint8_t> data_;
};

}  // namespace ecsdb
