// The plain tier: columns, presence bitmaps, varints; every value on a byte boundary. For tables
// that are so large or so hot that processor time counts more than bytes; it keeps no history.
//
//   gone:    count varint | index gaps varint... | (net: entity tags varint...) | left bitmap
//   changed: (relative form only) count * 2 + is_bitmap varint, and if the count is not zero
//              gaps:    index gaps varint...
//              bitmap:  first index varint | bytes varint | one bit for each index from the first
//              on
//   whole:   count varint | index gaps varint... | entity tags varint... | inserted bitmap
//   then, if rows changed, for each lane of the replicated fields, by field id: presence u8 (0
//   none, 1 all, 2 bitmap follows), and unless it is a lane of one bit, which has flipped, for each
//   row present zigzag(new - old) varint, of floats the difference of their float_order(); for each
//   text field: presence, and for each row present length varint and bytes then, if there are whole
//   rows, for each lane of the replicated fields the whole rows' values: one-byte lanes a byte,
//   unsigned varint, signed zigzag varint, floats their bytes; for each text field length varint
//   and bytes
//
// An index gap is the entity index minus the previous one of its group minus 1 (the first: the
// index); in the gone group of the net form, where one index may stand for several entities, minus
// the previous one only. Bitmaps are low bit first, unused bits zero; left out where the count is
// zero. A row is present in a lane when the lane differs.
#pragma once

#include "ecsdb/wire/block.h"

namespace ecsdb {

/// Keeps its memory from block to block. Not thread-safe.
class PlainEncoder {
 public:
  void encode(const BlockSource& source, Bytes& out);

 private:
  void collect_changed();
  void write_gone(ByteWriter& out);
  void write_changed_rows(ByteWriter& out);
  void write_whole_rows(ByteWriter& out);
  void write_changed_fields();
  void write_whole_fields(ByteWriter& out);
  template <class S>
  void write_changed_lane(uint16_t lane);
  void write_changed_text(const FieldLayout& field);
  /// Presence of `present_` rows out of all changed ones.
  void write_presence();
  uint8_t* room(size_t bytes);

  const BlockSource* source_ = nullptr;
  std::vector<uint32_t> changed_;  // places in the change set's known rows
  bool all_known_changed_ = false;
  std::span<const RowIndex> whole_;
  std::vector<uint64_t> present_;  // bitmap over the changed rows
  size_t present_count_ = 0;
  Bytes fields_;  // changed fields, written in place
  size_t fields_end_ = 0;
};

/// Keeps its memory from block to block. Not thread-safe.
class PlainDecoder {
 public:
  /// `in` stands behind the header, which is in out.header. On an error `in` is where it happened.
  Status decode(ByteReader& in, const BlockTarget& target, DecodedBlock& out);

 private:
  Status read_body();
  Status read_indices(uint32_t step = 1);
  Status read_gone();
  Status read_changed();
  Status read_changed_indices();
  Status read_whole();
  Status check_groups() const;
  bool is_changed(uint32_t index) const;
  Status read_presence(const FieldLayout& field, uint16_t index, size_t bytes_each);
  Status read_changed_fields();
  template <class S>
  Status read_changed_lane(uint16_t index, uint16_t lane);
  Status read_changed_text(uint16_t index);
  Status read_whole_fields();
  Status read_whole_lane(uint16_t index, uint16_t lane);
  Status begin_column(uint16_t index);
  Status read_text(uint16_t index, std::string& text);
  Error bad_field(uint16_t field, ErrorCode code, const char* what) const;

  ByteReader* in_ = nullptr;
  ByteReader group_{ByteSpan()};  // at the start of the group or column that is being read
  const BlockTarget* target_ = nullptr;
  DecodedBlock* out_ = nullptr;
  bool is_relative_ = false;
  std::vector<uint32_t> indices_;
  std::vector<uint32_t> changed_indices_;
  std::vector<uint64_t> present_;  // bitmap over the changed rows
  size_t present_count_ = 0;
};

}  // namespace ecsdb
