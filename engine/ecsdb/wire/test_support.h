// What the tests of blocks share: a schema with every type of field, what a server would encode,
// and a replica that applies it.
#pragma once

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "ecsdb/base/prng.h"
#include "ecsdb/schema/schema_builder.h"
#include "ecsdb/store/transaction.h"
#include "ecsdb/wire/block_apply.h"
#include "ecsdb/wire/block_codec.h"

namespace ecsdb::wire_test {

enum Tables : uint16_t { kUnit, kHealth, kRoom };
inline constexpr uint16_t kUnitPos = 0;

/// Grid cells of 8 steps, a follower of them, and cells by value.
inline Schema zoo_schema(CodecTier tier) {
  using enum FieldType;
  return SchemaBuilder("zoo")
      .enumeration("team", {"none", "red", "blue"})
      .table(1, "unit")
      .codec(tier)
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
      .codec(tier)
      .follow("unit")
      .field(1, "points", kU16)
      .table(3, "room")
      .codec(tier)
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
    BlockEncoder().encode(ready(), out);
    return out;
  }
};

/// `changes`: of the relative form, inside Database::publish().
inline Picked pick(const Database& db, CellRef ref, BlockForm form, Version since,
                   const ChangeSet* changes = nullptr) {
  const Table& table = db.table(ref.table);
  const Cell& cell = db.cell(ref);
  Picked out;
  out.source.def = &db.schema().table(ref.table);
  out.source.table = &table;
  out.source.tier = out.source.def->codec;
  out.source.form = form;
  out.source.history = &cell.history;
  out.source.changes = changes;
  out.source.version = cell.published;
  out.source.since = since;
  if (form != BlockForm::kRelative) {
    for (const RowIndex at : table.rows_of(cell.log)) {
      if (form == BlockForm::kRows || table.row(at).changed > since) out.rows.push_back(at);
    }
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

/// Of each changed row of a block, replicated bits of the fields that it gives.
inline std::vector<uint64_t> changed_fields(const DecodedBlock& block, const TableLayout& layout) {
  std::vector<uint64_t> masks(block.changed.size(), 0);
  if (masks.empty()) return masks;
  for (const uint16_t index : layout.replicated) {
    const FieldLayout& field = layout.fields[index];
    const uint64_t bit = uint64_t{1} << field.replicated_bit;
    const auto mark = [&](const auto& changes) {
      for (size_t n = 0; n < changes.count; ++n) masks[changes.at[n]] |= bit;
    };
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      mark(block.lane_changes[field.lane_first + size_t{k}]);
    }
    if (field.text != kNoText) mark(block.text_changes[field.text]);
  }
  return masks;
}

/// One block on its way: which cell, and its bytes.
struct Sent {
  CellRef ref;
  Bytes bytes;
};

/// Publishes what was committed; gives the relative block of each dirty cell.
inline std::vector<Sent> publish_blocks(Database& db) {
  std::vector<Sent> out;
  db.publish([&](CellRef ref, const ChangeSet& changes) {
    out.push_back({ref, pick(db, ref, BlockForm::kRelative, db.published(), &changes).encode()});
  });
  return out;
}

/// A client's tables, with the server's cell indices as handles. Applies several cells' blocks as
/// one step, removals first.
class Replica {
 public:
  explicit Replica(const Schema& schema) : schema_(schema), cells_(schema.table_count()) {
    for (size_t t = 0; t < schema.table_count(); ++t) {
      tables_.emplace_back(schema.table(t), schema.layout(t), false);
    }
  }

  const Table& table(size_t index) const { return tables_[index]; }
  Digest digest(CellRef ref) { return tables_[ref.table].digest(cells_[ref.table][ref.cell].log); }
  const CellHistory& history(CellRef ref) { return cells_[ref.table][ref.cell].history; }

  Status decode(const Sent& sent, DecodedBlock& out) const {
    const auto found = cells_[sent.ref.table].find(sent.ref.cell);
    const CellHistory none;
    const bool is_known = found != cells_[sent.ref.table].end();
    const BlockTarget target{&schema_.table(sent.ref.table), &tables_[sent.ref.table],
                             sent.ref.cell, is_known ? &found->second.history : &none};
    BlockDecoder decoder;
    return decoder.decode(sent.bytes, target, Version{2}, out);
  }
  /// Everything is decoded before anything is changed. kDuplicateRow where a row's index is held by
  /// a row of another cell.
  Status apply(std::span<const Sent> blocks) {
    std::vector<DecodedBlock> decoded(blocks.size());
    std::vector<uint32_t> publishes(blocks.size());
    for (size_t i = 0; i < blocks.size(); ++i) {
      ECSDB_TRY(decode(blocks[i], decoded[i]));
      publishes[i] = decoded[i].header.form == BlockForm::kRelative
                         ? history(blocks[i].ref).publishes() + 1
                         : decoded[i].header.publishes;
    }
    // A removed row is erased at the end: that moves others.
    for (size_t i = 0; i < blocks.size(); ++i) unlink_gone(blocks[i].ref, decoded[i]);
    for (size_t i = 0; i < blocks.size(); ++i) {
      HeldCell& cell = cells_[blocks[i].ref.table][blocks[i].ref.cell];
      Table& table = tables_[blocks[i].ref.table];
      applier_.apply_changed(decoded[i], table, cell.history);
      for (const RowIndex row : decoded[i].changed) table.touch(cell.log, row);
    }
    erase_gone();
    for (size_t i = 0; i < blocks.size(); ++i) {
      ECSDB_TRY(put(blocks[i].ref, decoded[i]));
    }
    for (size_t i = 0; i < blocks.size(); ++i) {
      HeldCell& cell = cells_[blocks[i].ref.table][blocks[i].ref.cell];
      const bool has_history = tables_[blocks[i].ref.table].has_history();
      applier_.finish(decoded[i], has_history, publishes[i], cell.history);
    }
    return {};
  }

 private:
  struct HeldCell {
    RowLog log;
    CellHistory history;
  };
  void unlink_gone(CellRef ref, const DecodedBlock& block) {
    Table& table = tables_[ref.table];
    for (const DecodedBlock::Gone& gone : block.gone) {
      const RowIndex row = table.find(gone.entity);
      if (row == kNoRow || table.row(row).cell != ref.cell) continue;
      table.unlink(cells_[ref.table][ref.cell].log, row);
      gone_.push_back({ref.table, gone.entity});
    }
  }
  void erase_gone() {
    for (const auto& [table, entity] : gone_) {
      const RowIndex row = tables_[table].find(entity);
      auto& cells = cells_[table];
      tables_[table].erase(row, [&](CellIndex cell) -> RowLog& { return cells[cell].log; });
    }
    gone_.clear();
  }
  Status put(CellRef ref, const DecodedBlock& block) {
    Table& table = tables_[ref.table];
    RowLog& log = cells_[ref.table][ref.cell].log;
    for (size_t i = 0; i < block.whole.size(); ++i) {
      const EntityId entity = block.whole[i];
      RowIndex row = table.find_index(entity.index());
      if (row != kNoRow && (table.row(row).entity != entity || table.row(row).cell != ref.cell)) {
        return fail(ErrorCode::kDuplicateRow);
      }
      if (row == kNoRow) {
        row = table.append(entity);
        table.link_newest(log, row, ref.cell);
      }
      table.touch(log, row);
      BlockApplier::apply_whole(block, i, table, row);
    }
    return {};
  }

  Schema schema_;
  std::vector<Table> tables_;
  std::vector<std::map<CellIndex, HeldCell>> cells_;
  std::vector<std::pair<uint16_t, EntityId>> gone_;
  BlockApplier applier_;
};

/// Everything of a replica that must be as on the server, which has published everything.
inline void expect_same(Database& db, Replica& replica) {
  for (uint16_t t = 0; t < db.table_count(); ++t) {
    const Table& server = db.table(t);
    const Table& client = replica.table(t);
    ASSERT_EQ(client.row_count(), server.row_count());
    for (RowIndex row = 0; row < server.row_count(); ++row) {
      const RowIndex held = client.find(server.row(row).entity);
      ASSERT_NE(held, kNoRow);
      ASSERT_EQ(client.row(held).cell, server.row(row).cell);
      for (const uint16_t field : server.layout().replicated) {
        ASSERT_TRUE(server.field_equals(row, client, held, field))
            << db.schema().table(t).fields[field].name;
      }
      const CellRef ref{t, server.row(row).cell};
      const CellHistory& history = db.cell(ref).history;
      ASSERT_EQ(client.history_hash(held, replica.history(ref)), server.history_hash(row, history));
    }
    for (const auto& [key, cell] : db.cells(t).by_key()) {
      const CellHistory& history = db.cell({t, cell}).history;
      const auto recent = history.recent();
      const auto held = replica.history({t, cell}).recent();
      ASSERT_EQ(replica.history({t, cell}).publishes(), history.publishes());
      ASSERT_TRUE(std::equal(recent.begin(), recent.end(), held.begin(), held.end()));
    }
    for (const auto& [key, cell] : db.cells(t).by_key()) {
      ASSERT_EQ(replica.digest({t, cell}), db.digest(CellRef{t, cell}));
    }
  }
}

}  // namespace ecsdb::wire_test
