#include "fleet.h"

#include "ecsdb/base/hash.h"
#include "ecsdb/schema/schema_builder.h"
#include "ecsdb/wire/frame.h"

namespace ecsdb::vectors {
namespace {

constexpr uint64_t kCommitTimeNs = 5'000'000'000;

}  // namespace

Schema fleet_schema() {
  using enum FieldType;
  SchemaBuilder b("fleet");
  b.table(1, "ship").grid("pos", 64).field(1, "pos", kVec2f).precision(0.5);
  b.field(2, "paint", kU8);
  b.table(2, "cargo").codec(CodecTier::kPlain).follow("ship").field(1, "gold", kI64);
  b.table(3, "chat").codec(CodecTier::kPlain).by("room").field(1, "room", kI32);
  b.text(2, "line", 2000);
  return b.build().value();
}

Bytes Draft::seal(MessageType type) const {
  Advance frame = head;
  Bytes tail;
  TailChecksum checksum;
  uint32_t handle = 0;
  for (const Block& block : blocks) {
    frame.blocks.push_back(
        {static_cast<int32_t>(block.handle - handle), static_cast<uint32_t>(block.bytes.size())});
    handle = block.handle;
    checksum.add(handle, block.generation, block.base, crc32c(block.bytes));
    tail.insert(tail.end(), block.bytes.begin(), block.bytes.end());
  }
  tail.resize(static_cast<size_t>(static_cast<ptrdiff_t>(tail.size()) + tail_bytes_more));
  tail.erase(tail.begin(), tail.begin() + static_cast<ptrdiff_t>(tail_skipped));
  tail.insert(tail.end(), tail_behind.begin(), tail_behind.end());
  frame.tail_checksum = Fixed32{checksum.value().value ^ checksum_flip};
  Bytes encoded;
  ByteWriter writer(encoded);
  encode_fields(frame, writer);
  Bytes out;
  append_frame(out, type, encoded, tail.size());
  out.insert(out.end(), tail.begin(), tail.end());
  return out;
}

EntityId Fleet::add_ship(float x, float y, uint64_t paint, int64_t gold) {
  Transaction change = db_.begin();
  const EntityId entity = change.create().value();
  const FieldValue values[] = {{0, Vec2f{x, y}}, {1, paint}};
  ECSDB_CHECK(change.insert(kShips, entity, values).ok());
  if (gold != 0) {
    const FieldValue value{0, gold};
    ECSDB_CHECK(change.insert(kCargo, entity, std::span(&value, 1)).ok());
  }
  std::move(change).commit();
  return entity;
}

EntityId Fleet::add_chat(int64_t room, const std::string& line) {
  Transaction change = db_.begin();
  const EntityId entity = change.create().value();
  const FieldValue values[] = {{0, room}, {1, line}};
  ECSDB_CHECK(change.insert(kChat, entity, values).ok());
  std::move(change).commit();
  return entity;
}

void Fleet::set(uint16_t table, EntityId entity, const char* field, Value value) {
  Transaction change = db_.begin();
  const uint16_t index = db_.schema().field_index(table, field).value();
  ECSDB_CHECK(change.set(table, entity, index, std::move(value)).ok());
  std::move(change).commit();
}

void Fleet::remove(uint16_t table, EntityId entity) {
  Transaction change = db_.begin();
  ECSDB_CHECK(change.remove(table, entity).ok());
  std::move(change).commit();
}

void Fleet::destroy(EntityId entity) {
  Transaction change = db_.begin();
  ECSDB_CHECK(change.destroy(entity).ok());
  std::move(change).commit();
}

void Fleet::hold(uint32_t handle, uint16_t table, const CellKey& key, uint32_t generation) {
  const CellIndex cell = db_.cells(table).find(key);
  ECSDB_CHECK(cell != kNoCell);
  held_[handle] = Held{generation, CellRef{table, cell}};
}

Draft Fleet::draft(AdvanceKind kind, Version from) const {
  Draft out;
  out.head.set_flags(true, true, kind);
  out.set_span(from, db_.head());
  out.head.commit_time_ns = kCommitTimeNs + db_.head().value;
  return out;
}

Draft Fleet::step(const std::vector<IndexRange>& ranges) {
  Draft out = draft(AdvanceKind::kStep, db_.published());
  std::map<CellRef, std::vector<Draft::Block>> blocks;
  db_.publish([&](CellRef ref, const ChangeSet& changes) {
    wire_test::Picked picked =
        wire_test::pick(db_, ref, BlockForm::kRelative, db_.published(), &changes);
    for (const IndexRange range : ranges) {
      picked.source.range = range;
      blocks[ref].push_back({0, 0, db_.cell(ref).published, picked.encode()});
    }
  });
  for (const auto& [handle, held] : held_) {
    for (Draft::Block& block : blocks[held.ref]) {
      block.handle = handle;
      block.generation = held.generation;
      out.blocks.push_back(block);
    }
  }
  return out;
}

Draft Fleet::net(Version since) {
  db_.finish_publish();
  Draft out = draft(AdvanceKind::kNet, since);
  for (const auto& [handle, held] : held_) {
    if (db_.cell(held.ref).published > since) out.blocks.push_back(net_of(handle, since));
  }
  return out;
}

CellEnter Fleet::enter_of(uint32_t handle) const {
  const Held& held = held_.at(handle);
  const Cell& cell = db_.cell(held.ref);
  return {handle,   held.generation, db_.schema().table(held.ref.table).id,
          cell.key, cell.published,  cell.history.publishes()};
}

Draft::Block Fleet::rows_of(uint32_t handle) const {
  const Held& held = held_.at(handle);
  return {handle, held.generation, Version{0},
          wire_test::pick(db_, held.ref, BlockForm::kRows, Version{0}).encode()};
}

Draft::Block Fleet::net_of(uint32_t handle, Version since) const {
  const Held& held = held_.at(handle);
  return {handle, held.generation, since,
          wire_test::pick(db_, held.ref, BlockForm::kNet, since).encode()};
}

std::vector<Draft::Block> Fleet::net_rows_of(uint32_t handle, Version since) const {
  const Held& held = held_.at(handle);
  wire_test::Picked picked = wire_test::pick(db_, held.ref, BlockForm::kNet, since);
  const std::vector<RowIndex> rows = picked.rows;
  std::vector<Draft::Block> out;
  for (const RowIndex row : rows) {
    picked.rows.assign(1, row);
    out.push_back({handle, held.generation, since, picked.encode()});
  }
  return out;
}

Bytes Fleet::sync_begin() const {
  Bytes out;
  uint64_t rows = 0;
  for (const auto& [handle, held] : held_) rows += db_.cell(held.ref).log.count();
  append_message(out, MessageType::kSyncBegin, SyncBegin{db_.published(), rows, 0});
  return out;
}

Draft Fleet::chunk() const {
  Draft out;
  out.set_span(db_.published(), db_.published());
  for (const auto& [handle, held] : held_) {
    out.head.enters.push_back(enter_of(handle));
    if (db_.cell(held.ref).log.count() > 0) out.blocks.push_back(rows_of(handle));
  }
  return out;
}

Draft Fleet::sync_end() const { return draft(AdvanceKind::kSyncEnd, db_.published()); }

std::vector<Bytes> Fleet::sync() const {
  return {sync_begin(), chunk().seal(MessageType::kSyncChunk), sync_end().seal()};
}

}  // namespace ecsdb::vectors
