// What a client is told about rows, entities and its connection.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ecsdb/base/error.h"
#include "ecsdb/base/ids.h"
#include "ecsdb/schema/value.h"
#include "ecsdb/wire/reset_reason.h"

namespace ecsdb {

/// Insert and remove are what happened in the database; enter and leave are what happened to the
/// client's view (it subscribed, the row moved into or out of a held cell, or the client cannot
/// know which because it was away).
enum class RowEventKind : uint8_t { kInsert, kChange, kRemove, kEnter, kLeave };

struct RowEvent {
  RowEventKind kind = RowEventKind::kChange;
  uint16_t table = 0;  // index of the table in ClientDb::schema()
  EntityId entity;
  uint64_t changed = 0;  // kChange: bit FieldLayout::replicated_bit of each field that differs
};

/// Once per cut and entity, when all of its visible rows are in.
enum class EntityEventKind : uint8_t { kAppeared, kChanged, kGone };

struct EntityEvent {
  EntityEventKind kind = EntityEventKind::kChanged;
  EntityId entity;
};

/// An event of the schema, as the server has told it: once, and never again.
struct Event {
  uint16_t event = 0;         // its place in ClientDb::schema().def().events
  EntityId entity;            // whom it is about, perhaps nobody; what it shows of it may be gone
  Version version;            // the commit that it belongs to
  std::vector<Value> values;  // one of each field
};

/// Callbacks run inside Client::poll(), on its thread, after the whole cut is applied; reads show
/// exactly that cut. A callback may read, subscribe, unsubscribe, add and remove callbacks (also
/// itself; added ones see the next cut), submit, send events, disconnect, and destroy the client.
/// It must not call poll() (a check fails) and must not throw.
using RowCallback = std::function<void(const RowEvent&)>;
using EntityCallback = std::function<void(const EntityEvent&)>;
using EventCallback = std::function<void(const Event&)>;
using CallbackId = uint64_t;

struct ClientEvent {
  enum class Kind : uint8_t {
    kConnecting,  // dials
    kConnected,   // authenticated; the schema is known
    kSubscribed,  // code kOk, or why the subscription was refused
    kSyncing,     // a full sync begins; what was held before stays readable until it is complete
    kSynced,      // a full sync is applied: reads show the server's state
    kLive,        // reads follow the server from now on: after a sync, or by going on where it was
    kStale,       // what is shown may be out of date: the link is lost, or silent
    kReset,     // the server cannot go on from what is held: `reset` says why; a full sync follows,
                // or after past_fork another try with an earlier cut
    kDiverged,  // what was held of a cell differed from the server's and is replaced: first row
    kFault,     // the replica could not apply what came; it drops the link and syncs anew
    kClosed,    // code and reason; the client dials again by itself unless told not to
  };
  Kind kind = Kind::kClosed;
  ErrorCode code = ErrorCode::kOk;
  std::string reason;
  SubscriptionId subscription;
  ResetReason reset = ResetReason::kNone;
};

}  // namespace ecsdb
