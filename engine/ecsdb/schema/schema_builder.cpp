#include "ecsdb/schema/schema_builder.h"

namespace ecsdb {

SchemaBuilder::SchemaBuilder(std::string name, uint32_t version) {
  def_.name = std::move(name);
  def_.version = version;
}

CellRule& SchemaBuilder::cell() {
  ECSDB_CHECK(begun_ != Begun::kNothing);
  return begun_ == Begun::kTable ? def_.tables.back().cell : def_.events.back().cell;
}

TableDef& SchemaBuilder::last_table() {
  ECSDB_CHECK(begun_ == Begun::kTable);
  return def_.tables.back();
}

std::vector<FieldDef>& SchemaBuilder::fields() {
  ECSDB_CHECK(begun_ != Begun::kNothing);
  return begun_ == Begun::kTable ? def_.tables.back().fields : def_.events.back().fields;
}

FieldDef& SchemaBuilder::last_field() {
  ECSDB_CHECK(!fields().empty());
  return fields().back();
}

SchemaBuilder& SchemaBuilder::enumeration(std::string name,
                                          std::initializer_list<const char*> values) {
  def_.enums.push_back(EnumDef{std::move(name), {values.begin(), values.end()}});
  return *this;
}

SchemaBuilder& SchemaBuilder::table(uint16_t id, std::string name) {
  begun_ = Begun::kTable;
  TableDef& table = def_.tables.emplace_back();
  table.id.value = id;
  table.name = std::move(name);
  return *this;
}

SchemaBuilder& SchemaBuilder::event(uint16_t id, std::string name) {
  begun_ = Begun::kEvent;
  EventDef& event = def_.events.emplace_back();
  event.id.value = id;
  event.name = std::move(name);
  return *this;
}

SchemaBuilder& SchemaBuilder::by(std::string field) {
  cell() = CellRule{CellKind::kValue, std::move(field), 0};
  return *this;
}

SchemaBuilder& SchemaBuilder::owner(std::string field) {
  cell() = CellRule{CellKind::kOwner, std::move(field), 0};
  return *this;
}

SchemaBuilder& SchemaBuilder::grid(std::string field, double size) {
  cell() = CellRule{CellKind::kGrid, std::move(field), size};
  return *this;
}

SchemaBuilder& SchemaBuilder::follow(std::string table) {
  cell() = CellRule{CellKind::kFollow, std::move(table), 0};
  return *this;
}

SchemaBuilder& SchemaBuilder::at(std::string field) {
  ECSDB_CHECK(begun_ == Begun::kEvent);
  cell().at = std::move(field);
  return *this;
}

SchemaBuilder& SchemaBuilder::read(std::string role, AccessRule::Where where, std::string claim) {
  last_table().read.push_back(AccessRule{std::move(role), where, std::move(claim)});
  return *this;
}

SchemaBuilder& SchemaBuilder::write(std::string role, AccessRule::Where where, std::string claim) {
  auto& rules = begun_ == Begun::kEvent ? def_.events.back().write : last_table().write;
  rules.push_back(AccessRule{std::move(role), where, std::move(claim)});
  return *this;
}

SchemaBuilder& SchemaBuilder::codec(CodecTier tier) {
  last_table().codec = tier;
  return *this;
}

SchemaBuilder& SchemaBuilder::transient() {
  last_table().transient = true;
  return *this;
}

SchemaBuilder& SchemaBuilder::field(uint16_t id, std::string name, FieldType type) {
  FieldDef& field = fields().emplace_back();
  field.id.value = id;
  field.name = std::move(name);
  field.type = type;
  return *this;
}

SchemaBuilder& SchemaBuilder::enum_field(uint16_t id, std::string name, std::string enum_name) {
  field(id, std::move(name), FieldType::kEnum);
  last_field().enum_name = std::move(enum_name);
  return *this;
}

SchemaBuilder& SchemaBuilder::bits_field(uint16_t id, std::string name, uint8_t bit_count) {
  field(id, std::move(name), FieldType::kBits);
  last_field().bit_count = bit_count;
  return *this;
}

SchemaBuilder& SchemaBuilder::text(uint16_t id, std::string name, uint32_t bytes_max) {
  field(id, std::move(name), FieldType::kStr);
  last_field().bytes_max = bytes_max;
  return *this;
}

SchemaBuilder& SchemaBuilder::bytes(uint16_t id, std::string name, uint32_t bytes_max) {
  field(id, std::move(name), FieldType::kBytes);
  last_field().bytes_max = bytes_max;
  return *this;
}

SchemaBuilder& SchemaBuilder::precision(double step) {
  last_field().quantise = Quantise{QuantiseKind::kPrecision, step, 0, 0, 0};
  return *this;
}

SchemaBuilder& SchemaBuilder::range(double min, double max, uint8_t bits) {
  last_field().quantise = Quantise{QuantiseKind::kRange, 0, min, max, bits};
  return *this;
}

SchemaBuilder& SchemaBuilder::quaternion_bits(uint8_t bits) {
  last_field().quantise = Quantise{QuantiseKind::kQuat, 0, 0, 0, bits};
  return *this;
}

SchemaBuilder& SchemaBuilder::server_only() {
  last_field().server_only = true;
  return *this;
}

SchemaBuilder& SchemaBuilder::lww() {
  last_field().policy = Policy::kLww;
  return *this;
}

SchemaBuilder& SchemaBuilder::merge(std::string merge_name) {
  last_field().policy = Policy::kMerge;
  last_field().merge_name = std::move(merge_name);
  return *this;
}

SchemaBuilder& SchemaBuilder::field_write(std::string role, AccessRule::Where where,
                                          std::string claim) {
  last_field().write.push_back(AccessRule{std::move(role), where, std::move(claim)});
  return *this;
}

SchemaBuilder& SchemaBuilder::since(uint32_t version) {
  last_field().since = version;
  return *this;
}

SchemaBuilder& SchemaBuilder::default_value(Value value) {
  last_field().default_value = std::move(value);
  return *this;
}

}  // namespace ecsdb
