// What a sans-I/O machine offers to its driver for one link.
#pragma once

#include <span>

#include "ecsdb/base/bytes.h"
#include "ecsdb/wire/limits.h"

namespace ecsdb {

/// Gathered bytes to send, valid until the next call for that link; the link may accept any prefix
/// (report it with on_sent, then ask again). `close`: once everything was accepted, close the link
/// and report on_closed; with no parts: close it now.
struct StreamOutput {
  std::span<const ByteSpan> parts;
  bool close = false;

  size_t bytes() const {
    size_t sum = 0;
    for (const ByteSpan& part : parts) sum += part.size();
    return sum;
  }
};

}  // namespace ecsdb
