#include "ecsdb/wire/outbox.h"

#include <gtest/gtest.h>

#include "ecsdb/base/hash.h"
#include "ecsdb/base/prng.h"

namespace ecsdb {
namespace {

void append_own(Outbox& outbox, std::string_view text) {
  Bytes& own = outbox.own();
  own.insert(own.end(), text.begin(), text.end());
  outbox.own_done();
}

BlockRef block_of(std::string_view text) {
  static BlockPool pool;
  return pool.make(as_bytes(text), Version{});
}

std::string offered(Outbox& outbox) {
  std::string out;
  for (const ByteSpan part : outbox.parts()) out += as_text(part);
  return out;
}

/// Lets the link take at most `most` bytes of what is offered.
std::string take(Outbox& outbox, size_t most) {
  const std::string out = offered(outbox).substr(0, most);
  outbox.accept(out.size());
  return out;
}

void fill(Outbox& outbox) {
  append_own(outbox, "head1");
  append_own(outbox, "head2");
  outbox.block(block_of("block1"));
  outbox.block(block_of("b"));
  append_own(outbox, "tail");
  append_own(outbox, "tail2");
}
constexpr std::string_view kFilled = "head1head2block1btailtail2";

TEST(Outbox, NewOneIsEmpty) {
  Outbox outbox;
  EXPECT_TRUE(outbox.empty());
  EXPECT_TRUE(outbox.parts().empty());
  EXPECT_EQ(outbox.accepted(), 0u);
}

TEST(Outbox, PartsComeInTheOrderOfTheStream) {
  Outbox outbox;
  fill(outbox);
  EXPECT_EQ(outbox.bytes(), kFilled.size());
  EXPECT_EQ(offered(outbox), kFilled);
}

TEST(Outbox, EveryShortAcceptKeepsTheRest) {
  for (size_t n = 0; n <= kFilled.size(); ++n) {
    Outbox outbox;
    fill(outbox);
    outbox.accept(n);
    EXPECT_EQ(offered(outbox), kFilled.substr(n)) << n;
    EXPECT_EQ(outbox.bytes(), kFilled.size() - n);
    EXPECT_EQ(outbox.accepted(), n);
    EXPECT_EQ(outbox.empty(), n == kFilled.size());
    append_own(outbox, "more");
    EXPECT_EQ(offered(outbox), std::string(kFilled.substr(n)) + "more") << n;
  }
}

TEST(Outbox, EveryStepOfAcceptsKeepsTheStream) {
  for (size_t step = 1; step <= kFilled.size(); ++step) {
    Outbox outbox;
    fill(outbox);
    std::string stream;
    while (!outbox.empty()) stream += take(outbox, step);
    EXPECT_EQ(stream, kFilled) << step;
    EXPECT_EQ(outbox.accepted(), kFilled.size());
    EXPECT_TRUE(outbox.parts().empty());
  }
}

TEST(Outbox, AcceptOfNothingChangesNothing) {
  Outbox outbox;
  outbox.accept(0);
  fill(outbox);
  outbox.accept(3);
  outbox.accept(0);
  EXPECT_EQ(offered(outbox), kFilled.substr(3));
}

TEST(Outbox, OwnWithoutBytesLeavesNoPart) {
  Outbox outbox;
  outbox.own();
  outbox.own_done();
  EXPECT_TRUE(outbox.empty());
  EXPECT_TRUE(outbox.parts().empty());
  outbox.block(block_of("x"));
  outbox.own();
  outbox.own_done();
  EXPECT_EQ(outbox.parts().size(), 1u);
}

TEST(Outbox, SmallMessagesShareAPart) {
  Outbox outbox;
  outbox.block(block_of(std::string(300, 'b')));
  for (int i = 0; i < 100; ++i) append_own(outbox, "message");
  EXPECT_EQ(outbox.parts().size(), 2u);
  EXPECT_EQ(outbox.bytes(), 300 + 100 * std::string_view("message").size());
}

// What was offered may be with the link: its bytes stay where they are while more is appended.
TEST(Outbox, OfferedPartsAreNotMovedByAppends) {
  Outbox outbox;
  append_own(outbox, "front");
  outbox.block(block_of(std::string(300, 'b')));
  append_own(outbox, "back");
  const std::vector<ByteSpan> offered(outbox.parts().begin(), outbox.parts().end());
  ASSERT_EQ(offered.size(), 3u);
  append_own(outbox, std::string(10000, 'x'));
  append_own(outbox, "y");
  ASSERT_EQ(outbox.parts().size(), 5u);
  for (size_t i = 0; i < offered.size(); ++i) {
    EXPECT_EQ(outbox.parts()[i].data(), offered[i].data());
    EXPECT_EQ(outbox.parts()[i].size(), offered[i].size());
  }
}

// A link that always takes a little less than there is never empties the queue.
TEST(Outbox, QueueThatIsNeverEmptyDoesNotGrow) {
  Outbox outbox;
  std::string written, sent;
  for (int step = 0; step < 1000; ++step) {
    const std::string text = std::to_string(step) + std::string(300, '.');
    append_own(outbox, text);
    outbox.block(block_of(text));
    written += text + text;
    sent += take(outbox, outbox.bytes() - 10);
    ASSERT_LE(outbox.parts().size(), 2u);
  }
  while (!outbox.empty()) sent += take(outbox, ~size_t{0});
  EXPECT_EQ(sent, written);
}

TEST(Outbox, MoreThanTheMostPartsWaitTheirTurn) {
  Outbox outbox;
  std::string expected;
  for (size_t i = 0; i < kOutputPartsMax * 2 + 5; ++i) {
    const std::string text = std::to_string(i) + std::string(300, ',');
    expected += text;
    outbox.block(block_of(text));
  }
  EXPECT_EQ(outbox.parts().size(), kOutputPartsMax);
  std::string stream;
  while (!outbox.empty()) stream += take(outbox, ~size_t{0});
  EXPECT_EQ(stream, expected);
}

TEST(Outbox, LargeBlocksAreSharedNotCopied) {
  const std::string text = std::string(300, 's') + "hared";
  const BlockRef block = block_of(text);
  Outbox first, second;
  first.block(block);
  second.block(block);
  EXPECT_EQ(first.parts()[0].data(), block.bytes().data());
  EXPECT_EQ(second.parts()[0].data(), block.bytes().data());
  take(first, 302);
  EXPECT_EQ(offered(first), "red");
  EXPECT_EQ(offered(second), text);
}

TEST(Outbox, SmallBlocksJoinThePartBeforeThem) {
  Outbox outbox;
  append_own(outbox, "front");
  for (int i = 0; i < 40; ++i) outbox.block(block_of("small"));
  EXPECT_EQ(outbox.parts().size(), 1u);
  EXPECT_EQ(outbox.bytes(), 5u + 40 * 5u);
}

TEST(Outbox, BlockOutlivesItsMakerUntilItIsSent) {
  Outbox outbox;
  {
    BlockRef block = block_of(std::string(300, 'k'));
    outbox.block(block);
    block = block_of("other");
  }
  EXPECT_EQ(offered(outbox), std::string(300, 'k'));
}

TEST(Outbox, ClearDropsWhatIsLeft) {
  Outbox outbox;
  fill(outbox);
  outbox.accept(7);
  outbox.clear();
  EXPECT_TRUE(outbox.empty());
  EXPECT_TRUE(outbox.parts().empty());
  EXPECT_EQ(outbox.accepted(), 7u);
  append_own(outbox, "new");
  EXPECT_EQ(offered(outbox), "new");
}

TEST(Outbox, CopyGoesOnAlone) {
  Outbox outbox;
  fill(outbox);
  outbox.accept(12);
  Outbox copy = outbox;
  append_own(copy, "!");
  take(outbox, ~size_t{0});
  EXPECT_EQ(offered(copy), std::string(kFilled.substr(12)) + "!");
}

TEST(Outbox, RandomUseKeepsTheStream) {
  Prng random(9);
  Outbox outbox;
  std::string written, sent;
  for (int step = 0; step < 5000; ++step) {
    if (random.chance(1, 2)) {
      sent += take(outbox, random.below(60));
      ASSERT_EQ(outbox.accepted(), sent.size());
      continue;
    }
    const std::string text(random.below(random.chance(1, 50) ? 5000 : 30),
                           static_cast<char>('a' + step % 26));
    written += text;
    if (random.chance(1, 3)) {
      outbox.block(block_of(text));
    } else {
      append_own(outbox, text);
    }
    ASSERT_EQ(outbox.bytes(), written.size() - sent.size());
  }
  while (!outbox.empty()) sent += take(outbox, ~size_t{0});
  EXPECT_EQ(sent, written);
}

TEST(BlockRef, CopiesAndMovesHoldTheSameBytes) {
  BlockRef empty;
  EXPECT_FALSE(empty);
  BlockRef first = block_of("x");
  EXPECT_EQ(first.checksum(), crc32c(as_bytes("x")));
  const BlockRef second = first;
  EXPECT_EQ(second.bytes().data(), first.bytes().data());
  const BlockRef third = std::move(first);
  EXPECT_EQ(third.bytes().data(), second.bytes().data());
  BlockRef& self = empty;
  empty = self;
  EXPECT_FALSE(empty);
}

TEST(BlockPool, MemoryOfForgottenBlocksIsUsedAgain) {
  BlockPool pool;
  const uint8_t* first = nullptr;
  {
    const BlockRef block = pool.make(as_bytes("some bytes"), Version{3});
    EXPECT_EQ(block.base(), Version{3});
    first = block.bytes().data();
  }
  const BlockRef block = pool.make(as_bytes("others"), Version{4});
  EXPECT_EQ(block.bytes().data(), first);
  EXPECT_EQ(as_text(block.bytes()), "others");
  EXPECT_EQ(block.base(), Version{4});
  EXPECT_EQ(block.checksum(), crc32c(as_bytes("others")));
}

TEST(BlockPool, BlocksOutliveIt) {
  BlockRef kept;
  {
    BlockPool pool;
    kept = pool.make(as_bytes("kept"), Version{});
    BlockPool moved = std::move(pool);
    const BlockRef other = moved.make(as_bytes("gone"), Version{});
  }
  EXPECT_EQ(as_text(kept.bytes()), "kept");
}

}  // namespace
}  // namespace ecsdb
