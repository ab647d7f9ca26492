#include "server/cubes_trace.h"

#include <gtest/gtest.h>

#include "ecsdb/base/hash.h"

#include "server/bundled_files.h"

namespace ecsdb {
namespace {

/// A raw file of `frames` frames: row r rests, or moves by one a frame if r is a multiple of 7.
Bytes raw_trace(size_t frames) {
  Bytes out;
  ByteWriter writer(out);
  for (size_t frame = 0; frame < frames; ++frame) {
    for (size_t row = 0; row < kCubesRows; ++row) {
      const auto moved = static_cast<uint32_t>(row % 7 == 0 ? frame : 0);
      const auto r = static_cast<uint32_t>(row);
      for (const uint32_t value :
           {r % 4, 256 + moved, 511u, 0u, 0u - r * 17, r, 92 + moved, r % 2}) {
        writer.u32(value);
      }
    }
  }
  return out;
}

void refresh_checksum(Bytes& slice, const CubesTrace& trace) {
  Bytes raw;
  ByteWriter writer(raw);
  for (size_t i = 0; i < trace.frame_count(); ++i) {
    for (const int32_t value : trace.frame(i)) writer.u32(static_cast<uint32_t>(value));
  }
  slice.resize(slice.size() - 4);
  ByteWriter(slice).u32(crc32c(raw));
}

TEST(CubesTrace, BundledSliceHoldsTheRecordedFrames) {
  const auto trace = CubesTrace::decode(bundled_cubes_slice());
  ASSERT_TRUE(trace.ok()) << trace.error().context;
  ASSERT_EQ(trace->frame_count(), 120u);
  // Computed from the recording itself: its frames 300 and 419.
  EXPECT_EQ(trace->frame_crc(0), 0xd92483a2u);
  EXPECT_EQ(trace->frame_crc(119), 0xe1e5d833u);
  EXPECT_LE(bundled_cubes_slice().size(), 250u * 1024);
  size_t moved = 0;
  for (size_t i = 1; i < trace->frame_count(); ++i) {
    for (size_t row = 0; row < kCubesRows; ++row) {
      const auto now = trace->frame(i).subspan(row * kCubesColumns, kCubesColumns);
      const auto before = trace->frame(i - 1).subspan(row * kCubesColumns, kCubesColumns);
      moved += std::equal(now.begin(), now.end(), before.begin()) ? 0 : 1;
    }
  }
  EXPECT_GT(moved, 300u * 119) << "too little moves for a demonstration";
}

TEST(CubesTrace, SliceHoldsExactlyTheFramesOfTheRawFile) {
  const auto raw = CubesTrace::decode(raw_trace(5));
  ASSERT_TRUE(raw.ok()) << raw.error().context;
  const auto slice = CubesTrace::decode(raw->encode_slice(1, 3));
  ASSERT_TRUE(slice.ok()) << slice.error().context;
  ASSERT_EQ(slice->frame_count(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(slice->frame_crc(i), raw->frame_crc(i + 1));
  EXPECT_EQ(slice->encode_slice(0, 2), raw->encode_slice(1, 3));
}

TEST(CubesTrace, StepsGoForthAndBack) {
  const auto trace = CubesTrace::decode(raw_trace(3));
  ASSERT_TRUE(trace.ok());
  const std::vector<size_t> expected = {0, 1, 2, 1, 0, 1, 2, 1};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(trace->frame_at_step(i), expected[i]);
  const auto still = CubesTrace::decode(raw_trace(1));
  ASSERT_TRUE(still.ok());
  EXPECT_EQ(still->frame_at_step(9), 0u);
}

TEST(CubesTrace, EveryCutOfASliceIsRefused) {
  const auto trace = CubesTrace::decode(raw_trace(2));
  ASSERT_TRUE(trace.ok());
  const Bytes slice = trace->encode_slice(0, 1);
  for (size_t n = 0; n < slice.size(); n += n < 64 || n + 64 > slice.size() ? 1 : 97) {
    EXPECT_FALSE(CubesTrace::decode(ByteSpan(slice).first(n)).ok()) << n;
  }
}

TEST(CubesTrace, EveryChangedByteOfASliceIsRefused) {
  const auto trace = CubesTrace::decode(raw_trace(2));
  ASSERT_TRUE(trace.ok());
  const Bytes slice = trace->encode_slice(0, 1);
  for (size_t i = 0; i < slice.size(); i += 41) {
    Bytes changed = slice;
    changed[i] ^= 1;
    EXPECT_FALSE(CubesTrace::decode(changed).ok()) << i;
  }
}

TEST(CubesTrace, RawFileOfAnotherSizeIsRefused) {
  Bytes bytes = raw_trace(1);
  bytes.pop_back();
  const auto trace = CubesTrace::decode(bytes);
  ASSERT_FALSE(trace.ok());
  EXPECT_NE(trace.error().context.find("multiple of 28832 bytes"), std::string::npos);
  EXPECT_FALSE(CubesTrace::decode({}).ok());
}

TEST(CubesTrace, ValueThatTheTableCannotHoldIsRefusedWithItsPlace) {
  Bytes bytes = raw_trace(2);
  const size_t at = kCubesFrameBytes + (3 * kCubesColumns + 1) * 4;
  bytes[at] = 0;
  bytes[at + 1] = 2;  // 512 in frame 1, row 3, component a
  const auto trace = CubesTrace::decode(bytes);
  ASSERT_FALSE(trace.ok());
  EXPECT_EQ(trace.code(), ErrorCode::kSyntax);
  EXPECT_EQ(trace.error().context, "frame 1, row 3: component a is 512, not from 0 to 511");
}

TEST(CubesTrace, SliceWithAnEmptyMaskIsRefusedEvenWithARightChecksum) {
  const auto trace = CubesTrace::decode(raw_trace(1));
  ASSERT_TRUE(trace.ok());
  Bytes slice = trace->encode_slice(0, 0);
  slice[8] = 2;  // frames
  slice.resize(slice.size() - 4);
  // One row, none skipped, no column.
  slice.insert(slice.end(), {1, 0, 0});
  slice.resize(slice.size() + 4);
  refresh_checksum(slice, *trace);
  const auto damaged = CubesTrace::decode(slice);
  ASSERT_FALSE(damaged.ok());
  EXPECT_EQ(damaged.error().context, "the slice is damaged in frame 1");
}

}  // namespace
}  // namespace ecsdb
