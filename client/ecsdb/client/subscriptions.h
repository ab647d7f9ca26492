// What the application asked for; it outlives connections.
#pragma once

#include <string>
#include <vector>

#include "ecsdb/schema/schema.h"
#include "ecsdb/wire/messages.h"

namespace ecsdb {

/// Subscriptions by table name, and which of them the server of this connection knows.
class Subscriptions {
 public:
  SubscriptionId add(std::string table, SelectorKind kind, std::vector<CellKey> keys);
  void remove(SubscriptionId id);
  /// A new connection: the server knows none.
  void on_disconnected();
  /// True if no cell can come: nothing is subscribed, or all of it was refused.
  bool none_active() const;
  /// Why, if none_active().
  std::string why_none() const;
  bool has_changes() const { return changed_; }

  /// What to tell the server now, without a number if that is nothing; ids whose table the schema
  /// lacks go to `unknown`.
  Subscribe take_request(const Schema& schema, std::vector<SubscriptionId>& unknown);
  /// The server's answer. False if none was awaited: the subscription was ended meanwhile. A
  /// refused one is kept, but no cell of it will come.
  bool on_reply(SubscriptionId id, bool accepted);
  /// By table index: true where some accepted subscription covers every cell, and none is hidden.
  std::vector<bool> whole_tables(const Schema& schema) const;

 private:
  enum class State : uint8_t { kNew, kSent, kAccepted, kRefused };
  struct Entry {
    SubscriptionId id;
    std::string table;
    SelectorKind kind;
    std::vector<CellKey> keys;
    State state = State::kNew;
  };
  std::vector<Entry> entries_;
  std::vector<SubscriptionId> removed_;  // known to the server, to be ended
  uint32_t last_id_ = 0;
  uint32_t last_request_ = 0;
  bool changed_ = false;
};

}  // namespace ecsdb
