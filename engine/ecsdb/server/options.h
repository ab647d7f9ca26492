// Settings of a replication server. Plain data; every bound of a session is here or in
// wire/limits.h.
#pragma once

#include <string>
#include <vector>

#include "ecsdb/base/time.h"
#include "ecsdb/store/database.h"
#include "ecsdb/wire/limits.h"

namespace ecsdb {

struct ServerOptions {
  DatabaseOptions database;
  size_t connections_max = 10'000;
  Duration handshake_timeout = Duration::seconds(5);   // link up -> authenticated, all of it
  Duration heartbeat_interval = Duration::seconds(1);  // of silence from this side
  Duration stall_timeout = Duration::seconds(60);      // no accepted byte and no ack, or no byte
  Duration close_timeout = Duration::seconds(2);       // for a goodbye to be accepted
  size_t unacked_bytes_max = kUnackedBytesMax;
  size_t cells_per_connection_max = 65'536;  // more: the connection is closed
  size_t sync_chunk_bytes = 32 * 1024;       // target size of a full sync's chunks
  size_t block_bytes_max = kBlockBytesMax;   // a larger change of a cell is sent in several blocks
  bool compression = true;                   // of texts and whole rows, to clients that take it
};

/// One accepted token of the static list.
struct StaticToken {
  std::string token;
  std::string principal_name;  // for logs
  PrincipalId principal;
  std::vector<std::string> roles;
  std::vector<std::pair<std::string, int64_t>> claims;  // by name, for `cell == claim.x`
};

}  // namespace ecsdb
