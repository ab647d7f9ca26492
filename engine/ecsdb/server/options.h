// Settings of a replication server. Plain data; every bound of a session is here or in
// wire/limits.h.
#pragma once

#include <string>
#include <vector>

#include "ecsdb/base/time.h"
#include "ecsdb/schema/merge.h"
#include "ecsdb/store/database.h"
#include "ecsdb/wire/limits.h"

namespace ecsdb {

class WriteRule;

// A server's databases, as a connection names them.
inline constexpr uint8_t kUserDatabase = 0;
inline constexpr uint8_t kSystemDatabase = 1;

struct ServerOptions {
  DatabaseOptions database;
  size_t connections_max = 10'000;
  Duration handshake_timeout = Duration::seconds(5);   // link up -> authenticated, all of it
  Duration heartbeat_interval = Duration::seconds(1);  // of silence from this side
  Duration stall_timeout = Duration::seconds(60);      // no accepted byte and no ack, or no byte
  Duration close_timeout = Duration::seconds(2);       // for a goodbye to be accepted
  size_t unacked_bytes_max = kUnackedBytesMax;
  size_t cells_per_connection_max = 65'536;  // more: the connection is closed
  size_t sync_chunk_bytes = 8 * 1024;        // target size of a full sync's chunks
  size_t block_bytes_max = kBlockBytesMax;   // a larger change of a cell is sent in several blocks
  bool compression = true;                   // of texts and whole rows, to clients that take it

  // Encoded publishes that are kept for connections that missed a few: so many, and so many bytes.
  size_t ring_publishes = 64;
  size_t ring_bytes = 8 * 1024 * 1024;
  // A cell's change that nobody in step holds is encoded while somebody who holds it has missed
  // fewer publishes than so many.
  size_t ring_misses = 32;

  // Sessions: what of a client outlives its connections.
  Duration session_timeout = Duration::seconds(300);  // without a connection; then it is forgotten
  size_t sessions_max = 20'000;                       // without a connection; the oldest go first
  // Cells that enter a live connection come in one advance if they have no more bytes together,
  // else in chunks like a full sync.
  size_t stage_bytes_min = 128 * 1024;
  Duration digest_interval = Duration::seconds(5);  // between heartbeats with digests, at the most

  // Budgets: bytes a second in the long run, and at once after a pause. 0 a second: no limit.
  uint64_t client_budget_bytes = 0;  // to each client
  uint64_t client_budget_burst = 256 * 1024;
  uint64_t total_budget_bytes = 0;  // to all together
  uint64_t total_budget_burst = 4 * 1024 * 1024;
  // The same for what a client sends. More bytes end the connection; more changes are refused.
  uint64_t intake_bytes = 256 * 1024;
  uint64_t intake_burst = 4 * 1024 * 1024;
  uint32_t intake_changes = 32;  // subscriptions begun, ended or moved
  uint32_t intake_changes_burst = 256;

  // Writes of clients. Those beyond the rate are refused, and come again.
  uint64_t write_rate = 1'000;  // of one client, a second in the long run; 0: no limit
  uint64_t write_burst = 2'000;
  size_t writes_waiting_max = 1024;  // of one client: not decided, or not settled; 0: nobody writes
  // Of one client: of writes that are not decided, and as much again of values that merges have
  // made and that it has not settled; beyond that they are not told, and stand in the rows only. A
  // single write may have more.
  size_t writes_bytes_max = 1024 * 1024;
  // Of all clients; the others wait for the next. Counts writes of one field: others take as many
  // places as half of their operations and fields.
  size_t writes_per_commit_max = 16'384;
  Duration stamp_skew = Duration::ms(250);  // that a stamp may be ahead of the server's clock
  MergeSet merges;                          // custom ones
  const WriteRule* write_rule = nullptr;    // outlives the server; null: none

  // Events to clients that are kept for those that are behind, and those of clients.
  size_t events_max = 1024;               // more before a publish are refused
  size_t events_bytes_max = 1024 * 1024;  // likewise
  uint64_t client_event_rate = 100;       // of one client, a second in the long run; 0: no limit
  uint64_t client_event_burst = 200;
  size_t client_events_max = 1024;  // that wait for next_client_event(); more are dropped

  // The system database, which shows the server itself to those with a role.
  std::string admin_role = "admin";              // a schema name; empty: nobody has it
  Duration system_interval = Duration::ms(250);  // between its versions, at the least
  DatabaseId system_id;  // random, new at each start; zero: made from that of the user's database
  size_t conflicts_max = 1024;                   // that are kept,
  size_t conflicts_bytes_max = 8 * 1024 * 1024;  // and not more than so many bytes of them
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
