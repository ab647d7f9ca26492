// What a client asks for. Part of messages.h.
#pragma once

#include <tuple>
#include <vector>

#include "ecsdb/wire/describe.h"
#include "ecsdb/wire/limits.h"

namespace ecsdb {

/// What a subscription covers in its table.
enum class SelectorKind : uint8_t { kAll = 0, kKeys = 1, kBox = 2, kBall = 3, kRange = 4 };

/// A place in the space of a grid table, in steps of the grid field's precision.
struct GridPoint {
  int64_t x = 0;
  int64_t y = 0;
  int64_t z = 0;
  auto operator<=>(const GridPoint&) const = default;
};
template <>
struct Describe<GridPoint> {
  static constexpr const char* name = "grid_point";
  static constexpr auto fields =
      std::make_tuple(field("x", &GridPoint::x, 0, "in steps of the grid field's precision"),
                      field("y", &GridPoint::y, 0, "likewise"),
                      field("z", &GridPoint::z, 0, "likewise; 0 for a vec2f"));
};

/// What a subscription of kind ball or range covers: the cells that touch it.
struct SubscriptionArea {
  EntityId follow;
  GridPoint center;
  GridPoint extent;
  uint64_t margin = 0;
};
template <>
struct Describe<SubscriptionArea> {
  static constexpr const char* name = "subscription_area";
  static constexpr auto fields = std::make_tuple(
      field("follow", &SubscriptionArea::follow, 0,
            "the centre is where this entity is in the grid table; 0: the centre is as given"),
      field("center", &SubscriptionArea::center, 0, "until the followed entity is seen, too"),
      field("extent", &SubscriptionArea::extent, 0,
            "kind 3: x is the radius; kind 4: half of each edge; none is negative"),
      field("margin", &SubscriptionArea::margin, 0,
            "a held cell is kept until it is so far outside"));
};

struct Subscription {
  SubscriptionId id;
  TableId table;
  SelectorKind kind = SelectorKind::kAll;
  std::vector<CellKey> keys;
  std::vector<SubscriptionArea> area;
  std::vector<CellKey> nearest_to;

  /// True if the selector covers a cell of its table. Listed keys must be sorted; a box has two
  /// grid keys: the corners.
  bool covers(const CellKey& key) const;
};
template <>
struct Describe<Subscription> {
  static constexpr const char* name = "subscription";
  static constexpr auto fields = std::make_tuple(
      field("id", &Subscription::id, 0, "chosen by the client, unique in its connection"),
      field("table", &Subscription::table, 0, "table id"),
      field("kind", &Subscription::kind, 4,
            "0 every cell, 1 the listed keys, 2 a box of grid cells, 3 a ball, 4 a range"),
      field("keys", &Subscription::keys, kSubscriptionKeysMax,
            "kind 1: the cells; kind 2: least and greatest grid key, both included"),
      field("area", &Subscription::area, 1, "kinds 3 and 4: one, else none"),
      field("nearest_to", &Subscription::nearest_to, 1,
            "none, or a grid key: a full sync sends the cells nearest to it first"));
};

struct SubscriptionMove {
  SubscriptionId id;
  GridPoint center;
};
template <>
struct Describe<SubscriptionMove> {
  static constexpr const char* name = "subscription_move";
  static constexpr auto fields =
      std::make_tuple(field("id", &SubscriptionMove::id, 0, "of kind 3 or 4"),
                      field("center", &SubscriptionMove::center, 0, "from now on"));
};

struct Subscribe {
  uint32_t request = 0;
  std::vector<Subscription> add;
  std::vector<SubscriptionId> remove;
  std::vector<SubscriptionMove> move;
};
template <>
struct Describe<Subscribe> {
  static constexpr const char* name = "subscribe";
  static constexpr auto fields =
      std::make_tuple(field("request", &Subscribe::request, 0, "echoed in the reply"),
                      field("add", &Subscribe::add, kSubscriptionsMax, "new subscriptions"),
                      field("remove", &Subscribe::remove, kSubscriptionsMax, "ids to end"),
                      field("move", &Subscribe::move, kSubscriptionsMax, "new centres"));
};

struct SubscribeResult {
  SubscriptionId id;
  uint16_t code = 0;
};
template <>
struct Describe<SubscribeResult> {
  static constexpr const char* name = "subscribe_result";
  static constexpr auto fields =
      std::make_tuple(field("id", &SubscribeResult::id, 0, "subscription"),
                      field("code", &SubscribeResult::code, 0, "0 accepted, else an error code"));
};

struct SubscribeReply {
  uint32_t request = 0;
  std::vector<SubscribeResult> results;
};
template <>
struct Describe<SubscribeReply> {
  static constexpr const char* name = "subscribe_reply";
  static constexpr auto fields =
      std::make_tuple(field("request", &SubscribeReply::request, 0, "of the subscribe"),
                      field("results", &SubscribeReply::results, 3 * kSubscriptionsMax,
                            "for each of remove, add, move, in the order asked"));
};

}  // namespace ecsdb
