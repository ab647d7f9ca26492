// Checksums and hashes. None of them is a MAC: they find faults, not attackers.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ecsdb {

/// Finaliser of splitmix64: a bijection with good avalanche.
constexpr uint64_t mix64(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// CRC-32C (Castagnoli), reflected, initial and final complement: crc32c("123456789") = 0xe3069283.
/// `seed` is an earlier result, to continue it. Uses the processor's instruction where there is
/// one; the result is the same.
uint32_t crc32c(std::span<const uint8_t> bytes, uint32_t seed = 0);

struct Hash128 {
  uint64_t high = 0;
  uint64_t low = 0;

  constexpr auto operator<=>(const Hash128&) const = default;
};

/// 128-bit hash of a byte string, stable for ever (schema fingerprints). Endian-independent.
Hash128 hash128(std::span<const uint8_t> bytes);

/// Running 64-bit hash of what happened (simulator traces, state comparisons).
class RunningHash {
 public:
  void add(uint64_t word) { state_ = mix64(state_ ^ word) + 0x9e3779b97f4a7c15u; }
  void add_bytes(std::span<const uint8_t> bytes);
  uint64_t value() const { return mix64(state_); }

 private:
  uint64_t state_ = 0x243f6a8885a308d3u;
};

/// Order-independent sum of row hashes: four 32-bit lanes, added modulo 2^32 each, so that browsers
/// can keep it with 32-bit arithmetic. Addition, not XOR: a duplicated row does not cancel.
struct Digest {
  uint32_t lane[4] = {0, 0, 0, 0};

  constexpr auto operator<=>(const Digest&) const = default;
  constexpr Digest& operator+=(const Digest& o) {
    for (int i = 0; i < 4; ++i) lane[i] += o.lane[i];
    return *this;
  }
  constexpr Digest& operator-=(const Digest& o) {
    for (int i = 0; i < 4; ++i) lane[i] -= o.lane[i];
    return *this;
  }
};

/// Hash of one row, word by word (structure after MurmurHash3_x86_128, public domain, reduced to
/// one word a step). Feed it: table id, entity low word, entity high word, then for each replicated
/// field in order of field id: the field id, then its canonical words (see schema/canonical.h).
class RowHasher {
 public:
  void add(uint32_t word) {
    for (int i = 0; i < 4; ++i) {
      const uint32_t k = word * kMultiply[i];
      const uint32_t x = state_.lane[i] ^ (k ^ (k >> 15));
      state_.lane[i] = ((x << 13) | (x >> 19)) * 5 + kAdd[i];
    }
  }
  void add64(uint64_t word) {
    add(static_cast<uint32_t>(word));
    add(static_cast<uint32_t>(word >> 32));
  }
  /// Bytes in groups of four, little-endian, the last one zero-padded; the length goes first.
  void add_bytes(std::span<const uint8_t> bytes);
  Digest finish() const {
    Digest out;
    for (int i = 0; i < 4; ++i) {
      uint32_t x = state_.lane[i];
      x = (x ^ (x >> 16)) * 0x85ebca6bu;
      x = (x ^ (x >> 13)) * 0xc2b2ae35u;
      out.lane[i] = x ^ (x >> 16);
    }
    return out;
  }

 private:
  static constexpr uint32_t kMultiply[4] = {0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93};
  static constexpr uint32_t kAdd[4] = {0x561ccd1b, 0x0bcaa747, 0x96cd1c35, 0x32ac3b17};
  Digest state_{{0x9e3779b9, 0x7f4a7c15, 0xf39cc060, 0x5cedc834}};
};

}  // namespace ecsdb
