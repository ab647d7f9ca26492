// Blocks: the encoded change of one cell. What every codec tier encodes from and decodes to.
//
//   block:    mode u8 | [extra u8] | (net, rows: version varint | publishes varint) |
//             [part: first index varint | indices varint] | body of the tier
//   mode:     bits 0-1 tier, 2-3 form, 4 "extra follows", 5-7 chain
//   extra:    bit 0 the body is compressed (see compress.h), bit 1 the block is a part
//
// The chain of a relative block is the low three bits of the number of publishes that had changed
// the cell before it; of other forms it is zero. A relative block's version is that of the advance
// it comes with. A part of a relative block speaks of the rows in a range of entity indices only;
// the parts of a cell's change rise. Net blocks and blocks of rows are split without a range. A
// block has at most kBlockValuesMax values of whole rows. It names no connection, table or cell:
// the frame that carries it binds it to a handle.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/result.h"
#include "ecsdb/base/reuse.h"
#include "ecsdb/store/cells.h"
#include "ecsdb/store/change_set.h"

namespace ecsdb {

/// What a block's rows are relative to.
enum class BlockForm : uint8_t {
  kRelative = 0,  // to the cell at its previous published change
  kNet = 1,       // absolute values of what changed after the cut that the advance starts from
  kRows = 2,      // absolute values of some rows of a cell that just entered
};

/// Entity indices in [begin, end).
struct IndexRange {
  uint32_t begin = 0;
  uint32_t end = kEntityIndexMax;
  bool is_all() const { return begin == 0 && end == kEntityIndexMax; }
  bool contains(uint32_t index) const { return begin <= index && index < end; }
  bool operator==(const IndexRange&) const = default;
};

struct BlockHeader {
  CodecTier tier = CodecTier::kPlain;
  BlockForm form = BlockForm::kRelative;
  bool is_compressed = false;
  uint8_t chain = 0;       // relative
  Version version;         // net, rows: the cell's last published change, this one included,
  uint32_t publishes = 0;  // and how many publishes have changed it
  IndexRange range;        // relative
};

inline constexpr uint8_t kChainMask = 7;

/// What to encode. Refers to the table and to the spans; nothing is owned. Rows and tombstones are
/// in order of entity index, each entity once, no entity in both. In whole rows, those that the
/// last publish showed in the cell carry their history.
struct BlockSource {
  const TableDef* def = nullptr;
  const Table* table = nullptr;
  CodecTier tier = CodecTier::kPlain;
  BlockForm form = BlockForm::kRelative;
  const CellHistory* history = nullptr;  // before this publish, if the form is relative
  const ChangeSet* changes = nullptr;    // relative: what changed and went
  Version version;                       // other forms: the cell's last published change,
  std::span<const RowIndex> rows;        // and the rows
  std::span<const Tombstone> gone;       // net
  Version since;                         // rows born later are inserts to whoever stands there
  IndexRange range;                      // relative: rows outside are left to other parts
};

/// Appends the header of a source's block.
void encode_block_header(const BlockSource& source, bool is_compressed, ByteWriter& out);
/// kFrameMalformed, kNotCanonical.
Status decode_block_header(ByteReader& in, BlockHeader& header);
/// Reads the header only.
Result<BlockHeader> peek_block_header(ByteSpan block);

/// New values of one lane of some of the changed rows.
struct LaneChanges {
  size_t count = 0;
  std::vector<uint32_t> at;      // places among the changed rows; the first `count` are meant
  std::vector<uint64_t> values;  // as many

  void make_room(size_t rows) {
    if (at.size() >= rows) return;
    ecsdb::make_room(at, rows);
    ecsdb::make_room(values, rows);
    at.resize(at.capacity());
    values.resize(at.size());
  }
  void add(size_t place, uint64_t value) {
    at[count] = static_cast<uint32_t>(place);
    values[count++] = value;
  }
};
struct TextChanges {
  size_t count = 0;
  std::vector<uint32_t> at;
  std::vector<std::string> values;
};

/// A decoded block: what to do to the rows of a cell, values absolute. Reused from block to block,
/// so that steady state allocates nothing.
struct DecodedBlock {
  BlockHeader header;
  struct Gone {
    EntityId entity;
    bool left = false;
  };
  std::vector<Gone> gone;  // rising by entity

  // Rows that change, each once, as they stand in the table that was decoded against. In the packed
  // tier those that have a history come first; of them also their places in CellHistory::recent().
  std::vector<RowIndex> changed;
  std::vector<uint32_t> places;
  std::vector<uint32_t> fresh;  // entity indices of the others in that tier, rising
  std::vector<uint64_t> masks;  // in that tier, replicated bits of the fields that change
  /// [lane]. The packed tier gives every lane of a field, changed or not; of a quantised quaternion
  /// the first lane only for rows whose largest component changes, which come first in the others.
  std::vector<LaneChanges> lane_changes;
  std::vector<TextChanges> text_changes;  // [text column]

  // Whole rows, rising by entity index.
  std::vector<EntityId> whole;
  std::vector<uint8_t> inserted;                // born since the base
  std::vector<std::vector<uint64_t>> lanes;     // [lane][whole row], of replicated lanes
  std::vector<std::vector<std::string>> texts;  // [text column][whole row]
  /// Their history, if the tier has one and the form is net or rows; else empty.
  struct Head {
    uint32_t age = 0;  // 0: the row has no history
    bool is_steady = false;
    RowRecords::Fields fields;
  };
  std::vector<Head> heads;
  std::vector<std::vector<uint64_t>> deltas;   // [lane][whole row]
  std::vector<std::vector<LaneState>> states;  // [lane][whole row]

  void clear();
  // Blocks without changed rows, or without whole ones, need no room for a table's many columns.
  void make_room_for_changed(const TableLayout& layout);
  void make_room_for_whole(const TableLayout& layout);
};

/// What a block is decoded against: a cell's rows at the block's base, all with Row::cell ==
/// `cell`.
struct BlockTarget {
  const TableDef* def = nullptr;
  const Table* table = nullptr;
  CellIndex cell = kNoCell;
  const CellHistory* history = nullptr;
};

}  // namespace ecsdb
