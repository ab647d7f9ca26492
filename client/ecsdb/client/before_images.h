// What a replica keeps to go back to an earlier cut.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "ecsdb/client/client_db.h"

namespace ecsdb {

/// What was where a cut's state has changed since: the replica's state without these rows and
/// cells, and with them as they stand here, is the state of that cut.
struct BeforeImage {
  struct KeptCell {
    uint32_t handle = 0;
    HeldCell cell;  // its log stays empty
  };

  Version cut;
  uint64_t commit_time_ns = 0;
  size_t cell_count = 0;  // handles that were known; cells behind them are not kept
  /// By table, at most one row an entity index; one that is in no cell stands for an index that had
  /// no row. Values and history are those of then.
  std::vector<Table> tables;
  std::vector<KeptCell> cells;     // each handle once
  std::vector<bool> is_cell_kept;  // by handle
  size_t bytes = 0;                // of all this, without what lists have in reserve

  bool has_row(uint16_t table, EntityId entity) const {
    return tables[table].find_index(entity.index()) != kNoRow;
  }
  bool has_cell(uint32_t handle) const {
    return handle < is_cell_kept.size() && is_cell_kept[handle];
  }
  void add_cell(uint32_t handle, const HeldCell& cell);
  /// The row that has the index of `entity` in `from`, or that there is none; the index must not be
  /// kept yet.
  void add_row(uint16_t table, const Table& from, EntityId entity);
  /// Takes over what a later image of the same replica has and this one has not.
  void add_older(const BeforeImage& later);
};

/// Before-images of what advances change above the newest version that is known to be durable. It
/// keeps two cuts at most: the older one has the images of what changed from there to the newer
/// one, that one the rest. As soon as the newer one is durable the older one is dropped, and the
/// next advance begins another.
///
/// Nothing is kept, copied or allocated where the server keeps no archive (it says so by a durable
/// version of 0: nothing of it outlives a crash) or where what is applied is durable already. More
/// than `bytes_max` of images are given up until what made them is durable.
///
/// A value that owns its data; the replica that it belongs to tells it what is about to change. Not
/// thread-safe.
class BeforeImages {
 public:
  /// 0: never keeps anything. Takes effect with the next advance.
  void set_bytes_max(size_t bytes) { bytes_max_ = bytes; }
  /// What an earlier connection told of the durable version is forgotten, the images are not.
  void on_connected() { durable_ = Version{}; }
  /// Heard on this connection, from a server whose history `cut`, which is shown, is part of.
  void on_durable(Version durable, Version cut);
  /// Another state takes the place of what was shown.
  void clear();

  /// An advance from the cut of `db` to `to` is about to be applied. False: nothing is to be kept.
  /// Else keep_row() and keep_cell() must follow for all that it changes, before it does.
  bool begin_advance(Version to, const ClientDb& db) {
    if (!is_keeping_ || to <= durable_ || has_given_up_ || bytes_max_ == 0) return false;
    begin_kept_advance(to, db);
    return true;
  }
  /// The row of that index in `from`, whatever entity has it, or that there is none.
  void keep_row(uint16_t table, const Table& from, EntityId entity);
  /// A handle that is not known, as an advance enters it, needs no image.
  void keep_cell(uint32_t handle, std::span<const HeldCell> cells);

  /// True if a cut at or below `fork` is kept.
  bool has(Version fork) const { return !images_.empty() && images_.front().cut <= fork; }
  /// The newest cut at or below `fork`, with all that has changed since; it and what is newer are
  /// kept no longer. Nothing if there is none.
  std::optional<BeforeImage> take(Version fork);

  size_t bytes() const;
  /// Cuts that are kept.
  size_t count() const { return images_.size(); }

 private:
  void begin_kept_advance(Version to, const ClientDb& db);
  void give_up_beyond_max();

  size_t bytes_max_ = 0;
  Version durable_;
  bool is_keeping_ = false;          // the server has an archive, as it last said
  bool has_given_up_ = false;        // until the end of that advance is durable:
  Version advance_to_;               // the last one that something was kept of
  std::vector<BeforeImage> images_;  // cuts rise; two at most
};

}  // namespace ecsdb
