#include "ecsdb/wire/messages.h"

#include <gtest/gtest.h>

namespace ecsdb {
namespace {

Subscription selecting(SelectorKind kind, std::vector<CellKey> keys = {}) {
  Subscription out;
  out.id = SubscriptionId{1};
  out.table = TableId{1};
  out.kind = kind;
  out.keys = std::move(keys);
  return out;
}

TEST(Subscription, AllCoversEveryKey) {
  const Subscription all = selecting(SelectorKind::kAll);
  EXPECT_TRUE(all.covers(CellKey::one()));
  EXPECT_TRUE(all.covers(CellKey::none()));
  EXPECT_TRUE(all.covers(CellKey::grid(-5, 5)));
}

TEST(Subscription, KeysCoverThemselvesOnly) {
  const Subscription keys = selecting(SelectorKind::kKeys, {CellKey::one(), CellKey::value(3)});
  EXPECT_TRUE(keys.covers(CellKey::value(3)));
  EXPECT_TRUE(keys.covers(CellKey::one()));
  EXPECT_FALSE(keys.covers(CellKey::value(4)));
  EXPECT_FALSE(keys.covers(CellKey::owner(PrincipalId{3})));
  EXPECT_FALSE(selecting(SelectorKind::kKeys).covers(CellKey::one()));
}

TEST(Subscription, BoxCoversItsCornersAndWhatIsBetween) {
  const Subscription box =
      selecting(SelectorKind::kBox, {CellKey::grid(-1, 0), CellKey::grid(1, 2)});
  for (const CellKey& inside :
       {CellKey::grid(-1, 0), CellKey::grid(1, 2), CellKey::grid(0, 1), CellKey::grid(1, 0)}) {
    EXPECT_TRUE(box.covers(inside)) << inside.to_string();
  }
  for (const CellKey& outside :
       {CellKey::grid(-2, 0), CellKey::grid(2, 0), CellKey::grid(0, -1), CellKey::grid(0, 3),
        CellKey::grid(0, 0, 1), CellKey::grid(0, 0, -1), CellKey::none(), CellKey::value(0)}) {
    EXPECT_FALSE(box.covers(outside)) << outside.to_string();
  }
}

TEST(Subscription, BoxWithoutTwoCornersCoversNothing) {
  EXPECT_FALSE(selecting(SelectorKind::kBox, {CellKey::grid(0, 0)}).covers(CellKey::grid(0, 0)));
  EXPECT_FALSE(selecting(SelectorKind::kBox, {CellKey::grid(1, 1), CellKey::grid(0, 0)})
                   .covers(CellKey::grid(0, 0)));
}

TEST(MessageText, FittingTextIsUnchanged) {
  EXPECT_EQ(message_text("", 0), "");
  EXPECT_EQ(message_text("z\xc3\xbcrich", 7), "z\xc3\xbcrich");
}

TEST(MessageText, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(message_text("abc", 2), "ab");
  EXPECT_EQ(message_text("a\xc3\xbc", 2), "a");
  EXPECT_EQ(message_text("\xf0\x9f\x90\x9f!", 4), "\xf0\x9f\x90\x9f");
  EXPECT_EQ(message_text("abc", 0), "");
}

TEST(MessageText, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(message_text("a\xff\xc3", 9), "a??");
  EXPECT_EQ(message_text("\xc3z", 9), "?z");
  EXPECT_EQ(message_text("\xed\xa0\x80", 9), "???");
}

template <class M>
size_t encoded_bytes(const M& message) {
  Bytes out;
  ByteWriter writer(out);
  encode_fields(message, writer);
  return out.size();
}

// A server fills its frames up to the counts below; the head must then still be within its limit.
TEST(Messages, FullestAdvanceFitsInAFrame) {
  constexpr uint32_t kMost = 0xffffffff;
  const Version latest{~uint64_t{0}};
  constexpr int64_t kFar = INT64_MIN;
  Advance advance;
  advance.from = latest;
  advance.distance = latest.value;
  advance.commit_time_ns = latest.value;
  advance.leaves.assign(kCellsPerFrameMax, {kCellsPerConnectionMax, kMost});
  advance.enters.assign(kCellsPerFrameMax, {kCellsPerConnectionMax, kMost, TableId{0xffff},
                                            CellKey::grid(kFar, kFar, kFar), latest, kMost});
  advance.blocks.assign(kBlocksPerFrameMax, BlockEntry{INT32_MIN, kBlockBytesHardMax});
  EXPECT_LE(encoded_bytes(advance), kFrameHeadBytesMax);
}

// The same bytes for another cell, another entry of it or another state do not pass for it.
TEST(Messages, TailChecksumCoversWhatABlockIsFor) {
  auto sum = [](uint32_t handle, uint32_t generation, uint64_t base, uint32_t checksum) {
    TailChecksum out;
    out.add(handle, generation, Version{base}, checksum);
    return out.value().value;
  };
  const uint32_t right = sum(1, 2, 3, 4);
  EXPECT_EQ(right, sum(1, 2, 3, 4));
  for (const uint32_t wrong : {sum(2, 2, 3, 4), sum(1, 3, 3, 4), sum(1, 2, 4, 4), sum(1, 2, 3, 5),
                               sum(1, 2, uint64_t{3} << 32, 4)}) {
    EXPECT_NE(wrong, right);
  }
  TailChecksum ordered;
  TailChecksum swapped;
  ordered.add(1, 1, {}, 7);
  ordered.add(2, 1, {}, 8);
  swapped.add(2, 1, {}, 8);
  swapped.add(1, 1, {}, 7);
  EXPECT_NE(ordered.value(), swapped.value());
  EXPECT_EQ(TailChecksum().value(), Fixed32{0});
}

TEST(Messages, LargestAuthFitsBeforeAuthentication) {
  Auth auth;
  auth.token.resize(kTokenBytesMax);
  auth.client_name.assign(kClientNameBytesMax, 'x');
  EXPECT_LE(encoded_bytes(auth), kPreAuthFrameBytesMax);
}

}  // namespace
}  // namespace ecsdb
