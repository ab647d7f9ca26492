#include "block_story.h"

#include <algorithm>

#include "ecsdb/schema/schema_builder.h"

#include "groups.h"

namespace ecsdb::vectors {
namespace {

SchemaBuilder small_schema(CodecTier tier) {
  SchemaBuilder b("small");
  b.table(1, "point").codec(tier).field(1, "n", FieldType::kU8).text(2, "name", 8);
  return b;
}

SchemaBuilder one_schema(CodecTier tier) {
  SchemaBuilder b("one");
  b.table(1, "one").codec(tier).field(1, "n", FieldType::kU16);
  return b;
}

SchemaBuilder ship_schema(CodecTier tier) {
  SchemaBuilder b("ship");
  b.table(1, "ship").codec(tier).field(1, "pos", FieldType::kVec2f).precision(0.5);
  b.field(2, "turn", FieldType::kQuatf).quaternion_bits(10).field(3, "on", FieldType::kBool);
  return b;
}

SchemaBuilder wide_schema(CodecTier tier) {
  using enum FieldType;
  SchemaBuilder b("wide");
  b.table(7, "wide").codec(tier).field(1, "u", kU64).field(2, "i", kI64).field(3, "f", kF32);
  b.field(4, "d", kF64).field(5, "to", kEntity).field(6, "who", kPrincipal);
  return b;
}

SchemaBuilder rooms_schema(CodecTier tier) {
  SchemaBuilder b("rooms");
  b.table(3, "chat").codec(tier).by("room").field(1, "room", FieldType::kI32).text(2, "line", 40);
  return b;
}

SchemaBuilder texts_schema(CodecTier tier) {
  SchemaBuilder b("texts");
  b.table(2, "text").codec(tier).text(1, "line", 1000).bytes(2, "blob", 65536);
  return b;
}

SchemaBuilder broad_schema(CodecTier tier) {
  SchemaBuilder b("broad");
  b.table(1, "broad").codec(tier);
  for (uint16_t i = 1; i <= 64; ++i) b.field(i, "f" + std::to_string(i), FieldType::kU8);
  return b;
}

/// As many columns as a table may have.
SchemaBuilder vast_schema(CodecTier tier) {
  SchemaBuilder b("vast");
  b.table(1, "vast").codec(tier);
  for (uint16_t i = 1; i <= 64; ++i) b.field(i, "q" + std::to_string(i), FieldType::kQuatf);
  return b;
}

SchemaBuilder all_schema(CodecTier tier) {
  using enum FieldType;
  SchemaBuilder b("all");
  b.enumeration("team", {"none", "red", "blue"}).table(9, "all").codec(tier);
  b.field(1, "flag", kBool).field(2, "u8", kU8).field(3, "u16", kU16).field(4, "u32", kU32);
  b.field(5, "u64", kU64).field(6, "i8", kI8).field(7, "i16", kI16).field(8, "i32", kI32);
  b.field(9, "i64", kI64).field(10, "f32", kF32).field(11, "f64", kF64);
  b.field(12, "vec2f", kVec2f).field(13, "vec3f", kVec3f).field(14, "quatf", kQuatf);
  b.enum_field(15, "side", "team").bits_field(16, "one_bit", 1).bits_field(17, "few", 5);
  b.bits_field(18, "many", 40).field(19, "target", kEntity).field(20, "pilot", kPrincipal);
  b.text(21, "name", 24).field(22, "hidden", kF64).server_only().bytes(23, "blob", 40);
  b.field(24, "fine", kF32).precision(0.01).field(25, "finest", kF64).precision(0.001);
  b.field(26, "share", kF32).range(-1, 1, 7).field(27, "course", kVec3f).range(0, 360, 12);
  b.field(28, "facing", kQuatf).quaternion_bits(12).text(29, "note", 16).server_only();
  b.field(30, "far", kF64).range(-2, 2, 20).field(31, "spot", kVec2f).range(-2, 2, 9);
  b.field(32, "place", kVec3f).precision(0.25).field(33, "tilt", kQuatf).quaternion_bits(6);
  return b;
}

}  // namespace

Schema block_schema(const std::string& name, CodecTier tier) {
  if (name == "small") return small_schema(tier).build().value();
  if (name == "one") return one_schema(tier).build().value();
  if (name == "ship") return ship_schema(tier).build().value();
  if (name == "wide") return wide_schema(tier).build().value();
  if (name == "rooms") return rooms_schema(tier).build().value();
  if (name == "texts") return texts_schema(tier).build().value();
  if (name == "broad") return broad_schema(tier).build().value();
  if (name == "vast") return vast_schema(tier).build().value();
  ECSDB_CHECK(name == "all");
  return all_schema(tier).build().value();
}

void add_block_schemas(Maker& to, CodecTier tier) {
  for (const char* name :
       {"small", "one", "ship", "wide", "rooms", "texts", "broad", "vast", "all"}) {
    to.add_schema(name, block_schema(name, tier));
  }
}

Story::Story(Maker& to, const char* schema, CodecTier tier)
    : to_(to), schema_(schema), tier_(tier), db_(block_schema(schema, tier), {}) {}

std::vector<FieldValue> Story::values_of(const std::vector<FieldInit>& values) const {
  std::vector<FieldValue> out;
  for (const FieldInit& value : values) {
    out.push_back({db_.schema().field_index(0, value.first).value(), value.second});
  }
  return out;
}

EntityId Story::skip() {
  Transaction change = db_.begin();
  const EntityId entity = change.create().value();
  commit(std::move(change));
  return entity;
}

EntityId Story::add(const std::vector<FieldInit>& values) {
  const EntityId entity = skip();
  insert(entity, values);
  return entity;
}

void Story::insert(EntityId entity, const std::vector<FieldInit>& values) {
  Transaction change = db_.begin();
  ECSDB_CHECK(change.insert(0, entity, values_of(values)).ok());
  commit(std::move(change));
}

void Story::set(EntityId entity, const char* field, Value value) {
  set(entity, {{field, std::move(value)}});
}

void Story::set(EntityId entity, const std::vector<FieldInit>& values) {
  Transaction change = db_.begin();
  ECSDB_CHECK(change.set(0, entity, values_of(values)).ok());
  commit(std::move(change));
}

void Story::remove(EntityId entity) {
  Transaction change = db_.begin();
  ECSDB_CHECK(change.remove(0, entity).ok());
  commit(std::move(change));
}

void Story::destroy(EntityId entity) {
  Transaction change = db_.begin();
  ECSDB_CHECK(change.destroy(entity).ok());
  commit(std::move(change));
}

void Story::publish_parts(const std::vector<IndexRange>& ranges) {
  std::vector<Bytes> blocks;
  db_.publish([&](CellRef at, const ChangeSet& changes) {
    if (at != ref()) return;
    wire_test::Picked picked =
        wire_test::pick(db_, at, BlockForm::kRelative, db_.published(), &changes);
    for (const IndexRange range : ranges) {
      picked.source.range = range;
      blocks.push_back(picked.encode());
    }
  });
  ECSDB_CHECK(!blocks.empty());  // nothing has changed
  steps_.push_back(std::move(blocks));
  versions_.push_back(db_.published());
}

void Story::catch_up(size_t steps) {
  const Version cut = steps == 0 ? Version{0} : versions_[steps - 1];
  wire_test::Picked picked = wire_test::pick(db_, ref(), BlockForm::kNet, cut);
  steps_.resize(steps);
  versions_.resize(steps);
  steps_.push_back({picked.encode()});
  versions_.push_back(db_.published());
}

void Story::enter(size_t rows_each) {
  wire_test::Picked picked = wire_test::pick(db_, ref(), BlockForm::kRows, Version{0});
  const std::vector<RowIndex> all = picked.rows;
  if (rows_each == 0) rows_each = std::max<size_t>(all.size(), 1);
  steps_.assign(1, {});
  versions_.assign(1, db_.published());
  for (size_t at = 0; at == 0 || at < all.size(); at += rows_each) {
    const size_t count = std::min(rows_each, all.size() - at);
    const auto begin = all.begin() + static_cast<ptrdiff_t>(at);
    picked.rows.assign(begin, begin + static_cast<ptrdiff_t>(count));
    steps_.back().push_back(picked.encode());
  }
}

Json Story::input(const std::vector<Bytes>& blocks) const {
  return blocks_input(schema_, db_.schema().table(0).id.value, steps_, blocks);
}

void Story::emit(const char* name, const char* note) {
  to_.accept(prefix() + name, note,
             blocks_input(schema_, db_.schema().table(0).id.value, setup(), last()));
  if (db_.dirty_cells().empty()) {
    const Json& expect = to_.group().vectors.back().at("expect");
    const Digest digest = db_.digest(ref());
    Json lanes = Json::array();
    for (const uint32_t lane : digest.lane) lanes.add(lane);
    if (expect.at("digest") != lanes) to_.problem(name + std::string(": not the server's digest"));
  }
}

const GroupKind& plain_blocks_group() {
  static const GroupKind kGroup = {"blocks-plain", "Blocks of the plain tier, on one cell.",
                                   [](Maker& to) {
                                     add_block_schemas(to, CodecTier::kPlain);
                                     make_stories(to, CodecTier::kPlain);
                                     make_type_stories(to, CodecTier::kPlain);
                                     make_plain_by_hand(to);
                                     make_compressed(to, CodecTier::kPlain);
                                     make_header_rejects(to, CodecTier::kPlain);
                                     make_plain_rejects(to);
                                   },
                                   play_blocks};
  return kGroup;
}

const GroupKind& packed_blocks_group() {
  static const GroupKind kGroup = {"blocks-packed", "Blocks of the packed tier, on one cell.",
                                   [](Maker& to) {
                                     add_block_schemas(to, CodecTier::kPacked);
                                     make_stories(to, CodecTier::kPacked);
                                     make_type_stories(to, CodecTier::kPacked);
                                     make_packed_stories(to);
                                     make_packed_by_hand(to);
                                     make_compressed(to, CodecTier::kPacked);
                                     make_header_rejects(to, CodecTier::kPacked);
                                     make_packed_rejects(to);
                                   },
                                   play_blocks};
  return kGroup;
}

}  // namespace ecsdb::vectors
