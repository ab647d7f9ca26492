// What is remembered of two who changed the same.
#pragma once

#include <string_view>

#include "ecsdb/schema/canonical_value.h"

namespace ecsdb {

/// Which rule settled a conflict.
enum class ConflictRule : uint8_t {
  kServerWins = 0,    // policy server: a stale field rejects its whole write
  kNewerWins = 1,     // policy lww: the stale write had the higher stamp and was applied
  kOlderLoses = 2,    // policy lww: it had the lower one, and the field stayed
  kMerged = 3,        // policy merge: the function made one value of the two
  kMergeRefused = 4,  // policy merge: it could not, and the write was rejected
  kRemoveWins = 5,    // the row was removed after the write's base; rejected
  kInsertLoses = 6,   // a row was inserted there after the write's base; rejected
};
inline constexpr size_t kConflictRules = 7;

/// "server_wins", ...
std::string_view conflict_rule_name(ConflictRule rule);

/// A field, or a whole row, that a write found changed by somebody else since its base. One entry
/// for each operation on such a field of a write that was applied; one for a write that was
/// rejected over it. A value.
struct Conflict {
  uint64_t number = 0;   // from 1, in order of decision
  Version version;       // whose commit decided it
  uint64_t time_ms = 0;  // of that, on the server's wall clock
  ClientId client;
  PrincipalId principal;
  uint64_t sequence = 0;  // of the write
  uint32_t op = 0;        // place of the operation in it
  TableId table;
  EntityId entity;
  FieldId field;  // 0: the row
  Policy policy = Policy::kServer;
  ConflictRule rule = ConflictRule::kServerWins;
  Version base_version;
  CanonicalValue base;       // what the writer says that it saw
  CanonicalValue server;     // what was stored,
  CanonicalValue mine;       // what was to be written,
  CanonicalValue result;     // and what is stored now
  uint64_t resolved_by = 0;  // client of the write that settled it later on; 0: nobody
};

}  // namespace ecsdb
