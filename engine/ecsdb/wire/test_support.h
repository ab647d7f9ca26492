// What the tests of blocks share: a schema with every type of field, what a server would encode,
// and a replica that applies it.
#pragma once

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "ecsdb/base/prng.h"
#include "ecsdb/schema/schema_builder.h"
#include "ecsdb/store/transaction.h"
#include "ecsdb/wire/block.h"

namespace ecsdb::wire_test {

enum Tables : uint16_t { kUnit, kHealth, kRoom };
inline constexpr uint16_t kUnitPos = 0;

/// Grid cells of 8 steps, a follower of them, and cells by value.
inline Schema zoo_schema() {
  using enum FieldType;
  return SchemaBuilder("zoo")
      .enumeration("team", {"none", "red", "blue"})
      .table(1, "unit")
      .grid("pos", 4)
      .field(1, "pos", kVec2f)
      .precision(0.5)
      .field(2, "flag", kBool)
      .field(3, "byte", kU8)
      .field(4, "word", kU16)
      .field(5, "long", kU32)
      .field(6, "wide", kU64)
      .field(7, "signed_byte", kI8)
      .field(8, "signed_word", kI16)
      .field(9, "heat", kF64)
      .server_only()
      .field(10, "signed_long", kI32)
      .field(11, "signed_wide", kI64)
      .field(12, "single", kF32)
      .field(13, "double", kF64)
      .field(14, "plane", kVec2f)
      .field(15, "space", kVec3f)
      .field(16, "turn", kQuatf)
      .enum_field(17, "side", "team")
      .bits_field(18, "few_bits", 5)
      .bits_field(19, "all_bits", 64)
      .field(20, "target", kEntity)
      .field(21, "pilot", kPrincipal)
      .text(22, "name", 24)
      .text(23, "note", 16)
      .server_only()
      .bytes(24, "blob", 200)
      .field(25, "fine", kF32)
      .precision(0.01)
      .field(26, "finest", kF64)
      .precision(0.001)
      .field(27, "share", kF32)
      .range(-1, 1, 7)
      .field(28, "course", kVec3f)
      .range(0, 360, 12)
      .field(29, "facing", kQuatf)
      .quaternion_bits(10)
      .table(2, "health")
      .follow("unit")
      .field(1, "points", kU16)
      .table(3, "room")
      .by("number")
      .field(1, "number", kI32)
      .text(2, "title", 40)
      .build()
      .value();
}

/// Few different values, so that fields often stay as they are; the ends of the type among them.
inline Value random_value(const FieldDef& def, Prng& random) {
  auto number = [&](unsigned bits) {
    const uint64_t most = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
    const uint64_t choices[] = {0, 1, most / 2, most, random.next() & most};
    return choices[random.below(5)];
  };
  auto signed_number = [&](unsigned bits) {
    return static_cast<int64_t>(number(64)) >> (64 - bits);
  };
  auto real = [&] { return static_cast<float>(random.between(-4, 4)) * 0.25f; };
  switch (def.type) {
    case FieldType::kBool:
      return random.chance(1, 2);
    case FieldType::kU8:
      return number(8);
    case FieldType::kU16:
      return number(16);
    case FieldType::kU32:
      return number(32);
    case FieldType::kU64:
      return number(64);
    case FieldType::kI8:
      return signed_number(8);
    case FieldType::kI16:
      return signed_number(16);
    case FieldType::kI32:
      return def.name == "number" ? random.between(-1, 1) : signed_number(32);
    case FieldType::kI64:
      return signed_number(64);
    case FieldType::kF32:
    case FieldType::kF64:
      return static_cast<double>(real());
    case FieldType::kVec2f:
      return def.name == "pos" ? Vec2f{real() * 6, real() * 6} : Vec2f{real(), real()};
    case FieldType::kVec3f:
      return def.quantise.kind == QuantiseKind::kRange ? Vec3f{0, 360, 180}
                                                       : Vec3f{real(), real(), -0.0f};
    case FieldType::kQuatf:
      return Quatf{real(), real(), real(), 2};
    case FieldType::kEnum:
      return EnumValue{static_cast<uint8_t>(random.below(3))};
    case FieldType::kBits:
      return BitSet{number(def.bit_count)};
    case FieldType::kEntity:
      return EntityId{number(64)};
    case FieldType::kPrincipal:
      return PrincipalId{number(64)};
    case FieldType::kStr:
      return std::string(random.below(4), 'n') + (random.chance(1, 4) ? "\xc3\xbc" : "");
    case FieldType::kBytes:
      return Blob(random.chance(1, 10) ? 200 : random.below(3), 0xff);
  }
  return {};
}

/// The rows and tombstones of one block, as a server picks them.
struct Picked {
  std::vector<RowIndex> rows;
  std::vector<Tombstone> gone;
  BlockSource source;

  /// The source refers to the vectors beside it.
  const BlockSource& ready() {
    source.rows = rows;
    source.gone = gone;
    return source;
  }
  Bytes encode() {
    Bytes out;
    encode_block(ready(), out);
    return out;
  }
};

inline Picked pick(const Database& db, CellRef ref, BlockForm form, Version since) {
  const Table& table = db.table(ref.table);
  const Cell& cell = db.cell(ref);
  Picked out;
  out.source.def = &db.schema().table(ref.table);
  out.source.table = &table;
  out.source.since = since;
  out.source.header = {CodecTier::kPlain, form, since, cell.changed};
  if (form == BlockForm::kRelative) out.source.header.base = cell.published;
  if (form == BlockForm::kRows) out.source.header.base = cell.changed;
  for (const RowIndex at : table.rows_of(cell.log)) {
    if (form == BlockForm::kRows || table.row(at).changed > since) out.rows.push_back(at);
  }
  auto entity_of = [&](RowIndex row) { return table.row(row).entity; };
  std::sort(out.rows.begin(), out.rows.end(),
            [&](RowIndex a, RowIndex b) { return entity_of(a) < entity_of(b); });
  if (form == BlockForm::kRows) return out;
  std::map<EntityId, Tombstone> gone;
  for (const Tombstone& tombstone : cell.tombstones) {
    if (tombstone.version <= since) continue;
    if (form == BlockForm::kRelative && !tombstone.shown) continue;
    const RowIndex row = table.find(tombstone.entity);
    if (row == kNoRow || table.row(row).cell != ref.cell) gone[tombstone.entity] = tombstone;
  }
  for (const auto& [entity, tombstone] : gone) out.gone.push_back(tombstone);
  return out;
}

/// One block on its way: which cell, and its bytes.
struct Sent {
  CellRef ref;
  Bytes bytes;
};

/// A client's tables, with the server's cell indices as handles. Applies several cells' blocks as
/// one step, removals first.
class Replica {
 public:
  explicit Replica(const Schema& schema) : schema_(schema), logs_(schema.table_count()) {
    for (size_t t = 0; t < schema.table_count(); ++t) {
      tables_.emplace_back(schema.table(t), schema.layout(t), false);
    }
  }

  const Table& table(size_t index) const { return tables_[index]; }
  Digest digest(CellRef ref) { return tables_[ref.table].digest(logs_[ref.table][ref.cell]); }

  Status decode(const Sent& sent, DecodedBlock& out) const {
    return decode_block(sent.bytes, schema_.table(sent.ref.table), tables_[sent.ref.table],
                        sent.ref.cell, out);
  }
  /// Everything is decoded before anything is changed. kDuplicateRow where a row's index is held by
  /// a row of another cell.
  Status apply(std::span<const Sent> blocks) {
    std::vector<DecodedBlock> decoded(blocks.size());
    for (size_t i = 0; i < blocks.size(); ++i) ECSDB_TRY(decode(blocks[i], decoded[i]));
    for (size_t i = 0; i < blocks.size(); ++i) remove(blocks[i].ref, decoded[i]);
    for (size_t i = 0; i < blocks.size(); ++i) ECSDB_TRY(put(blocks[i].ref, decoded[i]));
    return {};
  }

 private:
  void remove(CellRef ref, const DecodedBlock& block) {
    Table& table = tables_[ref.table];
    auto& logs = logs_[ref.table];
    for (const DecodedBlock::Gone& gone : block.gone) {
      const RowIndex row = table.find(gone.entity);
      if (row == kNoRow || table.row(row).cell != ref.cell) continue;
      table.unlink(logs[ref.cell], row);
      table.erase(row, [&](CellIndex cell) -> RowLog& { return logs[cell]; });
    }
  }
  Status put(CellRef ref, const DecodedBlock& block) {
    Table& table = tables_[ref.table];
    RowLog& log = logs_[ref.table][ref.cell];
    const TableLayout& layout = table.layout();
    for (size_t i = 0; i < block.entities.size(); ++i) {
      RowIndex row = table.find_index(block.entities[i].index());
      if (row != kNoRow &&
          (table.row(row).entity != block.entities[i] || table.row(row).cell != ref.cell)) {
        return fail(ErrorCode::kDuplicateRow);
      }
      if (row == kNoRow) {
        row = table.append(block.entities[i]);
        table.link_newest(log, row, ref.cell);
      }
      table.touch(log, row);
      const uint64_t mask = i < block.changed ? block.masks[i] : ~uint64_t{0};
      for (const uint16_t index : layout.replicated) {
        const FieldLayout& field = layout.fields[index];
        if ((mask >> field.replicated_bit & 1) == 0) continue;
        for (uint16_t k = 0; k < field.lane_count; ++k) {
          const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
          table.set_lane(row, lane, block.lanes[lane][i]);
        }
        if (field.text != kNoText) table.set_text(row, field.text, block.texts[field.text][i]);
      }
    }
    return {};
  }

  Schema schema_;
  std::vector<Table> tables_;
  std::vector<std::map<CellIndex, RowLog>> logs_;
};

}  // namespace ecsdb::wire_test
