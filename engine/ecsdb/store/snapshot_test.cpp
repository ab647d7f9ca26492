// Snapshots: equal state comes back, and nothing that bytes can say does harm.
#include <algorithm>
#include <gtest/gtest.h>

#include "ecsdb/base/prng.h"
#include "ecsdb/store/test_support.h"

namespace ecsdb::store_test {
namespace {

constexpr size_t kHashBytes = 16;

/// Small, but with every part of the format: rows of all tables, tombstones of both kinds, an empty
/// cell, a destroyed one, free and retired slots' neighbours, a published and an open change.
Database sample() {
  DatabaseOptions options = arena_options();
  options.horizon_versions_max = 6;
  Database db = arena(options);
  const EntityId gone = add_ship(db, {400, -70}, "gone");
  Transaction end = db.begin();
  EXPECT_TRUE(end.destroy(gone).ok());
  std::move(end).commit();
  for (int i = 0; i < 6; ++i) db.begin().commit();
  Transaction change = db.begin();
  for (uint16_t i = 0; i < 3; ++i) {
    const EntityId entity = change.create().value();
    EXPECT_TRUE(change.insert(entity, Ship{{-1.0f * i, 3}, -i, "ship"}).ok());
    EXPECT_TRUE(change.insert(entity, Hull{i, Side::kRed}).ok());
    EXPECT_TRUE(change.insert(kChat, entity, {}).ok());
    EXPECT_TRUE(change.insert(kBag, entity, {}).ok());
    EXPECT_TRUE(change.insert(kClock, entity, {}).ok());
  }
  std::move(change).commit();
  db.finish_publish();
  EXPECT_EQ(db.trim().size(), 1u);
  const EntityId mover = db.table(kShip).row(0).entity;
  set_field(db, kShip, mover, kPos, Vec2f{-65, 1});
  set_field(db, kShip, mover, kPos, Vec2f{200, 1});
  set_field(db, kShip, mover, kHeat, -1.5);
  set_field(db, kShip, mover, kNote, std::string("hidden"));
  db.finish_publish();
  Transaction last = db.begin();
  EXPECT_TRUE(last.destroy(db.table(kShip).row(1).entity).ok());
  std::move(last).commit();
  db.finish_publish();
  return db;
}

void seal(Bytes& bytes) {
  bytes.resize(bytes.size() - kHashBytes);
  const Hash128 hash = hash128(bytes);
  ByteWriter out(bytes);
  out.u64(hash.high);
  out.u64(hash.low);
}

/// A refusal must say where; an acceptance must be a sound database that writes canonical bytes.
void expect_sound(const Bytes& bytes, size_t& refused) {
  Result<Database> restored = Database::restore(bytes);
  if (!restored.ok()) {
    ++refused;
    EXPECT_EQ(restored.code(), ErrorCode::kSnapshotCorrupt);
    EXPECT_FALSE(restored.error().context.empty());
    return;
  }
  restored->check_invariants();
  restored->begin().commit();
  restored->finish_publish();
  restored->trim();
  restored->check_invariants();
  EXPECT_TRUE(Database::restore(restored->snapshot()).ok());
}

uint64_t history_of(const Database& db, uint16_t table, EntityId entity) {
  const RowIndex row = db.table(table).find(entity);
  const CellIndex cell = db.table(table).row(row).cell;
  return db.table(table).history_hash(row, db.cells(table).at(cell).history);
}

void expect_equal_cells(const Database& a, const Database& b, uint16_t table) {
  ASSERT_EQ(a.cells(table).count(), b.cells(table).count());
  EXPECT_EQ(a.cells(table).forgotten(), b.cells(table).forgotten());
  for (const auto& [key, index] : a.cells(table).by_key()) {
    const Cell& left = a.cells(table).at(index);
    const Cell* right = find_cell(b, table, key);
    ASSERT_NE(right, nullptr);
    EXPECT_EQ(left.changed, right->changed);
    EXPECT_EQ(left.published, right->published);
    EXPECT_EQ(left.published_before, right->published_before);
    EXPECT_EQ(left.horizon, right->horizon);
    EXPECT_EQ(left.log.count(), right->log.count());
    EXPECT_EQ(left.history.publishes(), right->history.publishes());
    EXPECT_TRUE(std::ranges::equal(left.history.recent(), right->history.recent()));
    ASSERT_EQ(left.tombstones.size(), right->tombstones.size());
    for (size_t i = 0; i < left.tombstones.size(); ++i) {
      EXPECT_EQ(left.tombstones[i].entity, right->tombstones[i].entity);
      EXPECT_EQ(left.tombstones[i].version, right->tombstones[i].version);
      EXPECT_EQ(left.tombstones[i].left, right->tombstones[i].left);
      EXPECT_EQ(left.tombstones[i].shown, right->tombstones[i].shown);
    }
  }
  for (const Row& row : a.table(table).rows()) {
    const Row& other = row_of(b, table, row.entity);
    EXPECT_EQ(born_of(b, table, row.entity), born_of(a, table, row.entity));
    EXPECT_EQ(other.changed, row.changed);
    EXPECT_EQ(b.cells(table).at(other.cell).key, a.cells(table).at(row.cell).key);
    EXPECT_EQ(history_of(b, table, row.entity), history_of(a, table, row.entity));
  }
}

TEST(Snapshot, RestoredDatabaseIsEqual) {
  Database db = sample();
  const Bytes bytes = db.snapshot();
  Result<Database> restored = Database::restore(bytes, &db.schema());
  ASSERT_TRUE(restored.ok()) << restored.error().to_string();
  restored->check_invariants();
  EXPECT_EQ(restored->snapshot(), bytes);
  EXPECT_EQ(restored->head(), db.head());
  EXPECT_EQ(restored->published(), db.head());
  EXPECT_EQ(restored->options().id, db.options().id);
  EXPECT_EQ(restored->options().epoch, db.options().epoch);
  EXPECT_EQ(restored->options().horizon_versions_max, 6u);
  EXPECT_EQ(restored->options().tombstones_max, db.options().tombstones_max);
  EXPECT_EQ(restored->options().entities_max, db.options().entities_max);
  for (uint16_t table = 0; table < db.table_count(); ++table) {
    EXPECT_EQ(restored->table(table).row_count(), db.table(table).row_count());
    expect_equal_cells(db, *restored, table);
    for (const auto& entry : db.cells(table).by_key()) {
      EXPECT_EQ(restored->digest(table, entry.first), db.digest(table, entry.first));
    }
  }
  ASSERT_TRUE(restored->bind<Ship>().ok());
  for (auto [entity, ship] : db.view<Ship>()) {
    const Ship other = restored->get<Ship>(entity).value();
    EXPECT_EQ(other.pos, ship.pos);
    EXPECT_EQ(other.name, ship.name);
    for (uint16_t field = 0; field < 6; ++field) {
      EXPECT_EQ(restored->value(kShip, entity, field).value(),
                db.value(kShip, entity, field).value());
    }
  }
}

// What a packed block predicts from is part of the state: a database that was restored in between
// has the same history ever after.
TEST(Snapshot, HistoryGoesOnAsBefore) {
  Database db = arena();
  std::vector<EntityId> ships;
  for (int i = 0; i < 40; ++i) ships.push_back(add_ship(db, {static_cast<float>(i % 3), 0}));
  Prng random(3);
  std::vector<Database> restored;
  for (int step = 0; step < 60; ++step) {
    auto change = [&](Database& at, Prng rng) {
      Transaction tx = at.begin();
      for (const EntityId ship : ships) {
        if (rng.chance(2, 3)) continue;
        const int64_t gold = at.get<Ship>(ship)->gold;
        EXPECT_TRUE(tx.set(kShip, ship, kGold, gold + (rng.chance(1, 2) ? 7 : 3)).ok());
        const double x = static_cast<double>(rng.below(4));
        EXPECT_TRUE(tx.set(kShip, ship, kPos, Vec2f{static_cast<float>(x), 1}).ok());
      }
      std::move(tx).commit();
      at.finish_publish();
    };
    const Prng rng = random.stream("step");
    random.next();
    change(db, rng);
    for (Database& other : restored) {
      change(other, rng);
      expect_equal_cells(db, other, kShip);
    }
    if (step % 9 != 3) continue;
    restored.push_back(Database::restore(db.snapshot()).value());
    ASSERT_TRUE(restored.back().bind<Ship>().ok());
    expect_equal_cells(db, restored.back(), kShip);
  }
  EXPECT_FALSE(HasFailure());
}

TEST(Snapshot, EmptyDatabaseGoesRound) {
  const Bytes bytes = Database(arena_schema(), arena_options()).snapshot();
  const Result<Database> restored = Database::restore(bytes);
  ASSERT_TRUE(restored.ok()) << restored.error().to_string();
  EXPECT_EQ(restored->head(), Version{});
  EXPECT_EQ(restored->snapshot(), bytes);
}

TEST(Snapshot, UnpublishedChangesComeBackPublished) {
  Database db = sample();
  const EntityId entity = db.table(kShip).row(0).entity;
  set_field(db, kShip, entity, kGold, int64_t{99});
  set_field(db, kShip, entity, kPos, Vec2f{-500, 500});
  Result<Database> restored = Database::restore(db.snapshot());
  ASSERT_TRUE(restored.ok());
  EXPECT_TRUE(restored->dirty_cells().empty());
  db.finish_publish();
  EXPECT_EQ(restored->snapshot(), db.snapshot());
  const Table& table = restored->table(kShip);
  const FieldLayout& gold = table.layout().fields[kGold];
  EXPECT_EQ(table.baseline_lane(table.find(entity), gold.lane_first), 99u);
}

TEST(Snapshot, EntityAllocatorGoesOnAsBefore) {
  Database db = arena();
  std::vector<EntityId> entities;
  for (int i = 0; i < 5; ++i) entities.push_back(add_ship(db, {}));
  Transaction change = db.begin();
  for (const size_t i : {3u, 0u, 2u}) ASSERT_TRUE(change.destroy(entities[i]).ok());
  std::move(change).commit();
  Database restored = Database::restore(db.snapshot()).value();
  for (int i = 0; i < 5; ++i) {
    Transaction a = db.begin();
    Transaction b = restored.begin();
    EXPECT_EQ(a.create().value(), b.create().value());
    std::move(a).commit();
    std::move(b).commit();
  }
}

// Two entities were destroyed: two slots of reuse 1 and epoch 3, then the free list 0, 1.
TEST(Snapshot, FreeListThatDoesNotFitTheSlotsIsRefused) {
  Database db = arena();
  Transaction create = db.begin();
  const EntityId first = create.create().value();
  const EntityId second = create.create().value();
  ASSERT_TRUE(create.destroy(first).ok() && create.destroy(second).ok());
  std::move(create).commit();
  const Bytes bytes = db.snapshot();
  const Bytes part{2, 2, 3, 2, 3, 2, 0, 1};
  const auto at = std::search(bytes.begin(), bytes.end(), part.begin(), part.end());
  ASSERT_NE(at, bytes.end());
  const auto with = [&](ptrdiff_t offset, uint8_t byte) {
    Bytes changed = bytes;
    changed[static_cast<size_t>(at - bytes.begin() + offset)] = byte;
    seal(changed);
    const Result<Database> restored = Database::restore(changed);
    return restored.ok() ? std::string() : restored.error().context;
  };
  EXPECT_EQ(with(7, 1), "");
  EXPECT_EQ(with(7, 0), "free entity slot 1: not free, or named twice");
  EXPECT_EQ(with(7, 2), "free entity slot 1: not free, or named twice");
  EXPECT_EQ(with(5, 1), "free entity slots: there are 2");
  EXPECT_EQ(with(1, 3), "free entity slots: there are 1");  // the first slot is alive
  EXPECT_EQ(with(1, 0), "entity slot 0: never used");
}

TEST(Snapshot, OtherSchemaIsRefused) {
  const Database db = sample();
  const Schema other =
      SchemaBuilder("other").table(1, "t").field(1, "f", FieldType::kU8).build().value();
  const Result<Database> restored = Database::restore(db.snapshot(), &other);
  ASSERT_FALSE(restored.ok());
  EXPECT_EQ(restored.code(), ErrorCode::kSchemaMismatch);
  EXPECT_NE(restored.error().context.find("arena"), std::string::npos);
}

TEST(Snapshot, OtherFormatAndOtherFilesAreRefusedByName) {
  Bytes bytes = sample().snapshot();
  bytes[8] = 9;
  seal(bytes);
  EXPECT_NE(Database::restore(bytes).error().context.find("format 9"), std::string::npos);
  EXPECT_EQ(Database::restore({}).error().context, "not a snapshot");
  EXPECT_EQ(Database::restore(as_bytes("SQLite format 3")).error().context, "not a snapshot");
}

TEST(Snapshot, CutAtEveryByteIsRefused) {
  const Bytes bytes = sample().snapshot();
  for (size_t n = 0; n < bytes.size(); ++n) {
    const Result<Database> restored = Database::restore(ByteSpan(bytes).first(n));
    ASSERT_EQ(restored.code(), ErrorCode::kSnapshotCorrupt) << n;
  }
}

TEST(Snapshot, EveryFlippedBitIsRefused) {
  Bytes bytes = sample().snapshot();
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const uint8_t mask = static_cast<uint8_t>(1u << (bit % 8));
    bytes[bit / 8] ^= mask;
    ASSERT_EQ(Database::restore(bytes).code(), ErrorCode::kSnapshotCorrupt) << bit;
    bytes[bit / 8] ^= mask;
  }
}

// With a right hash, the decoder itself must tell: a cut snapshot is never complete.
TEST(Snapshot, SealedCutAtEveryByteIsRefused) {
  const Bytes bytes = sample().snapshot();
  size_t refused = 0;
  for (size_t n = 9; n + kHashBytes < bytes.size(); ++n) {
    Bytes cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(n + kHashBytes));
    seal(cut);
    expect_sound(cut, refused);
  }
  EXPECT_EQ(refused, bytes.size() - kHashBytes - 9);
}

TEST(Snapshot, SealedFlippedBitsAreRefusedOrSound) {
  const Bytes bytes = sample().snapshot();
  size_t refused = 0;
  for (size_t bit = 9 * 8; bit < (bytes.size() - kHashBytes) * 8; ++bit) {
    Bytes damaged = bytes;
    damaged[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    seal(damaged);
    expect_sound(damaged, refused);
  }
  EXPECT_GT(refused, bytes.size() * 3);  // most bits, but not those of names, ids and values
}

TEST(Snapshot, SealedRandomDamageIsRefusedOrSound) {
  const Bytes bytes = sample().snapshot();
  Prng random(9);
  size_t refused = 0;
  for (int i = 0; i < 4000; ++i) {
    Bytes damaged = bytes;
    for (uint64_t left = 1 + random.below(3); left > 0; --left) {
      const size_t at = 9 + random.below(bytes.size() - kHashBytes - 9);
      damaged[at] = static_cast<uint8_t>(random.chance(1, 2) ? random.next() : 0xff);
    }
    seal(damaged);
    expect_sound(damaged, refused);
  }
  EXPECT_GT(refused, 1000u);
}

}  // namespace
}  // namespace ecsdb::store_test
