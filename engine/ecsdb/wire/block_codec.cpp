#include "ecsdb/wire/block_codec.h"

#include "ecsdb/wire/limits.h"

namespace ecsdb {

void BlockEncoder::encode(const BlockSource& source, Bytes& out) {
  ByteWriter writer(out);
  encode_block_header(source, false, writer);
  switch (source.tier) {
    case CodecTier::kPlain:
      return plain_.encode(source, out);
    case CodecTier::kPacked:
      return packed_.encode(source, out);
  }
}

bool BlockEncoder::compress(const BlockSource& source, ByteSpan block, Bytes& out) {
  header_.clear();
  ByteWriter writer(header_);
  encode_block_header(source, false, writer);
  const ByteSpan body = block.subspan(header_.size());
  header_.clear();
  encode_block_header(source, true, writer);
  const size_t begin = out.size();
  out.insert(out.end(), header_.begin(), header_.end());
  if (compressor_.compress(body, out)) return true;
  out.resize(begin);
  return false;
}

Status BlockDecoder::decode(ByteSpan block, const BlockTarget& target, Version version,
                            DecodedBlock& out) {
  size_t at = 0;
  const Status status = decode_body(block, target, out, at);
  if (status.ok()) return {};
  if (out.header.form != BlockForm::kRelative) version = out.header.version;
  return fail(status.code(), "table " + target.def->name + ", version " +
                                 std::to_string(version.value) + ", byte " + std::to_string(at) +
                                 ": " + status.error().context);
}

/// `at`: the byte where an error was seen.
Status BlockDecoder::decode_body(ByteSpan block, const BlockTarget& target, DecodedBlock& out,
                                 size_t& at) {
  ByteReader in(block);
  ECSDB_TRY(decode_block_header(in, out.header));
  const BlockHeader& header = out.header;
  if (header.tier != target.def->codec) {
    return fail(ErrorCode::kFrameMalformed, "a block of a tier that is not the table's");
  }
  if (header.form == BlockForm::kRelative &&
      header.chain != (target.history->publishes() & kChainMask)) {
    return fail(ErrorCode::kWrongBaseline,
                "a block that follows publish " + std::to_string(header.chain) +
                    " (modulo 8) of the cell, on the state after publish " +
                    std::to_string(target.history->publishes()));
  }
  size_t begin = block.size() - in.left();  // of the body
  ByteSpan body = block.subspan(begin);
  at = begin;
  if (header.is_compressed) {
    ECSDB_TRY(decompressor_.decompress(body, kBlockBytesHardMax, body_));
    body = body_;
    begin = 0;  // places are counted in the decompressed body
  }
  if (header.tier == CodecTier::kPacked) {
    const Status status = packed_.decode(body, target, out);
    at = begin + packed_.failed_at();
    return status;
  }
  ByteReader plain(body);
  Status status = plain_.decode(plain, target, out);
  if (status.ok() && !plain.exhausted()) {
    status = fail(ErrorCode::kFrameMalformed, "bytes after the block's end");
  }
  at = begin + body.size() - plain.left();
  return status;
}

}  // namespace ecsdb
