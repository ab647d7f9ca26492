// Compression of block bodies: one zstd frame (RFC 8878) each, where both sides have it.
//
//   compressed body: frame header descriptor u8 and what follows of a zstd frame, with its magic
//   number. The content size is given, there is no dictionary, nothing follows the frame.
//
// Most bytes of a packed block are beyond what zstd finds; it pays for texts and for whole rows of
// plain tables. Only this file's source knows zstd.
#pragma once

#include <cstdint>

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/result.h"

namespace ecsdb {

/// Feature bit of the preface: block bodies may be compressed.
inline constexpr uint32_t kFeatureZstd = 1;

// Bounds of a compressed body, checked before anything is decompressed.
inline constexpr uint64_t kCompressionRatioMax = 64;
inline constexpr uint64_t kCompressionWindowMax = 1u << 20;

/// Features of this build: kFeatureZstd where it was built with zstd.
uint32_t built_in_features();

/// What a zstd frame says of itself.
struct CompressedFrame {
  uint64_t content_bytes = 0;
  uint64_t window_bytes = 0;
};
/// kFrameMalformed if it is no such frame; kLimitExceeded if it would give more than `bytes_max`
/// bytes, more than kCompressionRatioMax times its own, or take a larger window than
/// kCompressionWindowMax. Reads the header only.
Result<CompressedFrame> check_compressed(ByteSpan frame, size_t bytes_max);

/// Keeps zstd's memory from call to call; copies have their own. Not thread-safe.
class Compressor {
 public:
  Compressor() = default;
  Compressor(const Compressor&) {}
  Compressor(Compressor&& o) noexcept;
  Compressor& operator=(Compressor o) noexcept;
  ~Compressor();
  /// Appends a frame of the bytes; false, and nothing appended, if it would not be smaller by an
  /// eighth or this build has no zstd. Deterministic for one version of zstd.
  bool compress(ByteSpan bytes, Bytes& out);

 private:
  void* context_ = nullptr;
};

/// Keeps zstd's memory from call to call; copies have their own. Not thread-safe.
class Decompressor {
 public:
  Decompressor() = default;
  Decompressor(const Decompressor&) {}
  Decompressor(Decompressor&& o) noexcept;
  Decompressor& operator=(Decompressor o) noexcept;
  ~Decompressor();
  /// Sets `out` to the content of a frame. What check_compressed() returns; kFrameMalformed where
  /// the frame is damaged or longer than it should be; kProtocolUnsupported in a build without
  /// zstd.
  Status decompress(ByteSpan frame, size_t bytes_max, Bytes& out);

 private:
  void* context_ = nullptr;
};

}  // namespace ecsdb
