#include "server/cubes_trace.h"

#include <algorithm>

#include "ecsdb/base/check.h"
#include "ecsdb/base/hash.h"
#include "ecsdb/base/ids.h"

namespace ecsdb {
namespace {

constexpr std::string_view kMagic = "ecscubes";

struct ColumnRange {
  const char* name;
  int32_t min;
  int32_t max;
};
constexpr ColumnRange kColumns[kCubesColumns] = {
    {"largest component", 0, 3},  {"component a", 0, 511},      {"component b", 0, 511},
    {"component c", 0, 511},      {"x", -(1 << 30), (1 << 30)}, {"y", -(1 << 30), (1 << 30)},
    {"z", -(1 << 30), (1 << 30)}, {"interacting", 0, 1},
};

Error bad(std::string context) { return fail(ErrorCode::kSyntax, std::move(context)); }

/// A value of the reader that fits 32 bits; anything else fails the reader.
int32_t read_value(ByteReader& in, int64_t base) {
  const uint64_t raw = in.varint_up_to(UINT32_MAX * uint64_t{2});
  const int64_t value = base + unzigzag(raw);
  if (value < INT32_MIN || value > INT32_MAX) {
    in.fail();
    return 0;
  }
  return static_cast<int32_t>(value);
}

/// Reads one frame of differences into `frame`, which holds the frame before.
void read_changes(ByteReader& in, std::span<int32_t> frame) {
  const uint64_t changed = in.varint_up_to(kCubesRows);
  size_t row = 0;
  for (uint64_t i = 0; i < changed && in.ok(); ++i, ++row) {
    row += static_cast<size_t>(in.varint_up_to(kCubesRows));
    const uint8_t mask = in.u8();
    if (row >= kCubesRows || mask == 0) return in.fail();
    for (size_t column = 0; column < kCubesColumns; ++column) {
      if ((mask >> column & 1) == 0) continue;
      int32_t& value = frame[row * kCubesColumns + column];
      const int32_t before = value;
      value = read_value(in, before);
      if (value == before) in.fail();
    }
  }
}

Bytes raw_bytes(std::span<const int32_t> values) {
  Bytes out;
  out.reserve(values.size() * sizeof(int32_t));
  ByteWriter writer(out);
  for (const int32_t value : values) writer.u32(static_cast<uint32_t>(value));
  return out;
}

Result<std::vector<int32_t>> decode_slice(ByteSpan bytes) {
  ByteReader in(bytes.subspan(kMagic.size()));
  const uint64_t frames = in.varint_up_to(kCubesFramesMax);
  // Every frame takes a byte at least, so this bounds what a false count can make us allocate.
  if (frames == 0 || frames > in.left()) return bad("not a slice: its number of frames is wrong");
  std::vector<int32_t> values;
  for (size_t i = 0; i < kCubesFrameValues && in.ok(); ++i) values.push_back(read_value(in, 0));
  for (uint64_t frame = 1; frame < frames && in.ok(); ++frame) {
    const size_t begin = values.size();
    values.resize(begin + kCubesFrameValues);
    std::copy_n(values.begin() + static_cast<ptrdiff_t>(begin - kCubesFrameValues),
                kCubesFrameValues, values.begin() + static_cast<ptrdiff_t>(begin));
    read_changes(in, std::span(values).subspan(begin));
    if (!in.ok()) return bad("the slice is damaged in frame " + std::to_string(frame));
  }
  const uint32_t checksum = in.u32();
  if (!in.exhausted()) return bad("the slice is damaged, or cut off, or has bytes behind its end");
  if (crc32c(raw_bytes(values)) != checksum) return bad("the slice's checksum differs");
  return values;
}

Result<std::vector<int32_t>> decode_raw(ByteSpan bytes) {
  if (bytes.empty() || bytes.size() % kCubesFrameBytes != 0) {
    return bad("neither a slice nor raw frames: a raw file has a multiple of " +
               std::to_string(kCubesFrameBytes) + " bytes, this one " +
               std::to_string(bytes.size()) + "; unpack a compressed file first");
  }
  if (bytes.size() / kCubesFrameBytes > kCubesFramesMax) {
    return bad("more than " + std::to_string(kCubesFramesMax) + " frames");
  }
  ByteReader in(bytes);
  std::vector<int32_t> values(bytes.size() / sizeof(int32_t));
  for (int32_t& value : values) value = static_cast<int32_t>(in.u32());
  return values;
}

void write_changes(ByteWriter& out, std::span<const int32_t> before, std::span<const int32_t> now) {
  Bytes rows;
  ByteWriter row_out(rows);
  uint64_t changed = 0;
  size_t next_row = 0;
  for (size_t row = 0; row < kCubesRows; ++row) {
    const size_t at = row * kCubesColumns;
    uint8_t mask = 0;
    for (size_t i = 0; i < kCubesColumns; ++i) {
      if (before[at + i] != now[at + i]) mask = static_cast<uint8_t>(mask | 1u << i);
    }
    if (mask == 0) continue;
    ++changed;
    row_out.varint(row - next_row);
    row_out.u8(mask);
    for (size_t i = 0; i < kCubesColumns; ++i) {
      if ((mask >> i & 1) != 0) row_out.varint(zigzag(int64_t{now[at + i]} - before[at + i]));
    }
    next_row = row + 1;
  }
  out.varint(changed);
  out.bytes(rows);
}

}  // namespace

Result<CubesTrace> CubesTrace::checked(std::vector<int32_t> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    const ColumnRange& column = kColumns[i % kCubesColumns];
    if (values[i] >= column.min && values[i] <= column.max) continue;
    return bad("frame " + std::to_string(i / kCubesFrameValues) + ", row " +
               std::to_string(i / kCubesColumns % kCubesRows) + ": " + column.name + " is " +
               std::to_string(values[i]) + ", not from " + std::to_string(column.min) + " to " +
               std::to_string(column.max));
  }
  return CubesTrace(std::move(values));
}

Result<CubesTrace> CubesTrace::decode(ByteSpan bytes) {
  const bool is_slice = as_text(bytes).starts_with(kMagic);
  Result<std::vector<int32_t>> values = is_slice ? decode_slice(bytes) : decode_raw(bytes);
  if (!values.ok()) return values.error();
  return checked(std::move(values).value());
}

std::span<const int32_t> CubesTrace::frame(size_t index) const {
  ECSDB_CHECK(index < frame_count());
  return std::span(values_).subspan(index * kCubesFrameValues, kCubesFrameValues);
}

size_t CubesTrace::frame_at_step(uint64_t step) const {
  const uint64_t last = frame_count() - 1;
  if (last == 0) return 0;
  const uint64_t phase = step % (2 * last);
  return static_cast<size_t>(phase <= last ? phase : 2 * last - phase);
}

uint32_t CubesTrace::frame_crc(size_t index) const { return crc32c(raw_bytes(frame(index))); }

Bytes CubesTrace::encode_slice(size_t first, size_t last) const {
  ECSDB_CHECK(first <= last && last < frame_count());
  Bytes out;
  ByteWriter writer(out);
  writer.bytes(as_bytes(kMagic));
  writer.varint(last - first + 1);
  for (const int32_t value : frame(first)) writer.varint(zigzag(value));
  for (size_t i = first + 1; i <= last; ++i) write_changes(writer, frame(i - 1), frame(i));
  const auto all =
      std::span(values_).subspan(first * kCubesFrameValues, (last - first + 1) * kCubesFrameValues);
  writer.u32(crc32c(raw_bytes(all)));
  return out;
}

}  // namespace ecsdb
