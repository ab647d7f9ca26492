// What the writes benchmarks write: rows of two tables that everybody may write, one field each.
#pragma once

#include <cstdint>
#include <vector>

#include "ecsdb/client/client.h"
#include "ecsdb/schema/schema.h"
#include "ecsdb/server/options.h"
#include "ecsdb/store/transaction.h"

namespace bench {

inline constexpr uint16_t kItemTable = 0;    // "item": a stale write is rejected
inline constexpr uint16_t kSharedTable = 1;  // "shared": the last writer wins
inline constexpr uint16_t kLevelField = 0;   // of both
inline constexpr int64_t kLevelMax = 1'000'000;

ecsdb::Schema write_schema();
/// Any rate, and so many writes of one client before the first of them is settled that a pipeline
/// of `depth` never waits for room.
ecsdb::ServerOptions write_server_options(size_t depth);
/// The same for a client that has `depth` writes on their way.
ecsdb::ClientOptions write_client_options(size_t depth);
/// Inserts rows, one an entity.
ecsdb::Result<std::vector<ecsdb::EntityId>> insert_levels(ecsdb::Transaction& tx, uint16_t table,
                                                          uint64_t count);
/// One write of the one field.
ecsdb::Status submit_level(ecsdb::Client& client, uint16_t table, ecsdb::EntityId entity,
                           int64_t level, const ecsdb::Now& now);

}  // namespace bench
