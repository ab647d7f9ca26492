#include "ecsdb/toml/text_problem.h"

#include <gtest/gtest.h>

namespace ecsdb {
namespace {

TEST(TextProblem, RenderingShowsLineCaretAndSuggestion) {
  const std::vector<TextProblem> problems = {{2, 3, "unknown key \"nmae\"", "name"},
                                             {3, 1, "something", ""}};
  EXPECT_EQ(render_problems("[a]\n\t\tnmae = 1\r\nlast", "f.toml", problems),
            "f.toml:2:3: error: unknown key \"nmae\"\n"
            "\t\tnmae = 1\n"
            "\t\t^\n"
            "did you mean \"name\"?\n"
            "f.toml:3:1: error: something\n"
            "last\n"
            "^\n");
}

TEST(TextProblem, CaretCountsCharactersNotBytes) {
  EXPECT_EQ(render_problems("\"\xc3\xa9\xc3\xa9\" = x", "f", {{1, 8, "no", ""}}),
            "f:1:8: error: no\n\"\xc3\xa9\xc3\xa9\" = x\n       ^\n");
}

// Nothing of a file reaches a terminal that the terminal would obey.
TEST(TextProblem, ShowsWhatCannotBeShownAsQuestionMarks) {
  EXPECT_EQ(render_problems("a\x1b[31m\x7f\tb", "f", {{1, 1, "key \"\x1b\"", ""}}),
            "f:1:1: error: key \"?\"\na?[31m?\tb\n^\n");
  EXPECT_EQ(render_problems("\xc3\xa9\xc2\x9b", "f", {{1, 1, "no", ""}}),
            "f:1:1: error: no\n\xc3\xa9??\n^\n");
  EXPECT_EQ(render_problems("\xc3\xa9\xff", "f", {{1, 1, "no", ""}}), "f:1:1: error: no\n???\n^\n");
}

TEST(TextProblem, LongLineIsCutBetweenCharacters) {
  const std::string line = std::string(199, 'a') + "\xc3\xa9" + std::string(50, 'b');
  EXPECT_EQ(render_problems(line, "f", {{1, 1, "no", ""}}),
            "f:1:1: error: no\n" + std::string(199, 'a') + "\n^\n");
}

TEST(TextProblem, PlaceBeyondTheTextShowsTheMessageOnly) {
  EXPECT_EQ(render_problems("a\n", "f", {{9, 4, "gone", ""}}), "f:9:4: error: gone\n");
  EXPECT_EQ(render_problems("ab", "f", {{1, 40, "far", ""}}), "f:1:40: error: far\nab\n  ^\n");
}

TEST(TextProblem, SortingKeepsOrderAtOnePlace) {
  std::vector<TextProblem> problems = {
      {3, 1, "c", ""}, {1, 5, "b", ""}, {1, 2, "first", ""}, {1, 2, "second", ""}};
  sort_problems(problems);
  EXPECT_EQ(problems[0].message, "first");
  EXPECT_EQ(problems[1].message, "second");
  EXPECT_EQ(problems[2].message, "b");
  EXPECT_EQ(problems[3].message, "c");
}

TEST(TextProblem, ErrorNamesTheFirstAndCountsTheRest) {
  const Error error =
      error_of_problems(ErrorCode::kSchemaInvalid, "f", {{1, 2, "bad", ""}, {3, 4, "worse", ""}});
  EXPECT_EQ(error.to_string(), "schema_invalid: f:1:2: bad (and 1 more)");
}

}  // namespace
}  // namespace ecsdb
