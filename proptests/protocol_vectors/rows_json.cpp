#include "rows_json.h"

#include <bit>
#include <string>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/field_lanes.h"
#include "ecsdb/schema/number_text.h"

namespace ecsdb::vectors {
namespace {

Json number64(uint64_t value) { return Json(std::to_string(value)); }

/// JSON has no NaN and no infinities.
Json real_json(double value) {
  const std::string text = number_text(value);
  if (text.find_first_of("ni") != text.npos) return Json(text);
  return Json::number(text);
}

Json bits_json(float value) { return hex_number(std::bit_cast<uint32_t>(value), 8); }
Json bits_json(double value) { return hex_number(std::bit_cast<uint64_t>(value), 16); }

Json floats_json(std::initializer_list<float> values) {
  Json numbers = Json::array();
  Json bits = Json::array();
  for (const float value : values) {
    numbers.add(real_json(static_cast<double>(value)));
    bits.add(bits_json(value));
  }
  return Json::object({{"value", numbers}, {"bits", bits}});
}

struct ValueWriter {
  static Json plain(Json value) { return Json::object({{"value", std::move(value)}}); }
  Json operator()(bool v) const { return plain(v); }
  Json operator()(uint64_t v) const { return plain(number64(v)); }
  Json operator()(int64_t v) const { return plain(std::to_string(v)); }
  Json operator()(double v) const {
    return Json::object({{"value", real_json(v)}, {"bits", bits_json(v)}});
  }
  Json operator()(const Vec2f& v) const { return floats_json({v.x, v.y}); }
  Json operator()(const Vec3f& v) const { return floats_json({v.x, v.y, v.z}); }
  Json operator()(const Quatf& v) const { return floats_json({v.x, v.y, v.z, v.w}); }
  Json operator()(EnumValue v) const { return plain(v.number); }
  Json operator()(BitSet v) const { return plain(number64(v.bits)); }
  Json operator()(EntityId v) const { return plain(number64(v.value)); }
  Json operator()(PrincipalId v) const { return plain(number64(v.value)); }
  Json operator()(const std::string& v) const { return plain(v); }
  Json operator()(const Blob& v) const { return plain(to_hex(v)); }
};

Json quantise_json(const Quantise& quantise) {
  switch (quantise.kind) {
    case QuantiseKind::kNone:
      break;
    case QuantiseKind::kPrecision:
      return Json::object({{"kind", "precision"}, {"precision", real_json(quantise.precision)}});
    case QuantiseKind::kRange:
      return Json::object({{"kind", "range"},
                           {"min", real_json(quantise.min)},
                           {"max", real_json(quantise.max)},
                           {"bits", quantise.bits}});
    case QuantiseKind::kQuat:
      return Json::object({{"kind", "quaternion"}, {"bits", quantise.bits}});
  }
  return {};
}

Json cell_json(const CellRule& rule) {
  static constexpr const char* kKinds[] = {"one", "value", "owner", "grid", "follow"};
  Json out = Json::object({{"kind", kKinds[static_cast<size_t>(rule.kind)]}});
  if (rule.kind == CellKind::kFollow) out.set("table", rule.target);
  if (rule.kind != CellKind::kOne && rule.kind != CellKind::kFollow) out.set("field", rule.target);
  if (rule.kind == CellKind::kGrid) out.set("size", real_json(rule.size));
  if (!rule.at.empty()) out.set("at", rule.at);
  return out;
}

Json access_json(const std::vector<AccessRule>& rules) {
  static constexpr const char* kWhere[] = {"any", "cell_is_claim", "owner_is_me"};
  Json out = Json::array();
  for (const AccessRule& rule : rules) {
    Json item =
        Json::object({{"role", rule.role}, {"where", kWhere[static_cast<size_t>(rule.where)]}});
    if (rule.where == AccessRule::Where::kCellIsClaim) item.set("claim", rule.claim);
    out.add(std::move(item));
  }
  return out;
}

Json fields_json(const std::vector<FieldDef>& fields) {
  Json out = Json::array();
  for (const FieldDef& field : fields) out.add(field_json(field));
  return out;
}

}  // namespace

Json field_json(const FieldDef& def) {
  static constexpr const char* kPolicies[] = {"server", "lww", "merge"};
  Json out =
      Json::object({{"id", def.id.value}, {"name", def.name}, {"type", field_type_name(def.type)}});
  if (const Json quantise = quantise_json(def.quantise); !quantise.is_null()) {
    out.set("quantise", quantise);
  }
  if (def.type == FieldType::kEnum) out.set("enum", def.enum_name);
  if (def.type == FieldType::kBits) out.set("bits", def.bit_count);
  if (is_text(def.type)) out.set("max", def.bytes_max);
  if (def.server_only) out.set("server_only", true);
  out.set("policy", kPolicies[static_cast<size_t>(def.policy)]);
  if (def.policy == Policy::kMerge) out.set("merge", def.merge_name);
  out.set("since", def.since);
  if (def.default_value) {
    Json value = Json::object({{"alternative", def.default_value->index() + 1}});
    const Json given = value_json(*def.default_value);
    for (const Json::Member& member : given.members()) {
      value.set(member.first, member.second);
    }
    out.set("default", std::move(value));
  }
  if (!def.write.empty()) out.set("write", access_json(def.write));
  return out;
}

FieldDef field_from_json(const Json& json) {
  FieldDef out;
  out.name = "field";
  out.type = field_type_from_name(json.at("type").text()).value_or(FieldType::kBool);
  const Json& quantise = json.at("quantise");
  const std::string& kind = quantise.at("kind").text();
  if (kind == "precision") out.quantise.kind = QuantiseKind::kPrecision;
  if (kind == "range") out.quantise.kind = QuantiseKind::kRange;
  if (kind == "quaternion") out.quantise.kind = QuantiseKind::kQuat;
  out.quantise.precision = quantise.at("precision").real();
  out.quantise.min = quantise.at("min").real();
  out.quantise.max = quantise.at("max").real();
  out.quantise.bits = static_cast<uint8_t>(quantise.at("bits").u64());
  out.bit_count = static_cast<uint8_t>(json.at("bits").u64());
  out.bytes_max = static_cast<uint32_t>(json.at("max").u64());
  return out;
}

Json schema_json(const SchemaDef& def) {
  Json enums = Json::array();
  for (const EnumDef& item : def.enums) {
    Json values = Json::array();
    for (const std::string& value : item.values) values.add(value);
    enums.add(Json::object({{"name", item.name}, {"values", values}}));
  }
  Json tables = Json::array();
  for (const TableDef& item : def.tables) {
    tables.add(Json::object({{"id", item.id.value},
                             {"name", item.name},
                             {"cell", cell_json(item.cell)},
                             {"read", access_json(item.read)},
                             {"write", access_json(item.write)},
                             {"codec", item.codec == CodecTier::kPlain ? "plain" : "packed"},
                             {"transient", item.transient},
                             {"fields", fields_json(item.fields)}}));
  }
  Json events = Json::array();
  for (const EventDef& item : def.events) {
    Json event = Json::object({{"id", item.id.value},
                               {"name", item.name},
                               {"cell", cell_json(item.cell)},
                               {"fields", fields_json(item.fields)}});
    if (!item.write.empty()) event.set("write", access_json(item.write));
    events.add(std::move(event));
  }
  return Json::object({{"name", def.name},
                       {"version", def.version},
                       {"enums", enums},
                       {"tables", tables},
                       {"events", events}});
}

Json value_json(const Value& value) { return std::visit(ValueWriter(), value); }

Value value_from_json(const FieldDef& def, const Json& json) {
  auto part = [&](size_t i) {
    return i < json.items().size() ? static_cast<float>(json.items()[i].real()) : 0.0f;
  };
  const Value any = is_text(def.type) ? from_text(def, {}) : from_lanes(def, LaneValues{});
  switch (any.index()) {
    case 0:
      return json.flag();
    case 1:
      return json.u64();
    case 2:
      return json.i64();
    case 3:
      return json.real();
    case 4:
      return Vec2f{part(0), part(1)};
    case 5:
      return Vec3f{part(0), part(1), part(2)};
    case 6:
      return Quatf{part(0), part(1), part(2), part(3)};
    case 7:
      return EnumValue{static_cast<uint8_t>(json.u64())};
    case 8:
      return BitSet{json.u64()};
    case 9:
      return EntityId{json.u64()};
    case 10:
      return PrincipalId{json.u64()};
    case 11:
      return json.text();
    default:
      return Blob(bytes_of(json));
  }
}

Json key_json(const CellKey& key) {
  static constexpr const char* kKinds[] = {"one", "value", "owner", "grid", "none"};
  Json numbers = Json::array();
  if (key.kind == CellKey::Kind::kOwner) {
    numbers.add(number64(static_cast<uint64_t>(key.x)));
  } else if (key.kind == CellKey::Kind::kValue) {
    numbers.add(std::to_string(key.x));
  } else if (key.kind == CellKey::Kind::kGrid) {
    for (const int64_t number : {key.x, key.y, key.z}) numbers.add(std::to_string(number));
  }
  return Json::object({{"kind", kKinds[static_cast<size_t>(key.kind)]}, {"numbers", numbers}});
}

Json digest_json(const Digest& digest) {
  return Json::array({digest.lane[0], digest.lane[1], digest.lane[2], digest.lane[3]});
}

Json lane_json(const Lane& lane, uint64_t value) {
  if (lane.kind == LaneKind::kSigned) return std::to_string(static_cast<int64_t>(value));
  return number64(value);
}

uint64_t lane_from_json(const Json& json) {
  return json.text().starts_with('-') ? static_cast<uint64_t>(json.i64()) : json.u64();
}

Json row_json(const TableDef& def, const Table& table, RowIndex row) {
  Json values = Json::object();
  for (const uint16_t index : table.layout().replicated) {
    const FieldLayout& field = table.layout().fields[index];
    const std::string& name = def.fields[index].name;
    if (field.text != kNoText) {
      const std::string& text = table.text(row, field.text);
      values.set(name, def.fields[index].type == FieldType::kStr ? text : to_hex(as_bytes(text)));
      continue;
    }
    Json lanes = Json::array();
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      const auto lane = static_cast<uint16_t>(field.lane_first + k);
      lanes.add(lane_json(table.layout().lanes[lane], table.lane(row, lane)));
    }
    values.set(name, std::move(lanes));
  }
  return Json::object({{"entity", number64(table.row(row).entity.value)}, {"values", values}});
}

void add_row(const TableDef& def, Table& table, const Json& json) {
  const EntityId entity{json.at("entity").u64()};
  if (entity.index() >= kEntityIndexMax || table.find_index(entity.index()) != kNoRow) return;
  const RowIndex row = table.append(entity);
  for (const uint16_t index : table.layout().replicated) {
    const FieldLayout& field = table.layout().fields[index];
    const Json& value = json.at("values").at(def.fields[index].name);
    if (field.text != kNoText) {
      const bool is_str = def.fields[index].type == FieldType::kStr;
      const Bytes bytes = bytes_of(value);
      table.set_text(row, field.text, is_str ? std::string_view(value.text()) : as_text(bytes));
    }
    for (size_t k = 0; k < field.lane_count && k < value.items().size(); ++k) {
      table.set_lane(row, static_cast<uint16_t>(field.lane_first + k),
                     lane_from_json(value.items()[k]));
    }
  }
}

Json field_names(const TableDef& def, const TableLayout& layout, uint64_t bits) {
  Json out = Json::array();
  for (const uint16_t index : layout.replicated) {
    if ((bits >> layout.fields[index].replicated_bit & 1) != 0) out.add(def.fields[index].name);
  }
  return out;
}

namespace {

/// Null where the lane has no magnitude.
Json lane_history_json(const Table& table, RowIndex row, uint16_t lane, bool repeats) {
  const LaneState state = table.records().state(row, lane);
  if (state.magnitude == kMagnitudeNone) return {};
  Json out = Json::object({{"magnitude", state.magnitude}, {"trend", state.trend}});
  if (!repeats) return out;
  const uint64_t delta = table.records().delta(row, lane);
  const bool is_wide = table.records().place(lane).is_wide;
  const auto change = is_wide ? static_cast<int64_t>(delta) : int64_t{static_cast<int32_t>(delta)};
  return out.set("change", std::to_string(change));
}

}  // namespace

Json history_json(const TableDef& def, const Table& table, const CellHistory& history) {
  const TableLayout& layout = table.layout();
  Json out = Json::array();
  for (const RecentRow& recent : history.recent()) {
    const RowIndex row = table.find_index(recent.index);
    const uint32_t age = recent.age(history.publishes() + 1);
    const RowRecords::Fields& fields = table.records().fields(row);
    const uint64_t repeatable = table.records().repeatable(row, age);
    Json lanes = Json::object();
    for (const uint16_t index : layout.replicated) {
      const FieldLayout& field = layout.fields[index];
      Json of_field = Json::array();
      for (uint16_t k = 0; k < field.lane_count; ++k) {
        const auto lane = static_cast<uint16_t>(field.lane_first + k);
        if (!layout.lanes[lane].is_predicted) continue;
        const bool repeats = (repeatable >> field.replicated_bit & 1) != 0;
        of_field.add(lane_history_json(table, row, lane, repeats));
      }
      if (!of_field.items().empty()) lanes.set(def.fields[index].name, std::move(of_field));
    }
    out.add(Json::object({{"entity", number64(table.row(row).entity.value)},
                          {"age", age},
                          {"steady", age == 1 && recent.is_steady},
                          {"last", field_names(def, layout, fields.last)},
                          {"before", field_names(def, layout, fields.before)},
                          {"lanes", lanes}}));
  }
  return out;
}

}  // namespace ecsdb::vectors
