// Reading snapshots; the format is described in snapshot_format.h.
#include <algorithm>

#include "ecsdb/base/mutant.h"
#include "ecsdb/store/database.h"
#include "ecsdb/store/snapshot_format.h"

namespace ecsdb {
namespace {

Error corrupt(std::string place) { return fail(ErrorCode::kSnapshotCorrupt, std::move(place)); }

uint64_t read_lane(ByteReader& in, const Lane& lane) {
  if (lane.kind == LaneKind::kSigned) return static_cast<uint64_t>(unzigzag(in.varint()));
  if (lane.kind == LaneKind::kUnsigned) return in.varint();
  return lane.width == 4 ? in.u32() : in.u64();
}

}  // namespace

/// Reads what SnapshotWriter wrote and trusts none of it: memory grows with the bytes read, never
/// with a count that they claim.
struct SnapshotReader {
  ByteReader in;

  explicit SnapshotReader(ByteSpan bytes) : in(bytes) {}

  static Result<Database> read(ByteSpan bytes, const Schema* expected);
  Result<Database> header(const Schema* expected);
  Status entities(Database& db);
  Status free_slots(Database& db);
  Status tables(Database& db);
  Status cell(Database& db, uint16_t table, const std::string& place);
  Status cell_versions(Database& db, Cell& cell, const std::string& place);
  Status rows(Database& db, CellRef ref, const std::string& place);
  Status row(Database& db, CellRef ref, Version& before);
  Status history(Database& db, CellRef ref, const std::string& place);
  Status history_row(Table& table, CellIndex cell, uint32_t publish, RecentRow& recent);
  bool history_lanes(Table& table, RowIndex row, uint64_t repeatable);
  Status row_values(Database& db, uint16_t table, RowIndex row);
  CellKey key();
  Status tombstones(Database& db);
  Status tombstone(Database& db, const std::vector<std::vector<CellIndex>>& by_number);
  static Status check_placement(const Database& db);
  static void publish(Database& db);
  static void publish_cell(Database& db, uint16_t table, Cell& cell);
};

Result<Database> SnapshotReader::header(const Schema* expected) {
  const size_t schema_bytes = in.varint_up_to(kSchemaBytesMax);
  const ByteSpan encoded = in.bytes(schema_bytes);
  if (!in.ok()) return corrupt("schema: cut off or too long");
  auto schema = decode_schema(encoded);
  if (!schema.ok()) return corrupt("schema: " + schema.error().to_string());
  if (expected != nullptr && schema->fingerprint() != expected->fingerprint()) {
    return fail(ErrorCode::kSchemaMismatch,
                "the snapshot is of schema " + schema->def().name + " version " +
                    std::to_string(schema->def().version) + ", expected is " +
                    expected->def().name + " version " + std::to_string(expected->def().version));
  }
  DatabaseOptions options;
  options.id.high = in.u64();
  options.id.low = in.u64();
  options.epoch.value = in.varint();
  options.horizon_versions_max = in.varint();
  options.tombstones_max = in.varint();
  options.entities_max = static_cast<uint32_t>(in.varint_up_to(kEntityIndexMax));
  const Version head{in.varint()};
  const Version published{in.varint_up_to(head.value)};
  if (!in.ok()) return corrupt("options and versions: cut off or out of range");
  Database db(std::move(schema).value(), options);
  db.head_ = head;
  db.published_ = published;
  return db;
}

Status SnapshotReader::entities(Database& db) {
  const uint64_t count = in.varint_up_to(db.options_.entities_max);
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    const uint64_t reuse = in.varint_up_to(0x1ffff);
    Database::EntitySlot slot;
    slot.epoch = static_cast<uint16_t>(in.varint_up_to(0xffff));
    slot.reuse = static_cast<uint16_t>(reuse >> 1);
    slot.alive = (reuse & 1) != 0;
    if (slot.reuse == 0) return corrupt("entity slot " + std::to_string(i) + ": never used");
    db.entities_.push_back(slot);
  }
  if (!in.ok()) return corrupt("entity slots: cut off or out of range");
  return free_slots(db);
}

Status SnapshotReader::free_slots(Database& db) {
  size_t expected = 0;
  for (const Database::EntitySlot& slot : db.entities_) {
    if (!slot.alive && slot.reuse < 0xffff) ++expected;
  }
  if (in.varint() != expected || !in.ok()) {
    return corrupt("free entity slots: there are " + std::to_string(expected));
  }
  std::vector<bool> seen(db.entities_.size());
  for (size_t i = 0; i < expected; ++i) {
    const uint64_t index = in.varint();
    const bool is_known = in.ok() && index < db.entities_.size();
    if (!is_known || seen[index] || db.entities_[index].alive ||
        db.entities_[index].reuse == 0xffff) {
      return corrupt("free entity slot " + std::to_string(i) + ": not free, or named twice");
    }
    seen[index] = true;
    db.free_entities_.push_back(static_cast<uint32_t>(index));
  }
  return {};
}

Status SnapshotReader::tables(Database& db) {
  for (uint16_t t = 0; t < db.table_count(); ++t) {
    const std::string place = "table " + db.schema_.table(t).name;
    const Version forgotten{in.varint_up_to(db.published_.value)};
    const auto publishes = static_cast<uint32_t>(in.varint_up_to(UINT32_MAX));
    const uint64_t count = in.varint();
    if (!in.ok()) return corrupt(place + ": cut off or out of range");
    for (uint64_t i = 0; i < count; ++i) ECSDB_TRY(cell(db, t, place));
    db.cells_[t].forgotten_ = forgotten;
    db.cells_[t].forgotten_publishes_ = publishes;
  }
  return {};
}

CellKey SnapshotReader::key() {
  CellKey out;
  const uint8_t kind = in.u8();
  if (kind > static_cast<uint8_t>(CellKey::Kind::kNone)) in.fail();
  out.kind = static_cast<CellKey::Kind>(kind);
  if (out.kind == CellKey::Kind::kOne || out.kind == CellKey::Kind::kNone) return out;
  out.x = unzigzag(in.varint());
  if (out.kind != CellKey::Kind::kGrid) return out;
  out.y = unzigzag(in.varint());
  out.z = unzigzag(in.varint());
  return out;
}

Status SnapshotReader::cell(Database& db, uint16_t table, const std::string& place) {
  const CellKey cell_key = key();
  if (!in.ok()) return corrupt(place + ": a cell key is cut off or of no known kind");
  const std::string cell_place = place + ", cell " + cell_key.to_string();
  if (!cell_key_fits(db.schema_, table, cell_key)) {
    return corrupt(cell_place + ": not a key of this table");
  }
  CellSet& cells = db.cells_[table];
  if (!cells.by_key().empty() && !(cells.by_key().rbegin()->first < cell_key)) {
    return corrupt(cell_place + ": not after the cell before it");
  }
  const CellRef ref{table, cells.find_or_create(cell_key)};
  ECSDB_TRY(cell_versions(db, cells.at(ref.cell), cell_place));
  ECSDB_TRY(rows(db, ref, cell_place));
  return db.tables_[table].has_history() ? history(db, ref, cell_place) : Status{};
}

Status SnapshotReader::cell_versions(Database& db, Cell& cell, const std::string& place) {
  cell.changed.value = in.varint_up_to(db.head_.value);
  cell.published.value = in.varint_up_to(db.published_.value);
  cell.published_before.value = in.varint_up_to(cell.published.value);
  cell.horizon.value = in.varint_up_to(cell.changed.value);
  cell.history.set_publishes(static_cast<uint32_t>(in.varint_up_to(0xffffffff)));
  if (!in.ok()) return corrupt(place + ": versions are cut off or out of range");
  return {};
}

Status SnapshotReader::rows(Database& db, CellRef ref, const std::string& place) {
  const uint64_t count = in.varint();
  Version before;
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    const Status status = row(db, ref, before);
    if (status.ok()) continue;
    return corrupt(place + ", row " + std::to_string(i) + ": " + status.error().context);
  }
  if (!in.ok()) return corrupt(place + ": rows are cut off");
  return {};
}

/// The context of its errors lacks the place; so does that of the next.
Status SnapshotReader::row(Database& db, CellRef ref, Version& before) {
  Table& table = db.tables_[ref.table];
  Cell& cell = db.cell_at(ref);
  const uint64_t index = in.varint();
  const Version changed{before.value + in.varint_up_to(cell.changed.value - before.value)};
  const uint64_t age = in.varint_up_to(changed.value);
  if (!in.ok()) return corrupt("cut off, or versions out of range");
  const Version born{changed.value - age};
  if (born == Version{}) return corrupt("born before the first commit");
  if (index >= db.entities_.size() || !db.entities_[index].alive) {
    return corrupt("there is no entity " + std::to_string(index));
  }
  const uint32_t entity_index = static_cast<uint32_t>(index);
  if (table.find_index(entity_index) != kNoRow) return corrupt("the entity has another");
  const Database::EntitySlot& slot = db.entities_[entity_index];
  const RowIndex at = table.append(EntityId::make(entity_index, slot.epoch, slot.reuse));
  ECSDB_TRY(row_values(db, ref.table, at));
  cell.log.start_version(changed);
  table.link_newest(cell.log, at, ref.cell);
  table.row(at).changed = changed;
  table.set_born(at, born);
  // Who made a change is not kept: to everybody it counts as somebody else's.
  if (table.marks().is_kept()) table.marks().insert(at, kServerClient, changed, LwwMark{});
  before = changed;
  return {};
}

Status SnapshotReader::row_values(Database& db, uint16_t table, RowIndex row) {
  const TableDef& def = db.schema_.table(table);
  const TableLayout& layout = db.schema_.layout(table);
  Table& rows = db.tables_[table];
  auto at = [&](size_t field) { return "field " + def.fields[field].name; };
  for (uint16_t f = 0; f < layout.fields.size(); ++f) {
    const FieldLayout& field = layout.fields[f];
    if (field.text != kNoText) continue;
    LaneValues values;
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      values.lane[k] = read_lane(in, layout.lanes[field.lane_first + size_t{k}]);
    }
    if (!in.ok() || !lanes_are_canonical(def.fields[f], values)) {
      return corrupt(at(f) + ": cut off or out of range");
    }
    rows.set_field_lanes(row, f, values);
  }
  for (uint16_t f = 0; f < layout.fields.size(); ++f) {
    if (layout.fields[f].text == kNoText) continue;
    const size_t length = in.varint_up_to(kTextBytesMax);
    const std::string_view text = as_text(in.bytes(length));
    const bool fits = text_is_canonical(def.fields[f], text) || ECSDB_MUTANT(text_unchecked);
    if (!in.ok() || !fits) {
      return corrupt(at(f) + ": cut off, too long or not UTF-8");
    }
    rows.set_text(row, layout.fields[f].text, text);
  }
  return {};
}

/// A row takes several bytes, so the list grows with what is there.
Status SnapshotReader::history(Database& db, CellRef ref, const std::string& place) {
  CellHistory& history = db.cell_at(ref).history;
  const uint64_t count = in.varint();
  std::vector<RecentRow> rows;
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    RecentRow recent;
    recent.index = rows.empty() ? 0 : rows.back().index + 1;
    const Status status =
        history_row(db.tables_[ref.table], ref.cell, history.publishes() + 1, recent);
    if (!status.ok()) return corrupt(place + ", history: " + status.error().context);
    rows.push_back(recent);
  }
  if (!in.ok()) return corrupt(place + ": history is cut off");
  history.finish(history.publishes(), rows, {});
  return {};
}

/// The context of its errors lacks the place. `recent.index` is the least that may follow.
Status SnapshotReader::history_row(Table& table, CellIndex cell, uint32_t publish,
                                   RecentRow& recent) {
  recent.index += static_cast<uint32_t>(in.varint_up_to(kEntityIndexMax - recent.index));
  const RowIndex row = in.ok() ? table.find_index(recent.index) : kNoRow;
  if (row == kNoRow || table.row(row).cell != cell) {
    return corrupt("entity index " + std::to_string(recent.index) + " is not in the cell");
  }
  const unsigned head = in.u8();
  const uint32_t age = head % kSnapshotSteady;
  const uint64_t all = table.layout().replicated_mask();
  const RowRecords::Fields fields{in.varint_up_to(all), in.varint_up_to(all)};
  recent.stamp = publish - age;
  recent.is_steady = head >= kSnapshotSteady;
  if (!in.ok() || age == 0 || age > kHistoryPublishes || head >= 2 * kSnapshotSteady ||
      (recent.is_steady && age != 1) || fields.last == 0 || fields.before == 0) {
    return corrupt("entity index " + std::to_string(recent.index) + ": cut off or out of range");
  }
  table.records().set_fields(row, fields);
  if (history_lanes(table, row, age == 1 ? fields.last : 0)) return {};
  return corrupt("entity index " + std::to_string(recent.index) + ": a lane is out of range");
}

bool SnapshotReader::history_lanes(Table& table, RowIndex row, uint64_t repeatable) {
  table.layout().for_each_predicted([&](uint16_t lane, uint64_t field_bit) {
    LaneState state;
    state.magnitude = in.u8();
    if (state.magnitude == kMagnitudeNone) return;
    const unsigned trend = in.u8();
    const unsigned bits = table.records().place(lane).is_wide ? 64 : 32;
    if (state.magnitude > std::min<unsigned>(4 * bits, kMagnitudeMax) || trend > 2 * kTrendMax) {
      in.fail();
    }
    state.trend = static_cast<int8_t>(static_cast<int>(trend) - kTrendMax);
    const int64_t delta = (repeatable & field_bit) != 0 ? unzigzag(in.varint()) : 0;
    table.records().set_lane(row, lane, static_cast<uint64_t>(delta), state);
  });
  return in.ok();
}

Status SnapshotReader::tombstones(Database& db) {
  std::vector<std::vector<CellIndex>> by_number(db.cells_.size());
  for (size_t t = 0; t < db.cells_.size(); ++t) {
    for (const auto& entry : db.cells_[t].by_key()) by_number[t].push_back(entry.second);
  }
  const uint64_t count = in.varint();
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    const Status status = tombstone(db, by_number);
    if (status.ok()) continue;
    return corrupt("tombstone " + std::to_string(i) + ": " + status.error().context);
  }
  if (!in.ok()) return corrupt("tombstones: cut off");
  return {};
}

Status SnapshotReader::tombstone(Database& db,
                                 const std::vector<std::vector<CellIndex>>& by_number) {
  const uint64_t before = db.tombstones_.empty() ? 0 : db.tombstones_.back().version.value;
  const Version version{before + in.varint_up_to(db.head_.value - before)};
  const uint64_t table = in.varint();
  const uint64_t number = in.varint();
  const EntityId entity{in.u64()};
  const uint8_t flags = in.u8();
  if (!in.ok()) return corrupt("cut off, or its version is out of range");
  if (table >= by_number.size() || number >= by_number[table].size()) {
    return corrupt("there is no such cell");
  }
  const CellRef ref{static_cast<uint16_t>(table), by_number[table][number]};
  Cell& cell = db.cell_at(ref);
  if (version <= cell.horizon || version > cell.changed) {
    return corrupt("its version is not one that its cell remembers");
  }
  if (entity.is_none() || flags > 3) return corrupt("not a tombstone");
  cell.tombstones.push_back(Tombstone{entity, version, (flags & 1) != 0, (flags & 2) != 0});
  db.tombstones_.push_back(Database::TombstoneRef{version, ref});
  return {};
}

/// Rows must be where their values put them, which for following tables is known only now; and a
/// cell without rows is kept for its tombstones alone.
Status SnapshotReader::check_placement(const Database& db) {
  for (uint16_t t = 0; t < db.table_count(); ++t) {
    const std::string place = "table " + db.schema_.table(t).name;
    for (RowIndex row = 0; row < db.tables_[t].row_count(); ++row) {
      const CellKey& key = db.cells_[t].at(db.tables_[t].row(row).cell).key;
      if (db.key_of(t, row) == key) continue;
      return corrupt(place + ", cell " + key.to_string() + ": entity " +
                     std::to_string(db.tables_[t].row(row).entity.value) + " belongs elsewhere");
    }
    for (const auto& [key, index] : db.cells_[t].by_key()) {
      const Cell& cell = db.cells_[t].at(index);
      if (cell.log.count() > 0 || !cell.tombstones.empty()) continue;
      return corrupt(place + ", cell " + key.to_string() + ": empty");
    }
  }
  return {};
}

/// What the last publish showed of the changed rows is not known, so that their history begins.
void SnapshotReader::publish_cell(Database& db, uint16_t t, Cell& cell) {
  Table& table = db.tables_[t];
  const uint32_t publish = cell.history.publishes() + 1;
  RowOrder changed;
  for (const RowIndex row : table.rows_after(cell.log, db.published_)) {
    changed.add(table.row(row).entity.index(), row);
  }
  changed.sort();
  std::vector<RecentRow> recent;
  for (const RowOrder::Entry entry : changed.entries()) {
    if (table.has_history()) table.records().enter(entry.row());
    recent.push_back({entry.index(), publish, false});
  }
  if (!table.has_history()) recent.clear();
  cell.history.finish(publish, recent, {});
  cell.published_before = cell.published;
  cell.published = db.head_;
}

/// What finish_publish() does, for a database whose baseline is still to be filled.
void SnapshotReader::publish(Database& db) {
  for (uint16_t t = 0; t < db.table_count(); ++t) {
    for (RowIndex row = 0; row < db.tables_[t].row_count(); ++row) {
      db.tables_[t].adopt_baseline(row);
    }
    for (CellIndex index = 0; index < db.cells_[t].index_end(); ++index) {
      Cell& cell = db.cells_[t].at(index);
      if (cell.changed > db.published_) publish_cell(db, t, cell);
    }
  }
  db.published_ = db.head_;
}

Result<Database> SnapshotReader::read(ByteSpan bytes, const Schema* expected) {
  ByteReader start(bytes);
  if (as_text(start.bytes(kSnapshotMagic.size())) != kSnapshotMagic)
    return corrupt("not a snapshot");
  const uint64_t format = start.varint();
  if (!start.ok()) return corrupt("format: cut off");
  if (format != kSnapshotFormat) {
    return corrupt("format " + std::to_string(format) + " is not known, this build reads " +
                   std::to_string(kSnapshotFormat));
  }
  if (start.left() < kSnapshotHashBytes) return corrupt("hash: cut off");
  const size_t body_end = bytes.size() - kSnapshotHashBytes;
  ByteReader trailer(bytes.subspan(body_end));
  const Hash128 hash{.high = trailer.u64(), .low = trailer.u64()};
  if (hash != hash128(bytes.first(body_end))) return corrupt("hash: the bytes were changed");

  SnapshotReader reader(
      bytes.subspan(bytes.size() - start.left()).first(start.left() - kSnapshotHashBytes));
  auto db = reader.header(expected);
  if (!db.ok()) return db.error();
  ECSDB_TRY(reader.entities(*db));
  ECSDB_TRY(reader.tables(*db));
  ECSDB_TRY(reader.tombstones(*db));
  if (!reader.in.exhausted()) return corrupt("end: bytes are left over");
  ECSDB_TRY(check_placement(*db));
  publish(*db);
  return db;
}

Result<Database> Database::restore(ByteSpan bytes, const Schema* expected) {
  return SnapshotReader::read(bytes, expected);
}

}  // namespace ecsdb
