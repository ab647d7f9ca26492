// Schemas that several tests use.
#pragma once

#include "ecsdb/schema/schema_builder.h"

namespace ecsdb {

/// Every field type, cell kind, policy, access rule and kind of default.
inline SchemaBuilder rich_schema() {
  using Where = AccessRule::Where;
  SchemaBuilder b("rich", 3);
  b.enumeration("team", {"none", "red", "blue"}).enumeration("mood", {"calm"});
  b.table(9, "ship").grid("pos", 64);
  b.read("player").read("guest", Where::kCellIsClaim, "room").write("player", Where::kOwnerIsMe);
  b.field(1, "pos", FieldType::kVec2f).precision(0.01).default_value(Vec2f{1, -2});
  b.field(2, "rot", FieldType::kQuatf).quaternion_bits(10).default_value(Quatf{0, 0, 1, 0});
  b.field(3, "paint", FieldType::kU8).lww().default_value(uint64_t{7});
  b.field(4, "gold", FieldType::kI64).merge("sum").default_value(int64_t{-1});
  b.field_write("admin").field_write("guest", Where::kCellIsClaim, "room");
  b.field(5, "pilot", FieldType::kPrincipal).default_value(PrincipalId{5});
  b.text(6, "name", 24).since(2).default_value("anon");
  b.field(7, "speed", FieldType::kF64).server_only().default_value(0.5);
  b.enum_field(8, "side", "team").default_value(EnumValue{2});
  b.bits_field(300, "marks", 12).merge("union").default_value(BitSet{9});
  b.bytes(10, "blob", 8).merge("append").default_value(Blob{0, 255});
  b.field(11, "home", FieldType::kVec3f).range(-1, 1, 12).default_value(Vec3f{0, 1, -1});
  b.field(12, "spin", FieldType::kQuatf).default_value(Quatf{1, 2, 3, 4});
  b.field(13, "on", FieldType::kBool).default_value(true);
  b.field(14, "peer", FieldType::kEntity).field_write("", Where::kOwnerIsMe);
  b.field(15, "heat", FieldType::kF32).merge("my_rule");
  b.table(2, "tag").follow("ship").codec(CodecTier::kPlain);
  b.field(1, "n", FieldType::kU64);
  b.table(3, "room").by("number").transient().field(1, "number", FieldType::kU16);
  b.table(4, "purse").owner("who").read("", Where::kOwnerIsMe);
  b.field(1, "who", FieldType::kPrincipal);
  b.table(5, "world").field(1, "tick", FieldType::kI32);
  b.event(1, "boom").follow("ship").field(1, "at", FieldType::kVec2f).precision(0.1);
  b.event(2, "chat").write("player").write("").text(1, "line", 200);
  return b;
}

}  // namespace ecsdb
