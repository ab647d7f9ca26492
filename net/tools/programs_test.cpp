// Runs the built programs as a user would: exit statuses, messages, output. Ports come from the
// system, and every wait is for a line or an end.
#include <gtest/gtest.h>
#include <signal.h>

#include "tools/test_programs.h"

namespace ecsdb {
namespace {

TEST(Programs, HelpGoesToStandardOutput) {
  for (const Words& words : {Words{"help"},
                             {"--help"},
                             {"help", "watch"},
                             {"watch", "--help"},
                             {"conflicts", "--help"},
                             {"load", "--help"},
                             {"demo", "-h"},
                             {"cubes-slice", "--help"}}) {
    const ProgramOutcome outcome = ecsdb(words);
    EXPECT_EQ(outcome.exit, 0) << words[0];
    EXPECT_TRUE(outcome.out.starts_with("usage: ecsdb ")) << outcome.out;
    EXPECT_EQ(outcome.error, "");
  }
  EXPECT_TRUE(server({"--help"}).out.starts_with("usage: ecsdb-server "));
  EXPECT_TRUE(server({"--version"}).out.starts_with("ecsdb-server "));
  EXPECT_TRUE(ecsdb({"--version"}).out.starts_with("ecsdb "));
}

TEST(Programs, UsageErrorsExitWithTwo) {
  const std::pair<Words, const char*> cases[] = {
      {{}, "usage: ecsdb VERB"},
      {{"lod"}, "did you mean load?"},
      {{"load"}, "--url is needed"},
      {{"load", "--url", "127.0.0.1:1"}, "tcp:// or ws://"},
      {{"load", "--url", "tcp://127.0.0.1:1", "--clients", "0"}, "--clients must be"},
      {{"load", "--url", "tcp://127.0.0.1:1", "--second", "1"}, "did you mean --seconds?"},
      {{"load", "--stall", "5000:3", "--clients", "100"}, "leaves nobody to measure"},
      {{"load", "--stall", "10:3", "--clients", "10"}, "leaves nobody to measure"},
      {{"load", "--stall", "3"}, "COUNT:SECONDS"},
      {{"load", "--stall", "0:3"}, "COUNT:SECONDS"},
      {{"load", "--stall", "3:0"}, "COUNT:SECONDS"},
      {{"load", "--stall", "3:1x"}, "COUNT:SECONDS"},
      {{"load", "--stall", "3:1", "--url", "tcp://127.0.0.1:1"}, "needs --server-pid"},
      {{"load", "--stall", "3:1", "--server-pid", "1"}, "--server-pid needs --url"},
      {{"load", "--stall", "3:1", "--cut", "1"}, "do not go together"},
      {{"load", "--stall", "3:1", "--p99-ratio-max", "0"}, "--p99-ratio-max must be"},
      {{"load", "--url", "tcp://127.0.0.1:1", "--tick-hz", "9"}, "does not go with --url"},
      {{"load", "--cut", "-1"}, "--cut must be"},
      {{"load", "--cut", "1", "--seconds", "1"}, "do not go together"},
      {{"load", "--cut", "1", "--cut-how", "gently"}, "reset, blackhole or both"},
      {{"load", "--url", "tcp://127.0.0.1:1", "--cut-how", "reset"}, "--cut-how needs --cut"},
      {{"watch", "--url", "tcp://127.0.0.1:1", "--cell", "3"}, "--cell needs --table"},
      {{"watch", "--url", "tcp://127.0.0.1:1", "--once", "--count", "1"}, "do not go together"},
      {{"conflicts", "--token", "x"}, "--url is needed"},
      {{"conflicts", "--url", "tcp://127.0.0.1:1", "--follow", "--counts"}, "do not go together"},
      {{"demo", "--seconds", "-1"}, "--seconds must be"},
      {{"demo", "now"}, "what is 'now' meant to be?"},
      {{"cubes-slice", "in"}, "name IN and OUT"},
  };
  for (const auto& [words, message] : cases) {
    const ProgramOutcome outcome = ecsdb(words);
    EXPECT_EQ(outcome.exit, 2) << message;
    EXPECT_TRUE(contains(outcome.error, message)) << outcome.error;
    EXPECT_EQ(outcome.out, "");
  }
}

TEST(Programs, ServerUsageErrorsExitWithTwo) {
  const std::pair<Words, const char*> cases[] = {
      {{}, "no schema"},
      {{"--feed", "cubs"}, "there is no feed 'cubs'"},
      {{"--feed", "cubes", "--listen", "127.0.0.1"}, "--listen: "},
      {{"--feed", "cubes", "--listen", "localhost:0"}, "give a numeric address"},
      {{"--feed", "cubes", "--listen", "1.2.3:0", "--check-config"}, "give a numeric address"},
      {{"--feed", "cubes", "--listen", "0.0.0.0:0"}, "--insecure-i-know"},
      {{"--feed", "cubes", "--tick-hz", "0"}, "--tick-hz must be"},
      {{"--feed", "cubes", "--log-level", "loud"}, "--log-level must be"},
      {{"--feed", "cubes", "--token", ""}, "a token has 1 to"},
      {{"--feed-data", "x", "--schema", "y"}, "--feed-data needs --feed"},
  };
  for (const auto& [words, message] : cases) {
    const ProgramOutcome outcome = server(words);
    EXPECT_EQ(outcome.exit, 2) << message;
    EXPECT_TRUE(contains(outcome.error, message)) << outcome.error;
  }
}

TEST(Programs, WrongFilesExitWithThreeAndSayWhere) {
  const TemporaryFile config("[server]\ntick_hz = 0\nstal_timeout = \"1s\"\n");
  const ProgramOutcome bad_config = server({"--config", config.path()});
  EXPECT_EQ(bad_config.exit, 3);
  EXPECT_TRUE(contains(bad_config.error, config.path() + ":2:11: error:")) << bad_config.error;
  EXPECT_TRUE(contains(bad_config.error, config.path() + ":3:1: error:")) << bad_config.error;
  EXPECT_TRUE(contains(bad_config.error, "did you mean \"stall_timeout\"?")) << bad_config.error;

  const TemporaryFile schema("[schema]\nname = \"a\"\nversion = 1\n[table.t]\nid = 1\n");
  const ProgramOutcome bad_schema = server({"--schema", schema.path()});
  EXPECT_EQ(bad_schema.exit, 3);
  EXPECT_TRUE(contains(bad_schema.error, schema.path() + ":")) << bad_schema.error;

  EXPECT_EQ(server({"--config", "no-such-file.toml"}).exit, 3);
  const ProgramOutcome bad_feed = server({"--feed", "cubes", "--feed-data", config.path()});
  EXPECT_EQ(bad_feed.exit, 3);
  EXPECT_TRUE(contains(bad_feed.error, "multiple of 28832 bytes")) << bad_feed.error;
  const TemporaryFile narrow("[database]\nentities_max = 900\n");
  EXPECT_EQ(server({"--config", narrow.path(), "--feed", "cubes"}).exit, 3);
}

TEST(Programs, BundledConfigurationIsRight) {
  const std::string path = std::string(ECSDB_CUBES_DIR) + "/server.toml";
  const ProgramOutcome outcome = server({"--config", path, "--check-config"});
  EXPECT_EQ(outcome.exit, 0) << outcome.error;
  EXPECT_TRUE(contains(outcome.out, "schema \"cubes\"")) << outcome.out;
}

TEST(Programs, WithoutAServerClientsExitWithFour) {
  const ClosedPort port;
  for (const std::string& url : {port.tcp(), port.ws()}) {
    for (const Words& words : {Words{"load", "--url", url, "--clients", "2"},
                               {"watch", "--url", url},
                               {"conflicts", "--url", url}}) {
      const ProgramOutcome outcome = ecsdb(words);
      EXPECT_EQ(outcome.exit, 4);
      EXPECT_TRUE(contains(outcome.error, url)) << outcome.error;
      EXPECT_TRUE(contains(outcome.error, "refused")) << outcome.error;
    }
  }
}

TEST(Programs, PortInUseExitsWithFour) {
  RunningServer first({"--feed", "cubes"});
  ASSERT_NE(first.port(), "");
  const ProgramOutcome second =
      server({"--feed", "cubes", "--listen", "127.0.0.1:" + first.port()});
  EXPECT_EQ(second.exit, 4) << second.error;
}

TEST(Programs, WrongTokenExitsWithFive) {
  RunningServer running({"--feed", "cubes", "--token", "right"});
  ASSERT_NE(running.port(), "");
  for (const std::string& url : {running.tcp(), running.ws()}) {
    EXPECT_EQ(ecsdb({"load", "--url", url, "--token", "wrong"}).exit, 5);
    EXPECT_EQ(ecsdb({"watch", "--url", url}).exit, 5);
    EXPECT_EQ(ecsdb({"watch", "--url", url, "--token", "right", "--count", "1"}).exit, 0);
  }
}

TEST(Programs, ConflictsAreForAdmins) {
  const TemporaryFile config(
      "[[token]]\ntoken = \"a\"\nprincipal = 1\nroles = [\"admin\"]\n"
      "[[token]]\ntoken = \"b\"\nprincipal = 2\nroles = [\"guest\"]\n");
  RunningServer running({"--config", config.path(), "--feed", "cubes"});
  ASSERT_NE(running.port(), "");
  for (const Words& words : {Words{"conflicts", "--url", running.ws(), "--token", "a"},
                             {"conflicts", "--url", running.tcp(), "--token", "a", "--counts"}}) {
    const ProgramOutcome admin = ecsdb(words);
    EXPECT_EQ(admin.exit, 0) << admin.error;
    EXPECT_EQ(admin.out, "");
  }
  RunningServer open({"--feed", "cubes"});
  ASSERT_NE(open.port(), "");
  for (const Words& words : {Words{"conflicts", "--url", running.tcp(), "--token", "b"},
                             {"conflicts", "--url", open.tcp(), "--token", "a"}}) {
    const ProgramOutcome outcome = ecsdb(words);
    EXPECT_EQ(outcome.exit, 5);
    EXPECT_TRUE(contains(outcome.error, "takes tokens with the role admin only")) << outcome.error;
  }
  EXPECT_EQ(ecsdb({"conflicts", "--url", running.tcp(), "--token", "c"}).exit, 5);
}

TEST(Programs, WatchOncePrintsEveryRowOfEveryTable) {
  const TemporaryFile schema(
      "[schema]\nname = \"two\"\nversion = 1\n"
      "[table.cube]\nid = 2\n[table.cube.fields]\n"
      "position = { id = 1, type = \"vec3f\", precision = 0.001953125 }\n"
      "orientation = { id = 2, type = \"quatf\", bits = 9 }\n"
      "interacting = { id = 3, type = \"bool\" }\n"
      "[table.other]\nid = 1\nfields.x = { id = 1, type = \"u8\" }\n");
  RunningServer running({"--schema", schema.path(), "--feed", "cubes"});
  ASSERT_NE(running.port(), "");
  const ProgramOutcome all = ecsdb({"watch", "--url", running.tcp(), "--once", "--json"});
  EXPECT_EQ(all.exit, 0) << all.error;
  EXPECT_EQ(count_lines(all.out), 901u);
  EXPECT_TRUE(all.out.starts_with("{\"v\": 1, \"event\": \"row\", \"version\": ")) << all.out;
  EXPECT_TRUE(contains(all.out, "\"entity\": \"900:1:1\", \"fields\": {\"position\": ["));
  const ProgramOutcome cell =
      ecsdb({"watch", "--url", running.ws(), "--once", "--table", "cube", "--cell", "one"});
  EXPECT_EQ(count_lines(cell.out), 901u) << cell.error;
  const ProgramOutcome other =
      ecsdb({"watch", "--url", running.tcp(), "--once", "--table", "other"});
  EXPECT_EQ(other.exit, 0);
  EXPECT_EQ(other.out, "");
  const ProgramOutcome unknown = ecsdb({"watch", "--url", running.tcp(), "--table", "cub"});
  EXPECT_EQ(unknown.exit, 6);
  EXPECT_TRUE(contains(unknown.error, "did you mean cube?")) << unknown.error;
  const ProgramOutcome no_cell =
      ecsdb({"watch", "--url", running.tcp(), "--table", "cube", "--cell", "1,2"});
  EXPECT_EQ(no_cell.exit, 2);
}

TEST(Programs, WatchPrintsChangesAsTheyCome) {
  RunningServer running({"--feed", "cubes"});
  ASSERT_NE(running.port(), "");
  const ProgramOutcome outcome =
      ecsdb({"watch", "--url", running.ws(), "--json", "--count", "1000"});
  EXPECT_EQ(outcome.exit, 0) << outcome.error;
  EXPECT_EQ(count_lines(outcome.out), 1000u);
  EXPECT_TRUE(contains(outcome.out, "\"event\": \"enter\""));
  EXPECT_TRUE(contains(outcome.out, "\"event\": \"change\""));
}

/// A client in a process of its own, synced when made; it stays until it is told otherwise.
Result<ChildProcess> start_client(const std::string& url) {
  auto child =
      ChildProcess::start(ECSDB_PROGRAM, {"load", "--control", "--clients", "1", "--url", url},
                          {.in = true, .out = true, .error = true});
  if (child.ok() && !read_line_with(child->out(), " live=1 ")) {
    return fail(ErrorCode::kConnectFailed, "the client did not come to be live");
  }
  return child;
}

TEST(Programs, ServerStopsCleanlyOnASignal) {
  for (const int number : {SIGTERM, SIGINT}) {
    RunningServer running({"--feed", "cubes"});
    ASSERT_NE(running.port(), "");
    auto client = start_client(running.tcp());
    ASSERT_TRUE(client.ok()) << client.error().context;
    running.process().send_signal(number);
    EXPECT_TRUE(read_line_with(running.process().error(), "event=stopping"));
    EXPECT_TRUE(read_line_with(running.process().error(), "code=shutdown"));
    EXPECT_EQ(running.process().wait_exit(Duration::seconds(10)), 0);
  }
}

TEST(Programs, SecondSignalEndsTheServerAtOnce) {
  RunningServer running({"--feed", "cubes"});
  ASSERT_NE(running.port(), "");
  auto client = start_client(running.tcp());
  ASSERT_TRUE(client.ok()) << client.error().context;
  client->send_signal(SIGSTOP);  // it will not answer the goodbye, so the server has to wait
  running.process().send_signal(SIGTERM);
  ASSERT_TRUE(read_line_with(running.process().error(), "event=stopping"));
  running.process().send_signal(SIGTERM);
  EXPECT_EQ(running.process().wait_exit(Duration::seconds(10)), 130);
  client->send_signal(SIGCONT);
}

TEST(Programs, WatchEndsOnASignalEvenIfNobodyReadsIt) {
  RunningServer running({"--feed", "cubes"});
  ASSERT_NE(running.port(), "");
  auto watch = ChildProcess::start(ECSDB_PROGRAM, {"watch", "--url", running.tcp(), "--json"},
                                   {.in = false, .out = true, .error = true});
  ASSERT_TRUE(watch.ok()) << watch.error().context;
  // The rows of the first sync alone are more than a pipe holds, so it soon is, or is about to be,
  // in a write that does not end.
  ASSERT_TRUE(read_line_with(watch->out(), "\"event\": \"enter\""));
  watch->send_signal(SIGINT);
  EXPECT_EQ(watch->wait_exit(Duration::seconds(10)), 130);
}

TEST(Programs, FeedPausesAndGoesOn) {
  RunningServer running({"--feed", "cubes", "--log-level", "error"});
  ASSERT_NE(running.port(), "");
  running.process().send_signal(SIGUSR1);
  EXPECT_TRUE(read_line_with(running.process().error(), "event=feed_paused version="));
  running.process().send_signal(SIGUSR1);
  EXPECT_TRUE(read_line_with(running.process().error(), "event=feed_resumed version="));
}

TEST(Programs, PortFileHoldsThePort) {
  const TemporaryFile port_file("");
  RunningServer running({"--feed", "cubes", "--port-file", port_file.path()});
  ASSERT_NE(running.port(), "");
  std::FILE* file = std::fopen(port_file.path().c_str(), "r");
  ASSERT_NE(file, nullptr);
  char text[16] = {};
  EXPECT_NE(std::fgets(text, sizeof text, file), nullptr);
  std::fclose(file);
  EXPECT_EQ(std::string(text), running.port() + "\n");
}

TEST(Programs, DemoEndsWithTenEqualReplicas) {
  const ProgramOutcome outcome = ecsdb({"demo", "--seconds", "1"});
  EXPECT_EQ(outcome.exit, 0) << outcome.error;
  EXPECT_TRUE(contains(outcome.out, "commit to applied: p50 ")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "10 of 10 clients equal at version ")) << outcome.out;
  EXPECT_TRUE(contains(outcome.error, "10/10 live")) << outcome.error;
}

TEST(Programs, DemoThatIsTooSlowExitsWithEleven) {
  const ProgramOutcome outcome =
      ecsdb({"demo", "--seconds", "0.3", "--p99-ms", "0.000001", "--json"});
  EXPECT_EQ(outcome.exit, 11) << outcome.error;
  EXPECT_TRUE(contains(outcome.out, "\"equal\": 10, ")) << outcome.out;
}

TEST(Programs, DemoPassesOnThatTheTraceIsWrong) {
  const TemporaryFile trace("no trace");
  const ProgramOutcome outcome = ecsdb({"demo", "--feed-data", trace.path()});
  EXPECT_EQ(outcome.exit, 3) << outcome.error;
  EXPECT_TRUE(contains(outcome.error, "multiple of 28832 bytes")) << outcome.error;
}

TEST(Programs, InterruptedDemoEndsItsChildren) {
  auto demo = ChildProcess::start(ECSDB_PROGRAM, {"demo", "--seconds", "60"},
                                  {.in = false, .out = true, .error = true});
  ASSERT_TRUE(demo.ok()) << demo.error().context;
  ASSERT_TRUE(read_line_with(demo->error(), "10/10 live"));
  demo->send_signal(SIGINT);
  EXPECT_EQ(demo->wait_exit(Duration::seconds(10)), 130);
  // The children hold the other ends of these pipes: they end only when all children have.
  EXPECT_FALSE(read_line_with(demo->out(), "equal"));
  EXPECT_FALSE(demo->out().is_open());
  EXPECT_FALSE(read_line_with(demo->error(), "equal"));
  EXPECT_FALSE(demo->error().is_open());
}

}  // namespace
}  // namespace ecsdb
