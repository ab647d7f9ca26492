// Encoding and decoding blocks of any tier.
#pragma once

#include "ecsdb/wire/block_packed.h"
#include "ecsdb/wire/block_plain.h"
#include "ecsdb/wire/compress.h"

namespace ecsdb {

/// Keeps its memory from block to block: steady state allocates nothing. Copies are independent.
/// Not thread-safe.
class BlockEncoder {
 public:
  /// Appends one block. Deterministic.
  void encode(const BlockSource& source, Bytes& out);
  /// Appends the same block with its body compressed; `block` is what encode() made of the source.
  /// False, and nothing appended, where that does not pay.
  bool compress(const BlockSource& source, ByteSpan block, Bytes& out);

 private:
  Compressor compressor_;
  Bytes header_;
  PlainEncoder plain_;
  PackedEncoder packed_;
};

/// Keeps its memory from block to block: steady state allocates nothing. Not thread-safe.
class BlockDecoder {
 public:
  /// Decodes a block of a cell. Changes nothing but `out`, which is unspecified on an error.
  /// kFrameMalformed, kNotCanonical, kLimitExceeded (a compressed body would grow too large),
  /// kProtocolUnsupported (it is compressed, and this build has no zstd), kWrongBaseline (the chain
  /// of a relative block is not that of the cell), kUnknownRow, kDuplicateRow, kValueOutOfRange,
  /// kTextTooLong, kBadText; the context names table, version, byte offset and, where it is about
  /// one, the field. `version` is that of the advance, for the context. No entity is gone and
  /// given, or changed and whole; whether a whole row's index is free the caller sees, over all
  /// blocks of an advance.
  Status decode(ByteSpan block, const BlockTarget& target, Version version, DecodedBlock& out);

 private:
  Status decode_body(ByteSpan block, const BlockTarget& target, DecodedBlock& out, size_t& at);

  Decompressor decompressor_;
  Bytes body_;  // decompressed
  PlainDecoder plain_;
  PackedDecoder packed_;
};

}  // namespace ecsdb
