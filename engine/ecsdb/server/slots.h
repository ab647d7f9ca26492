// The connections of a server by number, and which of them are to be looked at.
#pragma once

#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "ecsdb/server/deadlines.h"
#include "ecsdb/server/session.h"

namespace ecsdb {

class Realm;

/// A place for a connection; used again when that is gone.
struct Slot {
  std::optional<Session> session;
  Realm* realm = nullptr;  // whose database the session is of
  uint32_t incarnation = 0;
  bool in_ready = false;
  Instant timer = Instant::never();  // of its entry in the deadlines
};

/// All of them. Not thread-safe.
class Slots {
 public:
  static constexpr uint32_t kNone = 0xffffffff;

  /// A check fails if there is a connection of the link already.
  uint32_t open(LinkId link, Realm& realm, const ServerOptions& options, const Now& now) {
    if (link.value >= slot_of_.size()) slot_of_.resize(link.value + 1, kNone);
    ECSDB_CHECK(slot_of_[link.value] == kNone);
    uint32_t index = size();
    if (free_.empty()) {
      slots_.emplace_back();
    } else {
      index = free_.back();
      free_.pop_back();
    }
    slot_of_[link.value] = index;
    Slot& slot = slots_[index];
    slot.session.emplace(link, options, now);
    slot.realm = &realm;
    ++slot.incarnation;
    slot.in_ready = false;
    slot.timer = Instant::never();
    ++open_count_;
    return index;
  }
  void close(uint32_t index) {
    slot_of_[slots_[index].session->link().value] = kNone;
    slots_[index].session.reset();
    free_.push_back(index);
    --open_count_;
  }

  uint32_t find(LinkId link) const {
    return link.value < slot_of_.size() ? slot_of_[link.value] : kNone;
  }
  Slot& operator[](uint32_t index) { return slots_[index]; }
  const Slot& operator[](uint32_t index) const { return slots_[index]; }
  /// Of all places, taken or not.
  uint32_t size() const { return static_cast<uint32_t>(slots_.size()); }
  size_t open_count() const { return open_count_; }

  /// After any input of a session: ready list and timer follow its state.
  void refresh(uint32_t index, const ServerOptions& options) {
    Slot& slot = slots_[index];
    if (slot.session->wants_output() && !slot.in_ready) {
      slot.in_ready = true;
      ready_.push_back(index);
    }
    const Instant deadline = slot.session->deadline(options);
    if (deadline < slot.timer) {
      slot.timer = deadline;
      deadlines_.add(deadline, index, slot.incarnation);
    }
  }
  /// One that has something to send or to close and was not yet named.
  std::optional<LinkId> next_ready() {
    while (!ready_.empty()) {
      Slot& slot = slots_[ready_.front()];
      ready_.pop_front();
      slot.in_ready = false;
      if (slot.session && slot.session->wants_output()) return slot.session->link();
    }
    return std::nullopt;
  }
  /// One whose timer has run down; its deadline may be later by now. To be refreshed.
  std::optional<uint32_t> next_due(Instant now) {
    while (deadlines_.earliest() != nullptr && deadlines_.earliest()->at <= now) {
      const Deadlines::Entry entry = deadlines_.pop();
      Slot& slot = slots_[entry.slot];
      const bool is_stale = slot.incarnation != entry.incarnation || slot.timer != entry.at;
      if (!slot.session || is_stale) continue;
      slot.timer = Instant::never();
      return entry.slot;
    }
    return std::nullopt;
  }
  Instant deadline() const {
    const Deadlines::Entry* earliest = deadlines_.earliest();
    return earliest == nullptr ? Instant::never() : earliest->at;
  }

 private:
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  std::vector<uint32_t> slot_of_;  // by link
  std::deque<uint32_t> ready_;
  Deadlines deadlines_;
  size_t open_count_ = 0;
};

}  // namespace ecsdb
