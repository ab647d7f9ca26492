// Comparing replicas, and what one is told with what has changed.
#pragma once

#include <algorithm>
#include <gtest/gtest.h>
#include <tuple>
#include <vector>

#include "ecsdb/client/client_db.h"
#include "ecsdb/client/events.h"

namespace ecsdb::client_test {

inline void expect_same_cells(ClientDb& replica, ClientDb& expected) {
  ASSERT_EQ(replica.cells().size(), expected.cells().size());
  for (size_t i = 0; i < expected.cells().size(); ++i) {
    const HeldCell& is = replica.cells()[i];
    const HeldCell& want = expected.cells()[i];
    ASSERT_EQ(is.held, want.held) << i;
    EXPECT_EQ(is.generation, want.generation);
    if (!want.held) continue;
    EXPECT_EQ(is.table, want.table);
    EXPECT_EQ(is.key, want.key);
    EXPECT_EQ(is.changed, want.changed);
    EXPECT_EQ(is.log.count(), want.log.count());
    EXPECT_EQ(is.history.publishes(), want.history.publishes());
    EXPECT_TRUE(std::ranges::equal(is.history.recent(), want.history.recent()));
    EXPECT_EQ(replica.digest(i), expected.digest(i));
    replica.table(is.table).check_invariants(is.log, static_cast<CellIndex>(i), true);
  }
}

/// Two replicas that nothing tells apart, also not what comes next.
inline void expect_same(ClientDb& replica, ClientDb& expected) {
  ASSERT_EQ(replica.cut(), expected.cut());
  EXPECT_EQ(replica.commit_time_ns(), expected.commit_time_ns());
  expect_same_cells(replica, expected);
  for (size_t t = 0; t < expected.table_count(); ++t) {
    const Table& is = replica.table(t);
    const Table& want = expected.table(t);
    ASSERT_EQ(is.row_count(), want.row_count());
    for (RowIndex i = 0; i < want.row_count(); ++i) {
      const RowIndex row = is.find(want.row(i).entity);
      ASSERT_NE(row, kNoRow);
      EXPECT_EQ(is.row(row).cell, want.row(i).cell);
      EXPECT_EQ(is.row(row).changed, want.row(i).changed);
      for (uint16_t field = 0; field < want.field_count(); ++field) {
        EXPECT_TRUE(is.field_equals(row, want, i, field)) << t << " " << field;
      }
      const CellHistory& history = expected.cells()[want.row(i).cell].history;
      EXPECT_EQ(is.history_hash(row, history), want.history_hash(i, history));
    }
  }
}

using Event = std::tuple<uint16_t, EntityId, RowEventKind, uint64_t>;

/// What a reader sees change from one state to another.
inline std::vector<Event> differences(const ClientDb& before, const ClientDb& after) {
  std::vector<Event> events;
  for (uint16_t t = 0; t < before.table_count(); ++t) {
    const Table& old = before.table(t);
    const Table& now = after.table(t);
    for (const Row& row : old.rows()) {
      if (now.find(row.entity) != kNoRow) continue;
      events.emplace_back(t, row.entity, RowEventKind::kLeave, 0);
    }
    for (RowIndex i = 0; i < now.row_count(); ++i) {
      const EntityId entity = now.row(i).entity;
      const RowIndex row = old.find(entity);
      if (row == kNoRow) {
        events.emplace_back(t, entity, RowEventKind::kEnter, 0);
        continue;
      }
      uint64_t differs = 0;
      for (const uint16_t field : now.layout().replicated) {
        if (now.field_equals(i, old, row, field)) continue;
        differs |= uint64_t{1} << now.layout().fields[field].replicated_bit;
      }
      if (differs != 0) events.emplace_back(t, entity, RowEventKind::kChange, differs);
    }
  }
  std::sort(events.begin(), events.end());
  return events;
}

inline std::vector<Event> sorted(const std::vector<RowEvent>& events) {
  std::vector<Event> out;
  for (const RowEvent& event : events) {
    out.emplace_back(event.table, event.entity, event.kind, event.changed);
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace ecsdb::client_test
