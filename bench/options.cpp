#include "options.h"

#include <algorithm>
#include <charconv>

namespace bench {

using ecsdb::ErrorCode;
using ecsdb::fail;
using ecsdb::Result;

namespace {

std::string known_options(std::span<const OptionSpec> specs) {
  std::string out;
  for (const OptionSpec& spec : specs) out += "--" + std::string(spec.name) + ", ";
  return out + "--quick, --json, --help";
}

Result<uint64_t> parse_number(const OptionSpec& spec, std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole = error == std::errc() && end == text.data() + text.size();
  if (is_whole && value >= 1 && value <= spec.max) return value;
  return fail(ErrorCode::kUsage, "--" + std::string(spec.name) +
                                     " wants a whole number from 1 to " + std::to_string(spec.max) +
                                     ", not \"" + std::string(text) + "\"");
}

}  // namespace

Result<Options> Options::parse(std::span<const char* const> arguments,
                               std::span<const OptionSpec> specs) {
  Options out;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument =
        arguments[i] == std::string_view("-h") ? "--help" : arguments[i];
    if (argument == "--json" || argument == "--quick" || argument == "--help") {
      (argument == "--json" ? out.json_ : argument == "--quick" ? out.quick_ : out.help_) = true;
      continue;
    }
    const auto spec = std::find_if(specs.begin(), specs.end(), [&](const OptionSpec& s) {
      return argument.size() == s.name.size() + 2 && argument.starts_with("--") &&
             argument.ends_with(s.name);
    });
    if (spec == specs.end()) {
      return fail(ErrorCode::kUsage, "unknown argument \"" + std::string(argument) +
                                         "\"; known here: " + known_options(specs));
    }
    if (i + 1 == arguments.size()) {
      return fail(ErrorCode::kUsage, std::string(argument) + " wants a value");
    }
    Given given;
    given.text = arguments[++i];
    if (spec->max != 0) {
      const Result<uint64_t> number = parse_number(*spec, given.text);
      if (!number.ok()) return number.error();
      given.number = *number;
    }
    out.values_.insert_or_assign(std::string(spec->name), std::move(given));
  }
  return out;
}

uint64_t Options::number(std::string_view name, uint64_t full, uint64_t quick) const {
  const auto found = values_.find(name);
  return found != values_.end() ? found->second.number : quick_ ? quick : full;
}

std::string Options::text(std::string_view name, std::string_view fallback) const {
  const auto found = values_.find(name);
  return found != values_.end() ? found->second.text : std::string(fallback);
}

}  // namespace bench
