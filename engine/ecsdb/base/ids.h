// Strong types for identifiers, and checked narrowing.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

#include "ecsdb/base/check.h"

namespace ecsdb {

/// A number with a meaning of its own: no arithmetic, no mixing. Trivially copyable.
template <class Tag, class Rep>
struct StrongId {
  using rep = Rep;
  Rep value = 0;

  constexpr auto operator<=>(const StrongId&) const = default;
};

using TableId = StrongId<struct TableIdTag, uint16_t>;  // explicit in the schema, never reused
using FieldId = StrongId<struct FieldIdTag, uint16_t>;  // unique in its table
using EventId = StrongId<struct EventIdTag, uint16_t>;
using LinkId = StrongId<struct LinkIdTag, uint64_t>;                  // one connection of a driver
using ClientId = StrongId<struct ClientIdTag, uint64_t>;              // issued by the server
using PrincipalId = StrongId<struct PrincipalIdTag, uint64_t>;        // issued by the authenticator
using Epoch = StrongId<struct EpochTag, uint64_t>;                    // one history of a database
using SubscriptionId = StrongId<struct SubscriptionIdTag, uint32_t>;  // chosen by the client

/// Number of a commit, gapless inside an epoch. 0 is "before the first commit".
struct Version {
  uint64_t value = 0;

  constexpr auto operator<=>(const Version&) const = default;
  constexpr Version next() const { return Version{value + 1}; }
};

/// 64 bits: 32-bit index, 16-bit epoch, 16-bit reuse count. Ordered by index first. The all-zero
/// id names nothing: reuse counts start at 1.
struct EntityId {
  uint64_t value = 0;

  static constexpr EntityId make(uint32_t index, uint16_t epoch, uint16_t reuse) {
    return EntityId{(static_cast<uint64_t>(index) << 32) | (static_cast<uint64_t>(epoch) << 16) |
                    reuse};
  }
  constexpr uint32_t index() const { return static_cast<uint32_t>(value >> 32); }
  constexpr uint32_t tag() const { return static_cast<uint32_t>(value); }  // epoch and reuse count
  constexpr uint16_t epoch() const { return static_cast<uint16_t>(value >> 16); }
  constexpr uint16_t reuse() const { return static_cast<uint16_t>(value); }
  constexpr bool is_none() const { return value == 0; }
  constexpr auto operator<=>(const EntityId&) const = default;
};

/// 128 random bits that name a database.
struct DatabaseId {
  uint64_t high = 0;
  uint64_t low = 0;

  constexpr auto operator<=>(const DatabaseId&) const = default;
};

/// Narrows an integer; a check fails if the value does not fit.
template <class To, class From>
constexpr To checked_cast(From from) {
  const To to = static_cast<To>(from);
  ECSDB_CHECK(static_cast<From>(to) == from && ((to < To{}) == (from < From{})));
  return to;
}

}  // namespace ecsdb
