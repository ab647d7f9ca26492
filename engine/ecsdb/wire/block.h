// Blocks: the encoded change of one cell. The interface that every codec tier implements.
//
//   block: mode u8 (tier | form << 4) | base varint | version - base varint | body of the tier
//
// A block names no connection, table or cell: the frame that carries it binds it to a handle.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/result.h"
#include "ecsdb/store/cells.h"

namespace ecsdb {

/// What a block's rows are relative to.
enum class BlockForm : uint8_t {
  kRelative = 0,  // to the cell at its previous published change, `base`
  kNet = 1,       // absolute values of what changed after the cut `base`
  kRows = 2,      // absolute values of some rows of a cell that just entered; base = version
};

struct BlockHeader {
  CodecTier tier = CodecTier::kPlain;
  BlockForm form = BlockForm::kRelative;
  Version base;
  Version version;  // the cell's last published change, this one included
};

/// What to encode. Refers to the table; nothing is owned. Rows and tombstones are in order of
/// entity index, each entity once, no entity in both.
struct BlockSource {
  const TableDef* def = nullptr;
  const Table* table = nullptr;
  BlockHeader header;
  std::span<const RowIndex> rows;
  std::span<const Tombstone> gone;
  Version since;  // rows born later are inserts to whoever stands there
};

/// Appends one block. Deterministic.
void encode_block(const BlockSource& source, Bytes& out);

/// Reads the header only. kFrameMalformed, kNotCanonical.
Result<BlockHeader> peek_block_header(ByteSpan block);

/// A decoded block: what to do to the rows of a cell, values absolute. Reused from block to block,
/// so that steady state allocates nothing.
struct DecodedBlock {
  BlockHeader header;
  struct Gone {
    EntityId entity;
    bool left = false;
  };
  std::vector<Gone> gone;
  // Rows: first `changed` rows of which only the fields in `masks` are given, then whole ones.
  std::vector<EntityId> entities;
  size_t changed = 0;
  std::vector<uint64_t> masks;                  // of the changed rows: replicated bits
  std::vector<bool> inserted;                   // of the whole rows: born since the base
  std::vector<std::vector<uint64_t>> lanes;     // [lane][row]; undefined where a field is not given
  std::vector<std::vector<std::string>> texts;  // [text column][row]

  size_t whole() const { return entities.size() - changed; }
};

/// Decodes a block of a cell. For the relative form `current` holds the cell's rows at the block's
/// base, all with Row::cell == `cell`. Changes nothing; on an error `out` is unspecified.
/// kFrameMalformed, kNotCanonical, kUnknownRow, kDuplicateRow, kValueOutOfRange, kTextTooLong,
/// kBadText; the context names table, field and byte offset (of the group or column that was cut
/// short, else of the byte after the bad value). No entity is gone and given, or changed and whole;
/// whether a whole row's index is free the caller sees, over all blocks of an advance.
Status decode_block(ByteSpan block, const TableDef& def, const Table& current, CellIndex cell,
                    DecodedBlock& out);

}  // namespace ecsdb
