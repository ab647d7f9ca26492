// Inputs that are lists of records: what is put into one record, or taken out of it, leaves the
// others as they are. script_mutator.cpp changes them record by record.
//
//   record: tag u8 | length u16, low byte first | so many bytes, or what is left
#pragma once

#include <vector>

#include "ecsdb/base/ids.h"

#include "fuzz_input.h"

namespace ecsdb::fuzz {

inline constexpr size_t kRecordBytesMax = 0xffff;

struct Record {
  uint8_t tag = 0;
  Bytes bytes;
};
using Script = std::vector<Record>;

/// Every input is some script.
inline Script parse_script(ByteSpan bytes) {
  Script out;
  Input in(bytes);
  while (!in.empty()) {
    Record& record = out.emplace_back();
    record.tag = in.u8();
    const ByteSpan content = in.take(in.u16());
    record.bytes.assign(content.begin(), content.end());
  }
  return out;
}

/// The reverse. Records have kRecordBytesMax bytes at most.
inline Bytes write_script(const Script& script) {
  Bytes out;
  ByteWriter writer(out);
  for (const Record& record : script) {
    writer.u8(record.tag);
    writer.u16(checked_cast<uint16_t>(record.bytes.size()));
    writer.bytes(record.bytes);
  }
  return out;
}

}  // namespace ecsdb::fuzz
