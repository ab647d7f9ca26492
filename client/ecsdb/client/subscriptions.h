// What the application asked for; it outlives connections.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ecsdb/base/result.h"
#include "ecsdb/client/area_steps.h"
#include "ecsdb/schema/schema.h"
#include "ecsdb/wire/messages.h"

namespace ecsdb {

/// Subscriptions by table name, and which of them the server of this connection knows.
class Subscriptions {
 public:
  SubscriptionId add(std::string table, SelectorKind kind, std::vector<CellKey> keys);
  SubscriptionId add_area(std::string table, const AreaSpec& spec);
  void remove(SubscriptionId id);
  /// A new connection: the server knows none.
  void on_disconnected();
  /// True if no cell can come: nothing is subscribed, or all of it was refused.
  bool none_active() const;
  /// Why, if none_active().
  std::string why_none() const;
  bool has_changes() const { return changed_; }

  /// A subscription that is not sent, because the schema cannot have it.
  struct Refused {
    SubscriptionId id;
    Error why;
  };
  /// What to tell the server now, without a number if that is nothing.
  Subscribe take_request(const Schema& schema, std::vector<Refused>& refused);
  /// The server's answer. False if the application need not know: the subscription was ended
  /// meanwhile, or it was moved. A refused one is kept, but no cell of it will come.
  bool on_reply(SubscriptionId id, ErrorCode code);
  /// The answer to a new one was rate_limited: it waits for ask_again(). False if none was awaited.
  bool on_limited(SubscriptionId id);
  void ask_again();

  // Areas. Of several moves the last one counts; the next is sent when the one before is answered,
  // so that a server is asked no faster than it answers, and the first when the subscription is
  // accepted: an answer names the subscription only, not what was asked about it.
  /// kUnknownSubscription for an id that is none or no area; kTypeMismatch for one that follows an
  /// entity; kValueOutOfRange for a centre where no position can be, if the schema is known.
  Status move(SubscriptionId id, const AreaPoint& center, const Schema& schema);
  /// Where the entity that an area follows was seen: what a new connection begins with.
  void see(SubscriptionId id, const AreaPoint& center);
  bool has_moves() const;
  /// Centres to tell the server now, without a number if there are none.
  Subscribe take_moves(const Schema& schema);
  /// The server has answered all that it was, or is to be, told about the subscription.
  bool is_settled(SubscriptionId id) const;

 private:
  enum class State : uint8_t {
    kNew,
    kSent,
    kLimited,  // to be asked for again, later
    kAccepted,
    kRefused,
  };
  struct Entry {
    SubscriptionId id;
    std::string table;
    SelectorKind kind;
    std::vector<CellKey> keys;
    State state = State::kNew;
    std::optional<AreaSpec> area;
    std::optional<GridPoint> sent_center;  // that the server has, if it took what it was told last
    bool is_moved = false;                 // the centre is perhaps another one by now
    bool move_is_unanswered = false;
  };
  Entry* find(SubscriptionId id);
  static Status describe(const Schema& schema, const Entry& entry, Subscription& out);

  std::vector<Entry> entries_;
  std::vector<SubscriptionId> removed_;  // known to the server, to be ended
  uint32_t last_id_ = 0;
  uint32_t last_request_ = 0;
  bool changed_ = false;
  bool moved_ = false;  // some entry is_moved
};

}  // namespace ecsdb
