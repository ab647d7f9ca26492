#include "ecsdb/server/step_writer.h"

#include <gtest/gtest.h>

namespace ecsdb {
namespace {

/// A publish of two cells with blocks of so many bytes.
class StepWriterTest : public ::testing::Test {
 protected:
  explicit StepWriterTest(size_t bytes = 400) : ring_(1, Version{4}, 8, 1u << 20) {
    ring_.begin(Version{4}, Version{9}, 1234);
    ring_.add({0, 0}, {{{pool_.make(Bytes(bytes, 'a'), Version{2}), {}}}});
    ring_.add({0, 1}, {{{pool_.make(Bytes(bytes, 'b'), Version{3}), {}}}});
  }
  StepWriter::Step step(std::span<const StepEntry> entries, Version from = Version{4}) const {
    return {ring_.newest_sequence(), from, 0, entries};
  }
  struct Written {
    Bytes bytes;
    std::vector<const uint8_t*> parts;
  };
  Written write(const StepWriter::Step& step) {
    Outbox& out = outboxes_.emplace_back();
    steps_.write(ring_, step, writer_, out);
    return written(out);
  }
  /// The same without sharing.
  Written write_alone(const StepWriter::Step& step) {
    Outbox& out = outboxes_.emplace_back();
    writer_.write(steps_.plan(ring_, step), MessageType::kAdvance, out);
    return written(out);
  }
  static Written written(Outbox& out) {
    Written written;
    for (const ByteSpan part : out.parts()) {
      written.bytes.insert(written.bytes.end(), part.begin(), part.end());
      written.parts.push_back(part.data());
    }
    return written;
  }

  BlockPool pool_;
  PublishRing ring_;
  AdvanceWriter writer_;
  StepWriter steps_;
  std::deque<Outbox> outboxes_;
  const std::vector<StepEntry> both_ = {{0, 1, 0}, {1, 1, 1}};
};

TEST_F(StepWriterTest, SecondOfTheSameIsInOnePieceThatOthersShare) {
  const Written alone = write_alone(step(both_));
  const Written first = write(step(both_));
  const Written second = write(step(both_));
  const Written third = write(step(both_));
  EXPECT_EQ(first.bytes, alone.bytes);
  EXPECT_EQ(second.bytes, alone.bytes);
  EXPECT_EQ(third.bytes, alone.bytes);
  EXPECT_EQ(first.parts.size(), 3u);
  ASSERT_EQ(second.parts.size(), 1u);
  EXPECT_EQ(second.parts, third.parts);
  EXPECT_EQ(steps_.frames_shared(), 2u);
}

TEST_F(StepWriterTest, WhateverDiffersIsAnotherFrame) {
  for (int i = 0; i < 2; ++i) write(step(both_));
  const std::vector<std::vector<StepEntry>> others = {
      {{0, 1, 0}}, {{0, 2, 0}, {1, 1, 1}}, {{0, 1, 1}, {1, 1, 0}}, {{1, 1, 1}, {0, 1, 0}}};
  for (const std::vector<StepEntry>& entries : others) {
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(write(step(entries)).bytes, write_alone(step(entries)).bytes);
    }
  }
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(write(step(both_, Version{3})).bytes, write_alone(step(both_, Version{3})).bytes);
  }
}

TEST_F(StepWriterTest, FramesAreForgottenWithTheNextPublish) {
  for (int i = 0; i < 3; ++i) write(step(both_));
  steps_.begin_publish();
  EXPECT_EQ(write(step(both_)).parts.size(), 3u);
}

TEST_F(StepWriterTest, FrameOutlivesWhatItWasMadeOf) {
  write(step(both_));
  const Written alone = write_alone(step(both_));
  const Written shared = write(step(both_));
  steps_.begin_publish();
  ring_.begin(Version{9}, Version{10}, 0);
  ring_.trim(0);
  EXPECT_EQ(written(outboxes_.back()).bytes, alone.bytes);
  EXPECT_EQ(written(outboxes_.back()).parts, shared.parts);
}

class StepWriterOfLargeBlocksTest : public StepWriterTest {
 protected:
  StepWriterOfLargeBlocksTest() : StepWriterTest(9 * 1024) {}
};

TEST_F(StepWriterOfLargeBlocksTest, LargeFramesAreNotCopied) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(write(step(both_)).parts.size(), 3u);
  EXPECT_EQ(steps_.frames_shared(), 0u);
}

}  // namespace
}  // namespace ecsdb
