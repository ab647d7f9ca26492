#include "ecsdb/toml/options_toml.h"

#include <algorithm>
#include <set>

#include "ecsdb/base/check.h"
#include "ecsdb/toml/config_reader.h"

namespace ecsdb {
namespace {

constexpr int64_t kConnectionsMax = 1'000'000;
constexpr int64_t kUnackedBytesMin = 4 * 1024;
constexpr int64_t kUnackedBytesCeiling = 64 * 1024 * 1024;
constexpr int64_t kSyncChunkBytesMin = 1024;
constexpr int64_t kBlockBytesMin = 1024;
constexpr int64_t kSessionsCeiling = 10'000'000;
constexpr int64_t kStageBytesMin = 1024;
constexpr int64_t kStageBytesCeiling = 1024 * 1024 * 1024;
constexpr int64_t kRingPublishesMax = 64;  // what the server can keep
constexpr int64_t kRingBytesCeiling = 1024 * 1024 * 1024;
constexpr int64_t kRateCeiling = 1'000'000'000'000;  // bytes a second
constexpr int64_t kBurstMin = 1024;
constexpr int64_t kIntakeBytesMin = 4 * 1024;    // acknowledgements must fit
constexpr int64_t kIntakeBurstMin = 128 * 1024;  // a frame and what comes with it
constexpr int64_t kChangesCeiling = 1'000'000;
constexpr int64_t kWritesCeiling = 10'000'000;
constexpr int64_t kEventsCeiling = 10'000'000;
constexpr int64_t kEventsBytesMin = 32 * 1024;  // the largest event must fit
constexpr int64_t kConflictsCeiling = 1'000'000;
constexpr int64_t kBytesCeiling = 1024 * 1024 * 1024;
constexpr int64_t kTombstonesCeiling = 64'000'000;
constexpr Duration kTimeMin = Duration::ms(10);
constexpr Duration kTimeMax = Duration::seconds(24 * 3600);

class ConfigFile {
 public:
  ConfigFile(const TomlNode& root, std::vector<TextProblem>* problems)
      : root_(root, "", problems) {}

  ServerConfig read() {
    if (auto schema = non_empty(root_, "schema")) config_.schema_file = *schema;
    read_log();
    read_listen();
    read_server();
    read_database();
    read_feed();
    read_tokens();
    root_.finish();
    return std::move(config_);
  }

 private:
  static std::optional<std::string> non_empty(TomlTable& table, std::string_view key) {
    std::optional<std::string> text = table.string(key);
    if (text && text->empty()) {
      table.problem(key, std::string(key) + " must not be empty: leave it out instead");
      return std::nullopt;
    }
    return text;
  }

  static void size(TomlTable& table, std::string_view key, int64_t min, int64_t max, size_t& out) {
    if (auto number = table.integer(key, min, max)) out = static_cast<size_t>(*number);
  }

  /// 0 says that there is no limit; else it is `min` at least.
  template <class T>
  static void rate(TomlTable& table, std::string_view key, int64_t min, int64_t max, T& out) {
    const auto number = table.integer(key, 0, max);
    if (!number) return;
    if (*number == 0 || *number >= min) {
      out = static_cast<T>(*number);
      return;
    }
    table.problem(key, "server." + std::string(key) + " must be 0 (no limit) or from " +
                           std::to_string(min) + " to " + std::to_string(max));
  }

  template <class T>
  static void count(TomlTable& table, std::string_view key, int64_t min, int64_t max, T& out) {
    if (auto number = table.integer(key, min, max)) out = static_cast<T>(*number);
  }

  static void time(TomlTable& table, std::string_view key, Duration& out) {
    if (auto duration = table.duration(key, kTimeMin, kTimeMax)) out = *duration;
  }

  void read_log() {
    TomlTable log = root_.table("log");
    if (auto name = log.choice("level", log_level_names())) {
      const auto& names = log_level_names();
      config_.log_level =
          static_cast<LogLevel>(std::find(names.begin(), names.end(), *name) - names.begin());
    }
    log.finish();
  }

  void read_listen() {
    TomlTable listen = root_.table("listen");
    if (auto address = non_empty(listen, "address")) config_.listen_address = *address;
    if (auto port = listen.integer("port", 0, 65535)) {
      config_.listen_port = static_cast<uint16_t>(*port);
    }
    if (auto origins = listen.strings("allowed_origins")) config_.allowed_origins = *origins;
    listen.finish();
  }

  void read_server() {
    TomlTable server = root_.table("server");
    ServerOptions& options = config_.server;
    if (auto hz = server.integer("tick_hz", 1, kTickHzMax)) {
      config_.tick_hz = static_cast<uint32_t>(*hz);
    }
    size(server, "connections_max", 1, kConnectionsMax, options.connections_max);
    time(server, "handshake_timeout", options.handshake_timeout);
    time(server, "heartbeat_interval", options.heartbeat_interval);
    time(server, "stall_timeout", options.stall_timeout);
    time(server, "close_timeout", options.close_timeout);
    size(server, "unacked_bytes_max", kUnackedBytesMin, kUnackedBytesCeiling,
         options.unacked_bytes_max);
    size(server, "sync_chunk_bytes", kSyncChunkBytesMin, static_cast<int64_t>(kBlockBytesMax),
         options.sync_chunk_bytes);
    size(server, "block_bytes_max", kBlockBytesMin, static_cast<int64_t>(kBlockBytesMax),
         options.block_bytes_max);
    size(server, "cells_per_connection_max", 1, static_cast<int64_t>(kCellsPerConnectionMax),
         options.cells_per_connection_max);
    if (auto flag = server.boolean("compression")) options.compression = *flag;
    if (options.heartbeat_interval >= options.stall_timeout) {
      server.problem(server.has("heartbeat_interval") ? "heartbeat_interval" : "stall_timeout",
                     "server.heartbeat_interval must be shorter than server.stall_timeout: a peer "
                     "must be heard of before it is given up");
    }
    read_sessions(server);
    read_budgets(server);
    read_writes(server);
    read_events(server);
    read_system(server);
    server.finish();
  }

  void read_sessions(TomlTable& server) {
    ServerOptions& options = config_.server;
    time(server, "session_timeout", options.session_timeout);
    size(server, "sessions_max", 1, kSessionsCeiling, options.sessions_max);
    size(server, "stage_bytes_min", kStageBytesMin, kStageBytesCeiling, options.stage_bytes_min);
    time(server, "digest_interval", options.digest_interval);
    size(server, "ring_publishes", 1, kRingPublishesMax, options.ring_publishes);
    size(server, "ring_bytes", 0, kRingBytesCeiling, options.ring_bytes);
    size(server, "ring_misses", 0, kRingPublishesMax, options.ring_misses);
  }

  void read_budgets(TomlTable& server) {
    ServerOptions& options = config_.server;
    rate(server, "client_budget_bytes", kBurstMin, kRateCeiling, options.client_budget_bytes);
    count(server, "client_budget_burst", kBurstMin, kRateCeiling, options.client_budget_burst);
    rate(server, "total_budget_bytes", kBurstMin, kRateCeiling, options.total_budget_bytes);
    count(server, "total_budget_burst", kBurstMin, kRateCeiling, options.total_budget_burst);
    rate(server, "intake_bytes", kIntakeBytesMin, kRateCeiling, options.intake_bytes);
    count(server, "intake_burst", kIntakeBurstMin, kRateCeiling, options.intake_burst);
    rate(server, "intake_changes", 1, kChangesCeiling, options.intake_changes);
    count(server, "intake_changes_burst", 1, kChangesCeiling, options.intake_changes_burst);
    const uint64_t client = options.client_budget_bytes;
    const uint64_t total = options.total_budget_bytes;
    if (client > total && total > 0) {
      server.problem(
          server.has("client_budget_bytes") ? "client_budget_bytes" : "total_budget_bytes",
          "server.client_budget_bytes must not be more than server.total_budget_bytes: "
          "no client can get more than all together");
    }
  }

  void read_writes(TomlTable& server) {
    ServerOptions& options = config_.server;
    rate(server, "write_rate", 1, kWritesCeiling, options.write_rate);
    count(server, "write_burst", 1, kWritesCeiling, options.write_burst);
    size(server, "writes_waiting_max", 0, kWritesCeiling, options.writes_waiting_max);
    size(server, "writes_bytes_max", 0, kBytesCeiling, options.writes_bytes_max);
    size(server, "writes_per_commit_max", 1, kWritesCeiling, options.writes_per_commit_max);
    time(server, "stamp_skew", options.stamp_skew);
  }

  void read_events(TomlTable& server) {
    ServerOptions& options = config_.server;
    size(server, "events_max", 1, kEventsCeiling, options.events_max);
    size(server, "events_bytes_max", kEventsBytesMin, kBytesCeiling, options.events_bytes_max);
    rate(server, "client_event_rate", 1, kEventsCeiling, options.client_event_rate);
    count(server, "client_event_burst", 1, kEventsCeiling, options.client_event_burst);
    size(server, "client_events_max", 0, kEventsCeiling, options.client_events_max);
  }

  void read_system(TomlTable& server) {
    ServerOptions& options = config_.server;
    if (auto role = server.string("admin_role")) {
      options.admin_role = *role;
      if (!role->empty() && !is_schema_name(*role)) {
        server.problem("admin_role",
                       "server.admin_role must be a name as those of a schema, or empty: nobody");
      }
    }
    time(server, "system_interval", options.system_interval);
    size(server, "conflicts_max", 0, kConflictsCeiling, options.conflicts_max);
    size(server, "conflicts_bytes_max", 0, kBytesCeiling, options.conflicts_bytes_max);
  }

  void read_database() {
    TomlTable database = root_.table("database");
    DatabaseOptions& options = config_.server.database;
    if (auto n = database.integer("horizon_versions_max", 1, INT64_MAX)) {
      options.horizon_versions_max = static_cast<uint64_t>(*n);
    }
    size(database, "tombstones_max", 1, kTombstonesCeiling, options.tombstones_max);
    if (auto n = database.integer("entities_max", 1, kEntityIndexMax)) {
      options.entities_max = static_cast<uint32_t>(*n);
    }
    database.finish();
  }

  void read_feed() {
    if (!root_.has("feed")) {
      root_.node("feed");
      return;
    }
    TomlTable feed = root_.table("feed");
    if (auto name = feed.choice("name", feed_names())) config_.feed_name = *name;
    if (auto data = non_empty(feed, "data")) config_.feed_data = *data;
    if (feed.present() && !feed.has("name")) {
      feed.problem("name", "[feed] needs a name, such as name = \"cubes\"");
    }
    feed.finish();
  }

  void read_tokens() {
    if (!root_.has("token")) {
      root_.node("token");
      return;
    }
    std::vector<TomlTable> tables = root_.tables("token");
    if (tables.size() > kStaticTokensMax) {
      root_.problem("token", "at most " + std::to_string(kStaticTokensMax) + " tokens fit");
      return;
    }
    for (TomlTable& table : tables) read_token(table);
  }

  void read_token(TomlTable& table) {
    StaticToken token;
    read_secret(table, token);
    if (auto name = non_empty(table, "name")) token.principal_name = *name;
    if (auto principal = table.integer("principal", 1, INT64_MAX)) {
      token.principal = PrincipalId{static_cast<uint64_t>(*principal)};
    } else if (!table.has("principal")) {
      table.problem("principal", "a [[token]] needs principal, the number of who it stands for");
    }
    if (auto roles = table.strings("roles")) token.roles = *roles;
    read_claims(table, token);
    table.finish();
    config_.tokens.push_back(std::move(token));
  }

  void read_secret(TomlTable& table, StaticToken& token) {
    const auto secret = non_empty(table, "token");
    if (!secret) {
      if (!table.has("token")) table.problem("token", "a [[token]] needs token, the secret text");
      return;
    }
    if (secret->size() > kTokenBytesMax) {
      return table.problem("token", "a token has at most " + std::to_string(kTokenBytesMax) +
                                        " bytes, this one has " + std::to_string(secret->size()));
    }
    if (!secrets_.insert(*secret).second) {
      return table.problem("token", "this token stands above already: each must be given once");
    }
    token.token = *secret;
  }

  void read_claims(TomlTable& table, StaticToken& token) {
    TomlTable claims = table.table("claims");
    for (const std::string& name : claims.other_keys()) {
      if (auto value = claims.integer(name)) token.claims.emplace_back(name, *value);
    }
  }

  TomlTable root_;
  ServerConfig config_;
  std::set<std::string> secrets_;
};

}  // namespace

const std::vector<std::string>& log_level_names() {
  static const std::vector<std::string> kNames = {"debug", "info", "warn", "error"};
  return kNames;
}

std::string_view log_level_name(LogLevel level) {
  return log_level_names()[static_cast<size_t>(level)];
}

const std::vector<std::string>& feed_names() {
  static const std::vector<std::string> kNames = {"cubes"};
  return kNames;
}

Result<ServerConfig> parse_server_toml(std::string_view text, std::string_view file_name,
                                       std::vector<TextProblem>* problems) {
  ECSDB_CHECK(problems != nullptr);
  problems->clear();
  const Result<TomlNode> root = parse_toml(text, file_name, problems);
  if (!root.ok()) return root.error();
  ServerConfig config = ConfigFile(*root, problems).read();
  if (problems->empty()) return config;
  sort_problems(*problems);
  return error_of_problems(ErrorCode::kUsage, file_name, *problems);
}

}  // namespace ecsdb
