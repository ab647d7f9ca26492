#include "server/settings.h"

#include <algorithm>

#include "ecsdb/net/address.h"
#include "ecsdb/toml/schema_toml.h"
#include "ecsdb/toml/toml_reader.h"
#include "ecsdb/wire/limits.h"

#include "server/bundled_files.h"
#include "tools/files.h"

namespace ecsdb {
namespace {

constexpr size_t kFeedBytesMax = kCubesFramesMax * kCubesFrameBytes;

constexpr OptionSpec kOptions[] = {
    {"--config", "FILE", "configuration in TOML; examples/cubes/server.toml shows every key"},
    {"--listen", "ADDR:PORT", "default 127.0.0.1:7440; port 0: the system chooses"},
    {"--insecure-i-know", "",
     "allow an address that others can reach: nothing is encrypted\nyet, tokens and data can be "
     "read on the way"},
    {"--schema", "FILE", "schema in TOML"},
    {"--token", "TOKEN",
     "accept this token; may be repeated, replaces those of the file\n(no token at all: everyone "
     "may connect)"},
    {"--feed", "NAME",
     "fill the database by itself: `cubes` replays a physics trace\ninto the table cube, forth and "
     "back, one frame a tick"},
    {"--feed-data", "PATH", "another trace for the feed than the bundled slice"},
    {"--tick-hz", "N", "ticks a second, 1 to 1000; default 60"},
    {"--port-file", "FILE", "write the port there once the server is ready"},
    {"--log-level", "LEVEL", "debug, info (default), warn or error"},
    {"--check-config", "", "check configuration, schema and feed, and exit"},
    {"--version", "", "print the version"},
};

constexpr CommandSpec kCommand{
    "ecsdb-server",
    "[--config FILE] [--schema FILE] [--listen ADDR:PORT] [options]",
    "Serves a database to clients over TCP and WebSocket on one port. Flags override the file.\n"
    "Without a feed the database starts empty, and changes by what clients write. For rules and\n"
    "events of your own, embed the server (ecsdb/server.h) in a program of yours.",
    kOptions,
    "When it is ready it prints a line `event=ready address= port= ...` to standard error, where\n"
    "all log lines go. SIGINT and SIGTERM say goodbye to all clients and exit; a second one exits\n"
    "at once. With a feed, SIGUSR1 pauses it and makes it go on again.\n\n"
    "Exit status: 0 ok, 2 usage, 3 configuration or schema is wrong, 4 cannot listen,\n"
    "130 interrupted twice.",
};

/// Prefix of `path` that names its folder, with its slash; empty for the current one.
std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
}

std::string resolve(const std::string& path, const std::string& folder) {
  return path.empty() || path.front() == '/' ? path : folder + path;
}

class SettingsReader {
 public:
  SettingsReader(const CommandLine& line, SettingsError& error) : line_(line), error_(error) {}

  bool read(Settings& out) {
    return read_config(out) && apply_flags(out) && check_listen(out.config) && read_schema(out) &&
           read_feed(out);
  }

 private:
  bool fail_with(ExitCode exit, std::string text) {
    error_ = SettingsError{exit, std::move(text) + "\n"};
    return false;
  }
  bool fail_usage(const std::string& text) {
    return fail_with(kExitUsage, "ecsdb-server: " + text + "\nsee ecsdb-server --help");
  }

  bool read_config(Settings& out) {
    out.config_file = line_.text("--config");
    if (out.config_file.empty()) return true;
    const Result<Bytes> bytes = read_file(out.config_file, kTomlBytesMax);
    if (!bytes.ok()) return fail_with(kExitConfig, bytes.error().context);
    std::vector<TextProblem> problems;
    Result<ServerConfig> config = parse_server_toml(as_text(*bytes), out.config_file, &problems);
    if (!config.ok()) {
      return fail_with(kExitConfig, render_problems(as_text(*bytes), out.config_file, problems));
    }
    out.config = std::move(config).value();
    const std::string folder = folder_of(out.config_file);
    out.config.schema_file = resolve(out.config.schema_file, folder);
    out.config.feed_data = resolve(out.config.feed_data, folder);
    return true;
  }

  bool apply_flags(Settings& out) {
    ServerConfig& config = out.config;
    out.port_file = line_.text("--port-file");
    out.check_only = line_.has("--check-config");
    config.schema_file = line_.text("--schema", config.schema_file);
    config.feed_data = line_.text("--feed-data", config.feed_data);
    const Result<uint64_t> hz = line_.number("--tick-hz", 1, kTickHzMax, config.tick_hz);
    if (!hz.ok()) return fail_usage(hz.error().context);
    config.tick_hz = static_cast<uint32_t>(*hz);
    return apply_listen(config) && apply_names(config) && apply_tokens(config);
  }

  bool apply_listen(ServerConfig& config) {
    if (!line_.has("--listen")) return true;
    const auto at = net::parse_host_port(line_.text("--listen"));
    if (!at.ok()) return fail_usage("--listen: " + at.error().context);
    config.listen_address = at->host;
    config.listen_port = at->port;
    return true;
  }

  bool apply_names(ServerConfig& config) {
    const auto& levels = log_level_names();
    if (line_.has("--log-level")) {
      const auto found = std::find(levels.begin(), levels.end(), line_.text("--log-level"));
      if (found == levels.end()) {
        return fail_usage("--log-level must be debug, info, warn or error");
      }
      config.log_level = static_cast<LogLevel>(found - levels.begin());
    }
    config.feed_name = line_.text("--feed", config.feed_name);
    const auto& feeds = feed_names();
    if (!config.feed_name.empty() &&
        std::find(feeds.begin(), feeds.end(), config.feed_name) == feeds.end()) {
      return fail_usage("there is no feed '" + config.feed_name + "'; there is: cubes");
    }
    if (config.feed_name.empty() && !config.feed_data.empty()) {
      return fail_usage("--feed-data needs --feed");
    }
    return true;
  }

  bool apply_tokens(ServerConfig& config) {
    if (!line_.has("--token")) return true;
    config.tokens.clear();
    for (const std::string& text : line_.all("--token")) {
      if (text.empty() || text.size() > kTokenBytesMax) {
        return fail_usage("a token has 1 to " + std::to_string(kTokenBytesMax) + " bytes");
      }
      StaticToken token;
      token.token = text;
      token.principal_name = "flag-" + std::to_string(config.tokens.size() + 1);
      token.principal = PrincipalId{config.tokens.size() + 1};
      config.tokens.push_back(std::move(token));
    }
    return true;
  }

  bool check_listen(const ServerConfig& config) {
    if (!net::is_numeric_address(config.listen_address)) {
      const std::string text = "listen address '" + config.listen_address +
                               "': give a numeric address, as in 127.0.0.1 or ::1";
      if (line_.has("--listen")) return fail_usage(text);
      return fail_with(kExitConfig, "ecsdb-server: " + text);
    }
    if (net::is_loopback(config.listen_address) || line_.has("--insecure-i-know")) return true;
    return fail_usage("others can reach " + config.listen_address +
                      ", and nothing is encrypted yet: put a TLS proxy in front of a loopback "
                      "address, or give --insecure-i-know");
  }

  bool read_schema(Settings& out) {
    std::string file = out.config.schema_file;
    Bytes bytes;
    std::string_view text;
    if (!file.empty()) {
      Result<Bytes> found = read_file(file, kTomlBytesMax);
      if (!found.ok()) return fail_with(kExitConfig, found.error().context);
      bytes = std::move(found).value();
      text = as_text(bytes);
    } else if (out.config.feed_name == "cubes") {
      file = "cubes.toml";
      text = bundled_cubes_schema();
    } else {
      return fail_usage("no schema: give --schema FILE, or --feed cubes");
    }
    std::vector<TextProblem> problems;
    Result<Schema> schema = parse_schema_toml(text, file, &problems);
    if (!schema.ok()) return fail_with(kExitConfig, render_problems(text, file, problems));
    out.schema = std::move(schema).value();
    const Status merges = check_merges(out.schema, MergeSet());
    if (!merges.ok()) {
      return fail_with(kExitConfig, file + ": " + merges.error().context +
                                        ": this program has the built-in merges only; for others, "
                                        "embed the server and register them\n");
    }
    return true;
  }

  bool read_feed(Settings& out) {
    if (out.config.feed_name.empty()) return true;
    if (out.config.server.database.entities_max < kCubesRows) {
      return fail_with(kExitConfig,
                       "ecsdb-server: the feed `cubes` needs database.entities_max of " +
                           std::to_string(kCubesRows) + " at least");
    }
    Result<CubesTrace> trace = read_trace(out.config.feed_data);
    if (!trace.ok()) return fail_with(kExitConfig, "ecsdb-server: " + trace.error().context);
    Result<CubesFeed> feed = CubesFeed::make(out.schema, std::move(trace).value());
    if (!feed.ok()) return fail_with(kExitConfig, "ecsdb-server: " + feed.error().context);
    out.feed = std::move(feed).value();
    return true;
  }

  static Result<CubesTrace> read_trace(const std::string& path) {
    if (path.empty()) return CubesTrace::decode(bundled_cubes_slice());
    const Result<Bytes> bytes = read_file(path, kFeedBytesMax);
    if (!bytes.ok()) return bytes.error();
    Result<CubesTrace> trace = CubesTrace::decode(*bytes);
    if (!trace.ok()) return fail(trace.code(), path + ": " + trace.error().context);
    return trace;
  }

  const CommandLine& line_;
  SettingsError& error_;
};

}  // namespace

const CommandSpec& server_command() { return kCommand; }

std::optional<Settings> load_settings(const CommandLine& line, SettingsError& error) {
  Settings settings;
  if (!SettingsReader(line, error).read(settings)) return std::nullopt;
  return settings;
}

}  // namespace ecsdb
