#include "ecsdb/server/cell_blocks.h"

#include <gtest/gtest.h>
#include <map>
#include <set>

#include "ecsdb/server/test_peer.h"

namespace ecsdb::server_test {
namespace {

class CellBlocksTest : public ::testing::Test {
 protected:
  CellBlocksTest() : db_(yard(), {}) {}

  template <class Change>
  void commit(Change&& change) {
    Transaction tx = db_.begin();
    change(tx);
    std::move(tx).commit();
  }
  EntityId add_line(Transaction& tx, int64_t room, size_t bytes) {
    const EntityId entity = tx.create().value();
    const FieldValue values[] = {{0, room}, {1, std::string(bytes, 'x')}};
    EXPECT_TRUE(tx.insert(kRoom, entity, values).ok());
    return entity;
  }
  void publish() {
    db_.finish_publish();
    blocks_.begin_publish();
  }
  CellRef room(int64_t number) { return {kRoom, db_.cells(kRoom).find(CellKey::value(number))}; }
  /// Decodes against the cell as it is at the block's base: `current`, empty if null.
  static std::vector<DecodedBlock> decode(const Database& db, const BlockParts& parts,
                                          const Table* current = nullptr, CellRef ref = {}) {
    const Table empty(db.schema().table(kRoom), db.schema().layout(kRoom), false);
    const CellHistory none;
    const BlockTarget target{&db.schema().table(kRoom), current ? current : &empty,
                             current ? ref.cell : 0, current ? &db.cell(ref).history : &none};
    std::vector<DecodedBlock> out;
    BlockDecoder decoder;
    for (const BlockPart& made : parts) {
      const BlockRef& part = made.raw;
      EXPECT_EQ(part.checksum(), crc32c(part.bytes()));
      EXPECT_LE(part.bytes().size(), kBlockBytesMax);
      const Status status = decoder.decode(part.bytes(), target, db.head(), out.emplace_back());
      EXPECT_TRUE(status.ok()) << status.error().to_string();
    }
    return out;
  }
  /// Publishes; the room's relative block, decoded by whoever saw the publish before.
  std::vector<DecodedBlock> publish_relative(int64_t number, const Table& before) {
    std::vector<DecodedBlock> out;
    blocks_.begin_publish();
    db_.publish([&](CellRef ref, const ChangeSet& changes) {
      if (ref != room(number)) return;
      out = decode(db_, blocks_.relative(db_, ref, changes), &before, ref);
      EXPECT_EQ(blocks_.relative(db_, ref, changes).at(0).raw.base(), db_.cell(ref).published);
    });
    return out;
  }

  Database db_;
  CellBlocks blocks_;
};

TEST_F(CellBlocksTest, LargeCellComesInPartsInOrderOfEntity) {
  std::vector<EntityId> lines;
  commit([&](Transaction& tx) {
    for (int i = 0; i < 400; ++i) lines.push_back(add_line(tx, 1, 1000));
  });
  publish();
  const auto parts = blocks_.whole(db_, room(1), Version{});
  EXPECT_GT(parts.size(), 6u);
  std::vector<EntityId> found;
  for (const DecodedBlock& block : decode(db_, parts)) {
    EXPECT_EQ(block.header.form, BlockForm::kRows);
    EXPECT_EQ(block.header.version, Version{1});
    for (size_t i = 0; i < block.whole.size(); ++i) {
      EXPECT_TRUE(block.inserted[i]);
      EXPECT_EQ(block.texts[0][i].size(), 1000u);
      found.push_back(block.whole[i]);
    }
  }
  EXPECT_EQ(found, lines);
}

TEST_F(CellBlocksTest, RowAsLargeAsABlockGoesAlone) {
  commit([&](Transaction& tx) {
    for (int i = 0; i < 3; ++i) add_line(tx, 1, 2000);
  });
  publish();
  EXPECT_EQ(blocks_.whole(db_, room(1), Version{}).size(), 1u);
  EXPECT_EQ(blocks_.blocks_encoded(), 1u);
  EXPECT_GT(blocks_.block_bytes(), 6000u);
}

TEST_F(CellBlocksTest, EmptyCellGivesOneEmptyBlock) {
  EntityId line;
  commit([&](Transaction& tx) { line = add_line(tx, 1, 5); });
  publish();
  commit([&](Transaction& tx) { EXPECT_TRUE(tx.destroy(line).ok()); });
  publish();
  const auto blocks = decode(db_, blocks_.whole(db_, room(1), Version{}));
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_TRUE(blocks[0].whole.empty());
}

TEST_F(CellBlocksTest, SameBlockIsEncodedOnceUntilTheNextPublish) {
  commit([&](Transaction& tx) { add_line(tx, 1, 5); });
  publish();
  const ByteSpan first = blocks_.net(db_, room(1), Version{}).at(0).raw.bytes();
  EXPECT_EQ(blocks_.net(db_, room(1), Version{}).at(0).raw.bytes().data(), first.data());
  EXPECT_EQ(blocks_.blocks_encoded(), 1u);
  blocks_.whole(db_, room(1), Version{});
  blocks_.whole(db_, room(1), Version{});
  EXPECT_EQ(blocks_.blocks_encoded(), 2u);
  blocks_.whole(db_, room(1), Version{1});  // other rows are inserts there
  EXPECT_EQ(blocks_.blocks_encoded(), 3u);
}

TEST_F(CellBlocksTest, RelativeBlockNamesWhatTheLastPublishShowed) {
  EntityId stays;
  EntityId goes;
  commit([&](Transaction& tx) {
    stays = add_line(tx, 1, 5);
    goes = add_line(tx, 1, 5);
  });
  publish();
  const Table before = db_.table(kRoom);
  EntityId unseen;
  commit([&](Transaction& tx) { unseen = add_line(tx, 1, 5); });
  commit([&](Transaction& tx) {
    EXPECT_TRUE(tx.destroy(unseen).ok());  // born and gone between two publishes
    EXPECT_TRUE(tx.remove(kRoom, goes).ok());
    EXPECT_TRUE(tx.set(kRoom, stays, 1, std::string("new")).ok());
  });
  const auto blocks = publish_relative(1, before);
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].header.form, BlockForm::kRelative);
  EXPECT_EQ(blocks[0].header.chain, 1u);
  ASSERT_EQ(blocks[0].gone.size(), 1u);
  EXPECT_EQ(blocks[0].gone[0].entity, goes);
  EXPECT_FALSE(blocks[0].gone[0].left);
  ASSERT_EQ(blocks[0].changed.size(), 1u);
  EXPECT_EQ(blocks[0].text_changes[0].values[0], "new");
}

// Parts of a packed block speak of ranges of entity indices, candidates included.
TEST_F(CellBlocksTest, PartsOfARelativeBlockAreRangesOfEntityIndices) {
  std::vector<EntityId> lines;
  commit([&](Transaction& tx) {
    for (int i = 0; i < 300; ++i) lines.push_back(add_line(tx, 1, 5));
  });
  publish();
  const Table before = db_.table(kRoom);
  commit([&](Transaction& tx) {
    for (const EntityId line : lines) {
      EXPECT_TRUE(tx.set(kRoom, line, 1, std::string(1000, 'y')).ok());
    }
  });
  const auto blocks = publish_relative(1, before);
  EXPECT_GT(blocks.size(), 4u);
  std::set<RowIndex> changed;
  uint32_t begin = 0;
  for (const DecodedBlock& block : blocks) {
    EXPECT_EQ(block.header.range.begin, begin);
    begin = block.header.range.end;
    for (const RowIndex row : block.changed) {
      EXPECT_TRUE(block.header.range.contains(before.row(row).entity.index()));
      EXPECT_TRUE(changed.insert(row).second);
    }
  }
  EXPECT_EQ(begin, kEntityIndexMax);
  EXPECT_EQ(changed.size(), 300u);
}

TEST_F(CellBlocksTest, GoneRowsLeftIfTheyAreElsewhereAndWereRemovedIfNowhere) {
  EntityId left;
  EntityId removed;
  EntityId both;
  commit([&](Transaction& tx) {
    left = add_line(tx, 1, 5);
    removed = add_line(tx, 1, 5);
    both = add_line(tx, 1, 5);
  });
  publish();
  commit([&](Transaction& tx) {
    EXPECT_TRUE(tx.set(kRoom, left, 0, int64_t{2}).ok());
    EXPECT_TRUE(tx.set(kRoom, both, 0, int64_t{2}).ok());
    EXPECT_TRUE(tx.remove(kRoom, removed).ok());
  });
  commit([&](Transaction& tx) { EXPECT_TRUE(tx.remove(kRoom, both).ok()); });
  publish();
  const auto blocks = decode(db_, blocks_.net(db_, room(1), Version{1}));
  ASSERT_EQ(blocks.size(), 1u);
  std::map<EntityId, bool> gone;
  for (const auto& entry : blocks[0].gone) gone[entry.entity] = entry.left;
  EXPECT_EQ(gone, (std::map<EntityId, bool>{{left, true}, {removed, false}, {both, false}}));
}

TEST_F(CellBlocksTest, RowThatLeftTwiceIsNamedOnceAndOneThatCameBackNotAtAll) {
  EntityId twice;
  EntityId back;
  commit([&](Transaction& tx) {
    twice = add_line(tx, 1, 5);
    back = add_line(tx, 1, 5);
  });
  publish();
  for (const int64_t number : {2, 1, 2}) {
    commit([&](Transaction& tx) { EXPECT_TRUE(tx.set(kRoom, twice, 0, number).ok()); });
    commit([&](Transaction& tx) { EXPECT_TRUE(tx.set(kRoom, back, 0, 3 - number).ok()); });
  }
  publish();
  const auto blocks = decode(db_, blocks_.net(db_, room(1), Version{1}));
  ASSERT_EQ(blocks.size(), 1u);
  ASSERT_EQ(blocks[0].gone.size(), 1u);
  EXPECT_EQ(blocks[0].gone[0].entity, twice);
  EXPECT_EQ(blocks[0].whole, (std::vector<EntityId>{back}));
}

TEST_F(CellBlocksTest, IndexReusedStaysInOnePartWithItsRemoval) {
  std::vector<EntityId> lines;
  commit([&](Transaction& tx) {
    for (int i = 0; i < 203; ++i) lines.push_back(add_line(tx, 1, 1000));
  });
  publish();
  const Table before = db_.table(kRoom);
  commit([&](Transaction& tx) {
    for (const EntityId line : lines) EXPECT_TRUE(tx.destroy(line).ok());
  });
  commit([&](Transaction& tx) {
    for (int i = 0; i < 203; ++i) add_line(tx, 1, 1000);
  });
  const auto relative = publish_relative(1, before);
  EXPECT_GT(relative.size(), 3u);
  std::set<uint32_t> gone;
  std::set<uint32_t> come;
  for (const DecodedBlock& block : relative) {
    std::set<uint32_t> gone_here;
    for (const auto& entry : block.gone) gone_here.insert(entry.entity.index());
    for (const EntityId entity : block.whole) {
      EXPECT_TRUE(gone_here.contains(entity.index()));
      EXPECT_TRUE(come.insert(entity.index()).second);
    }
    gone.insert(gone_here.begin(), gone_here.end());
  }
  EXPECT_EQ(gone.size(), 203u);
  EXPECT_EQ(come.size(), 203u);
  const auto net = decode(db_, blocks_.net(db_, room(1), Version{1}));
  size_t rows = 0;
  for (const DecodedBlock& block : net) rows += block.whole.size();
  EXPECT_EQ(rows, 203u);
}

// The index that each commit frees and takes again has most entries of a net block.
TEST_F(CellBlocksTest, NetBlockWithManyTombstonesOfOneIndexComesInPartsToo) {
  EntityId recycled;
  std::vector<EntityId> lines;
  commit([&](Transaction& tx) {
    recycled = add_line(tx, 1, 5);
    for (int i = 0; i < 200; ++i) lines.push_back(add_line(tx, 1, 5));
  });
  publish();
  const Version cut = db_.published();
  for (int i = 0; i < 300; ++i) {
    commit([&](Transaction& tx) { EXPECT_TRUE(tx.destroy(recycled).ok()); });
    commit([&](Transaction& tx) { recycled = add_line(tx, 1, 5); });
  }
  EXPECT_EQ(recycled.index(), 0u);
  commit([&](Transaction& tx) {
    for (const EntityId line : lines) {
      EXPECT_TRUE(tx.set(kRoom, line, 1, std::string(2000, 'y')).ok());
    }
  });
  publish();
  const auto blocks = decode(db_, blocks_.net(db_, room(1), cut));  // none is too large
  EXPECT_GT(blocks.size(), 6u);
  size_t rows = 0;
  size_t gone = 0;
  for (const DecodedBlock& block : blocks) {
    rows += block.whole.size();
    gone += block.gone.size();
  }
  EXPECT_EQ(rows, 201u);
  EXPECT_EQ(gone, 300u);
}

TEST_F(CellBlocksTest, TextsComeCompressedToThoseWhoTakeThem) {
  if (built_in_features() == 0) return;  // a build without zstd has nothing to offer
  commit([&](Transaction& tx) {
    for (int i = 0; i < 20; ++i) add_line(tx, 1, 100);
  });
  publish();
  EXPECT_FALSE(blocks_.whole(db_, room(1), Version{})[0].compressed);  // nobody asked
  blocks_.begin_publish();
  blocks_.compress_from_now_on();
  const BlockPart part = blocks_.whole(db_, room(1), Version{}).at(0);
  ASSERT_TRUE(part.compressed);
  EXPECT_LT(part.compressed.bytes().size(), part.raw.bytes().size() / 4);
  EXPECT_EQ(part.pick(0).bytes().data(), part.raw.bytes().data());
  EXPECT_EQ(part.pick(kFeatureZstd).bytes().data(), part.compressed.bytes().data());
  const auto raw = decode(db_, {{part.raw, {}}});
  const auto small = decode(db_, {{part.compressed, {}}});
  EXPECT_TRUE(small[0].header.is_compressed);
  EXPECT_EQ(small[0].whole, raw[0].whole);
  EXPECT_EQ(small[0].texts, raw[0].texts);
  // Too small to be worth the time.
  commit([&](Transaction& tx) { add_line(tx, 2, 100); });
  publish();
  EXPECT_FALSE(blocks_.whole(db_, room(2), Version{})[0].compressed);
}

TEST_F(CellBlocksTest, OnlyRowsBornSinceAreInserts) {
  EntityId old;
  commit([&](Transaction& tx) { old = add_line(tx, 2, 5); });
  publish();
  commit([&](Transaction& tx) { EXPECT_TRUE(tx.set(kRoom, old, 0, int64_t{1}).ok()); });
  EntityId fresh;
  commit([&](Transaction& tx) { fresh = add_line(tx, 1, 5); });
  publish();
  const auto blocks = decode(db_, blocks_.net(db_, room(1), Version{1}));
  ASSERT_EQ(blocks[0].whole, (std::vector<EntityId>{old, fresh}));
  EXPECT_FALSE(blocks[0].inserted[0]);
  EXPECT_TRUE(blocks[0].inserted[1]);
}

TEST_F(CellBlocksTest, RowsOfAScanAreNeverInsertsAndNotKept) {
  commit([&](Transaction& tx) { add_line(tx, 1, 5); });
  publish();
  const RowIndex row = 0;
  for (int i = 0; i < 2; ++i) {
    const auto blocks = decode(db_, blocks_.rows(db_, room(1), std::span(&row, 1)));
    ASSERT_EQ(blocks[0].whole.size(), 1u);
    EXPECT_FALSE(blocks[0].inserted[0]);
  }
  EXPECT_EQ(blocks_.blocks_encoded(), 2u);
}

}  // namespace
}  // namespace ecsdb::server_test
