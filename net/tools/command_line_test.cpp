#include "tools/command_line.h"

#include <gtest/gtest.h>

namespace ecsdb {
namespace {

constexpr OptionSpec kOptions[] = {
    {"--url", "URL", "where to connect"},
    {"--clients", "N", "how many"},
    {"--seconds", "T", "how long\nand on a second line"},
    {"--json", "", "print JSON"},
    {"--control", "", ""},
};
constexpr CommandSpec kSpec{"tool verb", "--url URL [options]", "Does it.", kOptions, "Notes.", 1};

Result<CommandLine> parse(std::vector<const char*> arguments) {
  return CommandLine::parse(kSpec, arguments);
}

TEST(CommandLine, ValuesSwitchesAndWordsAreToldApart) {
  const auto line = parse({"--url", "a", "word", "--json", "--url=b=c"});
  ASSERT_TRUE(line.ok()) << line.error().context;
  EXPECT_EQ(line->text("--url"), "b=c");
  EXPECT_EQ(line->all("--url"), (std::vector<std::string>{"a", "b=c"}));
  EXPECT_TRUE(line->has("--json"));
  EXPECT_FALSE(line->has("--clients"));
  EXPECT_EQ(line->positional(), std::vector<std::string>{"word"});
  EXPECT_EQ(line->text("--clients", "none"), "none");
}

struct BadLine {
  std::vector<const char*> arguments;
  const char* message;
};

TEST(CommandLine, MistakesAreNamed) {
  const BadLine cases[] = {
      {{"--urll", "a"}, "there is no option --urll; did you mean --url?"},
      {{"--contrl"}, "there is no option --contrl"},
      {{"--url"}, "--url needs a value: URL"},
      {{"--json=1"}, "--json takes no value"},
      {{"a", "b"}, "what is 'b' meant to be?"},
  };
  for (const BadLine& bad : cases) {
    const auto line = parse(bad.arguments);
    ASSERT_FALSE(line.ok()) << bad.message;
    EXPECT_EQ(line.code(), ErrorCode::kUsage);
    EXPECT_EQ(line.error().context, bad.message);
  }
}

TEST(CommandLine, NumbersAreChecked) {
  const auto good = parse({"--clients", "12", "--seconds", "0.25"});
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(good->number("--clients", 1, 100, 5).value(), 12u);
  EXPECT_EQ(good->seconds("--seconds", Duration::seconds(1)).value(), Duration::ms(250));
  const auto none = parse({});
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(none->number("--clients", 1, 100, 5).value(), 5u);
  EXPECT_EQ(none->seconds("--seconds", Duration::seconds(1)).value(), Duration::seconds(1));
  for (const char* text : {"", "0", "101", "1x", "-1", "1.5", "99999999999999999999"}) {
    const auto line = parse({"--clients", text});
    ASSERT_TRUE(line.ok());
    EXPECT_EQ(line->number("--clients", 1, 100, 5).code(), ErrorCode::kUsage) << text;
  }
  for (const char* text : {"", "0", "-1", "1s", "nan", "inf", "1e3", "700000"}) {
    const auto line = parse({"--seconds", text});
    ASSERT_TRUE(line.ok());
    EXPECT_EQ(line->seconds("--seconds", Duration{1}).code(), ErrorCode::kUsage) << text;
  }
}

TEST(CommandLine, HelpListsWhatHasHelp) {
  const auto line = parse({"-h", "too", "many", "words"});
  ASSERT_TRUE(line.ok());
  EXPECT_TRUE(line->wants_help());
  const std::string text = help_text(kSpec);
  EXPECT_EQ(text.rfind("usage: tool verb --url URL [options]\n\nDoes it.\n", 0), 0u) << text;
  EXPECT_NE(text.find("  --clients N             how many\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\n                          and on a second line\n"), std::string::npos);
  EXPECT_EQ(text.find("--control"), std::string::npos);
}

}  // namespace
}  // namespace ecsdb
