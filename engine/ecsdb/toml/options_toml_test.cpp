#include "ecsdb/toml/options_toml.h"

#include <gtest/gtest.h>

namespace ecsdb {
namespace {

constexpr const char* kWhole = R"(schema = "cubes.toml"

[log]
level = "warn"

[listen]
address = "0.0.0.0"
port = 0
allowed_origins = ["https://play.example.org"]

[server]
tick_hz = 30
connections_max = 12
cells_per_connection_max = 99
handshake_timeout = "1500ms"
heartbeat_interval = "2s"
stall_timeout = "1min"
close_timeout = "250ms"
unacked_bytes_max = 65536
sync_chunk_bytes = 4096
block_bytes_max = 2048
compression = false
session_timeout = "10min"
sessions_max = 77
stage_bytes_min = 65536
digest_interval = "3s"
ring_publishes = 16
ring_bytes = 0
ring_misses = 4
client_budget_bytes = 100000
client_budget_burst = 20000
total_budget_bytes = 5000000
total_budget_burst = 400000
intake_bytes = 0
intake_burst = 200000
intake_changes = 9
intake_changes_burst = 10
write_rate = 11
write_burst = 12
writes_waiting_max = 13
writes_bytes_max = 16
writes_per_commit_max = 14
stamp_skew = "15ms"
events_max = 17
events_bytes_max = 40000
client_event_rate = 18
client_event_burst = 19
client_events_max = 20
admin_role = "boss"
system_interval = "1s"
conflicts_max = 5
conflicts_bytes_max = 6

[database]
horizon_versions_max = 99
tombstones_max = 98
entities_max = 97

[feed]
name = "cubes"
data = "whole.bin"

[[token]]
token = "open sesame"
name = "ali"
principal = 7
roles = ["player", "guest"]
claims = { room = -3, team = 2 }

[[token]]
token = "second"
principal = 8
)";

TEST(ServerToml, WholeFileIsRead) {
  std::vector<TextProblem> problems;
  const Result<ServerConfig> config = parse_server_toml(kWhole, "server.toml", &problems);
  ASSERT_TRUE(config.ok()) << config.error().context;
  EXPECT_EQ(config->schema_file, "cubes.toml");
  EXPECT_EQ(config->log_level, LogLevel::kWarn);
  EXPECT_EQ(config->listen_address, "0.0.0.0");
  EXPECT_EQ(config->listen_port, 0);
  EXPECT_EQ(config->allowed_origins, std::vector<std::string>{"https://play.example.org"});
  EXPECT_EQ(config->tick_hz, 30u);
  EXPECT_EQ(config->server.connections_max, 12u);
  EXPECT_FALSE(config->server.compression);
  EXPECT_EQ(config->server.cells_per_connection_max, 99u);
  EXPECT_EQ(config->server.handshake_timeout, Duration::ms(1500));
  EXPECT_EQ(config->server.heartbeat_interval, Duration::seconds(2));
  EXPECT_EQ(config->server.stall_timeout, Duration::seconds(60));
  EXPECT_EQ(config->server.close_timeout, Duration::ms(250));
  EXPECT_EQ(config->server.unacked_bytes_max, 65536u);
  EXPECT_EQ(config->server.sync_chunk_bytes, 4096u);
  EXPECT_EQ(config->server.block_bytes_max, 2048u);
  EXPECT_EQ(config->server.session_timeout, Duration::seconds(600));
  EXPECT_EQ(config->server.sessions_max, 77u);
  EXPECT_EQ(config->server.stage_bytes_min, 65536u);
  EXPECT_EQ(config->server.digest_interval, Duration::seconds(3));
  EXPECT_EQ(config->server.ring_publishes, 16u);
  EXPECT_EQ(config->server.ring_bytes, 0u);
  EXPECT_EQ(config->server.ring_misses, 4u);
  EXPECT_EQ(config->server.client_budget_bytes, 100'000u);
  EXPECT_EQ(config->server.client_budget_burst, 20'000u);
  EXPECT_EQ(config->server.total_budget_bytes, 5'000'000u);
  EXPECT_EQ(config->server.total_budget_burst, 400'000u);
  EXPECT_EQ(config->server.intake_bytes, 0u);
  EXPECT_EQ(config->server.intake_burst, 200'000u);
  EXPECT_EQ(config->server.intake_changes, 9u);
  EXPECT_EQ(config->server.intake_changes_burst, 10u);
  EXPECT_EQ(config->server.write_rate, 11u);
  EXPECT_EQ(config->server.write_burst, 12u);
  EXPECT_EQ(config->server.writes_waiting_max, 13u);
  EXPECT_EQ(config->server.writes_per_commit_max, 14u);
  EXPECT_EQ(config->server.writes_bytes_max, 16u);
  EXPECT_EQ(config->server.stamp_skew, Duration::ms(15));
  EXPECT_EQ(config->server.events_max, 17u);
  EXPECT_EQ(config->server.events_bytes_max, 40'000u);
  EXPECT_EQ(config->server.client_event_rate, 18u);
  EXPECT_EQ(config->server.client_event_burst, 19u);
  EXPECT_EQ(config->server.client_events_max, 20u);
  EXPECT_EQ(config->server.admin_role, "boss");
  EXPECT_EQ(config->server.system_interval, Duration::seconds(1));
  EXPECT_EQ(config->server.conflicts_max, 5u);
  EXPECT_EQ(config->server.conflicts_bytes_max, 6u);
  EXPECT_EQ(config->server.database.horizon_versions_max, 99u);
  EXPECT_EQ(config->server.database.tombstones_max, 98u);
  EXPECT_EQ(config->server.database.entities_max, 97u);
  EXPECT_EQ(config->feed_name, "cubes");
  EXPECT_EQ(config->feed_data, "whole.bin");
  ASSERT_EQ(config->tokens.size(), 2u);
  EXPECT_EQ(config->tokens[0].token, "open sesame");
  EXPECT_EQ(config->tokens[0].principal_name, "ali");
  EXPECT_EQ(config->tokens[0].principal, PrincipalId{7});
  EXPECT_EQ(config->tokens[0].roles, (std::vector<std::string>{"player", "guest"}));
  EXPECT_EQ(config->tokens[0].claims,
            (std::vector<std::pair<std::string, int64_t>>{{"room", -3}, {"team", 2}}));
}

TEST(ServerToml, EmptyFileGivesDefaults) {
  std::vector<TextProblem> problems;
  const Result<ServerConfig> config = parse_server_toml("", "server.toml", &problems);
  ASSERT_TRUE(config.ok()) << config.error().context;
  EXPECT_EQ(config->listen_address, "127.0.0.1");
  EXPECT_EQ(config->tick_hz, 60u);
  EXPECT_TRUE(config->tokens.empty());
  EXPECT_TRUE(config->feed_name.empty());
  EXPECT_TRUE(config->schema_file.empty());
}

struct BadCase {
  const char* name;
  const char* text;
  int line;
  int column;
  const char* message;     // a part of it
  const char* suggestion;  // exactly
};

constexpr BadCase kBadCases[] = {
    {"NotToml", "[server]\ntick_hz = sixty\n", 2, 11, "not a value", ""},
    {"UnknownKeyAtTheRoot", "shema = \"a\"\n", 1, 1, "unknown key \"shema\"", "schema"},
    {"UnknownKeyInASection", "[server]\ntick_hertz = 3\n", 2, 1, "in server", "tick_hz"},
    {"WrongType", "[listen]\nport = \"80\"\n", 2, 8, "must be an integer", ""},
    {"PortTooLarge", "[listen]\nport = 70000\n", 2, 8, "from 0 to 65535", ""},
    {"TickZero", "[server]\ntick_hz = 0\n", 2, 11, "from 1 to 1000", ""},
    {"TimeWithoutUnit", "[server]\nstall_timeout = 60\n", 2, 17, "with its unit", ""},
    {"TimeTooShort", "[server]\nstall_timeout = \"1ms\"\n", 2, 17, "from 10ms", ""},
    {"HeartbeatTooRare", "[server]\nheartbeat_interval = \"60s\"\n", 2, 22, "shorter than", ""},
    {"BlockTooSmall", "[server]\nblock_bytes_max = 1023\n", 2, 19, "from 1024 to 65536", ""},
    {"ChunkOverABlock", "[server]\nsync_chunk_bytes = 65537\n", 2, 20, "from 1024 to 65536", ""},
    {"UnackedTooSmall", "[server]\nunacked_bytes_max = 1\n", 2, 21, "from 4096", ""},
    {"NoSessions", "[server]\nsessions_max = 0\n", 2, 16, "from 1 to", ""},
    {"StageTooSmall", "[server]\nstage_bytes_min = 9\n", 2, 19, "from 1024", ""},
    {"RingEmpty", "[server]\nring_publishes = 0\n", 2, 18, "from 1 to 64", ""},
    {"BudgetTooSmall", "[server]\nclient_budget_bytes = 7\n", 2, 23, "0 (no limit) or from", ""},
    {"BudgetNegative", "[server]\ntotal_budget_bytes = -1\n", 2, 22, "from 0 to", ""},
    {"BurstTooSmall", "[server]\nclient_budget_burst = 0\n", 2, 23, "from 1024", ""},
    {"ClientOverTotal", "[server]\ntotal_budget_bytes = 5000\nclient_budget_bytes = 6000\n", 3, 23,
     "must not be more than", ""},
    {"IntakeTooSmall", "[server]\nintake_bytes = 100\n", 2, 16, "must be 0 (no limit) or", ""},
    {"IntakeBurstTooSmall", "[server]\nintake_burst = 4096\n", 2, 16, "from 131072", ""},
    {"ChangesTooMany", "[server]\nintake_changes = 2000000\n", 2, 18, "from 0 to 1000000", ""},
    {"UnknownLevel", "[log]\nlevel = \"wran\"\n", 2, 9, "must be one of", "warn"},
    {"UnknownFeed", "[feed]\nname = \"cube\"\n", 2, 8, "must be one of", "cubes"},
    {"FeedWithoutName", "[feed]\ndata = \"a.bin\"\n", 1, 1, "needs a name", ""},
    {"EmptySchema", "schema = \"\"\n", 1, 10, "must not be empty", ""},
    {"TokenWithoutSecret", "[[token]]\nprincipal = 1\n", 1, 1, "needs token", ""},
    {"TokenWithoutPrincipal", "[[token]]\ntoken = \"a\"\n", 1, 1, "needs principal", ""},
    {"TokenTwice",
     "[[token]]\ntoken = \"a\"\nprincipal = 1\n[[token]]\ntoken = \"a\"\nprincipal = 2\n", 5, 9,
     "stands above already", ""},
    {"ClaimNotANumber", "[[token]]\ntoken = \"a\"\nprincipal = 1\nclaims = { room = \"x\" }\n", 4,
     19, "claims.room must be an integer", ""},
    {"TokensAsATable", "token = { token = \"a\" }\n", 1, 9, "a list of tables", ""},
};

class ServerTomlRefuses : public testing::TestWithParam<BadCase> {};

TEST_P(ServerTomlRefuses, AtItsPlace) {
  const BadCase& bad = GetParam();
  std::vector<TextProblem> problems;
  const Result<ServerConfig> config = parse_server_toml(bad.text, "server.toml", &problems);
  ASSERT_FALSE(config.ok());
  ASSERT_EQ(problems.size(), 1u) << render_problems(bad.text, "server.toml", problems);
  EXPECT_EQ(problems[0].line, bad.line) << problems[0].message;
  EXPECT_EQ(problems[0].column, bad.column) << problems[0].message;
  EXPECT_NE(problems[0].message.find(bad.message), std::string::npos) << problems[0].message;
  EXPECT_EQ(problems[0].suggestion, bad.suggestion);
}

INSTANTIATE_TEST_SUITE_P(Cases, ServerTomlRefuses, testing::ValuesIn(kBadCases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(ServerToml, AllMistakesAreReportedInTheOrderOfTheFile) {
  constexpr const char* kText =
      "[server]\ntick_hz = -1\nstal_timeout = \"1s\"\n[listen]\nport = true\n[feeds]\nx = 1\n";
  std::vector<TextProblem> problems;
  const Result<ServerConfig> config = parse_server_toml(kText, "server.toml", &problems);
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.code(), ErrorCode::kUsage);
  ASSERT_EQ(problems.size(), 4u) << render_problems(kText, "server.toml", problems);
  EXPECT_EQ(problems[0].line, 2);
  EXPECT_EQ(problems[1].line, 3);
  EXPECT_EQ(problems[1].suggestion, "stall_timeout");
  EXPECT_EQ(problems[2].line, 5);
  EXPECT_EQ(problems[3].line, 6);
  EXPECT_EQ(problems[3].suggestion, "feed");
  const std::string shown = render_problems(kText, "server.toml", problems);
  EXPECT_NE(shown.find("server.toml:2:11: error:"), std::string::npos) << shown;
}

TEST(LogLevel, NamesAreInOrderOfSeverity) {
  EXPECT_EQ(log_level_name(LogLevel::kDebug), "debug");
  EXPECT_EQ(log_level_name(LogLevel::kError), "error");
}

}  // namespace
}  // namespace ecsdb
