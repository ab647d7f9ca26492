// Reading options from a parsed TOML file: typed, with every mistake reported at its place.
//
//   TomlTable root(*tree, "", &problems);
//   TomlTable net = root.table("net");
//   if (auto port = net.integer("port", 0, 65535)) options.port = checked_cast<uint16_t>(*port);
//   if (auto tick = net.duration("tick")) options.tick = *tick;
//   net.finish();
//   root.finish();
//   if (!problems.empty()) ...
//
// A reader names each key it knows once, present or not; finish() then reports the others with a
// near name. A key of a wrong type or out of range is reported and gives nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ecsdb/base/time.h"
#include "ecsdb/toml/toml_reader.h"

namespace ecsdb {

/// A position in a text.
struct TextPosition {
  int line = 0;
  int column = 0;
};

/// One table of the file. Refers to the tree and the list of problems, which must outlive it. A
/// table that is absent from the file is empty and reports nothing.
class TomlTable {
 public:
  /// `path` is for messages ("net.limits"); empty for the root.
  TomlTable(const TomlNode& node, std::string path, std::vector<TextProblem>* problems);

  bool present() const { return node_ != nullptr; }
  bool has(std::string_view key) const;
  /// Of the key's value, else of the table.
  TextPosition position(std::string_view key) const;

  std::optional<std::string> string(std::string_view key);
  /// One of `choices`; another text is reported with a near one.
  std::optional<std::string> choice(std::string_view key, const std::vector<std::string>& choices);
  std::optional<bool> boolean(std::string_view key);
  std::optional<int64_t> integer(std::string_view key, int64_t min = INT64_MIN,
                                 int64_t max = INT64_MAX);
  /// A float or an integer; NaN is refused.
  std::optional<double> number(std::string_view key, double min, double max);
  /// Text with a unit: "250ms", "1.5s"; units ns, us, ms, s, min, h. Never negative.
  std::optional<Duration> duration(std::string_view key, Duration min = Duration{0},
                                   Duration max = Duration{INT64_MAX});
  std::optional<std::vector<std::string>> strings(std::string_view key);
  std::optional<std::vector<int64_t>> integers(std::string_view key);
  /// The key's value as it stands in the file, or null; counts as asked for.
  const TomlNode* node(std::string_view key);
  /// A table below this one.
  TomlTable table(std::string_view key);
  /// The tables of [[key]]; empty if there are none.
  std::vector<TomlTable> tables(std::string_view key);
  /// Keys of the file that were not asked for so far, and marks them as known: for tables whose
  /// keys are names that the user chose.
  std::vector<std::string> other_keys();

  /// Reports a problem with a key's value (or with the table, if it has no such key), such as a
  /// combination that makes no sense.
  void problem(std::string_view key, std::string message, std::string suggestion = {});
  /// Reports keys that nobody asked for.
  void finish();

 private:
  explicit TomlTable(std::vector<TextProblem>* problems) : problems_(problems) {}
  const TomlNode* typed(std::string_view key, TomlNode::Kind kind, const char* wanted);
  std::string path_of(std::string_view key) const;
  void wrong_type(std::string_view key, const TomlNode& node, const char* wanted);

  const TomlNode* node_ = nullptr;
  std::string path_;
  std::vector<TextProblem>* problems_;
  std::vector<std::string> known_;
};

/// "250ms" and the like; nothing for anything else, negative or beyond 64 bits of nanoseconds.
std::optional<Duration> parse_duration(std::string_view text);

}  // namespace ecsdb
