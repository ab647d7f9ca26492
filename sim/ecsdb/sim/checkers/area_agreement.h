// Area agreement: what a client says is inside an area, and what its callbacks told of it, is what
// the positions that it shows say, one by one: inside when within the area, out again only beyond
// the margin, around a point or an entity.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "ecsdb/client/client.h"
#include "ecsdb/sim/checkers/violation.h"
#include "ecsdb/sim/client_interest.h"

namespace ecsdb::sim {

/// The checker of one client; the client's callbacks refer to it.
class AreaAgreement {
 public:
  AreaAgreement(const Schema& schema, uint32_t client, ViolationLog& violations)
      : schema_(&schema), client_(client), violations_(violations) {}

  /// The client shows rows of another schema from now on.
  void show(const Schema& schema) { schema_ = &schema; }
  /// The client's process is gone.
  void forget() { views_.clear(); }
  void on_subscribed(Client& client, SubscriptionId id, const InterestEntry& entry);
  void on_moved(SubscriptionId id, const GridPoint& center);
  void on_unsubscribed(SubscriptionId id) { views_.erase(id); }
  /// After each call of poll(), whether or not it applied a cut.
  void on_polled(const Client& client, Instant at);

 private:
  struct View {
    InterestEntry what;
    std::set<EntityId> inside;
    std::set<EntityId> told;
    bool told_twice = false;
  };
  std::optional<GridPoint> place_of(const ClientDb& db, const InterestArea& area,
                                    EntityId who) const;
  static bool contains(const View& view, const GridPoint& at, bool was_inside);
  void compare(const Client& client, SubscriptionId id, View& view, Instant at);

  const Schema* schema_;
  uint32_t client_;
  ViolationLog& violations_;
  std::map<SubscriptionId, View> views_;
};

}  // namespace ecsdb::sim
