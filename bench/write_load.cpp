#include "write_load.h"

#include "ecsdb/schema/schema_builder.h"

namespace bench {

using ecsdb::EntityId;
using ecsdb::FieldType;
using ecsdb::FieldValue;
using ecsdb::Result;
using ecsdb::Status;

ecsdb::Schema write_schema() {
  ecsdb::SchemaBuilder builder("bench");
  builder.table(1, "item").write("").field(1, "level", FieldType::kI64);
  builder.table(2, "shared").write("").field(1, "level", FieldType::kI64).lww();
  return builder.build().value();
}

ecsdb::ServerOptions write_server_options(size_t depth) {
  ecsdb::ServerOptions options;
  // Limits are not what is measured: none of a rate, and of the number of writes twice what can be
  // on their way, since those that are decided count until the client says that it knows.
  options.write_rate = 0;
  options.intake_bytes = 0;
  options.writes_waiting_max = 2 * depth;
  return options;
}

ecsdb::ClientOptions write_client_options(size_t depth) {
  ecsdb::ClientOptions options;
  options.writes_pending_max = depth;
  options.write_bytes_max = 64 * 1024 * 1024;
  return options;
}

Result<std::vector<EntityId>> insert_levels(ecsdb::Transaction& tx, uint16_t table,
                                            uint64_t count) {
  std::vector<EntityId> out;
  for (uint64_t i = 0; i < count; ++i) {
    const auto entity = tx.create();
    if (!entity.ok()) return entity.error();
    const FieldValue values[] = {{kLevelField, int64_t{0}}};
    ECSDB_TRY(tx.insert(table, *entity, values));
    out.push_back(*entity);
  }
  return out;
}

Status submit_level(ecsdb::Client& client, uint16_t table, EntityId entity, int64_t level,
                    const ecsdb::Now& now) {
  auto draft = client.begin();
  if (!draft.ok()) return draft.error();
  ECSDB_TRY(draft->set(table, entity, kLevelField, level));
  const auto id = client.submit(*std::move(draft), now);
  return id.ok() ? Status() : Status(id.error());
}

}  // namespace bench
