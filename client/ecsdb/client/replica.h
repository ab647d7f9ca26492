// A client's state and how cuts are applied to it.
#pragma once

#include <span>
#include <vector>

#include "ecsdb/base/result.h"
#include "ecsdb/client/before_images.h"
#include "ecsdb/client/client_db.h"
#include "ecsdb/client/events.h"
#include "ecsdb/wire/block_apply.h"
#include "ecsdb/wire/block_codec.h"
#include "ecsdb/wire/messages.h"

namespace ecsdb {

/// An advance or sync chunk as it arrived, its frames joined.
struct ReceivedAdvance {
  Advance head;
  Bytes tail;
  struct FrameEnd {  // of one frame: blocks and bytes of tails up to its end, and its checksum
    size_t blocks = 0;
    size_t tail_bytes = 0;
    Fixed32 tail_checksum;
  };
  std::vector<FrameEnd> frames;
  std::vector<Outcome> outcomes;   // of own writes, which it has the effects of
  std::vector<EventEntry> events;  // to be told after its rows
  uint64_t events_missed = 0;      // before them
  size_t outcome_bytes = 0;        // of memory for outcomes and events
  size_t stream_bytes = 0;

  /// About what it takes in memory, which is much more than on the stream where it says little.
  size_t memory_bytes() const {
    return sizeof(*this) + outcome_bytes + tail.size() + frames.size() * sizeof(FrameEnd) +
           head.leaves.size() * sizeof(CellLeave) + head.enters.size() * sizeof(CellEnter) +
           head.blocks.size() * sizeof(head.blocks[0]);
  }
  void clear();
  /// A frame's head, which becomes or extends this one's, and its tail.
  void add(Advance&& frame_head, ByteSpan frame_tail, size_t bytes);
};

/// Applies cuts all or nothing: everything is decoded and checked before the first row changes, so
/// that whatever a server sends, reads show one cut. An error is a fault: the replica stays as it
/// was and is good for reading only; the client syncs anew. Not thread-safe.
class Replica : public ClientDb {
 public:
  explicit Replica(Schema schema = Schema()) : ClientDb(std::move(schema)) {}

  void set_rows_max(uint64_t rows) { rows_max_ = rows; }
  /// Features that were agreed on: a compressed block is refused without kFeatureZstd.
  void set_features(uint32_t features) { features_ = features; }
  /// Where a full sync's scan starts: the base of the net delta that ends it.
  void start_sync(Version version) { cut_ = version; }

  /// One chunk of a sync: cells enter, rows are added. No events. What apply() returns. `beside`:
  /// the replica that the sync's cells are to join, whose handles they cannot have; null if none.
  Status apply_chunk(const ReceivedAdvance& chunk, const Replica* beside = nullptr);
  /// One advance. Appends what happened to `events` unless it is null. kWrongBaseline, kUnknownRow,
  /// kDuplicateRow, kUnknownHandle, kUnknownTable, kChecksumMismatch, kClientLimit and whatever
  /// BlockDecoder returns. `sync`: cells that are being synced beside these; an advance of kind
  /// sync_end brings them up to date, and they become part of this replica.
  Status apply(const ReceivedAdvance& advance, std::vector<RowEvent>* events,
               Replica* sync = nullptr);
  /// Of an unfinished sync: forgets the rows from this entity index on of the given cells.
  void drop_rows_from(std::span<const uint32_t> handles, uint32_t entity_index);
  /// The highest generation of any handle so far.
  uint32_t generation_max() const;

#if defined(ECSDB_MUTANTS)
  /// The planted bug apply_twice: an advance on top of itself.
  Status apply_again(const ReceivedAdvance& advance);
#endif

  /// Takes over the state of a freshly synced replica of the same schema; appends the differences
  /// as events. Nobody can tell whether a row that is missing was removed: it leaves.
  void adopt(Replica&& fresh, std::vector<RowEvent>* events);
  /// The same where the schema is another one: every old row leaves, every new one enters. Events
  /// name tables of the new schema; rows of a table that is gone leave silently.
  void replace(Replica&& fresh, std::vector<RowEvent>* events);
  /// What an earlier cut takes; of what is adopted or replaced it has nothing.
  BeforeImages& before_images() { return images_; }
  bool can_roll_back(Version fork) const { return cut_ <= fork || images_.has(fork); }
  /// Goes back to the newest kept cut at or below `fork`, if what is shown is not, and forgets the
  /// images of what came after. Appends what changes by that as events: rows leave, enter, change.
  /// False, and nothing changes, if no such cut is kept.
  bool roll_back(Version fork, std::vector<RowEvent>* events);
  uint64_t row_count() const;
  /// Structs bound to the old schema are bound to the new one by the owner.
  void reset(Schema schema);

 private:
  struct Target {  // of one block
    uint32_t handle = 0;
    uint32_t generation = 0;
    uint16_t table = 0;
    bool entered = false;
    bool in_sync = false;  // the cell is one of *sync_
    ByteSpan bytes;
    uint32_t publish = 0;  // number of the cell's publish that the block brings it to
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
  Status find_targets(const ReceivedAdvance& advance);
  Status check_headers(const Advance& head, bool is_chunk);
  Status check_header(const BlockHeader& header, const Target& target, const Advance& head,
                      bool is_chunk) const;
  Status check_publishes(const BlockHeader& header, const Target& target) const;
  Status check_part(const BlockHeader& header, const Target& target);
  Status check_rising(const DecodedBlock& block, const Target& target);
  Error not_parts(const Target& target) const;
  Version base_of(const Target& target, BlockForm form) const;
  Status check_tails(const ReceivedAdvance& advance) const;
  Status decode_blocks(const Advance& head);
  Status stage(const ReceivedAdvance& advance, bool is_chunk);
  Status check_rows();
  Status check_rows_of(const Replica& reader, bool in_sync);
  Status check_joining_rows();
  Status find_target(Target& target) const;
  Replica& owner(const Target& target) { return target.in_sync ? *sync_ : *this; }
  const Replica& owner(const Target& target) const { return target.in_sync ? *sync_ : *this; }
  bool holds(uint32_t handle) const { return handle < cells_.size() && cells_[handle].held; }
  bool goes(uint16_t table, EntityId entity) const;
  void finish_sync(const Advance& head);
  void join_cell(uint32_t handle, HeldCell& cell);
  void join_row(uint32_t handle, HeldCell& cell, RowIndex from);
  RowIndex free_place(uint16_t table, EntityId entity);
  bool is_leaving(uint32_t handle) const { return handle < leaving_.size() && leaving_[handle]; }
  void apply_rows(std::span<const Target> targets, std::span<const DecodedBlock> blocks, Version to,
                  bool in_sync);
  void apply_leaves(const Advance& head);
  void apply_gone(const Target& target, const DecodedBlock& block);
  void apply_enters(const Advance& head);
  void apply_whole(const Target& target, const DecodedBlock& block, Version version);
  void apply_changed(const Target& target, const DecodedBlock& block, Version version);
  void finish_block(const Target& target, const DecodedBlock& block, Version version);
  void finish_limbo();
  void erase_row(uint16_t table, EntityId entity, RowEventKind kind);
  void keep_images(const Advance& head, bool joins);
  void keep_images_of(const Target& target, const DecodedBlock& block);
  void drop_rows_since(const BeforeImage& image, uint16_t table);
  void restore_cells(const BeforeImage& image);
  void restore_rows(const BeforeImage& image, uint16_t table);
  void emit(RowEventKind kind, uint16_t table, EntityId entity, uint64_t changed = 0);

  uint64_t rows_max_ = ~uint64_t{0};
  uint32_t features_ = 0;
  BeforeImages images_;
  std::vector<RowEvent>* events_ = nullptr;
  Replica* sync_ = nullptr;          // of the advance that is being applied
  const Replica* beside_ = nullptr;  // of the chunk that is being applied
  // Scratch of one apply, kept for its memory.
  std::vector<Target> targets_;
  std::vector<DecodedBlock> blocks_;
  BlockDecoder decoder_;
  BlockApplier applier_;
  struct PartEnd {  // of the last block of a cell
    uint64_t advance = 0;
    BlockForm form = BlockForm::kRelative;
    Version version;
    uint32_t publishes = 0;
    uint32_t index = 0;  // behind the last one that the block may speak of, or does
  };
  uint64_t advance_number_ = 0;
  std::vector<PartEnd> part_ends_;  // by handle
  std::vector<bool> leaving_;       // by handle
  std::vector<uint32_t> enter_of_;  // by handle: place in head.enters, or kNoEnter
  const Advance* head_ = nullptr;
  std::vector<RowName> going_;   // rows that go from their cell, sorted
  std::vector<RowName> coming_;  // whole rows; reuse of an index shows as equal indices
  uint64_t in_place_rows_ = 0;   // of coming_, rows that stay where they are
  std::vector<Limbo> limbo_;
#if defined(ECSDB_MUTANTS)
  std::vector<HeldCell> before_again_;  // what apply_again() goes back to
#endif
};

}  // namespace ecsdb
