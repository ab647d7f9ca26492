#include "ecsdb/base/hash.h"

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

}  // namespace ecsdb
