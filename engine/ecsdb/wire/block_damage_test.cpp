// Damaged blocks on a live state: every bit flipped, cut at every byte, bytes behind the end. Each
// is refused with an error that says where, or decodes to values that its fields can have.
#include <gtest/gtest.h>

#include "ecsdb/wire/block_lanes.h"
#include "ecsdb/wire/test_support.h"

namespace ecsdb::wire_test {
namespace {

class DamagedBlock : public testing::TestWithParam<CodecTier> {
 protected:
  DamagedBlock() : db_(zoo_schema(GetParam()), {}), replica_(db_.schema()), old_(db_.schema()) {
    for (int publish = 0; publish < 6; ++publish) {
      for (int i = 0; i < 10; ++i) change_something();
      EXPECT_TRUE(replica_.apply(publish_blocks(db_)).ok());
      if (publish == 1) {
        old_ = replica_;
        cut_ = db_.published();
      }
    }
    for (int i = 0; i < 8; ++i) change_something();
    relative_ = publish_blocks(db_);
    for (uint16_t table = 0; table < db_.table_count(); ++table) {
      for (const auto& [key, cell] : db_.cells(table).by_key()) {
        const CellRef ref{table, cell};
        net_.push_back({ref, pick(db_, ref, BlockForm::kNet, cut_).encode()});
        rows_.push_back({ref, pick(db_, ref, BlockForm::kRows, Version{0}).encode()});
      }
    }
  }

  void change_something() {
    Transaction change = db_.begin();
    if (random_.chance(1, 8) && alive_.size() > 3) {
      EXPECT_TRUE(change.destroy(alive_.front()).ok());
      alive_.erase(alive_.begin());
    }
    if (alive_.size() < 8) alive_.push_back(change.create().value());
    const uint16_t table = static_cast<uint16_t>(random_.below(3));
    const EntityId entity = alive_[random_.below(alive_.size())];
    const TableDef& def = db_.schema().table(table);
    std::vector<FieldValue> values;
    for (uint16_t f = 0; f < def.fields.size(); ++f) {
      if (random_.chance(1, 4)) values.push_back({f, random_value(def.fields[f], random_)});
    }
    const Status status = db_.contains(table, entity) ? change.set(table, entity, values)
                                                      : change.insert(table, entity, values);
    EXPECT_TRUE(status.ok());
    std::move(change).commit();
  }

  void expect_refused_or_harmless(const Replica& replica, const Sent& sent) {
    DecodedBlock block;
    const Status status = replica.decode(sent, block);
    ++tried_;
    if (!status.ok()) {
      ++refused_;
      const std::string& context = status.error().context;
      ASSERT_EQ(context.substr(0, 6), "table ");
      ASSERT_NE(context.find(", byte "), std::string::npos);
      return;
    }
    Replica copy = replica;
    if (!copy.apply(std::span(&sent, 1)).ok()) return;
    const Table& table = copy.table(sent.ref.table);
    for (uint16_t lane = 0; lane < table.layout().lanes.size(); ++lane) {
      for (RowIndex row = 0; row < table.row_count(); ++row) {
        ASSERT_TRUE(lane_fits(table.layout().lanes[lane], table.lane(row, lane)));
      }
    }
    copy.digest(sent.ref);
  }
  void damage(const Replica& replica, const Sent& sent) {
    for (size_t bit = 0; bit < sent.bytes.size() * 8; ++bit) {
      Sent flipped = sent;
      flipped.bytes[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
      expect_refused_or_harmless(replica, flipped);
    }
    DecodedBlock block;
    for (size_t size = 0; size < sent.bytes.size(); ++size) {
      Sent cut = sent;
      cut.bytes.resize(size);
      ASSERT_FALSE(replica.decode(cut, block).ok()) << size;
    }
    for (const uint8_t byte : {uint8_t{0}, uint8_t{0x80}, uint8_t{0xff}}) {
      Sent longer = sent;
      longer.bytes.push_back(byte);
      ASSERT_FALSE(replica.decode(longer, block).ok());
    }
  }

  Prng random_{11};
  Database db_;
  Replica replica_;
  Replica old_;  // stands at cut_
  Version cut_;
  std::vector<EntityId> alive_;
  std::vector<Sent> relative_;
  std::vector<Sent> net_;
  std::vector<Sent> rows_;
  size_t tried_ = 0;
  size_t refused_ = 0;
};

TEST_P(DamagedBlock, RelativeIsRefusedOrHarmless) {
  for (const Sent& sent : relative_) damage(replica_, sent);
  EXPECT_GT(tried_, 500u);
  EXPECT_GT(refused_, tried_ / 10);
}

TEST_P(DamagedBlock, NetIsRefusedOrHarmless) {
  for (const Sent& sent : net_) damage(old_, sent);
  EXPECT_GT(tried_, 3000u);
  EXPECT_GT(refused_, tried_ / 10);
}

TEST_P(DamagedBlock, RowsAreRefusedOrHarmless) {
  const Replica fresh(db_.schema());
  for (const Sent& sent : rows_) damage(fresh, sent);
  EXPECT_GT(tried_, 3000u);
  EXPECT_GT(refused_, tried_ / 10);
}

std::string tier_name(const testing::TestParamInfo<CodecTier>& tier) {
  return tier.param == CodecTier::kPlain ? "Plain" : "Packed";
}
INSTANTIATE_TEST_SUITE_P(Tiers, DamagedBlock,
                         testing::Values(CodecTier::kPlain, CodecTier::kPacked), tier_name);

}  // namespace
}  // namespace ecsdb::wire_test
