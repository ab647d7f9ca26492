#include "tools/command_line.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>

#include "ecsdb/schema/schema.h"

#include "tools/exit_code.h"

namespace ecsdb {
namespace {

constexpr size_t kHelpColumn = 26;
constexpr double kSecondsMax = 7 * 24 * 3600;

const OptionSpec* find_option(const CommandSpec& spec, std::string_view name) {
  static constexpr OptionSpec kHelp{"--help", "", "this text"};
  if (name == "--help" || name == "-h") return &kHelp;
  const auto found = std::find_if(spec.options.begin(), spec.options.end(),
                                  [&](const OptionSpec& option) { return option.name == name; });
  return found == spec.options.end() ? nullptr : &*found;
}

Error unknown_option(const CommandSpec& spec, std::string_view name) {
  std::vector<std::string> names;
  for (const OptionSpec& option : spec.options) {
    if (!option.help.empty()) names.emplace_back(option.name);
  }
  std::string message = "there is no option " + std::string(name);
  if (const auto near = nearest_name(name, names)) message += "; did you mean " + *near + "?";
  return fail(ErrorCode::kUsage, std::move(message));
}

Error bad_value(std::string_view option, std::string_view wanted, std::string_view given) {
  return fail(ErrorCode::kUsage, std::string(option) + " must be " + std::string(wanted) +
                                     ", not '" + std::string(given) + "'");
}

std::optional<double> parse_positive(std::string_view text, double max) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (parsed.ec != std::errc() || parsed.ptr != end || !(value > 0 && value <= max)) return {};
  return value;
}

void append_option(std::string& out, const OptionSpec& option) {
  std::string line = "  " + std::string(option.name);
  if (!option.value.empty()) line += " " + std::string(option.value);
  if (line.size() + 2 > kHelpColumn) {
    out += line + "\n";
    line.clear();
  }
  line.resize(kHelpColumn, ' ');
  out += line;
  for (const char c : option.help) {
    out += c;
    if (c == '\n') out.append(kHelpColumn, ' ');
  }
  out += '\n';
}

}  // namespace

std::string help_text(const CommandSpec& spec) {
  std::string out = "usage: " + std::string(spec.name) + " " + std::string(spec.usage) + "\n\n" +
                    std::string(spec.about) + "\n\n";
  for (const OptionSpec& option : spec.options) {
    if (!option.help.empty()) append_option(out, option);
  }
  append_option(out, {"--help", "", "this text"});
  if (!spec.notes.empty()) out += "\n" + std::string(spec.notes) + "\n";
  return out;
}

int report_usage(const CommandSpec& spec, const Error& error) {
  const std::string name(spec.name);
  std::fprintf(stderr, "%s: %s\nsee %s --help\n", name.c_str(), error.context.c_str(),
               name.c_str());
  return kExitUsage;
}

Result<CommandLine> CommandLine::parse(const CommandSpec& spec,
                                       std::span<const char* const> arguments) {
  CommandLine out;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view word = arguments[i];
    if (word.size() < 2 || word[0] != '-') {
      out.positional_.emplace_back(word);
      continue;
    }
    const size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const OptionSpec* option = find_option(spec, name);
    if (option == nullptr) return unknown_option(spec, name);
    auto& values = out.values_[std::string(option->name)];
    if (option->value.empty()) {
      if (equals != std::string_view::npos) {
        return fail(ErrorCode::kUsage, std::string(name) + " takes no value");
      }
    } else if (equals != std::string_view::npos) {
      values.emplace_back(word.substr(equals + 1));
    } else if (i + 1 < arguments.size()) {
      values.emplace_back(arguments[++i]);
    } else {
      return fail(ErrorCode::kUsage,
                  std::string(name) + " needs a value: " + std::string(option->value));
    }
  }
  if (out.positional_.size() > spec.positional_max && !out.wants_help()) {
    return fail(ErrorCode::kUsage,
                "what is '" + out.positional_[spec.positional_max] + "' meant to be?");
  }
  return out;
}

std::string CommandLine::text(std::string_view option, std::string fallback) const {
  const auto found = values_.find(option);
  return found == values_.end() || found->second.empty() ? fallback : found->second.back();
}

std::vector<std::string> CommandLine::all(std::string_view option) const {
  const auto found = values_.find(option);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

Result<uint64_t> CommandLine::number(std::string_view option, uint64_t min, uint64_t max,
                                     uint64_t fallback) const {
  if (!has(option)) return fallback;
  const std::string given = text(option);
  uint64_t value = 0;
  const char* end = given.data() + given.size();
  const auto parsed = std::from_chars(given.data(), end, value);
  if (parsed.ec == std::errc() && parsed.ptr == end && value >= min && value <= max) return value;
  return bad_value(
      option, "a whole number from " + std::to_string(min) + " to " + std::to_string(max), given);
}

Result<double> CommandLine::positive(std::string_view option, double max, double fallback) const {
  if (!has(option)) return fallback;
  const std::string given = text(option);
  if (const auto value = parse_positive(given, max)) return *value;
  return bad_value(option, "a number above 0", given);
}

Result<Duration> CommandLine::seconds(std::string_view option, Duration fallback) const {
  if (!has(option)) return fallback;
  const std::string given = text(option);
  const auto value = parse_positive(given, kSecondsMax);
  if (!value) {
    return bad_value(option, "a number of seconds above 0, 604800 (a week) at most", given);
  }
  return Duration{static_cast<int64_t>(*value * 1e9)};
}

}  // namespace ecsdb
