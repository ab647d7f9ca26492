// The tables in docs/protocol are those of the declarations.
#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "protocol/doc_file.h"
#include "protocol/protocol_tables.h"

namespace ecsdb::protocol {
namespace {

std::string to_text(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) text += problem.to_string() + "\n";
  return text;
}

std::vector<Document> documents() {
  auto found = read_documents(std::string(ECSDB_SOURCE_DIR) + "/docs/protocol");
  EXPECT_TRUE(found.ok());
  return found.ok() ? *found : std::vector<Document>();
}

TEST(ProtocolDocument, TablesAreThoseOfTheDeclarations) {
  const auto problems = check_documents(documents(), render_sections());
  EXPECT_TRUE(problems.empty()) << to_text(problems)
                                << "put them right: ecsdb-protocol tables --write docs/protocol";
}

/// One byte of every line in turn, in a copy of the documents: each is seen, as that section's.
TEST(ProtocolDocument, WrongByteInAnyTableIsSeen) {
  const std::vector<Section> sections = render_sections();
  const std::vector<Document> right = documents();
  ASSERT_GT(sections.size(), 20u);
  for (const Section& section : sections) {
    SCOPED_TRACE(section.name);
    for (size_t line = 0; line < section.text.size(); line = section.text.find('\n', line) + 1) {
      std::vector<Section> wrong = sections;
      const auto at = std::find_if(wrong.begin(), wrong.end(),
                                   [&](const Section& s) { return s.name == section.name; });
      const size_t end = section.text.find('\n', line);
      char& byte = at->text[line + (end - line) / 2];
      byte = byte == 'x' ? 'y' : 'x';
      std::vector<Document> damaged = right;
      for (Document& document : damaged) document.text = with_sections(document, wrong);
      const auto problems = check_documents(damaged, sections);
      ASSERT_EQ(problems.size(), 1u) << to_text(problems);
      EXPECT_NE(problems[0].text.find("'" + section.name + "' differs"), std::string::npos);
      const std::string good = section.text.substr(line, end - line);
      EXPECT_NE(problems[0].text.find("+ " + good), std::string::npos) << problems[0].text;
    }
  }
}

TEST(ProtocolDocument, WritingPutsEveryTableRight) {
  const std::vector<Section> sections = render_sections();
  std::vector<Section> empty = sections;
  for (Section& section : empty) section.text.clear();
  for (const Document& document : documents()) {
    const Document emptied{document.path, with_sections(document, empty)};
    EXPECT_NE(emptied.text, document.text);
    EXPECT_EQ(with_sections(emptied, sections), document.text);
  }
}

std::vector<Problem> check_text(const std::string& text) {
  return check_documents({{"a.md", text}}, {{"known", "right\n"}});
}

TEST(ProtocolDocument, BrokenMarkersAreReported) {
  const std::string begin = "<!-- generated: known -->\n";
  const std::string good = begin + "\nright\n\n<!-- end -->\n";
  EXPECT_TRUE(check_text("# Title\n" + good + "text\n").empty());
  struct Case {
    std::string text;
    const char* problem;
  };
  const Case cases[] = {
      {"# Title\n", "'known' stands in no document"},
      {good + good, "'known' stands twice"},
      {good + "<!-- generated: other -->\n<!-- end -->\n", "nothing generates a section 'other'"},
      {good + "<!-- end -->\n", "an end of no section"},
      {good + "<!-- generated: other -->\n", "'other' has no end"},
      {"<!-- generated: other -->\n" + good, "'other' has no end"},
      {begin + "\nwrong\n\n<!-- end -->\n", "- wrong\n+ right"},
      {begin + "<!-- end -->\n", "+ right"},
  };
  for (const Case& c : cases) {
    const auto problems = check_text(c.text);
    ASSERT_EQ(problems.size(), 1u) << c.text << to_text(problems);
    EXPECT_NE(problems[0].text.find(c.problem), std::string::npos) << problems[0].text;
  }
}

TEST(ProtocolDocument, DifferenceShowsWhatIsBetweenEqualLines) {
  EXPECT_EQ(difference("a\nb\nc\nd\n", "a\nB\nC\nX\nd\n"), "- b\n- c\n+ B\n+ C\n+ X\n");
  EXPECT_EQ(difference("a\n", "a\n"), "");
  EXPECT_EQ(difference("a\na\n", "a\n"), "- a\n");
}

/// Bits of a block's body in stream order, by its line in the section of the worked example.
std::string bits_of_block(const std::string& name, size_t header_bytes) {
  for (const Section& section : render_sections()) {
    const size_t line = section.text.find("| " + name + " | `");
    if (section.name != "example-blocks" || line == std::string::npos) continue;
    const size_t begin = section.text.find('`', line) + 1;
    std::istringstream bytes(section.text.substr(begin, section.text.find('`', begin) - begin));
    std::string bits;
    for (std::string byte; bytes >> byte;) {
      if (header_bytes > 0 && header_bytes-- > 0) continue;
      const unsigned long value = std::stoul(byte, nullptr, 16);
      for (unsigned i = 0; i < 8; ++i) bits += (value >> i & 1) != 0 ? '1' : '0';
    }
    return bits;
  }
  return "no such block";
}

/// The bits that the prose explains below a heading: digits of the first cells of its table.
std::string explained_bits(const std::string& text, const std::string& heading) {
  const size_t begin = text.find("**" + heading + "**");
  if (begin == std::string::npos) return "no such heading";
  std::istringstream lines(text.substr(begin + 2, text.find("\n**", begin + 2) - begin - 2));
  std::string bits;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| `")) continue;
    for (const char c : line.substr(0, line.find(" | "))) bits += c == '0' || c == '1' ? c : ' ';
  }
  std::erase(bits, ' ');
  return bits;
}

TEST(ProtocolDocument, ExplanationOfTheWorkedExampleHasItsBits) {
  std::string text = documents()[0].text;
  text.resize(text.find("## 15. "));
  EXPECT_EQ(explained_bits(text, "The block of rows."), bits_of_block("rows", 3));
  for (const char* number : {"2", "3", "4"}) {
    EXPECT_EQ(explained_bits(text, std::string("Publish ") + number + "."),
              bits_of_block(std::string("publish ") + number, 1))
        << number;
  }
}

/// kFrameHeadBytesMax -> frame_head_bytes_max.
std::string snake(std::string_view name) {
  std::string out;
  for (const char c : name.substr(1)) {
    if (c >= 'A' && c <= 'Z' && !out.empty()) out += '_';
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

/// Names of the constants that a header declares.
std::vector<std::string> constants_of(const std::string& header) {
  std::ifstream file(std::string(ECSDB_SOURCE_DIR) + "/engine/ecsdb/" + header);
  std::vector<std::string> names;
  for (std::string line; std::getline(file, line);) {
    const size_t equals = line.find(" = ");
    if (!line.starts_with("inline constexpr ") || equals == std::string::npos) continue;
    const size_t begin = line.rfind(' ', equals - 1) + 1;
    names.push_back(line.substr(begin, equals - begin));
  }
  return names;
}

/// The precisions stand in the text of the schema's rules, the number that marks texts is ours, and
/// the others bind nobody on the other side.
TEST(ProtocolDocument, EveryLimitIsListed) {
  const std::set<std::string> left_out = {"kOutputPartsMax", "kSchemaProblemsMax", "kPrecisionMin",
                                          "kPrecisionMax", "kNoText"};
  const std::vector<std::string> listed = listed_limits();
  for (const char* header : {"wire/limits.h", "schema/schema.h"}) {
    const auto names = constants_of(header);
    ASSERT_GT(names.size(), 10u) << header;
    for (const std::string& name : names) {
      if (left_out.contains(name)) continue;
      EXPECT_TRUE(std::find(listed.begin(), listed.end(), snake(name)) != listed.end())
          << name << " of " << header << " is missing from proptests/protocol/limit_tables.cpp";
    }
  }
}

}  // namespace
}  // namespace ecsdb::protocol
