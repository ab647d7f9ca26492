// The system database: what a server shows of itself, as tables like any other.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "ecsdb/schema/bind.h"
#include "ecsdb/server/conflict_log.h"
#include "ecsdb/server/options.h"
#include "ecsdb/store/transaction.h"

namespace ecsdb {

/// A row of `conflict`: one that the log keeps. See conflict.h.
struct ConflictRow {
  uint64_t number = 0;
  uint64_t version = 0;
  uint64_t time_ms = 0;
  uint64_t client = 0;
  PrincipalId principal;
  uint64_t sequence = 0;
  uint32_t op = 0;
  std::string table;  // its name
  EntityId entity;
  std::string field;  // its name; empty: the row
  std::string policy;
  std::string rule;
  uint64_t base_version = 0;
  // As format_value() has them, shortened to kBytesMax; empty where there was none.
  std::string base;
  std::string server;
  std::string mine;
  std::string result;
  uint64_t resolved_by = 0;

  static constexpr size_t kBytesMax = 256;
};

/// A row of `conflict_count`: how many there were of a kind, forgotten ones too.
struct ConflictCountRow {
  std::string policy;
  std::string table;
  std::string rule;
  uint64_t count = 0;
};

template <>
struct Bind<ConflictRow> {
  static constexpr const char* table = "conflict";
  static constexpr auto fields = std::make_tuple(
      member("number", &ConflictRow::number), member("version", &ConflictRow::version),
      member("time_ms", &ConflictRow::time_ms), member("client", &ConflictRow::client),
      member("principal", &ConflictRow::principal), member("sequence", &ConflictRow::sequence),
      member("op", &ConflictRow::op), member("table", &ConflictRow::table),
      member("entity", &ConflictRow::entity), member("field", &ConflictRow::field),
      member("policy", &ConflictRow::policy), member("rule", &ConflictRow::rule),
      member("base_version", &ConflictRow::base_version), member("base", &ConflictRow::base),
      member("server", &ConflictRow::server), member("mine", &ConflictRow::mine),
      member("result", &ConflictRow::result), member("resolved_by", &ConflictRow::resolved_by));
};

template <>
struct Bind<ConflictCountRow> {
  static constexpr const char* table = "conflict_count";
  static constexpr auto fields = std::make_tuple(
      member("policy", &ConflictCountRow::policy), member("table", &ConflictCountRow::table),
      member("rule", &ConflictCountRow::rule), member("count", &ConflictCountRow::count));
};

/// Keeps the rows of a system database like what they show. Not thread-safe.
class SystemDatabase {
 public:
  /// One without rows, to be read by admins only. `user` is the id of the user's database. A check
  /// fails if options.admin_role is no schema name and not empty.
  static Database make(const ServerOptions& options, const DatabaseId& user);

  /// There is something to write.
  bool is_behind(const ConflictLog& log) const { return shown_ != log.revision(); }
  /// Writes what has changed since the last call into the database that make() made. `schema` is
  /// that of the user's database.
  void write(Transaction& change, const ConflictLog& log, const Schema& schema);

 private:
  struct Shown {
    EntityId entity;
    uint64_t value;  // of what may change: resolved_by, or the count
  };
  void write_conflicts(Transaction& change, const ConflictLog& log, const Schema& schema);
  void write_counts(Transaction& change, const ConflictLog& log, const Schema& schema);

  uint64_t shown_ = 0;           // revision of the log
  uint64_t first_ = 1;           // number of the first of these
  std::deque<Shown> conflicts_;  // without a gap
  std::map<ConflictLog::Kind, Shown> counts_;
};

}  // namespace ecsdb
