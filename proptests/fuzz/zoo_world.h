// A database with rows of every type of field and the replica that follows it block by block: live
// states for the targets of the block codec, and the blocks that come next as seeds.
#pragma once

#include <vector>

#include "ecsdb/wire/test_support.h"

namespace ecsdb::fuzz {

/// Deterministic: worlds of one tier take the same steps.
class ZooWorld {
 public:
  /// Rows in several cells of each table, and a history of some publishes.
  explicit ZooWorld(CodecTier tier);

  /// Some rows change steadily, others at random; some come, move and go. Commits, publishes and
  /// applies; gives the blocks.
  std::vector<wire_test::Sent> step();

  Database& db() { return db_; }
  const wire_test::Replica& replica() const { return replica_; }
  /// Those that exist, by table and key.
  std::vector<CellRef> cells() const;

 private:
  void add_unit(Transaction& tx);
  void change_units(Transaction& tx);
  void set(Transaction& tx, uint16_t table, EntityId entity, uint16_t field, Value value);

  Database db_;
  wire_test::Replica replica_;
  Prng random_{42};
  std::vector<EntityId> units_;
  std::vector<EntityId> rooms_;
  uint64_t steps_ = 0;
};

/// What ZooWorld has reached after its construction, made once. Copy it to change it.
struct ZooState {
  wire_test::Replica replica;
  Schema schema;
  std::vector<CellRef> cells;  // those of the replica, then one more of each table
};
const ZooState& zoo_state(CodecTier tier);

/// Fails a check where a replica's values, digests or histories are none that a server can have, or
/// where the cell that was changed cannot be handed on as whole rows with its history.
void check_replica(wire_test::Replica& replica, const ZooState& state, CellRef changed);

/// The body of the two block targets: each record of the input is a block for one cell, applied on
/// top of those before.
void run_blocks(CodecTier tier, ByteSpan input);

}  // namespace ecsdb::fuzz
