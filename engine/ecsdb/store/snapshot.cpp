// Writing snapshots; the format is described in snapshot_format.h.
#include "ecsdb/store/database.h"
#include "ecsdb/store/snapshot_format.h"

namespace ecsdb {
namespace {

void write_lane(ByteWriter& out, const Lane& lane, uint64_t value) {
  if (lane.kind == LaneKind::kSigned) return out.varint(zigzag(static_cast<int64_t>(value)));
  if (lane.kind == LaneKind::kUnsigned) return out.varint(value);
  if (lane.width == 4) return out.u32(static_cast<uint32_t>(value));
  out.u64(value);
}

}  // namespace

struct SnapshotWriter {
  const Database& db;
  Bytes bytes;
  ByteWriter out{bytes};

  explicit SnapshotWriter(const Database& database) : db(database) {}

  void header() {
    out.bytes(as_bytes(kSnapshotMagic));
    out.varint(kSnapshotFormat);
    const Bytes schema = encode_schema(db.schema_.def());
    out.varint(schema.size());
    out.bytes(schema);
    out.u64(db.options_.id.high);
    out.u64(db.options_.id.low);
    out.varint(db.options_.epoch.value);
    out.varint(db.options_.horizon_versions_max);
    out.varint(db.options_.tombstones_max);
    out.varint(db.options_.entities_max);
    out.varint(db.head_.value);
    out.varint(db.published_.value);
  }

  void entities() {
    out.varint(db.entities_.size());
    for (const Database::EntitySlot& slot : db.entities_) {
      out.varint(uint64_t{slot.reuse} * 2 + (slot.alive ? 1 : 0));
      out.varint(slot.epoch);
    }
    out.varint(db.free_entities_.size());
    for (const uint32_t index : db.free_entities_) out.varint(index);
  }

  void key(const CellKey& key) {
    out.u8(static_cast<uint8_t>(key.kind));
    if (key.kind == CellKey::Kind::kOne || key.kind == CellKey::Kind::kNone) return;
    out.varint(zigzag(key.x));
    if (key.kind != CellKey::Kind::kGrid) return;
    out.varint(zigzag(key.y));
    out.varint(zigzag(key.z));
  }

  void rows(const Table& table, const RowLog& log) {
    const TableLayout& layout = table.layout();
    out.varint(log.count());
    Version before;
    for (const RowIndex at : table.rows_of(log)) {
      const Row& row = table.row(at);
      out.varint(row.entity.index());
      out.varint(row.changed.value - before.value);
      out.varint(row.changed.value - table.born(at).value);
      for (uint16_t i = 0; i < layout.lanes.size(); ++i) {
        write_lane(out, layout.lanes[i], table.lane(at, i));
      }
      for (uint16_t i = 0; i < layout.text_count; ++i) {
        out.varint(table.text(at, i).size());
        out.bytes(as_bytes(table.text(at, i)));
      }
      before = row.changed;
    }
  }

  void history(const Table& table, const Cell& cell, CellIndex index) {
    const uint32_t publish = cell.history.publishes() + 1;
    std::vector<RecentRow> kept;
    for (const RecentRow& recent : cell.history.recent()) {
      const RowIndex row = table.find_index(recent.index);
      if (row == kNoRow || table.row(row).cell != index) continue;
      if (table.row(row).changed <= db.published_) kept.push_back(recent);
    }
    out.varint(kept.size());
    uint32_t next = 0;
    for (const RecentRow& recent : kept) {
      const uint32_t age = recent.age(publish);
      const RowIndex row = table.find_index(recent.index);
      const RowRecords::Fields& fields = table.records().fields(row);
      out.varint(recent.index - next);
      out.u8(static_cast<uint8_t>(age + (age == 1 && recent.is_steady ? kSnapshotSteady : 0)));
      out.varint(fields.last);
      out.varint(fields.before);
      history_lanes(table, row, table.records().repeatable(row, age));
      next = recent.index + 1;
    }
  }

  void history_lanes(const Table& table, RowIndex row, uint64_t repeatable) {
    table.layout().for_each_predicted([&](uint16_t lane, uint64_t field_bit) {
      const LaneState state = table.records().state(row, lane);
      out.u8(state.magnitude);
      if (state.magnitude == kMagnitudeNone) return;
      out.u8(static_cast<uint8_t>(state.trend + kTrendMax));
      if ((repeatable & field_bit) == 0) return;
      out.varint(zigzag(table.records().signed_delta(row, lane)));
    });
  }

  void tables() {
    for (size_t t = 0; t < db.table_count(); ++t) {
      const CellSet& cells = db.cells_[t];
      out.varint(cells.forgotten().value);
      out.varint(cells.forgotten_publishes());
      out.varint(cells.count());
      for (const auto& [cell_key, index] : cells.by_key()) {
        const Cell& cell = cells.at(index);
        key(cell_key);
        out.varint(cell.changed.value);
        out.varint(cell.published.value);
        out.varint(cell.published_before.value);
        out.varint(cell.horizon.value);
        out.varint(cell.history.publishes());
        rows(db.tables_[t], cell.log);
        if (db.tables_[t].has_history()) history(db.tables_[t], cell, index);
      }
    }
  }

  /// The queue names each tombstone once, and those of one cell in the cell's own order.
  void tombstones() {
    std::vector<std::vector<uint32_t>> number(db.cells_.size());  // by table and cell index
    std::vector<std::vector<size_t>> next(db.cells_.size());
    for (size_t t = 0; t < db.cells_.size(); ++t) {
      number[t].resize(db.cells_[t].index_end());
      next[t].resize(db.cells_[t].index_end());
      uint32_t count = 0;
      for (const auto& entry : db.cells_[t].by_key()) number[t][entry.second] = count++;
    }
    out.varint(db.tombstones_.size());
    Version before;
    for (const Database::TombstoneRef& queued : db.tombstones_) {
      const auto [table, cell] = queued.ref;
      const Tombstone& tombstone = db.cell(queued.ref).tombstones[next[table][cell]++];
      ECSDB_CHECK(tombstone.version == queued.version);
      out.varint(tombstone.version.value - before.value);
      out.varint(table);
      out.varint(number[table][cell]);
      out.u64(tombstone.entity.value);
      out.u8(static_cast<uint8_t>((tombstone.left ? 1 : 0) + (tombstone.shown ? 2 : 0)));
      before = tombstone.version;
    }
  }
};

Bytes Database::snapshot() const {
  ECSDB_CHECK(!in_transaction_);
  SnapshotWriter writer(*this);
  writer.header();
  writer.entities();
  writer.tables();
  writer.tombstones();
  const Hash128 hash = hash128(writer.bytes);
  writer.out.u64(hash.high);
  writer.out.u64(hash.low);
  return std::move(writer.bytes);
}

}  // namespace ecsdb
