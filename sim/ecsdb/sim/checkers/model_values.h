// The oracle's own canonical values: what a field's value is turned into, what a reader then sees,
// and the hash of a row. Written from the design, not from the product's code, so that a mistake in
// one of the two shows.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "ecsdb/base/hash.h"
#include "ecsdb/schema/schema.h"

namespace ecsdb::sim {

/// A field's canonical integers, or its text.
struct Canonical {
  std::array<uint64_t, 4> lane{};
  std::string text;

  bool operator==(const Canonical&) const = default;
};

/// None if the value is not one of the field's: wrong type, NaN in a quantised field, out of range,
/// too long. Does not look for broken UTF-8.
std::optional<Canonical> canonical_of(const FieldDef& field, const Value& value);
Canonical canonical_default(const FieldDef& field);
/// What every reader sees.
Value readable_of(const FieldDef& field, const Canonical& canonical);
/// Edge of a grid cell over the field, in its steps: a whole number by the rules of schemas.
int64_t grid_edge_of(const CellRule& rule, const FieldDef& field);
/// Equal to the last bit; floats are compared as bits.
bool same_value(const Value& left, const Value& right);

/// Hash of one row as base/hash.h defines it.
class ModelRowHash {
 public:
  ModelRowHash(TableId table, EntityId entity);

  void add_field(const FieldDef& field, const Canonical& canonical);
  Digest finish() const;

 private:
  void add(uint64_t place, uint32_t word);
  void add_text(uint64_t place, const std::string& text);

  TableId table_;
  std::array<uint32_t, 4> sum_{};
};

}  // namespace ecsdb::sim
