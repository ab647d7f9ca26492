// What `ecsdb load` was asked to do.
#pragma once

#include <sys/types.h>

#include "tools/command_line.h"
#include "tools/load_run.h"

namespace ecsdb {

/// `--stall COUNT:SECONDS`.
struct StallArguments {
  size_t clients = 0;
  Duration time;
  double p99_ratio_max = 0;  // of the others, during : before
  double kib_max = 0;        // of server memory for each stalled client
};

/// `--cut SECONDS`.
struct CutArguments {
  Duration time;
  bool by_reset = true;
  bool by_black_hole = true;
};

struct LoadArguments {
  LoadOptions load;  // without URLs: bring a server of our own
  bool mix = false;  // half of the clients over TCP, half over WebSocket
  Duration seconds;
  bool json = false;
  bool control = false;
  uint32_t tick_hz = 0;  // of a server of our own; 0: there is none
  pid_t server_pid = 0;  // of the server at the URL; 0: not known
  std::optional<StallArguments> stall;
  std::optional<CutArguments> cut;
};

/// kUsage with what is wrong.
Result<LoadArguments> read_load_arguments(const CommandLine& line);

/// Fills in the URLs of a run that uses `url`, and its other transport if the clients are mixed.
void set_urls(LoadArguments& arguments, const net::StreamUrl& url);

}  // namespace ecsdb
