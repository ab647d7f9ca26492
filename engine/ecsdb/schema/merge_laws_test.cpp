#include <gtest/gtest.h>

#include "ecsdb/schema/merge.h"

namespace ecsdb {
namespace {

FieldDef field(FieldType type) {
  FieldDef def;
  def.name = "f";
  def.type = type;
  def.bytes_max = is_text(type) ? 8 : 0;
  def.bit_count = type == FieldType::kBits ? 5 : 0;
  return def;
}

Merge declared(MergeLaws laws, MergeFunction function) { return {std::move(function), laws}; }

MergeFunction on_numbers(uint64_t (*merge)(uint64_t base, uint64_t x, uint64_t y)) {
  return [merge](const FieldDef&, const Value& base, const Value& x, const Value& y) {
    return std::optional<Value>(
        merge(std::get<uint64_t>(base), std::get<uint64_t>(x), std::get<uint64_t>(y)));
  };
}

std::string found(const Merge& merge, const FieldDef& def, uint64_t seed = 1) {
  return find_broken_law(merge, def, Prng(seed)).value_or("nothing");
}

TEST(MergeLaws, AverageIsNotAssociativeAndTheExampleIsSmall) {
  const MergeFunction average =
      on_numbers([](uint64_t, uint64_t x, uint64_t y) { return (x + y) / 2; });
  EXPECT_EQ(found(declared({.associative = true}, average), field(FieldType::kU8)),
            "it is not associative: merge(b, merge(b, x, y), z) is 1 but "
            "merge(b, x, merge(b, y, z)) is 0 where b is 0, x is 0, y is 0 and z is 2");
  EXPECT_EQ(found(declared({.commutative = true}, average), field(FieldType::kU8)), "nothing");
  EXPECT_EQ(found(declared({.idempotent = true}, average), field(FieldType::kU8)), "nothing");
}

TEST(MergeLaws, DifferenceIsNeitherCommutativeNorIdempotent) {
  const MergeFunction difference =
      on_numbers([](uint64_t, uint64_t x, uint64_t y) { return x - y; });
  EXPECT_EQ(found(declared({.idempotent = true}, difference), field(FieldType::kU16)),
            "it is not idempotent: merge(b, x, x) is 0 where b is 0 and x is 1");
  const std::string text =
      found(declared({.commutative = true}, difference), field(FieldType::kU64));
  EXPECT_EQ(text,
            "it is not commutative: merge(b, x, y) is 18446744073709551615 but merge(b, y, x) is "
            "1 where b is 0, x is 0 and y is 1");
}

TEST(MergeLaws, NothingIsFoundWhereNothingIsDeclared) {
  const MergeFunction odd =
      on_numbers([](uint64_t base, uint64_t x, uint64_t y) { return base ^ (x / (y + 3)); });
  EXPECT_EQ(found(declared({}, odd), field(FieldType::kU32)), "nothing");
}

TEST(MergeLaws, MinWhereTheBaseResetsOnlyTheServerIsNotCommutative) {
  const MergeFunction reset = on_numbers(
      [](uint64_t base, uint64_t x, uint64_t y) { return x == base ? y : std::min(x, y); });
  EXPECT_EQ(found(declared({.commutative = true}, reset), field(FieldType::kU8)),
            "it is not commutative: merge(b, x, y) is 0 but merge(b, y, x) is 1 where b is 0, "
            "x is 1 and y is 0");
}

TEST(MergeLaws, RefusedAndOutOfRangeTriplesDoNotCount) {
  const MergeFunction small_only = [](const FieldDef&, const Value&, const Value& x,
                                      const Value& y) -> std::optional<Value> {
    if (std::get<uint64_t>(x) > 200) return std::nullopt;
    return Value(std::get<uint64_t>(x) + std::get<uint64_t>(y));
  };
  EXPECT_EQ(found(declared({.commutative = true, .associative = true}, small_only),
                  field(FieldType::kU8)),
            "nothing");
}

TEST(MergeLaws, ResultOfAnotherTypeIsFoundWhateverIsDeclared) {
  const Merge merge = declared({}, [](const FieldDef&, const Value&, const Value&, const Value&) {
    return std::optional<Value>(int64_t{1});
  });
  EXPECT_EQ(found(merge, field(FieldType::kU8)),
            "merge(b, x, y) is no value of the field where b is 0, x is 0 and y is 0: field \"f\" "
            "(u8) was given a signed integer");
  const Merge text = declared({}, [](const FieldDef&, const Value&, const Value& x, const Value&) {
    return std::optional<Value>(std::get<std::string>(x) + "\xc3");
  });
  EXPECT_NE(found(text, field(FieldType::kStr)).find("where b is \"\", x is \"\" and y is \"\""),
            std::string::npos);
}

TEST(MergeLaws, ConcatenationOfTextsHasASmallExample) {
  const Merge join = declared(
      {.commutative = true}, [](const FieldDef&, const Value&, const Value& x, const Value& y) {
        return std::optional<Value>(std::get<std::string>(x) + std::get<std::string>(y));
      });
  const std::string text = found(join, field(FieldType::kStr));
  EXPECT_NE(text.find("it is not commutative"), std::string::npos) << text;
  EXPECT_NE(text.find("where b is \"\""), std::string::npos) << text;
  EXPECT_LT(text.size(), 130u) << text;
}

/// Takes y whatever the type, and says that the order does not matter.
TEST(MergeLaws, EveryTypeIsTried) {
  const Merge last =
      declared({.commutative = true}, [](const FieldDef&, const Value&, const Value&,
                                         const Value& y) { return std::optional<Value>(y); });
  for (int type = 1; type <= static_cast<int>(FieldType::kBytes); ++type) {
    FieldDef def = field(static_cast<FieldType>(type));
    if (def.type == FieldType::kEnum) def.enum_size = 2;
    EXPECT_NE(found(last, def), "nothing") << field_type_name(def.type);
  }
  FieldDef turn = field(FieldType::kQuatf);
  turn.quantise = {QuantiseKind::kQuat, 0, 0, 0, 10};
  EXPECT_NE(found(last, turn), "nothing");
  FieldDef place = field(FieldType::kVec3f);
  place.quantise = {QuantiseKind::kPrecision, 0.01, 0, 0, 0};
  EXPECT_NE(found(last, place), "nothing");
  place.quantise = {QuantiseKind::kRange, 0, -1, 1, 12};
  EXPECT_NE(found(last, place), "nothing");
}

TEST(MergeLaws, SameSeedFindsTheSame) {
  const MergeFunction average =
      on_numbers([](uint64_t base, uint64_t x, uint64_t y) { return (x + y + base) / 3; });
  const Merge merge = declared({.associative = true}, average);
  const FieldDef def = field(FieldType::kU32);
  EXPECT_EQ(found(merge, def, 5), found(merge, def, 5));
  EXPECT_EQ(find_broken_law(merge, def, Prng(1), 0), std::nullopt);
}

TEST(MergeLaws, BuiltinsKeepTheirs) {
  for (const char* merge : {"sum", "min", "max"}) {
    for (int type = 1; type <= static_cast<int>(FieldType::kVec3f); ++type) {
      FieldDef def = field(static_cast<FieldType>(type));
      if (is_scalar_float(def.type)) def.quantise = {QuantiseKind::kPrecision, 0.5, 0, 0, 0};
      if (!is_integer(def.type) && !is_scalar_float(def.type)) continue;
      EXPECT_EQ(find_broken_law(merge, def, Prng(1)), std::nullopt) << merge;
    }
  }
  EXPECT_EQ(find_broken_law("union", field(FieldType::kBits), Prng(1)), std::nullopt);
  EXPECT_EQ(find_broken_law("append", field(FieldType::kStr), Prng(1)), std::nullopt);
  EXPECT_EQ(find_broken_law("append", field(FieldType::kBytes), Prng(1)), std::nullopt);
}

/// A built-in merge under a law that it does not declare.
std::string found_of_builtin(const char* name, const FieldDef& def, MergeLaws laws) {
  FieldDef named = def;
  named.policy = Policy::kMerge;
  named.merge_name = name;
  const MergeFunction function = [&](const FieldDef&, const Value& base, const Value& x,
                                     const Value& y) -> std::optional<Value> {
    const Result<CanonicalValue> out =
        merge_field(named, {}, to_canonical(def, base).value(), to_canonical(def, x).value(),
                    to_canonical(def, y).value());
    if (!out.ok()) return std::nullopt;
    return from_canonical(def, *out);
  };
  return found(declared(laws, function), def);
}

TEST(MergeLaws, BuiltinsHaveNoOthers) {
  EXPECT_EQ(found_of_builtin("sum", field(FieldType::kU8), {.idempotent = true}),
            "it is not idempotent: merge(b, x, x) is 2 where b is 0 and x is 1");
  EXPECT_EQ(found_of_builtin("append", field(FieldType::kStr), {.idempotent = true}),
            "it is not idempotent: merge(b, x, x) is \"aa\" where b is \"\" and x is \"a\"");
  EXPECT_NE(found_of_builtin("append", field(FieldType::kBytes), {.commutative = true}), "nothing");
}

}  // namespace
}  // namespace ecsdb
