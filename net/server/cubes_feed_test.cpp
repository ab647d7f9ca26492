#include "server/cubes_feed.h"

#include <gtest/gtest.h>

#include "ecsdb/toml/schema_toml.h"

#include "server/bundled_files.h"

namespace ecsdb {
namespace {

Result<Schema> parse(std::string_view text) {
  std::vector<TextProblem> problems;
  return parse_schema_toml(text, "cubes.toml", &problems);
}

CubesTrace bundled_trace() { return CubesTrace::decode(bundled_cubes_slice()).value(); }

/// Lanes of all rows against a frame of the trace.
void expect_shows(const Database& db, const CubesFeed& feed, size_t frame) {
  const auto values = feed.trace().frame(frame);
  const Table& table = db.table(0);
  for (size_t row = 0; row < kCubesRows; ++row) {
    const RowIndex index = table.find(feed.entities()[row]);
    ASSERT_NE(index, kNoRow);
    const auto expected = values.subspan(row * kCubesColumns, kCubesColumns);
    const LaneValues orientation = table.field_lanes(index, 1);
    const LaneValues position = table.field_lanes(index, 0);
    for (size_t i = 0; i < 4; ++i) {
      ASSERT_EQ(static_cast<int64_t>(orientation.lane[i]), expected[i]) << "row " << row;
    }
    for (size_t i = 0; i < 3; ++i) {
      ASSERT_EQ(static_cast<int64_t>(position.lane[i]), expected[4 + i]) << "row " << row;
    }
    ASSERT_EQ(static_cast<int64_t>(table.field_lanes(index, 2).lane[0]), expected[7]);
  }
}

TEST(CubesFeed, TableHoldsExactlyTheIntegersOfTheTrace) {
  const auto schema = parse(bundled_cubes_schema());
  ASSERT_TRUE(schema.ok()) << schema.error().context;
  Database db(*schema, DatabaseOptions{});
  auto feed = CubesFeed::make(*schema, bundled_trace());
  ASSERT_TRUE(feed.ok()) << feed.error().context;
  Transaction first = db.begin();
  ASSERT_TRUE(feed->fill(first).ok());
  std::move(first).commit();
  EXPECT_EQ(db.table(0).row_count(), kCubesRows);
  expect_shows(db, *feed, 0);
  for (size_t step = 1; step <= 121; ++step) {
    Transaction change = db.begin();
    ASSERT_TRUE(feed->step(change).ok());
    std::move(change).commit();
  }
  EXPECT_EQ(feed->frame_index(), 117u);
  expect_shows(db, *feed, 117);
}

TEST(CubesFeed, RowsThatRestAreNotChanged) {
  const auto schema = parse(bundled_cubes_schema());
  ASSERT_TRUE(schema.ok());
  Database db(*schema, DatabaseOptions{});
  auto feed = CubesFeed::make(*schema, bundled_trace());
  ASSERT_TRUE(feed.ok());
  Transaction first = db.begin();
  ASSERT_TRUE(feed->fill(first).ok());
  std::move(first).commit();
  Transaction change = db.begin();
  ASSERT_TRUE(feed->step(change).ok());
  std::move(change).commit();
  for (size_t row = 0; row < kCubesRows; ++row) {
    const auto now = feed->trace().frame(1).subspan(row * kCubesColumns, kCubesColumns);
    const auto before = feed->trace().frame(0).subspan(row * kCubesColumns, kCubesColumns);
    const bool rests = std::equal(now.begin(), now.end(), before.begin());
    const RowIndex index = db.table(0).find(feed->entities()[row]);
    EXPECT_EQ(db.table(0).row(index).changed, Version{rests ? 1u : 2u}) << row;
  }
}

TEST(CubesFeed, OtherSchemasAreRefused) {
  const std::string head = "[schema]\nname = \"a\"\nversion = 1\n";
  const std::string cube = head + "[table.cube]\nid = 1\n[table.cube.fields]\n";
  const std::string spin = "orientation = { id = 2, type = \"quatf\", bits = 9 }\n";
  const std::string hit = "interacting = { id = 3, type = \"bool\" }\n";
  const std::pair<std::string, const char*> cases[] = {
      {head + "[table.box]\nid = 1\nfields.a = { id = 1, type = \"u8\" }\n", "needs a table cube"},
      {cube + spin + hit, "needs a field position of type vec3f"},
      {cube + spin + hit + "position = { id = 1, type = \"vec3f\", precision = 0.01 }\n",
       "needs the precision 0.001953125"},
      {cube + hit + "position = { id = 1, type = \"vec3f\", precision = 0.001953125 }\n" +
           "orientation = { id = 2, type = \"quatf\", bits = 10 }\n",
       "needs 9 bits"},
      {cube + spin + "interacting = { id = 3, type = \"u8\" }\n" +
           "position = { id = 1, type = \"vec3f\", precision = 0.001953125 }\n",
       "needs a field interacting of type bool"},
  };
  for (const auto& [text, message] : cases) {
    const auto schema = parse(text);
    ASSERT_TRUE(schema.ok()) << schema.error().context;
    const auto feed = CubesFeed::make(*schema, bundled_trace());
    ASSERT_FALSE(feed.ok()) << message;
    EXPECT_EQ(feed.code(), ErrorCode::kSchemaMismatch);
    EXPECT_NE(feed.error().context.find(message), std::string::npos) << feed.error().context;
  }
}

}  // namespace
}  // namespace ecsdb
