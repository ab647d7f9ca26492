// What the properties of the block codec are about: a small table of drawn shape, a drawn history
// of it, and replicas that get nothing but blocks.
#pragma once

#include <iosfwd>
#include <set>
#include <string>
#include <vector>

#include "ecsdb/wire/test_support.h"

namespace ecsdb::properties {

/// One operation on one of a few entities. Every combination of numbers means something.
struct Operation {
  uint8_t what = 0;     // see CodecWorld::operate()
  uint8_t entity = 0;   // slot
  uint8_t field = 0;    // of the drawn ones
  uint8_t style = 0;    // of the value: a small step, the last step again, any bits, an end
  uint32_t amount = 0;  // which one
};

/// Shrinks well: fewer fields, fewer publishes, fewer and smaller operations.
struct CodecScript {
  bool is_packed = false;
  std::vector<uint8_t> fields;  // numbers in the catalogue of fields
  std::vector<std::vector<Operation>> publishes;
};
std::ostream& operator<<(std::ostream& out, const CodecScript& script);

/// To be called inside a property.
CodecScript draw_script();

/// Server and codec. Cells are those of one table with a `room` of 0 to 2.
class CodecWorld {
 public:
  static constexpr uint16_t kTable = 0;
  static constexpr size_t kRooms = 3;
  using Sent = wire_test::Sent;

  explicit CodecWorld(const CodecScript& script);

  Database& db() { return db_; }
  const Schema& schema() const { return db_.schema(); }
  /// Commits and publishes the next operations of the script. Gives the relative blocks, now and
  /// then in parts; checks that they do not depend on what the encoder did before.
  std::vector<Sent> step();
  bool done() const { return at_ == script_.publishes.size(); }

  std::vector<CellRef> cells() const;
  /// Absolute changes since a version, of the cells that changed.
  std::vector<Sent> net(Version since, const std::set<CellIndex>* only = nullptr);
  /// All rows of a cell, or those whose entity index is odd or even.
  Sent rows(CellRef ref, int parity = -1);
  /// The first difference between the server and a replica, over these cells or all; else empty.
  std::string difference(wire_test::Replica& replica, const std::set<CellIndex>* only = nullptr);

 private:
  void operate(Transaction& tx, const Operation& operation);
  void set_field(Transaction& tx, EntityId entity, const Operation& operation);
  uint64_t next_lane(const Lane& lane, uint64_t now, uint64_t& last_step,
                     const Operation& operation) const;
  Bytes encode(wire_test::Picked& picked);
  std::string cell_difference(wire_test::Replica& replica, CellRef ref);

  CodecScript script_;
  size_t at_ = 0;
  Database db_;
  std::vector<EntityId> entities_;
  std::vector<uint64_t> last_steps_;  // by slot and lane
  BlockEncoder encoder_;              // kept from block to block
};

}  // namespace ecsdb::properties
