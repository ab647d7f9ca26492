// Texts of people: a schema that is accepted survives its binary form; mistakes have places inside
// of the text, in order, and can be shown.
//
//   input: bit 0 of u8: a server's configuration, else a schema | the text
#include <string>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/toml/options_toml.h"
#include "ecsdb/toml/schema_toml.h"

#include "fuzz_input.h"

namespace ecsdb::fuzz {
namespace {

size_t characters_of(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

/// The line behind the last one, and the columns behind a line's end and behind its newline, are
/// places too: there something is missing.
void check_place(std::string_view text, const TextProblem& problem) {
  ECSDB_CHECK(problem.line >= 1 && problem.column >= 1);
  for (int line = 1; line < problem.line; ++line) {
    const size_t end = text.find('\n');
    ECSDB_CHECK(end != std::string_view::npos || line + 1 == problem.line);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  ECSDB_CHECK(static_cast<size_t>(problem.column) <= characters_of(text) + 2);
}

void check_problems(std::string_view text, const std::vector<TextProblem>& problems) {
  ECSDB_CHECK(!problems.empty());
  for (size_t i = 0; i < problems.size(); ++i) {
    check_place(text, problems[i]);
    ECSDB_CHECK(!problems[i].message.empty());
    if (i == 0) continue;
    const TextProblem& before = problems[i - 1];
    ECSDB_CHECK(before.line < problems[i].line ||
                (before.line == problems[i].line && before.column <= problems[i].column));
  }
  ECSDB_CHECK(!render_problems(text, "file.toml", problems).empty());
}

void check_schema(std::string_view text) {
  std::vector<TextProblem> problems;
  const auto schema = parse_schema_toml(text, "file.toml", &problems);
  if (!schema.ok()) return check_problems(text, problems);
  ECSDB_CHECK(problems.empty());
  const Bytes bytes = encode_schema(schema->def());
  const auto again = decode_schema(bytes);
  ECSDB_CHECK(again.ok() && again->fingerprint() == schema->fingerprint());
  ECSDB_CHECK(encode_schema(again->def()) == bytes);
}

void check_config(std::string_view text) {
  std::vector<TextProblem> problems;
  const auto config = parse_server_toml(text, "file.toml", &problems);
  if (!config.ok()) return check_problems(text, problems);
  ECSDB_CHECK(problems.empty());
  ECSDB_CHECK(config->tokens.size() <= kStaticTokensMax && config->tick_hz <= kTickHzMax);
  ECSDB_CHECK(config->server.block_bytes_max <= kBlockBytesMax);
}

}  // namespace
}  // namespace ecsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ecsdb::fuzz::Input in(data, size);
  const bool is_config = (in.u8() & 1) != 0;
  const std::string text(ecsdb::as_text(in.rest()));
  if (is_config) {
    ecsdb::fuzz::check_config(text);
  } else {
    ecsdb::fuzz::check_schema(text);
  }
  return 0;
}
