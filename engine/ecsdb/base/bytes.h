// Byte strings in and out: a growing writer and a reader that cannot overrun.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "ecsdb/base/check.h"

namespace ecsdb {

using Bytes = std::vector<uint8_t>;
using ByteSpan = std::span<const uint8_t>;

inline ByteSpan as_bytes(std::string_view text) {
  return ByteSpan(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}
inline std::string_view as_text(ByteSpan bytes) {
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

/// Maps signed to unsigned so that small magnitudes stay small: 0, -1, 1, -2 -> 0, 1, 2, 3.
constexpr uint64_t zigzag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
constexpr int64_t unzigzag(uint64_t v) { return static_cast<int64_t>((v >> 1) ^ (0 - (v & 1))); }
/// Bytes of the varint of `v`: 1 to 10.
constexpr size_t varint_size(uint64_t v) {
  return v == 0 ? 1 : (70 - static_cast<size_t>(__builtin_clzll(v))) / 7;
}

/// Appends little-endian integers, varints (LEB128, 7 bits a byte, low bits first) and byte strings
/// to a vector it does not own. The vector outlives the writer.
class ByteWriter {
 public:
  explicit ByteWriter(Bytes& out) : out_(out) {}

  void u8(uint8_t v) { out_.push_back(v); }
  void u16(uint16_t v) { fixed(v); }
  void u32(uint32_t v) { fixed(v); }
  void u64(uint64_t v) { fixed(v); }
  void varint(uint64_t v) {
    while (v >= 0x80) {
      out_.push_back(static_cast<uint8_t>(v | 0x80));
      v >>= 7;
    }
    out_.push_back(static_cast<uint8_t>(v));
  }
  void bytes(ByteSpan v) { out_.insert(out_.end(), v.begin(), v.end()); }
  size_t size() const { return out_.size(); }
  Bytes& target() { return out_; }

 private:
  template <class T>
  void fixed(T v) {
    uint8_t raw[sizeof(T)];
    for (size_t i = 0; i < sizeof(T); ++i) {
      raw[i] = static_cast<uint8_t>(static_cast<uint64_t>(v) >> (8 * i));
    }
    out_.insert(out_.end(), raw, raw + sizeof(T));
  }
  Bytes& out_;
};

/// Writes the same to memory that is known to be large enough, several times as fast. Does not own
/// it.
class FixedWriter {
 public:
  explicit FixedWriter(uint8_t* at) : at_(at) {}

  void u8(uint8_t v) { *at_++ = v; }
  void u16(uint16_t v) { fixed(v); }
  void u32(uint32_t v) { fixed(v); }
  void u64(uint64_t v) { fixed(v); }
  void varint(uint64_t v) {
    for (; v >= 0x80; v >>= 7) *at_++ = static_cast<uint8_t>(v | 0x80);
    *at_++ = static_cast<uint8_t>(v);
  }
  void bytes(ByteSpan v) {
    if (!v.empty()) std::memcpy(at_, v.data(), v.size());
    at_ += v.size();
  }
  /// Where the next byte goes.
  uint8_t* at() const { return at_; }

 private:
  template <class T>
  void fixed(T v) {
    for (size_t i = 0; i < sizeof(T); ++i) {
      *at_++ = static_cast<uint8_t>(static_cast<uint64_t>(v) >> (8 * i));
    }
  }
  uint8_t* at_;
};

/// Reads what ByteWriter wrote. Failure is sticky: after it every read gives zero or an empty span
/// and ok() is false, so a decoder checks once at the end and whenever a count steers a loop.
/// Varints must be minimal. Does not own the bytes.
class ByteReader {
 public:
  explicit ByteReader(ByteSpan bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  uint8_t u8() { return static_cast<uint8_t>(fixed<uint8_t>()); }
  uint16_t u16() { return fixed<uint16_t>(); }
  uint32_t u32() { return fixed<uint32_t>(); }
  uint64_t u64() { return fixed<uint64_t>(); }
  uint64_t varint() {
    if (at_ != end_ && *at_ < 0x80) return *at_++;
    if (left() >= 2 && at_[1] - 1u < 0x7f) {  // 1 to 127: two bytes, minimal
      at_ += 2;
      return (at_[-2] & 0x7fu) | uint64_t{at_[-1]} << 7;
    }
    return varint_slow();
  }
  /// The next eight varints if all of them are of one byte: the bytes, the first one lowest. Else
  /// false, and nothing is read.
  bool eight_short_varints(uint64_t& out) {
    if (left() < 8) return false;
    uint64_t eight = 0;
    std::memcpy(&eight, at_, 8);  // little-endian, see bytes.cpp
    if ((eight & 0x8080808080808080) != 0) return false;
    at_ += 8;
    out = eight;
    return true;
  }
  /// A varint that must not exceed `limit`.
  uint64_t varint_up_to(uint64_t limit) {
    const uint64_t v = varint();
    if (v <= limit) return v;
    fail();
    return 0;
  }
  ByteSpan bytes(size_t n) {
    if (n > left()) {
      fail();
      return {};
    }
    const ByteSpan out(at_, n);
    at_ += n;
    return out;
  }
  size_t left() const { return static_cast<size_t>(end_ - at_); }
  bool ok() const { return ok_; }
  /// True when everything was read and nothing failed: what a decoder must end with.
  bool exhausted() const { return ok_ && at_ == end_; }
  void fail() {
    ok_ = false;
    at_ = end_;
  }

 private:
  template <class T>
  T fixed() {
    if (left() < sizeof(T)) {
      fail();
      return 0;
    }
    uint64_t v = 0;
    for (size_t i = 0; i < sizeof(T); ++i) v |= static_cast<uint64_t>(at_[i]) << (8 * i);
    at_ += sizeof(T);
    return static_cast<T>(v);
  }
  uint64_t varint_slow();

  const uint8_t* at_;
  const uint8_t* end_;
  bool ok_ = true;
};

}  // namespace ecsdb
