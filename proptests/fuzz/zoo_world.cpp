#include "zoo_world.h"

#include "ecsdb/wire/block_lanes.h"

#include "script.h"
#include "table_checks.h"

namespace ecsdb::fuzz {
namespace {

using wire_test::kHealth;
using wire_test::kRoom;
using wire_test::kUnit;
using wire_test::Replica;
using wire_test::Sent;

constexpr size_t kUnitsFirst = 14;
constexpr size_t kUnitsMax = 24;
constexpr size_t kWarmSteps = 10;
constexpr size_t kBlocksMax = 8;  // of one input
constexpr CellIndex kOtherCell = 77;

uint16_t field_named(const Schema& schema, uint16_t table, std::string_view name) {
  return schema.field_index(table, name).value();
}

}  // namespace

ZooWorld::ZooWorld(CodecTier tier) : db_(wire_test::zoo_schema(tier), {}), replica_(db_.schema()) {
  for (size_t i = 0; i < kWarmSteps; ++i) step();
}

void ZooWorld::set(Transaction& tx, uint16_t table, EntityId entity, uint16_t field, Value value) {
  ECSDB_CHECK(tx.set(table, entity, field, std::move(value)).ok());
}

void ZooWorld::add_unit(Transaction& tx) {
  const EntityId entity = tx.create().value();
  std::vector<FieldValue> values;
  for (uint16_t f = 0; f < db_.schema().table(kUnit).fields.size(); ++f) {
    values.push_back({f, wire_test::random_value(db_.schema().table(kUnit).fields[f], random_)});
  }
  ECSDB_CHECK(tx.insert(kUnit, entity, values).ok());
  if (units_.size() % 3 != 0) ECSDB_CHECK(tx.insert(kHealth, entity, {}).ok());
  units_.push_back(entity);
}

/// Every third unit moves on by the same step each time; the others seldom change.
void ZooWorld::change_units(Transaction& tx) {
  const Schema& schema = db_.schema();
  for (size_t i = 0; i < units_.size(); ++i) {
    const EntityId entity = units_[i];
    if (i % 3 == 0) {
      set(tx, kUnit, entity, field_named(schema, kUnit, "long"), steps_ * (i + 1));
      set(tx, kUnit, entity, field_named(schema, kUnit, "signed_wide"),
          -static_cast<int64_t>(steps_ * 1000));
      const double far = static_cast<double>(steps_) * 0.02;
      set(tx, kUnit, entity, field_named(schema, kUnit, "fine"), far);
      set(tx, kUnit, entity, field_named(schema, kUnit, "double"), far);
      const float turn = static_cast<float>(steps_) * 0.1f;
      set(tx, kUnit, entity, field_named(schema, kUnit, "facing"), Quatf{turn, 1, 0, 1});
    } else if (random_.chance(1, 3)) {
      const auto& fields = schema.table(kUnit).fields;
      const uint16_t field = static_cast<uint16_t>(random_.below(fields.size()));
      set(tx, kUnit, entity, field, wire_test::random_value(fields[field], random_));
    }
    if (db_.contains(kHealth, entity) && i % 4 != 0) {
      set(tx, kHealth, entity, 0, 100 + steps_);
    }
  }
}

std::vector<Sent> ZooWorld::step() {
  Transaction tx = db_.begin();
  while (units_.size() < kUnitsFirst) add_unit(tx);
  if (units_.size() < kUnitsMax && random_.chance(1, 2)) add_unit(tx);
  if (random_.chance(1, 3)) {
    const size_t at = random_.below(units_.size());
    ECSDB_CHECK(tx.destroy(units_[at]).ok());
    units_.erase(units_.begin() + static_cast<ptrdiff_t>(at));
  }
  change_units(tx);
  if (rooms_.size() < 6) {
    rooms_.push_back(tx.create().value());
    ECSDB_CHECK(tx.insert(kRoom, rooms_.back(), {}).ok());
  }
  const EntityId room = rooms_[steps_ % rooms_.size()];
  set(tx, kRoom, room, 0, random_.between(-1, 1));
  set(tx, kRoom, room, 1, std::string(random_.below(20), 'r'));
  std::move(tx).commit();
  ++steps_;
  std::vector<Sent> blocks = wire_test::publish_blocks(db_);
  ECSDB_CHECK(replica_.apply(blocks).ok());
  return blocks;
}

std::vector<CellRef> ZooWorld::cells() const {
  std::vector<CellRef> out;
  for (uint16_t t = 0; t < db_.table_count(); ++t) {
    for (const auto& [key, cell] : db_.cells(t).by_key()) out.push_back({t, cell});
  }
  return out;
}

const ZooState& zoo_state(CodecTier tier) {
  auto make = [](CodecTier of) {
    ZooWorld world(of);
    ZooState state{world.replica(), world.db().schema(), world.cells()};
    for (uint16_t t = 0; t < world.db().table_count(); ++t) state.cells.push_back({t, kOtherCell});
    return state;
  };
  static const ZooState kPlain = make(CodecTier::kPlain);
  static const ZooState kPacked = make(CodecTier::kPacked);
  return tier == CodecTier::kPlain ? kPlain : kPacked;
}

namespace {

/// Others are none that a server can have, so that they cannot be encoded.
bool all_have_ages(const CellHistory& history) {
  return std::ranges::all_of(history.recent(), [&](const RecentRow& recent) {
    return recent.age(history.publishes() + 1) != 0;
  });
}

/// The cell as a block of rows, which another replica takes and then has the same.
void check_handing_on(Replica& replica, const ZooState& state, CellRef ref,
                      const std::vector<RowIndex>& rows) {
  Table table = replica.table(ref.table);
  for (const RowIndex row : rows) table.row(row).published_cell = ref.cell;  // as a server has it
  BlockSource source;
  source.def = &state.schema.table(ref.table);
  source.table = &table;
  source.tier = source.def->codec;
  source.form = BlockForm::kRows;
  source.history = &replica.history(ref);
  source.rows = rows;
  Sent sent{ref, {}};
  BlockEncoder().encode(source, sent.bytes);
  Replica other(state.schema);
  ECSDB_CHECK(other.apply(std::span(&sent, 1)).ok());
  ECSDB_CHECK(other.digest(ref) == replica.digest(ref));
  ECSDB_CHECK(std::ranges::equal(other.history(ref).recent(), replica.history(ref).recent()));
  ECSDB_CHECK(other.history(ref).publishes() == replica.history(ref).publishes());
  if (!table.has_history()) return;
  for (const RowIndex row : rows) {
    const RowIndex there = other.table(ref.table).find(table.row(row).entity);
    ECSDB_CHECK(other.table(ref.table).history_hash(there, other.history(ref)) ==
                table.history_hash(row, replica.history(ref)));
  }
}

/// A damaged bit string hardly ever ends where its bytes do, and then nothing of it is applied:
/// gives it an end that fits, without texts, if there is one.
void mend_end(const Replica& replica, Sent& sent) {
  constexpr size_t kMore = 32;
  constexpr std::string_view kPlace = ", byte ";
  DecodedBlock decoded;
  Sent mended = sent;
  mended.bytes.resize(sent.bytes.size() + kMore);
  const Status status = replica.decode(mended, decoded);
  if (status.ok()) return;
  const std::string& context = status.error().context;
  const size_t place = context.find(kPlace);
  if (place == std::string::npos) return;
  const size_t end = std::stoul(context.substr(place + kPlace.size()));
  if (end == 0 || end > mended.bytes.size()) return;
  mended.bytes.resize(end);
  for (unsigned kept = 8; kept > 0; --kept) {
    mended.bytes.back() &= static_cast<uint8_t>((1u << kept) - 1);
    if (!replica.decode(mended, decoded).ok()) continue;
    sent = std::move(mended);
    return;
  }
}

}  // namespace

void check_replica(Replica& replica, const ZooState& state, CellRef changed) {
  for (uint16_t t = 0; t < state.schema.table_count(); ++t) {
    check_values(replica.table(t), state.schema.table(t));
  }
  for (const CellRef ref : state.cells) {
    const Table& table = replica.table(ref.table);
    std::vector<RowIndex> rows;
    Digest sum;
    for (RowIndex row = 0; row < table.row_count(); ++row) {
      if (table.row(row).cell != ref.cell) continue;
      rows.push_back(row);
      sum += table.row_digest(row);
    }
    std::sort(rows.begin(), rows.end(),
              [&](RowIndex a, RowIndex b) { return table.row(a).entity < table.row(b).entity; });
    ECSDB_CHECK(replica.digest(ref) == sum);
    check_history(table, ref.cell, replica.history(ref));
    if (ref == changed && all_have_ages(replica.history(ref))) {
      check_handing_on(replica, state, ref, rows);
    }
  }
}

void run_blocks(CodecTier tier, ByteSpan input) {
  const ZooState& state = zoo_state(tier);
  Script script = parse_script(input);
  if (script.size() > kBlocksMax) script.resize(kBlocksMax);
  std::optional<Replica> changed;
  for (Record& record : script) {
    Sent sent{state.cells[record.tag % state.cells.size()], std::move(record.bytes)};
    const Replica& replica = changed ? *changed : state.replica;
    DecodedBlock decoded;
    if (!replica.decode(sent, decoded).ok()) {
      if (tier != CodecTier::kPacked) continue;
      mend_end(replica, sent);
      if (!replica.decode(sent, decoded).ok()) continue;
    }
    if (!changed) changed = state.replica;
    // A row that another cell holds is found while rows are put: that leaves half a state.
    if (!changed->apply(std::span(&sent, 1)).ok()) return;
    check_replica(*changed, state, sent.ref);
  }
}

}  // namespace ecsdb::fuzz
