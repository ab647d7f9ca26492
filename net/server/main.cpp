// ecsdb-server: the server as a program.
#include <cstdio>
#include <signal.h>

#include "server/server_program.h"
#include "server/settings.h"
#include "tools/bug_report.h"

namespace {

int check_only(const ecsdb::Settings& settings) {
  std::printf("ok: schema \"%s\" version %u, %zu tables, %zu tokens%s\n",
              settings.schema.def().name.c_str(), settings.schema.def().version,
              settings.schema.table_count(), settings.config.tokens.size(),
              settings.feed ? ", feed cubes" : "");
  return ecsdb::kExitOk;
}

}  // namespace

int main(int argc, char** argv) {
  ecsdb::exit_on_failed_check();
  // It would kill the process: only a feed that runs has a use for it, and a handler.
  signal(SIGUSR1, SIG_IGN);
  const ecsdb::CommandSpec& command = ecsdb::server_command();
  const std::span<const char* const> arguments(argv + 1, static_cast<size_t>(argc - 1));
  const auto line = ecsdb::CommandLine::parse(command, arguments);
  if (!line.ok()) return ecsdb::report_usage(command, line.error());
  if (line->wants_help()) {
    std::fputs(ecsdb::help_text(command).c_str(), stdout);
    return ecsdb::kExitOk;
  }
  if (line->has("--version")) {
    std::puts("ecsdb-server " ECSDB_VERSION);
    return ecsdb::kExitOk;
  }
  ecsdb::SettingsError error;
  std::optional<ecsdb::Settings> settings = ecsdb::load_settings(*line, error);
  if (!settings) {
    std::fputs(error.text.c_str(), stderr);
    return error.exit;
  }
  if (settings->check_only) return check_only(*settings);
  return ecsdb::ServerProgram(*std::move(settings)).run();
}
