#include "ecsdb/client/callbacks.h"

#include <gtest/gtest.h>

#include "ecsdb/client/test_fixture.h"

namespace ecsdb::client_test {
namespace {

constexpr EntityId kAnna = EntityId::make(1, 1, 1);
constexpr EntityId kBoris = EntityId::make(2, 1, 1);

class CallbacksTest : public ::testing::Test {
 protected:
  CallbacksTest() : set_(harbour().build().value(), false) {}

  void deliver(const std::vector<RowEvent>& events) { callbacks_.deliver(set_, events, &stop_); }
  RowCallback row(std::string name) {
    return
        [this, name](const RowEvent& event) { log_.push_back(name + " " + kind_name(event.kind)); };
  }
  EntityCallback entity(std::string name) {
    return [this, name](const EntityEvent& event) {
      log_.push_back(name + " " + kind_name(event.kind));
    };
  }
  Log take() { return std::exchange(log_, {}); }

  TableSet set_;
  CallbackId last_ = 0;
  Callbacks callbacks_{&last_};
  bool stop_ = false;
  Log log_;
};

TEST_F(CallbacksTest, RowEventsGoToTheirTableThenToTheirRowByAge) {
  callbacks_.add_row("ship", kAnna, row("anna"));
  callbacks_.add_row("ship", EntityId{}, row("first"));
  callbacks_.add_row("ship", EntityId{}, row("second"));
  callbacks_.add_row("cargo", EntityId{}, row("cargo"));
  callbacks_.add_row("no_such_table", EntityId{}, row("nobody"));
  deliver({{RowEventKind::kInsert, kShip, kAnna, 0}, {RowEventKind::kChange, kShip, kBoris, 1}});
  EXPECT_EQ(take(),
            (Log{"first insert", "second insert", "anna insert", "first change", "second change"}));
}

TEST_F(CallbacksTest, EntityEventsFollowAllRowEvents) {
  callbacks_.add_entity(EntityId{}, entity("any"));
  callbacks_.add_entity(kBoris, entity("boris"));
  callbacks_.add_row("cargo", EntityId{}, row("row"));
  deliver({{RowEventKind::kRemove, kShip, kBoris, 0}, {RowEventKind::kLeave, kCargo, kAnna, 0}});
  EXPECT_EQ(take(), (Log{"row leave", "any gone", "boris gone", "any gone"}));
}

TEST_F(CallbacksTest, AddedCallbacksSeeTheNextCut) {
  bool once = true;
  callbacks_.add_row("ship", EntityId{}, [&](const RowEvent&) {
    if (!std::exchange(once, false)) return;
    callbacks_.add_row("ship", EntityId{}, row("row"));
    callbacks_.add_entity(EntityId{}, entity("entity"));
  });
  const std::vector<RowEvent> events = {{RowEventKind::kChange, kShip, kAnna, 1},
                                        {RowEventKind::kChange, kShip, kBoris, 1}};
  deliver(events);
  EXPECT_TRUE(take().empty());
  deliver({events[0]});
  EXPECT_EQ(take(), (Log{"row change", "entity gone"}));
}

TEST_F(CallbacksTest, RemovedCallbacksAreNotCalledAgainEvenInTheSameCut) {
  CallbackId self = 0;
  CallbackId other = 0;
  CallbackId of_entity = 0;
  self = callbacks_.add_row("ship", EntityId{}, [&](const RowEvent&) {
    log_.push_back("self");
    callbacks_.remove(self);
    callbacks_.remove(other);
    callbacks_.remove(of_entity);
    callbacks_.remove(of_entity);  // harmless
  });
  other = callbacks_.add_row("ship", EntityId{}, row("other"));
  of_entity = callbacks_.add_entity(EntityId{}, entity("entity"));
  deliver({{RowEventKind::kChange, kShip, kAnna, 1}, {RowEventKind::kChange, kShip, kBoris, 1}});
  EXPECT_EQ(take(), (Log{"self"}));
  EXPECT_FALSE(callbacks_.has_rows());
}

TEST_F(CallbacksTest, RemovedEntityCallbackDoesNotRunAgain) {
  CallbackId self = 0;
  self = callbacks_.add_entity(EntityId{}, [&](const EntityEvent&) {
    log_.push_back("once");
    callbacks_.remove(self);
  });
  deliver({{RowEventKind::kInsert, kShip, kAnna, 0}, {RowEventKind::kInsert, kShip, kBoris, 0}});
  EXPECT_EQ(take(), (Log{"once"}));
}

TEST_F(CallbacksTest, RemovingBetweenCutsFreesTheCallbackAtOnce) {
  auto token = std::make_unique<int>(1);
  bool freed = false;
  struct Guard {
    bool* freed;
    explicit Guard(bool* f) : freed(f) {}
    Guard(const Guard& o) = default;
    ~Guard() { *freed = true; }
    void operator()(const RowEvent&) const {}
  };
  const CallbackId id = callbacks_.add_row("ship", EntityId{}, Guard(&freed));
  freed = false;
  callbacks_.remove(id);
  EXPECT_TRUE(freed);
  EXPECT_FALSE(callbacks_.has_rows());
}

TEST_F(CallbacksTest, DeliveryEndsWhenStopped) {
  callbacks_.add_row("ship", EntityId{}, [&](const RowEvent&) {
    log_.push_back("stop");
    stop_ = true;
  });
  callbacks_.add_row("ship", EntityId{}, row("late"));
  callbacks_.add_entity(EntityId{}, entity("late"));
  deliver({{RowEventKind::kChange, kShip, kAnna, 1}, {RowEventKind::kChange, kShip, kBoris, 1}});
  EXPECT_EQ(take(), (Log{"stop"}));
}

TEST_F(CallbacksTest, DeliveryEndsWhenAnEntityCallbackStopsIt) {
  callbacks_.add_entity(EntityId{}, [&](const EntityEvent&) {
    log_.push_back("stop");
    stop_ = true;
  });
  callbacks_.add_entity(EntityId{}, entity("late"));
  deliver({{RowEventKind::kChange, kShip, kAnna, 1}, {RowEventKind::kChange, kShip, kBoris, 1}});
  EXPECT_EQ(take(), (Log{"stop"}));
}

TEST_F(CallbacksTest, AnotherSchemaMovesTablesUnderTheirNames) {
  callbacks_.add_row("cargo", EntityId{}, row("cargo"));
  deliver({{RowEventKind::kChange, kCargo, kAnna, 1}});
  EXPECT_EQ(take(), (Log{"cargo change"}));
  set_ = TableSet(
      SchemaBuilder("other").table(9, "cargo").field(1, "gold", FieldType::kI64).build().value(),
      false);
  callbacks_.on_schema_changed();
  deliver({{RowEventKind::kInsert, 0, kAnna, 0}});
  EXPECT_EQ(take(), (Log{"cargo insert"}));
}

TEST(EntityEvents, CountsRowsOfAllTables) {
  World w;
  w.go_live();
  const EntityId both = w.add_ship({0, 0}, "a", true);
  const EntityId none = EntityId::make(77, 1, 1);
  const TableSet& set = w.client_.db();
  auto kind = [&](std::vector<RowEvent> events) {
    const auto found = entity_events(set, events);
    EXPECT_EQ(found.size(), 1u);
    return found.at(0).kind;
  };
  using enum RowEventKind;
  // It has two rows now.
  EXPECT_EQ(kind({{kInsert, kShip, both, 0}, {kEnter, kCargo, both, 0}}),
            EntityEventKind::kAppeared);
  EXPECT_EQ(kind({{kInsert, kShip, both, 0}}), EntityEventKind::kChanged);
  EXPECT_EQ(kind({{kLeave, kChat, both, 0}, {kChange, kShip, both, 1}}), EntityEventKind::kChanged);
  EXPECT_EQ(kind({{kRemove, kShip, none, 0}, {kLeave, kCargo, none, 0}}), EntityEventKind::kGone);
}

}  // namespace
}  // namespace ecsdb::client_test
