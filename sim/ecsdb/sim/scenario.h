// The fixed world that simulations play in: a schema with every kind of cell, field and policy,
// principals with different rights, and the settings of server and clients.
#pragma once

#include <cstdint>
#include <vector>

#include "ecsdb/base/prng.h"
#include "ecsdb/client/client.h"
#include "ecsdb/server/options.h"
#include "ecsdb/sim/client_interest.h"

namespace ecsdb::sim {

/// Tables by index. Their ids differ from their indices on purpose.
enum ScenarioTable : uint16_t {
  kShipTable,    // grid over a flat position
  kHullTable,    // follows ship
  kChatTable,    // by value of a room
  kBagTable,     // by owner
  kBadgeTable,   // follows bag
  kClockTable,   // one cell
  kOrbTable,     // grid over a position in space
  kLedgerTable,  // by value of an enum; admins only
  kScenarioTables,
  kBeaconTable = kScenarioTables,  // one cell; of the second schema only
};

/// Events by index. Each has its serial first.
enum ScenarioEvent : uint16_t {
  kBoomEvent,     // follows ship
  kNewsEvent,     // for everyone
  kWhisperEvent,  // follows bag at a principal
  kShoutEvent,    // of players
};

/// A server that starts anew may have the other one: it has a table and a field more.
enum class ScenarioSchema : uint8_t { kFirst, kSecond };

constexpr int64_t kRooms = 6;
constexpr uint64_t kPrincipals = 24;
constexpr int64_t kMapSize = 512;  // of ships, both ways
constexpr int64_t kShipCell = 64;
constexpr int64_t kOrbMapSize = 128;
constexpr int64_t kOrbCell = 32;

const Schema& scenario_schema(ScenarioSchema which = ScenarioSchema::kFirst);

/// One per principal; clients share them in turn.
std::vector<ClientIdentity> scenario_identities();
/// The same principal with other rights: one of kRightsVariants, of which 0 are the first ones.
ClientIdentity scenario_identity(PrincipalId principal, int64_t variant);

/// Time-outs are those of production but for the server's stall limit, which is shortened so that a
/// run sees it; horizon, chunk size, first version, budgets and limits are drawn.
ServerOptions scenario_server_options(const Prng& rng);
/// Of another database, as a server draws it that starts without an archive.
DatabaseId draw_database_id(Prng& rng);
/// Where the versions of a database begin: at 1, or a little before what 16 or 32 bits hold.
Version draw_first_version(Prng& rng);
ClientOptions scenario_client_options(const ClientIdentity& identity, uint32_t index);

/// A subscription that the identity may ask for, legal but perhaps to cells it may not read.
InterestEntry draw_interest(const ClientIdentity& identity, Prng& rng);
/// A ball or range somewhere on the map; follows nothing.
InterestEntry draw_area(Prng& rng);
/// Somewhere on the map of an area's table.
GridPoint draw_center(const InterestEntry& entry, Prng& rng);
/// In the units of an application, exactly.
AreaPoint in_units(const InterestArea& area, const GridPoint& steps);

}  // namespace ecsdb::sim
