#include "ecsdb/sim/checkers/change_book.h"

#include <gtest/gtest.h>

namespace ecsdb::sim {
namespace {

const ChangeBook::RowKey kRow{3, EntityId::make(1, 1, 1)};
const ClientId kServer{0};
const ClientId kAda{1};
const ClientId kBob{2};
constexpr uint16_t kField = 4;

class ChangeBookTest : public testing::Test {
 protected:
  bool changed(uint64_t after, ClientId writer) const {
    return book_.changed_by_others(kRow, kField, Version{after}, writer);
  }
  bool removed(uint64_t after, ClientId writer) const {
    return book_.removed_by_others(kRow, Version{after}, writer);
  }
  bool last_removed(uint64_t after, ClientId writer) const {
    return book_.last_removed_by_other(kRow, Version{after}, writer);
  }

  ChangeBook book_;
};

TEST_F(ChangeBookTest, ABirthChangesEveryFieldForOthersThanItsAuthor) {
  book_.note_birth(kRow, Version{5}, kAda, {90, kAda, 1, 0});
  EXPECT_TRUE(changed(4, kBob));
  EXPECT_FALSE(changed(5, kBob));
  EXPECT_FALSE(changed(0, kAda));
  EXPECT_TRUE(book_.born_by_others(kRow, Version{4}, kBob));
  EXPECT_FALSE(book_.born_by_others(kRow, Version{4}, kAda));
}

TEST_F(ChangeBookTest, TheNewestChangeByOthersCountsWhoeverChangedLast) {
  book_.note_birth(kRow, Version{1}, kServer, {});
  book_.note_change(kRow, kField, Version{3}, kBob);
  book_.note_change(kRow, kField, Version{4}, kServer);
  book_.note_change(kRow, kField, Version{7}, kAda);
  EXPECT_TRUE(changed(3, kAda));
  EXPECT_FALSE(changed(4, kAda));
  EXPECT_TRUE(changed(6, kBob));
  EXPECT_FALSE(changed(7, kBob));
  EXPECT_FALSE(book_.changed_by_others(kRow, kField + 1, Version{1}, kAda));
}

TEST_F(ChangeBookTest, ANewIncarnationForgetsChangesAndStampsButNoRemovals) {
  book_.note_birth(kRow, Version{1}, kServer, {10, kServer, 0, 0});
  book_.note_change(kRow, kField, Version{8}, kBob);
  book_.note_stamp(kRow, kField, {70, kBob, 4, 2});
  book_.note_removal(kRow, Version{9}, kBob);
  book_.note_birth(kRow, Version{9}, kAda, {20, kAda, 1, 3});
  EXPECT_FALSE(changed(0, kAda));
  EXPECT_EQ(book_.stamp(kRow, kField), (WriteStamp{20, kAda, 1, 3}));
  EXPECT_TRUE(removed(8, kAda));
}

TEST_F(ChangeBookTest, AFieldHasTheStampOfItsLastNoteOrOfTheBirth) {
  book_.note_birth(kRow, Version{1}, kServer, {10, kServer, 0, 0});
  book_.note_change(kRow, kField, Version{2}, kBob);
  EXPECT_EQ(book_.stamp(kRow, kField), (WriteStamp{10, kServer, 0, 0}));
  book_.note_stamp(kRow, kField, {11, kBob, 4, 2});
  EXPECT_EQ(book_.stamp(kRow, kField), (WriteStamp{11, kBob, 4, 2}));
  EXPECT_EQ(book_.stamp(kRow, kField + 1), (WriteStamp{10, kServer, 0, 0}));
}

TEST_F(ChangeBookTest, StampsAreOrderedByTimeThenClientThenSequenceThenPlace) {
  const WriteStamp stamps[] = {
      {1, kBob, 9, 9}, {2, kAda, 9, 9}, {2, kBob, 8, 9}, {2, kBob, 9, 8}, {2, kBob, 9, 9}};
  for (size_t i = 1; i < std::size(stamps); ++i) EXPECT_LT(stamps[i - 1], stamps[i]);
}

TEST_F(ChangeBookTest, RemovalsAreKnownByRemoverAndByBeingTheLast) {
  EXPECT_FALSE(removed(0, kAda));
  EXPECT_FALSE(last_removed(0, kAda));
  book_.note_removal(kRow, Version{5}, kBob);
  EXPECT_TRUE(removed(4, kAda));
  EXPECT_TRUE(last_removed(4, kAda));
  EXPECT_FALSE(removed(5, kAda));
  EXPECT_FALSE(last_removed(5, kAda));
  EXPECT_FALSE(removed(4, kBob));
  book_.note_removal(kRow, Version{7}, kAda);
  EXPECT_TRUE(removed(4, kAda));
  EXPECT_FALSE(last_removed(4, kAda));
  EXPECT_TRUE(last_removed(6, kBob));
}

TEST_F(ChangeBookTest, ADroppedTransactionAndARestoredPartOfItLeaveNothing) {
  book_.note_birth(kRow, Version{1}, kServer, {});
  book_.commit();
  book_.note_change(kRow, kField, Version{2}, kBob);
  const ChangeBook::Savepoint savepoint = book_.save();
  book_.note_change(kRow, kField, Version{2}, kServer);
  book_.note_removal(kRow, Version{2}, kServer);
  EXPECT_TRUE(changed(1, kBob));
  book_.restore(savepoint);
  EXPECT_FALSE(changed(1, kBob));
  EXPECT_FALSE(removed(0, kBob));
  EXPECT_TRUE(changed(1, kAda));
  book_.drop();
  EXPECT_FALSE(changed(1, kAda));
  EXPECT_TRUE(changed(0, kAda));
  book_.note_change(kRow, kField, Version{2}, kBob);
  book_.commit();
  book_.drop();
  EXPECT_TRUE(changed(1, kAda));
}

}  // namespace
}  // namespace ecsdb::sim
