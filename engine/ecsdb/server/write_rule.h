// What an application has to say about writes of clients.
#pragma once

#include <span>
#include <string>

#include "ecsdb/server/auth.h"
#include "ecsdb/store/database.h"
#include "ecsdb/wire/write_messages.h"

namespace ecsdb {

/// A write as it is about to be decided: every operation is done, merges included, and the database
/// shows the result.
struct ProposedWrite {
  struct Op {
    WriteOpKind kind;
    uint16_t table;  // index; meaningless for spawn and despawn
    EntityId entity;
    std::span<const WriteField> fields;  // as they were written
  };
  ClientId client;
  const Identity& identity;
  std::span<const Op> ops;
};

/// A rule beyond roles, ranges and policies. Pure: called in the middle of begin() on the owner's
/// thread; it must not call back, keep state or throw. Not owned by the server; outlives it.
class WriteRule {
 public:
  virtual ~WriteRule() = default;
  /// Nothing: let it pass. Else the reason that the client is told; the write is rejected with
  /// kRuleRefused and changes nothing.
  virtual std::optional<std::string> refuse(const Database& db,
                                            const ProposedWrite& write) const = 0;
};

}  // namespace ecsdb
