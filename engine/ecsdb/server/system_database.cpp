#include "ecsdb/server/system_database.h"

#include <algorithm>
#include <utility>

#include "ecsdb/schema/schema_builder.h"
#include "ecsdb/wire/messages.h"

namespace ecsdb {
namespace {

constexpr uint32_t kWordBytesMax = 32;  // of policies and rules

Schema make_schema(const std::string& admin_role) {
  SchemaBuilder builder("system");
  builder.table(1, "conflict")
      .read(admin_role)
      .field(1, "number", FieldType::kU64)
      .field(2, "version", FieldType::kU64)
      .field(3, "time_ms", FieldType::kU64)
      .field(4, "client", FieldType::kU64)
      .field(5, "principal", FieldType::kPrincipal)
      .field(6, "sequence", FieldType::kU64)
      .field(7, "op", FieldType::kU32)
      .text(8, "table", kNameBytesMax)
      .field(9, "entity", FieldType::kEntity)
      .text(10, "field", kNameBytesMax)
      .text(11, "policy", kWordBytesMax)
      .text(12, "rule", kWordBytesMax)
      .field(13, "base_version", FieldType::kU64)
      .text(14, "base", ConflictRow::kBytesMax)
      .text(15, "server", ConflictRow::kBytesMax)
      .text(16, "mine", ConflictRow::kBytesMax)
      .text(17, "result", ConflictRow::kBytesMax)
      .field(18, "resolved_by", FieldType::kU64);
  builder.table(2, "conflict_count")
      .read(admin_role)
      .text(1, "policy", kWordBytesMax)
      .text(2, "table", kNameBytesMax)
      .text(3, "rule", kWordBytesMax)
      .field(4, "count", FieldType::kU64);
  return builder.build().value();
}

/// Another than the user's, so that nobody takes versions of one for those of the other.
DatabaseId system_id(const ServerOptions& options, const DatabaseId& user) {
  if (options.system_id != DatabaseId{}) return options.system_id;
  Bytes bytes;
  ByteWriter out(bytes);
  out.bytes(as_bytes("system"));
  out.u64(user.high);
  out.u64(user.low);
  const Hash128 hash = hash128(bytes);
  return {hash.high, hash.low};
}

std::string_view policy_name(Policy policy) {
  switch (policy) {
    case Policy::kServer:
      return "server";
    case Policy::kLww:
      return "lww";
    case Policy::kMerge:
      return "merge";
  }
  return "unknown";
}

std::string table_name(const Schema& schema, TableId id) {
  const auto index = schema.table_index(id);
  return index ? schema.table(*index).name : "?";
}

const FieldDef* find_field(const Schema& schema, const Conflict& conflict) {
  const auto index = schema.table_index(conflict.table);
  if (!index) return nullptr;
  const std::vector<FieldDef>& fields = schema.table(*index).fields;
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const FieldDef& def) { return def.id == conflict.field; });
  return found == fields.end() ? nullptr : &*found;
}

/// What does not fit is shown as such: it must not be an onlooker who stops the server.
std::string value_text(const Schema& schema, const FieldDef* def, const CanonicalValue& value) {
  constexpr std::string_view kMore = "...";
  if (!value.has_value()) return {};
  if (def == nullptr || !check_canonical(*def, value).ok()) return "?";
  std::string text = format_value(schema, *def, from_canonical(*def, value));
  if (text.size() <= ConflictRow::kBytesMax) return text;
  return message_text(text, ConflictRow::kBytesMax - kMore.size()) + std::string(kMore);
}

ConflictRow row_of(const Conflict& conflict, const Schema& schema) {
  const FieldDef* const def = find_field(schema, conflict);
  ConflictRow row;
  row.number = conflict.number;
  row.version = conflict.version.value;
  row.time_ms = conflict.time_ms;
  row.client = conflict.client.value;
  row.principal = conflict.principal;
  row.sequence = conflict.sequence;
  row.op = conflict.op;
  row.table = table_name(schema, conflict.table);
  row.entity = conflict.entity;
  if (conflict.field != FieldId{}) row.field = def == nullptr ? "?" : def->name;
  row.policy = policy_name(conflict.policy);
  row.rule = conflict_rule_name(conflict.rule);
  row.base_version = conflict.base_version.value;
  row.base = value_text(schema, def, conflict.base);
  row.server = value_text(schema, def, conflict.server);
  row.mine = value_text(schema, def, conflict.mine);
  row.result = value_text(schema, def, conflict.result);
  row.resolved_by = conflict.resolved_by;
  return row;
}

}  // namespace

Database SystemDatabase::make(const ServerOptions& options, const DatabaseId& user) {
  DatabaseOptions own;
  own.id = system_id(options, user);
  // Each kept conflict may be replaced in each version: no more is worth going on from.
  own.tombstones_max = std::max<size_t>(4 * options.conflicts_max, 1);
  Database db(make_schema(options.admin_role), own);
  ECSDB_CHECK(db.bind<ConflictRow>().ok() && db.bind<ConflictCountRow>().ok());
  db.begin().commit();  // a version of its own for those who see it empty
  return db;
}

void SystemDatabase::write(Transaction& change, const ConflictLog& log, const Schema& schema) {
  write_conflicts(change, log, schema);
  write_counts(change, log, schema);
  shown_ = log.revision();
}

void SystemDatabase::write_conflicts(Transaction& change, const ConflictLog& log,
                                     const Schema& schema) {
  while (!conflicts_.empty() && first_ < log.first_number()) {
    ECSDB_CHECK(change.destroy(conflicts_.front().entity).ok());
    conflicts_.pop_front();
    ++first_;
  }
  if (conflicts_.empty()) first_ = log.first_number();
  for (size_t i = 0; i < conflicts_.size(); ++i) {
    const Conflict& conflict = *log.find(first_ + i);
    if (conflict.resolved_by == conflicts_[i].value) continue;
    ECSDB_CHECK(change.set(conflicts_[i].entity, row_of(conflict, schema)).ok());
    conflicts_[i].value = conflict.resolved_by;
  }
  for (uint64_t number = first_ + conflicts_.size(); number < log.end_number(); ++number) {
    const Conflict& conflict = *log.find(number);
    const EntityId entity = change.create().value();
    ECSDB_CHECK(change.insert(entity, row_of(conflict, schema)).ok());
    conflicts_.push_back({entity, conflict.resolved_by});
  }
}

void SystemDatabase::write_counts(Transaction& change, const ConflictLog& log,
                                  const Schema& schema) {
  for (const auto& [kind, count] : log.counts()) {
    auto at = counts_.find(kind);
    if (at == counts_.end()) {
      at = counts_.emplace(kind, Shown{change.create().value(), 0}).first;
    }
    if (at->second.value == count) continue;
    const ConflictCountRow row{std::string(policy_name(kind.policy)),
                               table_name(schema, kind.table),
                               std::string(conflict_rule_name(kind.rule)), count};
    ECSDB_CHECK(change.put(at->second.entity, row).ok());
    at->second.value = count;
  }
}

}  // namespace ecsdb
