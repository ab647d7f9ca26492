// The last publishes, for connections that missed a few of them.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "ecsdb/server/cell_blocks.h"

namespace ecsdb {

/// For each of the last publishes that changed something: which cells, and their relative blocks
/// where somebody needed them. Bounded by number and by bytes, as often as trim() is called. Steady
/// state allocates nothing. Not thread-safe.
class PublishRing {
 public:
  static constexpr size_t kPublishesMax = 64;  // one bit each in a word

  struct Place {
    uint64_t sequence = 0;  // of the publish; 0: none
    uint32_t change = 0;
  };
  /// What a publish changed in one cell.
  struct Change {
    CellRef ref;
    uint32_t first_part = 0;
    uint32_t parts = 0;  // 0: it was not encoded
    Place before;        // the change before this one of the same cell
  };
  struct Publish {
    Version from;
    Version to;
    uint64_t commit_time_ns = 0;
    size_t bytes = 0;  // of its blocks
    std::vector<Change> changes;
    std::vector<BlockPart> parts;

    std::span<const BlockPart> parts_of(const Change& change) const {
      return std::span(parts).subspan(change.first_part, change.parts);
    }
  };

  /// `published`: where the first publish starts. `publishes_max` is 1 to kPublishesMax.
  PublishRing(size_t tables, Version published, size_t publishes_max, size_t bytes_max);

  // During a publish.
  void begin(Version from, Version to, uint64_t commit_time_ns);
  /// A cell that changes, with its relative blocks or none. Returns the place in Publish::changes.
  uint32_t add(CellRef ref, std::span<const BlockPart> parts);
  /// The publish being made, or made last if it changed something.
  const Publish& newest() const { return at(newest_sequence()); }
  uint64_t newest_sequence() const { return next_ - 1; }
  /// Forgets the oldest until the bounds hold, but for the `kept` newest.
  void trim(size_t kept);

  /// True if every change of any cell after this version is here.
  bool reaches(Version cut) const { return forgotten_ <= cut; }
  /// Oldest first.
  uint64_t first_sequence() const { return first_; }
  uint64_t end_sequence() const { return next_; }
  const Publish& at(uint64_t sequence) const { return publishes_[sequence % publishes_.size()]; }
  /// The publishes after a version that changed a cell, newest first: call(sequence, publish,
  /// change, place of the change). Costs what there are.
  template <class Call>
  void for_each_after(CellRef ref, Version cut, Call&& call) const {
    const std::vector<Place>& cells = newest_of_[ref.table];
    if (ref.cell >= cells.size()) return;
    for (Place place = cells[ref.cell]; place.sequence >= first_;) {
      const Publish& publish = at(place.sequence);
      if (publish.to <= cut) return;
      const Change& change = publish.changes[place.change];
      call(place.sequence, publish, change, place.change);
      place = change.before;
    }
  }

 private:
  void forget_oldest();

  size_t bytes_max_;
  size_t publishes_max_;
  std::vector<Publish> publishes_;  // by sequence, modulo their number
  uint64_t first_ = 1;
  uint64_t next_ = 1;
  size_t bytes_ = 0;
  Version forgotten_;
  std::vector<std::vector<Place>> newest_of_;  // by table and cell
};

}  // namespace ecsdb
