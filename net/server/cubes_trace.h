// A recorded physics trace: frames of rows of eight integers, as a raw file or as a compact slice.
//
// Raw: no header, frame after frame, kCubesRows rows of kCubesColumns little-endian int32:
//   largest quaternion component 0..3, the other three in 9 bits each, x, y, z in 1/512 m,
//   interacting 0/1.
//
// Slice (varints and zigzag as in ecsdb/base/bytes.h):
//   "ecscubes"               8 bytes
//   frame count              varint, 1..kCubesFramesMax
//   first frame              kCubesRows x kCubesColumns zigzag varints
//   each further frame:
//     changed rows           varint
//     per changed row:       rows skipped since the last changed one, varint
//                            mask of changed columns, 1 byte, not 0, bit 0 the first column
//                            per bit: difference to the frame before, zigzag varint, not 0
//   crc32c                   u32, over all frames in their raw form
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/result.h"

namespace ecsdb {

inline constexpr size_t kCubesRows = 901;
inline constexpr size_t kCubesColumns = 8;
inline constexpr size_t kCubesFrameValues = kCubesRows * kCubesColumns;
inline constexpr size_t kCubesFrameBytes = kCubesFrameValues * sizeof(int32_t);
inline constexpr size_t kCubesFramesMax = 20'000;

/// All frames of a trace, in memory. Immutable after it was made; a value.
class CubesTrace {
 public:
  /// A slice or a raw file, told apart by the first bytes. kSyntax with what is wrong and where; a
  /// value that the cubes table cannot hold is wrong too.
  static Result<CubesTrace> decode(ByteSpan bytes);

  size_t frame_count() const { return values_.size() / kCubesFrameValues; }
  /// kCubesFrameValues values, row after row.
  std::span<const int32_t> frame(size_t index) const;
  /// The frame that a player forth and back shows at a step: 0, 1, ..., n-1, n-2, ..., 1, 0, 1, ...
  size_t frame_at_step(uint64_t step) const;
  /// Of one frame in its raw form.
  uint32_t frame_crc(size_t index) const;
  /// Frames first..last, both included, as a slice.
  Bytes encode_slice(size_t first, size_t last) const;

 private:
  explicit CubesTrace(std::vector<int32_t> values) : values_(std::move(values)) {}
  static Result<CubesTrace> checked(std::vector<int32_t> values);

  std::vector<int32_t> values_;
};

}  // namespace ecsdb
