// The plain tier: columns, presence bitmaps, numbers of a fixed width with exceptions; every value
// on a byte boundary. For tables that are so large or so hot that processor time counts more than
// bytes; it keeps no history.
//
//   gone:    count varint | index gaps varint... | (net: entity tags varint...) | left bitmap
//   changed: (relative form only) count * 2 + is_bitmap varint, and if the count is not zero
//              gaps:    index gaps varint...
//              bitmap:  first index varint | bytes varint | a bit for each index from the first on
//   whole:   count varint | index gaps varint... | entity tags varint... | inserted bitmap
//   changes: (if rows changed) for each replicated field, by field id:
//              each lane: presence u8 (0 none, 1 all, 2 bitmap follows), and if any row is present,
//                         unless it is a lane of one bit, which has flipped: a column of
//                         zigzag(new - old), of floats the difference of their float_order()
//              text:      presence, and for each row present length varint and bytes
//   values:  (if there are whole rows) for each replicated field, by field id:
//              each lane: a column: unsigned ones and floats' bits as they are, signed ones
//                         zigzagged
//              text:      for each row length varint and bytes
//   column:  width u8 (bytes of a number, at most those of the lane's slot: 4 or 8) |
//            exceptions: count varint, then for each place gap varint, number varint |
//            all the numbers, low byte first, exceptions as 0
//
// An index gap is the entity index minus the previous one of its group minus 1 (the first: the
// index); in the gone group of the net form, where one index may stand for several entities, minus
// the previous one only. Place gaps likewise. Bitmaps are low bit first, unused bits zero; left out
// where the count is zero. A row is present in a lane when the lane differs. The width is that
// which takes the fewest bytes when an exception is counted as eight, the least of equals; a
// decoder takes any.
#pragma once

#include <cstring>

#include "ecsdb/wire/block.h"

namespace ecsdb {

/// Keeps its memory from block to block. Not thread-safe.
class PlainEncoder {
 public:
  void encode(const BlockSource& source, Bytes& out);

 private:
  void select_rows();
  void write_gone(ByteWriter& out);
  void write_changed_rows(ByteWriter& out);
  void write_whole_rows(ByteWriter& out);
  void write_changed_fields();
  void write_whole_fields();
  template <class S>
  void write_changed_lane(uint16_t lane, std::vector<S>& numbers);
  template <class S>
  void write_whole_lane(uint16_t lane, std::vector<S>& numbers);
  template <class S>
  class NumberSizes;
  template <class S>
  void write_column(std::span<S> numbers, bool is_signed);
  template <class S>
  static std::span<S> room_for(std::vector<S>& numbers, size_t count);
  template <class S>
  void take_exceptions(std::span<S> numbers, S most, size_t count);
  void write_text(const std::string& text);
  void write_changed_text(const FieldLayout& field);
  /// present_ of all changed rows.
  void write_presence();
  /// Where to write up to `bytes` at the end of fields_; the caller moves fields_end_.
  uint8_t* room(size_t bytes) {
    if (fields_end_ + bytes > fields_.size()) grow(fields_end_ + bytes);
    return fields_.data() + fields_end_;
  }
  void grow(size_t bytes);

  const BlockSource* source_ = nullptr;
  size_t first_ = 0;  // of the change set's known rows that lie in the range,
  size_t count_ = 0;  // and how many
  std::span<const RowIndex> whole_;
  std::vector<uint64_t> present_;  // bitmap over the changed rows
  size_t present_count_ = 0;
  std::vector<uint32_t> narrow_;
  std::vector<uint64_t> wide_;
  std::vector<uint32_t> exceptions_;  // places in the column
  Bytes fields_;                      // written in place; until then, scratch for a group of rows
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
  Status read_gaps(uint64_t count, uint32_t step);
  Status check_range() const;
  Status read_gone();
  Status read_changed();
  Status read_changed_indices();
  Status read_changed_bitmap(uint64_t count);
  Status read_whole();
  Status check_groups() const;
  bool is_changed(uint32_t index) const;
  Status read_presence(uint16_t index, size_t bytes_each);
  Status read_changed_fields();
  template <class S>
  Status read_changed_lane(uint16_t index, uint16_t lane);
  Status read_changed_text(uint16_t index);
  Status read_whole_fields();
  template <class S>
  Status read_whole_lane(uint16_t index, uint16_t lane);
  /// Numbers of `width` bytes; from the last one on, sizeof(S) bytes can be read.
  template <class S>
  struct NumberColumn {
    const uint8_t* at = nullptr;
    size_t width = 0;
    S mask = 0;  // the bits of so many bytes

    S operator[](size_t i) const {
      S number;
      std::memcpy(&number, at + i * width, sizeof(S));
      return number & mask;
    }
  };
  template <class S>
  Status read_column(uint16_t index, size_t count, NumberColumn<S>& out);
  struct Added {
    bool fits = true;
    size_t zeros = 0;  // numbers that are none
  };
  template <class S>
  struct Addends;
  template <bool is_float, class T, class S>
  Added add_numbers(const T* values, NumberColumn<S> numbers, uint16_t lane);
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
  std::vector<uint64_t> present_;  // bitmap over the changed rows, zero behind them
  size_t present_count_ = 0;
  std::vector<uint64_t> anywhere_;  // the same, in any lane or text
  struct Exception {                // a number that does not fit the width of its column
    uint64_t place;
    uint64_t number;
  };
  std::vector<Exception> exceptions_;  // of the column that was read last
  Bytes padded_;                       // its bytes, where the block ends too soon behind them
};

}  // namespace ecsdb
