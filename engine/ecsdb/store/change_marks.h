// Who changed what last, for deciding whether a client's write has seen it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "ecsdb/schema/schema.h"
#include "ecsdb/store/row_log.h"

namespace ecsdb {

/// Client 0 is the server itself.
inline constexpr ClientId kServerClient{0};

/// Of a field: its newest change, and the newest by anybody but who made that one.
struct FieldMark {
  Version version;
  ClientId by;
  Version other;

  /// Somebody but `client` has changed it after `base`.
  bool is_stale_for(ClientId client, Version base) const {
    return (by == client ? other : version) > base;
  }
  void change(ClientId client, Version at) {
    if (by != client) other = version;
    by = client;
    version = at;
  }
};

/// Of a field with the policy lww, what its next writer has to exceed; the client is that of the
/// FieldMark.
struct LwwMark {
  uint64_t stamp = 0;
  uint64_t sequence = 0;
  uint32_t op = 0;
};

/// Of a row: who inserted it, in which version.
struct BirthMark {
  Version version;
  ClientId by;
};

/// The marks of one table's rows; none are kept where clients may write nothing. Costs 24 bytes for
/// each replicated field of a row, 24 more for those with the policy lww, and 16 a row. Not
/// thread-safe.
class ChangeMarks {
 public:
  static constexpr uint8_t kNone = 0xff;

  ChangeMarks() = default;  // keeps none
  ChangeMarks(const TableDef& def, const TableLayout& layout);

  bool is_kept() const { return field_count_ > 0; }
  void push();
  /// Moves the last row's marks into `row` and drops the last.
  void swap_erase(RowIndex row);

  BirthMark& birth(RowIndex row) { return births_[row]; }
  const BirthMark& birth(RowIndex row) const { return births_[row]; }
  /// `bit`: FieldLayout::replicated_bit.
  FieldMark& field(RowIndex row, uint8_t bit) { return fields_[size_t{row} * field_count_ + bit]; }
  const FieldMark& field(RowIndex row, uint8_t bit) const {
    return fields_[size_t{row} * field_count_ + bit];
  }
  bool is_lww(uint8_t bit) const { return lww_place_[bit] != kNone; }
  /// The replicated bit of the field that a lane or a text column belongs to; kNone: server_only.
  uint8_t bit_of_lane(uint16_t lane) const { return lane_bits_[lane]; }
  uint8_t bit_of_text(uint16_t text) const { return text_bits_[text]; }
  const LwwMark& lww(RowIndex row, uint8_t bit) const {
    return lww_[size_t{row} * lww_count_ + lww_place_[bit]];
  }
  LwwMark& lww(RowIndex row, uint8_t bit) {
    return lww_[size_t{row} * lww_count_ + lww_place_[bit]];
  }
  uint32_t field_count() const { return field_count_; }
  /// All fields of a row that was inserted.
  void insert(RowIndex row, ClientId by, Version version, const LwwMark& lww);
  size_t bytes_each() const {
    if (!is_kept()) return 0;
    return sizeof(BirthMark) + field_count_ * sizeof(FieldMark) + lww_count_ * sizeof(LwwMark);
  }

 private:
  uint32_t field_count_ = 0;  // of a row; 0: nothing is kept
  uint32_t lww_count_ = 0;
  std::vector<uint8_t> lww_place_;  // by replicated bit
  std::vector<uint8_t> lane_bits_;  // by lane
  std::vector<uint8_t> text_bits_;  // by text column
  std::vector<BirthMark> births_;
  std::vector<FieldMark> fields_;  // row after row, as are the next
  std::vector<LwwMark> lww_;
};

/// Rows that were removed from tables that clients may write, and by whom; the last `kept` of them.
/// Not thread-safe.
class Removals {
 public:
  static constexpr size_t kKept = 65'536;
  struct Removal {
    Version version;
    ClientId by;
  };

  /// Nothing if there is none, or it is forgotten.
  const Removal* find(uint16_t table, EntityId entity) const;
  void add(uint16_t table, EntityId entity, Removal removal);
  /// What add() replaces. restore() takes the last add() that was not taken back yet back.
  std::optional<Removal> get(uint16_t table, EntityId entity) const;
  void restore(uint16_t table, EntityId entity, const std::optional<Removal>& removal);
  /// Forgets the oldest beyond kKept.
  void trim();

 private:
  using Key = std::pair<uint16_t, EntityId>;
  std::map<Key, Removal> by_row_;
  std::deque<std::pair<Version, Key>> order_;  // some of them replaced or taken back meanwhile
};

}  // namespace ecsdb
