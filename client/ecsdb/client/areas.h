// Balls and ranges around a point or an entity: what a client asks for near a place.
#pragma once

#include <cstdint>
#include <functional>

#include "ecsdb/base/ids.h"
#include "ecsdb/schema/value.h"

namespace ecsdb {

/// A place in the units of the positions of the table. It is turned into steps of their precision,
/// and so are lengths; from then on everything is exact. Flat tables ignore z.
struct AreaPoint {
  double x = 0;
  double y = 0;
  double z = 0;

  AreaPoint() = default;
  AreaPoint(double px, double py, double pz = 0) : x(px), y(py), z(pz) {}
  AreaPoint(const Vec2f& at) : AreaPoint(double{at.x}, double{at.y}) {}
  AreaPoint(const Vec3f& at) : AreaPoint(double{at.x}, double{at.y}, double{at.z}) {}
  bool operator==(const AreaPoint&) const = default;
};

struct AreaOptions {
  /// The centre is where this entity is, as soon as it is seen; the point given counts until then,
  /// and where it was seen last when it is gone. The server follows an entity that it may show, so
  /// its cells come along even if the client did not hold the entity's own before.
  EntityId follow;
  /// What was inside is outside again only when it is further out by this; 0 or more.
  double margin = 0;
  /// A full sync sends what is near the centre first.
  bool nearest_first = false;
};

/// What a view of an area tells: an entity came inside, or it went out, was removed, or is not
/// shown any more.
enum class AreaEventKind : uint8_t { kEnter, kLeave };

struct AreaEvent {
  AreaEventKind kind = AreaEventKind::kEnter;
  SubscriptionId subscription;
  EntityId entity;
};

/// Runs under the rules of RowCallback, after the row and entity events of the cut.
using AreaCallback = std::function<void(const AreaEvent&)>;

}  // namespace ecsdb
