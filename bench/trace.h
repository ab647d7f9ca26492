// Row traces for the codec benchmark: frames of rows of 32-bit integers, as recorded or made up.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ecsdb/base/result.h"
#include "ecsdb/schema/schema_builder.h"

namespace bench {

/// How a trace's rows are laid out.
struct Shape {
  std::string name;
  size_t rows = 0;
  size_t columns = 0;
  size_t x = 0;  // columns that cells are squares over
  size_t y = 1;
  bool is_float = false;  // x and y are float bits
  void (*add_fields)(ecsdb::SchemaBuilder&) = nullptr;

  size_t frame_values() const { return rows * columns; }
  /// Table 0 has a lane for each column, in order. `in_cells`: its rows are in the cell that their
  /// row of table 1 names, which has the one field `cell`; else all are in one cell.
  ecsdb::Schema schema(ecsdb::CodecTier tier, bool in_cells) const;
};

/// cubes, bodies or w1: 901 rows {largest quaternion component, the other three in 9 bits, x, y, z
/// in 1/512, touched}; 250 rows {x, y, z in 0.01, quaternion in 0.001}; 1,000 rows {f32 x, f32 y,
/// i32 health}. kUsage for another name.
ecsdb::Result<Shape> shape_named(std::string_view name);

/// Frames one after the other, each row after row. Floats are their bits.
struct Trace {
  Shape shape;
  std::vector<int32_t> values;

  size_t frames() const { return values.size() / shape.frame_values(); }
  std::span<const int32_t> frame(size_t index) const {
    return std::span(values).subspan(index * shape.frame_values(), shape.frame_values());
  }
};

/// Reads little-endian frames without a header from a file, or from standard input for "-".
/// `frames_max` 0: all. kFileUnreadable, kSyntax (a frame is cut short, or there are fewer than
/// two).
ecsdb::Result<Trace> read_trace(const std::string& path, Shape shape, uint64_t frames_max);

/// Rows {x, y, z in 0.01, health i32, kind u16}, of which `changes` random ones change every field
/// in each frame.
Trace make_synthetic_trace(uint64_t rows, uint64_t changes, uint64_t frames, uint64_t seed);

}  // namespace bench
