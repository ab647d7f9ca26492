// Stories of the field types.
#include <bit>
#include <cmath>

#include "ecsdb/base/prng.h"

#include "block_story.h"

namespace ecsdb::vectors {
namespace {

double double_of(uint64_t bits) { return std::bit_cast<double>(bits); }

void tell_wide(Maker& to, CodecTier tier) {
  Story story(to, "wide", tier);
  const EntityId a = story.add({{"u", uint64_t{1}}, {"i", int64_t{-1}}, {"f", 1.5}, {"d", -0.0}});
  const EntityId b = story.add({{"to", a}, {"who", PrincipalId{~uint64_t{0}}}});
  story.publish();
  story.emit("wide-first", "Lanes of eight bytes, floats, an entity and a principal.");
  story.set(a, {{"u", ~uint64_t{0}}, {"i", int64_t{1}}, {"f", -1.5}, {"d", 0.0}});
  story.set(b, {{"to", EntityId{}}, {"who", PrincipalId{0}}});
  story.publish();
  story.emit("wide-differences", "Differences wrap around at 2^64; floats change in their order.");
  story.set(a, {{"u", uint64_t{1} << 63},
                {"i", INT64_MIN},
                {"f", static_cast<double>(INFINITY)},
                {"d", double_of(0x7ff4000000000001)}});
  story.set(b, {{"f", static_cast<double>(-INFINITY)}, {"d", double_of(0xfff8000000000000)}});
  story.publish();
  story.emit("wide-extremes", "Infinities, NaNs with their payloads, the least signed number.");
  story.set(a, {{"i", INT64_MAX}, {"f", 0.0}, {"d", 1e300}});
  story.set(b, {{"u", ~uint64_t{0} - 1}, {"f", 1e-45}, {"to", b}});
  story.publish();
  story.emit("wide-again", "From one end to the other.");
  story.enter();
  story.emit("wide-rows", "The same as rows of a cell that enters.");
}

void tell_floats(Maker& to, CodecTier tier) {
  Story story(to, "wide", tier);
  std::vector<EntityId> rows;
  for (int i = 0; i < 4; ++i) rows.push_back(story.add({{"f", i * 0.25}, {"d", i * 1000.125}}));
  story.publish();
  for (int step = 1; step <= 3; ++step) {
    for (size_t i = 0; i < rows.size(); ++i) {
      const double at = static_cast<double>(i) * 0.25 + step * 0.125;
      story.set(rows[i], {{"f", at}, {"d", at * 4000.5}});
    }
    story.publish();
    if (step == 1) story.emit("floats-first-change", "Floats that have changed once.");
  }
  story.emit("floats-steady", "Floats that change by the same each time.");
}

void tell_ships(Maker& to, CodecTier tier) {
  Story story(to, "ship", tier);
  auto turned = [](float y) { return Quatf{0.125f, y, -0.25f, 1}; };  // need not have length 1
  std::vector<EntityId> ships;
  for (int i = 0; i < 3; ++i) {
    const float x = static_cast<float>(i * 10);
    ships.push_back(story.add({{"pos", Vec2f{x, -x}}, {"turn", turned(0.5f)}, {"on", i == 1}}));
  }
  story.publish();
  story.emit("ships-first", "Steps of a grid, a quantised quaternion and a flag.");
  auto step = [&](float y, float by) {
    for (size_t i = 0; i < ships.size(); ++i) {
      const float x = static_cast<float>(i * 10) + by;
      story.set(ships[i],
                {{"pos", Vec2f{x, -x * 2}}, {"turn", turned(y + static_cast<float>(i) * 0.25f)}});
    }
    story.publish();
  };
  step(0.25f, 1);
  story.emit("ships-move", "All move and turn; no largest component becomes another.");
  step(0.75f, 2);
  story.emit("ships-turn", "Quaternions whose largest component becomes another one.");
  step(0.875f, 3);
  story.set(ships[0], "on", true);
  story.set(ships[1], "on", false);
  story.publish();
  story.emit("ships-flags", "Flags alone: one comes on, one goes off.");
  story.set(ships[2], "turn", Quatf{-1, 0.02f, 0.03f, 0.01f});
  story.publish();
  story.emit("ships-jump", "A turn to a largest component that was not expected.");
  step(1.5f, 4);
  story.emit("ships-go-on", "After a turn the three lanes are predicted anew.");
}

/// A value of the field's type; the ends of the type among them. Draws come in a fixed order.
Value drawn_value(const FieldDef& def, Prng& random) {
  auto number = [&](unsigned bits) {
    const uint64_t most = ~uint64_t{0} >> (64 - bits);
    const uint64_t any = random.next() & most;
    const uint64_t choices[] = {0, 1, most / 2, most, any};
    return choices[random.below(5)];
  };
  auto real = [&] { return static_cast<float>(random.between(-4, 4)) * 0.25f; };
  const unsigned width = 8u << ((static_cast<unsigned>(def.type) - 2) % 4);  // of integers
  switch (def.type) {
    case FieldType::kBool:
      return random.chance(1, 2);
    case FieldType::kU8:
    case FieldType::kU16:
    case FieldType::kU32:
    case FieldType::kU64:
      return number(width);
    case FieldType::kI8:
    case FieldType::kI16:
    case FieldType::kI32:
    case FieldType::kI64:
      return static_cast<int64_t>(number(64)) >> (64 - width);
    case FieldType::kF32:
    case FieldType::kF64:
      return static_cast<double>(real());
    case FieldType::kVec2f:
      return Vec2f{real(), real()};
    case FieldType::kVec3f:
      return def.quantise.kind == QuantiseKind::kRange ? Vec3f{0, 360, 180 + real()}
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
      return std::string(random.below(4), 'n') + "\xc3\xbc";
    case FieldType::kBytes:
      return Blob(random.below(4), 0xff);
  }
  return {};
}

void tell_all(Maker& to, CodecTier tier) {
  Story story(to, "all", tier);
  Prng random(7);
  const TableDef& def = story.db().schema().table(0);
  auto draw = [&](uint64_t one_in) {
    std::vector<FieldInit> values;
    for (const FieldDef& field : def.fields) {
      if (!random.chance(1, one_in)) continue;
      values.emplace_back(field.name.c_str(), drawn_value(field, random));
    }
    return values;
  };
  std::vector<EntityId> rows{story.add({}), story.add(draw(1)), story.add(draw(1))};
  story.publish();
  story.emit("all-types-first", "Every type of field: a row of defaults and two of other values.");
  story.set(rows[0], draw(1));
  story.set(rows[1], draw(3));
  story.publish();
  story.emit("all-types-changed", "One row changes in most fields, one in some.");
  story.set(rows[0], draw(1));
  story.set(rows[1], draw(2));
  story.set(rows[2], draw(4));
  story.publish();
  story.emit("all-types-again", "One row changes in most fields again, the others in some.");
  story.set(rows[1], {{"hidden", 5.0}, {"note", std::string("secret")}, {"u8", uint64_t{17}}});
  story.publish();
  story.emit("server-only-fields", "What is server_only is never in a block.");
  story.catch_up(1);
  story.emit("all-types-net", "The same since the first publish, absolute.");
  story.enter();
  story.emit("all-types-rows", "The same as rows.");
}

void tell_texts(Maker& to, CodecTier tier) {
  Story story(to, "texts", tier);
  const EntityId a = story.add({{"line", std::string("first")}, {"blob", Blob{0, 255, 0}}});
  const EntityId b = story.add({{"line", std::string()}, {"blob", Blob()}});
  const EntityId c = story.add({{"line", std::string(300, 'x')}, {"blob", Blob(20, 7)}});
  story.publish();
  story.emit("texts-first", "Texts of no, few and many bytes.");
  story.set(a, "line", std::string(100, 'y'));
  story.set(b, {{"line", std::string("\xf0\x9f\x98\x80")}, {"blob", Blob(130, 1)}});
  story.set(c, "blob", Blob());
  story.publish();
  story.emit("texts-changed", "A text is sent whole when it changes.");
}

/// As many fields as a table may have.
void tell_broad(Maker& to, CodecTier tier) {
  Story story(to, "broad", tier);
  const EntityId row = story.add({});
  story.publish();
  story.set(row, {{"f1", uint64_t{1}}, {"f33", uint64_t{33}}, {"f64", uint64_t{64}}});
  story.publish();
  story.set(row, {{"f32", uint64_t{32}}, {"f64", uint64_t{60}}});
  story.publish();
  story.emit("sixty-four-fields", "Sets of fields take 64 bits.");
}

}  // namespace

void make_type_stories(Maker& to, CodecTier tier) {
  tell_wide(to, tier);
  tell_floats(to, tier);
  tell_ships(to, tier);
  tell_all(to, tier);
  tell_texts(to, tier);
  tell_broad(to, tier);
}

}  // namespace ecsdb::vectors
