#include "server/server_program.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <signal.h>
#include <sys/random.h>
#include <unistd.h>

#include "ecsdb/schema/canonical.h"

namespace ecsdb {
namespace {

// Raised by SIGUSR1, looked at by the tick.
volatile sig_atomic_t feed_toggles = 0;

void count_toggle(int) { feed_toggles = feed_toggles + 1; }

net::LogLevel net_level(LogLevel level) { return static_cast<net::LogLevel>(level); }
static_assert(static_cast<int>(LogLevel::kError) == static_cast<int>(net::LogLevel::kError));

DatabaseId random_database_id() {
  DatabaseId id;
  // At most 256 bytes: never cut short by a signal.
  ECSDB_CHECK(getrandom(&id.high, sizeof id.high, 0) == static_cast<ssize_t>(sizeof id.high));
  ECSDB_CHECK(getrandom(&id.low, sizeof id.low, 0) == static_cast<ssize_t>(sizeof id.low));
  return id;
}

ServerOptions server_options(const Settings& settings) {
  ServerOptions options = settings.config.server;
  options.database.id = random_database_id();
  options.system_id = random_database_id();
  options.client_events_max = 0;  // nobody here takes them
  return options;
}

std::unique_ptr<Authenticator> make_authenticator(const ServerConfig& config) {
  if (config.tokens.empty()) return std::make_unique<OpenAuthenticator>();
  return std::make_unique<StaticAuthenticator>(config.tokens);
}

std::string hex_text(const Hash128& hash) {
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high),
                static_cast<unsigned long long>(hash.low));
  return text;
}

}  // namespace

ServerProgram::ServerProgram(Settings settings)
    : settings_(std::move(settings)),
      log_(net_level(settings_.config.log_level)),
      authenticator_(make_authenticator(settings_.config)),
      server_(settings_.schema, server_options(settings_), authenticator_.get(), &secrets_) {}

int ServerProgram::run() {
  signal(SIGPIPE, SIG_IGN);  // whoever read the log may go; the server stays
  commit_first();
  Status started = start_listening();
  if (started.ok()) started = write_port_file();
  if (!started.ok()) {
    std::fprintf(stderr, "ecsdb-server: %s\n", started.error().context.c_str());
    return kExitConnect;
  }
  announce();
  loop_.run();
  return kExitOk;
}

/// Version 1, so that a client's synced state has a version of its own even if nothing is written.
void ServerProgram::commit_first() {
  Transaction change = server_.begin(loop_.now());
  // The schema was checked against the feed and holds far more entities than the feed needs.
  if (settings_.feed) ECSDB_CHECK(settings_.feed->fill(change).ok());
  const Now now = loop_.now();
  server_.commit(std::move(change), now);
  server_.publish(now);
}

Status ServerProgram::start_listening() {
  net::ServerRunnerOptions options;
  const ServerConfig& config = settings_.config;
  options.listen.address = config.listen_address;
  options.listen.port = config.listen_port;
  options.connection.open_timeout = config.server.handshake_timeout;
  options.connection.close_timeout = config.server.close_timeout;
  options.connection.upgrade.allowed_origins = config.allowed_origins;
  options.sockets_max = config.server.connections_max + config.server.connections_max / 5 + 16;
  auto runner = net::ServerRunner::start(loop_, server_, options, log_);
  if (!runner.ok()) return runner.error();
  runner_ = std::move(runner).value();
  ECSDB_TRY(loop_.on_signals([this](int) { on_stop_signal(); }));
  if (!settings_.feed) return {};
  struct sigaction action = {};
  action.sa_handler = count_toggle;
  action.sa_flags = SA_RESTART;
  ECSDB_CHECK(sigaction(SIGUSR1, &action, nullptr) == 0);
  runner_->set_tick(config.tick_hz, [this](const Now& now) { on_tick(now); });
  return {};
}

/// The file appears at once and whole, so that whoever waits for it can read it when it is there.
Status ServerProgram::write_port_file() const {
  const std::string& path = settings_.port_file;
  if (path.empty()) return {};
  const std::string part = path + ".part";
  std::FILE* file = std::fopen(part.c_str(), "w");
  bool written = file != nullptr && std::fprintf(file, "%u\n", runner_->port()) > 0;
  written = file != nullptr && std::fclose(file) == 0 && written;
  if (written && std::rename(part.c_str(), path.c_str()) == 0) return {};
  return fail(ErrorCode::kFileUnreadable, path + ": cannot be written: " + std::strerror(errno));
}

void ServerProgram::announce() {
  const ServerConfig& config = settings_.config;
  net::LogLine line("ready");
  line.text("address", config.listen_address).number("port", runner_->port());
  line.text("schema", settings_.schema.def().name);
  line.text("fingerprint", hex_text(settings_.schema.fingerprint()));
  line.number("tables", settings_.schema.table_count());
  line.text("auth", config.tokens.empty() ? "open" : "tokens");
  line.text("feed", config.feed_name);
  if (settings_.feed) {
    line.number("frames", settings_.feed->trace().frame_count()).number("tick_hz", config.tick_hz);
  }
  line.number("pid", static_cast<uint64_t>(getpid()));
  // At any log level: scripts wait for it.
  net::StderrLog(net::LogLevel::kDebug).write(net::LogLevel::kInfo, line.line());
}

void ServerProgram::on_tick(const Now& now) {
  const bool paused = feed_toggles % 2 != 0;
  if (paused != feed_paused_) {
    feed_paused_ = paused;
    net::LogLine line(paused ? "feed_paused" : "feed_resumed");
    line.number("version", server_.database().head().value);
    net::StderrLog(net::LogLevel::kDebug).write(net::LogLevel::kInfo, line.line());
  }
  if (paused && !server_.has_writes()) return;
  Transaction change = server_.begin(now);
  if (!paused) ECSDB_CHECK(settings_.feed->step(change).ok());
  server_.commit(std::move(change), now);
  server_.publish(now);
}

void ServerProgram::on_stop_signal() {
  if (stopping_) _exit(kExitInterrupted);
  stopping_ = true;
  net::LogLine line("stopping");
  line.number("connections", server_.connection_count());
  log_.write(net::LogLevel::kInfo, line.line());
  runner_->shutdown([this] { loop_.stop(); });
}

}  // namespace ecsdb
