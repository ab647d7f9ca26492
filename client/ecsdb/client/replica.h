// A client's state and how cuts are applied to it.
#pragma once

#include <vector>

#include "ecsdb/base/result.h"
#include "ecsdb/client/client_db.h"
#include "ecsdb/client/events.h"
#include "ecsdb/wire/block.h"
#include "ecsdb/wire/messages.h"

namespace ecsdb {

/// An advance or sync chunk as it arrived, its frames joined.
struct ReceivedAdvance {
  Advance head;
  Bytes tail;
  size_t stream_bytes = 0;

  void clear();
};

/// Applies cuts all or nothing: everything is decoded and checked before the first row changes, so
/// that whatever a server sends, reads show one cut. An error is a fault: the replica stays as it
/// was and is good for reading only; the client syncs anew. Not thread-safe.
class Replica : public ClientDb {
 public:
  explicit Replica(Schema schema = Schema()) : ClientDb(std::move(schema)) {}

  void set_rows_max(uint64_t rows) { rows_max_ = rows; }
  /// Where a full sync's scan starts: the base of the net delta that ends it.
  void start_sync(Version version) { cut_ = version; }

  /// One chunk of a full sync: cells enter, rows are added. No events.
  Status apply_chunk(const ReceivedAdvance& chunk);
  /// One advance. Appends what happened to `events` unless it is null. kWrongBaseline, kUnknownRow,
  /// kDuplicateRow, kUnknownHandle, kUnknownTable, kChecksumMismatch, kClientLimit and whatever
  /// decode_block returns.
  Status apply(const ReceivedAdvance& advance, std::vector<RowEvent>* events);

#if defined(ECSDB_MUTANTS)
  /// The planted bug apply_twice: an advance on top of itself.
  Status apply_again(const ReceivedAdvance& advance);
#endif

  /// Takes over the state of a freshly synced replica of the same schema; appends the differences
  /// as events. `whole_tables`: by table index, true where every cell is subscribed, so that a
  /// missing row was removed.
  void adopt(Replica&& fresh, const std::vector<bool>& whole_tables, std::vector<RowEvent>* events);
  /// The same where the schema is another one: every old row leaves, every new one enters. Events
  /// name tables of the new schema; rows of a table that is gone leave silently.
  void replace(Replica&& fresh, std::vector<RowEvent>* events);
  uint64_t row_count() const;
  /// Structs bound to the old schema are bound to the new one by the owner.
  void reset(Schema schema);

 private:
  struct Target {  // of one block
    uint32_t handle = 0;
    uint16_t table = 0;
    bool entered = false;
  };
  struct Limbo {  // a row that went from its cell and may appear in another
    uint16_t table;
    EntityId entity;
    RowEventKind kind;
  };
  static bool by_name(const Limbo& a, const Limbo& b) {
    return a.table != b.table ? a.table < b.table : a.entity < b.entity;
  }
  struct RowName {
    uint16_t table;
    EntityId entity;
    auto operator<=>(const RowName&) const = default;
  };

  Status check_cells(const Advance& head);
  Status decode_blocks(const ReceivedAdvance& advance, bool is_chunk);
  Status check_header(const BlockHeader& header, const Target& target, const Advance& head,
                      bool is_chunk) const;
  Status check_rows();
  Status find_target(const BlockEntry& entry, Target& target) const;
  bool is_leaving(uint32_t handle) const { return handle < leaving_.size() && leaving_[handle]; }
  void apply_leaves(const Advance& head);
  void apply_gone(const Target& target, const DecodedBlock& block);
  void apply_enters(const Advance& head);
  void apply_whole(const Target& target, const DecodedBlock& block, Version version);
  void apply_changed(const Target& target, const DecodedBlock& block, Version version);
  void finish_limbo();
  void erase_row(uint16_t table, EntityId entity, RowEventKind kind);
  uint64_t store_fields(uint16_t table, RowIndex row, const DecodedBlock& block, size_t at,
                        uint64_t mask);
  void emit(RowEventKind kind, uint16_t table, EntityId entity, uint64_t changed = 0);

  uint64_t rows_max_ = ~uint64_t{0};
  std::vector<RowEvent>* events_ = nullptr;
  // Scratch of one apply, kept for its memory.
  std::vector<Target> targets_;
  std::vector<DecodedBlock> blocks_;
  std::vector<bool> leaving_;       // by handle
  std::vector<uint32_t> enter_of_;  // by handle: place in head.enters, or kNoEnter
  std::vector<uint32_t> entered_handles_;
  const Advance* head_ = nullptr;
  std::vector<RowName> going_;   // rows that go from their cell, sorted
  std::vector<RowName> coming_;  // whole rows; reuse of an index shows as equal indices
  std::vector<Limbo> limbo_;
};

}  // namespace ecsdb
