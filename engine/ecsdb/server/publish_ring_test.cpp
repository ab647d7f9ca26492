#include "ecsdb/server/publish_ring.h"

#include <gtest/gtest.h>

namespace ecsdb {
namespace {

constexpr CellRef kCell{0, 0};
constexpr CellRef kOther{1, 5};

BlockParts parts(std::initializer_list<size_t> sizes) {
  static BlockPool pool;
  BlockParts out;
  for (const size_t size : sizes) out.push_back({pool.make(Bytes(size, 'x'), Version{}), {}});
  return out;
}

/// A publish of one more version that changes these cells.
void publish(PublishRing& ring, uint64_t to, std::initializer_list<CellRef> cells,
             const BlockParts& blocks = parts({10})) {
  ring.begin(Version{to - 1}, Version{to}, 1000 * to);
  for (const CellRef ref : cells) ring.add(ref, blocks);
  ring.trim(1);
  ring.trim(0);
}

/// Versions of the publishes after a cut that changed a cell, newest first.
std::vector<uint64_t> after(const PublishRing& ring, CellRef ref, uint64_t cut) {
  std::vector<uint64_t> out;
  ring.for_each_after(ref, Version{cut},
                      [&](uint64_t sequence, const auto& publish, const auto& c, uint32_t at) {
                        EXPECT_EQ(&ring.at(sequence), &publish);
                        EXPECT_EQ(c.ref, ref);
                        EXPECT_EQ(&publish.changes[at], &c);
                        out.push_back(publish.to.value);
                      });
  return out;
}

TEST(PublishRing, NewOneReachesWhereItStarts) {
  const PublishRing ring(2, Version{7}, 4, 1000);
  EXPECT_TRUE(ring.reaches(Version{7}));
  EXPECT_TRUE(ring.reaches(Version{8}));
  EXPECT_FALSE(ring.reaches(Version{6}));
  EXPECT_TRUE(after(ring, kCell, 0).empty());
}

TEST(PublishRing, TellsWhatChangedACellAfterACut) {
  PublishRing ring(2, Version{0}, 8, 1000);
  publish(ring, 1, {kCell, kOther});
  publish(ring, 2, {kOther});
  publish(ring, 3, {kCell});
  EXPECT_EQ(after(ring, kCell, 0), (std::vector<uint64_t>{3, 1}));
  EXPECT_EQ(after(ring, kCell, 1), (std::vector<uint64_t>{3}));
  EXPECT_EQ(after(ring, kOther, 0), (std::vector<uint64_t>{2, 1}));
  EXPECT_TRUE(after(ring, kCell, 3).empty());
  EXPECT_TRUE(after(ring, {1, 900}, 0).empty());
  EXPECT_EQ(ring.newest().commit_time_ns, 3000u);
  EXPECT_EQ(ring.newest().from, Version{2});
}

TEST(PublishRing, PartsStandWithTheirCell) {
  PublishRing ring(2, Version{0}, 8, 1000);
  ring.begin(Version{0}, Version{1}, 0);
  EXPECT_EQ(ring.add(kCell, parts({3, 4})), 0u);
  EXPECT_EQ(ring.add({0, 1}, {}), 1u);
  EXPECT_EQ(ring.add(kOther, parts({5})), 2u);
  const PublishRing::Publish& newest = ring.newest();
  ASSERT_EQ(newest.changes.size(), 3u);
  EXPECT_EQ(newest.parts_of(newest.changes[0]).size(), 2u);
  EXPECT_EQ(newest.parts_of(newest.changes[0])[1].raw.bytes().size(), 4u);
  EXPECT_TRUE(newest.parts_of(newest.changes[1]).empty());
  EXPECT_EQ(newest.parts_of(newest.changes[2])[0].raw.bytes().size(), 5u);
  EXPECT_EQ(newest.bytes, 12u);
}

TEST(PublishRing, ForgetsTheOldestBeyondTheirNumber) {
  PublishRing ring(2, Version{0}, 3, 1000);
  for (uint64_t to = 1; to <= 10; ++to) {
    publish(ring, to, {kCell});
    const uint64_t reach = to > 3 ? to - 3 : 0;
    EXPECT_TRUE(ring.reaches(Version{reach}));
    EXPECT_TRUE(reach == 0 || !ring.reaches(Version{reach - 1}));
    EXPECT_EQ(after(ring, kCell, 0).size(), std::min<uint64_t>(to, 3));
    EXPECT_EQ(ring.end_sequence() - ring.first_sequence(), std::min<uint64_t>(to, 3));
  }
}

TEST(PublishRing, ForgetsTheOldestBeyondTheirBytes) {
  PublishRing ring(2, Version{0}, 8, 100);
  for (uint64_t to = 1; to <= 5; ++to) publish(ring, to, {kCell}, parts({40}));
  EXPECT_EQ(after(ring, kCell, 0), (std::vector<uint64_t>{5, 4}));
  publish(ring, 6, {kCell}, parts({101}));  // too large even alone
  EXPECT_TRUE(after(ring, kCell, 0).empty());
  EXPECT_TRUE(ring.reaches(Version{6}));
  EXPECT_FALSE(ring.reaches(Version{5}));
  publish(ring, 7, {kCell});
  EXPECT_EQ(after(ring, kCell, 6), (std::vector<uint64_t>{7}));
}

// Connections in step are sent it, whatever its size.
TEST(PublishRing, NewestStaysWhileItIsSent) {
  PublishRing ring(2, Version{0}, 2, 100);
  publish(ring, 1, {kCell});
  ring.begin(Version{1}, Version{2}, 0);
  ring.add(kCell, parts({500}));
  ring.trim(1);
  EXPECT_EQ(after(ring, kCell, 0), (std::vector<uint64_t>{2}));
  EXPECT_EQ(ring.newest().parts_of(ring.newest().changes[0])[0].raw.bytes().size(), 500u);
  ring.trim(0);
  EXPECT_TRUE(after(ring, kCell, 0).empty());
}

// A server that publishes on every tick, whatever happened, keeps what it has.
TEST(PublishRing, PublishWithoutChangesTakesNoPlace) {
  PublishRing ring(2, Version{0}, 3, 1000);
  publish(ring, 1, {kCell});
  for (uint64_t to = 2; to <= 20; ++to) publish(ring, to, {});
  publish(ring, 21, {kCell});
  EXPECT_EQ(after(ring, kCell, 0), (std::vector<uint64_t>{21, 1}));
  EXPECT_TRUE(ring.reaches(Version{0}));
}

}  // namespace
}  // namespace ecsdb
