#include "ecsdb/base/bytes.h"

namespace ecsdb {

uint64_t ByteReader::varint_slow() {
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
