#include "ecsdb/server/advance_writer.h"

#include <gtest/gtest.h>

#include "ecsdb/base/hash.h"
#include "ecsdb/wire/frame.h"

namespace ecsdb {
namespace {

struct Written {
  std::vector<Advance> frames;
  std::vector<Bytes> tails;
};

Written write(const AdvancePlan& plan, MessageType type = MessageType::kAdvance) {
  Outbox out;
  AdvanceWriter().write(plan, type, out);
  Bytes stream;
  while (!out.empty()) {
    size_t n = 0;
    for (const ByteSpan part : out.parts()) {
      stream.insert(stream.end(), part.begin(), part.end());
      n += part.size();
    }
    out.accept(n);
  }
  Written written;
  FrameReader reader({kFrameHeadBytesMax, kFrameTailBytesMax});
  reader.feed(stream);
  while (true) {
    auto frame = reader.next();
    EXPECT_TRUE(frame.ok());
    if (!frame.ok() || !frame->has_value()) return written;
    EXPECT_EQ((*frame)->type, type);
    EXPECT_TRUE(decode_message((*frame)->head, written.frames.emplace_back()).ok());
    written.tails.emplace_back((*frame)->tail.begin(), (*frame)->tail.end());
  }
}

BlockPart block(size_t bytes, uint8_t fill) {
  static BlockPool pool;
  return {pool.make(Bytes(bytes, fill), Version{5}), {}};
}

TEST(AdvanceWriter, SmallPlanIsOneFrame) {
  AdvancePlan plan;
  plan.kind = AdvanceKind::kNet;
  plan.from = Version{4};
  plan.to = Version{9};
  plan.commit_time_ns = 1234;
  plan.leaves = {{1, 2}};
  plan.enters = {{1, 3, TableId{5}, CellKey::value(6), Version{7}, 8}};
  plan.add_blocks(1, 3, BlockParts{block(10, 'a'), block(20, 'b')}, 0);
  plan.add_blocks(4, 2, BlockParts{block(1, 'c')}, 0);
  plan.add_blocks(2, 1, BlockParts{block(1, 'd')}, 0);
  const Written written = write(plan);
  ASSERT_EQ(written.frames.size(), 1u);
  const Advance& frame = written.frames[0];
  EXPECT_TRUE(frame.begin() && frame.end());
  EXPECT_EQ(frame.kind(), AdvanceKind::kNet);
  EXPECT_EQ(frame.from, Version{4});
  EXPECT_EQ(frame.to(), Version{9});
  EXPECT_EQ(frame.commit_time_ns, 1234u);
  EXPECT_EQ(frame.leaves.at(0).generation, 2u);
  EXPECT_EQ(frame.enters.at(0).key, CellKey::value(6));
  EXPECT_EQ(frame.enters.at(0).publishes, 8u);
  ASSERT_EQ(frame.blocks.size(), 4u);
  EXPECT_EQ(frame.blocks[1].bytes, 20u);
  EXPECT_EQ(frame.blocks[0].step, 1);
  EXPECT_EQ(frame.blocks[1].step, 0);
  EXPECT_EQ(frame.blocks[2].step, 3);
  EXPECT_EQ(frame.blocks[3].step, -2);
  TailChecksum expected;
  expected.add(1, 3, Version{5}, crc32c(Bytes(10, 'a')));
  expected.add(1, 3, Version{5}, crc32c(Bytes(20, 'b')));
  expected.add(4, 2, Version{5}, crc32c(Bytes(1, 'c')));
  expected.add(2, 1, Version{5}, crc32c(Bytes(1, 'd')));
  EXPECT_EQ(frame.tail_checksum, expected.value());
  EXPECT_EQ(written.tails[0].size(), 32u);
}

TEST(AdvanceWriter, EmptyPlanIsOneFrame) {
  const Written written = write(AdvancePlan{}, MessageType::kSyncChunk);
  ASSERT_EQ(written.frames.size(), 1u);
  EXPECT_TRUE(written.frames[0].begin() && written.frames[0].end());
  EXPECT_EQ(written.frames[0].tail_checksum, Fixed32{0});
}

TEST(AdvanceWriter, LeavesThenEntersThenBlocksOverManyFrames) {
  AdvancePlan plan;
  for (uint32_t i = 0; i < 1200; ++i) plan.leaves.push_back({i, 1});
  for (uint32_t i = 0; i < 1300; ++i) {
    plan.enters.push_back({i, 2, TableId{65535}, CellKey::grid(-(1LL << 62), 1LL << 62, 1), {}, 0});
  }
  for (uint32_t i = 0; i < 3000; ++i) plan.add_blocks(i % 1300, 2, BlockParts{block(100, 'x')}, 0);
  plan.add_blocks(7, 2, BlockParts{block(kBlockBytesMax, 'y'), block(kBlockBytesMax, 'z')}, 0);
  const Written written = write(plan);
  EXPECT_GT(written.frames.size(), 5u);
  size_t leaves = 0;
  size_t enters = 0;
  size_t blocks = 0;
  for (size_t i = 0; i < written.frames.size(); ++i) {
    const Advance& frame = written.frames[i];
    EXPECT_EQ(frame.begin(), i == 0);
    EXPECT_EQ(frame.end(), i + 1 == written.frames.size());
    EXPECT_LE(written.tails[i].size(), kFrameTailBytesMax);
    EXPECT_TRUE(frame.enters.empty() || leaves + frame.leaves.size() == 1200);
    leaves += frame.leaves.size();
    enters += frame.enters.size();
    EXPECT_TRUE(frame.blocks.empty() || enters == 1300);
    size_t tail = 0;
    for (const BlockEntry& entry : frame.blocks) tail += entry.bytes;
    EXPECT_EQ(tail, written.tails[i].size());
    blocks += frame.blocks.size();
  }
  EXPECT_EQ(leaves, 1200u);
  EXPECT_EQ(enters, 1300u);
  EXPECT_EQ(blocks, 3002u);
}

TEST(AdvanceWriter, TailStaysUnderItsLimit) {
  AdvancePlan plan;
  for (uint32_t i = 0; i < 9; ++i) plan.add_blocks(i, 1, BlockParts{block(kBlockBytesMax, 'x')}, 0);
  const Written written = write(plan);
  ASSERT_EQ(written.frames.size(), 3u);  // four and four and one
  EXPECT_EQ(written.frames[0].blocks.size(), 4u);
  EXPECT_EQ(written.frames[2].blocks.size(), 1u);
}

}  // namespace
}  // namespace ecsdb
