// A schema in code, for tests and programs that need no file.
//
//   Result<Schema> schema = SchemaBuilder("tidepool", 3)
//                               .enumeration("team", {"none", "red", "blue"})
//                               .table(1, "ship").grid("pos", 64)
//                                   .field(1, "pos", FieldType::kVec2f).precision(0.01)
//                                   .text(2, "name", 24).default_value("anon")
//                               .event(1, "boom").follow("ship")
//                                   .field(1, "at", FieldType::kVec2f).precision(0.1)
//                               .build();
//
// Calls apply to the table, event or field begun last; a check fails if there is none. Everything
// else that can be wrong is reported by build(). A plain value, not thread-safe.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "ecsdb/schema/schema.h"

namespace ecsdb {

class SchemaBuilder {
 public:
  explicit SchemaBuilder(std::string name, uint32_t version = 1);

  SchemaBuilder& enumeration(std::string name, std::initializer_list<const char*> values);

  SchemaBuilder& table(uint16_t id, std::string name);
  SchemaBuilder& event(uint16_t id, std::string name);

  // The cell rule of the table or event; one cell without.
  SchemaBuilder& by(std::string field);
  SchemaBuilder& owner(std::string field);
  SchemaBuilder& grid(std::string field, double size);
  SchemaBuilder& follow(std::string table);
  /// Of an event, after follow(): its field that says in which of the table's cells it is.
  SchemaBuilder& at(std::string field);

  // Of a table, write() also of an event. Each call adds one alternative; an empty role is every
  // role.
  SchemaBuilder& read(std::string role, AccessRule::Where where = AccessRule::Where::kAny,
                      std::string claim = {});
  SchemaBuilder& write(std::string role, AccessRule::Where where = AccessRule::Where::kAny,
                       std::string claim = {});
  SchemaBuilder& codec(CodecTier tier);
  SchemaBuilder& transient();

  SchemaBuilder& field(uint16_t id, std::string name, FieldType type);
  SchemaBuilder& enum_field(uint16_t id, std::string name, std::string enum_name);
  SchemaBuilder& bits_field(uint16_t id, std::string name, uint8_t bit_count);
  /// A str field of at most `bytes_max` bytes.
  SchemaBuilder& text(uint16_t id, std::string name, uint32_t bytes_max);
  SchemaBuilder& bytes(uint16_t id, std::string name, uint32_t bytes_max);

  // Of the field.
  SchemaBuilder& precision(double step);
  SchemaBuilder& range(double min, double max, uint8_t bits);
  SchemaBuilder& quaternion_bits(uint8_t bits);
  SchemaBuilder& server_only();
  SchemaBuilder& lww();
  SchemaBuilder& merge(std::string merge_name);
  /// Adds one alternative to the field's write list, which narrows that of the table.
  SchemaBuilder& field_write(std::string role, AccessRule::Where where = AccessRule::Where::kAny,
                             std::string claim = {});
  SchemaBuilder& since(uint32_t version);
  SchemaBuilder& default_value(Value value);
  SchemaBuilder& default_value(const char* text) { return default_value(Value(std::string(text))); }

  const SchemaDef& def() const { return def_; }
  /// kSchemaInvalid with the first problem; validate(def()) lists them all.
  Result<Schema> build() const { return Schema::make(def_); }

 private:
  CellRule& cell();
  TableDef& last_table();
  FieldDef& last_field();
  std::vector<FieldDef>& fields();

  enum class Begun { kNothing, kTable, kEvent };
  SchemaDef def_;
  Begun begun_ = Begun::kNothing;
};

}  // namespace ecsdb
