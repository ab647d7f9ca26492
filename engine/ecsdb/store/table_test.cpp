#include "ecsdb/store/table.h"

#include <gtest/gtest.h>

#include "ecsdb/store/test_support.h"

namespace ecsdb::store_test {
namespace {

/// A ship table with one log that the tests link rows into.
struct Fixture {
  Schema schema = arena_schema();
  Table table{schema.table(kShip), schema.layout(kShip), true};
  RowLog log;

  RowIndex add(uint32_t index) {
    const RowIndex row = table.append(EntityId::make(index, 1, 1));
    table.link_newest(log, row, 0);
    return row;
  }
  void remove(uint32_t index) {
    const RowIndex row = table.find_index(index);
    table.unlink(log, row);
    table.erase(row, [&](CellIndex) -> RowLog& { return log; });
  }
  std::vector<uint32_t> oldest_first() const {
    std::vector<uint32_t> out;
    for (const RowIndex row : table.rows_of(log)) out.push_back(table.row(row).entity.index());
    return out;
  }
  Digest sum() const {
    Digest out;
    for (RowIndex row = 0; row < table.row_count(); ++row) out += table.row_digest(row);
    return out;
  }
};

using Indices = std::vector<uint32_t>;

TEST(Table, AppendedRowHasDefaults) {
  Fixture f;
  const RowIndex row = f.add(3);
  EXPECT_EQ(f.table.field_lanes(row, kPaint).lane[0], 7u);
  EXPECT_EQ(f.table.field_lanes(row, kGold).lane[0], 0u);
  EXPECT_EQ(f.table.text(row, f.table.layout().fields[kName].text), "anon");
  EXPECT_EQ(f.table.text(row, f.table.layout().fields[kNote].text), "");
}

TEST(Table, FindNeedsTheWholeEntity) {
  Fixture f;
  const RowIndex row = f.add(300);
  EXPECT_EQ(f.table.find(EntityId::make(300, 1, 1)), row);
  EXPECT_EQ(f.table.find(EntityId::make(300, 1, 2)), kNoRow);
  EXPECT_EQ(f.table.find(EntityId::make(301, 1, 1)), kNoRow);
  EXPECT_EQ(f.table.find(EntityId::make(kEntityIndexMax - 1, 1, 1)), kNoRow);
}

TEST(Table, FindFromScansInEntityOrderAcrossPages) {
  Fixture f;
  for (const uint32_t index : {5000u, 2u, 255u, 256u}) f.add(index);
  Indices seen;
  for (uint32_t at = 0;;) {
    const RowIndex row = f.table.find_from(at);
    if (row == kNoRow) break;
    seen.push_back(f.table.row(row).entity.index());
    at = seen.back() + 1;
  }
  EXPECT_EQ(seen, (Indices{2, 255, 256, 5000}));
}

TEST(Table, EraseMovesTheLastRowWithValuesAndLinks) {
  Fixture f;
  for (uint32_t index = 0; index < 4; ++index) {
    const RowIndex row = f.add(index);
    f.table.set_field_lanes(row, kGold, LaneValues{{index + 100}});
    f.table.set_text(row, f.table.layout().fields[kName].text, std::to_string(index));
    f.table.adopt_baseline(row);
  }
  f.remove(1);
  EXPECT_EQ(f.table.row_count(), 3u);
  EXPECT_EQ(f.oldest_first(), (Indices{0, 2, 3}));
  const RowIndex moved = f.table.find_index(3);
  EXPECT_EQ(moved, 1u);
  const FieldLayout& gold = f.table.layout().fields[kGold];
  const FieldLayout& name = f.table.layout().fields[kName];
  EXPECT_EQ(f.table.lane(moved, gold.lane_first), 103u);
  EXPECT_EQ(f.table.baseline_lane(moved, gold.lane_first), 103u);
  EXPECT_EQ(f.table.text(moved, name.text), "3");
  EXPECT_EQ(f.table.baseline_text(moved, name.text), "3");
  EXPECT_EQ(f.table.find_index(1), kNoRow);
}

TEST(Table, EraseMendsTheLogOfTheRowThatMoves) {
  Fixture f;
  for (uint32_t index = 0; index < 3; ++index) f.add(index);
  f.remove(0);  // the newest row moves into slot 0
  EXPECT_EQ(f.oldest_first(), (Indices{1, 2}));
  f.remove(2);
  EXPECT_EQ(f.oldest_first(), (Indices{1}));
  f.remove(1);
  EXPECT_EQ(f.oldest_first(), Indices{});
  EXPECT_EQ(f.log.count(), 0u);
}

TEST(Table, TouchMovesARowToTheNewestEnd) {
  Fixture f;
  for (uint32_t index = 0; index < 4; ++index) f.add(index);
  f.log.start_version(Version{2});
  f.table.touch(f.log, f.table.find_index(1));
  EXPECT_EQ(f.oldest_first(), (Indices{0, 2, 3, 1}));
  f.log.start_version(Version{3});
  f.table.touch(f.log, f.table.find_index(0));
  EXPECT_EQ(f.oldest_first(), (Indices{2, 3, 1, 0}));
  f.table.touch(f.log, f.table.find_index(0));
  EXPECT_EQ(f.oldest_first(), (Indices{2, 3, 1, 0}));
}

TEST(Table, DigestFollowsChangesAndRemovals) {
  Fixture f;
  for (uint32_t index = 0; index < 5; ++index) f.add(index);
  EXPECT_EQ(f.table.digest(f.log), f.sum());
  const RowIndex row = f.table.find_index(2);
  f.table.set_field_lanes(row, kGold, LaneValues{{77}});
  f.table.touch(f.log, row);
  EXPECT_EQ(f.table.digest(f.log), f.sum());
  f.remove(3);
  f.table.touch(f.log, f.table.find_index(0));
  f.remove(0);  // while its digest is out of date
  EXPECT_EQ(f.table.digest(f.log), f.sum());
  for (const uint32_t index : {1u, 2u, 4u}) f.remove(index);
  EXPECT_EQ(f.table.digest(f.log), Digest{});
}

TEST(Table, RowDigestIsOfReplicatedCanonicalWords) {
  Fixture f;
  const RowIndex row = f.add(9);
  f.table.set_field_lanes(row, kPos, LaneValues{{static_cast<uint64_t>(-4), 6}});
  f.table.set_field_lanes(row, kGold, LaneValues{{0x100000002}});
  RowHasher expected;
  const TableId ship{1};
  expected.add(RowHasher::entity_place(ship, false), 0x10001);
  expected.add(RowHasher::entity_place(ship, true), 9);
  auto add = [&](uint16_t field, std::initializer_list<uint32_t> words) {
    uint32_t position = 0;
    for (const uint32_t word : words) {
      expected.add(RowHasher::place(ship, FieldId{field}, position++), word);
    }
  };
  add(1, {0xfffffffc, 6});
  add(2, {2, 1});
  add(3, {7});
  const auto anon = RowHasher::text_words(as_bytes("anon"));
  add(4, {anon[0], anon[1], anon[2], anon[3]});
  EXPECT_EQ(f.table.row_digest(row), expected.finish());
  f.table.set_field_lanes(row, kHeat, LaneValues{{99}});
  f.table.set_text(row, f.table.layout().fields[kNote].text, "hidden");
  EXPECT_EQ(f.table.row_digest(row), expected.finish());
}

TEST(Table, FieldEqualsComparesAcrossTables) {
  Fixture a, b;
  const RowIndex in_a = a.add(1);
  b.add(8);
  const RowIndex in_b = b.add(1);
  for (uint16_t field = 0; field < 6; ++field) {
    EXPECT_TRUE(a.table.field_equals(in_a, b.table, in_b, field));
  }
  b.table.set_field_lanes(in_b, kPos, LaneValues{{0, 1}});
  b.table.set_text(in_b, b.table.layout().fields[kName].text, "eve");
  EXPECT_FALSE(a.table.field_equals(in_a, b.table, in_b, kPos));
  EXPECT_FALSE(a.table.field_equals(in_a, b.table, in_b, kName));
}

TEST(TableDeathTest, TwoRowsOfOneIndexFailACheck) {
  Fixture f;
  f.add(1);
  EXPECT_DEATH(f.add(1), "check failed");
  EXPECT_DEATH(f.add(kEntityIndexMax), "check failed");
}

}  // namespace
}  // namespace ecsdb::store_test
