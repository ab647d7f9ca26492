#include "ecsdb/toml/toml_reader.h"

#include <gtest/gtest.h>

namespace ecsdb {
namespace {

TEST(TomlReader, MembersStandInTheOrderOfTheFileWithPlaces) {
  std::vector<TextProblem> problems;
  const Result<TomlNode> root =
      parse_toml("zeta = 1\n[b]\ny.x = \"t\"\nlist = [1, 2.5, true]\n[a]\n", "f", &problems);
  ASSERT_TRUE(root.ok());
  ASSERT_EQ(root->members.size(), 3u);
  EXPECT_EQ(root->members[0].key, "zeta");
  EXPECT_EQ(root->members[0].value.integer, 1);
  EXPECT_EQ(root->members[1].key, "b");
  EXPECT_EQ(root->members[1].line, 2);
  EXPECT_EQ(root->members[1].column, 2);
  EXPECT_EQ(root->members[2].key, "a");
  const TomlNode& b = root->members[1].value;
  ASSERT_EQ(b.members.size(), 2u);
  const TomlMember& x = b.members[0].value.members[0];
  EXPECT_EQ(x.value.text, "t");
  EXPECT_EQ(x.line, 3);
  EXPECT_EQ(x.column, 3);
  EXPECT_EQ(x.value.column, 7);
  const TomlNode& list = b.find("list")->value;
  ASSERT_EQ(list.items.size(), 3u);
  EXPECT_EQ(list.items[1].number, 2.5);
  EXPECT_TRUE(list.items[2].flag);
  EXPECT_EQ(b.find("nothing"), nullptr);
}

struct Mistake {
  const char* text;
  int line;
  int column;
  const char* fragment;
};

TEST(TomlReader, SyntaxErrorsSayWhatToDo) {
  const Mistake mistakes[] = {
      {"a = anon\n", 1, 5, "text stands in double quotes"},
      {"a = \"x\nb = 1\n", 1, 7, "no closing quote"},
      {"a = 'x\n", 1, 7, "no closing quote"},
      {"a = 1\na = 2\n", 2, 5, "already given above"},
      {"[a]\nx = 1\n[a]\n", 3, 1, "already given above"},
      {"a = { b = 1 }\na.c = 2\n", 2, 1, "{ ... } has closed"},
      {"a = [1, 2\n", 1, 11, "its ] is missing"},
      {"a = { b = 1 c = 2 }\n", 1, 13, "a comma must stand between"},
      {"a = { b = 1,\n c = 2 }\n", 1, 13, "on one line"},
      {"a 1\n", 1, 3, "followed by ="},
      {"a = \n", 1, 5, "no value after ="},
      {"a = 012\n", 1, 8, "must not start with 0"},
      {"a = \"\\q\"\n", 1, 7, "single quotes"},
      {"a = \"\"\"abc\n", 1, 12, "closing quote is missing"},
      {"a = 99999999999999999999\n", 1, 25, "does not fit 64 bits"},
      {"a = True\n", 1, 5, "lower case"},
      {"a = \"\xff\"\n", 1, 5, "not UTF-8"},
      {"[a\nb = 1\n", 1, 3, "ends with ]"},
      {"[=]\n", 1, 2, "a name is expected here"},
      {"a.=1\n", 1, 3, "a name is expected here"},
      {"a = 1 b = 2\n", 1, 7, "only a comment"},
      {"= 1\n", 1, 1, "not TOML"},
  };
  for (const Mistake& mistake : mistakes) {
    std::vector<TextProblem> problems;
    const Result<TomlNode> root = parse_toml(mistake.text, "f", &problems);
    ASSERT_FALSE(root.ok()) << mistake.text;
    EXPECT_EQ(root.code(), ErrorCode::kSyntax);
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_EQ(problems[0].line, mistake.line) << mistake.text;
    EXPECT_EQ(problems[0].column, mistake.column) << mistake.text;
    EXPECT_NE(problems[0].message.find(mistake.fragment), std::string::npos)
        << mistake.text << problems[0].message;
  }
}

// Outside of texts and comments, where the parser asks what kind of blank they are.
TEST(TomlReader, LettersOfAnyScriptAreMistakesInTheirPlace) {
  for (const char* letter : {"\xca\x8a", "\xc2\xa1", "\xd2\x99", "\xe3\x80\x81", "\xef\xbb\xbe"}) {
    std::vector<TextProblem> problems;
    EXPECT_EQ(parse_toml(letter + std::string("0"), "f", &problems).code(), ErrorCode::kSyntax);
    EXPECT_EQ(problems.back().column, 1);
    EXPECT_EQ(parse_toml("a = " + std::string(letter), "f", &problems).code(), ErrorCode::kSyntax);
    EXPECT_EQ(problems.back().column, 5);
  }
  std::vector<TextProblem> problems;
  EXPECT_TRUE(parse_toml("a = \"\xca\x8a\"  # \xd2\x99\n", "f", &problems).ok());
}

TEST(TomlReader, LimitsAreRefusedBeforeParsing) {
  std::vector<TextProblem> problems;
  std::string deep = "a = 1\n[a";
  while (deep.size() < 3 * kTomlLineBytesMax) deep += ".a";
  EXPECT_EQ(parse_toml(deep, "f", &problems).code(), ErrorCode::kSyntax);
  EXPECT_EQ(problems.back().line, 2);
  EXPECT_NE(problems.back().message.find("break it up"), std::string::npos);
  EXPECT_EQ(parse_toml(std::string(kTomlBytesMax + 1, '\n'), "f", &problems).code(),
            ErrorCode::kSyntax);
  EXPECT_NE(problems.back().message.find("bytes, at most"), std::string::npos);
  std::string lists = "a = ";
  lists += std::string(3000, '[') + std::string(1000, ']');
  EXPECT_EQ(parse_toml(lists, "f", &problems).code(), ErrorCode::kSyntax);
}

}  // namespace
}  // namespace ecsdb
