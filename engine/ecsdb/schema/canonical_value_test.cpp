#include "ecsdb/schema/canonical_value.h"

#include <gtest/gtest.h>

#include "ecsdb/schema/test_schemas.h"

namespace ecsdb {
namespace {

const FieldDef& rich_field(const Schema& schema, const char* name) {
  const size_t ship = *schema.table_index("ship");
  return schema.table(ship).fields[*schema.field_index(ship, name)];
}

TEST(CanonicalValue, DefaultsOfEveryTypeComeBack) {
  const Schema schema = *rich_schema().build();
  for (size_t t = 0; t < schema.table_count(); ++t) {
    for (const FieldDef& def : schema.table(t).fields) {
      const Value value = is_text(def.type) ? from_text(def, default_text(def))
                                            : from_lanes(def, default_lanes(def));
      const Result<CanonicalValue> canonical = to_canonical(def, value);
      ASSERT_TRUE(canonical.ok()) << def.name;
      EXPECT_TRUE(canonical->has_value());
      EXPECT_EQ(canonical->is_text(), is_text(def.type));
      EXPECT_EQ(from_canonical(def, *canonical), value) << def.name;
      EXPECT_TRUE(check_canonical(def, *canonical).ok()) << def.name;
    }
  }
}

TEST(CanonicalValue, KindIsTheNumberOfLanesOrText) {
  const Schema schema = *rich_schema().build();
  const auto kind = [&](const char* name, const Value& value) {
    return static_cast<int>(to_canonical(rich_field(schema, name), value).value().kind);
  };
  EXPECT_EQ(kind("on", true), 1);
  EXPECT_EQ(kind("pos", Vec2f{}), 2);
  EXPECT_EQ(kind("home", Vec3f{}), 3);
  EXPECT_EQ(kind("rot", Quatf{}), 4);
  EXPECT_EQ(kind("name", "x"), 5);
  EXPECT_EQ(kind("blob", Blob{}), 5);
  EXPECT_FALSE(CanonicalValue{}.has_value());
}

TEST(CanonicalValue, ErrorsAreThoseOfLanesAndText) {
  const Schema schema = *rich_schema().build();
  const auto code = [&](const char* name, const Value& value) {
    return to_canonical(rich_field(schema, name), value).code();
  };
  EXPECT_EQ(code("paint", true), ErrorCode::kTypeMismatch);
  EXPECT_EQ(code("paint", "7"), ErrorCode::kTypeMismatch);
  EXPECT_EQ(code("name", uint64_t{7}), ErrorCode::kTypeMismatch);
  EXPECT_EQ(code("paint", uint64_t{256}), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(code("home", Vec3f{0, 2, 0}), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(code("side", EnumValue{3}), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(code("name", std::string(25, 'x')), ErrorCode::kTextTooLong);
  EXPECT_EQ(code("name", "\xff"), ErrorCode::kBadText);
}

CanonicalValue with_lanes(std::initializer_list<uint64_t> lanes) {
  CanonicalValue out;
  for (const uint64_t lane : lanes) out.lanes.lane[out.kind++] = lane;
  return out;
}

CanonicalValue with_text(std::string text) {
  CanonicalValue out;
  out.kind = CanonicalValue::kText;
  out.text = std::move(text);
  return out;
}

TEST(CanonicalValue, CheckRefusesAnotherShape) {
  const Schema schema = *rich_schema().build();
  const auto code = [&](const char* name, const CanonicalValue& value) {
    return check_canonical(rich_field(schema, name), value).code();
  };
  EXPECT_EQ(code("paint", CanonicalValue{}), ErrorCode::kTypeMismatch);
  EXPECT_EQ(code("paint", with_lanes({1, 1})), ErrorCode::kTypeMismatch);
  EXPECT_EQ(code("paint", with_text("1")), ErrorCode::kTypeMismatch);
  EXPECT_EQ(code("pos", with_lanes({1})), ErrorCode::kTypeMismatch);
  EXPECT_EQ(code("pos", with_lanes({1, 1, 1})), ErrorCode::kTypeMismatch);
  EXPECT_EQ(code("name", CanonicalValue{}), ErrorCode::kTypeMismatch);
  EXPECT_EQ(code("name", with_lanes({1})), ErrorCode::kTypeMismatch);
}

TEST(CanonicalValue, CheckRefusesWhatTheFieldCannotHold) {
  const Schema schema = *rich_schema().build();
  const auto code = [&](const char* name, const CanonicalValue& value) {
    return check_canonical(rich_field(schema, name), value).code();
  };
  const uint64_t minus_one = ~uint64_t{0};
  EXPECT_EQ(code("paint", with_lanes({255})), ErrorCode::kOk);
  EXPECT_EQ(code("paint", with_lanes({256})), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(code("paint", with_lanes({minus_one})), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(code("on", with_lanes({2})), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(code("gold", with_lanes({minus_one})), ErrorCode::kOk);
  EXPECT_EQ(code("pos", with_lanes({minus_one, 0x7fffffff})), ErrorCode::kOk);
  EXPECT_EQ(code("pos", with_lanes({0, 0x80000000})), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(code("marks", with_lanes({0xfff})), ErrorCode::kOk);
  EXPECT_EQ(code("marks", with_lanes({0x1000})), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(code("home", with_lanes({0, 4095, 4096})), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(code("rot", with_lanes({4, 0, 0, 0})), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(code("heat", with_lanes({uint64_t{1} << 32})), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(code("name", with_text(std::string(24, 'x'))), ErrorCode::kOk);
  EXPECT_EQ(code("name", with_text(std::string(25, 'x'))), ErrorCode::kTextTooLong);
  EXPECT_EQ(code("name", with_text("\xff")), ErrorCode::kBadText);
  EXPECT_EQ(code("blob", with_text("\xff")), ErrorCode::kOk);
}

TEST(CanonicalValue, CheckRefusesEnumNumbersWithoutAName) {
  const Schema schema = *rich_schema().build();
  FieldDef def = rich_field(schema, "side");
  EXPECT_TRUE(check_canonical(def, with_lanes({2})).ok());
  EXPECT_EQ(check_canonical(def, with_lanes({3})).code(), ErrorCode::kValueOutOfRange);
  def.enum_size = 0;  // not resolved
  EXPECT_TRUE(check_canonical(def, with_lanes({255})).ok());
}

TEST(CanonicalValue, LanesThatAKindDoesNotHaveMakeItNotCanonical) {
  const Schema schema = *rich_schema().build();
  CanonicalValue value = with_lanes({1});
  value.lanes.lane[1] = 1;
  EXPECT_EQ(check_canonical(rich_field(schema, "paint"), value).code(),
            ErrorCode::kValueOutOfRange);
}

}  // namespace
}  // namespace ecsdb
