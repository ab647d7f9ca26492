#include "codec_world.h"

#include <ostream>
#include <rapidcheck.h>

#include "ecsdb/base/check.h"

namespace ecsdb::properties {
namespace {

constexpr size_t kEntities = 20;
constexpr uint16_t kRoomField = 0;

constexpr FieldType kBareTypes[] = {FieldType::kBool,  FieldType::kU8,     FieldType::kU16,
                                    FieldType::kU32,   FieldType::kU64,    FieldType::kI8,
                                    FieldType::kI16,   FieldType::kI32,    FieldType::kI64,
                                    FieldType::kF32,   FieldType::kF64,    FieldType::kVec3f,
                                    FieldType::kQuatf, FieldType::kEntity, FieldType::kPrincipal};
using Add = void (*)(SchemaBuilder& schema, uint16_t id, const std::string& name);
constexpr Add kOtherFields[] = {
    [](auto& schema, auto id, auto& name) {
      schema.field(id, name, FieldType::kVec2f).precision(0.25);
    },
    [](auto& schema, auto id, auto& name) {
      schema.field(id, name, FieldType::kQuatf).quaternion_bits(9);
    },
    [](auto& schema, auto id, auto& name) { schema.enum_field(id, name, "colour"); },
    [](auto& schema, auto id, auto& name) { schema.bits_field(id, name, 1); },
    [](auto& schema, auto id, auto& name) { schema.bits_field(id, name, 40); },
    [](auto& schema, auto id, auto& name) { schema.text(id, name, 12); },
    [](auto& schema, auto id, auto& name) { schema.bytes(id, name, 300); },
    [](auto& schema, auto id, auto& name) {
      schema.field(id, name, FieldType::kF32).range(-1, 1, 7);
    },
    [](auto& schema, auto id, auto& name) {
      schema.field(id, name, FieldType::kF64).precision(0.001);
    },
    [](auto& schema, auto id, auto& name) {
      schema.field(id, name, FieldType::kU32).server_only();
    },
};
constexpr unsigned kFieldKinds = std::size(kBareTypes) + std::size(kOtherFields);

/// One field of every type and way of quantisation.
void add_field(SchemaBuilder& schema, uint16_t id, unsigned number) {
  const std::string name = "f" + std::to_string(id);
  if (number < std::size(kBareTypes)) {
    schema.field(id, name, kBareTypes[number]);
  } else {
    kOtherFields[number - std::size(kBareTypes)](schema, id, name);
  }
}

Schema make_schema(const CodecScript& script) {
  SchemaBuilder schema("drawn");
  schema.enumeration("colour", {"red", "green", "blue"});
  schema.table(7, "thing")
      .codec(script.is_packed ? CodecTier::kPacked : CodecTier::kPlain)
      .by("room")
      .field(1, "room", FieldType::kU8);
  uint16_t id = 2;
  for (const uint8_t number : script.fields) add_field(schema, id++, number % kFieldKinds);
  return schema.build().value();
}

DatabaseOptions options() {
  DatabaseOptions out;
  out.epoch = Epoch{3};
  out.entities_max = kEntities + 4;  // indices are used again and again
  return out;
}

/// RapidCheck's ranges grow with the size of a case; these do not.
template <class T>
rc::Gen<T> in_range(T low, T high) {
  return rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(low, high));
}

rc::Gen<Operation> any_operation() {
  return rc::gen::build<Operation>(
      rc::gen::set(&Operation::what, in_range<uint8_t>(0, 24)),
      rc::gen::set(&Operation::entity, in_range<uint8_t>(0, 255)),
      rc::gen::set(&Operation::field, in_range<uint8_t>(0, 60)),
      rc::gen::set(&Operation::style, in_range<uint8_t>(0, 8)),
      rc::gen::set(&Operation::amount, in_range<uint32_t>(0, 1u << 20)));
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const CodecScript& script) {
  out << (script.is_packed ? "packed" : "plain") << ", fields";
  for (const uint8_t field : script.fields) out << " " << field % kFieldKinds;
  for (const std::vector<Operation>& publish : script.publishes) {
    out << "\n  publish:";
    for (const Operation& op : publish) {
      out << " {" << int{op.what} << " " << int{op.entity} << " " << int{op.field} << " "
          << int{op.style} << " " << op.amount << "}";
    }
  }
  return out;
}

CodecScript draw_script() {
  CodecScript script;
  script.is_packed = *rc::gen::arbitrary<bool>();
  script.fields = *rc::gen::container<std::vector<uint8_t>>(*in_range<size_t>(1, 6),
                                                            in_range<uint8_t>(0, kFieldKinds));
  script.publishes =
      *rc::gen::resize(40, rc::gen::container<std::vector<std::vector<Operation>>>(
                               rc::gen::container<std::vector<Operation>>(any_operation())));
  return script;
}

CodecWorld::CodecWorld(const CodecScript& script)
    : script_(script),
      db_(make_schema(script), options()),
      entities_(kEntities),
      last_steps_(kEntities * db_.schema().layout(kTable).lanes.size()) {}

void CodecWorld::operate(Transaction& tx, const Operation& operation) {
  EntityId& entity = entities_[operation.entity % kEntities];
  if (entity.is_none() || !db_.contains(kTable, entity)) {
    const auto made = tx.create();
    if (!made.ok()) return;
    entity = *made;
    const FieldValue room{kRoomField, Value{uint64_t{operation.amount % kRooms}}};
    ECSDB_CHECK(tx.insert(kTable, entity, std::span(&room, 1)).ok());
    return;
  }
  if (operation.what == 0) {
    ECSDB_CHECK(tx.destroy(entity).ok());
    entity = EntityId{};
  } else if (operation.what == 1) {
    ECSDB_CHECK(tx.set(kTable, entity, kRoomField, uint64_t{operation.amount % kRooms}).ok());
  } else if (operation.what == 2) {  // gone and back, in one transaction
    ECSDB_CHECK(tx.remove(kTable, entity).ok());
    ECSDB_CHECK(tx.insert(kTable, entity, {}).ok());
  } else {
    set_field(tx, entity, operation);
  }
}

void CodecWorld::set_field(Transaction& tx, EntityId entity, const Operation& operation) {
  const TableLayout& layout = db_.schema().layout(kTable);
  if (layout.fields.size() == 1) return;
  const uint16_t index = static_cast<uint16_t>(1 + operation.field % (layout.fields.size() - 1));
  const FieldLayout& field = layout.fields[index];
  const FieldDef& def = db_.schema().table(kTable).fields[index];
  const Table& table = db_.table(kTable);
  const RowIndex row = table.find(entity);
  if (field.text != kNoText) {
    const std::string text(operation.amount % (def.bytes_max + 1),
                           static_cast<char>('a' + operation.style));
    const Value value =
        def.type == FieldType::kStr ? Value{text} : Value{Blob(text.begin(), text.end())};
    ECSDB_CHECK(tx.set(kTable, entity, index, value).ok());
    return;
  }
  std::vector<uint64_t> lanes;
  const size_t slot = operation.entity % kEntities * layout.lanes.size();
  for (uint16_t k = 0; k < field.lane_count; ++k) {
    const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
    lanes.push_back(
        next_lane(layout.lanes[lane], table.lane(row, lane), last_steps_[slot + lane], operation));
  }
  if (def.type == FieldType::kEnum) lanes[0] %= 3;
  ECSDB_CHECK(tx.set_many(kTable, index, std::span(&entity, 1), lanes).ok());
}

uint64_t CodecWorld::next_lane(const Lane& lane, uint64_t now, uint64_t& last_step,
                               const Operation& operation) const {
  const uint64_t bits = ~uint64_t{0} >> (64 - 8 * lane.width);
  if (operation.style < 3) last_step = operation.amount % 41 - 20;
  uint64_t next = now + last_step;
  if (operation.style == 6) next = mix64(operation.amount + 1);
  if (operation.style == 7) next = operation.amount % 2 == 0 ? bits >> 1 : (bits >> 1) + 1;
  next &= bits;
  if (lane.kind == LaneKind::kUnsigned)
    return lane.max == ~uint64_t{0} ? next : next % (lane.max + 1);
  return lane.kind == LaneKind::kSigned ? sign_extended(lane, next) : next;
}

Bytes CodecWorld::encode(wire_test::Picked& picked) {
  Bytes bytes;
  encoder_.encode(picked.ready(), bytes);
  RC_ASSERT(bytes == picked.encode());  // by a new encoder
  return bytes;
}

std::vector<CodecWorld::Sent> CodecWorld::step() {
  const std::vector<Operation>& operations = script_.publishes[at_++];
  const size_t half = operations.size() / 2;
  for (const auto part : {std::span(operations).first(half), std::span(operations).subspan(half)}) {
    Transaction tx = db_.begin();
    for (const Operation& operation : part) operate(tx, operation);
    std::move(tx).commit();
  }
  std::vector<Sent> blocks;
  db_.publish([&](CellRef ref, const ChangeSet& changes) {
    wire_test::Picked picked =
        wire_test::pick(db_, ref, BlockForm::kRelative, db_.published(), &changes);
    if (operations.size() % 4 != 3) {
      blocks.push_back({ref, encode(picked)});
      return;
    }
    const uint32_t middle = static_cast<uint32_t>(1 + operations.size() % kEntities);
    for (const IndexRange range : {IndexRange{0, middle}, IndexRange{middle, kEntityIndexMax}}) {
      picked.source.range = range;
      blocks.push_back({ref, encode(picked)});
    }
  });
  return blocks;
}

std::vector<CellRef> CodecWorld::cells() const {
  std::vector<CellRef> out;
  for (const auto& [key, cell] : db_.cells(kTable).by_key()) out.push_back({kTable, cell});
  return out;
}

std::vector<CodecWorld::Sent> CodecWorld::net(Version since, const std::set<CellIndex>* only) {
  std::vector<Sent> blocks;
  for (const CellRef ref : cells()) {
    if (only != nullptr && !only->contains(ref.cell)) continue;
    if (db_.cell(ref).published <= since) continue;
    wire_test::Picked picked = wire_test::pick(db_, ref, BlockForm::kNet, since);
    blocks.push_back({ref, encode(picked)});
  }
  return blocks;
}

CodecWorld::Sent CodecWorld::rows(CellRef ref, int parity) {
  wire_test::Picked picked = wire_test::pick(db_, ref, BlockForm::kRows, Version{0});
  if (parity >= 0) {
    std::erase_if(picked.rows, [&](RowIndex row) {
      return db_.table(kTable).row(row).entity.index() % 2 != static_cast<uint32_t>(parity);
    });
  }
  return {ref, encode(picked)};
}

std::string CodecWorld::difference(wire_test::Replica& replica, const std::set<CellIndex>* only) {
  size_t rows = 0;
  for (const CellRef ref : cells()) {
    if (only != nullptr && !only->contains(ref.cell)) continue;
    rows += db_.cell(ref).log.count();
    std::string found = cell_difference(replica, ref);
    if (!found.empty()) return found;
  }
  const size_t held = replica.table(kTable).row_count();
  if (held == rows) return {};
  return std::to_string(held) + " rows instead of " + std::to_string(rows);
}

std::string CodecWorld::cell_difference(wire_test::Replica& replica, CellRef ref) {
  const Table& server = db_.table(kTable);
  const Table& client = replica.table(kTable);
  const Cell& cell = db_.cell(ref);
  const std::string place = "cell " + cell.key.to_string() + ": ";
  if (replica.digest(ref) != db_.digest(ref)) return place + "digest";
  const CellHistory& history = replica.history(ref);
  if (history.publishes() != cell.history.publishes()) return place + "publishes";
  if (!server.has_history()) return {};
  if (!std::ranges::equal(history.recent(), cell.history.recent())) return place + "recent rows";
  for (const RowIndex row : server.rows_of(cell.log)) {
    const RowIndex held = client.find(server.row(row).entity);
    if (client.history_hash(held, history) == server.history_hash(row, cell.history)) continue;
    return place + "history of entity index " + std::to_string(server.row(row).entity.index());
  }
  return {};
}

}  // namespace ecsdb::properties
