// A schema from its TOML text; docs/SCHEMA.md shows the format.
#pragma once

#include <string_view>
#include <vector>

#include "ecsdb/schema/schema.h"
#include "ecsdb/toml/text_problem.h"

namespace ecsdb {

/// Reads a whole schema. On failure kSyntax or kSchemaInvalid, and `problems` holds every mistake,
/// sorted by place (a syntax error hides the rest, since the text cannot be read past it); show
/// them with render_problems. `problems` must not be null and is cleared first. `file_name` is only
/// for messages: no file is touched.
Result<Schema> parse_schema_toml(std::string_view text, std::string_view file_name,
                                 std::vector<TextProblem>* problems);

}  // namespace ecsdb
