// Inside of schema_toml: lists of who may read or write.
#pragma once

#include "ecsdb/schema/schema.h"
#include "ecsdb/toml/schema_places.h"

namespace ecsdb {

/// Reads the list under `key` ("read" or "write") of a table or field, whose place is `place`, if
/// it is there. What is wrong goes to `problems`; the rules come back as far as they could be read.
void read_access_toml(TomlTable& table, const SchemaPlace& place, const char* key,
                      SchemaPlaces& places, std::vector<AccessRule>& rules,
                      std::vector<TextProblem>* problems);

}  // namespace ecsdb
