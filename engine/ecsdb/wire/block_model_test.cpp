// Random transactions on a server; replicas that get nothing but blocks must show the same rows
// and, for the packed tier, hold the same history.
#include <deque>
#include <gtest/gtest.h>

#include "ecsdb/wire/test_support.h"

namespace ecsdb::wire_test {
namespace {

class World {
 public:
  World(CodecTier tier, uint64_t seed)
      : random_(seed), db_(zoo_schema(tier), options()), live_(db_.schema()) {
    kept_.push_back({Version{0}, live_});
  }

  /// A few commits, one publish, and all that clients could be sent for it.
  void step() {
    for (uint64_t commits = 1 + random_.below(3); commits > 0; --commits) {
      Transaction change = db_.begin();
      for (uint64_t left = random_.below(8); left > 0; --left) operate(change);
      std::move(change).commit();
    }
    publish();
    if (random_.chance(1, 2)) catch_up();
    if (random_.chance(1, 4)) enter_anew();
    if (random_.chance(1, 4)) kept_.push_back({db_.head(), live_});
    if (kept_.size() > 6) kept_.erase(kept_.begin() + static_cast<ptrdiff_t>(random_.below(6)));
  }
  size_t reused() const { return reused_; }
  size_t moved() const { return moved_; }

 private:
  struct Kept {
    Version cut;
    Replica replica;
  };

  static DatabaseOptions options() {
    DatabaseOptions out;
    out.id = DatabaseId{1, 2};
    out.epoch = Epoch{3};
    out.entities_max = 24;  // indices are used again and again
    return out;
  }

  void operate(Transaction& change) {
    const uint16_t table = static_cast<uint16_t>(random_.below(3));
    const uint64_t what = random_.below(20);
    if (what < 4 || alive_.empty()) {
      const Result<EntityId> entity = change.create();
      if (!entity.ok()) return;
      reused_ += entity->reuse() > 1;
      alive_.push_back(*entity);
      return put(change, table, *entity);
    }
    const size_t at = random_.below(alive_.size());
    const EntityId entity = alive_[at];
    if (what < 6) {
      ASSERT_TRUE(change.destroy(entity).ok());
      alive_.erase(alive_.begin() + static_cast<ptrdiff_t>(at));
    } else if (what < 8) {
      if (change.remove(table, entity).ok() && random_.chance(1, 3)) put(change, table, entity);
    } else {
      put(change, table, entity);
    }
  }
  void put(Transaction& change, uint16_t table, EntityId entity) {
    const TableDef& def = db_.schema().table(table);
    std::vector<FieldValue> values;
    for (uint16_t f = 0; f < def.fields.size(); ++f) {
      if (random_.chance(1, 6)) values.push_back({f, random_value(def.fields[f], random_)});
    }
    const Status status = db_.contains(table, entity) ? change.set(table, entity, values)
                                                      : change.insert(table, entity, values);
    ASSERT_TRUE(status.ok()) << status.error().to_string();
  }

  void publish() {
    std::vector<Sent> blocks;
    db_.publish([&](CellRef ref, const ChangeSet& changes) {
      const Picked picked = pick(db_, ref, BlockForm::kRelative, db_.published(), &changes);
      for (const Tombstone& gone : changes.gone()) moved_ += gone.left;
      for (Picked part : parts_of(picked)) {
        blocks.push_back({ref, part.encode()});
        ASSERT_EQ(part.encode(), blocks.back().bytes);
        verify_decoded(part, blocks.back(), live_);
      }
    });
    const Status status = live_.apply(blocks);
    ASSERT_TRUE(status.ok()) << status.error().to_string();
    expect_same(db_, live_);
  }
  /// The block, or now and then one for each of three ranges of entity indices: all parts are
  /// relative to the same state.
  std::vector<Picked> parts_of(const Picked& whole) {
    if (random_.chance(2, 3)) return {whole};
    const uint32_t middle = static_cast<uint32_t>(random_.between(1, 12));
    std::vector<Picked> parts{whole, whole, whole};
    parts[0].source.range = {0, middle};
    parts[1].source.range = {middle, middle + 5};
    parts[2].source.range = {middle + 5, kEntityIndexMax};
    return parts;
  }
  /// What does not show in the rows afterwards: the header, `inserted`, `left`.
  void verify_decoded(const Picked& picked, const Sent& sent, const Replica& replica) {
    DecodedBlock block;
    const Status status = replica.decode(sent, block);
    ASSERT_TRUE(status.ok()) << status.error().to_string();
    EXPECT_EQ(block.header.form, picked.source.form);
    EXPECT_EQ(block.header.tier, picked.source.tier);
    if (picked.source.form != BlockForm::kRelative) {
      EXPECT_EQ(block.header.version, picked.source.version);
      EXPECT_EQ(block.header.publishes, picked.source.history->publishes());
    }
    const bool is_relative = picked.source.form == BlockForm::kRelative;
    std::vector<Tombstone> expected;
    for (const Tombstone& gone : is_relative ? picked.source.changes->gone() : picked.gone) {
      if (picked.source.range.contains(gone.entity.index())) expected.push_back(gone);
    }
    ASSERT_EQ(block.gone.size(), expected.size());
    for (size_t i = 0; i < block.gone.size(); ++i) {
      EXPECT_EQ(block.gone[i].entity, expected[i].entity);
      EXPECT_EQ(block.gone[i].left, expected[i].left);
    }
    const Table& table = db_.table(sent.ref.table);
    ASSERT_EQ(block.inserted.size(), block.whole.size());
    for (size_t i = 0; i < block.whole.size(); ++i) {
      const Version born = table.born(table.find(block.whole[i]));
      EXPECT_EQ(block.inserted[i] != 0, born > picked.source.since);
      EXPECT_TRUE(picked.source.range.contains(block.whole[i].index()));
    }
    const std::vector<uint64_t> masks = changed_fields(block, table.layout());
    for (const uint64_t mask : masks) EXPECT_NE(mask, 0u);
    if (table.has_history()) {
      EXPECT_EQ(block.masks, masks);
    }
  }
  /// A replica that stands at an old cut gets net deltas of everything that changed since.
  void catch_up() {
    Kept kept = kept_[random_.below(kept_.size())];
    std::vector<Sent> blocks;
    for (uint16_t t = 0; t < db_.table_count(); ++t) {
      for (const auto& [key, cell] : db_.cells(t).by_key()) {
        const CellRef ref{t, cell};
        if (db_.cell(ref).changed <= kept.cut) continue;
        Picked picked = pick(db_, ref, BlockForm::kNet, kept.cut);
        blocks.push_back({ref, picked.encode()});
        verify_decoded(picked, blocks.back(), kept.replica);
      }
    }
    const Status status = kept.replica.apply(blocks);
    ASSERT_TRUE(status.ok()) << status.error().to_string();
    expect_same(db_, kept.replica);
  }
  /// A replica without any rows gets whole cells.
  void enter_anew() {
    Replica fresh(db_.schema());
    std::vector<Sent> blocks;
    for (uint16_t t = 0; t < db_.table_count(); ++t) {
      for (const auto& [key, cell] : db_.cells(t).by_key()) {
        Picked picked = pick(db_, {t, cell}, BlockForm::kRows, Version{0});
        blocks.push_back({CellRef{t, cell}, picked.encode()});
        verify_decoded(picked, blocks.back(), fresh);
      }
    }
    const Status status = fresh.apply(blocks);
    ASSERT_TRUE(status.ok()) << status.error().to_string();
    expect_same(db_, fresh);
  }

  Prng random_;
  Database db_;
  Replica live_;
  std::vector<Kept> kept_;
  std::vector<EntityId> alive_;
  size_t reused_ = 0;
  size_t moved_ = 0;
};

class EveryTier : public testing::TestWithParam<CodecTier> {};

TEST_P(EveryTier, ReplicasEqualTheServerAfterEveryPublish) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    World world(GetParam(), seed);
    for (int step = 0; step < 120 && !testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", step " + std::to_string(step));
      world.step();
    }
    // The run must have met what it is for.
    EXPECT_GT(world.reused(), 20u);
    EXPECT_GT(world.moved(), 20u);
  }
}

std::string tier_name(const testing::TestParamInfo<CodecTier>& info) {
  return info.param == CodecTier::kPlain ? "Plain" : "Packed";
}
const auto kTiers = testing::Values(CodecTier::kPlain, CodecTier::kPacked);
INSTANTIATE_TEST_SUITE_P(Blocks, EveryTier, kTiers, tier_name);

// ---- Cases by name ----

class BlockCase : public testing::TestWithParam<CodecTier> {
 protected:
  BlockCase() : db_(zoo_schema(GetParam()), {}), replica_(db_.schema()) {}

  EntityId add_unit(Vec2f pos) {
    Transaction change = db_.begin();
    const EntityId entity = change.create().value();
    const FieldValue value{kUnitPos, pos};
    EXPECT_TRUE(change.insert(kUnit, entity, std::span(&value, 1)).ok());
    std::move(change).commit();
    return entity;
  }
  void set(EntityId entity, const char* field, Value value) {
    Transaction change = db_.begin();
    const uint16_t index = *db_.schema().field_index(kUnit, field);
    EXPECT_TRUE(change.set(kUnit, entity, index, std::move(value)).ok());
    std::move(change).commit();
  }
  /// Publishes to the replica; the decoded blocks by cell key.
  std::map<CellKey, DecodedBlock> publish() {
    std::map<CellKey, DecodedBlock> out;
    const std::vector<Sent> blocks = publish_blocks(db_);
    for (const Sent& sent : blocks) {
      EXPECT_TRUE(replica_.decode(sent, out[db_.cell(sent.ref).key]).ok());
    }
    const Status status = replica_.apply(blocks);
    EXPECT_TRUE(status.ok()) << status.error().to_string();
    expect_same(db_, replica_);
    return out;
  }

  Database db_;
  Replica replica_;
};

TEST_P(BlockCase, RowThatMovesLeavesOneCellAndIsWholeInTheOther) {
  const EntityId entity = add_unit({1, 1});
  publish();
  set(entity, "pos", Vec2f{5, 1});
  const auto blocks = publish();
  const DecodedBlock& from = blocks.at(CellKey::grid(0, 0));
  const DecodedBlock& to = blocks.at(CellKey::grid(1, 0));
  ASSERT_EQ(from.gone.size(), 1u);
  EXPECT_EQ(from.gone[0].entity, entity);
  EXPECT_TRUE(from.gone[0].left);
  EXPECT_EQ(to.whole, std::vector<EntityId>{entity});
  EXPECT_FALSE(to.inserted[0]);
}

TEST_P(BlockCase, RowThatMovedAndCameBackIsAChangeOrNothing) {
  const EntityId entity = add_unit({1, 1});
  const EntityId other = add_unit({1, 1});
  publish();
  set(entity, "pos", Vec2f{5, 1});
  set(entity, "pos", Vec2f{1, 1});
  set(other, "pos", Vec2f{5, 1});
  set(other, "pos", Vec2f{1.5f, 1});
  const auto blocks = publish();
  const DecodedBlock& home = blocks.at(CellKey::grid(0, 0));
  EXPECT_EQ(home.gone.size(), 0u);
  EXPECT_EQ(home.changed, std::vector<RowIndex>{replica_.table(kUnit).find(other)});
  EXPECT_EQ(changed_fields(home, replica_.table(kUnit).layout()), std::vector<uint64_t>{1});
  const DecodedBlock& passed = blocks.at(CellKey::grid(1, 0));
  EXPECT_EQ(passed.gone.size() + passed.whole.size() + passed.changed.size(), 0u);
}

TEST_P(BlockCase, IndexUsedAgainInOnePublishIsARemovalAndAnInsert) {
  const EntityId first = add_unit({1, 1});
  publish();
  Transaction change = db_.begin();
  EXPECT_TRUE(change.destroy(first).ok());
  std::move(change).commit();
  const EntityId second = add_unit({1, 1});
  ASSERT_EQ(second.index(), first.index());
  const auto blocks = publish();
  const DecodedBlock& block = blocks.at(CellKey::grid(0, 0));
  ASSERT_EQ(block.gone.size(), 1u);
  EXPECT_EQ(block.gone[0].entity, first);
  EXPECT_FALSE(block.gone[0].left);
  EXPECT_EQ(block.whole, std::vector<EntityId>{second});
  EXPECT_TRUE(block.inserted[0]);
}

TEST_P(BlockCase, NetNamesEveryFormerHolderOfAnIndex) {
  const EntityId first = add_unit({1, 1});
  publish();
  Replica old = replica_;
  const Version cut = db_.head();
  for (int round = 0; round < 2; ++round) {
    Transaction change = db_.begin();
    const EntityId last{db_.table(kUnit).row(0).entity};
    EXPECT_TRUE(change.destroy(last).ok());
    std::move(change).commit();
    ASSERT_EQ(add_unit({1, 1}).index(), first.index());
    publish();
  }
  const CellRef ref{kUnit, db_.cells(kUnit).find(CellKey::grid(0, 0))};
  Picked net = pick(db_, ref, BlockForm::kNet, cut);
  ASSERT_EQ(net.gone.size(), 2u);
  const Sent sent{ref, net.encode()};
  ASSERT_TRUE(old.apply(std::span(&sent, 1)).ok());
  expect_same(db_, old);
}

TEST_P(BlockCase, ServerOnlyFieldsAreNeverEncoded) {
  const EntityId entity = add_unit({1, 1});
  publish();
  set(entity, "note", std::string("secret note"));
  set(entity, "heat", 123.5);
  EXPECT_TRUE(publish().empty());
  set(entity, "byte", uint64_t{9});
  const auto blocks = publish();
  EXPECT_EQ(changed_fields(blocks.at(CellKey::grid(0, 0)), replica_.table(kUnit).layout()),
            std::vector<uint64_t>{4});
  const RowIndex held = replica_.table(kUnit).find(entity);
  EXPECT_EQ(replica_.table(kUnit).text(held, 1), "");
}

TEST_P(BlockCase, EveryFieldAloneIsSentAlone) {
  const EntityId entity = add_unit({1, 1});
  publish();
  Prng random(1);
  const TableDef& def = db_.schema().table(kUnit);
  for (const uint16_t field : db_.schema().layout(kUnit).replicated) {
    if (field == kUnitPos) continue;
    const Value before = db_.value(kUnit, entity, field).value();
    Value value = before;
    while (value == before) value = random_value(def.fields[field], random);
    set(entity, def.fields[field].name.c_str(), value);
    const auto blocks = publish();
    if (blocks.empty()) continue;  // another value of the same lanes: rounded away
    const uint64_t bit = db_.schema().layout(kUnit).fields[field].replicated_bit;
    EXPECT_EQ(changed_fields(blocks.at(CellKey::grid(0, 0)), replica_.table(kUnit).layout()),
              std::vector<uint64_t>{uint64_t{1} << bit})
        << def.fields[field].name;
  }
}

// Values far apart wrap around; the difference still leads back to them.
TEST_P(BlockCase, WidestDifferencesSurvive) {
  const EntityId entity = add_unit({1, 1});
  for (const uint64_t value : {uint64_t{0}, ~uint64_t{0}, uint64_t{1} << 63, uint64_t{1}}) {
    set(entity, "wide", value);
    set(entity, "signed_wide", static_cast<int64_t>(value));
    set(entity, "signed_byte", static_cast<int64_t>(static_cast<int8_t>(value)));
    publish();
  }
}

INSTANTIATE_TEST_SUITE_P(Blocks, BlockCase, kTiers, tier_name);

}  // namespace
}  // namespace ecsdb::wire_test
