// Schemas on the wire: what is accepted encodes to the same bytes and can be used for tables.
//
//   input: the encoded schema
#include "ecsdb/schema/canonical.h"
#include "ecsdb/store/table.h"

#include "fuzz_input.h"

namespace ecsdb::fuzz {
namespace {

constexpr size_t kTablesTried = 4;

/// A row of the defaults is one that a peer may send.
void check_table(const TableDef& def, const TableLayout& layout) {
  Table table(def, layout, true);
  const RowIndex row = table.append(EntityId::make(1, 1, 1));
  for (uint16_t f = 0; f < layout.fields.size(); ++f) {
    const FieldLayout& field = layout.fields[f];
    if (field.text != kNoText) {
      ECSDB_CHECK(text_is_canonical(def.fields[f], table.text(row, field.text)));
      continue;
    }
    const LaneValues lanes = table.field_lanes(row, f);
    ECSDB_CHECK(lanes_are_canonical(def.fields[f], lanes));
    from_lanes(def.fields[f], lanes);
  }
  table.row_digest(row);
}

}  // namespace
}  // namespace ecsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ecsdb::Bytes bytes(data, data + size);
  const auto schema = ecsdb::decode_schema(bytes);
  if (!schema.ok()) return 0;
  ECSDB_CHECK(ecsdb::encode_schema(schema->def()) == bytes);
  for (size_t t = 0; t < std::min(schema->table_count(), ecsdb::fuzz::kTablesTried); ++t) {
    ecsdb::fuzz::check_table(schema->table(t), schema->layout(t));
  }
  return 0;
}
