// Checksums and hashes. None of them is a MAC: they find faults, not attackers.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

#include "ecsdb/base/ids.h"

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

/// Hash of one row, part of the protocol. All arithmetic is modulo 2^32, >> shifts in zeros.
///
///   step(x, m) = x ^= x >> 16, x *= m, x ^= x >> 15
///   mix(x)     = x = step(x, 0x7feb352d), x *= 0x846ca68b, x ^= x >> 16
///
/// A row is a set of words, each with a place. Places 0 and 1 hold the low and the high half of the
/// entity id, places 8f, 8f + 1, ... what replicated field f holds:
/// - its lanes in order (see schema/canonical.h): one word each, signed ones sign-extended, two for
///   a lane of eight bytes, the low half first; or
/// - for a text four words t[0..3], which start at 0. They take in the length in bytes, then the
///   bytes in groups of four, little-endian, the last one zero-padded. A word w is taken in by
///   t[j] = step(t[j] ^ w, 0x7feb352d) * T[j]
///   with T = {0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93}.
///
/// A place has five constants, k = 0..4, the same for all rows of a table:
///   c(place, k) = mix(mix(table id) + 0x9e3779b9 * (5 * place + k))
/// Lane j = 0..3 of the hash is mix(S[j]), where S[j] is the sum over the row's words w of
///   step(w + c(place, 4), 0x7feb352d) * (c(place, j) | 1)
///
/// Constants depend on the schema alone, and the products of a row do not wait for each other. The
/// step in front keeps high bits from cancelling, which a sum of products alone allows; the mix
/// behind keeps sums over rows from cancelling. mix is lowbias32 of Chris Wellons' hash-prospector,
/// the sum is multilinear hashing (Carter and Wegman) with fixed multipliers, T are those of
/// MurmurHash3_x86_128. hash_test.cpp has a worked example.
class RowHasher {
 public:
  /// Constants of one place.
  struct Place {
    uint32_t add;
    std::array<uint32_t, 4> multiply;
  };
  static constexpr uint32_t kWordsPerFieldMax = 8;
  /// `position` < kWordsPerFieldMax.
  static constexpr Place place(TableId table, FieldId field, uint32_t position) {
    return place_at(table, field.value * kWordsPerFieldMax + position);
  }
  static constexpr Place entity_place(TableId table, bool is_high) {
    return place_at(table, is_high ? 1 : 0);
  }
  static std::array<uint32_t, 4> text_words(std::span<const uint8_t> bytes);

  void add(const Place& place, uint32_t word) {
    const uint32_t stepped = step(word + place.add, kStep);
    for (size_t j = 0; j < 4; ++j) sum_.lane[j] += stepped * place.multiply[j];
  }
  Digest finish() const {
    Digest out;
    for (int j = 0; j < 4; ++j) out.lane[j] = mix(sum_.lane[j]);
    return out;
  }

 private:
  static constexpr uint32_t kStep = 0x7feb352d;
  static constexpr uint32_t kMix = 0x846ca68b;
  static constexpr uint32_t step(uint32_t x, uint32_t multiplier) {
    x = (x ^ (x >> 16)) * multiplier;
    return x ^ (x >> 15);
  }
  static constexpr uint32_t mix(uint32_t x) {
    x = step(x, kStep) * kMix;
    return x ^ (x >> 16);
  }
  static constexpr Place place_at(TableId table, uint32_t place) {
    auto constant = [&](uint32_t k) {
      return mix(mix(table.value) + 0x9e3779b9u * (5 * place + k));
    };
    return Place{constant(4), {constant(0) | 1, constant(1) | 1, constant(2) | 1, constant(3) | 1}};
  }

  Digest sum_;
  friend class RowHashBatch;
};

/// The hashes of up to kRows rows of one table at once, the words of one place after the other.
/// Uses the processor's wide registers where there are any; the result is the same.
class RowHashBatch {
 public:
  static constexpr size_t kRows = 64;

  explicit RowHashBatch(size_t rows);

  /// The first `rows` are the rows' words at this place; the others do not matter.
  void add(const RowHasher::Place& place, std::array<uint32_t, kRows>& words);
  /// Call it once, after the last add().
  void finish();
  Digest hash(size_t row) const {
    return Digest{{sums_[0][row], sums_[1][row], sums_[2][row], sums_[3][row]}};
  }
  /// Of all rows.
  const Digest& total() const { return total_; }

 private:
  using Sums = std::array<std::array<uint32_t, kRows>, 4>;
  static constexpr size_t kStride = 8;  // rows in a wide register; kRows is a multiple of it

  static void add_any(Sums& sums, const RowHasher::Place& place, const uint32_t* words,
                      size_t rows);
  static void finish_any(Sums& sums, size_t rows, Digest& total);
  static void add_avx2(Sums& sums, const RowHasher::Place& place, const uint32_t* words,
                       size_t rows);
  static void finish_avx2(Sums& sums, size_t rows, Digest& total);

  size_t rows_;
  size_t rows_padded_;
  Sums sums_;
  Digest total_;
};

}  // namespace ecsdb
