// What ecsdb-server was asked to do: command line over configuration file over defaults.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "ecsdb/schema/schema.h"
#include "ecsdb/server/auth.h"
#include "ecsdb/toml/options_toml.h"

#include "server/cubes_feed.h"
#include "tools/command_line.h"
#include "tools/exit_code.h"

namespace ecsdb {

/// Options and help of ecsdb-server.
const CommandSpec& server_command();

struct Settings {
  ServerConfig config;      // paths resolved, flags applied
  std::string config_file;  // for messages; empty: none
  std::string port_file;    // empty: none
  bool check_only = false;  // --check-config
  Schema schema;
  std::optional<CubesFeed> feed;
};

/// Why there are no settings: the status to end with and the text for standard error.
struct SettingsError {
  ExitCode exit = kExitConfig;
  std::string text;  // ends with a line end
};

/// Reads and checks every file that is named. Nothing if that failed, with the reason in `error`.
std::optional<Settings> load_settings(const CommandLine& line, SettingsError& error);

}  // namespace ecsdb
