// Bit strings of the packed tier, low bit of each byte first, and the two codes that they consist
// of.
//
//   magnitude code of v with parameter k (W: 32 or 64, the width of the number):
//     q = v >> k below 3:   q zeros, a one, the k low bits of v
//     else e = floor(log2(v - 2^k)), u = e - k + 2:
//       u below 12:         u zeros, a one, the e low bits of v - 2^k
//       else:               12 zeros, the W bits of v
//   Rice codes up to the third quotient, Exp-Golomb codes of order k + 1 from there on: residuals
//   are nearly geometric, with a heavy tail.
//
//   runs of flags that are expected to be hits, N of them; j starts at a given number, k = j / 2:
//     a one:                the next 2^k flags are hits (as many as there are);  j + 1, 32 at most
//     a zero, k bits n:     n hits, then a miss;                                 j - 2, 0 at least
//   An adaptive run-length code as in JPEG-LS (ITU-T T.87), with other steps.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "ecsdb/base/bytes.h"

namespace ecsdb {

inline constexpr unsigned kZerosMax = 12;  // of a magnitude code, then the number itself follows
inline constexpr unsigned kRunStateMax = 32;
/// The most that one code takes: 12 zeros and 64 bits.
inline constexpr size_t kCodeBitsMax = 80;

/// Where a BitWriter writes. Hot loops work on a copy, which stays in registers.
class BitSink {
 public:
  /// `count` is at most 56; higher bits of `value` are zero.
  void put(uint64_t value, unsigned count) {
    pending_ |= value << fill_;
    fill_ += count;
    std::memcpy(at_, &pending_, sizeof(pending_));  // little-endian, see bits.cpp
    at_ += fill_ >> 3;
    pending_ >>= fill_ & 56;
    fill_ &= 7;
  }
  void flag(bool value) { put(value ? 1 : 0, 1); }
  /// Any count up to 64.
  void put_wide(uint64_t value, unsigned count) {
    if (count <= 32) return put(value, count);
    put(value & 0xffffffff, 32);
    put(value >> 32, count - 32);
  }
  /// S is uint32_t or uint64_t; k is below its width.
  template <class S>
  [[gnu::always_inline]] void magnitude(S value, unsigned k) {
    const S quotient = value >> k;
    if (sizeof(S) == 4 && quotient < 3) {
      const uint64_t low = value & ((S{1} << k) - 1);
      return put((uint64_t{1} | low << 1) << quotient, static_cast<unsigned>(quotient) + 1 + k);
    }
    long_magnitude(value, k);
  }

 private:
  friend class BitWriter;
  template <class S>
  void long_magnitude(S value, unsigned k);

  uint8_t* at_ = nullptr;
  uint64_t pending_ = 0;
  unsigned fill_ = 0;  // bits pending, below 8 between calls
};

/// Appends bits to a buffer of its own.
class BitWriter {
 public:
  void clear() {
    sink_ = BitSink();
    sink_.at_ = buffer_.data();
    room(0);
  }
  /// Makes room for `codes` more codes.
  void room(size_t codes) {
    const size_t used = static_cast<size_t>(sink_.at_ - buffer_.data());
    const size_t wanted = used + codes * (kCodeBitsMax / 8) + 16;
    if (wanted <= buffer_.size()) return;
    buffer_.resize(wanted + wanted / 2);
    sink_.at_ = buffer_.data() + used;
  }
  void put(uint64_t value, unsigned count) { sink_.put(value, count); }
  void flag(bool value) { sink_.flag(value); }
  void put_wide(uint64_t value, unsigned count) { sink_.put_wide(value, count); }
  template <class S>
  void magnitude(S value, unsigned k) {
    sink_.magnitude(value, k);
  }
  /// For a loop that writes up to so many codes; give the sink back to close().
  BitSink open(size_t codes) {
    room(codes);
    return sink_;
  }
  void close(const BitSink& sink) { sink_ = sink; }
  /// The bits so far, padded with zeros to whole bytes; valid until the next call.
  ByteSpan finish() { return ByteSpan(buffer_.data(), sink_.at_ + (sink_.fill_ > 0 ? 1 : 0)); }

 private:
  Bytes buffer_;
  BitSink sink_;
};

/// Reads what BitWriter wrote. Beyond the end are zeros; failure is seen by ok(), which a decoder
/// asks after each group. Does not own the bytes.
class BitReader {
 public:
  explicit BitReader(ByteSpan bytes) : data_(bytes.data()), size_(bytes.size()) {}

  /// The next 57 bits at least.
  uint64_t peek() const {
    const size_t byte = at_ >> 3;
    uint64_t word = 0;
    if (byte + 8 <= size_) {
      std::memcpy(&word, data_ + byte, 8);
    } else if (byte < size_) {
      std::memcpy(&word, data_ + byte, size_ - byte);
    }
    return word >> (at_ & 7);
  }
  void skip(unsigned count) { at_ += count; }
  uint64_t take(unsigned count) {  // at most 56
    const uint64_t value = peek() & ((uint64_t{1} << count) - 1);
    at_ += count;
    return value;
  }
  bool flag() { return take(1) != 0; }
  uint64_t take_wide(unsigned count) {
    if (count <= 32) return take(count);
    const uint64_t low = take(32);
    return low | take(count - 32) << 32;
  }
  template <class S>
  [[gnu::always_inline]] S magnitude(unsigned k) {
    const uint64_t window = peek();
    if (sizeof(S) == 4 && (window & 7) != 0) {
      const unsigned zeros = static_cast<unsigned>(__builtin_ctzll(window));
      at_ += zeros + 1 + k;
      const uint64_t low = window >> (zeros + 1) & ((uint64_t{1} << k) - 1);
      const uint64_t value = (uint64_t{zeros} << k) + low;
      beyond_ |= value >> 32;
      return static_cast<S>(value);
    }
    return long_magnitude<S>(window, k);
  }

  bool ok() const { return !failed_ && beyond_ == 0 && at_ <= size_ * 8; }
  void fail() { failed_ = true; }
  /// What is wrong where ok() is false.
  const char* problem() const { return at_ > size_ * 8 ? "cut short" : "a code beyond its bounds"; }
  size_t bits_left() const { return at_ <= size_ * 8 ? size_ * 8 - at_ : 0; }
  /// Where the next bit is, in whole bytes from the start; for errors.
  size_t byte() const { return at_ >> 3 < size_ ? at_ >> 3 : size_; }
  /// Skips to the next whole byte; false if a skipped bit is set.
  bool align() {
    const unsigned rest = static_cast<unsigned>(-at_ & 7);
    return take(rest) == 0;
  }

 private:
  template <class S>
  S long_magnitude(uint64_t window, unsigned k);

  const uint8_t* data_;
  size_t size_;
  size_t at_ = 0;        // in bits
  uint64_t beyond_ = 0;  // what numbers of 32 bits had above those
  bool failed_ = false;
};

/// Bits that the magnitude code takes.
template <class S>
unsigned magnitude_bits(S value, unsigned k) {
  const S quotient = value >> k;
  if (quotient < 3) return static_cast<unsigned>(quotient) + 1 + k;
  const unsigned e = 63 - static_cast<unsigned>(__builtin_clzll(value - (S{1} << k)));
  const unsigned zeros = e - k + 2;
  return zeros < kZerosMax ? zeros + 1 + e : kZerosMax + 8 * sizeof(S);
}

/// Gathers runs of hits between misses; encode() writes them.
class RunEncoder {
 public:
  void clear() {
    runs_.clear();
    run_ = 0;
  }
  void hits(uint32_t count) { run_ += count; }
  void miss() {
    runs_.push_back(run_);
    run_ = 0;
  }
  void flag(bool is_hit) {
    if (is_hit) {
      ++run_;
    } else {
      miss();
    }
  }
  void encode(unsigned state, BitWriter& out) const;

 private:
  std::vector<uint32_t> runs_;  // each ended by a miss
  uint32_t run_ = 0;            // after the last miss
};

/// Reads N flags: `for (size_t at; (at = runs.next_miss(in)) < N;)`.
class RunDecoder {
 public:
  RunDecoder(unsigned state, size_t flags) : state_(state), flags_(flags) {}
  /// Place of the next miss, or the number of flags when there is none. Fails the reader where a
  /// run goes beyond the flags.
  size_t next_miss(BitReader& in) {
    while (at_ < flags_) {
      const unsigned k = state_ / 2;
      const uint64_t window = in.peek();
      if ((window & 1) != 0) {
        in.skip(1);
        at_ += size_t{1} << k;
        state_ = state_ < kRunStateMax ? state_ + 1 : state_;
        continue;
      }
      in.skip(1 + k);
      const size_t miss = at_ + static_cast<size_t>(window >> 1 & ((uint64_t{1} << k) - 1));
      state_ = state_ > 2 ? state_ - 2 : 0;
      at_ = miss + 1;
      if (miss < flags_) return miss;
      in.fail();
    }
    return flags_;
  }

 private:
  unsigned state_;
  size_t flags_;
  size_t at_ = 0;
};

}  // namespace ecsdb
