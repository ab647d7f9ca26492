// Advances put together by hand from the blocks of a real database.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ecsdb/wire/messages.h"
#include "ecsdb/wire/test_support.h"

#include "vector_file.h"

namespace ecsdb::vectors {

/// Grid cells of 64 (packed), a table that follows them (plain), and cells by value (plain).
Schema fleet_schema();
enum FleetTables : uint16_t { kShips, kCargo, kChat };

/// One frame of an advance or a chunk before it is sealed.
struct Draft {
  Advance head;
  struct Block {
    uint32_t handle = 0;
    uint32_t generation = 0;
    Version base;
    Bytes bytes;
  };
  std::vector<Block> blocks;
  int tail_bytes_more = 0;     // lies about the tail
  Bytes tail_behind;           // likewise: more bytes
  size_t tail_skipped = 0;     // likewise: so many of the first are missing
  uint32_t checksum_flip = 0;  // spoils the tail's checksum

  Bytes seal(MessageType type = MessageType::kAdvance) const;
  void set_span(Version from, Version to) {
    head.from = from;
    head.distance = to.value - from.value;
  }
};

/// A database and the cells that one connection holds of it.
class Fleet {
 public:
  Fleet() : db_(fleet_schema(), {}) {}

  EntityId add_ship(float x, float y, uint64_t paint, int64_t gold = 0);
  EntityId add_chat(int64_t room, const std::string& line);
  void set(uint16_t table, EntityId entity, const char* field, Value value);
  void remove(uint16_t table, EntityId entity);
  void destroy(EntityId entity);

  /// Holds a cell under a handle from now on, without telling the client.
  void hold(uint32_t handle, uint16_t table, const CellKey& key, uint32_t generation = 1);
  void drop(uint32_t handle) { held_.erase(handle); }
  uint32_t generation(uint32_t handle) const { return held_.at(handle).generation; }

  /// Commits are published; the relative blocks of held cells in order of handle, each in parts.
  Draft step(const std::vector<IndexRange>& ranges = {IndexRange{}});
  /// The same with absolute values since a version.
  Draft net(Version since);
  CellEnter enter_of(uint32_t handle) const;
  Draft::Block rows_of(uint32_t handle) const;
  Draft::Block net_of(uint32_t handle, Version since) const;
  /// The same, each row in a block of its own.
  std::vector<Draft::Block> net_rows_of(uint32_t handle, Version since) const;

  Bytes sync_begin() const;
  /// One chunk with the enters and rows of all held cells.
  Draft chunk() const;
  Draft sync_end() const;
  /// The frames of a whole sync.
  std::vector<Bytes> sync() const;
  Version head() const { return db_.head(); }
  const Database& db() const { return db_; }
  /// Of a held cell, at the last publish.
  Digest digest(uint32_t handle) { return db_.digest(held_.at(handle).ref); }

 private:
  struct Held {
    uint32_t generation;
    CellRef ref;
  };
  Draft draft(AdvanceKind kind, Version from) const;

  Database db_;
  std::map<uint32_t, Held> held_;
};

}  // namespace ecsdb::vectors
