#include "ecsdb/wire/event_values.h"

#include <gtest/gtest.h>

#include "ecsdb/schema/schema_builder.h"

namespace ecsdb {
namespace {

EventDef some_event() {
  SchemaBuilder b("s");
  b.enumeration("team", {"red", "blue"});
  b.event(1, "e").field(2, "n", FieldType::kU8).default_value(uint64_t{9});
  b.field(5, "at", FieldType::kVec2f).precision(0.5);
  b.text(7, "line", 60'000).default_value("hello").enum_field(8, "side", "team");
  return b.build()->def().events[0];
}

ErrorCode code_of(std::initializer_list<FieldValue> values) {
  return make_event_values(some_event(), values).code();
}

TEST(EventValues, StandInTheOrderOfTheFieldsAndComeBack) {
  const EventDef def = some_event();
  const FieldValue given[] = {{2, std::string("caf\xc3\xa9")}, {1, Vec2f{1, -2}}};
  const auto values = make_event_values(def, given);
  ASSERT_TRUE(values.ok()) << values.error().to_string();
  ASSERT_EQ(values->size(), 2u);
  EXPECT_EQ((*values)[0].field, FieldId{5});
  EXPECT_EQ((*values)[1].field, FieldId{7});
  EXPECT_TRUE(check_event_values(def, *values).ok());
  EXPECT_EQ(
      all_event_values(def, *values),
      (std::vector<Value>{uint64_t{9}, Vec2f{1, -2}, std::string("caf\xc3\xa9"), EnumValue{0}}));
}

TEST(EventValues, ThatAreNotGivenAreTheDefaults) {
  EXPECT_EQ(all_event_values(some_event(), {}),
            (std::vector<Value>{uint64_t{9}, Vec2f{}, std::string("hello"), EnumValue{0}}));
}

TEST(EventValues, OfAnApplicationAreCheckedAndThePlaceIsNamed) {
  EXPECT_EQ(code_of({{4, uint64_t{1}}}), ErrorCode::kUnknownField);
  EXPECT_EQ(code_of({{0, 1.5}}), ErrorCode::kTypeMismatch);
  EXPECT_EQ(code_of({{0, uint64_t{256}}}), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(code_of({{3, EnumValue{2}}}), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(code_of({{2, std::string("\xff")}}), ErrorCode::kBadText);
  EXPECT_EQ(code_of({{2, std::string(60'001, 'a')}}), ErrorCode::kTextTooLong);
  EXPECT_EQ(code_of({{2, std::string(kEventBytesMax, 'a')}}), ErrorCode::kLimitExceeded);
  EXPECT_EQ(code_of({{0, uint64_t{1}}, {0, uint64_t{1}}}), ErrorCode::kLimitExceeded);
  const FieldValue wide{0, uint64_t{256}};
  const auto refused = make_event_values(some_event(), std::span(&wide, 1));
  EXPECT_NE(refused.error().context.find("event \"e\", field \"n\""), std::string::npos);
}

TEST(EventValues, OfAPeerAreChecked) {
  const EventDef def = some_event();
  EventValue n{FieldId{2}, {}};
  n.value.kind = 1;
  EventValue line{FieldId{7}, {}};
  line.value.kind = CanonicalValue::kText;
  const auto check = [&](std::vector<EventValue> values) {
    const Status status = check_event_values(def, values);
    return status.ok() ? ErrorCode::kOk : status.code();
  };
  EXPECT_EQ(check({n, line}), ErrorCode::kOk);
  EXPECT_EQ(check({line, n}), ErrorCode::kNotCanonical);
  EXPECT_EQ(check({n, n}), ErrorCode::kNotCanonical);
  EXPECT_EQ(check({{FieldId{3}, n.value}}), ErrorCode::kUnknownField);
  EXPECT_EQ(check({{FieldId{9}, n.value}}), ErrorCode::kUnknownField);
  EXPECT_EQ(check({{FieldId{2}, {}}}), ErrorCode::kTypeMismatch);
  EXPECT_EQ(check({{FieldId{2}, line.value}}), ErrorCode::kTypeMismatch);
  n.value.lanes.lane[0] = 256;
  EXPECT_EQ(check({n}), ErrorCode::kValueOutOfRange);
}

}  // namespace
}  // namespace ecsdb
