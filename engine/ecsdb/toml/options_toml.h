// A server's configuration from its TOML text. examples/cubes/server.toml shows the format.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ecsdb/base/result.h"
#include "ecsdb/server/options.h"
#include "ecsdb/toml/text_problem.h"

namespace ecsdb {

inline constexpr uint32_t kTickHzMax = 1000;
inline constexpr size_t kStaticTokensMax = 10'000;

/// Least severe first; a logger drops what is below its level.
enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError };

/// "debug", "info", "warn", "error".
std::string_view log_level_name(LogLevel level);
/// The names of all levels, least severe first.
const std::vector<std::string>& log_level_names();

/// Everything that a server program reads from its file. Plain data; paths stand as they do in the
/// file, which is: relative to its folder.
struct ServerConfig {
  std::string listen_address = "127.0.0.1";
  uint16_t listen_port = 7440;
  std::vector<std::string> allowed_origins;  // of WebSocket requests by browsers
  std::string schema_file;                   // empty: none is named
  LogLevel log_level = LogLevel::kInfo;
  uint32_t tick_hz = 60;
  ServerOptions server;
  std::vector<StaticToken> tokens;  // empty: everyone may connect
  std::string feed_name;            // empty: no feed
  std::string feed_data;            // empty: the data that comes with the feed
};

/// Names of the feeds that a configuration may ask for.
const std::vector<std::string>& feed_names();

/// Reads a whole configuration; what the text leaves out keeps its default. On failure kSyntax or
/// kUsage, and `problems` holds every mistake, sorted by place; show them with render_problems.
/// `problems` must not be null and is cleared first. `file_name` is only for messages: no file is
/// touched.
Result<ServerConfig> parse_server_toml(std::string_view text, std::string_view file_name,
                                       std::vector<TextProblem>* problems);

}  // namespace ecsdb
