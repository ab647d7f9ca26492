#include "ecsdb/wire/block.h"

#include "ecsdb/wire/block_plain.h"
#include "ecsdb/wire/limits.h"

namespace ecsdb {

void encode_block(const BlockSource& source, Bytes& out) {
  ByteWriter writer(out);
  const BlockHeader& header = source.header;
  ECSDB_CHECK(header.base <= header.version);
  ECSDB_CHECK(header.form != BlockForm::kRows || header.base == header.version);
  writer.u8(static_cast<uint8_t>(static_cast<unsigned>(header.tier) |
                                 (static_cast<unsigned>(header.form) << 4)));
  writer.varint(header.base.value);
  writer.varint(header.version.value - header.base.value);
  ECSDB_CHECK(header.tier == CodecTier::kPlain);
  encode_plain(source, writer);
}

namespace {

Status read_header(ByteReader& in, BlockHeader& header) {
  const uint8_t mode = in.u8();
  header.base = Version{in.varint()};
  const uint64_t distance = in.varint_up_to(~uint64_t{0} - header.base.value);
  header.version = Version{header.base.value + distance};
  const unsigned tier = mode & 15;
  const unsigned form = mode >> 4;
  if (!in.ok()) return fail(ErrorCode::kFrameMalformed, "block header is cut short");
  if (tier != static_cast<unsigned>(CodecTier::kPlain) ||
      form > static_cast<unsigned>(BlockForm::kRows)) {
    return fail(ErrorCode::kFrameMalformed, "unknown block mode " + std::to_string(mode));
  }
  header.tier = static_cast<CodecTier>(tier);
  header.form = static_cast<BlockForm>(form);
  if (header.form == BlockForm::kRows && distance != 0) {
    return fail(ErrorCode::kNotCanonical, "a block of rows has no base");
  }
  return {};
}

}  // namespace

Result<BlockHeader> peek_block_header(ByteSpan block) {
  ByteReader in(block);
  BlockHeader header;
  ECSDB_TRY(read_header(in, header));
  return header;
}

Status decode_block(ByteSpan block, const TableDef& def, const Table& current, CellIndex cell,
                    DecodedBlock& out) {
  ByteReader in(block);
  ECSDB_TRY(read_header(in, out.header));
  const Status status = decode_plain(in, def, current, cell, out);
  if (!status.ok()) {
    return fail(status.code(), "table " + def.name + ", version " +
                                   std::to_string(out.header.version.value) + ", byte " +
                                   std::to_string(block.size() - in.left()) + ": " +
                                   status.error().context);
  }
  if (!in.exhausted()) {
    return fail(ErrorCode::kFrameMalformed, "table " + def.name + ": bytes after the block's end");
  }
  return {};
}

}  // namespace ecsdb
