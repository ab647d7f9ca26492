// `ecsdb conflicts` as a user runs it, on a server in this process that has some.
#include <csignal>
#include <gtest/gtest.h>

#include "ecsdb/net/server_runner.h"
#include "ecsdb/server/test_peer.h"

#include "tools/test_programs.h"

namespace ecsdb {
namespace {

constexpr const char* kAdminToken = "admin token";

class NoLog final : public net::LogSink {
 public:
  void write(net::LogLevel, std::string_view) override {}
};

/// Serves while somebody waits for a child.
class ServerWithConflicts {
 public:
  explicit ServerWithConflicts(uint16_t port = 0, DatabaseId system_id = {},
                               const char* admin_role = "admin")
      : auth_({{"guest token", "gus", PrincipalId{7}, {"guest"}, {}},
               {kAdminToken, "ada", PrincipalId{8}, {"admin", "boss"}, {}}}),
        server_(server_test::yard(), options(system_id, admin_role), &auth_) {
    net::ServerRunnerOptions runner;
    runner.listen.port = port;
    auto started = net::ServerRunner::start(loop_, server_, runner, log_);
    if (started.ok()) runner_ = std::move(started).value();
  }
  uint16_t port() const { return runner_ == nullptr ? 0 : runner_->port(); }
  std::string url() const { return "tcp://127.0.0.1:" + std::to_string(port()); }

  /// Somebody's `hits` for a unit.
  void add(uint64_t mine) {
    const Schema& schema = server_.database().schema();
    const FieldDef& hits = schema.table(server_test::kUnit).fields[1];
    Conflict conflict;
    conflict.version = Version{5};
    conflict.client = ClientId{2};
    conflict.principal = PrincipalId{7};
    conflict.table = schema.table(server_test::kUnit).id;
    conflict.entity = EntityId::make(3, 1, 1);
    conflict.field = hits.id;
    conflict.mine = to_canonical(hits, mine).value();
    ServerTestPeer::conflicts(server_).add(std::move(conflict));
  }
  /// The next line of the child, or nothing at its end.
  std::optional<std::string> next_line(ChildProcess& child) {
    const Instant end = loop_.now().steady + Duration::ms(kPatienceMs);
    while (loop_.now().steady < end && child.out().is_open()) {
      if (auto line = child.out().next()) return line;
      loop_.run_batch(Duration::ms(1));
      pollfd waiting{child.out().fd(), POLLIN, 0};
      if (poll(&waiting, 1, 0) == 1) child.out().fill();
    }
    return child.out().next();
  }
  ProgramOutcome run(Words words) {
    words.insert(words.begin(), {"conflicts", "--url", url(), "--token", kAdminToken});
    auto child = ChildProcess::start(ECSDB_PROGRAM, words, {.out = true});
    ProgramOutcome outcome;
    if (!child.ok()) return outcome;
    while (auto line = next_line(*child)) outcome.out += *line + "\n";
    outcome.exit = child->wait_exit(Duration::seconds(10)).value_or(-1);
    return outcome;
  }

 private:
  static ServerOptions options(DatabaseId system_id, const char* admin_role) {
    ServerOptions options;
    options.system_id = system_id;
    options.admin_role = admin_role;
    options.system_interval = Duration::ms(10);
    return options;
  }

  NoLog log_;
  StaticAuthenticator auth_;
  ReplicationServer server_;
  net::EventLoop loop_;
  std::unique_ptr<net::ServerRunner> runner_;
};

TEST(ConflictsProgram, PrintsAllColumnsInOrderOfDecision) {
  ServerWithConflicts server;
  ASSERT_NE(server.port(), 0);
  server.add(41);
  server.add(42);
  const ProgramOutcome outcome = server.run({});
  EXPECT_EQ(outcome.exit, 0);
  EXPECT_EQ(count_lines(outcome.out), 2u);
  EXPECT_TRUE(outcome.out.starts_with(
      "{\"v\": 1, \"number\": 1, \"version\": 5, \"time_ms\": 0, \"client\": 2, \"principal\": "
      "\"7\", \"sequence\": 0, \"op\": 0, \"table\": \"unit\", \"entity\": \"3:1:1\", \"field\": "
      "\"hits\", \"policy\": \"server\", \"rule\": \"server_wins\", \"base_version\": 0, \"base\": "
      "\"\", \"server\": \"\", \"mine\": \"41\", \"result\": \"\", \"resolved_by\": 0}\n"
      "{\"v\": 1, \"number\": 2, "))
      << outcome.out;
}

TEST(ConflictsProgram, PrintsCounts) {
  ServerWithConflicts server;
  ASSERT_NE(server.port(), 0);
  EXPECT_EQ(server.run({"--counts"}).out, "");
  for (uint64_t i = 0; i < 3; ++i) server.add(i);
  const ProgramOutcome outcome = server.run({"--counts"});
  EXPECT_EQ(outcome.exit, 0);
  EXPECT_EQ(outcome.out,
            "{\"v\": 1, \"policy\": \"server\", \"table\": \"unit\", \"rule\": \"server_wins\", "
            "\"count\": 3}\n");
}

TEST(ConflictsProgram, FollowsThemAndAServerThatIsStartedAnew) {
  std::optional<ServerWithConflicts> server;
  server.emplace(uint16_t{0}, DatabaseId{1, 1});
  ASSERT_NE(server->port(), 0);
  const uint16_t port = server->port();
  auto child = ChildProcess::start(
      ECSDB_PROGRAM, {"conflicts", "--url", server->url(), "--token", kAdminToken, "--follow"},
      {.out = true});
  ASSERT_TRUE(child.ok());
  const auto expect_next = [&](const std::string& number, const std::string& mine) {
    const std::string line = server->next_line(*child).value_or("");
    EXPECT_TRUE(contains(line, "\"number\": " + number + ", ")) << line;
    EXPECT_TRUE(contains(line, "\"mine\": \"" + mine + "\"")) << line;
  };
  server->add(10);
  server->add(20);
  expect_next("1", "10");
  expect_next("2", "20");
  server->add(30);
  expect_next("3", "30");
  server.reset();
  server.emplace(port, DatabaseId{2, 2});
  ASSERT_EQ(server->port(), port);
  server->add(40);
  expect_next("1", "40");
  server.reset();  // another role reads it: that is another schema
  server.emplace(port, DatabaseId{3, 3}, "boss");
  ASSERT_EQ(server->port(), port);
  server->add(50);
  expect_next("1", "50");
  child->send_signal(SIGINT);
  while (server->next_line(*child)) {
  }
  EXPECT_EQ(child->wait_exit(Duration::seconds(10)), 130);
}

}  // namespace
}  // namespace ecsdb
