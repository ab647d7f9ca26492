#include "trace_database.h"

#include <bit>
#include <cmath>
#include <set>

namespace bench {

using ecsdb::Status;

CellGrid::CellGrid(const Trace& trace, double rows)
    : trace_(trace), squares_(trace.shape.rows), cells_(trace.shape.rows) {
  double small = 1e-3;
  double large = 1e9;
  for (int i = 0; i < 60; ++i) {
    const double middle = std::sqrt(small * large);
    (count_rows(middle) < rows ? small : large) = middle;
  }
  edge_ = large;
}

double CellGrid::coordinate(size_t frame, size_t row, size_t column) const {
  const int32_t value = trace_.frame(frame)[row * trace_.shape.columns + column];
  return trace_.shape.is_float ? static_cast<double>(std::bit_cast<float>(value)) : value;
}

CellGrid::Square CellGrid::square_of(size_t frame, size_t row, double edge) const {
  return {static_cast<int64_t>(std::floor(coordinate(frame, row, trace_.shape.x) / edge)),
          static_cast<int64_t>(std::floor(coordinate(frame, row, trace_.shape.y) / edge))};
}

/// Rows per square with such an edge, over a sample of the frames.
double CellGrid::count_rows(double edge) const {
  double sum = 0;
  size_t frames = 0;
  for (size_t frame = 0; frame < trace_.frames(); frame += 97, ++frames) {
    std::set<Square> squares;
    for (size_t row = 0; row < trace_.shape.rows; ++row)
      squares.insert(square_of(frame, row, edge));
    sum += static_cast<double>(trace_.shape.rows) / static_cast<double>(squares.size());
  }
  return sum / static_cast<double>(frames);
}

std::span<const uint32_t> CellGrid::step(size_t frame) {
  std::set<uint32_t> used;
  for (size_t row = 0; row < trace_.shape.rows; ++row) {
    const double x = coordinate(frame, row, trace_.shape.x) / edge_;
    const double y = coordinate(frame, row, trace_.shape.y) / edge_;
    Square& square = squares_[row];
    auto is_out = [](double at, int64_t cell) {
      return at < static_cast<double>(cell) - 0.1 || at >= static_cast<double>(cell) + 1.1;
    };
    if (frames_ == 0 || is_out(x, square.first) || is_out(y, square.second)) {
      square = square_of(frame, row, edge_);
    }
    cells_[row] = numbers_.emplace(square, static_cast<uint32_t>(numbers_.size())).first->second;
    used.insert(cells_[row]);
  }
  ++frames_;
  rows_per_cell_sum_ += static_cast<double>(cells_.size()) / static_cast<double>(used.size());
  return cells_;
}

double CellGrid::rows_per_cell() const {
  return frames_ == 0 ? 0 : rows_per_cell_sum_ / static_cast<double>(frames_);
}

TraceDatabase::TraceDatabase(const Trace& trace, ecsdb::CodecTier tier, double cell_rows)
    : trace_(trace),
      db_(trace.shape.schema(tier, cell_rows > 0), ecsdb::DatabaseOptions{}),
      fields_(layout().fields.size()) {
  if (cell_rows > 0) grid_ = std::make_unique<CellGrid>(trace, cell_rows);
}

Status TraceDatabase::start(size_t frame) {
  ecsdb::Transaction tx = db_.begin();
  if (grid_) {
    const auto cells = grid_->step(frame);
    cells_.assign(cells.begin(), cells.end());
  }
  for (size_t row = 0; row < trace_.shape.rows; ++row) {
    entities_.push_back(tx.create().value());
    ECSDB_TRY(tx.insert(0, entities_.back(), {}));
    if (!grid_) continue;
    const ecsdb::FieldValue cell{0, uint64_t{cells_[row]}};
    ECSDB_TRY(tx.insert(1, entities_.back(), std::span(&cell, 1)));
  }
  std::move(tx).commit();
  return commit(frame, true);
}

Status TraceDatabase::step(size_t frame) { return commit(frame, false); }

Status TraceDatabase::commit(size_t frame, bool all) {
  const auto now = trace_.frame(frame);
  const auto before = trace_.frame(all ? frame : frame - 1);
  for (FieldChanges& field : fields_) {
    field.entities.clear();
    field.lanes.clear();
  }
  rows_.clear();
  columns_ = field_count_ = 0;
  for (uint32_t row = 0; row < trace_.shape.rows; ++row) collect_row(row, now, before, all);
  ecsdb::Transaction tx = db_.begin();
  for (uint16_t field = 0; field < fields_.size(); ++field) {
    ECSDB_TRY(tx.set_many(0, field, fields_[field].entities, fields_[field].lanes));
  }
  if (grid_ && !all) {
    const auto cells = grid_->step(frame);
    for (size_t row = 0; row < cells.size(); ++row) {
      if (cells[row] == cells_[row]) continue;
      cells_[row] = cells[row];
      ECSDB_TRY(tx.set(1, entities_[row], 0, uint64_t{cells[row]}));
    }
  }
  std::move(tx).commit();
  return {};
}

void TraceDatabase::collect_row(uint32_t row, std::span<const int32_t> now,
                                std::span<const int32_t> before, bool all) {
  const size_t at = row * trace_.shape.columns;
  bool row_changed = false;
  for (size_t f = 0; f < fields_.size(); ++f) {
    const ecsdb::FieldLayout& field = layout().fields[f];
    const size_t end = size_t{field.lane_first} + field.lane_count;
    size_t lanes = 0;
    for (size_t k = field.lane_first; k < end; ++k) lanes += now[at + k] != before[at + k];
    if (lanes == 0 && !all) continue;
    columns_ += lanes;
    ++field_count_;
    row_changed = true;
    fields_[f].entities.push_back(entities_[row]);
    for (size_t k = field.lane_first; k < end; ++k) {
      fields_[f].lanes.push_back(to_lane(layout().lanes[k], now[at + k]));
    }
  }
  if (row_changed) rows_.push_back(row);
}

Status TraceDatabase::verify(const ecsdb::Table& table, size_t frame) const {
  const auto now = trace_.frame(frame);
  for (size_t row = 0; row < trace_.shape.rows; ++row) {
    const ecsdb::RowIndex held = table.find(entities_[row]);
    for (uint16_t lane = 0; lane < trace_.shape.columns; ++lane) {
      const uint64_t expected =
          to_lane(layout().lanes[lane], now[row * trace_.shape.columns + lane]);
      if (held != ecsdb::kNoRow && table.lane(held, lane) == expected) continue;
      return ecsdb::fail(ecsdb::ErrorCode::kDigestMismatch, "frame " + std::to_string(frame) +
                                                                ", row " + std::to_string(row) +
                                                                ", column " + std::to_string(lane));
    }
  }
  return {};
}

}  // namespace bench
