#include "ecsdb/base/bytes.h"

#include <bit>
#include <cstring>

namespace ecsdb {
namespace {

static_assert(std::endian::native == std::endian::little, "varints are loaded as words");

/// Seven bits of each byte, next to each other.
uint64_t without_high_bits(uint64_t v) {
  v = (v & 0x007f007f007f007fu) | (v & 0x7f007f007f007f00u) >> 1;
  v = (v & 0x00003fff00003fffu) | (v & 0x3fff00003fff0000u) >> 2;
  return (v & 0x0fffffffu) | (v & 0x0fffffff00000000u) >> 4;
}

}  // namespace

uint64_t ByteReader::varint_slow() {
  if (left() >= sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, at_, sizeof(word));
    const uint64_t ends = ~word & 0x8080808080808080u;  // the bytes without a high bit
    if (ends != 0) {
      const unsigned bytes = (static_cast<unsigned>(__builtin_ctzll(ends)) + 1) / 8;
      const uint64_t v = without_high_bits(word & ~uint64_t{0} >> (64 - 8 * bytes));
      at_ += bytes;
      if (bytes == 1 || v >> (7 * (bytes - 1)) != 0) return v;
      fail();  // not minimal
      return 0;
    }
  }
  uint64_t v = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (at_ == end_) break;
    const uint8_t byte = *at_++;
    if (shift == 63 && byte > 1) break;  // more than 64 bits
    v |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      if (byte == 0 && shift > 0) break;  // not minimal
      return v;
    }
  }
  fail();
  return 0;
}

}  // namespace ecsdb
