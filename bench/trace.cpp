#include "trace.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "ecsdb/base/prng.h"

#include "units.h"

namespace bench {

using ecsdb::ErrorCode;
using ecsdb::fail;
using ecsdb::FieldType;
using ecsdb::Result;
using ecsdb::SchemaBuilder;

namespace {

void add_cube_fields(SchemaBuilder& builder) {
  builder.field(1, "orientation", FieldType::kQuatf).quaternion_bits(9);
  builder.field(2, "position", FieldType::kVec3f).precision(1.0 / 512);
  builder.field(3, "interacting", FieldType::kBool);
}

void add_body_fields(SchemaBuilder& builder) {
  builder.field(1, "position", FieldType::kVec3f).precision(0.01);
  uint16_t id = 2;
  for (const char* part : {"turn_w", "turn_x", "turn_y", "turn_z"}) {
    builder.field(id++, part, FieldType::kF32).precision(0.001);
  }
}

void add_w1_fields(SchemaBuilder& builder) {
  builder.field(1, "x", FieldType::kF32);
  builder.field(2, "y", FieldType::kF32);
  builder.field(3, "health", FieldType::kI32);
}

void add_synthetic_fields(SchemaBuilder& builder) {
  builder.field(1, "position", FieldType::kVec3f).precision(0.01);
  builder.field(2, "health", FieldType::kI32);
  builder.field(3, "kind", FieldType::kU16);
}

/// Up to `bytes_max` bytes of a file; its errno or 0 goes to `error`.
std::vector<uint8_t> read_bytes(const std::string& path, size_t bytes_max, int& error) {
  std::vector<uint8_t> bytes;
  std::FILE* file = path == "-" ? stdin : std::fopen(path.c_str(), "rb");
  error = file == nullptr ? errno : 0;
  if (file == nullptr) return bytes;
  constexpr size_t kPieceBytes = 1u << 20;
  while (bytes.size() < bytes_max) {
    const size_t before = bytes.size();
    const size_t want = std::min(kPieceBytes, bytes_max - before);
    bytes.resize(before + want);
    const size_t got = std::fread(bytes.data() + before, 1, want, file);
    bytes.resize(before + got);
    if (got < want) break;
  }
  if (std::ferror(file) != 0) error = errno;
  if (file != stdin) std::fclose(file);
  return bytes;
}

}  // namespace

ecsdb::Schema Shape::schema(ecsdb::CodecTier tier, bool in_cells) const {
  SchemaBuilder builder("bench");
  builder.table(1, "row").codec(tier);
  if (in_cells) builder.follow("place");
  add_fields(builder);
  if (in_cells) builder.table(2, "place").by("cell").field(1, "cell", FieldType::kU32);
  ecsdb::Schema schema = builder.build().value();
  ECSDB_CHECK(schema.layout(0).lanes.size() == columns);
  return schema;
}

Result<Shape> shape_named(std::string_view name) {
  if (name == "cubes") return Shape{"cubes", 901, 8, 4, 5, false, add_cube_fields};
  if (name == "bodies") return Shape{"bodies", 250, 7, 0, 1, false, add_body_fields};
  if (name == "w1") return Shape{"w1", 1'000, 3, 0, 1, true, add_w1_fields};
  return fail(ErrorCode::kUsage,
              "no shape \"" + std::string(name) + "\"; there are cubes, bodies and w1");
}

Result<Trace> read_trace(const std::string& path, Shape shape, uint64_t frames_max) {
  constexpr size_t kTraceBytesMax = 1u << 30;
  const size_t frame_bytes = shape.frame_values() * sizeof(int32_t);
  const size_t limit = frames_max == 0 ? kTraceBytesMax / frame_bytes * frame_bytes
                                       : static_cast<size_t>(frames_max) * frame_bytes;
  int error = 0;
  const std::vector<uint8_t> bytes = read_bytes(path, std::min(limit, kTraceBytesMax), error);
  if (error != 0) return fail(ErrorCode::kFileUnreadable, path + ": " + std::strerror(error));
  if (bytes.size() % frame_bytes != 0 || bytes.size() < 2 * frame_bytes) {
    return fail(ErrorCode::kSyntax, path + ": a trace of " + shape.name +
                                        " is two or more whole frames of " +
                                        std::to_string(frame_bytes) + " bytes, and this file has " +
                                        std::to_string(bytes.size()) + "; is it unpacked?");
  }
  Trace trace{std::move(shape), std::vector<int32_t>(bytes.size() / sizeof(int32_t))};
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(trace.values.data(), bytes.data(), bytes.size());
  return trace;
}

Trace make_synthetic_trace(uint64_t rows, uint64_t changes, uint64_t frames, uint64_t seed) {
  ecsdb::Prng rng(seed);
  Trace trace{Shape{"synthetic", rows, 5, 0, 1, false, add_synthetic_fields}, {}};
  const size_t columns = trace.shape.columns;
  for (uint64_t row = 0; row < rows; ++row) {
    for (int axis = 0; axis < 3; ++axis) {
      trace.values.push_back(static_cast<int32_t>(rng.between(-100'000, 100'000)));
    }
    trace.values.push_back(static_cast<int32_t>(rng.between(0, 1'000)));
    trace.values.push_back(static_cast<int32_t>(rng.between(0, 65'535)));
  }
  Picker picker(rows);
  std::vector<int32_t> now = trace.values;
  for (uint64_t frame = 1; frame < frames; ++frame) {
    for (const uint32_t row : picker.pick(changes, rng)) {
      int32_t* values = &now[row * columns];
      for (size_t i = 0; i < 4; ++i) {
        const int32_t step = static_cast<int32_t>(rng.between(1, 100));
        values[i] += rng.chance(1, 2) ? step : -step;
      }
      values[4] = static_cast<int32_t>(rng.between(0, 65'535));
    }
    trace.values.insert(trace.values.end(), now.begin(), now.end());
  }
  return trace;
}

}  // namespace bench
