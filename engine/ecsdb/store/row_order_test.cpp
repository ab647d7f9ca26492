#include "ecsdb/store/row_order.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "ecsdb/base/prng.h"

namespace ecsdb {
namespace {

void expect_sorted(std::vector<std::pair<uint32_t, RowIndex>> rows) {
  RowOrder order;
  order.add(7, 7);
  order.clear();
  for (const auto& [index, row] : rows) order.add(index, row);
  order.sort();
  std::sort(rows.begin(), rows.end());
  ASSERT_EQ(order.entries().size(), rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    ASSERT_EQ(order.entries()[i].index(), rows[i].first) << i;
    ASSERT_EQ(order.entries()[i].row(), rows[i].second) << i;
  }
}

TEST(RowOrder, SortsFewAndManyOfAnyRange) {
  Prng random(4);
  for (const size_t count : {0u, 1u, 2u, 255u, 256u, 257u, 5000u}) {
    for (const unsigned bits : {9u, 12u, 13u, 17u, 24u}) {
      std::vector<std::pair<uint32_t, RowIndex>> rows;
      std::vector<bool> taken(size_t{1} << bits);
      while (rows.size() < std::min(count, taken.size())) {
        const uint32_t index = static_cast<uint32_t>(random.below(taken.size()));
        if (taken[index]) continue;
        taken[index] = true;
        rows.emplace_back(index, static_cast<RowIndex>(random.below(1u << 24)));
      }
      expect_sorted(rows);
      std::sort(rows.begin(), rows.end());
      expect_sorted(rows);
      std::reverse(rows.begin(), rows.end());
      expect_sorted(rows);
    }
  }
}

}  // namespace
}  // namespace ecsdb
