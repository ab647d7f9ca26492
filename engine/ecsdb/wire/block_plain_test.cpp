// Large groups of rows in the plain tier: several words of a bitmap, columns of every width,
// exceptions anywhere.
#include "ecsdb/wire/block_plain.h"

#include <gtest/gtest.h>
#include <set>

#include "ecsdb/wire/test_support.h"

namespace ecsdb::wire_test {
namespace {

constexpr CellRef kCell{0, 0};

Schema number_schema() {
  using enum FieldType;
  SchemaBuilder builder("numbers");
  builder.table(1, "row").codec(CodecTier::kPlain);
  uint16_t id = 1;
  for (const FieldType type : {kU8, kU16, kU32, kU64, kI8, kI16, kI32, kI64, kF32, kF64, kBool}) {
    builder.field(id, "f" + std::to_string(id), type);
    ++id;
  }
  return builder.build().value();
}

/// A database of some rows and a replica that follows it.
struct Rows {
  Database db;
  Replica replica;
  std::vector<EntityId> entities;

  Rows(const Schema& schema, size_t count) : db(schema, DatabaseOptions{}), replica(schema) {
    Transaction change = db.begin();
    for (size_t i = 0; i < count; ++i) {
      entities.push_back(change.create().value());
      EXPECT_TRUE(change.insert(0, entities[i], std::span<const FieldValue>()).ok());
    }
    std::move(change).commit();
    EXPECT_TRUE(replica.apply(publish_blocks(db)).ok());
  }
};

/// A lane's value of about so many bits.
uint64_t lane_value(const Lane& lane, unsigned bits, Prng& random) {
  const uint64_t value = bits == 0 ? 0 : random.next() >> (64 - bits);
  if (lane.kind == LaneKind::kSigned) {
    return sign_extended(lane, random.chance(1, 2) ? value : 0 - value);
  }
  if (lane.kind == LaneKind::kFloat)
    return value & (lane.width == 4 ? 0x3fffffffu : ~uint64_t{0} >> 2);
  return lane.max == ~uint64_t{0} ? value : value % (lane.max + 1);
}

// Rows change in every pattern that matters: none, few, half, all but one, all; by little, by much,
// and by little with exceptions at the first place, the last, and others.
TEST(PlainBlock, ManyRowsGoRound) {
  const Schema schema = number_schema();
  Rows rows(schema, 200);
  Prng random(11);
  for (int round = 0; round < 150; ++round) {
    Transaction change = rows.db.begin();
    for (uint16_t field = 0; field < schema.table(0).fields.size(); ++field) {
      const Lane& lane = schema.layout(0).lanes[schema.layout(0).fields[field].lane_first];
      const uint64_t present = random.below(5);
      const unsigned small = static_cast<unsigned>(random.below(8 * lane.width + 1));
      for (size_t i = 0; i < rows.entities.size(); ++i) {
        const bool is_present = present == 4 || (present == 3 && i != 77) ||
                                (present == 2 && random.chance(1, 2)) ||
                                (present == 1 && random.chance(1, 40));
        if (!is_present) continue;
        const bool is_edge = i == 0 || i == 199 || i == 64;
        const unsigned bits =
            is_edge || random.chance(1, 30) ? 8u * lane.width : std::min(small, 8u * lane.width);
        const uint64_t value = lane_value(lane, bits, random);
        ASSERT_TRUE(
            change.set_many(0, field, std::span(&rows.entities[i], 1), std::span(&value, 1)).ok());
      }
    }
    std::move(change).commit();
    const std::vector<Sent> blocks = publish_blocks(rows.db);
    ASSERT_TRUE(rows.replica.apply(blocks).ok());
    expect_same(rows.db, rows.replica);
    Replica late(schema);
    const Sent whole{kCell, pick(rows.db, kCell, BlockForm::kRows, Version{}).encode()};
    ASSERT_TRUE(late.apply(std::span(&whole, 1)).ok());
    ASSERT_EQ(late.digest(kCell), rows.db.digest(kCell));
  }
}

/// Of a table of one u8 that is 1 in so many rows: the block that makes it 2 everywhere ends with
/// the numbers, a byte each.
class OneByte : public testing::TestWithParam<size_t> {
 protected:
  static constexpr uint8_t kUp = 2;     // zigzagged 1
  static constexpr uint8_t kDown2 = 3;  // and -2
  static Schema schema() {
    return SchemaBuilder("bytes")
        .table(1, "row")
        .codec(CodecTier::kPlain)
        .field(1, "x", FieldType::kU8)
        .build()
        .value();
  }
  OneByte() : rows_(schema(), GetParam()) {
    set_all(1);
    EXPECT_TRUE(rows_.replica.apply(publish_blocks(rows_.db)).ok());
    set_all(2);
    sent_ = publish_blocks(rows_.db).at(0);
  }
  void set_all(uint64_t value) {
    Transaction change = rows_.db.begin();
    const std::vector<uint64_t> values(rows_.entities.size(), value);
    EXPECT_TRUE(change.set_many(0, 0, rows_.entities, values).ok());
    std::move(change).commit();
  }
  uint8_t& number(size_t place) {
    return sent_.bytes[sent_.bytes.size() - rows_.entities.size() + place];
  }
  ErrorCode decode() {
    DecodedBlock block;
    return rows_.replica.decode(sent_, block).code();
  }

  Rows rows_;
  Sent sent_;
};

TEST_P(OneByte, AValueOutOfRangeIsSeenAtEveryPlace) {
  EXPECT_EQ(decode(), ErrorCode::kOk);
  for (size_t place = 0; place < GetParam(); ++place) {
    ASSERT_EQ(number(place), kUp);
    number(place) = kDown2;
    ASSERT_EQ(decode(), ErrorCode::kValueOutOfRange) << place;
    number(place) = kUp;
  }
}

TEST_P(OneByte, AnExceptionOutOfRangeIsSeenAtEveryPlace) {
  const Bytes plain = sent_.bytes;
  const ptrdiff_t exceptions = static_cast<ptrdiff_t>(plain.size() - GetParam() - 1);
  for (size_t place = 0; place < GetParam(); ++place) {
    for (const uint64_t change : {253u, 254u}) {  // from 1 to 254 and 255, the last that there is
      number(place) = 0;
      Bytes list;
      ByteWriter out(list);
      out.varint(1);
      out.varint(place);
      out.varint(zigzag(static_cast<int64_t>(change)));
      sent_.bytes.erase(sent_.bytes.begin() + exceptions);
      sent_.bytes.insert(sent_.bytes.begin() + exceptions, list.begin(), list.end());
      ASSERT_EQ(decode(), ErrorCode::kOk) << place;
      sent_.bytes[static_cast<size_t>(exceptions) + list.size() - 1] += 1;  // which is 64 more
      ASSERT_EQ(decode(), ErrorCode::kValueOutOfRange) << place;
      sent_.bytes = plain;
    }
  }
}

TEST_P(OneByte, AChangeToTheSameIsSeenAtEveryPlace) {
  for (size_t place = 0; place < GetParam(); ++place) {
    number(place) = 0;
    ASSERT_EQ(decode(), ErrorCode::kNotCanonical) << place;
    number(place) = kUp;
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, OneByte, testing::Values(1, 2, 3, 4, 5, 63, 64, 65, 130, 200));

}  // namespace
}  // namespace ecsdb::wire_test
