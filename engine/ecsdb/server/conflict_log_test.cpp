#include "ecsdb/server/conflict_log.h"

#include <gtest/gtest.h>

namespace ecsdb {
namespace {

constexpr size_t kPlenty = 1u << 20;

Conflict conflict(Policy policy, uint16_t table, ConflictRule rule, std::string text = {}) {
  Conflict out;
  out.policy = policy;
  out.table = TableId{table};
  out.rule = rule;
  out.mine.text = std::move(text);
  return out;
}

Conflict any(std::string text = {}) {
  return conflict(Policy::kServer, 1, ConflictRule::kServerWins, std::move(text));
}

TEST(ConflictLog, NumbersRiseFromOne) {
  ConflictLog log({8, kPlenty});
  EXPECT_EQ(log.first_number(), log.end_number());
  EXPECT_EQ(log.find(0), nullptr);
  EXPECT_EQ(log.find(1), nullptr);
  EXPECT_EQ(log.add(any("a")), 1u);
  EXPECT_EQ(log.add(any("b")), 2u);
  ASSERT_NE(log.find(2), nullptr);
  EXPECT_EQ(log.find(2)->number, 2u);
  EXPECT_EQ(log.find(2)->mine.text, "b");
  EXPECT_EQ(log.find(1)->mine.text, "a");
  EXPECT_EQ(log.find(3), nullptr);
}

TEST(ConflictLog, OldestAreForgottenBeyondTheirNumber) {
  ConflictLog log({3, kPlenty});
  for (uint64_t i = 1; i <= 10; ++i) EXPECT_EQ(log.add(any()), i);
  EXPECT_EQ(log.first_number(), 8u);
  EXPECT_EQ(log.end_number(), 11u);
  EXPECT_EQ(log.find(7), nullptr);
  EXPECT_NE(log.find(8), nullptr);
  EXPECT_EQ(log.count(), 10u);
}

TEST(ConflictLog, OldestAreForgottenBeyondTheirBytes) {
  ConflictLog log({100, 4 * (sizeof(Conflict) + 1000)});
  for (int i = 0; i < 10; ++i) log.add(any(std::string(1000, 'x')));
  EXPECT_EQ(log.end_number() - log.first_number(), 4u);
  for (int i = 0; i < 10; ++i) log.add(any());  // their bytes are given back
  EXPECT_GT(log.end_number() - log.first_number(), 4u);
  log.add(any(std::string(100'000, 'x')));  // too large by itself
  EXPECT_EQ(log.first_number(), log.end_number());
  EXPECT_EQ(log.count(), 21u);
}

TEST(ConflictLog, CountsStayWhenConflictsAreForgotten) {
  ConflictLog log({0, kPlenty});
  for (int i = 0; i < 3; ++i) log.add(conflict(Policy::kLww, 2, ConflictRule::kOlderLoses));
  log.add(conflict(Policy::kLww, 2, ConflictRule::kNewerWins));
  log.add(conflict(Policy::kServer, 1, ConflictRule::kRemoveWins));
  EXPECT_EQ(log.find(5), nullptr);
  EXPECT_EQ(log.count(Policy::kServer), 1u);
  EXPECT_EQ(log.count(Policy::kLww), 4u);
  EXPECT_EQ(log.count(Policy::kMerge), 0u);
  const std::map<ConflictLog::Kind, uint64_t> expected = {
      {{Policy::kServer, TableId{1}, ConflictRule::kRemoveWins}, 1},
      {{Policy::kLww, TableId{2}, ConflictRule::kNewerWins}, 1},
      {{Policy::kLww, TableId{2}, ConflictRule::kOlderLoses}, 3}};
  EXPECT_EQ(log.counts(), expected);
}

TEST(ConflictLog, IsSettledOnceAndOnlyWhileItIsKept) {
  ConflictLog log({2, kPlenty});
  for (int i = 0; i < 3; ++i) log.add(any());
  const uint64_t before = log.revision();
  EXPECT_FALSE(log.resolve(0, ClientId{4}));
  EXPECT_FALSE(log.resolve(1, ClientId{4}));
  EXPECT_FALSE(log.resolve(4, ClientId{4}));
  EXPECT_EQ(log.revision(), before);
  EXPECT_TRUE(log.resolve(2, ClientId{4}));
  EXPECT_GT(log.revision(), before);
  EXPECT_FALSE(log.resolve(2, ClientId{5}));
  EXPECT_EQ(log.find(2)->resolved_by, 4u);
  EXPECT_EQ(log.find(3)->resolved_by, 0u);
}

}  // namespace
}  // namespace ecsdb
