#include "ecsdb/toml/config_reader.h"

#include <gtest/gtest.h>

namespace ecsdb {
namespace {

TomlNode parse(const char* text) {
  std::vector<TextProblem> problems;
  Result<TomlNode> root = parse_toml(text, "f", &problems);
  EXPECT_TRUE(root.ok());
  return *root;
}

TEST(ConfigReader, ValuesOfEachTypeAreRead) {
  const TomlNode tree = parse(
      "name = \"x\"\non = true\ncount = 3\nratio = 2\ntick = \"1.5ms\"\nmode = \"b\"\n"
      "hosts = [\"a\", \"b\"]\nports = [1, 2]\n[net]\nport = 7\n[[link]]\nid = 1\n[[link]]\nid = "
      "2\n");
  std::vector<TextProblem> problems;
  TomlTable root(tree, "", &problems);
  EXPECT_EQ(root.string("name"), "x");
  EXPECT_EQ(root.boolean("on"), true);
  EXPECT_EQ(root.integer("count", 0, 9), 3);
  EXPECT_EQ(root.number("ratio", 0, 9), 2.0);
  EXPECT_EQ(root.duration("tick"), Duration::us(1500));
  EXPECT_EQ(root.choice("mode", {"a", "b"}), "b");
  EXPECT_EQ(root.strings("hosts"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(root.integers("ports"), (std::vector<int64_t>{1, 2}));
  TomlTable net = root.table("net");
  EXPECT_EQ(net.integer("port"), 7);
  net.finish();
  std::vector<TomlTable> links = root.tables("link");
  ASSERT_EQ(links.size(), 2u);
  EXPECT_EQ(links[1].integer("id"), 2);
  EXPECT_EQ(root.string("absent"), std::nullopt);
  TomlTable absent = root.table("gone");
  EXPECT_FALSE(absent.present());
  EXPECT_EQ(absent.integer("n"), std::nullopt);
  absent.finish();
  root.finish();
  EXPECT_TRUE(problems.empty());
}

TEST(ConfigReader, UnknownKeysAreReportedWithNearNames) {
  const TomlNode tree = parse("[net]\nprot = 7\nother = 1\n");
  std::vector<TextProblem> problems;
  TomlTable root(tree, "", &problems);
  TomlTable net = root.table("net");
  EXPECT_EQ(net.integer("port"), std::nullopt);
  net.finish();
  root.finish();
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0], (TextProblem{2, 1, "unknown key \"prot\" in net", "port"}));
  EXPECT_EQ(problems[1], (TextProblem{3, 1, "unknown key \"other\" in net", ""}));
}

TEST(ConfigReader, WrongTypesAndRangesAreReportedAtTheValue) {
  const TomlNode tree = parse(
      "a = 1\nb = \"x\"\nc = 99\nd = nan\ne = \"5 parsecs\"\nf = \"2h\"\ng = \"alpa\"\nh = [1, "
      "\"x\"]\n"
      "i = [\"x\", 1]\nj = 3\nk = [3]\nl = 1.5\nm = 5\n");
  std::vector<TextProblem> problems;
  TomlTable root(tree, "net", &problems);
  EXPECT_FALSE(root.string("a"));
  EXPECT_FALSE(root.boolean("b"));
  EXPECT_FALSE(root.integer("c", 0, 9));
  EXPECT_FALSE(root.number("d", 0, 9));
  EXPECT_FALSE(root.duration("e"));
  EXPECT_FALSE(root.duration("f", Duration::ms(1), Duration::seconds(90)));
  EXPECT_FALSE(root.choice("g", {"alpha", "beta"}));
  EXPECT_FALSE(root.integers("h"));
  EXPECT_FALSE(root.strings("i"));
  EXPECT_FALSE(root.table("j").present());
  EXPECT_TRUE(root.tables("k").empty());
  EXPECT_FALSE(root.integer("l"));
  EXPECT_FALSE(root.duration("m"));
  root.finish();
  const char* expected[] = {
      "net.a must be text in quotes, but this is an integer",
      "net.b must be true or false, but this is text",
      "net.c must be from 0 to 9, not 99",
      "net.d must be from 0 to 9, not nan",
      "net.e must be a time with its unit",
      "net.f must be from 1ms to 90s, not 2h",
      "net.g must be one of \"alpha\", \"beta\"",
      "net.h must be a list of integers, but this is text",
      "net.i must be a list of texts, but this is an integer",
      "net.j must be a table, but this is an integer",
      "net.k must be a list of tables",
      "net.l must be an integer, but this is a float",
      "net.m must be a time with its unit",
  };
  ASSERT_EQ(problems.size(), std::size(expected));
  for (size_t i = 0; i < std::size(expected); ++i) {
    EXPECT_EQ(problems[i].message.rfind(expected[i], 0), 0u) << problems[i].message;
    EXPECT_EQ(problems[i].line, static_cast<int>(i) + 1);
  }
  EXPECT_EQ(problems[6].suggestion, "alpha");
  EXPECT_EQ(problems[7].column, 9);
}

TEST(ConfigReader, KeysChosenByTheUserCanBeListed) {
  const TomlNode tree = parse("[t]\nfixed = 1\nb = 2\na = 3\n");
  std::vector<TextProblem> problems;
  TomlTable root(tree, "", &problems);
  TomlTable table = root.table("t");
  table.integer("fixed");
  EXPECT_EQ(table.other_keys(), (std::vector<std::string>{"b", "a"}));
  table.finish();
  EXPECT_TRUE(problems.empty());
  table.problem("a", "too much of it");
  EXPECT_EQ(problems.back(), (TextProblem{4, 5, "too much of it", ""}));
  EXPECT_EQ(table.position("nothing").line, 1);
}

TEST(ConfigReader, DurationsNeedAKnownUnit) {
  EXPECT_EQ(parse_duration("0s"), Duration{0});
  EXPECT_EQ(parse_duration("250ms"), Duration::ms(250));
  EXPECT_EQ(parse_duration("2 min"), Duration::seconds(120));
  EXPECT_EQ(parse_duration("3ns"), Duration{3});
  EXPECT_EQ(parse_duration("0.5us"), Duration{500});
  EXPECT_EQ(parse_duration("1h"), Duration::seconds(3600));
  for (const char* bad :
       {"", "5", "ms", "-1s", "1 day", "1s ", "inf s", "nan s", "1e3s", "9999999999h"}) {
    EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace ecsdb
