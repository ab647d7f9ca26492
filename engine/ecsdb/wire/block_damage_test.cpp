// Damaged blocks: every bit flipped, cut at every byte. What is accepted must be the one encoding
// of what it says, which a second encoder here decides.
#include <gtest/gtest.h>

#include "ecsdb/wire/test_support.h"

namespace ecsdb::wire_test {
namespace {

/// A second encoder, written from the comments in block.h and block_plain.h.
class Reencoder {
 public:
  Reencoder(const DecodedBlock& block, const Table& current)
      : block_(block), current_(current), layout_(current.layout()), out_(bytes_) {}

  Bytes run() {
    const BlockHeader& header = block_.header;
    const bool is_net = header.form == BlockForm::kNet;
    out_.u8(static_cast<uint8_t>(static_cast<int>(header.form) * 16));
    out_.varint(header.base.value);
    out_.varint(header.version.value - header.base.value);
    std::vector<EntityId> gone;
    std::vector<bool> left;
    for (const auto& one : block_.gone) {
      gone.push_back(one.entity);
      left.push_back(one.left);
    }
    gaps(gone, is_net ? 0 : 1);
    if (is_net) tags(gone);
    bitmap(left);
    const auto middle = block_.entities.begin() + static_cast<ptrdiff_t>(block_.changed);
    const std::vector<EntityId> changed(block_.entities.begin(), middle);
    const std::vector<EntityId> whole(middle, block_.entities.end());
    if (header.form == BlockForm::kRelative) gaps(changed, 1);
    gaps(whole, 1);
    tags(whole);
    bitmap(block_.inserted);
    for (const uint16_t field : layout_.replicated) {
      if (!changed.empty()) changed_field(layout_.fields[field]);
    }
    for (const uint16_t field : layout_.replicated) whole_field(layout_.fields[field]);
    return bytes_;
  }

 private:
  void gaps(const std::vector<EntityId>& entities, uint32_t step) {
    out_.varint(entities.size());
    for (size_t i = 0; i < entities.size(); ++i) {
      out_.varint(entities[i].index() - (i == 0 ? 0 : entities[i - 1].index() + step));
    }
  }
  void tags(const std::vector<EntityId>& entities) {
    for (const EntityId entity : entities) out_.varint(entity.value & 0xffffffff);
  }
  void bitmap(const std::vector<bool>& bits) {
    Bytes packed((bits.size() + 7) / 8);
    for (size_t i = 0; i < bits.size(); ++i) {
      if (bits[i]) packed[i / 8] |= static_cast<uint8_t>(1 << (i % 8));
    }
    out_.bytes(packed);
  }
  void text(const std::string& value) {
    out_.varint(value.size());
    out_.bytes(as_bytes(value));
  }
  void changed_field(const FieldLayout& field) {
    std::vector<bool> has;
    for (const uint64_t mask : block_.masks) has.push_back((mask >> field.replicated_bit & 1) != 0);
    const auto count = static_cast<size_t>(std::count(has.begin(), has.end(), true));
    out_.u8(count == 0 ? 0 : count == has.size() ? 1 : 2);
    if (count != 0 && count != has.size()) bitmap(has);
    for (int k = 0; k < field.lane_count; ++k) {
      const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
      for (size_t i = 0; i < has.size(); ++i) {
        if (!has[i]) continue;
        const uint64_t before = current_.lane(current_.find(block_.entities[i]), lane);
        const uint64_t after = block_.lanes[lane][i];
        const bool is_float = layout_.lanes[lane].kind == LaneKind::kFloat;
        out_.varint(is_float ? before ^ after : zigzag(static_cast<int64_t>(after - before)));
      }
    }
    for (size_t i = 0; i < has.size() && field.text != kNoText; ++i) {
      if (has[i]) text(block_.texts[field.text][i]);
    }
  }
  void whole_field(const FieldLayout& field) {
    for (int k = 0; k < field.lane_count; ++k) {
      const uint16_t at = static_cast<uint16_t>(field.lane_first + k);
      const Lane& lane = layout_.lanes[at];
      for (size_t i = block_.changed; i < block_.entities.size(); ++i) {
        const uint64_t value = block_.lanes[at][i];
        if (lane.width == 1) {
          out_.u8(static_cast<uint8_t>(value));
        } else if (lane.kind == LaneKind::kFloat) {
          lane.width == 4 ? out_.u32(static_cast<uint32_t>(value)) : out_.u64(value);
        } else {
          const bool is_signed = lane.kind == LaneKind::kSigned;
          out_.varint(is_signed ? zigzag(static_cast<int64_t>(value)) : value);
        }
      }
    }
    for (size_t i = block_.changed; i < block_.entities.size() && field.text != kNoText; ++i) {
      text(block_.texts[field.text][i]);
    }
  }

  const DecodedBlock& block_;
  const Table& current_;
  const TableLayout& layout_;
  Bytes bytes_;
  ByteWriter out_;
};

/// Blocks of every form with every type of field, and the replica they are for.
class DamagedBlock : public testing::Test {
 protected:
  DamagedBlock() : db_(zoo_schema(), {}), replica_(db_.schema()) {
    for (int i = 0; i < 12; ++i) change_something();
    std::vector<Sent> first;
    for (const CellRef ref : db_.dirty_cells()) first.push_back(sent(ref, BlockForm::kRelative));
    EXPECT_TRUE(replica_.apply(first).ok());
    db_.finish_publish();
    for (int i = 0; i < 8; ++i) change_something();
    for (const CellRef ref : db_.dirty_cells()) {
      blocks_.push_back(sent(ref, BlockForm::kRelative));
      blocks_.push_back(sent(ref, BlockForm::kNet));
      blocks_.push_back(sent(ref, BlockForm::kRows));
    }
  }

  void change_something() {
    Transaction change = db_.begin();
    if (random_.chance(1, 5) && !alive_.empty()) {
      EXPECT_TRUE(change.destroy(alive_.front()).ok());
      alive_.erase(alive_.begin());
    }
    if (alive_.size() < 4) alive_.push_back(change.create().value());
    const EntityId entity = alive_[random_.below(alive_.size())];
    const TableDef& def = db_.schema().table(kUnit);
    std::vector<FieldValue> values{{kUnitPos, Vec2f{1, 1}}};
    for (uint16_t f = 1; f < def.fields.size(); ++f) {
      if (random_.chance(1, 3)) values.push_back({f, random_value(def.fields[f], random_)});
    }
    EXPECT_TRUE((db_.contains(kUnit, entity) ? change.set(kUnit, entity, values)
                                             : change.insert(kUnit, entity, values))
                    .ok());
    std::move(change).commit();
  }
  Sent sent(CellRef ref, BlockForm form) {
    return {ref, pick(db_, ref, form, db_.published()).encode()};
  }
  /// What is accepted is canonical to the last bit, within the schema, and can be applied.
  bool refused_or_sound(const Sent& damaged) {
    DecodedBlock block;
    const Status status = replica_.decode(damaged, block);
    if (!status.ok()) return true;
    const Table& table = replica_.table(damaged.ref.table);
    EXPECT_EQ(Reencoder(block, table).run(), damaged.bytes);
    expect_values_canonical(block, db_.schema().table(damaged.ref.table), table.layout());
    Replica target = replica_;
    const Status applied = target.apply(std::span(&damaged, 1));
    EXPECT_TRUE(applied.ok() || applied.code() == ErrorCode::kDuplicateRow);
    return !HasFailure();
  }
  static void expect_values_canonical(const DecodedBlock& block, const TableDef& def,
                                      const TableLayout& layout) {
    for (size_t i = 0; i < block.entities.size(); ++i) {
      const uint64_t mask = i < block.changed ? block.masks[i] : ~uint64_t{0};
      EXPECT_NE(mask, 0u);
      for (const uint16_t index : layout.replicated) {
        const FieldLayout& field = layout.fields[index];
        if ((mask >> field.replicated_bit & 1) == 0) continue;
        LaneValues lanes;
        for (size_t k = 0; k < field.lane_count; ++k) {
          lanes.lane[k] = block.lanes[field.lane_first + k][i];
        }
        EXPECT_TRUE(field.text != kNoText || lanes_are_canonical(def.fields[index], lanes));
        EXPECT_TRUE(field.text == kNoText ||
                    text_is_canonical(def.fields[index], block.texts[field.text][i]));
      }
    }
  }

  Prng random_{21};
  Database db_;
  Replica replica_;
  std::vector<EntityId> alive_;
  std::vector<Sent> blocks_;
};

TEST_F(DamagedBlock, UndamagedOneIsSound) {
  ASSERT_EQ(blocks_.size(), 3u);
  DecodedBlock block;
  ASSERT_TRUE(replica_.decode(blocks_[0], block).ok());
  // The damage below is worth its name only if there is something of everything to damage.
  EXPECT_GT(block.gone.size(), 0u);
  EXPECT_GT(block.changed, 0u);
  EXPECT_GT(block.whole(), 0u);
  for (const Sent& sent : blocks_) EXPECT_TRUE(refused_or_sound(sent));
}

TEST_F(DamagedBlock, CutShortAnywhereIsRefused) {
  for (const Sent& sent : blocks_) {
    for (size_t n = 0; n < sent.bytes.size(); ++n) {
      DecodedBlock block;
      Sent cut = sent;
      cut.bytes.resize(n);
      ASSERT_FALSE(replica_.decode(cut, block).ok()) << n << " of " << sent.bytes.size();
    }
  }
}

TEST_F(DamagedBlock, EveryFlippedBitIsRefusedOrSound) {
  for (const Sent& sent : blocks_) {
    for (size_t bit = 0; bit < sent.bytes.size() * 8; ++bit) {
      Sent damaged = sent;
      damaged.bytes[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
      ASSERT_TRUE(refused_or_sound(damaged)) << "bit " << bit;
    }
  }
}

TEST_F(DamagedBlock, RandomDamageIsRefusedOrSound) {
  for (int round = 0; round < 3000; ++round) {
    Sent damaged = blocks_[random_.below(blocks_.size())];
    for (uint64_t left = 1 + random_.below(3); left > 0; --left) {
      const size_t at = random_.below(damaged.bytes.size());
      const uint8_t bytes[] = {0, 1, 2, 0x7f, 0x80, 0xff, static_cast<uint8_t>(random_.next())};
      const uint8_t byte = bytes[random_.below(7)];
      const auto place = damaged.bytes.begin() + static_cast<ptrdiff_t>(at);
      const uint64_t what = random_.below(4);
      if (what == 0) damaged.bytes.insert(place, byte);
      if (what == 1 && damaged.bytes.size() > 1) damaged.bytes.erase(place);
      if (what >= 2) *place = byte;
    }
    ASSERT_TRUE(refused_or_sound(damaged)) << "round " << round;
  }
}

// One block object for all: what a refused block left in it does not show in the next.
TEST_F(DamagedBlock, DecodedBlockIsReusedAfterARefusal) {
  DecodedBlock reused;
  for (const Sent& sent : blocks_) {
    for (size_t n = 0; n < sent.bytes.size(); n += 7) {
      Sent cut = sent;
      cut.bytes.resize(n);
      ASSERT_FALSE(replica_.decode(cut, reused).ok());
      ASSERT_TRUE(replica_.decode(sent, reused).ok());
      ASSERT_EQ(Reencoder(reused, replica_.table(sent.ref.table)).run(), sent.bytes);
    }
  }
}

}  // namespace
}  // namespace ecsdb::wire_test
