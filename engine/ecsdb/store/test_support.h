// What the tests of the store share: one schema with every kind of cell, and structs bound to it.
#pragma once

#include <string>

#include "ecsdb/schema/schema_builder.h"
#include "ecsdb/store/transaction.h"

namespace ecsdb::store_test {

enum Tables : uint16_t { kShip, kHull, kChat, kBag, kClock };
enum ShipFields : uint16_t { kPos, kGold, kPaint, kName, kHeat, kNote };
enum HullFields : uint16_t { kPoints, kSide };
enum ChatFields : uint16_t { kRoom, kLine };
enum BagFields : uint16_t { kPilot, kItems };

/// Grid cells of 64 (128 steps of 0.5), a follower of them, cells by value and by owner, one cell.
inline Schema arena_schema() {
  return SchemaBuilder("arena", 2)
      .enumeration("team", {"none", "red", "blue"})
      .table(1, "ship")
      .grid("pos", 64)
      .field(1, "pos", FieldType::kVec2f)
      .precision(0.5)
      .field(2, "gold", FieldType::kI64)
      .field(3, "paint", FieldType::kU8)
      .default_value(uint64_t{7})
      .text(4, "name", 24)
      .default_value("anon")
      .field(5, "heat", FieldType::kF64)
      .server_only()
      .text(6, "note", 16)
      .server_only()
      .table(2, "hull")
      .follow("ship")
      .field(1, "points", FieldType::kU16)
      .enum_field(2, "side", "team")
      .table(3, "chat")
      .by("room")
      .field(1, "room", FieldType::kI32)
      .text(2, "line", 40)
      .table(4, "bag")
      .owner("pilot")
      .field(1, "pilot", FieldType::kPrincipal)
      .field(2, "items", FieldType::kU32)
      .table(5, "clock")
      .field(1, "ticks", FieldType::kU64)
      .build()
      .value();
}

struct Ship {
  Vec2f pos;
  int64_t gold = 0;
  std::string name;
};
enum class Side : uint8_t { kNone, kRed, kBlue };
struct Hull {
  uint16_t points = 0;
  Side side = Side::kNone;
};

inline DatabaseOptions arena_options() {
  DatabaseOptions options;
  options.id = DatabaseId{11, 12};
  options.epoch = Epoch{3};
  return options;
}

}  // namespace ecsdb::store_test

template <>
struct ecsdb::Bind<ecsdb::store_test::Ship> {
  static constexpr const char* table = "ship";
  static constexpr auto fields =
      std::make_tuple(ecsdb::member("pos", &ecsdb::store_test::Ship::pos),
                      ecsdb::member("gold", &ecsdb::store_test::Ship::gold),
                      ecsdb::member("name", &ecsdb::store_test::Ship::name));
};
template <>
struct ecsdb::Bind<ecsdb::store_test::Hull> {
  static constexpr const char* table = "hull";
  static constexpr auto fields =
      std::make_tuple(ecsdb::member("points", &ecsdb::store_test::Hull::points),
                      ecsdb::member("side", &ecsdb::store_test::Hull::side));
};

namespace ecsdb::store_test {

/// An arena with both structs bound.
inline Database arena(DatabaseOptions options = arena_options()) {
  Database db(arena_schema(), options);
  ECSDB_CHECK(db.bind<Ship>().ok() && db.bind<Hull>().ok());
  return db;
}

/// Commits one new entity with a ship.
inline EntityId add_ship(Database& db, Vec2f pos, std::string name = "ada") {
  Transaction change = db.begin();
  const EntityId entity = change.create().value();
  ECSDB_CHECK(change.insert(entity, Ship{pos, 1, std::move(name)}).ok());
  std::move(change).commit();
  return entity;
}

/// Commits one change of a field.
inline Version set_field(Database& db, uint16_t table, EntityId entity, uint16_t field,
                         Value value) {
  Transaction change = db.begin();
  ECSDB_CHECK(change.set(table, entity, field, std::move(value)).ok());
  return std::move(change).commit();
}

inline const Cell* find_cell(const Database& db, size_t table, const CellKey& key) {
  const CellIndex index = db.cells(table).find(key);
  return index == kNoCell ? nullptr : &db.cells(table).at(index);
}

inline const Row& row_of(const Database& db, size_t table, EntityId entity) {
  const RowIndex row = db.find_row(table, entity);
  ECSDB_CHECK(row != kNoRow);
  return db.table(table).row(row);
}

inline Version born_of(const Database& db, size_t table, EntityId entity) {
  return db.table(table).born(db.find_row(table, entity));
}

}  // namespace ecsdb::store_test
