#include "ecsdb/net/log.h"

#include <cstdio>

namespace ecsdb::net {

std::string_view log_level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "unknown";
}

void StderrLog::write(LogLevel level, std::string_view line) {
  if (level < least_) return;
  std::string out = "level=" + std::string(log_level_name(level)) + " ";
  out.append(line);
  out.push_back('\n');
  std::fwrite(out.data(), 1, out.size(), stderr);
}

LogLine& LogLine::number(std::string_view key, uint64_t value) {
  if (!line_.empty()) line_.push_back(' ');
  line_.append(key).push_back('=');
  line_.append(std::to_string(value));
  return *this;
}

namespace {

constexpr char kHex[] = "0123456789abcdef";

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_.:/[]+*@").find(c) != std::string_view::npos;
}

void append_escaped(std::string& out, char c) {
  const auto byte = static_cast<uint8_t>(c);
  if (c == '"' || c == '\\') {
    out.push_back('\\');
    out.push_back(c);
  } else if (byte >= 0x20 && byte < 0x7f) {
    out.push_back(c);
  } else {
    out.append("\\x");
    out.push_back(kHex[byte >> 4]);
    out.push_back(kHex[byte & 15]);
  }
}

}  // namespace

LogLine& LogLine::text(std::string_view key, std::string_view value) {
  if (value.empty()) return *this;
  if (!line_.empty()) line_.push_back(' ');
  line_.append(key).push_back('=');
  const bool is_cut = value.size() > kLogTextBytesMax;
  value = value.substr(0, kLogTextBytesMax);
  bool plain = !is_cut;
  for (const char c : value) plain = plain && is_plain(c);
  if (plain) {
    line_.append(value);
    return *this;
  }
  line_.push_back('"');
  for (const char c : value) append_escaped(line_, c);
  line_.append(is_cut ? "...\"" : "\"");
  return *this;
}

void LogLimiter::write(LogLevel level, std::string_view kind, std::string_view line, Instant now) {
  auto found = windows_.find(kind);
  if (found == windows_.end()) {
    const std::string_view key = windows_.size() < kKindsMax ? kind : "other";
    found = windows_.emplace(key, Window{}).first;
  }
  Window& window = found->second;
  if (now >= window.until) {
    close_window(found->first, window);
    window.until = now + Duration::seconds(1);
  }
  window.level = level;
  if (window.lines < kLinesPerSecondMax) {
    ++window.lines;
    sink_.write(level, line);
  } else {
    ++window.left_out;
  }
}

bool LogLimiter::flush(Instant now, bool force) {
  bool some_wait = false;
  for (auto& [kind, window] : windows_) {
    if (force || now >= window.until) {
      close_window(kind, window);
    } else {
      some_wait = some_wait || window.left_out > 0;
    }
  }
  return some_wait;
}

void LogLimiter::close_window(const std::string& kind, Window& window) {
  if (window.left_out > 0) {
    LogLine line("repeated");
    line.text("of", kind).number("count", window.left_out);
    sink_.write(window.level, line.line());
  }
  window.lines = 0;
  window.left_out = 0;
}

}  // namespace ecsdb::net
