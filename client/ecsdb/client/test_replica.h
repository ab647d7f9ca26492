// A replica that follows a database, for tests of what it takes and what it refuses.
#pragma once

#include <gtest/gtest.h>

#include "ecsdb/base/hash.h"
#include "ecsdb/client/replica.h"
#include "ecsdb/client/test_draft.h"
#include "ecsdb/client/test_fixture.h"
#include "ecsdb/server/cell_blocks.h"

namespace ecsdb::client_test {

inline constexpr Vec2f kHere{10, 10};
inline constexpr Vec2f kThere{100, 100};

/// Everything that reads can see, for before-and-after comparisons.
struct Picture {
  Version cut;
  std::vector<std::tuple<bool, uint32_t, CellKey, Version, uint32_t, Digest>> cells;
  std::vector<uint32_t> rows;
  bool operator==(const Picture&) const = default;
};
inline Picture picture(Replica& replica) {
  Picture out;
  out.cut = replica.cut();
  for (size_t i = 0; i < replica.cells().size(); ++i) {
    const HeldCell& cell = replica.cells()[i];
    const Digest digest = cell.held ? replica.digest(i) : Digest{};
    out.cells.emplace_back(cell.held, cell.generation, cell.key, cell.changed, cell.log.count(),
                           digest);
  }
  for (size_t t = 0; t < replica.table_count(); ++t) {
    out.rows.push_back(replica.table(t).row_count());
  }
  return out;
}

/// A database whose ship cells a replica follows, advance by advance. A cell's handle is its index.
class ReplicaTest : public ::testing::Test {
 protected:
  ReplicaTest() : db_(harbour().build().value(), {}), replica_(harbour().build().value()) {
    EXPECT_TRUE(db_.bind<Ship>().ok() && replica_.bind<Ship>().ok());
    anna_ = add(kHere);
    boris_ = add(kHere);
    clara_ = add(kThere);
    db_.finish_publish();
    replica_.start_sync(db_.head());
    EXPECT_TRUE(replica_.apply_chunk(enter_all().seal()).ok());
  }

  template <class Change>
  void commit(Change&& change) {
    Transaction tx = db_.begin();
    change(tx);
    std::move(tx).commit();
  }
  EntityId add(Vec2f pos) {
    EntityId entity;
    commit([&](Transaction& tx) {
      entity = tx.create().value();
      EXPECT_TRUE(tx.insert(entity, Ship{pos, 1, "s"}).ok());
    });
    return entity;
  }
  void paint(EntityId entity, uint64_t value) {
    commit([&](Transaction& tx) { EXPECT_TRUE(tx.set(kShip, entity, kPaint, value).ok()); });
  }
  uint32_t cell_of(Vec2f pos) const {
    const auto part = [](float v) { return static_cast<int64_t>(v) / 64; };
    return db_.cells(kShip).find(CellKey::grid(part(pos.x), part(pos.y)));
  }

  CellEnter enter_of(uint32_t cell, uint32_t generation = 1) const {
    const Cell& at = db_.cell({kShip, cell});
    return {cell, generation, TableId{1}, at.key, at.published, at.history.publishes()};
  }
  Draft enter_all() {
    Draft chunk;
    chunk.set_span(db_.head(), db_.head());
    blocks_.begin_publish();
    for (const auto& [key, cell] : db_.cells(kShip).by_key()) {
      chunk.head.enters.push_back(enter_of(cell));
      chunk.add(cell, blocks_.whole(db_, {kShip, cell}, db_.head()));
    }
    return chunk;
  }
  /// Publishes what was committed and gives the advance to it.
  Draft step() {
    Draft advance;
    const Version from = db_.published();
    blocks_.begin_publish();
    db_.publish([&](CellRef ref, const ChangeSet& changes) {
      if (db_.cell(ref).published == Version{}) return;
      advance.add(ref.cell, blocks_.relative(db_, ref, changes));
    });
    advance.set_span(from, db_.published());
    return advance;
  }
  Draft net(Version from) {
    Draft advance;
    advance.set_kind(AdvanceKind::kNet);
    advance.set_span(from, db_.published());
    for (const auto& [key, cell] : db_.cells(kShip).by_key()) {
      const Cell& at = db_.cell({kShip, cell});
      if (at.published > from) advance.add(cell, blocks_.net(db_, {kShip, cell}, from));
    }
    return advance;
  }
  void expect_fault(const Draft& advance, ErrorCode code) { expect_fault(advance.seal(), code); }
  void expect_applies(const Draft& advance) { expect_applies(advance.seal()); }
  void expect_fault(const ReceivedAdvance& advance, ErrorCode code) {
    const Picture before = picture(replica_);
    std::vector<RowEvent> events;
    const Status status = replica_.apply(advance, &events);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.code(), code) << status.error().to_string();
    EXPECT_FALSE(status.error().context.empty());
    EXPECT_EQ(picture(replica_), before);
    EXPECT_TRUE(events.empty());
  }
  void expect_applies(const ReceivedAdvance& advance) {
    const Status status = replica_.apply(advance, nullptr);
    ASSERT_TRUE(status.ok()) << status.error().to_string();
    EXPECT_EQ(replica_.cut(), db_.published());
    for (size_t i = 0; i < replica_.cells().size(); ++i) {
      const HeldCell& cell = replica_.cells()[i];
      if (!cell.held) continue;
      EXPECT_EQ(replica_.digest(i), db_.digest(kShip, cell.key));
    }
  }

  Database db_;
  CellBlocks blocks_;
  Replica replica_;
  EntityId anna_;
  EntityId boris_;
  EntityId clara_;
};

}  // namespace ecsdb::client_test
