#include "ecsdb/schema/merge.h"

#include <gtest/gtest.h>

#include "ecsdb/schema/test_schemas.h"

namespace ecsdb {
namespace {

FieldDef field(FieldType type, const char* merge) {
  FieldDef def;
  def.name = "f";
  def.type = type;
  def.policy = Policy::kMerge;
  def.merge_name = merge;
  return def;
}

FieldDef text_field(FieldType type, uint32_t bytes_max) {
  FieldDef def = field(type, "append");
  def.bytes_max = bytes_max;
  return def;
}

FieldDef in_steps(FieldDef def, double precision) {
  def.quantise = {QuantiseKind::kPrecision, precision, 0, 0, 0};
  return def;
}

FieldDef in_range(FieldDef def, double min, double max, uint8_t bits) {
  def.quantise = {QuantiseKind::kRange, 0, min, max, bits};
  return def;
}

CanonicalValue canonical(const FieldDef& def, const Value& value) {
  return to_canonical(def, value).value();
}

struct Merged {
  ErrorCode code = ErrorCode::kOk;
  std::optional<Value> value;
};

Merged merged(const FieldDef& def, const Value& base, const Value& server, const Value& mine,
              const MergeSet& merges = {}) {
  const Result<CanonicalValue> out =
      merge_field(def, merges, canonical(def, base), canonical(def, server), canonical(def, mine));
  if (!out.ok()) return {out.code(), std::nullopt};
  EXPECT_TRUE(check_canonical(def, *out).ok());
  return {ErrorCode::kOk, from_canonical(def, *out)};
}

void expect_value(const Merged& out, const Value& value) {
  ASSERT_TRUE(out.value.has_value()) << error_name(out.code);
  EXPECT_EQ(*out.value, value);
}

struct IntegerType {
  FieldType type;
  Value low, high;
  /// A value of the type.
  Value of(int64_t number) const {
    if (std::holds_alternative<int64_t>(low)) return number;
    return static_cast<uint64_t>(number);
  }
  Value below_high(uint64_t steps) const {
    if (const auto* v = std::get_if<int64_t>(&high)) return *v - static_cast<int64_t>(steps);
    return std::get<uint64_t>(high) - steps;
  }
  Value above_low(uint64_t steps) const {
    if (const auto* v = std::get_if<int64_t>(&low)) return *v + static_cast<int64_t>(steps);
    return std::get<uint64_t>(low) + steps;
  }
};

std::vector<IntegerType> integer_types() {
  return {{FieldType::kU8, uint64_t{0}, uint64_t{UINT8_MAX}},
          {FieldType::kU16, uint64_t{0}, uint64_t{UINT16_MAX}},
          {FieldType::kU32, uint64_t{0}, uint64_t{UINT32_MAX}},
          {FieldType::kU64, uint64_t{0}, uint64_t{UINT64_MAX}},
          {FieldType::kI8, int64_t{INT8_MIN}, int64_t{INT8_MAX}},
          {FieldType::kI16, int64_t{INT16_MIN}, int64_t{INT16_MAX}},
          {FieldType::kI32, int64_t{INT32_MIN}, int64_t{INT32_MAX}},
          {FieldType::kI64, int64_t{INT64_MIN}, int64_t{INT64_MAX}}};
}

TEST(Merge, SumAddsTheChangeForEveryInteger) {
  for (const IntegerType& t : integer_types()) {
    SCOPED_TRACE(field_type_name(t.type));
    const FieldDef def = field(t.type, "sum");
    expect_value(merged(def, t.of(10), t.of(25), t.of(13)), t.of(28));
    expect_value(merged(def, t.of(10), t.of(25), t.of(4)), t.of(19));
    expect_value(merged(def, t.of(10), t.of(25), t.of(10)), t.of(25));
  }
}

TEST(Merge, SumReachesTheEndsOfTheRangeAndNotBeyond) {
  for (const IntegerType& t : integer_types()) {
    SCOPED_TRACE(field_type_name(t.type));
    const FieldDef def = field(t.type, "sum");
    expect_value(merged(def, t.of(1), t.below_high(1), t.of(2)), t.high);
    EXPECT_EQ(merged(def, t.of(1), t.high, t.of(2)).code, ErrorCode::kValueOutOfRange);
    expect_value(merged(def, t.of(2), t.above_low(1), t.of(1)), t.low);
    EXPECT_EQ(merged(def, t.of(2), t.low, t.of(1)).code, ErrorCode::kValueOutOfRange);
    // The change itself is wider than the field.
    expect_value(merged(def, t.high, t.below_high(1), t.above_low(1)), t.low);
    expect_value(merged(def, t.low, t.above_low(1), t.below_high(1)), t.high);
    EXPECT_EQ(merged(def, t.high, t.low, t.below_high(1)).code, ErrorCode::kValueOutOfRange);
    EXPECT_EQ(merged(def, t.low, t.high, t.below_high(1)).code, ErrorCode::kValueOutOfRange);
  }
}

TEST(Merge, MinAndMaxTakeTheExtremeOfTwoChanges) {
  for (const IntegerType& t : integer_types()) {
    SCOPED_TRACE(field_type_name(t.type));
    const FieldDef min = field(t.type, "min");
    const FieldDef max = field(t.type, "max");
    expect_value(merged(min, t.of(10), t.of(7), t.of(8)), t.of(7));
    expect_value(merged(min, t.of(10), t.of(8), t.of(7)), t.of(7));
    expect_value(merged(max, t.of(10), t.of(7), t.of(8)), t.of(8));
    expect_value(merged(max, t.of(10), t.of(8), t.of(7)), t.of(8));
    expect_value(merged(min, t.of(10), t.low, t.high), t.low);
    expect_value(merged(max, t.of(10), t.low, t.high), t.high);
  }
}

TEST(Merge, MinAndMaxHearOnlyWhoeverHasChangedTheBase) {
  for (const IntegerType& t : integer_types()) {
    SCOPED_TRACE(field_type_name(t.type));
    const FieldDef min = field(t.type, "min");
    const FieldDef max = field(t.type, "max");
    expect_value(merged(min, t.of(10), t.of(10), t.high), t.high);
    expect_value(merged(min, t.of(10), t.high, t.of(10)), t.high);
    expect_value(merged(max, t.of(10), t.of(10), t.low), t.low);
    expect_value(merged(max, t.of(10), t.low, t.of(10)), t.low);
  }
}

TEST(Merge, QuantisedFloatsMergeInSteps) {
  for (const FieldType type : {FieldType::kF32, FieldType::kF64}) {
    SCOPED_TRACE(field_type_name(type));
    const FieldDef sum = in_steps(field(type, "sum"), 0.5);
    expect_value(merged(sum, 1.0, -2.0, 4.5), 1.5);
    expect_value(merged(in_steps(field(type, "min"), 0.5), 1.0, -2.0, 4.5), -2.0);
    expect_value(merged(in_steps(field(type, "max"), 0.5), 1.0, -2.0, 4.5), 4.5);
  }
  // A sum of steps, not of values: 0.1 + 0.2 is 0.3 exactly as the field has it.
  const FieldDef tenths = in_steps(field(FieldType::kF64, "sum"), 0.1);
  EXPECT_EQ(merge_field(tenths, {}, canonical(tenths, 0.0), canonical(tenths, 0.1),
                        canonical(tenths, 0.2))
                .value(),
            canonical(tenths, 0.3));
}

TEST(Merge, StepsOfAPrecisionStayWithinTheirLane) {
  const auto sum = [](FieldType type, int64_t server, int64_t mine) {
    CanonicalValue value[3];
    const int64_t steps[3] = {0, server, mine};
    for (size_t i = 0; i < 3; ++i) {
      value[i].kind = 1;
      value[i].lanes.lane[0] = static_cast<uint64_t>(steps[i]);
    }
    const FieldDef def = in_steps(field(type, "sum"), 0.01);
    const auto out = merge_field(def, {}, value[0], value[1], value[2]);
    if (!out.ok()) return std::string(error_name(out.code()));
    return std::to_string(static_cast<int64_t>(out->lanes.lane[0]));
  };
  EXPECT_EQ(sum(FieldType::kF32, INT32_MAX - 1, 1), std::to_string(INT32_MAX));
  EXPECT_EQ(sum(FieldType::kF32, INT32_MAX - 1, 2), "value_out_of_range");
  EXPECT_EQ(sum(FieldType::kF32, INT32_MIN + 1, -1), std::to_string(INT32_MIN));
  EXPECT_EQ(sum(FieldType::kF32, INT32_MIN + 1, -2), "value_out_of_range");
  EXPECT_EQ(sum(FieldType::kF64, INT64_MAX - 1, 1), std::to_string(INT64_MAX));
  EXPECT_EQ(sum(FieldType::kF64, INT64_MAX - 1, 2), "value_out_of_range");
  EXPECT_EQ(sum(FieldType::kF64, INT64_MIN, INT64_MIN), "value_out_of_range");
}

TEST(Merge, SumOverARangeCountsFromItsMin) {
  for (const FieldType type : {FieldType::kF32, FieldType::kF64}) {
    SCOPED_TRACE(field_type_name(type));
    const FieldDef sum = in_range(field(type, "sum"), -8, 7, 4);  // steps of 1
    expect_value(merged(sum, -1.0, 2.0, 1.0), 4.0);
    expect_value(merged(sum, 1.0, -6.0, -1.0), -8.0);
    EXPECT_EQ(merged(sum, 2.0, -6.0, -1.0).code, ErrorCode::kValueOutOfRange);
    expect_value(merged(sum, 0.0, 5.0, 2.0), 7.0);
    EXPECT_EQ(merged(sum, 0.0, 5.0, 3.0).code, ErrorCode::kValueOutOfRange);
    expect_value(merged(in_range(field(type, "min"), -8, 7, 4), 0.0, 5.0, -8.0), -8.0);
    expect_value(merged(in_range(field(type, "max"), -8, 7, 4), 0.0, -3.0, 7.0), 7.0);
  }
}

TEST(Merge, VectorsMergeByComponent) {
  const Vec3f base{10, 10, 10};
  const FieldDef sum = in_steps(field(FieldType::kVec3f, "sum"), 0.25);
  expect_value(merged(sum, base, Vec3f{11, 10, 4}, Vec3f{10, 9.75f, 12}), Vec3f{11, 9.75f, 6});
  const FieldDef min = in_steps(field(FieldType::kVec3f, "min"), 0.25);
  expect_value(merged(min, base, Vec3f{8, 10, 20}, Vec3f{9, 30, 10}), Vec3f{8, 30, 20});
  const FieldDef max = in_steps(field(FieldType::kVec3f, "max"), 0.25);
  expect_value(merged(max, base, Vec3f{8, 10, 20}, Vec3f{9, 5, 10}), Vec3f{9, 5, 20});
  const FieldDef flat = in_range(field(FieldType::kVec2f, "sum"), 0, 255, 8);
  expect_value(merged(flat, Vec2f{1, 1}, Vec2f{1, 254}, Vec2f{5, 2}), Vec2f{5, 255});
  EXPECT_EQ(merged(flat, Vec2f{1, 1}, Vec2f{1, 254}, Vec2f{5, 3}).code,
            ErrorCode::kValueOutOfRange);
}

TEST(Merge, UnionHasTheBitsOfBoth) {
  for (const uint8_t count : {uint8_t{1}, uint8_t{12}, uint8_t{64}}) {
    FieldDef def = field(FieldType::kBits, "union");
    def.bit_count = count;
    const uint64_t last = uint64_t{1} << (count - 1);
    expect_value(merged(def, BitSet{0}, BitSet{last}, BitSet{1}), BitSet{last | 1});
  }
  FieldDef def = field(FieldType::kBits, "union");
  def.bit_count = 8;
  expect_value(merged(def, BitSet{7}, BitSet{15}, BitSet{1}), BitSet{15});
  expect_value(merged(def, BitSet{7}, BitSet{7}, BitSet{1}), BitSet{1});  // nobody else's change
}

TEST(Merge, AppendPutsWhatIsNewAfterWhatIsThere) {
  const FieldDef str = text_field(FieldType::kStr, 8);
  expect_value(merged(str, "ab", "abcd", "abxy"), "abcdxy");
  expect_value(merged(str, "", "cd", "xy"), "cdxy");
  expect_value(merged(str, "ab", "", "abxy"), "xy");  // cleared by somebody else
  expect_value(merged(str, "ab", "abcd", "ab"), "abcd");
  const FieldDef bytes = text_field(FieldType::kBytes, 3);
  expect_value(merged(bytes, Blob{0}, Blob{0, 255}, Blob{0, 0}), Blob{0, 255, 0});
}

TEST(Merge, AppendRefusesWhatDoesNotBeginWithTheBase) {
  const FieldDef str = text_field(FieldType::kStr, 8);
  EXPECT_EQ(merged(str, "ab", "abcd", "axy").code, ErrorCode::kMergeRefused);
  EXPECT_EQ(merged(str, "ab", "abcd", "a").code, ErrorCode::kMergeRefused);
  expect_value(merged(str, "ab", "ab", "a"), "a");  // nobody else's change
}

TEST(Merge, AppendStopsAtTheLongestLength) {
  const FieldDef str = text_field(FieldType::kStr, 5);
  expect_value(merged(str, "a", "abc", "axy"), "abcxy");
  EXPECT_EQ(merged(str, "a", "abcd", "axy").code, ErrorCode::kTextTooLong);
  const FieldDef bytes = text_field(FieldType::kBytes, 2);
  expect_value(merged(bytes, Blob{}, Blob{1}, Blob{2}), Blob{1, 2});
  EXPECT_EQ(merged(bytes, Blob{}, Blob{1}, Blob{2, 3}).code, ErrorCode::kTextTooLong);
}

TEST(Merge, MineIsTakenWhereNobodyElseHasChangedTheField) {
  MergeSet merges;
  merges.add("never", {[](const FieldDef&, const Value&, const Value&, const Value&) {
               return std::optional<Value>();
             }});
  const FieldDef def = field(FieldType::kU8, "never");
  const CanonicalValue one = canonical(def, uint64_t{1});
  const CanonicalValue two = canonical(def, uint64_t{2});
  EXPECT_EQ(merge_field(def, merges, one, one, two).value(), two);
  EXPECT_EQ(merge_field(def, merges, CanonicalValue{}, one, two).value(), two);  // no base
  EXPECT_EQ(merge_field(def, merges, two, one, two).code(), ErrorCode::kMergeRefused);
  EXPECT_EQ(merge_field(def, {}, one, one, two).code(), ErrorCode::kUnknownMerge);
}

/// The alternative further from the base in a circle of ten.
std::optional<Value> on_a_circle(const FieldDef& def, const Value& base, const Value& server,
                                 const Value& mine) {
  EXPECT_EQ(def.merge_name, "circle");
  const uint64_t sum =
      std::get<uint64_t>(server) + std::get<uint64_t>(mine) + 10 - std::get<uint64_t>(base);
  return Value(sum % 10);
}

TEST(Merge, CustomFunctionSeesValuesAndItsResultIsChecked) {
  MergeSet merges;
  merges.add("circle", {on_a_circle, {.commutative = true, .associative = true}});
  expect_value(
      merged(field(FieldType::kU8, "circle"), uint64_t{1}, uint64_t{8}, uint64_t{4}, merges),
      uint64_t{1});
  const auto always = [&](Value value) {
    merges.add("always", {[value](const FieldDef&, const Value&, const Value&, const Value&) {
                 return std::optional<Value>(value);
               }});
  };
  const FieldDef number = field(FieldType::kU8, "always");
  always(uint64_t{256});
  EXPECT_EQ(merged(number, uint64_t{1}, uint64_t{2}, uint64_t{3}, merges).code,
            ErrorCode::kValueOutOfRange);
  always(true);
  EXPECT_EQ(merged(number, uint64_t{1}, uint64_t{2}, uint64_t{3}, merges).code,
            ErrorCode::kTypeMismatch);
  FieldDef str = text_field(FieldType::kStr, 2);
  str.merge_name = "always";
  always("abc");
  EXPECT_EQ(merged(str, "", "a", "b", merges).code, ErrorCode::kTextTooLong);
  always("\xff");
  EXPECT_EQ(merged(str, "", "a", "b", merges).code, ErrorCode::kBadText);
}

TEST(MergeSet, FindsWhatWasAddedLast) {
  MergeSet merges;
  EXPECT_EQ(merges.find("circle"), nullptr);
  merges.add("circle", {on_a_circle, {}});
  merges.add("circle", {on_a_circle, {.idempotent = true}});
  const MergeSet copy = merges;
  ASSERT_NE(copy.find("circle"), nullptr);
  EXPECT_TRUE(copy.find("circle")->laws.idempotent);
  EXPECT_EQ(copy.find("sum"), nullptr);
}

TEST(MergeSet, EveryMergeOfASchemaMustBeKnown) {
  const Schema schema = *rich_schema().build();
  MergeSet merges;
  const Status missing = check_merges(schema, merges);
  EXPECT_EQ(missing.code(), ErrorCode::kUnknownMerge);
  EXPECT_EQ(missing.error().context,
            "table \"ship\", field \"heat\": no merge function is registered as \"my_rule\"");
  merges.add("my_rule", {on_a_circle, {}});
  EXPECT_TRUE(check_merges(schema, merges).ok());
}

TEST(MergeSetDeathTest, BuiltinNameIllegalNameAndNoFunctionAreProgrammersErrors) {
  MergeSet merges;
  for (const char* name : {"sum", "min", "max", "union", "append", "", "Sum"}) {
    EXPECT_DEATH(merges.add(name, {on_a_circle, {}}), "builtin|schema_name");
  }
  EXPECT_DEATH(merges.add("nothing", {}), "function");
  EXPECT_DEATH(builtin_merge_laws("average"), "has_value");
}

TEST(Merge, BuiltinsAreKnownByName) {
  for (const char* name : {"sum", "min", "max", "union", "append"}) {
    EXPECT_TRUE(is_builtin_merge(name));
  }
  EXPECT_FALSE(is_builtin_merge("average"));
  EXPECT_FALSE(is_builtin_merge(""));
}

}  // namespace
}  // namespace ecsdb
