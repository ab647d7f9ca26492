// Inside of the schema module: the canonical order, and validation that stops early.
#pragma once

#include "ecsdb/schema/schema.h"

namespace ecsdb {

/// Enums by name, tables, events and fields by id. Stable, so that duplicates keep their order.
void sort_schema(SchemaDef& def);

/// validate(), but no more than `max` problems: a hostile definition costs no more than its first.
std::vector<SchemaProblem> validate_up_to(const SchemaDef& def, size_t max);

}  // namespace ecsdb
