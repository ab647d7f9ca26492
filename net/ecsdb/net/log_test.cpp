#include "ecsdb/net/log.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace ecsdb::net {
namespace {

class Lines final : public LogSink {
 public:
  void write(LogLevel, std::string_view line) override { lines.emplace_back(line); }
  std::vector<std::string> lines;
};

TEST(LogLine, QuotesOnlyWhatNeedsIt) {
  LogLine line("closed");
  line.number("link", 3).text("peer", "127.0.0.1:80").text("reason", "it left").text("none", "");
  EXPECT_EQ(line.line(), "event=closed link=3 peer=127.0.0.1:80 reason=\"it left\"");
}

TEST(LogLine, EscapesWhateverCouldBeMistaken) {
  LogLine line("x");
  line.text("a", "say \"hi\"\\\n\x1b[0m\xff");
  EXPECT_EQ(line.line(), R"(event=x a="say \"hi\"\\\x0a\x1b[0m\xff")");
  LogLine equals("x");
  equals.text("a", "b=c");
  EXPECT_EQ(equals.line(), "event=x a=\"b=c\"");
}

TEST(LogLine, CutsLongText) {
  LogLine line("x");
  line.text("a", std::string(kLogTextBytesMax + 1, 'b'));
  EXPECT_EQ(line.line(), "event=x a=\"" + std::string(kLogTextBytesMax, 'b') + "...\"");
  LogLine whole("x");
  whole.text("a", std::string(kLogTextBytesMax, 'b'));
  EXPECT_EQ(whole.line(), "event=x a=" + std::string(kLogTextBytesMax, 'b'));
}

TEST(LogLimiter, CountsWhatItLeavesOut) {
  Lines sink;
  LogLimiter limiter(sink);
  const Instant start = Instant{} + Duration::seconds(100);
  for (uint32_t i = 0; i < LogLimiter::kLinesPerSecondMax + 7; ++i) {
    limiter.write(LogLevel::kInfo, "bad", "line", start);
  }
  limiter.write(LogLevel::kInfo, "other", "another kind", start);
  EXPECT_EQ(sink.lines.size(), LogLimiter::kLinesPerSecondMax + 1);
  EXPECT_TRUE(limiter.flush(start + Duration::ms(999)));
  EXPECT_EQ(sink.lines.size(), LogLimiter::kLinesPerSecondMax + 1);
  EXPECT_FALSE(limiter.flush(start + Duration::seconds(1)));
  EXPECT_EQ(sink.lines.back(), "event=repeated of=bad count=7");
  limiter.flush(start + Duration::seconds(2));
  limiter.write(LogLevel::kInfo, "bad", "again", start + Duration::seconds(2));
  EXPECT_EQ(sink.lines.back(), "again");
}

TEST(LogLimiter, TellsTheCountBeforeTheNextLineOfTheKind) {
  Lines sink;
  LogLimiter limiter(sink);
  for (uint32_t i = 0; i < LogLimiter::kLinesPerSecondMax + 1; ++i) {
    limiter.write(LogLevel::kInfo, "bad", "line", Instant{});
  }
  limiter.write(LogLevel::kInfo, "bad", "next", Instant{} + Duration::seconds(1));
  ASSERT_GE(sink.lines.size(), 2u);
  EXPECT_EQ(sink.lines[sink.lines.size() - 2], "event=repeated of=bad count=1");
  EXPECT_EQ(sink.lines.back(), "next");
}

TEST(LogLimiter, KindsAreBounded) {
  Lines sink;
  LogLimiter limiter(sink);
  for (size_t i = 0; i < LogLimiter::kKindsMax * 2; ++i) {
    limiter.write(LogLevel::kInfo, "kind" + std::to_string(i), "line", Instant{});
  }
  EXPECT_LE(sink.lines.size(), LogLimiter::kKindsMax + LogLimiter::kLinesPerSecondMax + 1);
}

}  // namespace
}  // namespace ecsdb::net
