#include "ecsdb/client/client.h"

#include <gtest/gtest.h>

#include "ecsdb/client/test_fixture.h"

namespace ecsdb::client_test {
namespace {

constexpr Vec2f kHere{10, 10};
constexpr Vec2f kSameCell{20, 10};
constexpr Vec2f kThere{100, 100};

TEST(Client, FullSyncThenStepsMirrorTheServer) {
  World w;
  const EntityId first = w.add_ship(kHere, "anna", true);
  w.go_live();
  EXPECT_EQ(w.client_.db().get<Ship>(first)->name, "anna");
  const EntityId second = w.add_ship(kThere, "boris", true);
  EXPECT_EQ(w.client_.db().get<Cargo>(second)->gold, 7);
  w.step([&](Transaction& tx) {
    EXPECT_TRUE(tx.set(first, Ship{kThere, 3, "anna"}).ok());
    EXPECT_TRUE(tx.remove<Cargo>(second).ok());
  });
  w.expect_same();
  EXPECT_EQ(w.client_.db().get<Ship>(first)->pos, kThere);
  EXPECT_FALSE(w.client_.db().contains<Cargo>(second));
  size_t joined = 0;
  for (const auto& [entity, ship, cargo] : w.client_.db().view<Ship, Cargo>()) {
    EXPECT_EQ(entity, first);
    ++joined;
  }
  EXPECT_EQ(joined, 1u);
  EXPECT_GT(w.server_.stats().step_advances, 0u);
}

TEST(Client, RowsOfTheFirstSyncEnterAndLaterOnesAreInserted) {
  World w;
  w.add_ship(kHere);
  w.log_rows();
  w.go_live();
  EXPECT_EQ(w.take_rows(), (Log{"enter ship 0"}));
  const EntityId later = w.add_ship(kSameCell);
  EXPECT_EQ(w.take_rows(), (Log{"insert ship 1"}));
  w.add_ship(kThere);  // a cell that did not exist
  EXPECT_EQ(w.take_rows(), (Log{"insert ship 2"}));
  w.step([&](Transaction& tx) { EXPECT_TRUE(tx.remove<Ship>(later).ok()); });
  EXPECT_EQ(w.take_rows(), (Log{"remove ship 1"}));
}

TEST(Client, ChangeNamesTheFieldsThatDiffer) {
  World w;
  const EntityId entity = w.add_ship(kHere);
  w.go_live();
  std::vector<uint64_t> masks;
  w.client_.on_row("ship", [&](const RowEvent& event) { masks.push_back(event.changed); });
  w.step([&](Transaction& tx) { EXPECT_TRUE(tx.set(kShip, entity, kPaint, uint64_t{9}).ok()); });
  w.step([&](Transaction& tx) { EXPECT_TRUE(tx.set(entity, Ship{kSameCell, 9, "b"}).ok()); });
  w.step([&](Transaction& tx) { EXPECT_TRUE(tx.set(entity, Ship{kSameCell, 9, "b"}).ok()); });
  EXPECT_EQ(masks, (std::vector<uint64_t>{1u << kPaint, 1u << kPos | 1u << kName}));
}

TEST(Client, MoveBetweenHeldCellsIsAChangeAndFollowersAreSilent) {
  World w;
  const EntityId entity = w.add_ship(kHere, "anna", true);
  w.log_rows();
  w.go_live();
  w.take_rows();
  w.move_ship(entity, kThere);
  EXPECT_EQ(w.take_rows(), (Log{"change ship 0"}));
  EXPECT_EQ(w.client_.db().get<Cargo>(entity)->gold, 7);
  w.expect_same();
  w.move_ship(entity, kHere);
  EXPECT_EQ(w.take_rows(), (Log{"change ship 0"}));
  w.expect_same();
}

TEST(Client, MoveOutOfAndIntoTheHeldCellsLeavesAndEnters) {
  World w;
  const EntityId entity = w.add_ship(kHere, "anna", true);
  w.log_rows();
  w.log_entities();
  w.client_.subscribe_cells("ship", {CellKey::grid(0, 0)}, w.net_.now());
  w.client_.subscribe_cells("cargo", {CellKey::grid(0, 0)}, w.net_.now());
  w.connect();
  w.take_rows();
  w.take_entities();
  w.move_ship(entity, kThere);
  EXPECT_EQ(w.take_rows(), (Log{"leave ship 0", "leave cargo 0"}));
  EXPECT_EQ(w.take_entities(), (Log{"gone 0"}));
  w.step([&](Transaction& tx) { EXPECT_TRUE(tx.set(entity, Cargo{8}).ok()); });
  EXPECT_TRUE(w.take_rows().empty());
  w.move_ship(entity, kHere);
  EXPECT_EQ(w.take_rows(), (Log{"enter ship 0", "enter cargo 0"}));
  EXPECT_EQ(w.take_entities(), (Log{"appeared 0"}));
  EXPECT_EQ(w.client_.db().get<Cargo>(entity)->gold, 8);
}

TEST(Client, FollowerWithoutAShipMovesToTheCellNone) {
  World w;
  const EntityId entity = w.add_ship(kHere, "anna", true);
  w.log_rows();
  w.go_live();
  w.take_rows();
  w.step([&](Transaction& tx) { EXPECT_TRUE(tx.remove<Ship>(entity).ok()); });
  EXPECT_EQ(w.take_rows(), (Log{"remove ship 0"}));
  EXPECT_TRUE(w.client_.db().contains<Cargo>(entity));
  w.expect_same();
  w.step([&](Transaction& tx) { EXPECT_TRUE(tx.destroy(entity).ok()); });
  EXPECT_EQ(w.take_rows(), (Log{"remove cargo 0"}));
}

TEST(Client, RowMovedAndRemovedWithinOnePublishIsRemoved) {
  World w;
  const EntityId entity = w.add_ship(kHere);
  w.log_rows();
  w.go_live();
  w.take_rows();
  w.commit([&](Transaction& tx) { EXPECT_TRUE(tx.set(kShip, entity, kPos, kThere).ok()); });
  w.commit([&](Transaction& tx) { EXPECT_TRUE(tx.remove<Ship>(entity).ok()); });
  w.publish();
  EXPECT_EQ(w.take_rows(), (Log{"remove ship 0"}));
}

TEST(Client, RowRemovedAndInsertedAgainWithinOnePublishIsAChange) {
  World w;
  const EntityId entity = w.add_ship(kHere);
  w.log_rows();
  w.go_live();
  w.take_rows();
  w.commit([&](Transaction& tx) { EXPECT_TRUE(tx.remove<Ship>(entity).ok()); });
  w.commit([&](Transaction& tx) { EXPECT_TRUE(tx.insert(entity, Ship{kThere, 5, "x"}).ok()); });
  w.publish();
  EXPECT_EQ(w.take_rows(), (Log{"change ship 0"}));
  w.expect_same();
}

TEST(Client, EntityIndexReusedWithinOnePublishIsTwoEntities) {
  World w;
  const EntityId old = w.add_ship(kHere);
  w.log_rows();
  w.log_entities();
  w.go_live();
  w.take_rows();
  w.take_entities();
  EntityId fresh;
  w.commit([&](Transaction& tx) { EXPECT_TRUE(tx.destroy(old).ok()); });
  w.commit([&](Transaction& tx) {
    fresh = tx.create().value();
    EXPECT_TRUE(tx.insert(fresh, Ship{kThere, 2, "new"}).ok());
  });
  w.publish();
  ASSERT_EQ(fresh.index(), old.index());
  EXPECT_EQ(w.take_rows(), (Log{"remove ship 0", "insert ship 0"}));
  EXPECT_EQ(w.take_entities(), (Log{"gone 0", "appeared 0"}));
  EXPECT_FALSE(w.client_.db().contains<Ship>(old));
  w.expect_same();
}

TEST(Client, EntityEventComesOncePerCutWithAllRowsIn) {
  World w;
  w.go_live();
  std::vector<EntityEventKind> kinds;
  w.client_.on_entity([&](const EntityEvent& event) {
    kinds.push_back(event.kind);
    const bool exists = event.kind != EntityEventKind::kGone;
    EXPECT_EQ(w.client_.db().contains<Ship>(event.entity), exists);
    EXPECT_EQ(w.client_.db().contains<Cargo>(event.entity), exists);
  });
  const EntityId entity = w.add_ship(kHere, "anna", true);
  w.step([&](Transaction& tx) {
    EXPECT_TRUE(tx.set(entity, Ship{kThere, 2, "b"}).ok());
    EXPECT_TRUE(tx.set(entity, Cargo{1}).ok());
  });
  w.step([&](Transaction& tx) { EXPECT_TRUE(tx.destroy(entity).ok()); });
  using enum EntityEventKind;
  EXPECT_EQ(kinds, (std::vector{kAppeared, kChanged, kGone}));
}

TEST(Client, CallbacksOfOneEntityHearOfItAlone) {
  World w;
  const EntityId mine = w.add_ship(kHere, "mine", true);
  const EntityId other = w.add_ship(kHere, "other", true);
  w.go_live();
  Log log;
  w.client_.on_entity(mine, [&](const EntityEvent& event) {
    EXPECT_EQ(event.entity, mine);
    log.push_back(std::string("entity ") + kind_name(event.kind));
  });
  w.client_.on_row("ship", mine, [&](const RowEvent& event) {
    EXPECT_EQ(event.entity, mine);
    log.push_back(std::string("row ") + kind_name(event.kind));
  });
  w.step([&](Transaction& tx) {
    EXPECT_TRUE(tx.set(kShip, other, kPaint, uint64_t{4}).ok());
    EXPECT_TRUE(tx.set(kShip, mine, kPaint, uint64_t{4}).ok());
  });
  w.step([&](Transaction& tx) { EXPECT_TRUE(tx.destroy(other).ok()); });
  EXPECT_EQ(log, (Log{"row change", "entity changed"}));
}

TEST(Client, ResumeAfterACutFiresOnlyWhatHappened) {
  World w;
  const EntityId same = w.add_ship(kHere, "same");
  const EntityId changed = w.add_ship(kHere, "changed");
  const EntityId removed = w.add_ship(kHere, "removed");
  w.log_rows();
  w.go_live();
  w.take_rows();
  w.net_.cut(0);
  w.step([&](Transaction& tx) {
    EXPECT_TRUE(tx.set(kShip, changed, kPaint, uint64_t{99}).ok());
    EXPECT_TRUE(tx.remove<Ship>(removed).ok());
  });
  w.add_ship(kThere, "new");
  EXPECT_EQ(w.client_.db().get<Ship>(changed)->paint, 1);  // still readable, still the old cut
  EXPECT_TRUE(w.client_.db().contains<Ship>(removed));
  EXPECT_TRUE(w.take_rows().empty());
  w.net_.advance(Duration::seconds(6));
  EXPECT_EQ(w.take_rows(), (Log{"change ship 1", "insert ship 3", "remove ship 2"}));
  EXPECT_TRUE(w.client_.db().contains<Ship>(same));
  EXPECT_EQ(w.client_.stats().full_syncs, 1u);
  EXPECT_EQ(w.client_.stats().resumes, 1u);
  w.expect_same();
}

/// A server that forgets at once what went from its cells, so that who was away cannot go on.
ServerOptions forgetful() {
  ServerOptions options;
  options.database.tombstones_max = 0;
  return options;
}

TEST(Client, ResyncAfterACutFiresOnlyDifferences) {
  World w(forgetful());
  const EntityId same = w.add_ship(kHere, "same");
  const EntityId changed = w.add_ship(kHere, "changed");
  const EntityId removed = w.add_ship(kHere, "removed");
  w.log_rows();
  w.go_live();
  w.take_rows();
  w.net_.cut(0);
  w.step([&](Transaction& tx) {
    EXPECT_TRUE(tx.set(kShip, changed, kPaint, uint64_t{99}).ok());
    EXPECT_TRUE(tx.remove<Ship>(removed).ok());
  });
  w.add_ship(kThere, "new");
  w.net_.advance(Duration::seconds(6));
  EXPECT_EQ(w.take_rows(), (Log{"leave ship 2", "change ship 1", "enter ship 3"}));
  EXPECT_TRUE(w.client_.db().contains<Ship>(same));
  EXPECT_EQ(w.client_.stats().full_syncs, 2u);
  EXPECT_EQ(w.client_.stats().resets, 1u);
  w.expect_same();
}

TEST(Client, ResyncOfSomeCellsCannotTellRemovedFromLeft) {
  World w(forgetful());
  w.add_ship(kHere);
  const EntityId entity = w.add_ship(kHere);
  w.log_rows();
  w.client_.subscribe_cells("ship", {CellKey::grid(0, 0)}, w.net_.now());
  w.connect();
  w.take_rows();
  w.net_.cut(0);
  w.step([&](Transaction& tx) { EXPECT_TRUE(tx.remove<Ship>(entity).ok()); });
  w.net_.advance(Duration::seconds(6));
  EXPECT_EQ(w.take_rows(), (Log{"leave ship 1"}));
}

TEST(Client, ResyncWhoseSubscriptionEndsMeanwhileCannotTellEither) {
  World w(forgetful());
  w.add_ship(kHere);
  const EntityId removed = w.add_ship(kHere);
  w.log_rows();
  const SubscriptionId ships = w.client_.subscribe("ship", w.net_.now());
  w.connect();
  w.take_rows();
  w.net_.set_poll(false);
  w.net_.cut(0);
  w.step([&](Transaction& tx) { EXPECT_TRUE(tx.remove<Ship>(removed).ok()); });
  w.reconnect();
  w.client_.unsubscribe(ships, w.net_.now());
  EXPECT_EQ(w.client_.sync().phase, SyncStatus::Phase::kSyncing);
  w.net_.set_poll(true);
  w.net_.settle();
  EXPECT_EQ(w.take_rows(), (Log{"leave ship 1", "leave ship 0"}));
  EXPECT_EQ(w.client_.sync().phase, SyncStatus::Phase::kLive);
}

TEST(Client, SubscribingAndUnsubscribingWhileLiveEntersAndLeaves) {
  World w;
  w.add_ship(kHere);
  w.add_chat(4, "hello");
  w.add_chat(5, "there");
  w.log_rows();
  w.client_.subscribe("ship", w.net_.now());
  w.connect();
  w.take_rows();
  const SubscriptionId rooms =
      w.client_.subscribe_cells("chat", {CellKey::value(4), CellKey::value(6)}, w.net_.now());
  w.net_.settle();
  EXPECT_EQ(w.take_rows(), (Log{"enter chat 1"}));
  const SubscriptionId all = w.client_.subscribe("chat", w.net_.now());
  w.net_.settle();
  EXPECT_EQ(w.take_rows(), (Log{"enter chat 2"}));
  w.client_.unsubscribe(rooms, w.net_.now());  // `all` still covers room 4
  w.net_.settle();
  EXPECT_TRUE(w.take_rows().empty());
  w.client_.unsubscribe(all, w.net_.now());
  w.net_.settle();
  EXPECT_EQ(w.take_rows(), (Log{"leave chat 1", "leave chat 2"}));
  w.expect_same();
}

TEST(Client, BoxCoversTheGridCellsInIt) {
  World w;
  w.client_.subscribe_box("ship", CellKey::grid(-1, 0), CellKey::grid(0, 1), w.net_.now());
  w.connect();
  const EntityId in = w.add_ship({-10, 100});
  const EntityId out = w.add_ship({-10, 130});
  EXPECT_TRUE(w.client_.db().contains<Ship>(in));
  EXPECT_FALSE(w.client_.db().contains<Ship>(out));
  EXPECT_LT(w.client_.db().cut(), w.server_.database().published());
  w.net_.advance(Duration::seconds(1));  // the heartbeat moves the cut on over what is not held
  w.expect_same();
}

TEST(Client, BytesInPiecesOfAnySizeGiveTheSame) {
  for (const size_t piece : {1, 2, 3, 7}) {
    World w;
    w.net_.set_piece_bytes(piece);
    const EntityId entity = w.add_ship(kHere, "anna", true);
    w.log_rows();
    w.go_live();
    w.move_ship(entity, kThere);
    w.add_chat(3, std::string(900, 'x'));
    EXPECT_EQ(w.take_rows(),
              (Log{"enter ship 0", "enter cargo 0", "change ship 0", "insert chat 1"}));
    w.expect_same();
  }
}

/// Longer than one frame may be.
Schema long_schema() {
  SchemaBuilder builder = harbour();
  for (uint16_t t = 100; t < 700; ++t) {
    const std::string name = "table_with_quite_a_long_name_" + std::to_string(t);
    builder.table(t, name).field(1, name + "_value", FieldType::kU32);
  }
  return builder.build().value();
}

TEST(Client, LongSchemaComesInPartsAndIsNotSentAgain) {
  World w({}, {}, long_schema());
  w.go_live();
  EXPECT_EQ(w.client_.db().table_count(), 604u);
  EXPECT_GT(w.client_.stats().bytes_received, kSchemaPartBytesMax);
  w.reconnect();
  EXPECT_EQ(w.client_.stats().full_syncs, 2u);
  EXPECT_LT(w.client_.stats().bytes_received, 2 * kSchemaPartBytesMax);
}

TEST(Client, StatusNamesEveryPhase) {
  World w;
  using enum SyncStatus::Phase;
  EXPECT_EQ(w.client_.sync().phase, kIdle);
  EXPECT_EQ(w.client_.next_deadline(), Instant::never());
  w.client_.connect(w.net_.now());
  EXPECT_EQ(w.client_.sync().phase, kConnecting);
  w.net_.settle();
  EXPECT_EQ(w.client_.sync().phase, kNotSubscribed);
  EXPECT_NE(w.client_.client_id(), ClientId{});
  w.client_.subscribe("ship", w.net_.now());
  EXPECT_EQ(w.client_.sync().phase, kSyncing);
  w.net_.settle();
  EXPECT_EQ(w.client_.sync().phase, kLive);
  w.net_.cut(0);
  EXPECT_EQ(w.client_.sync().phase, kConnecting);
  w.client_.disconnect(w.net_.now());
  EXPECT_EQ(w.client_.sync().phase, kIdle);
}

}  // namespace
}  // namespace ecsdb::client_test
