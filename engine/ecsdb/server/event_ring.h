// Events on their way to clients: those that wait for a publish, and the last few for clients that
// are behind.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "ecsdb/store/cells.h"
#include "ecsdb/wire/messages.h"

namespace ecsdb {

/// An event belongs to the commit that comes next when it is emitted, or to the open one; with a
/// transaction that is dropped go the events that were emitted in it. Of what is published the
/// newest are kept, up to a number and up to so many bytes, under numbers that never come again.
/// Not thread-safe.
class EventRing {
 public:
  static constexpr uint16_t kNoTable = 0xffff;

  /// One that waits.
  struct Emitted {
    EventEntry entry;
    uint16_t table = kNoTable;     // whose cells it follows; none: it is for everyone
    std::optional<CellKey> where;  // its cell there, or the entity's when it was emitted
    bool has_place = false;        // it says where, whatever entity it names
    bool in_transaction = false;
    size_t bytes = 0;  // set by emit(): about what it takes
  };
  /// One that was published.
  struct Item {
    Version version;
    uint16_t table = kNoTable;
    CellKey key;
    Bytes entry;  // an `event_entry` as it stands in messages
  };

  EventRing(size_t events_max, size_t bytes_max) : events_max_(events_max), bytes_max_(bytes_max) {}

  /// kQueueFull: as many wait for a publish as are kept at all.
  Status emit(Emitted&& event);
  /// A transaction begins: those of the one before were dropped with it, or are committed.
  void on_begin();
  void on_commit(Version version);
  /// Those that are committed, in order; they wait no more.
  std::vector<Emitted> take_committed();

  /// Adds what is published; the oldest go where there is no room. Returns its number.
  uint64_t push(Item&& item);
  /// Numbers from here up to end() are kept.
  uint64_t begin() const { return first_; }
  uint64_t end() const { return first_ + items_.size(); }
  const Item& at(uint64_t number) const { return items_[static_cast<size_t>(number - first_)]; }
  size_t bytes() const { return bytes_; }

 private:
  static size_t bytes_of(const Item& item) { return sizeof(Item) + item.entry.size(); }

  size_t events_max_;
  size_t bytes_max_;
  std::vector<Emitted> waiting_;
  size_t waiting_bytes_ = 0;
  size_t committed_ = 0;  // of them, at the front
  std::deque<Item> items_;
  uint64_t first_ = 0;
  size_t bytes_ = 0;
};

}  // namespace ecsdb
