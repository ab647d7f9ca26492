// What the vector files have to have: errors, types, sessions, marks.
#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

#include "ecsdb/wire/block.h"

#include "vector_file.h"

namespace ecsdb::vectors {
namespace {

std::string read_file(const std::string& name) {
  std::ifstream in(std::string(ECSDB_VECTORS_DIR) + "/" + name, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Group group_of(const std::string& name) {
  std::string problem;
  std::optional<Group> group = Group::parse(read_file(name + ".json"), problem);
  EXPECT_TRUE(group.has_value()) << name << ": " << problem;
  return group.value_or(Group());
}

/// Names of the errors that BEHAVIOUR.md says a client raises.
std::set<std::string> errors_of_clients() {
  std::istringstream lines(read_file("../BEHAVIOUR.md"));
  std::set<std::string> out;
  for (std::string line; std::getline(lines, line);) {
    std::vector<std::string> columns;
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, '|');) columns.push_back(cell);
    if (columns.size() < 5 || columns[4].find("raises") == std::string::npos) continue;
    const size_t begin = columns[2].find('`') + 1;
    out.insert(columns[2].substr(begin, columns[2].rfind('`') - begin));
  }
  return out;
}

TEST(VectorCoverage, EveryErrorThatAClientRaisesHasAVector) {
  std::set<std::string> seen;
  for (const GroupKind& kind : group_kinds()) {
    for (const Json& vector : group_of(kind.name).vectors) {
      seen.insert(vector.at("error").text());
      for (const Json& step : vector.at("steps").items()) {
        for (const Json& report : step.at("state").at("reports").items()) {
          if (report.at("kind").text() == "fault") seen.insert(report.at("code").text());
        }
      }
    }
  }
  const std::set<std::string> wanted = errors_of_clients();
  EXPECT_GE(wanted.size(), 20u);
  for (const std::string& error : wanted) EXPECT_TRUE(seen.contains(error)) << error;
}

using TypeAndQuantise = std::pair<FieldType, QuantiseKind>;

std::set<TypeAndQuantise> all_types() {
  std::set<TypeAndQuantise> out;
  for (int type = 1; type <= static_cast<int>(FieldType::kBytes); ++type) {
    out.insert({static_cast<FieldType>(type), QuantiseKind::kNone});
  }
  for (const auto type : {FieldType::kF32, FieldType::kF64, FieldType::kVec2f, FieldType::kVec3f}) {
    out.insert({type, QuantiseKind::kPrecision});
    out.insert({type, QuantiseKind::kRange});
  }
  out.insert({FieldType::kQuatf, QuantiseKind::kQuat});
  return out;
}

/// Types of fields that change, and those that come with whole rows.
struct TypesSeen {
  std::set<TypeAndQuantise> changed;
  std::set<TypeAndQuantise> whole;
};
TypesSeen types_in(const Group& group) {
  TypesSeen out;
  for (const Json& vector : group.vectors) {
    const Json& expect = vector.at("expect");
    const Result<Schema> schema = group.schema(vector.at("schema"));
    if (!schema.ok()) continue;
    const TableDef& table = schema->table(0);
    for (const FieldDef& field : table.fields) {
      if (field.server_only) continue;
      const TypeAndQuantise type{field.type, field.quantise.kind};
      if (!expect.at("whole").items().empty()) out.whole.insert(type);
      for (const Json& row : expect.at("changed").items()) {
        const std::vector<Json>& fields = row.at("fields").items();
        const bool changes =
            std::find(fields.begin(), fields.end(), Json(field.name)) != fields.end();
        if (changes) out.changed.insert(type);
      }
    }
  }
  return out;
}

TEST(VectorCoverage, EveryTypeOfFieldIsInBothTiers) {
  for (const char* name : {"blocks-plain", "blocks-packed"}) {
    const TypesSeen seen = types_in(group_of(name));
    for (const TypeAndQuantise& type : all_types()) {
      const std::string what = std::string(name) + ", type " +
                               std::to_string(static_cast<int>(type.first)) + ", quantise kind " +
                               std::to_string(static_cast<int>(type.second));
      EXPECT_TRUE(seen.changed.contains(type)) << what;
      EXPECT_TRUE(seen.whole.contains(type)) << what;
    }
  }
}

TEST(VectorCoverage, CompressedBlocksAreMarked) {
  size_t compressed = 0;
  for (const char* name : {"blocks-plain", "blocks-packed"}) {
    for (const Json& vector : group_of(name).vectors) {
      for (const Json& block : vector.at("blocks").items()) {
        const Result<BlockHeader> header = peek_block_header(bytes_of(block));
        if (!header.ok() || !header->is_compressed) continue;
        ++compressed;
        EXPECT_EQ(vector.at("needs").text(), "zstd") << vector.at("name").text();
      }
    }
  }
  EXPECT_GE(compressed, 20u);
}

TEST(VectorCoverage, ThereIsNoThirdTier) {
  for (const char* name : {"blocks-plain", "blocks-packed"}) {
    std::set<unsigned> tiers;
    for (const Json& vector : group_of(name).vectors) {
      const Json& block =
          vector.at("blocks").items().empty() ? Json() : vector.at("blocks").items()[0];
      const Bytes bytes = bytes_of(block);
      if (vector.at("error").text() == "frame_malformed" && !bytes.empty())
        tiers.insert(bytes[0] & 3);
    }
    EXPECT_TRUE(tiers.contains(2) && tiers.contains(3)) << name;
  }
}

TEST(VectorCoverage, ThereAreSessionsEnough) {
  EXPECT_GE(group_of("sessions").vectors.size(), 12u);
}

}  // namespace
}  // namespace ecsdb::vectors
