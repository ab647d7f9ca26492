#include "ecsdb/schema/bind.h"

#include <gtest/gtest.h>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/schema_builder.h"

namespace ecsdb {
namespace {

enum class Side : uint8_t { kNone, kRed };

struct Ship {
  Vec2f pos;
  uint8_t paint = 0;
  std::string name;
  Side side = Side::kNone;
  float heat = 0;
};

}  // namespace

template <>
struct Bind<Ship> {
  static constexpr const char* table = "ship";
  static constexpr auto fields = std::make_tuple(
      member("pos", &Ship::pos), member("paint", &Ship::paint), member("name", &Ship::name),
      member("side", &Ship::side), member("heat", &Ship::heat));
};

namespace {

SchemaBuilder ship_schema(FieldType paint, const char* name) {
  SchemaBuilder b("s");
  b.enumeration("team", {"none", "red"}).table(4, "ship");
  b.field(9, "pos", FieldType::kVec2f).field(2, "paint", paint).text(3, name, 10);
  b.enum_field(1, "side", "team").field(12, "heat", FieldType::kF32);
  return b;
}

TEST(Bind, MembersResolveToFieldIndices) {
  const Schema schema = *ship_schema(FieldType::kU8, "name").build();
  const Result<ResolvedBinding<Ship>> binding = resolve_binding<Ship>(schema);
  ASSERT_TRUE(binding.ok());
  EXPECT_EQ(binding->table, 0);
  EXPECT_EQ(binding->fields, (std::array<uint16_t, 5>{3, 1, 2, 0, 4}));
}

TEST(Bind, MistakesNameTableAndField) {
  const auto error = [](const Schema& schema) {
    return resolve_binding<Ship>(schema).error().to_string();
  };
  EXPECT_EQ(error(Schema()), "unknown_table: ship");
  EXPECT_EQ(error(*ship_schema(FieldType::kU16, "name").build()),
            "type_mismatch: ship.paint: the member's type is not the field's");
  EXPECT_EQ(error(*ship_schema(FieldType::kU8, "nom").build()), "unknown_field: ship.name");
}

TEST(Bind, ValuesConvertBothWays) {
  Ship ship;
  MemberTraits<Side>::from_value(EnumValue{1}, ship.side);
  MemberTraits<uint8_t>::from_value(uint64_t{7}, ship.paint);
  MemberTraits<std::string>::from_value(std::string("x"), ship.name);
  MemberTraits<float>::from_value(0.5, ship.heat);
  EXPECT_EQ(MemberTraits<Side>::to_value(ship.side), Value(EnumValue{1}));
  EXPECT_EQ(MemberTraits<uint8_t>::to_value(ship.paint), Value(uint64_t{7}));
  EXPECT_EQ(MemberTraits<std::string>::to_value(ship.name), Value(std::string("x")));
  EXPECT_EQ(MemberTraits<float>::to_value(ship.heat), Value(0.5));
  EXPECT_EQ(MemberTraits<int8_t>::to_value(-1), Value(int64_t{-1}));
}

TEST(Bind, WideEnumsDoNotWrapToAValue) {
  enum class Wide : int { kRed = 0, kFar = 256, kBelow = -256 };
  const Schema schema = *ship_schema(FieldType::kU8, "name").build();
  const FieldDef& def = schema.table(0).fields[*schema.field_index(0, "side")];
  LaneValues lanes;
  EXPECT_TRUE(encode_lanes(def, MemberTraits<Wide>::to_alternative(Wide::kRed), lanes));
  EXPECT_FALSE(encode_lanes(def, MemberTraits<Wide>::to_alternative(Wide::kFar), lanes));
  EXPECT_FALSE(encode_lanes(def, MemberTraits<Wide>::to_alternative(Wide::kBelow), lanes));
}

}  // namespace
}  // namespace ecsdb
