// The packed tier: a bit string of predicted, variable-length integers (the codes are in bits.h),
// then the bytes of texts. What a relative block depends on beyond the cell's values is the history
// of store/history.h. Nothing in a block adapts beyond the block itself.
//
// In what follows R(s) are runs of flags with starting state s, M(k) a magnitude code, "k:n" a
// parameter of n bits; a list of rising entity indices is M(0) of count - 1, k:5, M(k) of each gap
// (index - previous - 1; the first: index - first index of the block's range).
//
//   relative form
//     gone        flag: there are any; list; R(6): left, expected as the one before (first: not)
//     entered     flag: there are any; list; tags; R(6): inserted, likewise
//     candidates  the cell's rows in the block's range that have history and are in neither list,
//                 by entity index, in three classes: A those of age 1 that are steady, B others of
//                 age 1, C older ones. For A, then B, then C, if it has rows:
//                   from 16 rows on a flag: none of them changes, and nothing follows
//                   R(6) for A, R(0) for B and C: changes, expected for A and B
//     fresh       flag: there are any; list of rows that change and are no candidates
//     The changed rows are from here on those of A, B and C, then the fresh ones.
//     masks       if the table replicates more than one field: R(6) over the pairs (row, field),
//                 row by row, whose bits in `last` and `before` of the row's history are equal;
//                 then R(0) over the other pairs, of fresh rows all: the field changes, expected
//                 as in `last`, of fresh rows always
//     values      for each field, over the rows that it changes in:
//                 one bit: nothing, it has flipped
//                 text: k:4, M(k) of each length
//                 quantised quaternion: R(6): the largest component is the same, expected; for each
//                   row where it is not, see block_quaternion.h; then the other three lanes, of the
//                   rows where it is
//                 lanes: if any row has no magnitude there: flag: a parameter follows (5 bits,
//                   6 for eight-byte lanes, 8 and 11 for floats of four and eight bytes); then for
//                   each row M(k) of zigzag(change - expected change)
//     columns     of the entered rows
//   net and rows form
//     gone        (net only) as above, but a gap is index - previous, and after the list: tags
//     rows        as entered above
//     columns     of the rows
//     history     of the rows, see block_packed_history.h
//   all forms end with zero bits up to a whole byte, then the texts: of the changed rows by field
//   and row, then those of the columns by field and row
//
// The expected change of a lane is its last one if the field changed in the publish just before and
// the lane's trend is above zero, else zero. k is (magnitude - 3) / 4, at least 0; without a
// magnitude it is the parameter; without one that is 2, for floats 16 and 40. For floats (whose
// change is of float_order()) the parameter is reduced by the exponent bits of the old value.
//
//   tags      R(6): the same as the row before (first: epoch 1, reuse 1), expected; for each miss:
//             flag: another epoch, 16 bits; M(2) of reuse - 1
//   columns   for each field: text: k:4, M(k) of each length; else for each lane 2 bits:
//             0 each value in the lane's bits;  1 the least value, width in 6 or 7 bits, each value
//             minus the least in so many bits;  2 k:5 or k:6, M(k) of zigzag(value - previous), the
//             first minus 0. Floats are their float_order().
#pragma once

#include "ecsdb/wire/bits.h"
#include "ecsdb/wire/block_lanes.h"

namespace ecsdb {

inline constexpr unsigned kSteadyRun = 6;  // starting states of runs
inline constexpr unsigned kUnsteadyRun = 0;
inline constexpr size_t kClassFlagRows = 16;  // a class of so many rows can be left out with a flag
inline constexpr unsigned kClasses = 3;
inline constexpr uint32_t kFirstTag =
    0x00010001;  // epoch 1, reuse 1: what a list's first tag is taken for

/// Which class a candidate belongs to.
inline unsigned candidate_class(const RecentRow& row, uint32_t publish) {
  const unsigned newest = row.is_steady ? 0u : 1u;
  return row.age(publish) > 1 ? 2u : newest;
}
inline bool class_is_expected(unsigned candidates) { return candidates < 2; }

/// Places of candidates in CellHistory::recent(), by class. Keeps its memory.
class CandidateClasses {
 public:
  /// The recent rows in a range, but for those in two lists of rising indices.
  void sort(const CellHistory& history, IndexRange range, std::span<const uint32_t> gone,
            std::span<const uint32_t> entered);
  std::span<const uint32_t> places(unsigned c) const {
    return std::span(places_[c]).first(counts_[c]);
  }

 private:
  std::vector<uint32_t> places_[kClasses];
  size_t counts_[kClasses] = {};
};

/// Parameter of a lane with a magnitude.
inline unsigned warm_parameter(uint8_t magnitude) {
  return magnitude < 3 ? 0 : (magnitude - 3u) / 4;
}

// Columns of whole rows.
inline constexpr unsigned kColumnRaw = 0;
inline constexpr unsigned kColumnSpan = 1;
inline constexpr unsigned kColumnSteps = 2;
template <class S>
inline constexpr unsigned kParameterBits = sizeof(S) == 8 ? 6 : 5;
template <class S>
inline constexpr unsigned kWidthBits = sizeof(S) == 8 ? 7 : 6;

/// Bits of a lane's values: those of the largest, or the lane's width.
inline unsigned column_bits(const Lane& lane) {
  return lane.kind == LaneKind::kUnsigned ? value_bits(lane.max) : 8u * lane.width;
}
/// A slot's value as columns hold it, and back: floats in their order.
template <class S>
S column_value(const Lane& lane, S slot) {
  return lane.kind == LaneKind::kFloat ? float_order(slot) : slot;
}

/// One flag for each bit of `of`, low bits first; those in `misses` are misses.
void add_masked_flags(uint64_t of, uint64_t misses, RunEncoder& runs);

/// How the parameter of lanes without a magnitude is written and used.
struct ColdParameter {
  unsigned bits;            // of the parameter in the block
  unsigned absent;          // k where there is none
  unsigned most;            // the largest k
  unsigned exponent_shift;  // of the old value, 0: not a float
  unsigned exponent_mask;
  bool is_given = false;
  unsigned parameter = 0;

  static ColdParameter of(const Lane& lane) {
    const bool is_wide = lane.width > 4;
    if (lane.kind != LaneKind::kFloat) return {is_wide ? 6u : 5u, 2, is_wide ? 63u : 31u, 0, 0};
    return is_wide ? ColdParameter{11, 40, 63, 52, 2047} : ColdParameter{8, 16, 31, 23, 255};
  }
  unsigned exponent(uint64_t before) const {
    return exponent_shift == 0 ? 0
                               : static_cast<unsigned>(before >> exponent_shift) & exponent_mask;
  }
  unsigned k(uint64_t before) const { return k_at(exponent(before)); }
  unsigned k_at(unsigned less) const {
    if (!is_given) return absent;
    const unsigned k = parameter > less ? parameter - less : 0;
    return k < most ? k : most;
  }
};

/// Keeps its memory from block to block. Not thread-safe.
class PackedEncoder {
 public:
  void encode(const BlockSource& source, Bytes& out);

 private:
  struct ChangedRow {  // what coding its lanes needs
    const uint8_t* record;
    uint64_t mask;
    uint64_t repeatable;  // fields whose last change may repeat
    uint32_t at;          // place in the change set's known rows
  };
  void write_gone();
  void write_list(std::span<const uint32_t> indices, uint32_t next, uint32_t step);
  void write_tags(size_t count, auto&& entity_of);
  /// Flags that mostly are as the one before.
  template <class FlagOf>
  void write_flags(size_t count, FlagOf&& flag_of) {
    runs_.clear();
    bool before = false;
    for (size_t i = 0; i < count; ++i) {
      const bool flag = flag_of(i);
      runs_.flag(flag == before);
      before = flag;
    }
    runs_.encode(kSteadyRun, bits_);
  }
  void write_rows();
  // Relative form.
  void sort_candidates();
  void write_candidates();
  void write_fresh();
  void write_masks();
  void write_fields();
  void write_field(uint16_t index);
  void write_quaternion(const FieldLayout& field);
  template <class S>
  void write_lane(uint16_t lane, uint8_t bit, std::span<const uint32_t> places);
  template <class S>
  void choose_cold_parameter(uint16_t lane, ColdParameter& cold);
  void write_text(const FieldLayout& field, std::span<const RowIndex> rows);
  // Columns and history of whole rows.
  void write_columns();
  template <class S>
  void write_column(uint16_t lane, std::vector<S>& column, std::vector<S>& steps);
  void write_history();
  void write_history_heads();
  template <class S>
  void write_history_lane(uint16_t lane, uint64_t bit, std::vector<S>& values);
  template <class S>
  void write_values(std::span<const S> values, unsigned parameter_bits);

  const BlockSource* source_ = nullptr;
  const Table* table_ = nullptr;
  BitWriter bits_;
  RunEncoder runs_;
  RunEncoder unsteady_runs_;
  std::span<const RowIndex> whole_;
  std::vector<uint32_t> gone_indices_;
  std::vector<uint32_t> whole_indices_;
  std::vector<uint32_t> indices_;
  // Relative form: places in the change set's known rows, class by class, then the fresh ones.
  static constexpr uint32_t kUnchanged = 0xffffffff;
  std::vector<uint32_t> change_at_;  // by place in recent(): place in the change set
  CandidateClasses classes_;
  std::vector<uint32_t> fresh_;
  std::vector<uint32_t> changed_;
  size_t newest_changed_ = 0;         // changed rows of age 1, which come first
  std::vector<ChangedRow> rows_;      // the changed rows
  std::vector<uint32_t> with_field_;  // places in rows_ of those that the field changes in
  std::vector<uint32_t> steady_;  // of those, where a quaternion's largest component is the same
  std::vector<uint32_t> cold_;    // of those, where the lane has no magnitude
  struct ColdBits {
    unsigned bits;
    unsigned exponent;
  };
  std::vector<ColdBits> cold_bits_;
  // Columns and history.
  struct LiveRow {
    RowIndex row;
    const RecentRow* recent;
  };
  std::vector<LiveRow> live_;  // whole rows with history
  std::vector<RowIndex> text_rows_;
  std::vector<uint32_t> narrow_column_;
  std::vector<uint32_t> narrow_steps_;
  std::vector<uint64_t> wide_column_;
  std::vector<uint64_t> wide_steps_;
  std::vector<uint32_t> steps_;
  Bytes texts_;
};

/// Keeps its memory from block to block. Not thread-safe.
class PackedDecoder {
 public:
  /// `body` is what follows the header, which is in out.header. On an error failed_at() tells the
  /// byte of the body where it was seen.
  Status decode(ByteSpan body, const BlockTarget& target, DecodedBlock& out);
  size_t failed_at() const { return failed_at_; }

 private:
  struct ChangedRow {  // what decoding its lanes needs
    const uint8_t* record;
    uint64_t repeatable;  // fields whose last change may repeat
    RowIndex row;
  };
  struct TextSize {
    uint16_t field;
    std::string* text;
    uint32_t bytes;
  };
  Status read_body();
  Status read_list(uint32_t next, uint32_t step);
  Status read_tags(std::vector<EntityId>& entities);
  void read_misses(unsigned state, size_t flags);
  /// Flags that mostly are as the one before.
  template <class Set>
  void read_flags(size_t count, Set&& set) {
    RunDecoder runs(kSteadyRun, count);
    bool flag = false;
    for (size_t at = 0; at < count;) {
      const size_t miss = runs.next_miss(bits_);
      for (; at < miss; ++at) set(at, flag);
      flag = !flag;
      if (at < count) set(at++, flag);
    }
  }
  Status read_gone();
  Status read_rows();
  // Relative form.
  Status read_candidates();
  Status read_fresh();
  Status read_masks();
  Status read_fields();
  Status read_field(uint16_t index);
  Status read_quaternion(uint16_t index);
  template <class S>
  Status read_lane(uint16_t index, uint16_t lane, std::span<const uint32_t> places);
  Status read_flips(uint16_t lane);
  Status read_sizes(uint16_t index, std::span<std::string> texts);
  Status read_texts(ByteSpan bytes);
  // Columns and history of whole rows.
  Status read_columns();
  template <class S>
  Status read_column(uint16_t index, uint16_t lane);
  Status read_history();
  Status read_history_heads();
  void read_history_fields();
  template <class S>
  Status read_history_lane(uint16_t index, uint16_t lane, uint64_t bit);
  Error bad_field(uint16_t field, ErrorCode code, const char* what) const;
  /// A part of the body whose bits are not right.
  Error bad_part(const char* part) const;

  BitReader bits_{ByteSpan()};
  size_t failed_at_ = 0;
  const BlockTarget* target_ = nullptr;
  const Table* table_ = nullptr;
  DecodedBlock* out_ = nullptr;
  std::vector<uint32_t> indices_;
  std::vector<EntityId> entities_;
  std::vector<uint32_t> gone_indices_;
  std::vector<uint32_t> whole_indices_;
  CandidateClasses classes_;
  size_t newest_changed_ = 0;         // changed rows of age 1, which come first
  std::vector<ChangedRow> rows_;      // the changed rows
  std::vector<uint64_t> unsteady_;    // of those, the fields that are
  std::vector<uint32_t> with_field_;  // places in rows_ of those that the field changes in
  std::vector<uint32_t> steady_;  // of those, where a quaternion's largest component is the same
  std::vector<uint32_t> turned_;  // of those, where it is not
  std::vector<TextSize> sizes_;
  std::vector<uint32_t> live_;            // whole rows with history
  std::vector<uint32_t> with_magnitude_;  // of those
  std::vector<uint32_t> misses_;          // scratch
};

}  // namespace ecsdb
