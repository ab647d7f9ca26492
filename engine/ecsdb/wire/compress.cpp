#include "ecsdb/wire/compress.h"

#include <string>
#include <utility>

#if defined(ECSDB_ZSTD)
#include <zstd.h>
#endif

#include "ecsdb/base/mutant.h"

namespace ecsdb {
namespace {

constexpr uint32_t kMagic = 0xfd2fb528;

Error malformed(const char* what) {
  return fail(ErrorCode::kFrameMalformed, std::string("compressed body: ") + what);
}

}  // namespace

uint32_t built_in_features() {
#if defined(ECSDB_ZSTD)
  return kFeatureZstd;
#else
  return 0;
#endif
}

Result<CompressedFrame> check_compressed(ByteSpan frame, size_t bytes_max) {
  ByteReader in(frame);
  if (in.u32() != kMagic) return malformed("no zstd frame");
  const unsigned descriptor = in.u8();
  const bool is_single_segment = (descriptor & 0x20) != 0;
  if ((descriptor & 0x08) != 0) return malformed("reserved bit");
  if ((descriptor & 0x03) != 0) return malformed("names a dictionary");
  CompressedFrame out;
  if (!is_single_segment) {
    const unsigned window = in.u8();
    const uint64_t base = uint64_t{1} << (10 + (window >> 3));
    out.window_bytes = base + base / 8 * (window & 7);
  }
  switch (descriptor >> 6) {
    case 0:
      if (!is_single_segment) return malformed("does not tell its content's size");
      out.content_bytes = in.u8();
      break;
    case 1:
      out.content_bytes = in.u16() + uint64_t{256};
      break;
    case 2:
      out.content_bytes = in.u32();
      break;
    case 3:
      out.content_bytes = in.u64();
      break;
  }
  if (is_single_segment) out.window_bytes = out.content_bytes;
  if (!in.ok()) return malformed("cut short");
  if (out.content_bytes > bytes_max) {
    return fail(ErrorCode::kLimitExceeded, "compressed body: claims " +
                                               std::to_string(out.content_bytes) +
                                               " bytes; the limit is " + std::to_string(bytes_max));
  }
  if (out.content_bytes > kCompressionRatioMax * frame.size() && !ECSDB_MUTANT(ratio_ignored)) {
    return fail(ErrorCode::kLimitExceeded, "compressed body: claims " +
                                               std::to_string(out.content_bytes) + " bytes of " +
                                               std::to_string(frame.size()) + "; the limit is " +
                                               std::to_string(kCompressionRatioMax) + " to 1");
  }
  if (out.window_bytes > kCompressionWindowMax) {
    return fail(ErrorCode::kLimitExceeded, "compressed body: wants a window of " +
                                               std::to_string(out.window_bytes) + " bytes");
  }
  return out;
}

Compressor::Compressor(Compressor&& o) noexcept : context_(std::exchange(o.context_, nullptr)) {}
Compressor& Compressor::operator=(Compressor o) noexcept {
  std::swap(context_, o.context_);
  return *this;
}
Decompressor::Decompressor(Decompressor&& o) noexcept
    : context_(std::exchange(o.context_, nullptr)) {}
Decompressor& Decompressor::operator=(Decompressor o) noexcept {
  std::swap(context_, o.context_);
  return *this;
}

#if defined(ECSDB_ZSTD)

constexpr int kLevel = 1;  // the knee: higher ones take several times as long for a few percent

Compressor::~Compressor() { ZSTD_freeCCtx(static_cast<ZSTD_CCtx*>(context_)); }

bool Compressor::compress(ByteSpan bytes, Bytes& out) {
  if (context_ == nullptr) context_ = ZSTD_createCCtx();
  const size_t begin = out.size();
  const size_t most = bytes.size() - bytes.size() / 8;
  out.resize(begin + most);
  const size_t size = ZSTD_compressCCtx(static_cast<ZSTD_CCtx*>(context_), out.data() + begin, most,
                                        bytes.data(), bytes.size(), kLevel);
  const bool is_smaller = ZSTD_isError(size) == 0 && bytes.size() <= kCompressionRatioMax * size;
  out.resize(begin + (is_smaller ? size : 0));
  return is_smaller;
}

Decompressor::~Decompressor() { ZSTD_freeDCtx(static_cast<ZSTD_DCtx*>(context_)); }

Status Decompressor::decompress(ByteSpan frame, size_t bytes_max, Bytes& out) {
  const Result<CompressedFrame> info = check_compressed(frame, bytes_max);
  if (!info.ok()) return info.error();
  if (ZSTD_findFrameCompressedSize(frame.data(), frame.size()) != frame.size()) {
    return malformed("damaged, or bytes after its end");
  }
  if (context_ == nullptr) context_ = ZSTD_createDCtx();
  out.resize(info->content_bytes);
  const size_t size = ZSTD_decompressDCtx(static_cast<ZSTD_DCtx*>(context_), out.data(), out.size(),
                                          frame.data(), frame.size());
  if (ZSTD_isError(size) != 0 || size != out.size()) return malformed("damaged");
  return {};
}

#else

Compressor::~Compressor() = default;
bool Compressor::compress(ByteSpan, Bytes&) { return false; }
Decompressor::~Decompressor() = default;
Status Decompressor::decompress(ByteSpan, size_t, Bytes&) {
  return fail(ErrorCode::kProtocolUnsupported, "this build has no zstd");
}

#endif

}  // namespace ecsdb
