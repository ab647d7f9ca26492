// Blocks written by hand, and blocks that lie.
#include "ecsdb/wire/block.h"

#include <gtest/gtest.h>

#include "ecsdb/wire/limits.h"
#include "ecsdb/wire/test_support.h"

namespace ecsdb::wire_test {
namespace {

Bytes join(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

/// Entities 0, 1 and 2 of epoch 3 with a number and a name each, published as version 1; then 0 is
/// changed, 1 removed and 3 inserted.
class DotBlock : public testing::Test {
 protected:
  explicit DotBlock(CodecTier tier) : db_(dot_schema(tier), options()), replica_(db_.schema()) {
    {
      Transaction change = db_.begin();
      insert(change, 10, "a");
      insert(change, 20, "b");
      insert(change, 30, "c");
      std::move(change).commit();
    }
    const std::vector<Sent> blocks = publish_blocks(db_);
    EXPECT_TRUE(replica_.apply(blocks).ok());
    Transaction change = db_.begin();
    EXPECT_TRUE(change.set(0, entity(0), 0, int64_t{7}).ok());
    EXPECT_TRUE(change.remove(0, entity(1)).ok());
    insert(change, -2, "zz");
    std::move(change).commit();
  }

  static Schema dot_schema(CodecTier tier) {
    return SchemaBuilder("dots")
        .table(7, "dot")
        .codec(tier)
        .field(1, "x", FieldType::kI32)
        .text(2, "name", 8)
        .build()
        .value();
  }
  static DatabaseOptions options() {
    DatabaseOptions out;
    out.epoch = Epoch{3};
    return out;
  }
  static EntityId entity(uint32_t index) { return EntityId::make(index, 3, 1); }
  static void insert(Transaction& change, int64_t x, const char* name) {
    const FieldValue values[] = {{0, x}, {1, std::string(name)}};
    EXPECT_TRUE(change.insert(0, change.create().value(), values).ok());
  }
  /// The relative block of what was committed; publishes it.
  Bytes encode_relative() { return publish_blocks(db_).at(0).bytes; }
  /// After that: since version 1, or all rows.
  Bytes encode(BlockForm form) {
    publish_blocks(db_);
    return pick(db_, kCell, form, Version{1}).encode();
  }
  Status decode(const Bytes& bytes) { return replica_.decode({kCell, bytes}, block_); }
  /// Decodes what must be refused and gives the whole error.
  Error refused(const Bytes& bytes) {
    const Status status = decode(bytes);
    EXPECT_FALSE(status.ok());
    return status.ok() ? Error{} : status.error();
  }

  static constexpr CellRef kCell{0, 0};
  Database db_;
  Replica replica_;
  DecodedBlock block_;
};

// ---- Plain: bytes written by hand ----

class PlainDots : public DotBlock {
 protected:
  PlainDots() : DotBlock(CodecTier::kPlain) {}
};

const Bytes kTag = {0x81, 0x80, 0x0c};  // epoch 3, reuse count 1
const Bytes kRelative = {0x20};         // plain and relative, after one publish
const Bytes kNet = {0x04, 2, 2};        // plain and net, version 2, the second publish
const Bytes kRows = {0x08, 2, 2};       // plain and rows
const Bytes kColumn = {1, 0};           // of one byte each, no exceptions

TEST_F(PlainDots, RelativeHasItsBytes) {
  const Bytes expected = join({kRelative,
                               {1, 1, 0x00},  // gone: index 1, removed
                               {2, 0},        // changed: one, no bitmap, index 0
                               {1, 3},
                               kTag,
                               {0x01},  // whole: index 3, inserted
                               {1},
                               kColumn,
                               {0x05},  // x of all changed: 7 - 10
                               {0},     // name of none
                               kColumn,
                               {0x03},           // x of the whole: -2
                               {2, 'z', 'z'}});  // its name
  EXPECT_EQ(encode_relative(), expected);
  ASSERT_TRUE(decode(expected).ok());
  EXPECT_EQ(block_.gone[0].entity, entity(1));
  EXPECT_EQ(block_.changed, std::vector<RowIndex>{replica_.table(0).find(entity(0))});
  EXPECT_EQ(block_.lane_changes[0].values[0], 7u);
  EXPECT_EQ(block_.whole, std::vector<EntityId>{entity(3)});
  EXPECT_EQ(block_.lanes[0], std::vector<uint64_t>{static_cast<uint64_t>(int64_t{-2})});
  EXPECT_EQ(block_.texts[0][0], "zz");
}

TEST_F(PlainDots, NetHasItsBytes) {
  const Bytes expected = join({kNet,
                               {1, 1},
                               kTag,
                               {0x00},  // gone: index 1, removed
                               {2, 0, 2},
                               kTag,
                               kTag,    // whole: indices 0 and 3,
                               {0x02},  // the second one inserted
                               kColumn,
                               {0x0e, 0x03},             // x: 7, -2
                               {1, 'a', 2, 'z', 'z'}});  // names
  EXPECT_EQ(encode(BlockForm::kNet), expected);
  ASSERT_TRUE(decode(expected).ok());
  EXPECT_EQ(block_.inserted, (std::vector<uint8_t>{0, 1}));
}

TEST_F(PlainDots, RowsHaveTheirBytes) {
  const Bytes expected = join({kRows,
                               {0},  // gone
                               {3, 0, 1, 0},
                               kTag,
                               kTag,
                               kTag,
                               {0x04},  // indices 0, 2, 3
                               kColumn,
                               {0x0e, 0x3c, 0x03},               // x: 7, 30, -2
                               {1, 'a', 1, 'c', 2, 'z', 'z'}});  // names
  EXPECT_EQ(encode(BlockForm::kRows), expected);
  EXPECT_TRUE(decode(expected).ok());
}

TEST_F(PlainDots, PartHasItsRange) {
  Bytes part;
  db_.publish([&](CellRef ref, const ChangeSet& changes) {
    Picked picked = pick(db_, ref, BlockForm::kRelative, db_.published(), &changes);
    picked.source.range = {2, 4};
    part = picked.encode();
  });
  const Bytes expected = join({{0x30, 0x02, 2, 2},  // extra: a part, indices 2 and 3
                               {0},
                               {0},
                               {1, 3},
                               kTag,
                               {0x01},
                               kColumn,
                               {0x03},
                               {2, 'z', 'z'}});
  EXPECT_EQ(part, expected);
  EXPECT_TRUE(decode(expected).ok());
}

// ---- Header ----

TEST_F(PlainDots, HeaderIsReadAlone) {
  const auto header = peek_block_header(Bytes{0x14, 0x01, 0xac, 0x02, 0x05, 0xff});
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->tier, CodecTier::kPlain);
  EXPECT_EQ(header->form, BlockForm::kNet);
  EXPECT_TRUE(header->is_compressed);
  EXPECT_EQ(header->version, Version{300});
  EXPECT_EQ(header->publishes, 5u);
}

TEST_F(PlainDots, BadHeaderIsRefused) {
  const struct {
    Bytes bytes;
    ErrorCode code;
  } cases[] = {
      {{}, ErrorCode::kFrameMalformed},
      {{0x04}, ErrorCode::kFrameMalformed},
      {{0x04, 1}, ErrorCode::kFrameMalformed},
      {{0x04, 0x81, 0x00, 1}, ErrorCode::kFrameMalformed},                    // not minimal
      {{0x04, 1, 0xff, 0xff, 0xff, 0xff, 0x1f}, ErrorCode::kFrameMalformed},  // over 32 bits
      {{0x02}, ErrorCode::kFrameMalformed},  // tiers that are not there yet
      {{0x03}, ErrorCode::kFrameMalformed},
      {{0x0c, 1, 1}, ErrorCode::kFrameMalformed},  // no such form
      {{0x24, 1, 1}, ErrorCode::kFrameMalformed},  // a chain where there is none
      {{0x10, 0x04}, ErrorCode::kFrameMalformed},  // unknown extra
      {{0x10, 0x00}, ErrorCode::kNotCanonical},    // extra that says nothing
      {{0x10, 0x02, 0, 0x80, 0x80, 0x80, 0x08}, ErrorCode::kNotCanonical},    // a part that is all
      {{0x10, 0x02, 5, 0}, ErrorCode::kNotCanonical},                         // a part of nothing
      {{0x10, 0x02, 5, 0xff, 0xff, 0xff, 0x07}, ErrorCode::kFrameMalformed},  // beyond all indices
      {{0x14, 0x02, 1, 1, 5, 5}, ErrorCode::kNotCanonical},  // net blocks have no parts
  };
  for (const auto& c : cases) {
    EXPECT_EQ(peek_block_header(c.bytes).code(), c.code) << testing::PrintToString(c.bytes);
    EXPECT_EQ(decode(c.bytes).code(), c.code);
  }
}

TEST_F(PlainDots, BlockOfAnotherTierIsRefused) {
  EXPECT_EQ(decode({0x21, 0}).code(), ErrorCode::kFrameMalformed);
}

TEST_F(PlainDots, BlockThatFollowsAnotherPublishIsRefused) {
  const Bytes block = encode_relative();
  for (unsigned chain = 0; chain < 8; ++chain) {
    Bytes other = block;
    other[0] = static_cast<uint8_t>(chain << 5);
    EXPECT_EQ(decode(other).code(), chain == 1 ? ErrorCode::kOk : ErrorCode::kWrongBaseline);
  }
}

// ---- Lies ----

const Bytes kHuge = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10};  // 2^60

TEST_F(PlainDots, CountLargerThanTheBlockTakesNoMemory) {
  const Bytes claims[] = {
      join({kRelative, kHuge, {0, 0}}),         // gone
      join({kRelative, {0}, kHuge, {0, 0}}),    // changed
      join({kRelative, {0, 0}, kHuge, {0, 0}})  // whole
  };
  for (const Bytes& claim : claims) {
    block_ = DecodedBlock{};
    const Error error = refused(claim);
    EXPECT_EQ(error.code, ErrorCode::kFrameMalformed);
    EXPECT_EQ(error.context.substr(0, error.context.find(", byte")), "table dot, version 2");
    EXPECT_NE(error.context.find("row count"), std::string::npos) << error.context;
    EXPECT_EQ(block_.gone.capacity() + block_.changed.capacity() + block_.whole.capacity(), 0u);
  }
}

TEST_F(PlainDots, ErrorNamesTheByteOfItsGroup) {
  EXPECT_EQ(refused(join({kRelative, {0}, kHuge})).context,
            "table dot, version 2, byte 2: row count is larger than the block");
  EXPECT_EQ(refused(join({kRelative, {0, 2, 0, 0, 1}})).context,
            "table dot, version 2, byte 5: field x: cut short");
}

// Two whole rows, but bytes for only one x; the names are not even begun.
TEST_F(PlainDots, ColumnLargerThanWhatIsLeftIsRefused) {
  const Bytes rows = join({kRows, {0, 2, 5, 0}, kTag, kTag, {0x00}});
  EXPECT_EQ(refused(join({rows, kColumn, {0x0e}})).context,
            "table dot, version 2, byte 14: field x: cut short");
  EXPECT_EQ(refused(join({rows, kColumn, {0x0e, 0x0e}, {0}})).context,
            "table dot, version 2, byte 18: field name: cut short");
  EXPECT_EQ(block_.texts[0].capacity(), 0u);
}

TEST_F(PlainDots, TextLongerThanTheSchemaAllowsIsRefused) {
  const Bytes row = join({kRows, {0, 1, 5}, kTag, {0x00}, kColumn, {0x0e}});
  EXPECT_TRUE(decode(join({row, {8}, Bytes(8, 'x')})).ok());
  EXPECT_EQ(refused(join({row, {9}, Bytes(9, 'x')})).code, ErrorCode::kTextTooLong);
  const Error error = refused(join({row, kHuge}));
  EXPECT_EQ(error.code, ErrorCode::kTextTooLong);
  EXPECT_NE(error.context.find("field name"), std::string::npos) << error.context;
  EXPECT_EQ(refused(join({row, {8}, Bytes(7, 'x')})).code, ErrorCode::kFrameMalformed);
  EXPECT_EQ(refused(join({row, {1, 0xff}})).code, ErrorCode::kBadText);
}

TEST_F(PlainDots, ValueOutsideItsTypeIsRefused) {
  const Bytes change = join({kRelative, {0, 2, 0, 0, 1}});
  // 10 and 2^31 - 11 is the largest there is; one more is the least there is, modulo 2^32.
  EXPECT_TRUE(decode(join({change, {4, 0}, {0xea, 0xff, 0xff, 0xff}, {0}})).ok());
  EXPECT_EQ(block_.lane_changes[0].values[0], uint64_t{0x7fffffff});
  const Schema bytes = SchemaBuilder("bytes")
                           .table(1, "b")
                           .codec(CodecTier::kPlain)
                           .field(1, "x", FieldType::kU8)
                           .build()
                           .value();
  const Replica replica(bytes);
  const Sent fits{{0, 0}, {0x08, 1, 1, 0, 1, 5, 1, 0, 1, 0, 0xff}};
  EXPECT_TRUE(replica.decode(fits, block_).ok());
  const Sent beyond{{0, 0}, {0x08, 1, 1, 0, 1, 5, 1, 0, 2, 0, 0x00, 0x01}};
  const Status status = replica.decode(beyond, block_);
  EXPECT_EQ(status.code(), ErrorCode::kValueOutOfRange);
  EXPECT_NE(status.error().context.find("field x"), std::string::npos);
}

TEST_F(PlainDots, RowThatIsNotHeldIsRefused) {
  EXPECT_EQ(refused(join({kRelative, {1, 9, 0}})).code, ErrorCode::kUnknownRow);
  EXPECT_EQ(refused(join({kRelative, {0, 2, 9}})).code, ErrorCode::kUnknownRow);
  // A row of another cell is not held in this one.
  const Bytes change = join({{0x00}, {0, 2, 0, 0, 1}, kColumn, {0x05, 0}});
  EXPECT_EQ(replica_.decode({{0, 1}, change}, block_).code(), ErrorCode::kUnknownRow);
}

TEST_F(PlainDots, EntityThatCannotBeIsRefused) {
  const Bytes reuse_zero = {0x80, 0x80, 0x0c};
  EXPECT_EQ(refused(join({kRows, {0, 1, 5}, reuse_zero, {0}, kColumn, {0x0e, 0}})).code,
            ErrorCode::kFrameMalformed);
  EXPECT_EQ(refused(join({kNet, {1, 5}, reuse_zero, {0, 0}})).code, ErrorCode::kFrameMalformed);
  const Bytes past_the_last = {0x80, 0x80, 0x80, 0x08};  // kEntityIndexMax
  EXPECT_EQ(refused(join({kNet, {1}, past_the_last, kTag, {0, 0}})).code,
            ErrorCode::kFrameMalformed);
  const Bytes last = {0xff, 0xff, 0xff, 0x07};
  EXPECT_TRUE(decode(join({kNet, {1}, last, kTag, {0, 0}})).ok());
  EXPECT_EQ(refused(join({kNet, {2}, last, {1}, kTag, kTag, {0, 0}})).code,
            ErrorCode::kFrameMalformed);
}

TEST_F(PlainDots, RowOutsideOfItsPartIsRefused) {
  const Bytes part = {0x30, 0x02, 1, 1};  // index 1 only
  EXPECT_TRUE(decode(join({part, {1, 1, 0}, {0, 0}})).ok());
  EXPECT_EQ(refused(join({part, {1, 0, 0}, {0, 0}})).code, ErrorCode::kFrameMalformed);
  EXPECT_EQ(refused(join({part, {0}, {2, 2}})).code, ErrorCode::kFrameMalformed);
  EXPECT_EQ(refused(join({part, {0}, {3, 0, 1, 0x01}})).code, ErrorCode::kFrameMalformed);
  EXPECT_EQ(refused(join({part, {0, 0}, {1, 5}})).code, ErrorCode::kFrameMalformed);
}

TEST_F(PlainDots, RowInTwoGroupsIsRefused) {
  const Bytes second = {0x82, 0x80, 0x0c};  // reuse count 2
  const Bytes whole_x = join({kColumn, {0x0e, 0}});
  const Bytes changed_x = join({{1}, kColumn, {5, 0}});
  // Gone and changed; gone and whole; changed and whole.
  EXPECT_EQ(refused(join({kRelative, {1, 0, 0}, {2, 0}, {0}, changed_x})).code,
            ErrorCode::kDuplicateRow);
  EXPECT_EQ(refused(join({kRelative, {1, 0, 0}, {0}, {1, 0}, kTag, {0}, whole_x})).code,
            ErrorCode::kDuplicateRow);
  for (const Bytes& tag : {kTag, second}) {
    EXPECT_EQ(refused(join({kRelative, {0}, {2, 0}, {1, 0}, tag, {0}, changed_x, whole_x})).code,
              ErrorCode::kDuplicateRow);
  }
  EXPECT_EQ(refused(join({kNet, {1, 0}, kTag, {0}, {1, 0}, kTag, {0}, whole_x})).code,
            ErrorCode::kDuplicateRow);
  // Another entity takes the index. The one that has it may go in another part of the advance.
  EXPECT_TRUE(decode(join({kRelative, {1, 0, 0}, {0}, {1, 0}, second, {0}, whole_x})).ok());
  EXPECT_TRUE(decode(join({kRelative, {0}, {0}, {1, 0}, second, {0}, whole_x})).ok());
  EXPECT_TRUE(decode(join({kNet, {1, 0}, kTag, {0}, {1, 0}, second, {0}, whole_x})).ok());
  // The same entity whole although it is held: it was removed and inserted again.
  EXPECT_TRUE(decode(join({kRelative, {0}, {0}, {1, 0}, kTag, {1}, whole_x})).ok());
}

TEST_F(PlainDots, SecondEncodingOfTheSameIsRefused) {
  const struct {
    Bytes body;
    ErrorCode code;
  } cases[] = {
      {{0, 1}, ErrorCode::kNotCanonical},                          // a bitmap of no rows
      {{0, 3, 0, 1, 0x03}, ErrorCode::kFrameMalformed},            // count and bitmap differ
      {{0, 3, 0, 1, 0x02}, ErrorCode::kFrameMalformed},            // begins with another row
      {{0, 3, 0, 2, 0x01, 0x00}, ErrorCode::kFrameMalformed},      // ends with nothing
      {{0, 2, 0, 0, 0, 0}, ErrorCode::kNotCanonical},              // changed, but no field is
      {{0, 2, 0, 0, 2, 0x01}, ErrorCode::kNotCanonical},           // presence that says all
      {{0, 2, 0, 0, 2, 0x00}, ErrorCode::kNotCanonical},           // and one that says none
      {{0, 2, 0, 0, 2, 0x02}, ErrorCode::kFrameMalformed},         // unused bit
      {{0, 2, 0, 0, 3}, ErrorCode::kFrameMalformed},               // no such presence
      {{0, 2, 0, 0, 1, 1, 0, 0, 0}, ErrorCode::kNotCanonical},     // a change to the same value
      {{0, 2, 0, 0, 1, 0, 0, 5}, ErrorCode::kFrameMalformed},      // width 0
      {{0, 2, 0, 0, 1, 5, 0, 5}, ErrorCode::kFrameMalformed},      // width over the lane's
      {{0, 2, 0, 0, 1, 1, 1, 0, 5, 0}, ErrorCode::kNotCanonical},  // exception that is none
      {{0, 2, 0, 0, 1, 1, 1, 0, 0x80, 0x02, 9, 0}, ErrorCode::kNotCanonical},    // said twice
      {{0, 2, 0, 0, 1, 1, 1, 1, 0x80, 0x02, 0, 0}, ErrorCode::kFrameMalformed},  // of no row
      {{1, 1, 0x02, 0, 0}, ErrorCode::kFrameMalformed},  // unused bit of `left`
      {{0, 0, 0, 0}, ErrorCode::kFrameMalformed},        // bytes after the end
  };
  for (const auto& c : cases) {
    EXPECT_EQ(refused(join({kRelative, c.body})).code, c.code) << testing::PrintToString(c.body);
  }
  EXPECT_TRUE(decode(join({kRelative, {0, 2, 0, 0, 1, 1, 1, 0, 0x80, 0x02, 0, 0}})).ok());
  EXPECT_EQ(refused(join({kNet, {2, 5, 0}, kTag, kTag, {0, 0}})).code,
            ErrorCode::kNotCanonical);  // one removal twice
  EXPECT_EQ(refused(join({kRows, {1, 0, 0, 0}})).code, ErrorCode::kFrameMalformed);
}

// ---- Packed ----

class PackedDots : public DotBlock {
 protected:
  PackedDots() : DotBlock(CodecTier::kPacked) {}
  /// Bits in the order in which they are read, after a header; spaces are skipped.
  static Bytes packed(Bytes header, std::string_view bits, const std::string& texts = {}) {
    size_t at = 0;
    for (const char bit : bits) {
      if (bit == ' ') continue;
      if (at % 8 == 0) header.push_back(0);
      if (bit == '1') header.back() |= static_cast<uint8_t>(1u << (at % 8));
      ++at;
    }
    header.insert(header.end(), texts.begin(), texts.end());
    return header;
  }
};

const Bytes kPackedRelative = {0x21};
const Bytes kPackedRows = {0x09, 2, 2};

// Lists are: count - 1, parameter, gaps.
TEST_F(PackedDots, RelativeHasItsBits) {
  const Bytes expected =
      packed(kPackedRelative,
             "1  1 00000 01  1"             // gone: one; k 0, gap 1; left: no, a hit
             "1  1 10000 011"               // entered: one; k 1, gap 3
             "0000 1 1100000000000000 100"  // its tag: a miss; epoch 3, reuse count 1
             "0000"                         // inserted: a miss
             "1 0"                          // B: index 0 changes, index 2 does not
             "0"                            // fresh: none
             "0100"                         // masks: x as last time, name not
             "0 0110"                       // x: no parameter, k 2, -3
             "01 10000 011"                 // column of x: steps, k 1, -2
             "1000 010",                    // of name: k 1, length 2
             "zz");
  EXPECT_EQ(encode_relative(), expected);
  ASSERT_TRUE(decode(expected).ok());
  EXPECT_EQ(block_.gone[0].entity, entity(1));
  EXPECT_EQ(block_.changed, std::vector<RowIndex>{replica_.table(0).find(entity(0))});
  EXPECT_EQ(block_.lane_changes[0].values[0], 7u);
  EXPECT_EQ(block_.whole, std::vector<EntityId>{entity(3)});
  EXPECT_EQ(block_.texts[0][0], "zz");
}

TEST_F(PackedDots, RowsThatTakeNoBitsAreBoundedBeforeMemoryIsTaken) {
  // A list of 2^20 rows, one bit each: more values than a block may have, in 128 KiB.
  const size_t rows = (1u << 20) + 1;
  Bytes block = kPackedRows;
  BitWriter bits;
  bits.clear();
  bits.put(1, 1);
  bits.magnitude(static_cast<uint32_t>(rows - 1), 0);
  bits.put(0, 5);
  for (size_t i = 0; i < rows; ++i) {
    bits.room(1);
    bits.magnitude(0u, 0);
  }
  const ByteSpan body = bits.finish();
  block.insert(block.end(), body.begin(), body.end());
  ASSERT_LT(block.size(), kBlockBytesHardMax);
  const Error error = refused(block);
  EXPECT_EQ(error.code, ErrorCode::kLimitExceeded);
  EXPECT_NE(error.context.find("table dot, version 2, byte"), std::string::npos) << error.context;
  EXPECT_EQ(block_.whole.capacity(), 0u);
  EXPECT_TRUE(block_.lanes.empty());
}

TEST_F(PackedDots, CountLargerThanTheBlockTakesNoMemory) {
  // A count of 2^32 - 1 in 44 bits.
  const std::string huge = std::string(12, '0') + "0" + std::string(31, '1');
  block_ = DecodedBlock{};
  for (const std::string& bits : {"1" + huge, "0 1" + huge}) {
    const Error error = refused(packed(kPackedRelative, bits));
    EXPECT_EQ(error.code, ErrorCode::kFrameMalformed);
    EXPECT_NE(error.context.find("row count is larger than the block"), std::string::npos);
    EXPECT_EQ(block_.gone.capacity() + block_.whole.capacity(), 0u);
  }
}

TEST_F(PackedDots, WhatNoEncoderWritesIsRefused) {
  const struct {
    const char* bits;
    const char* texts;
    ErrorCode code;
  } cases[] = {
      {"0 0 111 0 00000", "", ErrorCode::kFrameMalformed},    // all change, but no masks follow
      {"1 1 00000 000001000 1", "", ErrorCode::kUnknownRow},  // gone: index 9
      {"0 1 1 00000 00010 0000 1 1000000000000000 110", "",
       ErrorCode::kNotCanonical},                                      // same epoch
      {"0 1 1 00000 00010 0000 0 100", "", ErrorCode::kNotCanonical},  // same tag
      {"0 0 01 0 1 1 00000 1", "", ErrorCode::kNotCanonical},  // fresh, but it has a history
      {"0 0 010101 0 0 1", "", ErrorCode::kFrameMalformed},    // a padding bit
      {"0 0 010101 0", "x", ErrorCode::kFrameMalformed},       // text that nobody has
  };
  for (const auto& c : cases) {
    EXPECT_EQ(decode(packed(kPackedRelative, c.bits, c.texts)).code(), c.code) << c.bits;
  }
}

TEST_F(PackedDots, NothingIsABlockToo) {
  // None gone, none entered; of the rows 0, 1 and 2, all of age 1, none changes; none fresh.
  EXPECT_TRUE(decode(packed(kPackedRelative, "0 0 000 0")).ok());
  EXPECT_TRUE(block_.changed.empty() && block_.gone.empty() && block_.whole.empty());
  // An advance may have very many such blocks, and a table many columns.
  EXPECT_TRUE(block_.lane_changes.empty() && block_.lanes.empty());
}

}  // namespace
}  // namespace ecsdb::wire_test
