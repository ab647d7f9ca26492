// Who changed what last: marks of rows that move, and removals that are taken back.
#include "ecsdb/store/change_marks.h"

#include <gtest/gtest.h>

#include "ecsdb/schema/schema_builder.h"
#include "ecsdb/store/transaction.h"

namespace ecsdb {
namespace {

constexpr ClientId kMe{1};
constexpr ClientId kYou{2};

TEST(FieldMark, IsStaleOnlyForWhatOthersChanged) {
  FieldMark mark;
  EXPECT_FALSE(mark.is_stale_for(kMe, Version{}));
  mark.change(kMe, Version{5});
  EXPECT_FALSE(mark.is_stale_for(kMe, Version{}));
  EXPECT_TRUE(mark.is_stale_for(kYou, Version{4}));
  EXPECT_FALSE(mark.is_stale_for(kYou, Version{5}));
  mark.change(kYou, Version{6});
  mark.change(kMe, Version{7});
  mark.change(kMe, Version{8});
  EXPECT_TRUE(mark.is_stale_for(kMe, Version{5}));
  EXPECT_FALSE(mark.is_stale_for(kMe, Version{6}));
  EXPECT_TRUE(mark.is_stale_for(kYou, Version{7}));
}

Schema pages() {
  return SchemaBuilder("pages")
      .table(1, "page")
      .by("book")
      .write("")
      .field(1, "book", FieldType::kI32)
      .text(2, "line", 100)
      .lww()
      .field(3, "note", FieldType::kU32)
      .server_only()
      .build()
      .value();
}

class Marks : public testing::Test {
 protected:
  Marks() : db_(pages(), DatabaseOptions{}) {}

  EntityId add(int64_t book, std::string line) {
    Transaction tx = db_.begin();
    const EntityId entity = tx.create().value();
    const FieldValue values[] = {{0, book}, {1, std::move(line)}};
    EXPECT_TRUE(tx.insert(0, entity, values).ok());
    std::move(tx).commit();
    return entity;
  }
  static CanonicalValue text(std::string value) {
    CanonicalValue out;
    out.kind = CanonicalValue::kText;
    out.text = std::move(value);
    return out;
  }
  static CanonicalValue number(uint64_t value) {
    CanonicalValue out;
    out.kind = 1;
    out.lanes.lane[0] = value;
    return out;
  }
  void write_line(Transaction& tx, EntityId entity, std::string line, ClientId by) {
    tx.write_field(0, db_.find_row(0, entity), 1, text(std::move(line)), {by, {100, 1, 0}});
  }
  const FieldMark& line_mark(EntityId entity) const {
    return db_.table(0).marks().field(db_.find_row(0, entity), 1);
  }
  std::string line(EntityId entity) const {
    return db_.table(0).field_value(db_.find_row(0, entity), 1).text;
  }

  Database db_;
};

TEST_F(Marks, FollowTheirRowWhenAnotherIsErased) {
  const EntityId first = add(1, "first");
  const EntityId middle = add(1, "middle");
  const EntityId last = add(1, "last");
  {
    Transaction tx = db_.begin();
    write_line(tx, last, "mine", kMe);
    tx.start_step(0);
    std::move(tx).commit();
  }
  const Version at = db_.head();
  {
    Transaction tx = db_.begin();
    EXPECT_TRUE(tx.remove(0, first).ok());
    std::move(tx).commit();
  }
  EXPECT_EQ(db_.find_row(0, last), 0u);
  EXPECT_EQ(line_mark(last).by, kMe);
  EXPECT_EQ(line_mark(last).version, at);
  EXPECT_EQ(db_.table(0).marks().lww(0, 1).stamp, 100u);
  EXPECT_EQ(line_mark(middle).by, kServerClient);
  EXPECT_EQ(db_.removal(0, first)->by, kServerClient);
}

TEST_F(Marks, GoBackWithTextsCellsAndRemovedRows) {
  const EntityId page = add(1, "before");
  const EntityId other = add(2, "other");
  const Version born = db_.head();
  Transaction tx = db_.begin();
  write_line(tx, page, "kept", kMe);
  const Transaction::Savepoint here = tx.savepoint();
  for (int round = 0; round < 3; ++round) {
    write_line(tx, page, "a", kYou);
    write_line(tx, page, "b", kYou);
    tx.write_field(0, db_.find_row(0, page), 0, number(2), {kYou, {}});
    tx.remove_row(0, db_.find_row(0, page), {kYou, {}});
    const CanonicalValue again = text("again");
    const Transaction::WrittenField fields[] = {{1, &again}};
    tx.write_row(0, page, fields, {kYou, {200, 1, 0}});
    const EntityId made = tx.create().value();
    tx.write_row(0, made, fields, {kYou, {200, 1, 0}});
    tx.remove_row(0, db_.find_row(0, made), {kYou, {}});
    tx.remove_row(0, db_.find_row(0, other), {kYou, {}});
    EXPECT_TRUE(tx.destroy(made).ok());
    EXPECT_TRUE(tx.destroy(other).ok());
    tx.roll_back(here);
    EXPECT_EQ(line(page), "kept");
    EXPECT_EQ(line_mark(page).by, kMe);
    EXPECT_EQ(line_mark(page).other, Version{born.value - 1});
    EXPECT_EQ(db_.table(0).marks().lww(db_.find_row(0, page), 1).stamp, 100u);
    EXPECT_EQ(db_.table(0).marks().birth(db_.find_row(0, page)).by, kServerClient);
    EXPECT_EQ(db_.removal(0, page), nullptr);
    EXPECT_EQ(db_.removal(0, other), nullptr);
    EXPECT_EQ(line(other), "other");
    EXPECT_TRUE(db_.exists(other));
    EXPECT_FALSE(db_.exists(made));
  }
  tx.start_step(0);
  EXPECT_TRUE(tx.set(0, other, 1, Value(std::string("server"))).ok());
  std::move(tx).commit();
  db_.check_invariants();
  EXPECT_EQ(db_.table(0).row_count(), 2u);
  EXPECT_EQ(line_mark(page).by, kMe);
  EXPECT_EQ(line_mark(other).by, kServerClient);
  EXPECT_EQ(line_mark(other).version, db_.head());
}

TEST_F(Marks, DroppedTransactionLeavesNone) {
  const EntityId page = add(1, "before");
  {
    Transaction tx = db_.begin();
    write_line(tx, page, "a", kYou);
    tx.remove_row(0, db_.find_row(0, page), {kYou, {}});
    EXPECT_TRUE(tx.destroy(page).ok());
  }
  EXPECT_EQ(line(page), "before");
  EXPECT_EQ(line_mark(page).by, kServerClient);
  EXPECT_EQ(db_.removal(0, page), nullptr);
  db_.check_invariants();
}

TEST(Removals, OldestAreForgottenAndNewerOnesOfTheSameRowAreNot) {
  Removals removals;
  const auto entity = [](size_t index) {
    return EntityId::make(static_cast<uint32_t>(index), 1, 1);
  };
  removals.add(0, entity(0), {Version{1}, kMe});
  for (size_t i = 1; i < Removals::kKept; ++i) removals.add(0, entity(i), {Version{1 + i}, kMe});
  removals.trim();
  ASSERT_NE(removals.find(0, entity(0)), nullptr);
  removals.add(0, entity(0), {Version{Removals::kKept + 1}, kYou});
  removals.add(1, entity(0), {Version{Removals::kKept + 1}, kYou});
  removals.trim();
  ASSERT_NE(removals.find(0, entity(0)), nullptr);
  EXPECT_EQ(removals.find(0, entity(0))->by, kYou);
  EXPECT_EQ(removals.find(0, entity(1)), nullptr);
  EXPECT_NE(removals.find(0, entity(2)), nullptr);
}

TEST(Removals, WhatIsTakenBackIsAsBefore) {
  Removals removals;
  const EntityId entity = EntityId::make(1, 1, 1);
  auto before = removals.get(0, entity);
  removals.add(0, entity, {Version{3}, kMe});
  removals.restore(0, entity, before);
  EXPECT_EQ(removals.find(0, entity), nullptr);
  removals.add(0, entity, {Version{3}, kMe});
  before = removals.get(0, entity);
  removals.add(0, entity, {Version{4}, kYou});
  removals.restore(0, entity, before);
  ASSERT_NE(removals.find(0, entity), nullptr);
  EXPECT_EQ(removals.find(0, entity)->version, Version{3});
  EXPECT_EQ(removals.find(0, entity)->by, kMe);
}

}  // namespace
}  // namespace ecsdb
