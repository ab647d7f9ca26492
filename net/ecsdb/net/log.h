// Log lines in logfmt: one event a line, `event=closed link=3 reason="..."`, safe to print whatever
// a peer sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "ecsdb/base/time.h"

namespace ecsdb::net {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError };

std::string_view log_level_name(LogLevel level);

/// Where lines go. Called on the loop's thread; must not throw.
class LogSink {
 public:
  virtual ~LogSink() = default;
  /// `line` has no line end and no control character.
  virtual void write(LogLevel level, std::string_view line) = 0;
};

/// Lines to standard error, each in one write, those below `least` left out.
class StderrLog final : public LogSink {
 public:
  explicit StderrLog(LogLevel least = LogLevel::kInfo) : least_(least) {}
  void write(LogLevel level, std::string_view line) override;

 private:
  LogLevel least_;
};

/// Drops everything.
class NoLog final : public LogSink {
 public:
  void write(LogLevel, std::string_view) override {}
};

/// Longest value of a text field; the rest is replaced by "...".
inline constexpr size_t kLogTextBytesMax = 160;

/// Builds one line. Keys are literals of ours; values may be anything.
class LogLine {
 public:
  explicit LogLine(std::string_view event) { text("event", event); }

  LogLine& number(std::string_view key, uint64_t value);
  /// Quoted when it has to be; control characters, quotes and bytes beyond ASCII are escaped, and
  /// what is longer than kLogTextBytesMax is cut. Left out when empty.
  LogLine& text(std::string_view key, std::string_view value);
  const std::string& line() const { return line_; }

 private:
  std::string line_;
};

/// Lets so many lines of a kind through per second and counts the others, so that a flood of bad
/// peers cannot flood the log. What was left out is told when that second is over.
class LogLimiter {
 public:
  static constexpr uint32_t kLinesPerSecondMax = 20;
  static constexpr size_t kKindsMax = 256;  // kinds beyond share one entry

  explicit LogLimiter(LogSink& sink) : sink_(sink) {}

  /// `kind` is a name of ours, such as an error code's.
  void write(LogLevel level, std::string_view kind, std::string_view line, Instant now);
  /// Tells the counts of seconds that are over; all of them if `force`. True if other counts, of
  /// seconds that still run, wait to be told.
  bool flush(Instant now, bool force = false);

 private:
  struct Window {
    Instant until;
    uint32_t lines = 0;
    uint64_t left_out = 0;
    LogLevel level = LogLevel::kInfo;
  };
  void close_window(const std::string& kind, Window& window);

  LogSink& sink_;
  std::map<std::string, Window, std::less<>> windows_;
};

}  // namespace ecsdb::net
