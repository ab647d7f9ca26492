// A database that follows a trace, frame by frame.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "ecsdb/store/transaction.h"

#include "trace.h"

namespace bench {

/// Squares over a trace's x and y. A row keeps its square until it is out of it by a tenth of its
/// edge.
class CellGrid {
 public:
  /// The edge is chosen so that squares that are not empty have about `rows` rows.
  CellGrid(const Trace& trace, double rows);
  /// Number of each row's square in a frame; frames must come in order.
  std::span<const uint32_t> step(size_t frame);
  /// Rows per square that is not empty, averaged over the frames so far.
  double rows_per_cell() const;

 private:
  using Square = std::pair<int64_t, int64_t>;
  double coordinate(size_t frame, size_t row, size_t column) const;
  Square square_of(size_t frame, size_t row, double edge) const;
  double count_rows(double edge) const;

  const Trace& trace_;
  double edge_ = 1;
  std::vector<Square> squares_;  // by row
  std::map<Square, uint32_t> numbers_;
  std::vector<uint32_t> cells_;
  double rows_per_cell_sum_ = 0;
  size_t frames_ = 0;
};

/// The lane of an integer of the trace.
inline uint64_t to_lane(const ecsdb::Lane& lane, int32_t value) {
  return lane.kind == ecsdb::LaneKind::kSigned ? static_cast<uint64_t>(int64_t{value})
                                               : uint64_t{static_cast<uint32_t>(value)};
}

/// Rows of table 0 are the trace's, in order of entity. Not published by itself.
class TraceDatabase {
 public:
  /// `cell_rows` 0: one cell.
  TraceDatabase(const Trace& trace, ecsdb::CodecTier tier, double cell_rows);

  ecsdb::Database& db() { return db_; }
  const Trace& trace() const { return trace_; }
  const ecsdb::TableLayout& layout() const { return db_.schema().layout(0); }
  const CellGrid* grid() const { return grid_.get(); }

  /// Commits the rows of the first frame, or what differs between two frames that follow each
  /// other.
  ecsdb::Status start(size_t frame);
  ecsdb::Status step(size_t frame);

  /// Rows that the last step changed, rising, and how many columns and fields of them.
  std::span<const uint32_t> changed_rows() const { return rows_; }
  size_t changed_columns() const { return columns_; }
  size_t changed_fields() const { return field_count_; }
  /// Any row that does not show the frame: kDigestMismatch.
  ecsdb::Status verify(const ecsdb::Table& table, size_t frame) const;

 private:
  struct FieldChanges {
    std::vector<ecsdb::EntityId> entities;
    std::vector<uint64_t> lanes;
  };
  ecsdb::Status commit(size_t frame, bool all);
  void collect_row(uint32_t row, std::span<const int32_t> now, std::span<const int32_t> before,
                   bool all);

  const Trace& trace_;
  ecsdb::Database db_;
  std::unique_ptr<CellGrid> grid_;
  std::vector<uint32_t> cells_;  // by row
  std::vector<ecsdb::EntityId> entities_;
  std::vector<FieldChanges> fields_;
  std::vector<uint32_t> rows_;
  size_t columns_ = 0;
  size_t field_count_ = 0;
};

}  // namespace bench
