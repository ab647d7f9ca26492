// The schema: what tables, fields, cells and events a database has, and how rows are laid out.
//
// A SchemaDef is plain data, filled by the TOML reader, the builder or the wire codec, in any order
// and possibly wrong. Schema::make checks it and computes the layout that store and codec work on.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ecsdb/base/hash.h"
#include "ecsdb/base/ids.h"
#include "ecsdb/base/result.h"
#include "ecsdb/schema/value.h"

namespace ecsdb {

// Limits of a schema; a larger one is refused when it is made and when it arrives on the wire.
inline constexpr size_t kTablesMax = 1024;
inline constexpr size_t kFieldsPerTableMax = 64;
inline constexpr size_t kEnumsMax = 256;
inline constexpr size_t kEnumValuesMax = 256;
inline constexpr size_t kEventsMax = 256;
inline constexpr size_t kAccessRulesMax = 32;
inline constexpr size_t kNameBytesMax = 64;
inline constexpr uint32_t kTextBytesMax = 65'536;
inline constexpr size_t kRowTextBytesMax = 131'072;  // of all replicated texts of a table together
inline constexpr size_t kSchemaBytesMax = 1u << 20;  // of the canonical form
inline constexpr size_t kSchemaProblemsMax = 100;    // that validate() reports before it stops
// Precisions outside of these would overflow a float or lose its normal range.
inline constexpr double kPrecisionMin = 1e-30;
inline constexpr double kPrecisionMax = 1e25;

/// Numbers are part of the canonical binary form; never change them.
enum class FieldType : uint8_t {
  kBool = 1,
  kU8 = 2,
  kU16 = 3,
  kU32 = 4,
  kU64 = 5,
  kI8 = 6,
  kI16 = 7,
  kI32 = 8,
  kI64 = 9,
  kF32 = 10,
  kF64 = 11,
  kVec2f = 12,
  kVec3f = 13,
  kQuatf = 14,
  kEnum = 15,
  kBits = 16,
  kEntity = 17,
  kPrincipal = 18,
  kStr = 19,
  kBytes = 20,
};

enum class QuantiseKind : uint8_t {
  kNone = 0,       // floats are opaque bits
  kPrecision = 1,  // k = floor(x / precision + 0.5), signed; f32 and vectors 32 bits, f64 64 bits
  kRange = 2,      // k in [0, 2^bits - 1] over [min, max]; bits 1..32
  kQuat = 3,       // smallest three: largest component 0..3 and three of `bits` bits, 2..16
};

struct Quantise {
  QuantiseKind kind = QuantiseKind::kNone;
  double precision = 0;
  double min = 0;
  double max = 0;
  uint8_t bits = 0;
  bool operator==(const Quantise&) const = default;
};

/// How concurrent writes to a field are settled.
enum class Policy : uint8_t { kServer = 0, kLww = 1, kMerge = 2 };

/// One alternative of a read or write list. A principal has the right if any one applies.
struct AccessRule {
  enum class Where : uint8_t { kAny = 0, kCellIsClaim = 1, kOwnerIsMe = 2 };
  std::string role;  // empty: every role
  Where where = Where::kAny;
  std::string claim;  // kCellIsClaim: the claim's name
  bool operator==(const AccessRule&) const = default;
};

struct FieldDef {
  FieldId id;
  std::string name;
  FieldType type = FieldType::kU32;
  Quantise quantise;
  std::string enum_name;     // kEnum: which enum
  uint8_t bit_count = 0;     // kBits: 1..64
  uint32_t bytes_max = 0;    // kStr, kBytes: the longest value
  bool server_only = false;  // never replicated, not in the digest
  Policy policy = Policy::kServer;
  std::string merge_name;              // kMerge
  uint32_t since = 1;                  // schema version that introduced it
  std::optional<Value> default_value;  // none: see default_lanes
  // Narrows the table's write list: both must allow. Empty: as the table.
  std::vector<AccessRule> write;
  // kEnum: how many values the enum has. Filled by Schema::make, not part of the canonical form;
  // 0: not resolved yet, to_lanes lets every number pass.
  uint16_t enum_size = 0;
  bool operator==(const FieldDef&) const = default;
};

enum class CellKind : uint8_t {
  kOne = 0,     // the whole table is one cell
  kValue = 1,   // cell = { by = "field" }: bool, integer, enum, entity or bit set field
  kOwner = 2,   // cell = { owner = "field" }: a principal field
  kGrid = 3,    // cell = { grid = "field", size = s }: a quantised (precision) vec2f or vec3f
  kFollow = 4,  // cell = { follow = "table" }: where the entity's row of that table is
};

struct CellRule {
  CellKind kind = CellKind::kOne;
  std::string target;   // the field's or table's name
  double size = 0;      // kGrid: a whole multiple of the field's precision
  std::string at = {};  // kFollow of an event: its field that says which cell; empty: the entity
  bool operator==(const CellRule&) const = default;
};

/// Block codec tier chosen for a table.
enum class CodecTier : uint8_t { kPlain = 0, kPacked = 1 };

struct TableDef {
  TableId id;
  std::string name;
  CellRule cell;
  std::vector<AccessRule> read;   // empty: every authenticated principal
  std::vector<AccessRule> write;  // empty: nobody
  CodecTier codec = CodecTier::kPacked;
  bool transient = false;
  std::vector<FieldDef> fields;
  bool operator==(const TableDef&) const = default;
};

struct EventDef {
  EventId id;
  std::string name;
  CellRule cell;                  // kOne: for everyone; kFollow: for who holds a table's cell
  std::vector<AccessRule> write;  // who may send it to the server; empty: nobody
  std::vector<FieldDef> fields;
  bool operator==(const EventDef&) const = default;
};

struct EnumDef {
  std::string name;
  std::vector<std::string> values;
  bool operator==(const EnumDef&) const = default;
};

struct SchemaDef {
  std::string name;
  uint32_t version = 1;
  std::vector<EnumDef> enums;
  std::vector<TableDef> tables;
  std::vector<EventDef> events;
  bool operator==(const SchemaDef&) const = default;
};

/// Where in a SchemaDef a problem is: the section, its place in the vector of that section, the
/// place of the field in it (-1: none) and the attribute ("type", "cell.grid", ...; may be empty).
struct SchemaPlace {
  enum class Section : uint8_t { kSchema, kEnum, kTable, kEvent };
  Section section = Section::kSchema;
  int index = -1;
  int field = -1;
  std::string attribute;
};

struct SchemaProblem {
  SchemaPlace place;
  std::string message;     // a sentence that says what is wrong and what to do
  std::string suggestion;  // a near name, or empty
};

/// All semantic errors of a definition (up to kSchemaProblemsMax), not just the first, in the order
/// of its sections. Empty: Schema::make will succeed, unless the whole is over kSchemaBytesMax.
///
/// Some rules that the names do not tell: a table or event whose fields are all server_only is
/// refused (it would replicate nothing), and so is a cell rule over a server_only field (changing
/// one raises no row version, so the row could not move). A field has a write list only in a table
/// that has one, and not if it is server_only.
/// `write = owner == me` needs an owner cell, a follow of a table that has one, or exactly one
/// principal field; `read = owner == me` needs one of the first two. The write list of an event has
/// the condition any only.
std::vector<SchemaProblem> validate(const SchemaDef& def);

/// A problem with its place in words: `table "ship", field "pos": ...`, then `did you mean ...?`.
std::string problem_text(const SchemaDef& def, const SchemaProblem& problem);

/// "vec2f", "enum", ...; "?" for a number that is no type.
std::string_view field_type_name(FieldType type);
/// The reverse; the bare "enum" and "bits" are types too.
std::optional<FieldType> field_type_from_name(std::string_view name);

/// Names of everything in a schema: a lower-case letter, then lower-case letters, digits and _, at
/// most kNameBytesMax bytes.
bool is_schema_name(std::string_view name);

/// The candidate nearest to `name` by edit distance, if near enough to be what was meant.
std::optional<std::string> nearest_name(std::string_view name,
                                        std::span<const std::string> candidates);

enum class LaneKind : uint8_t { kUnsigned, kSigned, kFloat };

/// Rows are stored and sent as lanes: fixed-width integers. A scalar field has one, a vector one
/// per component, an unquantised quaternion four, a quantised one {largest, a, b, c}. Floats are
/// their IEEE bits. Signed lanes are kept sign-extended wherever they are 64 bits wide.
struct Lane {
  uint16_t field = 0;  // index into TableLayout::fields
  uint8_t width = 8;   // bytes: 1, 2, 4 or 8
  LaneKind kind = LaneKind::kUnsigned;
  uint64_t max = 0;  // kUnsigned: the largest canonical value
  // False for what packed blocks do not predict: the largest component of a quantised quaternion,
  // and a field of one bit, which has flipped when it has changed.
  bool is_predicted = true;
  bool is_flag = false;  // a field of one bit
  bool operator==(const Lane&) const = default;
};

inline constexpr uint16_t kNoText = 0xffff;

struct FieldLayout {
  uint16_t lane_first = 0;
  uint16_t lane_count = 0;  // 0 for text fields
  uint16_t text = kNoText;  // index of the text column of a str or bytes field
  bool server_only = false;
  bool is_smallest_three = false;  // a quantised quaternion: lanes {largest, a, b, c}
  uint8_t replicated_bit = 0;  // bit of this field in presence masks; meaningless if server_only
  bool operator==(const FieldLayout&) const = default;
};

/// Fields stand in order of field id.
struct TableLayout {
  TableId id;
  uint16_t index = 0;  // of the table in Schema::tables()
  std::vector<Lane> lanes;
  std::vector<FieldLayout> fields;
  uint16_t text_count = 0;
  std::vector<uint16_t> replicated;  // indices of the fields that are not server_only, by id
  std::vector<uint16_t> followers;   // table indices whose cell rule follows this table
  // Cell rule, resolved. kGrid: cell_field's lanes are divided by cell_steps.
  CellKind cell_kind = CellKind::kOne;
  uint16_t cell_field = 0;
  uint16_t follow_table = 0;
  int64_t cell_steps = 1;
  bool operator==(const TableLayout&) const = default;

  /// Calls `call(lane, bit of its field in masks)` for the predicted lanes, by field.
  template <class Call>
  void for_each_predicted(Call&& call) const {
    for (const uint16_t at : replicated) {
      const FieldLayout& field = fields[at];
      for (uint16_t k = 0; k < field.lane_count; ++k) {
        const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
        if (lanes[lane].is_predicted) call(lane, uint64_t{1} << field.replicated_bit);
      }
    }
  }
  /// Lanes and texts that are not server_only.
  size_t replicated_columns() const {
    size_t count = 0;
    for (const uint16_t at : replicated) {
      count += fields[at].text == kNoText ? fields[at].lane_count : 1;
    }
    return count;
  }
  uint64_t replicated_mask() const {
    return replicated.size() == 64 ? ~uint64_t{0} : (uint64_t{1} << replicated.size()) - 1;
  }
};

/// A checked schema with its layout: tables sorted by id, fields by id. An immutable value; safe to
/// read from several threads.
class Schema {
 public:
  Schema() = default;  // no tables

  /// Sorts, checks and lays out. kSchemaInvalid with the first problem's text if there is one.
  static Result<Schema> make(SchemaDef def);

  const SchemaDef& def() const { return def_; }
  size_t table_count() const { return layouts_.size(); }
  const TableDef& table(size_t index) const { return def_.tables[index]; }
  const TableLayout& layout(size_t index) const { return layouts_[index]; }
  std::optional<uint16_t> table_index(TableId id) const;
  std::optional<uint16_t> table_index(std::string_view name) const;
  std::optional<uint16_t> field_index(size_t table, std::string_view name) const;
  /// Place of an event in def().events.
  std::optional<uint16_t> event_index(EventId id) const;
  std::optional<uint16_t> event_index(std::string_view name) const;
  const EnumDef* find_enum(std::string_view name) const;
  /// 128-bit hash of the canonical binary form.
  Hash128 fingerprint() const { return fingerprint_; }

 private:
  SchemaDef def_;
  std::vector<TableLayout> layouts_;
  Hash128 fingerprint_;
};

}  // namespace ecsdb
