#include "ecsdb/server/interest_areas.h"

#include <gtest/gtest.h>
#include <set>

#include "ecsdb/base/prng.h"
#include "ecsdb/server/interest.h"
#include "ecsdb/server/test_peer.h"

namespace ecsdb::server_test {
namespace {

/// Edges of cells are 10 steps of 1.
class InterestAreasTest : public ::testing::Test {
 protected:
  InterestAreasTest() : db_(yard(), {}) {
    guest_ = *tokens().authenticate(as_bytes("guest token"), Now{});
  }
  EntityId add_unit(float x, float y = 5) {
    Transaction tx = db_.begin();
    const EntityId entity = tx.create().value();
    const FieldValue pos{0, Vec2f{x, y}};
    EXPECT_TRUE(tx.insert(kUnit, entity, std::span(&pos, 1)).ok());
    std::move(tx).commit();
    db_.finish_publish();
    return entity;
  }
  void place(EntityId entity, float x, float y = 5) {
    Transaction tx = db_.begin();
    EXPECT_TRUE(tx.set(kUnit, entity, 0, Vec2f{x, y}).ok());
    std::move(tx).commit();
    db_.finish_publish();
  }
  static Subscription area(uint32_t id, SelectorKind kind, SubscriptionArea area,
                           uint16_t table = 1) {
    Subscription s;
    s.id = SubscriptionId{id};
    s.table = TableId{table};
    s.kind = kind;
    s.area = {area};
    return s;
  }
  static Subscription ball(uint32_t id, GridPoint center, int64_t radius, uint64_t margin = 0) {
    return area(id, SelectorKind::kBall, {{}, center, {radius, 0, 0}, margin});
  }
  Status add(Subscription s) { return interest_.add_subscription(db_, guest_, std::move(s)); }
  void move(uint32_t id, GridPoint center) {
    EXPECT_TRUE(interest_.move_area(SubscriptionId{id}, center).ok());
    interest_.settle_areas(db_, guest_);
  }
  /// x of the keys of all held cells.
  std::set<int64_t> held() {
    std::set<int64_t> keys;
    for (uint32_t handle = 0; handle < interest_.handle_end(); ++handle) {
      const Interest::Held& cell = interest_.at(handle);
      if (cell.state != Interest::State::kFree) keys.insert(db_.cell(cell.ref).key.x);
    }
    return keys;
  }
  using Keys = std::set<int64_t>;

  Database db_;
  Identity guest_;
  Interest interest_;
};

TEST_F(InterestAreasTest, CellsComeByTheAreaAndGoByItsMargin) {
  for (int i = 0; i < 10; ++i) add_unit(static_cast<float>(10 * i + 5));
  EXPECT_TRUE(add(ball(1, {35, 5, 0}, 6, 10)).ok());
  EXPECT_EQ(held(), (Keys{2, 3, 4}));
  move(1, {46, 5, 0});  // touches 40..52; 2 is within the margin
  EXPECT_EQ(held(), (Keys{3, 4, 5}));
  move(1, {45, 5, 0});
  EXPECT_EQ(held(), (Keys{3, 4, 5}));
  move(1, {46, 5, 0});
  EXPECT_EQ(held(), (Keys{3, 4, 5}));  // 2 came within the margin only
  move(1, {89, 5, 0});
  EXPECT_EQ(held(), (Keys{8, 9}));
  move(1, {1000, 5, 0});
  EXPECT_EQ(held(), Keys{});
}

TEST_F(InterestAreasTest, ACellThatFluttersAtTheEdgeStays) {
  for (int i = 0; i < 4; ++i) add_unit(static_cast<float>(10 * i + 5));
  EXPECT_TRUE(add(ball(1, {10, 5, 0}, 10, 3)).ok());
  EXPECT_EQ(held(), (Keys{0, 1, 2}));
  interest_.take_enters(db_);
  for (int i = 0; i < 6; ++i) {
    move(1, {i % 2 == 0 ? 8 : 10, 5, 0});
    EXPECT_TRUE(interest_.pending().empty() && !interest_.has_leaves());
  }
  move(1, {6, 5, 0});
  EXPECT_EQ(held(), (Keys{0, 1}));
  EXPECT_EQ(interest_.take_leaves().size(), 1u);
}

TEST_F(InterestAreasTest, OverlappingAreasAreAUnion) {
  for (int i = 0; i < 10; ++i) add_unit(static_cast<float>(10 * i + 5));
  EXPECT_TRUE(add(ball(1, {25, 5, 0}, 12)).ok());
  EXPECT_TRUE(add(area(2, SelectorKind::kRange, {{}, {45, 5, 0}, {12, 1, 0}, 0})).ok());
  EXPECT_TRUE(add(of_keys(3, 1, {CellKey::grid(3, 0), CellKey::grid(9, 0)})).ok());
  EXPECT_EQ(held(), (Keys{1, 2, 3, 4, 5, 9}));
  move(1, {75, 5, 0});
  EXPECT_EQ(held(), (Keys{3, 4, 5, 6, 7, 8, 9}));
  EXPECT_TRUE(interest_.remove_subscription(SubscriptionId{2}).ok());
  interest_.release_unwanted(db_, guest_);
  EXPECT_EQ(held(), (Keys{3, 6, 7, 8, 9}));
}

TEST_F(InterestAreasTest, FollowersOfAGridHaveAreasToo) {
  Transaction tx = db_.begin();
  for (const float x : {5.0f, 25.0f}) {
    const EntityId entity = tx.create().value();
    const FieldValue pos{0, Vec2f{x, 5}};
    EXPECT_TRUE(tx.insert(kUnit, entity, std::span(&pos, 1)).ok());
    EXPECT_TRUE(tx.insert(kTail, entity, {}).ok());
  }
  EXPECT_TRUE(tx.insert(kTail, tx.create().value(), {}).ok());  // in cell none
  std::move(tx).commit();
  db_.finish_publish();
  EXPECT_TRUE(add(area(1, SelectorKind::kBall, {{}, {0, 5, 0}, {9, 0, 0}, 0}, 2)).ok());
  ASSERT_EQ(interest_.take_enters(db_).size(), 1u);
  EXPECT_EQ(interest_.at(0).ref.table, kTail);
  EXPECT_EQ(held(), Keys{0});
}

TEST_F(InterestAreasTest, AnAreaFollowsItsEntity) {
  const EntityId entity = add_unit(5);
  for (int i = 1; i < 6; ++i) add_unit(static_cast<float>(10 * i + 5));
  EXPECT_TRUE(add(area(1, SelectorKind::kBall, {entity, {-500, 0, 0}, {3, 0, 0}, 0})).ok());
  EXPECT_TRUE(interest_.follows());
  EXPECT_EQ(held(), Keys{0});
  place(entity, 39);
  EXPECT_EQ(held(), Keys{0});
  interest_.follow_entities(db_, guest_);
  EXPECT_EQ(held(), (Keys{3, 4}));
  Transaction tx = db_.begin();
  EXPECT_TRUE(tx.destroy(entity).ok());
  std::move(tx).commit();
  db_.finish_publish();
  interest_.follow_entities(db_, guest_);
  EXPECT_EQ(held(), (Keys{3, 4}));  // it stays where it was seen last
  EXPECT_EQ(interest_.move_area(SubscriptionId{1}, {}).code(), ErrorCode::kTypeMismatch);
  EXPECT_TRUE(interest_.remove_subscription(SubscriptionId{1}).ok());
  EXPECT_FALSE(interest_.follows());
}

TEST_F(InterestAreasTest, UntilTheEntityIsSeenTheCentreIsAsGiven) {
  for (int i = 0; i < 4; ++i) add_unit(static_cast<float>(10 * i + 5));
  for (const EntityId nobody :
       {EntityId::make(77, 1, 1), EntityId{~uint64_t{0}}, EntityId::make(0, 9, 9)}) {
    EXPECT_TRUE(add(area(1, SelectorKind::kBall, {nobody, {15, 5, 0}, {3, 0, 0}, 0})).ok());
    interest_.follow_entities(db_, guest_);
    EXPECT_EQ(held(), Keys{1});
    EXPECT_TRUE(interest_.remove_subscription(SubscriptionId{1}).ok());
    interest_.release_unwanted(db_, guest_);
  }
}

// An area must not tell where something is that its owner may not read.
TEST(InterestAreas, AnEntityThatMayNotBeReadIsNotFollowed) {
  Database db(SchemaBuilder("s")
                  .table(1, "spy")
                  .grid("pos", 10)
                  .read("admin")
                  .field(1, "pos", FieldType::kVec2f)
                  .precision(1)
                  .table(2, "flag")
                  .follow("spy")
                  .field(1, "colour", FieldType::kU8)
                  .build()
                  .value(),
              {});
  Transaction tx = db.begin();
  const EntityId spy = tx.create().value();
  const FieldValue pos{0, Vec2f{55, 5}};
  EXPECT_TRUE(tx.insert(0, spy, std::span(&pos, 1)).ok());
  EXPECT_TRUE(tx.insert(1, spy, {}).ok());
  std::move(tx).commit();
  db.finish_publish();
  Subscription s;
  s.id = SubscriptionId{1};
  s.table = TableId{2};
  s.kind = SelectorKind::kBall;
  s.area = {{spy, {5, 5, 0}, {3, 0, 0}, 0}};
  for (const bool is_admin : {false, true}) {
    Identity who{PrincipalId{1}, "", {is_admin ? "admin" : "guest"}, {}};
    Interest interest;
    EXPECT_TRUE(interest.add_subscription(db, who, s).ok());
    interest.follow_entities(db, who);
    EXPECT_EQ(interest.row_count(db), is_admin ? 1u : 0u);
  }
}

TEST_F(InterestAreasTest, WhatCannotBeMoved) {
  EXPECT_TRUE(add(ball(1, {}, 3)).ok());
  EXPECT_TRUE(add(of_keys(2, 1, {CellKey::grid(0, 0)})).ok());
  EXPECT_EQ(interest_.move_area(SubscriptionId{9}, {}).code(), ErrorCode::kUnknownSubscription);
  EXPECT_EQ(interest_.move_area(SubscriptionId{2}, {}).code(), ErrorCode::kTypeMismatch);
  EXPECT_EQ(interest_.move_area(SubscriptionId{1}, {0, 0, 1}).code(), ErrorCode::kTypeMismatch);
  EXPECT_TRUE(interest_.move_area(SubscriptionId{1}, {1, 1, 0}).ok());
}

TEST_F(InterestAreasTest, SubscriptionsThatDoNotFitAreRefused) {
  EXPECT_EQ(add(ball(1, {}, -1)).code(), ErrorCode::kTypeMismatch);
  EXPECT_EQ(add(area(1, SelectorKind::kBall, {}, 3)).code(), ErrorCode::kTypeMismatch);
  Subscription near = of_keys(1, 1, {CellKey::grid(0, 0)});
  near.nearest_to = {CellKey::none()};
  EXPECT_EQ(add(near).code(), ErrorCode::kTypeMismatch);
  near.nearest_to = {CellKey::grid(0, 0, 1)};
  EXPECT_EQ(add(near).code(), ErrorCode::kTypeMismatch);
  near.nearest_to = {CellKey::grid(5, 5)};
  EXPECT_TRUE(add(near).ok());
}

TEST_F(InterestAreasTest, ACellThatComesIntoBeingIsHeldByTheAreaNotByTheMargin) {
  EXPECT_TRUE(add(ball(1, {15, 5, 0}, 3, 100)).ok());
  for (int i = 0; i < 3; ++i) {
    add_unit(static_cast<float>(10 * i + 5));
    const CellKey key = CellKey::grid(i, 0);
    interest_.on_cell_created(db_, guest_, {kUnit, db_.cells(kUnit).find(key)});
  }
  EXPECT_EQ(held(), Keys{1});
}

TEST_F(InterestAreasTest, HostileNumbersHoldAllOrNothing) {
  for (int i = 0; i < 4; ++i) add_unit(static_cast<float>(10 * i + 5));
  EXPECT_TRUE(add(ball(1, {INT64_MIN, INT64_MAX, 0}, INT64_MAX, ~uint64_t{0})).ok());
  EXPECT_EQ(held(), Keys{});
  EXPECT_TRUE(add(area(2, SelectorKind::kRange,
                       {{}, {INT64_MAX, 0, 0}, {INT64_MAX, INT64_MAX, 0}, ~uint64_t{0}}))
                  .ok());
  EXPECT_EQ(held(), (Keys{0, 1, 2, 3}));
  move(2, {INT64_MIN, INT64_MIN, 0});
  EXPECT_EQ(held(), (Keys{0, 1, 2, 3}));  // within the margin
  move(2, {0, 0, 0});
  move(1, {0, 0, 0});
  EXPECT_EQ(held(), (Keys{0, 1, 2, 3}));
}

TEST_F(InterestAreasTest, TheLimitCountsWhatIsHeldAfterAMove) {
  for (int i = 0; i < 8; ++i) add_unit(static_cast<float>(10 * i + 5));
  interest_ = Interest(2);
  EXPECT_TRUE(add(area(1, SelectorKind::kRange, {{}, {10, 5, 0}, {5, 1, 0}, 0})).ok());
  EXPECT_EQ(held(), (Keys{0, 1}));
  move(1, {60, 5, 0});
  EXPECT_EQ(held(), (Keys{5, 6}));
  EXPECT_FALSE(interest_.overflowed());
  EXPECT_TRUE(add(ball(2, {5, 5, 0}, 3)).ok());
  EXPECT_TRUE(interest_.overflowed());
}

// A client that comes back keeps what is within the margin, as if it had never been away.
TEST_F(InterestAreasTest, CellsWithinTheMarginOutliveAConnection) {
  for (int i = 0; i < 8; ++i) add_unit(static_cast<float>(10 * i + 5));
  interest_.start_import(7);
  EXPECT_TRUE(add(ball(1, {35, 5, 0}, 3, 10)).ok());
  EXPECT_EQ(held(), Keys{});
  interest_.follow_entities(db_, guest_);  // of a publish meanwhile
  EXPECT_TRUE(interest_.move_area(SubscriptionId{1}, {45, 5, 0}).ok());
  interest_.settle_areas(db_, guest_);
  EXPECT_EQ(held(), Keys{});
  for (uint32_t x = 0; x < 6; ++x) {
    const ResumeCell cell{x, 7, TableId{1}, CellKey::grid(x, 0), HeldState::kHeld};
    EXPECT_TRUE(interest_.import_cell(db_, guest_, cell));
  }
  interest_.finish_import(db_, guest_);
  EXPECT_EQ(held(), (Keys{3, 4, 5}));
  EXPECT_TRUE(interest_.pending().empty());
  EXPECT_EQ(interest_.take_leaves().size(), 3u);
  move(1, {65, 5, 0});
  EXPECT_EQ(held(), (Keys{5, 6}));
  interest_.forget_cells();
  interest_.finish_import(db_, guest_);
  EXPECT_EQ(held(), Keys{6});
}

// What is held after any sequence of moves is what the rule says, cell by cell.
TEST_F(InterestAreasTest, ManyAreasThatMoveAgreeWithTheRule) {
  Prng rng(11);
  for (int i = 0; i < 300; ++i) {
    add_unit(static_cast<float>(rng.between(-150, 150)),
             static_cast<float>(rng.between(-150, 150)));
  }
  std::vector<Area> areas;
  for (uint32_t id = 0; id < kSubscriptionsMax; ++id) {
    Area& made = areas.emplace_back();
    made.kind = id % 2 == 0 ? SelectorKind::kBall : SelectorKind::kRange;
    made.center = {rng.between(-200, 200), rng.between(-200, 200), 0};
    made.extent = {rng.between(0, 30), id % 2 == 0 ? 0 : rng.between(0, 30), 0};
    made.margin = rng.below(20);
    EXPECT_TRUE(add(area(id, made.kind, {{}, made.center, made.extent, made.margin})).ok());
  }
  const auto covered = [&](const CellKey& key, AreaReach reach) {
    return std::any_of(areas.begin(), areas.end(),
                       [&](const Area& one) { return one.touches(key, 10, reach); });
  };
  std::set<CellKey> expected;
  for (const auto& [key, cell] : db_.cells(kUnit).by_key()) {
    if (covered(key, AreaReach::kArea)) expected.insert(key);
  }
  for (int round = 0; round < 60; ++round) {
    for (uint32_t id = 0; id < areas.size(); ++id) {
      if (round % 10 != 0 && rng.chance(1, 2)) continue;
      const int64_t far = rng.chance(1, 8) ? 200 : 12;
      areas[id].center.x += rng.between(-far, far);
      areas[id].center.y += rng.between(-far, far);
      EXPECT_TRUE(interest_.move_area(SubscriptionId{id}, areas[id].center).ok());
    }
    interest_.settle_areas(db_, guest_);
    std::set<CellKey> got;
    for (const auto& [key, cell] : db_.cells(kUnit).by_key()) {
      if (!covered(key, AreaReach::kWithMargin)) expected.erase(key);
      if (covered(key, AreaReach::kArea)) expected.insert(key);
    }
    for (uint32_t handle = 0; handle < interest_.handle_end(); ++handle) {
      const Interest::Held& cell = interest_.at(handle);
      if (cell.state != Interest::State::kFree) got.insert(db_.cell(cell.ref).key);
    }
    ASSERT_EQ(got, expected) << "round " << round;
    if (round % 3 == 0) interest_.take_enters(db_);
    if (round % 3 == 0) interest_.take_leaves();
  }
}

TEST(ForEachCellBetween, VisitsExactlyTheBox) {
  Prng rng(3);
  std::map<CellKey, CellIndex> cells;
  for (CellIndex i = 0; i < 400; ++i) {
    cells[CellKey::grid(rng.between(-8, 8), rng.between(-8, 8), rng.between(-2, 2))] = i;
  }
  cells[CellKey::none()] = 1;
  for (int round = 0; round < 200; ++round) {
    Area::Keys keys{CellKey::grid(rng.between(-9, 9), rng.between(-9, 9), rng.between(-3, 3)), {}};
    keys.high = CellKey::grid(keys.low.x + rng.between(0, 9), keys.low.y + rng.between(0, 9),
                              keys.low.z + rng.between(0, 4));
    std::vector<CellKey> expected;
    for (const auto& [key, cell] : cells) {
      if (key.kind == CellKey::Kind::kGrid && key.x >= keys.low.x && key.x <= keys.high.x &&
          key.y >= keys.low.y && key.y <= keys.high.y && key.z >= keys.low.z &&
          key.z <= keys.high.z) {
        expected.push_back(key);
      }
    }
    std::vector<CellKey> got;
    for_each_cell_between(cells, keys, [&](const CellKey& key, CellIndex) { got.push_back(key); });
    ASSERT_EQ(got, expected);
  }
}

// ---- On the wire ----

Subscribe moves(std::vector<SubscriptionMove> list) {
  Subscribe request;
  request.move = std::move(list);
  return request;
}

/// Keys of the cells that an advance enters, by x.
std::set<int64_t> entered(const Advance& advance) {
  std::set<int64_t> keys;
  for (const CellEnter& enter : advance.enters) keys.insert(enter.key.x);
  return keys;
}

TEST(AreasOnTheWire, AMoveIsAnsweredAndCellsComeWithTheNextAdvance) {
  Bench bench;
  for (int i = 0; i < 8; ++i) bench.add_unit(static_cast<float>(10 * i + 5), 5);
  Peer peer(bench, 1);
  peer.greet();
  peer.authenticate();
  Subscription s;
  s.id = SubscriptionId{4};
  s.table = TableId{1};
  s.kind = SelectorKind::kBall;
  s.area = {{{}, {5, 5, 0}, {4, 0, 0}, 0}};
  EXPECT_EQ(peer.subscribe(s), ErrorCode::kOk);
  peer.receive();
  peer.take();
  EXPECT_EQ(peer.ask(moves({{SubscriptionId{4}, {45, 5, 0}}, {SubscriptionId{5}, {}}})),
            ErrorCode::kOk);
  const auto frames = peer.take();
  const auto reply = frames.at(0).as<SubscribeReply>();
  ASSERT_EQ(reply.results.size(), 2u);
  EXPECT_EQ(reply.results[1].code, static_cast<uint16_t>(ErrorCode::kUnknownSubscription));
  ASSERT_EQ(frames.size(), 2u);
  const auto advance = frames[1].as<Advance>();
  EXPECT_EQ(advance.leaves.size(), 1u);
  EXPECT_EQ(entered(advance), (std::set<int64_t>{4}));
}

TEST(AreasOnTheWire, AFollowedEntityTakesItsCellsAlongInOneAdvance) {
  Bench bench;
  const EntityId leader = bench.add_unit(5, 5);
  for (int i = 1; i < 8; ++i) bench.add_unit(static_cast<float>(10 * i + 5), 5);
  Peer peer(bench, 1);
  peer.greet();
  peer.authenticate();
  Subscription s;
  s.id = SubscriptionId{1};
  s.table = TableId{1};
  s.kind = SelectorKind::kRange;
  s.area = {{leader, {}, {4, 4, 0}, 0}};
  EXPECT_EQ(peer.subscribe(s), ErrorCode::kOk);
  peer.receive();
  peer.take();
  bench.step([&](Transaction& tx) { EXPECT_TRUE(tx.set(kUnit, leader, 0, Vec2f{205, 5}).ok()); });
  peer.receive();
  const auto advances = peer.take_advances();
  ASSERT_EQ(advances.size(), 1u);
  EXPECT_EQ(advances[0].first.kind(), AdvanceKind::kStep);
  EXPECT_EQ(advances[0].first.leaves.size(), 1u);
  EXPECT_EQ(entered(advances[0].first), (std::set<int64_t>{20}));  // a cell that is new, too
  EXPECT_EQ(advances[0].first.blocks.size(), 1u);
  // Within one cell nothing but the row changes.
  bench.step([&](Transaction& tx) { EXPECT_TRUE(tx.set(kUnit, leader, 0, Vec2f{206, 5}).ok()); });
  peer.receive();
  const auto next = peer.take_advances();
  ASSERT_EQ(next.size(), 1u);
  EXPECT_TRUE(next[0].first.leaves.empty() && next[0].first.enters.empty());
}

TEST(AreasOnTheWire, AllAreasMovedAtOnceToTheEndsOfNumbers) {
  Bench bench;
  for (int i = 0; i < 8; ++i) bench.add_unit(static_cast<float>(10 * i + 5), 5);
  Peer peer(bench, 1);
  peer.go_live({1});
  Subscribe request;
  for (uint32_t id = 100; id < 100 + kSubscriptionsMax - 1; ++id) {
    Subscription s;
    s.id = SubscriptionId{id};
    s.table = TableId{static_cast<uint16_t>(1 + id % 2)};
    s.kind = id % 3 == 0 ? SelectorKind::kBall : SelectorKind::kRange;
    s.area = {{{}, {INT64_MIN, INT64_MAX, 0}, {INT64_MAX, 0, 0}, ~uint64_t{0} - id}};
    request.add.push_back(s);
  }
  EXPECT_EQ(peer.ask(request), ErrorCode::kOk);
  Subscribe all;
  for (uint32_t id = 100; id < 100 + kSubscriptionsMax - 1; ++id) {
    all.move.push_back({SubscriptionId{id}, {INT64_MAX, INT64_MIN, id % 5 == 0 ? 1 : 0}});
  }
  all.move.push_back({SubscriptionId{1}, {}});
  peer.take();
  peer.send(MessageType::kSubscribe, all);
  peer.receive();
  const auto frames = peer.take();
  const auto reply = frames.at(0).as<SubscribeReply>();
  ASSERT_EQ(reply.results.size(), kSubscriptionsMax);
  for (const SubscribeResult& result : reply.results) {
    const bool refused = result.id.value % 5 == 0 || result.id.value == 1;
    EXPECT_EQ(result.code != 0, refused) << result.id.value;
  }
  bench.hit(bench.add_unit(5, 5), 3);
  peer.receive();
  EXPECT_FALSE(peer.is_closed());
}

}  // namespace
}  // namespace ecsdb::server_test
