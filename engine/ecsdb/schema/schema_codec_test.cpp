#include <gtest/gtest.h>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/test_schemas.h"

namespace ecsdb {
namespace {

TEST(SchemaCodec, RoundTripKeepsEverything) {
  const Schema schema = *rich_schema().build();
  const Bytes bytes = encode_schema(schema.def());
  const Result<Schema> back = decode_schema(bytes);
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  EXPECT_EQ(back->def(), schema.def());
  EXPECT_EQ(back->fingerprint(), schema.fingerprint());
  EXPECT_EQ(encode_schema(back->def()), bytes);
  EXPECT_EQ(encode_schema(rich_schema().def()), bytes);  // an unsorted one encodes alike
}

TEST(SchemaCodec, SmallSchemaHasTheDocumentedBytes) {
  const Bytes bytes = encode_schema(SchemaBuilder("s", 2)
                                        .table(300, "t")
                                        .field(1, "n", FieldType::kU8)
                                        .default_value(uint64_t{5})
                                        .def());
  const Bytes expected = {1,    1, 's', 2,          // format, name, version
                          0,    1,                  // no enum, one table
                          0xac, 2, 1,   't',        // id 300, name
                          0,    0, 0,   1,   0,     // one cell, no rules, packed, not transient
                          1,    1, 1,   'n', 2, 0,  // one field: id, name, u8, not quantised
                          2,    0, 1,               // has a default, server policy, since 1
                          2,    5,                  // an unsigned 5
                          0};                       // no event
  EXPECT_EQ(bytes, expected);
}

TEST(SchemaCodec, WriteListOfAFieldStandsAtItsEnd) {
  using Where = AccessRule::Where;
  SchemaBuilder b("s", 2);
  b.table(3, "t").by("n").write("");
  b.field(1, "n", FieldType::kU8).default_value(uint64_t{5});
  b.field_write("a", Where::kCellIsClaim, "c").field_write("");
  const Bytes bytes = encode_schema(b.def());
  const Bytes expected = {1, 1, 's', 2,   0, 1,          // of the schema
                          3, 1, 't', 1,   1, 'n',        // id, name, cell by n
                          0, 1, 0,   0,   1, 0,          // any role writes, any cell
                          1, 1, 1,   'n', 2, 0,          // one field: id, name, u8
                          6, 0, 1,                       // default and write list, since 1
                          2, 5,                          // an unsigned 5
                          2, 1, 'a', 1,   1, 'c', 0, 0,  // two rules
                          0};                            // no event
  EXPECT_EQ(bytes, expected);
  const Result<Schema> back = decode_schema(bytes);
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  EXPECT_EQ(back->def(), b.def());
}

TEST(SchemaCodec, EmptyWriteListOfAFieldIsNotCanonical) {
  SchemaDef def = SchemaBuilder("s").table(1, "t").write("").field(1, "f", FieldType::kU8).def();
  Bytes bytes = encode_schema(def);
  // The last four: flags, policy, since, number of events.
  bytes[bytes.size() - 4] = 4;
  bytes.insert(bytes.end() - 1, 0);
  EXPECT_EQ(decode_schema(bytes).code(), ErrorCode::kNotCanonical);
  bytes.end()[-2] = kAccessRulesMax + 1;
  EXPECT_EQ(decode_schema(bytes).code(), ErrorCode::kLimitExceeded);
  bytes.end()[-2] = 0;
  bytes[bytes.size() - 5] = 8;
  EXPECT_EQ(decode_schema(bytes).code(), ErrorCode::kFrameMalformed);
}

/// The schema's bytes end so, and decode to it.
void expect_end(const SchemaDef& def, const Bytes& bytes, const Bytes& end) {
  ASSERT_GT(bytes.size(), end.size());
  EXPECT_EQ(Bytes(bytes.end() - static_cast<ptrdiff_t>(end.size()), bytes.end()), end);
  const Result<Schema> back = decode_schema(bytes);
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  EXPECT_EQ(back->def(), def);
}

TEST(SchemaCodec, WriteListOfAnEventStandsAtItsEndAndIsToldByTheCell) {
  SchemaBuilder b("s");
  b.table(3, "t").by("n").field(1, "n", FieldType::kU8);
  b.event(1, "e").follow("t").write("a").write("").field(1, "m", FieldType::kU8);
  const Bytes bytes = encode_schema(b.def());
  const Bytes expected_end = {1,   1, 1,   'e',  // one event: id, name
                              132, 1, 't',       // its cell follows t, and it has a write list
                              1,   1, 1,   'm', 2, 0,   // one field: id, name, u8
                              0,   0, 1,                // no flag, since 1
                              2,   1, 'a', 0,   0, 0};  // two rules
  expect_end(b.def(), bytes, expected_end);
}

TEST(SchemaCodec, PlaceOfAnEventStandsBehindItsCell) {
  SchemaBuilder b("s");
  b.table(3, "t").by("n").field(1, "n", FieldType::kU8);
  b.event(1, "e").follow("t").at("m").field(1, "m", FieldType::kU8);
  Bytes bytes = encode_schema(b.def());
  const Bytes expected_end = {68, 1, 't', 1,   'm',               // follows t, at m
                              1,  1, 1,   'm', 2,   0, 0, 0, 1};  // one field
  expect_end(b.def(), bytes, expected_end);
  bytes.erase(bytes.end() - 10);
  bytes.end()[-10] = 0;  // of no letter
  EXPECT_EQ(decode_schema(bytes).code(), ErrorCode::kNotCanonical);
}

TEST(SchemaCodec, EmptyWriteListOfAnEventIsNotCanonical) {
  SchemaDef def = SchemaBuilder("s").event(1, "e").field(1, "m", FieldType::kU8).def();
  Bytes bytes = encode_schema(def);
  // The last nine: cell, number of fields, id, name, type, not quantised, flags, policy, since.
  ASSERT_EQ(bytes.end()[-10], 0);
  bytes.end()[-10] = 128;
  bytes.push_back(0);
  EXPECT_EQ(decode_schema(bytes).code(), ErrorCode::kNotCanonical);
  bytes.end()[-11] = 32;
  EXPECT_EQ(decode_schema(bytes).code(), ErrorCode::kFrameMalformed);
}

TEST(SchemaCodec, CellOfATableHasNoWriteFlag) {
  Bytes bytes = encode_schema(SchemaBuilder("s").table(1, "t").field(1, "f", FieldType::kU8).def());
  // Format, name, version, no enum, one table: id, name, cell.
  ASSERT_EQ(bytes[9], 0);
  bytes[9] = 128;
  EXPECT_EQ(decode_schema(bytes).code(), ErrorCode::kFrameMalformed);
}

/// What every decoder owes: refuse, or accept what encodes back to the same bytes.
bool is_refused_or_canonical(ByteSpan bytes) {
  const Result<Schema> schema = decode_schema(bytes);
  if (!schema.ok()) {
    return schema.code() == ErrorCode::kFrameMalformed ||
           schema.code() == ErrorCode::kNotCanonical ||
           schema.code() == ErrorCode::kLimitExceeded || schema.code() == ErrorCode::kSchemaInvalid;
  }
  return encode_schema(schema->def()) == Bytes(bytes.begin(), bytes.end());
}

TEST(SchemaCodec, TruncationAndTrailingBytesAreRefused) {
  Bytes bytes = encode_schema(rich_schema().def());
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_EQ(decode_schema(ByteSpan(bytes).first(n)).code(), ErrorCode::kFrameMalformed) << n;
  }
  bytes.push_back(0);
  EXPECT_EQ(decode_schema(bytes).code(), ErrorCode::kFrameMalformed);
}

TEST(SchemaCodec, EveryBitFlipIsRefusedOrCanonical) {
  Bytes bytes = encode_schema(rich_schema().def());
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    bytes[i / 8] ^= static_cast<uint8_t>(1u << (i % 8));
    EXPECT_TRUE(is_refused_or_canonical(bytes)) << "bit " << i;
    bytes[i / 8] ^= static_cast<uint8_t>(1u << (i % 8));
  }
}

TEST(SchemaCodec, EveryByteAsExtremeIsRefusedOrCanonical) {
  Bytes bytes = encode_schema(rich_schema().def());
  for (uint8_t& byte : bytes) {
    const uint8_t kept = byte;
    for (const uint8_t value : {uint8_t{0}, uint8_t{0x7f}, uint8_t{0x80}, uint8_t{0xff}}) {
      byte = value;
      EXPECT_TRUE(is_refused_or_canonical(bytes));
    }
    byte = kept;
  }
}

/// Bytes of a schema whose parts a test can reorder: no table, enums as given.
Bytes with_enums(std::initializer_list<char> names) {
  Bytes out = {1, 1, 's', 1, static_cast<uint8_t>(names.size())};
  for (const char name : names) out.insert(out.end(), {1, static_cast<uint8_t>(name), 1, 1, 'v'});
  out.insert(out.end(), {0, 0});
  return out;
}

TEST(SchemaCodec, UnsortedAndDuplicateAreNotCanonical) {
  EXPECT_TRUE(decode_schema(with_enums({'a', 'b'})).ok());
  EXPECT_EQ(decode_schema(with_enums({'b', 'a'})).code(), ErrorCode::kNotCanonical);
  EXPECT_EQ(decode_schema(with_enums({'a', 'a'})).code(), ErrorCode::kNotCanonical);
}

TEST(SchemaCodec, OverlongVarintIsRefused) {
  Bytes bytes = with_enums({'a'});
  bytes[3] = 0x81;
  bytes.insert(bytes.begin() + 4, 0);
  EXPECT_EQ(decode_schema(bytes).code(), ErrorCode::kFrameMalformed);
}

TEST(SchemaCodec, ClaimedCountsAreCheckedBeforeUse) {
  EXPECT_EQ(decode_schema(Bytes{1, 1, 's', 1, 0x81, 0x02}).code(), ErrorCode::kLimitExceeded);
  EXPECT_EQ(decode_schema(Bytes{1, 0x80, 0x80, 0x80, 0x80, 0x08}).code(),
            ErrorCode::kLimitExceeded);
  EXPECT_EQ(decode_schema(Bytes{1, 1, 's', 1, 0x80, 0x02}).code(), ErrorCode::kFrameMalformed);
  EXPECT_EQ(decode_schema(Bytes(kSchemaBytesMax + 1, 0)).code(), ErrorCode::kLimitExceeded);
  EXPECT_EQ(decode_schema(Bytes{2}).code(), ErrorCode::kFrameMalformed);
}

TEST(SchemaCodec, NanIsNotCanonical) {
  SchemaDef def = SchemaBuilder("s").table(1, "t").field(1, "f", FieldType::kF64).def();
  def.tables[0].fields[0].default_value = 2.0;
  Bytes bytes = encode_schema(def);
  bytes[bytes.size() - 3] = 0xff;  // mantissa and exponent of the default, before the event count
  bytes[bytes.size() - 2] = 0x7f;
  EXPECT_EQ(decode_schema(bytes).code(), ErrorCode::kNotCanonical);
}

TEST(SchemaCodec, SemanticErrorIsNamed) {
  SchemaDef def = rich_schema().def();
  def.tables[1].cell.target = "shop";
  const Result<Schema> schema = decode_schema(encode_schema(def));
  EXPECT_EQ(schema.code(), ErrorCode::kSchemaInvalid);
  EXPECT_NE(schema.error().context.find("no table \"shop\""), std::string::npos);
}

}  // namespace
}  // namespace ecsdb
