// Options of the programs: --name VALUE, --name=VALUE and --switch, checked against a list.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ecsdb/base/result.h"
#include "ecsdb/base/time.h"

namespace ecsdb {

/// One option. Without `value` it is a switch. Without `help` it is left out of the help text.
struct OptionSpec {
  std::string_view name;   // with its dashes
  std::string_view value;  // what the help calls its value
  std::string_view help;
};

/// A program, or one verb of it. Made of literals.
struct CommandSpec {
  std::string_view name;   // "ecsdb load"
  std::string_view usage;  // what follows the name in the usage line
  std::string_view about;  // paragraphs below it
  std::span<const OptionSpec> options;
  std::string_view notes;  // behind the options; may be empty
  size_t positional_max = 0;
};

/// For `--help`, which every command has without listing it.
std::string help_text(const CommandSpec& spec);

/// Prints `NAME: what is wrong` and where help is to standard error; returns kExitUsage.
int report_usage(const CommandSpec& spec, const Error& error);

/// Parsed arguments. A value.
class CommandLine {
 public:
  /// kUsage: unknown option (with a near one), missing or unwanted value, too many words.
  static Result<CommandLine> parse(const CommandSpec& spec, std::span<const char* const> arguments);

  bool has(std::string_view option) const { return values_.find(option) != values_.end(); }
  /// The last value given, or `fallback`.
  std::string text(std::string_view option, std::string fallback = {}) const;
  /// Every value given, in order.
  std::vector<std::string> all(std::string_view option) const;
  /// kUsage if it is no whole number from `min` to `max`.
  Result<uint64_t> number(std::string_view option, uint64_t min, uint64_t max,
                          uint64_t fallback) const;
  /// A number above 0, which may have a fraction, and at most `max`. kUsage.
  Result<double> positive(std::string_view option, double max, double fallback) const;
  /// A number of seconds, which may have a fraction, more than 0 and at most a week. kUsage.
  Result<Duration> seconds(std::string_view option, Duration fallback) const;
  const std::vector<std::string>& positional() const { return positional_; }
  bool wants_help() const { return has("--help"); }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::vector<std::string> positional_;
};

}  // namespace ecsdb
