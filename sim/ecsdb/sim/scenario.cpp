#include "ecsdb/sim/scenario.h"

#include <algorithm>

#include "ecsdb/schema/schema_builder.h"
#include "ecsdb/sim/checkers/model_values.h"

namespace ecsdb::sim {
namespace {

using Where = AccessRule::Where;

void add_ships(SchemaBuilder& schema, ScenarioSchema which) {
  schema.enumeration("team", {"none", "red", "blue", "green"});
  schema.table(2, "ship")
      .grid("pos", double(kShipCell))
      .write("player")
      .field(1, "pos", FieldType::kVec2f)
      .precision(0.5)
      .field(2, "rot", FieldType::kQuatf)
      .quaternion_bits(10)
      .lww()
      .field(3, "speed", FieldType::kF32)
      .field(4, "fuel", FieldType::kF32)
      .range(0, 100, 12)
      .merge("sum")
      .text(5, "name", 24)
      .default_value("anon")
      .lww()
      .field(6, "paint", FieldType::kU8)
      .default_value(uint64_t{7})
      .lww()
      .enum_field(7, "side", "team")
      .field(8, "heat", FieldType::kF64)
      .server_only()
      .bits_field(9, "lights", 12)
      .merge("union")
      .text(10, "memo", 16)
      .server_only();
  schema.table(3, "hull")
      .follow("ship")
      .codec(CodecTier::kPlain)
      .write("player")
      .field(1, "points", FieldType::kU16)
      .merge("sum")
      .field(2, "plating", FieldType::kI32)
      .merge("min")
      .field(3, "mark", FieldType::kU64)
      .merge("max");
  if (which == ScenarioSchema::kSecond) {
    schema.field(4, "wear", FieldType::kI8).default_value(int64_t{1}).lww();
  }
}

void add_rooms_and_owners(SchemaBuilder& schema) {
  schema.table(5, "chat")
      .by("room")
      .codec(CodecTier::kPlain)
      .read("player")
      .read("admin")
      .read("guest", Where::kCellIsClaim, "room")
      .write("player")
      .write("guest", Where::kCellIsClaim, "room")
      .field(1, "room", FieldType::kI32)
      .text(2, "line", 40)
      .merge("append")
      .field(3, "mood", FieldType::kI8)
      .lww()
      .field(4, "stamp", FieldType::kU32);
  schema.table(7, "bag")
      .owner("pilot")
      .read("player", Where::kOwnerIsMe)
      .read("admin")
      .write("player", Where::kOwnerIsMe)
      .write("admin")
      .field(1, "pilot", FieldType::kPrincipal)
      .field(2, "items", FieldType::kU32)
      .field(3, "gold", FieldType::kI64)
      .merge("sum")
      .field(4, "gift", FieldType::kEntity)
      .lww();
  schema.table(8, "badge")
      .follow("bag")
      .read("player", Where::kOwnerIsMe)
      .read("admin")
      .write("player", Where::kOwnerIsMe)
      .write("admin")
      .field(1, "rank", FieldType::kU8)
      .merge("max")
      .text(2, "note", 12)
      .lww();
}

void add_the_rest(SchemaBuilder& schema, ScenarioSchema which) {
  schema.table(11, "clock")
      .field(1, "ticks", FieldType::kU64)
      .field(2, "rate", FieldType::kF64)
      .bytes(3, "label", 12)
      .field(4, "on", FieldType::kBool);
  schema.table(12, "orb")
      .grid("at", double(kOrbCell))
      .write("player")
      .field(1, "at", FieldType::kVec3f)
      .precision(0.25)
      .lww()
      .field(2, "spin", FieldType::kQuatf)
      .lww()
      .field(3, "drift", FieldType::kI16)
      .lww()
      .bits_field(4, "mask", 40)
      .lww();
  schema.table(13, "ledger")
      .by("side")
      .read("admin")
      .write("admin")
      .enum_field(1, "side", "team")
      .field(2, "price", FieldType::kF64)
      .precision(0.01)
      .merge("sum")
      .field(3, "amount", FieldType::kI64)
      .merge("sum");
  if (which == ScenarioSchema::kFirst) return;
  schema.table(14, "beacon")
      .write("")
      .field(1, "tone", FieldType::kU16)
      .lww()
      .text(2, "motto", 20)
      .merge("append")
      .field(3, "keeper", FieldType::kEntity);
}

void add_events(SchemaBuilder& schema) {
  schema.event(1, "boom").follow("ship").field(1, "serial", FieldType::kU64);
  schema.event(4, "news").field(1, "serial", FieldType::kU64).text(2, "line", 24);
  schema.event(7, "whisper").follow("bag").at("to").field(1, "serial", FieldType::kU64);
  schema.field(2, "to", FieldType::kPrincipal);
  schema.event(9, "shout").write("player").field(1, "serial", FieldType::kU64);
}

Schema make_schema(ScenarioSchema which) {
  SchemaBuilder schema("simulated", which == ScenarioSchema::kFirst ? 3 : 4);
  add_ships(schema, which);
  add_rooms_and_owners(schema);
  add_the_rest(schema, which);
  add_events(schema);
  return schema.build().value();
}

CellKey draw_grid_key(Prng& rng, int64_t cells, bool in_space) {
  const int64_t half = cells / 2;
  const int64_t x = rng.between(-half, half - 1);
  const int64_t y = rng.between(-half, half - 1);
  return CellKey::grid(x, y, in_space ? rng.between(-half, half - 1) : 0);
}

CellKey draw_key(uint16_t table, const ClientIdentity& identity, Prng& rng) {
  switch (table) {
    case kShipTable:
    case kHullTable:
      if (table == kHullTable && rng.chance(1, 8)) return CellKey::none();
      return draw_grid_key(rng, kMapSize / kShipCell, false);
    case kOrbTable:
      return draw_grid_key(rng, kOrbMapSize / kOrbCell, true);
    case kChatTable:
      return CellKey::value(rng.between(0, kRooms - 1));
    case kLedgerTable:
      return CellKey::value(rng.between(0, 3));
    case kBagTable:
    case kBadgeTable:
      // Mostly one's own: others are silently not readable.
      return CellKey::owner(rng.chance(3, 4) ? identity.principal
                                             : PrincipalId{1 + rng.below(kPrincipals)});
    default:
      return CellKey::one();
  }
}

void draw_box(InterestEntry& entry, Prng& rng) {
  const bool in_space = entry.table == kOrbTable;
  const int64_t cells = in_space ? kOrbMapSize / kOrbCell : kMapSize / kShipCell;
  CellKey low = draw_grid_key(rng, cells, in_space);
  CellKey high = low;
  high.x += rng.between(0, cells / 2);
  high.y += rng.between(0, cells / 2);
  if (in_space) high.z += rng.between(0, cells / 2);
  entry.kind = InterestEntry::Kind::kBox;
  entry.keys = {low, high};
}

void draw_keys(InterestEntry& entry, const ClientIdentity& identity, Prng& rng) {
  const uint64_t count = 1 + rng.below(6);
  for (uint64_t i = 0; i < count; ++i) {
    const CellKey key = draw_key(entry.table, identity, rng);
    if (std::count(entry.keys.begin(), entry.keys.end(), key) == 0) entry.keys.push_back(key);
  }
  entry.kind = InterestEntry::Kind::kKeys;
}

}  // namespace

const Schema& scenario_schema(ScenarioSchema which) {
  static const Schema kFirst = make_schema(ScenarioSchema::kFirst);
  static const Schema kSecond = make_schema(ScenarioSchema::kSecond);
  return which == ScenarioSchema::kFirst ? kFirst : kSecond;
}

ClientIdentity scenario_identity(PrincipalId principal, int64_t variant) {
  const uint64_t i = principal.value - 1 + static_cast<uint64_t>(variant) * 5;
  ClientIdentity identity;
  identity.token = "token of principal " + std::to_string(principal.value);
  identity.principal = principal;
  if (i % 4 == 0) {
    identity.roles = {"guest"};
    identity.claims = {{"room", static_cast<int64_t>(i) % kRooms}};
  } else if (i % 12 == 5) {
    identity.roles = {"admin"};
  } else {
    identity.roles = {"player"};
    if (i % 3 == 0) identity.roles.push_back("guest");
  }
  return identity;
}

std::vector<ClientIdentity> scenario_identities() {
  std::vector<ClientIdentity> out;
  for (uint64_t i = 1; i <= kPrincipals; ++i) out.push_back(scenario_identity(PrincipalId{i}, 0));
  return out;
}

DatabaseId draw_database_id(Prng& rng) {
  const uint64_t high = rng.next();
  return DatabaseId{high, rng.next()};
}

Version draw_first_version(Prng& rng) {
  constexpr int kWidths[] = {0, 16, 32, 0};
  const uint64_t end = uint64_t{1} << kWidths[rng.below(4)];
  return Version{end == 1 ? 1 : end - rng.below(300)};
}

/// Each kind of limit in one run of four, so tight that clients meet it.
void draw_limits(ServerOptions& out, Prng rng) {
  if (rng.chance(1, 4)) {
    constexpr uint64_t kBudgets[] = {8 * 1024, 32 * 1024, 128 * 1024};
    constexpr uint64_t kBursts[] = {2 * 1024, 64 * 1024};
    out.client_budget_bytes = kBudgets[rng.below(3)];
    out.client_budget_burst = kBursts[rng.below(2)];
  }
  if (rng.chance(1, 4)) {
    constexpr uint64_t kBudgets[] = {64 * 1024, 512 * 1024};
    constexpr uint64_t kBursts[] = {4 * 1024, 256 * 1024};
    out.total_budget_bytes = kBudgets[rng.below(2)];
    out.total_budget_burst = kBursts[rng.below(2)];
  }
  if (rng.chance(1, 4)) {
    // Honest clients keep to it: what they send most of is acknowledgements.
    out.intake_bytes = 16 * 1024;
    out.intake_burst = 128 * 1024;
  }
  if (rng.chance(1, 4)) {
    out.intake_changes = static_cast<uint32_t>(1 + rng.below(8));
    out.intake_changes_burst = rng.chance(1, 2) ? 4 : 16;
  }
}

namespace {

/// How long and how much a server remembers, and what it sends in chunks.
void draw_memory(ServerOptions& out, Prng rng) {
  if (rng.chance(1, 4)) out.session_timeout = Duration::ms(rng.between(500, 3000));
  if (rng.chance(1, 6)) out.database.tombstones_max = 20 + rng.below(100);
  out.digest_interval = Duration::seconds(rng.between(1, 5));
  constexpr size_t kStaged[] = {256, 2048, 128 * 1024};
  out.stage_bytes_min = kStaged[rng.below(3)];
}

void draw_write_limits(ServerOptions& out, Prng rng) {
  if (rng.chance(1, 4)) {
    // What clients have queued is decided within the time that convergence may take.
    out.write_rate = static_cast<uint64_t>(rng.between(20, 60));
    out.write_burst = static_cast<uint64_t>(rng.between(1, 20));
  }
  if (rng.chance(1, 4)) out.writes_waiting_max = static_cast<size_t>(rng.between(1, 16));
  if (rng.chance(1, 4)) out.events_max = static_cast<size_t>(rng.between(1, 16));
  if (rng.chance(1, 8)) out.writes_per_commit_max = static_cast<size_t>(rng.between(1, 8));
}

}  // namespace

ServerOptions scenario_server_options(const Prng& root) {
  Prng rng = root.stream("server options");
  ServerOptions out;
  out.database.id = draw_database_id(rng);
  // A short horizon makes cells come and go; a long one keeps all tombstones.
  constexpr uint64_t kHorizons[] = {8, 40, 200, 8192};
  out.database.horizon_versions_max = kHorizons[rng.below(4)];
  constexpr size_t kChunks[] = {256, 2048, 32 * 1024};
  out.sync_chunk_bytes = kChunks[rng.below(3)];
  constexpr size_t kWindows[] = {2 * 1024, 8 * 1024, 256 * 1024, 256 * 1024};
  constexpr size_t kBlocks[] = {200, kBlockBytesMax, kBlockBytesMax};
  out.block_bytes_max = kBlocks[rng.below(3)];
  out.compression = rng.chance(1, 4);
  out.unacked_bytes_max = kWindows[rng.below(4)];
  out.stall_timeout = Duration::seconds(rng.between(8, 15));
  out.database.first_version = draw_first_version(rng);
  draw_limits(out, root.stream("server limits"));
  draw_memory(out, root.stream("server memory"));
  draw_write_limits(out, root.stream("server writes"));
  out.conflicts_max = 100'000;  // those of a commit are compared after it
  out.conflicts_bytes_max = size_t{1} << 30;
  return out;
}

ClientOptions scenario_client_options(const ClientIdentity& identity, uint32_t index) {
  ClientOptions out;
  out.token = identity.token;
  out.name = "client " + std::to_string(index);
  out.compression = index % 3 != 0;
  out.writes_pending_max = 100;
  return out;
}

InterestEntry draw_interest(const ClientIdentity& identity, Prng& rng) {
  static constexpr uint16_t kDrawn[] = {kShipTable,   kShipTable,  kHullTable,  kChatTable,
                                        kBagTable,    kBadgeTable, kClockTable, kOrbTable,
                                        kLedgerTable, kBeaconTable};
  InterestEntry entry;
  entry.table = kDrawn[rng.below(std::size(kDrawn))];
  const bool has_grid =
      entry.table == kShipTable || entry.table == kHullTable || entry.table == kOrbTable;
  const uint64_t form = rng.below(has_grid ? 8 : 4);
  if (form >= 4) {
    draw_box(entry, rng);
  } else if (form >= 1 && entry.table != kClockTable) {
    draw_keys(entry, identity, rng);
  }
  return entry;
}

InterestEntry draw_area(Prng& rng) {
  static constexpr uint16_t kDrawn[] = {kShipTable, kShipTable, kHullTable, kOrbTable};
  const Schema& schema = scenario_schema();
  InterestEntry entry;
  entry.table = kDrawn[rng.below(std::size(kDrawn))];
  entry.kind = rng.chance(1, 2) ? InterestEntry::Kind::kBall : InterestEntry::Kind::kRange;
  const bool in_space = entry.table == kOrbTable;
  InterestArea& area = entry.area.emplace();
  area.grid_table = in_space ? kOrbTable : kShipTable;
  const TableDef& grid = schema.table(area.grid_table);
  area.grid_field = *schema.field_index(area.grid_table, grid.cell.target);
  area.edge = grid_edge_of(grid.cell, grid.fields[area.grid_field]);
  const auto length = [&] { return rng.between(0, 2 * area.edge); };
  area.extent.x = length();
  if (entry.kind == InterestEntry::Kind::kRange) {
    area.extent.y = length();
    if (in_space) area.extent.z = length();
  }
  area.margin = rng.chance(1, 2) ? rng.between(1, area.edge) : 0;
  area.center = draw_center(entry, rng);
  return entry;
}

GridPoint draw_center(const InterestEntry& entry, Prng& rng) {
  const bool in_space = entry.table == kOrbTable;
  const int64_t cells = in_space ? kOrbMapSize / kOrbCell : kMapSize / kShipCell;
  const int64_t half = cells * entry.area->edge / 2;
  const auto part = [&] { return rng.between(-half, half); };
  GridPoint center;
  center.x = part();
  center.y = part();
  if (in_space) center.z = part();
  return center;
}

AreaPoint in_units(const InterestArea& area, const GridPoint& steps) {
  const TableDef& grid = scenario_schema().table(area.grid_table);
  const double step = grid.fields[area.grid_field].quantise.precision;
  return AreaPoint(static_cast<double>(steps.x) * step, static_cast<double>(steps.y) * step,
                   static_cast<double>(steps.z) * step);
}

}  // namespace ecsdb::sim
