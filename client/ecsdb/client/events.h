// What a client is told about rows, entities and its connection.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "ecsdb/base/error.h"
#include "ecsdb/base/ids.h"

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

/// Callbacks run inside Client::poll(), on its thread, after the whole cut is applied; reads show
/// exactly that cut. A callback may read, subscribe, unsubscribe, add and remove callbacks (also
/// itself; added ones see the next cut), disconnect, and destroy the client. It must not call
/// poll() (a check fails) and must not throw.
using RowCallback = std::function<void(const RowEvent&)>;
using EntityCallback = std::function<void(const EntityEvent&)>;
using CallbackId = uint64_t;

struct ClientEvent {
  enum class Kind : uint8_t {
    kConnected,     // authenticated; the schema is known
    kSubscribed,    // code kOk, or why the subscription was refused
    kSynced,        // a full sync is applied: reads show the server's state
    kDisconnected,  // code and reason; the client dials again by itself unless told not to
    kFault,         // the replica could not apply what came; it drops the link and syncs anew
  };
  Kind kind = Kind::kDisconnected;
  ErrorCode code = ErrorCode::kOk;
  std::string reason;
  SubscriptionId subscription;
};

}  // namespace ecsdb
