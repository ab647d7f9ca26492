// What has changed in the state that an application is shown, its own writes included.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "ecsdb/client/events.h"
#include "ecsdb/client/overlay.h"

namespace ecsdb {

/// Appends to `out` how what is shown differs: before, it was a confirmed state under an overlay;
/// now it is `confirmed` under `after`. `changes` is how the overlay differs, `events` what
/// happened to the confirmed state in between, which tells of every row of the overlay that it has
/// touched. A provisional entity that has got its id is the same entity, `made` says which. An own
/// write that is confirmed as it was shown changes nothing.
void predicted_changes(const ClientDb& confirmed, Overlay::Changes changes, const Overlay& after,
                       const std::map<EntityId, EntityId>& made, std::span<const RowEvent> events,
                       std::vector<RowEvent>& out);

}  // namespace ecsdb
