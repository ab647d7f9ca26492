// Hexadecimal text.
#pragma once

#include <cstdint>
#include <string>

#include "ecsdb/base/bytes.h"

namespace ecsdb::protocol {

/// The lowest `digits` digits, highest first.
inline std::string hex_number(uint64_t value, unsigned digits) {
  std::string out;
  for (unsigned i = digits; i > 0; --i) out += "0123456789abcdef"[value >> (4 * (i - 1)) & 15];
  return out;
}

/// "01 fe ..."
inline std::string hex_bytes(ByteSpan bytes) {
  std::string out;
  for (const uint8_t byte : bytes) out += (out.empty() ? "" : " ") + hex_number(byte, 2);
  return out;
}

}  // namespace ecsdb::protocol
