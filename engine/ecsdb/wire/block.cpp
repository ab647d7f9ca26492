#include "ecsdb/wire/block.h"

#include "ecsdb/wire/limits.h"

namespace ecsdb {
namespace {

constexpr unsigned kExtraBit = 1u << 4;
constexpr unsigned kChainShift = 5;
constexpr uint8_t kCompressedBit = 1;
constexpr uint8_t kPartBit = 2;

}  // namespace

void encode_block_header(const BlockSource& source, bool is_compressed, ByteWriter& out) {
  const bool is_relative = source.form == BlockForm::kRelative;
  const bool is_part = is_relative && !source.range.is_all();
  const uint8_t extra =
      static_cast<uint8_t>((is_compressed ? kCompressedBit : 0) | (is_part ? kPartBit : 0));
  unsigned mode = static_cast<unsigned>(source.tier) | static_cast<unsigned>(source.form) << 2;
  if (extra != 0) mode |= kExtraBit;
  if (is_relative) mode |= (source.history->publishes() & kChainMask) << kChainShift;
  out.u8(static_cast<uint8_t>(mode));
  if (extra != 0) out.u8(extra);
  if (!is_relative) {
    out.varint(source.version.value);
    out.varint(source.history->publishes());
  }
  if (!is_part) return;
  out.varint(source.range.begin);
  out.varint(source.range.end - source.range.begin);
}

Status decode_block_header(ByteReader& in, BlockHeader& header) {
  header = BlockHeader{};
  const unsigned mode = in.u8();
  const unsigned tier = mode & 3;
  const unsigned form = mode >> 2 & 3;
  if (!in.ok()) return fail(ErrorCode::kFrameMalformed, "block header is cut short");
  if (tier > static_cast<unsigned>(CodecTier::kPacked) ||
      form > static_cast<unsigned>(BlockForm::kRows)) {
    return fail(ErrorCode::kFrameMalformed, "unknown block mode " + std::to_string(mode));
  }
  header.tier = static_cast<CodecTier>(tier);
  header.form = static_cast<BlockForm>(form);
  header.chain = static_cast<uint8_t>(mode >> kChainShift);
  const bool is_relative = header.form == BlockForm::kRelative;
  const uint8_t extra = (mode & kExtraBit) != 0 ? in.u8() : 0;
  if (!is_relative) {
    header.version = Version{in.varint()};
    header.publishes = static_cast<uint32_t>(in.varint_up_to(0xffffffff));
  }
  if ((extra & kPartBit) != 0) {
    header.range.begin = static_cast<uint32_t>(in.varint_up_to(kEntityIndexMax));
    const uint64_t count = in.varint_up_to(kEntityIndexMax - header.range.begin);
    header.range.end = header.range.begin + static_cast<uint32_t>(count);
    if (in.ok() && count == 0) return fail(ErrorCode::kNotCanonical, "a part of no rows");
  }
  header.is_compressed = (extra & kCompressedBit) != 0;
  if (!in.ok()) return fail(ErrorCode::kFrameMalformed, "block header is cut short");
  if (extra > (kCompressedBit | kPartBit) || (!is_relative && header.chain != 0)) {
    return fail(ErrorCode::kFrameMalformed, "unknown bits in a block header");
  }
  const bool is_part = (extra & kPartBit) != 0;
  const bool says_nothing = (mode & kExtraBit) != 0 && extra == 0;
  if (says_nothing || (is_part && (!is_relative || header.range.is_all()))) {
    return fail(ErrorCode::kNotCanonical, "a block header with needless parts");
  }
  return {};
}

void DecodedBlock::clear() {
  gone.clear();
  changed.clear();
  places.clear();
  fresh.clear();
  masks.clear();
  whole.clear();
  inserted.clear();
  heads.clear();
  for (LaneChanges& lane : lane_changes) lane.count = 0;
  for (TextChanges& text : text_changes) text.count = 0;
}

void DecodedBlock::make_room_for_changed(const TableLayout& layout) {
  lane_changes.resize(layout.lanes.size());
  text_changes.resize(layout.text_count);
}

void DecodedBlock::make_room_for_whole(const TableLayout& layout) {
  lanes.resize(layout.lanes.size());
  texts.resize(layout.text_count);
  deltas.resize(layout.lanes.size());
  states.resize(layout.lanes.size());
}

Result<BlockHeader> peek_block_header(ByteSpan block) {
  ByteReader in(block);
  BlockHeader header;
  ECSDB_TRY(decode_block_header(in, header));
  return header;
}

}  // namespace ecsdb
