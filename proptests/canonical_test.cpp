// One encoding for each value, message and schema: what decodes is encoded again to the same bytes.
#include "ecsdb/schema/canonical.h"

#include <cmath>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "ecsdb/base/check.h"
#include "ecsdb/schema/schema_builder.h"
#include "ecsdb/wire/messages.h"

#include "property.h"

namespace ecsdb::properties {
namespace {

constexpr int kCases = 10'000;

/// Small ones, ends of ranges, and any.
uint64_t draw_number() {
  const uint64_t bits = draw_below(65);
  const uint64_t any = draw_below(1ull << 32) << 32 | draw_below(1ull << 32);
  const uint64_t number = bits == 0 ? 0 : any >> (64 - bits);
  return draw_below(8) == 0 ? ~number : number;
}

std::string draw_text(size_t bytes_max) {
  static constexpr const char* kParts[] = {
      "a", "zz", " ", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x90\x9f", "\0"};
  std::string text;
  for (uint64_t left = draw_below(6); left > 0; --left) {
    const std::string part = kParts[draw_below(std::size(kParts))];
    if (text.size() + part.size() <= bytes_max) text += part;
  }
  return text;
}

// ---- Messages ----

template <class M>
void draw_message(M& message);

template <class T>
void draw_value(T& v, uint64_t limit) {
  if constexpr (std::is_same_v<T, bool>) {
    v = draw_below(2) == 1;
  } else if constexpr (std::is_enum_v<T>) {
    v = static_cast<T>(draw_below(limit + 1));
  } else if constexpr (std::is_integral_v<T>) {
    v = static_cast<T>(limit == 0 ? draw_number() : draw_number() % (limit + 1));
  } else if constexpr (std::is_same_v<T, DatabaseId> || std::is_same_v<T, Hash128>) {
    v.high = draw_number();
    v.low = draw_number();
  } else if constexpr (std::is_same_v<T, Digest>) {
    for (uint32_t& lane : v.lane) lane = static_cast<uint32_t>(draw_number());
  } else if constexpr (std::is_same_v<T, CellKey>) {
    v = CellKey{};
    v.kind = static_cast<CellKey::Kind>(draw_below(5));
    int64_t* number[3] = {&v.x, &v.y, &v.z};
    for (int i = 0; i < cell_key_numbers(v.kind); ++i) {
      *number[i] = static_cast<int64_t>(draw_number());
    }
  } else if constexpr (std::is_same_v<T, CanonicalValue>) {
    v = CanonicalValue{};
    v.kind = static_cast<uint8_t>(draw_below(6));
    if (v.is_text()) v.text.assign(draw_below(4), static_cast<char>(draw_below(256)));
    for (int i = 0; i < v.kind && !v.is_text(); ++i) v.lanes.lane[i] = draw_number();
  } else if constexpr (std::is_same_v<T, Fixed32> || WrappedId<T>) {
    draw_value(v.value, limit);
  } else if constexpr (std::is_same_v<T, std::string>) {
    v = draw_text(limit);
  } else if constexpr (std::is_same_v<T, Bytes>) {
    v.assign(draw_below(std::min<uint64_t>(limit, 40)), static_cast<uint8_t>(draw_below(256)));
  } else if constexpr (IsVector<T>::value) {
    v.resize(draw_below(std::min<uint64_t>(limit, 3) + 1));
    for (auto& element : v) draw_value(element, 0);
  } else {
    draw_message(v);
  }
}

template <class M>
void draw_message(M& message) {
  std::apply([&](const auto&... f) { (draw_value(message.*(f.pointer), f.limit), ...); },
             Describe<M>::fields);
}

template <class M>
Bytes encoded(const M& message) {
  Bytes out;
  ByteWriter writer(out);
  encode_fields(message, writer);
  return out;
}

/// At one place: another byte, one less, one more.
Bytes damaged(Bytes bytes) {
  const size_t at = draw_below(bytes.size() + 1);
  const uint64_t kind = draw_below(3);
  const uint8_t byte = static_cast<uint8_t>(draw_below(256));
  if (kind == 0 || at == bytes.size()) {
    bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(at), byte);
  } else if (kind == 1) {
    bytes.erase(bytes.begin() + static_cast<ptrdiff_t>(at));
  } else {
    bytes[at] = draw_below(2) == 0 ? byte : static_cast<uint8_t>(bytes[at] ^ 1u << draw_below(8));
  }
  return bytes;
}

template <class M>
void message_is_canonical() {
  M message;
  draw_message(message);
  const Bytes bytes = encoded(message);
  M read;
  RC_ASSERT(decode_message(bytes, read).ok());
  RC_ASSERT(encoded(read) == bytes);
  const Bytes other = damaged(bytes);
  M again;
  if (decode_message(other, again).ok()) RC_ASSERT(encoded(again) == other);
}

TEST(CanonicalProperty, Messages) {
  check_property(11, kCases, [] {
    switch (draw_below(20)) {
      case 0:
        return message_is_canonical<Auth>();
      case 1:
        return message_is_canonical<AuthReply>();
      case 2:
        return message_is_canonical<SchemaPart>();
      case 3:
        return message_is_canonical<Subscribe>();
      case 4:
        return message_is_canonical<SubscribeReply>();
      case 5:
        return message_is_canonical<SyncBegin>();
      case 6:
        return message_is_canonical<Ack>();
      case 7:
        return message_is_canonical<ClientHeartbeat>();
      case 8:
        return message_is_canonical<ServerHeartbeat>();
      case 9:
        return message_is_canonical<Goodbye>();
      case 10:
        return message_is_canonical<Resume>();
      case 11:
        return message_is_canonical<Refetch>();
      case 12:
        return message_is_canonical<ClientReady>();
      case 13:
        return message_is_canonical<ResumeReply>();
      case 14:
        return message_is_canonical<SyncMark>();
      case 15:
        return message_is_canonical<Writes>();
      case 16:
        return message_is_canonical<Write>();
      case 17:
        return message_is_canonical<Outcomes>();
      case 18:
        return message_is_canonical<WriteRefused>();
      default:
        return message_is_canonical<Advance>();
    }
  });
}

// ---- Schemas ----

std::string draw_name(const char* prefix, uint64_t of) {
  return std::string(prefix) + static_cast<char>('a' + draw_below(of));
}

void draw_quantise(FieldDef& field) {
  const uint64_t kind = draw_below(3);
  const bool is_scalar = field.type >= FieldType::kF32 && field.type <= FieldType::kVec3f;
  if (field.type == FieldType::kQuatf && kind > 0) {
    field.quantise.kind = QuantiseKind::kQuat;
    field.quantise.bits = static_cast<uint8_t>(2 + draw_below(15));
  } else if (is_scalar && kind == 1) {
    field.quantise.kind = QuantiseKind::kPrecision;
    field.quantise.precision = std::ldexp(1.0, static_cast<int>(draw_below(20)) - 10);
  } else if (is_scalar && kind == 2) {
    field.quantise.kind = QuantiseKind::kRange;
    field.quantise.min = -static_cast<double>(draw_below(1000));
    field.quantise.max = 1 + static_cast<double>(draw_below(1000));
    field.quantise.bits = static_cast<uint8_t>(1 + draw_below(32));
  }
}

FieldDef draw_field(uint16_t id) {
  FieldDef field;
  field.id.value = id;
  field.name = "f" + std::to_string(draw_below(40));
  field.type = static_cast<FieldType>(1 + draw_below(20));
  draw_quantise(field);
  if (field.type == FieldType::kEnum) field.enum_name = draw_name("enum_", 2);
  if (field.type == FieldType::kBits) field.bit_count = static_cast<uint8_t>(1 + draw_below(64));
  const bool is_text = field.type == FieldType::kStr || field.type == FieldType::kBytes;
  if (is_text) field.bytes_max = static_cast<uint32_t>(1 + draw_below(300));
  field.server_only = draw_below(8) == 0;
  if (!field.server_only) field.policy = static_cast<Policy>(draw_below(2));
  field.since = static_cast<uint32_t>(1 + draw_below(2));
  if (field.type == FieldType::kU32 && draw_below(2) == 0) {
    field.default_value = Value{draw_below(1ull << 32)};
  }
  if (field.type == FieldType::kStr && draw_below(2) == 0) {
    field.default_value = Value{draw_text(field.bytes_max)};
  }
  return field;
}

SchemaDef draw_schema() {
  SchemaDef def;
  def.name = draw_name("schema_", 26);
  def.version = static_cast<uint32_t>(1 + draw_below(3));
  def.enums = {{"enum_a", {"x", "y"}}, {"enum_b", {"z"}}};
  uint16_t id = 0;
  for (uint64_t tables = 1 + draw_below(3); tables > 0; --tables) {
    TableDef& table = def.tables.emplace_back();
    table.id.value = id = static_cast<uint16_t>(id + 1 + draw_below(300));
    table.name = "t" + std::to_string(tables);
    table.codec = static_cast<CodecTier>(draw_below(2));
    table.transient = draw_below(2) == 1;
    if (draw_below(3) == 0) table.read.push_back({draw_name("role_", 4), {}, {}});
    if (draw_below(2) == 0) table.write.push_back({draw_name("role_", 4), {}, {}});
    uint16_t field_id = 0;
    for (uint64_t fields = 1 + draw_below(6); fields > 0; --fields) {
      field_id = static_cast<uint16_t>(field_id + 1 + draw_below(200));
      table.fields.push_back(draw_field(field_id));
      if (table.write.empty() || draw_below(4) != 0) continue;
      table.fields.back().write.resize(1 + draw_below(2));
    }
    if (draw_below(3) == 0) table.cell = {CellKind::kValue, table.fields[0].name, 0};
  }
  return def;
}

TEST(CanonicalProperty, Schemas) {
  check_property(12, kCases, [] {
    const SchemaDef def = draw_schema();
    const Result<Schema> schema = Schema::make(def);
    RC_CLASSIFY(schema.ok(), "valid");
    const Bytes bytes = encode_schema(def);
    const Result<Schema> read = decode_schema(bytes);
    RC_ASSERT(read.ok() == schema.ok());
    if (!read.ok()) return;
    RC_ASSERT(read->fingerprint() == schema->fingerprint());
    RC_ASSERT(encode_schema(read->def()) == bytes);
    const Bytes other = damaged(bytes);
    const Result<Schema> again = decode_schema(other);
    if (again.ok()) RC_ASSERT(encode_schema(again->def()) == other);
  });
}

// ---- Values ----

/// Canonical lanes of a field, not beyond what canonical.h excepts.
LaneValues draw_lanes(const FieldDef& def, const TableLayout& layout) {
  LaneValues out;
  for (uint16_t k = 0; k < layout.fields[0].lane_count; ++k) {
    const Lane& lane = layout.lanes[k];
    uint64_t value = draw_number();
    const unsigned exact = def.type == FieldType::kF64 ? 50 : 22;  // bits that a float holds
    if (lane.kind == LaneKind::kSigned) {
      const bool is_float = def.quantise.kind == QuantiseKind::kPrecision;
      const unsigned bits = is_float ? exact : 8u * lane.width;
      value = static_cast<uint64_t>(static_cast<int64_t>(value << (64 - bits)) >> (64 - bits));
    } else if (lane.kind == LaneKind::kFloat) {
      value &= lane.width == 4 ? 0xffffffffu : ~uint64_t{0};
    } else {
      const uint64_t most = def.type == FieldType::kEnum ? 1 : lane.max;
      value = most == ~uint64_t{0} ? value : value % (most + 1);
    }
    out.lane[k] = value;
  }
  return out;
}

bool is_coarse(const FieldDef& def) {
  if (def.quantise.kind != QuantiseKind::kRange) return true;
  return def.type == FieldType::kF64 || def.quantise.bits <= 20;
}

TEST(CanonicalProperty, ValuesComeBackToTheirLanes) {
  check_property(13, kCases, [] {
    SchemaDef schema_def;
    schema_def.name = "values";
    schema_def.version = 3;
    schema_def.enums = {{"enum_a", {"x", "y"}}, {"enum_b", {"z", "u"}}};
    FieldDef def = draw_field(1);
    def.server_only = false;
    TableDef& table = schema_def.tables.emplace_back();
    table.id.value = 1;
    table.name = "t";
    table.fields = {def};
    const Schema schema = Schema::make(schema_def).value();
    const FieldDef& field = schema.table(0).fields[0];
    if (schema.layout(0).fields[0].text != kNoText) {
      const std::string text = draw_text(field.bytes_max);
      RC_ASSERT(to_text(field, from_text(field, text)).value() == text);
      return;
    }
    const bool is_exact = is_coarse(field) && field.quantise.kind != QuantiseKind::kQuat;
    if (!is_exact) return;
    const LaneValues lanes = draw_lanes(field, schema.layout(0));
    RC_ASSERT(lanes_are_canonical(field, lanes));
    const Result<LaneValues> again = to_lanes(field, from_lanes(field, lanes));
    RC_ASSERT(again.ok());
    RC_ASSERT(*again == lanes);
  });
}

/// Of two rotations; q and -q are the same one.
double distance(const Quatf& a, const Quatf& b) {
  const double dot = double{a.x} * b.x + double{a.y} * b.y + double{a.z} * b.z + double{a.w} * b.w;
  return 1 - std::fabs(dot);
}

TEST(CanonicalProperty, QuaternionsStayThemselves) {
  check_property(14, kCases, [] {
    FieldDef field;
    field.id.value = 1;
    field.name = "q";
    field.type = FieldType::kQuatf;
    field.quantise.kind = QuantiseKind::kQuat;
    const unsigned bits = static_cast<unsigned>(4 + draw_below(13));
    field.quantise.bits = static_cast<uint8_t>(bits);
    auto part = [] { return static_cast<float>(draw_below(2001)) / 1000.0f - 1.0f; };
    const Quatf value{part(), part(), part(), part() + 2.0f * static_cast<float>(draw_below(2))};
    const Result<LaneValues> lanes = to_lanes(field, value);
    if (!lanes.ok()) return;  // all zero
    RC_ASSERT(lanes_are_canonical(field, *lanes));
    const Quatf read = std::get<Quatf>(from_lanes(field, *lanes));
    const LaneValues again = to_lanes(field, read).value();
    const Quatf read_again = std::get<Quatf>(from_lanes(field, again));
    const double step = std::ldexp(1.5, -static_cast<int>(bits));
    RC_ASSERT(distance(read, read_again) <= 8 * step * step + 5e-7);  // of floats
  });
}

}  // namespace
}  // namespace ecsdb::properties
