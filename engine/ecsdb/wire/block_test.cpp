// Blocks written by hand, and blocks that lie.
#include "ecsdb/wire/block.h"

#include <gtest/gtest.h>

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
  DotBlock() : db_(dot_schema(), options()), replica_(db_.schema()) {
    {
      Transaction change = db_.begin();
      insert(change, 10, "a");
      insert(change, 20, "b");
      insert(change, 30, "c");
      std::move(change).commit();
    }
    publish();
    Transaction change = db_.begin();
    EXPECT_TRUE(change.set(0, entity(0), 0, int64_t{7}).ok());
    EXPECT_TRUE(change.remove(0, entity(1)).ok());
    insert(change, -2, "zz");
    std::move(change).commit();
  }

  static Schema dot_schema() {
    return SchemaBuilder("dots")
        .table(7, "dot")
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
  void publish() {
    const Sent sent{kCell, encode(BlockForm::kRelative)};
    const Status status = replica_.apply(std::span(&sent, 1));
    EXPECT_TRUE(status.ok()) << status.error().to_string();
    db_.finish_publish();
  }
  Bytes encode(BlockForm form) { return pick(db_, kCell, form, db_.published()).encode(); }
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

// ---- Bytes written by hand ----

const Bytes kTag = {0x81, 0x80, 0x0c};       // epoch 3, reuse count 1
const Bytes kRelativeHeader = {0x00, 1, 1};  // plain and relative, base 1, version 2
const Bytes kNetHeader = {0x10, 1, 1};       // plain and net, since 1, version 2
const Bytes kRowsHeader = {0x20, 2, 0};      // plain and rows, version 2

TEST_F(DotBlock, RelativeHasItsBytes) {
  const Bytes expected = join({kRelativeHeader,
                               {1, 1, 0x00},  // gone: index 1, removed
                               {1, 0},        // changed: index 0
                               {1, 3},
                               kTag,
                               {0x01},           // whole: index 3, inserted
                               {1, 0x05},        // x of all changed: 7 - 10
                               {0},              // name of none
                               {0x03},           // x of the whole: -2
                               {2, 'z', 'z'}});  // its name
  EXPECT_EQ(encode(BlockForm::kRelative), expected);
  ASSERT_TRUE(decode(expected).ok());
  EXPECT_EQ(block_.gone[0].entity, entity(1));
  EXPECT_EQ(block_.entities, (std::vector<EntityId>{entity(0), entity(3)}));
  EXPECT_EQ(block_.changed, 1u);
  EXPECT_EQ(block_.lanes[0], (std::vector<uint64_t>{7, static_cast<uint64_t>(int64_t{-2})}));
  EXPECT_EQ(block_.texts[0][1], "zz");
}

TEST_F(DotBlock, NetHasItsBytes) {
  const Bytes expected = join({kNetHeader,
                               {1, 1},
                               kTag,
                               {0x00},  // gone: index 1, removed
                               {2, 0, 2},
                               kTag,
                               kTag,                     // whole: indices 0 and 3,
                               {0x02},                   // the second one inserted
                               {0x0e, 0x03},             // x: 7, -2
                               {1, 'a', 2, 'z', 'z'}});  // names
  EXPECT_EQ(encode(BlockForm::kNet), expected);
  ASSERT_TRUE(decode(expected).ok());
  EXPECT_EQ(block_.inserted, (std::vector<bool>{false, true}));
}

TEST_F(DotBlock, RowsHaveTheirBytes) {
  const Bytes expected = join({kRowsHeader,
                               {0},  // gone
                               {3, 0, 1, 0},
                               kTag,
                               kTag,
                               kTag,
                               {0x04},                           // indices 0, 2, 3
                               {0x0e, 0x3c, 0x03},               // x: 7, 30, -2
                               {1, 'a', 1, 'c', 2, 'z', 'z'}});  // names
  EXPECT_EQ(encode(BlockForm::kRows), expected);
  EXPECT_TRUE(decode(expected).ok());
}

TEST_F(DotBlock, CellWithoutAChangeHasItsBytes) {
  publish();
  Bytes expected = {0x00, 2, 0, 0, 0, 0};
  EXPECT_EQ(encode(BlockForm::kRelative), expected);
  EXPECT_TRUE(decode(expected).ok());
}

// ---- Header ----

TEST_F(DotBlock, HeaderIsReadAlone) {
  const auto header = peek_block_header(Bytes{0x10, 0xac, 0x02, 0x05, 0xff});
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->form, BlockForm::kNet);
  EXPECT_EQ(header->base, Version{300});
  EXPECT_EQ(header->version, Version{305});
}

TEST_F(DotBlock, BadHeaderIsRefused) {
  const struct {
    Bytes bytes;
    ErrorCode code;
  } cases[] = {
      {{}, ErrorCode::kFrameMalformed},
      {{0x00}, ErrorCode::kFrameMalformed},
      {{0x00, 1}, ErrorCode::kFrameMalformed},
      {{0x00, 0x81, 0x00, 1}, ErrorCode::kFrameMalformed},  // not minimal
      {{0x01, 1, 1}, ErrorCode::kFrameMalformed},           // a tier that is not there yet
      {{0x0f, 1, 1}, ErrorCode::kFrameMalformed},
      {{0x30, 1, 1}, ErrorCode::kFrameMalformed},  // no such form
      {{0x80, 1, 1}, ErrorCode::kFrameMalformed},
      {{0x20, 1, 1}, ErrorCode::kNotCanonical},  // rows are of one version
      // The version would wrap around.
      {{0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 1},
       ErrorCode::kFrameMalformed},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(peek_block_header(c.bytes).code(), c.code);
    EXPECT_EQ(decode(c.bytes).code(), c.code);
  }
}

// ---- Lies ----

const Bytes kHuge = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10};  // 2^60

TEST_F(DotBlock, CountLargerThanTheBlockTakesNoMemory) {
  const Bytes claims[] = {
      join({kRelativeHeader, kHuge, {0, 0}}),         // gone
      join({kRelativeHeader, {0}, kHuge, {0, 0}}),    // changed
      join({kRelativeHeader, {0, 0}, kHuge, {0, 0}})  // whole
  };
  for (const Bytes& claim : claims) {
    block_ = DecodedBlock{};
    const Error error = refused(claim);
    EXPECT_EQ(error.code, ErrorCode::kFrameMalformed);
    EXPECT_EQ(error.context.substr(0, error.context.find(", byte")), "table dot, version 2");
    EXPECT_NE(error.context.find("row count"), std::string::npos) << error.context;
    EXPECT_EQ(block_.gone.capacity() + block_.entities.capacity(), 0u);
    EXPECT_EQ(block_.lanes.capacity(), 0u);
  }
}

TEST_F(DotBlock, ErrorNamesTheByteOfItsGroup) {
  EXPECT_EQ(refused(join({kRelativeHeader, {0}, kHuge})).context,
            "table dot, version 2, byte 4: row count is larger than the block");
  EXPECT_EQ(refused(join({kRelativeHeader, {0, 1, 0, 0, 1}})).context,
            "table dot, version 2, byte 7: field x: cut short");
}

// Two whole rows, but bytes for only one x; the names are not even begun.
TEST_F(DotBlock, ColumnLargerThanWhatIsLeftTakesNoMemory) {
  const Bytes rows = join({kRowsHeader, {0, 2, 5, 0}, kTag, kTag, {0x00}});
  Error error = refused(join({rows, {0x0e}}));
  EXPECT_EQ(error.code, ErrorCode::kFrameMalformed);
  EXPECT_EQ(error.context, "table dot, version 2, byte 14: field x: cut short");
  EXPECT_EQ(block_.lanes[0].capacity(), 0u);
  error = refused(join({rows, {0x0e, 0x0e}, {0}}));
  EXPECT_EQ(error.context, "table dot, version 2, byte 16: field name: cut short");
  EXPECT_EQ(block_.texts[0].capacity(), 0u);
}

TEST_F(DotBlock, TextLongerThanTheSchemaAllowsIsRefused) {
  const Bytes row = join({kRowsHeader, {0, 1, 5}, kTag, {0x00}, {0x0e}});
  EXPECT_TRUE(decode(join({row, {8}, Bytes(8, 'x')})).ok());
  EXPECT_EQ(refused(join({row, {9}, Bytes(9, 'x')})).code, ErrorCode::kTextTooLong);
  const Error error = refused(join({row, kHuge}));
  EXPECT_EQ(error.code, ErrorCode::kTextTooLong);
  EXPECT_NE(error.context.find("field name"), std::string::npos) << error.context;
  EXPECT_EQ(refused(join({row, {8}, Bytes(7, 'x')})).code, ErrorCode::kFrameMalformed);
  EXPECT_EQ(refused(join({row, {1, 0xff}})).code, ErrorCode::kBadText);
}

TEST_F(DotBlock, ValueOutsideItsTypeIsRefused) {
  const Bytes row = join({kRowsHeader, {0, 1, 5}, kTag, {0x00}});
  const Bytes name = {0};
  EXPECT_TRUE(decode(join({row, {0xff, 0xff, 0xff, 0xff, 0x0f}, name})).ok());     // -2^31
  const Error error = refused(join({row, {0x80, 0x80, 0x80, 0x80, 0x10}, name}));  // 2^31
  EXPECT_EQ(error.code, ErrorCode::kValueOutOfRange);
  EXPECT_NE(error.context.find("field x"), std::string::npos) << error.context;
  // 10 and 2^31 - 11 is the largest there is; the residual for one more leaves the range.
  const Bytes change = join({kRelativeHeader, {0, 1, 0, 0, 1}});
  EXPECT_TRUE(decode(join({change, {0xea, 0xff, 0xff, 0xff, 0x0f}, {0}})).ok());
  EXPECT_EQ(refused(join({change, {0xec, 0xff, 0xff, 0xff, 0x0f}, {0}})).code,
            ErrorCode::kValueOutOfRange);
}

TEST_F(DotBlock, RowThatIsNotHeldIsRefused) {
  EXPECT_EQ(refused(join({kRelativeHeader, {1, 9, 0}})).code, ErrorCode::kUnknownRow);
  EXPECT_EQ(refused(join({kRelativeHeader, {0, 1, 9}})).code, ErrorCode::kUnknownRow);
  // A row of another cell is not held in this one.
  const Bytes change = join({kRelativeHeader, {0, 1, 0, 0, 1, 0x05, 0}});
  EXPECT_TRUE(replica_.decode({kCell, change}, block_).ok());
  EXPECT_EQ(replica_.decode({{0, 1}, change}, block_).code(), ErrorCode::kUnknownRow);
}

TEST_F(DotBlock, EntityThatCannotBeIsRefused) {
  const Bytes reuse_zero = {0x80, 0x80, 0x0c};
  EXPECT_EQ(refused(join({kRowsHeader, {0, 1, 5}, reuse_zero, {0, 0x0e, 0}})).code,
            ErrorCode::kFrameMalformed);
  EXPECT_EQ(refused(join({kNetHeader, {1, 5}, reuse_zero, {0, 0}})).code,
            ErrorCode::kFrameMalformed);
  const Bytes past_the_last = {0x80, 0x80, 0x80, 0x08};  // kEntityIndexMax
  EXPECT_EQ(refused(join({kNetHeader, {1}, past_the_last, kTag, {0, 0}})).code,
            ErrorCode::kFrameMalformed);
  const Bytes last = {0xff, 0xff, 0xff, 0x07};
  EXPECT_TRUE(decode(join({kNetHeader, {1}, last, kTag, {0, 0}})).ok());
  EXPECT_EQ(refused(join({kNetHeader, {2}, last, {1}, kTag, kTag, {0, 0}})).code,
            ErrorCode::kFrameMalformed);
}

TEST_F(DotBlock, RowInTwoGroupsIsRefused) {
  const Bytes second = {0x82, 0x80, 0x0c};  // reuse count 2
  const Bytes whole_x = {0x0e, 0};
  // Gone and changed; gone and whole; changed and whole.
  EXPECT_EQ(refused(join({kRelativeHeader, {1, 0, 0}, {1, 0}, {0}, {1, 5, 0}})).code,
            ErrorCode::kDuplicateRow);
  EXPECT_EQ(refused(join({kRelativeHeader, {1, 0, 0}, {0}, {1, 0}, kTag, {0}, whole_x})).code,
            ErrorCode::kDuplicateRow);
  for (const Bytes& tag : {kTag, second}) {
    EXPECT_EQ(
        refused(join({kRelativeHeader, {0}, {1, 0}, {1, 0}, tag, {0}, {1, 5, 0}, whole_x})).code,
        ErrorCode::kDuplicateRow);
  }
  EXPECT_EQ(refused(join({kNetHeader, {1, 0}, kTag, {0}, {1, 0}, kTag, {0}, whole_x})).code,
            ErrorCode::kDuplicateRow);
  // Another entity takes the index. The one that has it may go in another part of the advance.
  EXPECT_TRUE(decode(join({kRelativeHeader, {1, 0, 0}, {0}, {1, 0}, second, {0}, whole_x})).ok());
  EXPECT_TRUE(decode(join({kRelativeHeader, {0}, {0}, {1, 0}, second, {0}, whole_x})).ok());
  EXPECT_TRUE(decode(join({kNetHeader, {1, 0}, kTag, {0}, {1, 0}, second, {0}, whole_x})).ok());
  // The same entity whole although it is held: it was removed and inserted again.
  EXPECT_TRUE(decode(join({kRelativeHeader, {0}, {0}, {1, 0}, kTag, {1}, whole_x})).ok());
}

TEST_F(DotBlock, SecondEncodingOfTheSameIsRefused) {
  const struct {
    Bytes body;
    ErrorCode code;
  } cases[] = {
      {{0, 1, 0, 0, 0, 0}, ErrorCode::kNotCanonical},           // changed, but no field is
      {{0, 1, 0, 0, 2, 0x01, 5, 0}, ErrorCode::kNotCanonical},  // bitmap that says all
      {{0, 1, 0, 0, 1, 5, 2, 0x00}, ErrorCode::kNotCanonical},  // bitmap that says none
      {{0, 1, 0, 0, 1, 5, 3}, ErrorCode::kFrameMalformed},      // no such presence
      {{0, 2, 0, 1, 0, 2, 0x05, 5, 1, 0, 0}, ErrorCode::kFrameMalformed},  // unused bit
      {{1, 1, 0x02, 0, 0}, ErrorCode::kFrameMalformed},                    // unused bit of `left`
      {{0, 1, 0, 0, 1, 0x85, 0x00, 0}, ErrorCode::kFrameMalformed},        // varint not minimal
      {{0, 0, 0, 0}, ErrorCode::kFrameMalformed},                          // bytes after the end
  };
  for (const auto& c : cases) {
    EXPECT_EQ(refused(join({kRelativeHeader, c.body})).code, c.code);
  }
  EXPECT_EQ(refused(join({kNetHeader, {2, 5, 0}, kTag, kTag, {0, 0}})).code,
            ErrorCode::kNotCanonical);  // one removal twice
  EXPECT_EQ(refused(join({kRowsHeader, {1, 0, 0, 0}})).code, ErrorCode::kFrameMalformed);
}

}  // namespace
}  // namespace ecsdb::wire_test
