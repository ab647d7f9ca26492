// Advances of a random history, with all that can happen to a replica's cells in one.
#pragma once

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ecsdb/base/prng.h"
#include "ecsdb/client/replica.h"
#include "ecsdb/client/test_draft.h"
#include "ecsdb/client/test_fixture.h"
#include "ecsdb/server/cell_blocks.h"

namespace ecsdb::client_test {

/// Two tables with cells, each of a tier, and one that follows.
inline Schema port(CodecTier ships, CodecTier chats) {
  return SchemaBuilder("port")
      .table(1, "ship")
      .codec(ships)
      .grid("pos", 64)
      .field(1, "pos", FieldType::kVec2f)
      .precision(0.5)
      .field(2, "paint", FieldType::kU8)
      .text(3, "name", 40)
      .field(4, "course", FieldType::kQuatf)
      .quaternion_bits(10)
      .table(2, "cargo")
      .codec(ships)
      .follow("ship")
      .field(1, "gold", FieldType::kI64)
      .table(3, "chat")
      .codec(chats)
      .by("room")
      .field(1, "room", FieldType::kI32)
      .text(2, "line", 100)
      .build()
      .value();
}
inline constexpr uint16_t kCourse = 3;

/// One advance as a replica gets it, and before it the chunk of the sync that it ends, if it does.
struct FeedStep {
  ReceivedAdvance advance;
  std::optional<ReceivedAdvance> chunk;

  void apply_to(Replica& replica) const {
    Replica sync(replica.schema());
    sync.start_sync(replica.cut());
    Status status = chunk ? sync.apply_chunk(*chunk, &replica) : Status();
    if (status.ok()) status = replica.apply(advance, nullptr, chunk ? &sync : nullptr);
    ASSERT_TRUE(status.ok()) << status.error().to_string();
  }
};

/// A database that changes at random, and what a client is told of it whose cells come and go.
class Feed {
 public:
  Feed(Schema schema, uint64_t seed)
      : schema_(schema), db_(std::move(schema), {}), random_(Prng(seed).stream("feed")) {
    EXPECT_TRUE(db_.bind<Ship>().ok() && db_.bind<Cargo>().ok() && db_.bind<Chat>().ok());
    for (int i = 0; i < 40; ++i) change();
    db_.finish_publish();
  }
  const Schema& schema() const { return schema_; }
  const Database& database() const { return db_; }

  /// What is held at first, at database().published().
  ReceivedAdvance first_chunk() {
    Draft chunk;
    chunk.set_span(db_.published(), db_.published());
    blocks_.begin_publish();
    for_each_cell([&](CellRef ref) {
      if (random_.chance(3, 4)) enter(chunk, ref, db_.published());
    });
    return chunk.seal();
  }
  Replica start() {
    Replica replica(schema_);
    replica.start_sync(db_.published());
    EXPECT_TRUE(replica.apply_chunk(first_chunk()).ok());
    return replica;
  }

  FeedStep next() {
    const uint64_t kind = random_.below(8);
    if (kind == 0) return net();
    if (kind == 1) return sync_end();
    return step();
  }

 private:
  template <class Visit>
  void for_each_cell(Visit&& visit) {
    for (uint16_t table = 0; table < schema_.table_count(); ++table) {
      for (const auto& [key, cell] : db_.cells(table).by_key()) {
        if (db_.cell({table, cell}).published != Version{}) visit(CellRef{table, cell});
      }
    }
  }

  void change() {
    Transaction tx = db_.begin();
    for (uint64_t left = 1 + random_.below(4); left > 0; --left) change_row(tx);
    std::move(tx).commit();
  }
  void change_row(Transaction& tx) {
    if (entities_.size() < 8 || (entities_.size() < 40 && random_.chance(1, 6))) {
      entities_.push_back(tx.create().value());
      EXPECT_TRUE(tx.insert(entities_.back(), Ship{place(), 1, text()}).ok());
      return;
    }
    const size_t at = random_.below(entities_.size());
    const EntityId entity = entities_[at];
    const bool is_ship = db_.contains<Ship>(entity);
    switch (random_.below(9)) {
      case 0:
        EXPECT_TRUE(tx.destroy(entity).ok());
        entities_.erase(entities_.begin() + static_cast<ptrdiff_t>(at));
        return;
      case 1:
        EXPECT_TRUE(tx.put(entity, Chat{static_cast<int32_t>(random_.below(3)), text()}).ok());
        return;
      case 2:
        EXPECT_TRUE(tx.put(entity, Cargo{random_.between(-9, 9)}).ok());
        return;
      case 3:
        if (!is_ship) return;
        EXPECT_TRUE(tx.remove<Ship>(entity).ok());
        return;
      case 4:
        if (!is_ship) return;
        EXPECT_TRUE(tx.set(kShip, entity, kCourse, course()).ok());
        return;
      case 5:
      case 6:
        if (!is_ship) return;
        EXPECT_TRUE(tx.set(kShip, entity, kPaint, random_.below(256)).ok());
        return;
      default:
        EXPECT_TRUE(tx.put(entity, Ship{place(), 2, text()}).ok());
    }
  }
  Vec2f place() {
    return {static_cast<float>(random_.between(-90, 90)), static_cast<float>(random_.below(60))};
  }
  Quatf course() {
    const auto part = [&] { return static_cast<float>(random_.between(-4, 4)) * 0.25f; };
    return {part(), part(), part(), 2};
  }
  std::string text() {
    return std::string(random_.below(40), static_cast<char>('a' + random_.below(3)));
  }

  void enter(Draft& draft, CellRef ref, Version since) {
    uint32_t handle = handle_end_;
    if (!free_.empty() && random_.chance(3, 4)) {
      handle = free_.back();
      free_.pop_back();
    } else {
      ++handle_end_;
    }
    held_[ref] = {handle, ++generation_};
    const Cell& cell = db_.cell(ref);
    draft.head.enters.push_back({handle, generation_, schema_.table(ref.table).id, cell.key,
                                 cell.published, cell.history.publishes()});
    if (cell.log.count() > 0) draft.add(handle, blocks_.whole(db_, ref, since), generation_);
  }
  void leave(Draft& draft, CellRef ref) {
    const Name name = held_.at(ref);
    draft.head.leaves.push_back({name.handle, name.generation});
    free_.push_back(name.handle);
    held_.erase(ref);
  }

  /// Cells that go before blocks are made, and those that come after.
  void choose_leaves(Draft& draft) {
    for_each_cell([&](CellRef ref) {
      if (held_.contains(ref) && random_.chance(1, 20)) leave(draft, ref);
    });
  }
  void choose_enters(Draft& draft, Version since) {
    for_each_cell([&](CellRef ref) {
      if (!held_.contains(ref) && random_.chance(1, 3)) enter(draft, ref, since);
    });
  }

  void set_end(Draft& draft, Version from) const {
    draft.set_span(from, db_.published());
    draft.head.commit_time_ns = 1000 * db_.published().value;
  }
  FeedStep step() {
    Draft draft;
    const Version from = db_.published();
    choose_leaves(draft);
    change();
    blocks_.begin_publish();
    db_.publish([&](CellRef ref, const ChangeSet& changes) {
      const auto held = held_.find(ref);
      if (held == held_.end()) return;
      draft.add(held->second.handle, blocks_.relative(db_, ref, changes), held->second.generation);
    });
    blocks_.begin_publish();
    choose_enters(draft, from);
    draft.set_kind(AdvanceKind::kStep);
    set_end(draft, from);
    return {draft.seal(), std::nullopt};
  }
  void publish_twice() {
    for (int i = 0; i < 2; ++i) {
      change();
      db_.finish_publish();
    }
    blocks_.begin_publish();
  }
  void add_nets(Draft& draft, Version from) {
    for (const auto& [ref, name] : held_) {
      if (db_.cell(ref).published <= from) continue;
      draft.add(name.handle, blocks_.net(db_, ref, from), name.generation);
    }
  }
  FeedStep net() {
    Draft draft;
    const Version from = db_.published();
    choose_leaves(draft);
    publish_twice();
    add_nets(draft, from);
    choose_enters(draft, from);
    draft.set_kind(AdvanceKind::kNet);
    set_end(draft, from);
    return {draft.seal(), std::nullopt};
  }
  /// Some cells that are not held come beside the others.
  FeedStep sync_end() {
    const Version from = db_.published();
    Draft chunk;
    chunk.set_span(from, from);
    blocks_.begin_publish();
    choose_enters(chunk, from);
    Draft draft;
    choose_leaves(draft);
    publish_twice();
    add_nets(draft, from);
    draft.set_kind(AdvanceKind::kSyncEnd);
    set_end(draft, from);
    return {draft.seal(), chunk.seal()};
  }

  struct Name {
    uint32_t handle;
    uint32_t generation;
  };
  Schema schema_;
  Database db_;
  CellBlocks blocks_;
  Prng random_;
  std::vector<EntityId> entities_;
  std::map<CellRef, Name> held_;
  std::vector<uint32_t> free_;
  uint32_t handle_end_ = 0;
  uint32_t generation_ = 0;
};

}  // namespace ecsdb::client_test
