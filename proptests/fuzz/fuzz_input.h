// How fuzz targets read their inputs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "ecsdb/base/bytes.h"

/// What a target is to libFuzzer. `data` may be null where `size` is 0.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace ecsdb::fuzz {

/// Takes choices from the front of an input; zeros once it is used up, so that every input means
/// something. Does not own the bytes.
class Input {
 public:
  explicit Input(ByteSpan bytes) : left_(bytes) {}
  Input(const uint8_t* data, size_t size) : left_(data, size) {}

  bool empty() const { return left_.empty(); }
  uint8_t u8() { return static_cast<uint8_t>(number(1)); }
  uint16_t u16() { return static_cast<uint16_t>(number(2)); }
  /// In [0, bound); bound is at most 256.
  size_t below(size_t bound) { return u8() % bound; }
  ByteSpan take(size_t bytes_max) {
    const ByteSpan out = left_.first(std::min(bytes_max, left_.size()));
    left_ = left_.subspan(out.size());
    return out;
  }
  ByteSpan rest() { return take(left_.size()); }

 private:
  uint64_t number(size_t bytes) {
    uint64_t value = 0;
    size_t shift = 0;
    for (const uint8_t byte : take(bytes)) {
      value |= uint64_t{byte} << shift;
      shift += 8;
    }
    return value;
  }

  ByteSpan left_;
};

/// How a stream is cut: a byte for the size of each piece, used over and over; 0 is all that is
/// left.
class Pieces {
 public:
  explicit Pieces(ByteSpan sizes = {}) : sizes_(sizes.begin(), sizes.end()) {}

  size_t next(size_t left) {
    if (sizes_.empty()) return left;
    const size_t size = sizes_[at_++ % sizes_.size()];
    return size == 0 ? left : std::min(size, left);
  }
  /// Calls `take(piece)` until it says false or nothing is left. Each piece is a buffer of its own,
  /// so that reads beyond it, or after it, are seen.
  template <class Take>
  void cut(ByteSpan stream, Take&& take) {
    while (!stream.empty()) {
      const size_t size = next(stream.size());
      Bytes piece(stream.begin(), stream.begin() + static_cast<ptrdiff_t>(size));
      stream = stream.subspan(size);
      if (!take(piece)) return;
    }
  }

 private:
  Bytes sizes_;
  size_t at_ = 0;
};

/// The sizes of pieces that stand in an input, 15 at most.
inline Pieces read_pieces(Input& in) { return Pieces(in.take(in.u8() % 16)); }

}  // namespace ecsdb::fuzz
