// The vector files that are checked in: they are what the code makes now, and they say what the
// code does. And that this test would see it if they did not.
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <set>
#include <string>

#include "ecsdb/base/error.h"

#include "vector_file.h"

namespace ecsdb::vectors {
namespace {

constexpr size_t kBytesMax = 1'100'000;  // of all files together

std::string read_file(const std::string& name) {
  std::ifstream in(std::string(ECSDB_VECTORS_DIR) + "/" + name, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string text_of(const GroupKind& kind) { return read_file(std::string(kind.name) + ".json"); }

std::string joined(const std::vector<std::string>& problems) {
  std::string out;
  for (const std::string& problem : problems) out += problem + "\n";
  return out;
}

Group parsed(const std::string& text) {
  std::string problem;
  std::optional<Group> group = Group::parse(text, problem);
  EXPECT_TRUE(group.has_value()) << problem;
  return group.value_or(Group());
}

class EveryGroup : public testing::TestWithParam<size_t> {
 protected:
  const GroupKind& kind() const { return group_kinds()[GetParam()]; }
};

TEST_P(EveryGroup, FileIsWhatTheCodeMakes) {
  std::vector<std::string> problems;
  const Group made = make_group(kind(), problems);
  EXPECT_TRUE(problems.empty()) << joined(problems);
  const std::vector<std::string> differs = drift(made, text_of(kind()));
  EXPECT_TRUE(differs.empty())
      << joined(differs) << "ecsdb-protocol-vectors --write docs/protocol/vectors writes them anew";
}

TEST_P(EveryGroup, FileSaysWhatTheDecodersDo) {
  const std::vector<std::string> problems = replay(kind(), text_of(kind()));
  EXPECT_TRUE(problems.empty()) << joined(problems);
}

// What would be a mistake in a file is seen by playing it, without making it anew.
TEST_P(EveryGroup, WrongOutcomeIsSeen) {
  const Group group = parsed(text_of(kind()));
  for (const Json& vector : group.vectors) {
    if (!can_play(vector)) continue;
    Group one = group;
    one.vectors = {vector};
    const std::string name = vector.at("name").text();
    ASSERT_TRUE(replay(kind(), one.to_text()).empty()) << name;
    for (const char* key : {"expect", "error", "text"}) {
      if (vector.find(key) == nullptr) continue;
      one.vectors = {vector};
      one.vectors[0].set(key, "something_else");
      EXPECT_FALSE(replay(kind(), one.to_text()).empty()) << name << ", " << key;
      one.vectors[0].remove(key);
      EXPECT_FALSE(replay(kind(), one.to_text()).empty()) << name << " without " << key;
    }
    for (size_t i = 0; i < vector.at("steps").items().size(); ++i) {
      const Json& step = vector.at("steps").items()[i];
      if (step.find("client") == nullptr && step.find("state") == nullptr) continue;
      Json steps = Json::array();
      for (const Json& other : vector.at("steps").items()) {
        if (&other != &step) steps.add(other);
      }
      one.vectors = {vector};
      one.vectors[0].set("steps", steps);
      EXPECT_FALSE(replay(kind(), one.to_text()).empty()) << name << ", step " << i;
    }
  }
}

/// The longest string of hex digits in a vector's input, if any.
void find_input(Json& json, Json*& longest) {
  if (json.kind() == Json::Kind::kString && json.text().size() >= 2 && from_hex(json.text()) &&
      (longest == nullptr || json.text().size() > longest->text().size())) {
    longest = &json;
  }
  for (Json& item : json.items()) find_input(item, longest);
  for (Json::Member& member : json.members()) {
    const bool is_input = member.first != "expect" && member.first != "setup" &&
                          member.first != "state" && member.first != "client";
    if (is_input) find_input(member.second, longest);
  }
}

// Bytes that are wrong are seen by playing them: where a digit of the input is another one, hardly
// anything comes out as the file says. What is refused may well be refused all the same, and bits
// of padding do not count.
TEST_P(EveryGroup, WrongBytesAreSeen) {
  const Group group = parsed(text_of(kind()));
  size_t planted = 0;
  size_t seen = 0;
  for (const Json& vector : group.vectors) {
    if (!can_play(vector) || is_reject(vector)) continue;
    Group one = group;
    one.vectors = {vector};
    Json* bytes = nullptr;
    find_input(one.vectors[0], bytes);
    if (bytes == nullptr) continue;
    std::string digits = bytes->text();
    char& digit = digits[digits.size() / 2];
    digit = digit == '7' ? '3' : '7';
    *bytes = Json(digits);
    ++planted;
    seen += !replay(kind(), one.to_text()).empty();
  }
  EXPECT_GT(planted, 0u);
  EXPECT_GE(seen * 4, planted * 3) << seen << " of " << planted;
  RecordProperty("planted", static_cast<int>(planted));
  RecordProperty("seen", static_cast<int>(seen));
}

// Every byte counts: one that changes is a difference from what is made.
TEST_P(EveryGroup, AnyChangedByteIsSeen) {
  const std::string text = text_of(kind());
  std::vector<std::string> problems;
  const Group made = make_group(kind(), problems);
  ASSERT_FALSE(text.empty());
  for (size_t at = 0; at < text.size(); at += 1 + text.size() / 97) {
    std::string changed = text;
    changed[at] = changed[at] == '7' ? '8' : '7';
    // Vectors made with a library may differ from what is made here.
    const size_t begin = text.rfind('\n', at) + 1;
    const std::string line = text.substr(begin, text.find('\n', at) - begin);
    if (line.find("\"library\": true") != std::string::npos) continue;
    EXPECT_FALSE(drift(made, changed).empty()) << "byte " << at;
  }
}

std::string group_name(const testing::TestParamInfo<size_t>& info) {
  std::string name = group_kinds()[info.param].name;
  std::erase(name, '-');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Vectors, EveryGroup, testing::Range(size_t{0}, group_kinds().size()),
                         group_name);

TEST(Vectors, NamesAreUniqueAndAThirdIsRefused) {
  std::set<std::string> names;
  size_t count = 0;
  size_t rejects = 0;
  size_t bytes = 0;
  for (const GroupKind& kind : group_kinds()) {
    const std::string text = text_of(kind);
    bytes += text.size();
    const Group group = parsed(text);
    for (const Json& vector : group.vectors) {
      EXPECT_TRUE(names.insert(vector.at("name").text()).second) << vector.at("name").text();
      ++count;
      rejects += is_reject(vector);
    }
  }
  EXPECT_GE(count, 300u);
  EXPECT_GE(rejects * 3, count);
  EXPECT_LE(bytes, kBytesMax);
}

TEST(Vectors, EveryFileIsInTheReadme) {
  const std::string readme = read_file("README.md");
  for (const GroupKind& kind : group_kinds()) {
    EXPECT_NE(readme.find(std::string("`") + kind.name + ".json`"), std::string::npos) << kind.name;
  }
}

TEST(Vectors, JsonComesBackAsItWas) {
  const char* good[] = {"null",
                        "[]",
                        "{}",
                        "[1, -2.5e-7, \"\"]",
                        "{\"a\": {\"b\": [true, false]}, \"c\": \"\\\"\\\\\"}",
                        "\"z\xc3\xab\""};
  for (const char* text : good) {
    std::string problem;
    const std::optional<Json> json = Json::parse(text, problem);
    ASSERT_TRUE(json.has_value()) << text << ": " << problem;
    EXPECT_EQ(json->to_string(), text);
  }
  const char* bad[] = {
      "",     "{",      "[1",      "[1,]",      "{\"a\" 1}", "{\"a\": 1, \"a\": 2}",
      "nul",  "\"a",    "1 2",     "\"\\q\"",   "[1 2]",     "\"\n\"",
      "1..2", "{a: 1}", "\"\\u00", "{\"a\": }", "--1",       "\"\\u1234\""};
  for (const char* text : bad) {
    std::string problem;
    EXPECT_FALSE(Json::parse(text, problem).has_value()) << text;
    EXPECT_FALSE(problem.empty()) << text;
  }
  std::string problem;
  EXPECT_FALSE(Json::parse(std::string(1000, '['), problem).has_value());
}

}  // namespace
}  // namespace ecsdb::vectors
