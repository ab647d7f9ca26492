// Snapshots: whatever is restored is a sound database, which can be changed and published, and
// whose own snapshot is restored to the same bytes.
//
//   input: a snapshot without its hash, which is made right here
#include "ecsdb/base/hash.h"
#include "ecsdb/store/transaction.h"

#include "fuzz_input.h"
#include "table_checks.h"

namespace ecsdb::fuzz {
namespace {

void check_digests(Database& db) {
  for (uint16_t t = 0; t < db.table_count(); ++t) {
    check_values(db.table(t), db.schema().table(t));
    for (const auto& [key, cell] : db.cells(t).by_key()) db.digest(CellRef{t, cell});
  }
  db.check_invariants();
}

/// Removes an entity, adds one with a row of defaults in each table, and forgets what is old.
void change(Database& db) {
  Transaction tx = db.begin();
  for (uint16_t t = 0; t < db.table_count(); ++t) {
    if (db.table(t).row_count() == 0) continue;
    ECSDB_CHECK(tx.destroy(db.table(t).row(0).entity).ok());
    break;
  }
  const auto entity = tx.create();
  for (uint16_t t = 0; t < db.table_count() && entity.ok(); ++t) {
    ECSDB_CHECK(tx.insert(t, *entity, {}).ok());
  }
  std::move(tx).commit();
  db.check_invariants();
  db.finish_publish();
  db.trim();
  check_digests(db);
}

}  // namespace
}  // namespace ecsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using ecsdb::Database;
  ecsdb::Bytes bytes(data, data + size);
  const ecsdb::Hash128 hash = ecsdb::hash128(bytes);
  ecsdb::ByteWriter writer(bytes);
  writer.u64(hash.high);
  writer.u64(hash.low);
  auto db = Database::restore(bytes);
  if (!db.ok()) return 0;
  db->check_invariants();
  ECSDB_CHECK(db->head() == db->published());
  ecsdb::fuzz::check_digests(*db);
  const ecsdb::Bytes first = db->snapshot();
  const auto again = Database::restore(first, &db->schema());
  ECSDB_CHECK(again.ok() && again->snapshot() == first);
  ecsdb::fuzz::change(*db);
  return 0;
}
