// Runs the built programs as a user would: exit statuses, messages, output. Ports come from the
// system, and every wait is for a line or an end.
#include <algorithm>
#include <arpa/inet.h>
#include <cstdio>
#include <cstdlib>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/child_process.h"
#include "tools/load_run.h"

namespace ecsdb {
namespace {

using Words = std::vector<std::string>;

constexpr int kPatienceMs = 20'000;

/// Waits for bytes or the end of a stream; false if neither comes.
bool wait_readable(const PipeLines& lines) {
  pollfd waiting{lines.fd(), POLLIN, 0};
  return lines.is_open() && poll(&waiting, 1, kPatienceMs) == 1;
}

/// The next line that contains `part`, or nothing at the end.
std::optional<std::string> read_line_with(PipeLines& lines, const std::string& part) {
  while (true) {
    while (auto line = lines.next()) {
      if (line->find(part) != std::string::npos) return line;
    }
    if (!wait_readable(lines)) return std::nullopt;
    lines.fill();
  }
}

struct Outcome {
  int exit = -1;
  std::string out;
  std::string error;
};

Outcome run(const char* program, const Words& words) {
  auto child = ChildProcess::start(program, words, {.in = false, .out = true, .error = true});
  Outcome outcome;
  if (!child.ok()) return outcome;
  pollfd waiting[2];
  while (child->out().is_open() || child->error().is_open()) {
    waiting[0] = {child->out().fd(), POLLIN, 0};
    waiting[1] = {child->error().fd(), POLLIN, 0};
    if (poll(waiting, 2, kPatienceMs) <= 0) break;
    child->out().fill();
    child->error().fill();
    while (auto line = child->out().next()) outcome.out += *line + "\n";
    while (auto line = child->error().next()) outcome.error += *line + "\n";
  }
  outcome.exit = child->wait_exit(Duration::seconds(10)).value_or(-1);
  return outcome;
}

Outcome ecsdb(const Words& words) { return run(ECSDB_PROGRAM, words); }
Outcome server(const Words& words) { return run(ECSDB_SERVER_PROGRAM, words); }

/// A file that is gone at the end.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) {
    char path[] = "ecsdb-test-XXXXXX.toml";
    const int fd = mkstemps(path, 5);
    path_ = path;
    EXPECT_EQ(write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    close(fd);
  }
  ~TemporaryFile() { std::remove(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// ecsdb-server on a port of the system's choice, ready when made.
class RunningServer {
 public:
  explicit RunningServer(Words words) {
    words.insert(words.begin(), {"--listen", "127.0.0.1:0"});
    auto child = ChildProcess::start(ECSDB_SERVER_PROGRAM, words, {.error = true});
    if (!child.ok()) return;
    process_.emplace(std::move(child).value());
    const auto line = read_line_with(process_->error(), "event=ready");
    const size_t at = line ? line->find(" port=") : std::string::npos;
    if (at != std::string::npos) port_ = line->substr(at + 6, line->find(' ', at + 6) - at - 6);
  }
  std::string tcp() const { return "tcp://127.0.0.1:" + port_; }
  std::string ws() const { return "ws://127.0.0.1:" + port_; }
  const std::string& port() const { return port_; }
  ChildProcess& process() { return *process_; }

 private:
  std::optional<ChildProcess> process_;
  std::string port_;
};

/// A loopback port on which nobody listens while this lives: bound only.
class ClosedPort {
 public:
  ClosedPort() : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(socket_, generic, size), 0);
    EXPECT_EQ(getsockname(socket_, generic, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~ClosedPort() { close(socket_); }
  ClosedPort(const ClosedPort&) = delete;
  ClosedPort& operator=(const ClosedPort&) = delete;
  std::string tcp() const { return "tcp://127.0.0.1:" + std::to_string(port_); }
  std::string ws() const { return "ws://127.0.0.1:" + std::to_string(port_); }

 private:
  int socket_;
  uint16_t port_ = 0;
};

size_t count_lines(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Programs, HelpGoesToStandardOutput) {
  for (const Words& words : {Words{"help"},
                             {"--help"},
                             {"help", "watch"},
                             {"watch", "--help"},
                             {"load", "--help"},
                             {"demo", "-h"},
                             {"cubes-slice", "--help"}}) {
    const Outcome outcome = ecsdb(words);
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
      {{"watch", "--url", "tcp://127.0.0.1:1", "--cell", "3"}, "--cell needs --table"},
      {{"watch", "--url", "tcp://127.0.0.1:1", "--once", "--count", "1"}, "do not go together"},
      {{"demo", "--seconds", "-1"}, "--seconds must be"},
      {{"demo", "now"}, "what is 'now' meant to be?"},
      {{"cubes-slice", "in"}, "name IN and OUT"},
  };
  for (const auto& [words, message] : cases) {
    const Outcome outcome = ecsdb(words);
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
    const Outcome outcome = server(words);
    EXPECT_EQ(outcome.exit, 2) << message;
    EXPECT_TRUE(contains(outcome.error, message)) << outcome.error;
  }
}

TEST(Programs, WrongFilesExitWithThreeAndSayWhere) {
  const TemporaryFile config("[server]\ntick_hz = 0\nstal_timeout = \"1s\"\n");
  const Outcome bad_config = server({"--config", config.path()});
  EXPECT_EQ(bad_config.exit, 3);
  EXPECT_TRUE(contains(bad_config.error, config.path() + ":2:11: error:")) << bad_config.error;
  EXPECT_TRUE(contains(bad_config.error, config.path() + ":3:1: error:")) << bad_config.error;
  EXPECT_TRUE(contains(bad_config.error, "did you mean \"stall_timeout\"?")) << bad_config.error;

  const TemporaryFile schema("[schema]\nname = \"a\"\nversion = 1\n[table.t]\nid = 1\n");
  const Outcome bad_schema = server({"--schema", schema.path()});
  EXPECT_EQ(bad_schema.exit, 3);
  EXPECT_TRUE(contains(bad_schema.error, schema.path() + ":")) << bad_schema.error;

  EXPECT_EQ(server({"--config", "no-such-file.toml"}).exit, 3);
  const Outcome bad_feed = server({"--feed", "cubes", "--feed-data", config.path()});
  EXPECT_EQ(bad_feed.exit, 3);
  EXPECT_TRUE(contains(bad_feed.error, "multiple of 28832 bytes")) << bad_feed.error;
  const TemporaryFile narrow("[database]\nentities_max = 900\n");
  EXPECT_EQ(server({"--config", narrow.path(), "--feed", "cubes"}).exit, 3);
}

TEST(Programs, BundledConfigurationIsRight) {
  const std::string path = std::string(ECSDB_CUBES_DIR) + "/server.toml";
  const Outcome outcome = server({"--config", path, "--check-config"});
  EXPECT_EQ(outcome.exit, 0) << outcome.error;
  EXPECT_TRUE(contains(outcome.out, "schema \"cubes\"")) << outcome.out;
}

TEST(Programs, WithoutAServerClientsExitWithFour) {
  const ClosedPort port;
  for (const std::string& url : {port.tcp(), port.ws()}) {
    for (const Words& words :
         {Words{"load", "--url", url, "--clients", "2"}, {"watch", "--url", url}}) {
      const Outcome outcome = ecsdb(words);
      EXPECT_EQ(outcome.exit, 4);
      EXPECT_TRUE(contains(outcome.error, url)) << outcome.error;
      EXPECT_TRUE(contains(outcome.error, "refused")) << outcome.error;
    }
  }
}

TEST(Programs, PortInUseExitsWithFour) {
  RunningServer first({"--feed", "cubes"});
  ASSERT_NE(first.port(), "");
  const Outcome second = server({"--feed", "cubes", "--listen", "127.0.0.1:" + first.port()});
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

TEST(Programs, LoadReportsOneObject) {
  RunningServer running({"--feed", "cubes"});
  ASSERT_NE(running.port(), "");
  const Outcome outcome = ecsdb(
      {"load", "--url", running.tcp(), "--mix", "--clients", "6", "--seconds", "0.5", "--json"});
  EXPECT_EQ(outcome.exit, 0) << outcome.error;
  EXPECT_EQ(count_lines(outcome.out), 1u);
  EXPECT_TRUE(outcome.out.starts_with(
      "{\"clients\": 6, \"synced\": 6, \"digest_mismatches\": 0, \"p50_ms\": "))
      << outcome.out;
  size_t at = 0;
  for (const char* key : {"clients", "synced", "digest_mismatches", "p50_ms", "p99_ms", "p999_ms",
                          "bytes_per_client_per_s", "advances", "lag"}) {
    at = outcome.out.find("\"" + std::string(key) + "\": ", at);
    ASSERT_NE(at, std::string::npos) << key << " in " << outcome.out;
  }
}

TEST(Programs, LoadSeesReplicasThatDiffer) {
  // Two servers with other data stand in for one that does not serve all clients alike.
  const TemporaryFile trace("");
  const std::string slice = std::string(ECSDB_CUBES_DIR) + "/slice.bin";
  ASSERT_EQ(ecsdb({"cubes-slice", slice, trace.path(), "--frames", "60..119"}).exit, 0);
  RunningServer first({"--feed", "cubes"});
  RunningServer second({"--feed", "cubes", "--feed-data", trace.path()});
  LoadOptions options;
  options.clients = 2;
  options.urls = {net::parse_stream_url(first.tcp()).value(),
                  net::parse_stream_url(second.ws()).value()};
  net::EventLoop loop;
  LoadRun run(loop, options);
  ASSERT_TRUE(run.start().ok());
  const Instant deadline = loop.now().steady + Duration::ms(kPatienceMs);
  while (run.figures(false).digest_mismatches == 0 && loop.now().steady < deadline) {
    loop.run_batch(Duration::ms(100));
  }
  EXPECT_GT(run.figures(false).digest_mismatches, 0u);
  EXPECT_FALSE(run.failure());
  EXPECT_TRUE(run.all_live());
}

TEST(Programs, LoadAgreesOnAServerThatRests) {
  const TemporaryFile schema(
      "[schema]\nname = \"a\"\nversion = 1\n[table.t]\nid = 1\n"
      "fields.x = { id = 1, type = \"u8\" }\n");
  RunningServer running({"--schema", schema.path()});
  ASSERT_NE(running.port(), "");
  const Outcome outcome =
      ecsdb({"load", "--url", running.ws(), "--clients", "3", "--seconds", "0.1"});
  EXPECT_EQ(outcome.exit, 0) << outcome.error;
  EXPECT_TRUE(contains(outcome.out, "3, 3 synced")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "p50 - ms, p99 - ms")) << outcome.out;
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
  const Outcome all = ecsdb({"watch", "--url", running.tcp(), "--once", "--json"});
  EXPECT_EQ(all.exit, 0) << all.error;
  EXPECT_EQ(count_lines(all.out), 901u);
  EXPECT_TRUE(all.out.starts_with("{\"v\": 1, \"event\": \"row\", \"version\": ")) << all.out;
  EXPECT_TRUE(contains(all.out, "\"entity\": \"900:1:1\", \"fields\": {\"position\": ["));
  const Outcome cell =
      ecsdb({"watch", "--url", running.ws(), "--once", "--table", "cube", "--cell", "one"});
  EXPECT_EQ(count_lines(cell.out), 901u) << cell.error;
  const Outcome other = ecsdb({"watch", "--url", running.tcp(), "--once", "--table", "other"});
  EXPECT_EQ(other.exit, 0);
  EXPECT_EQ(other.out, "");
  const Outcome unknown = ecsdb({"watch", "--url", running.tcp(), "--table", "cub"});
  EXPECT_EQ(unknown.exit, 6);
  EXPECT_TRUE(contains(unknown.error, "did you mean cube?")) << unknown.error;
  const Outcome no_cell =
      ecsdb({"watch", "--url", running.tcp(), "--table", "cube", "--cell", "1,2"});
  EXPECT_EQ(no_cell.exit, 2);
}

TEST(Programs, WatchPrintsChangesAsTheyCome) {
  RunningServer running({"--feed", "cubes"});
  ASSERT_NE(running.port(), "");
  const Outcome outcome = ecsdb({"watch", "--url", running.ws(), "--json", "--count", "1000"});
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
  const Outcome outcome = ecsdb({"demo", "--seconds", "1"});
  EXPECT_EQ(outcome.exit, 0) << outcome.error;
  EXPECT_TRUE(contains(outcome.out, "commit to applied: p50 ")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "10 of 10 clients equal at version ")) << outcome.out;
  EXPECT_TRUE(contains(outcome.error, "10/10 live")) << outcome.error;
}

TEST(Programs, DemoThatIsTooSlowExitsWithEleven) {
  const Outcome outcome = ecsdb({"demo", "--seconds", "0.3", "--p99-ms", "0.000001", "--json"});
  EXPECT_EQ(outcome.exit, 11) << outcome.error;
  EXPECT_TRUE(contains(outcome.out, "\"equal\": 10, ")) << outcome.out;
}

TEST(Programs, DemoPassesOnThatTheTraceIsWrong) {
  const TemporaryFile trace("no trace");
  const Outcome outcome = ecsdb({"demo", "--feed-data", trace.path()});
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
