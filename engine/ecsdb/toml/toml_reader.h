// TOML text as a plain tree with the place of every key and value. Its source is the only user of
// toml++, which no header shows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ecsdb/base/result.h"
#include "ecsdb/toml/text_problem.h"

namespace ecsdb {

inline constexpr size_t kTomlBytesMax = 4u << 20;
inline constexpr size_t kTomlLineBytesMax = 4096;  // bounds how deep dotted keys nest

struct TomlMember;

/// A value. Which member holds it depends on the kind.
struct TomlNode {
  enum class Kind : uint8_t { kTable, kArray, kString, kInteger, kFloat, kBool, kTime };
  Kind kind = Kind::kTable;
  int line = 0;                     // from 1
  int column = 0;                   // from 1, in characters
  std::string text;                 // kString
  int64_t integer = 0;              // kInteger
  double number = 0;                // kFloat
  bool flag = false;                // kBool
  std::vector<TomlMember> members;  // kTable, in the order of the file
  std::vector<TomlNode> items;      // kArray

  /// The member of a table, or null.
  const TomlMember* find(std::string_view key) const;
  /// "a table", "an integer", ...
  const char* kind_text() const;
};

struct TomlMember {
  std::string key;
  int line = 0;  // of the key
  int column = 0;
  TomlNode value;
};

/// Parses a text of at most kTomlBytesMax. kSyntax, with the problem added to `problems`: the
/// parser stops at the first one. `file_name` is for the error only.
Result<TomlNode> parse_toml(std::string_view text, std::string_view file_name,
                            std::vector<TextProblem>* problems);

}  // namespace ecsdb
