#include <bit>
#include <gtest/gtest.h>
#include <limits>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/field_lanes.h"
#include "ecsdb/schema/lane_codec.h"
#include "ecsdb/schema/test_schemas.h"

namespace ecsdb {
namespace {

FieldDef field(FieldType type) {
  FieldDef def;
  def.name = "f";
  def.type = type;
  return def;
}

TEST(ValueCanonical, LanesOfEachTypeAreAsDocumented) {
  struct Case {
    FieldType type;
    uint16_t count;
    Lane lane;
  };
  const uint64_t all = ~uint64_t{0};
  const Case cases[] = {
      {FieldType::kBool, 1, {0, 1, LaneKind::kUnsigned, 1}},
      {FieldType::kU8, 1, {0, 1, LaneKind::kUnsigned, 255}},
      {FieldType::kU16, 1, {0, 2, LaneKind::kUnsigned, 65535}},
      {FieldType::kU32, 1, {0, 4, LaneKind::kUnsigned, 0xffffffff}},
      {FieldType::kU64, 1, {0, 8, LaneKind::kUnsigned, all}},
      {FieldType::kI8, 1, {0, 1, LaneKind::kSigned, 0}},
      {FieldType::kI64, 1, {0, 8, LaneKind::kSigned, 0}},
      {FieldType::kF32, 1, {0, 4, LaneKind::kFloat, 0}},
      {FieldType::kF64, 1, {0, 8, LaneKind::kFloat, 0}},
      {FieldType::kVec2f, 2, {0, 4, LaneKind::kFloat, 0}},
      {FieldType::kVec3f, 3, {0, 4, LaneKind::kFloat, 0}},
      {FieldType::kQuatf, 4, {0, 4, LaneKind::kFloat, 0}},
      {FieldType::kEnum, 1, {0, 1, LaneKind::kUnsigned, 255}},
      {FieldType::kEntity, 1, {0, 8, LaneKind::kUnsigned, all}},
      {FieldType::kPrincipal, 1, {0, 8, LaneKind::kUnsigned, all}},
  };
  for (const Case& c : cases) {
    const FieldLanes lanes = field_lanes(field(c.type));
    EXPECT_EQ(lanes.count, c.count) << field_type_name(c.type);
    EXPECT_EQ(lanes.lane[c.count - 1], c.lane) << field_type_name(c.type);
  }
  EXPECT_EQ(field_lanes(field(FieldType::kStr)).count, 0);
}

TEST(ValueCanonical, LanesOfQuantisedAndBitFieldsFollowTheirBits) {
  FieldDef def = field(FieldType::kF64);
  def.quantise = {QuantiseKind::kPrecision, 0.1, 0, 0, 0};
  EXPECT_EQ(field_lanes(def).lane[0], (Lane{0, 8, LaneKind::kSigned, 0}));
  def.type = FieldType::kVec2f;
  EXPECT_EQ(field_lanes(def).lane[1], (Lane{0, 4, LaneKind::kSigned, 0}));
  const std::pair<uint8_t, uint8_t> widths[] = {{1, 1}, {8, 1}, {9, 2}, {16, 2}, {17, 4}, {32, 4}};
  for (const auto& [bits, width] : widths) {
    def.quantise = {QuantiseKind::kRange, 0, 0, 1, bits};
    EXPECT_EQ(field_lanes(def).lane[0],
              (Lane{0, width, LaneKind::kUnsigned, (uint64_t{1} << bits) - 1}));
  }
  def = field(FieldType::kBits);
  def.bit_count = 64;
  EXPECT_EQ(field_lanes(def).lane[0], (Lane{0, 8, LaneKind::kUnsigned, ~uint64_t{0}}));
  def.bit_count = 33;
  EXPECT_EQ(field_lanes(def).lane[0], (Lane{0, 8, LaneKind::kUnsigned, (uint64_t{1} << 33) - 1}));
  def = field(FieldType::kQuatf);
  def.quantise = {QuantiseKind::kQuat, 0, 0, 0, 10};
  EXPECT_EQ(field_lanes(def).lane[0], (Lane{0, 1, LaneKind::kUnsigned, 3}));
  EXPECT_EQ(field_lanes(def).lane[3], (Lane{0, 2, LaneKind::kUnsigned, 1023}));
}

TEST(ValueCanonical, DefaultsOfRichSchemaRoundTrip) {
  const Schema schema = *rich_schema().build();
  for (size_t t = 0; t < schema.table_count(); ++t) {
    for (const FieldDef& def : schema.table(t).fields) {
      if (is_text(def.type)) {
        const std::string text = default_text(def);
        EXPECT_TRUE(text_is_canonical(def, text));
        EXPECT_EQ(*to_text(def, from_text(def, text)), text);
        continue;
      }
      const LaneValues lanes = default_lanes(def);
      EXPECT_TRUE(lanes_are_canonical(def, lanes)) << def.name;
      const Result<LaneValues> again = to_lanes(def, from_lanes(def, lanes));
      ASSERT_TRUE(again.ok()) << def.name;
      EXPECT_EQ(*again, lanes) << def.name;
    }
  }
}

TEST(ValueCanonical, DefaultWithoutOneIsZeroIdentityOrMin) {
  EXPECT_EQ(default_lanes(field(FieldType::kI32)), LaneValues{});
  EXPECT_EQ(from_lanes(field(FieldType::kQuatf), default_lanes(field(FieldType::kQuatf))),
            Value(Quatf{}));
  FieldDef def = field(FieldType::kVec2f);
  def.quantise = {QuantiseKind::kRange, 0, -1, 3, 8};
  EXPECT_EQ(default_lanes(def), (LaneValues{{64, 64}}));
  def.quantise = {QuantiseKind::kRange, 0, 1, 3, 8};
  EXPECT_EQ(default_lanes(def), LaneValues{});
  EXPECT_EQ(default_text(field(FieldType::kStr)), "");
}

TEST(ValueCanonical, IntegersBeyondTheFieldAreRefused) {
  EXPECT_EQ(to_lanes(field(FieldType::kU8), uint64_t{255})->lane[0], 255u);
  EXPECT_EQ(to_lanes(field(FieldType::kU8), uint64_t{256}).code(), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(to_lanes(field(FieldType::kI16), int64_t{-32768})->lane[0],
            static_cast<uint64_t>(int64_t{-32768}));
  EXPECT_FALSE(to_lanes(field(FieldType::kI16), int64_t{32768}).ok());
  EXPECT_FALSE(to_lanes(field(FieldType::kI16), int64_t{-32769}).ok());
  EXPECT_TRUE(to_lanes(field(FieldType::kI64), std::numeric_limits<int64_t>::min()).ok());
  FieldDef bits = field(FieldType::kBits);
  bits.bit_count = 12;
  EXPECT_TRUE(to_lanes(bits, BitSet{0xfff}).ok());
  EXPECT_FALSE(to_lanes(bits, BitSet{0x1000}).ok());
}

TEST(ValueCanonical, OtherAlternativeIsAMismatchThatNamesTheField) {
  const Result<LaneValues> lanes = to_lanes(field(FieldType::kU8), int64_t{1});
  EXPECT_EQ(lanes.error().to_string(),
            "type_mismatch: field \"f\" (u8) was given a signed integer");
  for (int i = 1; i <= 20; ++i) {
    const FieldDef def = field(static_cast<FieldType>(i));
    const Value wrong = i == 1 ? Value(uint64_t{1}) : Value(true);
    EXPECT_EQ(to_lanes(def, wrong).code(), ErrorCode::kTypeMismatch);
    EXPECT_EQ(to_text(def, wrong).code(), ErrorCode::kTypeMismatch);
  }
}

// The way in without reasons takes what the one with reasons takes.
TEST(ValueCanonical, EveryAlternativeIsTakenByItsTypesOnly) {
  const Value values[] = {true,           uint64_t{7},      int64_t{-7},  1.5,       Vec2f{1, 2},
                          Vec3f{1, 2, 3}, Quatf{},          EnumValue{1}, BitSet{1}, EntityId{5},
                          PrincipalId{6}, std::string("x"), Blob{1}};
  size_t lanes_taken = 0;
  size_t texts_taken = 0;
  for (uint8_t type = 1; type <= static_cast<uint8_t>(FieldType::kBytes); ++type) {
    FieldDef def = field(static_cast<FieldType>(type));
    def.bit_count = 3;
    def.bytes_max = 1;
    for (const Value& value : values) {
      const Result<LaneValues> expected = to_lanes(def, value);
      LaneValues lanes;
      ASSERT_EQ(try_to_lanes(def, value, lanes), expected.ok()) << field_type_name(def.type);
      uint64_t lane = 0;
      if (LaneCodec(def).encode(value, lane)) {
        EXPECT_TRUE(expected.ok());
        EXPECT_EQ(lane, lanes.lane[0]);
      }
      if (expected.ok()) {
        EXPECT_EQ(lanes, *expected);
        EXPECT_EQ(from_lanes(def, lanes), value);
        ++lanes_taken;
      } else {
        EXPECT_EQ(expected.code(), ErrorCode::kTypeMismatch);
      }
      std::string_view text;
      ASSERT_EQ(try_to_text(def, value, text), to_text(def, value).ok());
      texts_taken += to_text(def, value).ok() ? 1 : 0;
    }
  }
  EXPECT_EQ(lanes_taken, 18u);
  EXPECT_EQ(texts_taken, 2u);
}

TEST(LaneCodec, TakesWhatToLanesTakes) {
  const int64_t integers[] = {0,           1,         127,       128,        255,
                              256,         -128,      -129,      32'767,     32'768,
                              65'535,      65'536,    -1,        2147483647, 2147483648,
                              -2147483648, INT64_MAX, INT64_MIN, -32768};
  for (auto type = FieldType::kU8; type <= FieldType::kI64;
       type = static_cast<FieldType>(static_cast<uint8_t>(type) + 1)) {
    const FieldDef def = field(type);
    for (const int64_t integer : integers) {
      const bool is_signed = type >= FieldType::kI8;
      const Value value = is_signed ? Value(integer) : Value(static_cast<uint64_t>(integer));
      const Result<LaneValues> expected = to_lanes(def, value);
      uint64_t lane = 0;
      ASSERT_EQ(LaneCodec(def).encode(value, lane), expected.ok()) << integer;
      EXPECT_TRUE(!expected.ok() || lane == expected->lane[0]) << lane;
    }
  }
  for (const FieldType type : {FieldType::kF32, FieldType::kF64}) {
    FieldDef def = field(type);
    def.quantise = {QuantiseKind::kPrecision, 0.25, 0, 0, 0};
    for (const double value : {0.0, -0.1, 0.125, 536870911.75, 536870911.9, -536870912.2, 1e300,
                               std::numeric_limits<double>::quiet_NaN()}) {
      const Result<LaneValues> expected = to_lanes(def, value);
      uint64_t lane = 0;
      ASSERT_EQ(LaneCodec(def).encode(value, lane), expected.ok()) << value;
      EXPECT_TRUE(!expected.ok() || lane == expected->lane[0]) << lane;
    }
  }
}

TEST(ValueCanonical, EnumNumbersFromUsersAreCheckedThoseOfPeersAreKept) {
  FieldDef def = field(FieldType::kEnum);
  def.enum_size = 3;
  EXPECT_TRUE(to_lanes(def, EnumValue{2}).ok());
  EXPECT_EQ(to_lanes(def, EnumValue{3}).code(), ErrorCode::kValueOutOfRange);
  EXPECT_TRUE(lanes_are_canonical(def, LaneValues{{200}}));
  EXPECT_EQ(from_lanes(def, LaneValues{{200}}), Value(EnumValue{200}));
  EXPECT_FALSE(lanes_are_canonical(def, LaneValues{{256}}));
}

TEST(ValueCanonical, UnquantisedFloatsAreOpaqueBits) {
  const FieldDef f32 = field(FieldType::kF32);
  for (const uint32_t bits : {0u, 0x80000000u, 1u, 0x7f800000u, 0xff800000u, 0x7fc00000u,
                              0x7f800001u, 0xffffffffu, 0x7fabcdefu, 0x3f800000u}) {
    const LaneValues lanes{{bits}};
    ASSERT_TRUE(lanes_are_canonical(f32, lanes));
    EXPECT_EQ(to_lanes(f32, from_lanes(f32, lanes))->lane[0], bits);
  }
  const FieldDef f64 = field(FieldType::kF64);
  for (const uint64_t bits : {uint64_t{0x7ff0000000000001}, uint64_t{0x8000000000000000}}) {
    EXPECT_EQ(to_lanes(f64, from_lanes(f64, LaneValues{{bits}}))->lane[0], bits);
  }
  EXPECT_EQ(to_lanes(f32, 1e300).code(), ErrorCode::kValueOutOfRange);
  EXPECT_TRUE(to_lanes(f32, std::numeric_limits<double>::infinity()).ok());
  // A NaN whose payload a float cannot hold stays a NaN.
  const double narrow = std::bit_cast<double>(uint64_t{0x7ff0000000000001});
  EXPECT_EQ(to_lanes(f32, narrow)->lane[0], 0x7fc00000u);
}

TEST(ValueCanonical, VectorErrorsNameTheComponent) {
  FieldDef def = field(FieldType::kVec3f);
  def.quantise = {QuantiseKind::kRange, 0, 0, 1, 8};
  EXPECT_EQ(to_lanes(def, Vec3f{0, 0, 2}).error().context,
            "field \"f\" (vec3f): z: 2 is outside of 0 to 1");
}

TEST(ValueCanonical, LanesFromPeersAreChecked) {
  FieldDef def = field(FieldType::kBool);
  EXPECT_FALSE(lanes_are_canonical(def, LaneValues{{2}}));
  EXPECT_FALSE(lanes_are_canonical(def, LaneValues{{1, 1}}));  // a lane that the field has not
  def = field(FieldType::kI8);
  EXPECT_TRUE(lanes_are_canonical(def, LaneValues{{static_cast<uint64_t>(int64_t{-128})}}));
  EXPECT_FALSE(lanes_are_canonical(def, LaneValues{{128}}));
  EXPECT_FALSE(lanes_are_canonical(def, LaneValues{{0x80000000}}));
  EXPECT_FALSE(lanes_are_canonical(field(FieldType::kF32), LaneValues{{uint64_t{1} << 32}}));
  EXPECT_TRUE(lanes_are_canonical(field(FieldType::kF64), LaneValues{{~uint64_t{0}}}));
  def = field(FieldType::kQuatf);
  def.quantise = {QuantiseKind::kQuat, 0, 0, 0, 10};
  EXPECT_TRUE(lanes_are_canonical(def, LaneValues{{3, 1023, 1023, 1023}}));
  EXPECT_FALSE(lanes_are_canonical(def, LaneValues{{4, 0, 0, 0}}));
  EXPECT_FALSE(lanes_are_canonical(def, LaneValues{{3, 0, 1024, 0}}));
}

TEST(ValueCanonical, TextIsCheckedForLengthAndEncoding) {
  FieldDef def = field(FieldType::kStr);
  def.bytes_max = 3;
  EXPECT_EQ(*to_text(def, std::string("abc")), "abc");
  EXPECT_EQ(to_text(def, std::string("abcd")).code(), ErrorCode::kTextTooLong);
  EXPECT_EQ(to_text(def, std::string("\xff")).code(), ErrorCode::kBadText);
  EXPECT_EQ(to_text(def, Blob{1}).code(), ErrorCode::kTypeMismatch);
  EXPECT_FALSE(text_is_canonical(def, "abcd"));
  EXPECT_FALSE(text_is_canonical(def, "\xc3"));
  def.type = FieldType::kBytes;
  EXPECT_TRUE(text_is_canonical(def, "\xff"));
  EXPECT_EQ(from_text(def, *to_text(def, Blob{0, 255})), Value(Blob{0, 255}));
  EXPECT_EQ(to_text(def, Blob{1, 2, 3, 4}).code(), ErrorCode::kTextTooLong);
}

TEST(Utf8, AcceptsShortestFormsOnly) {
  for (const char* good : {"", "abc", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                           "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(good));
  }
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2",
                          "\xc2"
                          "a",
                          "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82", "\xf0\x8f\xbf\xbf",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xf0\x9f\x98"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

TEST(GridSteps, ToleratesDecimalRoundingOnly) {
  EXPECT_EQ(grid_steps(64, 0.01), 6400);
  EXPECT_EQ(grid_steps(0.3, 0.1), 3);
  EXPECT_EQ(grid_steps(0.1, 0.1), 1);
  EXPECT_EQ(grid_steps(64.005, 0.01), std::nullopt);
  EXPECT_EQ(grid_steps(0, 0.1), std::nullopt);
  EXPECT_EQ(grid_steps(-1, 0.1), std::nullopt);
  EXPECT_EQ(grid_steps(1e12, 0.01), std::nullopt);
  EXPECT_EQ(grid_steps(std::numeric_limits<double>::quiet_NaN(), 0.1), std::nullopt);
}

}  // namespace
}  // namespace ecsdb
