// Compressed bodies: nothing beyond the limit, the ratio or the size that the frame tells, and the
// header says no to whatever the whole says no to.
//
//   input: limit u8 | the compressed body
#include "ecsdb/wire/compress.h"
#include "ecsdb/wire/limits.h"

#include "fuzz_input.h"

namespace ecsdb::fuzz {
namespace {

constexpr size_t kLimits[] = {kBlockBytesHardMax, 0, 1, 100, 4096, 1u << 20};

void check_body(ByteSpan body, size_t bytes_max) {
  const auto info = check_compressed(body, bytes_max);
  Decompressor decompressor;
  Bytes content;
  const Status status = decompressor.decompress(body, bytes_max, content);
  if (!info.ok()) {
    ECSDB_CHECK(!status.ok());
    if (built_in_features() != 0) ECSDB_CHECK(status.code() == info.code());
    return;
  }
  ECSDB_CHECK(info->content_bytes <= bytes_max);
  ECSDB_CHECK(info->content_bytes <= kCompressionRatioMax * body.size());
  ECSDB_CHECK(info->window_bytes <= kCompressionWindowMax);
  ECSDB_CHECK(content.capacity() <= bytes_max);
  if (!status.ok()) return;
  ECSDB_CHECK(content.size() == info->content_bytes);

  Bytes again;
  if (!Compressor().compress(content, again)) return;
  Bytes twice;
  ECSDB_CHECK(decompressor.decompress(again, bytes_max, twice).ok() && twice == content);
}

}  // namespace
}  // namespace ecsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ecsdb::fuzz::Input in(data, size);
  const size_t limit = ecsdb::fuzz::kLimits[in.below(std::size(ecsdb::fuzz::kLimits))];
  ecsdb::fuzz::check_body(in.rest(), limit);
  return 0;
}
