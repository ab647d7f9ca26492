#include "ecsdb/store/directory.h"

#include <gtest/gtest.h>
#include <map>

#include "ecsdb/base/prng.h"

namespace ecsdb::store_test {
namespace {

EntityId entity(uint32_t index, uint16_t reuse = 1) { return EntityId::make(index, 1, reuse); }

TEST(Directory, EmptyOneFindsNothing) {
  const Directory directory;
  EXPECT_EQ(directory.find(entity(0)), kNoRow);
  EXPECT_EQ(directory.find(EntityId{}), kNoRow);
  EXPECT_EQ(directory.find_index(0), kNoRow);
  EXPECT_EQ(directory.find_index(0xffffffff), kNoRow);
  EXPECT_EQ(directory.find_from(0), kNoRow);
  EXPECT_EQ(directory.find_from(0xffffffff), kNoRow);
}

TEST(Directory, FindNeedsTheWholeEntity) {
  Directory directory;
  directory.set(entity(300, 2), 7);
  EXPECT_EQ(directory.find(entity(300, 2)), 7u);
  EXPECT_EQ(directory.find(entity(300, 1)), kNoRow);
  EXPECT_EQ(directory.find(EntityId::make(300, 2, 2)), kNoRow);
  EXPECT_EQ(directory.find_index(300), 7u);
  EXPECT_EQ(directory.find_index(44), kNoRow);  // on a page that was never made
  EXPECT_EQ(directory.find_index(301), kNoRow);
}

TEST(Directory, FindsManyUpToTheFirstThatIsNotThere) {
  Directory directory;
  directory.set(entity(1), 5);
  directory.set(entity(300), 6);
  const auto all = [](RowIndex) { return true; };
  const auto count = [&](std::vector<EntityId> entities, auto&& accept) {
    std::vector<RowIndex> rows(entities.size());
    return directory.find_many(entities, rows, accept);
  };
  EXPECT_EQ(count({entity(300), entity(1)}, all), 2u);
  EXPECT_EQ(count({entity(300), entity(1)}, [](RowIndex row) { return row != 5; }), 1u);
  EXPECT_EQ(count({entity(1), entity(300, 2), entity(1)}, all), 1u);
  // Nobody, also where nobody is: on a page that was made, and on none.
  EXPECT_EQ(count({EntityId{}}, all), 0u);
  EXPECT_EQ(count({EntityId{uint64_t{600} << 32}, entity(1)}, all), 0u);
  EXPECT_EQ(count({EntityId{uint64_t{2} << 32}}, [](RowIndex row) { return row < 7; }), 0u);
  std::vector<RowIndex> rows(3);
  const uint32_t indices[] = {1, 300, 2};
  EXPECT_EQ(directory.find_many_indices(indices, rows, all), 2u);
  EXPECT_EQ(rows[0], 5u);
  EXPECT_EQ(rows[1], 6u);
}

TEST(Directory, LastIndexIsTheLastThatFits) {
  Directory directory;
  directory.set(entity(kEntityIndexMax - 1), 1);
  EXPECT_EQ(directory.find(entity(kEntityIndexMax - 1)), 1u);
  EXPECT_EQ(directory.find_from(5), 1u);
}

TEST(DirectoryDeathTest, IndexBeyondTheLastAndUnknownEntityFailAChecks) {
  Directory directory;
  EXPECT_DEATH(directory.set(entity(kEntityIndexMax), 1), "check failed");
  EXPECT_DEATH(directory.erase(entity(1)), "check failed");
}

TEST(Directory, RandomChangesAgreeWithAMap) {
  Prng random(4);
  Directory directory;
  std::map<uint32_t, std::pair<EntityId, RowIndex>> model;
  for (int i = 0; i < 20'000; ++i) {
    const uint32_t index = static_cast<uint32_t>(random.below(random.chance(1, 2) ? 600 : 70'000));
    const auto known = model.find(index);
    if (known == model.end() || random.chance(1, 3)) {
      const EntityId id = entity(index, static_cast<uint16_t>(random.between(1, 3)));
      const RowIndex row = static_cast<RowIndex>(random.below(1'000));
      directory.set(id, row);
      model[index] = {id, row};
    } else {
      directory.erase(known->second.first);
      model.erase(known);
    }
    const uint32_t from = static_cast<uint32_t>(random.below(71'000));
    const auto next = model.lower_bound(from);
    ASSERT_EQ(directory.find_from(from), next == model.end() ? kNoRow : next->second.second);
    const auto here = model.find(index);
    ASSERT_EQ(directory.find_index(index), here == model.end() ? kNoRow : here->second.second);
  }
  for (const auto& [index, known] : model) ASSERT_EQ(directory.find(known.first), known.second);
}

}  // namespace
}  // namespace ecsdb::store_test
