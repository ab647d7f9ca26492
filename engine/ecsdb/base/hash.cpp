#include "ecsdb/base/hash.h"

#include <algorithm>
#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace ecsdb {
namespace {

constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = (c & 1) ? (c >> 1) ^ 0x82f63b78u : c >> 1;
    table[i] = c;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = make_crc_table();

uint32_t crc_portable(std::span<const uint8_t> bytes, uint32_t c) {
  for (const uint8_t b : bytes) c = kCrcTable[(c ^ b) & 0xff] ^ (c >> 8);
  return c;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t crc_hardware(std::span<const uint8_t> bytes,
                                                        uint32_t c) {
  const uint8_t* p = bytes.data();
  size_t n = bytes.size();
  uint64_t wide = c;
  for (; n >= 8; n -= 8, p += 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  c = static_cast<uint32_t>(wide);
  if (n >= 4) {
    uint32_t word;
    std::memcpy(&word, p, 4);
    c = _mm_crc32_u32(c, word);
    n -= 4;
    p += 4;
  }
  for (; n > 0; --n, ++p) c = _mm_crc32_u8(c, *p);
  return c;
}
#endif

uint64_t load_word(const uint8_t* p, size_t n) {
  uint64_t word = 0;
  for (size_t i = 0; i < n; ++i) word |= static_cast<uint64_t>(p[i]) << (8 * i);
  return word;
}

}  // namespace

uint32_t crc32c(std::span<const uint8_t> bytes, uint32_t seed) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2");
  if (has_instruction) return ~crc_hardware(bytes, ~seed);
#endif
  return ~crc_portable(bytes, ~seed);
}

Hash128 hash128(std::span<const uint8_t> bytes) {
  uint64_t a = 0x243f6a8885a308d3u ^ bytes.size();
  uint64_t b = 0x13198a2e03707344u;
  const uint8_t* p = bytes.data();
  for (size_t left = bytes.size(); left > 0;) {
    const size_t n = left < 8 ? left : 8;
    const uint64_t word = load_word(p, n);
    a = mix64(a ^ word) + b;
    b = mix64(b + word) ^ (a << 1);
    p += n;
    left -= n;
  }
  return Hash128{mix64(a ^ (b >> 7)), mix64(b + a)};
}

void RunningHash::add_bytes(std::span<const uint8_t> bytes) {
  add(bytes.size());
  const uint8_t* p = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; left -= 8, p += 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    if constexpr (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) word = __builtin_bswap64(word);
    add(word);
  }
  if (left > 0) add(load_word(p, left));
}

std::array<uint32_t, 4> RowHasher::text_words(std::span<const uint8_t> bytes) {
  constexpr uint32_t kMultiply[4] = {0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93};
  std::array<uint32_t, 4> words{};
  auto take_in = [&](uint32_t word) {
    for (size_t j = 0; j < 4; ++j) words[j] = step(words[j] ^ word, kStep) * kMultiply[j];
  };
  take_in(static_cast<uint32_t>(bytes.size()));
  for (size_t at = 0; at < bytes.size(); at += 4) {
    const size_t n = bytes.size() - at < 4 ? bytes.size() - at : 4;
    take_in(static_cast<uint32_t>(load_word(bytes.data() + at, n)));
  }
  return words;
}

RowHashBatch::RowHashBatch(size_t rows)
    : rows_(rows), rows_padded_((rows + kStride - 1) / kStride * kStride) {
  ECSDB_CHECK(rows <= kRows);
  for (auto& sum : sums_) std::fill_n(sum.begin(), rows_padded_, 0);
}

// Written for registers of eight words; where the processor has none, the compiler splits them.
namespace {

using Wide = uint32_t __attribute__((vector_size(32)));

inline __attribute__((always_inline)) void load(Wide& out, const uint32_t* from) {
  std::memcpy(&out, from, sizeof(Wide));
}
inline __attribute__((always_inline)) void store(uint32_t* to, const Wide& from) {
  std::memcpy(to, &from, sizeof(Wide));
}
inline __attribute__((always_inline)) void add_product(uint32_t* sums, const Wide& x,
                                                       const Wide& multiply) {
  Wide sum;
  load(sum, sums);
  sum += x * multiply;
  store(sums, sum);
}

}  // namespace

inline __attribute__((always_inline)) void RowHashBatch::add_any(Sums& sums,
                                                                 const RowHasher::Place& place,
                                                                 const uint32_t* words,
                                                                 size_t rows) {
  const Wide add = Wide{} + place.add;
  const Wide multiply0 = Wide{} + place.multiply[0];
  const Wide multiply1 = Wide{} + place.multiply[1];
  const Wide multiply2 = Wide{} + place.multiply[2];
  const Wide multiply3 = Wide{} + place.multiply[3];
  for (size_t at = 0; at < rows; at += kStride) {
    Wide x;
    load(x, words + at);
    x += add;
    x ^= x >> 16;
    x *= RowHasher::kStep;
    x ^= x >> 15;
    add_product(&sums[0][at], x, multiply0);
    add_product(&sums[1][at], x, multiply1);
    add_product(&sums[2][at], x, multiply2);
    add_product(&sums[3][at], x, multiply3);
  }
}

inline __attribute__((always_inline)) void RowHashBatch::finish_any(Sums& sums, size_t rows,
                                                                    Digest& total) {
  for (size_t j = 0; j < sums.size(); ++j) {
    Wide totals{};
    for (size_t at = 0; at < rows; at += kStride) {
      Wide x;
      load(x, &sums[j][at]);
      x ^= x >> 16;
      x *= RowHasher::kStep;
      x ^= x >> 15;
      x *= RowHasher::kMix;
      x ^= x >> 16;
      store(&sums[j][at], x);
      totals += x;
    }
    for (size_t i = 0; i < kStride; ++i) total.lane[j] += totals[i];
  }
}

#if defined(__x86_64__)
namespace {
bool has_avx2() {
  static const bool has_it = __builtin_cpu_supports("avx2");
  return has_it;
}
}  // namespace

__attribute__((target("avx2"))) void RowHashBatch::add_avx2(Sums& sums,
                                                            const RowHasher::Place& place,
                                                            const uint32_t* words, size_t rows) {
  add_any(sums, place, words, rows);
}
__attribute__((target("avx2"))) void RowHashBatch::finish_avx2(Sums& sums, size_t rows,
                                                               Digest& total) {
  finish_any(sums, rows, total);
}
#endif

void RowHashBatch::add(const RowHasher::Place& place, std::array<uint32_t, kRows>& words) {
  for (size_t i = rows_; i < rows_padded_; ++i) words[i] = 0;
#if defined(__x86_64__)
  if (has_avx2()) return add_avx2(sums_, place, words.data(), rows_padded_);
#endif
  add_any(sums_, place, words.data(), rows_padded_);
}

void RowHashBatch::finish() {
  // mix(0) is 0, so that what fills up the last registers does not count.
  for (auto& sum : sums_) std::fill(sum.begin() + rows_, sum.begin() + rows_padded_, 0);
#if defined(__x86_64__)
  if (has_avx2()) return finish_avx2(sums_, rows_padded_, total_);
#endif
  finish_any(sums_, rows_padded_, total_);
}

}  // namespace ecsdb
