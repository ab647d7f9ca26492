// Inside of schema_toml: one field, from its table in the text.
#pragma once

#include "ecsdb/schema/schema.h"
#include "ecsdb/toml/schema_places.h"

namespace ecsdb {

/// Reads `member` into a field. What is wrong goes to `problems`; the field comes back as far as it
/// could be read, with type 0 if its type could not. `enums` are those of the schema, for defaults.
FieldDef read_field_toml(const TomlMember& member, const std::string& path,
                         const SchemaPlace& place, const std::vector<EnumDef>& enums,
                         SchemaPlaces& places, std::vector<TextProblem>* problems);

}  // namespace ecsdb
