// What a publish changes in one cell, measured once for the encoder and for the history.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ecsdb/store/row_order.h"
#include "ecsdb/store/table.h"

namespace ecsdb {

/// A row that was removed from the table, or left the cell for another one.
struct Tombstone {
  EntityId entity;
  Version version;
  bool left = false;
  bool shown = false;  // the last publish showed the row in this cell
};

/// The changed rows of a cell against the baseline. Reused from cell to cell, so that steady state
/// allocates nothing. Not thread-safe.
class ChangeSet {
 public:
  /// `rows` are of one cell, rising, marked if the last publish showed them there; the table has a
  /// baseline; `history` is the cell's. gone() is
  /// the caller's to fill.
  void measure(const Table& table, std::span<const RowOrder::Entry> rows,
               const CellHistory& history);

  /// Rows that the last publish showed in this cell, in order of entity index.
  std::span<const RowIndex> known() const { return known_; }
  /// Of each of those, the replicated bits of the fields that differ from the baseline; may be
  /// zero.
  std::span<const uint64_t> masks() const { return masks_; }
  /// The same rows' changes in a lane, value minus baseline modulo 2^32 (lanes of up to four bytes)
  /// or 2^64; of floats, of their float_order().
  template <class S>
  std::span<const S> deltas(uint16_t lane) const {
    if constexpr (sizeof(S) == 8) {
      return wide_[lane];
    } else {
      return narrow_[lane];
    }
  }
  /// One bit for each of the same rows: the lane differs.
  std::span<const uint64_t> bits(uint16_t lane) const { return bits_[lane]; }
  /// Entity indices of the same rows.
  std::span<const uint32_t> indices() const { return indices_; }
  /// Their places in CellHistory::recent(), kNoPlace for those without a history.
  std::span<const uint32_t> places() const { return places_; }
  static constexpr uint32_t kNoPlace = 0xffffffff;
  /// Rows that the last publish did not show in this cell, in order of entity index.
  std::span<const RowIndex> entered() const { return entered_; }
  std::span<const uint32_t> entered_indices() const { return entered_indices_; }
  /// Rows that the last publish showed in this cell and that are not in it now, in order of entity.
  std::vector<Tombstone>& gone() { return gone_; }
  std::span<const Tombstone> gone() const { return gone_; }

 private:
  struct Places {  // of known rows
    size_t begin;
    size_t end;
  };
  void measure_fields(const Table& table);
  void prepare_lane(const Table& table, uint16_t lane, bool is_measured);
  void measure_field(const Table& table, const FieldLayout& field, Places places);
  template <class S, bool is_float>
  void measure_lane(const Table& table, uint16_t lane, uint64_t bit, Places places,
                    std::vector<S>& deltas);
  void drop_unchanged();
  void find_places(const CellHistory& history);

  std::vector<RowIndex> known_;
  std::vector<uint32_t> indices_;
  std::vector<uint32_t> places_;
  std::vector<uint64_t> masks_;
  std::vector<uint16_t> touched_;              // replicated fields that are measured
  std::vector<std::vector<uint32_t>> narrow_;  // by lane
  std::vector<std::vector<uint64_t>> wide_;
  std::vector<std::vector<uint64_t>> bits_;
  std::vector<RowIndex> entered_;
  std::vector<uint32_t> entered_indices_;
  std::vector<Tombstone> gone_;
};

}  // namespace ecsdb
