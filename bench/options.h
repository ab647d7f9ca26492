// The command line: `ecsdb-bench WHAT [--name value...]`.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "ecsdb/base/result.h"

namespace bench {

/// One option that a benchmark takes.
struct OptionSpec {
  std::string_view name;  // without the dashes
  std::string_view help;
  uint64_t max = 0;  // numbers are 1..max; 0: a text
};

/// What was given, checked against the specs; the defaults belong to the benchmark. A value.
class Options {
 public:
  /// `arguments` come after WHAT. --json, --quick and --help are always known. kUsage with what is
  /// wrong and what is allowed.
  static ecsdb::Result<Options> parse(std::span<const char* const> arguments,
                                      std::span<const OptionSpec> specs);

  bool json() const { return json_; }
  bool quick() const { return quick_; }
  bool help() const { return help_; }
  bool has(std::string_view name) const { return values_.find(name) != values_.end(); }
  /// The number given, else the default of a full or a quick run.
  uint64_t number(std::string_view name, uint64_t full, uint64_t quick) const;
  std::string text(std::string_view name, std::string_view fallback) const;

 private:
  struct Given {
    std::string text;
    uint64_t number = 0;
  };
  bool json_ = false;
  bool quick_ = false;
  bool help_ = false;
  std::map<std::string, Given, std::less<>> values_;
};

}  // namespace bench
