#include "tools/row_text.h"

#include <gtest/gtest.h>

#include "ecsdb/schema/schema_builder.h"

namespace ecsdb {
namespace {

enum Tables : uint16_t { kShip, kCube, kHull, kChat, kBag, kClock };

Schema schema() {
  return SchemaBuilder("all", 1)
      .table(1, "ship")
      .grid("pos", 64)
      .field(1, "pos", FieldType::kVec2f)
      .precision(0.5)
      .table(2, "cube")
      .grid("pos", 64)
      .field(1, "pos", FieldType::kVec3f)
      .precision(0.5)
      .table(3, "hull")
      .follow("ship")
      .field(1, "points", FieldType::kU16)
      .table(4, "chat")
      .by("room")
      .field(1, "room", FieldType::kI32)
      .table(5, "bag")
      .owner("pilot")
      .field(1, "pilot", FieldType::kPrincipal)
      .table(6, "clock")
      .field(1, "ticks", FieldType::kU64)
      .event(1, "boom")
      .follow("ship")
      .field(1, "power", FieldType::kU8)
      .text(2, "sound", 20)
      .build()
      .value();
}

TEST(EventText, NamesTheEventItsEntityAndAllFields) {
  const Schema all = schema();
  Event event{0, EntityId::make(3, 1, 2), Version{7}, {Value{uint64_t{9}}, Value{"so \"loud\""}}};
  EXPECT_EQ(
      told_json(all, event),
      "{\"v\": 1, \"event\": \"event\", \"version\": 7, \"name\": \"boom\", \"entity\": \"3:1:2\", "
      "\"fields\": {\"power\": 9, \"sound\": \"so \\\"loud\\\"\"}}");
  event.entity = EntityId{};
  event.values[1] = Value{"bang"};
  EXPECT_EQ(told_json(all, event),
            "{\"v\": 1, \"event\": \"event\", \"version\": 7, \"name\": \"boom\", \"fields\": "
            "{\"power\": 9, \"sound\": \"bang\"}}");
  EXPECT_EQ(told_line(all, event), "version 7  event boom  power=9  sound=\"bang\"");
}

TEST(CellKeyText, EachKindOfCellHasItsForm) {
  const Schema all = schema();
  const auto parse = [&](uint16_t table, const char* text) {
    return parse_cell_key(all, all.layout(table), text);
  };
  EXPECT_EQ(parse(kShip, "3,-1"), CellKey::grid(3, -1));
  EXPECT_EQ(parse(kCube, "3,-1,7"), CellKey::grid(3, -1, 7));
  EXPECT_EQ(parse(kHull, "3,-1"), CellKey::grid(3, -1));
  EXPECT_EQ(parse(kHull, "none"), CellKey::none());
  EXPECT_EQ(parse(kChat, "-5"), CellKey::value(-5));
  EXPECT_EQ(parse(kBag, "12"), CellKey::owner(PrincipalId{12}));
  EXPECT_EQ(parse(kClock, "one"), CellKey::one());
}

TEST(CellKeyText, OtherTextIsRefusedAndExplained) {
  const Schema all = schema();
  const auto refuses = [&](uint16_t table, const char* text) {
    return !parse_cell_key(all, all.layout(table), text).has_value();
  };
  for (const char* text : {"", "3", "3,", ",3", "3,4,5", "3;4", "3,4 ", "one", "none", "x,y",
                           "3,99999999999999999999"}) {
    EXPECT_TRUE(refuses(kShip, text)) << text;
  }
  EXPECT_TRUE(refuses(kCube, "1,2"));
  EXPECT_TRUE(refuses(kChat, "1,2"));
  EXPECT_TRUE(refuses(kClock, "0"));
  EXPECT_TRUE(refuses(kClock, "none"));
  EXPECT_EQ(cell_key_help(all, all.layout(kHull)), "give X,Y, or none");
  EXPECT_EQ(cell_key_help(all, all.layout(kCube)), "give X,Y,Z");
  EXPECT_EQ(cell_key_help(all, all.layout(kClock)), "it has one cell, called one");
}

TEST(RowEventName, IsStable) {
  EXPECT_EQ(row_event_name(RowEventKind::kInsert), "insert");
  EXPECT_EQ(row_event_name(RowEventKind::kChange), "change");
  EXPECT_EQ(row_event_name(RowEventKind::kRemove), "remove");
  EXPECT_EQ(row_event_name(RowEventKind::kEnter), "enter");
  EXPECT_EQ(row_event_name(RowEventKind::kLeave), "leave");
}

}  // namespace
}  // namespace ecsdb
