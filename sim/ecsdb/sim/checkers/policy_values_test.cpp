#include "ecsdb/sim/checkers/policy_values.h"

#include <gtest/gtest.h>
#include <limits>

#include "ecsdb/schema/schema_builder.h"
#include "ecsdb/sim/scenario.h"
#include "ecsdb/sim/workload_values.h"

namespace ecsdb::sim {
namespace {

enum Fields : uint16_t {
  kFlag,
  kByte,
  kSmall,
  kLarge,
  kDebt,
  kTeam,
  kLights,
  kSpeed,
  kFuel,
  kPlace,
  kPrice,
  kTurn,
  kWho,
  kLine,
  kBlob,
  kLowest,
  kHighest,
  kOwn,
};

Schema make_schema() {
  return SchemaBuilder("values", 1)
      .enumeration("team", {"red", "blue", "green"})
      .table(1, "t")
      .field(1, "flag", FieldType::kBool)
      .field(2, "byte", FieldType::kU8)
      .merge("sum")
      .field(3, "small", FieldType::kI16)
      .merge("sum")
      .field(4, "large", FieldType::kU64)
      .merge("sum")
      .field(5, "debt", FieldType::kI64)
      .merge("sum")
      .enum_field(6, "team", "team")
      .bits_field(7, "lights", 5)
      .merge("union")
      .field(8, "speed", FieldType::kF32)
      .field(9, "fuel", FieldType::kF32)
      .range(0, 100, 12)
      .merge("sum")
      .field(10, "place", FieldType::kVec2f)
      .precision(0.5)
      .merge("sum")
      .field(11, "price", FieldType::kF64)
      .precision(0.01)
      .merge("max")
      .field(12, "turn", FieldType::kQuatf)
      .quaternion_bits(10)
      .field(13, "who", FieldType::kPrincipal)
      .text(14, "line", 8)
      .merge("append")
      .bytes(15, "blob", 3)
      .merge("append")
      .field(16, "lowest", FieldType::kI32)
      .merge("min")
      .field(17, "highest", FieldType::kU64)
      .merge("max")
      .field(18, "own", FieldType::kU8)
      .merge("of_my_own")
      .build()
      .value();
}

const FieldDef& field(Fields which) {
  static const Schema kSchema = make_schema();
  return kSchema.table(0).fields[which];
}

CanonicalValue lanes(std::initializer_list<uint64_t> given) {
  CanonicalValue out;
  out.kind = static_cast<uint8_t>(given.size());
  std::copy(given.begin(), given.end(), out.lanes.lane);
  return out;
}
CanonicalValue text(std::string given) {
  CanonicalValue out;
  out.kind = CanonicalValue::kText;
  out.text = std::move(given);
  return out;
}
uint64_t signed_lane(int64_t number) { return static_cast<uint64_t>(number); }

Canonical one(uint64_t lane) { return {{lane, 0, 0, 0}, {}}; }
Canonical words(std::string given) { return {{}, std::move(given)}; }

constexpr ErrorCode kOk = ErrorCode::kOk;
constexpr ErrorCode kRange = ErrorCode::kValueOutOfRange;
constexpr ErrorCode kType = ErrorCode::kTypeMismatch;

// --- judging ---

TEST(PolicyValues, AnotherTypeIsAMismatch) {
  EXPECT_EQ(judge_value(field(kByte), {}), kType);
  EXPECT_EQ(judge_value(field(kByte), text("7")), kType);
  EXPECT_EQ(judge_value(field(kByte), lanes({1, 2})), kType);
  EXPECT_EQ(judge_value(field(kPlace), lanes({1})), kType);
  EXPECT_EQ(judge_value(field(kLine), lanes({1})), kType);
  EXPECT_EQ(judge_value(field(kLine), {}), kType);
}

TEST(PolicyValues, RangesEndWhereTheTypeDoes) {
  const struct {
    Fields which;
    uint64_t good;
    uint64_t bad;
  } kEnds[] = {
      {kFlag, 1, 2},
      {kByte, 255, 256},
      {kSmall, 32767, 32768},
      {kSmall, signed_lane(-32768), signed_lane(-32769)},
      {kTeam, 2, 3},
      {kLights, 31, 32},
      {kSpeed, 0xffffffff, 0x100000000},
      {kFuel, 4095, 4096},
      {kLowest, signed_lane(std::numeric_limits<int32_t>::min()), 0x80000000},
  };
  for (const auto& end : kEnds) {
    EXPECT_EQ(judge_value(field(end.which), lanes({end.good})), kOk) << field(end.which).name;
    EXPECT_EQ(judge_value(field(end.which), lanes({end.bad})), kRange) << field(end.which).name;
  }
  for (const Fields wide : {kLarge, kDebt, kPrice, kWho}) {
    EXPECT_EQ(judge_value(field(wide), lanes({~uint64_t{0}})), kOk);
  }
}

TEST(PolicyValues, EveryLaneIsJudged) {
  EXPECT_EQ(judge_value(field(kPlace), lanes({signed_lane(-1), 0x7fffffff})), kOk);
  EXPECT_EQ(judge_value(field(kPlace), lanes({0, 0x80000000})), kRange);
  EXPECT_EQ(judge_value(field(kTurn), lanes({3, 1023, 1023, 1023})), kOk);
  EXPECT_EQ(judge_value(field(kTurn), lanes({4, 0, 0, 0})), kRange);
  EXPECT_EQ(judge_value(field(kTurn), lanes({3, 0, 0, 1024})), kRange);
  CanonicalValue more = lanes({1});
  more.lanes.lane[2] = 1;
  EXPECT_EQ(judge_value(field(kByte), more), kRange);
}

TEST(PolicyValues, TextsAreShortAndUtf8) {
  EXPECT_EQ(judge_value(field(kLine), text("12345678")), kOk);
  EXPECT_EQ(judge_value(field(kLine), text("123456789")), ErrorCode::kTextTooLong);
  EXPECT_EQ(judge_value(field(kBlob), text("\xff\xfe")), kOk);
  EXPECT_EQ(judge_value(field(kBlob), text("abcd")), ErrorCode::kTextTooLong);
  for (const char* good : {"", "\x7f", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(judge_value(field(kLine), text(good)), kOk) << good;
  }
  for (const char* bad :
       {"\x80", "\xc1\xbf", "\xc2", "\xc2z", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "a\xff"}) {
    EXPECT_EQ(judge_value(field(kLine), text(bad)), ErrorCode::kBadText) << bad;
  }
  // Of two faults the length is the one that is told.
  EXPECT_EQ(judge_value(field(kLine), text("12345678\xff")), ErrorCode::kTextTooLong);
}

// Two implementations of one page of the design.
TEST(PolicyValues, JudgeAsTheProductDoesOnDrawnLanes) {
  Prng rng(3);
  for (uint16_t which = 0; which <= kOwn; ++which) {
    const FieldDef& def = field(static_cast<Fields>(which));
    for (int i = 0; i < 2000; ++i) {
      CanonicalValue value;
      value.kind = static_cast<uint8_t>(rng.below(6));
      const uint64_t used = rng.chance(1, 8) ? 4 : value.kind;
      for (size_t k = 0; k < used && k < 4; ++k) {
        value.lanes.lane[k] = rng.next() >> rng.below(64);
        if (rng.chance(1, 3)) value.lanes.lane[k] = ~value.lanes.lane[k];
      }
      for (uint64_t k = rng.below(5); value.is_text() && k > 0; --k) {
        constexpr char kBytes[] = "a\x80\xbf\xc2\xe0\xa0\xed\xf0\x90\xf4\x8f";
        value.text.push_back(kBytes[rng.below(sizeof(kBytes) - 1)]);
      }
      const Status product = check_canonical(def, value);
      EXPECT_EQ(judge_value(def, value), product.ok() ? kOk : product.error().code)
          << def.name << ' ' << value_text(value);
    }
  }
}

TEST(PolicyValues, GoToTheWireAndBackAsTheProductHasThem) {
  Prng rng(4);
  const EntityId people[] = {EntityId::make(1, 1, 1)};
  for (uint16_t table = 0; table < kScenarioTables; ++table) {
    const std::vector<FieldDef>& fields = scenario_schema().table(table).fields;
    for (uint16_t index = 0; index < fields.size(); ++index) {
      const Value value = draw_value(scenario_schema(), table, index, people, rng);
      const Canonical canonical = *canonical_of(fields[index], value);
      const CanonicalValue wire = wire_value(fields[index], canonical);
      EXPECT_EQ(wire, to_canonical(fields[index], value).value()) << fields[index].name;
      EXPECT_EQ(model_value(wire), canonical) << fields[index].name;
      EXPECT_EQ(judge_value(fields[index], wire), kOk) << fields[index].name;
    }
  }
}

// --- merging ---

uint64_t merged(Fields which, uint64_t base, uint64_t stored, uint64_t mine) {
  const MergedValue out = merge_values(field(which), one(base), one(stored), one(mine));
  EXPECT_EQ(out.code, kOk);
  return out.value.lane[0];
}
ErrorCode refused(Fields which, uint64_t base, uint64_t stored, uint64_t mine) {
  return merge_values(field(which), one(base), one(stored), one(mine)).code;
}

TEST(PolicyValues, SumAddsWhatTheWriterAdded) {
  EXPECT_EQ(merged(kByte, 10, 15, 12), 17u);
  EXPECT_EQ(merged(kByte, 10, 15, 3), 8u);
  EXPECT_EQ(merged(kByte, 200, 55, 255), 110u);
  EXPECT_EQ(merged(kSmall, 10, signed_lane(-5), 3), signed_lane(-12));
  EXPECT_EQ(merged(kFuel, 100, 4000, 195), 4095u);
}

TEST(PolicyValues, SumIsExactAndRefusedOutsideOfTheRange) {
  EXPECT_EQ(refused(kByte, 10, 250, 16), kRange);
  EXPECT_EQ(refused(kByte, 10, 5, 4), kRange);
  EXPECT_EQ(refused(kSmall, 0, 32767, 1), kRange);
  EXPECT_EQ(refused(kSmall, 1, signed_lane(-32768), 0), kRange);
  EXPECT_EQ(refused(kFuel, 100, 4000, 196), kRange);
  const uint64_t top = ~uint64_t{0};
  EXPECT_EQ(merged(kLarge, top, top - 1, top), top - 1);
  EXPECT_EQ(refused(kLarge, top - 1, top, top), kRange);
  EXPECT_EQ(refused(kLarge, 1, 0, 0), kRange);
  const uint64_t low = signed_lane(std::numeric_limits<int64_t>::min());
  const uint64_t high = signed_lane(std::numeric_limits<int64_t>::max());
  EXPECT_EQ(merged(kDebt, low, low, high), high);
  EXPECT_EQ(merged(kDebt, high, high, low), low);
  EXPECT_EQ(refused(kDebt, low, 0, high), kRange);
  EXPECT_EQ(refused(kDebt, high, 0, low), kRange);
}

TEST(PolicyValues, SumOfAVectorIsThatOfItsLanes) {
  const MergedValue out = merge_values(field(kPlace), Canonical{{10, signed_lane(-4), 0, 0}, {}},
                                       {{12, 8, 0, 0}, {}}, {{9, signed_lane(-3), 0, 0}, {}});
  EXPECT_EQ(out.code, kOk);
  EXPECT_EQ(out.value, (Canonical{{11, 9, 0, 0}, {}}));
  const MergedValue over =
      merge_values(field(kPlace), Canonical{}, {{0, 0x7fffffff, 0, 0}, {}}, {{0, 1, 0, 0}, {}});
  EXPECT_EQ(over.code, kRange);
}

TEST(PolicyValues, MinAndMaxAreOfThoseThatHaveChanged) {
  EXPECT_EQ(merged(kLowest, 9, signed_lane(-3), 2), signed_lane(-3));
  EXPECT_EQ(merged(kLowest, signed_lane(-9), 5, 2), 2u);
  EXPECT_EQ(merged(kHighest, 9, 5, ~uint64_t{0}), ~uint64_t{0});
  EXPECT_EQ(merged(kHighest, 9, 5, 2), 5u);
  EXPECT_EQ(merged(kPrice, 0, signed_lane(-3), signed_lane(-2)), signed_lane(-2));
  // What is as it was has no say.
  EXPECT_EQ(merged(kLowest, 2, 5, 2), 5u);
  EXPECT_EQ(merged(kHighest, 9, 5, 9), 5u);
  EXPECT_EQ(merged(kLowest, 2, 2, 5), 5u);
}

TEST(PolicyValues, NothingIsMergedWhereNobodyElseChangedTheField) {
  EXPECT_EQ(merged(kLights, 0b111, 0b111, 0b001), 0b001u);
  EXPECT_EQ(merged(kHighest, 9, 9, 4), 4u);
  const Canonical ab = words("ab");
  EXPECT_EQ(merge_values(field(kLine), ab, ab, words("x")).value, words("x"));
  EXPECT_EQ(merge_values(field(kLine), std::nullopt, ab, words("x")).value, words("x"));
}

TEST(PolicyValues, UnionKeepsWhatEitherHas) {
  EXPECT_EQ(merged(kLights, 0b00111, 0b00101, 0b10011), 0b10111u);
}

TEST(PolicyValues, AppendPutsTheRestBehind) {
  const auto append = [](std::string base, std::string stored, std::string mine) {
    return merge_values(field(kLine), words(base), words(stored), words(mine));
  };
  EXPECT_EQ(append("ab", "abX", "abcd").value.text, "abXcd");
  EXPECT_EQ(append("ab", "other", "ab").value.text, "other");
  EXPECT_EQ(append("", "other", "me").value.text, "otherme");
  EXPECT_EQ(append("ab", "abX", "xabcd").code, ErrorCode::kMergeRefused);
  EXPECT_EQ(append("ab", "abX", "a").code, ErrorCode::kMergeRefused);
  EXPECT_EQ(append("ab", "abX", "ab12345").code, kOk);
  EXPECT_EQ(append("ab", "abX", "ab123456").code, ErrorCode::kTextTooLong);
  EXPECT_EQ(merge_values(field(kBlob), words("\xff"), words("\xfe"), words("\xff\x01")).value.text,
            "\xfe\x01");
}

TEST(PolicyValues, AnotherMergeIsNotKnown) {
  EXPECT_EQ(refused(kOwn, 0, 1, 2), ErrorCode::kUnknownMerge);
  EXPECT_EQ(refused(kOwn, 0, 0, 2), ErrorCode::kUnknownMerge);
}

TEST(PolicyValues, HaveATextForReports) {
  EXPECT_EQ(value_text({}), "none");
  EXPECT_EQ(value_text(lanes({signed_lane(-4)})), "-4");
  EXPECT_EQ(value_text(lanes({1, 2})), "(1, 2)");
  EXPECT_EQ(value_text(text("hi")), "\"hi\"");
}

}  // namespace
}  // namespace ecsdb::sim
